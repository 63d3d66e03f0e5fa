/* Any bytes as a request ("METHOD PATH?QUERY", LF, the body) or, if they begin with '{'
 * or
 * '[', as a line of a payload.  Records that come out are canonical; a reject can be read
 * again, as one request or more; what comes out is bounded by what went in. */
#include "collect.h"
#include "format/request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INFLATED_MAX = 256 << 10, TOTAL_MAX = 64 << 20 };

static struct collect_fuzz fuzz;
static struct cdp_requests *requests;
static struct cdp_answer answer;
static struct cdp_buf out, rejects;
static size_t found;

static int check_record(void *ctx, size_t at, const struct cdp_canon *info,
			struct cdp_err *err)
{
	(void)ctx;
	(void)err;
	found++;
	cdp_buf_reset(&fuzz.out);
	cdp_buf_add(&fuzz.out, out.p + at, out.n - at);
	collect_check(&fuzz, info);
	return 0;
}

static void keep_reject(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	(void)ctx;
	found++;
	cdp_buf_add(&rejects, raw, n);
	cdp_buf_addc(&rejects, '\n');
	if (err->kind != CDP_ERR_DATA || !*err->msg)
		collect_fail("a reject without a reason", &rejects);
}

static void count_reject(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	(void)ctx;
	(void)raw;
	(void)n;
	(void)err;
	found++;
}

/* Each reject stands for a request, and comes to something again. */
static void check_rejects(void)
{
	struct cdp_sink sink = { &out, NULL, check_record, count_reject };
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	for (size_t at = 0; at < rejects.n; at += rec.len + 1) {
		rec.raw = rejects.p + at;
		rec.len = (size_t)((const char *)memchr(rec.raw, '\n', rejects.n - at) -
				   rec.raw);
		found = 0;
		if (cdp_json_check(rec.raw, rec.len, &err) < 0 ||
		    cdp_requests_line(requests, &rec, &sink, &err) < 0 || !found)
			collect_fail("a reject cannot be read again", &rejects);
	}
}

static const char *no_header(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "user-agent") == 0 ? "fuzz \xff\"" : NULL;
}

static void read_request(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n), *space, *mark;
	struct cdp_sink sink = { &out, NULL, check_record, keep_reject };
	struct cdp_request q = { .header = no_header, .received = CDP_NO_TIME };
	char *head = strndup(p, lf ? (size_t)(lf - p) : n);
	struct cdp_err err;

	space = strchr(head, ' ');
	q.method = "POST";
	q.path = space ? space + 1 : head;
	if (space && memcmp(head, "GET", 3) == 0)
		q.method = "GET";
	mark = strchr(q.path, '?');
	q.query = mark ? mark + 1 : "";
	if (mark)
		head[mark - head] = '\0';
	q.body = lf ? lf + 1 : "";
	q.body_n = lf ? (size_t)(p + n - lf - 1) : 0;
	if (cdp_requests_read(requests, &q, &sink, &answer, &err) < 0)
		collect_fail("a request failed", &rejects);
	if (answer.status != 200 && answer.status != 204 && answer.status != 404)
		collect_fail("an answer that loses data", &rejects);
	check_rejects();
	free(head);
}

static void read_line(const char *p, size_t n)
{
	struct cdp_sink sink = { &out, NULL, check_record, count_reject };
	struct cdp_err err;

	if (memchr(p, '\n', n))
		return;
	if (cdp_reader_line(fuzz.reader, p, n, &sink, &err) < 0 &&
	    err.kind != CDP_ERR_DATA)
		collect_fail("a line ended the run", &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	if (!fuzz.plan) {
		collect_setup(&fuzz, CDP_FORMAT_AUTO);
		requests = cdp_requests_new(&fuzz.opts, INFLATED_MAX);
		cdp_buf_init(&answer.body, CDP_BUF_NOMAX);
		cdp_buf_init(&out, CDP_BUF_NOMAX);
		cdp_buf_init(&rejects, CDP_BUF_NOMAX);
	}
	cdp_buf_reset(&out);
	cdp_buf_reset(&rejects);
	if (size && (*p == '{' || *p == '['))
		read_line(p, size);
	else
		read_request(p, size);
	if (out.n + rejects.n > TOTAL_MAX)
		collect_fail("a little became too much", &answer.body);
	return 0;
}
