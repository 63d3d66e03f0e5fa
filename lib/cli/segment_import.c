#include "cli/segment_import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/rows.h"
#include "model/listread.h"
#include "record/json.h"

struct cdp_segment_import {
	struct cdp_cli *cli;
	const struct cdp_segment_import_opts *opts;
	const struct cdp_segments *set;
	uint64_t *used; /* lists that are read, as bits */
	struct cdp_idkinds *kinds;
	struct cdp_lists *lists;
	struct cdp_members *members;
	/* the list at hand */
	struct cdp_emit *emit;
	const struct cdp_list_def *def;
	struct cdp_block overlong;
	uint64_t long_offset;
	/* of the map */
	struct cdp_paths *paths;
	int kind, value;
	/* told */
	const struct cdp_segment_import_asker *asker;
	struct cdp_out *report, *unmatched;
	struct cdp_buf line;
};

void cdp_segment_import_check(struct cdp_cli *cli,
			      const struct cdp_segment_import_opts *o, bool runs)
{
	const char *option = o->map         ? "ids"
			     : o->kinds     ? "kinds"
			     : o->report    ? "report"
			     : o->unmatched ? "unmatched"
					    : NULL;

	if (!runs && option)
		cdp_cli_usage(cli, "--%s needs -d or --import: it is about lists",
			      option);
}

/* --- files --- */

static int next_file(void *ctx, const struct cdp_csv_row *row, struct cdp_err *err)
{
	struct cdp_segment_import *im = ctx;

	(void)err;
	if (im->emit)
		cdp_cli_emit_free(im->emit);
	im->emit = cdp_cli_emit_new(im->cli, row->name);
	cdp_lists_file(im->lists, im->def->files[row->input]);
	return 0;
}

static int take_id(void *ctx, const char *p, size_t n, const struct cdp_csv_row *row,
		   struct cdp_err *err)
{
	struct cdp_segment_import *im = ctx;

	if (cdp_lists_add(im->lists, p, n, row->line, err) < 0)
		return -1;
	im->cli->counts.in++;
	return 0;
}

/* Bytes of another character set that look like UTF-8 must stay bytes. */
static bool needs_bytes(const struct cdp_csv_row *row)
{
	if (!row->charset || strcmp(row->charset, "UTF-8") == 0)
		return false;
	for (size_t i = 0; i < row->raw_len; i++)
		if (!row->raw[i] || (unsigned char)row->raw[i] >= 0x80)
			return true;
	return false;
}

static int reject(void *ctx, const struct cdp_csv_row *row, const struct cdp_err *err)
{
	struct cdp_segment_import *im = ctx;
	struct cdp_reject_form form = { 0 };
	struct cdp_rec rec = { .raw = row->raw, .len = row->raw_len, .line = row->line };

	cdp_lists_reject(im->lists);
	im->emit->counts.in++;
	if (row->raw) {
		form.bytes = needs_bytes(row);
		cdp_emit_reject_as(im->emit, &rec, err, &form);
		return cdp_cli_emit_commit(im->emit);
	}
	im->overlong = (struct cdp_block){ .overlong = true,
					   .long_length = row->raw_len,
					   .long_offset = im->long_offset };
	memcpy(im->overlong.long_sha256, row->long_sha256, sizeof(row->long_sha256));
	im->long_offset += row->raw_len;
	cdp_emit_reject_long(im->emit, row->line, &im->overlong, err, &form);
	return cdp_cli_emit_commit(im->emit);
}

static int keep_long(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct cdp_segment_import *im = ctx;

	return cdp_cli_keep_long(im->cli, p, n, err);
}

