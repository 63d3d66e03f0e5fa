#include "cli/segment_lint.h"

#include "base/hash.h"
#include "base/mem.h"
#include "cli/rows.h"
#include "cli/used_in.h"
#include "model/meaning.h"

#include <stdlib.h>
#include <string.h>

struct lint {
	const struct cdp_segment_rows *r;
	const struct cdp_segments *set;
	struct cdp_rows *rows;
};

/* `why` may be NULL. */
static void find(const struct lint *l, const char *finding, uint32_t i, const char *why)
{
	cdp_rows_begin(l->rows, "lint");
	cdp_rows_cstr(l->rows, "finding", finding);
	cdp_rows_cstr(l->rows, "segment", l->set->v[i].name);
	if (why)
		cdp_rows_cstr(l->rows, "why", why);
	else
		cdp_rows_null(l->rows, "why");
	(void)cdp_rows_end(l->rows);
}

/* --- those that are alike --- */

/* Audiences by what makes them; each that had one before it is a finding. */
struct alike {
	struct cdp_intern *seen;
	uint32_t *first; /* by number in `seen` */
};

static void alike_init(struct alike *a, const struct lint *l)
{
	a->seen = cdp_intern_new(0);
	a->first = cdp_calloc(l->set->defined, sizeof(*a->first));
}

static void alike_release(struct alike *a)
{
	cdp_intern_free(a->seen);
	free(a->first);
}

static bool is_alike(const struct lint *l, struct alike *a, const char *finding,
		     uint32_t i, const void *key, size_t n)
{
	bool added;
	uint32_t k = cdp_intern_put(a->seen, key, n, &added);

	if (added)
		a->first[k] = i;
	else
		find(l, finding, i, l->set->v[a->first[k]].name);
	return !added;
}

static void find_duplicates(const struct lint *l, bool *same)
{
	struct alike a;
	struct cdp_buf b;

	alike_init(&a, l);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < l->set->defined; i++) {
		if (cdp_segment_meaning(l->set, i, &b))
			same[i] = is_alike(l, &a, "duplicate", i, b.p, b.n);
	}
	cdp_buf_release(&b);
	alike_release(&a);
}

/* Nobody has two audiences of the same members by chance: 128 bits. */
static void find_same_members(const struct lint *l, const bool *same)
{
	const struct cdp_segment_rows *r = l->r;
	uint32_t *v = NULL, cap = 0;
	struct alike a;

	alike_init(&a, l);
	for (uint32_t k = 0; k < r->set_count; k++) {
		uint32_t i = r->sets[k];
		uint32_t n = cdp_audiences_members(r->job->members, i, &v, &cap);
		uint64_t key[2] = { cdp_hash_stable(v, n * sizeof(*v), 1),
				    cdp_hash_stable(v, n * sizeof(*v), 2) };

		if (n && n < cdp_audiences_customers(r->job->members) && !same[i])
			is_alike(l, &a, "same_members", i, key, sizeof(key));
	}
	free(v);
	alike_release(&a);
}

/* --- the others --- */

static const char *name_of(const void *set, unsigned i)
{
	return ((const struct cdp_segments *)set)->v[i].name;
}

static int find_unused(const struct lint *l, const struct cdp_strs *files)
{
	bool *used = cdp_calloc(l->set->count, sizeof(*used));
	int ret;

	for (uint32_t i = 0; i < l->set->defined; i++)
		for (size_t k = 0; k < l->set->v[i].needs.n; k++)
			used[l->set->v[i].needs.v[k]] = true;
	ret = cdp_cli_used_in(l->r->cli, files, l->set->defined, name_of, l->set, used);
	for (uint32_t i = 0; ret == 0 && i < l->set->defined; i++)
		if (!used[i])
			find(l, "unused", i, NULL);
	free(used);
	return ret;
}

static void find_sizes(const struct lint *l)
{
	const struct cdp_segment_job *job = l->r->job;
	uint32_t all = cdp_audiences_customers(job->members);

	for (uint32_t k = 0; all && k < l->r->set_count; k++) {
		uint32_t i = l->r->sets[k];
		uint32_t n = cdp_audiences_count(job->members, i);

		if (n == 0)
			find(l,
			     job->errors[i] && job->errors[i] >= job->profiles ? "error"
									       : "nobody",
			     i, NULL);
		else if (n == all && all > 1)
			find(l, "everybody", i, NULL);
	}
}

void cdp_segment_lint(const struct cdp_segment_rows *r,
		      const struct cdp_segment_lint_opts *o)
{
	struct lint l = { .r = r, .set = r->set, .rows = cdp_rows_new(r->cli) };
	bool *same = cdp_calloc(r->set->defined, sizeof(*same));
	int ret = 0;

	for (uint32_t i = 0; i < r->set->defined; i++)
		if (cdp_segment_has_expired(&r->set->v[i], &r->cli->opt.run))
			find(&l, "expired", i, r->set->v[i].expires);
	find_duplicates(&l, same);
	if (o->used_in.n)
		ret = find_unused(&l, &o->used_in);
	if (ret == 0 && r->job->members) {
		find_sizes(&l);
		find_same_members(&l, same);
	}
	(void)cdp_rows_free(l.rows); /* finish meets a failed output */
	free(same);
}
