/* Records that came twice. */
#include "model/once.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cdp_dedup *open_dedup(int64_t window_ms, int64_t latest_ms)
{
	struct cdp_dedup_opts opts = { .window_ms = window_ms, .latest_ms = latest_ms };
	struct cdp_err err;

	return cdp_dedup_open(&opts, &err);
}

static void windows(void)
{
	struct cdp_err err;
	struct cdp_dedup *d = open_dedup(3600000, INT64_MAX);

	is_int(cdp_dedup_see(d, 1, 1, 1000, &err), CDP_SEEN_NEW, "a record is new");
	is_int(cdp_dedup_see(d, 1, 1, 1000, &err), CDP_SEEN_AGAIN, "then known");
	is_int(cdp_dedup_see(d, 1, 2, 1000, &err), CDP_SEEN_ID_ONLY,
	       "its id with other content");
	is_int(cdp_dedup_see(d, 1, 2, 1000, &err), CDP_SEEN_AGAIN,
	       "which is known then, too");
	is_int(cdp_dedup_see(d, 2, 1, 3601000, &err), CDP_SEEN_NEW, "a window later");
	is_int(cdp_dedup_see(d, 1, 1, 1000, &err), CDP_SEEN_AGAIN,
	       "the first is still in it");
	is_int(cdp_dedup_see(d, 3, 1, 3620000, &err), CDP_SEEN_NEW, "a while later");
	is_int(cdp_dedup_see(d, 1, 1, 1000, &err), CDP_SEEN_TOO_OLD, "it is not");
	is_int(cdp_dedup_see(d, 1, 1, 3620000, &err), CDP_SEEN_NEW,
	       "what left the window is forgotten");
	cdp_dedup_close(d);

	d = open_dedup(3600000, 10000000);
	is_int(cdp_dedup_see(d, 1, 1, 5000000, &err), CDP_SEEN_NEW, "a record in time");
	is_int(cdp_dedup_see(d, 2, 1, 4000000000000, &err), CDP_SEEN_NEW,
	       "one with a wrong clock");
	is_int(cdp_dedup_see(d, 1, 1, 5000000, &err), CDP_SEEN_AGAIN,
	       "does not move the window");
	is_int(cdp_dedup_see(d, 2, 1, 4000000000000, &err), CDP_SEEN_AGAIN,
	       "and is known itself");
	is_int(cdp_dedup_see(d, 9, 1, -5, &err), CDP_SEEN_TOO_OLD,
	       "times before 1970 are times");
	cdp_dedup_close(d);
}

static void memory(void)
{
	struct cdp_err err;
	struct cdp_dedup *d = open_dedup(1000000, INT64_MAX);
	size_t most = 0;
	bool all = true;

	/* 100,000 records in each window, ten windows long */
	for (uint64_t i = 0; i < 1000000; i++) {
		uint64_t id = i * 0x9e3779b97f4a7c15;

		all = all &&
		      cdp_dedup_see(d, id, 7, (int64_t)i * 10, &err) == CDP_SEEN_NEW;
		if (i >= 50000)
			all = all && cdp_dedup_see(d, (i - 50000) * 0x9e3779b97f4a7c15, 7,
						   (int64_t)(i - 50000) * 10,
						   &err) == CDP_SEEN_AGAIN;
		if (cdp_dedup_memory(d) > most)
			most = cdp_dedup_memory(d);
	}
	ok(all, "half a window back everything is known, while the window moves on");
	ok(most <= 100000 * 64, "at most 64 bytes a record of a window: %zu", most);
	cdp_dedup_close(d);
}

static void note(struct cdp_once_notes *n, struct cdp_buf *b, const char *line,
		 int64_t ms)
{
	static const char id[] = "\"event_id\":", sent[] = ",\"sent\":", end[] = "Z\"";
	struct cdp_canon info = { .ms = ms };
	const char *p = strstr(line, id);
	size_t at = b->n;

	if (p) {
		info.event_id.at = (size_t)(p - line) + sizeof(id) - 1;
		info.event_id.n = 4;
	}
	p = strstr(line, sent);
	if (p) {
		info.sent.at = (size_t)(p - line);
		info.sent.n = (size_t)(strstr(p, end) - p) + 2;
	}
	cdp_buf_adds(b, line);
	cdp_buf_addc(b, '\n');
	cdp_once_note(n, &info, b, at);
}

