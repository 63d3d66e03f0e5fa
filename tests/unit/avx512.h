/* The AVX-512 intrinsics that lib/record/scan_avx512.c uses, in plain C, so that its
 * logic is tested on any processor. */
#ifndef CDP_TESTS_AVX512_H
#define CDP_TESTS_AVX512_H

#include <stdint.h>
#include <string.h>

#define CDP_TARGET

typedef struct {
	uint8_t b[16];
} __m128i;

typedef struct {
	uint8_t b[64];
} __m512i;

#define EACH(expression)                                                                 \
	do {                                                                             \
		for (int i = 0; i < 64; i++)                                             \
			r.b[i] = (uint8_t)(expression);                                  \
		return r;                                                                \
	} while (0)

#define EACH_BIT(condition)                                                              \
	do {                                                                             \
		for (int i = 0; i < 64; i++)                                             \
			m |= (uint64_t)(condition) << i;                                 \
		return m;                                                                \
	} while (0)

static inline uint64_t prefix_xor(uint64_t m)
{
	for (int i = 1; i < 64; i *= 2)
		m ^= m << i;
	return m;
}

static inline uint32_t lowest(uint64_t m)
{
	return m ? (uint32_t)__builtin_ctzll(m) : 64;
}

static inline __m128i _mm_loadu_si128(const __m128i *p)
{
	__m128i r;

	memcpy(&r, p, sizeof(r));
	return r;
}

static inline __m512i _mm512_loadu_si512(const void *p)
{
	__m512i r;

	memcpy(&r, p, sizeof(r));
	return r;
}

/* Bytes that are masked out are not touched. */
static inline __m512i _mm512_maskz_loadu_epi8(uint64_t m, const void *p)
{
	__m512i r;

	EACH(m >> i & 1 ? ((const uint8_t *)p)[i] : 0);
}

static inline __m512i _mm512_broadcast_i32x4(__m128i v)
{
	__m512i r;

	EACH(v.b[i % 16]);
}

static inline __m512i _mm512_set1_epi8(char c)
{
	__m512i r;

	EACH(c);
}

static inline __m512i _mm512_or_si512(__m512i x, __m512i y)
{
	__m512i r;

	EACH(x.b[i] | y.b[i]);
}

static inline __m512i _mm512_and_si512(__m512i x, __m512i y)
{
	__m512i r;

	EACH(x.b[i] & y.b[i]);
}

/* Shifts 16-bit lanes to the right. */
static inline __m512i _mm512_srli_epi16(__m512i x, unsigned n)
{
	__m512i r;

	EACH((unsigned)(x.b[i & ~1] | x.b[i | 1] << 8) >> n >> (i % 2 * 8));
}

static inline __m512i _mm512_subs_epu8(__m512i x, __m512i y)
{
	__m512i r;

	EACH(x.b[i] > y.b[i] ? x.b[i] - y.b[i] : 0);
}

/* Looks up in each 16-byte lane by the low four bits; zero where the top bit is set. */
static inline __m512i _mm512_shuffle_epi8(__m512i t, __m512i x)
{
	__m512i r;

	EACH(x.b[i] & 0x80 ? 0 : t.b[(i & 0x30) | (x.b[i] & 15)]);
}

static inline uint64_t _mm512_cmpeq_epi8_mask(__m512i x, __m512i y)
{
	uint64_t m = 0;

	EACH_BIT(x.b[i] == y.b[i]);
}

static inline uint64_t _mm512_cmple_epu8_mask(__m512i x, __m512i y)
{
	uint64_t m = 0;

	EACH_BIT(x.b[i] <= y.b[i]);
}

static inline uint64_t _mm512_movepi8_mask(__m512i x)
{
	uint64_t m = 0;

	EACH_BIT(x.b[i] >> 7);
}

#undef EACH
#undef EACH_BIT

#endif
