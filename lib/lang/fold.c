/* Constants are computed once, common shapes fused, and what cannot work with any value
 * refused, when an expression is compiled. */
#include "lang/prog.h"
#include "lang/view.h"

#include <string.h>

/* ---- constants ---- */

static struct cdp_node *fold_constant(struct cdp_compiler *c, struct cdp_node *n)
{
	struct cdp_value vars[CDP_EXPR_MACRO_MAX];
	struct cdp_eval ev;
	int r;

	cdp_eval_init(&ev, &c->expr->arena);
	ev.vars = vars;
	if (c->env->run) {
		ev.run = *c->env->run;
		ev.has_run = true;
	}
	r = cdp_node_value(&ev, n, &n->value);
	if (r == 0) {
		n->op = CDP_N_CONST;
		n->count = 0;
		n->cost = 1;
		n->stype = n->value.type;
		if (n->value.type == CDP_V_LIST)
			cdp_list_index(n->value.list);
	} else if (c->checked) {
		n = cdp_compile_fail(c, n->pos, "%s", ev.why);
	} else {
		n->op = CDP_N_ERROR;
		n->count = 0;
		n->why = cdp_arena_strndup(&c->expr->arena, ev.why, strlen(ev.why));
	}
	cdp_eval_release(&ev);
	return n;
}

static bool is_constant(const struct cdp_node *n)
{
	return n->op == CDP_N_CONST;
}

/* ---- clashes of types known when compiled ---- */

static bool is_number(uint8_t t)
{
	return t == CDP_V_INT || t == CDP_V_UINT || t == CDP_V_DOUBLE ||
	       t == CDP_V_DECIMAL;
}

static bool is_time(uint8_t t)
{
	return t == CDP_V_TIMESTAMP || t == CDP_V_DURATION;
}

static bool may_order(uint8_t a, uint8_t b)
{
	if (is_number(a) && is_number(b))
		return true;
	return a == b && a != CDP_V_NULL && a != CDP_V_LIST && a != CDP_V_MAP &&
	       a != CDP_V_TYPE;
}

static bool may_equal(uint8_t a, uint8_t b)
{
	return a == b || a == CDP_V_NULL || b == CDP_V_NULL ||
	       (is_number(a) && is_number(b));
}

static bool may_compute(enum cdp_op op, uint8_t a, uint8_t b)
{
	if (is_number(a) && is_number(b))
		return a == b || (a != CDP_V_UINT && b != CDP_V_UINT);
	if (is_time(a) && is_time(b))
		return op == CDP_OP_SUB ? a == CDP_V_TIMESTAMP || a == b
					: op == CDP_OP_ADD && (a == CDP_V_DURATION ||
							       b == CDP_V_DURATION);
	return op == CDP_OP_ADD && a == b &&
	       (a == CDP_V_STRING || a == CDP_V_BYTES || a == CDP_V_LIST);
}

static struct cdp_node *clash(struct cdp_compiler *c, const struct cdp_node *n, uint8_t a,
			      uint8_t b)
{
	bool text = (a == CDP_V_TIMESTAMP && b == CDP_V_STRING) ||
		    (b == CDP_V_TIMESTAMP && a == CDP_V_STRING);

	return cdp_compile_fail(
		c, n->pos, "no such overload: %s %s %s%s", cdp_type_word(a),
		cdp_op_text((enum cdp_op)n->sub), cdp_type_word(b),
		text ? "; write date('2024-05-01') or timestamp('...')" : "");
}

static struct cdp_node *check_binary(struct cdp_compiler *c, struct cdp_node *n)
{
	uint8_t a = n->kid[0]->stype, b = n->kid[1]->stype;
	bool fine;

	if (a == CDP_STATIC_ANY || b == CDP_STATIC_ANY)
		return n;
	switch (n->op) {
	case CDP_N_ORDER:
		fine = may_order(a, b);
		break;
	case CDP_N_EQ:
	case CDP_N_NE:
		fine = may_equal(a, b);
		break;
	case CDP_N_IN:
		fine = b == CDP_V_LIST || b == CDP_V_MAP;
		break;
	case CDP_N_ARITH:
		fine = may_compute((enum cdp_op)n->sub, a, b);
		break;
	default:
		fine = true;
	}
	return fine ? n : clash(c, n, a, b);
}

