/* cdp-funnel: how many users get through ordered steps inside a window. */
#include "base/intern.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/rows.h"
#include "lang/step.h"
#include "model/funnel_set.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct options {
	struct cdp_strs steps;
	const char *window, *by, *where, *key;
	int order, tie, times;
	int64_t users, lost;
};

struct funnel_ctx {
	struct options o;
	struct cdp_funnel_spec spec;
	struct cdp_step steps[CDP_FUNNEL_STEPS_MAX];
	struct cdp_expr *by, *where;
	struct cdp_paths *paths;
	int key_slot;
	const struct cdp_run *run;
	struct cdp_funnel_set *set; /* of all workers, once merged */
	uint32_t met;               /* the steps that some event met */
	bool keyed;                 /* some event had a key */
	uint64_t no_key;
};

struct worker {
	const struct funnel_ctx *f;
	struct cdp_eval *ev;
	struct cdp_funnel_set *set;
	struct cdp_buf key, group;
	uint32_t met;
	bool keyed;
	uint64_t no_key;
};

static void *new_worker(void *ctx)
{
	const struct funnel_ctx *f = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->f = f;
	w->ev = cdp_eval_new(f->run);
	w->set = cdp_funnel_set_new(&f->spec, f->by != NULL);
	cdp_buf_init(&w->key, CDP_BUF_NOMAX);
	cdp_buf_init(&w->group, CDP_BUF_NOMAX);
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct funnel_ctx *f = ctx;
	struct worker *w = worker;

	(void)err;
	if (f->set)
		cdp_funnel_set_merge(f->set, w->set);
	else
		f->set = w->set;
	f->met |= w->met;
	f->keyed |= w->keyed;
	f->no_key += w->no_key;
	cdp_eval_free(w->ev);
	cdp_buf_release(&w->key);
	cdp_buf_release(&w->group);
	free(w);
	return 0;
}

/* Which steps the record meets; an error in one condition means that it is not met. */
static uint32_t step_mask(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit)
{
	const struct funnel_ctx *f = w->f;
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	struct cdp_err err;
	uint32_t mask = 0;

	for (unsigned k = 0; k < f->spec.steps; k++) {
		const struct cdp_step *step = &f->steps[k];
		int hit = step->expr ? cdp_step_match(step, w->ev, rec, &err)
				     : cdp_step_named(step, event);

		if (hit < 0)
			cdp_emit_eval_error(emit, rec, &err);
		else
			mask |= (uint32_t)hit << k;
	}
	return mask;
}

/* The breakdown value as JSON text: "null" where it cannot be computed. */
static void breakdown(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit)
{
	struct cdp_value v;
	struct cdp_err err;

	cdp_buf_reset(&w->group);
	if (cdp_expr_value(w->f->by, w->ev, rec, &v, &err) == 0) {
		cdp_value_json(&w->group, &v);
		return;
	}
	cdp_emit_eval_error(emit, rec, &err);
	cdp_buf_adds(&w->group, "null");
}

static int add_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		      struct cdp_err *err)
{
	struct worker *w = worker;
	const struct funnel_ctx *f = w->f;
	const char *p;
	uint32_t mask;
	int64_t ms = 0;
	int rc = 0;
	size_t n;

	/* Only what has an event name is an event; profile updates and the like pass by.
	 */
	if (cdp_rec_get(rec, CDP_SLOT_EVENT)->type != CDP_STRING)
		return 0;
	mask = step_mask(w, rec, emit);
	w->met |= mask;
	if ((mask || f->spec.strict) && f->where) {
		int hit = cdp_expr_match(f->where, w->ev, rec, err);

		if (hit < 0)
			cdp_emit_eval_error(emit, rec, err);
		if (hit <= 0)
			mask = 0;
		if (hit <= 0 && f->spec.strict)
			goto out;
	}
	if (!mask && !f->spec.strict)
		goto out;
	rc = cdp_rec_key(rec, f->key_slot, &w->key, &p, &n, err);
	if (rc <= 0) {
		w->no_key += rc == 0;
		goto out;
	}
	w->keyed = true;
	rc = cdp_rec_time_ms(rec, &ms, err);
	if (rc < 0)
		goto out;
	if (f->by && mask & 1)
		breakdown(w, rec, emit);
	cdp_funnel_set_add(w->set, p, n, ms, mask, w->group.p, w->group.n);
out:
	cdp_eval_reset(w->ev);
	return rc < 0 ? -1 : 0;
}

