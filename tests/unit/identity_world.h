/* Small worlds for the tests of identity: histories of a few ids and the maps they give.
 */
#ifndef CDP_TESTS_IDENTITY_WORLD_H
#define CDP_TESTS_IDENTITY_WORLD_H

#include "model/identity.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	KINDS = 6,  /* u1 and u2 unique, p plain, s1 to s3 shared */
	VALUES = 3, /* of each kind */
	IDS = KINDS * VALUES,
	RECORDS = 14, /* at most, of a random history */
};

extern const char *const world_kind_name[KINDS];
extern const uint8_t world_key[CDP_IDENTITY_KEY];
struct cdp_idkinds *world_kinds(void);

struct record {
	int ms;           /* -1: without a time */
	const char *type; /* NULL: an event */
	int n;
	int id[KINDS]; /* kind * VALUES + value, the strongest kind first */
};

typedef int world_writer(const struct cdp_identity *m, struct cdp_out *o);

struct world {
	struct cdp_identity *m;
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	struct cdp_sights sights;
	struct cdp_scan *scan;
	char *block;
	uint32_t number[IDS]; /* in the map, UINT32_MAX: never seen */
};

static inline bool is_firm(int id)
{
	return id / VALUES < 3;
}

void world_open(struct world *w, const struct cdp_idkinds *k);
void world_close(struct world *w);
/* Reads lines of records into w->sights. */
void world_read(struct world *w, const char *lines, bool trusted);
/* The cdp_source_fn of a world. */
const char *world_source(void *ctx, const struct cdp_sight *sight, size_t *n);
/* Learns records; with `live`, as a stream.  Half the time with fetching ahead. */
void world_learn(struct world *w, const struct record *r, int n, bool live);
/* One_id of an id, 0 if it was never seen. */
uint64_t world_name_of(const struct world *w, int id);
/* What a writer writes; caller frees. */
char *world_written(const struct world *w, world_writer *write);
/* The map of one run over records; caller frees. */
char *world_map_of(const struct cdp_idkinds *k, const struct record *r, int n,
		   const struct cdp_idexclude *x);
/* Learns lines of records and publishes. */
void world_learn_lines(struct world *w, const char *lines, bool trusted);
/* one_id of the record in `line`, 0 if it has none. */
uint64_t world_of(struct world *w, const char *line);

unsigned history_rnd(unsigned n);
/* Up to RECORDS records, in order of time or not, with unbinds or without; returns how
 * many. */
int history_random(struct record *r, bool ordered, bool parts);
void history_shuffle(struct record *r, int n);

#endif
