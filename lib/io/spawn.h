/* An external program with pipes to its standard input and output, fed and read at the
 * same time, so that neither side ever waits for the other in a circle.
 *
 *	p = cdp_spawn_start(argv, 30000, &err);
 *	cdp_spawn_talk(p, lines, n, &answers, &err);         any number of times
 *	cdp_spawn_finish(p, &answers, &status, &err);
 *
 * Its standard error is ours; our files are all opened close-on-exec and do not reach it.
 * A program belongs to one thread. */
#ifndef CDP_IO_SPAWN_H
#define CDP_IO_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

struct cdp_spawn;

/* Starts argv[0], found by PATH.  It is killed once nothing moves in either direction for
 * `idle_ms` milliseconds while we wait for it (negative: we wait for ever).  NULL with
 * *err if it cannot be started. */
struct cdp_spawn *cdp_spawn_start(char *const *argv, int idle_ms, struct cdp_err *err);

/* Write n bytes; what the program answers meanwhile is appended to `out`.  Bytes that it
 * no longer wants to read are dropped: its exit status says why.  -1: a system error
 * (silence, more answers than out->max); only kill makes sense then. */
int cdp_spawn_talk(struct cdp_spawn *s, const void *p, size_t n, struct cdp_buf *out,
		   struct cdp_err *err);
/* Close its input, append the rest of its output, wait for its end and free s (in any
 * case).  *status is its exit status, or 128 plus the number of the signal that ended it.
 * Success without having read all of its input is an error. */
int cdp_spawn_finish(struct cdp_spawn *s, struct cdp_buf *out, int *status,
		     struct cdp_err *err);
void cdp_spawn_kill(struct cdp_spawn *s); /* at once, waits and frees; NULL is fine */

#endif