/* A condition must be a bool. */
static struct cdp_node *check_conditions(struct cdp_compiler *c, struct cdp_node *n)
{
	uint32_t count = n->op == CDP_N_COND ? 1 : n->count;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t t = n->kid[i]->stype;

		if (t != CDP_V_BOOL && t != CDP_STATIC_ANY)
			return cdp_compile_fail(c, n->kid[i]->pos,
						"expected a condition, not %s",
						cdp_type_word(t));
	}
	return n;
}

static struct cdp_node *check(struct cdp_compiler *c, struct cdp_node *n)
{
	switch (n->op) {
	case CDP_N_AND:
	case CDP_N_OR:
	case CDP_N_NOT:
	case CDP_N_COND:
		return check_conditions(c, n);
	case CDP_N_EQ:
	case CDP_N_NE:
	case CDP_N_ORDER:
	case CDP_N_IN:
	case CDP_N_ARITH:
		return check_binary(c, n);
	default:
		return n;
	}
}

/* ---- fused forms ---- */

static uint8_t mirrored(uint8_t op)
{
	switch (op) {
	case CDP_OP_LT:
		return CDP_OP_GT;
	case CDP_OP_LE:
		return CDP_OP_GE;
	case CDP_OP_GT:
		return CDP_OP_LT;
	case CDP_OP_GE:
		return CDP_OP_LE;
	default:
		return op;
	}
}

/* Become `op` over the slot of `s` and the constant `v`. */
static void fuse(struct cdp_node *n, enum cdp_node_op op, const struct cdp_node *s,
		 const struct cdp_value *v)
{
	n->op = (uint8_t)op;
	n->count = 0;
	n->ref = s->ref;
	n->name = s->name;
	n->name_n = s->name_n;
	n->why = s->why;
	n->value = *v;
}

static void fuse_comparison(struct cdp_node *n)
{
	const struct cdp_node *s = n->kid[0], *k = n->kid[1];
	uint8_t op = n->sub;

	if (is_constant(s)) {
		const struct cdp_node *swap = s;

		s = k;
		k = swap;
		op = mirrored(op);
	}
	if (!is_constant(k))
		return;
	if (s->op == CDP_N_SLOT_TIME && k->value.type == CDP_V_TIMESTAMP) {
		fuse(n, CDP_N_TIME_CMP, s, &k->value);
		n->sub = op;
	} else if (s->op == CDP_N_SLOT &&
		   (k->value.type == CDP_V_INT || k->value.type == CDP_V_DOUBLE)) {
		fuse(n, CDP_N_SLOT_CMP, s, &k->value);
		n->sub = op;
		n->number = k->value.type == CDP_V_INT ? (double)k->value.i : k->value.d;
		n->quick = n->number > -1e15 && n->number < 1e15;
	} else if (s->op == CDP_N_SLOT && k->value.type == CDP_V_STRING &&
		   (op == CDP_OP_EQ || op == CDP_OP_NE)) {
		fuse(n, CDP_N_SLOT_IS, s, &k->value);
		n->sub = op == CDP_OP_NE;
	}
}

static void fuse_in(struct cdp_node *n)
{
	if (n->kid[0]->op == CDP_N_SLOT && is_constant(n->kid[1]) &&
	    n->kid[1]->value.type == CDP_V_LIST)
		fuse(n, CDP_N_SLOT_IN, n->kid[0], &n->kid[1]->value);
}

static struct cdp_node *simplify(struct cdp_node *n)
{
	switch (n->op) {
	case CDP_N_EQ:
	case CDP_N_NE:
	case CDP_N_ORDER:
		fuse_comparison(n);
		return n;
	case CDP_N_IN:
		fuse_in(n);
		return n;
	case CDP_N_COND:
		if (is_constant(n->kid[0]) && n->kid[0]->value.type == CDP_V_BOOL)
			return n->kid[n->kid[0]->value.b ? 1 : 2];
		if (n->kid[1]->stype == n->kid[2]->stype)
			n->stype = n->kid[1]->stype;
		return n;
	default:
		return n;
	}
}

struct cdp_node *cdp_fold(struct cdp_compiler *c, struct cdp_node *n)
{
	if (!n || n->op == CDP_N_ERROR)
		return n;
	if (c->checked && !check(c, n))
		return NULL;
	if (n->pure && n->free_vars == 0 && n->op != CDP_N_CONST)
		return fold_constant(c, n);
	return simplify(n);
}
