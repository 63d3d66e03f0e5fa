/* One customer's profile: the tag set evaluated over what was collected. */
#ifndef CDP_MODEL_PROFILE_H
#define CDP_MODEL_PROFILE_H

#include "model/customers.h"
#include "model/given.h"
#include "model/population.h"
#include "model/quiet.h"
#include "model/tagkept.h"

/* Evaluates; one a thread. */
struct cdp_profiler;

struct cdp_changes;
struct cdp_profile_spec {
	const struct cdp_tagset *set;
	const struct cdp_customers *customers; /* finished */
	struct cdp_population *population;     /* or NULL: no tag has such functions */
	/* By place of a customer: the place in the population's censuses,
	 * CDP_NOT_SURVEYED: in none.  NULL: the same. */
	const uint32_t *surveyed;
	struct cdp_given *given; /* or NULL: no tag's values are given */
	/* Values of tags with a schedule that are in force, but of those that are due (by
	 * tag), which are computed.  Either may be NULL. */
	const struct cdp_tagkept *kept;
	const bool *due;
	/* Or NULL: every tag is computed.  A profiler that writes lines does nothing else
	 * then. */
	const struct cdp_quiet *quiet;
	const struct cdp_run *run;
	const char *key; /* name of the first member: "one_id" */
	/* Only profiles that changed, and who is gone (model/changes.h); NULL: all. */
	struct cdp_changes *changes;
	bool nulls; /* write tags that are null, too */
};

struct cdp_profiler *cdp_profiler_new(const struct cdp_profile_spec *spec);
void cdp_profiler_free(struct cdp_profiler *p);
const struct cdp_customers *cdp_profiler_customers(const struct cdp_profiler *p);
/* Customers go by their place (cdp_customers_at). */

/* Puts the customer's values into the censuses of a pass (model/population.h). */
void cdp_profiler_survey(struct cdp_profiler *p, unsigned pass, uint32_t place);
/* Appends what the program of a tag is told of the customer, in its pass:
 * {"one_id":...,INPUTS}.  False: nothing, it is not among those it is told of. */
bool cdp_profiler_tell(struct cdp_profiler *p, unsigned pass, unsigned tag,
		       uint32_t place, struct cdp_buf *out);
/* Appends the line of a customer: {"one_id":...,"as_of":...,"tags":{...},"ids":{...}}. */
void cdp_profiler_line(struct cdp_profiler *p, uint32_t place, struct cdp_buf *out);
/* Tag by tag: turn to a customer, ask for the tags in the order of the set (each value
 * lasts until done), be done. */
void cdp_profiler_turn(struct cdp_profiler *p, uint32_t place);
const struct cdp_value *cdp_profiler_tag(struct cdp_profiler *p, unsigned tag);
void cdp_profiler_done(struct cdp_profiler *p);
/* By tag: how many lines have it null because of an error, and one such error's text. */
uint64_t cdp_profiler_errors(const struct cdp_profiler *p, unsigned tag,
			     const char **message);
/* By tag: in how many lines it has a value. */
uint64_t cdp_profiler_valued(const struct cdp_profiler *p, unsigned tag);
/* By function over the population: how many customers are not in it because of an error.
 */
uint64_t cdp_profiler_left_out(const struct cdp_profiler *p, unsigned function,
			       const char **message);

#endif
