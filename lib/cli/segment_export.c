#include "cli/segment_export.h"

#include <stdlib.h>
#include <string.h>

#include "cli/rows.h"
#include "model/batches.h"
#include "model/keyorder.h"
#include "model/segalgebra.h"

bool cdp_segment_export_check(struct cdp_cli *cli,
			      const struct cdp_segment_export_opts *o, const char *dir,
			      bool others)
{
	int asked = (o->export != NULL) + (o->ack != NULL) + o->batches;

	if (o->again && !o->export)
		cdp_cli_usage(cli, "--again needs --export");
	if (!asked)
		return false;
	if (!dir)
		cdp_cli_usage(cli, "--%s needs --store DIR",
			      o->export ? "export"
			      : o->ack  ? "ack"
					: "batches");
	if (asked > 1 || others)
		cdp_cli_usage(cli, "--export, --ack and --batches exclude each other and "
				   "what else is asked for");
	return true;
}

/* --- the ledger --- */

static int write_batch(struct cdp_rows *rows, const struct cdp_batch *b)
{
	cdp_rows_begin(rows, "batch");
	cdp_rows_str(rows, "batch", b->id, CDP_BATCH_ID);
	cdp_rows_cstr(rows, "segment", b->segment);
	cdp_rows_str(rows, "as_of", b->as_of, sizeof(b->as_of));
	cdp_rows_int(rows, "customers", (int64_t)b->customers);
	cdp_rows_cstr(rows, "state", cdp_batch_state_name(b->state));
	return cdp_rows_end(rows);
}

static int tell_all(struct cdp_cli *cli, struct cdp_batches *l, struct cdp_err *err)
{
	struct cdp_rows *rows;
	struct cdp_batch *v;
	size_t n, i;

	v = cdp_batches_all(l, &n, err);
	if (!v)
		return -1;
	rows = cdp_rows_new(cli);
	for (i = 0; i < n; i++)
		if (write_batch(rows, &v[i]) < 0)
			break; /* the error sticks: cdp_cli_finish reports it */
	cdp_rows_free(rows);
	for (i = 0; i < n; i++)
		cdp_batch_release(&v[i]);
	free(v);
	return 0;
}

static int acknowledge(struct cdp_cli *cli, struct cdp_batches *l, const char *id,
		       struct cdp_err *err)
{
	struct cdp_batch b;
	struct cdp_rows *rows;
	int rc = cdp_batches_get(l, &b, id, err);

	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "--ack: there is no batch '%s'",
				   id);
	if (rc < 0)
		return -1;
	b.state = CDP_BATCH_ACKNOWLEDGED;
	rc = cdp_batches_put(l, &b, err);
	if (rc == 0) {
		rows = cdp_rows_new(cli);
		write_batch(rows, &b);
		cdp_rows_free(rows);
	}
	cdp_batch_release(&b);
	return rc;
}

/* --- handing over --- */

struct handing {
	struct cdp_rows *rows;
	const struct cdp_batch *batch;
	const char *key;
};

static int write_customer(void *ctx, uint32_t ordinal, const char *key, size_t n)
{
	const struct handing *h = ctx;

	(void)ordinal;
	cdp_rows_begin(h->rows, "handover");
	cdp_rows_str(h->rows, h->key, key, n);
	cdp_rows_cstr(h->rows, "segment", h->batch->segment);
	cdp_rows_str(h->rows, "as_of", h->batch->as_of, sizeof(h->batch->as_of));
	cdp_rows_str(h->rows, "batch", h->batch->id, CDP_BATCH_ID);
	return cdp_rows_end(h->rows);
}

/* Handed over is what is with its reader, or in its place. */
static int hand_over(struct cdp_cli *cli, struct cdp_batches *l, struct cdp_batch *b,
		     struct cdp_segstore *s, const struct cdp_bitmap *members,
		     struct cdp_err *err)
{
	struct cdp_keyorder *order = cdp_keyorder_new(cdp_segstore_dict(s), err);
	struct handing h = { cdp_rows_new(cli), b, cdp_segstore_key(s) };
	int rc = -1;

	err->kind = order ? CDP_ERR_NONE : err->kind;
	if (order)
		rc = cdp_keyorder_each(order, members, write_customer, &h, err);
	cdp_rows_free(h.rows);
	cdp_keyorder_free(order);
	if (rc < 0 && err->kind != CDP_ERR_NONE)
		return -1;
	if (rc < 0 || cdp_cli_close_out(cli) < 0)
		return 0; /* told */
	if (b->state == CDP_BATCH_NEW)
		b->state = CDP_BATCH_EXPORTED;
	cdp_cli_note(cli, "batch %s: %llu customers of '%s'", b->id,
		     (unsigned long long)b->customers, b->segment);
	return cdp_batches_put(l, b, err);
}

static int export_one(struct cdp_cli *cli, const struct cdp_segment_export_opts *o,
		      struct cdp_batches *l, struct cdp_segstore *s,
		      const struct cdp_segversion *v, struct cdp_err *err)
{
	int64_t at = cdp_segversion_find(v, o->export, strlen(o->export));
	const struct cdp_bitmap *members;
	struct cdp_batch b;
	int rc;

	if (at < 0) {
		cdp_segalgebra_unknown(v, o->export, err);
		cdp_err_prefix(err, "--export");
		return -1;
	}
	if (cdp_batches_of(l, &b, v, (uint32_t)at, err) < 0)
		return -1;
	if (b.state != CDP_BATCH_NEW && !o->again) {
		cdp_cli_warn(
			cli, "batch %s of '%s' was handed over before%s", b.id, b.segment,
			b.state == CDP_BATCH_ACKNOWLEDGED ? ", and acknowledged" : "");
		cdp_cli_leave_out(cli);
		cdp_cli_set_status(cli, 1);
		cdp_batch_release(&b);
		return 0;
	}
	members = cdp_segversion_load(v, (uint32_t)at, err);
	rc = members ? hand_over(cli, l, &b, s, members, err) : -1;
	cdp_bitmap_free(members);
	cdp_batch_release(&b);
	return rc;
}

static int export_from(struct cdp_cli *cli, const struct cdp_segment_export_opts *o,
		       const char *dir, struct cdp_batches *l, struct cdp_segstore *s,
		       struct cdp_err *err)
{
	int64_t limit =
		cli->opt.as_of_given ? cdp_time_ms(cli->opt.run.as_of) : INT64_MAX;
	struct cdp_segversion *v;
	int rc = cdp_segversion_latest(&v, s, limit, err);

	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': there is no version%s", dir,
				   cli->opt.as_of_given ? " up to that time" : "");
	if (rc > 0)
		rc = export_one(cli, o, l, s, v, err);
	cdp_segversion_close(v);
	return rc;
}

int cdp_segment_export_run(struct cdp_cli *cli, const struct cdp_segment_export_opts *o,
			   const char *dir, struct cdp_err *err)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, false, err);
	struct cdp_batches *l = NULL;
	int rc = -1;

	if (s)
		l = o->batches ? cdp_batches_view(dir) : cdp_batches_open(dir, err);
	if (l)
		rc = o->export ? export_from(cli, o, dir, l, s, err)
		     : o->ack  ? acknowledge(cli, l, o->ack, err)
			       : tell_all(cli, l, err);
	cdp_batches_close(l);
	cdp_segstore_close(s);
	return rc;
}
