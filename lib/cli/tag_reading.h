/* What cdp-tag computes tags from: the definitions, and everything that is known of
 * everybody, read from records, entity tables, the identity map, imports and a state.
 * cdp-segment reads the same for its rules, and profiles among it. */
#ifndef CDP_CLI_TAG_READING_H
#define CDP_CLI_TAG_READING_H

#include "cli/cli.h"
#include "cli/tag_cost.h"
#include "cli/tag_state.h"
#include "model/carry.h"
#include "model/given.h"
#include "model/relations.h"
#include "model/shelf.h"

struct cdp_tag_reading {
	const char *key, *entity;
	/* Given: what profiles on the shelf are told apart by; NULL: one_id. */
	const char *profile_key;
	struct cdp_paths *paths, *map_paths;
	struct cdp_tagset *set;
	const struct cdp_run *run;
	struct cdp_customers *customers;
	struct cdp_tag_state *state; /* or NULL */
	struct cdp_relations *relations;
	struct cdp_relation_slots relation_slots;
	struct cdp_entity_slots *slots; /* of rows of the tags' entity, or NULL */
	struct cdp_given *given;
	/* An earlier version that tags which are not due are carried from, and tags that
	 * are due in any case; given, NULL and empty: none. */
	const char *carry_from;
	struct cdp_strs due;
	bool keeps_state; /* given: there will be a state */
	struct cdp_carry *carry;
	struct cdp_tag_sample *sample; /* of events, or NULL: none is wanted */
	/* Where profiles go that are among the records; NULL: they are passed over, as is
	 * all that is of no use. */
	struct cdp_shelf *shelf;
	const char *only; /* the only customer of whom all this is read; NULL: all */
	int tags;
	int key_slot, detail, row, props, deleted, row_entity;
	int change[CDP_APPEND + 1];
	int map_kind, map_value;
	uint64_t no_key, other;
	/* Nanoseconds of CPU time before anything was read, for records, and to put
	 * together what was. */
	uint64_t load_ns, read_ns, join_ns;
	/* Or NULL: hears of every customer whose record is read. */
	void (*heard)(void *ctx, const char *key, size_t n);
	void (*heard_relation)(void *ctx); /* or NULL */
	void *heard_ctx;
};

/* `run`, `entity` (NULL: persons) and `key` (NULL: the default, which it is set to) are
 * given.  -1 with a usage error. */
int cdp_tag_reading_load(struct cdp_tag_reading *t, const struct cdp_strs *definitions,
			 struct cdp_err *err);
/* The same for a set that was made otherwise: first the paths it is compiled with, then
 * the set, which belongs to `t` from then on. */
int cdp_tag_reading_paths(struct cdp_tag_reading *t, struct cdp_err *err);
int cdp_tag_reading_set(struct cdp_tag_reading *t, struct cdp_tagset *set,
			struct cdp_err *err);
/* Makes room for what is read.  A state has no entity rows: those of --entities count. */
int cdp_tag_reading_begin(struct cdp_cli *cli, struct cdp_tag_reading *t,
			  struct cdp_tag_state_opts *state, struct cdp_err *err);
/* Reads all; `map` may be NULL.  0, or -1 (told). */
int cdp_tag_reading_all(struct cdp_cli *cli, struct cdp_tag_reading *t,
			const struct cdp_strs *entities, const char *map);
/* All but records and the state, for profiles that are made while it goes on: what is
 * known of customers from elsewhere goes to t->customers, which are finished; values that
 * are given to t->given, which has been read, and what was there before is let go by the
 * caller.  Entity tables and relations are read anew. */
int cdp_tag_reading_lore(struct cdp_cli *cli, struct cdp_tag_reading *t,
			 const struct cdp_strs *entities, const char *map);
/* For a loop of one's own: how records are read into t->customers. */
struct cdp_job cdp_tag_reading_job(struct cdp_tag_reading *t);
/* What a worker of it has read is with the customers, and can be asked for. */
void cdp_tag_reading_share(void *worker);
void cdp_tag_reading_release(struct cdp_tag_reading *t);

#endif
