/* bench_scan FILE [ROUNDS]: the record scanners against simdjson and jansson, in memory,
 * one thread.  Each takes time, event, ids.customer, ids.device, props.product_id and
 * props.amount of every record and must come to the same checksum.  Rounds are
 * interleaved.  Standard output has one line a run as measure writes them (times are for
 * the whole file); a summary goes to standard error.  Times are those that the thread
 * ran, so that other work on the machine counts little. */
#include "base/mem.h"
#include "record/scan.h"
#include "yard_simdjson.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAD = 64, ROUNDS_MAX = 99, JANSSON_SHARE = 20 };

static char *text;
static size_t text_len;
static uint64_t records;

static uint64_t mix(uint64_t h, const char *p, size_t n)
{
	h ^= n;
	if (n >= 8) {
		uint64_t w;

		memcpy(&w, p + n - 8, 8);
		h ^= w;
	} else {
		for (size_t i = 0; i < n; i++)
			h ^= (uint64_t)(unsigned char)p[i] << (8 * i);
	}
	return h * 0x9e3779b97f4a7c15u;
}

static uint64_t add_text(uint64_t h, const struct cdp_val *v)
{
	return v->type == CDP_STRING ? mix(h, v->p, v->n) : h * 3;
}

static uint64_t add_double(uint64_t h, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return h ^ bits;
}

/* Short amounts exactly: an integer below 2^53 divided by a power of ten is correctly
 * rounded. */
static double amount_of(const struct cdp_val *v)
{
	static const double ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
	unsigned decimals = 0;
	uint64_t m = 0;
	bool dot = false;

	for (uint32_t i = 0; i < v->n; i++) {
		if (v->p[i] == '.') {
			dot = true;
			continue;
		}
		if (v->p[i] < '0' || v->n > 16)
			return strtod(v->p, NULL);
		m = m * 10 + (uint64_t)(v->p[i] - '0');
		decimals += dot;
	}
	return decimals > 6 ? strtod(v->p, NULL) : (double)m / ten[decimals];
}

static uint64_t run_scan(enum cdp_scan_impl impl, size_t len, bool *there)
{
	static const char *const names[] = { "ids.customer", "ids.device",
					     "props.product_id", "props.amount" };
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_scan *s;
	struct cdp_rec rec;
	struct cdp_err err;
	uint64_t h = 0;
	int slot[4];

	for (int i = 0; i < 4; i++)
		slot[i] = cdp_paths_add(paths, names[i], strlen(names[i]), &err);
	s = cdp_scan_new(paths);
	*there = cdp_scan_set_impl(s, impl) == 0;
	records = 0;
	cdp_scan_block(s, text, len);
	while (*there && cdp_scan_next(s, &rec, &err) != 0) {
		records++;
		h = add_text(h, cdp_rec_get(&rec, CDP_SLOT_TIME));
		h = add_text(h, cdp_rec_get(&rec, CDP_SLOT_EVENT));
		for (int i = 0; i < 3; i++)
			h = add_text(h, cdp_rec_get(&rec, slot[i]));
		if (cdp_rec_get(&rec, slot[3])->type == CDP_NUMBER)
			h = add_double(h, amount_of(cdp_rec_get(&rec, slot[3])));
	}
	cdp_scan_free(s);
	cdp_paths_free(paths);
	return h;
}

static uint64_t add_json(uint64_t h, const json_t *v)
{
	return json_is_string(v) ? mix(h, json_string_value(v), json_string_length(v))
				 : h * 3;
}

/* The whole lines of the first part of the text: all of it would take minutes. */
static size_t jansson_share(void)
{
	const char *lf = memchr(text + text_len / JANSSON_SHARE, '\n',
				text_len - text_len / JANSSON_SHARE);

	return lf ? (size_t)(lf + 1 - text) : text_len;
}

static uint64_t run_jansson(void)
{
	const char *p = text, *end = text + jansson_share();
	uint64_t h = 0;

	records = 0;
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		json_t *d = json_loadb(p, (size_t)(lf - p), 0, NULL), *ids, *props;

		if (!d)
			exit(1);
		ids = json_object_get(d, "ids");
		props = json_object_get(d, "props");
		h = add_json(h, json_object_get(d, "time"));
		h = add_json(h, json_object_get(d, "event"));
		h = add_json(h, json_object_get(ids, "customer"));
		h = add_json(h, json_object_get(ids, "device"));
		h = add_json(h, json_object_get(props, "product_id"));
		if (json_is_number(json_object_get(props, "amount")))
			h = add_double(
				h, json_number_value(json_object_get(props, "amount")));
		json_decref(d);
		records++;
		p = lf + 1;
	}
	return h;
}

