/* Every scanner gives what the portable one gives: on mutated records, on every offset of
 * a line in a block, at the borders of a window.  The AVX-512 one runs emulated. */
#define cdp_index_avx512 cdp_index_emulated
#include "avx512.h"

#include "record/scan_avx512.c"

#include "../fuzz/scan_pair.h"
#include "base/buf.h"
#include "tap.h"

enum { SCANNERS = 3, BLOCK_LINES = 20, BLOCKS = 10000, EMULATED_EVERY = 16, KEPT = 8 };

static const char *const lines[] = {
	("{\"one_id\":\"5e1c0d9a3b7f2c44\",\"time\":\"2024-04-25T06:59:46.123Z\","
	 "\"event\":\"buy\",\"ids\":{\"customer\":\"C000066507\",\"x.y\":\"1\","
	 "\"device\":\"2d69d060af53a84730e329b12b6874de\"},\"props\":{\"product_id\":"
	 "\"P391930\",\"amount\":19083.88,\"page\":\"/wealth/list\",\"title\":"
	 "\"\xe5\x87\xba\xe5\x9b\xbd\xe9\x87\x91\xe8\x9e\x8d/\xe5\xa4\x96\xe5\xb8\x81\","
	 "\"stay_ms\":79669,\"first\":false,\"ref\":null}}"),
	("{\"a\":{\"b\":{\"c\":[1,-2.5e+10,{\"a\":[]},true,\"\"]}},\"eight_by\":0,"
	 "\"nine_byte\":\"\\u00e9\\n\\\\\",\"sixteen_bytes_16\":{},\"\":\"x\","
	 "\"seventeen_bytes_1\":\"\xf0\x9f\x92\xb0\xc3\xa9\"}"),
	"{ \"a\" : 1 ,\t\"props\" : { \"amount\" : -0 , \"title\" : \"\\\"q\\\"\" } }\r",
	("{\"type\":\"profile\",\"props\":\"\\\\\\\\\",\"ids\":[{\"x.y\":1}],\"a\":[[[]]]"
	 "}"),
	"{}",
	"",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

static struct cdp_paths *paths;
static struct cdp_scan *scan[SCANNERS];
static bool here[SCANNERS]; /* scanners of this processor and the emulated one */
static unsigned slots, records, bad;
static uint64_t state = 20240425;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static void open_scanners(void)
{
	int ignored[PAIR_PATHS];

	paths = pair_paths_new(ignored);
	slots = cdp_paths_count(paths);
	for (int i = 0; i < SCANNERS; i++)
		scan[i] = cdp_scan_new(paths);
	here[0] = cdp_scan_set_impl(scan[0], CDP_SCAN_PORTABLE) == 0;
	here[1] = cdp_scan_set_impl(scan[1], CDP_SCAN_AVX2) == 0;
	cdp_scan_use_index(scan[2], cdp_index_emulated);
	here[2] = true;
}

/* All scanners on one block; prints how they differ. */
static bool agree(const char *text, size_t n, bool emulated)
{
	char *data = pair_block(text, n);
	const char *why = NULL;

	for (int i = 1; i < SCANNERS && !why; i++) {
		if (!here[i] || (i == 2 && !emulated))
			continue;
		cdp_scan_block(scan[0], data, n);
		cdp_scan_block(scan[i], data, n);
		why = pair_differs(scan[0], scan[i], slots, &records, &bad);
		if (why)
			printf("# scanner %d: %s\n", i, why);
	}
	free(data);
	return !why;
}

/* One small change of b->p + from .. b->n. */
static void mutate(struct cdp_buf *b, size_t from)
{
	static const char bytes[] = "\"\"\\\\{}[]:,\n\n 0123-+.eEtfnu\t\r\x01\x1f\x7f"
				    "\x80\xbf\xc0\xc3\xe0\xed\xf0\xf4\xff\x0c\x1a";
	static const char *const words[] = { "true",         "\\u",   "\\ud83d",
					     "\xe5\x9f\xba", "1e999", "{\"a\":{\"b\":2}}",
					     ",\"a\":1",     "\"\"",  "\\\"",
					     "\xed\xa0\x80" };
	size_t n = b->n - from, at = from + (n ? draw(n) : 0), cut;
	const char *word;

	if (!n)
		return;
	switch (draw(6)) {
	case 0:
	case 1:
		b->p[at] = bytes[draw(sizeof(bytes) - 1)];
		break;
	case 2:
		b->p[at] = (char)draw(256);
		break;
	case 3: /* take some out */
		cut = 1 + draw(4);
		if (cut > b->n - at)
			cut = b->n - at;
		memmove(b->p + at, b->p + at + cut, b->n - at - cut);
		b->n -= cut;
		break;
	case 4: /* put some in */
		word = words[draw(sizeof(words) / sizeof(words[0]))];
		cut = strlen(word);
		cdp_buf_reserve(b, cut);
		memmove(b->p + at + cut, b->p + at, b->n - at);
		memcpy(b->p + at, word, cut);
		b->n += cut;
		break;
	default: /* cut off */
		if (draw(4) == 0)
			b->n = at;
		break;
	}
}

static void test_mutations(void)
{
	struct cdp_buf b;
	int failed = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int k = 0; k < BLOCKS && failed < 5; k++) {
		cdp_buf_reset(&b);
		for (int i = 0; i < BLOCK_LINES; i++) {
			size_t from = b.n;

			/* more of the first, which is what records look like */
			cdp_buf_adds(&b, lines[draw(3) ? draw(2) : draw(LINES)]);
			for (uint64_t m = draw(3); m; m--)
				mutate(&b, from);
			cdp_buf_addc(&b, '\n');
		}
		if (draw(8) == 0)
			b.n--;
		failed += !agree(b.p, b.n, k % EMULATED_EVERY == 0);
	}
	is_int(failed, 0, "all scanners agree on %d mutated lines", BLOCKS * BLOCK_LINES);
	ok(records > 2000 && bad > 2000, "many are good and many are bad: %u, %u",
	   records, bad);
	cdp_buf_release(&b);
}

