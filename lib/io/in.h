/* Inputs: a list of operands read as blocks of whole lines.
 *
 * Operands are file names or "-" (standard input, once).  None = standard input.  gzip
 * and zstd are recognised by content (concatenated members; a truncated one is an error,
 * never an end of file).  A UTF-8 BOM at the start of an input is skipped.  A block never
 * spans two inputs; every line in it is complete (the last line of an input may lack its
 * LF, then one is supplied).  NUL bytes and CRs are passed on.  Files are read with
 * read(2) in 256 KiB blocks; a pipe is widened to 1 MiB, and as soon as a read from one
 * completes a line, what is there is handed on.
 *
 * When an input fails in the middle (cut or corrupt compressed data, a read error), the
 * lines completed before come first, then the error.  A line cut by it is dropped: it
 * could look whole.
 *
 * One struct cdp_in may be shared by threads if calls to cdp_in_block are serialised by
 * the caller; blocks belong to their callers. */
#ifndef CDP_IO_IN_H
#define CDP_IO_IN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CDP_IN_BLOCK = 256 * 1024,
	CDP_IN_PAD = 64, /* readable bytes after a block's last byte, for wide loads */
};
#define CDP_IN_LINE_MAX ((size_t)16 << 20)

struct cdp_in;

struct cdp_block {
	char *data; /* in room: whole lines, LF-ended; then CDP_IN_PAD zeros */
	size_t len;
	char *room;       /* owned */
	size_t cap;       /* of it */
	uint64_t seq;     /* 0, 1, 2 ... over all inputs */
	unsigned input;   /* index of the operand */
	const char *name; /* its name for messages: "standard input" for "-" */
	uint64_t offset;  /* of data in the (decompressed) input */
	bool first;       /* first block of its input */
	/* A line longer than the ceiling comes after the lines of the block (those of
	 * cdp_in_block have none then) with these set: nothing of it is kept here. */
	bool overlong;
	uint64_t long_length, long_offset; /* bytes without LF; offset in the sink */
	char long_sha256[65];
	/* Of cdp_in_take(). */
	bool pending;     /* to be fetched */
	bool long_unread; /* the sink did not get the overlong line: cdp_in_long() */
	struct cdp_range_file *range;
	uint64_t from, to, long_at; /* in the file */
};

struct cdp_in_opts {
	size_t line_max; /* 0: CDP_IN_LINE_MAX */
	/* Called before a read (or the opening of a FIFO) that is going to wait; never
	 * for regular files: flush what you owe. */
	void (*before_wait)(void *ctx);
	/* For how many milliseconds it may wait until before_wait() is called again; -1:
	 * for ever, as without this. */
	int (*wait_ms)(void *ctx);
	/* Overlong lines, without LF, are streamed here (NULL: dropped); returns 0, or -1
	 * with *err, which ends that input. */
	int (*long_sink)(void *ctx, const char *p, size_t n, struct cdp_err *err);
	void *ctx;
};

/* The operand strings are borrowed as long as the input and its blocks are in use. */
struct cdp_in *cdp_in_new(char *const *operands, const struct cdp_in_opts *opts);
void cdp_in_free(struct cdp_in *in);

void cdp_block_init(struct cdp_block *b);
void cdp_block_release(struct cdp_block *b);

/* 1: *b is filled; 0: end of the last input; -1: *err (system kind) names the input: it
 * is abandoned, and the next call goes on with the next operand, so a caller reports,
 * remembers status 4 and calls again; b->input and b->name tell which.  "-" given twice
 * is a usage error of the first call: nothing is read, and the next call returns 0. */
int cdp_in_block(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err);

/* The same for several threads: of a plain file, cdp_in_take() gives no more than the
 * next range, and cdp_in_fetch(), which needs no order and no lock, reads the lines that
 * begin in it (perhaps none; b->len is 0 then).  A file has the size that it had when it
 * was opened.  cdp_in_fetch() does nothing for other blocks.  1, or -1 with *err; after
 * an error no more ranges of that file are given. */
int cdp_in_take(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err);
int cdp_in_fetch(struct cdp_block *b, struct cdp_err *err);
/* The bytes of a block's overlong line that is unread, without LF. */
int cdp_in_long(struct cdp_block *b,
		int (*sink)(void *ctx, const char *p, size_t n, struct cdp_err *err),
		void *ctx, struct cdp_err *err);

/* Raw (decompressed) bytes for formats that are not lines (CSV), BOM included: 1 and
 * b->len > 0 bytes in b->data, 0 at the end of all inputs, -1 as above; b->first marks
 * the next operand that has any bytes. Do not mix with cdp_in_block. */
int cdp_in_bytes(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err);

/* Bytes read so far (compressed ones count as they are stored; any thread may ask) and
 * the total if every input is a plain file (else 0): for
 * progress. */
void cdp_in_progress(const struct cdp_in *in, uint64_t *done, uint64_t *total);
/* True if a call may wait for a producer (pipe, terminal, socket). */
bool cdp_in_may_wait(const struct cdp_in *in);
/* True if all operands are regular files (then -j defaults to the number of cores). */
bool cdp_in_is_files(const struct cdp_in *in);

#endif
