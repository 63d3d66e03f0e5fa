/* The canonical head of an event: the members that every tool needs first, at fixed
 * places.
 *
 *   {"one_id":"5e1c0d9a3b7f2c44","time":"2024-04-25T06:59:46.123Z","event":"...","ids":{
 *   {"time":"2024-04-25T06:59:46.123Z","event":"...","ids":{
 *
 * `one_id` is 16 lower-case hex digits, `time` the canonical 24 bytes (their shape is
 * checked, not the calendar), the event name has no backslash. */
#ifndef CDP_RECORD_HEAD_H
#define CDP_RECORD_HEAD_H

#include "base/buf.h"
#include "record/scan.h"

struct cdp_head {
	struct cdp_val one_id; /* missing in the second form */
	struct cdp_val time, event;
	const char *rest; /* after `"ids":{` */
};

/* 1 and *h if the line at `line`, which ends in LF and can be read 64 bytes past it, has
 * a canonical head. */
int cdp_head_match(struct cdp_head *h, const char *line);

/* Appends a head up to and without `"ids"`: `{"one_id":"...","time":"...","event":...,`;
 * one_id (16 hex digits) may be NULL.  `event` is text to be quoted. */
void cdp_head_put(struct cdp_buf *b, const char *one_id, const char time[24],
		  const char *event, size_t event_len);

/* Appends the line (n bytes, its LF if it has one) with this one_id: put over the value
 * of old_n bytes at `old`, or, if that is 0, in front of the object's first member, which
 * there must be. */
void cdp_line_put_one_id(struct cdp_buf *out, const char *line, size_t n, size_t old,
			 size_t old_n, uint64_t one_id);

/* The record's time in milliseconds since the epoch, canonical or any RFC 3339: 0, or -1
 * with a data error. */
int cdp_rec_time_ms(struct cdp_rec *rec, int64_t *ms, struct cdp_err *err);

/* What tells customers apart, the value of a slot: 1 and its text, borrowed from the
 * record or `tmp`; 0: there is none (missing, null or empty); -1 with a data error: it is
 * no string and no whole number. */
int cdp_rec_key(struct cdp_rec *rec, int slot, struct cdp_buf *tmp, const char **p,
		size_t *n, struct cdp_err *err);

#endif
