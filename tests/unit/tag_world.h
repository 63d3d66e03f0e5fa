/* A small world for the tests of tags: what is heard of a few persons, in any order, late
 * and early, in zones whose days are not all alike, and the profiles of one pass over all
 * of it. */
#ifndef CDP_TESTS_TAG_WORLD_H
#define CDP_TESTS_TAG_WORLD_H

#include "base/rand.h"
#include "model/profile.h"

enum { WORLD_PEOPLE = 5, WORLD_THINGS = 160 };

/* One thing that was heard of somebody. */
struct thing {
	unsigned who;
	int64_t ms;
	enum { EVENT, CHANGE, FORGET, ROW } kind;
	enum cdp_change what;
	char name[8], text[160];
};

struct world {
	char dir[64], file[96];
	struct cdp_zone *zone;
	struct cdp_rand rand;
	struct thing things[WORLD_THINGS];
	size_t count;
	unsigned into[WORLD_PEOPLE]; /* whom each is by now */
};

/* The seed's world, in one of several zones and months; *day is where it begins. */
struct world *world_new(const char *definitions, unsigned seed, int64_t *day);
void world_free(struct world *w); /* and what it has on disk */
const char *world_zone(unsigned seed);
unsigned world_below(struct world *w, unsigned n);
/* One more thing, mostly of that day. */
void world_add(struct world *w, int64_t day);
struct cdp_tagset *world_load(struct world *w, struct cdp_paths *paths,
			      const struct cdp_run *run);
/* Somebody becomes somebody else, who may have become this one before: -1 or who. */
int world_join(struct world *w);
/* As of `who`. */
void world_gather(struct cdp_customers *c, const struct cdp_tagset *set,
		  const struct cdp_run *run, const struct thing *t, unsigned who);
/* All profiles; `c` is consumed. */
void world_write(struct cdp_customers *c, const struct cdp_tagset *set,
		 const struct cdp_run *run, struct cdp_buf *out);
/* Those of one pass over all things. */
void world_full(struct world *w, const struct cdp_run *run, struct cdp_buf *out);

/* Every aggregate, attributes and details, as tags; to be followed by more or "]}". */
#define WORLD_TAGS                                                                       \
	"{\"name\":\"a\",\"value\":\"count()\"},"                                        \
	"{\"name\":\"b\",\"value\":\"count(event == 'a' && within('3d'))\"},"            \
	"{\"name\":\"c\",\"value\":\"sum(props.x)\"},"                                   \
	"{\"name\":\"d\",\"value\":\"sum(props.x, within('5d', '2d'))\"},"               \
	"{\"name\":\"e\",\"value\":\"avg(props.x, within('36h'))\"},"                    \
	"{\"name\":\"f\",\"value\":\"min(props.x, within('1w'))\"},"                     \
	"{\"name\":\"g\",\"value\":\"max(props.x)\"},"                                   \
	"{\"name\":\"h\",\"value\":\"first(props.x)\"},"                                 \
	"{\"name\":\"i\",\"value\":\"last(props.x, event == 'b' && within('4d'))\"},"    \
	"{\"name\":\"j\",\"value\":\"first(time, within('25h'))\"},"                     \
	"{\"name\":\"k\",\"value\":\"last(time)\"},"                                     \
	"{\"name\":\"l\",\"value\":\"distinct(props.x)\"},"                              \
	"{\"name\":\"m\",\"value\":\"distinct(event, within('2d'))\"},"                  \
	"{\"name\":\"n\",\"value\":\"top(event)\"},"                                     \
	"{\"name\":\"o\",\"value\":\"top(props.x, within('6d'))\"},"                     \
	"{\"name\":\"p\",\"value\":\"days()\"},"                                         \
	"{\"name\":\"q\",\"value\":\"days(event == 'c' && within('5d'))\"},"             \
	"{\"name\":\"r\",\"value\":\"sequence(['a','b','c'], '2d')\"},"                  \
	"{\"name\":\"s\",\"value\":\"sequence(['a','b'], '20h', within('3d'))\"},"       \
	"{\"name\":\"aa\",\"value\":\"values(props.x)\"},"                               \
	"{\"name\":\"ab\",\"value\":\"values(event, within('3d'))\"},"                   \
	"{\"name\":\"ac\",\"value\":\"top_n(event, 2)\"},"                               \
	"{\"name\":\"ad\",\"value\":\"top_n(props.x, 2, within('4d'))\"},"               \
	"{\"name\":\"ae\",\"value\":\"top_by_sum(event, props.x, 2)\"},"                 \
	"{\"name\":\"af\",\"value\":\"top_by_max(event, props.x, 1, within('6d'))\"},"   \
	"{\"name\":\"ag\",\"value\":\"ratio(count(event == 'a'), count(event == "        \
	"'b'))\"},"                                                                      \
	"{\"name\":\"t\",\"value\":\"profile.u\"},"                                      \
	"{\"name\":\"u\",\"value\":\"profile.v\"},"                                      \
	"{\"name\":\"v\",\"value\":\"details.w.map(r, r.v)\"}"

#endif
