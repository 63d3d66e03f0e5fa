#include "cli/portrait_rows.h"

#include "model/portrait_stat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all rows of a result have in common. */
struct writer {
	struct cdp_rows *rows;
	const struct cdp_portrait_names *names;
	bool guarded; /* rows say whether they are suppressed */
};

static void fixed(struct cdp_rows *rows, const char *key, double v, int digits)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%.*f", digits, v);
	const char *p = text;

	if (!isfinite(v)) {
		cdp_rows_null(rows, key);
		return;
	}
	if (*p == '-' && strspn(p + 1, "0.") == (size_t)n - 1)
		p++; /* -0.0000 */
	cdp_rows_json(rows, key, p, (size_t)(n - (p - text)));
}

/* NaN where there is nobody. */
static double part(uint64_t count, uint64_t of)
{
	return of ? (double)count / (double)of : NAN;
}

static void nulls(struct cdp_rows *rows, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cdp_rows_null(rows, keys[i]);
}

static int end(const struct writer *w, bool hidden)
{
	if (w->guarded)
		cdp_rows_bool(w->rows, "suppressed", hidden);
	return cdp_rows_end(w->rows);
}

/* The audiences, or where there is none the base. */
static unsigned first_group(const struct cdp_portrait_names *names)
{
	return names->count > 1 ? 1 : 0;
}

static double tgi(double share, double base)
{
	return base > 0 ? share / base * 100 : NAN;
}

/* --- sizes --- */

static int write_sizes(const struct writer *w, const struct cdp_portrait_tables *t)
{
	for (unsigned g = 0; g < t->groups; g++) {
		bool hidden = !cdp_guard_shows(&t->guard, g);
		bool base = cdp_guard_shows(&t->guard, 0);

		cdp_rows_begin(w->rows, "audience");
		cdp_rows_cstr(w->rows, "audience", w->names->v[g]);
		if (hidden) {
			cdp_rows_null(w->rows, "customers");
			cdp_rows_null(w->rows, "to_base");
		} else {
			cdp_rows_int(w->rows, "customers", (int64_t)t->size[g]);
			fixed(w->rows, "to_base",
			      base ? part(t->size[g], t->size[0]) : NAN, 4);
		}
		if (end(w, hidden) < 0)
			return -1;
	}
	return 0;
}

/* --- ranks --- */

struct ranked {
	const struct cdp_portrait_table *t;
	double power;
};

static int by_power(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	size_t n = x->t->name_n < y->t->name_n ? x->t->name_n : y->t->name_n;
	int c;

	if (x->power != y->power)
		return x->power > y->power ? -1 : 1;
	c = memcmp(x->t->name, y->t->name, n);
	return c ? c : (x->t->name_n > y->t->name_n) - (x->t->name_n < y->t->name_n);
}

static int write_rank(const struct writer *w, const struct cdp_portrait_tables *t,
		      const struct cdp_portrait_table *tag, unsigned g, unsigned rank)
{
	static const char *const none[] = { "trait", "share", "base_share", "tgi" };
	int at = tag->trait[g];

	cdp_rows_begin(w->rows, "rank");
	cdp_rows_cstr(w->rows, "audience", w->names->v[g]);
	cdp_rows_int(w->rows, "rank", rank);
	cdp_rows_str(w->rows, "tag", tag->name, tag->name_n);
	fixed(w->rows, "power", tag->power[g], 6);
	if (at < 0) {
		nulls(w->rows, none, sizeof(none) / sizeof(*none));
	} else {
		const struct cdp_portrait_row *r = &tag->rows[at];
		double share = part(r->counts[g], t->size[g]);
		double base = part(r->counts[0], t->size[0]);

		cdp_rows_json(w->rows, "trait", r->text, r->n);
		cdp_rows_share(w->rows, "share", share);
		fixed(w->rows, "base_share", base, 4);
		fixed(w->rows, "tgi", tgi(share, base), 1);
	}
	return cdp_rows_end(w->rows);
}

static int write_ranks(const struct writer *w, const struct cdp_portrait_tables *t)
{
	struct ranked *v = cdp_alloc((t->count + 1) * sizeof(*v));
	int ret = 0;

	for (unsigned g = 1; g < t->groups && ret == 0; g++) {
		if (!cdp_guard_shows(&t->guard, g) || !cdp_guard_shows(&t->guard, 0) ||
		    !t->size[g] || !t->size[0])
			continue;
		for (unsigned i = 0; i < t->count; i++)
			v[i] = (struct ranked){ &t->v[i], t->v[i].power[g] };
		qsort(v, t->count, sizeof(*v), by_power);
		for (unsigned i = 0; i < t->count && ret == 0; i++)
			ret = write_rank(w, t, v[i].t, g, i + 1);
	}
	free(v);
	return ret;
}

