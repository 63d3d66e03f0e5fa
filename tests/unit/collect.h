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

/* The record, or "path: message" of its rejection; until the next call. */
static const char *collect(struct collect_test *t, const char *line)
{
	struct cdp_err err;

	cdp_buf_reset(&t->out);
	if (cdp_reader_line(t->reader, line, strlen(line), &t->out, &t->info, &err) < 0) {
		if (t->out.n)
			cdp_buf_addf(&t->out, "LEFT OVER ");
		cdp_buf_addf(&t->out, "%s: %s", err.path, err.msg);
	}
	return cdp_buf_str(&t->out);
}

#endif
