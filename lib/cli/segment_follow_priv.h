/* What segment_follow.c and segment_whole.c share. */
#ifndef CDP_CLI_SEGMENT_FOLLOW_PRIV_H
#define CDP_CLI_SEGMENT_FOLLOW_PRIV_H

#include "cli/segment_follow.h"
#include "model/live.h"
#include "model/livepeople.h"
#include "model/livestore.h"

#define SEGMENT_NO_TIME INT64_MIN

/* Leaves those of `wanted` that can be followed, and tells which cannot; *more: their
 * rules ask for more than profiles say, or for
 * all customers at once. */
int segment_followed(struct cdp_cli *cli, const struct cdp_segment_follow *f,
		     uint64_t *wanted, bool *more, struct cdp_err *err);

struct segment_whole;

/* A line of its own as a record of profiles; it lasts until the next one. */
struct segment_line {
	struct cdp_scan *scan;
	struct cdp_buf text;
};
void segment_line_init(struct segment_line *l, const struct cdp_paths *paths);
void segment_line_release(struct segment_line *l);
int segment_line_read(struct segment_line *l, const char *line, size_t n,
		      struct cdp_rec *rec, struct cdp_err *err);

struct segment_following {
	struct cdp_cli *cli;
	const struct cdp_segment_follow *f;
	struct cdp_live *live;
	int as_of_slot, deleted_slot;
	char as_of[CDP_TIME_CANON]; /* of the run */
	bool held;                  /* the output is in its place at the end alone */
	bool block_over; /* the lines of all profiles so far are on their way */
	uint64_t stale, entered, left;
	struct cdp_buf names;      /* of audiences, as JSON */
	size_t *name_at;           /* by audience, and where the last one ends */
	struct cdp_livefeed now;   /* `lines`: of all blocks before */
	struct cdp_livefeed known; /* of the feed, in earlier runs */
	/* What there was, in memory: */
	struct cdp_livepeople *people;
	uint32_t *classes;
	/* or in a store: */
	struct cdp_livestore *store;
	struct segment_line line;
	/* More than profiles is followed; or NULL. */
	struct segment_whole *whole;
};

/* A profile, or that there is none any more. */
struct segment_sight {
	const struct cdp_val *key;
	bool there;
	int64_t as_of; /* milliseconds, or SEGMENT_NO_TIME */
};
int segment_follow_sight(const struct segment_following *w, struct cdp_rec *rec,
			 struct segment_sight *s, struct cdp_err *err);
/* Lines for what changed, as of then, or SEGMENT_NO_TIME; how many. */
size_t segment_follow_write(struct segment_following *w, const char *key, size_t n,
			    int64_t as_of, const struct cdp_live_change *v, size_t count,
			    struct cdp_buf *out);
/* All that was written leaves, and what led to it is kept. */
int segment_follow_keep(struct segment_following *w, struct cdp_err *err);

/* 1 where this fails but was told, -1 with *err.  `wanted` as of cdp_live_new(). */
int segment_whole_begin(struct segment_following *w, const uint64_t *wanted,
			struct cdp_err *err);
/* Both fine if it never began; the second one after cdp_live_free(). */
void segment_whole_end(struct segment_following *w);
void segment_whole_free(struct segment_following *w);
/* The records of the start, then those that come. */
int segment_whole_start(struct segment_following *w, struct cdp_err *err);
int segment_whole_record(struct segment_following *w, struct cdp_rec *rec,
			 struct cdp_emit *emit, struct cdp_err *err);
/* Whether the day is over by the clock; and for how long it is not. */
bool segment_whole_is_due(const struct segment_following *w);
int segment_whole_wait_ms(const struct segment_following *w);
/* The next day, where all before was kept. */
int segment_whole_turn(struct segment_following *w, struct cdp_err *err);

#endif
