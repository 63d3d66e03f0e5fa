#include "base/bits.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What stands here is compiled for each kind of machine, below; the compiler turns it
 * into vectors. */
#define INLINE static inline __attribute__((always_inline))

/* Four words of a set, wherever it lies. */
typedef uint64_t four __attribute__((vector_size(32), aligned(8), may_alias));

INLINE unsigned count_words(const uint64_t *v, unsigned words)
{
	unsigned n = 0;

	for (unsigned w = 0; w < words; w++)
		n += (unsigned)__builtin_popcountll(v[w]);
	return n;
}

INLINE void and_words(const uint64_t *const *t, const uint64_t *const *e, unsigned n,
		      unsigned words, uint64_t *out_t, uint64_t *out_e)
{
	unsigned w = 0;

	for (; w + 8 <= words; w += 8) {
		four x0 = *(const four *)(t[0] + w), x1 = *(const four *)(t[0] + w + 4);
		four y0 = x0 | *(const four *)(e[0] + w);
		four y1 = x1 | *(const four *)(e[0] + w + 4);

		for (unsigned i = 1; i < n; i++) {
			four a0 = *(const four *)(t[i] + w);
			four a1 = *(const four *)(t[i] + w + 4);

			x0 &= a0;
			x1 &= a1;
			y0 &= a0 | *(const four *)(e[i] + w);
			y1 &= a1 | *(const four *)(e[i] + w + 4);
		}
		*(four *)(out_t + w) = x0;
		*(four *)(out_t + w + 4) = x1;
		*(four *)(out_e + w) = y0 & ~x0;
		*(four *)(out_e + w + 4) = y1 & ~x1;
	}
	for (; w < words; w++) {
		uint64_t x = ~(uint64_t)0, y = x;

		for (unsigned i = 0; i < n; i++) {
			x &= t[i][w];
			y &= t[i][w] | e[i][w];
		}
		out_t[w] = x;
		out_e[w] = y & ~x;
	}
}

INLINE void or_words(const uint64_t *const *t, const uint64_t *const *e, unsigned n,
		     unsigned words, uint64_t *out_t, uint64_t *out_e)
{
	unsigned w = 0;

	for (; w + 4 <= words; w += 4) {
		four x = *(const four *)(t[0] + w);
		four y = *(const four *)(e[0] + w);

		for (unsigned i = 1; i < n; i++) {
			x |= *(const four *)(t[i] + w);
			y |= *(const four *)(e[i] + w);
		}
		*(four *)(out_t + w) = x;
		*(four *)(out_e + w) = y & ~x;
	}
	for (; w < words; w++) {
		uint64_t x = 0, y = 0;

		for (unsigned i = 0; i < n; i++) {
			x |= t[i][w];
			y |= e[i][w];
		}
		out_t[w] = x;
		out_e[w] = y & ~x;
	}
}

/* A strip of a conjunction. */
INLINE void conjoin(const uint64_t *planes, const struct cdp_conjunction *c,
		    const uint64_t *all, uint64_t *out_t, uint64_t *out_e)
{
	four x0 = *(const four *)all, x1 = *(const four *)(all + 4);
	four y0 = x0, y1 = x1, g0 = { 0 }, g1 = g0, h0 = g0, h1 = g0;
	const struct cdp_bits_term *v = c->v;
	unsigned i = 0;

	for (; i < c->plain; i++) {
		const uint64_t *t = planes + v[i].t, *e = planes + v[i].e;
		four t0 = *(const four *)t, t1 = *(const four *)(t + 4);

		x0 &= t0;
		x1 &= t1;
		y0 &= t0 | *(const four *)e;
		y1 &= t1 | *(const four *)(e + 4);
	}
	for (; i < c->negated; i++) {
		const uint64_t *t = planes + v[i].t, *e = planes + v[i].e;
		four t0 = *(const four *)t, t1 = *(const four *)(t + 4);

		x0 &= ~(t0 | *(const four *)e);
		x1 &= ~(t1 | *(const four *)(e + 4));
		y0 &= ~t0;
		y1 &= ~t1;
	}
	for (; i < c->count; i++) {
		uint32_t at = v[i].t & ~(CDP_BITS_NOT | CDP_BITS_END);
		const uint64_t *t = planes + at, *e = planes + v[i].e;
		four t0 = *(const four *)t, t1 = *(const four *)(t + 4);
		four e0 = *(const four *)e, e1 = *(const four *)(e + 4);

		h0 |= e0;
		h1 |= e1;
		if (v[i].t & CDP_BITS_NOT) {
			t0 = ~(t0 | e0);
			t1 = ~(t1 | e1);
		}
		g0 |= t0;
		g1 |= t1;
		if (!(v[i].t & CDP_BITS_END))
			continue;
		x0 &= g0;
		x1 &= g1;
		y0 &= g0 | h0;
		y1 &= g1 | h1;
		g0 = g1 = h0 = h1 = (four){ 0 };
	}
	*(four *)out_t = x0;
	*(four *)(out_t + 4) = x1;
	*(four *)out_e = y0 & ~x0;
	*(four *)(out_e + 4) = y1 & ~x1;
}

