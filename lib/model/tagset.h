/* Tag definitions: what a customer's tags are computed from; cdp-tags(5) is their page.
 *
 * Whatever its kind, a tag becomes one expression of the language, or layers of them,
 * when it is loaded.  In expressions stand aggregates over the customer's events, e.g.
 * last(time, event == 'app_open'), profile.NAME    the attribute as the profile updates
 * left it, details.NAME    the latest rows of that table, a list of maps (the rows'
 * props), tags.NAME       another tag; the order follows the dependencies, a cycle is an
 * error, as_of           the base time. An expression that ends in an error, or in a
 * value that does not fit the tag's type, gives `else` (default null); errors are counted
 * by tag. */
#ifndef CDP_MODEL_TAGSET_H
#define CDP_MODEL_TAGSET_H

#include "base/intern.h"
#include "lang/agg.h"
#include "lang/expr.h"
#include "lang/pop.h"
#include "model/depend.h"
#include "model/entities.h"
#include "model/schedule.h"

enum cdp_tag_type {
	CDP_TAG_ANY,
	CDP_TAG_BOOL,
	CDP_TAG_INT,    /* of 64 bits */
	CDP_TAG_BIGINT, /* of up to 38 digits */
	CDP_TAG_NUMBER,
	CDP_TAG_DECIMAL,
	CDP_TAG_STRING,
	CDP_TAG_LIST,
	CDP_TAG_MAP,
	CDP_TAG_DATE,     /* a civil day of the run's zone, "2024-05-01" */
	CDP_TAG_DATETIME, /* canonical time */
};
const char *cdp_tag_type_name(enum cdp_tag_type type);
/* The value as one of that type; false if it is none.  Null is one of all.  A double that
 * is an integer exactly becomes an int, a timestamp the civil day it falls on. */
bool cdp_tag_type_fit(enum cdp_tag_type type, struct cdp_value *v,
		      const struct cdp_zone *zone, struct cdp_arena *arena);

/* Whether any value of this type can be. */
bool cdp_tag_type_may_fit(enum cdp_tag_type type, enum cdp_vtype value);

/* What is told of a tag besides its value; members that are not there are NULL. */
struct cdp_tag_about {
	const char *title, *owner, *class, *source, *version;
	const char *entity; /* never NULL: "person" */
	const char **labels;
	size_t label_count;
	unsigned keep; /* versions to be kept */
	/* Shares of customers who have a value, outside of which something is wrong. */
	double alarm_min, alarm_max;
	const struct cdp_schedule *schedule; /* NULL: every day */
	/* Of its days, where it names one of its own; NULL: the run's. */
	const struct cdp_zone *zone;
	/* What made the values: {"name":...,"version":...,"date":...} as JSON. */
	const char *model;
};

struct cdp_tag_layer {
	struct cdp_expr *when;
	struct cdp_value value;
};

/* Values from files.  Of several files those that come later count more or less. */
enum cdp_import_mode {
	CDP_IMPORT_OVERWRITE, /* the last file alone counts */
	CDP_IMPORT_INCREMENT, /* the first value of an id stays */
	CDP_IMPORT_BOTH,      /* the last value of an id counts */
};
struct cdp_tag_import {
	const char **files;
	size_t count;
	const char *key;   /* kind of ids in the map; NULL: that of customers */
	const char *value; /* member or column */
	enum cdp_import_mode mode;
	bool add; /* customers nobody knew */
};

/* Values from a program that is told about customers. */
struct cdp_tag_input {
	const char *name;
	struct cdp_expr *value;
};
struct cdp_tag_program {
	const char **argv; /* NULL-ended */
	struct cdp_tag_input *inputs;
	size_t input_count;
	struct cdp_expr *among; /* who is told of; NULL: all */
	int timeout_ms;         /* without a byte in either direction */
};

