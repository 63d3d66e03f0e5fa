#include "model/profile.h"

#include "base/mem.h"
#include "model/known.h"
#include "model/tag_value.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* Errors of one tag or function, and what the first one said. */
struct failures {
	uint64_t n;
	char *message;
};

struct cdp_profiler {
	struct cdp_profile_spec spec;
	struct cdp_eval *ev;
	uint32_t place, customer;
	uint64_t turn;            /* counts customers and passes */
	struct cdp_known *known;  /* of the customer at hand */
	struct cdp_value *values; /* by tag, of the customer at hand */
	/* Quiet tags (model/quiet.h) have their values from the start.  Those that were
	 * computed are put to rest before the next line. */
	uint64_t *seen;  /* by tag: the turn in which it was woken */
	unsigned *awake; /* quiet tags that were computed */
	size_t awake_count, awake_cap;
	bool models;      /* some tag has one */
	uint64_t *valued; /* by tag: lines that have it */
	bool *kept;       /* by tag: its value is, and as of when */
	int64_t *since_ms;
	int *agg; /* by tag: the aggregate that it is, see find_plain(); -1: none */
	struct failures *tags, *functions;
	struct cdp_buf
		keys;    /* the tags' names as members, "name": one after the other; */
	size_t *key_end; /* where each of them ends */
	struct cdp_buf computed; /* of tags with a schedule: as of when, JSON */
	struct cdp_buf still;    /* and with the values of quiet tags at rest, if any */
	size_t *still_end;
	char as_of[CDP_TIME_CANON];
};

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct cdp_profiler *p = host;
	uint32_t i = cdp_tag_ref_index(ref);

	if (cdp_tag_ref_kind(ref) != CDP_TAG_REF_TAG)
		return cdp_known_fetch(p->known, ref, out, err);
	if (p->agg[i] >= 0)
		cdp_known_agg(p->known, (unsigned)p->agg[i], out);
	else
		*out = p->values[i];
	return 0;
}

/* Of the customer at hand in the censuses. */
static uint32_t surveyed(const struct cdp_profiler *p)
{
	return p->spec.surveyed ? p->spec.surveyed[p->place] : p->place;
}

static int fetch_pop(void *host, unsigned pop, struct cdp_value *out, struct cdp_err *err)
{
	struct cdp_profiler *p = host;

	(void)err;
	cdp_census_result(cdp_population_census(p->spec.population, pop), surveyed(p),
			  out);
	return 0;
}

/* Which tags are not computed. */
static void find_kept(struct cdp_profiler *p)
{
	const struct cdp_profile_spec *s = &p->spec;
	int64_t base_ms = cdp_time_ms(s->run->as_of);

	p->kept = cdp_calloc((size_t)s->set->count + 1, sizeof(*p->kept));
	p->since_ms = cdp_calloc((size_t)s->set->count + 1, sizeof(*p->since_ms));
	for (unsigned i = 0; s->kept && i < s->set->count; i++)
		p->kept[i] = s->set->tags[i].about.schedule && !(s->due && s->due[i]) &&
			     cdp_tagkept_since(s->kept, i, base_ms, &p->since_ms[i]);
}

/* The same for all customers. */
static void put_computed(struct cdp_profiler *p)
{
	const struct cdp_tagset *set = p->spec.set;
	struct cdp_buf *b = &p->computed;
	char since[CDP_TIME_CANON];

	cdp_buf_init(b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag *t = &set->tags[i];

		if (!t->about.schedule)
			continue;
		cdp_buf_adds(b, b->n ? "" : ",\"computed\":{");
		memcpy(since, p->as_of, sizeof(since));
		if (p->kept[i])
			cdp_time_format(since, cdp_time_from_ms(p->since_ms[i]));
		cdp_json_key(b, t->name);
		cdp_json_str(b, t->carried ? t->computed : since, CDP_TIME_CANON);
	}
	if (b->n)
		cdp_buf_addc(b, '}');
}

