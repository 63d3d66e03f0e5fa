/* The send ledger: what became of every message, kept in LMDB under a directory.
 *
 *	row      message id -> state, base time of the decision, receipt
 *	spool    channel, not_before, message id -> the message, until it is final
 *	person   one_id, not_before, message id -> channel, for what is in the spool
 *	sends    one_id, base time, message id -> channel, for what was accepted
 *	answers  base time, message id: whose receipts are the output of that run
 *	flight   channel -> the batch whose outcome is not known yet
 *
 * A message is queued (in the spool, no receipt), an intent (about to be handed over, or
 * handed over and the outcome not known), and in the end accepted, failed or suppressed;
 * held and ambiguous ones stay in the spool with a receipt that says so.
 *
 * All calls but open, close and begin belong into a transaction; what they return is
 * borrowed until the next one that writes.  Errors are of system kind. */
#ifndef CDP_MODEL_LEDGER_H
#define CDP_MODEL_LEDGER_H

#include "base/buf.h"
#include "base/err.h"
#include "io/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { CDP_ONE_ID = 16, CDP_MESSAGE_ID_MAX = 128 };

enum cdp_send_state {
	CDP_SEND_QUEUED = 'q',
	CDP_SEND_INTENT = 'i',
	CDP_SEND_ACCEPTED = 'a',
	CDP_SEND_FAILED = 'f',
	CDP_SEND_SUPPRESSED = 's',
	CDP_SEND_HELD = 'h',
	CDP_SEND_AMBIGUOUS = 'm', /* may have been sent: held, nobody knows */
};

/* What places a message in the tables. */
struct cdp_ledger_key {
	char one_id[CDP_ONE_ID];
	int64_t not_before; /* ms */
	uint32_t n;
	char id[CDP_MESSAGE_ID_MAX];
};

struct cdp_ledger_row {
	enum cdp_send_state state;
	int64_t at;          /* base time of the decision, ms */
	const char *receipt; /* without LF; n == 0 if it has none yet */
	size_t n;
};

struct cdp_ledger;

/* Opens (making it) DIR and locks it against other processes.  `dry`: everything happens
 * in one transaction that is undone by close; a DIR that is not there is not made. */
struct cdp_ledger *cdp_ledger_open(const char *dir, bool dry, struct cdp_err *err);
void cdp_ledger_close(struct cdp_ledger *l); /* undoes an open transaction */

/* Nothing if one is open. */
int cdp_ledger_begin(struct cdp_ledger *l, struct cdp_err *err);
/* Durable when it returns 0 (dry: goes on); undone when -1.  Nothing if none is open. */
int cdp_ledger_commit(struct cdp_ledger *l, struct cdp_err *err);

/* 1: *row is filled; 0: not known; -1. */
int cdp_ledger_get(struct cdp_ledger *l, const char *id, size_t n,
		   struct cdp_ledger_row *row, struct cdp_err *err);
/* A new message into the spool. */
int cdp_ledger_queue(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		     const char *channel, const char *raw, size_t n, struct cdp_err *err);
/* Its row alone: queued again, or an intent. */
int cdp_ledger_mark(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		    enum cdp_send_state state, int64_t at, struct cdp_err *err);
/* Its receipt, decided at the base time row->at, which the run at `run` answers with.  A
 * final state takes it out of the spool, an accepted one counts as a send. */
int cdp_ledger_settle(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		      const char *channel, const struct cdp_ledger_row *row, int64_t run,
		      struct cdp_err *err);

/* The run at `run` answers with the receipt of this message, too. */
int cdp_ledger_answer(struct cdp_ledger *l, const char *id, size_t n, int64_t run,
		      struct cdp_err *err);
/* The answers of a run by message id.  As with cdp_txn_each: 0 goes on, 1 stops. */
typedef int cdp_ledger_each_answer(void *ctx, const struct cdp_ledger_row *row,
				   struct cdp_err *err);
int cdp_ledger_answers(struct cdp_ledger *l, int64_t run, cdp_ledger_each_answer *each,
		       void *ctx, struct cdp_err *err);

/* The spool of a channel (NULL: all channels) by not_before, then message id, from the
 * first one not before *from (NULL: the first); k->one_id is not set. */
typedef int cdp_ledger_each_spooled(void *ctx, const struct cdp_ledger_key *k,
				    const char *raw, size_t n, struct cdp_err *err);
int cdp_ledger_spooled(struct cdp_ledger *l, const char *channel,
		       const struct cdp_ledger_key *from, cdp_ledger_each_spooled *each,
		       void *ctx, struct cdp_err *err);
/* 1: *raw is the message; 0: it is not in the spool. */
int cdp_ledger_message(struct cdp_ledger *l, const char *channel,
		       const struct cdp_ledger_key *k, struct cdp_bytes *raw,
		       struct cdp_err *err);

/* The spool of a person by not_before, then message id. */
typedef int cdp_ledger_each_of_person(void *ctx, const struct cdp_ledger_key *k,
				      const char *channel, size_t n, struct cdp_err *err);
int cdp_ledger_person(struct cdp_ledger *l, const char one_id[CDP_ONE_ID],
		      cdp_ledger_each_of_person *each, void *ctx, struct cdp_err *err);
/* Accepted sends to a person at [from, to), by this channel (NULL: by any); counting ends
 * at `enough`.  -1 is an error. */
int64_t cdp_ledger_sends(struct cdp_ledger *l, const char one_id[CDP_ONE_ID],
			 const char *channel, int64_t from, int64_t to, int64_t enough,
			 struct cdp_err *err);

/* The batch in flight of a channel, bytes of the caller's; n == 0 removes it. */
int cdp_ledger_set_flight(struct cdp_ledger *l, const char *channel, const void *p,
			  size_t n, struct cdp_err *err);
int cdp_ledger_flight(struct cdp_ledger *l, const char *channel, struct cdp_bytes *value,
		      struct cdp_err *err);

#endif
