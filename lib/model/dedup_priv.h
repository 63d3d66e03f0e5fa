/* What the files of dedup share; nobody else includes this. */
#ifndef CDP_MODEL_DEDUP_PRIV_H
#define CDP_MODEL_DEDUP_PRIV_H

#include "io/journal.h"
#include "io/keyrun.h"
#include "model/dedup.h"

enum { DEDUP_RUNS = 64 };

struct dedup_run {
	struct cdp_keyrun *keys;
	uint64_t number; /* of its file */
};

/* Times are kept as seconds in 32 bits, which suffice: what lives is at most a window
 * (and what a wrong clock adds) apart. */
struct cdp_dedup {
	/* The table: open addressing, the place being the high bits of the id, so that
	 * it is nearly sorted by id.  `tail` places after the last take what does not
	 * fit before it.  content 0: free. */
	struct cdp_key *v;
	size_t cap, n, max_cap;
	int64_t window_s, latest_ms;
	int64_t mark; /* second of the latest time, INT64_MIN before the first */
	uint64_t seed;
	/* Older runs first; each has more than twice the keys of the next. */
	struct dedup_run runs[DEDUP_RUNS];
	unsigned nruns;
	/* What survives; dir NULL: nothing. */
	char *dir;
	int lock;
	struct cdp_journal *journal;
	uint64_t generation, next_file;
	/* Keys that are in neither journal nor runs; too many of them: `overflow`, the
	 * list is given up and the table becomes a run. */
	struct cdp_key *pending;
	size_t npending, pending_cap;
	uint64_t uncommitted;
	bool overflow, new_runs;
	/* Files that the directory still names and that are needed no more. */
	uint64_t *garbage;
	size_t ngarbage, garbage_cap;
};

static inline bool dedup_is_live(const struct cdp_dedup *d, uint32_t at)
{
	return (int32_t)((uint32_t)d->mark - at) <= d->window_s;
}

/* dedup.c: notes the key without asking. */
int dedup_put(struct cdp_dedup *d, uint64_t id, uint32_t content, uint32_t at,
	      struct cdp_err *err);

/* dedup_runs.c */
/* What lives in the table becomes a run; the table is empty. */
int dedup_spill(struct cdp_dedup *d, struct cdp_err *err);
/* Where a run lives; NULL without a directory.  The caller frees. */
char *dedup_run_path(const struct cdp_dedup *d, uint64_t number);

/* dedup_state.c */
int dedup_state_open(struct cdp_dedup *d, const char *dir, struct cdp_err *err);
void dedup_state_close(struct cdp_dedup *d);
void dedup_state_note(struct cdp_dedup *d, const struct cdp_key *key);

#endif