/* Whether all values of an aggregate fit a type as they are. */
static bool fits(enum cdp_tag_type type, const struct cdp_agg *a)
{
	bool number = type == CDP_TAG_NUMBER || type == CDP_TAG_DECIMAL;

	if (type == CDP_TAG_ANY)
		return true;
	switch (a->kind) {
	case CDP_AGG_COUNT:
	case CDP_AGG_DISTINCT:
	case CDP_AGG_DAYS:
		return number || type == CDP_TAG_INT || type == CDP_TAG_BIGINT;
	case CDP_AGG_SUM:
		return number;
	default:
		return a->of_time && type == CDP_TAG_DATETIME;
	}
}

/* Tags that are nothing but an aggregate are written as its state has them. */
static void find_plain(struct cdp_profiler *p, unsigned tag)
{
	const struct cdp_tag *t = &p->spec.set->tags[tag];
	int i = t->value ? cdp_expr_agg(t->value) : -1;

	p->agg[tag] = -1;
	if (i >= 0 && t->otherwise.type == CDP_V_NULL && t->nullif.type == CDP_V_NULL &&
	    !t->about.model && !t->about.schedule &&
	    fits(t->type, cdp_aggs_at(p->spec.set->aggs, (unsigned)i)))
		p->agg[tag] = i;
}

/* Names as members, and what is said of those whom no event concerns. */
static void add_names(struct cdp_profiler *p)
{
	unsigned n = p->spec.set->count;

	cdp_buf_init(&p->keys, CDP_BUF_NOMAX);
	cdp_buf_init(&p->still, CDP_BUF_NOMAX);
	p->key_end = cdp_calloc(n, sizeof(*p->key_end));
	p->still_end = cdp_calloc(n, sizeof(*p->still_end));
	for (unsigned i = 0; i < n; i++) {
		const char *name = p->spec.set->tags[i].name;

		cdp_json_str(&p->keys, name, strlen(name));
		cdp_buf_addc(&p->keys, ':');
		p->key_end[i] = p->keys.n;
		if (p->values[i].type != CDP_V_NULL) {
			cdp_json_str(&p->still, name, strlen(name));
			cdp_buf_addc(&p->still, ':');
			cdp_value_json(&p->still, &p->values[i]);
		}
		p->still_end[i] = p->still.n;
	}
}

struct cdp_profiler *cdp_profiler_new(const struct cdp_profile_spec *spec)
{
	struct cdp_profiler *p = cdp_calloc(1, sizeof(*p));

	p->spec = *spec;
	p->ev = cdp_eval_new(spec->run);
	cdp_eval_set_host(p->ev, fetch, p);
	p->known = cdp_known_new(spec->set, spec->customers, p->ev);
	cdp_eval_set_pops(p->ev, fetch_pop, p);
	p->values = cdp_calloc(spec->set->count, sizeof(*p->values));
	p->seen = cdp_calloc(spec->set->count, sizeof(*p->seen));
	p->valued = cdp_calloc(spec->set->count, sizeof(*p->valued));
	p->agg = cdp_calloc(spec->set->count, sizeof(*p->agg));
	for (unsigned i = 0; i < spec->set->count; i++) {
		p->models |= spec->set->tags[i].about.model != NULL;
		find_plain(p, i);
		if (spec->quiet)
			p->values[i] = *cdp_quiet_value(spec->quiet, i);
	}
	p->tags = cdp_calloc(spec->set->count, sizeof(*p->tags));
	p->functions = cdp_calloc(cdp_pops_count(spec->set->pops), sizeof(*p->functions));
	add_names(p);
	cdp_time_format(p->as_of, spec->run->as_of);
	find_kept(p);
	put_computed(p);
	return p;
}

