/* Entity tables: the latest row of an id in any order of arrival, what expressions see of
 * it, and many ids. */
#include "model/entities.h"

#include "lang/expr.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng = 88172645463325252ULL;
static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 8) % n);
}

struct world {
	struct cdp_entities *e;
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	struct cdp_entity_slots *slots;
	struct cdp_entity_batch *batch;
};

static int name(struct cdp_entities *e, const char *entity, const char *a, const char *b)
{
	const char *names[] = { a, b };
	struct cdp_err err;
	size_t used;

	return cdp_entities_resolve(e, entity, names, b ? 2 : 1, &used, &err);
}

static void begin(struct world *w)
{
	w->e = cdp_entities_new();
	w->paths = cdp_paths_new();
}

static void read_rows(struct world *w)
{
	w->slots = cdp_entity_slots_new(w->e, w->paths);
	w->scan = cdp_scan_new(w->paths);
	w->batch = cdp_entity_batch_new(w->e, w->slots);
}

static int feed(struct world *w, const char *line)
{
	char text[1024] = { 0 };
	struct cdp_rec rec;
	struct cdp_err err;

	snprintf(text, sizeof(text) - 128, "%s", line);
	cdp_scan_block(w->scan, text, strlen(text));
	if (cdp_scan_next(w->scan, &rec, &err) != 1)
		return -2;
	return cdp_entity_batch_add(w->batch, &rec, &err);
}

static void end(struct world *w)
{
	cdp_entity_batch_free(w->batch);
	free(w->slots);
	cdp_scan_free(w->scan);
	cdp_paths_free(w->paths);
	cdp_entities_free(w->e);
}

/* The member as JSON text, or "-". */
static const char *get(const struct world *w, int ref, const char *id)
{
	static char text[256];
	struct cdp_value v = { .type = CDP_V_STRING }, out = { 0 };
	struct cdp_arena a;
	struct cdp_buf b;

	v.s.p = id;
	v.s.n = strlen(id);
	cdp_arena_init(&a);
	cdp_buf_init(&b, sizeof(text) - 1);
	if (cdp_entities_fetch(w->e, ref, &v, &a, &out))
		cdp_value_json(&b, &out);
	else
		cdp_buf_addc(&b, '-');
	snprintf(text, sizeof(text), "%.*s", (int)b.n, b.p);
	cdp_buf_release(&b);
	cdp_arena_release(&a);
	return text;
}

#define ROW(id, time, rest)                                                              \
	"{\"type\":\"entity\",\"entity\":\"p\",\"id\":\"" id                             \
	"\",\"time\":\"2024-04-" time "T00:00:00.000Z\"," rest "}"

static void test_latest(void)
{
	static const char *const rows[] = {
		ROW("A", "01", "\"props\":{\"class\":\"old\",\"risk\":1}"),
		ROW("A", "03", "\"props\":{\"class\":\"new\",\"x\":7}"),
		ROW("A", "02", "\"props\":{\"class\":\"between, and long\"}"),
		ROW("B", "01", "\"props\":{\"class\":\"b\"}"),
		ROW("B", "02", "\"deleted\":true"),
		ROW("C", "01", "\"deleted\":true"),
		ROW("C", "02", "\"props\":{\"class\":\"again\",\"risk\":null}"),
		ROW("D", "01", "\"props\":{\"class\":\"a\"}"),
		ROW("D", "01", "\"props\":{\"class\":\"b\"}"),
		ROW("D", "01", "\"deleted\":true"),
		"{\"type\":\"entity\",\"entity\":\"p\",\"id\":\"D\",\"props\":{\"class\":"
		"\"timeless\"}}",
		"{\"type\":\"entity\",\"entity\":\"p\",\"id\":\"E\",\"props\":{\"class\":"
		"\"timeless\"}}",
	};
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	unsigned wrong = 0;

	for (unsigned round = 0; round < 200; round++) {
		const char *mixed[ROWS];
		struct world w;
		int class, risk, id;

		memcpy(mixed, rows, sizeof(rows));
		for (unsigned i = ROWS; i > 1; i--) {
			unsigned j = rnd(i);
			const char *s = mixed[i - 1];

			mixed[i - 1] = mixed[j];
			mixed[j] = s;
		}
		begin(&w);
		class = name(w.e, "p", "class", NULL);
		risk = name(w.e, "p", "risk", NULL);
		id = name(w.e, "p", "id", NULL);
		read_rows(&w);
		for (unsigned i = 0; i < ROWS; i++) {
			wrong += feed(&w, mixed[i]) != 1;
			if (rnd(2))
				cdp_entity_batch_settle(w.batch);
		}
		cdp_entity_batch_settle(w.batch);
		wrong += strcmp(get(&w, class, "A"), "\"new\"") != 0;
		wrong += strcmp(get(&w, risk, "A"), "-") != 0;
		wrong += strcmp(get(&w, id, "A"), "\"A\"") != 0;
		wrong += strcmp(get(&w, class, "B"), "-") != 0;
		wrong += strcmp(get(&w, id, "B"), "-") != 0;
		wrong += strcmp(get(&w, class, "C"), "\"again\"") != 0;
		wrong += strcmp(get(&w, risk, "C"), "null") != 0;
		wrong += strcmp(get(&w, class, "D"), "\"b\"") != 0;
		wrong += strcmp(get(&w, class, "E"), "\"timeless\"") != 0;
		wrong += strcmp(get(&w, class, "F"), "-") != 0;
		wrong += cdp_entities_rows(w.e, 0) != 4;
		end(&w);
	}
	is_int(wrong, 0, "the latest row counts, in whatever order rows come");
}