/* --- results --- */

struct times {
	int64_t *ms;
	size_t n, cap;
};

/* One breakdown value. */
struct group {
	const char *name; /* JSON text, borrowed from the set */
	size_t len;
	uint64_t users[CDP_FUNNEL_STEPS_MAX];
	struct times between[CDP_FUNNEL_STEPS_MAX]; /* from the step before */
};

struct report {
	const struct funnel_ctx *f;
	struct cdp_rows *rows;
	struct cdp_intern *names;
	struct group **groups;
	size_t n, cap;
};

static struct group *group_of(struct report *r, const struct cdp_funnel_result *u)
{
	bool added;
	uint32_t id = cdp_intern_put(r->names, u->group ? u->group : "",
				     u->group ? u->group_len : 0, &added);

	if (added) {
		CDP_GROW(r->groups, r->n, r->cap);
		r->groups[r->n] = cdp_calloc(1, sizeof(*r->groups[r->n]));
		r->groups[r->n]->name = u->group;
		r->groups[r->n]->len = u->group_len;
		r->n++;
	}
	return r->groups[id];
}

static int count_user(void *ctx, const struct cdp_funnel_result *u)
{
	struct report *r = ctx;
	struct group *g = group_of(r, u);

	for (unsigned k = 0; k < u->user.level; k++) {
		struct times *t = &g->between[k];

		g->users[k]++;
		if (k == 0)
			continue;
		CDP_GROW(t->ms, t->n, t->cap);
		t->ms[t->n++] = u->user.ms[k] - u->user.ms[k - 1];
	}
	return 0;
}

static int list_user(void *ctx, const struct cdp_funnel_result *u)
{
	struct report *r = ctx;
	const struct options *o = &r->f->o;
	unsigned level = u->user.level;
	unsigned at = (unsigned)(o->users ? o->users : o->lost - 1);
	char time[CDP_TIME_CANON];

	if (o->users ? level < at : level != at)
		return 0;
	cdp_time_format(time, cdp_time_from_ms(u->user.ms[at - 1]));
	cdp_rows_begin(r->rows, o->users ? "funnel_users" : "funnel_lost");
	cdp_rows_str(r->rows, o->key, u->key, u->key_len);
	cdp_rows_int(r->rows, "step", level);
	cdp_rows_str(r->rows, "name", r->f->steps[at - 1].label,
		     strlen(r->f->steps[at - 1].label));
	cdp_rows_str(r->rows, "time", time, sizeof(time));
	if (u->group)
		cdp_rows_json(r->rows, "by", u->group, u->group_len);
	return cdp_rows_end(r->rows);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The middle one, or the mean of the two middle ones, in seconds. */
static double median_seconds(struct times *t)
{
	size_t mid = t->n / 2;

	qsort(t->ms, t->n, sizeof(*t->ms), by_number);
	if (t->n % 2)
		return (double)t->ms[mid] / 1000;
	return ((double)t->ms[mid - 1] + (double)t->ms[mid]) / 2000;
}

static int print_group(struct report *r, struct group *g)
{
	for (unsigned k = 0; k < r->f->spec.steps; k++) {
		const char *label = r->f->steps[k].label;

		cdp_rows_begin(r->rows, "funnel");
		if (g->name)
			cdp_rows_json(r->rows, "by", g->name, g->len);
		cdp_rows_int(r->rows, "step", k + 1);
		cdp_rows_str(r->rows, "name", label, strlen(label));
		cdp_rows_int(r->rows, "users", (int64_t)g->users[k]);
		cdp_rows_share(r->rows, "rate",
			       g->users[0] ? (double)g->users[k] / (double)g->users[0]
					   : 0);
		if (k == 0)
			cdp_rows_null(r->rows, "from_previous");
		else
			cdp_rows_share(r->rows, "from_previous",
				       g->users[k - 1] ? (double)g->users[k] /
								 (double)g->users[k - 1]
						       : 0);
		if (g->between[k].n)
			cdp_rows_double(r->rows, "median_s",
					median_seconds(&g->between[k]));
		else
			cdp_rows_null(r->rows, "median_s");
		if (cdp_rows_end(r->rows) < 0)
			return -1;
	}
	return 0;
}

/* Larger groups first; equal ones by their text. */
static int by_size(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
	int c;

	if (x->users[0] != y->users[0])
		return x->users[0] > y->users[0] ? -1 : 1;
	c = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);
	return c ? c : x->len < y->len ? -1 : x->len > y->len;
}

