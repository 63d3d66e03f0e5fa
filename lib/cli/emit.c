/* What a block of input yields, on its way out: lines, rejects, counts. */
#include "cli/priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void cli_emit_init(struct cdp_emit *e, struct cdp_cli *cli, const char *name)
{
	*e = (struct cdp_emit){ 0 };
	cdp_buf_init(&e->out, CDP_BUF_NOMAX);
	e->priv = cdp_calloc(1, sizeof(*e->priv));
	e->priv->cli = cli;
	e->priv->name = name;
	cdp_buf_init(&e->priv->text, CDP_BUF_NOMAX);
}

void cli_emit_reset(struct cdp_emit *e)
{
	cdp_buf_reset(&e->out);
	e->user = NULL; /* of the worker that had it, and the next may be another one's */
	e->counts = (struct cdp_counts){ 0 };
	e->priv->nrejects = 0;
	cdp_buf_reset(&e->priv->text);
	e->priv->lines = 0;
	e->priv->eval_line = 0;
	e->priv->failed = false;
}

void cli_emit_release(struct cdp_emit *e)
{
	cdp_buf_release(&e->out);
	cdp_buf_release(&e->priv->text);
	free(e->priv->rejects);
	free(e->priv);
}

struct cdp_emit *cdp_cli_emit_new(struct cdp_cli *cli, const char *input_name)
{
	struct cdp_emit *e = cdp_alloc(sizeof(*e));

	cli_emit_init(e, cli, input_name);
	return e;
}

void cdp_cli_emit_free(struct cdp_emit *e)
{
	cli_emit_release(e);
	free(e);
}

const char *cdp_emit_name(const struct cdp_emit *e)
{
	return e->priv->name;
}

uint64_t cdp_emit_lines(const struct cdp_emit *e)
{
	return e->priv->lines;
}

void cdp_cli_eval_first(struct cdp_cli *cli, const char *name, uint64_t line,
			const struct cdp_err *err)
{
	free(cli->priv->eval_first);
	cli->priv->eval_first =
		line ? cdp_asprintf("%s:%" PRIu64 ": %s", name, line, err->msg)
		     : cdp_asprintf("%s: %s", name, err->msg);
}

void cdp_emit_rec(struct cdp_emit *e, const struct cdp_rec *rec)
{
	struct cdp_buf *b = &e->out;

	if (cdp_buf_reserve(b, rec->len + 1) < 0)
		return;
	memcpy(b->p + b->n, rec->raw, rec->len);
	b->p[b->n + rec->len] = '\n';
	b->n += rec->len + 1;
	e->counts.out++;
}

void cdp_emit_line(struct cdp_emit *e)
{
	cdp_buf_addc(&e->out, '\n');
	e->counts.out++;
}

static void add_text(struct cdp_buf *b, size_t *at, const char *text)
{
	*at = b->n;
	cdp_buf_add(b, text, strlen(text) + 1);
}

static struct mishap *add_mishap(struct cdp_emit *e, uint64_t line,
				 const struct cdp_err *err,
				 const struct cdp_reject_form *form)
{
	struct cdp_emit_priv *p = e->priv;
	struct mishap *m;

	CDP_GROW(p->rejects, p->nrejects, p->cap);
	m = &p->rejects[p->nrejects++];
	*m = (struct mishap){ .line = line, .bytes = form->bytes, .reason = p->text.n };
	cdp_buf_adds(&p->text, err->msg);
	if (err->column)
		cdp_buf_addf(&p->text, " (column %zu)", err->column);
	cdp_buf_addc(&p->text, '\0');
	add_text(&p->text, &m->path, err->path);
	add_text(&p->text, &m->more, form->more ? form->more : "");
	e->counts.rejected++;
	return m;
}

static const struct cdp_reject_form plain;

void cdp_emit_reject(struct cdp_emit *e, const struct cdp_rec *rec,
		     const struct cdp_err *err)
{
	cdp_emit_reject_as(e, rec, err, &plain);
}

void cdp_emit_reject_as(struct cdp_emit *e, const struct cdp_rec *rec,
			const struct cdp_err *err, const struct cdp_reject_form *form)
{
	struct mishap *m = add_mishap(e, rec->line, err, form);

	if (!e->priv->cli->opt.rejects)
		return;
	m->raw = e->priv->text.n;
	m->raw_n = rec->len;
	cdp_buf_add(&e->priv->text, rec->raw, rec->len);
}

