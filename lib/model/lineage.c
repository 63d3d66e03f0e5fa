#include "model/lineage.h"

#include "lang/pop.h"

#include <stdlib.h>
#include <string.h>

struct cdp_lineage {
	const struct cdp_tagset *set;
	struct cdp_arena names;
	struct cdp_lineage_edge *v;
	size_t n, cap;
	const struct cdp_intern *tags; /* known names, or NULL */
	unsigned reader;               /* at hand */
};

const char *cdp_source_name(enum cdp_source s)
{
	static const char *const names[] = {
		"tag",  "attribute", "detail", "relation", "entity", "event",   "member",
		"file", "program",   "id",     "segment",  "zone",   "schedule"
	};

	return names[s];
}

static void add(struct cdp_lineage *l, enum cdp_source source, const char *p, size_t n)
{
	CDP_GROW(l->v, l->n, l->cap);
	l->v[l->n++] = (struct cdp_lineage_edge){
		.reader = l->reader,
		.source = source,
		.name = cdp_arena_strndup(&l->names, p, n),
	};
}

static void add_entity(struct cdp_lineage *l, int ref)
{
	const struct cdp_entities *e = l->set->entities;
	struct cdp_buf b;
	bool tags;
	size_t n;
	const char *member = cdp_entities_member(e, ref, &n);

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, cdp_entities_name(e, cdp_entity_ref_table(ref), &tags));
	cdp_buf_adds(&b, tags ? ".tags." : ".");
	cdp_buf_add(&b, member, n);
	add(l, CDP_SOURCE_ENTITY, b.p, b.n);
	cdp_buf_release(&b);
}

static void add_host(struct cdp_lineage *l, int ref)
{
	const struct cdp_tagset *s = l->set;
	uint32_t i = cdp_tag_ref_index(ref);
	enum cdp_source source = CDP_SOURCE_ATTRIBUTE;
	const struct cdp_intern *names = s->attributes;
	const char *p;
	size_t n;

	switch (cdp_tag_ref_kind(ref)) {
	case CDP_TAG_REF_TAG:
		add(l, CDP_SOURCE_TAG, s->tags[i].name, strlen(s->tags[i].name));
		return;
	case CDP_TAG_REF_ATTRIBUTE:
		break;
	case CDP_TAG_REF_DETAIL:
		source = CDP_SOURCE_DETAIL;
		names = s->details;
		break;
	case CDP_TAG_REF_RELATION:
	case CDP_TAG_REF_LINK:
		source = CDP_SOURCE_RELATION;
		names = s->relations;
		break;
	}
	p = cdp_intern_key(names, i, &n);
	add(l, source, p, n);
}

/* Which events are read is told by their names. */
static void add_member(void *ctx, const char *name, size_t n)
{
	if (n == 5 && memcmp(name, "event", 5) == 0)
		return;
	add(ctx, CDP_SOURCE_MEMBER, name, n);
}

static void add_use(void *ctx, enum cdp_use what, int number);

static void add_event_part(struct cdp_lineage *l, const struct cdp_expr *e)
{
	if (!e)
		return;
	cdp_expr_uses(e, add_use, l);
	cdp_expr_members(e, add_member, l);
}

static void add_aggregate(struct cdp_lineage *l, const struct cdp_agg *a)
{
	size_t n;
	const char *const *events = cdp_agg_events(a, &n);

	if (n == 0)
		add(l, CDP_SOURCE_EVENT, "*", 1);
	for (size_t i = 0; i < n; i++)
		add(l, CDP_SOURCE_EVENT, events[i], strlen(events[i]));
	add_event_part(l, a->arg);
	add_event_part(l, a->by);
	add_event_part(l, a->cond);
	for (unsigned i = 0; i < a->step_count; i++)
		add_event_part(l, a->steps[i]);
}

