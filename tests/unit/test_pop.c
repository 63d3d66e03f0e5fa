/* Functions over the population: results against counting by hand, sharing, and what is
 * refused. */
#include "tap.h"

#include "base/decimal.h"
#include "base/rand.h"
#include "lang/pop.h"

#include <math.h>
#include <string.h>

enum { PEOPLE_MAX = 60 };

/* `tags.x` and `tags.ok` of the person at hand. */
struct fixture {
	struct cdp_env env;
	struct cdp_eval *ev;
	struct cdp_expr *expr; /* the last one compiled */
	struct cdp_value x[PEOPLE_MAX];
	bool ok[PEOPLE_MAX];
	unsigned n, at;
};

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	(void)host;
	*used = 2;
	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE, "no name");
	return strcmp(names[1], "ok") == 0;
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct fixture *f = host;

	if (ref) {
		*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = f->ok[f->at] };
		return 0;
	}
	*out = f->x[f->at];
	return out->type == CDP_V_BYTES ? cdp_err_set(err, CDP_ERR_EVAL, "no x") : 0;
}

static void fixture_init(struct fixture *f)
{
	static const char *const roots[] = { "tags", NULL }, *const none[] = { NULL };

	memset(f, 0, sizeof(*f));
	f->env.roots = roots;
	f->env.members = none;
	f->env.resolve = resolve;
	f->env.pops = cdp_pops_new();
	f->ev = cdp_eval_new(NULL);
	cdp_eval_set_host(f->ev, fetch, f);
}

static void fixture_release(struct fixture *f)
{
	cdp_expr_free(f->expr);
	cdp_pops_free(f->env.pops);
	cdp_eval_free(f->ev);
}

/* The number of the function, or -1 with the message. */
static int compile(struct fixture *f, const char *text, struct cdp_err *err)
{
	cdp_expr_free(f->expr);
	f->expr = NULL;
	if (cdp_expr_compile(&f->expr, text, strlen(text), &f->env, err) < 0)
		return -1;
	return (int)cdp_pops_count(f->env.pops) - 1;
}

static void put_int(struct fixture *f, int64_t i)
{
	f->x[f->n] = (struct cdp_value){ .type = CDP_V_INT, .i = i };
	f->ok[f->n++] = true;
}

static void put_double(struct fixture *f, double d)
{
	f->x[f->n] = (struct cdp_value){ .type = CDP_V_DOUBLE, .d = d };
	f->ok[f->n++] = true;
}

static void put_type(struct fixture *f, enum cdp_vtype type, int64_t s)
{
	f->x[f->n] = (struct cdp_value){ .type = (uint8_t)type };
	f->x[f->n].t.s = s;
	f->ok[f->n++] = true;
}

static struct cdp_census *census(struct fixture *f, int function)
{
	const struct cdp_pop *p = cdp_pops_at(f->env.pops, (unsigned)function);
	struct cdp_census *c = cdp_census_new(p, f->n);
	struct cdp_err err;

	/* From the last to the first: the order must not matter. */
	for (f->at = f->n; f->at-- > 0;)
		cdp_census_ask(c, f->at, f->ev, NULL, &err);
	cdp_census_finish(c);
	return c;
}

static void check(struct fixture *f, const char *text, const char *want)
{
	struct cdp_err err;
	int i = compile(f, text, &err);
	struct cdp_census *c;
	struct cdp_value v;
	struct cdp_buf b;

	if (i < 0) {
		is_str(err.msg, want, "%s is refused", text);
		return;
	}
	c = census(f, i);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned k = 0; k < f->n; k++) {
		cdp_buf_adds(&b, k ? " " : "");
		cdp_census_result(c, k, &v);
		cdp_value_json(&b, &v);
	}
	is_str(cdp_buf_str(&b), want, "%s", text);
	cdp_buf_release(&b);
	cdp_census_free(c);
}

