#include "cli/segment_usage_priv.h"

#include "base/mem.h"
#include "cli/used_in.h"
#include "model/meaning.h"

#include <stdlib.h>
#include <string.h>

static const enum cdp_source sources[CDP_USAGE_KINDS] = {
	[CDP_USAGE_SEGMENT] = CDP_SOURCE_SEGMENT,
	[CDP_USAGE_TAG] = CDP_SOURCE_TAG,
	[CDP_USAGE_OTHER] = CDP_SOURCE_ENTITY,
};

const char *cdp_usage_kind_name(enum cdp_usage_kind kind)
{
	return cdp_source_name(sources[kind]);
}

/* --- what there is --- */

uint32_t cdp_usage_find(const struct cdp_usage_view *u, enum cdp_usage_kind kind,
			const char *name)
{
	uint32_t i = cdp_intern_get(u->names[kind], name, strlen(name));

	return i == CDP_INTERN_NONE ? i : u->number[kind][i];
}

static void call(struct cdp_usage_view *u, enum cdp_usage_kind kind, const char *name)
{
	u->number[kind][cdp_intern_put(u->names[kind], name, strlen(name), NULL)] = u->n;
}

/* It is also what expressions of other entities call it. */
static const char *call_of_entity(struct cdp_usage_view *u, const char *entity,
				  const char *tag)
{
	char *name = cdp_asprintf("%s.tags.%s", entity, tag);
	const char *kept = cdp_arena_strndup(&u->texts, name, strlen(name));

	free(name);
	call(u, CDP_USAGE_OTHER, kept);
	return kept;
}

static struct cdp_usage_item *add_item(struct cdp_usage_view *u, enum cdp_usage_kind kind,
				       enum cdp_usage_standing standing, uint32_t at,
				       const char *name)
{
	struct cdp_usage_item *i = &u->v[u->n];

	*i = (struct cdp_usage_item){ .kind = kind,
				      .standing = standing,
				      .at = at,
				      .name = name,
				      .word = name,
				      .duplicate = CDP_INTERN_NONE,
				      .seconds = -1 };
	if (kind != CDP_USAGE_OTHER) {
		call(u, kind, name);
		i->past = cdp_past_find(u->past, (enum cdp_past_kind)kind, name);
	}
	return i;
}

static void add_tags(struct cdp_usage_view *u)
{
	const char *entity = cdp_segment_lineage_entity(u->q->lineage);

	for (uint32_t i = 0; u->tags && i < u->tags->count; i++, u->n++) {
		const char *name = u->tags->tags[i].name;

		add_item(u, CDP_USAGE_TAG, CDP_STANDING_CURRENT, i, name);
		call_of_entity(u, entity, name);
	}
}

static void add_segments(struct cdp_usage_view *u)
{
	for (uint32_t i = 0; i < u->set->defined; i++, u->n++)
		add_item(u, CDP_USAGE_SEGMENT,
			 cdp_segment_has_expired(&u->set->v[i], &u->cli->opt.run)
				 ? CDP_STANDING_EXPIRED
				 : CDP_STANDING_CURRENT,
			 i, u->set->v[i].name);
}

static void add_stopped(struct cdp_usage_view *u)
{
	for (uint32_t i = 0; u->tags && i < cdp_intern_count(u->tags->stopped);
	     i++, u->n++) {
		size_t n;
		const char *name = cdp_intern_key(u->tags->stopped, i, &n);

		name = cdp_arena_strndup(&u->texts, name, n);
		add_item(u, CDP_USAGE_TAG, CDP_STANDING_STOPPED, i, name);
	}
}

static void add_stored(struct cdp_usage_view *u, enum cdp_past_kind kind)
{
	for (uint32_t i = 0; i < cdp_past_count(u->past, kind); i++) {
		const struct cdp_past_of *o = cdp_past_at(u->past, kind, i);

		if (!o->versions || cdp_usage_find(u, (enum cdp_usage_kind)kind,
						   o->name) != CDP_INTERN_NONE)
			continue;
		add_item(u, (enum cdp_usage_kind)kind, CDP_STANDING_NONE, 0, o->name);
		u->n++;
	}
}

static void add_others(struct cdp_usage_view *u)
{
	for (size_t k = 0; k < u->other_count; k++) {
		const struct cdp_segment_lineage_other *o = &u->others[k];

		for (uint32_t i = 0; i < o->tags->count; i++, u->n++) {
			const char *tag = o->tags->tags[i].name,
				   *name = call_of_entity(u, o->entity, tag);

			add_item(u, CDP_USAGE_OTHER, CDP_STANDING_CURRENT, i, name)
				->word = tag;
		}
	}
}

