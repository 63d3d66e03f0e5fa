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

/* An id as it is written in the record, without escapes. */
struct sensors_id {
	const char *kind, *value;
	size_t kind_len, value_len;
};
enum { SENSORS_IDS = CDP_PLAIN_MAX + 4 }; /* and those of plain members */

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
	/* of the options */
	const char *login_kind, *distinct_kind;
	size_t login_kind_len, distinct_kind_len;
	bool plain_kinds; /* neither needs escapes */
	struct cdp_ids ids;
	struct sensors_id plain[SENSORS_IDS]; /* or these, if they all are */
	unsigned plain_n;
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

/* All ids of a record whose type and distinct_id are known. */
int sensors_read_ids(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err);
/* `,"ids":{...}`, if there are any. */
void sensors_write_ids(struct cdp_sensors *r, struct cdp_buf *out);

/* A value as it came, but minified. */
void sensors_put_value(const struct cdp_rec *rec, struct cdp_buf *out,
		       const struct cdp_val *v);
void sensors_know_members(struct cdp_sensors *r); /* fills r->done and r->order */
/* Members that nobody asked for stay as they are; those whose names are taken, in an
 * object of their own. */
void sensors_put_members(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out);

#endif