void cdp_emit_reject_long(struct cdp_emit *e, uint64_t line, const struct cdp_block *b,
			  const struct cdp_err *err, const struct cdp_reject_form *form)
{
	add_mishap(e, line, err, form)->overlong = b;
}

void cli_emit_overlong(struct cdp_emit *e, const struct cdp_block *b)
{
	struct cdp_err err = { 0 };

	cdp_err_set(&err, CDP_ERR_DATA, "line is longer than %" PRIu64 " bytes",
		    e->priv->cli->opt.line_max);
	cdp_emit_reject_long(e, ++e->priv->lines, b, &err, &plain);
	e->counts.in++;
}

void cdp_emit_eval_error(struct cdp_emit *e, const struct cdp_rec *rec,
			 const struct cdp_err *err)
{
	e->counts.eval_errors++;
	if (e->priv->eval_line)
		return;
	e->priv->eval_line = rec->line;
	e->priv->eval_err = *err;
}

/* --- commit --- */

void cli_out_failed(struct cdp_cli *cli, const struct cdp_err *err)
{
	cli->priv->out_failed = true;
	cdp_cli_report(cli, err);
}

static int checked_write(struct cdp_cli *cli, struct cdp_out *o, const char *p, size_t n)
{
	if (cdp_out_write(o, p, n) == 0)
		return 0;
	if (!cli->priv->out_failed)
		cli_out_failed(cli, cdp_out_error(o));
	return -1;
}

static int write_rejects(struct cdp_emit *e, uint64_t base)
{
	struct cdp_emit_priv *p = e->priv;
	struct cdp_cli *cli = p->cli;
	struct cdp_buf b;
	int rc = 0;

	for (size_t i = 0; i < p->nrejects; i++)
		cli_data_message(cli, p->name, base + p->rejects[i].line,
				 p->text.p + p->rejects[i].path,
				 p->text.p + p->rejects[i].reason);
	if (!p->nrejects || !cli->priv->rejects)
		return 0;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < p->nrejects; i++)
		cli_reject_line(&b, e, &p->rejects[i], base);
	rc = checked_write(cli, cli->priv->rejects, b.p, b.n);
	cdp_buf_release(&b);
	return rc;
}

static void add_counts(struct cdp_emit *e, uint64_t base)
{
	struct cdp_emit_priv *p = e->priv;
	struct cdp_cli *cli = p->cli;

	cli->counts.in += e->counts.in;
	cli->counts.out += e->counts.out;
	cli->counts.rejected += e->counts.rejected;
	cli->counts.blank += e->counts.blank;
	cli->counts.eval_errors += e->counts.eval_errors;
	if (p->eval_line && !cli->priv->eval_first)
		cli->priv->eval_first =
			cdp_asprintf("%s:%" PRIu64 ": %s", p->name, base + p->eval_line,
				     p->eval_err.msg);
}

int cli_emit_commit(struct cdp_emit *e, uint64_t base)
{
	struct cdp_emit_priv *p = e->priv;
	struct cdp_cli *cli = p->cli;

	add_counts(e, base);
	if (write_rejects(e, base) < 0)
		return -1;
	if (checked_write(cli, cli->priv->out, e->out.p, e->out.n) < 0)
		return -1;
	if (p->failed) {
		cdp_cli_report(cli, &p->fatal);
		return -1;
	}
	if (!cli->opt.strict || !e->counts.rejected)
		return 0;
	cdp_cli_set_status(cli, 3);
	return -1;
}

int cdp_cli_emit_commit(struct cdp_emit *e)
{
	int rc = cli_emit_commit(e, 0);

	cli_emit_reset(e);
	return rc;
}

int cdp_cli_flush(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;
	struct cdp_out *all[] = { p->longs, p->rejects, p->out };

	/* What was set aside first: a reader of the output may act on it. */
	for (int i = 0; i < 3; i++)
		if (all[i] && cdp_out_flush(all[i]) < 0) {
			if (!p->out_failed)
				cli_out_failed(cli, cdp_out_error(all[i]));
			return -1;
		}
	return 0;
}
