#include "base/bitmap.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { SPACE = 3 << 16 };

/* The oracle: a flag a number. */
struct naive {
	bool has[SPACE];
};

/* Of one shape a chunk: nothing, few, many, long runs, everything. */
static struct cdp_bitmap *draw(struct naive *s, struct cdp_rand *r)
{
	struct cdp_bitmap *b = cdp_bitmap_new();

	memset(s, 0, sizeof(*s));
	for (uint32_t chunk = 0; chunk < SPACE >> 16; chunk++) {
		uint32_t kind = cdp_rand_below(r, 5), base = chunk << 16;
		uint32_t n = kind == 1 ? 50 : kind == 2 ? 30000 : 0;

		for (uint32_t i = 0; i < n; i++) {
			uint32_t x = base + cdp_rand_below(r, 1 << 16);

			cdp_bitmap_add(b, x);
			s->has[x] = true;
		}
		for (uint32_t i = 0; kind == 3 && i < 20; i++) {
			uint32_t from = base + cdp_rand_below(r, 60000);
			uint32_t to = from + cdp_rand_below(r, 5000);

			cdp_bitmap_add_range(b, from, to);
			memset(s->has + from, true, to - from);
		}
		if (kind == 4) {
			cdp_bitmap_add_range(b, base, base + 65536);
			memset(s->has + base, true, 65536);
		}
	}
	return b;
}

static bool same(const struct cdp_bitmap *b, const struct naive *s)
{
	uint64_t from = 0, count = 0;
	uint32_t v[1000];
	size_t n;

	for (uint32_t x = 0; x < SPACE; x++) {
		count += s->has[x];
		if (cdp_bitmap_has(b, x) != s->has[x])
			return false;
	}
	if (cdp_bitmap_count(b) != count || cdp_bitmap_is_empty(b) != (count == 0))
		return false;
	while ((n = cdp_bitmap_next(b, &from, v, 1000))) {
		count -= n;
		for (size_t i = 0; i < n; i++)
			if (v[i] >= SPACE || !s->has[v[i]] || (i && v[i] <= v[i - 1]))
				return false;
	}
	return count == 0;
}

static struct naive A, B, C;

static const struct naive *combine(char op)
{
	for (uint32_t x = 0; x < SPACE; x++)
		C.has[x] = op == '&'   ? A.has[x] && B.has[x]
			   : op == '|' ? A.has[x] || B.has[x]
			   : op == '-' ? A.has[x] && !B.has[x]
				       : A.has[x] != B.has[x];
	return &C;
}

static uint64_t size_of(const struct naive *s)
{
	uint64_t n = 0;

	for (uint32_t x = 0; x < SPACE; x++)
		n += s->has[x];
	return n;
}

struct op {
	char name;
	struct cdp_bitmap *(*make)(const struct cdp_bitmap *, const struct cdp_bitmap *);
	void (*with)(struct cdp_bitmap *, const struct cdp_bitmap *);
	uint64_t (*count)(const struct cdp_bitmap *, const struct cdp_bitmap *);
};

static bool agrees(const struct op *op, const struct cdp_bitmap *a,
		   const struct cdp_bitmap *b)
{
	const struct naive *want = combine(op->name);
	struct cdp_bitmap *made = op->make(a, b), *with = cdp_bitmap_copy(a);
	bool good = same(made, want);

	if (op->with) {
		op->with(with, b);
		good &= same(with, want) && cdp_bitmap_equals(with, made);
	}
	if (op->count)
		good &= op->count(a, b) == size_of(want);
	cdp_bitmap_free(made);
	cdp_bitmap_free(with);
	return good;
}

static void algebra(void)
{
	static const struct op ops[] = {
		{ '&', cdp_bitmap_and, cdp_bitmap_and_with, cdp_bitmap_and_count },
		{ '|', cdp_bitmap_or, cdp_bitmap_or_with, NULL },
		{ '-', cdp_bitmap_andnot, cdp_bitmap_andnot_with,
		  cdp_bitmap_andnot_count },
		{ '^', cdp_bitmap_xor, NULL, NULL },
	};
	int good[4] = { 0 }, many = 0, rounds = 60;
	struct cdp_rand r;

	cdp_rand_seed(&r, 1, 1);
	for (int i = 0; i < rounds; i++) {
		struct cdp_bitmap *a = draw(&A, &r), *b = draw(&B, &r), *all;

		if (i % 3 == 0)
			cdp_bitmap_optimise(a);
		if (i % 2 == 0)
			cdp_bitmap_optimise(b);
		for (int k = 0; k < 4; k++)
			good[k] += agrees(&ops[k], a, b);
		all = cdp_bitmap_or_all((const struct cdp_bitmap *[]){ a, b, a }, 3);
		many += same(all, combine('|'));
		cdp_bitmap_free(all);
		cdp_bitmap_free(a);
		cdp_bitmap_free(b);
	}
	for (int k = 0; k < 4; k++)
		is_int(good[k], rounds, "'%c' of two sets is what it is of flags",
		       ops[k].name);
	is_int(many, rounds, "the union of several sets is that of flags");
}