static int read_list(struct cdp_segment_import *im, unsigned i, struct cdp_err *err)
{
	const struct cdp_list_def *d = im->def = &im->set->lists[i];
	const struct cdp_list_sink sink = { .file = next_file,
					    .id = take_id,
					    .bad = reject,
					    .ctx = im,
					    .row_max = im->cli->opt.line_max,
					    .long_sink = keep_long };
	const char *name = im->set->v[d->segment].name;
	struct cdp_in *in;
	int rc = cdp_lists_begin(im->lists, i, err);

	if (rc == 0 && d->kind && !im->opts->map)
		rc = cdp_err_set(err, CDP_ERR_USAGE,
				 "import.kind: '%s' is looked up in a map: --ids is "
				 "needed",
				 d->kind);
	if (rc < 0) {
		cdp_err_prefix(err, "%s", name);
		return -1;
	}
	err->kind = CDP_ERR_NONE;
	in = cdp_cli_in_new(im->cli, d->files);
	if (!in)
		return -1;
	im->long_offset = cdp_cli_long_size(im->cli);
	rc = cdp_list_read(d, in, &sink, err);
	if (im->emit)
		cdp_cli_emit_free(im->emit);
	im->emit = NULL;
	cdp_in_free(in);
	return rc;
}

/* --- the map --- */

/* What a thread found in a block of it. */
struct found {
	struct cdp_segment_import *im;
	struct pair {
		uint32_t id;
		uint32_t n; /* bytes of the one_id in `text` */
	} * v;
	size_t n, cap;
	struct cdp_buf text, key, tmp;
};

static void *new_found(void *ctx)
{
	struct found *f = cdp_calloc(1, sizeof(*f));

	f->im = ctx;
	cdp_buf_init(&f->text, CDP_BUF_NOMAX);
	cdp_buf_init(&f->key, CDP_BUF_NOMAX);
	cdp_buf_init(&f->tmp, CDP_BUF_NOMAX);
	return f;
}

static int look_up(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		   struct cdp_err *err)
{
	struct found *f = worker;
	const struct cdp_segment_import *im = f->im;
	const struct cdp_val *kind = cdp_rec_get(rec, im->kind);
	const struct cdp_val *value = cdp_rec_get(rec, im->value);
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const char *p;
	uint32_t id;
	size_t n;

	if (kind->type != CDP_STRING || kind->escaped || value->type != CDP_STRING ||
	    one_id->type != CDP_STRING || one_id->escaped)
		return cdp_err_set(err, CDP_ERR_DATA, "not a row of an identity map");
	p = cdp_val_str(value, &f->tmp, &n);
	id = cdp_lists_find(im->lists, kind->p, kind->n, p, n, &f->key);
	if (id == CDP_INTERN_NONE)
		return 0;
	emit->user = f;
	CDP_GROW(f->v, f->n, f->cap);
	f->v[f->n++] = (struct pair){ id, one_id->n };
	cdp_buf_add(&f->text, one_id->p, one_id->n);
	return 0;
}

static int settle(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct cdp_segment_import *im = ctx;
	struct found *f = emit->user;
	const char *p = f ? f->text.p : NULL;

	for (size_t i = 0; f && i < f->n; p += f->v[i++].n)
		if (cdp_lists_settle(im->lists, f->v[i].id, p, f->v[i].n, err) < 0) {
			cdp_err_prefix(err, "%s", im->opts->map);
			return -1;
		}
	if (f) {
		f->n = 0;
		cdp_buf_reset(&f->text);
	}
	emit->user = NULL;
	return 0;
}

static int free_found(void *ctx, void *worker, struct cdp_err *err)
{
	struct found *f = worker;

	(void)ctx;
	(void)err;
	free(f->v);
	cdp_buf_release(&f->text);
	cdp_buf_release(&f->key);
	cdp_buf_release(&f->tmp);
	free(f);
	return 0;
}

static int read_map(struct cdp_segment_import *im, struct cdp_err *err)
{
	uint64_t rejected = im->cli->counts.rejected;
	char *files[] = { (char *)im->opts->map, NULL };
	struct cdp_job job = { .ctx = im,
			       .worker = new_found,
			       .record = look_up,
			       .commit = settle,
			       .merge = free_found };

	job.paths = im->paths = cdp_paths_new();
	im->kind = cdp_paths_add(im->paths, "kind", 4, err);
	im->value = cdp_paths_add(im->paths, "value", 5, err);
	err->kind = CDP_ERR_NONE;
	if (cdp_cli_run_files(im->cli, &job, files) < 0)
		return -1;
	rejected = im->cli->counts.rejected - rejected;
	return !rejected ? 0
			 : cdp_err_set(err, CDP_ERR_USAGE,
				       "%s: %" PRIu64 " of its records %s of no identity "
				       "map",
				       im->opts->map, rejected,
				       rejected == 1 ? "is" : "are");
}