static void blocks(void)
{
	struct cdp_err err;
	struct cdp_dedup *d = open_dedup(3600000, INT64_MAX);
	struct cdp_once_counts counts = { 0 };
	struct cdp_once_notes n;
	struct cdp_buf b, dropped;

	cdp_once_init(&n, cdp_dedup_seed(d));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_init(&dropped, CDP_BUF_NOMAX);
	note(&n, &b, "{\"a\":1}", 5);
	note(&n, &b, "{\"a\":2,\"sent\":\"1Z\",\"b\":3}", 5);
	note(&n, &b, "{\"a\":1}", 5);
	note(&n, &b, "{\"a\":2,\"sent\":\"2Z\",\"b\":3}", 5);
	note(&n, &b, "{\"a\":1}", CDP_NO_TIME);
	cdp_once_settle(&n, d, &b, &dropped, &counts, &err);
	is_str(cdp_buf_str(&b),
	       "{\"a\":1}\n{\"a\":2,\"sent\":\"1Z\",\"b\":3}\n{\"a\":1}\n",
	       "the first of equal records stays, when sent does not matter, and what "
	       "has no "
	       "time stays");
	is_str(cdp_buf_str(&dropped), "{\"a\":1}\n{\"a\":2,\"sent\":\"2Z\",\"b\":3}\n",
	       "the others are dropped");
	is_int((int64_t)counts.duplicates, 2, "and counted");

	cdp_buf_reset(&b);
	note(&n, &b, "{\"event_id\":\"e1\",\"x\":1}", 5);
	note(&n, &b, "{\"event_id\":\"e1\",\"x\":2}", 5);
	note(&n, &b, "{\"event_id\":\"e1\",\"x\":2}", 5);
	note(&n, &b, "{\"a\":1}", 5);
	cdp_once_settle(&n, d, &b, NULL, &counts, &err);
	ok(strncmp(cdp_buf_str(&b), "{\"event_id\":\"e1\",\"x\":1}\n{\"event_id\":\"e1~",
		   40) == 0 &&
		   strcmp(b.p + 48, "\",\"x\":2,\"duplicate_of\":\"e1\"}\n") == 0,
	   "a used id gets a new one that tells its content, once: %s", b.p);
	is_int((int64_t)counts.same_id, 1, "and is counted");
	is_int((int64_t)counts.duplicates, 4, "duplicates are found across blocks");

	cdp_buf_reset(&b);
	cdp_buf_reset(&dropped);
	note(&n, &b, "{\"c\":1}", 5);
	note(&n, &b, "{\"a\":1}", 5);
	note(&n, &b, "{\"cc\":2}", 5);
	note(&n, &b, "{\"a\":1}", 5);
	note(&n, &b, "{\"event_id\":\"e1\",\"x\":3}", 5);
	note(&n, &b, "{\"c\":1}", 5);
	note(&n, &b, "{\"ccc\":3}", 5);
	cdp_once_settle(&n, d, &b, &dropped, &counts, &err);
	ok(strncmp(cdp_buf_str(&b), "{\"c\":1}\n{\"cc\":2}\n{\"event_id\":\"e1~", 33) ==
			   0 &&
		   strcmp(b.p + 41,
			  "\",\"x\":3,\"duplicate_of\":\"e1\"}\n{\"ccc\":3}\n") == 0,
	   "what stays is in its order, also about one that got longer: %s", b.p);
	is_str(cdp_buf_str(&dropped), "{\"a\":1}\n{\"a\":1}\n{\"c\":1}\n",
	       "and so is what goes");
	cdp_once_release(&n);
	cdp_buf_release(&b);
	cdp_buf_release(&dropped);
	cdp_dedup_close(d);
}

/* Two deliveries whose times were corrected by different shifts, and one that needed
 * none. */
static void corrected(void)
{
	static const char *const lines[] = {
		"{\"time\":\"2024-04-01T00:00:05.000Z\",\"a\":1,"
		"\"time_original\":\"2024-04-01T00:00:09.000Z\"}",
		"{\"time\":\"2024-04-01T00:00:06.000Z\",\"a\":1,"
		"\"time_original\":\"2024-04-01T00:00:09.000Z\"}",
		"{\"time\":\"2024-04-01T00:00:09.000Z\",\"a\":1}",
		"{\"time\":\"2024-04-01T00:00:05.000Z\",\"a\":1}",
	};
	struct cdp_dedup *d = open_dedup(3600000, INT64_MAX);
	struct cdp_once_counts counts = { 0 };
	struct cdp_once_notes n;
	struct cdp_buf b;
	struct cdp_err err;

	cdp_once_init(&n, cdp_dedup_seed(d));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < 4; i++) {
		struct cdp_canon info = { .ms = 5 };
		const char *p = strstr(lines[i], ",\"time_original");
		size_t at = b.n;

		if (p)
			info.original = (struct cdp_span){ (size_t)(p - lines[i]),
							   strlen(p) - 1 };
		cdp_buf_adds(&b, lines[i]);
		cdp_buf_addc(&b, '\n');
		cdp_once_note(&n, &info, &b, at);
	}
	cdp_once_settle(&n, d, &b, NULL, &counts, &err);
	is_int((int64_t)counts.duplicates, 2,
	       "a corrected time is compared as it was sent");
	ok(strncmp(b.p, lines[0], strlen(lines[0])) == 0 &&
		   strstr(cdp_buf_str(&b), lines[3]),
	   "and leaves as it was corrected");
	cdp_once_release(&n);
	cdp_buf_release(&b);
	cdp_dedup_close(d);
}

int main(void)
{
	corrected();
	windows();
	memory();
	blocks();
	return tap_done();
}
