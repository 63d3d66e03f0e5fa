/* Temporary files that a signal does not leave behind.
 *
 * SIGINT, SIGTERM, SIGHUP, SIGPIPE and SIGXFSZ remove every registered file and then end
 * the process as they do by default; a signal that is ignored or has another handler when
 * the first file is made is left alone.  The list is the one writable state of this layer
 * that lives as long as the process. */
#ifndef CDP_IO_TEMPFILE_H
#define CDP_IO_TEMPFILE_H

#include "base/err.h"

#include <sys/types.h>

struct cdp_tempfile; /* its path and place in the list */

/* Make an empty file in the directory of `beside` and open it for writing; permissions
 * are `mode` less the umask.  NULL with *err naming `beside`. */
struct cdp_tempfile *cdp_tempfile_new(const char *beside, mode_t mode, int *fd,
				      struct cdp_err *err);
/* rename(2) to `path` and forget; 0, or -1 with errno and the file removed.  Frees t. */
int cdp_tempfile_rename(struct cdp_tempfile *t, const char *path);
void cdp_tempfile_remove(struct cdp_tempfile *t); /* frees t */
/* Remove every registered file; for ends that are no signals.  Allocates nothing. */
void cdp_tempfile_remove_all(void);

/* A file without a name in `dir`, open for reading and writing, gone when it is closed:
 * its descriptor, or -1 with errno. */
int cdp_tempfile_nameless(const char *dir);

#endif
