/* Sending: messages in, channels called, receipts out; never twice.
 *
 *	p = cdp_push_open(&conf, &opts, &err);
 *	cdp_push_take(p, rec, &err);			every message
 *	cdp_push_run(p, &err);				what is due goes out
 *	cdp_push_answers(p, each, ctx, &err);		the receipts of this run
 *	cdp_push_close(p);
 *
 * What is taken in goes to the spool first; the run works the spool off in the order of
 * not_before, then message id, so the order of the input changes nothing.  A batch is an
 * intent on disk before its channel is called, and a result after; memory holds a batch
 * of each channel.  The base time is the only clock. */
#ifndef CDP_MODEL_PUSH_H
#define CDP_MODEL_PUSH_H

#include "model/ledger.h"
#include "model/message.h"
#include "model/push_conf.h"

struct cdp_push_opts {
	const char *state;  /* directory of the ledger */
	const char *outbox; /* directory of the outboxes; NULL if there is none */
	bool resend;        /* what may have been sent is sent again */
	bool dry;           /* nothing is written, no channel called */
	int64_t now;        /* base time, ms */
	const struct cdp_zone *zone; /* where the configuration has none */
	/* What people should know; and what makes the run end with status 4 although
	 * other channels go on. */
	void (*warn)(void *ctx, const char *text);
	void (*fail)(void *ctx, const struct cdp_err *err);
	void *ctx;
};

struct cdp_push_counts {
	uint64_t accepted, failed, suppressed, held; /* receipts of this run */
	uint64_t known;   /* messages that had been taken in before */
	uint64_t spooled; /* messages left in the spool */
};

struct cdp_push;

/* All three are borrowed. */
struct cdp_push *cdp_push_open(const struct cdp_push_conf *conf,
			       const struct cdp_push_opts *opts, struct cdp_err *err);
void cdp_push_close(struct cdp_push *p); /* NULL is fine */
/* For reading the records that cdp_push_take() gets. */
const struct cdp_paths *cdp_push_paths(const struct cdp_push *p);

/* A message or a suppressed row; -1 with a data error if it is none. */
int cdp_push_take(struct cdp_push *p, struct cdp_rec *rec, struct cdp_err *err);
/* -1 if the state cannot be kept.  A channel that does not work is no error. */
int cdp_push_run(struct cdp_push *p, struct cdp_err *err);
/* One line (without LF) for each message that was taken in or decided by this run, by
 * message id.  `each` returns 0, or 1 to stop. */
int cdp_push_answers(struct cdp_push *p, int (*each)(void *ctx, const char *p, size_t n),
		     void *ctx, struct cdp_err *err);
const struct cdp_push_counts *cdp_push_counts(const struct cdp_push *p);

#endif
