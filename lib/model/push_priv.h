/* Inside of sending, for push*.c only. */
#ifndef CDP_MODEL_PUSH_PRIV_H
#define CDP_MODEL_PUSH_PRIV_H

#include "model/outbox.h"
#include "model/program.h"
#include "model/push.h"

/* A message of a batch.  state: QUEUED is left as it is, INTENT is or will be handed
 * over, the others are decided. */
struct push_item {
	struct cdp_ledger_key key;
	enum cdp_send_state state;
	int64_t at;
	const char *reason;
	size_t props, props_n;   /* in the lane's text */
	size_t detail, detail_n; /* likewise */
	int64_t until;
};

/* A channel at work. */
struct push_lane {
	const struct cdp_channel *channel;
	int index;
	bool quiet, down;
	bool flying;  /* its program runs */
	bool waiting; /* some message waits for the outcome of others */
	bool done;    /* nothing more to plan */
	struct cdp_ledger_key next;
	bool has_next;
	struct cdp_outbox *outbox;
	struct push_item *items;
	size_t n, cap;
	struct cdp_buf text, rows;
	struct cdp_program_call call;
};

struct cdp_push {
	const struct cdp_push_conf *conf;
	struct cdp_push_opts opts;
	const struct cdp_zone *zone;
	struct cdp_ledger *ledger;
	struct push_lane *lanes; /* as conf->channels */
	struct cdp_message_paths paths;
	struct cdp_scan *scan; /* for messages of the spool */
	struct cdp_buf line, text, missing, receipt;
	size_t pending; /* bytes taken in since the last commit */
	struct cdp_program_gong gong;
	struct cdp_push_counts counts;
};

void push_warn(struct cdp_push *p, const char *fmt, ...) CDP_PRINTF(2, 3);
/* Read a message that came out of the spool; it lives until the next one is read. */
int push_read(struct cdp_push *p, struct cdp_message *m, const char *raw, size_t n,
	      struct cdp_err *err);

/* A new item of the lane, its props and key from the message. */
struct push_item *push_add(struct push_lane *lane, const struct cdp_message *m,
			   enum cdp_send_state state, int64_t at);
void push_empty(struct push_lane *lane);
void push_set_detail(struct push_lane *lane, struct push_item *it, const char *text,
		     size_t n);
/* The receipts of all decided items into the ledger. */
int push_settle(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);

/* --- push_plan.c --- */

/* Fill the lane's batch with what it may send next, and with what turned out not to be
 * sent.  Only reads. */
int push_plan(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);
/* All of the lane that has no receipt yet is held. */
int push_hold_rest(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);

/* --- push_send.c --- */

/* What became of the batch that was in flight when an earlier run died. */
int push_recover(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);
/* Hand the planned batch over. */
int push_launch(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);
/* The program of the lane has ended. */
int push_land(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err);

#endif
