/* Records of our own form, one a line, for services of the house: POST /native. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/listen_priv.h"
#include "format/payload.h"
#include "format/reader.h"

struct listen_native {
	struct cdp_format_opts opts; /* `received` is that of the request at hand */
	struct cdp_format_plan *plan;
	struct cdp_reader *reader;
	struct cdp_scan *scan;
	struct cdp_buf text;
};

struct listen_native *listen_native_new(const struct cdp_format_opts *opts)
{
	struct listen_native *n = cdp_calloc(1, sizeof(*n));

	n->opts = *opts;
	n->plan = cdp_format_plan_new(CDP_FORMAT_NATIVE, &n->opts);
	n->reader = cdp_reader_new(n->plan);
	n->scan = cdp_scan_new(cdp_format_plan_paths(n->plan));
	cdp_buf_init(&n->text, CDP_BUF_NOMAX);
	return n;
}

void listen_native_free(struct listen_native *n)
{
	if (!n)
		return;
	cdp_scan_free(n->scan);
	cdp_reader_free(n->reader);
	cdp_format_plan_free(n->plan);
	cdp_buf_release(&n->text);
	free(n);
}

static int read_lines(struct listen_native *n, struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_rec rec;
	int rc;

	while ((rc = cdp_scan_next(n->scan, &rec, err)) != 0) {
		size_t at = sink->out->n;

		if (rc > 0 && cdp_reader_record(n->reader, &rec, sink, err) == 0)
			continue;
		sink->out->n = at;
		if (err->kind != CDP_ERR_DATA)
			return -1;
		sink->reject(sink->ctx, rec.raw, rec.len, err);
	}
	return 0;
}

int listen_native_read(struct listen_native *n, const struct cdp_request *q, size_t max,
		       struct cdp_sink *sink, struct cdp_err *err)
{
	const char *p = q->body;
	size_t len = q->body_n;

	n->opts.received = q->received;
	if (cdp_unpack_bytes(&p, &len, &n->text, max, err) < 0) {
		if (err->kind != CDP_ERR_DATA)
			return -1;
		sink->reject(sink->ctx, q->body, q->body_n, err);
		return 0;
	}
	/* What was inflated is ours, and so is the room after it. */
	if (p == n->text.p) {
		cdp_buf_reserve(&n->text, CDP_IN_PAD);
		memset(n->text.p + len, 0, CDP_IN_PAD);
		p = n->text.p;
	}
	/* A byte order mark, as before the lines of a file. */
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		len -= 3;
	}
	cdp_scan_block(n->scan, p, len);
	return read_lines(n, sink, err);
}
