/* Inside of struct cdp_aggplan: which groups of aggregates an event concerns, and where
 * their states are in the blocks and rows of a customer. */
#ifndef CDP_MODEL_AGGPLAN_PRIV_H
#define CDP_MODEL_AGGPLAN_PRIV_H

#include "base/intern.h"
#include "model/aggstore.h"

/* A customer's row of very many columns: those that there are, by column. */
struct item {
	uint32_t column, number; /* of the block, + 1 */
};
struct list {
	struct item *v;
	uint32_t n, cap;
};

struct member {
	const struct cdp_agg *agg;
	unsigned number;
	size_t offset; /* of its state in the block */
};

struct group {
	const char *const *events; /* names that lead here; none: every event does */
	size_t event_count;
	struct member *members;
	size_t count, cap;
	size_t block;    /* bytes */
	unsigned column; /* in a customer's row, if it is not for every event */
	unsigned pool;   /* where its blocks are */
	bool heap;       /* some state may have memory of its own */
	bool reads_on;   /* some aggregate reads more than the head of an event */
};

struct groups {
	unsigned *v;
	size_t count, cap;
};

/* Groups that events with a certain text in a member concern. */
struct keyed {
	int slot;
	struct cdp_intern *texts; /* to `groups` */
	struct groups *groups;
	size_t cap;
};

struct cdp_aggroute {
	unsigned *groups;
	size_t count, cap;
	struct keyed *keyed;
	size_t keyed_count, keyed_cap;
	bool reads_on; /* of some of its groups */
};

struct cdp_aggplan {
	const struct cdp_aggs *aggs;
	struct group *groups;
	size_t count, cap;
	struct cdp_intern *by_events; /* names, each with its NUL, to groups */
	struct cdp_intern *events;    /* names to routes */
	uint64_t lengths[256];        /* of the names, bit 63: or more, by first byte */
	struct cdp_aggroute *routes;
	size_t route_cap;
	struct cdp_aggroute always; /* the group that every event concerns, if any */
	struct cdp_aggroute other;  /* the others, by column */
	/* Of a customer's row: bytes, and after the block of `always` where its columns
	 * begin, or the list of those that there are. */
	size_t row, columns;
	bool sparse;
	unsigned pools;
	struct {
		unsigned group;
		unsigned member;
	} * where; /* by aggregate */
	char *zeros;
};

/* The number of a string, decoded; CDP_INTERN_NONE: it is none of these. */
uint32_t aggplan_number(const struct cdp_intern *texts, const struct cdp_val *v);

#endif
