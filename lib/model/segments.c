#include "model/segments.h"

#include "base/mem.h"
#include "model/segattrs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_name(struct cdp_segments *s, const char *name, size_t n,
		    struct cdp_err *err);

/* Where the rule of an imported audience has who stands in its list. */
static const char list_root[] = "imported";

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	struct cdp_segments *s = host;
	const struct cdp_segments_given *given = s->given;
	size_t n;
	uint32_t i;

	if (strcmp(names[0], "segments") != 0 && strcmp(names[0], list_root) != 0)
		return cdp_tagset_resolve(s->asked, names, count, used, err);
	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'segments' needs a name: 'segments.NAME'");
	*used = 2;
	if (strcmp(names[0], list_root) == 0)
		return (int)s->lists[s->list_count - 1].given; /* that is at hand */
	n = strlen(names[1]);
	i = cdp_intern_get(s->names, names[1], n);
	if (i != CDP_INTERN_NONE)
		return (int)i;
	if (given->knows && n && given->knows(given->ctx, names[1], n))
		return add_name(s, names[1], n, err) < 0 ? -1 : (int)s->count - 1;
	return cdp_depend_unknown(s->names, "segment", names[1], err);
}

static int type_of(void *host, int ref)
{
	(void)host;
	switch (cdp_rule_ask_kind((uint32_t)ref)) {
	case 0: /* an audience */
		return CDP_V_BOOL;
	case CDP_TAG_REF_ATTRIBUTE:
		return -1;
	default:
		return CDP_V_LIST;
	}
}

static int add_name(struct cdp_segments *s, const char *name, size_t n,
		    struct cdp_err *err)
{
	bool added;

	cdp_intern_put(s->names, name, n, &added);
	if (n == 0 || !added)
		return cdp_err_set(err, CDP_ERR_USAGE, "segments[%u].name: '%s' %s",
				   s->count, name, n ? "stands twice" : "is empty");
	CDP_GROW(s->v, s->count, s->cap);
	s->v[s->count++] = (struct cdp_segment){ .name = cdp_strndup(name, n),
						 .rule = CDP_RULE_GIVEN };
	return 0;
}

/* A name stands in messages and in lists of names, a line each. */
static int check_name(const char *name, const char *where, struct cdp_err *err)
{
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s.name: holds a control character", where);
	return 0;
}

/* Names first, so that a rule may refer to what stands below it. */
static int load_names(struct cdp_segments *s, const json_t *list, struct cdp_err *err)
{
	const struct cdp_intern *given = s->given->names;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = NULL;
		char where[32];

		snprintf(where, sizeof(where), "segments[%zu]", i);
		if (!json_is_object(o))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
					   where);
		if (cdp_tree_str(o, "name", &name, true, where, err) < 0 ||
		    check_name(name, where, err) < 0 ||
		    add_name(s, name, strlen(name), err) < 0)
			return -1;
	}
	s->defined = s->count;
	for (uint32_t i = 0; given && i < cdp_intern_count(given); i++) {
		size_t n;
		const char *name = cdp_intern_key(given, i, &n);

		if (cdp_intern_get(s->names, name, n) == CDP_INTERN_NONE &&
		    add_name(s, name, n, err) < 0)
			return -1;
	}
	return 0;
}

static char *note_of(const json_t *o)
{
	json_t *rest;
	char *text, *note;

	if (json_object_size(o) == 2 && json_object_get(o, "when"))
		return cdp_strdup("{}"); /* a name and a rule, as most of very many */
	rest = json_copy((json_t *)o);
	json_object_del(rest, "name");
	json_object_del(rest, "when");
	text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		cdp_mem_exhausted();
	note = cdp_strdup(text);
	free(text);
	json_decref(rest);
	return note;
}

/* Those who stand in the list are an audience that is given; its key cannot be a name. */
static int load_list(struct cdp_segments *s, unsigned i, const json_t *o, char **rule,
		     struct cdp_err *err)
{
	struct cdp_buf key;
	struct cdp_list_def *d;

	if (json_object_get(o, "when"))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "when: it is imported; a rule of another audience may "
				   "ask for segments.%s",
				   s->v[i].name);
	CDP_GROW(s->lists, s->list_count, s->list_cap);
	d = &s->lists[s->list_count++];
	if (cdp_list_def_load(d, json_object_get(o, "import"),
			      s->given->key ? s->given->key : "one_id", err) < 0)
		return -1;
	d->segment = i;
	d->given = s->count;
	cdp_buf_init(&key, CDP_BUF_NOMAX);
	cdp_buf_add(&key, s->v[i].name, strlen(s->v[i].name) + 1);
	cdp_buf_adds(&key, list_root);
	add_name(s, key.p, key.n, err);
	cdp_buf_release(&key);
	s->v[d->given].list = true;
	*rule = cdp_asprintf("%s.l%u", list_root, d->given);
	return 0;
}

