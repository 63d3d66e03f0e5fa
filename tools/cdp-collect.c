/* cdp-collect: anything that a bank has as clean, canonical records. */
#include "base/hash.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "format/csvmap.h"
#include "format/reader.h"
#include "model/dedup.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* A record that one block wrote, until its turn to be compared with those before it. */
struct note {
	uint64_t id;
	uint32_t content;
	size_t at, n; /* in the block's output, LF included */
	int64_t ms;
	struct cdp_span event_id;
};

struct notes {
	struct note *v;
	size_t n, cap;
};

struct collect {
	struct cdp_cli cli;
	/* options */
	int format, future;
	const char *map_file, *charset, *delimiter, *duplicates_file;
	bool replay;
	int64_t window_ns;
	struct cdp_opt_time received;
	struct cdp_strs params;
	/* what follows from them */
	struct cdp_format_opts opts;
	struct cdp_id_param *param_list;
	struct cdp_format_plan *plan;
	struct cdp_csvmap *map;
	struct cdp_dedup *dedup;
	struct cdp_out *duplicates;
	uint64_t again, id_only, too_old;
	int slot_raw, slot_raw_b64; /* of reject lines */
	struct cdp_paths *replay_paths;
};

struct worker {
	struct collect *c;
	struct cdp_reader *reader;
	struct notes notes;
	struct cdp_buf text, raw;
};

enum { FORMAT_CSV = CDP_FORMAT_COMBINED + 1 };
static const char *const formats[] = { "auto",     "native", "sensors",
				       "combined", "csv",    NULL };
static const char *const futures[] = { "reject", "keep", NULL };

/* --- duplicates --- */

static struct cdp_span earlier(struct cdp_span a, struct cdp_span b)
{
	return a.n && (!b.n || a.at < b.at) ? a : b;
}

/* Hash of a record without what changes from one delivery to the next. */
static void hash_content(const struct cdp_canon *info, const char *p, size_t n,
			 struct cdp_buf *tmp, uint64_t hash[2])
{
	struct cdp_span skip = earlier(info->sent, info->received);
	struct cdp_span other = skip.at == info->sent.at ? info->received : info->sent;

	if (skip.n) {
		size_t at = skip.at + skip.n;

		cdp_buf_reset(tmp);
		cdp_buf_add(tmp, p, skip.at);
		if (other.n && other.at > skip.at) {
			cdp_buf_add(tmp, p + at, other.at - at);
			at = other.at + other.n;
		}
		cdp_buf_add(tmp, p + at, n - at);
		p = tmp->p;
		n = tmp->n;
	}
	hash[0] = cdp_hash_stable(p, n, 2);
	hash[1] = cdp_hash_stable(p, n, 3);
}

static void note_record(struct worker *w, const struct cdp_canon *info,
			struct cdp_emit *e, size_t at)
{
	const char *p = e->out.p + at;
	struct note note = { .at = at, .n = e->out.n - at, .ms = info->ms };
	uint64_t hash[2];

	note.event_id = info->event_id;
	hash_content(info, p, note.n - 1, &w->text, hash);
	note.id = hash[0];
	note.content = (uint32_t)hash[1];
	if (info->event_id.n) {
		cdp_buf_reset(&w->text);
		cdp_buf_add(&w->text, p + info->source.at, info->source.n);
		cdp_buf_add(&w->text, p + info->event_id.at, info->event_id.n);
		note.id = cdp_hash(w->text.p, w->text.n);
	}
	CDP_GROW(w->notes.v, w->notes.n, w->notes.cap);
	w->notes.v[w->notes.n++] = note;
	e->user = &w->notes;
}

/* The same id with other content: kept under an id of its own that names the first. */
static void put_renamed(struct cdp_buf *out, const struct note *note, const char *line)
{
	struct cdp_buf id, renamed;
	char hex[16];

	cdp_buf_init(&id, CDP_BUF_NOMAX);
	cdp_buf_init(&renamed, CDP_BUF_NOMAX);
	cdp_buf_add(&id, line + note->event_id.at, note->event_id.n - 1);
	cdp_buf_addc(&id, '~');
	cdp_hex16(hex, note->content);
	cdp_buf_add(&id, hex + 8, 8);
	cdp_buf_addc(&id, '"');
	cdp_rec_splice(&renamed, line, note->n - 1, "event_id", id.p, id.n, false);
	cdp_rec_splice(out, renamed.p, renamed.n, "duplicate_of",
		       line + note->event_id.at, note->event_id.n, false);
	cdp_buf_addc(out, '\n');
	cdp_buf_release(&id);
	cdp_buf_release(&renamed);
}