static void add_use(void *ctx, enum cdp_use what, int number)
{
	struct cdp_lineage *l = ctx;
	const struct cdp_pop *f;

	switch (what) {
	case CDP_USE_HOST:
		add_host(l, number);
		break;
	case CDP_USE_AGG:
		add_aggregate(l, cdp_aggs_at(l->set->aggs, (unsigned)number));
		break;
	case CDP_USE_POP:
		f = cdp_pops_at(l->set->pops, (unsigned)number);
		cdp_expr_uses(f->arg, add_use, l);
		if (f->cond)
			cdp_expr_uses(f->cond, add_use, l);
		break;
	case CDP_USE_ENTITY:
		add_entity(l, number);
		break;
	}
}

/* Every expression over a customer that the tag has. */
static void each_expression(const struct cdp_tag *t,
			    void (*use)(void *ctx, enum cdp_use what, int number),
			    void *ctx)
{
	if (t->value)
		cdp_expr_uses(t->value, use, ctx);
	for (size_t i = 0; i < t->layer_count; i++)
		cdp_expr_uses(t->layers[i].when, use, ctx);
	for (size_t i = 0; t->program && i < t->program->input_count; i++)
		cdp_expr_uses(t->program->inputs[i].value, use, ctx);
	if (t->program && t->program->among)
		cdp_expr_uses(t->program->among, use, ctx);
}

static void add_given(struct cdp_lineage *l, const struct cdp_tag *t)
{
	if (t->about.zone)
		add(l, CDP_SOURCE_ZONE, cdp_zone_name(t->about.zone),
		    strlen(cdp_zone_name(t->about.zone)));
	if (t->about.schedule)
		add(l, CDP_SOURCE_SCHEDULE, cdp_schedule_text(t->about.schedule),
		    strlen(cdp_schedule_text(t->about.schedule)));
	for (size_t i = 0; t->import && i < t->import->count; i++)
		add(l, CDP_SOURCE_FILE, t->import->files[i], strlen(t->import->files[i]));
	if (t->program)
		add(l, CDP_SOURCE_PROGRAM, t->program->argv[0],
		    strlen(t->program->argv[0]));
}

