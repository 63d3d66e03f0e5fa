/* Compiled expressions, for lib/lang alone: a tree of small nodes and what evaluates
 * them. */
#ifndef CDP_LANG_PROG_H
#define CDP_LANG_PROG_H

#include "lang/ast.h"
#include "lang/expr.h"
#include "lang/regex.h"

enum cdp_node_op {
	CDP_N_CONST,
	CDP_N_ERROR,     /* always fails: why */
	CDP_N_SLOT,      /* a member of the record */
	CDP_N_SLOT_TIME, /* time, sent, received: a timestamp */
	CDP_N_AS_OF,     /* the base time; slot >= 0: the record's own if it has one */
	CDP_N_HAS_SLOT,
	CDP_N_HOST, /* a reference of the tool */
	CDP_N_HAS_HOST,
	CDP_N_HOST_CALL,
	CDP_N_ENTITY, /* a member of the entity with the id that is kid[0] */
	CDP_N_HAS_ENTITY,
	CDP_N_AGG,
	CDP_N_POP,
	CDP_N_VAR,
	CDP_N_SELECT,
	CDP_N_HAS,
	CDP_N_INDEX,
	CDP_N_LIST,
	CDP_N_MAP,
	CDP_N_AND,
	CDP_N_OR,
	CDP_N_NOT,
	CDP_N_COND,
	CDP_N_MACRO,
	CDP_N_NEG,
	CDP_N_ARITH, /* sub: enum cdp_op */
	CDP_N_EQ,
	CDP_N_NE,
	CDP_N_ORDER, /* sub: enum cdp_op */
	CDP_N_IN,
	CDP_N_CALL,
	/* fused */
	CDP_N_SLOT_IS,  /* slot == string constant (value); sub 1: != */
	CDP_N_SLOT_CMP, /* slot <sub> number constant */
	CDP_N_TIME_CMP, /* time slot <sub> timestamp constant */
	CDP_N_SLOT_IN,  /* slot in constant list */
};

enum { CDP_STATIC_ANY = 255 }; /* type known only when it runs */

struct cdp_func;
struct cdp_node;

/* Nodes that read a member of the record. */
bool cdp_node_reads_slot(const struct cdp_node *n);

struct cdp_node {
	uint8_t op;    /* enum cdp_node_op */
	uint8_t sub;   /* operator, macro ... */
	uint8_t stype; /* enum cdp_vtype or CDP_STATIC_ANY */
	bool pure;     /* the same for every record and run */
	bool quick;    /* see number */
	int32_t ref;   /* slot, host reference, aggregate, variable */
	uint32_t count;
	uint32_t cost; /* nodes below, for the budget of macros */
	struct cdp_node **kid;
	struct cdp_value value; /* a constant */
	const struct cdp_func *func;
	double number; /* SLOT_CMP: the constant, if `quick`: below 1e15, and no NaN */
	uint32_t free_vars; /* bit i: macro variable i is used from outside */
	uint32_t pos;
	const char *name; /* member or path, for SELECT, HAS and messages */
	size_t name_n;
	const char *why; /* message made when compiled */
	/* Prepared when constant: */
	const struct cdp_regex *regex;
	const struct cdp_zone *zone;
};

/* Function calls.  `args` holds the receiver first. */
enum { CDP_FUNC_ARGS = 4 }; /* at most */
struct cdp_func {
	const char *name;
	uint8_t style; /* CDP_F_GLOBAL | CDP_F_METHOD */
	uint8_t min, max;
	bool needs_run;
	uint8_t result; /* enum cdp_vtype or CDP_STATIC_ANY */
	int (*call)(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		    struct cdp_value *out);
	uint16_t takes[CDP_FUNC_ARGS]; /* types by argument; 0: any */
};
enum {
	CDP_TAKES_STRING = 1 << CDP_V_STRING,
	CDP_TAKES_TIME = 1 << CDP_V_TIMESTAMP,
	CDP_TAKES_DURATION = 1 << CDP_V_DURATION,
	CDP_TAKES_BYTES = 1 << CDP_V_BYTES,
	CDP_TAKES_BOOL = 1 << CDP_V_BOOL,
	CDP_TAKES_INT = 1 << CDP_V_INT,
	CDP_TAKES_LIST = 1 << CDP_V_LIST,
	CDP_TAKES_MAP = 1 << CDP_V_MAP,
	CDP_TAKES_NUMBER =
		1 << CDP_V_INT | 1 << CDP_V_UINT | 1 << CDP_V_DOUBLE | 1 << CDP_V_DECIMAL,
};
enum { CDP_F_GLOBAL = 1, CDP_F_METHOD = 2 };

