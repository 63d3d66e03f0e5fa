#include "cli/segment_rows.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* --- what was before --- */

void cdp_earlier_init(struct cdp_earlier *e, const struct cdp_memberships *m,
		      const struct cdp_segments *set)
{
	uint32_t names = cdp_intern_count(m->names);
	uint32_t *number = cdp_alloc(names * sizeof(*number));
	size_t n;

	for (uint32_t i = 0; i < names; i++) {
		const char *name = cdp_intern_key(m->names, i, &n);

		number[i] = cdp_intern_get(set->names, name, n);
	}
	*e = (struct cdp_earlier){ .keys = cdp_intern_new(0) };
	e->v = cdp_alloc(m->n * sizeof(*e->v));
	for (size_t i = 0; i < m->n; i++) {
		const char *key = cdp_intern_key(m->keys, m->v[i].key, &n);

		if (number[m->v[i].name] == CDP_INTERN_NONE)
			continue;
		e->v[e->n].who = cdp_intern_put(e->keys, key, n, NULL);
		e->v[e->n++].set = number[m->v[i].name];
	}
	free(number);
}

void cdp_earlier_release(struct cdp_earlier *e)
{
	cdp_intern_free(e->keys);
	free(e->v);
}

static int by_customer(const void *a, const void *b)
{
	const struct cdp_earlier_pair *x = a, *y = b;

	if (x->who != y->who)
		return x->who < y->who ? -1 : 1;
	return x->set < y->set ? -1 : x->set > y->set;
}

static void rank_pairs(struct cdp_earlier *e, const struct cdp_audiences *a)
{
	for (size_t i = 0; i < e->n; i++) {
		size_t n;
		const char *key = cdp_intern_key(e->keys, e->v[i].who, &n);

		e->v[i].who = cdp_audiences_rank(a, key, n);
	}
	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_customer);
}

/* --- lines --- */

struct writer {
	const struct cdp_segment_rows *r;
	struct cdp_buf line;
	char as_of[CDP_TIME_CANON];
	uint64_t *wanted;
	size_t at; /* in r->before->v */
};

static int write_line(struct writer *w, uint32_t rank, uint32_t set, const char *change)
{
	size_t n;
	const char *key = cdp_audiences_key(w->r->job->members, rank, &n);

	cdp_buf_reset(&w->line);
	cdp_buf_addc(&w->line, '{');
	cdp_json_key(&w->line, cdp_paths_key(w->r->job->paths));
	cdp_json_str(&w->line, key, n);
	cdp_json_key(&w->line, "segment");
	cdp_json_cstr(&w->line, w->r->set->v[set].name);
	cdp_json_key(&w->line, "as_of");
	cdp_json_str(&w->line, w->as_of, sizeof(w->as_of));
	if (change) {
		cdp_json_key(&w->line, "change");
		cdp_json_cstr(&w->line, change);
	}
	cdp_buf_adds(&w->line, "}\n");
	w->r->cli->counts.out++;
	return cdp_out_write(cdp_cli_out(w->r->cli), w->line.p, w->line.n);
}

static int write_customer(void *ctx, uint32_t rank, const uint32_t *in, uint32_t n)
{
	struct writer *w = ctx;
	int ret = 0;

	(void)rank;
	for (uint32_t i = 0; i < n && ret == 0; i++)
		ret = write_line(w, rank, in[i], NULL);
	return ret;
}

/* Two ascending lists, of audiences now and before. */
static int write_changes(void *ctx, uint32_t rank, const uint32_t *in, uint32_t n)
{
	struct writer *w = ctx;
	const struct cdp_earlier *b = w->r->before;
	uint32_t i = 0;
	int ret = 0;

	while (ret == 0) {
		bool was = w->at < b->n && b->v[w->at].who == rank;
		uint32_t old = was ? b->v[w->at].set : UINT32_MAX;
		uint32_t now = i < n ? in[i] : UINT32_MAX;

		if (!was && i == n)
			break;
		if (now < old)
			ret = write_line(w, rank, now, "entered");
		else if (old < now && cdp_bit(w->wanted, old))
			ret = write_line(w, rank, old, "left");
		i += now <= old;
		/* The same line may have come twice. */
		while (old <= now && w->at < b->n && b->v[w->at].who == rank &&
		       b->v[w->at].set == old)
			w->at++;
	}
	return ret;
}

void cdp_segment_write_members(const struct cdp_segment_rows *r)
{
	struct writer w = { .r = r };

	cdp_buf_init(&w.line, CDP_BUF_NOMAX);
	cdp_time_format(w.as_of, r->cli->opt.run.as_of);
	w.wanted = cdp_calloc(cdp_bit_words(r->set->count), sizeof(*w.wanted));
	for (uint32_t i = 0; i < r->set_count; i++)
		cdp_bit_set(w.wanted, r->sets[i]);
	if (r->before)
		rank_pairs(r->before, r->job->members);
	cdp_audiences_each(r->job->members, r->sets, r->set_count,
			   r->before ? write_changes : write_customer, &w);
	free(w.wanted);
	cdp_buf_release(&w.line);
}

/* --- rows --- */

void cdp_segment_write_counts(const struct cdp_segment_rows *r)
{
	struct cdp_rows *rows = cdp_rows_new(r->cli);
	uint32_t all = cdp_audiences_customers(r->job->members);

	for (uint32_t i = 0; i < r->set_count; i++) {
		const char *name = r->set->v[r->sets[i]].name;
		uint32_t n = cdp_audiences_count(r->job->members, r->sets[i]);

		cdp_rows_begin(rows, "segment");
		cdp_rows_str(rows, "segment", name, strlen(name));
		cdp_rows_int(rows, "customers", (int64_t)n);
		cdp_rows_share(rows, "share", all ? (double)n / all : 0);
		if (cdp_rows_end(rows) < 0)
			break; /* the error sticks: cdp_cli_finish reports it */
	}
	cdp_rows_free(rows);
}

/* An audience without members whose rule never came to an end: most likely a tag is
 * misspelt, or no truth value comes out. */
static bool is_in_vain(const struct cdp_segment_rows *r, uint32_t set)
{
	return r->job->profiles && r->job->errors[set] >= r->job->profiles &&
	       !cdp_audiences_count(r->job->members, set);
}

void cdp_segment_tell_vain(const struct cdp_segment_rows *r)
{
	enum { SHOWN = 10 };
	unsigned n = 0;

	for (uint32_t i = 0; i < r->set_count; i++)
		if (is_in_vain(r, r->sets[i]) && n++ < SHOWN)
			cdp_cli_note(r->cli,
				     "audience '%s': its rule ended in an error for "
				     "everyone",
				     r->set->v[r->sets[i]].name);
	if (n > SHOWN)
		cdp_cli_note(r->cli, "so did the rules of %u other audiences", n - SHOWN);
	r->cli->in_vain |= n > 0;
}
