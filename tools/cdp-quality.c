/* cdp-quality: what a day's events are worth, source by source. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/rows.h"
#include "model/quality_in.h"
#include "model/quality_partial.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct quality_ctx {
	/* options */
	struct cdp_strs rejects, duplicates, counts;
	const char *source;
	int64_t days, on_time_ns;
	bool properties, partial, merge;
	/* what follows from them */
	struct cdp_quality_days when;
	struct cdp_quality_slots slots;
	const char *zone;
	struct cdp_paths *paths;
	struct cdp_quality *all; /* of all workers */
	struct cdp_rows *rows;
	char day[11];
	uint64_t events;
};

struct worker {
	struct cdp_quality_reader reader;
	const char *zone;
};

/* --- reading --- */

static void *new_worker(void *ctx)
{
	const struct quality_ctx *q = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	cdp_quality_reader_init(&w->reader, &q->slots, &q->when);
	w->reader.only = q->source;
	w->zone = q->zone;
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct quality_ctx *q = ctx;
	struct worker *w = worker;

	(void)err;
	memcpy(q->day, w->reader.day, sizeof(q->day));
	if (q->all)
		cdp_quality_merge(q->all, w->reader.to);
	else
		q->all = w->reader.to;
	cdp_quality_reader_release(&w->reader);
	free(w);
	return 0;
}

static int read_event(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		      struct cdp_err *err)
{
	struct worker *w = worker;

	(void)e;
	return cdp_quality_read_event(&w->reader, rec, err);
}

static int read_partial(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
			struct cdp_err *err)
{
	struct worker *w = worker;

	(void)e;
	return cdp_quality_take_partial(w->reader.to, w->zone, rec->raw, rec->len, err);
}

static int read_duplicate(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
			  struct cdp_err *err)
{
	struct worker *w = worker;

	(void)e;
	return cdp_quality_read_duplicate(&w->reader, rec, err);
}

static int read_reject(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		       struct cdp_err *err)
{
	struct worker *w = worker;

	(void)e;
	return cdp_quality_read_reject(&w->reader, rec, err);
}

static int read_count(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		      struct cdp_err *err)
{
	struct worker *w = worker;

	(void)e;
	return cdp_quality_read_count(&w->reader, rec, err);
}

static int
read_files(struct quality_ctx *q, struct cdp_cli *cli, const struct cdp_strs *files,
	   int (*record)(void *, struct cdp_rec *, struct cdp_emit *, struct cdp_err *))
{
	struct cdp_job job = { .ctx = q,
			       .paths = q->paths,
			       .worker = new_worker,
			       .record = record,
			       .merge = merge_worker };

	for (size_t i = 0; i < files->n; i++) {
		char *one[] = { (char *)files->v[i], NULL };

		if (cdp_cli_run_files(cli, &job, one) < 0)
			return -1;
	}
	return 0;
}

static int read_all(struct quality_ctx *q, struct cdp_cli *cli)
{
	struct cdp_job job = { .ctx = q,
			       .paths = q->paths,
			       .worker = new_worker,
			       .record = q->merge ? read_partial : read_event,
			       .merge = merge_worker };
	uint64_t line_max = cli->opt.line_max;
	int rc;

	if (cdp_cli_run(cli, &job) < 0 ||
	    read_files(q, cli, &q->duplicates, read_duplicate) < 0 ||
	    read_files(q, cli, &q->counts, read_count) < 0)
		return -1;
	/* A byte of a line may be six in a reject, and there is more to it. */
	cli->opt.line_max = line_max * 6 + 4096;
	rc = read_files(q, cli, &q->rejects, read_reject);
	cli->opt.line_max = line_max;
	return rc;
}

/* --- results --- */

static void put_text(struct cdp_rows *r, const char *key, const char *p, size_t n)
{
	if (n)
		cdp_rows_str(r, key, p, n);
	else
		cdp_rows_null(r, key);
}

static void put_head(struct quality_ctx *q, const char *result,
		     const struct cdp_quality_name *name)
{
	cdp_rows_begin(q->rows, result);
	cdp_rows_str(q->rows, "day", q->day, sizeof(q->day) - 1);
	put_text(q->rows, "source", name->source, name->source_n);
	put_text(q->rows, "event", name->event, name->event_n);
}

/* Four decimals; what cannot be told is null. */
static void put_share(struct cdp_rows *r, const char *key, double v)
{
	cdp_rows_double(r, key, round(v * 10000) / 10000);
}

static void put_time(struct cdp_rows *r, const char *key, bool known, int64_t ms)
{
	char text[CDP_TIME_CANON];

	if (known) {
		cdp_time_format(text, cdp_time_from_ms(ms));
		cdp_rows_str(r, key, text, sizeof(text));
	} else {
		cdp_rows_null(r, key);
	}
}

static void put_delay(struct cdp_rows *r, const char *key, int64_t ms)
{
	cdp_rows_double(r, key, ms < 0 ? NAN : (double)ms / 1000);
}