const struct cdp_func *cdp_func_find(const char *name, size_t n, unsigned style);
/* Its last argument, which is optional, is a zone; without it that of the run (or UTC:
 * getHours and its kin). */
bool cdp_func_takes_zone(const struct cdp_func *f);
/* All functions, NULL-ended by .name; and the list of all these, NULL-ended. */
extern const struct cdp_func cdp_string_funcs[], cdp_text_funcs[], cdp_conv_funcs[],
	cdp_time_funcs[], cdp_civil_funcs[], cdp_trade_funcs[], cdp_number_funcs[],
	cdp_list_funcs[];
extern const struct cdp_func *const cdp_func_tables[];

/* Owned by the expression, freed with it. */
struct cdp_owned {
	struct cdp_owned *next;
	struct cdp_regex *regex;
	struct cdp_zone *zone;
};

struct cdp_expr {
	struct cdp_arena arena;
	char *text;
	struct cdp_node *root;
	struct cdp_owned *owned;
	const char
		*zone; /* cdp_env.zone; its tree had it added already if it came as one */
	unsigned vars; /* macro variables in use at once */
	const char **events;
	size_t event_count;
	bool head_only;
};

/* ---- evaluation ---- */

enum {
	/* What one evaluation may spend: nodes visited in macros, and bytes made. */
	CDP_EVAL_STEPS = 20 * 1000 * 1000,
	CDP_EVAL_BYTES = 64 * 1024 * 1024,
	CDP_REGEX_CACHE = 8,
	CDP_SLOT_CACHE = 8,
};

struct cdp_eval {
	struct cdp_arena own;
	struct cdp_arena *arena; /* &own, or an expression's while constants are folded */
	struct cdp_run run;
	bool has_run;
	struct cdp_rec *rec;
	struct cdp_value *vars;
	unsigned depth;
	uint64_t steps, bytes; /* left */
	const char *why;       /* the error, while one is on its way up */
	const char *where;     /* member at fault or NULL */
	char msg[320];
	int (*fetch)(void *host, int ref, struct cdp_value *out, struct cdp_err *err);
	int (*call)(void *host, unsigned function, const struct cdp_value *args,
		    size_t count, struct cdp_value *out, struct cdp_err *err);
	void *host, *call_host;
	int (*agg_fetch)(void *host, unsigned agg, struct cdp_value *out,
			 struct cdp_err *err);
	void *agg_host;
	int (*pop_fetch)(void *host, unsigned pop, struct cdp_value *out,
			 struct cdp_err *err);
	void *pop_host;
	int (*entity_fetch)(const void *host, int ref, const struct cdp_value *id,
			    struct cdp_arena *arena, struct cdp_value *out);
	const void *entity_host;
	/* Slots whose value took memory (containers, escaped strings), so that a macro
	 * does not walk or decode them again for every element. */
	struct {
		const struct cdp_val *slot;
		struct cdp_value value;
	} slots[CDP_SLOT_CACHE];
	unsigned slot_count;
	struct cdp_buf text;         /* scratch of aggregates */
	struct cdp_zone_cursor days; /* of the run's zone */
	struct cdp_regex_work *work;
	struct {
		char *pattern;
		size_t n;
		struct cdp_regex *re;
	} regexes[CDP_REGEX_CACHE]; /* patterns that are no constants, newest first */
	struct cdp_zone *zone;      /* last zone named at run time */
	char zone_name[64];
};

void cdp_eval_init(struct cdp_eval *ev, struct cdp_arena *arena);
void cdp_eval_release(struct cdp_eval *ev);
/* Set the error; returns -1. */
int cdp_eval_fail(struct cdp_eval *ev, const char *fmt, ...) CDP_PRINTF(2, 3);
/* Copy the error on its way up into err if that is not NULL; returns -1. */
int cdp_eval_error(const struct cdp_eval *ev, struct cdp_err *err);
/* Memory that lasts until the reset; NULL with the error set when the budget is spent. */
void *cdp_eval_alloc(struct cdp_eval *ev, size_t n);
/* Charge work; -1 with the error set when the budget is spent. */
int cdp_eval_spend(struct cdp_eval *ev, uint64_t steps);
/* Charge what it takes to walk through a value, as far as it is long; -1 as above. */
int cdp_eval_walk(struct cdp_eval *ev, const struct cdp_value *v);
/* The same for the comparison of two values. */
int cdp_eval_compare(struct cdp_eval *ev, const struct cdp_value *a,
		     const struct cdp_value *b);
/* A container was made of shared parts: -1 with the error set if it is too large. */
int cdp_eval_made(struct cdp_eval *ev, const struct cdp_value *v);