/* --- values --- */

static void write_cell(const struct writer *w, const struct cdp_portrait_tables *t,
		       const struct cdp_portrait_row *r, unsigned g)
{
	double share = r->mentions ? NAN : part(r->counts[g], t->size[g]);
	double base = NAN, low = NAN, high = NAN;

	if (!r->mentions && cdp_guard_shows(&t->guard, 0))
		base = part(r->counts[0], t->size[0]);
	if (!r->mentions && t->size[g])
		cdp_wilson(r->counts[g], t->size[g], &low, &high);
	cdp_rows_int(w->rows, "count", (int64_t)r->counts[g]);
	cdp_rows_share(w->rows, "share", share);
	fixed(w->rows, "low", low, 4);
	fixed(w->rows, "high", high, 4);
	fixed(w->rows, "base_share", base, 4);
	fixed(w->rows, "difference", share - base, 4);
	fixed(w->rows, "tgi", tgi(share, base), 1);
}

static int write_row(const struct writer *w, const struct cdp_portrait_tables *t,
		     const struct cdp_portrait_table *tag,
		     const struct cdp_portrait_row *r)
{
	static const char *const kinds[] = { "value", "bin", "other", "missing" };
	static const char *const none[] = { "count",      "share",      "low", "high",
					    "base_share", "difference", "tgi" };

	for (unsigned g = first_group(w->names); g < t->groups; g++) {
		if (!cdp_guard_shows(&t->guard, g))
			continue;
		cdp_rows_begin(w->rows, "portrait");
		cdp_rows_str(w->rows, "tag", tag->name, tag->name_n);
		cdp_rows_cstr(w->rows, "kind", kinds[r->kind]);
		cdp_rows_json(w->rows, "value", r->text, r->n);
		cdp_rows_cstr(w->rows, "audience", w->names->v[g]);
		if (r->hidden)
			nulls(w->rows, none, sizeof(none) / sizeof(*none));
		else
			write_cell(w, t, r, g);
		if (end(w, r->hidden) < 0)
			return -1;
	}
	return 0;
}

static int write_values(const struct writer *w, const struct cdp_portrait_tables *t)
{
	for (unsigned i = 0; i < t->count; i++)
		for (size_t k = 0; k < t->v[i].count; k++)
			if (write_row(w, t, &t->v[i], &t->v[i].rows[k]) < 0)
				return -1;
	return 0;
}

static int write_quantiles(const struct writer *w, const struct cdp_portrait_table *t,
			   unsigned g)
{
	static const char *const keys[] = { "min", "p25", "median", "p75", "max" };
	const struct cdp_portrait_summary *u = &t->summary[g];

	cdp_rows_begin(w->rows, "quantiles");
	cdp_rows_str(w->rows, "tag", t->name, t->name_n);
	cdp_rows_cstr(w->rows, "audience", w->names->v[g]);
	cdp_rows_int(w->rows, "count", (int64_t)u->count);
	for (unsigned q = 0; q < CDP_PORTRAIT_QUANTILES; q++)
		if (u->quantiles[q])
			cdp_rows_json(w->rows, keys[q], u->quantiles[q],
				      strlen(u->quantiles[q]));
		else
			cdp_rows_null(w->rows, keys[q]);
	if (u->mean)
		cdp_rows_json(w->rows, "mean", u->mean, strlen(u->mean));
	else
		cdp_rows_null(w->rows, "mean");
	return cdp_rows_end(w->rows);
}

void cdp_portrait_write(struct cdp_rows *rows, const struct cdp_portrait_tables *t,
			const struct cdp_portrait_names *names, bool rank_only)
{
	struct writer w = { rows, names, t->guard.min > 0 };
	int ret = 0;

	/* An error of the output sticks: the end of the run reports it. */
	if (!rank_only)
		ret = write_sizes(&w, t);
	if (ret == 0)
		ret = write_ranks(&w, t);
	if (ret == 0 && !rank_only)
		ret = write_values(&w, t);
	for (unsigned i = 0; i < t->count && !rank_only; i++)
		for (unsigned g = 0; g < t->groups && t->v[i].ordered && ret == 0; g++)
			ret = write_quantiles(&w, &t->v[i], g);
}