/* Records read ahead and then completed, all or some of them: how they differ, or NULL.
 */
static const char *completed_differs(struct cdp_scan *a, struct cdp_scan *b, uint64_t gap)
{
	struct cdp_rec x[KEPT], y[KEPT];
	struct cdp_err err;
	int rx = 1, n;

	while (rx) {
		n = 0;
		for (int asked = 0; rx && asked < KEPT; asked++) {
			rx = cdp_scan_next(a, &x[n], &err);
			if (cdp_scan_next(b, &y[n], &err) != rx)
				return "the verdicts differ";
			n += rx > 0;
			bad += rx < 0;
		}
		for (int i = 0; i < n; i++) {
			if (x[i].complete != y[i].complete)
				return "one trusts a head, one does not";
			if (draw(gap) == 0) {
				cdp_rec_complete(&x[i]);
				cdp_rec_complete(&y[i]);
				records++;
			}
			if (x[i].compact != y[i].compact || x[i].twice != y[i].twice)
				return "what was seen differs";
			for (unsigned k = 0; k < slots; k++)
				if (!same_slot(&x[i], &y[i], k))
					return "a slot differs";
		}
	}
	return NULL;
}

/* Trusted records that are completed one after the other share an index, others not, and
 * a damaged one harms none of its neighbours. */
static void test_completed(void)
{
	struct cdp_buf b;
	int failed = 0;

	records = bad = 0;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int k = 0; k < BLOCKS / 4 && failed < 5; k++) {
		const char *why;
		char *data;

		cdp_buf_reset(&b);
		for (int i = 0; i < 5 * BLOCK_LINES; i++) {
			size_t from = b.n;

			cdp_buf_adds(&b, lines[draw(16) ? 0 : draw(LINES)]);
			if (draw(4) == 0)
				mutate(&b, from);
			cdp_buf_addc(&b, '\n');
		}
		b.n -= draw(2);
		data = pair_block(b.p, b.n);
		for (int i = 1; i < SCANNERS; i++) {
			if (!here[i] || (i == 2 && k % EMULATED_EVERY))
				continue;
			cdp_scan_block(scan[0], data, b.n);
			cdp_scan_block(scan[i], data, b.n);
			why = completed_differs(scan[0], scan[i], 1 + k % 4);
			if (why)
				printf("# scanner %d: %s\n", i, why);
			failed += why != NULL;
		}
		free(data);
	}
	is_int(failed, 0, "all scanners complete trusted records alike");
	ok(records > 2000 && bad > 500, "many were completed, many were bad: %u, %u",
	   records, bad);
	cdp_buf_release(&b);
}

static void trust(void)
{
	for (int i = 0; i < SCANNERS; i++) {
		cdp_scan_set_trusted(scan[i], true);
		cdp_scan_set_kept(scan[i], KEPT);
	}
}

/* A line between two others at every offset up to 200, whole and cut off in the middle of
 * whatever is there. */
static void test_offsets(void)
{
	struct cdp_buf b;
	int failed = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t offset = 0; offset <= 200 && failed < 5; offset++)
		for (int i = 0; i < LINES; i++) {
			size_t n = strlen(lines[i]);

			cdp_buf_reset(&b);
			cdp_buf_adds(&b, "{\"\":\"");
			for (size_t k = 0; k < offset; k++)
				cdp_buf_addc(&b, k % 7 ? 'x' : ',');
			cdp_buf_adds(&b, "\"}\n");
			cdp_buf_add(&b, lines[i], n);
			cdp_buf_addc(&b, '\n');
			cdp_buf_add(&b, lines[i], n - (n ? offset % n : 0));
			cdp_buf_adds(&b, "\n{\"a\":1}");
			failed += !agree(b.p, b.n, offset % 4 == 0);
		}
	is_int(failed, 0, "all scanners agree at every offset");
	cdp_buf_release(&b);
}

