#include "io/in.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tap.h"

static char dir[] = "/tmp/cdp-test-range-XXXXXX";

static const char *file(const char *name, const struct cdp_buf *b)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, b->p, b->n) != (ssize_t)b->n || close(fd) < 0)
		abort();
	return path;
}

static int keep(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	(void)err;
	cdp_buf_add(ctx, p, n);
	return 0;
}

/* What an input gave: its lines, with a mark where one was too long, and those. */
struct got {
	struct cdp_buf lines, longs;
	uint64_t done;
	unsigned blocks, errors;
};

static void got_init(struct got *g)
{
	*g = (struct got){ 0 };
	cdp_buf_init(&g->lines, CDP_BUF_NOMAX);
	cdp_buf_init(&g->longs, CDP_BUF_NOMAX);
}

static void got_release(struct got *g)
{
	cdp_buf_release(&g->lines);
	cdp_buf_release(&g->longs);
}

static void add_block(struct got *g, const struct cdp_block *b)
{
	g->blocks++;
	cdp_buf_add(&g->lines, b->data, b->len);
	if (b->overlong)
		cdp_buf_addf(&g->lines, "[%llu %s]\n", (unsigned long long)b->long_length,
			     b->long_sha256);
}

static void read_whole(char *const *operands, size_t line_max, struct got *g)
{
	struct cdp_in_opts opts = { .line_max = line_max,
				    .long_sink = keep,
				    .ctx = &g->longs };
	struct cdp_in *in = cdp_in_new(operands, &opts);
	struct cdp_block b;
	struct cdp_err err;
	uint64_t total;
	int rc;

	cdp_block_init(&b);
	while ((rc = cdp_in_block(in, &b, &err)) != 0)
		if (rc > 0)
			add_block(g, &b);
		else
			g->errors++;
	cdp_in_progress(in, &g->done, &total);
	cdp_block_release(&b);
	cdp_in_free(in);
}

/* All ranges are taken before the first is fetched, and they are fetched from the last to
 * the first: nothing may depend on the order. */
static void read_ranges(char *const *operands, size_t line_max, struct got *g)
{
	enum { MANY = 256 };
	struct cdp_in_opts opts = { .line_max = line_max,
				    .long_sink = keep,
				    .ctx = &g->longs };
	struct cdp_in *in = cdp_in_new(operands, &opts);
	struct cdp_block *b = cdp_calloc(MANY, sizeof(*b));
	struct cdp_err err;
	unsigned n = 0;
	uint64_t total;
	int rc;

	while (n < MANY && (rc = cdp_in_take(in, &b[n], &err)) != 0)
		if (rc > 0)
			n++;
		else
			g->errors++;
	for (unsigned i = n; i-- > 0;)
		if (cdp_in_fetch(&b[i], &err) < 0)
			g->errors++;
	for (unsigned i = 0; i < n; i++) {
		add_block(g, &b[i]);
		if (b[i].long_unread && cdp_in_long(&b[i], keep, &g->longs, &err) < 0)
			g->errors++;
	}
	cdp_in_progress(in, &g->done, &total);
	for (unsigned i = 0; i < MANY; i++)
		cdp_block_release(&b[i]);
	free(b);
	cdp_in_free(in);
}

static bool same(const struct cdp_buf *a, const struct cdp_buf *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

/* Whether both ways give the same; how many blocks the ranges gave. */
static bool agree(char *const *operands, size_t line_max, struct got *ranges)
{
	struct got whole;
	bool ok;

	got_init(&whole);
	got_init(ranges);
	read_whole(operands, line_max, &whole);
	read_ranges(operands, line_max, ranges);
	ok = same(&whole.lines, &ranges->lines) && same(&whole.longs, &ranges->longs) &&
	     whole.done == ranges->done && whole.errors == ranges->errors;
	got_release(&whole);
	got_release(ranges);
	return ok;
}

/* Mostly short lines, some of about a block, some of several. */
static size_t length(struct cdp_rand *r)
{
	switch (cdp_rand_below(r, 40)) {
	case 0:
		return 0;
	case 1:
		return CDP_IN_BLOCK - 2 + cdp_rand_below(r, 4);
	case 2:
		return cdp_rand_below(r, 5 * CDP_IN_BLOCK);
	default:
		return cdp_rand_below(r, 20000);
	}
}

static void fill(struct cdp_buf *b, struct cdp_rand *r, size_t size)
{
	cdp_buf_reset(b);
	if (cdp_rand_below(r, 3) == 0)
		cdp_buf_adds(b, "\xef\xbb\xbf");
	while (b->n < size) {
		for (size_t n = length(r); n; n--)
			cdp_buf_addc(b, (char)('a' + cdp_rand_below(r, 26)));
		cdp_buf_addc(b, '\n');
	}
	if (cdp_rand_below(r, 2))
		b->n--; /* the last line lacks its LF */
}

static void test_agreement(void)
{
	size_t ceilings[] = { CDP_IN_BLOCK, CDP_IN_BLOCK + 1, 2 * CDP_IN_BLOCK,
			      CDP_IN_LINE_MAX };
	struct cdp_buf b;
	unsigned wrong = 0, ranged = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct cdp_rand r;
		struct got got;

		cdp_rand_seed(&r, seed, 0);
		fill(&b, &r, (2 + seed % 12) * CDP_IN_BLOCK - seed % 3);
		char *operands[] = { (char *)(uintptr_t)file("random", &b), NULL };

		wrong += !agree(operands, ceilings[seed % 4], &got);
		ranged += got.blocks > 2;
	}
	is_int(wrong, 0, "ranges give the lines that reading through gives");
	ok(ranged > 50, "and there were ranges");
	cdp_buf_release(&b);
}

