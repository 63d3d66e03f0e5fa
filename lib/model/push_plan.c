/* Who may be sent to now. */
#include "model/push_priv.h"

#include <string.h>

#include "base/mem.h"

enum { HOLD_BATCH = 4096, WAITING_MAX = 4096 };
#define ROWS_MAX ((size_t)8 << 20) /* of a batch */

/* --- caps --- */

enum verdict { GO, CAPPED, WAIT };

static int place_cmp(const struct cdp_ledger_key *a, const struct cdp_ledger_key *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int order;

	if (a->not_before != b->not_before)
		return a->not_before < b->not_before ? -1 : 1;
	order = memcmp(a->id, b->id, n);
	return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* True if the message of that row may still be sent in this run. */
static bool is_open(const struct cdp_push *p, const struct push_lane *lane,
		    const struct cdp_ledger_key *k, const struct cdp_ledger_row *row)
{
	if (lane->quiet || lane->down || k->not_before > p->opts.now)
		return false;
	switch (row->state) {
	case CDP_SEND_QUEUED:
	case CDP_SEND_INTENT:
		return true;
	case CDP_SEND_HELD:
		return row->at < p->opts.now;
	case CDP_SEND_AMBIGUOUS:
		return p->opts.resend && row->at < p->opts.now;
	default:
		return false;
	}
}

struct tally {
	const struct cdp_push *p;
	const struct cdp_cap *cap;
	const struct cdp_ledger_key *k;
	int64_t from, to;
	int64_t used, open;
};

/* What else of this person is in the spool: earlier messages that may still be sent have
 * precedence, and what may have been sent counts as if it was. */
static int tally_rival(void *ctx, const struct cdp_ledger_key *k, const char *channel,
		       size_t n, struct cdp_err *err)
{
	struct tally *t = ctx;
	int i = cdp_push_conf_channel(t->p->conf, channel, n);
	struct cdp_ledger_row row;

	if (i < 0 || (t->cap->channel >= 0 && t->cap->channel != i))
		return 0;
	if (place_cmp(k, t->k) == 0)
		return 0;
	if (cdp_ledger_get(t->p->ledger, k->id, k->n, &row, err) <= 0)
		return -1;
	if (is_open(t->p, &t->p->lanes[i], k, &row))
		t->open += place_cmp(k, t->k) < 0;
	else if (row.state == CDP_SEND_AMBIGUOUS || row.state == CDP_SEND_INTENT)
		t->used += row.at >= t->from && row.at < t->to;
	return 0;
}

static int cap_says(struct cdp_push *p, const struct cdp_cap *cap,
		    const struct cdp_message *m, struct cdp_err *err)
{
	struct tally t = { .p = p, .cap = cap, .k = &m->key };
	const char *channel =
		cap->channel < 0 ? NULL : p->conf->channels[cap->channel].name;

	cdp_cap_window(cap, p->zone, p->opts.now, &t.from, &t.to);
	t.used = cdp_ledger_sends(p->ledger, m->key.one_id, channel, t.from, t.to,
				  cap->max, err);
	if (t.used < 0)
		return -1;
	if (t.used < cap->max &&
	    cdp_ledger_person(p->ledger, m->key.one_id, tally_rival, &t, err) < 0)
		return -1;
	if (t.used >= cap->max)
		return CAPPED;
	return t.used + t.open >= cap->max ? WAIT : GO;
}

static int caps_say(struct cdp_push *p, const struct push_lane *lane,
		    const struct cdp_message *m, struct cdp_err *err)
{
	int verdict = GO;

	for (size_t i = 0; i < p->conf->cap_count; i++) {
		const struct cdp_cap *cap = &p->conf->caps[i];
		int rc;

		if (cap->channel >= 0 && cap->channel != lane->index)
			continue;
		rc = cap_says(p, cap, m, err);
		if (rc < 0 || rc == CAPPED)
			return rc;
		if (rc == WAIT)
			verdict = WAIT;
	}
	return verdict;
}

/* --- planning --- */

struct plan {
	struct cdp_push *p;
	struct push_lane *lane;
	struct cdp_ledger_key last;
	bool more; /* the batch is full */
	unsigned waiting;
};

static int add_send(struct cdp_push *p, struct push_lane *lane,
		    const struct cdp_message *m, struct cdp_err *err)
{
	cdp_buf_reset(&p->text);
	if (cdp_message_render(m, &p->text, &p->missing, err) <= 0)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "the state is damaged (table 'spool')");
	push_add(lane, m, CDP_SEND_INTENT, p->opts.now);
	if (lane->channel->csv)
		cdp_message_csv(&lane->rows, m, p->text.p, p->text.n, p->opts.now);
	else
		cdp_message_json(&lane->rows, m, p->text.p, p->text.n, p->opts.now);
	return 0;
}

