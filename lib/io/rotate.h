/* Files of records in a directory that others pick up: a file is written under a hidden
 * name (".NAME.part") and gets its own name, a time with the suffix, when it is done and
 * on disk.  So whoever takes what has the suffix takes whole files, in the order of their
 * names.
 *
 * What a process that was killed left is finished by the next one: whole lines are kept.
 * The caller sees to it that no two processes use one directory (io/lock.h).
 *
 * One user at a time; but what is done to a file may run beside what is done to the
 * whole, sync before its file was cut. */
#ifndef CDP_IO_ROTATE_H
#define CDP_IO_ROTATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_rotate;
struct cdp_rotate_file;

/* `dir` and `suffix` (".ndjson") outlive it.  `often`: files are brought to disk again
 * and again while they are written, and hidden ones may have zeros at their end. */
struct cdp_rotate *cdp_rotate_new(const char *dir, const char *suffix, bool often);
/* Files that were not cut and finished stay hidden. */
void cdp_rotate_free(struct cdp_rotate *r);
/* Finish what was left in the directory; *files and *lost are files that got their names
 * and bytes of half lines that were cut off. */
int cdp_rotate_recover(const char *dir, size_t *files, uint64_t *lost,
		       struct cdp_err *err);

/* Whole lines without zeros, all or none.  A file begun now is named after `now_ms`
 * (since 1970). */
int cdp_rotate_add(struct cdp_rotate *r, const void *p, size_t n, int64_t now_ms,
		   struct cdp_err *err);
/* Of the file that is being written: its bytes (0: there is none) and its now_ms. */
uint64_t cdp_rotate_size(const struct cdp_rotate *r);
int64_t cdp_rotate_begun(const struct cdp_rotate *r);
/* That file, or NULL. */
struct cdp_rotate_file *cdp_rotate_current(const struct cdp_rotate *r);
/* What was added to it so far is on disk. */
int cdp_rotate_sync(struct cdp_rotate_file *f, struct cdp_err *err);

/* Take the file away, so that the next line begins another; NULL: there is none. */
struct cdp_rotate_file *cdp_rotate_cut(struct cdp_rotate *r);
/* Onto disk and under its name; frees it in any case. */
int cdp_rotate_finish(struct cdp_rotate_file *f, struct cdp_err *err);

#endif
