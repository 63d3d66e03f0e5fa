/* Values of tags with a schedule, while a state is followed (model/taglive.h): those of
 * the base time at which each tag was due last.
 *
 * They are in force from some later base time on, and those before them are kept as well:
 * who dies in between goes on with what had been told.  So for one base time there is one
 * answer, whenever it is asked for.
 *
 * Memory: a customer's key and some 40 bytes, 8 bytes a tag, and each different value
 * once; twice that while they are saved. */
#ifndef CDP_MODEL_TAGKEPT_H
#define CDP_MODEL_TAGKEPT_H

#include "model/tagset.h"

struct cdp_tagkept;

struct cdp_tagkept *cdp_tagkept_new(const struct cdp_tagset *set);
void cdp_tagkept_free(struct cdp_tagkept *k); /* NULL is fine */

/* In a file, which is replaced at once; one that is not there has nothing.  What was
 * known of somebody who became another person is that one's, as far as it has none. */
struct cdp_tagkept_became {
	const char *(*key)(void *ctx, const char *key, size_t n, size_t *len);
	void *ctx;
};
int cdp_tagkept_load(struct cdp_tagkept *k, const char *path,
		     const struct cdp_tagkept_became *became, struct cdp_err *err);
int cdp_tagkept_save(const struct cdp_tagkept *k, const char *path, struct cdp_err *err);

/* Whether values are in force for profiles of this base time, and as of when they were
 * computed. */
bool cdp_tagkept_since(const struct cdp_tagkept *k, unsigned tag, int64_t base_ms,
		       int64_t *since_ms);
/* One of them, as JSON; NULL: the customer has none. */
const char *cdp_tagkept_get(const struct cdp_tagkept *k, unsigned tag, int64_t base_ms,
			    const char *key, size_t n, size_t *len);

/* New ones, none at first, computed as of `since` and in force from `from` on. */
void cdp_tagkept_begin(struct cdp_tagkept *k, unsigned tag, int64_t since_ms,
		       int64_t from_ms);
void cdp_tagkept_put(struct cdp_tagkept *k, unsigned tag, const char *key, size_t n,
		     const char *json, size_t len);
void cdp_tagkept_join(struct cdp_tagkept *k, const char *from, size_t from_n,
		      const char *into, size_t into_n);

#endif
