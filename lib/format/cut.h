/* Moving the head to the front of an event that is good as it stands otherwise. */
#ifndef CDP_FORMAT_CUT_H
#define CDP_FORMAT_CUT_H

#include "base/time.h"
#include "format/canon.h"

enum { CDP_CUT_PIECES = 4 };

/* What is left of the line when the head is cut out, and where it went. */
struct cdp_cut {
	struct {
		size_t from, n, to; /* in the line, bytes, in the new one */
	} piece[CDP_CUT_PIECES];
};

/* Appends the event with its canonical head: the time `text`, its event name, `ids`, then
 * all other members in their order.  False, and nothing is appended, if the record cannot
 * be cut by its slots: white space between tokens, members that came twice, odd keys.
 * `ids`: their slot, an object to be kept as it is.  Up to 31 bytes after the line are
 * read. */
bool cdp_cut_event(struct cdp_cut *c, const struct cdp_rec *rec,
		   const struct cdp_val *ids, const char text[CDP_TIME_CANON],
		   struct cdp_buf *out);
/* Where the value of another member, a string, went: with its quotes, or, with the length
 * of its plain key, the whole member with the comma before it.  Empty if it is missing.
 */
struct cdp_span cdp_cut_value(const struct cdp_cut *c, const struct cdp_rec *rec,
			      const struct cdp_val *v);
struct cdp_span cdp_cut_member(const struct cdp_cut *c, const struct cdp_rec *rec,
			       const struct cdp_val *v, size_t key_len);

#endif