static int load_rule(struct cdp_segments *s, unsigned i, const json_t *o,
		     const json_t *classes, const struct cdp_env *env,
		     struct cdp_err *err)
{
	static const char *const list_roots[] = { list_root, NULL };
	bool listed = json_object_get(o, "import");
	struct cdp_env own = *env;
	const char *when = NULL;
	char *made = NULL;
	uint32_t rule;
	int rc;

	if (cdp_tree_known(o, cdp_segment_members, "", err) < 0 ||
	    cdp_tree_str(o, "when", &when, !listed, "", err) < 0 ||
	    cdp_segment_attrs(s, &s->v[i], o, classes, env, err) < 0 ||
	    (listed && load_list(s, i, o, &made, err) < 0))
		return -1;
	own.roots = listed ? list_roots : own.roots;
	when = listed ? made : when;
	/* It may add audiences that are known elsewhere. */
	rc = cdp_rules_add(s->rules, when, strlen(when), &own, &rule, err);
	free(made);
	if (rc < 0) {
		cdp_err_prefix(err, "when");
		return -1;
	}
	s->v[i].rule = rule;
	s->v[i].note = note_of(o);
	for (size_t k = 0; k < s->rules->sets.n; k++)
		cdp_needs_add(&s->v[i].needs, s->rules->sets.v[k]);
	return 0;
}

static const char *name_of(const void *segments, unsigned i)
{
	return ((const struct cdp_segments *)segments)->v[i].name;
}

/* Those who rank highest are known when the step of their audience is over. */
static void find_steps(struct cdp_segments *s)
{
	s->steps = 1;
	for (unsigned i = 0; i < s->count; i++) {
		struct cdp_segment *g = &s->v[s->order[i]];

		for (size_t k = 0; k < g->needs.n; k++) {
			const struct cdp_segment *need = &s->v[g->needs.v[k]];
			unsigned step = need->step + (need->cut > CDP_CUT_SAMPLE);

			g->step = step > g->step ? step : g->step;
		}
		s->steps = g->step + 1 > s->steps ? g->step + 1 : s->steps;
	}
}

static int put_in_order(struct cdp_segments *s, struct cdp_err *err)
{
	unsigned cycle;

	s->order = cdp_alloc(s->count * sizeof(*s->order));
	cycle = cdp_depend_order(s->order, s->count, &s->v->needs, sizeof(*s->v));
	if (cycle)
		return cdp_depend_cycle(s->order, cycle, name_of, s, err);
	find_steps(s);
	return 0;
}

static int check_classes(const json_t *classes, struct cdp_err *err)
{
	bool fine = !classes || json_is_array(classes);

	for (size_t i = 0; fine && i < json_array_size(classes); i++)
		fine = json_is_string(json_array_get(classes, i));
	return fine ? 0
		    : cdp_err_set(err, CDP_ERR_USAGE,
				  "classes: expected a list of names");
}

/* Who is left out must be known before profiles are: lists, and what is given. */
static int resolve_block(struct cdp_segments *s, struct cdp_list_def *d, const char *name,
			 struct cdp_err *err)
{
	const struct cdp_segments_given *given = s->given;
	size_t n = strlen(name);
	uint32_t i = cdp_intern_get(s->names, name, n);

	if (i == CDP_INTERN_NONE && given->knows && n &&
	    given->knows(given->ctx, name, n)) {
		if (add_name(s, name, n, err) < 0)
			return -1;
		i = s->count - 1;
	}
	if (i == CDP_INTERN_NONE)
		return cdp_depend_unknown(s->names, "segment", name, err);
	for (unsigned k = 0; i < s->defined && k < s->list_count; k++)
		if (s->lists[k].segment == i) {
			if (s->lists[k].block || s->v[i].cut != CDP_CUT_NONE)
				return cdp_err_set(err, CDP_ERR_USAGE,
						   "'%s' %s of its own", name,
						   s->lists[k].block ? "has a 'block'"
								     : "has a cut");
			i = s->lists[k].given;
			break;
		}
	if (i < s->defined)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' has a rule, so who is in it is known too late; "
				   "a rule may say segments.%s && !segments.%s",
				   name, s->v[d->segment].name, name);
	cdp_needs_add(&d->blocks, i);
	return 0;
}