struct cdp_tag {
	const char *name;
	const char *file; /* of its definition, as given */
	enum cdp_tag_type type;
	const char *kind; /* the member that defines it: "value", "metric" ... */
	struct cdp_tag_about about;
	/* It is not due: its values are those of an earlier version (model/carry.h), and
	 * nothing below is there. */
	bool carried;
	const char *computed; /* of a carried one: as of when; canonical, borrowed */
	/* One of four. */
	struct cdp_expr *value;
	struct cdp_tag_layer *layers;
	const struct cdp_tag_import *import;
	struct cdp_tag_program *program;
	size_t layer_count;
	struct cdp_value otherwise; /* `else` */
	struct cdp_value nullif;    /* what is as good as null; null: nothing is */
	struct cdp_needs needs;     /* other tags */
	struct cdp_needs functions; /* over the population: numbers in the set's pops */
};

/* Tags that are stopped or archived are checked like the others, but are no part of it.
 */
struct cdp_tagset {
	struct cdp_tag *tags;
	unsigned count;
	unsigned *order; /* every tag after those that it needs */
	struct cdp_aggs *aggs;
	struct cdp_pops *pops;
	struct cdp_intern *names, *attributes, *details, *relations;
	bool links;                 /* not only the ids of relations are asked for */
	struct cdp_intern *stopped; /* names of tags that are not computed */
	struct cdp_needs *halted;   /* by stopped tag, what it would need */
	unsigned halted_count;
	struct cdp_entities *entities; /* to be read before events */
	/* Where `profile` is a row of the entity, not what updates left: by attribute,
	 * its reference in `entities`, and the table.  NULL: the tags are of persons. */
	int *own;
	unsigned own_table;
	struct cdp_paths *paths; /* of events */
	struct cdp_zone **zones; /* that tags name, one of each */
	size_t zone_count, zone_cap;
	const char *zone;       /* name of the run's, borrowed; or NULL */
	struct cdp_arena arena; /* constants and texts */
};

/* References that expressions make to the customer at hand (cdp_eval_set_host). */
enum cdp_tag_ref {
	CDP_TAG_REF_TAG,
	CDP_TAG_REF_ATTRIBUTE,
	CDP_TAG_REF_DETAIL,
	CDP_TAG_REF_RELATION, /* the ids at the other end */
	CDP_TAG_REF_LINK,     /* the props of each, with the id */
};
static inline enum cdp_tag_ref cdp_tag_ref_kind(int ref)
{
	return (enum cdp_tag_ref)(ref >> 24);
}
static inline uint32_t cdp_tag_ref_index(int ref)
{
	return (uint32_t)ref & 0xffffff;
}

/* Loads the tags of n files (1 at least) whose entity this is (NULL: person) as one set;
 * `paths` gets the members of events that are needed; windows are bound to `run`.  NULL
 * with a usage error that points: "tags.json: buys_30d: value: 1:7: unknown name ...". */
struct cdp_tagset *cdp_tagset_load(const char *const *files, size_t n, const char *entity,
				   struct cdp_paths *paths, const struct cdp_run *run,
				   struct cdp_err *err);
/* The entities that the tags of n files are of, "person" among them only if there are
 * such; NULL with a usage error. */
struct cdp_intern *cdp_tagset_entities(const char *const *files, size_t n,
				       struct cdp_err *err);
/* The same, but that tags that are not due are carried. */
struct cdp_carry;
struct cdp_tagset *cdp_tagset_load_due(const char *const *files, size_t n,
				       const char *entity, struct cdp_paths *paths,
				       const struct cdp_run *run,
				       const struct cdp_carry *carry,
				       struct cdp_err *err);
void cdp_tagset_free(struct cdp_tagset *s);

/* Expressions over a customer that are no tags' (rules of audiences): a set without tags
 * gathers what they ask for.  resolve() is for cdp_env.resolve, of the roots profile,
 * details, relations and links; the environment is that of aggregates' parts.  Windows
 * must be bound (cdp_aggs_bind). */
struct cdp_tagset *cdp_tagset_new(struct cdp_paths *paths);
/* When all were compiled: they are over an entity of this name, whose `profile` is its
 * row.  -1 with a usage error. */
int cdp_tagset_bind_own(struct cdp_tagset *s, const char *entity, struct cdp_err *err);
int cdp_tagset_resolve(struct cdp_tagset *s, const char *const *names, size_t count,
		       size_t *used, struct cdp_err *err);
struct cdp_env cdp_tagset_event_env(struct cdp_tagset *s);

#endif