void cdp_profiler_free(struct cdp_profiler *p)
{
	if (!p)
		return;
	cdp_eval_free(p->ev);
	cdp_known_free(p->known);
	for (unsigned i = 0; i < p->spec.set->count; i++)
		free(p->tags[i].message);
	for (unsigned i = 0; i < cdp_pops_count(p->spec.set->pops); i++)
		free(p->functions[i].message);
	free(p->values);
	free(p->tags);
	free(p->functions);
	free(p->seen);
	free(p->awake);
	free(p->valued);
	free(p->agg);
	free(p->kept);
	free(p->since_ms);
	cdp_buf_release(&p->keys);
	cdp_buf_release(&p->computed);
	cdp_buf_release(&p->still);
	free(p->key_end);
	free(p->still_end);
	free(p);
}

const struct cdp_customers *cdp_profiler_customers(const struct cdp_profiler *p)
{
	return p->spec.customers;
}

uint64_t cdp_profiler_errors(const struct cdp_profiler *p, unsigned tag,
			     const char **message)
{
	*message = p->tags[tag].message;
	return p->tags[tag].n;
}

uint64_t cdp_profiler_valued(const struct cdp_profiler *p, unsigned tag)
{
	return p->valued[tag];
}

uint64_t cdp_profiler_left_out(const struct cdp_profiler *p, unsigned function,
			       const char **message)
{
	*message = p->functions[function].message;
	return p->functions[function].n;
}

static void note(struct failures *f, const struct cdp_err *err)
{
	if (f->n++ == 0)
		f->message = cdp_strdup(err->msg);
}

static const char *kept(const struct cdp_profiler *p, unsigned tag, size_t *len)
{
	size_t n;
	const char *key = cdp_customers_key(p->spec.customers, p->customer, &n);

	return cdp_tagkept_get(p->spec.kept, tag, cdp_time_ms(p->spec.run->as_of), key, n,
			       len);
}

static void given(struct cdp_profiler *p, unsigned tag, struct cdp_value *out)
{
	size_t n;
	const char *json = p->kept[tag] ? kept(p, tag, &n)
					: cdp_given_get(p->spec.given, tag, p->place, &n);
	struct cdp_val v;

	*out = (struct cdp_value){ .type = CDP_V_NULL };
	if (json) {
		cdp_val_at(&v, json, n);
		cdp_value_from_json(out, &v, cdp_eval_arena(p->ev));
	}
}

static void compute(struct cdp_profiler *p, unsigned i)
{
	const struct cdp_tag *t = &p->spec.set->tags[i];
	struct cdp_value *v = &p->values[i];
	struct cdp_err err;
	int ret;

	if ((t->value || t->layers) && !p->kept[i]) {
		ret = cdp_tag_value(t, p->ev, p->spec.run->zone, v, &err);
	} else {
		given(p, i, v);
		ret = cdp_tag_settle(t, p->ev, p->spec.run->zone, v, &err);
	}
	if (ret < 0)
		note(&p->tags[i], &err);
}

static void turn_to(struct cdp_profiler *p, uint32_t place)
{
	p->turn++;
	p->place = place;
	p->customer = cdp_customers_at(p->spec.customers, place);
	cdp_known_turn(p->known, p->customer);
}

void cdp_profiler_turn(struct cdp_profiler *p, uint32_t place)
{
	turn_to(p, place);
}

const struct cdp_value *cdp_profiler_tag(struct cdp_profiler *p, unsigned tag)
{
	compute(p, tag);
	return &p->values[tag];
}

void cdp_profiler_done(struct cdp_profiler *p)
{
	cdp_eval_reset(p->ev);
}