/* What explains a result that looks empty. */
static void explain(struct cdp_cli *cli, const struct funnel_ctx *f,
		    const struct report *r)
{
	bool read = cli->counts.in > cli->counts.rejected;
	bool nameless = f->by != NULL;

	for (unsigned k = 0; k < f->spec.steps; k++)
		if (!(f->met >> k & 1))
			(read && !f->met ? cdp_cli_note : cdp_cli_verbose)(
				cli, "no event meets step %u, '%s'", k + 1,
				f->steps[k].label);
	for (size_t i = 0; i < r->n; i++)
		nameless = nameless && strncmp(r->groups[i]->name, "null", 4) == 0;
	if (!f->o.users && !f->o.lost)
		cli->in_vain = r->n == 0 || nameless;
	if (f->no_key && !f->keyed)
		cdp_cli_note(cli, "no event of the steps has a member '%s'", f->o.key);
}

static void report(struct cdp_cli *cli, const struct funnel_ctx *f)
{
	struct report r = { .f = f,
			    .rows = cdp_rows_new(cli),
			    .names = cdp_intern_new(0) };

	if (f->o.users || f->o.lost) {
		cdp_funnel_set_each(f->set, true, list_user, &r);
	} else {
		struct group none = { 0 };

		cdp_funnel_set_each(f->set, false, count_user, &r);
		if (r.n > 1)
			qsort(r.groups, r.n, sizeof(*r.groups), by_size);
		if (r.n == 0 && !f->by)
			print_group(&r, &none); /* nobody: a funnel of zeros */
		for (size_t i = 0; i < r.n && print_group(&r, r.groups[i]) == 0; i++)
			;
	}
	explain(cli, f, &r);
	for (size_t i = 0; i < r.n; i++) {
		for (unsigned k = 0; k < f->spec.steps; k++)
			free(r.groups[i]->between[k].ms);
		free(r.groups[i]);
	}
	free(r.groups);
	cdp_intern_free(r.names);
	cdp_rows_free(r.rows);
}

/* --- options --- */

static int parse_window(const char *text, int64_t *ms, struct cdp_err *err)
{
	int64_t ns;

	if (strcmp(text, "none") == 0) {
		*ms = CDP_FUNNEL_NO_WINDOW;
		return 0;
	}
	if (cdp_duration_parse(&ns, text, strlen(text), err) < 0) {
		cdp_err_prefix(err, "--window");
		return -1;
	}
	if (ns < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "--window: '%s' is negative",
				   text);
	if (ns % 1000000)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "--window: '%s' is not a number of milliseconds",
				   text);
	*ms = ns / 1000000;
	return 0;
}

static int compile(struct funnel_ctx *f, struct cdp_err *err)
{
	struct cdp_env env = { .paths = f->paths };
	const struct options *o = &f->o;

	if (parse_window(o->window, &f->spec.window_ms, err) < 0)
		return -1;
	for (; f->spec.steps < o->steps.n; f->spec.steps++)
		if (cdp_step_parse(&f->steps[f->spec.steps], o->steps.v[f->spec.steps],
				   &env, err) < 0) {
			cdp_err_prefix(err, "--step");
			return -1;
		}
	if (o->by && cdp_expr_compile(&f->by, o->by, strlen(o->by), &env, err) < 0) {
		cdp_err_prefix(err, "--by");
		return -1;
	}
	if (o->where && cdp_expr_compile_condition(&f->where, o->where, strlen(o->where),
						   &env, err) < 0) {
		cdp_err_prefix(err, "--where");
		return -1;
	}
	f->key_slot = cdp_paths_add(f->paths, o->key, strlen(o->key), err);
	if (f->key_slot < 0)
		cdp_err_prefix(err, "--key");
	return f->key_slot < 0 ? -1 : 0;
}

