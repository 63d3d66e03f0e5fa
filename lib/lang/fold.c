/* Constants are computed once and common shapes fused when an expression is compiled. */
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
	ev.steps = c->steps;
	ev.bytes = c->bytes;
	if (c->env->run) {
		ev.run = *c->env->run;
		ev.has_run = true;
	}
	r = cdp_node_value(&ev, n, &n->value);
	c->steps = ev.steps;
	c->bytes = ev.bytes;
	if (r == 0) {
		n->op = CDP_N_CONST;
		n->count = 0;
		/* What it costs to hold a text against another one. */
		n->cost = 1;
		if (n->value.type == CDP_V_STRING || n->value.type == CDP_V_BYTES)
			n->cost += n->value.s.n / 64;
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
	if (c->checked && !cdp_check_types(c, n))
		return NULL;
	if (n->pure && n->free_vars == 0 && n->op != CDP_N_CONST)
		return fold_constant(c, n);
	return simplify(n);
}
