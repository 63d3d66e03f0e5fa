/* Keyed state that survives: an LMDB environment in a directory.
 *
 * One writer at a time (LMDB's own lock; a second one waits); a transaction is all or
 * nothing, also at kill -9, and durable when commit returns.  Keys and values are bytes;
 * keys of 1 to 511 bytes: hash longer ones before.  Iteration is in key byte order.
 * Values returned are borrowed until the transaction ends or writes.
 *
 * Size: the memory map is only address space; the file is as large as what it holds.  The
 * map is 64 GiB, or four times the file where that is more, so that one transaction can
 * never fill it; between transactions it is doubled once it is half full.  Where the
 * address space is limited (ulimit -v) it is as large as it can be, and a transaction
 * that fills it fails with a message that says so.
 *
 * A process opens a directory once at a time.  A store and its transactions belong to one
 * thread; reading transactions may be open while one writes. */
#ifndef CDP_IO_STORE_H
#define CDP_IO_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CDP_STORE_KEY_MAX = 511 };

struct cdp_store;
struct cdp_txn;

struct cdp_bytes {
	const void *p;
	size_t n;
};

/* Opens DIR (made if missing when writable; its parent must exist) with up to `tables`
 * named tables.  `format` is a short name and version ("idmap 1") kept inside: a
 * directory with another one is refused with a clear error. */
struct cdp_store *cdp_store_open(const char *dir, const char *format, unsigned tables,
				 bool writable, struct cdp_err *err);
void cdp_store_close(struct cdp_store *s); /* aborts nothing: end transactions first */

struct cdp_txn *cdp_txn_begin(struct cdp_store *s, bool writable, struct cdp_err *err);
/* Ends the transaction in any case; durable when it returns 0, undone when -1. */
int cdp_txn_commit(struct cdp_txn *t, struct cdp_err *err);
void cdp_txn_abort(struct cdp_txn *t); /* NULL is fine */

/* 1 found, 0 not, -1 error.  `table` is a name; tables are made on first put. */
int cdp_txn_get(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes *value, struct cdp_err *err);
/* After a failed put or delete only abort makes sense. */
int cdp_txn_put(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes value, struct cdp_err *err);
int cdp_txn_delete(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		   struct cdp_err *err); /* 1 deleted, 0 was not there */
/* In key order from the first key >= *from (NULL: the first).  `each` returns 0 to go on,
 * 1 to stop, -1 for an error of its own.  It may put and delete in the same transaction:
 * the iteration goes on with the first key after the one it was given; what it was given
 * is then no longer valid. */
int cdp_txn_each(struct cdp_txn *t, const char *table, const struct cdp_bytes *from,
		 int (*each)(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
			     struct cdp_err *err),
		 void *ctx, struct cdp_err *err);

#endif
