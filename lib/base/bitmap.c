#include "base/bitmap.h"

#include "base/mem.h"

#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

/* A bitmap is the library's, under a name of ours. */
static roaring_bitmap_t *in(struct cdp_bitmap *b)
{
	return (roaring_bitmap_t *)b;
}

static const roaring_bitmap_t *cin(const struct cdp_bitmap *b)
{
	return (const roaring_bitmap_t *)b;
}

static struct cdp_bitmap *out_of(roaring_bitmap_t *r)
{
	if (!r)
		cdp_mem_exhausted();
	return (struct cdp_bitmap *)r;
}

struct cdp_bitmap *cdp_bitmap_new(void)
{
	return out_of(roaring_bitmap_create());
}

struct cdp_bitmap *cdp_bitmap_of(const uint32_t *v, size_t n)
{
	struct cdp_bitmap *b = cdp_bitmap_new();

	cdp_bitmap_add_many(b, v, n);
	return b;
}

struct cdp_bitmap *cdp_bitmap_range(uint64_t from, uint64_t to)
{
	struct cdp_bitmap *b = cdp_bitmap_new();

	cdp_bitmap_add_range(b, from, to);
	return b;
}

struct cdp_bitmap *cdp_bitmap_copy(const struct cdp_bitmap *b)
{
	return out_of(roaring_bitmap_copy(cin(b)));
}

void cdp_bitmap_free(const struct cdp_bitmap *b)
{
	if (b)
		roaring_bitmap_free(cin(b));
}

void cdp_bitmap_add(struct cdp_bitmap *b, uint32_t x)
{
	roaring_bitmap_add(in(b), x);
}

void cdp_bitmap_add_many(struct cdp_bitmap *b, const uint32_t *v, size_t n)
{
	if (n)
		roaring_bitmap_add_many(in(b), n, v);
}

void cdp_bitmap_add_range(struct cdp_bitmap *b, uint64_t from, uint64_t to)
{
	if (to > (uint64_t)UINT32_MAX + 1)
		to = (uint64_t)UINT32_MAX + 1;
	if (from < to)
		roaring_bitmap_add_range_closed(in(b), (uint32_t)from,
						(uint32_t)(to - 1));
}

void cdp_bitmap_remove(struct cdp_bitmap *b, uint32_t x)
{
	roaring_bitmap_remove(in(b), x);
}

void cdp_bitmap_clear(struct cdp_bitmap *b)
{
	roaring_bitmap_clear(in(b));
}

bool cdp_bitmap_has(const struct cdp_bitmap *b, uint32_t x)
{
	return roaring_bitmap_contains(cin(b), x);
}

bool cdp_bitmap_is_empty(const struct cdp_bitmap *b)
{
	return roaring_bitmap_is_empty(cin(b));
}

uint64_t cdp_bitmap_count(const struct cdp_bitmap *b)
{
	return roaring_bitmap_get_cardinality(cin(b));
}

bool cdp_bitmap_equals(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return roaring_bitmap_equals(cin(a), cin(b));
}

bool cdp_bitmap_is_subset(const struct cdp_bitmap *a, const struct cdp_bitmap *of)
{
	return roaring_bitmap_is_subset(cin(a), cin(of));
}

uint64_t cdp_bitmap_rank(const struct cdp_bitmap *b, uint32_t x)
{
	return x ? roaring_bitmap_rank(cin(b), x - 1) : 0;
}

bool cdp_bitmap_select(const struct cdp_bitmap *b, uint32_t rank, uint32_t *x)
{
	return roaring_bitmap_select(cin(b), rank, x);
}

struct cdp_bitmap *cdp_bitmap_and(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return out_of(roaring_bitmap_and(cin(a), cin(b)));
}

struct cdp_bitmap *cdp_bitmap_or(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return out_of(roaring_bitmap_or(cin(a), cin(b)));
}

struct cdp_bitmap *cdp_bitmap_xor(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return out_of(roaring_bitmap_xor(cin(a), cin(b)));
}

struct cdp_bitmap *cdp_bitmap_andnot(const struct cdp_bitmap *a,
				     const struct cdp_bitmap *b)
{
	return out_of(roaring_bitmap_andnot(cin(a), cin(b)));
}

struct cdp_bitmap *cdp_bitmap_or_all(const struct cdp_bitmap *const *v, size_t n)
{
	struct cdp_bitmap *b;

