/* Rules over what was gathered: many rows at once as one by one. */
#include "base/buf.h"
#include "io/in.h"
#include "io/out.h"
#include "model/segments.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEOPLE = 300, CODES = 40, RULES = 120 };

static char path[] = "/tmp/test_ruleasks.XXXXXX";
static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct cdp_run run_at(void)
{
	struct cdp_err err;
	struct cdp_run run = { .zone = cdp_zone_load("Asia/Shanghai", &err) };

	cdp_time_parse(&run.as_of, "2024-05-01T00:00:00Z", 20, &err);
	return run;
}

/* --- rules --- */

static void add_condition(struct cdp_buf *b, bool sets)
{
	unsigned code = dice(CODES);

	switch (dice(sets ? 12 : 11)) {
	case 0:
		cdp_buf_addf(b, "count(event == 'e%u') > %u", code, dice(3));
		break;
	case 1:
		cdp_buf_addf(b, "count(event == 'e%u' && within('%ud')) == 0", code,
			     1 + dice(60));
		break;
	case 2:
		cdp_buf_addf(b, "count(event == 'e%u' && props.p == 'F%u') %s 1", dice(3),
			     code, dice(2) ? ">=" : "!=");
		break;
	case 3:
		cdp_buf_addf(b, "details.holding.exists(h, %sh.p == 'F%u')",
			     dice(2) ? "" : "h.n > 20 && ", code);
		break;
	case 4:
		cdp_buf_addf(b, "profile.city == 'C%u'", dice(4));
		break;
	case 5:
		cdp_buf_addf(b, "sum(props.n, event in ['e%u','e1']) > %u", code,
			     dice(300));
		break;
	case 6:
		cdp_buf_addf(b, "last(time, event == 'e%u') < as_of - duration('%ud')",
			     code, dice(90));
		break;
	case 7:
		cdp_buf_addf(b, "count() > %u", dice(20));
		break;
	case 8:
		cdp_buf_addf(b, "tags.n > %u", dice(9));
		break;
	case 9:
		cdp_buf_addf(b, "tags.n > count(event == 'e%u')", code);
		break;
	case 10:
		cdp_buf_addf(b, "size(details.holding) == %u", dice(3));
		break;
	default:
		cdp_buf_addf(b, "(segments.s%u ? count(event == 'e%u') : 1) > 0",
			     dice(20), code);
	}
}

static void make_rules(struct cdp_buf *b)
{
	cdp_buf_adds(b, "{\"segments\":[");
	for (unsigned i = 0; i < RULES; i++) {
		cdp_buf_addf(b, "%s{\"name\":\"s%u\",\"when\":\"", i ? "," : "", i);
		for (unsigned k = dice(3) + 1; k; k--) {
			cdp_buf_adds(b, dice(3) ? "(" : "!(");
			add_condition(b, i >= 20);
			cdp_buf_adds(b, k > 1 ? dice(2) ? ") && " : ") || " : ")");
		}
		cdp_buf_adds(b, "\"}");
	}
	cdp_buf_adds(b, "]}");
}

/* --- people --- */

static void add_events(struct cdp_gather *g, struct cdp_scan *scan, unsigned who)
{
	uint64_t errors = 0;
	char key[16], line[256 + CDP_IN_PAD];
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	snprintf(key, sizeof(key), "k%03u", who);
	for (unsigned n = dice(9); n; n--) {
		int len =
			snprintf(line, sizeof(line),
				 "{\"event\":\"e%u\",\"time\":\"x\",\"props\":{\"p\":\"F%"
				 "u\",\"n\":%u}}",
				 dice(3) ? dice(3) : dice(CODES), dice(CODES), dice(200));

		memset(line + len, 0, CDP_IN_PAD);
		cdp_scan_block(scan, line, (size_t)len);
		if (cdp_scan_next(scan, &rec, &err) != 1)
			ok(false, "%s", err.msg);
		cdp_gather_event(g, key, 4, &rec, cdp_rec_get(&rec, CDP_SLOT_EVENT),
				 1709251200000 + (int64_t)dice(90) * 86400000);
		cdp_gather_settle(g, &errors);
	}
}

static struct cdp_val json(const char *text)
{
	struct cdp_val v;

	cdp_val_at(&v, text, strlen(text));
	return v;
}

static void add_facts(struct cdp_gather *g, unsigned who)
{
	struct cdp_val table = json("\"holding\""), row, value, city = json("\"city\"");
	char key[16], text[64], number[16];
	uint32_t customer;

	snprintf(key, sizeof(key), "k%03u", who);
	customer = cdp_gather_customer(g, key, 4);
	for (unsigned n = dice(3); n; n--) {
		snprintf(number, sizeof(number), "\"%u\"", n);
		snprintf(text, sizeof(text),
			 dice(9) ? "{\"n\":30,\"p\":\"F%u\"}" : "{\"q\":%u}",
			 dice(CODES));
		row = json(number);
		value = json(text);
		cdp_gather_detail(g, customer, &table, &row, &value, 1);
	}
	if (dice(2))
		return;
	snprintf(text, sizeof(text), "\"C%u\"", dice(4));
	value = json(text);
	cdp_gather_attribute(g, customer, CDP_SET, &city, &value, 1);
}

