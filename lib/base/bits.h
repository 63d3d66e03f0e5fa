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

/* A conjunction over planes of eight words, for when there are very many: of each term
 * the numbers of its planes.  Plain terms stand first; then groups, whose members are
 * joined by or, the last of them marked; a member may be negated. */
struct cdp_bits_term {
	uint32_t t; /* with CDP_BITS_NOT and CDP_BITS_END */
	uint32_t e;
};
#define CDP_BITS_NOT 0x80000000u
#define CDP_BITS_END 0x40000000u

struct cdp_bits_ops {
	/* Nothing is written and false returned if nothing is in or an error.  `planes`
	 * are aligned to 64 bytes; `all` are the bits there are. */
	bool (*conjunction)(const uint64_t *planes, const struct cdp_bits_term *v,
			    unsigned plain, unsigned count, const uint64_t *all,
			    uint64_t *out_t, uint64_t *out_e);
	/* Of `n` > 0 sets; the results may be one of the operands. */
	struct cdp_bits (*and)(const uint64_t *const *t, const uint64_t *const *e,
			       unsigned n, unsigned words, uint64_t *out_t,
			       uint64_t *out_e);
	struct cdp_bits (* or)(const uint64_t *const *t, const uint64_t *const *e,
			       unsigned n, unsigned words, uint64_t *out_t,
			       uint64_t *out_e);
	/* The words of one set that are not 0. */
	uint64_t (*has)(const uint64_t *v, unsigned words);
	/* How many bits the words have that `has` names. */
	unsigned (*count)(const uint64_t *v, uint64_t has);
};

/* For this machine. */
const struct cdp_bits_ops *cdp_bits_ops(void);
/* For any, to compare with. */
extern const struct cdp_bits_ops cdp_bits_portable;

#endif
