/* Locks between processes: an open-file-description lock (fcntl) on a file, released by
 * the death of the holder.  The file holds the holder's process id and stays when the
 * lock is released: removing it would let two processes lock two files of one name. */
#ifndef CDP_IO_LOCK_H
#define CDP_IO_LOCK_H

#include "base/err.h"

/* Opens (making it) and locks PATH; a held lock is a system error naming the holder's
 * pid ("'PATH' is locked by process 123").  Never waits; excludes other holders in the
 * same process too.  Returns a descriptor to pass to cdp_lock_release(), or -1. */
int cdp_lock_take(const char *path, struct cdp_err *err);
void cdp_lock_release(int fd);

#endif
