/* Locks between processes: fcntl on a file, released by the death of the holder. */
#ifndef CDP_IO_LOCK_H
#define CDP_IO_LOCK_H

#include "base/err.h"

/* Opens (making it) and locks PATH; a held lock is a system error naming the holder's
 * pid. Returns a descriptor to pass to cdp_lock_release(), or -1. */
int cdp_lock_take(const char *path, struct cdp_err *err);
void cdp_lock_release(int fd);

#endif
