/* Inside of struct cdp_scan: what the line scanners share.
 *
 * A line scanner says whether a line is good and fills slots; it explains nothing.  A
 * line it refuses is read again by cdp_explain(), a plain byte-at-a-time parser, so that
 * every implementation gives the same reason and a disagreement is found at once. */
#ifndef CDP_RECORD_SCAN_IMPL_H
#define CDP_RECORD_SCAN_IMPL_H

#include "base/buf.h"
#include "base/time.h"
#include "record/paths.h"

#define CDP_ONES 0x0101010101010101u
#define CDP_HIGH 0x8080808080808080u

/* An open container. */
struct cdp_frame {
	const char *start;            /* its first byte */
	const struct cdp_node *outer; /* node of what is around it */
	int32_t slot;                 /* to be filled when it closes */
	bool array;
};

struct cdp_scan {
	const struct cdp_paths *paths;
	/* Checks the line at p, whose first byte is not white space; the block's bytes up
	 * to `end` end in LF and CDP_IN_PAD more can be read.  The line's LF, or NULL if
	 * the line is bad.  Slots were cleared before; sets `spaced`, `twice`. */
	const char *(*scan_line)(struct cdp_scan *s, const char *p, const char *end);
	struct cdp_val *slots; /* of the record at hand, in `kept` */
	struct cdp_val *kept;  /* of the last kept_mask + 1 records, in turn */
	unsigned width; /* slots of a record there: a few more than there are paths */
	unsigned kept_mask, kept_at;
	uint64_t *seen; /* by edge: the last record in which its object was entered */
	uint64_t serial;
	struct cdp_buf key;       /* a decoded key */
	struct cdp_minute minute; /* of the last record whose time was read */
	bool trusted, unique_keys;
	bool *dirty; /* by kept_at: slots beyond the head's may be filled */
	/* of the line last scanned */
	bool spaced; /* white space between tokens */
	bool twice;  /* a requested member came more than once */
	const char *impl_name;

	/* the block */
	const char *begin, *p, *end;
	uint64_t completed; /* the line of the last trusted record that was completed */
	uint64_t lines, blanks;
	char *tail_copy; /* an unended last line, with LF and padding */
	size_t tail_len; /* its length with LF while it is still to be read, else 0 */
	struct cdp_frame frames[CDP_DEPTH_MAX + 1];
	struct cdp_index *index; /* of the SIMD scanners; NULL in others */
};

/* All slots missing; before every line. */
void cdp_scan_clear(struct cdp_scan *s);

const char *cdp_scan_line_portable(struct cdp_scan *s, const char *p, const char *end);

/* Why the text p..p+n is bad: -1 and *err, or 0 if it is good.  With `record` it must be
 * one object on one line, else any value with any JSON white space around it. */
int cdp_explain(const char *p, size_t n, bool record, struct cdp_err *err);
/* Duplicate keys in a valid text: -1 and *err, or 0. */
int cdp_unique_check(const char *p, size_t n, struct cdp_err *err);

/* Slots below a path whose object comes a second time hold values of the first. */
static inline void cdp_scan_enter(struct cdp_scan *s, const struct cdp_edge *e)
{
	size_t i = (size_t)(e - s->paths->edges);
	const struct cdp_edge_more *more = &s->paths->more[i];

	if (s->seen[i] == s->serial) {
		s->twice = true;
		for (unsigned k = 0; k < more->below_count; k++)
			s->slots[more->below[k]].type = CDP_MISSING;
	}
	s->seen[i] = s->serial;
}

/* Fills a slot, if it is one. */
static inline void cdp_scan_store(struct cdp_scan *s, int32_t slot, struct cdp_val v)
{
	if (slot == CDP_NO_SLOT)
		return;
	s->twice |= s->slots[slot].type != CDP_MISSING;
	s->slots[slot] = v;
}

/* The edge of an escaped key; rare, so out of the scanners' way. */
const struct cdp_edge *cdp_scan_escaped_key(struct cdp_scan *s,
					    const struct cdp_node *node, const char *p,
					    size_t n);

#endif
