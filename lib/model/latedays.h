/* Civil days of records that came late: what was computed of these days is to be computed
 * again. */
#ifndef CDP_MODEL_LATEDAYS_H
#define CDP_MODEL_LATEDAYS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Days with how many records, ascending; starts as zeros. */
struct cdp_latedays {
	struct cdp_lateday {
		int64_t day; /* as cdp_days_from_civil() */
		uint64_t n;
	} * v;
	size_t n, cap;
};

void cdp_latedays_add(struct cdp_latedays *l, int64_t day, uint64_t n);
void cdp_latedays_merge(struct cdp_latedays *to, const struct cdp_latedays *from);
/* A row a day: {"day":"2024-05-01","late":17}. */
void cdp_latedays_write(const struct cdp_latedays *l, struct cdp_buf *out);
void cdp_latedays_release(struct cdp_latedays *l);

#endif
