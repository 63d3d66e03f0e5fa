/* Handing batches over, and finding out what became of them. */
#include "model/push_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/mem.h"
#include "io/in.h"
#include "record/json.h"

/* --- the batch in flight: its base time, the place in the outbox before it, its messages
 * (not_before, length of the id, id); numbers as this machine has them --- */

struct flight {
	int64_t at;
	struct cdp_outbox_mark mark;
};

static int set_flight(struct cdp_push *p, const struct push_lane *lane,
		      const struct flight *f, bool items, struct cdp_err *err)
{
	struct cdp_buf b;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_add(&b, f, sizeof(*f));
	for (size_t i = 0; items && i < lane->n; i++) {
		const struct cdp_ledger_key *k = &lane->items[i].key;

		cdp_buf_add(&b, &k->not_before, sizeof(k->not_before));
		cdp_buf_add(&b, &k->n, sizeof(k->n));
		cdp_buf_add(&b, k->id, k->n);
	}
	rc = cdp_ledger_set_flight(p->ledger, lane->channel->name, b.p, b.n, err);
	cdp_buf_release(&b);
	return rc;
}

static bool get_bytes(struct cdp_bytes *from, void *to, size_t n)
{
	if (from->n < n)
		return false;
	memcpy(to, from->p, n);
	from->p = (const char *)from->p + n;
	from->n -= n;
	return true;
}

/* The flight of the lane, its messages as intents of its batch. */
static int get_flight(struct cdp_push *p, struct push_lane *lane, struct flight *f,
		      struct cdp_err *err)
{
	struct cdp_bytes v, raw;
	struct cdp_message m;
	int rc = cdp_ledger_flight(p->ledger, lane->channel->name, &v, err);

	*f = (struct flight){ 0 };
	push_empty(lane);
	if (rc <= 0)
		return rc;
	rc = get_bytes(&v, f, sizeof(*f));
	while (rc > 0 && v.n) {
		struct cdp_ledger_key k;

		rc = get_bytes(&v, &k.not_before, sizeof(k.not_before)) &&
		     get_bytes(&v, &k.n, sizeof(k.n)) && k.n <= sizeof(k.id) &&
		     get_bytes(&v, k.id, k.n);
		if (rc > 0)
			rc = cdp_ledger_message(p->ledger, lane->channel->name, &k, &raw,
						err);
		if (rc > 0 && push_read(p, &m, raw.p, raw.n, err) < 0)
			rc = -1;
		if (rc > 0)
			push_add(lane, &m, CDP_SEND_INTENT, f->at);
	}
	return rc ? rc
		  : cdp_err_set(err, CDP_ERR_SYS,
				"the state is damaged (table 'flight')");
}

/* --- outcomes --- */

static void decide(struct push_item *it, enum cdp_send_state state, const char *reason)
{
	it->state = state;
	it->reason = reason;
}

/* All that is still an intent. */
static size_t decide_rest(const struct push_lane *lane, enum cdp_send_state state,
			  const char *reason)
{
	size_t n = 0;

	for (size_t i = 0; i < lane->n; i++)
		if (lane->items[i].state == CDP_SEND_INTENT) {
			decide(&lane->items[i], state, reason);
			n++;
		}
	return n;
}

/* The policy for what may or may not have been sent. */
static void decide_ambiguous(struct cdp_push *p, const struct push_lane *lane,
			     bool resend)
{
	size_t n;

	for (size_t i = 0; i < lane->n; i++)
		if (lane->items[i].state == CDP_SEND_INTENT)
			lane->items[i].at = p->opts.now;
	n = decide_rest(lane, resend ? CDP_SEND_QUEUED : CDP_SEND_AMBIGUOUS,
			resend ? NULL : "ambiguous");
	if (n)
		push_warn(p,
			  "channel '%s': %zu messages may or may not have been sent; %s",
			  lane->channel->name, n,
			  resend ? "sending again" : "held (see --ambiguous)");
}

/* The results of the batch into the ledger: the flight is over. */
static int finish(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct flight none = { .at = p->opts.now };

	if (lane->outbox)
		none.mark = cdp_outbox_end(lane->outbox);
	if (cdp_ledger_begin(p->ledger, err) < 0 || push_settle(p, lane, err) < 0)
		return -1;
	for (size_t i = 0; i < lane->n; i++)
		if (lane->items[i].state == CDP_SEND_QUEUED &&
		    cdp_ledger_mark(p->ledger, &lane->items[i].key, CDP_SEND_QUEUED,
				    INT64_MIN, err) < 0)
			return -1;
	if (set_flight(p, lane, &none, false, err) < 0)
		return -1;
	return cdp_ledger_commit(p->ledger, err);
}

/* --- outboxes --- */

/* A channel that does not work is out for the rest of the run. */
static int broken(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	cdp_err_prefix(err, "channel '%s'", lane->channel->name);
	p->opts.fail(p->opts.ctx, err);
	cdp_outbox_close(lane->outbox);
	lane->outbox = NULL;
	lane->down = true;
	return 0;
}

