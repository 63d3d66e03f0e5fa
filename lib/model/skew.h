/* Skew of the clocks of devices: how far received lies after sent, one shift for all
 * records of a session, so that none of them changes its place among the others.
 *
 * The first record of a session decides: its shift is received - sent if that is more
 * than the threshold either way, else 0.  A session ends where records name another one,
 * or, of records that name none, after half an hour without a record of the device.
 *
 * Sessions are remembered in two generations of fixed size; when one is full the older is
 * forgotten, so that at least the last CDP_SKEW_SESSIONS are known.  About 25 MiB.  Calls
 * from several threads are safe; who wants the same answers in every run makes them in
 * the same order. */
#ifndef CDP_MODEL_SKEW_H
#define CDP_MODEL_SKEW_H

#include <stdbool.h>
#include <stdint.h>

enum { CDP_SKEW_SESSIONS = 3 << 17, CDP_SKEW_GAP_MS = 30 * 60 * 1000 };

struct cdp_skew;
struct cdp_skew *cdp_skew_new(int64_t threshold_ms);
void cdp_skew_free(struct cdp_skew *s);

/* The shift in ms of a record.  `key` is a hash of the device and, if `named`, of the
 * session's name; `ms` is the time that the device gave; `late` is received - sent, or
 * 0. */
int64_t cdp_skew_shift(struct cdp_skew *s, uint64_t key, bool named, int64_t ms,
		       int64_t late);

#endif
