/* What cdp-quality(1) reads: events, duplicates and rejects as cdp-collect wrote them,
 * and an authority's counts. */
#ifndef CDP_MODEL_QUALITY_IN_H
#define CDP_MODEL_QUALITY_IN_H

#include "format/reject.h"
#include "model/quality.h"

struct cdp_quality_slots {
	int source, sent, received, props, duplicate_of, violations; /* of events */
	int reason, path;                                            /* of rejects */
	struct cdp_reject_slots raw;
	int day, count; /* of counts */
};
/* One set of paths for all kinds of input. */
int cdp_quality_paths(struct cdp_quality_slots *s, struct cdp_paths *paths,
		      struct cdp_err *err);

/* One a thread. */
struct cdp_quality_reader {
	const struct cdp_quality_slots *slots;
	struct cdp_quality *to;
	const char *only; /* the source of all records, whatever they say, or NULL */
	char day[11];     /* "2024-04-30": counts of other days are passed over */
	struct cdp_buf source, event, text;
};
void cdp_quality_reader_init(struct cdp_quality_reader *r,
			     const struct cdp_quality_slots *slots,
			     const struct cdp_quality_days *days);
void cdp_quality_reader_release(struct cdp_quality_reader *r); /* not `to` */

/* 0, or -1 with a data error.  Records that are no events pass. */
int cdp_quality_read_event(struct cdp_quality_reader *r, struct cdp_rec *rec,
			   struct cdp_err *err);
int cdp_quality_read_duplicate(struct cdp_quality_reader *r, struct cdp_rec *rec,
			       struct cdp_err *err);
/* Reasons are counted without what they quote of the record. */
int cdp_quality_read_reject(struct cdp_quality_reader *r, struct cdp_rec *rec,
			    struct cdp_err *err);
int cdp_quality_read_count(struct cdp_quality_reader *r, struct cdp_rec *rec,
			   struct cdp_err *err);

/* A reason without quoted text and place: "'*' is no time". */
void cdp_quality_reason(struct cdp_buf *out, const char *p, size_t n);

#endif
