/* Shifts of the clocks of devices. */
#include "model/skew.h"
#include "tap.h"

enum { MINUTE = 60000 };

static void sessions(void)
{
	struct cdp_skew *s = cdp_skew_new(5 * MINUTE);

	is_int(cdp_skew_shift(s, 1, true, 1000, -9 * MINUTE), -9 * MINUTE,
	       "a clock that is off by more than the threshold is corrected");
	is_int(cdp_skew_shift(s, 1, true, 2000, -9 * MINUTE + 30000), -9 * MINUTE,
	       "and all records of a session alike, whatever their way took");
	is_int(cdp_skew_shift(s, 1, true, 90000000, 0), -9 * MINUTE,
	       "also long after, where the session has a name");
	is_int(cdp_skew_shift(s, 2, true, 1000, 5 * MINUTE), 0,
	       "exactly the threshold is not too much");
	is_int(cdp_skew_shift(s, 2, true, 2000, 99 * MINUTE), 0,
	       "and what the first record says holds for the session");
	cdp_skew_free(s);
}

static void gaps(void)
{
	struct cdp_skew *s = cdp_skew_new(5 * MINUTE);

	is_int(cdp_skew_shift(s, 0, false, 0, 9 * MINUTE), 9 * MINUTE,
	       "a session without a name, whatever its hash,");
	is_int(cdp_skew_shift(s, 0, false, CDP_SKEW_GAP_MS, 0), 9 * MINUTE,
	       "goes on for half an hour");
	is_int(cdp_skew_shift(s, 0, false, 2 * CDP_SKEW_GAP_MS, 0), 9 * MINUTE,
	       "after its latest record");
	is_int(cdp_skew_shift(s, 0, false, 3 * CDP_SKEW_GAP_MS + 1, 7 * MINUTE),
	       7 * MINUTE, "then there is a new one");
	cdp_skew_free(s);
}

static void memory(void)
{
	struct cdp_skew *s = cdp_skew_new(1);
	bool all = true;

	cdp_skew_shift(s, 1, true, 0, 77);
	for (uint64_t i = 2; i < CDP_SKEW_SESSIONS; i++)
		cdp_skew_shift(s, i, true, 0, 77);
	for (uint64_t i = 1; i < CDP_SKEW_SESSIONS; i++)
		all = all && cdp_skew_shift(s, i, true, 0, 0) == 77;
	ok(all, "as many sessions as promised are remembered");
	for (uint64_t i = 0; i < CDP_SKEW_SESSIONS * 2; i++)
		cdp_skew_shift(s, 1000000 + i, true, 0, 77);
	is_int(cdp_skew_shift(s, 1, true, 0, 0), 0, "one that is long past is forgotten");
	cdp_skew_free(s);
}

int main(void)
{
	sessions();
	gaps();
	memory();
	return tap_done();
}
