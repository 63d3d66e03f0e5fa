/* The last profile of each customer, as it came, in a directory that survives: what a
 * run that follows profiles (model/live.h) holds the next ones against; and where it
 * follows events as well, each one's row (model/liverow.h).
 *
 * Puts are seen at once and durable with the next commit; a run that is killed leaves
 * what it had committed.  One process at a time; another one is refused. */
#ifndef CDP_MODEL_LIVESTORE_H
#define CDP_MODEL_LIVESTORE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct cdp_livestore;

/* DIR/live, both made if need be; the parent of DIR must exist.  `key` is what customers
 * are told apart by: a usage error if it was another one. */
struct cdp_livestore *cdp_livestore_open(const char *dir, const char *key,
					 struct cdp_err *err);
/* What was not committed is undone.  NULL is fine. */
void cdp_livestore_close(struct cdp_livestore *s);

/* 1 and the line, borrowed until the next put; 0: none; -1 with *err.  A key that is too
 * long is a data error. */
int cdp_livestore_get(struct cdp_livestore *s, const char *key, size_t n,
		      const char **line, size_t *line_n, struct cdp_err *err);
int cdp_livestore_put(struct cdp_livestore *s, const char *key, size_t n,
		      const char *line, size_t line_n, struct cdp_err *err);
/* The same of rows, and of whatever else is told by a name. */
enum cdp_livetable { CDP_LIVE_PROFILES, CDP_LIVE_ROWS, CDP_LIVE_ABOUT };
int cdp_livestore_find(struct cdp_livestore *s, enum cdp_livetable table, const char *key,
		       size_t n, const char **p, size_t *len, struct cdp_err *err);
int cdp_livestore_keep(struct cdp_livestore *s, enum cdp_livetable table, const char *key,
		       size_t n, const char *p, size_t len, struct cdp_err *err);
/* Calls for each key of a table in order of bytes; what it returns but 0 ends it, and is
 * returned.  It may find and keep. */
int cdp_livestore_each(struct cdp_livestore *s, enum cdp_livetable table,
		       int (*call)(void *ctx, const char *key, size_t n,
				   struct cdp_err *err),
		       void *ctx, struct cdp_err *err);
/* How much of a feed was dealt with; all 0 of one that is not known. */
struct cdp_livefeed {
	uint64_t lines;
	/* The last record among them, by which it is told from another feed. */
	uint64_t line, hash;
};
int cdp_livestore_feed(struct cdp_livestore *s, const char *name,
		       struct cdp_livefeed *feed, struct cdp_err *err);
int cdp_livestore_set_feed(struct cdp_livestore *s, const char *name,
			   const struct cdp_livefeed *feed, struct cdp_err *err);
/* Bytes that were put since the last commit. */
size_t cdp_livestore_pending(const struct cdp_livestore *s);
int cdp_livestore_commit(struct cdp_livestore *s, struct cdp_err *err);

#endif