void cdp_profiler_survey(struct cdp_profiler *p, unsigned pass, uint32_t place)
{
	const struct cdp_population *all = p->spec.population;
	const struct cdp_needs *tags = cdp_population_tags(all, pass);
	const struct cdp_needs *functions = cdp_population_functions(all, pass);
	struct cdp_err err;

	turn_to(p, place);
	for (size_t i = 0; i < tags->n; i++)
		compute(p, tags->v[i]);
	for (size_t i = 0; i < functions->n; i++) {
		unsigned f = functions->v[i];

		if (cdp_census_ask(cdp_population_census(all, f), surveyed(p), p->ev,
				   NULL, &err) < 0)
			note(&p->functions[f], &err);
	}
	cdp_eval_reset(p->ev);
}

/* What cannot be computed is left out, as it is in a profile. */
static void tell_inputs(struct cdp_profiler *p, const struct cdp_tag_program *program,
			struct cdp_buf *out)
{
	struct cdp_value v;
	struct cdp_err ignored;

	for (size_t i = 0; i < program->input_count; i++) {
		const struct cdp_tag_input *in = &program->inputs[i];

		if (cdp_expr_value(in->value, p->ev, NULL, &v, &ignored) < 0 ||
		    v.type == CDP_V_NULL)
			continue;
		cdp_buf_addc(out, ',');
		cdp_json_str(out, in->name, strlen(in->name));
		cdp_buf_addc(out, ':');
		cdp_value_json(out, &v);
	}
}

bool cdp_profiler_tell(struct cdp_profiler *p, unsigned pass, unsigned tag,
		       uint32_t place, struct cdp_buf *out)
{
	const struct cdp_tag_program *program = p->spec.set->tags[tag].program;
	const struct cdp_needs *tags = cdp_population_tags(p->spec.population, pass);
	struct cdp_err ignored;
	const char *key;
	size_t n;
	bool told;

	turn_to(p, place);
	for (size_t i = 0; i < tags->n; i++)
		compute(p, tags->v[i]);
	told = !program->among ||
	       cdp_expr_match(program->among, p->ev, NULL, &ignored) > 0;
	if (told) {
		key = cdp_customers_key(p->spec.customers, p->customer, &n);
		cdp_buf_adds(out, "{\"one_id\":");
		cdp_json_str(out, key, n);
		tell_inputs(p, program, out);
		cdp_buf_adds(out, "}\n");
	}
	cdp_eval_reset(p->ev);
	return told;
}

/* Which model a value is from, where a tag's definition says so. */
static void add_models(const struct cdp_profiler *p, struct cdp_buf *out)
{
	const struct cdp_tagset *set = p->spec.set;
	size_t before = out->n;

	cdp_buf_adds(out, ",\"models\":{");
	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag *t = &set->tags[i];

		if (!t->about.model || p->values[i].type == CDP_V_NULL)
			continue;
		cdp_json_key(out, t->name);
		cdp_buf_adds(out, t->about.model);
	}
	if (out->p[out->n - 1] == '{')
		out->n = before;
	else
		cdp_buf_addc(out, '}');
}

/* Part `i` of the text; parts end there. */
static void add_part(struct cdp_buf *out, const struct cdp_buf *text, const size_t *end,
		     unsigned i)
{
	size_t from = i ? end[i - 1] : 0;

	if (out->p[out->n - 1] != '{')
		cdp_buf_addc(out, ',');
	cdp_buf_add(out, text->p + from, end[i] - from);
}

/* --- lines --- */

/* An aggregate of the customer at hand that has seen events: quiet tags that ask
 * for it are computed. */