static void check_results(void)
{
	struct fixture f;

	fixture_init(&f);
	put_int(&f, 5);
	put_double(&f, 7.5);
	put_int(&f, 5);
	put_type(&f, CDP_V_NULL, 0);
	put_double(&f, -0.0);
	put_int(&f, 0);
	put_type(&f, CDP_V_BYTES, 0); /* an error */
	put_double(&f, 5);
	check(&f, "rank(tags.x)", "2 1 2 null 5 5 null 2");
	check(&f, "rank(tags.x, 'asc')", "3 6 3 null 1 1 null 3");
	check(&f, "percent_rank(tags.x)", "0.2 0 0.2 null 0.8 0.8 null 0.2");
	check(&f, "percent_rank(tags.x, 'asc')", "0.4 1 0.4 null 0 0 null 0.4");
	/* 6 people: 2, 2, 1, 1; those with 5 and with 0 go by place */
	check(&f, "ntile(4, tags.x)", "1 1 2 null 3 4 null 2");
	check(&f, "ntile(10, tags.x)", "2 1 3 null 5 6 null 4");
	check(&f, "ntile(1, tags.x)", "1 1 1 null 1 1 null 1");
	check(&f, "population_mean(tags.x)", "3.75 3.75 3.75 3.75 3.75 3.75 3.75 3.75");
	f.ok[1] = f.ok[4] = false;
	check(&f, "rank(tags.x, tags.ok)", "1 null 1 null null 4 null 1");
	check(&f, "rank(tags.x, 'asc', tags.ok)", "2 null 2 null null 1 null 2");
	check(&f, "percent_rank(tags.x, tags.x == 7.5)",
	      "null 0 null null null null null null");
	check(&f, "population_mean(tags.x, tags.ok && tags.x > 100)",
	      "null null null null null null null null");
	f.n = 0;
	check(&f, "rank(tags.x, 'asc', tags.x > 2)", "");
	check(&f, "population_mean(tags.x, tags.x > 2)", "");
	fixture_release(&f);
}

static void check_kinds(void)
{
	struct fixture f;

	fixture_init(&f);
	put_type(&f, CDP_V_TIMESTAMP, -5);
	put_type(&f, CDP_V_TIMESTAMP, 0);
	put_type(&f, CDP_V_DURATION, 1000);
	put_int(&f, 1000000);
	put_type(&f, CDP_V_STRING, 0);
	put_double(&f, INFINITY);
	put_double(&f, NAN);
	check(&f, "rank(tags.x)", "2 1 3 5 null 4 null");
	check(&f, "population_mean(tags.x)",
	      "1000000 1000000 1000000 1000000 1000000 1000000 1000000");
	f.x[1].t = (struct cdp_time){ .s = -5, .ns = 1 };
	check(&f, "rank(tags.x, 'asc')", "4 5 3 1 null 2 null");
	fixture_release(&f);
}

/* 0.1 three times and 1e17: a sum of doubles would lose the fractions. */
static void check_mean(void)
{
	struct fixture f;

	fixture_init(&f);
	put_double(&f, 1e17);
	for (int i = 0; i < 3; i++)
		put_double(&f, 0.1);
	put_double(&f, -1e17);
	check(&f, "population_mean(tags.x)", "0.06 0.06 0.06 0.06 0.06");
	f.n = 0;
	put_double(&f, 1e37); /* too large to be added up exactly */
	put_int(&f, 4);
	check(&f, "population_mean(tags.x, true)", "4 4");
	fixture_release(&f);
}

/* Rank, group and percentage of person k, counted. */
static void expect(const struct fixture *f, unsigned k, bool ascending, unsigned tiles,
		   int64_t want[2], double *percent)
{
	unsigned before = 0, equal_before = 0, size = 0, big, more, at;

	for (unsigned i = 0; i < f->n; i++) {
		int64_t d = f->x[i].i - f->x[k].i;

		if (!f->ok[i])
			continue;
		size++;
		before += ascending ? d < 0 : d > 0;
		equal_before += d == 0 && i < k;
	}
	want[0] = before + 1;
	*percent = size > 1 ? (double)before / (size - 1) : 0;
	/* Group g begins after the larger ones, then the others. */
	big = size / tiles + 1;
	more = size % tiles;
	at = before + equal_before;
	want[1] = at < big * more ? at / big + 1
				  : (at - big * more) / (size / tiles) + more + 1;
}

