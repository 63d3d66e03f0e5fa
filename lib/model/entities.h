/* Entity tables: what is known of products, merchants, managers, by their id; read first,
 * then asked by expressions, also over events: entity('product', props.product).class.
 *
 * Rows are entity rows, of which the latest by time counts and `deleted` removes (of one
 * instant the greater bytes win, a removal the least), and profiles of cdp-tag: the tags
 * of the entity that their first member names (`person` for one_id) are `.tags.NAME`.
 * Only entities and members that expressions name are kept.
 *
 * Memory: an entity takes its id, the JSON text of each kept member and a byte more, and
 * about 20 bytes; a row that replaces one of another size takes its place when half of
 * all is such waste. */
#ifndef CDP_MODEL_ENTITIES_H
#define CDP_MODEL_ENTITIES_H

#include "base/buf.h"
#include "base/mem.h"
#include "lang/value.h"
#include "record/scan.h"

struct cdp_entities;
struct cdp_entities *cdp_entities_new(void);
void cdp_entities_free(struct cdp_entities *e);

/* --- naming, while expressions are compiled --- */

/* For cdp_env.resolve_entity; `entities` is one. `id` is a member that every row has. */
int cdp_entities_resolve(void *entities, const char *entity, const char *const *names,
			 size_t count, size_t *used, struct cdp_err *err);
/* The table of an entity's rows, also if no member of them is asked for. */
unsigned cdp_entities_put(struct cdp_entities *e, const char *entity);
/* How many tables are named, and the i-th: its entity; *tags: of profiles. */
unsigned cdp_entities_count(const struct cdp_entities *e);
const char *cdp_entities_name(const struct cdp_entities *e, unsigned i, bool *tags);
/* What a reference stands for: table and member ("id" for the id). */
unsigned cdp_entity_ref_table(int ref);
const char *cdp_entities_member(const struct cdp_entities *e, int ref, size_t *n);

/* --- reading, by any number of threads --- */

/* After all naming: the members of records that are looked at become slots of `paths`.
 * Free with free(). */
struct cdp_entity_slots;
struct cdp_entity_slots *cdp_entity_slots_new(const struct cdp_entities *e,
					      struct cdp_paths *paths);

/* What one thread has read and not yet put into the tables. */
struct cdp_entity_batch;
struct cdp_entity_batch *cdp_entity_batch_new(struct cdp_entities *e,
					      const struct cdp_entity_slots *slots);
void cdp_entity_batch_free(struct cdp_entity_batch *b);
/* 1: a row of a named table; 0: none; -1: a data error. */
int cdp_entity_batch_add(struct cdp_entity_batch *b, struct cdp_rec *rec,
			 struct cdp_err *err);
/* All of it goes into the tables. */
void cdp_entity_batch_settle(struct cdp_entity_batch *b);

/* All rows go, and may be read anew. */
void cdp_entities_clear(struct cdp_entities *e);

/* --- asking, when all is read, by any number of threads --- */

/* For cdp_eval_set_entities.  An id is a string, or a whole number by its digits. */
int cdp_entities_fetch(const void *entities, int ref, const struct cdp_value *id,
		       struct cdp_arena *arena, struct cdp_value *out);
/* Rows that are there, of table i. */
uint64_t cdp_entities_rows(const struct cdp_entities *e, unsigned i);
/* Calls back with every id of table i that has a row. */
void cdp_entities_each(const struct cdp_entities *e, unsigned i,
		       void (*each)(void *ctx, const char *id, size_t n), void *ctx);
size_t cdp_entities_memory(const struct cdp_entities *e);

#endif
