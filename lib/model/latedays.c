#include "model/latedays.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"

void cdp_latedays_add(struct cdp_latedays *l, int64_t day, uint64_t n)
{
	size_t i = l->n;

	/* From the end: most are of the days before the last one. */
	while (i && l->v[i - 1].day > day)
		i--;
	if (!i || l->v[i - 1].day != day) {
		CDP_GROW(l->v, l->n, l->cap);
		memmove(l->v + i + 1, l->v + i, (l->n - i) * sizeof(*l->v));
		l->v[i++] = (struct cdp_lateday){ .day = day };
		l->n++;
	}
	l->v[i - 1].n += n;
}

void cdp_latedays_merge(struct cdp_latedays *to, const struct cdp_latedays *from)
{
	for (size_t i = 0; i < from->n; i++)
		cdp_latedays_add(to, from->v[i].day, from->v[i].n);
}

void cdp_latedays_write(const struct cdp_latedays *l, struct cdp_buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		int32_t year;
		int8_t month, day;

		cdp_civil_from_days(l->v[i].day, &year, &month, &day);
		cdp_buf_addf(out, "{\"day\":\"%04d-%02d-%02d\",\"late\":%" PRIu64 "}\n",
			     (int)year, month, day, l->v[i].n);
	}
}

void cdp_latedays_release(struct cdp_latedays *l)
{
	free(l->v);
	*l = (struct cdp_latedays){ 0 };
}