static int drop_duplicates(struct collect *c, struct cdp_emit *e, struct cdp_err *err)
{
	struct notes *notes = e->user;
	struct cdp_buf kept;

	cdp_buf_init(&kept, CDP_BUF_NOMAX);
	for (size_t i = 0; i < notes->n; i++) {
		const struct note *note = &notes->v[i];
		const char *line = e->out.p + note->at;
		enum cdp_seen seen = note->ms == CDP_NO_TIME
					     ? CDP_SEEN_NEW
					     : cdp_dedup_see(c->dedup, note->id,
							     note->content, note->ms);

		c->too_old += seen == CDP_SEEN_TOO_OLD;
		if (seen == CDP_SEEN_AGAIN) {
			c->again++;
			e->counts.out--;
			if (c->duplicates &&
			    cdp_out_write(c->duplicates, line, note->n) < 0) {
				*err = *cdp_out_error(c->duplicates);
				cdp_buf_release(&kept);
				return -1;
			}
		} else if (seen == CDP_SEEN_ID_ONLY && note->event_id.n) {
			c->id_only++;
			put_renamed(&kept, note, line);
		} else {
			cdp_buf_add(&kept, line, note->n);
		}
	}
	cdp_buf_reset(&e->out);
	cdp_buf_add(&e->out, kept.p, kept.n);
	cdp_buf_release(&kept);
	return 0;
}

static int commit(void *ctx, struct cdp_emit *e, struct cdp_err *err)
{
	struct notes *notes = e->user;
	int rc = 0;

	if (notes && notes->n) {
		rc = drop_duplicates(ctx, e, err);
		notes->n = 0;
	}
	return rc;
}

/* --- lines --- */

static int written(struct worker *w, const struct cdp_canon *info, struct cdp_emit *e,
		   size_t at)
{
	cdp_emit_line(e);
	if (w->c->dedup)
		note_record(w, info, e, at);
	return 0;
}

static int read_record(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	struct cdp_canon info;
	size_t at = e->out.n;

	if (cdp_reader_record(w->reader, rec, &e->out, &info, err) < 0)
		return -1;
	return written(w, &info, e, at);
}

static int read_other(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		      struct cdp_err *err)
{
	struct worker *w = worker;
	struct cdp_canon info;
	size_t at = e->out.n;

	if (cdp_reader_other(w->reader, rec, &e->out, &info, err) < 0)
		return -1;
	return written(w, &info, e, at);
}

/* --- replay of rejects --- */

static int digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int decode64(struct cdp_buf *out, const char *p, size_t n)
{
	uint32_t v = 0;
	unsigned bits = 0;

	while (n && p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		int d = digit64(p[i]);

		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			cdp_buf_addc(out, (char)(v >> bits));
		}
	}
	return 0;
}

/* A reject line: what it holds is read as if it had just come, and set aside as such if
 * it is still bad. */
static int replay_record(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
			 struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *raw = cdp_rec_get(rec, w->c->slot_raw),
			     *b64 = cdp_rec_get(rec, w->c->slot_raw_b64);
	struct cdp_canon info;
	size_t at = e->out.n, n;
	struct cdp_rec inner = *rec;

	cdp_buf_reset(&w->raw);
	if (raw->type == CDP_STRING) {
		inner.raw = cdp_val_str(raw, &w->raw, &n);
	} else if (b64->type == CDP_STRING) {
		if (decode64(&w->raw, b64->p, b64->n) < 0)
			return cdp_canon_bad(err, "raw_b64", "not Base64");
		inner.raw = w->raw.p;
		n = w->raw.n;
	} else {
		return cdp_canon_bad(err, "raw", "not a reject: neither raw nor raw_b64");
	}
	inner.len = n;
	if (cdp_reader_line(w->reader, inner.raw, n, &e->out, &info, err) == 0)
		return written(w, &info, e, at);
	e->out.n = at;
	if (err->kind != CDP_ERR_DATA)
		return -1;
	cdp_emit_reject(e, &inner, err);
	return 0;
}

/* --- tables --- */

