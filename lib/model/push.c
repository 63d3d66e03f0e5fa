/* Taking in, the loop over the channels, answers. */
#include "model/push_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/in.h"
#include "record/json.h"

/* Taken in between two commits; nothing is acknowledged before the end of the input. */
#define PENDING_MAX ((size_t)4 << 20)

void push_warn(struct cdp_push *p, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	p->opts.warn(p->opts.ctx, text);
}

/* --- life --- */

struct cdp_push *cdp_push_open(const struct cdp_push_conf *conf,
			       const struct cdp_push_opts *opts, struct cdp_err *err)
{
	struct cdp_ledger *ledger = cdp_ledger_open(opts->state, opts->dry, err);
	struct cdp_push *p;

	if (!ledger)
		return NULL;
	p = cdp_calloc(1, sizeof(*p));
	p->conf = conf;
	p->opts = *opts;
	p->zone = conf->zone ? conf->zone : opts->zone;
	p->ledger = ledger;
	p->lanes = cdp_calloc(conf->channel_count, sizeof(*p->lanes));
	for (size_t i = 0; i < conf->channel_count; i++) {
		struct push_lane *lane = &p->lanes[i];

		lane->channel = &conf->channels[i];
		lane->index = (int)i;
		lane->quiet = lane->channel->has_quiet &&
			      cdp_quiet_has(&lane->channel->quiet, p->zone, opts->now);
		cdp_buf_init(&lane->text, CDP_BUF_NOMAX);
		cdp_buf_init(&lane->rows, CDP_BUF_NOMAX);
	}
	cdp_message_paths_init(&p->paths);
	p->scan = cdp_scan_new(p->paths.paths);
	cdp_buf_init(&p->line, CDP_BUF_NOMAX);
	cdp_buf_init(&p->text, CDP_BUF_NOMAX);
	cdp_buf_init(&p->missing, CDP_BUF_NOMAX);
	cdp_buf_init(&p->receipt, CDP_BUF_NOMAX);
	pthread_mutex_init(&p->gong.mutex, NULL);
	pthread_cond_init(&p->gong.rung, NULL);
	return p;
}

void cdp_push_close(struct cdp_push *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->conf->channel_count; i++) {
		struct push_lane *lane = &p->lanes[i];

		if (lane->flying)
			cdp_program_release(&lane->call);
		cdp_outbox_close(lane->outbox);
		cdp_buf_release(&lane->text);
		cdp_buf_release(&lane->rows);
		free(lane->items);
	}
	free(p->lanes);
	cdp_ledger_close(p->ledger);
	cdp_scan_free(p->scan);
	cdp_message_paths_release(&p->paths);
	cdp_buf_release(&p->line);
	cdp_buf_release(&p->text);
	cdp_buf_release(&p->missing);
	cdp_buf_release(&p->receipt);
	pthread_mutex_destroy(&p->gong.mutex);
	pthread_cond_destroy(&p->gong.rung);
	free(p);
}

const struct cdp_paths *cdp_push_paths(const struct cdp_push *p)
{
	return p->paths.paths;
}

const struct cdp_push_counts *cdp_push_counts(const struct cdp_push *p)
{
	return &p->counts;
}

/* --- batches --- */

int push_read(struct cdp_push *p, struct cdp_message *m, const char *raw, size_t n,
	      struct cdp_err *err)
{
	struct cdp_rec rec = { 0 };
	int rc;

	cdp_buf_reset(&p->line);
	cdp_buf_reserve(&p->line, n + CDP_IN_PAD);
	memcpy(p->line.p, raw, n);
	memset(p->line.p + n, 0, CDP_IN_PAD);
	cdp_scan_block(p->scan, p->line.p, n);
	rc = cdp_scan_next(p->scan, &rec, err);
	if (rc > 0 && cdp_message_read(m, &p->paths, &rec, err) == 0)
		return 0;
	/* It was read when it was taken in. */
	return cdp_err_set(err, CDP_ERR_SYS, "the state is damaged (table 'spool')");
}

struct push_item *push_add(struct push_lane *lane, const struct cdp_message *m,
			   enum cdp_send_state state, int64_t at)
{
	struct push_item *it;

	CDP_GROW(lane->items, lane->n, lane->cap);
	it = &lane->items[lane->n++];
	*it = (struct push_item){
		.key = m->key, .state = state, .at = at, .props = lane->text.n
	};
	cdp_message_props(&lane->text, m);
	it->props_n = lane->text.n - it->props;
	return it;
}

void push_set_detail(struct push_lane *lane, struct push_item *it, const char *text,
		     size_t n)
{
	it->detail = lane->text.n;
	it->detail_n = n;
	cdp_buf_add(&lane->text, text, n);
}