static int compare(const void *a, const void *b)
{
	const struct cdp_lineage_edge *x = a, *y = b;

	if (x->reader != y->reader)
		return x->reader < y->reader ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void put_in_order(struct cdp_lineage *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || compare(&l->v[i], &l->v[n - 1]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

struct cdp_lineage *cdp_lineage_new(const struct cdp_tagset *set)
{
	struct cdp_lineage *l = cdp_calloc(1, sizeof(*l));

	l->set = set;
	cdp_arena_init(&l->names);
	for (unsigned i = 0; i < set->count; i++) {
		l->reader = i;
		each_expression(&set->tags[i], add_use, l);
		add_given(l, &set->tags[i]);
	}
	put_in_order(l);
	return l;
}

/* --- audiences --- */

/* "tags.aum" is the tag, "tags.interest.change" a member of one. */
static void add_tag(struct cdp_lineage *l, const char *p, size_t n)
{
	const char *dot = memchr(p, '.', n);

	if (dot && (!l->tags || cdp_intern_get(l->tags, p, n) == CDP_INTERN_NONE))
		n = (size_t)(dot - p);
	add(l, CDP_SOURCE_TAG, p, n);
}

static void add_profile_member(void *ctx, const char *name, size_t n)
{
	static const char *const plain[] = { "as_of", "one_id" };
	const char *dot = memchr(name, '.', n);

	for (size_t i = 0; i < 2; i++)
		if (strlen(plain[i]) == n && memcmp(plain[i], name, n) == 0)
			return;
	if (dot && n > 5 && memcmp(name, "tags.", 5) == 0)
		add_tag(ctx, name + 5, n - 5);
	else if (dot && n > 4 && memcmp(name, "ids.", 4) == 0)
		add(ctx, CDP_SOURCE_ID, name + 4, n - 4);
	else /* all of them */
		add(ctx, name[0] == 't' ? CDP_SOURCE_TAG : CDP_SOURCE_ID, "*", 1);
}

static void add_entities(void *ctx, enum cdp_use what, int number)
{
	if (what == CDP_USE_ENTITY)
		add_entity(ctx, number);
}

static void add_leaf(struct cdp_lineage *l, const struct cdp_rule_leaf *leaf)
{
	cdp_expr_members(leaf->expr, add_profile_member, l);
	cdp_expr_uses(leaf->expr, add_entities, l);
	for (size_t i = 0; i < leaf->asks.n; i++) {
		uint32_t ask = leaf->asks.v[i];

		if (cdp_rule_ask_kind(ask) == CDP_RULE_ASK_AGG)
			add_aggregate(l,
				      cdp_aggs_at(l->set->aggs, cdp_rule_ask_index(ask)));
		else
			add_host(l, (int)ask);
	}
}

/* Rules are as deep as their brackets. */
static void add_rule(struct cdp_lineage *l, const struct cdp_rules *r, uint32_t node)
{
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);

	if (n->kind == CDP_RULE_LEAF)
		add_leaf(l, &r->leaves[kids[0]]);
	else if (n->kind != CDP_RULE_SET)
		for (uint32_t i = 0; i < n->count; i++)
			add_rule(l, r, kids[i]);
}

static void add_lists(struct cdp_lineage *l, const struct cdp_segments *s, unsigned i)
{
	for (unsigned k = 0; k < s->list_count; k++) {
		const struct cdp_list_def *d = &s->lists[k];

		for (char **f = d->files; d->segment == i && *f; f++)
			add(l, CDP_SOURCE_FILE, *f, strlen(*f));
		for (char **b = d->block; d->segment == i && b && *b; b++)
			add(l, CDP_SOURCE_SEGMENT, *b, strlen(*b));
	}
}

struct cdp_lineage *cdp_lineage_of_segments(const struct cdp_segments *s,
					    const struct cdp_intern *tags)
{
	struct cdp_lineage *l = cdp_calloc(1, sizeof(*l));

	l->set = s->asked;
	l->tags = tags;
	cdp_arena_init(&l->names);
	for (unsigned i = 0; i < s->defined; i++) {
		const struct cdp_segment *g = &s->v[i];

		l->reader = i;
		if (g->rule != CDP_RULE_GIVEN)
			add_rule(l, s->rules, g->rule);
		if (g->cut > CDP_CUT_SAMPLE)
			cdp_expr_members(s->by[g->by], add_profile_member, l);
		for (size_t k = 0; k < g->needs.n; k++)
			if (!s->v[g->needs.v[k]].list)
				add(l, CDP_SOURCE_SEGMENT, s->v[g->needs.v[k]].name,
				    strlen(s->v[g->needs.v[k]].name));
		add_lists(l, s, i);
	}
	put_in_order(l);
	return l;
}

void cdp_lineage_free(struct cdp_lineage *l)
{
	if (!l)
		return;
	cdp_arena_release(&l->names);
	free(l->v);
	free(l);
}

size_t cdp_lineage_count(const struct cdp_lineage *l)
{
	return l->n;
}

const struct cdp_lineage_edge *cdp_lineage_at(const struct cdp_lineage *l, size_t i)
{
	return &l->v[i];
}

/* --- aggregates --- */

struct aggregates {
	const struct cdp_tagset *set;
	struct cdp_needs *out;
};

static void note_aggregate(void *ctx, enum cdp_use what, int number)
{
	struct aggregates *a = ctx;
	const struct cdp_pop *f;

	if (what == CDP_USE_AGG)
		cdp_needs_add(a->out, (uint32_t)number);
	if (what != CDP_USE_POP)
		return;
	f = cdp_pops_at(a->set->pops, (unsigned)number);
	cdp_expr_uses(f->arg, note_aggregate, a);
	if (f->cond)
		cdp_expr_uses(f->cond, note_aggregate, a);
}

void cdp_tag_aggregates(const struct cdp_tagset *set, unsigned tag, struct cdp_needs *out)
{
	struct aggregates a = { set, out };

	each_expression(&set->tags[tag], note_aggregate, &a);
}
