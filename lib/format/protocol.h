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
	const char *project, *token; /* of the request, or NULL */
	const char *agent;           /* User-Agent, or NULL */
	const char *ip;              /* of the client, or NULL */
};

/* State of a thread that decodes: scratch memory and what is shared. */
struct cdp_decoder {
	const struct cdp_format_opts *opts;
	struct cdp_draft draft;
	struct cdp_buf a, b, c; /* scratch, reset by whoever uses them */
};
void cdp_decoder_init(struct cdp_decoder *d, const struct cdp_format_opts *opts);
void cdp_decoder_release(struct cdp_decoder *d);
/* Writes d->draft to the sink; a data error becomes a reject of `raw` and is dealt with:
 * 0, or -1 with *err when the run must end. */
int cdp_decoder_put(struct cdp_decoder *d, struct cdp_sink *sink,
		    const struct cdp_val *raw, struct cdp_err *err);

struct cdp_protocol {
	const char *name; /* of -f, and the first part of `source` */
	/* Whether a line of a file looks like one of theirs; native and Sensors records
	 * and protocols before this one in the table were asked first. */
	bool (*knows)(const struct cdp_val *payload);
	/* A payload, already valid JSON: a message, or an envelope.  Messages that are
	 * bad are rejected one by one.  -1 with *err: the envelope itself is bad (a data
	 * error: the caller rejects it whole, nothing was written), or the run must end.
	 */
	int (*read)(struct cdp_decoder *d, const struct cdp_val *payload,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err);
};

/* All of them, in the order in which they are asked; ended by one without a name. */
extern const struct cdp_protocol *const cdp_protocols[];
const struct cdp_protocol *cdp_protocol_find(const char *name);

/* Members of an object by name, in one pass: v[i] is the value of names[i] (NULL-ended),
 * missing if there is none, the last if it stands twice. */
void cdp_pick(const struct cdp_val *object, const char *const *names, struct cdp_val *v);

#endif
