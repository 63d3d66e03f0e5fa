/* Whole files, mapped for reading.
 *
 * For files that are replaced by rename and never shortened while they are in use: who
 * shortens one under a reader ends it (SIGBUS). */
#ifndef CDP_IO_MAPPED_H
#define CDP_IO_MAPPED_H

#include "base/err.h"

#include <stddef.h>

struct cdp_mapped {
	const char *p; /* page-aligned; never NULL once open */
	size_t n;
};

/* 1 mapped; 0 there is no such file, and nothing is open; -1. */
int cdp_mapped_open(struct cdp_mapped *m, const char *path, struct cdp_err *err);
void cdp_mapped_close(struct cdp_mapped *m); /* also of zeros; open again or not */

#endif
