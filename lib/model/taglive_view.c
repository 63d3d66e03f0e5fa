/* Some customers as they are: of the state, of what is new, and from elsewhere. */
#include "model/taglive_priv.h"

#include "base/hash.h"
#include "model/given_program.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* --- making --- */

/* By place: keys of customers that are finished cannot be looked up. */
static uint32_t number_of(const struct cdp_customers *lore, struct tst_text key)
{
	uint32_t lo = 0, hi = lore ? cdp_customers_count(lore) : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct tst_text t;
		int c;

		t.p = cdp_customers_key(lore, lore->order[mid], &t.n);
		c = tst_compare_texts(t, key);
		if (c == 0)
			return lore->order[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return CDP_INTERN_NONE;
}

bool tl_is_known(const struct cdp_customers *lore, struct tst_text key)
{
	return number_of(lore, key) != CDP_INTERN_NONE;
}

void tl_begin_view(struct cdp_taglive *l)
{
	const struct cdp_customers *lore = l->o.lore;
	struct tst_merger *m = &l->now;

	m->whole = cdp_customers_new(l->o.set, 1);
	memset(m->state_of, 0, cdp_aggs_count(l->o.set->aggs) * sizeof(*m->state_of));
	for (uint32_t i = 0; lore && i < cdp_intern_count(lore->kinds); i++) {
		size_t n;
		const char *kind = cdp_intern_key(lore->kinds, i, &n);

		cdp_intern_put(m->whole->kinds, kind, n, NULL);
	}
}

void tl_end_view(struct cdp_taglive *l)
{
	cdp_customers_free(l->now.whole);
	l->now.whole = NULL;
}

void tl_begin_customer(struct cdp_taglive *l, struct tst_text key)
{
	tst_begin_customer(&l->now, key);
}

int tl_add_record(struct cdp_taglive *l, const struct tst_old_row *row,
		  const struct tst_chains *new)
{
	if (row && tst_take_old(&l->now, row) < 0)
		return -1;
	if (new)
		tst_take_new(&l->now, &l->new, new);
	return 0;
}

static void copy_facts(struct cdp_facts *to, const struct cdp_facts *from, uint32_t who,
		       uint32_t number)
{
	size_t n;
	const struct cdp_fact *f = cdp_facts_of_customer(from, who, &n);

	for (size_t i = 0; i < n; i++) {
		struct cdp_fact mine = f[i];

		mine.customer = number;
		cdp_facts_add(to, &mine);
	}
}

int tl_end_customer(struct cdp_taglive *l, struct tst_text key)
{
	const struct cdp_customers *lore = l->o.lore;
	uint32_t who = number_of(lore, key);
	struct tst_merger *m = &l->now;

	if (tst_put_parts(m) < 0)
		return -1;
	tst_put_facts(m);
	if (who != CDP_INTERN_NONE) {
		copy_facts(&m->whole->relations, &lore->relations, who, m->number);
		copy_facts(&m->whole->ids, &lore->ids, who, m->number);
	}
	return 0;
}

int tl_add_customer(struct cdp_taglive *l, struct tst_text key,
		    const struct tst_old_row *row)
{
	tl_begin_customer(l, key);
	return tl_add_record(l, row, NULL) < 0 ? -1 : tl_end_customer(l, key);
}

/* --- profiles --- */

_Static_assert(CDP_INTERN_NONE == CDP_NOT_SURVEYED, "who came later has no place");

/* Who they were when the population was asked. */
static uint32_t *places_of(const struct cdp_taglive *l, const struct cdp_customers *c)
{
	uint32_t n = cdp_customers_count(c), *places;

	if (!l->surveyed)
		return NULL;
	places = cdp_alloc(((size_t)n + 1) * sizeof(*places));
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *key = cdp_customers_key(c, cdp_customers_at(c, i), &len);

		places[i] = cdp_intern_get(l->surveyed, key, len);
	}
	return places;
}

static struct cdp_profile_spec begin_profiles(struct cdp_taglive *l,
					      const struct cdp_run *run)
{
	struct cdp_customers *whole = l->now.whole;

	cdp_customers_finish(whole);
	if (l->o.given)
		cdp_given_view(l->o.given, whole);
	return (struct cdp_profile_spec){ .set = l->o.set,
					  .customers = whole,
					  .population = l->population,
					  .surveyed = places_of(l, whole),
					  .given = l->o.given,
					  .kept = l->kept,
					  .due = l->due,
					  .run = run,
					  .key = l->o.key,
					  .nulls = l->o.nulls };
}

static void end_profiles(struct cdp_profile_spec *spec)
{
	free((uint32_t *)spec->surveyed);
}

/* Then nobody is asked. */
static bool is_kept(const struct cdp_taglive *l, const struct cdp_profile_spec *spec,
		    unsigned tag)
{
	int64_t since_ms;

	return l->kept && spec->set->tags[tag].about.schedule &&
	       !(l->due && l->due[tag]) &&
	       cdp_tagkept_since(l->kept, tag, cdp_time_ms(spec->run->as_of), &since_ms);
}

