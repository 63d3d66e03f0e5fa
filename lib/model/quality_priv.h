/* What the files of quality share; nobody else includes this. */
#ifndef CDP_MODEL_QUALITY_PRIV_H
#define CDP_MODEL_QUALITY_PRIV_H

#include "base/buf.h"
#include "base/intern.h"
#include "model/quality.h"

enum { QUALITY_TYPES = 5, QUALITY_HOURS = 24 };

/* Values of a property, on the day or on those before it. */
struct quality_values {
	uint64_t n, null; /* present; null or empty */
	uint64_t types[QUALITY_TYPES];
};

struct quality_prop {
	struct quality_values now, before;
};

/* Seconds of the day that have an event: a list while they are few. */
struct quality_seconds {
	uint32_t *v;
	size_t n, cap;
	uint64_t *bits; /* NULL: the list */
};

/* A source and event. */
struct quality_cell {
	uint32_t **hours;        /* by days back, each NULL or 24 counts */
	uint64_t events, before; /* of the day, of those before */
	uint64_t duplicates, rejected, same_id, ahead, violating, implausible, on_time;
	int64_t first_ms, last_ms;
	struct cdp_delays delays;
	struct quality_seconds seconds;
	struct cdp_intern *keys; /* of properties; NULL: none */
	struct quality_prop *props;
	size_t props_cap;
};

struct cdp_quality {
	const struct cdp_quality_days *days;
	struct cdp_intern *names; /* source, NUL, event */
	struct quality_cell *cells;
	size_t cells_cap;
	struct cdp_intern *reasons; /* source, NUL, event, NUL, path, NUL, reason */
	uint64_t *reason_counts;
	size_t reasons_cap;
	struct cdp_intern *checks; /* names as above */
	int64_t *check_counts;
	size_t checks_cap;
	struct cdp_buf key;
	/* The event whose properties are told. */
	struct quality_cell *cell;
	bool now;
};

size_t quality_day_seconds(const struct cdp_quality *q);
/* Ascending, each once; a list of the caller's. */
uint32_t *quality_seconds_list(const struct cdp_quality *q,
			       const struct quality_seconds *s, size_t *n);

/* quality.c.  A cell is made if it is new; a key is that of `names`. */
struct quality_cell *quality_cell_of_key(struct cdp_quality *q, const char *p, size_t n);
void quality_add_hour(struct quality_cell *c, unsigned back, unsigned hour, uint32_t n);
void quality_add_second(const struct cdp_quality *q, struct quality_seconds *s,
			uint32_t v);
struct quality_prop *quality_prop_of(struct quality_cell *c, const char *key, size_t n);
void quality_merge_values(struct quality_values *into, const struct quality_values *from);
void quality_add_reason(struct cdp_quality *q, const char *p, size_t n, uint64_t count);
void quality_add_check(struct cdp_quality *q, const char *p, size_t n, int64_t count);

#endif
