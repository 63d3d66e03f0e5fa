/* Algebra over sets of bits with errors: of each member it is known that it is in (`t`),
 * that it cannot be told (`e`), or neither; never both.
 *
 *	and: in where all are in, an error where all are in or errors but not all in
 *	or:  in where one is in, an error where one is an error and none in
 *
 * Sets have up to 64 words.  Results are with the words that have bits, one bit a word.
 * AVX2 where the machine has it. */
#ifndef CDP_BASE_BITS_H
#define CDP_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

struct cdp_bits {
	uint64_t t, e; /* words of the result that are not 0 */
};

enum { CDP_BITS_STRIP = 16 };

/* A conjunction over planes of whole strips of words, for when there are very many: of
 * each term the places, in words, of the plane of those that are in or an error, and of
 * that of errors.  Plain terms stand first, then negated ones; then groups, whose members
 * are joined by or: the last of them is marked, and those that are negated. */
struct cdp_bits_term {
	uint32_t u; /* in groups with CDP_BITS_NOT and CDP_BITS_END */
	uint32_t e;
};
#define CDP_BITS_NOT 0x80000000u
#define CDP_BITS_END 0x40000000u
/* So many terms behind those of a conjunction are read, to fetch their planes. */
enum { CDP_BITS_AHEAD = 16 };

struct cdp_conjunction {
	uint16_t plain, negated, count; /* v[0..plain), v[plain..negated), v[negated..) */
};

struct cdp_bits_ops {
	/* The words that have someone in; how many errors there are in *errors, and which
	 * in `out_e` unless that is NULL.  `planes` are aligned to 64 bytes; `all` are
	 * the bits there are. */
	uint64_t (*conjunction)(const uint64_t *planes, const struct cdp_conjunction *c,
				const struct cdp_bits_term *v, unsigned words,
				const uint64_t *all, uint64_t *out_t, uint64_t *out_e,
				unsigned *errors);
	/* The same where numbers are all that is asked for: how many are in. */
	unsigned (*tally)(const uint64_t *planes, const struct cdp_conjunction *c,
			  const struct cdp_bits_term *v, unsigned words,
			  const uint64_t *all, unsigned *errors);
	/* Of `n` > 0 sets; the results may be one of the operands. */
	struct cdp_bits (*and)(const uint64_t *const *t, const uint64_t *const *e,
			       unsigned n, unsigned words, uint64_t *out_t,
			       uint64_t *out_e);
	struct cdp_bits (* or)(const uint64_t *const *t, const uint64_t *const *e,
			       unsigned n, unsigned words, uint64_t *out_t,
			       uint64_t *out_e);
	/* The words of one set that are not 0. */
	uint64_t (*has)(const uint64_t *v, unsigned words);
	/* How many bits they have. */
	unsigned (*count)(const uint64_t *v, unsigned words);
};

/* For this machine. */
const struct cdp_bits_ops *cdp_bits_ops(void);
/* For any, to compare with. */
extern const struct cdp_bits_ops cdp_bits_portable;

#endif