static void check_usage(struct cdp_cli *cli, const struct options *o)
{
	if (o->steps.n == 0)
		cdp_cli_usage(cli, "at least one --step is needed");
	if (o->steps.n > CDP_FUNNEL_STEPS_MAX)
		cdp_cli_usage(cli, "at most %d steps", CDP_FUNNEL_STEPS_MAX);
	if (o->users && o->lost)
		cdp_cli_usage(cli, "--users and --lost exclude each other");
	if (o->users > (int64_t)o->steps.n || o->lost > (int64_t)o->steps.n)
		cdp_cli_usage(cli, "there are only %zu steps", o->steps.n);
}

static void release(struct funnel_ctx *f)
{
	cdp_funnel_set_free(f->set);
	cdp_expr_free(f->by);
	cdp_expr_free(f->where);
	for (unsigned k = 0; k < CDP_FUNNEL_STEPS_MAX; k++)
		cdp_step_release(&f->steps[k]);
	cdp_strs_release(&f->o.steps);
	cdp_paths_free(f->paths);
}

int main(int argc, char **argv)
{
	static const char *const orders[] = { "ordered", "strict", NULL };
	static const char *const ties[] = { "any", "strict", "order", NULL };
	static const char *const chains[] = { "latest", "first", NULL };
	struct funnel_ctx f = { .o = { .window = "7d", .key = "one_id" } };
	struct cdp_cli cli;
	struct cdp_err err;
	const struct cdp_opt opts[] = {
		{ 's', "step", CDP_OPT_LIST, &f.o.steps, "STEP",
		  "a step, in order: an event name, LABEL:=EXPR or =EXPR", NULL, 0, 0 },
		{ 'w', "window", CDP_OPT_STR, &f.o.window, "DURATION",
		  "from step 1 to the last, inclusive (default 7d; none)", NULL, 0, 0 },
		{ 0, "by", CDP_OPT_STR, &f.o.by, "EXPR",
		  "one funnel for each value at the user's first step 1", NULL, 0, 0 },
		{ 0, "where", CDP_OPT_STR, &f.o.where, "EXPR", "only events that match",
		  NULL, 0, 0 },
		{ 0, "key", CDP_OPT_STR, &f.o.key, "PATH",
		  "member that tells users apart (default one_id)", NULL, 0, 0 },
		{ 0, "order", CDP_OPT_CHOICE, &f.o.order, "ORDER",
		  "ordered: others may stand between; strict: none may", orders, 0, 0 },
		{ 0, "tie", CDP_OPT_CHOICE, &f.o.tie, "RULE",
		  "events of one instant: any order, strict: one step only, order: as "
		  "read",
		  ties, 0, 0 },
		{ 0, "chain", CDP_OPT_CHOICE, &f.o.times, "CHAIN",
		  "whose times count: the latest or the first start", chains, 0, 0 },
		{ 0, "users", CDP_OPT_INT, &f.o.users, "STEP",
		  "list those who reached STEP", NULL, 1, CDP_FUNNEL_STEPS_MAX },
		{ 0, "lost", CDP_OPT_INT, &f.o.lost, "STEP",
		  "list those who reached the step before STEP, not STEP", NULL, 2,
		  CDP_FUNNEL_STEPS_MAX },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-funnel",
		.purpose =
			"count how many users get through ordered steps inside a window",
		.synopsis = "--step STEP... [--window DURATION] [--by EXPR] [FILE...]",
		.example =
			"cdp-funnel --step view_product --step submit_order --table FILE",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_ROWS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};
	struct cdp_job job = { .ctx = &f,
			       .worker = new_worker,
			       .record = add_record,
			       .merge = merge_worker };

	cdp_cli_start(&cli, &tool, argc, argv);
	check_usage(&cli, &f.o);
	f.spec.strict = f.o.order == 1;
	f.spec.tie_strict = f.o.tie == 1;
	f.spec.tie_order = f.o.tie == 2;
	job.serial = f.spec.tie_order;
	f.spec.first_chain = f.o.times == 1;
	f.run = &cli.opt.run;
	f.paths = cdp_paths_new();
	if (compile(&f, &err) < 0) {
		release(&f);
		return cdp_cli_fail(&cli, &err);
	}
	job.paths = f.paths;
	if (cdp_cli_run(&cli, &job) == 0 && f.set)
		report(&cli, &f);
	cdp_cli_stat(&cli, "no_key", f.no_key);
	release(&f);
	return cdp_cli_finish(&cli);
}
