/* What segment_job.c and segment_worker.c share. */
#ifndef CDP_CLI_SEGMENT_JOB_PRIV_H
#define CDP_CLI_SEGMENT_JOB_PRIV_H

#include "cli/segment_job.h"
#include "model/segcut.h"

/* Where the lines of a block of input stand, once it is committed. */
struct segment_place {
	struct segment_place *next;
	const char *name;
	uint64_t base;
	uint64_t seq;
};

/* The first profile, in order of input, for which a rule ended in an error.  Of what was
 * gathered the first customer: by place from 1 on. */
struct segment_mishap {
	const struct segment_place *place; /* NULL: gathered */
	uint64_t line;                     /* 0: none */
	struct cdp_err err;
};

struct segment_shared {
	struct cdp_cli *cli;
	struct cdp_segment_job *job;
	struct cdp_segment_plan plan;
	const uint64_t *wanted; /* audiences whose members are kept */
	unsigned step;
	bool counts; /* and rows are not kept */
	/* Then in a second pass: customers who have several rows, and no others. */
	const struct cdp_intern *twice;
	/* Who is in those that earlier steps have decided and this one needs: bit i is
	 * audience earlier_sets[i]. */
	struct cdp_members *earlier;
	uint32_t *earlier_sets, earlier_count;
	/* By place in the step, as bits: audiences that are samples, those that are kept.
	 */
	uint64_t *samples, *keeps;
	struct cdp_audience_part **parts;
	unsigned part_count, part_cap;
	struct cdp_segcut **cuts; /* by part */
	unsigned cut_count, cut_cap;
	struct segment_mishap first;
	/* of commits */
	const char *name;
	uint64_t base, seq;
};

struct segment_worker {
	struct segment_shared *s;
	struct cdp_rule_block *block;
	struct cdp_rule_cost *cost; /* or NULL */
	struct cdp_audience_part *part;
	struct cdp_segcut *cut;
	struct cdp_known *known; /* of w->ev; or NULL */
	uint64_t *sampled;       /* scratch, a bit a row */
	uint32_t first;          /* row of the block's first */
	uint64_t *errors;        /* by place */
	uint64_t failed;         /* rules that ended in an error, to be counted */
	uint64_t profiles;
	/* Until a rule ended in an error: the records of the block, and which had one. */
	struct segment_mishap mishap;
	struct segment_place *places;
	struct cdp_buf lines;
	struct segment_kept {
		const struct segment_place *place;
		uint64_t line;
		size_t at, n;
		uint32_t customer;
	} * kept;
	uint64_t *odd;
	struct cdp_eval *ev;
	/* of what was gathered */
	struct cdp_scan *scan;
	struct cdp_buf no_profile;
};

/* Of a record loop over profiles; ctx is the segment_shared. */
void *segment_worker_new(void *ctx);
int segment_worker_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
			  struct cdp_err *err);
/* The second pass; what is no profile was told before. */
int segment_worker_again(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
			 struct cdp_err *err);
int segment_worker_commit(void *ctx, struct cdp_emit *emit, struct cdp_err *err);
int segment_worker_merge(void *ctx, void *worker, struct cdp_err *err);
/* The profile of a customer of what was gathered; `place` is that among them. */
void segment_worker_gathered(struct segment_worker *w, struct cdp_rec *rec,
			     uint32_t place, uint32_t customer);

#endif
