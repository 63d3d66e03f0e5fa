/* Stage 1 with AVX-512 (F, BW, VL).  A test without such a processor defines CDP_TARGET
 * and the few intrinsics below in plain C and includes this file. */
#if defined(__x86_64__) || defined(CDP_TARGET)

#include <stdint.h>

#ifndef CDP_TARGET
#include <immintrin.h>

#define CDP_TARGET                                                                       \
	__attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2,popcnt,pclmul")))

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
#endif

#include "record/scan_stage1.h"
#include "record/scan_utf8.h"

CDP_TARGET static inline __m512i repeat(const char table[16])
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}

CDP_TARGET static inline uint64_t equal(__m512i v, char c)
{
	return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c));
}

/* As in scan_avx2.c: the low four bits of each structural byte choose another entry. */
CDP_TARGET static inline void classify(struct masks *m, __m512i v)
{
	static const char ops[16] = { 1, 1, 1,   1,   1,   1,   1, 1,
				      1, 1, ':', '{', ',', '}', 1, 1 };

	m->quote = equal(v, '"');
	m->lf = equal(v, '\n');
	m->op = _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, _mm512_set1_epi8(0x20)),
				       _mm512_shuffle_epi8(repeat(ops), v));
	m->odd = (equal(v, '\\') | _mm512_cmple_epu8_mask(v, _mm512_set1_epi8(0x1f))) &
		 ~m->lf;
}

CDP_TARGET static inline __m512i half(__m512i v)
{
	return _mm512_and_si512(v, _mm512_set1_epi8(0x0f));
}

/* The 64 bytes that begin `n` before p; those before the window are zero. */
CDP_TARGET static inline __m512i before(const char *p, size_t word, unsigned n)
{
	return _mm512_maskz_loadu_epi8(~(uint64_t)0 << (word ? 0 : n), p - n);
}

CDP_TARGET static inline uint64_t utf8_faults(const char *p, size_t word)
{
	static const char first_high[16] = { CDP_UTF8_FIRST_HIGH };
	static const char first_low[16] = { CDP_UTF8_FIRST_LOW };
	static const char second_high[16] = { CDP_UTF8_SECOND_HIGH };
	__m512i v = _mm512_loadu_si512(p), one = before(p, word, 1);
	__m512i pair = _mm512_and_si512(
		_mm512_and_si512(_mm512_shuffle_epi8(repeat(first_high),
						     half(_mm512_srli_epi16(one, 4))),
				 _mm512_shuffle_epi8(repeat(first_low), half(one))),
		_mm512_shuffle_epi8(repeat(second_high), half(_mm512_srli_epi16(v, 4))));
	/* Bit 7: the third byte of three or four, or the fourth of four. */
	__m512i within = _mm512_or_si512(
		_mm512_subs_epu8(before(p, word, 2), _mm512_set1_epi8(0xe0 - 0x80)),
		_mm512_subs_epu8(before(p, word, 3), _mm512_set1_epi8(0xf0 - 0x80)));
	__m512i bit7 = _mm512_and_si512(within, _mm512_set1_epi8((char)0x80));

	return ~_mm512_cmpeq_epi8_mask(bit7, pair);
}

CDP_TARGET void cdp_index_avx512(struct cdp_index *ix, size_t n)
{
	struct carry carry = { 0, 0, 0 };
	size_t words = (n + 63) / 64, wide_count = 0;
	uint64_t wide, cut = 0;
	uint32_t *at = ix->at;

	for (size_t word = 0; word < words; word++) {
		__m512i v = _mm512_loadu_si512(ix->begin + word * 64);
		uint64_t valid = word + 1 == words && n % 64 ? ((uint64_t)1 << n % 64) - 1
							     : ~(uint64_t)0;
		struct masks m;

		/* If a sequence may be cut off at the end of a block, the block after it
		 * is checked too. */
		wide = _mm512_movepi8_mask(v);
		ix->wide[wide_count] = (uint16_t)word;
		wide_count += cut | (wide != 0);
		cut = wide >> 63;
		classify(&m, v);
		at += index_block(ix, &carry, word, &m, valid, at);
	}
	ix->count = (size_t)(at - ix->at);
	for (size_t i = 0; i < wide_count; i++) {
		size_t word = ix->wide[i];
		uint64_t bad = utf8_faults(ix->begin + word * 64, word);

		if (__builtin_expect(bad != 0, 0))
			cdp_index_bad(ix, word, bad);
	}
}

#endif