static void test_edges(void)
{
	struct cdp_buf b;
	struct got got;
	char *operands[] = { NULL, NULL };

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < 3 * CDP_IN_BLOCK / 64; i++)
		cdp_buf_addf(&b, "%063d\n", (int)i);
	operands[0] = (char *)(uintptr_t)file("even", &b);
	ok(agree(operands, CDP_IN_LINE_MAX, &got) && got.blocks == 3,
	   "lines that end where ranges do belong to one of them");
	for (size_t i = CDP_IN_BLOCK - 1; i < b.n; i++)
		b.p[i] = 'x';
	operands[0] = (char *)(uintptr_t)file("one", &b);
	ok(agree(operands, CDP_IN_LINE_MAX, &got) && got.blocks == 3,
	   "a range may have no line");
	ok(agree(operands, CDP_IN_BLOCK, &got) && got.blocks == 3,
	   "and one over the ceiling lies over several");
	memset(b.p, '\n', b.n);
	operands[0] = (char *)(uintptr_t)file("empty", &b);
	ok(agree(operands, CDP_IN_LINE_MAX, &got), "empty lines are lines");
	cdp_buf_release(&b);
}

static void test_other_inputs(void)
{
	struct cdp_buf b;
	struct got got;
	char missing[] = "/nowhere", *operands[] = { NULL, missing, NULL };

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "a\nb\n");
	operands[0] = (char *)(uintptr_t)file("small", &b);
	ok(agree(operands, CDP_IN_LINE_MAX, &got) && got.blocks == 1 && got.errors == 1,
	   "a small file is one block, and one that is missing an error");
	for (int i = 0; i < 400000; i++)
		cdp_buf_addf(&b, "%d\n", i);
	operands[0] = (char *)(uintptr_t)file("plain", &b);
	ok(agree(operands, CDP_IN_BLOCK - 1, &got), "a low ceiling is read through");
	cdp_buf_release(&b);
}

static void test_changes(void)
{
	struct cdp_buf b;
	struct cdp_block first, second;
	struct cdp_err err;
	char *operands[] = { NULL, NULL };
	struct cdp_in *in;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < 300000; i++)
		cdp_buf_addf(&b, "%06d\n", i);
	operands[0] = (char *)(uintptr_t)file("cut", &b);
	in = cdp_in_new(operands, NULL);
	cdp_block_init(&first);
	cdp_block_init(&second);
	ok(cdp_in_take(in, &first, &err) == 1 && cdp_in_take(in, &second, &err) == 1 &&
		   first.len == 0 && second.offset == CDP_IN_BLOCK,
	   "a range that is taken was not read");
	if (truncate(operands[0], CDP_IN_BLOCK + 10) < 0)
		abort();
	ok(cdp_in_fetch(&second, &err) == 1 && second.len > 0 && second.len < 10 &&
		   second.data[second.len - 1] == '\n',
	   "a file that was cut ends there");
	ok(cdp_in_fetch(&first, &err) == 1 && cdp_in_fetch(&first, &err) == 1 &&
		   first.len > CDP_IN_BLOCK - 10,
	   "and what was fetched stays");
	cdp_in_free(in);
	cdp_block_release(&first);
	cdp_block_release(&second);
	cdp_buf_release(&b);
}

int main(void)
{
	if (!mkdtemp(dir))
		abort();
	test_agreement();
	test_edges();
	test_other_inputs();
	test_changes();
	if (chdir(dir) == 0 && system("rm -rf ./*") == 0)
		rmdir(dir);
	return tap_done();
}
