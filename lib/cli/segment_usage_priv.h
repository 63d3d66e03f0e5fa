/* The parts of cdp-segment --usage: what there is and what it reads, and its rows. */
#ifndef CDP_CLI_SEGMENT_USAGE_PRIV_H
#define CDP_CLI_SEGMENT_USAGE_PRIV_H

#include "cli/rows.h"
#include "cli/segment_usage.h"
#include "model/past.h"
#include "model/usage.h"

enum cdp_usage_standing {
	CDP_STANDING_CURRENT,
	CDP_STANDING_EXPIRED,
	CDP_STANDING_STOPPED,
	CDP_STANDING_NONE, /* the store alone has it */
};

/* Tags of other entities are there for what they read: they have no rows. */
enum cdp_usage_kind {
	CDP_USAGE_SEGMENT = CDP_PAST_AUDIENCES,
	CDP_USAGE_TAG = CDP_PAST_TAGS,
	CDP_USAGE_OTHER,
	CDP_USAGE_KINDS,
};

/* A definition, or what is stored without one. */
struct cdp_usage_item {
	enum cdp_usage_kind kind;
	enum cdp_usage_standing standing;
	uint32_t at;                    /* in its set, if it is computed or has expired */
	const char *name;               /* of another entity's tag with that */
	const char *word;               /* as files may name it */
	const struct cdp_past_of *past; /* or NULL */
	uint32_t duplicate;             /* CDP_INTERN_NONE: it is the first of its kind */
	int64_t from;                   /* since when it is unused */
	double seconds;                 /* of a run; negative: not known */
	bool going, shown;
};

struct cdp_usage_view {
	struct cdp_cli *cli;
	const struct cdp_segment_usage *q;
	const struct cdp_segments *set;
	const struct cdp_tagset *tags;                  /* NULL: not known */
	const struct cdp_segment_lineage_other *others; /* by entity */
	size_t other_count;
	struct cdp_past *past;
	struct cdp_usage_item *v;
	uint32_t n;
	struct cdp_intern *names[CDP_USAGE_KINDS];
	uint32_t *number[CDP_USAGE_KINDS]; /* by name, the item */
	struct cdp_usage *graph;
	struct cdp_arena texts;
};

/* "segment", "tag", "entity" */
const char *cdp_usage_kind_name(enum cdp_usage_kind kind);
/* By name, or CDP_INTERN_NONE. */
uint32_t cdp_usage_find(const struct cdp_usage_view *u, enum cdp_usage_kind kind,
			const char *name);
/* What each takes of a run, from files.  0; 1: told; -1 with *err. */
int cdp_usage_read_costs(struct cdp_usage_view *u, struct cdp_err *err);
/* Rows of those that are shown.  0, or -1 with *err. */
int cdp_usage_write(struct cdp_usage_view *u, struct cdp_err *err);

#endif
