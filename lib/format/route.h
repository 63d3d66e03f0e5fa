/* Which protocol a path means, how its requests carry their payload and what they are
 * answered. */
#ifndef CDP_FORMAT_ROUTE_H
#define CDP_FORMAT_ROUTE_H

#include <stddef.h>

/* Where the JSON of a request is.  A body that is JSON is taken as such by all. */
enum cdp_carrier {
	CDP_CARRY_BODY,  /* the body, or `data` */
	CDP_CARRY_DATA,  /* Sensors: `data_list` or `data` of query or form */
	CDP_CARRY_EVENT, /* Zhuge: `event` of query or form */
	CDP_CARRY_LZ,    /* GrowingIO: the body or `data`, perhaps in LZ-String */
	CDP_CARRY_FORM,  /* all members of query and form */
	CDP_CARRY_OTLP,  /* the body, JSON or protobuf */
	CDP_CARRY_NONE,  /* nothing to keep: configuration */
};

enum cdp_reply {
	CDP_REPLY_EMPTY,   /* 200 */
	CDP_REPLY_NONE,    /* 204 */
	CDP_REPLY_GIF,     /* one transparent pixel */
	CDP_REPLY_TEXT,    /* `reply` */
	CDP_REPLY_JSON,    /* `reply` */
	CDP_REPLY_WEB_ID,  /* DataRangers: a fresh id */
	CDP_REPLY_CONTEXT, /* Unomi: a profile without segments */
};

struct cdp_route {
	const char *path; /* last segments of the path; '*' is any one */
	const char *protocol;
	enum cdp_carrier carrier;
	enum cdp_reply kind;
	const char *reply;
};

/* The route of a path, a final slash apart; `protocol` (NULL: any) restricts.  Of several
 * for one path the first.  NULL: none. */
const struct cdp_route *cdp_route_find(const char *path, const char *protocol);
/* The first of a protocol, for a path that says no more than its name; NULL: none. */
const struct cdp_route *cdp_route_first(const char *protocol);

#endif
