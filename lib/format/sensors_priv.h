/* Inside of the Sensors reader: what its parts share. */
#ifndef CDP_FORMAT_SENSORS_PRIV_H
#define CDP_FORMAT_SENSORS_PRIV_H

#include "format/ids.h"
#include "format/sensors.h"

enum sensors_kind { EVENT, BIND, UNBIND, PROFILE, ENTITY, DETAIL };

/* What a `type` means. */
struct sensors_type {
	const char *name;
	enum sensors_kind kind;
	const char *update; /* member of a profile record that `properties` become */
	bool deleted;
};

enum { SENSORS_DONE = 12 }; /* members that are dealt with by their slots */

/* One of them, and what stands before its value: `"key":`. */
struct sensors_done {
	int slot;
	unsigned n, tail_at;       /* bytes of that, and where the last eight begin */
	uint64_t head, tail, mask; /* the first and last eight, and how many there are */
};

struct cdp_sensors {
	const struct cdp_format_opts *opts;
	const struct cdp_sensors_slots *slots;
	const struct sensors_type *type;
	struct cdp_ids ids;
	/* distinct_id as text; valid until the next record */
	const char *distinct;
	size_t distinct_len;
	struct cdp_buf distinct_buf, event_buf, text, key;
	struct cdp_buf lib, source; /* of the last record; the member that it became */
	const char *event;
	size_t event_len;
	int64_t ms, sent;
	struct sensors_done done[SENSORS_DONE];
	uint8_t order[SENSORS_DONE]; /* in which the last record had its members */
	/* of the last times written */
	struct cdp_minute minute, sent_minute, received_minute;
};

/* All ids of a record whose type and distinct_id are known, into r->ids. */
int sensors_read_ids(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err);

/* A value as it came, but minified. */
void sensors_put_value(const struct cdp_rec *rec, struct cdp_buf *out,
		       const struct cdp_val *v);
void sensors_know_members(struct cdp_sensors *r); /* fills r->done and r->order */
/* Members that nobody asked for stay as they are; those whose names are taken, in an
 * object of their own. */
void sensors_put_members(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out);

#endif