/* Lines around the end of a window, longer than one and of nothing but tokens. */
static void test_windows(void)
{
	struct cdp_buf b;
	int failed = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t spare = 0; spare < 90; spare++) {
		cdp_buf_reset(&b);
		cdp_buf_adds(&b, "{\"a\":\"");
		while (b.n < CDP_WINDOW - spare)
			cdp_buf_addc(&b, 'y');
		cdp_buf_adds(
			&b,
			"\"}\n{\"a\":\"\\\\\",\"props\":{\"amount\":7}}\n{\"a\":1}\n");
		failed += !agree(b.p, b.n, spare % 8 == 0);
	}
	is_int(failed, 0, "a line may end anywhere near the end of a window");
	cdp_buf_reset(&b);
	cdp_buf_adds(&b, "{\"a\":[");
	while (b.n < 3 * CDP_WINDOW)
		cdp_buf_adds(&b, "[],{},");
	cdp_buf_adds(&b, "0],\"a\":2}\n{\"a\":3}\n");
	ok(agree(b.p, b.n, true), "a line may be longer than a window");
	cdp_buf_reset(&b);
	while (b.n < 2 * CDP_WINDOW)
		cdp_buf_adds(&b, "{}\n\n{]\n");
	ok(agree(b.p, b.n, true), "a window may hold thousands of lines");
	cdp_buf_reset(&b);
	while (b.n < 12 * CDP_WINDOW)
		cdp_buf_adds(&b, "{ \"a\": 1, \"props\": {\"amount\": 2} }\n");
	while (b.n < 16 * CDP_WINDOW)
		cdp_buf_adds(&b, "{\"a\":1,\"props\":{\"amount\":2}}\n");
	ok(agree(b.p, b.n, true), "text with spaces may turn into text without");
	cdp_buf_release(&b);
}

/* All sequences of two bytes and of a lead and what can follow it, ended by what a
 * scanner might take for a part of it. */
static void test_utf8(void)
{
	static const unsigned char third[] = { 0x7f, 0x80, 0xbf, 0xc0, '"', '\n' };
	struct cdp_buf b;
	int failed = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned x = 0x80; x < 0x100; x++) {
		cdp_buf_reset(&b);
		for (unsigned y = 0x20; y < 0x100; y += y < 0x7e ? 31 : 1)
			for (size_t z = 0; z < sizeof(third); z++) {
				cdp_buf_adds(&b, "{\"a\":\"");
				cdp_buf_addc(&b, (char)x);
				cdp_buf_addc(&b, (char)y);
				cdp_buf_addc(&b, (char)third[z]);
				if (z % 2)
					cdp_buf_adds(&b, "\x80");
				cdp_buf_adds(&b, "\"}\n");
			}
		failed += !agree(b.p, b.n, x % 4 == 0 || x >= 0xc0);
	}
	is_int(failed, 0, "all scanners agree on well-formed and ill-formed UTF-8");
	cdp_buf_release(&b);
}

/* What is decided by the portable scanner is right but slow. */
static void test_fast(void)
{
	static const char *const good[] = {
		("{\"a\":\"\xc3\xa9 \xe5\x9f\xba\xed\x9f\xbf\xee\x80\x80 "
		 "\xf0\x90\x80\x80\xf4\x8f"
		 "\xbf\xbf\",\"b\":[0,-1,1.5e-7,true,false,null,[],{},\"\"]}\n"),
		"{\"a\":{\"b\":{\"c\":\"\\u00e9 \\\\\"}}}\n",
		"{}\n\n",
		"{\"a\": \"x\", \"props\": {\"amount\": -2.5}, \"b\": [1, [2], {}]}\r\n",
	};
	struct cdp_rec rec;
	struct cdp_err err;

	for (int i = 1; i < SCANNERS; i++) {
		struct cdp_buf b;
		char *data;

		if (!here[i])
			continue;
		cdp_buf_init(&b, CDP_BUF_NOMAX);
		for (size_t k = 0; b.n < CDP_WINDOW - 200; k++)
			cdp_buf_adds(&b, k % 5 ? good[k % 4]
					       : "{\"a\":\"open}\n{\"b\":\"\xff\"}\n");
		data = pair_block(b.p, b.n);
		cdp_scan_block(scan[i], data, b.n);
		for (bad = 0; (records = (unsigned)cdp_scan_next(scan[i], &rec, &err));)
			bad += records != 1;
		ok(bad > 100, "scanner %d meets bad lines", i);
		is_int(scan[i]->index->missed, bad,
		       "scanner %d decides good lines itself", i);
		free(data);
		cdp_buf_release(&b);
	}
}

int main(void)
{
	open_scanners();
	if (!here[1])
		printf("# no AVX2 on this processor\n");
	test_mutations();
	test_offsets();
	test_windows();
	test_utf8();
	test_fast();
	trust();
	test_completed();
	ok(!here[1] || pair_lists > 1000, "objects were also read by their tokens");
	for (int i = 0; i < SCANNERS; i++)
		cdp_scan_free(scan[i]);
	cdp_paths_free(paths);
	return tap_done();
}
