/* Who stands in lists of ids: rows of files matched with customers through the identity
 * map, and what came of each row.
 *
 *	l = cdp_lists_new(set, kinds, members);
 *	for each list: cdp_lists_begin(), then cdp_lists_add() for each of its rows
 *	if (cdp_lists_need_map()): for each row of the map cdp_lists_find(), _settle()
 *	cdp_lists_give();                  now `members` has the bits of all lists
 *	cdp_lists_each(), once it is known who has a profile
 *
 * An id is compared in the normal form of its kind, as in the map.  Memory: of each
 * different id its text and about 25 bytes, of each person the key and about 30 bytes and
 * a bit for each list, of each row 8 bytes. */
#ifndef CDP_MODEL_LISTS_H
#define CDP_MODEL_LISTS_H

#include "model/identity_kinds.h"
#include "model/segments.h"

struct cdp_lists;

/* All are borrowed.  `members` has bits for all audiences of `set` that are given. */
struct cdp_lists *cdp_lists_new(const struct cdp_segments *set,
				const struct cdp_idkinds *kinds,
				struct cdp_members *members);
void cdp_lists_free(struct cdp_lists *l); /* NULL is fine */

/* Who a one_id of a list became since: now() as long as rows come. */
void cdp_lists_rename(struct cdp_lists *l,
		      const char *(*now)(void *ctx, const char *p, size_t n, size_t *len),
		      void *ctx);

/* What follows are rows of set->lists[i].  -1 with a usage error: ids of its kind are not
 * in the map. */
int cdp_lists_begin(struct cdp_lists *l, unsigned i, struct cdp_err *err);
/* They are of this file, which must stay. */
void cdp_lists_file(struct cdp_lists *l, const char *name);
/* A row: 0, or -1 with a data error and nothing added. */
int cdp_lists_add(struct cdp_lists *l, const char *id, size_t n, uint64_t line,
		  struct cdp_err *err);
/* A row that was rejected. */
void cdp_lists_reject(struct cdp_lists *l);

/* Whether a list has ids that are looked for in the map. */
bool cdp_lists_need_map(const struct cdp_lists *l);
/* The number of an id of the map, in any thread; CDP_INTERN_NONE: no list has it. */
uint32_t cdp_lists_find(const struct cdp_lists *l, const char *kind, size_t kind_n,
			const char *value, size_t n, struct cdp_buf *tmp);
/* Whose it is.  -1 with a usage error: it was another person's before. */
int cdp_lists_settle(struct cdp_lists *l, uint32_t id, const char *one_id, size_t n,
		     struct cdp_err *err);

/* Sets and, by mode and blocks, clears bits.  Who was in the audience of a list before
 * has its bit already where the mode asks. */
void cdp_lists_give(struct cdp_lists *l);

/* What a row is: the first of its person, or of its id if that is nobody's ... */
enum cdp_list_fate {
	CDP_LIST_MATCHED,
	CDP_LIST_UNMATCHED,  /* the map does not have it */
	CDP_LIST_NO_PROFILE, /* a person of whom there is no profile */
	CDP_LIST_BLOCKED,    /* it stands in a list that is left out */
	CDP_LIST_DUPLICATE,  /* ... or the person or the id came before */
	CDP_LIST_FATES,
};
struct cdp_list_row {
	const char *file;
	uint64_t line;
	const char *id; /* in normal form */
	size_t n;
	enum cdp_list_fate fate;
};
struct cdp_list_counts {
	uint64_t rows; /* all that were read */
	uint64_t rejected;
	uint64_t fate[CDP_LIST_FATES];
};
/* Rows of list i in their order (each NULL: none is told of), and how many are what.
 * has_profile() NULL: everybody has one. */
struct cdp_list_asker {
	bool (*has_profile)(void *ctx, const char *one_id, size_t n);
	void (*each)(void *ctx, const struct cdp_list_row *row);
	void *ctx;
};
void cdp_lists_each(struct cdp_lists *l, unsigned i, const struct cdp_list_asker *asker,
		    struct cdp_list_counts *counts);

#endif
