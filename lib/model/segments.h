/* Audiences: rules over profiles.
 *
 *	{"segments":[
 *	  {"name":"wealthy","title":"...","owner":"...","when":"tags.aum_tier in
 *['gold','diamond']"},
 *	  {"name":"wealthy_dormant","when":"segments.wealthy && tags.days_since_open >
 *30"}]}
 *
 * `when` is an expression over one profile (tags, ids, as_of, one_id).  segments.NAME is
 *another audience of the file, or one read from membership streams: with && || and ! that
 *is the algebra of sets.  The order follows the references; a cycle is an error.  A rule
 *that ends in an error does not hold: has() asks. */
#ifndef CDP_MODEL_SEGMENTS_H
#define CDP_MODEL_SEGMENTS_H

#include "base/intern.h"
#include "lang/expr.h"
#include "model/depend.h"
#include "model/ruleblock.h"

struct cdp_segment {
	char *name;
	uint32_t rule;          /* in rules; CDP_RULE_GIVEN: read from a stream */
	struct cdp_needs needs; /* other audiences */
	char *note; /* of those of the file: what it says but for name and rule, JSON */
};

struct cdp_segments {
	struct cdp_segment *v;
	unsigned count, cap; /* those of the file first, in its order */
	unsigned defined;    /* how many of them the file defines */
	unsigned *order;     /* all, each after those that it needs */
	struct cdp_intern *names;
	struct cdp_rules *rules;
	const struct cdp_segments_given *given; /* while it is loaded */
};

/* Audiences that are not computed: `names` from streams, and others that a rule refers to
 * if knows() says that there are such. */
struct cdp_segments_given {
	const struct cdp_intern *names;
	bool (*knows)(void *ctx, const char *name, size_t n); /* NULL: none */
	void *ctx;
};
struct cdp_segments *cdp_segments_load(const char *path, struct cdp_paths *paths,
				       const struct cdp_segments_given *given,
				       struct cdp_err *err);
void cdp_segments_free(struct cdp_segments *s);

/* A set of bits, one an audience. */
static inline bool cdp_bit(const uint64_t *bits, unsigned i)
{
	return bits[i / 64] >> i % 64 & 1;
}
static inline void cdp_bit_set(uint64_t *bits, unsigned i)
{
	bits[i / 64] |= (uint64_t)1 << i % 64;
}
static inline size_t cdp_bit_words(unsigned count)
{
	return ((size_t)count + 63) / 64;
}

/* What it takes to decide the `wanted` audiences (a set of bits) for many profiles at
 * once; `s` must stay.  */
struct cdp_segment_plan {
	struct cdp_rule_plan *plan;
	uint32_t *nodes, *order;
	uint32_t order_count;
};
void cdp_segment_plan_init(struct cdp_segment_plan *p, const struct cdp_segments *s,
			   const uint64_t *wanted);
void cdp_segment_plan_release(struct cdp_segment_plan *p);

/* Decide every defined audience for one profile.  `bits` holds those from streams and
 * gets the others.  Rules that end in an error are counted in `errors`, one an audience,
 * and the last one's is in *err; returns how many.  `ev` serves this call alone. */
unsigned cdp_segments_decide(const struct cdp_segments *s, struct cdp_eval *ev,
			     struct cdp_rec *profile, uint64_t *bits, uint64_t *errors,
			     struct cdp_err *err);

/* Who is in what: customers by key, a row of bits each. */
struct cdp_members;
struct cdp_members *cdp_members_new(unsigned segments);
void cdp_members_free(struct cdp_members *m);
/* The customer's bits, added if new; valid until the next call. */
uint64_t *cdp_members_put(struct cdp_members *m, const char *key, size_t n);
const uint64_t *cdp_members_get(const struct cdp_members *m, const char *key, size_t n);
/* Union; `from` is freed. */
void cdp_members_merge(struct cdp_members *into, struct cdp_members *from);
/* By key bytes.  each() returns 0, or -1 to stop. */
int cdp_members_each(const struct cdp_members *m,
		     int (*each)(void *ctx, const char *key, size_t n,
				 const uint64_t *bits),
		     void *ctx);
uint32_t cdp_members_count(const struct cdp_members *m);

#endif