/* --- all --- */

static int open_out(struct cdp_out **out, const char *path, struct cdp_err *err)
{
	*out = path ? cdp_out_open(path, err) : NULL;
	return path && !*out ? -1 : 0;
}

/* The file of one that has expired may be gone. */
static void choose(struct cdp_segment_import *im, const uint64_t *wanted)
{
	const struct cdp_segments *set = im->set;
	uint64_t *asked = cdp_calloc(cdp_bit_words(set->count), sizeof(*asked));

	im->used = cdp_calloc(cdp_bit_words(set->list_count), sizeof(*im->used));
	for (unsigned i = 0; i < set->defined; i++)
		for (size_t k = 0; k < set->v[i].needs.n; k++)
			if (!set->v[set->v[i].needs.v[k]].list || cdp_bit(wanted, i))
				cdp_bit_set(asked, set->v[i].needs.v[k]);
	for (unsigned i = 0; i < set->list_count; i++)
		for (size_t k = 0; k < set->lists[i].blocks.n; k++)
			cdp_bit_set(asked, set->lists[i].blocks.v[k]);
	for (unsigned i = 0; i < set->list_count; i++) {
		const struct cdp_list_def *d = &set->lists[i];

		if (cdp_bit(wanted, d->segment) || cdp_bit(asked, d->segment) ||
		    cdp_bit(asked, d->given))
			cdp_bit_set(im->used, i);
	}
	free(asked);
}

/* Who was in it before. */
static int give_before(struct cdp_segment_import *im, const struct cdp_list_def *d,
		       struct cdp_err *err)
{
	const char *name = im->set->v[d->segment].name;
	struct cdp_segment_store_opts *store = (void *)im->opts->store;

	if (d->mode == CDP_LIST_OVERWRITE)
		return 0;
	if (!store)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"%s: import.mode: --store is needed, which has who was "
			"in it before",
			name);
	if (!cdp_segment_store_knows(store, name, strlen(name)))
		return 0;
	return cdp_segment_store_give(store, name, im->members,
				      d->given - im->set->defined, err);
}

static int read_all(struct cdp_segment_import *im, struct cdp_err *err)
{
	const struct cdp_segment_import_opts *o = im->opts;

	if (open_out(&im->report, o->report, err) < 0 ||
	    open_out(&im->unmatched, o->unmatched, err) < 0)
		return -1;
	for (unsigned i = 0; i < im->set->list_count; i++)
		if (cdp_bit(im->used, i) &&
		    (give_before(im, &im->set->lists[i], err) < 0 ||
		     read_list(im, i, err) < 0))
			return -1;
	if (cdp_lists_need_map(im->lists) && read_map(im, err) < 0)
		return -1;
	cdp_lists_give(im->lists);
	return 0;
}

static const char *became(void *ctx, const char *p, size_t n, size_t *len)
{
	return cdp_segment_merges_key(ctx, p, n, len);
}

int cdp_segment_import_read(struct cdp_cli *cli, struct cdp_segment_import **out,
			    const struct cdp_segment_import_opts *opts,
			    const struct cdp_segments *set, const uint64_t *wanted,
			    struct cdp_members *members, struct cdp_err *err)
{
	struct cdp_segment_import *im = *out = cdp_calloc(1, sizeof(*im));

	im->cli = cli;
	im->opts = opts;
	im->set = set;
	im->members = members;
	cdp_buf_init(&im->line, CDP_BUF_NOMAX);
	choose(im, wanted);
	im->kinds =
		opts->kinds ? cdp_idkinds_load(opts->kinds, err) : cdp_idkinds_default();
	if (!im->kinds)
		return -1;
	im->lists = cdp_lists_new(set, im->kinds, members);
	if (opts->store && opts->store->merged)
		cdp_lists_rename(im->lists, became, opts->store->merged);
	if (read_all(im, err) == 0)
		return 0;
	return err->kind == CDP_ERR_NONE ? 1 : -1;
}

