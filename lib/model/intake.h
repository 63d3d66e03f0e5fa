/* What is done to a canonical record between its reader and its output (cdp-collect(1)):
 * clocks are corrected and what lies in the future is dealt with, then the tracking plan
 * is applied, then virtual events are made.
 *
 *	cdp_reader_record(reader, rec, out, &info, &err)		appends it
 *	cdp_intake_record(intake, out, at, &info, &err)		changes or refuses it
 *	... its LF, its note for de-duplication ...
 *	while (cdp_intake_more(intake, out, &info))		records made of it
 *		... likewise ...
 */
#ifndef CDP_MODEL_INTAKE_H
#define CDP_MODEL_INTAKE_H

#include "format/canon.h"
#include "lang/expr.h"
#include "model/plan.h"
#include "model/virtual.h"

enum cdp_future { CDP_FUTURE_REJECT, CDP_FUTURE_KEEP, CDP_FUTURE_CLAMP };

struct cdp_intake_opts {
	const struct cdp_run *run; /* outlives the configuration */
	/* Clocks of devices that are off by more than this are corrected (model/skew.h);
	 * 0: none are. */
	int64_t skew_ms;
	/* What becomes of records that are more than an hour ahead of when they were
	 * received, if that is known, else of the base time.  The reader must let them
	 * through (cdp_format_opts.future_keep). */
	enum cdp_future future;
	int64_t base_ms; /* CDP_NO_TIME: nothing is ahead of it */
	/* Records received more than this after their time are counted; 0: they are not.
	 */
	int64_t late_ms;
	bool late_days;           /* and their days are noted */
	const char *plan_file;    /* NULL: no plan */
	bool coverage;            /* what of the plan is seen is counted */
	const char *virtual_file; /* rules for virtual events; NULL: none */
	/* A plan is drafted from the records, which are not wanted for themselves: each
	 * is gone after cdp_intake_record. */
	bool infer;
};

struct cdp_intake_counts {
	uint64_t shifted, future, late;
	struct cdp_plan_counts plan;
	struct cdp_virtual_counts made;
};

/* Configuration, shared by threads; counts are added up in it. */
struct cdp_intake_conf;
/* 0, or -1 with a usage or system error. */
int cdp_intake_conf_new(struct cdp_intake_conf **out, const struct cdp_intake_opts *opts,
			struct cdp_err *err);
void cdp_intake_conf_free(struct cdp_intake_conf *c);
/* Whether what becomes of a record depends on those before it: who wants the same result
 * in every run gives them in the same order, from one thread. */
bool cdp_intake_conf_is_ordered(const struct cdp_intake_conf *c);
const struct cdp_intake_counts *cdp_intake_conf_counts(const struct cdp_intake_conf *c);
/* Rows of the days of late records, in the zone of the run (model/latedays.h). */
void cdp_intake_conf_late_days(const struct cdp_intake_conf *c, struct cdp_buf *out);
/* The rows of coverage, if it was asked for. */
void cdp_intake_conf_coverage(const struct cdp_intake_conf *c, struct cdp_buf *out);
/* The plan that was drafted, if that was asked for. */
void cdp_intake_conf_draft(const struct cdp_intake_conf *c, struct cdp_buf *out);

/* One a thread. */
struct cdp_intake;
struct cdp_intake *cdp_intake_new(struct cdp_intake_conf *c);
/* Adds its counts to the configuration's (calls must not run beside each other) and frees
 * it. */
void cdp_intake_merge(struct cdp_intake *s);

/* The record from out->p + at to the end, without LF, was just written; `info` is what
 * its reader told, and stays true.  1, perhaps with other bytes in its place; 0: it was
 * only looked at, and is gone; -1 with a data error: it is refused, what stands there
 * then is to be taken back. */
int cdp_intake_record(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		      struct cdp_canon *info, struct cdp_err *err);
/* 1: another record that was made of the last one was appended, without LF, and *info
 * tells of it; 0: there is no more. */
int cdp_intake_more(struct cdp_intake *s, struct cdp_buf *out, struct cdp_canon *info);

#endif