/* Tags, then audiences, in the order of their definitions; the others. */
static void add_items(struct cdp_usage_view *u)
{
	size_t most = u->set->defined + 1;

	if (u->tags)
		most += u->tags->count + cdp_intern_count(u->tags->stopped) +
			cdp_past_count(u->past, CDP_PAST_TAGS);
	most += cdp_past_count(u->past, CDP_PAST_AUDIENCES);
	for (size_t k = 0; k < u->other_count; k++)
		most += u->others[k].tags->count;
	u->v = cdp_alloc(most * sizeof(*u->v));
	for (int k = 0; k < CDP_USAGE_KINDS; k++) {
		u->names[k] = cdp_intern_new(0);
		u->number[k] = cdp_alloc(most * sizeof(**u->number));
	}
	add_tags(u);
	add_segments(u);
	add_stopped(u);
	add_stored(u, CDP_PAST_AUDIENCES);
	if (u->tags)
		add_stored(u, CDP_PAST_TAGS);
	add_others(u);
}

static bool put_meaning(const struct cdp_usage_view *u, const struct cdp_usage_item *t,
			struct cdp_buf *b)
{
	if (t->standing > CDP_STANDING_EXPIRED || t->kind == CDP_USAGE_OTHER)
		return false;
	return t->kind == CDP_USAGE_TAG ? cdp_tag_meaning(&u->tags->tags[t->at], b)
					: cdp_segment_meaning(u->set, t->at, b);
}

static void find_duplicates(struct cdp_usage_view *u, enum cdp_usage_kind kind)
{
	struct cdp_intern *meanings = cdp_intern_new(0);
	uint32_t *first = cdp_alloc(((size_t)u->n + 1) * sizeof(*first));
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < u->n; i++) {
		bool added;
		uint32_t m;

		if (u->v[i].kind != kind || !put_meaning(u, &u->v[i], &b))
			continue;
		m = cdp_intern_put(meanings, b.p, b.n, &added);
		if (added)
			first[m] = i;
		else
			u->v[i].duplicate = first[m];
	}
	cdp_buf_release(&b);
	free(first);
	cdp_intern_free(meanings);
}

/* --- what reads what --- */

static void add_edge(struct cdp_usage_view *u, uint32_t reader, enum cdp_usage_kind kind,
		     const char *name)
{
	uint32_t to = cdp_usage_find(u, kind, name);

	if (to != CDP_INTERN_NONE)
		cdp_usage_reads(u->graph, reader, to);
	else if (kind == CDP_USAGE_TAG && strcmp(name, "*") == 0)
		for (uint32_t i = 0; u->tags && i < u->tags->count; i++)
			cdp_usage_reads(u->graph, reader, i);
}

static void add_edges(struct cdp_usage_view *u, const struct cdp_lineage *l,
		      uint32_t first)
{
	for (size_t i = 0; l && i < cdp_lineage_count(l); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(l, i);

		for (int k = 0; k < CDP_USAGE_KINDS; k++)
			if (e->source == sources[k])
				add_edge(u, first + e->reader, (enum cdp_usage_kind)k,
					 e->name);
	}
}

/* Their own tags they call by name alone. */
static void add_edges_of_other(struct cdp_usage_view *u,
			       const struct cdp_segment_lineage_other *o, uint32_t first)
{
	for (size_t i = 0; i < cdp_lineage_count(o->edges); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(o->edges, i);
		uint32_t to;

		if (e->source == CDP_SOURCE_ENTITY) {
			add_edge(u, first + e->reader, CDP_USAGE_OTHER, e->name);
		} else if (e->source == CDP_SOURCE_TAG) {
			to = cdp_intern_get(o->tags->names, e->name, strlen(e->name));
			cdp_usage_reads(u->graph, first + e->reader, first + to);
		}
	}
}

/* What was handed over was used.  What has expired was there before, what no version has
 * is younger than all of them. */
static void add_past(struct cdp_usage_view *u, uint32_t i)
{
	const struct cdp_usage_item *t = &u->v[i];
	const struct cdp_past_of *o = t->past;
	int64_t there = t->kind == CDP_USAGE_SEGMENT ? CDP_USAGE_YOUNG : CDP_USAGE_NEVER;
	struct cdp_time end;

	if (o && o->batch)
		cdp_usage_at(u->graph, i,
			     cdp_time_canon_ms(o->batch->as_of, CDP_TIME_CANON));
	if (o && o->versions) {
		there = o->first;
	} else if (t->standing == CDP_STANDING_EXPIRED) {
		cdp_segment_expiry(&u->set->v[t->at], u->cli->opt.run.zone, &end);
		there = cdp_time_ms(end);
	}
	cdp_usage_there(u->graph, i, there);
}

static const char *name_of(const void *items, unsigned i)
{
	return ((const struct cdp_usage_item *)items)[i].word;
}

static int add_files(struct cdp_usage_view *u)
{
	const struct cdp_strs *files = u->q->used_in;
	bool *used = cdp_alloc((size_t)u->n + 1);
	int rc = 0;

	for (size_t f = 0; f < files->n && rc == 0; f++) {
		const struct cdp_strs one = { .v = &files->v[f], .n = 1 };

		memset(used, 0, u->n);
		rc = cdp_cli_used_in(u->cli, &one, u->n, name_of, u->v, used);
		for (uint32_t i = 0; rc == 0 && i < u->n; i++)
			if (used[i])
				cdp_usage_names(u->graph, (unsigned)f, i);
	}
	free(used);
	return rc;
}

