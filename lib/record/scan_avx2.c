/* Stage 1 with AVX2. */
#if defined(__x86_64__)

#include <immintrin.h>

#define CDP_TARGET __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul")))

#include <stdint.h>

/* Bit i of the result: the parity of bits 0..i. */
CDP_TARGET static inline uint64_t prefix_xor(uint64_t m)
{
	__m128i v = _mm_set_epi64x(0, (int64_t)m);

	return (uint64_t)_mm_cvtsi128_si64(
		_mm_clmulepi64_si128(v, _mm_set1_epi8((char)0xff), 0));
}

/* Number of the lowest bit; 64 if there is none. */
CDP_TARGET static inline uint32_t lowest(uint64_t m)
{
	return (uint32_t)_tzcnt_u64(m);
}

#include "record/scan_stage1.h"
#include "record/scan_utf8.h"

CDP_TARGET static inline __m256i load(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

CDP_TARGET static inline uint64_t bits(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

CDP_TARGET static inline uint64_t equal(__m256i low, __m256i high, char c)
{
	__m256i v = _mm256_set1_epi8(c);

	return bits(_mm256_cmpeq_epi8(low, v), _mm256_cmpeq_epi8(high, v));
}

#define TABLE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* The six structural bytes by one table look-up: the low four bits of each choose a
 * different entry, {} and [] differ in bit 5 only.  Control bytes 0x0c and 0x1a pass for
 * ',' and ':' and are refused by stage 2. */
CDP_TARGET static inline __m256i is_op(__m256i v)
{
	__m256i ops = TABLE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ':', '{', ',', '}', 1, 1);

	return _mm256_cmpeq_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)),
				 _mm256_shuffle_epi8(ops, v));
}

CDP_TARGET static inline __m256i is_odd(__m256i v)
{
	__m256i top = _mm256_set1_epi8(0x1f);

	return _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_max_epu8(v, top), top),
			       _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
}

CDP_TARGET static inline void classify(struct masks *m, __m256i low, __m256i high)
{
	m->quote = equal(low, high, '"');
	m->lf = equal(low, high, '\n');
	m->op = bits(is_op(low), is_op(high));
	m->odd = bits(is_odd(low), is_odd(high)) & ~m->lf;
}

CDP_TARGET static inline __m256i high_half(__m256i v)
{
	return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0f));
}

/* The faults of 32 bytes, which three others stand before. */
CDP_TARGET static inline __m256i utf8_faults(const char *p)
{
	const __m256i first_high = TABLE(CDP_UTF8_FIRST_HIGH);
	const __m256i first_low = TABLE(CDP_UTF8_FIRST_LOW);
	const __m256i second_high = TABLE(CDP_UTF8_SECOND_HIGH);
	__m256i one = load(p - 1);
	__m256i pair = _mm256_and_si256(
		_mm256_and_si256(_mm256_shuffle_epi8(first_high, high_half(one)),
				 _mm256_shuffle_epi8(
					 first_low,
					 _mm256_and_si256(one, _mm256_set1_epi8(0x0f)))),
		_mm256_shuffle_epi8(second_high, high_half(load(p))));
	/* Bit 7: the third byte of three or four, or the fourth of four. */
	__m256i within = _mm256_or_si256(
		_mm256_subs_epu8(load(p - 2), _mm256_set1_epi8(0xe0 - 0x80)),
		_mm256_subs_epu8(load(p - 3), _mm256_set1_epi8(0xf0 - 0x80)));

	return _mm256_xor_si256(_mm256_and_si256(within, _mm256_set1_epi8((char)0x80)),
				pair);
}

CDP_TARGET static inline uint64_t nonzero(__m256i low, __m256i high)
{
	__m256i zero = _mm256_setzero_si256();

	return ~bits(_mm256_cmpeq_epi8(low, zero), _mm256_cmpeq_epi8(high, zero));
}

/* The blocks listed in ix->wide. */
CDP_TARGET static void check_utf8(struct cdp_index *ix, size_t count)
{
	char first[3 + 64] = { 0 }; /* of a window, which nothing stands before */

	for (size_t i = 0; i < count; i++) {
		size_t word = ix->wide[i];
		const char *p = ix->begin + word * 64;
		__m256i f0, f1, any;

		if (!word)
			p = memcpy(first + 3, p, 64);
		f0 = utf8_faults(p);
		f1 = utf8_faults(p + 32);
		any = _mm256_or_si256(f0, f1);
		if (__builtin_expect(!_mm256_testz_si256(any, any), 0))
			cdp_index_bad(ix, word, nonzero(f0, f1));
	}
}

/* Notes a block that is not all ASCII, and the one after it if a sequence may be cut off
 * at its end. */
#define NOTE_WIDE(low, high)                                                             \
	do {                                                                             \
		ix->wide[count] = (uint16_t)word;                                        \
		count += cut | (_mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0);  \
		cut = (uint32_t)_mm256_movemask_epi8(high) >> 31;                        \
	} while (0)

CDP_TARGET void cdp_index_avx2(struct cdp_index *ix, size_t n)
{
	struct carry carry = { 0, 0, 0 };
	const char *begin = ix->begin;
	unsigned cut = 0;
	uint32_t *at = ix->at;
	size_t word, count = 0;
	struct masks m;
	__m256i low, high;

	for (word = 0; word < n / 64; word++) {
		low = load(begin + word * 64);
		high = load(begin + word * 64 + 32);
		NOTE_WIDE(low, high);
		classify(&m, low, high);
		at += index_block(ix, &carry, word, &m, ~(uint64_t)0, at);
	}
	if (n % 64) {
		low = load(begin + word * 64);
		high = load(begin + word * 64 + 32);
		NOTE_WIDE(low, high);
		classify(&m, low, high);
		at += index_block(ix, &carry, word, &m, ((uint64_t)1 << n % 64) - 1, at);
	}
	ix->count = (size_t)(at - ix->at);
	check_utf8(ix, count);
}

#endif
