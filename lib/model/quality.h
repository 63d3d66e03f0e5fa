/* What a day's events are worth (cdp-quality(1)): volume, gaps, filling, types and delays
 * of each source and event, held against the days before, and five scores a source.
 *
 * Everything is kept as sums, maxima and sets, so the result does not depend on the order
 * of records nor on how they were divided.  Memory for a source and event: some 500
 * bytes, 96 for each day it occurred on, up to 12 KiB for the seconds of the day and
 * 1 KiB for each power of two among its delays, 200 bytes for a property. */
#ifndef CDP_MODEL_QUALITY_H
#define CDP_MODEL_QUALITY_H

#include "base/zone.h"
#include "model/delays.h"
#include "record/scan.h"

enum { CDP_QUALITY_DAYS = 60, CDP_QUALITY_USUAL = 5 };

/* The day in question and those before it, by which it is judged. */
struct cdp_quality_days {
	int64_t day;   /* civil day number */
	unsigned back; /* earlier days, 0 .. CDP_QUALITY_DAYS */
	/* Epoch seconds: start[0] is the end of the day, start[1] its start, start[2]
	 * that of the day before ... */
	int64_t start[CDP_QUALITY_DAYS + 2];
	int64_t on_time_ms; /* a delay of at most this is none */
	int64_t ahead_ms;   /* a time this much after received is wrong */
};
/* The last whole civil day at `as_of_s`. */
void cdp_quality_days_init(struct cdp_quality_days *d, const struct cdp_zone *zone,
			   int64_t as_of_s, unsigned back);

struct cdp_quality;
struct cdp_quality *cdp_quality_new(const struct cdp_quality_days *days);
void cdp_quality_free(struct cdp_quality *q);
/* Adds all of `from` and frees it. */
void cdp_quality_merge(struct cdp_quality *into, struct cdp_quality *from);

/* An empty source or event is one that is not known. */
struct cdp_quality_name {
	const char *source, *event;
	size_t source_n, event_n;
};
#define CDP_QUALITY_NO_TIME INT64_MIN
struct cdp_quality_facts {
	int64_t ms, sent_ms, received_ms; /* the delay is until received, else sent */
	bool same_id;                     /* its id was used before for another */
	bool violating;                   /* it differs from the tracking plan */
};
/*
 * Whether the event lies in the day or those before it; then its properties are told by
 * cdp_quality_prop() until the next call. */
bool cdp_quality_event(struct cdp_quality *q, const struct cdp_quality_name *name,
		       const struct cdp_quality_facts *facts);
void cdp_quality_prop(struct cdp_quality *q, const char *key, size_t n,
		      const struct cdp_val *value);
/* A record that was dropped as it came again. */
void cdp_quality_duplicate(struct cdp_quality *q, const struct cdp_quality_name *name,
			   int64_t ms);
/* A record that was set aside that day. */
void cdp_quality_reject(struct cdp_quality *q, const struct cdp_quality_name *name,
			const char *path, size_t path_n, const char *reason,
			size_t reason_n);
/* How many events there are by an authority's count; an empty source: of all sources. */
void cdp_quality_count(struct cdp_quality *q, const struct cdp_quality_name *name,
		       int64_t count);

/* --- results: in ascending order of source and event; texts are borrowed --- */

/* Shares are NAN where there is nothing to divide by. */
struct cdp_quality_row {
	struct cdp_quality_name name;
	uint64_t events, duplicates, rejected, no_delay;
	uint64_t same_id, ahead, violating, implausible; /* the last: any of these */
	double usual_events; /* median of the days like it; NAN: there are none */
	int64_t first_ms, last_ms;
	int64_t gap_s, gap_start_s;         /* the longest without an event */
	uint32_t usual_hours, silent_hours; /* bit h: hour h; silent ones are usual */
	unsigned properties, drifted;
	double missing, null;       /* of all values that could be there */
	int64_t p50, p90, p99, max; /* ms; -1: no delay is known */
};
struct cdp_quality_prop {
	struct cdp_quality_name name;
	const char *key;
	size_t key_n;
	uint64_t values;          /* present, null or not */
	uint64_t types[5];        /* of those that are not null or empty */
	double missing, null;     /* of the events */
	double usual_missing;     /* on the days before; NAN: there are none */
	const char *type, *usual; /* "string" ..., NULL: none */
	uint64_t drifted;         /* values of other types than usual */
};
extern const char *const cdp_quality_types[5];
struct cdp_quality_source {
	const char *name;
	size_t n;
	uint64_t events, names, duplicates, rejected;
	double usual_events;
	double plausibility, accuracy, continuity, completeness, timeliness;
};
struct cdp_quality_check {
	struct cdp_quality_name name;
	int64_t events, count; /* -1: not there at all */
};
struct cdp_quality_why {
	struct cdp_quality_name name;
	const char *path, *reason;
	size_t path_n, reason_n;
	uint64_t count;
};

/* Each returns 0, or -1 to stop. */
struct cdp_quality_sink {
	void *ctx;
	int (*source)(void *ctx, const struct cdp_quality_source *r);
	int (*row)(void *ctx, const struct cdp_quality_row *r);
	int (*prop)(void *ctx, const struct cdp_quality_prop *r);
	int (*why)(void *ctx, const struct cdp_quality_why *r);
	int (*check)(void *ctx, const struct cdp_quality_check *r);
};
/* All sources, then all rows, properties, reasons and checks; members of the sink may be
 * NULL.  0, or what stopped it. */
int cdp_quality_report(struct cdp_quality *q, const struct cdp_quality_sink *sink);

#endif
