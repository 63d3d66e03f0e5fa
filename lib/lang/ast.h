/* The syntax tree of an expression.  Lives in the arena it was parsed into. */
#ifndef CDP_LANG_AST_H
#define CDP_LANG_AST_H

#include "base/buf.h"
#include "lang/value.h"

enum {
	CDP_EXPR_TEXT_MAX = 1024 * 1024,
	CDP_EXPR_NEST_MAX = 100, /* brackets, conditionals and calls inside each other */
	CDP_EXPR_HEIGHT_MAX = 1000, /* of the tree: long chains of operators */
	CDP_EXPR_MACRO_MAX = 16,    /* macros inside each other */
};

enum cdp_ast_kind {
	CDP_A_LITERAL, /* value */
	CDP_A_NAME,    /* name; root: written with a leading dot */
	CDP_A_SELECT,  /* kid[0].name */
	CDP_A_HAS,     /* has(kid[0].name); no kid: has(name) */
	CDP_A_INDEX,   /* kid[0][kid[1]] */
	CDP_A_CALL,    /* name(kids) */
	CDP_A_METHOD,  /* kid[0].name(kid[1] ...) */
	CDP_A_OP,      /* op over kids */
	CDP_A_AND,     /* two or more kids */
	CDP_A_OR,
	CDP_A_COND, /* kid[0] ? kid[1] : kid[2] */
	CDP_A_LIST,
	CDP_A_MAP,   /* keys and values alternate */
	CDP_A_MACRO, /* macro: kid[0] the range, name the variable, then its arguments */
};

enum cdp_op {
	CDP_OP_NOT,
	CDP_OP_NEG,
	CDP_OP_ADD,
	CDP_OP_SUB,
	CDP_OP_MUL,
	CDP_OP_DIV,
	CDP_OP_MOD,
	CDP_OP_EQ,
	CDP_OP_NE,
	CDP_OP_LT,
	CDP_OP_LE,
	CDP_OP_GT,
	CDP_OP_GE,
	CDP_OP_IN,
};

enum cdp_macro {
	CDP_M_ALL,
	CDP_M_EXISTS,
	CDP_M_EXISTS_ONE,
	CDP_M_MAP,
	CDP_M_FILTER,
};

struct cdp_ast {
	uint8_t kind; /* enum cdp_ast_kind */
	uint8_t op;   /* enum cdp_op or enum cdp_macro */
	bool root;
	uint16_t height;
	uint32_t pos; /* where it stands in the text: its operator, name or bracket */
	uint32_t count;
	struct cdp_ast **kid;
	const char *name; /* NUL-terminated */
	size_t name_n;
	struct cdp_value value;
};

const char *cdp_op_text(enum cdp_op op); /* "+", "in" ... */
const char *cdp_macro_name(enum cdp_macro m);

/* Parse the whole text.  NULL with a usage error that points. */
struct cdp_ast *cdp_parse(const char *text, size_t n, struct cdp_arena *arena,
			  struct cdp_err *err);
/* Calls by civil days and windows of days (date, day, addDays, civilDays, within, days
 * ...) that name no zone get this one, which must outlive the tree. */
void cdp_ast_set_zone(struct cdp_ast *a, const char *zone, struct cdp_arena *arena);
/* A constant that is the zone of within() or days(), not their length or condition. */
bool cdp_ast_names_zone(const struct cdp_ast *a);
/* Canonical text: the same for texts that differ only in space, quoting, redundant
 * brackets and comments. */
void cdp_ast_text(struct cdp_buf *b, const struct cdp_ast *a);

#endif
