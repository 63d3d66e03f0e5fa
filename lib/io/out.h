/* Outputs: a descriptor, one 256 KiB buffer, a sticky first error.
 *
 * Every write is checked; after a failure every call returns -1 at once with the same
 * error, so endless input to a full disk ends promptly.  "-" is standard output (widened
 * if a pipe). A path is written atomically: a temporary file in the same directory,
 * fsync, rename, fsync of the directory at cdp_out_close(); removed by cdp_out_abandon()
 * and on SIGINT/SIGTERM.  A name ending in .gz or .zst is compressed so (zstd in
 * independent, line-aligned frames of about 4 MiB). */
#ifndef CDP_IO_OUT_H
#define CDP_IO_OUT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cdp_out;

struct cdp_out *cdp_out_open(const char *path, struct cdp_err *err); /* "-": stdout */
struct cdp_out *cdp_out_fd(int fd, const char *name); /* borrowed fd; name for messages */
int cdp_out_write(struct cdp_out *o, const void *p, size_t n);
int cdp_out_flush(struct cdp_out *o);
/* Flush, fsync and rename where due, close, free.  0 or -1 with *err (the sticky one). */
int cdp_out_close(struct cdp_out *o, struct cdp_err *err);
/* The error path: no flush, temporary removed, errno kept. */
void cdp_out_abandon(struct cdp_out *o);
const struct cdp_err *cdp_out_error(const struct cdp_out *o); /* NULL if none */
bool cdp_out_is_regular(const struct cdp_out *o);

/* Whole small files, atomically; and read whole with a ceiling. */
int cdp_file_replace(const char *path, const void *p, size_t n, struct cdp_err *err);
char *cdp_file_read(const char *path, size_t max, size_t *n, struct cdp_err *err);

#endif