static int read_row(struct worker *w, const struct cdp_csv_row *row, struct cdp_emit *e)
{
	struct cdp_rec rec = { .raw = row->raw, .len = row->raw_len, .line = row->line };
	struct cdp_canon info;
	struct cdp_err err;
	size_t at = e->out.n;

	e->counts.in++;
	cdp_buf_reset(&w->raw);
	if (cdp_csvmap_row(w->c->map, row->fields, row->count, &w->raw, &err) == 0 &&
	    cdp_reader_line(w->reader, w->raw.p, w->raw.n, &e->out, &info, &err) == 0)
		return written(w, &info, e, at);
	cdp_emit_reject(e, &rec, &err);
	return 0;
}

/* A row that could not be split or decoded. */
static void reject_row(const struct cdp_csv_row *row, struct cdp_emit *e,
		       const struct cdp_err *err)
{
	struct cdp_rec rec = { .raw = row->raw ? row->raw : "",
			       .len = row->raw ? row->raw_len : 0,
			       .line = row->line };

	e->counts.in++;
	cdp_emit_reject(e, &rec, err);
}

static bool is_header(const struct collect *c, const struct cdp_csv_row *row)
{
	return row->first && cdp_csvmap_has_header(c->map);
}

/* One answer of the CSV reader; false ends the run. */
static bool take_row(struct worker *w, int rc, const struct cdp_csv_row *row,
		     struct cdp_emit *e, struct cdp_err *err)
{
	struct collect *c = w->c;

	if (rc < 0 && err->kind != CDP_ERR_DATA) {
		cdp_cli_report(&c->cli, err);
		return true;
	}
	if (is_header(c, row)) {
		if (rc > 0)
			rc = cdp_csvmap_bind(c->map, row->fields, row->count, err);
		if (rc < 0) {
			err->kind = CDP_ERR_USAGE;
			cdp_err_prefix(err, "%s", row->name);
			cdp_cli_report(&c->cli, err);
			return false;
		}
		return true;
	}
	if (rc < 0)
		reject_row(row, e, err);
	else
		read_row(w, row, e);
	if (c->dedup && commit(c, e, err) < 0) {
		cdp_cli_report(&c->cli, err);
		return false;
	}
	return cdp_cli_emit_commit(e) == 0;
}

static void read_tables(struct worker *w, struct cdp_csv *csv)
{
	struct cdp_emit *e = NULL;
	struct cdp_csv_row row = { 0 };
	struct cdp_err err;
	unsigned input = 0;
	bool go_on = true;
	int rc;

	while (go_on && (rc = cdp_csv_next(csv, &row, &err)) != 0) {
		if (!e || row.input != input) {
			if (e)
				cdp_cli_emit_free(e);
			input = row.input;
			e = cdp_cli_emit_new(&w->c->cli, row.name);
		}
		go_on = take_row(w, rc, &row, e, &err);
	}
	if (e)
		cdp_cli_emit_free(e);
}

static void run_tables(struct collect *c, struct worker *w)
{
	struct cdp_csv_opts opts;
	struct cdp_csv *csv;
	struct cdp_err err;
	struct cdp_in *in;

	cdp_csvmap_csv_opts(c->map, &opts);
	opts.row_max = c->cli.opt.line_max;
	if (c->charset)
		opts.charset = c->charset;
	if (c->delimiter)
		opts.delimiter = *c->delimiter;
	in = cdp_cli_in_new(&c->cli, c->cli.operands);
	if (!in)
		return;
	csv = cdp_csv_new(in, &opts, &err);
	if (csv)
		read_tables(w, csv);
	else
		cdp_cli_report(&c->cli, &err);
	cdp_csv_free(csv);
	cdp_in_free(in);
}

/* --- the run --- */

static void *worker_new(void *ctx)
{
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->c = ctx;
	w->reader = cdp_reader_new(w->c->plan);
	cdp_buf_init(&w->text, CDP_BUF_NOMAX);
	cdp_buf_init(&w->raw, CDP_BUF_NOMAX);
	return w;
}

static int worker_free(void *ctx, void *worker, struct cdp_err *err)
{
	struct worker *w = worker;

	(void)ctx;
	(void)err;
	cdp_reader_free(w->reader);
	cdp_buf_release(&w->text);
	cdp_buf_release(&w->raw);
	free(w->notes.v);
	free(w);
	return 0;
}

