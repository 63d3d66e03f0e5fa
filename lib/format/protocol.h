/* Protocols of tracking libraries: payloads in JSON, single messages or envelopes of
 * many, from a line of a file or the body of a request.
 *
 * One file a protocol, `format/p_<name>.c`, known to the others by the table in
 * protocol.c alone.  What becomes what is said in the header comment of each and in
 * cdp-collect(1). */
#ifndef CDP_FORMAT_PROTOCOL_H
#define CDP_FORMAT_PROTOCOL_H

#include "format/draft.h"
#include "format/sink.h"

/* What is known of a delivery besides its payload. */
struct cdp_arrival {
	int64_t received;            /* CDP_NO_TIME: nobody says */
	int64_t sent;                /* the same; of the request, not of its payload */
	const char *project, *token; /* of the request, or NULL */
	const char *agent;           /* User-Agent, or NULL */
	const char *ip;              /* of the client, or NULL */
};

/* State of a thread that decodes: scratch memory and what is shared. */
struct cdp_decoder {
	const struct cdp_format_opts *opts;
	struct cdp_draft draft;
	struct cdp_buf a, b, c; /* scratch, reset by whoever uses them */
	struct cdp_buf rest;    /* what cdp_keep_envelope() kept */
	/* What cdp_decoder_envelope() told. */
	struct cdp_val envelope, list;
	struct cdp_buf wrapped;
	size_t budget;     /* bytes that the payload at hand may still become */
	uint64_t rejected; /* messages so far: whether a put succeeded */
	struct cdp_sensors_lines *sensors; /* of p_sensors.c */
};
void cdp_decoder_init(struct cdp_decoder *d, const struct cdp_format_opts *opts);
void cdp_decoder_release(struct cdp_decoder *d);

/* The messages to come are items of `list`, which stands in the text of `envelope`: a
 * rejected one is kept in a copy of its envelope in which it is alone, so that what the
 * envelope says (who, when it was sent ...) is there when it is read again.  Until the
 * next call; NULL, NULL: messages stand for themselves. */
void cdp_decoder_envelope(struct cdp_decoder *d, const struct cdp_val *envelope,
			  const struct cdp_val *list);
/* Writes d->draft to the sink; a data error becomes a reject of the message `raw` and is
 * dealt with: 0, or -1 with *err when the run must end.  Or -1 with a data error: what an
 * envelope says once and its messages repeat has become too much, and reading must stop;
 * else a payload of a megabyte could become terabytes. */
int cdp_decoder_put(struct cdp_decoder *d, struct cdp_sink *sink,
		    const struct cdp_val *raw, struct cdp_err *err);
/* The same for a message that failed before, for the reason in *err. */
int cdp_decoder_reject(struct cdp_decoder *d, struct cdp_sink *sink,
		       const struct cdp_val *raw, struct cdp_err *err);

struct cdp_protocol {
	const char *name; /* of -f, and the first part of `source` */
	/* Whether a line of a file looks like one of theirs; native and Sensors records
	 * and protocols before this one in the table were asked first. */
	bool (*knows)(const struct cdp_val *payload);
	/* A payload, already valid JSON: a message, or an envelope.  Messages that are
	 * bad are rejected one by one.  -1 with *err: the envelope itself is bad (a data
	 * error: the caller rejects it whole; records may have come before), or the run
	 * must end. */
	int (*read)(struct cdp_decoder *d, const struct cdp_val *payload,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err);
	/* A line that is no JSON, or NULL: there are none.  As above. */
	int (*line)(struct cdp_decoder *d, const char *line, size_t n,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err);
};

/* All of them, in the order in which they are asked; ended by one without a name. */
extern const struct cdp_protocol *const cdp_protocols[];
const struct cdp_protocol *cdp_protocol_find(const char *name);

/* A payload, with nothing left over of the one before.  What it becomes may have
 * CDP_GROWTH_MAX times its bytes and CDP_GROWTH_FREE more. */
enum { CDP_GROWTH_MAX = 64, CDP_GROWTH_FREE = 1 << 20 };
int cdp_protocol_read(struct cdp_decoder *d, const struct cdp_protocol *p,
		      const struct cdp_val *payload, const struct cdp_arrival *from,
		      struct cdp_sink *sink, struct cdp_err *err);

/* The same for a line that is no JSON, of a protocol that has such. */
int cdp_protocol_read_line(struct cdp_decoder *d, const struct cdp_protocol *p,
			   const char *line, size_t n, const struct cdp_arrival *from,
			   struct cdp_sink *sink, struct cdp_err *err);

/* Members of an object by name, in one pass: v[i] is the value of names[i] (NULL-ended),
 * missing if there is none, the last if it stands twice.  All are missing of anything
 * else than an object. */
void cdp_pick(const struct cdp_val *object, const char *const *names, struct cdp_val *v);
struct cdp_val cdp_pick_one(const struct cdp_val *object, const char *name);
struct cdp_val cdp_pick_key(const struct cdp_val *object, const char *p, size_t n);

/* A string that is JSON itself, unpacked into `tmp`, from which *v is borrowed.  0, or -1
 * with a data error at `path`. */
int cdp_inner_json(struct cdp_val *v, const struct cdp_val *string, struct cdp_buf *tmp,
		   const char *path, struct cdp_err *err);

/* Times of the protocols: a number, or a string of digits, in this unit since 1970,
 * perhaps with a fraction; or a text with a zone, or without one in local time, of up to
 * nine decimals and perhaps without leading zeros ("2024-3-1 8:00:00"). */
enum cdp_unit { CDP_UNIT_MS, CDP_UNIT_S, CDP_UNIT_S_OR_MS, CDP_UNIT_US, CDP_UNIT_NS };
enum { CDP_NO_OFFSET = INT32_MAX };
struct cdp_clock {
	enum cdp_unit unit;
	const struct cdp_zone *zone; /* of texts without one */
	int32_t east;                /* s; instead of `zone`, unless CDP_NO_OFFSET */
};
/* 0, or -1 with a data error at `path`, also if v is missing. */
int cdp_when(int64_t *ms, const struct cdp_val *v, const struct cdp_clock *clock,
	     const char *path, struct cdp_err *err);
/* The same, but a missing one or null leaves *ms as it was. */
int cdp_when_any(int64_t *ms, const struct cdp_val *v, const struct cdp_clock *clock,
		 const char *path, struct cdp_err *err);

#endif