/* 0 and *out, or -1. */
int cdp_node_value(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out);
/* 1, 0, or -1 (error or no bool). */
int cdp_node_test(struct cdp_eval *ev, const struct cdp_node *n);
int cdp_node_macro(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out);

/* ops.c */
int cdp_op_arith(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		 const struct cdp_value *b, struct cdp_value *out);
int cdp_op_neg(struct cdp_eval *ev, const struct cdp_value *a, struct cdp_value *out);
/* 1, 0, -1 */
int cdp_op_order(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		 const struct cdp_value *b);
bool cdp_op_holds(enum cdp_op op, int cmp); /* cmp -1, 0, 1; 2 is false but for != */
int cdp_op_in(struct cdp_eval *ev, const struct cdp_value *a, const struct cdp_value *b);
int cdp_op_index(struct cdp_eval *ev, const struct cdp_value *a,
		 const struct cdp_value *key, struct cdp_value *out);
int cdp_op_map(struct cdp_eval *ev, const struct cdp_value *pairs, size_t n,
	       struct cdp_value *out);

/* timefn.c: nanoseconds of a duration and back; a timestamp in range. */
__int128 cdp_time_ns(struct cdp_time t);
int cdp_duration_from_ns(struct cdp_eval *ev, __int128 ns, struct cdp_value *out);
int cdp_timestamp_from_ns(struct cdp_eval *ev, __int128 ns, struct cdp_value *out);
struct cdp_zone *cdp_lang_zone(const char *name, size_t n, struct cdp_err *err);
/* The zone of a call: that of its last argument if it has all, else the run's; NULL with
 * the error set. */
const struct cdp_zone *cdp_call_zone(struct cdp_eval *ev, const struct cdp_node *n,
				     const struct cdp_value *args);
/* "2024-05-01" as a day number; 0 or -1 with the reason. */
int cdp_lang_day(const char *p, size_t n, int64_t *day, struct cdp_err *err);

/* ---- compilation ---- */

struct cdp_scope {
	const char *name;
	const struct cdp_scope *up;
	unsigned index;
};

struct cdp_compiler {
	const struct cdp_env *env;
	struct cdp_expr *expr;
	const char *text;
	size_t text_n;
	const struct cdp_scope *scope;
	bool checked;          /* unknown names are errors now, not when evaluated */
	uint64_t steps, bytes; /* left for all constants */
	struct cdp_err *err;
};

/* NULL with *c->err. */
struct cdp_node *cdp_compile(struct cdp_compiler *c, const struct cdp_ast *a);
struct cdp_node *cdp_compile_member(struct cdp_compiler *c, const struct cdp_ast *a);
struct cdp_node *cdp_compile_call(struct cdp_compiler *c, const struct cdp_ast *a);
/* Aggregate calls (aggset.c): the node, or NULL with *handled false if it is none. */
struct cdp_node *cdp_compile_agg(struct cdp_compiler *c, const struct cdp_ast *a,
				 bool *handled);
/* Functions over the population (pop.c), likewise. */
struct cdp_node *cdp_compile_pop(struct cdp_compiler *c, const struct cdp_ast *a,
				 bool *handled);
/* NULL with the error if no value of the types that are known makes the node right; else
 * sets its type where that follows (types.c). */
struct cdp_node *cdp_check_types(struct cdp_compiler *c, struct cdp_node *n);
/* Constants, fused forms (fold.c). */
struct cdp_node *cdp_fold(struct cdp_compiler *c, struct cdp_node *n);
struct cdp_node *cdp_node_new(struct cdp_compiler *c, enum cdp_node_op op, size_t pos,
			      size_t kids);
/* Sum up pure, free_vars and cost of the kids; NULL if a kid is. */
struct cdp_node *cdp_node_done(struct cdp_node *n);
struct cdp_node *cdp_compile_fail(struct cdp_compiler *c, size_t pos, const char *fmt,
				  ...) CDP_PRINTF(3, 4);
/* An unknown name: an error now, or a node that fails, as c->checked says. */
struct cdp_node *cdp_compile_unknown(struct cdp_compiler *c, size_t pos, const char *fmt,
				     ...) CDP_PRINTF(3, 4);
/* Fill e->events from e->root (events.c). */
void cdp_index_events(struct cdp_expr *e);
/* Compile text already parsed (aggregates' parts). */
/* An expression that stands where a condition does must be able to be a bool. */
int cdp_expr_check_condition(const struct cdp_expr *e, const char *text, size_t n,
			     struct cdp_err *err);
int cdp_expr_from_ast(struct cdp_expr **out, const struct cdp_ast *a, const char *text,
		      size_t n, const struct cdp_env *env, struct cdp_err *err);

#endif
