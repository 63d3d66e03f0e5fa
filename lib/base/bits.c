#include "base/bits.h"

#include <stddef.h>

/* Four words of a set, wherever it lies. */
typedef uint64_t four __attribute__((vector_size(32), aligned(8), may_alias));

/* The same code for each kind of machine; the compiler turns it into vectors. */
#define OPS(name, attribute)                                                             \
	attribute static uint64_t has_##name(const uint64_t *v, unsigned words)          \
	{                                                                                \
		uint64_t has = 0;                                                        \
                                                                                         \
		for (uint64_t w = 0; w < words; w++)                                     \
			has |= (uint64_t)(v[w] != 0) << w;                               \
		return has;                                                              \
	}                                                                                \
	attribute static struct cdp_bits and_##name(                                     \
		const uint64_t *const *t, const uint64_t *const *e, unsigned n,          \
		unsigned words, uint64_t *out_t, uint64_t *out_e)                        \
	{                                                                                \
		struct cdp_bits has = { 0 };                                             \
		unsigned w = 0;                                                          \
                                                                                         \
		for (; w + 8 <= words; w += 8) {                                         \
			four x0 = *(const four *)(t[0] + w);                             \
			four x1 = *(const four *)(t[0] + w + 4);                         \
			four y0 = x0 | *(const four *)(e[0] + w);                        \
			four y1 = x1 | *(const four *)(e[0] + w + 4);                    \
                                                                                         \
			for (unsigned i = 1; i < n; i++) {                               \
				four a0 = *(const four *)(t[i] + w);                     \
				four a1 = *(const four *)(t[i] + w + 4);                 \
                                                                                         \
				x0 &= a0;                                                \
				x1 &= a1;                                                \
				y0 &= a0 | *(const four *)(e[i] + w);                    \
				y1 &= a1 | *(const four *)(e[i] + w + 4);                \
			}                                                                \
			*(four *)(out_t + w) = x0;                                       \
			*(four *)(out_t + w + 4) = x1;                                   \
			*(four *)(out_e + w) = y0 & ~x0;                                 \
			*(four *)(out_e + w + 4) = y1 & ~x1;                             \
		}                                                                        \
		for (; w < words; w++) {                                                 \
			uint64_t x = ~(uint64_t)0, y = x;                                \
                                                                                         \
			for (unsigned i = 0; i < n; i++) {                               \
				x &= t[i][w];                                            \
				y &= t[i][w] | e[i][w];                                  \
			}                                                                \
			out_t[w] = x;                                                    \
			out_e[w] = y & ~x;                                               \
		}                                                                        \
		has.t = has_##name(out_t, words);                                        \
		has.e = has_##name(out_e, words);                                        \
		return has;                                                              \
	}                                                                                \
	attribute static struct cdp_bits or_##name(                                      \
		const uint64_t *const *t, const uint64_t *const *e, unsigned n,          \
		unsigned words, uint64_t *out_t, uint64_t *out_e)                        \
	{                                                                                \
		struct cdp_bits has = { 0 };                                             \
                                                                                         \
		unsigned w = 0;                                                          \
                                                                                         \
		for (; w + 4 <= words; w += 4) {                                         \
			four x = *(const four *)(t[0] + w);                              \
			four y = *(const four *)(e[0] + w);                              \
                                                                                         \
			for (unsigned i = 1; i < n; i++) {                               \
				x |= *(const four *)(t[i] + w);                          \
				y |= *(const four *)(e[i] + w);                          \
			}                                                                \
			*(four *)(out_t + w) = x;                                        \
			*(four *)(out_e + w) = y & ~x;                                   \
		}                                                                        \
		for (; w < words; w++) {                                                 \
			uint64_t x = 0, y = 0;                                           \
                                                                                         \
			for (unsigned i = 0; i < n; i++) {                               \
				x |= t[i][w];                                            \
				y |= e[i][w];                                            \
			}                                                                \
			out_t[w] = x;                                                    \
			out_e[w] = y & ~x;                                               \
		}                                                                        \
		has.t = has_##name(out_t, words);                                        \
		has.e = has_##name(out_e, words);                                        \
		return has;                                                              \
	}                                                                                \
	attribute static bool conjunction_##name(                                        \
		const uint64_t *planes, const struct cdp_bits_term *v, unsigned plain,   \
		unsigned count, const uint64_t *all, uint64_t *out_t, uint64_t *out_e)   \
	{                                                                                \
		four x0 = *(const four *)all, x1 = *(const four *)(all + 4);             \
		four y0 = x0, y1 = x1, g0 = { 0 }, g1 = g0, h0 = g0, h1 = g0, any;       \
		unsigned i = 0;                                                          \
                                                                                         \
		for (; i < plain; i++) {                                                 \
			const uint64_t *t = planes + (size_t)v[i].t * 8;                 \
			const uint64_t *e = planes + (size_t)v[i].e * 8;                 \
			four t0 = *(const four *)t, t1 = *(const four *)(t + 4);         \
                                                                                         \
			x0 &= t0;                                                        \
			x1 &= t1;                                                        \
			y0 &= t0 | *(const four *)e;                                     \
			y1 &= t1 | *(const four *)(e + 4);                               \
		}                                                                        \
		for (; i < count; i++) {                                                 \
			uint32_t at = v[i].t & ~(CDP_BITS_NOT | CDP_BITS_END);           \
			const uint64_t *t = planes + (size_t)at * 8;                     \
			const uint64_t *e = planes + (size_t)v[i].e * 8;                 \
			four t0 = *(const four *)t, t1 = *(const four *)(t + 4);         \
			four e0 = *(const four *)e, e1 = *(const four *)(e + 4);         \
                                                                                         \
			uint64_t not = -(uint64_t)(v[i].t >> 31);                        \
			four m = { not, not, not, not };                                 \
                                                                                         \
			g0 |= (t0 ^ m) & ~(e0 & m);                                      \
			g1 |= (t1 ^ m) & ~(e1 & m);                                      \
			h0 |= e0;                                                        \
			h1 |= e1;                                                        \
			if (!(v[i].t & CDP_BITS_END))                                    \
				continue;                                                \
			x0 &= g0;                                                        \
			x1 &= g1;                                                        \
			y0 &= g0 | h0;                                                   \
			y1 &= g1 | h1;                                                   \
			g0 = g1 = h0 = h1 = (four){ 0 };                                 \
		}                                                                        \
		any = y0 | y1;                                                           \
		if (!(any[0] | any[1] | any[2] | any[3]))                                \
			return false;                                                    \
		*(four *)out_t = x0;                                                     \
		*(four *)(out_t + 4) = x1;                                               \
		*(four *)out_e = y0 & ~x0;                                               \
		*(four *)(out_e + 4) = y1 & ~x1;                                         \
		return true;                                                             \
	}                                                                                \
	attribute static unsigned count_##name(const uint64_t *v, uint64_t has)          \
	{                                                                                \
		unsigned n = 0;                                                          \
                                                                                         \
		for (; has; has &= has - 1)                                              \
			n += (unsigned)__builtin_popcountll(                             \
				v[(unsigned)__builtin_ctzll(has)]);                      \
		return n;                                                                \
	}

OPS(portable, )

const struct cdp_bits_ops cdp_bits_portable = { conjunction_portable, and_portable,
						or_portable, has_portable,
						count_portable };

#if defined(__x86_64__)
OPS(avx2, __attribute__((target("avx2,bmi,popcnt"))))

static const struct cdp_bits_ops avx2 = { conjunction_avx2, and_avx2, or_avx2, has_avx2,
					  count_avx2 };
#endif

const struct cdp_bits_ops *cdp_bits_ops(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
	    __builtin_cpu_supports("bmi"))
		return &avx2;
#endif
	return &cdp_bits_portable;
}
