/* Any bytes as a plan up to an empty line, and as an event after it.  What a plan makes
 * of an event is JSON, and has nothing left to strip. */
#include "base/buf.h"
#include "base/zone.h"
#include "io/in.h"
#include "model/coverage.h"
#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cdp_zone *zone;

struct look {
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	struct cdp_plan *plan;
	struct cdp_coverage *seen;
	struct cdp_plan_check *check;
	int ids, props;
};

/* As readers write them: no white space, head first, nothing twice. */
static bool is_canonical(const struct look *l, struct cdp_rec *rec)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT),
			     *ids = cdp_rec_get(rec, l->ids),
			     *props = cdp_rec_get(rec, l->props);

	return rec->compact && !rec->twice && event->type == CDP_STRING &&
	       (ids->type == CDP_MISSING || ids->p > event->p) &&
	       (props->type == CDP_MISSING || (props->p > event->p && props->p > ids->p));
}

static int check(struct look *l, const char *p, size_t n, struct cdp_buf *edited)
{
	const struct cdp_buf *out = NULL;
	struct cdp_buf line;
	struct cdp_rec rec;
	struct cdp_err err;
	int rc = -1;

	cdp_buf_init(&line, CDP_BUF_NOMAX);
	cdp_buf_add(&line, p, n);
	cdp_buf_addc(&line, '\n');
	cdp_buf_reserve(&line, CDP_IN_PAD);
	memset(line.p + line.n, 0, CDP_IN_PAD);
	cdp_scan_block(l->scan, line.p, line.n);
	if (cdp_scan_next(l->scan, &rec, &err) > 0 && is_canonical(l, &rec))
		rc = cdp_plan_check(l->check, &rec, 0, &out, &err);
	if (rc > 0) {
		cdp_buf_reset(edited);
		cdp_buf_add(edited, out->p, out->n);
	}
	cdp_buf_release(&line);
	return rc;
}

static void hold(struct look *l, const char *p, size_t n)
{
	struct cdp_buf once, twice, rows;
	struct cdp_err err;
	uint64_t stripped;

	cdp_buf_init(&once, CDP_BUF_NOMAX);
	cdp_buf_init(&twice, CDP_BUF_NOMAX);
	cdp_buf_init(&rows, CDP_BUF_NOMAX);
	if (check(l, p, n, &once) > 0) {
		if (cdp_json_check(once.p, once.n, &err) < 0)
			abort();
		stripped = cdp_plan_check_counts(l->check)->stripped;
		(void)check(l, once.p, once.n, &twice);
		if (cdp_plan_check_counts(l->check)->stripped != stripped)
			abort();
	}
	cdp_coverage_write(l->seen, &rows);
	for (const char *row = rows.p; row < rows.p + rows.n;) {
		const char *end = memchr(row, '\n', (size_t)(rows.p + rows.n - row));

		if (cdp_json_check(row, (size_t)(end - row), &err) < 0)
			abort();
		row = end + 1;
	}
	cdp_buf_release(&once);
	cdp_buf_release(&twice);
	cdp_buf_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *cut = memmem(data, size, "\n\n", 2);
	struct look l = { 0 };
	struct cdp_err err;

	if (!zone)
		zone = cdp_zone_load("Asia/Shanghai", &err);
	if (!cut || !zone)
		return 0;
	l.plan = cdp_plan_parse(text, (size_t)(cut - text), "plan", zone, &err);
	if (!l.plan)
		return 0;
	l.paths = cdp_paths_new();
	cdp_plan_paths(l.plan, l.paths);
	l.ids = cdp_paths_add(l.paths, "ids", 3, &err);
	l.props = cdp_paths_add(l.paths, "props", 5, &err);
	l.scan = cdp_scan_new(l.paths);
	l.seen = cdp_coverage_new(l.plan);
	l.check = cdp_plan_check_new(l.plan, l.seen);
	if (!memchr(cut + 2, '\n', size - (size_t)(cut + 2 - text)))
		hold(&l, cut + 2, size - (size_t)(cut + 2 - text));
	cdp_plan_check_free(l.check);
	cdp_coverage_free(l.seen);
	cdp_scan_free(l.scan);
	cdp_paths_free(l.paths);
	cdp_plan_free(l.plan);
	return 0;
}
