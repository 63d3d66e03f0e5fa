/* CSV in (RFC 4180, libcsv) and out.  Fields are bytes: nothing is trimmed, guessed or
 * converted but the character set.  A quote inside an unquoted field is a byte like any
 * other, as spreadsheets read it.
 *
 * Lines end with LF or CR LF; with CR alone in a file whose first line does.
 *
 * A bad row never takes the next one with it.  What cannot be a row (text after a closing
 * quote, a quote that is never closed, the other kind of line end inside, a row or a
 * number of fields over its ceiling) is an error for the line where the row began, and
 * reading goes on with the line after that one.  A row with an undecodable byte is an
 * error as a whole.  Blank lines are skipped. */
#ifndef CDP_IO_CSV_H
#define CDP_IO_CSV_H

#include "base/buf.h"
#include "base/err.h"
#include "io/in.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CDP_CSV_FIELDS = 16384 };

struct cdp_csv_opts {
	char delimiter; /* 0: ',' */
	/* Fields are never quoted, a quote is a byte like any other: tab-separated and
	 * '|'-separated exports. */
	bool unquoted;
	/* A name cdp_charset_new() knows, NULL: UTF-8.  The byte order mark of an input
	 * (UTF-8, UTF-16LE, UTF-16BE, GB18030) comes before it. */
	const char *charset;
	size_t row_max;    /* bytes of a row as read; 0: CDP_IN_LINE_MAX */
	size_t fields_max; /* of a row; 0: CDP_CSV_FIELDS */
	/* Rows over row_max, without their line end, are streamed here (NULL: dropped);
	 * -1 with *err ends the reading. */
	int (*long_sink)(void *ctx, const char *p, size_t n, struct cdp_err *err);
	void *ctx;
};

struct cdp_csv_field {
	const char *p; /* UTF-8, not terminated */
	size_t n;
};

struct cdp_csv_row {
	const struct cdp_csv_field *fields; /* borrowed until the next call */
	size_t count;                       /* at least 1; 0 after an error */
	uint64_t line;                      /* of its first byte, in its input, from 1 */
	unsigned input;                     /* index of the operand */
	const char *name;                   /* its name for messages */
	const char *charset;                /* the name of its character set */
	bool first; /* nothing of this input came before: the header */
	/* The bytes as read, without the line end; borrowed likewise.  NULL with the true
	 * length and the SHA-256 of what the sink got if they pass row_max. */
	const char *raw;
	size_t raw_len;
	char long_sha256[65];
};

struct cdp_csv;

/* NULL with a usage error: unknown character set, unusable delimiter.  `in` is borrowed
 * and must not be read by others meanwhile. */
struct cdp_csv *cdp_csv_new(struct cdp_in *in, const struct cdp_csv_opts *opts,
			    struct cdp_err *err);
void cdp_csv_free(struct cdp_csv *csv);

/* Instead of an input (`in` was NULL): the bytes of rows without a header, kept until all
 * rows were read.  May be called again then. */
void cdp_csv_give(struct cdp_csv *csv, const char *p, size_t n);

/* 1: a row.  0: end of the last input.  -1: *err, call again for what follows: of data
 * kind, then all of *row but its fields is set (to reject it); of system kind: an input
 * failed, the row it was cut in is dropped, and the next operand comes next. */
int cdp_csv_next(struct cdp_csv *csv, struct cdp_csv_row *row, struct cdp_err *err);

/* --- writing --- */

/* Append a field, after the delimiter unless it is the first (column 0).  Quoted when it
 * has the delimiter, a quote, CR or LF or a space at an end, and when it is an empty
 * first one (the row could else be a blank line). */
void cdp_csv_add_field(struct cdp_buf *out, char delimiter, size_t column, const char *p,
		       size_t n);
void cdp_csv_end_row(struct cdp_buf *out); /* LF */

#endif
