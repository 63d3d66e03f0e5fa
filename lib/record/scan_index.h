/* The SIMD scanners in two stages, after Langdale and Lemire, "Parsing gigabytes of JSON
 * per second" (VLDB Journal 28, 2019): stage 1 turns 64 bytes at a time into bit masks
 * and lists tokens; stage 2, common to all instruction sets, walks the list.
 *
 * What differs: the only tokens are { } [ ] : , and LF; keys and scalars must fill the
 * gaps between them but for spaces after ':' and ',' and a CR before LF, and a closing
 * quote must stand before a token.  That is what we write ourselves, and what nearly all
 * others do.  A line that does not fit (other white space, or a fault) is decided by the
 * portable scanner.  LF is always a token and always outside of strings, so no line can
 * reach into the next one. */
#ifndef CDP_RECORD_SCAN_INDEX_H
#define CDP_RECORD_SCAN_INDEX_H

#include "record/scan_impl.h"

enum {
	CDP_WINDOW = 32 * 1024, /* bytes indexed at once: text and tokens stay in L2 */
	CDP_WINDOW_WORDS = CDP_WINDOW / 64,
	CDP_FLATTEN_SPILL = 64, /* tokens that may be written past the last */
};

struct cdp_index {
	const char *begin, *last;  /* the window, and the last LF in it (or NULL) */
	size_t size;               /* bytes of the window */
	uint32_t *at;              /* tokens: offsets from `begin` */
	size_t count, next;        /* next: where the walk stands */
	const char *walked;        /* the line last walked to its end, and not refused */
	size_t first;              /* its first token */
	uint32_t slash_at, bad_at; /* first backslash, fault from this line on */
	bool any_slash, any_bad;   /* in the window; if not, the bits are not set up */
	unsigned lines, missed;    /* in the window; missed: the portable one decided */
	const char *rest;          /* no window before this: they would miss again */
	uint64_t bad[CDP_WINDOW_WORDS], slash[CDP_WINDOW_WORDS];
	uint16_t wide[CDP_WINDOW_WORDS]; /* blocks whose UTF-8 is to be checked */
	/* Stage 1: index the n bytes at `begin`: at, count, bad, slash, any_*. */
	void (*fill)(struct cdp_index *ix, size_t n);
};

void cdp_index_avx2(struct cdp_index *ix, size_t n);
void cdp_index_avx512(struct cdp_index *ix, size_t n);

/* Scan with this stage 1. */
void cdp_scan_use_index(struct cdp_scan *s, void (*fill)(struct cdp_index *ix, size_t n));
const char *cdp_scan_line_indexed(struct cdp_scan *s, const char *p, const char *end);

/* For stage 1, out of its way.  Notes faults of a block. */
void cdp_index_bad(struct cdp_index *ix, size_t word, uint64_t bad);
/* The backslashes and control bytes of a block, apart. */
struct cdp_odd {
	uint64_t bits;  /* in: both */
	uint64_t carry; /* 1: the first byte is escaped; out: the next block's is */
	uint64_t escaped, control;
	uint64_t bad; /* backslashes that begin no valid escape */
};
void cdp_index_odd(struct cdp_index *ix, size_t word, struct cdp_odd *odd);

#endif