	if (n < 2)
		return n ? cdp_bitmap_copy(v[0]) : cdp_bitmap_new();
	b = out_of(roaring_bitmap_lazy_or(cin(v[0]), cin(v[1]), false));
	for (size_t i = 2; i < n; i++)
		roaring_bitmap_lazy_or_inplace(in(b), cin(v[i]), false);
	roaring_bitmap_repair_after_lazy(in(b));
	return b;
}

void cdp_bitmap_and_with(struct cdp_bitmap *into, const struct cdp_bitmap *b)
{
	if (into != b)
		roaring_bitmap_and_inplace(in(into), cin(b));
}

void cdp_bitmap_or_with(struct cdp_bitmap *into, const struct cdp_bitmap *b)
{
	if (into != b)
		roaring_bitmap_or_inplace(in(into), cin(b));
}

void cdp_bitmap_andnot_with(struct cdp_bitmap *into, const struct cdp_bitmap *b)
{
	if (into == b)
		cdp_bitmap_clear(into);
	else
		roaring_bitmap_andnot_inplace(in(into), cin(b));
}

uint64_t cdp_bitmap_and_count(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return roaring_bitmap_and_cardinality(cin(a), cin(b));
}

uint64_t cdp_bitmap_andnot_count(const struct cdp_bitmap *a, const struct cdp_bitmap *b)
{
	return roaring_bitmap_andnot_cardinality(cin(a), cin(b));
}

size_t cdp_bitmap_next(const struct cdp_bitmap *b, uint64_t *from, uint32_t *v,
		       size_t cap)
{
	roaring_uint32_iterator_t it;
	uint32_t n;

	if (*from > UINT32_MAX || cap == 0)
		return 0;
	roaring_init_iterator(cin(b), &it);
	if (*from && !roaring_move_uint32_iterator_equalorlarger(&it, (uint32_t)*from))
		return 0;
	n = roaring_read_uint32_iterator(&it, v,
					 cap > UINT32_MAX ? UINT32_MAX : (uint32_t)cap);
	if (n)
		*from = (uint64_t)v[n - 1] + 1;
	return n;
}

/* --- mapping --- */

enum { BATCH = 4096 };

static void add_bits(struct cdp_bitmap *b, const uint64_t *bits, size_t words)
{
	uint32_t v[BATCH];
	size_t n = 0;

	for (size_t w = 0; w < words; w++)
		for (uint64_t left = bits[w]; left; left &= left - 1) {
			v[n++] = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left);
			if (n == BATCH) {
				cdp_bitmap_add_many(b, v, n);
				n = 0;
			}
		}
	cdp_bitmap_add_many(b, v, n);
}

enum { DIGIT = 11 };

