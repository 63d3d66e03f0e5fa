/* Any text as an expression: with no record, over a record, and over a customer's events
 * with aggregates, tags and functions over the population.  Whatever compiles is
 * evaluated; its canonical text must parse to the same canonical text; the partials of
 * its aggregates survive being written and read. */
#include "lang/agg.h"
#include "lang/ast.h"
#include "lang/pop.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record[] =
	"{\"one_id\":\"5e1c0d9a3b7f2c44\",\"time\":\"2024-04-25T06:59:46.123Z\","
	"\"event\":\"buy_fund\",\"event_id\":\"e1\",\"ids\":{\"customer\":\"C0001\"},"
	"\"props\":{\"amount\":5000.00,\"n\":3,\"x\":-1e999,\"name\":\"\\u94f6\\ud800\","
	"\"nul\":null,\"list\":[1,2.5,\"x\",[4],{\"k\":[7],\"k\":8}],\"obj\":{\"a\":1}},"
	"\"sent\":null,\"received\":\"yesterday\"}\n";

static bool scan(struct cdp_scan *s, struct cdp_rec *rec)
{
	static char block[1024];
	struct cdp_err err;

	memcpy(block, record, sizeof(record));
	cdp_scan_block(s, block, sizeof(record) - 1);
	return cdp_scan_next(s, rec, &err) == 1;
}

static void evaluate(const struct cdp_expr *e, struct cdp_eval *ev, struct cdp_rec *rec)
{
	struct cdp_value v;
	struct cdp_err err;
	struct cdp_buf b;

	if (cdp_expr_value(e, ev, rec, &v, &err) < 0)
		return;
	cdp_buf_init(&b, 1 << 20);
	cdp_value_typed_json(&b, &v);
	cdp_value_json(&b, &v);
	if (cdp_value_equal(&v, &v))
		cdp_value_hash(&v);
	cdp_buf_release(&b);
	cdp_expr_match(e, ev, rec, &err);
}

static void check_canonical(const char *text, size_t n)
{
	struct cdp_arena arena;
	struct cdp_ast *a;
	struct cdp_err err;
	struct cdp_buf one, two;

	cdp_arena_init(&arena);
	a = cdp_parse(text, n, &arena, &err);
	if (a) {
		cdp_buf_init(&one, CDP_EXPR_TEXT_MAX);
		cdp_buf_init(&two, CDP_BUF_NOMAX);
		cdp_ast_text(&one, a);
		/* Brackets that were implied may nest too deeply now. */
		a = one.over ? NULL : cdp_parse(one.p, one.n, &arena, &err);
		if (a)
			cdp_ast_text(&two, a);
		if (a && (one.n != two.n || memcmp(one.p, two.p, one.n) != 0))
			abort();
		cdp_buf_release(&one);
		cdp_buf_release(&two);
	}
	cdp_arena_release(&arena);
}

static int agg_fetch(void *host, unsigned agg, struct cdp_value *out, struct cdp_err *err)
{
	(void)host;
	(void)agg;
	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_INT };
	return 0;
}

/* tags.i is an int, tags.s a string ...; tags.null is null. */
static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	(void)host;
	*used = 2;
	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE, "no name");
	return (unsigned char)names[1][0];
}

static int type_of(void *host, int ref)
{
	(void)host;
	switch (ref) {
	case 'i':
		return CDP_V_INT;
	case 's':
		return CDP_V_STRING;
	case 't':
		return CDP_V_TIMESTAMP;
	default:
		return -1;
	}
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	if (ref == 'e')
		return cdp_err_set(err, CDP_ERR_EVAL, "no such tag");
	*out = (struct cdp_value){ .type = (uint8_t)type_of(host, ref) };
	if (ref == 's')
		out->s.p = "text", out->s.n = 4;
	else if (out->type > CDP_V_DURATION)
		out->type = CDP_V_NULL;
	return 0;
}

static int pop_fetch(void *host, unsigned pop, struct cdp_value *out, struct cdp_err *err)
{
	(void)host;
	(void)pop;
	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_INT };
	return 0;
}

