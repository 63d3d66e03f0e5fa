/* What segment_whole.c, segment_days.c and segment_cuts.c share. */
#ifndef CDP_CLI_SEGMENT_WHOLE_PRIV_H
#define CDP_CLI_SEGMENT_WHOLE_PRIV_H

#include "cli/segment_follow_priv.h"
#include "cli/segment_ties.h"
#include "model/livecut.h"
#include "model/livekeep.h"

struct segment_whole {
	struct cdp_tag_reading *t;
	struct cdp_job job; /* of t */
	void *worker;
	unsigned gathered; /* records, by this worker */
	struct cdp_liverows *rows;
	struct cdp_livekeep *keep;
	struct cdp_livekept kept;
	struct segment_ties *ties; /* relations; or NULL: nobody asks for them */
	bool by_clock; /* days end by the clock, else by the times of events */
	uint64_t days;
	/* The customer at hand: */
	const char *key;
	size_t key_n;
	bool known;    /* has a row */
	bool profiled; /* and a profile, */
	int64_t as_of; /* of then */
	struct cdp_buf name, bytes, blank;
	struct cdp_liverow was, is;
	struct cdp_rec profile; /* the last one, or that there is none */
	struct segment_line new;
	uint32_t *asks; /* what the record touched */
	size_t ask_count, ask_cap;
	struct cdp_buf out;
	/* Audiences that are cut by rank; or NULL. */
	struct cdp_livecuts *cuts;
	const uint64_t *wanted;
	bool referred; /* others refer to them */
	bool turning;
	uint64_t *told; /* flips of a customer, a bit a cut */
	struct cdp_live_change *changes;
};

/* Of o->key: the row, as it is and by the windows of then; and the profile. */
int segment_whole_row(struct segment_following *w, const struct cdp_livewindows *was,
		      struct cdp_err *err);
int segment_whole_profile(struct segment_following *w, struct cdp_err *err);
/* What changed, out of what is known of both sides (NULL: nobody), as lines. */
int segment_whole_decide(struct segment_following *w, struct cdp_rec *was,
			 struct cdp_rec *is, int64_t as_of, struct cdp_buf *out,
			 uint64_t *lines, struct cdp_err *err);

/* The base time is this one from now on. */
void segment_days_set(struct segment_following *w, int64_t base_ms);
int64_t segment_days_end(const struct cdp_run *run, struct cdp_time at, bool is_end);
/* An event after the end of the day ends it. */
int segment_days_event(struct segment_following *w, int64_t ms, struct cdp_emit *emit,
		       struct cdp_err *err);
/* Another base time, outside of records. */
int segment_days_turn(struct segment_following *w, int64_t base_ms, struct cdp_err *err);

void segment_cuts_begin(struct segment_following *w, const uint64_t *wanted);
void segment_cuts_end(struct segment_whole *o);
/* The customer at hand, of whom both sides are known. */
void segment_cuts_rank(struct segment_following *w, struct cdp_rec *is);
/* What it did to others, once what is new of it is kept. */
int segment_cuts_others(struct segment_following *w, int64_t as_of, struct cdp_buf *out,
			uint64_t *lines, struct cdp_err *err);
/* All anew; `turning` is over with segment_cuts_ranked(). */
int segment_cuts_rank_all(struct segment_following *w, struct cdp_err *err);
void segment_cuts_ranked(struct segment_following *w);

#endif
