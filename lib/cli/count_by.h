/* How often each value was met, as result rows. */
#ifndef CDP_CLI_COUNT_BY_H
#define CDP_CLI_COUNT_BY_H

#include "cli/rows.h"

struct cdp_count_by;
struct cdp_count_by *cdp_count_by_new(void);
void cdp_count_by_free(struct cdp_count_by *t); /* NULL is fine */
/* Values are JSON texts, equal where their bytes are. */
void cdp_count_by_add(struct cdp_count_by *t, const char *json, size_t n);
void cdp_count_by_add_missing(struct cdp_count_by *t);
/* `from` is freed. */
void cdp_count_by_merge(struct cdp_count_by *into, struct cdp_count_by *from);
bool cdp_count_by_is_empty(const struct cdp_count_by *t); /* no value */
/* Rows {"result":NAME,"by":VALUE,"count":N}, the most frequent first, ties by bytes; what
 * has none in the last one, with `tell` as "missing":true. */
void cdp_count_by_write(const struct cdp_count_by *t, struct cdp_rows *rows,
			const char *name, bool tell);

#endif