static void take_census(const struct cdp_pop *p, struct cdp_eval *ev, struct cdp_rec *rec)
{
	struct cdp_census *c = cdp_census_new(p, 3);
	struct cdp_value v = { .type = CDP_V_DOUBLE, .d = -7.25 };
	struct cdp_err err;

	cdp_census_ask(c, 0, ev, rec, &err);
	cdp_census_ask(c, 1, ev, rec, &err);
	cdp_census_put(c, 2, &v, &err);
	cdp_census_finish(c);
	cdp_census_result(c, 2, &v);
	if (v.type == CDP_V_NULL)
		abort();
	cdp_census_free(c);
}

static void rewrite(const struct cdp_agg *a, const struct cdp_buf *first)
{
	void *state = cdp_calloc(1, cdp_agg_size(a));
	struct cdp_buf again;
	struct cdp_err err;

	cdp_buf_init(&again, CDP_BUF_NOMAX);
	if (cdp_agg_read(a, state, first->p, first->n, &err) < 0)
		abort();
	cdp_agg_write(a, state, &again);
	if (again.n != first->n || memcmp(again.p, first->p, first->n) != 0)
		abort();
	cdp_agg_release(a, state);
	cdp_buf_release(&again);
	free(state);
}

static void feed(const struct cdp_agg *a, struct cdp_eval *ev, struct cdp_rec *rec)
{
	void *one = cdp_calloc(1, cdp_agg_size(a)), *two = cdp_calloc(1, cdp_agg_size(a));
	struct cdp_value v;
	struct cdp_err err;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_agg_add(a, one, ev, rec, 1714028386123, &err);
	cdp_agg_add(a, two, ev, rec, 1714028386123, &err);
	cdp_agg_merge(a, one, two);
	cdp_agg_result(a, one, ev, &v);
	cdp_value_typed_json(&b, &v);
	cdp_buf_reset(&b);
	cdp_agg_write(a, one, &b);
	rewrite(a, &b);
	cdp_agg_release(a, one);
	cdp_buf_release(&b);
	free(one);
	free(two);
}

static void with_record(const char *text, size_t n, const char *const *members,
			struct cdp_run *run)
{
	struct cdp_env events = { .paths = cdp_paths_new(), .members = members };
	struct cdp_env env = { .paths = members ? NULL : events.paths,
			       .roots = (const char *const[]){ "tags", NULL },
			       .resolve = resolve,
			       .type_of = type_of,
			       .aggs = cdp_aggs_new(),
			       .event_env = &events,
			       .pops = cdp_pops_new(),
			       .run = members ? run : NULL };
	struct cdp_eval *ev = cdp_eval_new(run);
	struct cdp_expr *e;
	struct cdp_scan *s;
	struct cdp_rec rec;
	struct cdp_err err;

	if (cdp_expr_compile(&e, text, n, &env, &err) == 0) {
		s = cdp_scan_new(events.paths);
		cdp_aggs_bind(env.aggs, run, &err);
		cdp_eval_set_aggs(ev, agg_fetch, NULL);
		cdp_eval_set_pops(ev, pop_fetch, NULL);
		cdp_eval_set_host(ev, fetch, NULL);
		if (scan(s, &rec)) {
			evaluate(e, ev, members ? NULL : &rec);
			for (unsigned i = 0; i < cdp_aggs_count(env.aggs) && i < 4; i++)
				feed(cdp_aggs_at(env.aggs, i), ev, &rec);
			for (unsigned i = 0; i < cdp_pops_count(env.pops) && i < 4; i++)
				take_census(cdp_pops_at(env.pops, i), ev, &rec);
		}
		cdp_scan_free(s);
		cdp_expr_free(e);
	}
	cdp_eval_free(ev);
	cdp_aggs_free(env.aggs);
	cdp_pops_free(env.pops);
	cdp_paths_free(events.paths);
}

static void without_record(const char *text, size_t n, struct cdp_run *run)
{
	struct cdp_eval *ev = cdp_eval_new(run);
	struct cdp_env env = { 0 };
	struct cdp_expr *e;
	struct cdp_err err;

	if (cdp_expr_compile(&e, text, n, &env, &err) == 0) {
		evaluate(e, ev, NULL);
		cdp_expr_free(e);
	}
	cdp_eval_free(ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct cdp_run run = { .as_of = { .s = 1714492800 } };
	struct cdp_zone *zone;
	struct cdp_err err;

	zone = cdp_zone_load("+08:00", &err);
	run.zone = zone;
	check_canonical(text, size);
	without_record(text, size, &run);
	with_record(text, size, NULL, &run);
	with_record(text, size, cdp_event_members, &run);
	cdp_zone_free(zone);
	return 0;
}
