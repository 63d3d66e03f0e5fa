/* The synthetic bank: that it repeats, that its lines are what they claim to be, that
 * dirt is what was asked for, and that its funnels count right. */
#include "base/mem.h"
#include "base/time.h"
#include "model/bank_int.h"
#include "record/json.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct cdp_bank *new_bank(uint64_t seed, uint32_t customers, uint32_t days,
				 uint64_t events, uint32_t dirt)
{
	struct cdp_bank_conf c = { .seed = seed,
				   .events = events,
				   .customers = customers,
				   .days = days,
				   .start = cdp_days_from_civil(2024, 4, 1),
				   .late = dirt,
				   .duplicate = dirt,
				   .junk = dirt,
				   .malformed = dirt };
	struct cdp_err err;
	struct cdp_bank *b = cdp_bank_new(&c, &err);

	if (!b)
		CDP_BUG("%s", err.msg);
	return b;
}

/* All of a run: canonical events, or the files one after another within each day. */
static void run(struct cdp_bank *b, bool canonical, struct cdp_buf *out)
{
	struct cdp_bank_item item;

	for (uint32_t i = 0; i < b->conf.customers; i++)
		cdp_bank_start(b, i);
	for (uint32_t d = 0; d < b->conf.days; d++) {
		cdp_bank_day(b);
		while (cdp_bank_next(b, &item))
			if (canonical)
				cdp_bank_write_event(b, &item, true, out);
			else
				cdp_bank_write(b, &item, out);
	}
}

static bool repeats(uint64_t seed, uint64_t other, uint32_t dirt)
{
	struct cdp_buf text[2];
	bool same;

	for (int i = 0; i < 2; i++) {
		struct cdp_bank *b = new_bank(i ? other : seed, 50, 5, 3000, dirt);

		cdp_buf_init(&text[i], CDP_BUF_NOMAX);
		run(b, false, &text[i]);
		for (unsigned r = 0; r < CDP_BANK_ROWS; r++)
			cdp_buf_add(&text[i], cdp_bank_rows(b, r)->p,
				    cdp_bank_rows(b, r)->n);
		for (uint32_t r = 0; r <= cdp_bank_customers(b); r++) {
			cdp_bank_customer_csv(b, r, &text[i]);
		}
		cdp_bank_truth(b, &text[i]);
		cdp_bank_free(b);
	}
	same = text[0].n == text[1].n && memcmp(text[0].p, text[1].p, text[0].n) == 0;
	cdp_buf_release(&text[0]);
	cdp_buf_release(&text[1]);
	return same;
}

static void repeatable(void)
{
	ok(repeats(1, 1, 0), "the same seed gives the same bytes");
	ok(repeats(9, 9, 20000), "also with dirt");
	ok(!repeats(1, 2, 0), "another seed gives another bank");
}

static uint64_t count_events(uint32_t customers, uint32_t days, uint64_t events)
{
	struct cdp_bank *b = new_bank(3, customers, days, events, 0);
	struct cdp_buf out;
	uint64_t lines = 0;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	run(b, true, &out);
	for (size_t i = 0; i < out.n; i++)
		lines += out.p[i] == '\n';
	cdp_buf_release(&out);
	cdp_bank_free(b);
	return lines;
}

static void numbers(void)
{
	is_int((int64_t)count_events(1, 1, 0), 0,
	       "a bank where nothing happens is empty");
	is_int((int64_t)count_events(1, 1, 1), 1, "one event is one line");
	is_int((int64_t)count_events(1, 1, 1000), 1000,
	       "a single customer makes as many as asked for");
	is_int((int64_t)count_events(1000, 30, 500), 500,
	       "fewer events than customers are met exactly");
	is_int((int64_t)count_events(100, 7, 20011), 20011,
	       "a number that is no multiple of anything is met exactly");
}

struct lines {
	uint64_t n, bad, unordered, outside, untimed;
};