static void test_what_is_kept(void)
{
	struct cdp_value number = { .type = CDP_V_INT, .i = 17 }, out = { 0 };
	struct cdp_arena a;
	struct world w;
	int x, tier, other;
	size_t n;

	begin(&w);
	x = name(w.e, "p", "x", NULL);
	tier = name(w.e, "firm", "tags", "tier");
	other = name(w.e, "person", "tags", "age");
	ok(name(w.e, "p", "x", NULL) == x && tier != other, "a name has one reference");
	ok(strncmp(cdp_entities_member(w.e, tier, &n), "tier", 4) == 0 && n == 4,
	   "which tells its member");
	read_rows(&w);
	cdp_arena_init(&a);
	is_int(feed(&w, ROW("17", "01", "\"props\":{\"\\u0078\":[1,{\"y\":2}]}")), 1,
	       "a row with an escaped name is taken");
	is_int(feed(&w, "{\"type\":\"entity\",\"entity\":\"q\",\"id\":\"1\"}"), 0,
	       "a row of an entity that nobody named is none");
	is_int(feed(&w, "{\"type\":\"entity\",\"entity\":\"p\",\"id\":1}"), -1,
	       "an id is a string");
	is_int(feed(&w, "{\"type\":\"entity\",\"entity\":\"p\",\"id\":\"1\","
			"\"time\":\"yesterday\"}"),
	       -1, "a time is a time");
	is_int(feed(&w, "{\"event\":\"e\",\"tags\":1}"), 0, "an event is no row");
	is_int(feed(&w, "{\"firm\":\"E9\",\"as_of\":\"2024-04-01T00:00:00.000Z\","
			"\"tags\":{\"tier\":\"gold\"}}"),
	       1, "a profile is a row of its entity");
	is_int(feed(&w, "{\"one_id\":\"5e1c0d9a3b7f2c44\",\"as_of\":"
			"\"2024-04-01T00:00:00.000Z\",\"tags\":{\"age\":30}}"),
	       1, "that of a customer one of person");
	is_int(feed(&w, "{\"firm\":\"E9\",\"tags\":{}}"), -1,
	       "a profile needs a base time");
	cdp_entity_batch_settle(w.batch);
	is_str(get(&w, x, "17"), "[1,{\"y\":2}]", "members are any JSON");
	ok(cdp_entities_fetch(w.e, x, &number, &a, &out) == 1,
	   "a whole number is an id by its digits");
	number.i = -17;
	ok(cdp_entities_fetch(w.e, x, &number, &a, &out) == 0, "another number is not");
	number.type = CDP_V_NULL;
	ok(cdp_entities_fetch(w.e, x, &number, &a, &out) == 0, "null is no id");
	is_str(get(&w, tier, "E9"), "\"gold\"", "tags of a firm's profile");
	is_str(get(&w, other, "5e1c0d9a3b7f2c44"), "30", "tags of a person's profile");
	cdp_arena_release(&a);
	end(&w);
}

/* Ids over several sizes of table, each row replaced by longer and shorter ones. */
static void test_many(void)
{
	enum { IDS = 50000, ROWS = 300000 };
	uint32_t *last = calloc(IDS, sizeof(*last));
	char line[512], want[300], id[16], pad[200];
	unsigned wrong = 0;
	struct world w;
	int v;

	begin(&w);
	v = name(w.e, "p", "v", NULL);
	read_rows(&w);
	memset(pad, 'x', sizeof(pad));
	for (uint32_t i = 0; i < ROWS; i++) {
		uint32_t k = rnd(IDS);

		last[k] = i + 1;
		snprintf(line, sizeof(line),
			 "{\"type\":\"entity\",\"entity\":\"p\",\"id\":\"M%u\","
			 "\"time\":\"2024-04-01T%02u:%02u:%02u.%03uZ\","
			 "\"props\":{\"v\":\"%u%.*s\"}}",
			 k, (i / 3600000) % 24, i / 60000 % 60, i / 1000 % 60, i % 1000,
			 i + 1, (int)(i * 7 % 190), pad);
		wrong += feed(&w, line) != 1;
		if (i % 100 == 0)
			cdp_entity_batch_settle(w.batch);
	}
	cdp_entity_batch_settle(w.batch);
	for (uint32_t k = 0; k < IDS; k++) {
		uint32_t i = last[k] - 1;

		snprintf(id, sizeof(id), "M%u", k);
		if (last[k])
			snprintf(want, sizeof(want), "\"%u%.*s\"", i + 1,
				 (int)(i * 7 % 190), pad);
		else
			strcpy(want, "-");
		wrong += strcmp(get(&w, v, id), want) != 0;
	}
	is_int(wrong, 0, "each of 50,000 ids has its last of 300,000 rows");
	ok(cdp_entities_memory(w.e) < 2 * (size_t)IDS * 250,
	   "rows that were replaced do not add up");
	end(&w);
	free(last);
}

