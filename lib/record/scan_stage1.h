/* Stage 1 from masks to tokens, for each instruction set's own file, which defines
 * CDP_TARGET, prefix_xor() and lowest() before it includes this. */
#include "record/scan_index.h"

/* What 64 bytes hold; bit i is byte i.  `odd`: backslashes and control bytes but LF. */
struct masks {
	uint64_t quote, op, lf, odd;
};

/* State that one block hands to the next; zero at the beginning of a line. */
struct carry {
	uint64_t in_string; /* all ones or zero */
	uint64_t escape;    /* 1: the first byte is escaped */
	uint64_t closed;    /* 1: the last byte was a closing quote */
};

/* The empty asm keeps the compiler from gathering offsets into vectors, which is slower
 * than storing them one by one. */
#define CDP_PUT_TOKEN(i)                                                                 \
	do {                                                                             \
		uint32_t offset = base + lowest(m);                                      \
                                                                                         \
		__asm__("" : "+r"(offset));                                              \
		at[i] = offset;                                                          \
		m &= m - 1;                                                              \
	} while (0)

/* Writes the offsets of the bits of `m` to at[0..]; some more is written than there are
 * bits, so that the number of rounds is guessed well. */
CDP_TARGET static inline size_t flatten(uint32_t *at, uint32_t base, uint64_t m)
{
	unsigned count = (unsigned)__builtin_popcountll(m);

	for (unsigned i = 0; i < 8; i++)
		CDP_PUT_TOKEN(i);
	if (__builtin_expect(count > 8, 0))
		for (unsigned i = 8; i < count; i++)
			CDP_PUT_TOKEN(i);
	return count;
}

/* A LF inside a string ends it; the bits above are read anew from outside. */
CDP_TARGET static inline uint64_t end_strings(uint64_t quote, uint64_t in_string,
					      uint64_t lf, uint64_t *bad)
{
	uint64_t cut, below;

	while ((cut = lf & in_string)) {
		cut &= -cut;
		*bad |= cut;
		below = (cut << 1) - 1; /* the LF and what stands before it */
		in_string =
			(in_string & (cut - 1)) | (prefix_xor(quote & ~below) & ~below);
	}
	return in_string;
}

/* Notes the tokens and faults of one block, of which the bytes `valid` count; returns how
 * many tokens were written to `at`. */
CDP_TARGET static inline size_t index_block(struct cdp_index *ix, struct carry *c,
					    size_t word, const struct masks *m,
					    uint64_t valid, uint32_t *at)
{
	uint64_t quote = m->quote, control = 0, bad = 0;
	uint64_t in_string, closed;

	if (__builtin_expect(m->odd | c->escape, 0)) {
		/* copies, so that the rest of the function has no addresses to mind */
		struct cdp_odd odd = { .bits = m->odd & valid, .carry = c->escape };

		cdp_index_odd(ix, word, &odd);
		quote &= ~odd.escaped;
		control = odd.control;
		bad = odd.bad;
		c->escape = odd.carry;
	}
	in_string = prefix_xor(quote) ^ c->in_string;
	if (__builtin_expect(m->lf & in_string, 0))
		in_string = end_strings(quote, in_string, m->lf, &bad);
	closed = quote & ~in_string;
	bad |= control & in_string;
	bad |= (closed << 1 | c->closed) & ~m->op;
	if (__builtin_expect(bad & valid, 0))
		cdp_index_bad(ix, word, bad & valid);
	c->in_string = (uint64_t)((int64_t)in_string >> 63);
	c->closed = closed >> 63;
	return flatten(at, (uint32_t)(word * 64), ((m->op & ~in_string) | m->lf) & valid);
}
