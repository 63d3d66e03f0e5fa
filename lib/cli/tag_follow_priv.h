/* What the files of tag_follow share. */
#ifndef CDP_CLI_TAG_FOLLOW_PRIV_H
#define CDP_CLI_TAG_FOLLOW_PRIV_H

#include "cli/tag_follow.h"
#include "cli/tag_merges.h"
#include "cli/tag_outside.h"
#include "model/taglive.h"

#define NOT_YET INT64_MAX

struct follow {
	struct cdp_cli *cli;
	struct cdp_tag_reading *t;
	const struct cdp_tag_follow_opts *o;
	struct cdp_run *run;
	bool by_clock; /* days end by the clock, else by the times of events */
	struct cdp_tagstate *state;
	struct cdp_taglive *live;
	struct cdp_tail *tail;
	struct cdp_tag_merges *merges; /* or NULL */
	struct cdp_tag_outside outside;
	bool watches;
	struct cdp_job job;
	void *worker;
	struct cdp_scan *scan;
	struct cdp_rec *kept;
	struct cdp_emit *emit;
	/* Of the block at hand, up to where it is taken. */
	const char *taken;
	uint64_t taken_lines;
	int signals;
	/* When something is due, on the clock that only goes forward; NOT_YET. */
	int64_t write_at, save_at, look_at, survey_at;
	/* Relations that are not in any profile yet, and persons who have other names in
	 * them. */
	bool relations_new;
	bool survey_due;           /* there was something since the last one */
	uint64_t own, saves, days; /* own: bytes of memory after the last save */
	struct cdp_err *err;
};

/* Signals, state, what is read beside it, inputs.  0, or -1 as cdp_tag_follow(). */
int tf_open(struct follow *f);
/* -1, and that it was told. */
int tf_told(struct follow *f);

#endif