static struct cdp_bitmap *through(const struct cdp_bitmap *b, bool frozen)
{
	struct cdp_err err;
	struct cdp_bitmap *got;
	struct cdp_buf buf;

	cdp_buf_init(&buf, CDP_BUF_NOMAX);
	if (frozen) {
		char *copy;
		const struct cdp_bitmap *view;

		cdp_bitmap_freeze(b, &buf);
		copy = cdp_alloc_aligned(CDP_BITMAP_ALIGN, (buf.n + 31) / 32 * 32);
		memcpy(copy, buf.p, buf.n);
		view = cdp_bitmap_view(copy, buf.n, &err);
		got = view ? cdp_bitmap_copy(view) : NULL;
		cdp_bitmap_free(view);
		free(copy);
	} else {
		cdp_bitmap_write(b, &buf);
		got = cdp_bitmap_read(buf.p, buf.n, &err);
	}
	cdp_buf_release(&buf);
	return got;
}

static void round_trips(void)
{
	int good[2] = { 0 }, rounds = 40;
	struct cdp_rand r;

	cdp_rand_seed(&r, 2, 1);
	for (int i = 0; i < rounds; i++) {
		struct cdp_bitmap *b = draw(&A, &r);

		if (i % 2)
			cdp_bitmap_optimise(b);
		for (int k = 0; k < 2; k++) {
			struct cdp_bitmap *got = through(b, k);

			good[k] += got && same(got, &A);
			cdp_bitmap_free(got);
		}
		cdp_bitmap_free(b);
	}
	is_int(good[0], rounds, "what was written is read back");
	is_int(good[1], rounds, "what was frozen can be viewed and copied");
}

/* The same set made in three ways. */
static void shapes(void)
{
	int good = 0, rounds = 40;
	struct cdp_buf x, y;
	struct cdp_rand r;

	cdp_buf_init(&x, CDP_BUF_NOMAX);
	cdp_buf_init(&y, CDP_BUF_NOMAX);
	cdp_rand_seed(&r, 3, 1);
	for (int i = 0; i < rounds; i++) {
		struct cdp_bitmap *b = draw(&A, &r), *one = cdp_bitmap_new(), *cut;

		if (i == 0) { /* a run that is as small as a list */
			cdp_bitmap_add_range(b, 7, 9);
			A.has[7] = A.has[8] = true;
		}
		for (uint32_t k = SPACE; k-- > 0;)
			if (A.has[k])
				cdp_bitmap_add(one, k);
		cut = cdp_bitmap_range(0, SPACE);
		for (uint32_t k = 0; k < SPACE; k++)
			if (!A.has[k])
				cdp_bitmap_remove(cut, k);
		cdp_bitmap_optimise(b);
		cdp_bitmap_optimise(one);
		cdp_bitmap_optimise(cut);
		cdp_buf_reset(&x);
		cdp_bitmap_freeze(b, &x);
		cdp_buf_reset(&y);
		cdp_bitmap_freeze(one, &y);
		good += x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
		cdp_buf_reset(&y);
		cdp_bitmap_freeze(cut, &y);
		good += x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
		cdp_bitmap_free(b);
		cdp_bitmap_free(one);
		cdp_bitmap_free(cut);
	}
	is_int(good, 2 * rounds, "equal sets are equal bytes however they were made");
	cdp_buf_release(&x);
	cdp_buf_release(&y);
}

/* Backwards, and in halves: x to (LIMIT - x) / 2. */
static void mapping(void)
{
	enum { LIMIT = SPACE / 2 + 1 };
	uint32_t *to = cdp_calloc(SPACE, sizeof(*to));
	uint32_t *v = cdp_calloc(SPACE, sizeof(*v));
	struct cdp_rand r;
	int good = 0, rounds = 20;

	for (uint32_t x = 0; x < SPACE; x++)
		to[x] = (SPACE - x) / 2;
	cdp_rand_seed(&r, 4, 1);
	for (int i = 0; i < rounds; i++) {
		struct cdp_bitmap *b = draw(&A, &r), *got;
		uint64_t from = 0;
		size_t n = cdp_bitmap_next(b, &from, v, i % 2 ? SPACE : i * 40);

		memset(&B, 0, sizeof(B));
		for (size_t k = 0; k < n; k++)
			B.has[to[v[k]]] = true;
		got = cdp_bitmap_map(v, n, to, LIMIT);
		good += same(got, &B);
		cdp_bitmap_free(b);
		cdp_bitmap_free(got);
	}
	is_int(good, rounds, "a set is mapped number by number");
	free(to);
	free(v);
}

