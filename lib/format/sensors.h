/* Records of the Sensors Data tracking libraries, one JSON object a line, as their
 * LoggingConsumer writes them and as they stand in the envelopes of the others.
 *
 * Known from recordings of the Java, JavaScript, Python, Node and mini program libraries.
 * The man page has the table of what becomes what. */
#ifndef CDP_FORMAT_SENSORS_H
#define CDP_FORMAT_SENSORS_H

#include "format/canon.h"

struct cdp_sensors;

/* Slots of the members that the reader looks at. */
struct cdp_sensors_slots {
	int distinct_id, track_id, properties, lib, lib_object;
	int login_id, anonymous_id, original_id;
	int identities, project, token, flush_time, item_type, item_id, schema, id;
	/* below properties */
	int p_is_login, p_time, p_project, p_token, p_identities, p_distinct_id,
		p_timezone;
};
void cdp_sensors_paths(struct cdp_sensors_slots *slots, struct cdp_paths *paths);

/* One a thread; `opts` and `slots` outlive it. */
struct cdp_sensors *cdp_sensors_new(const struct cdp_format_opts *opts,
				    const struct cdp_sensors_slots *slots);
void cdp_sensors_free(struct cdp_sensors *r);

/* Whether a record's `type` is one of theirs. */
bool cdp_sensors_knows(const struct cdp_val *type);

int cdp_sensors_read(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		     struct cdp_canon *info, struct cdp_err *err);

#endif