/* The programs of the passes before `end` say what they say of them. */
static int ask_programs(const struct cdp_taglive *l, const struct cdp_profile_spec *spec,
			unsigned end, struct cdp_err *err)
{
	struct cdp_profiler *p;
	int rc = 0;

	if (!l->programs || cdp_customers_count(spec->customers) == 0)
		return 0;
	p = cdp_profiler_new(spec);
	for (unsigned k = 0; k < end; k++) {
		const struct cdp_needs *tags = cdp_population_programs(l->population, k);

		for (size_t i = 0; i < tags->n && rc == 0; i++)
			rc = is_kept(l, spec, tags->v[i])
				     ? 0
				     : cdp_given_ask(l->o.given, l->o.set, p, k,
						     tags->v[i], err);
	}
	cdp_profiler_free(p);
	return rc;
}

int tl_each_line(struct cdp_taglive *l, const struct cdp_run *run, tl_call *call,
		 struct cdp_err *err)
{
	struct cdp_profile_spec spec = begin_profiles(l, run);
	unsigned passes = l->population ? cdp_population_passes(l->population) : 0;
	int rc = ask_programs(l, &spec, passes, err);
	struct cdp_profiler *p;

	spec.quiet = l->quiet;
	p = cdp_profiler_new(&spec);
	for (uint32_t i = 0; i < cdp_customers_count(spec.customers) && rc == 0; i++) {
		struct tst_text key;

		key.p = cdp_customers_key(spec.customers,
					  cdp_customers_at(spec.customers, i), &key.n);
		cdp_buf_reset(&l->lines);
		cdp_profiler_line(p, i, &l->lines);
		call(l, i, key, l->lines.p, l->lines.n);
	}
	cdp_profiler_free(p);
	end_profiles(&spec);
	return rc;
}

int tl_survey_view(struct cdp_taglive *l, unsigned pass, struct cdp_err *err)
{
	struct cdp_profile_spec spec = begin_profiles(l, l->o.run);
	int rc = ask_programs(l, &spec, pass, err);
	struct cdp_profiler *p = cdp_profiler_new(&spec);

	for (uint32_t i = 0; i < cdp_customers_count(spec.customers) && rc == 0; i++)
		cdp_profiler_survey(p, pass, i);
	cdp_profiler_free(p);
	end_profiles(&spec);
	return rc;
}

static void keep_values(struct cdp_taglive *l, struct cdp_profiler *p, uint32_t place)
{
	const struct cdp_customers *all = l->now.whole;
	size_t n;
	const char *key = cdp_customers_key(all, cdp_customers_at(all, place), &n);

	cdp_profiler_turn(p, place);
	for (unsigned i = 0; i < l->o.set->count; i++) {
		unsigned tag = l->o.set->order[i];
		const struct cdp_value *v = cdp_profiler_tag(p, tag);

		if (!l->due[tag] || v->type == CDP_V_NULL)
			continue;
		cdp_buf_reset(&l->lines);
		cdp_value_json(&l->lines, v);
		cdp_tagkept_put(l->kept, tag, key, n, l->lines.p, l->lines.n);
	}
	cdp_profiler_done(p);
}

int tl_keep_view(struct cdp_taglive *l, struct cdp_err *err)
{
	struct cdp_profile_spec spec = begin_profiles(l, l->o.run);
	unsigned passes = l->population ? cdp_population_passes(l->population) : 0;
	int rc = ask_programs(l, &spec, passes, err);
	struct cdp_profiler *p = cdp_profiler_new(&spec);

	for (uint32_t i = 0; i < cdp_customers_count(spec.customers) && rc == 0; i++)
		keep_values(l, p, i);
	cdp_profiler_free(p);
	end_profiles(&spec);
	return rc;
}

/* --- lines --- */

/* The bytes of a member `computed` there, whose values are strings. */
static size_t skip_computed(const char *p, size_t n)
{
	static const char computed[] = ",\"computed\":{";
	bool text = false;
	size_t i = sizeof(computed) - 1;

	if (n < i || memcmp(p, computed, i) != 0)
		return 0;
	for (; text || p[i] != '}'; i++)
		if (text && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			text = !text;
	return i + 1;
}

/* The key is the same anyhow, and the base time itself is no difference, nor is that of
 * a tag with a schedule. */
uint64_t tl_digest(const char *line, size_t n)
{
	static const char as_of[] = ",\"as_of\":\"";
	const char *at = memmem(line, n, as_of, sizeof(as_of) - 1);
	size_t skip = (size_t)(at - line) + sizeof(as_of) - 1 + CDP_TIME_CANON + 1;

	skip += skip_computed(line + skip, n - skip);
	return cdp_hash_stable(line + skip, n - skip, 0) | 1;
}

void tl_put_gone(struct cdp_taglive *l, struct tst_text key)
{
	char as_of[CDP_TIME_CANON];

	cdp_time_format(as_of, l->o.run->as_of);
	cdp_buf_addc(&l->out, '{');
	cdp_json_key(&l->out, l->o.key);
	cdp_json_str(&l->out, key.p, key.n);
	cdp_json_key(&l->out, "as_of");
	cdp_json_str(&l->out, as_of, sizeof(as_of));
	cdp_buf_adds(&l->out, ",\"deleted\":true}\n");
}

void tl_write_out(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < l->out.n; i++)
		lines += l->out.p[i] == '\n';
	if (lines)
		write(ctx, l->out.p, l->out.n, lines);
	cdp_buf_reset(&l->out);
}
