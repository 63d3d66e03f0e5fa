/* What the tests of the readers share: a line in, the record or the error as text out. */
#ifndef CDP_TESTS_COLLECT_H
#define CDP_TESTS_COLLECT_H

#include "format/reader.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

struct collect_test {
	struct cdp_format_opts opts;
	struct cdp_format_plan *plan;
	struct cdp_reader *reader;
	struct cdp_zone *zone;
	struct cdp_canon info;
	struct cdp_buf out;
};

/* Options at their defaults, Shanghai; change t->opts before the first line. */
static void collect_start(struct collect_test *t, enum cdp_format format)
{
	struct cdp_err err;

	memset(t, 0, sizeof(*t));
	t->zone = cdp_zone_load("Asia/Shanghai", &err);
	t->opts = (struct cdp_format_opts){ .zone = t->zone,
					    .future_ms = CDP_NO_TIME,
					    .received = CDP_NO_TIME,
					    .login_kind = "customer",
					    .distinct_kind = "anonymous",
					    .event = "page_request" };
	t->plan = cdp_format_plan_new(format, &t->opts);
	t->reader = cdp_reader_new(t->plan);
	cdp_buf_init(&t->out, CDP_BUF_NOMAX);
}

static void collect_end(struct collect_test *t)
{
	cdp_reader_free(t->reader);
	cdp_format_plan_free(t->plan);
	cdp_zone_free(t->zone);
	cdp_buf_release(&t->out);
}

static int collect_take(void *ctx, size_t at, const struct cdp_canon *info,
			struct cdp_err *err)
{
	struct collect_test *t = ctx;

	(void)at;
	(void)err;
	cdp_buf_addc(&t->out, '\n');
	t->info = *info;
	return 0;
}

static void collect_reject(void *ctx, const char *raw, size_t n,
			   const struct cdp_err *err)
{
	struct collect_test *t = ctx;

	cdp_buf_addf(&t->out, "REJECT %s: %s: %.*s\n", err->path, err->msg, (int)n, raw);
}

/* The records, one a line, or "path: message" of the line's rejection; until the next
 * call. */
static const char *collect(struct collect_test *t, const char *line)
{
	struct cdp_sink sink = { &t->out, t, collect_take, collect_reject };
	struct cdp_err err;

	cdp_buf_reset(&t->out);
	if (cdp_reader_line(t->reader, line, strlen(line), &sink, &err) < 0) {
		if (t->out.n)
			cdp_buf_addf(&t->out, "LEFT OVER ");
		cdp_buf_addf(&t->out, "%s: %s", err.path, err.msg);
	} else if (t->out.n) {
		t->out.n--;
	}
	return cdp_buf_str(&t->out);
}

#endif
