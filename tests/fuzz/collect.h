/* Any line given to a reader: what comes out is one valid record without white space that
 * is canonical, so that reading it again changes nothing; what is refused leaves nothing
 * behind and has a reason in UTF-8. */
#ifndef CDP_FUZZ_COLLECT_H
#define CDP_FUZZ_COLLECT_H

#include "base/text.h"
#include "format/reader.h"

#include <stdio.h>
#include <stdlib.h>

struct collect_fuzz {
	struct cdp_format_opts opts;
	struct cdp_format_plan *plan, *native_plan;
	struct cdp_reader *reader, *native;
	struct cdp_zone *zone;
	struct cdp_buf out, again;
	/* the last record taken, and how many there were */
	struct cdp_canon info;
	size_t at, records;
};

static void collect_setup(struct collect_fuzz *f, enum cdp_format format)
{
	static const struct cdp_id_param params[] = { { "cid", "cookie" } };
	struct cdp_err err;

	f->zone = cdp_zone_load("+08:00", &err);
	f->opts = (struct cdp_format_opts){ .zone = f->zone,
					    .future_ms = 4102444800000,
					    .received = CDP_NO_TIME,
					    .login_kind = "customer",
					    .distinct_kind = "anonymous",
					    .event = "page_request",
					    .event_param = "e",
					    .params = params,
					    .param_count = 1 };
	f->plan = cdp_format_plan_new(format, &f->opts);
	f->reader = cdp_reader_new(f->plan);
	f->native_plan = cdp_format_plan_new(CDP_FORMAT_NATIVE, &f->opts);
	f->native = cdp_reader_new(f->native_plan);
	cdp_buf_init(&f->out, CDP_BUF_NOMAX);
	cdp_buf_init(&f->again, CDP_BUF_NOMAX);
}

static void collect_fail(const char *what, const struct cdp_buf *b)
{
	fprintf(stderr, "%s: %.*s\n", what, (int)b->n, b->p);
	abort();
}

/* Spans lie in the record and are what they say. */
static void collect_check_span(const struct collect_fuzz *f, struct cdp_span s,
			       char first)
{
	if (s.n && (s.at + s.n > f->out.n || f->out.p[s.at] != first ||
		    f->out.p[s.at + s.n - 1] != '"'))
		collect_fail("a span is off", &f->out);
}

static int collect_again(void *ctx, size_t at, const struct cdp_canon *info,
			 struct cdp_err *err)
{
	(void)ctx;
	(void)at;
	(void)info;
	(void)err;
	return 0;
}

static void collect_check(struct collect_fuzz *f, const struct cdp_canon *info)
{
	struct cdp_sink again = { &f->again, f, collect_again, NULL };
	struct cdp_err err;

	if (cdp_json_check(f->out.p, f->out.n, &err) < 0)
		collect_fail(err.msg, &f->out);
	collect_check_span(f, info->event_id, '"');
	collect_check_span(f, info->source, '"');
	collect_check_span(f, info->sent, ',');
	collect_check_span(f, info->received, ',');
	cdp_buf_reset(&f->again);
	if (cdp_reader_line(f->native, f->out.p, f->out.n, &again, &err) < 0)
		collect_fail(err.msg, &f->out);
	if (f->again.n != f->out.n || memcmp(f->again.p, f->out.p, f->out.n) != 0)
		collect_fail("not canonical", &f->out);
}

static int collect_take(void *ctx, size_t at, const struct cdp_canon *info,
			struct cdp_err *err)
{
	struct collect_fuzz *f = ctx;

	(void)err;
	f->at = at;
	f->info = *info;
	f->records++;
	return 0;
}

/* One line of the formats that make one record of it. */
static inline void collect_line(struct collect_fuzz *f, const char *p, size_t n)
{
	struct cdp_sink sink = { &f->out, f, collect_take, NULL };
	struct cdp_err err;
	size_t len;

	if (memchr(p, '\n', n))
		return;
	cdp_buf_reset(&f->out);
	if (cdp_reader_line(f->reader, p, n, &sink, &err) == 0) {
		collect_check(f, &f->info);
		return;
	}
	len = strlen(err.msg);
	if (f->out.n || err.kind != CDP_ERR_DATA || !len)
		collect_fail("a refused line left something behind", &f->out);
	if (cdp_utf8_check(p, n) == n &&
	    (cdp_utf8_check(err.msg, len) != len ||
	     cdp_utf8_check(err.path, strlen(err.path)) != strlen(err.path)))
		collect_fail("a reason is no UTF-8", &f->out);
}

#endif
