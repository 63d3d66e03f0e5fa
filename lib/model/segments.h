/* Audiences: rules over profiles, cut and described; cdp-segments(5).
 *
 * `when` is an expression over one profile (tags, ids, as_of, one_id), and over what was
 * gathered of its customer: aggregates, profile.NAME, details.NAME, relations.NAME,
 * links.NAME (model/tagset.h), entities.  segments.NAME is
 * another audience of the file, or one read from membership streams: with && || and !
 * that is the algebra of sets.  With `import` instead it is who stands in files: of those
 * another audience, given like those of streams (model/lists.h), is the rule.  The order
 * follows the references; a cycle is an error.  A rule that ends in an error does not
 * hold: has() asks. */
#ifndef CDP_MODEL_SEGMENTS_H
#define CDP_MODEL_SEGMENTS_H

#include "base/intern.h"
#include "lang/expr.h"
#include "model/depend.h"
#include "model/known.h"
#include "model/listdef.h"
#include "model/ruleblock.h"

enum { CDP_SEGMENTS_MAX = 1000000, CDP_SEGMENT_TEXT_MAX = 1000 /* bytes */ };

/* What is left of those for whom the rule holds. */
enum cdp_segment_cut {
	CDP_CUT_NONE,
	CDP_CUT_SAMPLE,  /* by a hash of the customer's key: the same ones always */
	CDP_CUT_TOP,     /* so many of the greatest `by` */
	CDP_CUT_PERCENT, /* such a part of them */
};

struct cdp_segment {
	char *name;
	char *expires; /* NULL: never */
	uint8_t cut;   /* enum cdp_segment_cut */
	uint32_t top;
	uint32_t ppm;           /* of a sample or a percentage */
	uint64_t seed;          /* of a sample */
	uint32_t by;            /* number in cdp_segments.by */
	uint32_t rule;          /* in rules; CDP_RULE_GIVEN: read from a stream */
	struct cdp_needs needs; /* other audiences */
	/* The step in which it is decided: after those of which it needs the ones who
	 * rank highest, who are known when everybody was decided. */
	unsigned step;
	char *note; /* of those of the file: what it says but for name and rule, JSON */
	bool list;  /* who stands in the list of another one: has no name of its own */
};

struct cdp_segments {
	struct cdp_segment *v;
	unsigned count, cap; /* those of the file first, in its order */
	unsigned defined;    /* how many of them the file defines */
	unsigned *order;     /* all, each after those that it needs */
	unsigned steps;      /* how many there are */
	struct cdp_intern *names;
	struct cdp_rules *rules;
	struct cdp_expr **by; /* what tops are chosen by */
	unsigned by_count, by_cap;
	struct cdp_list_def *lists; /* those that are imported */
	unsigned list_count, list_cap;
	const struct cdp_segments_given *given; /* while it is loaded */
	struct cdp_tagset *asked;               /* given->asked */
	/* Of whom that was gathered, to be set before rows are decided; NULL: nobody. */
	const struct cdp_customers *customers;
};

/* Audiences that are not computed: `names` from streams, and others that a rule refers to
 * if knows() says that there are such. */
struct cdp_segments_given {
	const struct cdp_intern *names;
	bool (*knows)(void *ctx, const char *name, size_t n); /* NULL: none */
	void *ctx;
	const char *key; /* what tells customers apart; NULL: one_id */
	/* Where what rules ask for besides profiles is put together; it must outlive the
	 * segments.  NULL: they cannot. */
	struct cdp_tagset *asked;
};
struct cdp_segments *cdp_segments_load(const char *path, struct cdp_paths *paths,
				       const struct cdp_segments_given *given,
				       struct cdp_err *err);
/* The same of what a file would hold. */
struct cdp_segments *cdp_segments_of(const json_t *root, struct cdp_paths *paths,
				     const struct cdp_segments_given *given,
				     struct cdp_err *err);
void cdp_segments_free(struct cdp_segments *s);

/* From the day of `expires` on, in the zone of the run, or from that time on, an audience
 * is not written any more; *t is when that is.  false: never. */
bool cdp_segment_expiry(const struct cdp_segment *g, const struct cdp_zone *zone,
			struct cdp_time *t);
bool cdp_segment_has_expired(const struct cdp_segment *g, const struct cdp_run *run);
/* Whether a customer is in the sample. */
bool cdp_segment_samples(const struct cdp_segment *g, const char *key, size_t n);

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

/* The `wanted` audiences (a set of bits) and all that those refer to; caller frees. */
uint64_t *cdp_segments_needed(const struct cdp_segments *s, const uint64_t *wanted);

/* What it takes to decide those of the `wanted` audiences (a set of bits), and of those
 * that they need, which belong to a step, for many profiles at once; all others are
 * given. `s` must stay.  */
struct cdp_segment_plan {
	struct cdp_rule_plan *plan;
	uint32_t *nodes, *order;
	uint32_t order_count;
};
void cdp_segment_plan_init(struct cdp_segment_plan *p, const struct cdp_segments *s,
			   const uint64_t *wanted, unsigned step);
void cdp_segment_plan_release(struct cdp_segment_plan *p);

/* Whether rules ask for what is gathered from records that are no profiles. */
bool cdp_segments_ask(const struct cdp_segments *s);
/* Whether all must be read before anything is decided: for that, or for several steps. */
bool cdp_segments_gather(const struct cdp_segments *s);

/* Decide every defined audience for one profile.  `bits` holds those from streams and
 * gets the others.  Rules that end in an error are counted in `errors`, one an audience,
 * and the last one's is in *err; returns how many.  `ev` serves this call alone;
 * `known` (NULL if no rule asks) are its, of the customer at hand. */
unsigned cdp_segments_decide(const struct cdp_segments *s, struct cdp_eval *ev,
			     struct cdp_known *known, struct cdp_rec *profile,
			     uint64_t *bits, uint64_t *errors, struct cdp_err *err);

/* Who is in what: customers by key, a row of bits each. */
struct cdp_members;
struct cdp_members *cdp_members_new(unsigned segments);
void cdp_members_free(struct cdp_members *m);
/* The customer's bits, added if new; valid until the next call. */
uint64_t *cdp_members_put(struct cdp_members *m, const char *key, size_t n);
const uint64_t *cdp_members_get(const struct cdp_members *m, const char *key, size_t n);
/* The same by numbers, 0, 1, 2 ... as customers were added. */
uint32_t cdp_members_number(struct cdp_members *m, const char *key, size_t n);
uint64_t *cdp_members_row(const struct cdp_members *m, uint32_t number);
const char *cdp_members_key(const struct cdp_members *m, uint32_t number, size_t *n);
/* Union; `from` is freed. */
void cdp_members_merge(struct cdp_members *into, struct cdp_members *from);
/* By key bytes.  each() returns 0, or -1 to stop. */
int cdp_members_each(const struct cdp_members *m,
		     int (*each)(void *ctx, const char *key, size_t n,
				 const uint64_t *bits),
		     void *ctx);
uint32_t cdp_members_count(const struct cdp_members *m);

#endif