static int open_outbox(struct cdp_push *p, struct push_lane *lane,
		       const struct cdp_outbox_mark *mark, struct cdp_err *err)
{
	const struct cdp_channel *c = lane->channel;

	lane->outbox =
		p->opts.dry ? cdp_outbox_peek(p->opts.outbox, c->path, c->csv, err)
			    : cdp_outbox_open(p->opts.outbox, c->path, c->csv, mark, err);
	return lane->outbox ? 0 : -1;
}

struct found {
	struct cdp_intern *ids; /* dense: the index in the batch */
	struct push_lane *lane;
};

static void found_one(void *ctx, const char *id, size_t n)
{
	const struct found *f = ctx;
	uint32_t i = cdp_intern_get(f->ids, id, n);

	if (i != CDP_INTERN_NONE)
		f->lane->items[i].state = CDP_SEND_ACCEPTED;
}

static struct cdp_intern *index_batch(const struct push_lane *lane)
{
	struct cdp_intern *ids = cdp_intern_new(lane->n);

	for (size_t i = 0; i < lane->n; i++)
		cdp_intern_put(ids, lane->items[i].key.id, lane->items[i].key.n, NULL);
	return ids;
}

/* Those of the batch that stand in the outbox are accepted.  As cdp_outbox_ids(). */
static int ask_outbox(struct push_lane *lane, const struct cdp_outbox_mark *mark,
		      struct cdp_err *err)
{
	struct found f = { .ids = index_batch(lane), .lane = lane };
	int rc = cdp_outbox_ids(lane->outbox, mark, found_one, &f, err);

	cdp_intern_free(f.ids);
	return rc;
}

/* Appending failed.  What is there all the same was sent; if nobody can tell, the batch
 * stays in flight for the next run to ask again. */
static int salvage(struct cdp_push *p, struct push_lane *lane,
		   const struct cdp_outbox_mark *mark, struct cdp_err *err)
{
	struct cdp_err again;

	broken(p, lane, err);
	if (open_outbox(p, lane, mark, &again) < 0 || ask_outbox(lane, mark, &again) <= 0)
		return 0;
	decide_rest(lane, CDP_SEND_HELD, "channel_down");
	return finish(p, lane, err);
}

static int send_rows(struct cdp_push *p, struct push_lane *lane,
		     const struct cdp_outbox_mark *mark, struct cdp_err *err)
{
	int rc = 0;

	if (lane->channel->csv && mark->size == 0) {
		cdp_buf_reset(&p->line);
		cdp_message_csv_header(&p->line);
		rc = cdp_outbox_append(lane->outbox, p->line.p, p->line.n, err);
	}
	if (rc == 0)
		rc = cdp_outbox_append(lane->outbox, lane->rows.p, lane->rows.n, err);
	if (rc < 0)
		return salvage(p, lane, mark, err);
	decide_rest(lane, CDP_SEND_ACCEPTED, NULL);
	return finish(p, lane, err);
}

/* --- launching --- */

/* The decided ones are settled and leave the batch; the intents stay. */
static int settle_decided(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	size_t n = 0;

	if (push_settle(p, lane, err) < 0)
		return -1;
	for (size_t i = 0; i < lane->n; i++)
		if (lane->items[i].state == CDP_SEND_INTENT)
			lane->items[n++] = lane->items[i];
	lane->n = n;
	return 0;
}

static int ensure_outbox(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct cdp_outbox_mark mark = { 0 };
	struct cdp_bytes v;
	struct flight f;
	int rc;

	if (lane->outbox || lane->rows.n == 0)
		return 0;
	rc = cdp_ledger_flight(p->ledger, lane->channel->name, &v, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && get_bytes(&v, &f, sizeof(f)))
		mark = f.mark;
	if (open_outbox(p, lane, &mark, err) == 0)
		return 0;
	broken(p, lane, err);
	decide_rest(lane, CDP_SEND_QUEUED, NULL); /* held at the end of the run */
	return 0;
}

int push_launch(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	bool outbox = lane->channel->type == CDP_CHANNEL_OUTBOX;
	struct flight f = { .at = p->opts.now };

	if (p->opts.dry)
		decide_rest(lane, CDP_SEND_ACCEPTED, NULL);
	else if (outbox && ensure_outbox(p, lane, err) < 0)
		return -1;
	if (settle_decided(p, lane, err) < 0)
		return -1;
	if (lane->n == 0)
		return cdp_ledger_commit(p->ledger, err);
	if (outbox)
		f.mark = cdp_outbox_end(lane->outbox);
	for (size_t i = 0; i < lane->n; i++)
		if (cdp_ledger_mark(p->ledger, &lane->items[i].key, CDP_SEND_INTENT, f.at,
				    err) < 0)
			return -1;
	if (set_flight(p, lane, &f, true, err) < 0 ||
	    cdp_ledger_commit(p->ledger, err) < 0)
		return -1;
	if (outbox)
		return send_rows(p, lane, &f.mark, err);
	lane->flying = true;
	cdp_program_call(&lane->call, lane->channel, &p->gong, lane->rows.p,
			 lane->rows.n);
	return 0;
}