static void wait_here(struct plan *plan, const struct cdp_ledger_key *k)
{
	struct push_lane *lane = plan->lane;

	plan->waiting++;
	if (!lane->waiting) {
		lane->waiting = true;
		lane->has_next = true;
		lane->next = *k;
	}
}

static int plan_one(void *ctx, const struct cdp_ledger_key *k, const char *raw, size_t n,
		    struct cdp_err *err)
{
	struct plan *plan = ctx;
	struct cdp_push *p = plan->p;
	struct push_lane *lane = plan->lane;
	struct cdp_ledger_row row;
	struct cdp_message m;
	int verdict;

	if (k->not_before > p->opts.now)
		return 1;
	if (lane->n >= (size_t)lane->channel->batch || lane->rows.n >= ROWS_MAX ||
	    plan->waiting == WAITING_MAX) {
		plan->more = true;
		plan->last = *k;
		return 1;
	}
	if (cdp_ledger_get(p->ledger, k->id, k->n, &row, err) <= 0)
		return -1;
	if (!is_open(p, lane, k, &row))
		return 0;
	if (push_read(p, &m, raw, n, err) < 0)
		return -1;
	if (p->opts.now >= m.expires) {
		push_add(lane, &m, CDP_SEND_SUPPRESSED, p->opts.now)->reason = "expired";
		return 0;
	}
	verdict = caps_say(p, lane, &m, err);
	if (verdict == CAPPED)
		push_add(lane, &m, CDP_SEND_SUPPRESSED, p->opts.now)->reason = "cap";
	else if (verdict == WAIT)
		wait_here(plan, k);
	else if (verdict == GO)
		return add_send(p, lane, &m, err);
	return verdict < 0 ? -1 : 0;
}

int push_plan(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct plan plan = { .p = p, .lane = lane };
	struct cdp_ledger_key from = lane->next;

	push_empty(lane);
	lane->waiting = false;
	if (cdp_ledger_spooled(p->ledger, lane->channel->name,
			       lane->has_next ? &from : NULL, plan_one, &plan, err) < 0)
		return -1;
	if (plan.more && !lane->waiting) {
		lane->next = plan.last;
		lane->has_next = true;
	}
	lane->done = !plan.more && !lane->waiting;
	return 0;
}

/* --- holding --- */

static int hold_one(void *ctx, const struct cdp_ledger_key *k, const char *raw, size_t n,
		    struct cdp_err *err)
{
	struct plan *plan = ctx;
	struct cdp_push *p = plan->p;
	struct push_lane *lane = plan->lane;
	int64_t start = k->not_before > p->opts.now ? k->not_before : p->opts.now;
	struct cdp_ledger_row row;
	struct push_item *it;
	struct cdp_message m;

	if (lane->n >= HOLD_BATCH || lane->text.n >= ROWS_MAX) {
		plan->more = true;
		plan->last = *k;
		return 1;
	}
	if (cdp_ledger_get(p->ledger, k->id, k->n, &row, err) <= 0)
		return -1;
	if (row.state != CDP_SEND_QUEUED)
		return 0;
	if (push_read(p, &m, raw, n, err) < 0)
		return -1;
	it = push_add(lane, &m, CDP_SEND_HELD, p->opts.now);
	it->reason = start > p->opts.now ? "not_before"
		     : lane->quiet       ? "quiet_hours"
					 : "channel_down";
	if (start > p->opts.now || lane->quiet)
		it->until = lane->channel->has_quiet
				    ? cdp_quiet_end(&lane->channel->quiet, p->zone, start)
				    : start;
	return 0;
}

int push_hold_rest(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	struct plan plan = { .p = p, .lane = lane };
	/* What the lane worked off is not looked at again. */
	bool worked = !lane->quiet && !lane->down;

	plan.last.not_before = p->opts.now + 1;
	plan.more = worked;
	do {
		struct cdp_ledger_key from = plan.last;
		bool from_start = !plan.more;

		plan.more = false;
		push_empty(lane);
		if (cdp_ledger_begin(p->ledger, err) < 0 ||
		    cdp_ledger_spooled(p->ledger, lane->channel->name,
				       from_start ? NULL : &from, hold_one, &plan,
				       err) < 0 ||
		    push_settle(p, lane, err) < 0 ||
		    cdp_ledger_commit(p->ledger, err) < 0)
			return -1;
	} while (plan.more);
	return 0;
}
