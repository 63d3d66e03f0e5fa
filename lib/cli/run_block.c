/* The records of one block. */
#include "cli/run_priv.h"

#include <string.h>

/* What a record that could not be handled means; true if the block ends there. */
static bool mishandled(struct cdp_emit *e, const struct cdp_rec *rec,
		       const struct cdp_err *err)
{
	switch (err->kind) {
	case CDP_ERR_DATA:
		cdp_emit_reject(e, rec, err);
		return e->priv->cli->opt.strict;
	case CDP_ERR_EVAL:
		cdp_emit_eval_error(e, rec, err);
		return false;
	default:
		e->priv->fatal = *err;
		e->priv->failed = true;
		return true;
	}
}

typedef int handler(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		    struct cdp_err *err);

/* True if the block ends here. */
static bool handle(struct worker *w, struct cdp_rec *rec, handler *how,
		   struct cdp_err *err)
{
	struct cdp_emit *e = &w->piece->emit;
	size_t mark = e->out.n;
	struct cdp_counts before = e->counts;

	if (how(w->state, rec, e, err) == 0)
		return e->counts.rejected > before.rejected && e->priv->cli->opt.strict;
	e->out.n = mark;
	e->counts.out = before.out;
	return mishandled(e, rec, err);
}

static bool one_record(struct worker *w, struct cdp_rec *rec)
{
	struct cdp_err err;

	w->piece->emit.counts.in += !w->job->again;
	return handle(w, rec, w->job->record, &err);
}

/* A line that is no record was read all the same. */
static bool refused(struct worker *w, struct cdp_rec *rec, struct cdp_err *err)
{
	if (w->job->again)
		return false;
	w->piece->emit.counts.in++;
	return w->job->refused ? handle(w, rec, w->job->refused, err)
			       : mishandled(&w->piece->emit, rec, err);
}

static void each_record(struct worker *w)
{
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	int rc;

	while ((rc = cdp_scan_next(w->scan, &rec, &err)) != 0)
		if (rc > 0 ? one_record(w, &rec) : refused(w, &rec, &err))
			break;
}

static void each_batch(struct worker *w)
{
	struct cdp_rec *kept = w->kept;
	struct cdp_err err;
	bool ended = false;
	unsigned n = 0;
	int rc;

	do {
		rc = cdp_scan_next(w->scan, &kept[n], &err);
		if (rc > 0)
			ended = one_record(w, &kept[n++]);
		else if (rc < 0)
			ended = refused(w, &kept[n++], &err);
		if (n == CDP_JOB_BATCH || rc == 0 || ended) {
			w->job->settle(w->state, &w->piece->emit);
			n = 0;
		}
	} while (rc != 0 && !ended);
}

static void scan_records(struct worker *w)
{
	cdp_scan_block(w->scan, w->piece->block.data, w->piece->block.len);
	if (w->job->settle)
		each_batch(w);
	else
		each_record(w);
	w->piece->emit.priv->lines = cdp_scan_lines(w->scan);
	w->piece->emit.counts.blank = w->job->again ? 0 : cdp_scan_blanks(w->scan);
}

static bool is_blank(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 0;
}

static void split_lines(struct worker *w)
{
	const char *p = w->piece->block.data, *end = p + w->piece->block.len;
	struct cdp_emit *e = &w->piece->emit;
	struct cdp_rec rec = { 0 };

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		rec.raw = p;
		rec.len = (size_t)((lf ? lf : end) - p);
		rec.line = ++e->priv->lines;
		p = lf ? lf + 1 : end;
		if (rec.len && rec.raw[rec.len - 1] == '\r')
			rec.len--;
		if (is_blank(rec.raw, rec.len))
			e->counts.blank++;
		else if (one_record(w, &rec))
			break;
	}
}

static bool has_ended(const struct cdp_emit *e)
{
	return e->priv->failed || (e->counts.rejected && e->priv->cli->opt.strict);
}

void cli_run_block(struct worker *w)
{
	struct piece *p = w->piece;

	p->emit.priv->name = p->block.name;
	if (w->job->lines)
		split_lines(w);
	else
		scan_records(w);
	if (p->block.overlong && !w->job->again && !has_ended(&p->emit))
		cli_emit_overlong(&p->emit, &p->block);
}