static int resolve_blocks(struct cdp_segments *s, struct cdp_err *err)
{
	for (unsigned i = 0; i < s->list_count; i++) {
		struct cdp_list_def *d = &s->lists[i];

		for (char **name = d->block; name && *name; name++)
			if (resolve_block(s, d, *name, err) < 0) {
				cdp_err_prefix(err, "%s: import.block",
					       s->v[d->segment].name);
				return -1;
			}
	}
	return 0;
}

/* What was gathered is of the run's base time: `as_of` is no member there. */
static const char *const asked_members[] = { "one_id", "tags", "ids", "type", NULL };

/* `by` of a top: no other audiences. */
int cdp_segment_compile_by(struct cdp_expr **out, const char *text,
			   const struct cdp_env *env, struct cdp_err *err)
{
	static const char *const roots[] = { "profile", "details", "relations", "links",
					     NULL };
	struct cdp_env alone = *env;

	alone.roots = env->aggs ? roots : NULL;
	return cdp_expr_compile(out, text, strlen(text), &alone, err);
}

static int load_rules(struct cdp_segments *s, const json_t *list, const json_t *classes,
		      struct cdp_paths *paths, struct cdp_err *err)
{
	static const char *const all[] = { "segments",  "profile", "details",
					   "relations", "links",   NULL };
	static const char *const few[] = { "segments", NULL };
	struct cdp_env events, env = { .paths = paths,
				       .members = cdp_profile_members,
				       .roots = s->asked ? all : few,
				       .resolve = resolve,
				       .type_of = type_of,
				       .host = s };

	if (s->asked) {
		events = cdp_tagset_event_env(s->asked);
		env.event_env = &events;
		env.aggs = s->asked->aggs;
		env.resolve_entity = cdp_entities_resolve;
		env.entity_host = s->asked->entities;
		s->rules->asked_members = asked_members;
	}
	for (unsigned i = 0; i < s->defined; i++)
		if (load_rule(s, i, json_array_get(list, i), classes, &env, err) < 0) {
			cdp_err_prefix(err, "%s", s->v[i].name);
			return -1;
		}
	return 0;
}

static int load(struct cdp_segments *s, const json_t *root, struct cdp_paths *paths,
		struct cdp_err *err)
{
	static const char *const known[] = { "segments", "title", "classes", NULL };
	const json_t *classes = json_object_get(root, "classes");
	const json_t *list = json_object_get(root, "segments");

	if (cdp_tree_known(root, known, "", err) < 0)
		return -1;
	if (json_array_size(list) == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "segments: expected a list of segments");
	if (json_array_size(list) > CDP_SEGMENTS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "segments: more than %d",
				   CDP_SEGMENTS_MAX);
	if (check_classes(classes, err) < 0 || load_names(s, list, err) < 0 ||
	    load_rules(s, list, classes, paths, err) < 0)
		return -1;
	if (resolve_blocks(s, err) < 0)
		return -1;
	return put_in_order(s, err);
}

struct cdp_segments *cdp_segments_of(const json_t *root, struct cdp_paths *paths,
				     const struct cdp_segments_given *given,
				     struct cdp_err *err)
{
	struct cdp_segments *s = cdp_calloc(1, sizeof(*s));
	int ret;

	s->names = cdp_intern_new(0);
	s->rules = cdp_rules_new();
	s->given = given;
	s->asked = given->asked;
	ret = load(s, root, paths, err);
	s->given = NULL;
	if (ret == 0)
		return s;
	cdp_segments_free(s);
	return NULL;
}

struct cdp_segments *cdp_segments_load(const char *path, struct cdp_paths *paths,
				       const struct cdp_segments_given *given,
				       struct cdp_err *err)
{
	json_t *root = cdp_tree_load(path, err);
	struct cdp_segments *s = NULL;

	if (!root)
		return NULL;
	s = cdp_segments_of(root, paths, given, err);
	if (!s)
		cdp_err_prefix(err, "%s", path);
	json_decref(root);
	return s;
}

