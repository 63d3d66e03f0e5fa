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
/* Where the text of another member went, with its quotes. */
struct cdp_span cdp_cut_text(const struct cdp_cut *c, const struct cdp_rec *rec,
			     const struct cdp_val *v);
/* The same; empty if it is no text. */
static inline struct cdp_span
cdp_cut_value(const struct cdp_cut *c, const struct cdp_rec *rec, const struct cdp_val *v)
{
	return v->type == CDP_STRING ? cdp_cut_text(c, rec, v)
				     : (struct cdp_span){ 0, 0 };
}
/* The whole member, with the comma before it, by the length of its plain key. */
static inline struct cdp_span cdp_cut_member(const struct cdp_cut *c,
					     const struct cdp_rec *rec,
					     const struct cdp_val *v, size_t key_len)
{
	struct cdp_span s = cdp_cut_value(c, rec, v);

	if (s.n) {
		s.at -= key_len + 4; /* ,"": */
		s.n += key_len + 4;
	}
	return s;
}

#endif
