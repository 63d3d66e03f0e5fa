/* Messages as cdp-journey writes them, what a channel gets of them, and receipts. */
#ifndef CDP_MODEL_MESSAGE_H
#define CDP_MODEL_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "model/ledger.h"
#include "record/scan.h"

/* What is read of a message. */
struct cdp_message_paths {
	struct cdp_paths *paths;
	int message_id, strategy, version, node, wave, channel, to, template, vars,
		not_before, expires, suppressed;
};

void cdp_message_paths_init(struct cdp_message_paths *p);
void cdp_message_paths_release(struct cdp_message_paths *p);

/* Values are borrowed from the record. */
struct cdp_message {
	struct cdp_ledger_key key; /* not_before: CDP_MESSAGE_ANY_TIME if it has none */
	const char *channel;
	size_t channel_n;
	const struct cdp_val *strategy, *version, *node, *wave, *to, *template, *vars;
	const struct cdp_val *suppressed; /* CDP_MISSING: to be sent */
	int64_t expires;                  /* ms; INT64_MAX: never */
};

#define CDP_MESSAGE_ANY_TIME (CDP_TIME_MIN_S * 1000)

/* -1 with a data error that names the member. */
int cdp_message_read(struct cdp_message *m, const struct cdp_message_paths *p,
		     struct cdp_rec *rec, struct cdp_err *err);

/* Appends the template with every {{name}} replaced by the variable: the text of a
 * string, the JSON text of a number, true or false.  Names are compared as they stand.
 * 1; 0: `missing` (reset) holds the first name without such a value; -1 with a data error
 * for '{{' without '}}'. */
int cdp_message_render(const struct cdp_message *m, struct cdp_buf *text,
		       struct cdp_buf *missing, struct cdp_err *err);

/* `"message_id":...` and so on up to the channel, the members that rows and receipts have
 * in common, with an opening brace and without a closing one. */
void cdp_message_props(struct cdp_buf *b, const struct cdp_message *m);
/* A line for a channel: message_id, one_id, channel, to, text, strategy, version, node,
 * wave, time (the base time). */
void cdp_message_json(struct cdp_buf *b, const struct cdp_message *m, const char *text,
		      size_t n, int64_t time_ms);
void cdp_message_csv(struct cdp_buf *b, const struct cdp_message *m, const char *text,
		     size_t n, int64_t time_ms);
void cdp_message_csv_header(struct cdp_buf *b);

struct cdp_receipt {
	const struct cdp_ledger_key *key;
	const char *props; /* of cdp_message_props() */
	size_t props_n;
	enum cdp_send_state state; /* ACCEPTED, FAILED, SUPPRESSED; else it is held */
	int64_t time;              /* base time, ms */
	const char *reason;        /* NULL: none */
	const char *detail;        /* UTF-8; detail_n == 0: none */
	size_t detail_n;
	int64_t until; /* ms; 0: not known */
};

/* Appends the event, without LF.  The event_id is the message id and the state; a message
 * may be held several times, so that one has the base time as well. */
void cdp_receipt_put(struct cdp_buf *b, const struct cdp_receipt *r);
/* "accepted", "failed", "suppressed" or "held". */
const char *cdp_send_name(enum cdp_send_state state);

#endif
