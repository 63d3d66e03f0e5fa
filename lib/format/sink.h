/* Where a reader that may make several records of one input puts them. */
#ifndef CDP_FORMAT_SINK_H
#define CDP_FORMAT_SINK_H

#include "format/canon.h"

struct cdp_sink {
	struct cdp_buf *out; /* records are appended here, without LF */
	void *ctx;
	/* A record was appended from byte `at` on.  0; -1 with *err: it is refused for
	 * that reason, and has been taken back (a data error) or the run must end
	 * (others). */
	int (*record)(void *ctx, size_t at, const struct cdp_canon *info,
		      struct cdp_err *err);
	/* A part of the input that is no record, in the bytes in which it can be given
	 * again as an input of the same format. */
	void (*reject)(void *ctx, const char *raw, size_t n, const struct cdp_err *err);
};

#endif
