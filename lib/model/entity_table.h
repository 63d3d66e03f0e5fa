/* The rows of one entity table: by id, the latest, a few members each.  For entities.c
 * alone.
 *
 * Rows lie one after the other in one stretch of memory; a hash table of 8-byte slots
 * says where each id's is.  A row is
 *	7 bytes	its time, and whether it is there, removed or replaced by one further on
 *	varint	length of the id; the id
 *	varint	length of what follows: for each member of the table, in the order of
 *		naming, varint length + 1 and its JSON text, or 0: it has none */
#ifndef CDP_MODEL_ENTITY_TABLE_H
#define CDP_MODEL_ENTITY_TABLE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cdp_entity_state { CDP_ENTITY_REMOVED, CDP_ENTITY_THERE, CDP_ENTITY_REPLACED };

/* The time of rows without one: older than all. */
#define CDP_ENTITY_NO_TIME (-((int64_t)1 << 52))

/* A row taken apart; `row` is where it begins. */
struct cdp_entity_row {
	const char *row, *id, *members, *end;
	size_t id_n;
};

/* Appends a row; `members` is what cdp_entity_put_member() made, for a row that is
 * there. */
void cdp_entity_put(struct cdp_buf *b, int64_t ms, enum cdp_entity_state state,
		    const char *id, size_t id_n, const struct cdp_buf *members);
/* Appends a member: its text, or p NULL: it has none. */
void cdp_entity_put_member(struct cdp_buf *b, const char *p, size_t n);
struct cdp_entity_row cdp_entity_row_at(const char *p);
bool cdp_entity_is_there(const struct cdp_entity_row *r);
/* The text of the i-th member; false: it has none. */
bool cdp_entity_member(const struct cdp_entity_row *r, uint32_t i, const char **p,
		       size_t *n);

struct cdp_entity_table {
	struct cdp_buf rows;
	size_t waste; /* bytes of rows that were replaced */
	uint64_t *slots;
	unsigned bits;  /* slots are 1 << bits; 0: none yet */
	uint64_t used;  /* slots that are not free */
	uint64_t there; /* rows that are */
};
void cdp_entity_table_init(struct cdp_entity_table *t);
void cdp_entity_table_release(struct cdp_entity_table *t);
/* A row whose id has none, or an older one. */
void cdp_entity_table_add(struct cdp_entity_table *t, const struct cdp_entity_row *r);
/* False: no row of this id is there. */
bool cdp_entity_table_get(const struct cdp_entity_table *t, const char *id, size_t n,
			  struct cdp_entity_row *r);
/* Calls back with every row that is there, in the order of no matter what. */
void cdp_entity_table_each(const struct cdp_entity_table *t,
			   void (*each)(void *ctx, const struct cdp_entity_row *r),
			   void *ctx);
size_t cdp_entity_table_memory(const struct cdp_entity_table *t);

#endif