/* The functions for a kind of machine; it has its own has_NAME(). */
#define OPS(name, attribute, scope)                                                      \
	attribute static unsigned count_##name(const uint64_t *v, unsigned words)        \
	{                                                                                \
		return count_words(v, words);                                            \
	}                                                                                \
	attribute static struct cdp_bits and_##name(                                     \
		const uint64_t *const *t, const uint64_t *const *e, unsigned n,          \
		unsigned words, uint64_t *out_t, uint64_t *out_e)                        \
	{                                                                                \
		and_words(t, e, n, words, out_t, out_e);                                 \
		return (struct cdp_bits){ has_##name(out_t, words),                      \
					  has_##name(out_e, words) };                    \
	}                                                                                \
	attribute static struct cdp_bits or_##name(                                      \
		const uint64_t *const *t, const uint64_t *const *e, unsigned n,          \
		unsigned words, uint64_t *out_t, uint64_t *out_e)                        \
	{                                                                                \
		or_words(t, e, n, words, out_t, out_e);                                  \
		return (struct cdp_bits){ has_##name(out_t, words),                      \
					  has_##name(out_e, words) };                    \
	}                                                                                \
	attribute static uint64_t conjunction_##name(                                    \
		const uint64_t *planes, const struct cdp_conjunction *c, unsigned words, \
		const uint64_t *all, uint64_t *out_t, uint64_t *out_e, unsigned *errors) \
	{                                                                                \
		uint64_t has = 0;                                                        \
		unsigned n = 0;                                                          \
                                                                                         \
		for (unsigned w = 0; w < words; w += CDP_BITS_STRIP) {                   \
			conjoin(planes + w, c, all + w, out_t + w, out_e + w);           \
			has |= has_##name(out_t + w, CDP_BITS_STRIP) << w;               \
			n += count_words(out_e + w, CDP_BITS_STRIP);                     \
		}                                                                        \
		*errors = n;                                                             \
		return has;                                                              \
	}                                                                                \
	scope const struct cdp_bits_ops cdp_bits_##name = { conjunction_##name,          \
							    and_##name, or_##name,       \
							    has_##name, count_##name };

static inline uint64_t has_portable(const uint64_t *v, unsigned words)
{
	uint64_t has = 0;

	for (uint64_t w = 0; w < words; w++)
		has |= (uint64_t)(v[w] != 0) << w;
	return has;
}
OPS(portable, , )

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline uint64_t has_avx2(const uint64_t *v, unsigned words)
{
	uint64_t none = 0;
	unsigned w = 0;

	for (; w + 4 <= words; w += 4) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(v + w));
		__m256i zero = _mm256_cmpeq_epi64(x, _mm256_setzero_si256());

		none |= (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(zero)) << w;
	}
	for (; w < words; w++)
		none |= (uint64_t)(v[w] == 0) << w;
	return ~none & ~(uint64_t)0 >> (64 - words);
}
OPS(avx2, AVX2, static)
#endif

const struct cdp_bits_ops *cdp_bits_ops(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
	    __builtin_cpu_supports("bmi"))
		return &cdp_bits_avx2;
#endif
	return &cdp_bits_portable;
}