static void check_random(void)
{
	static const char *const texts[] = {
		"rank(tags.x, tags.ok)",         "rank(tags.x, 'asc', tags.ok)",
		"ntile(7, tags.x, tags.ok)",     "ntile(7, tags.x, 'asc', tags.ok)",
		"percent_rank(tags.x, tags.ok)", "percent_rank(tags.x, 'asc', tags.ok)"
	};
	struct cdp_census *c[6];
	struct cdp_rand r;
	struct cdp_err err;
	struct fixture f;
	int wrong = 0;

	fixture_init(&f);
	cdp_rand_seed(&r, 7, 0);
	for (int i = 0; i < 6; i++)
		compile(&f, texts[i], &err);
	for (int round = 0; round < 300; round++) {
		f.n = 0;
		for (unsigned i = cdp_rand_below(&r, PEOPLE_MAX); i-- > 0;) {
			put_int(&f, (int64_t)cdp_rand_below(&r, 20) - 10);
			f.ok[f.n - 1] = cdp_rand_below(&r, 4) > 0;
		}
		for (int i = 0; i < 6; i++)
			c[i] = census(&f, i);
		for (unsigned k = 0; k < f.n; k++)
			for (int up = 0; up < 2; up++) {
				struct cdp_value rank, group, percent;
				int64_t want[2];
				double part;

				cdp_census_result(c[up], k, &rank);
				cdp_census_result(c[2 + up], k, &group);
				cdp_census_result(c[4 + up], k, &percent);
				if (!f.ok[k]) {
					wrong += rank.type != CDP_V_NULL;
					wrong += group.type != CDP_V_NULL;
					wrong += percent.type != CDP_V_NULL;
					continue;
				}
				expect(&f, k, up, 7, want, &part);
				wrong += rank.i != want[0] || group.i != want[1] ||
					 percent.d != part;
			}
		for (int i = 0; i < 6; i++)
			cdp_census_free(c[i]);
	}
	is_int(wrong, 0, "ranks, percentages and groups are as counted");
	fixture_release(&f);
}

static void check_refused(void)
{
	struct fixture f;

	fixture_init(&f);
	check(&f, "1 + rank(2 + rank(tags.x))",
	      "1:14: rank() cannot stand inside rank(); make it a tag of its own and "
	      "name that");
	check(&f, "rank(tags.x, ntile(2, tags.x) == 1)",
	      "1:14: ntile() cannot stand inside rank(); make it a tag of its own and "
	      "name that");
	check(&f, "ntile(0, tags.x)",
	      "1:7: ntile() takes the number of groups first, as in ntile(4, "
	      "sum(props.amount))");
	check(&f, "ntile(tags.x, 4)",
	      "1:12: ntile() takes the number of groups first, as in ntile(4, "
	      "sum(props.amount))");
	check(&f, "rank()",
	      "1:1: rank() takes a value, optionally 'asc', and an optional condition");
	check(&f, "population_mean(tags.x, 'asc')",
	      "1:25: expected a condition, not string");
	check(&f, "rank(tags.x, 'up')", "1:14: expected 'asc' or 'desc'");
	check(&f, "rank(tags.x, 7)", "1:14: expected a condition, not int");
	check(&f, "rank('x')",
	      "1:6: expected a number, a timestamp or a duration, not string");
	check(&f, "population_mean(duration('1s'))",
	      "1:17: expected a number, not duration");
	check(&f, "rank(tags.x) + 'a'", "1:14: no such overload: int + string");
	check(&f, "[1].exists(i, rank(i) > 1)", "1:20: unknown name 'i'");
	is_int(cdp_pops_count(f.env.pops), 1, "what is refused leaves nothing behind");
	cdp_pops_free(f.env.pops);
	f.env.pops = NULL;
	check(&f, "rank(tags.x)",
	      "1:1: rank() needs all customers of a run, which are not at hand here");
	fixture_release(&f);
}

static void count_uses(void *ctx, enum cdp_use what, int number)
{
	int *n = ctx;

	(void)number;
	n[what]++;
}

static void check_sharing(void)
{
	struct fixture f;
	struct cdp_err err;
	int n[3] = { 0 };

	fixture_init(&f);
	compile(&f, "rank(tags.x) < 5 || rank( tags.x,'desc' ) > 9", &err);
	is_int(cdp_pops_count(f.env.pops), 1, "equal functions are one");
	compile(&f, "rank(tags.x, 'asc') + rank(tags.x, tags.ok) + ntile(1, tags.x)",
		&err);
	is_int(cdp_pops_count(f.env.pops), 4, "different ones are not");
	is_str(cdp_pops_at(f.env.pops, 1)->text, "rank(tags.x, 'asc')",
	       "a function has a canonical text");
	compile(&f, "tags.x > rank(tags.x) || has(tags.ok)", &err);
	cdp_expr_uses(f.expr, count_uses, n);
	ok(n[CDP_USE_HOST] == 2 && n[CDP_USE_POP] == 1 && n[CDP_USE_AGG] == 0,
	   "an expression tells what it uses");
	fixture_release(&f);
}

int main(void)
{
	check_results();
	check_kinds();
	check_mean();
	check_random();
	check_refused();
	check_sharing();
	return tap_done();
}