static bool freezes_alike(const uint32_t *v, size_t n)
{
	struct cdp_bitmap *b = cdp_bitmap_of(v, n);
	struct cdp_buf x, y;
	bool alike;

	cdp_buf_init(&x, CDP_BUF_NOMAX);
	cdp_buf_init(&y, CDP_BUF_NOMAX);
	cdp_bitmap_optimise(b);
	cdp_bitmap_freeze(b, &x);
	cdp_bitmap_freeze_sorted(v, n, &y);
	alike = x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	cdp_buf_reset(&y);
	cdp_buf_addc(&y, 'x');
	cdp_bitmap_freeze_sorted(v, n, &y);
	alike &= x.n + 1 == y.n && memcmp(x.p, y.p + 1, x.n) == 0;
	cdp_buf_release(&x);
	cdp_buf_release(&y);
	cdp_bitmap_free(b);
	return alike;
}

/* Stretches of numbers `gap` apart, with and without holes between them. */
static size_t stretch(uint32_t *v, uint32_t first, size_t n, unsigned gap, unsigned hole)
{
	for (size_t i = 0; i < n; i++)
		v[i] = first + (uint32_t)i * gap + (hole ? (uint32_t)(i / hole) : 0);
	return n;
}

static void freezing(void)
{
	static const size_t counts[] = { 1, 2, 3, 4095, 4096, 4097, 8192, 30000, 65536 };
	uint32_t *v = cdp_calloc(SPACE + 200000, sizeof(*v));
	struct cdp_rand r;
	int good = 0, all = 0, rounds = 30;
	size_t n;

	cdp_rand_seed(&r, 4, 2);
	for (int i = 0; i < rounds; i++, all++) {
		struct cdp_bitmap *b = draw(&A, &r);
		uint64_t from = 0;

		n = cdp_bitmap_next(b, &from, v, SPACE);
		good += freezes_alike(v, n);
		cdp_bitmap_free(b);
	}
	for (unsigned c = 0; c < sizeof(counts) / sizeof(*counts); c++)
		for (unsigned gap = 1; gap <= 3; gap++)
			for (unsigned hole = 0; hole < 6; hole++, all++) {
				n = stretch(v, 65530, counts[c], gap, hole);
				n += stretch(v + n, v[n - 1] + 70000, 3, 1, 0);
				good += freezes_alike(v, n);
			}
	v[0] = UINT32_MAX;
	good += freezes_alike(v, 0) + freezes_alike(v, 1);
	is_int(good, all + 2, "sorted numbers are frozen as the set of them would be");
	free(v);
}

static void small(void)
{
	static const uint32_t v[] = { 5, UINT32_MAX, 0, 5, 70000 };
	struct cdp_bitmap *b = cdp_bitmap_of(v, 5), *none = cdp_bitmap_new(), *end;
	uint64_t from = 0;
	uint32_t x, got[8];

	is_int(cdp_bitmap_count(b), 4, "a number counts once");
	ok(cdp_bitmap_has(b, UINT32_MAX) && cdp_bitmap_has(b, 0),
	   "the limits are numbers");
	is_int(cdp_bitmap_next(b, &from, got, 3), 3, "as many as wanted come at once");
	is_int(cdp_bitmap_next(b, &from, got, 3), 1, "then the others");
	is_int(got[0], UINT32_MAX, "the largest number comes last");
	is_int(cdp_bitmap_next(b, &from, got, 3), 0, "then none");
	is_int(cdp_bitmap_rank(b, 0), 0, "nothing is below 0");
	is_int(cdp_bitmap_rank(b, 5), 1, "the rank of a member is how many are smaller");
	is_int(cdp_bitmap_rank(b, 6), 2, "the rank of another is, too");
	ok(cdp_bitmap_select(b, 2, &x) && x == 70000, "a number is found by its rank");
	ok(!cdp_bitmap_select(b, 4, &x), "there is none of a rank beyond");
	end = cdp_bitmap_range((uint64_t)UINT32_MAX - 1, (uint64_t)UINT32_MAX + 9);
	is_int(cdp_bitmap_count(end), 2, "a range ends where numbers do");
	cdp_bitmap_add_range(end, 9, 9);
	cdp_bitmap_add_range(end, 9, 3);
	is_int(cdp_bitmap_count(end), 2, "an empty range adds nothing");
	ok(cdp_bitmap_is_subset(none, b) && !cdp_bitmap_is_subset(end, b), "subsets");
	cdp_bitmap_andnot_with(end, end);
	ok(cdp_bitmap_is_empty(end), "a set less itself is empty");
	cdp_bitmap_or_with(b, b);
	cdp_bitmap_and_with(b, b);
	is_int(cdp_bitmap_count(b), 4, "a set with itself is itself");
	from = 0;
	is_int(cdp_bitmap_next(none, &from, got, 8), 0, "the empty set has none");
	cdp_bitmap_free(b);
	cdp_bitmap_free(none);
	cdp_bitmap_free(end);
}

