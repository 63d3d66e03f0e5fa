#include "model/delays.h"

#include <stdlib.h>

#include "base/mem.h"

enum { EXACT = 2 * CDP_DELAY_PAGE, LONGEST = 46 }; /* bits of the longest delay */

void cdp_delays_release(struct cdp_delays *d)
{
	for (unsigned p = 0; p < CDP_DELAY_PAGES; p++)
		free(d->page[p]);
	*d = (struct cdp_delays){ 0 };
}

/* Pages 0 and 1 hold single milliseconds; page 2 those from 256, two to a bucket ... */
static unsigned bucket_of(int64_t ms)
{
	unsigned bits;

	if (ms < EXACT)
		return ms < 0 ? 0 : (unsigned)ms;
	if (ms >> (LONGEST + 1))
		ms = ((int64_t)1 << (LONGEST + 1)) - 1;
	bits = 63 - (unsigned)__builtin_clzll((uint64_t)ms);
	return (bits - 6) * CDP_DELAY_PAGE + ((unsigned)(ms >> (bits - 7)) & 127);
}

int64_t cdp_delays_value(unsigned page, unsigned i)
{
	return page < 2 ? page * CDP_DELAY_PAGE + i
			: (int64_t)(CDP_DELAY_PAGE + i) << (page - 1);
}

static int64_t upper_edge(unsigned page, unsigned i)
{
	return cdp_delays_value(page, i) +
	       (page < 2 ? 0 : ((int64_t)1 << (page - 1)) - 1);
}

void cdp_delays_add(struct cdp_delays *d, int64_t ms, uint64_t times)
{
	unsigned b = bucket_of(ms);
	uint64_t **page = &d->page[b / CDP_DELAY_PAGE];

	if (!*page)
		*page = cdp_calloc(CDP_DELAY_PAGE, sizeof(**page));
	(*page)[b % CDP_DELAY_PAGE] += times;
	d->n += times;
	if (ms > d->max)
		d->max = ms;
}

void cdp_delays_merge(struct cdp_delays *into, const struct cdp_delays *from)
{
	for (unsigned p = 0; p < CDP_DELAY_PAGES; p++) {
		if (!from->page[p])
			continue;
		if (!into->page[p])
			into->page[p] =
				cdp_calloc(CDP_DELAY_PAGE, sizeof(*into->page[p]));
		for (unsigned i = 0; i < CDP_DELAY_PAGE; i++)
			into->page[p][i] += from->page[p][i];
	}
	into->n += from->n;
	if (from->max > into->max)
		into->max = from->max;
}

int64_t cdp_delays_at(const struct cdp_delays *d, unsigned per_mille)
{
	uint64_t want = (uint64_t)(((unsigned __int128)d->n * per_mille + 999) / 1000);
	uint64_t seen = 0;

	if (!d->n)
		return -1;
	for (unsigned p = 0; p < CDP_DELAY_PAGES; p++)
		for (unsigned i = 0; d->page[p] && i < CDP_DELAY_PAGE; i++) {
			seen += d->page[p][i];
			if (seen >= want && d->page[p][i]) {
				int64_t edge = upper_edge(p, i);

				return edge < d->max ? edge : d->max;
			}
		}
	return d->max;
}