/* Validate lines of JSON, look at their times. */
static struct lines look(const struct cdp_bank *b, const struct cdp_buf *text)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_scan *s = cdp_scan_new(paths);
	struct lines l = { 0 };
	int64_t before = 0, from = bank_ms(b, 0, 0);
	int64_t to = bank_ms(b, (int32_t)b->conf.days, 0);
	struct cdp_rec rec;
	struct cdp_err err;
	int rc;

	cdp_scan_block(s, text->p, text->n);
	while ((rc = cdp_scan_next(s, &rec, &err)) != 0) {
		const struct cdp_val *v;
		int64_t ms;

		l.n++;
		if (rc < 0) {
			l.bad++;
			continue;
		}
		v = cdp_rec_get(&rec, CDP_SLOT_TIME);
		ms = v->type == CDP_STRING ? cdp_time_canon_ms(v->p, v->n) : INT64_MIN;
		if (v->type == CDP_STRING &&
		    (v->n != CDP_TIME_CANON || ms == INT64_MIN)) {
			l.untimed++;
			continue;
		}
		l.outside += ms < from || ms >= to;
		l.unordered += ms < before;
		before = ms;
	}
	cdp_scan_free(s);
	cdp_paths_free(paths);
	return l;
}

static void pad(struct cdp_buf *b)
{
	cdp_buf_reserve(b, 64); /* a scanner may read beyond the end */
	memset(b->p + b->n, 0, 64);
}

static void clean_lines(void)
{
	struct cdp_bank *b = new_bank(5, 200, 10, 20000, 0);
	struct cdp_buf out;
	struct lines l;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	run(b, true, &out);
	pad(&out);
	l = look(b, &out);
	is_int((int64_t)l.n, 20000, "each event is a line");
	is_int((int64_t)l.bad, 0, "all are valid JSON");
	is_int((int64_t)l.untimed, 0, "all have a canonical time");
	is_int((int64_t)l.unordered, 0, "without dirt they come in order of time");
	is_int((int64_t)l.outside, 0, "all lie within the run");
	for (unsigned r = 0; r < CDP_BANK_ROWS; r++) {
		struct cdp_buf *rows = cdp_bank_rows(b, r);

		pad(rows);
		l = look(b, rows);
		ok(l.n && !l.bad && l.n == b->row_lines[r], "rows of kind %u are JSON",
		   r);
	}
	cdp_bank_free(b);
	b = new_bank(5, 200, 10, 20000, 0);
	cdp_buf_reset(&out);
	for (uint32_t d = 0; d < b->conf.days; d++) {
		struct cdp_bank_item item;

		cdp_bank_day(b);
		while (cdp_bank_next(b, &item))
			if (item.file == CDP_BANK_SENSORS ||
			    item.file == CDP_BANK_SEGMENT)
				cdp_bank_write(b, &item, &out);
	}
	pad(&out);
	l = look(b, &out);
	ok(l.n == b->files[CDP_BANK_SENSORS].lines + b->files[CDP_BANK_SEGMENT].lines &&
		   l.n > 10000 && !l.bad,
	   "lines of the apps' logs are JSON");
	cdp_buf_release(&out);
	cdp_bank_free(b);
}

/* --- dirt --- */

