/* Records that came twice, within a window of their own time.
 *
 * A record is known by 64 bits of a hash of its id and 32 of a hash of its content.  Both
 * equal: the same record delivered again.  Only the id equal: another record under a used
 * id.  That two different records agree in all 96 bits is less likely than 1 in 10^11 for
 * a thousand million of them.
 *
 * Memory: 16 bytes a record in a table that is a quarter to three quarters full, so 21 to
 * 64 bytes a record in the window, and once more while the table is made anew.  What is
 * older than the window, counted back from the latest time seen, is forgotten then. */
#ifndef CDP_MODEL_DEDUP_H
#define CDP_MODEL_DEDUP_H

#include <stddef.h>
#include <stdint.h>

struct cdp_dedup;

enum cdp_seen {
	CDP_SEEN_NEW,
	CDP_SEEN_AGAIN,   /* the same record */
	CDP_SEEN_ID_ONLY, /* its id with other content; noted as well */
	CDP_SEEN_TOO_OLD, /* before the window: not looked for, not noted */
};

/* `window_ms` > 0.  Times after `latest_ms` (INT64_MAX: none) do not move the window: one
 * wrong clock would make it forget all others. */
struct cdp_dedup *cdp_dedup_new(int64_t window_ms, int64_t latest_ms);
void cdp_dedup_free(struct cdp_dedup *d);

enum cdp_seen cdp_dedup_see(struct cdp_dedup *d, uint64_t id, uint32_t content,
			    int64_t ms);

size_t cdp_dedup_memory(const struct cdp_dedup *d); /* bytes */

#endif
