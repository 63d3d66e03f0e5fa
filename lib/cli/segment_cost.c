#include "cli/segment_cost.h"

#include "base/bitmap.h"
#include "base/mem.h"
#include "cli/rows.h"

#include <stdlib.h>
#include <string.h>

void cdp_segment_cost_begin(struct cdp_segment_cost *c, struct cdp_segment_job *job)
{
	if (!c->on)
		return;
	job->cost = cdp_rule_cost_new(job->set->rules, job->set->count);
	c->load_ns = cdp_segment_job_clock();
}

/* --- whose it is --- */

/* Nodes of rules, each once a rule. */
struct walk {
	const struct cdp_rules *r;
	const struct cdp_rule_cost *cost;
	uint32_t *seen;  /* by node: the rule it was met in last, + 1 */
	uint32_t *users; /* by node: rules that hold it */
	uint32_t at;
	void (*meet)(struct walk *w, uint32_t node);
	/* of the rule at hand */
	double ns;
	uint32_t conditions, shared;
};

static void walk(struct walk *w, uint32_t node)
{
	const struct cdp_rule *n = &w->r->v[node];

	if (w->seen[node] == w->at)
		return;
	w->seen[node] = w->at;
	w->meet(w, node);
	for (uint32_t i = 0; n->kind > CDP_RULE_SET && i < n->count; i++)
		walk(w, cdp_rule_kids(w->r, n)[i]);
}

static void count_user(struct walk *w, uint32_t node)
{
	w->users[node]++;
}

static void take_share(struct walk *w, uint32_t node)
{
	const struct cdp_rule *n = &w->r->v[node];
	double ns = w->cost->nodes[node];

	if (n->kind <= CDP_RULE_SET) {
		ns += w->cost->leaves[cdp_rule_kids(w->r, n)[n->count - 1]];
		w->conditions++;
		w->shared += w->users[node] > 1;
	}
	w->ns += ns / w->users[node];
}

struct audience {
	uint32_t set, conditions, shared;
	double ns;
};

static void walk_all(struct walk *w, const struct cdp_segment_rows *r, struct audience *v,
		     void (*meet)(struct walk *w, uint32_t node))
{
	w->meet = meet;
	for (uint32_t i = 0; i < r->set_count; i++) {
		uint32_t set = r->sets[i];

		w->at++;
		w->conditions = w->shared = 0;
		w->ns = w->cost->sets[set];
		if (r->set->v[set].rule != CDP_RULE_GIVEN)
			walk(w, r->set->v[set].rule);
		v[i] = (struct audience){ set, w->conditions, w->shared, w->ns };
	}
}

/* No more than there was: time of the wall is more where others had the machine. */
static double limit_all(struct audience *v, uint32_t n, double limit)
{
	double all = 0, part;

	for (uint32_t i = 0; i < n; i++)
		all += v[i].ns;
	if (all <= limit)
		return all;
	part = limit > 0 ? limit / all : 0;
	for (uint32_t i = 0; i < n; i++)
		v[i].ns *= part;
	return all * part;
}

static int by_cost(const void *a, const void *b)
{
	const struct audience *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return x->set < y->set ? -1 : x->set > y->set;
}

/* The dearest first. */
static struct audience *charge_all(const struct cdp_segment_rows *r)
{
	struct audience *v = cdp_alloc((r->set_count + 1) * sizeof(*v));
	struct walk w = { .r = r->set->rules, .cost = r->job->cost };

	w.seen = cdp_calloc(w.r->count, sizeof(*w.seen));
	w.users = cdp_calloc(w.r->count, sizeof(*w.users));
	walk_all(&w, r, v, count_user);
	walk_all(&w, r, v, take_share);
	free(w.seen);
	free(w.users);
	if (r->set_count)
		qsort(v, r->set_count, sizeof(*v), by_cost);
	return v;
}

/* --- rows --- */

static void write_time(struct cdp_rows *rows, double ns, double all)
{
	cdp_rows_double(rows, "seconds", (double)(int64_t)ns / 1e9);
	cdp_rows_share(rows, "share", all > 0 ? ns / all : 0);
}

/* The parts of a run, the dearest first. */
static void write_parts(const struct cdp_segment_cost *c, const struct cdp_segment_job *j,
			struct cdp_rows *rows, double audiences)
{
	double read = j->all_ns - c->load_ns - j->join_ns - audiences;
	struct part {
		const char *name;
		double ns;
	} parts[] = { { "load", c->load_ns },
		      { "read", read > 0 ? read : 0 },
		      { "audiences", audiences },
		      { "join", j->join_ns } };
	enum { COUNT = sizeof(parts) / sizeof(*parts) };
	double all = 0;

	for (size_t i = 0; i < COUNT; i++) {
		all += parts[i].ns;
		for (size_t k = i; k > 0 && parts[k].ns > parts[k - 1].ns; k--) {
			struct part p = parts[k];

			parts[k] = parts[k - 1];
			parts[k - 1] = p;
		}
	}
	for (size_t i = 0; i < COUNT; i++) {
		cdp_rows_begin(rows, "cost_part");
		cdp_rows_cstr(rows, "part", parts[i].name);
		write_time(rows, parts[i].ns, all);
		if (cdp_rows_end(rows) < 0)
			break;
	}
}

void cdp_segment_cost_write(const struct cdp_segment_cost *c,
			    const struct cdp_segment_rows *r)
{
	struct audience *v = charge_all(r);
	const struct cdp_segment_job *job = r->job;
	double all = limit_all(v, r->set_count, job->all_ns - c->load_ns - job->join_ns);
	struct cdp_rows *rows = cdp_rows_new(r->cli);
	uint32_t *members = NULL, cap = 0;
	struct cdp_buf frozen;

	cdp_buf_init(&frozen, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < r->set_count; i++) {
		uint32_t n =
			cdp_audiences_members(job->members, v[i].set, &members, &cap);

		cdp_buf_reset(&frozen);
		cdp_bitmap_freeze_sorted(members, n, &frozen);
		cdp_rows_begin(rows, "cost");
		cdp_rows_cstr(rows, "segment", r->set->v[v[i].set].name);
		write_time(rows, v[i].ns, all);
		cdp_rows_int(rows, "customers", n);
		cdp_rows_int(rows, "bytes", (int64_t)frozen.n);
		cdp_rows_int(rows, "conditions", v[i].conditions);
		cdp_rows_int(rows, "shared", v[i].shared);
		if (cdp_rows_end(rows) < 0)
			break;
	}
	write_parts(c, job, rows, all);
	(void)cdp_rows_free(rows); /* finish meets a failed output */
	cdp_buf_release(&frozen);
	free(members);
	free(v);
}
