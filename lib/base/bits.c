#include "base/bits.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What stands here is compiled for each kind of machine, below; the compiler turns it
 * into vectors. */
#define INLINE static inline __attribute__((always_inline))

#define ALIGNED __attribute__((aligned(64)))

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

/* A strip of a conjunction: who is in or an error in all terms, and who is an error in
 * one.  The first without the second are in, both are errors. */
struct strip {
	four y[4], o[4];
};

/* A member of a group: who is in or an error, and who is in. */
INLINE void join(four y[4], four t[4], const four *u, const four *e, bool negated)
{
	for (unsigned k = 0; k < 4; k++) {
		four in = u[k] & ~e[k];

		y[k] |= negated ? ~in : u[k];
		t[k] |= negated ? ~u[k] : in;
	}
}

INLINE struct strip conjoin(const uint64_t *planes, const struct cdp_conjunction *c,
			    const struct cdp_bits_term *v, const uint64_t *all)
{
	struct strip s = { 0 };
	four y[4] = { 0 }, t[4] = { 0 };
	unsigned i = 0;

	for (unsigned k = 0; k < 4; k++)
		s.y[k] = ((const four *)all)[k];
	for (; i < c->plain; i++) {
		const four *u = (const four *)(planes + v[i].u);
		const four *e = (const four *)(planes + v[i].e);

		for (unsigned k = 0; k < 4; k++) {
			s.y[k] &= u[k];
			s.o[k] |= e[k];
		}
	}
	for (; i < c->negated; i++) {
		const four *u = (const four *)(planes + v[i].u);
		const four *e = (const four *)(planes + v[i].e);

		for (unsigned k = 0; k < 4; k++) {
			s.y[k] &= ~(u[k] & ~e[k]);
			s.o[k] |= e[k];
		}
	}
	for (; i < c->count; i++) {
		uint32_t at = v[i].u & ~(CDP_BITS_NOT | CDP_BITS_END);

		join(y, t, (const four *)(planes + at), (const four *)(planes + v[i].e),
		     v[i].u & CDP_BITS_NOT);
		if (!(v[i].u & CDP_BITS_END))
			continue;
		for (unsigned k = 0; k < 4; k++) {
			s.y[k] &= y[k];
			s.o[k] |= y[k] & ~t[k];
			y[k] = t[k] = (four){ 0 };
		}
	}
	return s;
}

/* The words of a strip are asked for together, and long before. */
INLINE void fetch_ahead(const uint64_t *planes, const struct cdp_bits_term *v, unsigned n,
			unsigned words)
{
	for (unsigned i = CDP_BITS_AHEAD; i < CDP_BITS_AHEAD + n; i++) {
		const uint64_t *u = planes + (v[i].u & ~(CDP_BITS_NOT | CDP_BITS_END));

		for (unsigned w = 0; w < words; w += 8)
			__builtin_prefetch(u + w);
	}
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
		const uint64_t *planes, const struct cdp_conjunction *c,                 \
		const struct cdp_bits_term *v, unsigned words, const uint64_t *all,      \
		uint64_t *out_t, uint64_t *out_e, unsigned *errors)                      \
	{                                                                                \
		uint64_t has = 0, e[CDP_BITS_STRIP];                                     \
		unsigned n = 0;                                                          \
                                                                                         \
		fetch_ahead(planes, v, c->count, words);                                 \
		for (unsigned w = 0; w < words; w += CDP_BITS_STRIP) {                   \
			struct strip s = conjoin(planes + w, c, v, all + w);             \
			uint64_t *to = out_e ? out_e + w : e;                            \
                                                                                         \
			for (unsigned k = 0; k < 4; k++) {                               \
				((four *)(out_t + w))[k] = s.y[k] & ~s.o[k];             \
				((four *)to)[k] = s.y[k] & s.o[k];                       \
			}                                                                \
			has |= has_##name(out_t + w, CDP_BITS_STRIP) << w;               \
			n += count_words(to, CDP_BITS_STRIP);                            \
		}                                                                        \
		*errors = n;                                                             \
		return has;                                                              \
	}                                                                                \
	attribute static unsigned tally_##name(                                          \
		const uint64_t *planes, const struct cdp_conjunction *c,                 \
		const struct cdp_bits_term *v, unsigned words, const uint64_t *all,      \
		unsigned *errors)                                                        \
	{                                                                                \
		uint64_t t[CDP_BITS_STRIP] ALIGNED, e[CDP_BITS_STRIP] ALIGNED;           \
		unsigned members = 0, n = 0;                                             \
                                                                                         \
		fetch_ahead(planes, v, c->count, words);                                 \
		for (unsigned w = 0; w < words; w += CDP_BITS_STRIP) {                   \
			struct strip s = conjoin(planes + w, c, v, all + w);             \
                                                                                         \
			for (unsigned k = 0; k < 4; k++) {                               \
				((four *)t)[k] = s.y[k] & ~s.o[k];                       \
				((four *)e)[k] = s.y[k] & s.o[k];                        \
			}                                                                \
			members += count_words(t, CDP_BITS_STRIP);                       \
			n += count_words(e, CDP_BITS_STRIP);                             \
		}                                                                        \
		*errors = n;                                                             \
		return members;                                                          \
	}                                                                                \
	scope const struct cdp_bits_ops cdp_bits_##name = {                              \
		conjunction_##name, tally_##name, and_##name,                            \
		or_##name,          has_##name,   count_##name                           \
	};

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
