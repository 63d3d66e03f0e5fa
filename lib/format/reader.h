/* All formats that are lines behind one face: which one a line is in, and its reading. */
#ifndef CDP_FORMAT_READER_H
#define CDP_FORMAT_READER_H

#include "format/protocol.h"

enum cdp_format {
	CDP_FORMAT_AUTO, /* each line by its own looks */
	CDP_FORMAT_NATIVE,
	CDP_FORMAT_SENSORS,
	CDP_FORMAT_COMBINED,
	CDP_FORMAT_REQUESTS, /* format/request.h */
	CDP_FORMAT_PROTOCOL, /* payloads of one of format/protocol.h */
};

/* What compressed bodies of requests in lines may inflate to. */
enum { CDP_INFLATED_MAX = 64 << 20 };

/* What the readers of a run share; `opts` outlives it. */
struct cdp_format_plan;
struct cdp_format_plan *cdp_format_plan_new(enum cdp_format format,
					    const struct cdp_format_opts *opts);
/* CDP_FORMAT_PROTOCOL of this one. */
struct cdp_format_plan *cdp_format_plan_protocol(const struct cdp_protocol *protocol,
						 const struct cdp_format_opts *opts);
void cdp_format_plan_free(struct cdp_format_plan *p);
/* The members that the scanner of records is to look for. */
const struct cdp_paths *cdp_format_plan_paths(const struct cdp_format_plan *p);

/* One a thread. */
struct cdp_reader;
struct cdp_reader *cdp_reader_new(const struct cdp_format_plan *p);
void cdp_reader_free(struct cdp_reader *r);

/* A line that the scanner took for a record.  What it holds goes to the sink: 0; or, with
 * nothing written, -1 with *err: a data error is that of the whole line, which the caller
 * rejects. */
int cdp_reader_record(struct cdp_reader *r, struct cdp_rec *rec, struct cdp_sink *sink,
		      struct cdp_err *err);
/* A line that the scanner refused, with its reason in *err. */
int cdp_reader_other(struct cdp_reader *r, const struct cdp_rec *rec,
		     struct cdp_sink *sink, struct cdp_err *err);
/* A line not yet looked at. */
int cdp_reader_line(struct cdp_reader *r, const char *line, size_t n,
		    struct cdp_sink *sink, struct cdp_err *err);

#endif