void cdp_segment_import_free(struct cdp_segment_import *im)
{
	if (!im)
		return;
	if (im->report)
		cdp_out_abandon(im->report);
	if (im->unmatched)
		cdp_out_abandon(im->unmatched);
	free(im->used);
	cdp_lists_free(im->lists);
	cdp_idkinds_free(im->kinds);
	cdp_paths_free(im->paths);
	cdp_buf_release(&im->line);
	free(im);
}

/* --- what came of it --- */

static bool has_profile(void *ctx, const char *one_id, size_t n)
{
	const struct cdp_segment_import *im = ctx;

	return im->asker->has_profile(im->asker->ctx, one_id, n);
}

static const char *const reasons[CDP_LIST_FATES] = {
	[CDP_LIST_UNMATCHED] = "unknown",
	[CDP_LIST_NO_PROFILE] = "no profile",
	[CDP_LIST_BLOCKED] = "blocked",
	[CDP_LIST_DUPLICATE] = "duplicate",
};

static void write_unmatched(void *ctx, const struct cdp_list_row *row)
{
	struct cdp_segment_import *im = ctx;
	struct cdp_buf *b = &im->line;

	if (row->fate == CDP_LIST_MATCHED)
		return;
	cdp_buf_reset(b);
	cdp_buf_adds(b, "{\"segment\":");
	cdp_json_cstr(b, im->set->v[im->def->segment].name);
	cdp_json_key(b, "kind");
	cdp_json_cstr(b, im->def->kind ? im->def->kind : im->def->of);
	cdp_json_key(b, "id");
	cdp_json_str(b, row->id, row->n);
	cdp_json_key(b, "reason");
	cdp_json_cstr(b, reasons[row->fate]);
	cdp_json_key(b, "file");
	cdp_json_cstr(b, row->file);
	cdp_buf_addf(b, ",\"line\":%" PRIu64 "}\n", row->line);
	cdp_out_write(im->unmatched, b->p, b->n);
}

static const char *const fates[CDP_LIST_FATES] = {
	[CDP_LIST_MATCHED] = "matched",       [CDP_LIST_UNMATCHED] = "unmatched",
	[CDP_LIST_NO_PROFILE] = "no_profile", [CDP_LIST_BLOCKED] = "blocked",
	[CDP_LIST_DUPLICATE] = "duplicate",
};

static const char *const modes[] = { "overwrite", "add", "remove" };

static void write_report(struct cdp_segment_import *im, const struct cdp_list_counts *c,
			 uint64_t customers)
{
	struct cdp_buf *b = &im->line;

	if (!im->report)
		return;
	cdp_buf_reset(b);
	cdp_buf_adds(b, "{\"result\":\"list\",\"segment\":");
	cdp_json_cstr(b, im->set->v[im->def->segment].name);
	cdp_json_key(b, "kind");
	cdp_json_cstr(b, im->def->kind ? im->def->kind : im->def->of);
	cdp_json_key(b, "mode");
	cdp_json_cstr(b, modes[im->def->mode]);
	cdp_buf_addf(b, ",\"rows\":%" PRIu64, c->rows);
	for (int i = 0; i < CDP_LIST_FATES; i++) {
		cdp_json_key(b, fates[i]);
		cdp_buf_addf(b, "%" PRIu64, c->fate[i]);
	}
	cdp_buf_addf(b, ",\"rejected\":%" PRIu64 ",\"customers\":%" PRIu64 "}\n",
		     c->rejected, customers);
	cdp_out_write(im->report, b->p, b->n);
}

