/* Relations between customers and things, or between things: records of type `relation`,
 * listed with whom they belong to.
 *
 * Both ends list the other one under the relation's name, but where both could be the one
 * that the tags are of (customer to customer) only the end `ids` does.  An end is
 *	that of the tags	the member of their kind (`--entity enterprise`, or `--key
 *				ids.customer`); for persons the one_id, which stands in
 *the record for `ids`, and comes from the identity map for `to` the other one
 *its one_id, if the record or the map has it, else its first id The latest by time counts
 *for each pair, `deleted` removes; of one instant the greater bytes of props win, a
 *removal the least. */
#ifndef CDP_MODEL_RELATIONS_H
#define CDP_MODEL_RELATIONS_H

#include "base/buf.h"
#include "model/customers.h"
#include "model/known.h"

struct cdp_relations;
/* `kind` of the ids that the tags are of; NULL: persons, by one_id. */
struct cdp_relations *cdp_relations_new(const struct cdp_tagset *set, const char *kind);
/* Whether any relation is asked for. */
bool cdp_relations_wanted(const struct cdp_relations *r);
/* The same, borrowed. */
const char *cdp_relations_kind(const struct cdp_relations *r);
void cdp_relations_free(struct cdp_relations *r);

/* The members of records that are looked at. */
struct cdp_relation_slots {
	int ids, relation, to, props, deleted;
};
void cdp_relation_slots_init(struct cdp_relation_slots *s, struct cdp_paths *paths);

/* What one thread has read. */
struct cdp_relation_log;
struct cdp_relation_log *cdp_relation_log_new(const struct cdp_relations *r,
					      const struct cdp_relation_slots *slots);
/* 1, 0: nobody asks for it; -1: a data error. */
int cdp_relation_log_add(struct cdp_relation_log *log, struct cdp_rec *rec,
			 struct cdp_err *err);
/* It belongs to `r` now.  For one thread at a time. */
void cdp_relation_log_end(struct cdp_relation_log *log, struct cdp_relations *r);

/* When all is read: a row of the identity map; for any number of threads. */
void cdp_relations_map(struct cdp_relations *r, const struct cdp_val *kind,
		       const struct cdp_val *value, const struct cdp_val *one_id);
/* The same of all ends at once, which are texts: a kind, a NUL, an id.  `find` knows
 * whose one_id it is, or NULL. */
void cdp_relations_find(struct cdp_relations *r,
			const char *(*find)(void *ctx, const char *end, size_t end_n,
					    size_t *n),
			void *ctx);
/* --- from run to run (model/tagstate) --- */

/* What was read so far is there in every run, and none of what is kept. */
void cdp_relations_pass(struct cdp_relations *r);
/* All that cdp_relations_pass() passed is forgotten, and the map with it: both are read
 * anew, and passed again. */
void cdp_relations_again(struct cdp_relations *r);
/* How many were read that are kept. */
size_t cdp_relations_kept(const struct cdp_relations *r);
/* Persons have other names by now: `name` is given one_ids, and moves *p and *n. */
void cdp_relations_rename(struct cdp_relations *r,
			  void (*name)(void *ctx, const char **p, size_t *n), void *ctx);
/* Appends all that was read, as far as nothing later hides it; and read again, relations
 * being number[old], -1: asked for no longer.  False: it is no such text. */
void cdp_relations_write(struct cdp_relations *r, struct cdp_buf *out);
bool cdp_relations_read(struct cdp_relations *r, const char *p, size_t n,
			const int32_t *number, size_t count);

/* Then: everything goes to the customers.  The last one, or CDP_NOBODY. */
uint32_t cdp_relations_gather(struct cdp_relations *r, struct cdp_gather *g);

#endif
