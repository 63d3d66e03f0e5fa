/* All formats that are lines behind one face: which one a line is in, and its reading. */
#ifndef CDP_FORMAT_READER_H
#define CDP_FORMAT_READER_H

#include "format/canon.h"

enum cdp_format {
	CDP_FORMAT_AUTO, /* each line by its own looks */
	CDP_FORMAT_NATIVE,
	CDP_FORMAT_SENSORS,
	CDP_FORMAT_COMBINED,
};

/* What the readers of a run share; `opts` outlives it. */
struct cdp_format_plan;
struct cdp_format_plan *cdp_format_plan_new(enum cdp_format format,
					    const struct cdp_format_opts *opts);
void cdp_format_plan_free(struct cdp_format_plan *p);
/* The members that the scanner of records is to look for. */
const struct cdp_paths *cdp_format_plan_paths(const struct cdp_format_plan *p);

/* One a thread. */
struct cdp_reader;
struct cdp_reader *cdp_reader_new(const struct cdp_format_plan *p);
void cdp_reader_free(struct cdp_reader *r);

/* A line that the scanner took for a record; appends the canonical record without LF. */
int cdp_reader_record(struct cdp_reader *r, struct cdp_rec *rec, struct cdp_buf *out,
		      struct cdp_canon *info, struct cdp_err *err);
/* A line that the scanner refused, with its reason in *err. */
int cdp_reader_other(struct cdp_reader *r, const struct cdp_rec *rec, struct cdp_buf *out,
		     struct cdp_canon *info, struct cdp_err *err);
/* A line not yet looked at. */
int cdp_reader_line(struct cdp_reader *r, const char *line, size_t n, struct cdp_buf *out,
		    struct cdp_canon *info, struct cdp_err *err);

#endif
