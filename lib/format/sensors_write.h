/* Records as the SDKs of Sensors Data (神策) write them: one JSON object a line. */
#ifndef CDP_FORMAT_SENSORS_WRITE_H
#define CDP_FORMAT_SENSORS_WRITE_H

#include "base/buf.h"

#include <stdint.h>

struct cdp_sensors_id {
	const char *key, *value; /* "$identity_login_id", ... */
};

/* Strings are UTF-8 and end in NUL; NULL leaves a member out. */
struct cdp_sensors_rec {
	const char *type, *event; /* "track"; event NULL for profiles */
	const char *distinct_id, *login_id, *anonymous_id, *original_id;
	const struct cdp_sensors_id *ids;
	unsigned nids;
	const char *lib, *lib_version;
	int64_t time_ms, flush_ms; /* since the epoch */
	int32_t track_id;
	const char *props; /* ready members of `properties`, without braces */
	size_t nprops;
};

/* Append the record and LF. */
void cdp_sensors_write(struct cdp_buf *out, const struct cdp_sensors_rec *r);

#endif
