/* Keyed state that survives: an LMDB environment in a directory.
 *
 * One writer at a time (LMDB's own lock); a transaction is all or nothing, also at kill
 * -9. Keys and values are bytes; keys at most 511 bytes: hash longer ones before.
 * Iteration is in key byte order.  Values returned are borrowed until the transaction
 * ends or writes. */
#ifndef CDP_IO_STORE_H
#define CDP_IO_STORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_store;
struct cdp_txn;

struct cdp_bytes {
	const void *p;
	size_t n;
};

/* Opens DIR (made if missing when writable) with up to `tables` named tables.  The map
 * grows as needed.  `format` is a short name and version ("idmap 1") kept inside: a
 * directory with another one is refused with a clear error. */
struct cdp_store *cdp_store_open(const char *dir, const char *format, unsigned tables,
				 bool writable, struct cdp_err *err);
void cdp_store_close(struct cdp_store *s);

struct cdp_txn *cdp_txn_begin(struct cdp_store *s, bool writable, struct cdp_err *err);
int cdp_txn_commit(struct cdp_txn *t,
		   struct cdp_err *err); /* durable when it returns 0 */
void cdp_txn_abort(struct cdp_txn *t);

/* 1 found, 0 not, -1 error.  `table` is a name; tables are made on first use. */
int cdp_txn_get(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes *value, struct cdp_err *err);
int cdp_txn_put(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes value, struct cdp_err *err);
int cdp_txn_delete(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		   struct cdp_err *err); /* 1 deleted, 0 was not there */
/* In key order from the first key >= *from (NULL: the first).  `each` returns 0 to go on,
 * 1 to stop, -1 for an error of its own. */
int cdp_txn_each(struct cdp_txn *t, const char *table, const struct cdp_bytes *from,
		 int (*each)(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
			     struct cdp_err *err),
		 void *ctx, struct cdp_err *err);

#endif
