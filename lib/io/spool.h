/* What a run must put aside and read again: a file in $TMPDIR (else /tmp) that has no
 * name, so that nothing is left behind however the process ends.  Written first, then
 * rewound and read from the start; or opened again by others through its path. */
#ifndef CDP_IO_SPOOL_H
#define CDP_IO_SPOOL_H

#include "base/err.h"

#include <stddef.h>

struct cdp_spool;

struct cdp_spool *cdp_spool_new(struct cdp_err *err);
void cdp_spool_free(struct cdp_spool *s); /* NULL is fine */
int cdp_spool_write(struct cdp_spool *s, const void *p, size_t n, struct cdp_err *err);
/* Everything is in the file, and reading starts at its first byte. */
int cdp_spool_rewind(struct cdp_spool *s, struct cdp_err *err);
/* 1: n bytes; 0: fewer are left; -1: error. */
int cdp_spool_read(struct cdp_spool *s, void *p, size_t n, struct cdp_err *err);
/* A name under which this process can open it, after rewind. */
const char *cdp_spool_path(const struct cdp_spool *s);

#endif
