#include "format/reader.h"

#include "base/mem.h"
#include "format/combined.h"
#include "format/native.h"
#include "format/sensors.h"
#include "io/in.h"

#include <stdlib.h>

struct cdp_format_plan {
	enum cdp_format format;
	const struct cdp_format_opts *opts;
	struct cdp_paths *paths;
	struct cdp_native_slots native;
	struct cdp_sensors_slots sensors;
};

struct cdp_reader {
	const struct cdp_format_plan *plan;
	struct cdp_native *native;
	struct cdp_sensors *sensors;
	struct cdp_combined *combined;
	struct cdp_scan *scan; /* of lines that come alone; made when one does */
	struct cdp_buf line;
};

static bool reads(const struct cdp_format_plan *p, enum cdp_format format)
{
	return p->format == CDP_FORMAT_AUTO || p->format == format;
}

struct cdp_format_plan *cdp_format_plan_new(enum cdp_format format,
					    const struct cdp_format_opts *opts)
{
	struct cdp_format_plan *p = cdp_calloc(1, sizeof(*p));

	p->format = format;
	p->opts = opts;
	p->paths = cdp_paths_new();
	if (reads(p, CDP_FORMAT_NATIVE))
		cdp_native_paths(&p->native, p->paths);
	if (reads(p, CDP_FORMAT_SENSORS))
		cdp_sensors_paths(&p->sensors, p->paths);
	return p;
}

void cdp_format_plan_free(struct cdp_format_plan *p)
{
	if (!p)
		return;
	cdp_paths_free(p->paths);
	free(p);
}

const struct cdp_paths *cdp_format_plan_paths(const struct cdp_format_plan *p)
{
	return p->paths;
}

struct cdp_reader *cdp_reader_new(const struct cdp_format_plan *p)
{
	struct cdp_reader *r = cdp_calloc(1, sizeof(*r));

	r->plan = p;
	cdp_buf_init(&r->line, CDP_BUF_NOMAX);
	if (reads(p, CDP_FORMAT_NATIVE))
		r->native = cdp_native_new(p->opts, &p->native);
	if (reads(p, CDP_FORMAT_SENSORS))
		r->sensors = cdp_sensors_new(p->opts, &p->sensors);
	if (reads(p, CDP_FORMAT_COMBINED))
		r->combined = cdp_combined_new(p->opts);
	return r;
}

void cdp_reader_free(struct cdp_reader *r)
{
	if (!r)
		return;
	cdp_native_free(r->native);
	cdp_sensors_free(r->sensors);
	cdp_combined_free(r->combined);
	cdp_scan_free(r->scan);
	cdp_buf_release(&r->line);
	free(r);
}

int cdp_reader_record(struct cdp_reader *r, struct cdp_rec *rec, struct cdp_buf *out,
		      struct cdp_canon *info, struct cdp_err *err)
{
	enum cdp_format f = r->plan->format;

	/* The libraries' records always have a type, and none of ours. */
	if (f == CDP_FORMAT_AUTO)
		f = cdp_sensors_knows(cdp_rec_get(rec, CDP_SLOT_TYPE))
			    ? CDP_FORMAT_SENSORS
			    : CDP_FORMAT_NATIVE;
	switch (f) {
	case CDP_FORMAT_SENSORS:
		return cdp_sensors_read(r->sensors, rec, out, info, err);
	case CDP_FORMAT_COMBINED:
		return cdp_combined_read(r->combined, rec->raw, rec->len, out, info, err);
	default:
		return cdp_native_read(r->native, rec, out, info, err);
	}
}

static bool looks_like_json(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	return n && *p == '{';
}

/* What a file that is no lines of text looks like, line by line: the cause comes before
 * what it led to.  UTF-16 cut at its line feeds begins with a mark, or has a NUL in one
 * of its first two bytes; a file without line feeds is one line with CR inside. */
static void find_cause(const char *p, size_t n, struct cdp_err *err)
{
	bool mark = n >= 2 &&
		    (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0);

	if (mark || (n && memchr(p, '\0', n < 2 ? n : 2)))
		cdp_err_prefix(err, "this is UTF-16, which is read in tables only");
	else if (memchr(p, '\r', n))
		cdp_err_prefix(err, "a carriage return without a line feed ends lines in "
				    "tables only");
	else
		return;
	err->path[0] = '\0';
}

int cdp_reader_other(struct cdp_reader *r, const struct cdp_rec *rec, struct cdp_buf *out,
		     struct cdp_canon *info, struct cdp_err *err)
{
	bool is_auto = r->plan->format == CDP_FORMAT_AUTO;

	if (r->combined && !(is_auto && looks_like_json(rec->raw, rec->len))) {
		if (cdp_combined_read(r->combined, rec->raw, rec->len, out, info, err) ==
		    0)
			return 0;
		if (is_auto)
			cdp_err_prefix(err, "no JSON object; as a line of an access log");
	}
	find_cause(rec->raw, rec->len, err);
	return -1;
}

int cdp_reader_line(struct cdp_reader *r, const char *line, size_t n, struct cdp_buf *out,
		    struct cdp_canon *info, struct cdp_err *err)
{
	static const char pad[CDP_IN_PAD] = { 0 };
	struct cdp_rec rec = { 0 };
	int rc;

	if (!r->scan)
		r->scan = cdp_scan_new(r->plan->paths);
	cdp_buf_reset(&r->line);
	cdp_buf_add(&r->line, line, n);
	cdp_buf_addc(&r->line, '\n');
	cdp_buf_add(&r->line, pad, sizeof(pad));
	cdp_scan_block(r->scan, r->line.p, n + 1);
	rc = cdp_scan_next(r->scan, &rec, err);
	if (rc > 0)
		return cdp_reader_record(r, &rec, out, info, err);
	if (rc < 0)
		return cdp_reader_other(r, &rec, out, info, err);
	return cdp_err_set(err, CDP_ERR_DATA, "blank line");
}