static void dirty_lines(void)
{
	struct cdp_bank *b = new_bank(6, 300, 10, 30000, 20000);
	uint64_t fault[CDP_BANK_FAULTS] = { 0 }, again = 0, late = 0, total = 0,
		 wrong = 0;
	struct file_truth sum = { 0 };
	struct cdp_bank_item item;

	for (uint32_t d = 0; d < b->conf.days; d++) {
		cdp_bank_day(b);
		while (cdp_bank_next(b, &item)) {
			int64_t at = bank_ms(b, b->day, 0);

			total++;
			fault[item.fault]++;
			again += item.again;
			late += item.time_ms < at && !item.again && !item.fault;
			wrong += item.arrived_ms < item.time_ms ||
				 (item.file == CDP_BANK_ACCESS &&
				  (item.again || item.time_ms < at));
		}
	}
	for (unsigned f = 0; f < CDP_BANK_FILES; f++) {
		for (unsigned i = 1; i < CDP_BANK_FAULTS; i++)
			sum.malformed[i] += b->files[f].malformed[i];
		sum.late += b->files[f].late;
		sum.duplicate += b->files[f].duplicate;
		sum.junk += b->files[f].junk;
	}
	is_int((int64_t)again, (int64_t)sum.duplicate,
	       "duplicates come as they are counted");
	is_int((int64_t)late, (int64_t)sum.late, "so do late records");
	for (unsigned i = 1; i < CDP_BANK_FAULTS; i++)
		is_int((int64_t)fault[i], (int64_t)sum.malformed[i],
		       "and malformed ones: %s", bank_fault_names[i]);
	is_int((int64_t)(total - again - fault[CDP_BANK_CUT] - fault[CDP_BANK_UTF8] -
			 fault[CDP_BANK_TYPE] - fault[CDP_BANK_FUTURE]),
	       30000, "every event arrives once, whatever else does");
	is_int((int64_t)wrong, 0,
	       "nothing arrives before it happens, and a server's log is never late");
	/* two per cent of 30,000, give or take five standard deviations */
	ok(sum.junk > 479 && sum.junk < 721, "junk comes at its rate: %d", (int)sum.junk);
	cdp_bank_free(b);
}

static void spoilt(void)
{
	static const char canonical[] =
		"{\"time\":\"2024-04-01T00:00:00.000Z\",\"event\":\"x\",\"ids\":{}}\n";
	static const char access[] =
		"1.2.3.4 - - [01/Apr/2024:00:00:00 +0800] \"GET / HTTP/1.1\" 200 1\n";
	struct cdp_bank *b = new_bank(1, 1, 1, 0, 0);
	struct cdp_bank_item item = { .file = CDP_BANK_CORE };
	unsigned valid = 0, timed = 0, kept = 0;
	struct cdp_buf out;
	struct cdp_err err;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	for (int i = 0; i < 200; i++) {
		cdp_buf_reset(&out);
		cdp_buf_adds(&out, canonical);
		item.fault = i & 1 ? CDP_BANK_CUT : CDP_BANK_UTF8;
		bank_spoil(b, &out, 0, &item);
		valid += cdp_json_check(out.p, out.n, &err) == 0;
		kept += out.p[out.n - 1] == '\n';
	}
	is_int(valid, 0, "a line that is cut or has a bad byte is no JSON");
	is_int(kept, 200, "it still ends where it ends");
	cdp_buf_reset(&out);
	cdp_buf_adds(&out, canonical);
	item.fault = CDP_BANK_FUTURE;
	bank_spoil(b, &out, 0, &item);
	is_str(cdp_buf_str(&out),
	       "{\"time\":\"2099-01-01T00:00:00.000Z\",\"event\":\"x\",\"ids\":{}}\n",
	       "a time can be moved to the future");
	cdp_buf_reset(&out);
	cdp_buf_adds(&out, "{\"time\":1711900800000,\"_flush_time\":1711900800001}\n");
	item.fault = CDP_BANK_TYPE;
	bank_spoil(b, &out, 0, &item);
	is_str(cdp_buf_str(&out),
	       "{\"time\":\"yesterday\",\"_flush_time\":1711900800001}\n",
	       "a time can be no time");
	item.file = CDP_BANK_ACCESS;
	for (int i = 0; i < 100; i++) {
		cdp_buf_reset(&out);
		cdp_buf_adds(&out, access);
		item.fault = CDP_BANK_CUT;
		bank_spoil(b, &out, 0, &item);
		timed += memchr(out.p, ']', out.n) != NULL;
	}
	is_int(timed, 0, "a cut line of an access log has no whole time");
	cdp_buf_release(&out);
	cdp_bank_free(b);
}

/* --- funnels --- */

static void step(struct cdp_bank *b, unsigned type, int64_t s, unsigned os)
{
	struct cdp_bank_event ev = { .type = (uint8_t)type,
				     .os = (uint8_t)os,
				     .channel = CH_APP };

	b->day = (int32_t)(s / 86400);
	ev.ms = (uint32_t)(s % 86400 * 1000);
	bank_funnel_step(b, &ev);
}

static unsigned depth(const struct cdp_bank *b, unsigned group)
{
	return b->persons[0].reach[0] >> (group * 3) & 7;
}