static void add_all_edges(struct cdp_usage_view *u)
{
	const struct cdp_segment_lineage *l = u->q->lineage;
	uint32_t tags = u->tags ? u->tags->count : 0, at = tags + u->set->defined;

	add_edges(u, cdp_segment_lineage_of_tags(l), 0);
	add_edges(u, cdp_segment_lineage_of_segments(l), tags);
	for (unsigned i = 0; u->tags && i < u->tags->halted_count; i++)
		for (size_t k = 0; k < u->tags->halted[i].n; k++)
			cdp_usage_reads(u->graph, at + i, u->tags->halted[i].v[k]);
	at = u->n;
	for (size_t k = u->other_count; k-- > 0;) {
		at -= u->others[k].tags->count;
		add_edges_of_other(u, &u->others[k], at);
	}
}

/* 1: a file could not be read, which was told. */
static int connect(struct cdp_usage_view *u)
{
	u->graph = cdp_usage_new(u->n, (unsigned)u->q->used_in->n);
	add_all_edges(u);
	for (uint32_t i = 0; i < u->n; i++)
		add_past(u, i);
	if (add_files(u) < 0)
		return 1;
	cdp_usage_settle(u->graph);
	for (uint32_t i = 0; i < u->n; i++)
		u->v[i].from = cdp_usage_idle(u->graph, i);
	return 0;
}

/* --- which of them --- */

static int choose_retired(struct cdp_usage_view *u, struct cdp_err *err)
{
	const struct cdp_strs *retire = &u->q->o->retire;

	for (size_t i = 0; i < retire->n; i++) {
		uint32_t at = CDP_INTERN_NONE;

		for (enum cdp_usage_kind kind = 0; kind <= CDP_USAGE_TAG; kind++) {
			const char *name = cdp_usage_kind_name(kind),
				   *what = retire->v[i];
			size_t n = strlen(name);

			if (strncmp(what, name, n) == 0 && what[n] == ':')
				at = cdp_usage_find(u, kind, what + n + 1);
		}
		if (at == CDP_INTERN_NONE)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "--retire: there is no '%s', such as "
					   "'segment:buyers' or 'tag:tier'",
					   retire->v[i]);
		u->v[at].going = u->v[at].shown = true;
	}
	return 0;
}

static int choose_segments(struct cdp_usage_view *u, struct cdp_err *err)
{
	const struct cdp_strs *only = &u->q->store->only;

	for (size_t i = 0; i < only->n; i++) {
		uint32_t at = cdp_usage_find(u, CDP_USAGE_SEGMENT, only->v[i]);

		if (at == CDP_INTERN_NONE)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "--segment: neither defined nor stored is "
					   "'%s'",
					   only->v[i]);
		u->v[at].shown = true;
	}
	return 0;
}

static int choose(struct cdp_usage_view *u, struct cdp_err *err)
{
	bool all = u->q->o->retire.n + u->q->store->only.n == 0;

	for (uint32_t i = 0; i < u->n; i++)
		u->v[i].shown = all && u->v[i].kind != CDP_USAGE_OTHER;
	return choose_retired(u, err) < 0 ? -1 : choose_segments(u, err);
}

/* --- all --- */

static int look(struct cdp_usage_view *u, struct cdp_err *err)
{
	const struct cdp_segment_store_opts *o = u->q->store;
	int rc;

	u->others = cdp_segment_lineage_others(u->q->lineage, &u->other_count, err);
	if (u->others)
		u->past = cdp_past_read(o->store, o->dir,
					cdp_time_ms(u->cli->opt.run.as_of), err);
	if (!u->past)
		return -1;
	add_items(u);
	find_duplicates(u, CDP_USAGE_TAG);
	find_duplicates(u, CDP_USAGE_SEGMENT);
	if (choose(u, err) < 0)
		return -1;
	rc = cdp_usage_read_costs(u, err);
	if (rc == 0)
		rc = connect(u);
	return rc == 0 ? cdp_usage_write(u, err) : rc;
}

int cdp_segment_usage(struct cdp_cli *cli, const struct cdp_segment_usage *q,
		      struct cdp_err *err)
{
	struct cdp_usage_view u = { .cli = cli,
				    .q = q,
				    .set = q->set,
				    .tags = cdp_segment_lineage_tags(q->lineage) };
	int rc;

	cdp_arena_init(&u.texts);
	rc = look(&u, err);
	for (int k = 0; k < CDP_USAGE_KINDS; k++) {
		cdp_intern_free(u.names[k]);
		free(u.number[k]);
	}
	free(u.v);
	cdp_usage_free(u.graph);
	cdp_past_free(u.past);
	cdp_arena_release(&u.texts);
	return rc < 0 ? -1 : 0;
}
