/* Outputs: a descriptor, one 256 KiB buffer, a sticky first error.
 *
 * Every write is checked; after a failure every call returns -1 at once with the same
 * error, so endless input to a full disk ends promptly.  "-" is standard output (widened
 * if a pipe). A path is written atomically: a temporary file in the same directory,
 * fsync, rename, fsync of the directory at cdp_out_close(); removed by cdp_out_abandon(),
 * by a failing close and by the signals of io/tempfile.h.  It keeps the permissions of a
 * file it replaces; a symbolic link stays, the file it names is replaced.  What exists
 * and is no regular file (/dev/null, a FIFO) is written as it is.  A name ending in .gz
 * or .zst is compressed so (zstd in independent, line-aligned frames of about 4 MiB).
 *
 * A reader that went away is CDP_ERR_PIPE where SIGPIPE is ignored. */
#ifndef CDP_IO_OUT_H
#define CDP_IO_OUT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cdp_out;

struct cdp_out *cdp_out_open(const char *path, struct cdp_err *err); /* "-": stdout */
struct cdp_out *cdp_out_fd(int fd, const char *name); /* borrowed fd; name for messages */
/* Kept until the buffer is full.  Bytes of one call are not split between two write(2)
 * calls unless they exceed the buffer: who passes whole lines, writes whole lines. */
int cdp_out_write(struct cdp_out *o, const void *p, size_t n);
int cdp_out_flush(struct cdp_out *o);
/* The same, and on disk where it is a file that is written as it is. */
int cdp_out_sync(struct cdp_out *o);
/* Flush, fsync and rename where due, close, free (in any case).  0 or -1 with *err (the
 * sticky one).  A borrowed descriptor stays open. */
int cdp_out_close(struct cdp_out *o, struct cdp_err *err);
/* The error path: no flush, temporary removed, errno kept. */
void cdp_out_abandon(struct cdp_out *o);
const struct cdp_err *cdp_out_error(const struct cdp_out *o); /* NULL if none */
bool cdp_out_is_regular(const struct cdp_out *o);
bool cdp_out_is_atomic(const struct cdp_out *o); /* nobody sees it before it is closed */

/* Whole small files: replaced atomically (as they are: the name asks for no compression),
 * and read with a ceiling; the result has a NUL after its n bytes and is freed by the
 * caller. */
int cdp_file_replace(const char *path, const void *p, size_t n, struct cdp_err *err);
char *cdp_file_read(const char *path, size_t max, size_t *n, struct cdp_err *err);

#endif
