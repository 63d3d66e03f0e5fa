/* Inputs that go on: standard input, files that others write to, directories that others
 * put files into.  Lines are handed on as soon as they are whole.
 *
 * A file is read on as it grows.  When another file has taken its name (it was rotated),
 * the one that was open is read to its end first; one that became shorter is read anew.
 * Of a directory the files whose names end in .ndjson and do not begin with a dot are
 * read once, in the order of their names, each to the end that it has; they are expected
 * to be complete when they get that name.  Plain text alone: compressed input is an
 * error.
 *
 * The place in an input is known, so that it can be gone on from it.  What is before the
 * place is told by hashes: it is an error, or with files another file, if it is not what
 * it was.
 *
 * A last line of standard input that is not whole is not read, and that is told: when the
 * producer says it again, it goes on there.  One thread. */
#ifndef CDP_IO_TAIL_H
#define CDP_IO_TAIL_H

#include "base/err.h"
#include "io/in.h"

/* All before `offset` was taken, so many lines. */
struct cdp_tail_place {
	uint64_t offset, lines;
	uint64_t first, last; /* hashes of up to a KiB at the start and before offset */
};

struct cdp_tail_opts {
	size_t line_max; /* 0: CDP_IN_LINE_MAX */
	int wake;        /* a descriptor that ends waiting when it can be read; or -1 */
	/* What happened to a file, for people. */
	void (*note)(void *ctx, const char *text);
	/* As in struct cdp_in_opts. */
	int (*long_sink)(void *ctx, const char *p, size_t n, struct cdp_err *err);
	void *ctx;
};

struct cdp_tail;

struct cdp_tail *cdp_tail_new(const struct cdp_tail_opts *opts);
void cdp_tail_free(struct cdp_tail *t); /* NULL is fine */
/* "-" is standard input, known as "<TITLE".  A file or directory must be there; it is
 * known by its path from the root, and so are the files of a directory. */
int cdp_tail_add(struct cdp_tail *t, const char *path, const char *title,
		 struct cdp_err *err);
static inline bool cdp_tail_is_standard(const char *name)
{
	return name[0] == '<';
}
/* Where to go on with what has this name; before it is read. */
void cdp_tail_go_on(struct cdp_tail *t, const char *name,
		    const struct cdp_tail_place *place);

enum cdp_tail_what { CDP_TAIL_QUIET, CDP_TAIL_BLOCK, CDP_TAIL_END };
/* CDP_TAIL_BLOCK: *b has whole lines, or an overlong one, until the next call, which
 * takes what was not taken yet; CDP_TAIL_QUIET: there is nothing, and `wait_ms` (-1: no
 * limit) are over, or it was woken; CDP_TAIL_END: all inputs have ended, as standard
 * input does and files do not.  -1: *err. */
int cdp_tail_next(struct cdp_tail *t, int64_t wait_ms, struct cdp_block *b,
		  struct cdp_err *err);
/* Of the last block so many bytes, which are so many lines, are taken by now. */
void cdp_tail_take(struct cdp_tail *t, size_t bytes, uint64_t lines);
void cdp_tail_take_rest(struct cdp_tail *t);
/* Lines before the last block in its input. */
uint64_t cdp_tail_lines(const struct cdp_tail *t);

/* The i-th input of which something was taken; false after the last. */
bool cdp_tail_place(const struct cdp_tail *t, size_t i, const char **name,
		    struct cdp_tail_place *place);

#endif
