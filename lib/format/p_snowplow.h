/* Inside of the Snowplow reader: what its ways in share.  An event is the 131 fields of
 * Snowplow's canonical event model, whichever way it came. */
#ifndef CDP_FORMAT_P_SNOWPLOW_H
#define CDP_FORMAT_P_SNOWPLOW_H

#include "format/protocol.h"

enum cdp_snowplow_type {
	CDP_SNOWPLOW_TEXT,
	CDP_SNOWPLOW_NUMBER,
	CDP_SNOWPLOW_FLAG,
	CDP_SNOWPLOW_TIME,
	CDP_SNOWPLOW_JSON,
};

/* In the order of the columns of enriched events; `param`: in the tracker protocol. */
enum { CDP_SNOWPLOW_FIELDS = 131 };
struct cdp_snowplow_field {
	const char *name, *param;
	enum cdp_snowplow_type type;
};
extern const struct cdp_snowplow_field cdp_snowplow_fields[CDP_SNOWPLOW_FIELDS];
int cdp_snowplow_column(const char *name); /* its index; there must be one */

struct cdp_snowplow_event {
	struct {
		const char *p;
		size_t n;
	} field[CDP_SNOWPLOW_FIELDS]; /* texts; n 0: none */
	int64_t ms, sent, received;   /* CDP_NO_TIME: nobody says */
	struct cdp_val raw;           /* of the message, for its reject */
};

/* Makes d->draft of the event but for members outside of the model, which the caller
 * adds. */
int cdp_snowplow_draft(struct cdp_decoder *d, const struct cdp_snowplow_event *e,
		       const struct cdp_arrival *from, struct cdp_err *err);
/* A line of an enriched file. */
int cdp_snowplow_line(struct cdp_decoder *d, const char *line, size_t n,
		      const struct cdp_arrival *from, struct cdp_sink *sink,
		      struct cdp_err *err);

#endif
