/* Canonical records (cdp-record(5)): the checks that every reader makes, and the pieces
 * that it writes.
 *
 * A reader appends one record without LF to a buffer, or leaves the buffer as it was and
 * returns -1 with a data error whose path names the member at fault.  Texts given to the
 * writers are valid UTF-8. */
#ifndef CDP_FORMAT_CANON_H
#define CDP_FORMAT_CANON_H

#include "base/buf.h"
#include "base/zone.h"
#include "record/scan.h"

#define CDP_NO_TIME INT64_MIN
enum { CDP_EVENT_MAX = 255 }; /* bytes of an event's name */

/* A query parameter that is an id. */
struct cdp_id_param {
	const char *name, *kind;
};

/* A member of an access log in JSON, and which field it is (cdp_combined_field). */
struct cdp_log_field {
	const char *member;
	int field;
};

struct cdp_projects;

/* How to read; the same for all readers of a run, shared by its threads. */
struct cdp_format_opts {
	const struct cdp_zone *zone; /* of times written without one */
	/* Times later than this many ms after the epoch are refused; CDP_NO_TIME: none
	 * are.  A record's own `received` comes before it. */
	int64_t future_ms;
	bool future_keep;       /* never refuse */
	int64_t received;       /* added where absent; CDP_NO_TIME: not */
	const char *source;     /* of records that have none; NULL: the reader's own */
	const char *login_kind; /* kind of a login id: "customer" */
	const char
		*distinct_kind; /* of a Sensors distinct_id that says nothing of itself */
	const char *event;      /* name of an access log's events */
	const char *event_param; /* query parameter that names its event, or NULL */
	const struct cdp_id_param *params;
	size_t param_count;
	const struct cdp_log_field *log_fields;
	size_t log_field_count;
	const struct cdp_projects *projects; /* whose keys give way to names, or NULL */
};

/* How much later than received (or the base time) an event may be. */
enum { CDP_FUTURE_SLACK_MS = 3600 * 1000 };

/* Bytes of a record just written, from its first one; n is 0 if it has none. */
struct cdp_span {
	size_t at, n;
};
/* Where the text of a record's member stands, with its quotes; nothing if it is no text.
 */
static inline struct cdp_span cdp_span_text(const struct cdp_rec *rec,
					    const struct cdp_val *v)
{
	if (v->type != CDP_STRING)
		return (struct cdp_span){ 0, 0 };
	return (struct cdp_span){ (size_t)(v->p - rec->raw) - 1, v->n + 2 };
}
/* The same with `,"key":` before it, of a canonical record; the key is key_len bytes. */
static inline struct cdp_span cdp_span_member(const struct cdp_rec *rec,
					      const struct cdp_val *v, size_t key_len)
{
	struct cdp_span s = cdp_span_text(rec, v);

	if (s.n) {
		s.at -= key_len + 4;
		s.n += key_len + 4;
	}
	return s;
}

/* What else a reader tells about the record that it wrote. */
struct cdp_canon {
	int64_t ms; /* its time, or CDP_NO_TIME */
	/* The values of these members, as they stand. */
	struct cdp_span event_id, source;
	/* These members with the comma before them: they differ between deliveries of
	 * one and the same record. */
	struct cdp_span sent, received;
	/* The same of time_original, where the time was corrected for this delivery. */
	struct cdp_span original;
};

/* Nothing but the time.  Member by member: compilers clear the whole of it by a slow
 * instruction. */
static inline void cdp_canon_begin(struct cdp_canon *c, int64_t ms)
{
	const struct cdp_span none = { 0, 0 };

	c->ms = ms;
	c->event_id = c->source = c->sent = c->received = c->original = none;
}

/* A data error at a member: always -1. */
int cdp_canon_bad(struct cdp_err *err, const char *path, const char *fmt, ...)
	CDP_PRINTF(3, 4);
/* The same below a member: "ids" and "customer" make "ids.customer". */
int cdp_canon_bad_at(struct cdp_err *err, const char *path, const char *key, size_t n,
		     const char *fmt, ...) CDP_PRINTF(5, 6);
/* An excerpt for a message: whole characters, controls shown as '?', at most 40 bytes. */
struct cdp_excerpt {
	char s[48];
};
struct cdp_excerpt cdp_excerpt(const char *p, size_t n);

/* A time in JSON: RFC 3339, "YYYY-MM-DD HH:MM:SS[.fff]" in `zone`, or a whole number of
 * milliseconds since the epoch. */
int cdp_canon_time(int64_t *ms, const struct cdp_val *v, const struct cdp_zone *zone,
		   const char *path, struct cdp_err *err);
/* The same for a text that is no JSON. */
int cdp_canon_time_text(int64_t *ms, const char *p, size_t n, const struct cdp_zone *zone,
			struct cdp_err *err);
int cdp_canon_time_ms(int64_t *ms, const char *p, size_t n, struct cdp_err *err);
/* Whether a time lies ahead; `received` is the record's own or CDP_NO_TIME. */
static inline bool cdp_canon_is_future(const struct cdp_format_opts *opts, int64_t ms,
				       int64_t received)
{
	int64_t limit = opts->future_ms;

	if (received == CDP_NO_TIME)
		received = opts->received;
	if (received != CDP_NO_TIME)
		limit = received + CDP_FUTURE_SLACK_MS;
	return ms > limit && limit != CDP_NO_TIME && !opts->future_keep;
}
/* Refuses such a time. */
int cdp_canon_future(const struct cdp_format_opts *opts, int64_t ms, int64_t received,
		     struct cdp_err *err);
/* Whether a string decodes to what it says: false if an escaped surrogate stands alone.
 * Where texts are compared, two of them would become one. */
bool cdp_canon_escapes_are_text(const struct cdp_val *v);
static inline bool cdp_canon_is_text(const struct cdp_val *v)
{
	return !v->escaped || cdp_canon_escapes_are_text(v);
}
/* An event's name: decoded bytes. */
int cdp_canon_event(const char *p, size_t n, struct cdp_err *err);
/* All members of an object (nothing is checked of anything else) have this type; `what`
 * is for the message: "a number". */
int cdp_canon_check_members(const struct cdp_val *object, const char *path,
			    enum cdp_type type, const char *what, struct cdp_err *err);

/* `{"time":"...","event":"..."` or, with `type` instead of `event`, `"type":"..."`.
 * Without a time (CDP_NO_TIME) it begins with the other. */
void cdp_canon_open(struct cdp_buf *out, int64_t ms, const char *event, size_t event_len,
		    const char *type);
void cdp_canon_put_time(struct cdp_buf *out, int64_t ms); /* with quotes */
/* `,"key":"2024-..."`; the span of it from `start`. */
struct cdp_span cdp_canon_add_time(struct cdp_buf *out, size_t start, const char *key,
				   int64_t ms);
/* The same by one who adds many, mostly of the same minute. */
struct cdp_span cdp_canon_add_near(struct cdp_minute *m, struct cdp_buf *out,
				   size_t start, const char *key, int64_t ms);
/* `,"key":"text"`; the span of the value. */
struct cdp_span cdp_canon_add_str(struct cdp_buf *out, size_t start, const char *key,
				  const char *p, size_t n);
/* A value as it stands, without white space between its tokens. */
void cdp_canon_put_val(struct cdp_buf *out, const struct cdp_val *v);
/* `,"unset":[...]` from an array of names, or an object whose keys they are. */
void cdp_canon_put_unset(struct cdp_buf *out, const struct cdp_val *v);

#endif