void push_empty(struct push_lane *lane)
{
	lane->n = 0;
	cdp_buf_reset(&lane->text);
	cdp_buf_reset(&lane->rows);
}

static int settle_one(struct cdp_push *p, const struct push_lane *lane,
		      const struct push_item *it, struct cdp_err *err)
{
	struct cdp_receipt receipt = {
		.key = &it->key,
		.props = lane->text.p + it->props,
		.props_n = it->props_n,
		.state = it->state,
		.time = it->at,
		.reason = it->reason,
		.detail = lane->text.p + it->detail,
		.detail_n = it->detail_n,
		.until = it->until,
	};
	struct cdp_ledger_row row = { .state = it->state, .at = it->at };

	cdp_buf_reset(&p->receipt);
	cdp_receipt_put(&p->receipt, &receipt);
	row.receipt = p->receipt.p;
	row.n = p->receipt.n;
	return cdp_ledger_settle(p->ledger, &it->key, lane->channel->name, &row,
				 p->opts.now, err);
}

int push_settle(struct cdp_push *p, struct push_lane *lane, struct cdp_err *err)
{
	for (size_t i = 0; i < lane->n; i++) {
		const struct push_item *it = &lane->items[i];

		if (it->state != CDP_SEND_QUEUED && it->state != CDP_SEND_INTENT &&
		    settle_one(p, lane, it, err) < 0)
			return -1;
	}
	return 0;
}

/* --- taking in --- */

/* What can be said of a message without asking anybody: why it is never sent, NULL if it
 * may be.  -1: it is none. */
static int never(struct cdp_push *p, const struct cdp_message *m, const char **reason,
		 struct cdp_err *err)
{
	int rc;

	*reason = NULL;
	cdp_buf_reset(&p->missing);
	if (m->suppressed->type == CDP_STRING) {
		size_t n;
		const char *s = cdp_val_str(m->suppressed, &p->text, &n);

		cdp_buf_add(&p->missing, s, n);
		*reason = cdp_buf_str(&p->missing);
		return 0;
	}
	cdp_buf_reset(&p->text);
	rc = cdp_message_render(m, &p->text, &p->missing, err);
	if (rc < 0)
		return -1;
	if (p->opts.now >= m->expires)
		*reason = "expired";
	else if (m->to->type != CDP_STRING || m->to->n == 0)
		*reason = "no_address";
	else if (rc == 0)
		*reason = "missing_variable";
	return 0;
}

static int take_new(struct cdp_push *p, struct push_lane *lane,
		    const struct cdp_message *m, const struct cdp_rec *rec,
		    struct cdp_err *err)
{
	struct push_item *it;
	const char *reason;

	if (never(p, m, &reason, err) < 0)
		return -1;
	if (!reason)
		return cdp_ledger_queue(p->ledger, &m->key, lane->channel->name, rec->raw,
					rec->len, err);
	push_empty(lane);
	it = push_add(lane, m, CDP_SEND_SUPPRESSED, p->opts.now);
	it->reason = reason;
	if (strcmp(reason, "missing_variable") == 0)
		push_set_detail(lane, it, p->missing.p, p->missing.n);
	return push_settle(p, lane, err);
}

int cdp_push_take(struct cdp_push *p, struct cdp_rec *rec, struct cdp_err *err)
{
	struct cdp_ledger_row row;
	struct cdp_message m;
	int channel, rc;

	if (cdp_message_read(&m, &p->paths, rec, err) < 0)
		return -1;
	channel = cdp_push_conf_channel(p->conf, m.channel, m.channel_n);
	if (channel < 0) {
		cdp_err_set(err, CDP_ERR_DATA, "channel '%.*s' is not configured",
			    m.channel_n < 64 ? (int)m.channel_n : 64, m.channel);
		snprintf(err->path, sizeof(err->path), "channel");
		return -1;
	}
	if (cdp_ledger_begin(p->ledger, err) < 0)
		return -1;
	rc = cdp_ledger_get(p->ledger, m.key.id, m.key.n, &row, err);
	if (rc > 0) {
		p->counts.known++;
		/* Without a receipt it is answered when it gets one. */
		if (row.n)
			rc = cdp_ledger_answer(p->ledger, m.key.id, m.key.n, p->opts.now,
					       err);
	} else if (rc == 0) {
		rc = take_new(p, &p->lanes[channel], &m, rec, err);
	}
	if (rc < 0)
		return -1;
	p->pending += rec->len;
	if (p->pending < PENDING_MAX)
		return 0;
	p->pending = 0;
	return cdp_ledger_commit(p->ledger, err);
}

/* --- the run --- */