/* What an expression gives for a record, as JSON text or "error: ...". */
static const char *value(const struct world *w, const char *text, const char *line)
{
	static char got[512];
	struct cdp_env env = { .paths = w->paths,
			       .members = cdp_event_members,
			       .resolve_entity = cdp_entities_resolve,
			       .entity_host = w->e };
	struct cdp_eval *ev = cdp_eval_new(NULL);
	struct cdp_expr *x;
	struct cdp_value v;
	struct cdp_err err;
	struct cdp_rec rec;
	struct cdp_buf b;
	char record[256] = { 0 };

	cdp_buf_init(&b, sizeof(got) - 1);
	cdp_eval_set_entities(ev, cdp_entities_fetch, w->e);
	snprintf(record, 128, "%s", line);
	if (cdp_expr_compile(&x, text, strlen(text), &env, &err) < 0) {
		cdp_buf_addf(&b, "usage: %s", err.msg);
	} else {
		struct cdp_scan *scan = cdp_scan_new(w->paths);

		cdp_scan_block(scan, record, strlen(record));
		if (cdp_scan_next(scan, &rec, &err) == 1 &&
		    cdp_expr_value(x, ev, &rec, &v, &err) == 0)
			cdp_value_json(&b, &v);
		else
			cdp_buf_addf(&b, "error: %s", err.msg);
		cdp_scan_free(scan);
		cdp_expr_free(x);
	}
	snprintf(got, sizeof(got), "%.*s", (int)b.n, b.p);
	cdp_buf_release(&b);
	cdp_eval_free(ev);
	return got;
}

static void test_expressions(void)
{
	static const char *const texts[][3] = {
		{ "entity('p', props.p).v", "{\"props\":{\"p\":\"A\"}}", "7" },
		{ "entity('p', props.p).v + 1", "{\"props\":{\"p\":\"A\"}}", "8" },
		{ "entity('p', props.p)['v'] > 6.5", "{\"props\":{\"p\":\"A\"}}",
		  "true" },
		{ "entity('p', props.p).m.k", "{\"props\":{\"p\":\"A\"}}", "\"deep\"" },
		{ "has(entity('p', props.p).m.k)", "{\"props\":{\"p\":\"A\"}}", "true" },
		{ "has(entity('p', props.p).m.l)", "{\"props\":{\"p\":\"A\"}}", "false" },
		{ "has(entity('p', props.p).v)", "{\"props\":{\"p\":\"B\"}}", "false" },
		{ "has(entity('p', props.p).id)", "{\"props\":{\"p\":\"B\"}}", "false" },
		{ "has(entity('p', props.p).id)", "{}", "false" },
		{ "entity('p', entity('p', 'A').next).v", "{}", "9" },
		{ "['A','N'].map(p, entity('p', p).v)", "{}", "[7,9]" },
		{ "entity('p', props.p).v", "{\"props\":{\"p\":\"B\"}}",
		  "error: no such p with a 'v'" },
		{ "entity('p', props.p).v", "{}", "error: no such member 'props.p'" },
		{ "entity('p', props.p)", "{}",
		  "usage: 1:1: entity() needs the name of a member, as in "
		  "entity('product', props.product).class" },
		{ "entity(event, 'A').v", "{}",
		  "usage: 1:1: entity() takes a constant name and an id, as in "
		  "entity('product', props.product).class" },
		{ "entity('p', prop.p).v", "{}",
		  "usage: 1:13: unknown name 'prop'; did you mean 'props'?" },
	};
	struct world w;

	begin(&w);
	name(w.e, "p", "v", NULL);
	name(w.e, "p", "m", NULL);
	name(w.e, "p", "next", NULL);
	read_rows(&w);
	feed(&w,
	     ROW("A", "01", "\"props\":{\"v\":7,\"m\":{\"k\":\"deep\"},\"next\":\"N\"}"));
	feed(&w, ROW("N", "01", "\"props\":{\"v\":9}"));
	cdp_entity_batch_settle(w.batch);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		is_str(value(&w, texts[i][0], texts[i][1]), texts[i][2], "%s of %s",
		       texts[i][0], texts[i][1]);
	end(&w);
}

int main(void)
{
	test_latest();
	test_what_is_kept();
	test_many();
	test_expressions();
	return tap_done();
}