/* {0, 1, 4} in the specification's words: cookie, one container, key 0 and 3 numbers, its
 * offset 16, the numbers. */
static void format(void)
{
	static const char want[] = "\x3a\x30\0\0\1\0\0\0\0\0\2\0\x10\0\0\0\0\0\1\0\4\0";
	struct cdp_bitmap *b = cdp_bitmap_of((const uint32_t[]){ 4, 0, 1 }, 3);
	struct cdp_buf out;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_bitmap_write(b, &out);
	ok(out.n == sizeof(want) - 1 && memcmp(out.p, want, out.n) == 0,
	   "the portable form is that of the specification");
	cdp_buf_release(&out);
	cdp_bitmap_free(b);
}

/* Every length, and every byte changed: a set or an error, which can be used. */
static void damaged(bool frozen)
{
	struct cdp_bitmap *b = cdp_bitmap_of((const uint32_t[]){ 1, 5, 9, 70000 }, 4);
	int refused = 0, tried = 0;
	struct cdp_buf buf;
	char *copy;

	cdp_bitmap_add_range(b, 200000, 260000);
	cdp_bitmap_optimise(b);
	for (uint32_t x = 262144; x < 327680; x += 3)
		cdp_bitmap_add(b, x);
	cdp_buf_init(&buf, CDP_BUF_NOMAX);
	if (frozen)
		cdp_bitmap_freeze(b, &buf);
	else
		cdp_bitmap_write(b, &buf);
	copy = cdp_alloc_aligned(CDP_BITMAP_ALIGN, (buf.n + 31) / 32 * 32);
	for (size_t i = 0; i < 2 * buf.n; i++) {
		size_t at = i % buf.n;
		size_t n = i < buf.n ? at : buf.n;
		struct cdp_err err;
		const struct cdp_bitmap *got;

		memcpy(copy, buf.p, buf.n);
		copy[at] ^= (char)(1 << at % 8);
		got = frozen ? cdp_bitmap_view(copy, n, &err)
			     : cdp_bitmap_read(copy, n, &err);
		tried += i < buf.n;
		refused += i < buf.n && !got;
		if (got) {
			cdp_bitmap_free(cdp_bitmap_or(got, b));
			cdp_bitmap_free(cdp_bitmap_xor(got, b));
			cdp_bitmap_free(got);
		}
	}
	is_int(refused, tried, "%s bytes that end early are refused",
	       frozen ? "frozen" : "portable");
	free(copy);
	cdp_buf_release(&buf);
	cdp_bitmap_free(b);
}

/* A container of frozen form: type, count and its bytes. */
static bool views(uint8_t type, uint16_t count, const void *p, size_t n)
{
	char *raw = cdp_alloc_aligned(CDP_BITMAP_ALIGN, (n + 9 + 31) / 32 * 32);
	const uint32_t header = 13766 | 1 << 15;
	const uint16_t key = 0;
	struct cdp_err err;
	const struct cdp_bitmap *b;

	memcpy(raw, p, n);
	memcpy(raw + n, &key, 2);
	memcpy(raw + n + 2, &count, 2);
	memcpy(raw + n + 4, &type, 1);
	memcpy(raw + n + 5, &header, 4);
	b = cdp_bitmap_view(raw, n + 9, &err);
	cdp_bitmap_free(b);
	free(raw);
	return b != NULL;
}

static void hostile(void)
{
	static const uint16_t up[] = { 1, 2 }, down[] = { 2, 1 }, twice[] = { 1, 1 },
			      fits[] = { 65535, 0 }, past[] = { 65535, 1 },
			      over[] = { 0, 9, 5, 1 };
	static const uint64_t bits[1024] = { 7 };

	ok(views(2, 1, up, 4), "a list that rises is a set");
	ok(!views(2, 1, down, 4) && !views(2, 1, twice, 4), "one that does not is none");
	ok(views(3, 1, fits, 4), "a run up to the end is a set");
	ok(!views(3, 1, past, 4), "one past the end is none");
	ok(!views(3, 2, over, 8), "runs that overlap are none");
	ok(views(1, 2, bits, 8192), "bits that are as many as they say are a set");
	ok(!views(1, 3, bits, 8192), "others are none");
	ok(!views(4, 1, up, 4) && !views(0, 1, up, 4), "an unknown kind is none");
}

int main(void)
{
	small();
	algebra();
	shapes();
	round_trips();
	mapping();
	freezing();
	format();
	damaged(false);
	damaged(true);
	hostile();
	return tap_done();
}