/* The programs that have ended; true if there was one. */
static int land_all(struct cdp_push *p, bool wait, bool *landed, struct cdp_err *err)
{
	struct cdp_program_call **calls =
		cdp_calloc(p->conf->channel_count, sizeof(struct cdp_program_call *));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < p->conf->channel_count; i++)
		if (p->lanes[i].flying)
			calls[n++] = &p->lanes[i].call;
	if (n && wait)
		cdp_program_wait(&p->gong, calls, n);
	free(calls);
	for (size_t i = 0; rc == 0 && n && i < p->conf->channel_count; i++)
		if (p->lanes[i].flying && cdp_program_is_done(&p->lanes[i].call)) {
			rc = push_land(p, &p->lanes[i], err);
			*landed = true;
		}
	return rc;
}

/* One batch of each channel that is free; *moved if there was one. */
static int launch_all(struct cdp_push *p, bool *moved, struct cdp_err *err)
{
	for (size_t i = 0; i < p->conf->channel_count; i++) {
		struct push_lane *lane = &p->lanes[i];

		if (lane->flying || lane->done || lane->quiet || lane->down)
			continue;
		if (cdp_ledger_begin(p->ledger, err) < 0 || push_plan(p, lane, err) < 0)
			return -1;
		if (lane->n == 0)
			continue;
		*moved = true;
		if (push_launch(p, lane, err) < 0)
			return -1;
	}
	return 0;
}

/* Until no channel can go on.  A message that waits for another's outcome waits for an
 * earlier one, so the earliest of all never waits: this ends. */
static int work_off(struct cdp_push *p, struct cdp_err *err)
{
	bool moved = true;

	while (moved) {
		moved = false;
		if (launch_all(p, &moved, err) < 0 ||
		    land_all(p, !moved, &moved, err) < 0)
			return -1;
	}
	return 0;
}

static int count_one(void *ctx, const struct cdp_ledger_key *k, const char *raw, size_t n,
		     struct cdp_err *err)
{
	uint64_t *count = ctx;

	(void)k, (void)raw, (void)n, (void)err;
	++*count;
	return 0;
}

static int count_spool(struct cdp_push *p, struct cdp_err *err)
{
	uint64_t known = 0;

	if (cdp_ledger_spooled(p->ledger, NULL, NULL, count_one, &p->counts.spooled,
			       err) < 0)
		return -1;
	for (size_t i = 0; p->counts.spooled && i < p->conf->channel_count; i++)
		if (cdp_ledger_spooled(p->ledger, p->conf->channels[i].name, NULL,
				       count_one, &known, err) < 0)
			return -1;
	if (known < p->counts.spooled)
		push_warn(p,
			  "%" PRIu64 " spooled messages are for channels that are "
			  "not configured",
			  p->counts.spooled - known);
	return 0;
}

int cdp_push_run(struct cdp_push *p, struct cdp_err *err)
{
	if (cdp_ledger_commit(p->ledger, err) < 0)
		return -1;
	for (size_t i = 0; i < p->conf->channel_count; i++)
		if (push_recover(p, &p->lanes[i], err) < 0)
			return -1;
	if (work_off(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->conf->channel_count; i++)
		if (push_hold_rest(p, &p->lanes[i], err) < 0)
			return -1;
	if (cdp_ledger_begin(p->ledger, err) < 0 || count_spool(p, err) < 0)
		return -1;
	return cdp_ledger_commit(p->ledger, err);
}

/* --- answers --- */

struct answers {
	struct cdp_push_counts *counts;
	int (*each)(void *ctx, const char *p, size_t n);
	void *ctx;
};

static int answer(void *ctx, const struct cdp_ledger_row *row, struct cdp_err *err)
{
	const struct answers *a = ctx;

	(void)err;
	if (row->n == 0)
		return 0; /* its channel failed, and it is not known what became of it */
	switch (row->state) {
	case CDP_SEND_ACCEPTED:
		a->counts->accepted++;
		break;
	case CDP_SEND_FAILED:
		a->counts->failed++;
		break;
	case CDP_SEND_SUPPRESSED:
		a->counts->suppressed++;
		break;
	default:
		a->counts->held++;
	}
	return a->each(a->ctx, row->receipt, row->n);
}

int cdp_push_answers(struct cdp_push *p, int (*each)(void *ctx, const char *p, size_t n),
		     void *ctx, struct cdp_err *err)
{
	struct answers a = { .counts = &p->counts, .each = each, .ctx = ctx };

	if (cdp_ledger_begin(p->ledger, err) < 0)
		return -1;
	return cdp_ledger_answers(p->ledger, p->opts.now, answer, &a, err);
}