static void put_hours(struct cdp_rows *r, const char *key, uint32_t hours)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addc(&b, '[');
	for (unsigned h = 0; h < 24; h++)
		if (hours >> h & 1)
			cdp_buf_addf(&b, "%s%u", b.n > 1 ? "," : "", h);
	cdp_buf_addc(&b, ']');
	cdp_rows_json(r, key, b.p, b.n);
	cdp_buf_release(&b);
}

static int put_source(void *ctx, const struct cdp_quality_source *s)
{
	struct quality_ctx *q = ctx;
	struct cdp_rows *r = q->rows;

	q->events += s->events;
	cdp_rows_begin(r, "quality_source");
	cdp_rows_str(r, "day", q->day, sizeof(q->day) - 1);
	put_text(r, "source", s->name, s->n);
	cdp_rows_int(r, "events", (int64_t)s->events);
	cdp_rows_double(r, "usual_events", s->usual_events);
	cdp_rows_int(r, "names", (int64_t)s->names);
	cdp_rows_int(r, "duplicates", (int64_t)s->duplicates);
	cdp_rows_int(r, "rejected", (int64_t)s->rejected);
	put_share(r, "plausibility", s->plausibility);
	put_share(r, "accuracy", s->accuracy);
	put_share(r, "continuity", s->continuity);
	put_share(r, "completeness", s->completeness);
	put_share(r, "timeliness", s->timeliness);
	return cdp_rows_end(r);
}

static int put_row(void *ctx, const struct cdp_quality_row *v)
{
	struct quality_ctx *q = ctx;
	struct cdp_rows *r = q->rows;

	put_head(q, "quality", &v->name);
	cdp_rows_int(r, "events", (int64_t)v->events);
	cdp_rows_double(r, "usual_events", v->usual_events);
	cdp_rows_int(r, "duplicates", (int64_t)v->duplicates);
	cdp_rows_int(r, "rejected", (int64_t)v->rejected);
	cdp_rows_int(r, "same_id", (int64_t)v->same_id);
	put_time(r, "first", v->events > 0, v->first_ms);
	put_time(r, "last", v->events > 0, v->last_ms);
	cdp_rows_int(r, "gap_s", v->gap_s);
	put_time(r, "gap_start", true, v->gap_start_s * 1000);
	cdp_rows_int(r, "usual_hours", __builtin_popcount(v->usual_hours));
	put_hours(r, "silent_hours", v->silent_hours);
	cdp_rows_int(r, "properties", v->properties);
	put_share(r, "missing_rate", v->missing);
	put_share(r, "null_rate", v->null);
	cdp_rows_int(r, "type_drift", v->drifted);
	put_delay(r, "delay_p50_s", v->p50);
	put_delay(r, "delay_p90_s", v->p90);
	put_delay(r, "delay_p99_s", v->p99);
	put_delay(r, "delay_max_s", v->max);
	cdp_rows_int(r, "no_delay", (int64_t)v->no_delay);
	cdp_rows_int(r, "ahead", (int64_t)v->ahead);
	cdp_rows_int(r, "violating", (int64_t)v->violating);
	cdp_rows_int(r, "implausible", (int64_t)v->implausible);
	return cdp_rows_end(r);
}

static int put_prop(void *ctx, const struct cdp_quality_prop *v)
{
	struct quality_ctx *q = ctx;
	struct cdp_rows *r = q->rows;
	struct cdp_buf types;

	put_head(q, "quality_property", &v->name);
	cdp_rows_str(r, "property", v->key, v->key_n);
	cdp_rows_int(r, "values", (int64_t)v->values);
	put_share(r, "missing_rate", v->missing);
	put_share(r, "null_rate", v->null);
	put_share(r, "usual_missing_rate", v->usual_missing);
	put_text(r, "type", v->type, v->type ? strlen(v->type) : 0);
	put_text(r, "usual_type", v->usual, v->usual ? strlen(v->usual) : 0);
	cdp_buf_init(&types, CDP_BUF_NOMAX);
	cdp_buf_addc(&types, '{');
	for (int t = 0; t < 5; t++)
		if (v->types[t])
			cdp_buf_addf(&types, "%s\"%s\":%" PRIu64, types.n > 1 ? "," : "",
				     cdp_quality_types[t], v->types[t]);
	cdp_buf_addc(&types, '}');
	cdp_rows_json(r, "types", types.p, types.n);
	cdp_buf_release(&types);
	cdp_rows_int(r, "drifted", (int64_t)v->drifted);
	return cdp_rows_end(r);
}

static int put_why(void *ctx, const struct cdp_quality_why *v)
{
	struct quality_ctx *q = ctx;
	struct cdp_rows *r = q->rows;

	put_head(q, "quality_reject", &v->name);
	put_text(r, "path", v->path, v->path_n);
	cdp_rows_str(r, "reason", v->reason, v->reason_n);
	cdp_rows_int(r, "count", (int64_t)v->count);
	return cdp_rows_end(r);
}