/* --- both ways --- */

struct found {
	uint32_t first, rows;
	uint8_t is[RULES][PEOPLE]; /* 1 member, 2 error */
};

static void note(void *ctx, uint32_t set, struct cdp_rowset *rows)
{
	struct found *f = ctx;

	for (unsigned r = 0; f->first + r < PEOPLE && r < f->rows; r++) {
		if (rows->t[r / 64] >> r % 64 & 1)
			f->is[set][f->first + r] = 1;
		if (rows->e[r / 64] >> r % 64 & 1)
			f->is[set][f->first + r] = 2;
	}
}

static void compare(const struct cdp_segments *s, struct cdp_paths *paths,
		    const struct cdp_run *run)
{
	static struct found f;
	static uint64_t errors[RULES];
	struct cdp_eval *ev = cdp_eval_new(run);
	struct cdp_known *known = cdp_known_new(s->asked, s->customers, ev);
	struct cdp_scan *scan = cdp_scan_new(paths);
	struct cdp_segment_plan plan;
	struct cdp_rule_block *block;
	uint64_t all[2] = { ~(uint64_t)0, ~(uint64_t)0 };
	unsigned bad = 0, members = 0, failed = 0, rows;

	cdp_segment_plan_init(&plan, s, all, 0);
	rows = cdp_rule_plan_rows(plan.plan);
	block = cdp_rule_block_new(plan.plan, run, paths);
	memset(&f, 0, sizeof(f));
	f.rows = rows;
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < PEOPLE; i++) {
			uint32_t who =
				i % 7 ? cdp_customers_at(s->customers, i) : CDP_NOBODY;
			char line[64 + CDP_IN_PAD] = "";
			struct cdp_rec rec = { 0 };
			struct cdp_err err;
			uint64_t bits[2] = { 0 };
			int n = snprintf(line, sizeof(line),
					 i % 3 ? "{\"tags\":{\"n\":%u}}"
					       : "{\"tags\":{}}",
					 i % 11);

			cdp_scan_block(scan, line, (size_t)n);
			cdp_scan_next(scan, &rec, &err);
			if (pass == 0) {
				unsigned row = cdp_rule_block_add_of(block, &rec, who);

				if (row + 1 == rows || i + 1 == PEOPLE) {
					cdp_rule_block_decide(block, true, note, &f);
					f.first = i + 1;
				}
				continue;
			}
			cdp_known_turn(known, who);
			memset(errors, 0, sizeof(errors));
			cdp_segments_decide(s, ev, known, &rec, bits, errors, &err);
			for (unsigned k = 0; k < RULES; k++) {
				unsigned want = errors[k] ? 2 : cdp_bit(bits, k);

				members += want == 1;
				failed += want == 2;
				bad += f.is[k][i] != want;
			}
		}
	is_int(bad, 0, "many rows are decided as each of them alone");
	ok(members > PEOPLE && failed > PEOPLE, "there are %u members and %u errors",
	   members, failed);
	cdp_rule_block_free(block);
	cdp_segment_plan_release(&plan);
	cdp_scan_free(scan);
	cdp_known_free(known);
	cdp_eval_free(ev);
}

static void world(void)
{
	struct cdp_run run = run_at();
	struct cdp_paths *events = cdp_paths_new(), *profiles = cdp_paths_new();
	struct cdp_tagset *asked = cdp_tagset_new(events);
	struct cdp_segments_given given = { .asked = asked };
	struct cdp_customers *c;
	struct cdp_segments *s;
	struct cdp_gather *g;
	struct cdp_scan *scan;
	struct cdp_buf text;
	struct cdp_err err;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	make_rules(&text);
	if (cdp_file_replace(path, text.p, text.n, &err) < 0 ||
	    !(s = cdp_segments_load(path, profiles, &given, &err)) ||
	    cdp_aggs_bind(asked->aggs, &run, &err) < 0) {
		ok(false, "%s", err.msg);
		return;
	}
	ok(cdp_segments_gather(s), "such rules ask for more than profiles");
	c = cdp_customers_new(asked, 2);
	g = cdp_gather_new(c, &run);
	scan = cdp_scan_new(events);
	for (unsigned i = 0; i < PEOPLE; i++) {
		add_facts(g, i);
		if (dice(5))
			add_events(g, scan, i);
	}
	cdp_gather_end(g);
	cdp_customers_finish(c);
	s->customers = c;
	compare(s, profiles, &run);
	cdp_scan_free(scan);
	cdp_segments_free(s);
	cdp_customers_free(c);
	cdp_tagset_free(asked);
	cdp_paths_free(events);
	cdp_paths_free(profiles);
	cdp_zone_free((struct cdp_zone *)run.zone);
	cdp_buf_release(&text);
}

int main(void)
{
	close(mkstemp(path));
	for (seed = 1; seed < 40;) {
		uint32_t next = seed + 8;

		world();
		seed = next;
	}
	unlink(path);
	return tap_done();
}