static void run_lines(struct collect *c)
{
	struct cdp_job job = {
		.ctx = c,
		.paths = cdp_format_plan_paths(c->plan),
		.worker = worker_new,
		.record = read_record,
		.refused = read_other,
		.commit = c->dedup ? commit : NULL,
		.merge = worker_free,
	};

	if (c->replay) {
		c->replay_paths = cdp_paths_new();
		c->slot_raw = cdp_paths_add_keys(
			c->replay_paths, (const char *[]){ "raw" }, (size_t[]){ 3 }, 1);
		c->slot_raw_b64 =
			cdp_paths_add_keys(c->replay_paths, (const char *[]){ "raw_b64" },
					   (size_t[]){ 7 }, 1);
		job.paths = c->replay_paths;
		job.record = replay_record;
		job.refused = NULL;
		/* a byte of a line may be six in a reject, and there is more to it */
		c->cli.opt.line_max = c->cli.opt.line_max * 6 + 4096;
	}
	cdp_cli_run(&c->cli, &job);
}

static void run(struct collect *c)
{
	struct cdp_err ignored;
	struct worker *w;

	c->plan = cdp_format_plan_new(
		c->map ? CDP_FORMAT_NATIVE : (enum cdp_format)c->format, &c->opts);
	if (c->map) {
		w = worker_new(c);
		run_tables(c, w);
		worker_free(c, w, &ignored);
	} else {
		run_lines(c);
	}
	if (!c->dedup)
		return;
	cdp_cli_stat(&c->cli, "duplicates", c->again);
	cdp_cli_stat(&c->cli, "same_id", c->id_only);
	cdp_cli_stat(&c->cli, "too_old", c->too_old);
}

/* --- options --- */

static void read_params(struct collect *c)
{
	c->param_list = cdp_calloc(c->params.n + 1, sizeof(*c->param_list));
	for (size_t i = 0; i < c->params.n; i++) {
		const char *text = c->params.v[i], *eq = strchr(text, '=');

		if (!eq || eq == text || !eq[1])
			cdp_cli_usage(&c->cli,
				      "option '--id-param': expected NAME=KIND, not '%s'",
				      text);
		c->param_list[i] =
			(struct cdp_id_param){ cdp_strndup(text, (size_t)(eq - text)),
					       eq + 1 };
	}
	c->opts.params = c->param_list;
	c->opts.param_count = c->params.n;
}

static int load(struct collect *c, struct cdp_err *err)
{
	const struct cdp_common *o = &c->cli.opt;
	int64_t as_of = o->as_of_given ? cdp_time_ms(o->run.as_of) : CDP_NO_TIME;

	c->opts.zone = o->run.zone;
	c->opts.future_keep = c->future == 1;
	c->opts.future_ms = o->as_of_given ? as_of + CDP_FUTURE_SLACK_MS : CDP_NO_TIME;
	c->opts.received = c->received.text ? cdp_time_ms(c->received.t) : CDP_NO_TIME;
	read_params(c);
	if (c->map_file) {
		c->map = cdp_csvmap_load(c->map_file, o->run.zone, as_of, err);
		if (!c->map)
			return -1;
	}
	if (c->window_ns)
		c->dedup = cdp_dedup_new(
			c->window_ns / 1000000,
			c->opts.future_ms == CDP_NO_TIME ? INT64_MAX : c->opts.future_ms);
	if (c->duplicates_file) {
		c->duplicates = cdp_out_open(c->duplicates_file, err);
		if (!c->duplicates)
			return -1;
	}
	return 0;
}

static void check_options(struct collect *c)
{
	struct cdp_cli *cli = &c->cli;

	if (c->map_file && c->format != CDP_FORMAT_AUTO && c->format != FORMAT_CSV)
		cdp_cli_usage(cli, "option '--columns-map' is for '-f csv'");
	if (c->format == FORMAT_CSV && !c->map_file)
		cdp_cli_usage(cli, "'-f csv' needs '--columns-map'");
	if ((c->charset || c->delimiter) && !c->map_file)
		cdp_cli_usage(cli, "options '--charset' and '--delimiter' are for "
				   "'-f csv'");
	if (c->delimiter && strlen(c->delimiter) != 1)
		cdp_cli_usage(cli, "option '--delimiter': expected one byte, not '%s'",
			      c->delimiter);
	if (c->replay && c->map_file)
		cdp_cli_usage(cli, "option '--replay' is for formats that are lines; "
				   "correct the rows and give them again");
	if (c->duplicates_file && !c->window_ns)
		cdp_cli_usage(cli, "option '--duplicates' needs '--dedup'");
	if (c->window_ns < 0 || (c->window_ns && c->window_ns < 1000000000))
		cdp_cli_usage(cli, "option '--dedup': expected at least a second");
}