static int put_check(void *ctx, const struct cdp_quality_check *v)
{
	struct quality_ctx *q = ctx;
	struct cdp_rows *r = q->rows;
	int64_t off = (v->events < 0 ? 0 : v->events) - (v->count < 0 ? 0 : v->count);

	put_head(q, "quality_count", &v->name);
	cdp_rows_int(r, "events", v->events < 0 ? 0 : v->events);
	if (v->count < 0)
		cdp_rows_null(r, "count");
	else
		cdp_rows_int(r, "count", v->count);
	cdp_rows_int(r, "difference", off);
	put_share(r, "share", v->count > 0 ? (double)off / (double)v->count : NAN);
	if (v->count < 0)
		cdp_rows_cstr(r, "missing", "count");
	else if (v->events < 0)
		cdp_rows_cstr(r, "missing", "events");
	else
		cdp_rows_null(r, "missing");
	return cdp_rows_end(r);
}

static int put_line(void *ctx, const struct cdp_buf *text)
{
	struct cdp_cli *cli = ctx;

	cli->counts.out++;
	return cdp_out_write(cdp_cli_out(cli), text->p, text->n);
}

static void report(struct quality_ctx *q, struct cdp_cli *cli)
{
	struct cdp_quality_sink sink = { q,       put_source,
					 put_row, q->properties ? put_prop : NULL,
					 put_why, put_check };

	q->rows = cdp_rows_new(cli);
	cdp_quality_report(q->all, &sink);
	cdp_rows_free(q->rows);
	if (!q->events && cli->counts.in > cli->counts.rejected)
		cdp_cli_note(cli, "no event lies in %s (%s), the day before --as-of",
			     q->day, cdp_zone_name(cli->opt.run.zone));
}

static int load(struct quality_ctx *q, const struct cdp_cli *cli, struct cdp_err *err)
{
	cdp_quality_days_init(&q->when, cli->opt.run.zone, cli->opt.run.as_of.s,
			      (unsigned)q->days);
	q->when.on_time_ms = q->on_time_ns / 1000000;
	q->when.ahead_ms = 60 * 1000;
	q->zone = cdp_zone_name(cli->opt.run.zone);
	q->paths = cdp_paths_new();
	return cdp_quality_paths(&q->slots, q->paths, err);
}

static void release(struct quality_ctx *q)
{
	cdp_quality_free(q->all);
	cdp_paths_free(q->paths);
	cdp_strs_release(&q->rejects);
	cdp_strs_release(&q->duplicates);
	cdp_strs_release(&q->counts);
}

int main(int argc, char **argv)
{
	struct quality_ctx q = { .days = 28, .on_time_ns = 300 * 1000000000LL };
	struct cdp_cli cli;
	struct cdp_err err;
	bool ok;
	const struct cdp_opt opts[] = {
		{ 0, "days", CDP_OPT_INT, &q.days, "N",
		  "days before that say what is usual (28)", NULL, 0, CDP_QUALITY_DAYS },
		{ 0, "on-time", CDP_OPT_DURATION, &q.on_time_ns, "DURATION",
		  "the delay up to which an event is in time (5m)" },
		{ 0, "rejects-in", CDP_OPT_LIST, &q.rejects, "FILE",
		  "what was rejected of the day" },
		{ 0, "duplicates-in", CDP_OPT_LIST, &q.duplicates, "FILE",
		  "what was dropped as it came again" },
		{ 0, "counts", CDP_OPT_LIST, &q.counts, "FILE",
		  "how many events there are by authority: day, event, count" },
		{ 0, "source", CDP_OPT_STR, &q.source, "TEXT",
		  "the source of all records, whatever they say" },
		{ 0, "partial", CDP_OPT_FLAG, &q.partial, NULL,
		  "write what --merge can put together" },
		{ 0, "merge", CDP_OPT_FLAG, &q.merge, NULL,
		  "the inputs are the output of --partial" },
		{ 0, "properties", CDP_OPT_FLAG, &q.properties, NULL,
		  "a row for each property, too" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-quality",
		.purpose = "score a day's events: volume, gaps, filling, types, delays, "
			   "counts",
		.synopsis = "[OPTION...] [FILE...]",
		.example = "cdp-quality --as-of 2024-05-01 --table events.ndjson\n"
			   "cdp-quality --rejects-in bad.ndjson --counts core.ndjson "
			   "FILE",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_ROWS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&cli, &tool, argc, argv);
	if (q.on_time_ns < 0)
		cdp_cli_usage(&cli, "option '--on-time': expected a duration of 0 or "
				    "more");
	if (q.source && (!*q.source ||
			 cdp_utf8_check(q.source, strlen(q.source)) != strlen(q.source)))
		cdp_cli_usage(&cli, "option '--source': expected a text in UTF-8");
	if (q.partial && (cli.opt.table || cli.opt.csv))
		cdp_cli_usage(&cli, "--partial is no table: give '--table' and '--csv' "
				    "to --merge");
	if (load(&q, &cli, &err) < 0) {
		release(&q);
		return cdp_cli_fail(&cli, &err);
	}
	ok = read_all(&q, &cli) == 0 && q.all;
	if (ok && q.partial)
		cdp_quality_put_partial(q.all, q.zone, put_line, &cli);
	else if (ok)
		report(&q, &cli);
	release(&q);
	return cdp_cli_finish(&cli);
}
