/* What was gathered of one customer, kept as bytes between two records: partials of
 * aggregates by pane (model/pane.h), changes of attributes, rows of details, relations.
 * A record is gathered by itself, as everything is (model/customers.h), and then added.
 *
 * Base times are starts of civil days and only go forward, so what no later window can
 * part is one partial, and what none can have is left out.
 *
 * For lib/model/live*.c, and the loop that follows records. */
#ifndef CDP_MODEL_LIVEROW_H
#define CDP_MODEL_LIVEROW_H

#include "base/buf.h"
#include "model/customers.h"
#include "model/facts.h"

struct cdp_livepart {
	uint32_t agg;
	int64_t pane; /* INT64_MIN: all time up to the base time */
	const char *p;
	size_t n;
};

enum cdp_livefact {
	CDP_LIVE_FORGET,
	CDP_LIVE_ATTRIBUTE,
	CDP_LIVE_DETAIL,
	CDP_LIVE_RELATION,
	CDP_LIVE_FACTS
};

struct cdp_liverow {
	bool gathered;              /* anything ever was */
	struct cdp_livepart *parts; /* by aggregate, then pane */
	size_t part_count, part_cap;
	const char *text, *end; /* of the facts, until they are asked for */
	struct cdp_fact *facts[CDP_LIVE_FACTS];
	size_t fact_count[CDP_LIVE_FACTS], fact_cap[CDP_LIVE_FACTS];
	struct cdp_arena arena;
};
void cdp_liverow_init(struct cdp_liverow *row);
void cdp_liverow_release(struct cdp_liverow *row);

/* Windows of aggregates before a base time. */
struct cdp_livewindows {
	int64_t base_ms;
	int64_t *from, *to; /* by aggregate */
};

struct cdp_liverows {
	const struct cdp_tagset *set;
	const struct cdp_zone *zone;
	struct cdp_panes *panes;
	/* Of the base time, and of the one before it. */
	struct cdp_livewindows now, before;
	struct cdp_customers *fresh;
	uint32_t *always, always_count; /* aggregates that every event concerns */
	/* Numbers of names in rows, and by such a number the name's own or UINT32_MAX. */
	uint32_t *number[CDP_LIVE_FACTS], *own[CDP_LIVE_FACTS], own_count[CDP_LIVE_FACTS];
	bool *new[CDP_LIVE_FACTS]; /* by name */
	bool fills;
	struct cdp_buf text;
};

/* `set` is borrowed; windows of its aggregates are opened.  cdp_liverows_turn() comes
 * first. */
struct cdp_liverows *cdp_liverows_new(struct cdp_tagset *set,
				      const struct cdp_zone *zone);
void cdp_liverows_free(struct cdp_liverows *r); /* NULL is fine */
/* Another base time, a later one. */
void cdp_liverows_turn(struct cdp_liverows *r, int64_t base_ms);

/* The names that rows have numbers of: by CDP_LIVE_FORGET aggregates, else attributes,
 * details and relations. */
uint32_t cdp_liverows_names(const struct cdp_liverows *r, enum cdp_livefact kind);
const char *cdp_liverows_name(const struct cdp_liverows *r, enum cdp_livefact kind,
			      uint32_t i, size_t *n);
/* In rows name i has this number; all others that rows have are asked for no longer.
 * `new`: no row has any of it. */
void cdp_liverows_number(struct cdp_liverows *r, enum cdp_livefact kind, uint32_t i,
			 uint32_t number, bool new);
/* So many numbers there are in rows. */
void cdp_liverows_reserve(struct cdp_liverows *r, enum cdp_livefact kind, uint32_t n);
/* Whether all that is taken is for what is new alone. */
void cdp_liverows_fill(struct cdp_liverows *r, bool fills);

/* Where a single record is gathered; anew after some thousand of them, when nobody has
 * anything in it. */
struct cdp_customers *cdp_liverows_fresh(struct cdp_liverows *r);

/* Bytes as a row, as far as these windows ask for it: they must stay.  NULL: of nobody.
 * -1: damaged. */
int cdp_liverow_read(struct cdp_liverow *row, const struct cdp_liverows *r,
		     const struct cdp_livewindows *w, const char *p, size_t n,
		     struct cdp_err *err);
void cdp_liverow_write(struct cdp_liverow *row, const struct cdp_liverows *r,
		       struct cdp_buf *out);
/* Of a name that rows can have numbers of, something was added. */
typedef void cdp_liverow_touched(void *ctx, uint32_t ask); /* model/rules.h */
/* Adds what was gathered of the customer `key` in fresh, by an event or whatever else of
 * this time, and takes it out there.  -1 with *err. */
int cdp_liverow_take(struct cdp_liverow *row, struct cdp_liverows *r, const char *key,
		     size_t n, int64_t ms, cdp_liverow_touched *touched, void *ctx,
		     struct cdp_err *err);
/* The facts are there, in the order of cdp_fact_cmp(). */
int cdp_liverow_see_facts(struct cdp_liverow *row, const struct cdp_liverows *r,
			  struct cdp_err *err);

#endif