/* --- answers of programs --- */

struct answers {
	struct cdp_push *p;
	struct push_lane *lane;
	struct cdp_intern *ids;
	int id_slot, state_slot, detail_slot;
	size_t answered, bad;
	struct cdp_err first;
};

static int one_answer(struct answers *a, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *id = cdp_rec_get(rec, a->id_slot);
	const struct cdp_val *state = cdp_rec_get(rec, a->state_slot);
	const struct cdp_val *detail = cdp_rec_get(rec, a->detail_slot);
	struct push_item *it;
	uint32_t i = CDP_INTERN_NONE;
	size_t n;

	if (id->type == CDP_STRING)
		i = cdp_intern_get(a->ids, id->p, id->n);
	if (i == CDP_INTERN_NONE)
		return cdp_err_set(err, CDP_ERR_DATA, "not a message_id of this batch");
	it = &a->lane->items[i];
	if (it->state != CDP_SEND_INTENT)
		return cdp_err_set(err, CDP_ERR_DATA, "answered twice; the first counts");
	if (cdp_val_is(state, "accepted", 8))
		decide(it, CDP_SEND_ACCEPTED, NULL);
	else if (cdp_val_is(state, "failed", 6))
		decide(it, CDP_SEND_FAILED, "refused");
	else if (cdp_val_is(state, "retry", 5))
		decide(it, CDP_SEND_HELD, "retry");
	else
		return cdp_err_set(err, CDP_ERR_DATA,
				   "state is not 'accepted', 'failed' or 'retry'");
	if (detail->type == CDP_STRING) {
		const char *text = cdp_val_str(detail, &a->p->text, &n);

		push_set_detail(a->lane, it, text, n);
	}
	a->answered++;
	return 0;
}

static void read_answers(struct answers *a, struct cdp_buf *text)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_rec rec = { 0 };
	struct cdp_scan *scan;
	struct cdp_err err;
	int rc;

	/* Plain names are paths. */
	a->id_slot = cdp_paths_add(paths, "message_id", 10, &err);
	a->state_slot = cdp_paths_add(paths, "state", 5, &err);
	a->detail_slot = cdp_paths_add(paths, "detail", 6, &err);
	scan = cdp_scan_new(paths);
	text->max = CDP_BUF_NOMAX;
	cdp_buf_reserve(text, CDP_IN_PAD);
	memset(text->p + text->n, 0, CDP_IN_PAD);
	cdp_scan_block(scan, text->p, text->n);
	while ((rc = cdp_scan_next(scan, &rec, &err)) != 0)
		if ((rc < 0 || one_answer(a, &rec, &err) < 0) && a->bad++ == 0)
			a->first = err;
	cdp_scan_free(scan);
	cdp_paths_free(paths);
}

int push_land(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct answers a = { .p = p, .lane = lane, .ids = index_batch(lane) };
	const char *name = lane->channel->name;
	struct cdp_program_call *c = &lane->call;

	read_answers(&a, &c->answers);
	cdp_intern_free(a.ids);
	if (a.bad)
		push_warn(p,
			  "channel '%s': %zu answers of '%s' are no good; the first: %s",
			  name, a.bad, lane->channel->argv[0], a.first.msg);
	if (c->failed)
		push_warn(p, "channel '%s': %s", name, c->err.msg);
	/* A program that failed, or that says nothing, is not given more. */
	lane->down = c->failed || a.answered == 0;
	if (!c->began)
		decide_rest(lane, CDP_SEND_HELD, "channel_down");
	else
		decide_ambiguous(p, lane, false);
	cdp_program_release(c);
	lane->flying = false;
	return finish(p, lane, err);
}

/* --- after a death --- */

int push_recover(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct flight f;
	int rc;

	if (cdp_ledger_begin(p->ledger, err) < 0 || get_flight(p, lane, &f, err) < 0)
		return -1;
	if (lane->n == 0)
		return cdp_ledger_commit(p->ledger, err);
	if (lane->channel->type == CDP_CHANNEL_OUTBOX) {
		rc = open_outbox(p, lane, &f.mark, err);
		if (rc == 0)
			rc = ask_outbox(lane, &f.mark, err);
		if (rc < 0) {
			cdp_ledger_commit(p->ledger, err);
			return broken(p, lane, err);
		}
		if (rc > 0)
			decide_rest(lane, CDP_SEND_QUEUED, NULL);
	}
	decide_ambiguous(p, lane, p->opts.resend);
	return finish(p, lane, err);
}