/* --- matrix --- */

static uint64_t size_of(const struct cdp_portrait *p, uint32_t set)
{
	const uint64_t *regions = cdp_portrait_regions(p);
	uint64_t n = 0;

	for (unsigned m = 0; m < 1u << cdp_portrait_groups(p); m++)
		n += set >> m & 1 ? regions[m] : 0;
	return n;
}

static int write_overlap(const struct writer *w, const struct cdp_portrait *p, unsigned a,
			 unsigned b, bool hidden)
{
	static const char *const none[] = { "customers", "share", "jaccard" };
	uint64_t both = size_of(p, cdp_guard_overlap(a, b));
	uint64_t first = cdp_portrait_size(p, a);

	cdp_rows_begin(w->rows, "matrix");
	cdp_rows_cstr(w->rows, "audience", w->names->v[a]);
	cdp_rows_cstr(w->rows, "with", w->names->v[b]);
	if (hidden) {
		nulls(w->rows, none, sizeof(none) / sizeof(*none));
	} else {
		cdp_rows_int(w->rows, "customers", (int64_t)both);
		cdp_rows_share(w->rows, "share", part(both, first));
		fixed(w->rows, "jaccard",
		      part(both, first + cdp_portrait_size(p, b) - both), 4);
	}
	return end(w, hidden);
}

void cdp_portrait_write_matrix(struct cdp_rows *rows, const struct cdp_portrait *p,
			       const struct cdp_portrait_names *names, uint64_t min_cell)
{
	struct writer w = { rows, names, min_cell > 0 };
	unsigned n = names->count, first = first_group(names);
	bool shown[CDP_PORTRAIT_GROUPS][CDP_PORTRAIT_GROUPS];
	struct cdp_guard g;

	cdp_guard_init(&g, min_cell, cdp_portrait_regions(p), 1u << n);
	/* The base is never a secret of this matrix: it may be known from elsewhere. */
	for (unsigned a = 0; a < n; a++)
		shown[a][a] = cdp_guard_publish(&g, cdp_guard_group(a));
	for (unsigned a = first; a < n; a++)
		for (unsigned b = a + 1; b < n; b++)
			shown[a][b] = shown[b][a] =
				shown[a][a] && shown[b][b] &&
				cdp_guard_publish(&g, cdp_guard_overlap(a, b));
	for (unsigned a = first; a < n; a++)
		for (unsigned b = first; b < n; b++)
			if (write_overlap(&w, p, a, b, !shown[a][b]) < 0)
				return;
}

/* --- levels --- */

static int write_level(const struct writer *w, unsigned g, unsigned k, const char *step,
		       const struct cdp_drill_level *levels, const bool *hidden)
{
	uint64_t count = levels[k].counts[g];
	bool known = k > 0 && !hidden[k] && !hidden[k - 1];

	cdp_rows_begin(w->rows, "drill");
	cdp_rows_cstr(w->rows, "audience", w->names->v[g]);
	cdp_rows_int(w->rows, "level", k);
	cdp_rows_cstr(w->rows, "step", step);
	if (hidden[k])
		cdp_rows_null(w->rows, "customers");
	else
		cdp_rows_int(w->rows, "customers", (int64_t)count);
	cdp_rows_share(w->rows, "share",
		       hidden[k] ? NAN : part(count, levels[0].counts[g]));
	cdp_rows_share(w->rows, "from_previous",
		       known ? part(count, levels[k - 1].counts[g]) : NAN);
	return end(w, hidden[k]);
}

void cdp_portrait_write_drill(struct cdp_rows *rows, const struct cdp_portrait *p,
			      const struct cdp_portrait_names *names, uint64_t min_cell,
			      const struct cdp_drill *drills,
			      const struct cdp_drill_level *levels, unsigned count)
{
	struct writer w = { rows, names, min_cell > 0 };
	struct cdp_guard_sums guard;
	bool hidden[CDP_DRILL_MAX + 1], all[CDP_DRILL_MAX + 1];

	cdp_guard_sums_init(&guard, min_cell, cdp_portrait_regions(p), names->count);
	cdp_drill_hide(&guard, levels, count, hidden);
	memset(all, true, sizeof(all));
	for (unsigned g = 0; g < names->count; g++)
		for (unsigned k = 0; k < count; k++)
			if (write_level(&w, g, k, k ? drills[k - 1].label : "", levels,
					cdp_guard_shows(&guard, g) ? hidden : all) < 0)
				return;
}