static void funnels(void)
{
	enum {
		A = EV_VIEW_PRODUCT,
		B = EV_CLICK_BUY,
		C = EV_SUBMIT_ORDER,
		D = EV_PAY_SUCCESS,
		WEEK = 7 * 86400
	};
	struct cdp_bank *b = new_bank(1, 1, 1, 0, 0);
	uint64_t users[FUNNELS][FUNNEL_GROUPS][STEPS_MAX];

	step(b, B, 10, OS_IOS);
	is_int(depth(b, 0), 0, "a later step alone begins nothing");
	step(b, A, 20, OS_IOS);
	step(b, C, 30, OS_IOS);
	is_int(depth(b, 0), 1, "a step that is skipped ends it");
	step(b, B, 20 + WEEK, OS_NONE);
	is_int(depth(b, 0), 2, "the window includes its last instant");
	step(b, C, 21 + WEEK, OS_NONE);
	is_int(depth(b, 0), 2, "it is measured from the first step");
	step(b, A, 30 + WEEK, OS_ANDROID);
	step(b, B, 40 + WEEK, OS_NONE);
	step(b, C, 50 + WEEK, OS_NONE);
	step(b, D, 60 + WEEK, OS_NONE);
	is_int(depth(b, 0), 4, "a second attempt goes through");
	is_int(depth(b, 1 + OS_IOS), 2, "groups are those of the first step");
	is_int(depth(b, 1 + OS_ANDROID), 4, "of each attempt");
	bank_funnel_users(b, users);
	is_int((int64_t)users[0][FUNNEL_REACHES + OS_IOS][3], 1,
	       "or of the very first one, with all that follows");
	is_int((int64_t)users[0][FUNNEL_REACHES + OS_ANDROID][0], 0,
	       "which counts a user once");
	cdp_bank_free(b);

	b = new_bank(1, 1, 1, 0, 0);
	/* at one time: later steps first, as the day is sorted */
	step(b, A, 5, OS_IOS);
	step(b, B, 10, OS_NONE);
	step(b, A, 10, OS_IOS);
	step(b, C, 10, OS_NONE);
	is_int(depth(b, 0), 2, "what happens at the same time does not follow");
	step(b, C, 11, OS_NONE);
	is_int(depth(b, 0), 3, "what happens later does");
	cdp_bank_free(b);
}

/* --- persons --- */

static void persons(void)
{
	static const uint8_t weight[18] = { 7, 9, 10, 5,  8, 4, 2, 1, 6,
					    3, 7, 9,  10, 5, 8, 4, 2, 1 };
	struct cdp_bank *b = new_bank(4, 20000, 1, 0, 0);
	unsigned wrong = 0, tiers[TIERS] = { 0 };
	char id[ID_MAX];

	for (uint32_t i = 0; i < 20000; i++) {
		unsigned sum = 0;

		bank_idcard_id(b, id, i);
		for (int k = 0; k < 18; k++)
			sum += weight[k] * (id[k] == 'X' ? 10u : (unsigned)(id[k] - '0'));
		wrong += sum % 11 != 1 || ((id[16] - '0') & 1) == bank_is_female(b, i);
		tiers[bank_tier_of(b->persons[i].aum)]++;
	}
	is_int((int64_t)wrong, 0, "identity cards have their check digit and sex");
	for (unsigned t = 0; t < TIERS; t++) {
		unsigned want = bank_tiers[t].weight * 20;

		ok(tiers[t] > want * 8 / 10 - 10 && tiers[t] < want * 12 / 10 + 10,
		   "tier %u has its share of customers: %u of %u", t, tiers[t], want);
	}
	is_int(bank_tier_of(0), 0, "nothing is the lowest tier");
	is_int(bank_tier_of(999999), 0, "a cent less than the cut is below it");
	is_int(bank_tier_of(1000000), 1, "the cut itself is above it");
	cdp_bank_free(b);
}

int main(void)
{
	repeatable();
	numbers();
	clean_lines();
	dirty_lines();
	spoilt();
	funnels();
	persons();
	return tap_done();
}