static void wake(void *profiler, unsigned agg)
{
	struct cdp_profiler *p = profiler;
	unsigned n;
	const unsigned *tags = cdp_quiet_asking(p->spec.quiet, agg, &n);

	for (unsigned i = 0; i < n; i++) {
		if (p->seen[tags[i]] == p->turn)
			continue;
		p->seen[tags[i]] = p->turn;
		CDP_GROW(p->awake, p->awake_count, p->awake_cap);
		p->awake[p->awake_count++] = tags[i];
		if (p->agg[tags[i]] < 0)
			compute(p, tags[i]);
	}
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static void compute_all(struct cdp_profiler *p)
{
	const struct cdp_tagset *set = p->spec.set;
	const unsigned *order = set->order;
	unsigned n = set->count;

	if (p->spec.quiet) {
		cdp_customers_each_agg(p->spec.customers, p->customer, wake, p);
		order = cdp_quiet_others(p->spec.quiet, &n);
	}
	for (unsigned i = 0; i < n; i++)
		if (p->agg[order[i]] < 0)
			compute(p, order[i]);
}

/* False if there is no more to it than is known by its value. */
static bool add_state(struct cdp_profiler *p, unsigned tag, struct cdp_buf *out)
{
	unsigned agg = (unsigned)p->agg[tag];
	size_t before = out->n;

	add_part(out, &p->keys, p->key_end, tag);
	if (cdp_agg_json(cdp_aggs_at(p->spec.set->aggs, agg),
			 cdp_customers_state(p->spec.customers, p->customer, agg), out))
		return true;
	out->n = before;
	compute(p, tag);
	return false;
}

static void add_tag(struct cdp_profiler *p, unsigned tag, struct cdp_buf *out)
{
	bool still = p->seen[tag] != p->turn &&
		     p->still_end[tag] > (tag ? p->still_end[tag - 1] : 0);
	bool null;

	if (still)
		add_part(out, &p->still, p->still_end, tag);
	if (still || (p->agg[tag] >= 0 && add_state(p, tag, out))) {
		p->valued[tag]++;
		return;
	}
	null = p->values[tag].type == CDP_V_NULL;
	if (null && !p->spec.nulls)
		return;
	p->valued[tag] += !null;
	add_part(out, &p->keys, p->key_end, tag);
	cdp_value_json(out, &p->values[tag]);
}

/* In the order of their definitions. */
static void add_tags(struct cdp_profiler *p, struct cdp_buf *out)
{
	unsigned n = p->spec.set->count, k = 0;
	const unsigned *shown = NULL;

	if (p->spec.quiet && !p->spec.nulls) {
		shown = cdp_quiet_shown(p->spec.quiet, &n);
		if (p->awake_count > 1)
			qsort(p->awake, p->awake_count, sizeof(*p->awake), compare);
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned tag = shown ? shown[i] : i;

		for (; shown && k < p->awake_count && p->awake[k] <= tag; k++)
			if (p->awake[k] < tag)
				add_tag(p, p->awake[k], out);
		add_tag(p, tag, out);
	}
	for (; shown && k < p->awake_count; k++)
		add_tag(p, p->awake[k], out);
}

static void rest(struct cdp_profiler *p)
{
	for (size_t i = 0; i < p->awake_count; i++)
		p->values[p->awake[i]] = *cdp_quiet_value(p->spec.quiet, p->awake[i]);
	p->awake_count = 0;
}

void cdp_profiler_line(struct cdp_profiler *p, uint32_t place, struct cdp_buf *out)
{
	size_t n, before;
	const char *key;

	turn_to(p, place);
	key = cdp_customers_key(p->spec.customers, p->customer, &n);
	compute_all(p);
	cdp_buf_addc(out, '{');
	cdp_json_key(out, p->spec.key);
	cdp_json_str(out, key, n);
	cdp_buf_adds(out, ",\"as_of\":");
	cdp_json_str(out, p->as_of, sizeof(p->as_of));
	if (p->computed.n)
		cdp_buf_add(out, p->computed.p, p->computed.n);
	cdp_buf_adds(out, ",\"tags\":{");
	add_tags(p, out);
	cdp_buf_addc(out, '}');
	if (p->models)
		add_models(p, out);
	before = out->n;
	cdp_buf_adds(out, ",\"ids\":");
	if (!cdp_customers_get_ids(p->spec.customers, p->customer, out))
		out->n = before;
	cdp_buf_adds(out, "}\n");
	rest(p);
	cdp_eval_reset(p->ev);
}
