/* What the readers of the forms of access logs share.  For the files combined*.c. */
#ifndef CDP_FORMAT_COMBINED_PRIV_H
#define CDP_FORMAT_COMBINED_PRIV_H

#include "format/combined.h"

#include "format/ids.h"

struct slice {
	const char *p;
	size_t n;
};

/* A line taken apart; p NULL where the form has none. */
struct access_fields {
	struct slice host, user, time, request, status, bytes, referer, agent, forwarded;
	/* Instead of `request`, in parts. */
	struct slice method, target, query, protocol;
	/* Further properties: members of an object, `"k":v,"k":v`. */
	struct slice more;
	bool plain; /* no escapes are to be undone */
};

struct cdp_combined {
	const struct cdp_format_opts *opts;
	struct cdp_ids ids;
	struct cdp_buf request, text, value, names, query, event;
	struct cdp_buf json, more, other; /* of lines in JSON */
};

/* The event of a line, as cdp_combined_read() writes it. */
int combined_compose(struct cdp_combined *r, const struct access_fields *f,
		     struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err);
/* Whether a property has a name that the line itself gives. */
bool combined_is_taken(struct slice name, bool carrier);

#endif