static void release(struct collect *c)
{
	struct cdp_err err;

	if (c->duplicates && cdp_out_close(c->duplicates, &err) < 0)
		cdp_cli_report(&c->cli, &err);
	cdp_dedup_free(c->dedup);
	cdp_csvmap_free(c->map);
	cdp_format_plan_free(c->plan);
	cdp_paths_free(c->replay_paths);
	for (size_t i = 0; i < c->params.n && c->param_list; i++)
		free((char *)c->param_list[i].name);
	free(c->param_list);
	cdp_strs_release(&c->params);
}

int main(int argc, char **argv)
{
	struct collect c = { .opts = { .login_kind = "customer",
				       .distinct_kind = "anonymous",
				       .event = "page_request" } };
	const struct cdp_opt opts[] = {
		{
			.brief = 'f',
			.name = "format",
			.type = CDP_OPT_CHOICE,
			.to = &c.format,
			.arg = "FORMAT",
			.help = "auto (default), native, sensors, combined or csv",
			.choices = formats,
		},
		{
			.name = "columns-map",
			.type = CDP_OPT_STR,
			.to = &c.map_file,
			.arg = "FILE",
			.help = "csv: which column is what (implies -f csv)",
		},
		{
			.name = "charset",
			.type = CDP_OPT_STR,
			.to = &c.charset,
			.arg = "NAME",
			.help = "csv: character set, instead of the map's",
		},
		{
			.name = "delimiter",
			.type = CDP_OPT_STR,
			.to = &c.delimiter,
			.arg = "C",
			.help = "csv: byte between fields, instead of the map's",
		},
		{
			.name = "received",
			.type = CDP_OPT_TIME,
			.to = &c.received,
			.arg = "TIME",
			.help = "when the input was received, added to records that do "
				"not say",
		},
		{
			.name = "future",
			.type = CDP_OPT_CHOICE,
			.to = &c.future,
			.arg = "WHAT",
			.help = "reject (default) or keep events an hour ahead of that "
				"or --as-of",
			.choices = futures,
		},
		{
			.name = "source",
			.type = CDP_OPT_STR,
			.to = &c.opts.source,
			.arg = "TEXT",
			.help = "source of records that name none",
		},
		{
			.name = "event",
			.type = CDP_OPT_STR,
			.to = &c.opts.event,
			.arg = "NAME",
			.help = "combined: name of the events (page_request)",
		},
		{
			.name = "id-param",
			.type = CDP_OPT_LIST,
			.to = &c.params,
			.arg = "NAME=KIND",
			.help = "combined: a query parameter that is an id",
		},
		{
			.name = "login-kind",
			.type = CDP_OPT_STR,
			.to = &c.opts.login_kind,
			.arg = "KIND",
			.help = "kind of login ids and users of servers (customer)",
		},
		{
			.name = "distinct-kind",
			.type = CDP_OPT_STR,
			.to = &c.opts.distinct_kind,
			.arg = "KIND",
			.help = "sensors: kind of an unmarked distinct_id (anonymous)",
		},
		{
			.name = "dedup",
			.type = CDP_OPT_DURATION,
			.to = &c.window_ns,
			.arg = "WINDOW",
			.help = "drop records that came before within a window of their "
				"time",
		},
		{
			.name = "duplicates",
			.type = CDP_OPT_STR,
			.to = &c.duplicates_file,
			.arg = "FILE",
			.help = "keep what --dedup drops",
		},
		{
			.name = "replay",
			.type = CDP_OPT_FLAG,
			.to = &c.replay,
			.help = "the inputs are rejects: read what they hold",
		},
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-collect",
		.purpose = "turn logs, tables and tracking records into clean records",
		.synopsis = "[-f FORMAT] [OPTION...] [FILE...]",
		.example = "cdp-collect --rejects bad.ndjson app.log access.log\n"
			   "cdp-collect --columns-map customers.json customers.csv\n"
			   "cdp-collect --replay bad.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AS_IT_GOES,
	};
	struct cdp_err err;

	cdp_cli_start(&c.cli, &tool, argc, argv);
	check_options(&c);
	if (load(&c, &err) < 0) {
		release(&c);
		return cdp_cli_fail(&c.cli, &err);
	}
	run(&c);
	release(&c);
	return cdp_cli_finish(&c.cli);
}