/* By digits, the last one first; `tmp` has as many elements.  Returns where they are. */
static uint32_t *sort(uint32_t *v, uint32_t *tmp, size_t n, uint32_t limit)
{
	for (unsigned shift = 0; shift < 32 && limit >> shift; shift += DIGIT) {
		size_t at[1 << DIGIT] = { 0 }, sum = 0;
		uint32_t *other = tmp;

		for (size_t i = 0; i < n; i++)
			at[v[i] >> shift & ((1 << DIGIT) - 1)]++;
		for (size_t d = 0; d < 1 << DIGIT; d++) {
			size_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			tmp[at[v[i] >> shift & ((1 << DIGIT) - 1)]++] = v[i];
		tmp = v;
		v = other;
	}
	return v;
}

static void map_few(struct cdp_bitmap *b, const uint32_t *v, size_t n, const uint32_t *to,
		    uint32_t limit)
{
	uint32_t *mapped = cdp_alloc((2 * n + 1) * sizeof(*mapped));
	bool sorted = true;

	for (size_t i = 0; i < n; i++) {
		mapped[i] = to[v[i]];
		sorted &= i == 0 || mapped[i] > mapped[i - 1];
	}
	cdp_bitmap_add_many(b, sorted ? mapped : sort(mapped, mapped + n, n, limit), n);
	free(mapped);
}

/* Few numbers are sorted, many pass through flags: both are faster than adding them as
 * they come. */
struct cdp_bitmap *cdp_bitmap_map(const uint32_t *v, size_t n, const uint32_t *to,
				  uint32_t limit)
{
	size_t words = ((size_t)limit + 63) / 64;
	struct cdp_bitmap *b = cdp_bitmap_new();
	uint64_t *bits;

	if (n < words / 8) {
		map_few(b, v, n, to, limit);
		return b;
	}
	bits = cdp_calloc(words, sizeof(*bits));
	for (size_t i = 0; i < n; i++)
		bits[to[v[i]] / 64] |= (uint64_t)1 << to[v[i]] % 64;
	add_bits(b, bits, words);
	free(bits);
	return b;
}

/* --- as bytes --- */

void cdp_bitmap_optimise(struct cdp_bitmap *b)
{
	/* From runs the library would keep them where a list is as small. */
	roaring_bitmap_remove_run_compression(in(b));
	roaring_bitmap_run_optimize(in(b));
	roaring_bitmap_shrink_to_fit(in(b));
}

void cdp_bitmap_write(const struct cdp_bitmap *b, struct cdp_buf *out)
{
	if (cdp_buf_reserve(out, roaring_bitmap_portable_size_in_bytes(cin(b))) == 0)
		out->n += roaring_bitmap_portable_serialize(cin(b), out->p + out->n);
}

void cdp_bitmap_freeze(const struct cdp_bitmap *b, struct cdp_buf *out)
{
	size_t n = roaring_bitmap_frozen_size_in_bytes(cin(b));

	if (cdp_buf_reserve(out, n) < 0)
		return;
	roaring_bitmap_frozen_serialize(cin(b), out->p + out->n);
	out->n += n;
}

/* Numbers with the same upper half. */
struct part {
	const uint32_t *v;
	uint32_t n, runs;
	uint8_t type;
};

static uint32_t count_runs(const uint32_t *v, uint32_t n)
{
	uint32_t runs = 1;

	for (uint32_t i = 1; i < n; i++)
		runs += v[i] != v[i - 1] + 1;
	return runs;
}

/* The smallest form; of those that are as small what the library takes. */
static uint8_t type_of(uint32_t n, uint32_t runs)
{
	size_t as_runs = 2 + 4 * (size_t)runs;

	if (n <= DEFAULT_MAX_SIZE)
		return as_runs < 2 + 2 * (size_t)n ? RUN_CONTAINER_TYPE_CODE
						   : ARRAY_CONTAINER_TYPE_CODE;
	return as_runs < BITSET_CONTAINER_SIZE_IN_WORDS * 8 ? RUN_CONTAINER_TYPE_CODE
							    : BITSET_CONTAINER_TYPE_CODE;
}

/* Where the upper half changes. */
static uint32_t end_of_part(const uint32_t *v, size_t n)
{
	size_t lo = 1, end = n < 65536 ? n : 65536;

	while (lo < end) {
		size_t mid = (lo + end) / 2;

		if (v[mid] >> 16 == v[0] >> 16)
			lo = mid + 1;
		else
			end = mid;
	}
	return (uint32_t)lo;
}

static struct part *part(const uint32_t *v, size_t n, size_t *count)
{
	struct part *parts = NULL;
	size_t cap = 0;

	for (*count = 0; n; ++*count) {
		struct part *p;

		CDP_GROW(parts, *count, cap);
		p = &parts[*count];
		p->v = v;
		p->n = end_of_part(v, n);
		p->runs = count_runs(v, p->n);
		p->type = type_of(p->n, p->runs);
		v += p->n;
		n -= p->n;
	}
	return parts;
}

static size_t size_of(const struct part *p)
{
	return p->type == BITSET_CONTAINER_TYPE_CODE ? BITSET_CONTAINER_SIZE_IN_WORDS * 8
	       : p->type == RUN_CONTAINER_TYPE_CODE  ? 4 * (size_t)p->runs
						     : 2 * (size_t)p->n;
}

/* Wherever they lie. */
typedef uint16_t near16 __attribute__((aligned(1), may_alias));
typedef uint64_t near64 __attribute__((aligned(1), may_alias));

static void write_part(const struct part *p, char *out)
{
	near16 *to = (near16 *)out;
	near64 *bits = (near64 *)out;

	if (p->type == ARRAY_CONTAINER_TYPE_CODE) {
		for (uint32_t i = 0; i < p->n; i++)
			to[i] = (uint16_t)p->v[i];
		return;
	}
	if (p->type == BITSET_CONTAINER_TYPE_CODE) {
		memset(bits, 0, BITSET_CONTAINER_SIZE_IN_WORDS * 8);
		for (uint32_t i = 0; i < p->n; i++)
			bits[(p->v[i] & 65535) / 64] |= (uint64_t)1 << p->v[i] % 64;
		return;
	}
	for (uint32_t i = 0; i < p->n; i++)
		if (i == 0 || p->v[i] != p->v[i - 1] + 1) {
			*to++ = (uint16_t)p->v[i];
			*to++ = 0;
		} else {
			to[-1]++;
		}
}

/* Bitsets, runs, lists; then of all parts the upper halves, the numbers of numbers less
 * one or of runs, and the types; then how many parts there are. */
void cdp_bitmap_freeze_sorted(const uint32_t *v, size_t n, struct cdp_buf *out)
{
	static const uint8_t order[] = { BITSET_CONTAINER_TYPE_CODE,
					 RUN_CONTAINER_TYPE_CODE,
					 ARRAY_CONTAINER_TYPE_CODE };
	size_t count, size = 0;
	struct part *parts = part(v, n, &count);
	uint32_t head = (uint32_t)count << 15 | FROZEN_COOKIE;
	char *at;

	for (size_t i = 0; i < count; i++)
		size += size_of(&parts[i]);
	if (cdp_buf_reserve(out, size + 5 * count + sizeof(head)) < 0) {
		free(parts);
		return;
	}
	at = out->p + out->n;
	for (unsigned k = 0; k < 3; k++)
		for (size_t i = 0; i < count; i++)
			if (parts[i].type == order[k]) {
				write_part(&parts[i], at);
				at += size_of(&parts[i]);
			}
	for (size_t i = 0; i < count; i++) {
		const struct part *p = &parts[i];
		uint16_t key = (uint16_t)(p->v[0] >> 16);
		uint16_t what = (uint16_t)(p->type == RUN_CONTAINER_TYPE_CODE ? p->runs
									      : p->n - 1);

		memcpy(at + 2 * i, &key, sizeof(key));
		memcpy(at + 2 * (count + i), &what, sizeof(what));
		at[4 * count + i] = (char)p->type;
	}
	at += 5 * count;
	memcpy(at, &head, sizeof(head));
	out->n = (size_t)(at + sizeof(head) - out->p);
	free(parts);
}

/* The library checks lengths alone, and relies on all of the following. */

static bool is_bitset(const bitset_container_t *c)
{
	int32_t count = 0;

	for (int i = 0; i < BITSET_CONTAINER_SIZE_IN_WORDS; i++)
		count += __builtin_popcountll(c->array[i]);
	return count > 0 && count == c->cardinality;
}

static bool is_array(const array_container_t *c)
{
	if (c->cardinality < 1 || c->cardinality > DEFAULT_MAX_SIZE)
		return false;
	for (int32_t i = 1; i < c->cardinality; i++)
		if (c->array[i] <= c->array[i - 1])
			return false;
	return true;
}

static bool is_runs(const run_container_t *c)
{
	int32_t end = -1; /* the last number so far */

	for (int32_t i = 0; i < c->n_runs; i++) {
		if (c->runs[i].value <= end)
			return false;
		end = c->runs[i].value + c->runs[i].length;
	}
	return c->n_runs > 0 && end <= UINT16_MAX;
}

static bool is_valid(const roaring_bitmap_t *r)
{
	const roaring_array_t *a = &r->high_low_container;

	for (int32_t i = 0; i < a->size; i++) {
		bool valid = a->typecodes[i] == BITSET_CONTAINER_TYPE_CODE
				     ? is_bitset(a->containers[i])
			     : a->typecodes[i] == ARRAY_CONTAINER_TYPE_CODE
				     ? is_array(a->containers[i])
				     : a->typecodes[i] == RUN_CONTAINER_TYPE_CODE &&
					       is_runs(a->containers[i]);

		if (!valid || (i > 0 && a->keys[i] <= a->keys[i - 1]))
			return false;
	}
	return true;
}

static const struct cdp_bitmap *checked(const roaring_bitmap_t *r, struct cdp_err *err)
{
	if (r && is_valid(r))
		return (const struct cdp_bitmap *)r;
	if (r)
		roaring_bitmap_free(r);
	cdp_err_set(err, CDP_ERR_SYS, "no bitmap, or a damaged one");
	return NULL;
}

struct cdp_bitmap *cdp_bitmap_read(const void *p, size_t n, struct cdp_err *err)
{
	roaring_bitmap_t *r = NULL;

	if (roaring_bitmap_portable_deserialize_size(p, n) == n && n)
		r = roaring_bitmap_portable_deserialize_safe(p, n);
	return (struct cdp_bitmap *)checked(r, err);
}

const struct cdp_bitmap *cdp_bitmap_view(const void *p, size_t n, struct cdp_err *err)
{
	return checked(roaring_bitmap_frozen_view(p, n), err);
}