static uint64_t run_memchr(void)
{
	const char *p = text, *end = text + text_len;

	records = 0;
	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		records++;
	}
	return 0;
}

struct entry {
	const char *name, *key;
	double ns[ROUNDS_MAX]; /* a record */
	uint64_t sum;
	bool there;
};

enum { MEMCHR, PORTABLE, AVX2, AVX512, SIMDJSON, JANSSON, ENTRIES };

static void run(struct entry *e, int which, int round)
{
	struct timespec a, b;

	e->there = true;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	switch (which) {
	case MEMCHR:
		e->sum = run_memchr();
		break;
	case PORTABLE:
		e->sum = run_scan(CDP_SCAN_PORTABLE, text_len, &e->there);
		break;
	case AVX2:
		e->sum = run_scan(CDP_SCAN_AVX2, text_len, &e->there);
		break;
	case AVX512:
		e->sum = run_scan(CDP_SCAN_AVX512, text_len, &e->there);
		break;
	case SIMDJSON:
		records = 0;
		e->sum = yard_simdjson_dom(text, text_len, &records);
		break;
	default:
		if (round == 0)
			e->sum = run_jansson();
		else
			return;
		break;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	e->ns[round] =
		((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
		(double)(records ? records : 1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void load(const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (n = ftell(f)) <= 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	text_len = (size_t)n;
	text = cdp_alloc(text_len + PAD);
	memset(text + text_len, 0, PAD);
	if (fread(text, 1, text_len, f) != text_len) {
		perror(path);
		exit(1);
	}
	fclose(f);
}

static void print_rounds(const struct entry *e, int rounds, double all)
{
	for (int r = 0; r < rounds; r++)
		printf("scan.%s\t%d\t%.4f\t%.4f\t0\t0\n", e->key, r + 1,
		       e->ns[r] * all / 1e9, e->ns[r] * all / 1e9);
}

/* 1 if a scanner saw something else than the others. */
static int summary(struct entry *e, int rounds, double all)
{
	double bytes = (double)text_len / all, best[ENTRIES];
	int status = 0;

	for (int i = 0; i < ENTRIES; i++) {
		qsort(e[i].ns, i == JANSSON ? 1 : (size_t)rounds, sizeof(double),
		      by_value);
		best[i] = e[i].ns[0];
	}
	fprintf(stderr, "%.0f records of %.0f bytes; simdjson runs as %s\n", all, bytes,
		yard_simdjson_name());
	fprintf(stderr, "%-24s %10s %10s %7s %11s %11s\n", "", "best ns", "median ns",
		"GB/s", "x simdjson", "x jansson");
	for (int i = 0; i < ENTRIES; i++) {
		uint64_t sum;
		bool there;

		if (!e[i].there) {
			fprintf(stderr, "%-24s not on this processor\n", e[i].name);
			continue;
		}
		fprintf(stderr, "%-24s %10.1f %10.1f %7.2f %11.2f %11.1f\n", e[i].name,
			best[i], e[i].ns[i == JANSSON ? 0 : rounds / 2], bytes / best[i],
			best[SIMDJSON] / best[i], best[JANSSON] / best[i]);
		sum = i == JANSSON ? run_scan(CDP_SCAN_PORTABLE, jansson_share(), &there)
				   : e[PORTABLE].sum;
		if (i != MEMCHR && e[i].sum != sum) {
			fprintf(stderr, "%s: the checksum differs\n", e[i].name);
			status = 1;
		}
	}
	return status;
}

int main(int argc, char **argv)
{
	static struct entry e[ENTRIES] = {
		{ .name = "memchr newlines", .key = "newlines" },
		{ .name = "portable", .key = "portable" },
		{ .name = "avx2", .key = "avx2" },
		{ .name = "avx512", .key = "avx512" },
		{ .name = "simdjson DOM parse_many", .key = "simdjson" },
		{ .name = "jansson", .key = "jansson" },
	};
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	double all;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_scan FILE [ROUNDS]\n");
		return 2;
	}
	load(argv[1]);
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < ENTRIES; i++)
			run(&e[i], i, r);
	run_memchr();
	all = (double)records;
	for (int i = 0; i < ENTRIES; i++)
		if (e[i].there)
			print_rounds(&e[i], i == JANSSON ? 1 : rounds, all);
	return summary(e, rounds, all);
}
