/* Rows of the files of an imported audience, whatever their format and character set. */
#ifndef CDP_MODEL_LISTREAD_H
#define CDP_MODEL_LISTREAD_H

#include "io/csv.h"
#include "model/listdef.h"

struct cdp_list_sink {
	/* The rows that follow are of this file, the index of an operand; 0 or -1. */
	int (*file)(void *ctx, const struct cdp_csv_row *row, struct cdp_err *err);
	/* An id, UTF-8; 0, or -1 with *err: of data kind, then bad() gets the row. */
	int (*id)(void *ctx, const char *p, size_t n, const struct cdp_csv_row *row,
		  struct cdp_err *err);
	/* A row that has no id, with the reason in *err; -1 ends the reading, told. */
	int (*bad)(void *ctx, const struct cdp_csv_row *row, const struct cdp_err *err);
	void *ctx;
	size_t row_max; /* as in cdp_csv_opts */
	int (*long_sink)(void *ctx, const char *p, size_t n, struct cdp_err *err);
};

/* `in` is over the definition's files.  0, or -1 with *err: of usage kind where a header
 * has no such column, CDP_ERR_NONE where bad() ended it. */
int cdp_list_read(const struct cdp_list_def *d, struct cdp_in *in,
		  const struct cdp_list_sink *sink, struct cdp_err *err);

#endif
