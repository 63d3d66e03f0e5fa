/* Tag definitions: what a customer's tags are computed from.
 *
 *	{"tags":[
 *	  {"name":"buys_30d","type":"int","title":"...","owner":"...","class":"activity",
 *	   "value":"count(event == 'buy_fund' && within('30d'))"},
 *	  {"name":"aum_tier","type":"string",
 *	   "layers":[{"value":"diamond","when":"profile.aum >= 6000000"},
 *	             {"value":"gold","when":"profile.aum >= 500000"}],
 *	   "else":"basic"}]}
 *
 * A tag has either `value`, an expression, or `layers`, tried from the top: the first
 *whose condition holds gives its value, else `else` (default null).  In expressions stand
 *   aggregates over the customer's events, e.g. last(time, event == 'app_open'),
 *   profile.NAME    the attribute as the profile updates left it,
 *   details.NAME    the latest rows of that table, a list of maps (the rows' props),
 *   tags.NAME       another tag; the order follows the dependencies, a cycle is an error,
 *   as_of           the base time.
 * An expression that ends in an error gives null; errors are counted by tag. */
#ifndef CDP_MODEL_TAGSET_H
#define CDP_MODEL_TAGSET_H

#include "base/intern.h"
#include "lang/agg.h"
#include "lang/expr.h"
#include "lang/pop.h"
#include "model/depend.h"

enum cdp_tag_type {
	CDP_TAG_ANY,
	CDP_TAG_BOOL,
	CDP_TAG_INT,
	CDP_TAG_NUMBER,
	CDP_TAG_DECIMAL,
	CDP_TAG_STRING,
	CDP_TAG_LIST,
	CDP_TAG_DATE,     /* a civil day of the run's zone, "2024-05-01" */
	CDP_TAG_DATETIME, /* canonical time */
};

struct cdp_tag_layer {
	struct cdp_expr *when;
	struct cdp_value value;
};

struct cdp_tag {
	char *name;
	enum cdp_tag_type type;
	struct cdp_expr *value; /* or NULL and layers */
	struct cdp_tag_layer *layers;
	size_t layer_count;
	struct cdp_value otherwise; /* `else` */
	struct cdp_needs needs;     /* other tags */
	struct cdp_needs functions; /* over the population: numbers in the set's pops */
};

struct cdp_tagset {
	struct cdp_tag *tags;
	unsigned count;
	unsigned *order; /* every tag after those that it needs */
	struct cdp_aggs *aggs;
	struct cdp_pops *pops;
	struct cdp_intern *names, *attributes, *details;
	struct cdp_paths *paths; /* of events */
	struct cdp_arena arena;  /* constants */
};

/* References that expressions make to the customer at hand (cdp_eval_set_host). */
enum cdp_tag_ref { CDP_TAG_REF_TAG, CDP_TAG_REF_ATTRIBUTE, CDP_TAG_REF_DETAIL };
static inline enum cdp_tag_ref cdp_tag_ref_kind(int ref)
{
	return (enum cdp_tag_ref)(ref >> 24);
}
static inline uint32_t cdp_tag_ref_index(int ref)
{
	return (uint32_t)ref & 0xffffff;
}

/* Loads the tags of n files (1 at least) as one set; `paths` gets the members of events
 * that are needed; windows are bound to `run`.  NULL with a usage error that points:
 * "tags.json: buys_30d: value: 1:7: unknown name ...". */
struct cdp_tagset *cdp_tagset_load(const char *const *files, size_t n,
				   struct cdp_paths *paths, const struct cdp_run *run,
				   struct cdp_err *err);
void cdp_tagset_free(struct cdp_tagset *s);

#endif
