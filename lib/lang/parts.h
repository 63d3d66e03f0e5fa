/* Rules taken apart: the structure of && || ! and ?: over sub-conditions ("leaves"), and
 * what a leaf comes down to, for those who decide many rules at once.
 *
 * Three values: a leaf is true, false or an error, and && and || absorb errors as the
 * specification has it, so a rule may be put together again from its leaves' values. */
#ifndef CDP_LANG_PARTS_H
#define CDP_LANG_PARTS_H

#include "lang/ast.h"
#include "lang/expr.h"

enum cdp_part_kind {
	CDP_PART_LEAF,
	CDP_PART_AND, /* two or more kids */
	CDP_PART_OR,
	CDP_PART_NOT,
	CDP_PART_COND, /* kid[0] ? kid[1] : kid[2] */
};

/* The kind of a node of a syntax tree that stands where a condition is wanted; its kids
 * are conditions as well. */
enum cdp_part_kind cdp_part_kind(const struct cdp_ast *a);

/* Compile a leaf of `text`, whose errors point there; what cannot be a bool is an error.
 * 0 or -1. */
int cdp_part_compile(struct cdp_expr **out, const struct cdp_ast *leaf, const char *text,
		     size_t n, const struct cdp_env *env, struct cdp_err *err);

enum cdp_form_kind {
	CDP_FORM_CONST, /* the same for every record: value */
	CDP_FORM_HOST,  /* a reference of the tool alone: ref */
	CDP_FORM_HAS,   /* has(slot) */
	CDP_FORM_TRUTH, /* the slot itself: true, false, else an error */
	CDP_FORM_EQUAL, /* slot == value */
	CDP_FORM_IN,    /* slot in value, a list */
	CDP_FORM_ORDER, /* slot <op> value, a number or a string; CDP_OP_LT, LE, GT, GE */
	CDP_FORM_PREFIX, /* slot.startsWith(value) */
	CDP_FORM_FIELD,  /* anything over one slot alone */
	CDP_FORM_ROW,    /* anything over the record */
	CDP_FORM_MIXED,  /* anything over the record and references of the tool */
	CDP_FORM_ASKED,  /* made of one of the two above by model/rules */
};

struct cdp_form {
	enum cdp_form_kind kind;
	bool negated; /* EQUAL: != */
	enum cdp_op op;
	int slot, ref;
	struct cdp_value value; /* lives as long as the expression */
};

/* What a compiled leaf comes down to. */
void cdp_part_form(const struct cdp_expr *e, struct cdp_form *f);
/* Calls with each host reference the leaf reads (some maybe more than once), and with
 * each slot and its path. */
void cdp_part_reads(const struct cdp_expr *e, void (*ref)(void *ctx, int ref),
		    void (*slot)(void *ctx, int slot, const char *path), void *ctx);

/* The text that an item of a list of the tool's must have for the leaf to be true: of
 * LIST.exists(x, x.member == 'text' && ...), LIST.exists(x, x == 'text') and 'text' in
 * LIST.  If no item has it, it is false, or an error where an item has no such member. */
struct cdp_part_key {
	int ref;            /* the list */
	const char *member; /* NULL: the item itself */
	size_t member_n;
	const char *p;
	size_t n;
};
/* False: it is no such leaf.  Borrowed from it. */
bool cdp_part_key(const struct cdp_expr *e, struct cdp_part_key *k);

#endif
