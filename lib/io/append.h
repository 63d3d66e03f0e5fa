/* Whole lines at the end of a descriptor that is open for writing: all of a call's bytes
 * are taken, or none.
 *
 * On a regular file what could not be written to its end is cut off again.  A pipe (or
 * what else there is) whose reader is slow is waited for at most as long as the caller
 * says; if it took a part by then, the rest goes out before anything else later on, and
 * the call has failed all the same: its lines may be there twice in the end, but not
 * half.  One user at a time; SIGPIPE is ignored by the caller. */
#ifndef CDP_IO_APPEND_H
#define CDP_IO_APPEND_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct cdp_append {
	int fd; /* borrowed */
	const char *name;
	bool regular;
	bool slow;     /* the last call waited in vain: the next one does not wait */
	int64_t end;   /* of a regular file: bytes that count */
	int64_t ready; /* if more: up to here it has zeros */
	struct cdp_buf debt;
};

/* `name` is for messages and outlives it. */
int cdp_append_init(struct cdp_append *a, int fd, const char *name, struct cdp_err *err);
void cdp_append_release(struct cdp_append *a);

/* 0; or -1: nothing was taken, and a later call may succeed unless it is CDP_ERR_PIPE. */
int cdp_append(struct cdp_append *a, const void *p, size_t n, int64_t wait_ms,
	       struct cdp_err *err);

/* Before a call that appends n bytes to a regular file that is often brought to disk and
 * not open for appending only: sees to it that now and then some zeros are written ahead.
 * To overwrite them leaves the file's size and blocks as they are, and so fdatasync(2)
 * has the bytes alone to write, nothing of the file system.  Whoever reads the file cuts
 * it off at `end`, or at the first zero.  What cannot be written ahead is not. */
void cdp_append_ahead(struct cdp_append *a, size_t n);

/* The first `size` bytes of a file up to and with their last line end: how many; or -1
 * with errno. */
int64_t cdp_append_whole(int fd, int64_t size);
/* Where in it the first zero is, or `size`; or -1 with errno. */
int64_t cdp_append_text(int fd, int64_t size);

#endif