void cdp_segments_free(struct cdp_segments *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		free(s->v[i].name);
		free(s->v[i].needs.v);
		free(s->v[i].expires);
		free(s->v[i].note);
	}
	for (unsigned i = 0; i < s->list_count; i++)
		cdp_list_def_release(&s->lists[i]);
	free(s->lists);
	for (unsigned i = 0; i < s->by_count; i++)
		cdp_expr_free(s->by[i]);
	free(s->by);
	free(s->v);
	free(s->order);
	cdp_intern_free(s->names);
	cdp_rules_free(s->rules);
	free(s);
}

/* ---- many profiles ---- */

/* `order` has what is needed before those that need it. */
uint64_t *cdp_segments_needed(const struct cdp_segments *s, const uint64_t *wanted)
{
	uint64_t *need = cdp_memdup(wanted, cdp_bit_words(s->count) * sizeof(*need));

	for (unsigned i = s->count; i-- > 0;) {
		const struct cdp_segment *g = &s->v[s->order[i]];

		for (size_t k = 0; cdp_bit(need, s->order[i]) && k < g->needs.n; k++)
			cdp_bit_set(need, g->needs.v[k]);
	}
	return need;
}

void cdp_segment_plan_init(struct cdp_segment_plan *p, const struct cdp_segments *s,
			   const uint64_t *wanted, unsigned step)
{
	uint64_t *need = cdp_segments_needed(s, wanted);
	struct cdp_rule_spec spec = { .rules = s->rules,
				      .set_count = s->count,
				      .asked = s->asked,
				      .customers = s->customers };

	*p = (struct cdp_segment_plan){ 0 };
	p->nodes = cdp_alloc(s->count * sizeof(*p->nodes));
	p->order = cdp_alloc(s->count * sizeof(*p->order));
	for (unsigned i = 0; i < s->count; i++) {
		unsigned at = s->order[i];

		p->nodes[at] = s->v[at].step == step ? s->v[at].rule : CDP_RULE_GIVEN;
		if (p->nodes[at] != CDP_RULE_GIVEN && cdp_bit(need, at))
			p->order[p->order_count++] = at;
	}
	free(need);
	spec.nodes = p->nodes;
	spec.order = p->order;
	spec.order_count = p->order_count;
	p->plan = cdp_rule_plan_new(&spec);
}

void cdp_segment_plan_release(struct cdp_segment_plan *p)
{
	cdp_rule_plan_free(p->plan);
	free(p->nodes);
	free(p->order);
}

bool cdp_segments_ask(const struct cdp_segments *s)
{
	const struct cdp_tagset *t = s->asked;

	return t && (cdp_aggs_count(t->aggs) || cdp_intern_count(t->attributes) ||
		     cdp_intern_count(t->details) || cdp_intern_count(t->relations));
}

bool cdp_segments_gather(const struct cdp_segments *s)
{
	return s->steps > 1 || cdp_segments_ask(s);
}

/* ---- one profile ---- */

struct host {
	const uint64_t *bits;
	struct cdp_known *known;
};

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct host *h = host;

	if (cdp_rule_ask_kind((uint32_t)ref))
		return cdp_known_fetch(h->known, ref, out, err);
	*out = (struct cdp_value){ .type = CDP_V_BOOL,
				   .b = cdp_bit(h->bits, (unsigned)ref) };
	return 0;
}

static bool is_sampled(const struct cdp_segment *g, struct cdp_rec *profile)
{
	const struct cdp_val *key = cdp_rec_get(profile, CDP_SLOT_ONE_ID);

	return key->type == CDP_STRING && cdp_segment_samples(g, key->p, key->n);
}

unsigned cdp_segments_decide(const struct cdp_segments *s, struct cdp_eval *ev,
			     struct cdp_known *known, struct cdp_rec *profile,
			     uint64_t *bits, uint64_t *errors, struct cdp_err *err)
{
	struct host host = { bits, known };
	unsigned failed = 0;

	cdp_eval_set_host(ev, fetch, &host);
	for (unsigned i = 0; i < s->count; i++) {
		unsigned at = s->order[i];
		int hit;

		if (s->v[at].rule == CDP_RULE_GIVEN)
			continue; /* from a stream: decided already */
		hit = cdp_rules_match(s->rules, s->v[at].rule, ev, profile, err);
		if (hit > 0 && s->v[at].cut == CDP_CUT_SAMPLE)
			hit = is_sampled(&s->v[at], profile);
		if (hit > 0)
			cdp_bit_set(bits, at);
		if (hit < 0) {
			errors[at]++;
			failed++;
		}
	}
	cdp_eval_reset(ev);
	return failed;
}