static void write_row(struct cdp_segment_import *im, const struct cdp_list_counts *c,
		      uint64_t customers)
{
	struct cdp_rows *r = cdp_rows_new(im->cli);

	cdp_rows_begin(r, "list");
	cdp_rows_cstr(r, "segment", im->set->v[im->def->segment].name);
	cdp_rows_cstr(r, "kind", im->def->kind ? im->def->kind : im->def->of);
	cdp_rows_cstr(r, "mode", modes[im->def->mode]);
	cdp_rows_int(r, "rows", (int64_t)c->rows);
	for (int i = 0; i < CDP_LIST_FATES; i++)
		cdp_rows_int(r, fates[i], (int64_t)c->fate[i]);
	cdp_rows_int(r, "rejected", (int64_t)c->rejected);
	cdp_rows_int(r, "customers", (int64_t)customers);
	cdp_rows_end(r);
	cdp_rows_free(r);
}

static void note(struct cdp_segment_import *im, const struct cdp_list_counts *c)
{
	struct cdp_buf *b = &im->line;

	cdp_buf_reset(b);
	for (int i = 0; i < CDP_LIST_FATES; i++)
		if (c->fate[i] || i == CDP_LIST_MATCHED)
			cdp_buf_addf(b, "%s%" PRIu64 " %s", i ? ", " : "", c->fate[i],
				     i == CDP_LIST_NO_PROFILE ? "without a profile"
							      : fates[i]);
	if (c->rejected)
		cdp_buf_addf(b, ", %" PRIu64 " rejected", c->rejected);
	cdp_cli_note(im->cli, "list '%s': %" PRIu64 " rows: %s",
		     im->set->v[im->def->segment].name, c->rows, cdp_buf_str(b));
}

static int close_out(struct cdp_out **out, struct cdp_err *err)
{
	struct cdp_out *o = *out;

	*out = NULL;
	return o ? cdp_out_close(o, err) : 0;
}

static void tell_one(struct cdp_segment_import *im, const struct cdp_list_counts *c,
		     bool noted)
{
	const struct cdp_segment_import_asker *a = im->asker;
	uint64_t customers = a->customers(a->ctx, im->def->segment);

	write_report(im, c, customers);
	if (a->rows)
		write_row(im, c, customers);
	else if (noted)
		note(im, c);
}

int cdp_segment_import_tell(struct cdp_segment_import *im,
			    const struct cdp_segment_import_asker *asker,
			    struct cdp_err *err)
{
	enum { SHOWN = 10 };
	const struct cdp_list_asker rows = { .has_profile = has_profile,
					     .each = im->unmatched ? write_unmatched
								   : NULL,
					     .ctx = im };
	struct cdp_list_counts all = { 0 };
	unsigned n = 0;

	im->asker = asker;
	for (unsigned i = 0; i < im->set->list_count; i++) {
		struct cdp_list_counts c;

		im->def = &im->set->lists[i];
		if (!cdp_bit(im->used, i))
			continue;
		cdp_lists_each(im->lists, i, &rows, &c);
		tell_one(im, &c, n++ < SHOWN);
		for (int k = 0; k < CDP_LIST_FATES; k++)
			all.fate[k] += c.fate[k];
	}
	if (n > SHOWN)
		cdp_cli_note(im->cli, "and %u other lists", n - SHOWN);
	for (int i = 0; n && i < CDP_LIST_FATES; i++)
		cdp_cli_stat(im->cli, fates[i], all.fate[i]);
	return close_out(&im->report, err) < 0 || close_out(&im->unmatched, err) < 0 ? -1
										     : 0;
}

static bool had_profile(void *ctx, const char *one_id, size_t n)
{
	const struct cdp_segment_job *job = ctx;

	return cdp_audiences_rank(job->members, one_id, n) != CDP_INTERN_NONE;
}

static uint64_t customers_of(void *ctx, unsigned segment)
{
	const struct cdp_segment_job *job = ctx;

	return cdp_audiences_count(job->members, segment);
}

int cdp_segment_import_tell_run(struct cdp_segment_import *im,
				struct cdp_segment_job *job, struct cdp_err *err)
{
	const struct cdp_segment_import_asker asker = { .has_profile = had_profile,
							.customers = customers_of,
							.ctx = job };

	return cdp_segment_import_tell(im, &asker, err);
}
