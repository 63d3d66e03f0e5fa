/* Many rules over one record: compiled into one graph, in which equal sub-conditions
 * stand once, and decided for one record or for thousands at a time (model/ruleblock).
 *
 * References of the tool are numbers of sets (audiences), true for who is in them, and
 * what was gathered of a customer (cdp_tagset_resolve). */
#ifndef CDP_MODEL_RULES_H
#define CDP_MODEL_RULES_H

#include "lang/expr.h"
#include "lang/parts.h"
#include "model/depend.h"
#include "model/tagset.h"

enum cdp_rule_kind {
	CDP_RULE_LEAF, /* kid[0]: number of the leaf */
	CDP_RULE_SET,  /* kid[0]: number of the set; kid[1]: of the leaf that names it */
	CDP_RULE_AND,
	CDP_RULE_OR,
	CDP_RULE_NOT,
	CDP_RULE_COND,
};

struct cdp_rule {
	uint8_t kind;
	uint32_t count;
	uint32_t first; /* of its kids in cdp_rules.kids */
	uint32_t uses;  /* rules and nodes that hold it */
};

struct cdp_rule_leaf {
	struct cdp_expr *expr;
	struct cdp_form form;
	struct cdp_needs sets; /* what it refers to */
	struct cdp_needs asks; /* of what was gathered: cdp_rule_ask_kind() */
	uint32_t node;         /* that it is */
};

/* What a leaf asks of the customer: a reference of cdp_tagset_resolve(), or an aggregate
 * of that kind. */
enum { CDP_RULE_ASK_AGG = CDP_TAG_REF_LINK + 1 };
static inline unsigned cdp_rule_ask_kind(uint32_t ask)
{
	return ask >> 24;
}
static inline uint32_t cdp_rule_ask_index(uint32_t ask)
{
	return ask & 0xffffff;
}

struct cdp_rules {
	struct cdp_rule *v; /* kids stand before those that hold them */
	uint32_t count, cap;
	uint32_t *kids;
	size_t kid_count, kid_cap;
	struct cdp_rule_leaf *leaves;
	uint32_t leaf_count, leaf_cap;
	unsigned depth;            /* of the deepest rule */
	struct cdp_intern *texts;  /* of leaves, canonical; by leaf */
	struct cdp_intern *shapes; /* of nodes; by node */
	struct cdp_intern
		*pieces; /* what rules join by &&, as written; see rulepieces.c */
	uint32_t *piece_nodes, piece_cap;
	struct cdp_needs sets; /* that the rule added last refers to */
	/* Members of the record for leaves that ask what was gathered, which is of the
	 * run's base time: without as_of.  NULL: the environment's. */
	const char *const *asked_members;
	struct cdp_arena arena;
	struct cdp_buf text, shape;
};

struct cdp_rules *cdp_rules_new(void);
void cdp_rules_free(struct cdp_rules *r);
/* Adds a rule: *node, and r->sets tells what it refers to.  `env` must be the same for
 * all.  -1 with the usage error that cdp_expr_compile() gives; nothing can be added
 * then. */
int cdp_rules_add(struct cdp_rules *r, const char *text, size_t n,
		  const struct cdp_env *env, uint32_t *node, struct cdp_err *err);
static inline const uint32_t *cdp_rule_kids(const struct cdp_rules *r,
					    const struct cdp_rule *n)
{
	return r->kids + n->first;
}

/* One record, as cdp_expr_match() of the whole rule: 1, 0, or -1 with the error.  The
 * evaluator's host answers for sets. */
int cdp_rules_match(const struct cdp_rules *r, uint32_t node, struct cdp_eval *ev,
		    struct cdp_rec *rec, struct cdp_err *err);

#endif
