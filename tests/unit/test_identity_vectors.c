/* Identity by hand: small cases of which the answer is written down. */
#include "base/hash.h"
#include "base/mem.h"
#include "identity_world.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void shared_phone_of_two(void)
{
	static const char lines[] =
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"phone\":\"13912345678\",\"customer\":\"1\"}}\n"
		"{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		"{\"phone\":\"+86 139 1234 5678\",\"customer\":\"2\"}}\n";
	struct cdp_idkinds *k = cdp_idkinds_default();
	uint64_t one, two, phone;
	struct world w;
	char *text;

	world_open(&w, k);
	world_learn_lines(&w, lines, true);
	one = world_of(&w, "{\"ids\":{\"customer\":\"1\"}}\n");
	two = world_of(&w, "{\"ids\":{\"customer\":\"2\"}}\n");
	phone = world_of(&w, "{\"ids\":{\"phone\":\"13912345678\"}}\n");
	ok(one && two && phone && one != two, "V17: two customers are two persons");
	ok(phone != one && phone != two, "V17: their phone is attached to neither");
	ok(world_of(&w, "{\"ids\":{\"phone\":\"13912345678\",\"customer\":\"2\"}}\n") ==
		   two,
	   "V17: with the customer it is the customer");
	text = world_written(&w, cdp_identity_write_conflicts);
	ok(strncmp(text,
		   "{\"conflict\":\"contested\",\"time\":\"2024-01-01T00:00:02.000Z\","
		   "\"ids\":{\"phone\":\"+8613912345678\"},",
		   91) == 0,
	   "V17: the conflict is logged with the time it arose");
	free(text);
	world_close(&w);
	cdp_idkinds_free(k);
}

static void limit_of_one_user(void)
{
	static const char json[] =
		"{\"kinds\":[{\"name\":\"user\",\"unique\":true},{\"name\":\"email\"}]}";
	static const char lines[] =
		"{\"type\":\"profile\",\"time\":\"2024-01-01T00:00:01.000Z\",\"ids\":"
		"{\"user\":\"abc123\",\"email\":\"j@x.com\"}}\n"
		"{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		"{\"user\":\"abc456\",\"email\":\"j@x.com\"}}\n";
	struct cdp_err err;
	struct cdp_idkinds *k = cdp_idkinds_parse(json, strlen(json), "x", &err);
	uint64_t one, two;
	struct world w;

	world_open(&w, k);
	world_learn_lines(&w, lines, false);
	one = world_of(&w, "{\"ids\":{\"user\":\"abc123\"}}\n");
	two = world_of(&w, "{\"ids\":{\"user\":\"abc456\",\"email\":\"j@x.com\"}}\n");
	ok(one && two && one != two, "V18: the second user is a new person");
	ok(world_of(&w, "{\"ids\":{\"email\":\"j@x.com\"}}\n") == one,
	   "V18: the e-mail stays with the first");
	world_close(&w);
	cdp_idkinds_free(k);
}

static void six_orders(void)
{
	static const char *const link[3] = {
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"a\":\"1\",\"b\":\"2\"}}\n",
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"c\":\"3\",\"d\":\"4\"}}\n",
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"b\":\"2\",\"c\":\"3\"}}\n",
	};
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const char *const json[2] = {
		"{\"kinds\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},"
		"{\"name\":\"d\"}]}",
		"{\"kinds\":[{\"name\":\"a\",\"shared\":true},{\"name\":\"b\","
		"\"shared\":true},{\"name\":\"c\",\"shared\":true},{\"name\":\"d\","
		"\"shared\":true}]}",
	};
	struct cdp_err err;

	for (int set = 0; set < 2; set++) {
		struct cdp_idkinds *k =
			cdp_idkinds_parse(json[set], strlen(json[set]), "x", &err);
		uint64_t all = 0;
		int bad = 0;

		for (int i = 0; i < 6; i++) {
			struct world w;
			char *text = cdp_asprintf("%s%s%s", link[order[i][0]],
						  link[order[i][1]], link[order[i][2]]);
			uint64_t a, d;

			world_open(&w, k);
			world_learn_lines(&w, text, true);
			a = world_of(&w, "{\"ids\":{\"a\":\"1\"}}\n");
			d = world_of(&w, "{\"ids\":{\"d\":\"4\"}}\n");
			all = i ? all : a;
			bad += !a || a != d || a != all;
			world_close(&w);
			free(text);
		}
		is_int(bad, 0, "V19: one person with the same id in all six orders (%s)",
		       set ? "shared" : "plain");
		cdp_idkinds_free(k);
	}
}

static void what_counts_as_an_id(void)
{
	struct cdp_idkinds *k = cdp_idkinds_default();
	struct cdp_identity_counts c;
	struct world w;

	world_open(&w, k);
	world_learn_lines(
		&w,
		"{\"ids\":{\"device\":\"null\",\"customer\":\"1\"}}\n"
		"{\"ids\":{\"device\":\"null\",\"customer\":\"2\"}}\n"
		"{\"ids\":{\"phone\":\"123\",\"device\":\"d1\"}}\n"
		"{\"ids\":{\"session\":\"s1\",\"device\":\"d1\"}}\n"
		"{\"ids\":{\"session\":\"s1\",\"device\":\"d2\"}}\n"
		"{\"type\":\"relation\",\"ids\":{\"customer\":\"1\",\"login\":\"l\"}}\n"
		"{\"ids\":{\"cust\\u006fmer\":\"3\",\"device\":\"d\\u0033\"}}\n",
		false);
	ok(!world_of(&w, "{\"ids\":{\"device\":\"null\"}}\n"),
	   "a blocked value is no id");
	ok(!world_of(&w, "{\"ids\":{\"ip\":\"1.2.3.4\"}}\n"),
	   "a kind that is off is no id");
	ok(!world_of(&w, "{\"ids\":{\"phone\":\"123\"}}\n"),
	   "a phone of three digits is no id");
	ok(!world_of(&w, "{\"ids\":{}}\n"), "no ids, no person");
	ok(!world_of(&w, "{\"ids\":{\"customer\":12}}\n"), "a number is no id");
	ok(world_of(&w, "{\"ids\":{\"device\":\"d1\"}}\n") !=
		   world_of(&w, "{\"ids\":{\"device\":\"d2\"}}\n"),
	   "an undeclared kind links nothing");
	ok(world_of(&w, "{\"ids\":{\"login\":\"l\"}}\n") !=
		   world_of(&w, "{\"ids\":{\"customer\":\"1\"}}\n"),
	   "a relation links nothing");
	ok(world_of(&w, "{\"ids\":{\"customer\":\"3\"}}\n") ==
		   world_of(&w, "{\"ids\":{\"device\":\"d3\"}}\n"),
	   "escaped names and values are read");
	world_learn_lines(&w, "{\"ids\":{\"session\":\"s9\"}}\n", false);
	ok(world_of(&w, "{\"ids\":{\"session\":\"s9\"}}\n") != 0,
	   "an undeclared kind alone is a person");
	cdp_identity_count(w.m, &c);
	is_int((int64_t)c.blocked, 3, "blocked values are counted");
	is_int((int64_t)c.invalid, 1, "so are those without a normal form");
	world_close(&w);
	cdp_idkinds_free(k);
}

/* Values of all shapes come out as they went in, and none is taken for another. */
static void values_are_kept_as_they_are(void)
{
	static const char json[] =
		"{\"kinds\":[{\"name\":\"a\",\"normalise\":\"none\"}],\"junk\":false}";
	static const char *const letters[] = { "01",   "0123456789abcdef",  "0aF", "aZ_-",
					       "a +.", "0123456789xyzXYZ-_" };
	struct cdp_err err;
	struct cdp_idkinds *k = cdp_idkinds_parse(json, strlen(json), "x", &err);
	struct cdp_intern *seen = cdp_intern_new(0);
	struct cdp_buf lines;
	int bad = 0, rows = 0;
	struct world w;
	char *text;

	cdp_buf_init(&lines, CDP_BUF_NOMAX);
	for (int i = 0; i < 3000; i++) {
		const char *from = letters[history_rnd(6)];
		size_t n = 1 + history_rnd(i % 3 ? 6 : 255), len = strlen(from);
		char value[256];

		for (size_t c = 0; c < n; c++)
			value[c] = from[history_rnd((unsigned)len)];
		if (history_rnd(4) == 0)
			value[0] = '+';
		cdp_intern_put(seen, value, n, NULL);
		cdp_buf_addf(&lines, "{\"ids\":{\"a\":\"%.*s\"}}\n", (int)n, value);
	}
	world_open(&w, k);
	world_learn_lines(&w, cdp_buf_str(&lines), false);
	text = world_written(&w, cdp_identity_write_map);
	for (char *p = text, *q; (p = strstr(p, "\"value\":\"")) != NULL; p = q) {
		p += 9;
		q = strchr(p, '"');
		rows++;
		bad += cdp_intern_get(seen, p, (size_t)(q - p)) == CDP_INTERN_NONE;
	}
	is_int(bad, 0, "values come out as they went in");
	is_int(rows, (int)cdp_intern_count(seen), "and none is taken for another");
	free(text);
	world_close(&w);
	cdp_buf_release(&lines);
	cdp_intern_free(seen);
	cdp_idkinds_free(k);
}

static void merges_say_who_went_where(void)
{
	struct cdp_idkinds *k = cdp_idkinds_default();
	uint64_t cookie, customer;
	struct world w;
	char hex[17] = "", *text;

	world_open(&w, k);
	world_learn_lines(
		&w,
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"cookie\":\"k\"}}\n"
		"{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		"{\"customer\":\"1\"}}\n",
		true);
	cookie = world_of(&w, "{\"ids\":{\"cookie\":\"k\"}}\n");
	customer = world_of(&w, "{\"ids\":{\"customer\":\"1\"}}\n");
	ok(cookie != customer, "not yet linked, they are two");
	world_learn_lines(
		&w,
		"{\"time\":\"2024-01-01T00:00:03.000Z\",\"event\":\"e\",\"ids\":"
		"{\"customer\":\"1\",\"cookie\":\"k\"}}\n",
		true);
	ok(world_of(&w, "{\"ids\":{\"customer\":\"1\"}}\n") == cookie,
	   "the person seen first survives");
	text = world_written(&w, cdp_identity_write_merges);
	cdp_hex16(hex, customer);
	ok(strstr(text, "{\"merge\":\"link\",\"time\":\"2024-01-01T00:00:03.000Z\","
			"\"from\":\"") == text &&
		   strstr(text, hex) &&
		   strstr(text, "\"ids\":{\"cookie\":\"k\","
				"\"customer\":\"1\"}}\n"),
	   "the merge is logged");
	free(text);
	world_learn_lines(
		&w,
		"{\"time\":\"2024-01-01T00:00:04.000Z\",\"event\":\"e\",\"ids\":"
		"{\"customer\":\"2\",\"cookie\":\"k\"}}\n",
		true);
	ok(world_of(&w, "{\"ids\":{\"customer\":\"1\"}}\n") == cookie,
	   "the customer keeps the name when the cookie is contested");
	ok(world_of(&w, "{\"ids\":{\"cookie\":\"k\"}}\n") != cookie,
	   "the contested cookie gets one of its own");
	text = world_written(&w, cdp_identity_write_merges);
	ok(strncmp(text, "{\"merge\":\"moved\",", 17) == 0, "which is logged");
	free(text);
	world_close(&w);
	cdp_idkinds_free(k);
}

int main(void)
{
	shared_phone_of_two();
	limit_of_one_user();
	six_orders();
	what_counts_as_an_id();
	values_are_kept_as_they_are();
	merges_say_who_went_where();
	return tap_done();
}
