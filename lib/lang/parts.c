#include "lang/parts.h"

#include "lang/lex.h"
#include "lang/prog.h"

#include <string.h>

enum cdp_part_kind cdp_part_kind(const struct cdp_ast *a)
{
	switch ((enum cdp_ast_kind)a->kind) {
	case CDP_A_AND:
		return CDP_PART_AND;
	case CDP_A_OR:
		return CDP_PART_OR;
	case CDP_A_COND:
		return CDP_PART_COND;
	case CDP_A_OP:
		return a->op == CDP_OP_NOT ? CDP_PART_NOT : CDP_PART_LEAF;
	default:
		return CDP_PART_LEAF;
	}
}

int cdp_part_compile(struct cdp_expr **out, const struct cdp_ast *leaf, const char *text,
		     size_t n, const struct cdp_env *env, struct cdp_err *err)
{
	if (cdp_expr_from_ast(out, leaf, text, n, env, err) < 0)
		return -1;
	if (cdp_expr_check_condition(*out, text, n, err) == 0)
		return 0;
	cdp_expr_free(*out);
	*out = NULL;
	return -1;
}

/* ---- what a leaf reads ---- */

struct reads {
	void (*ref)(void *ctx, int ref);
	void (*slot)(void *ctx, int slot, const char *path);
	void *ctx;
};

static void walk(const struct cdp_node *n, const struct reads *r)
{
	switch ((enum cdp_node_op)n->op) {
	case CDP_N_HOST:
	case CDP_N_HAS_HOST:
		r->ref(r->ctx, n->ref);
		break;
	case CDP_N_SLOT:
	case CDP_N_SLOT_TIME:
	case CDP_N_HAS_SLOT:
	case CDP_N_SLOT_IS:
	case CDP_N_SLOT_CMP:
	case CDP_N_TIME_CMP:
	case CDP_N_SLOT_IN:
		r->slot(r->ctx, n->ref, n->name);
		break;
	case CDP_N_AS_OF:
		if (n->ref >= 0)
			r->slot(r->ctx, n->ref, n->name);
		break;
	default:
		break;
	}
	for (uint32_t i = 0; i < n->count; i++)
		walk(n->kid[i], r);
}

void cdp_part_reads(const struct cdp_expr *e, void (*ref)(void *ctx, int ref),
		    void (*slot)(void *ctx, int slot, const char *path), void *ctx)
{
	walk(e->root, &(struct reads){ ref, slot, ctx });
}

struct scope {
	int slot; /* the only one; -1: none yet; -2: several */
	bool host;
};

static void note_ref(void *ctx, int ref)
{
	(void)ref;
	((struct scope *)ctx)->host = true;
}

static void note_slot(void *ctx, int slot, const char *path)
{
	struct scope *s = ctx;

	(void)path;
	s->slot = s->slot == -1 || s->slot == slot ? slot : -2;
}

/* ---- what it comes down to ---- */

static bool orders(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_DOUBLE || v->type == CDP_V_STRING;
}

static enum cdp_op mirrored(enum cdp_op op)
{
	switch (op) {
	case CDP_OP_LT:
		return CDP_OP_GT;
	case CDP_OP_LE:
		return CDP_OP_GE;
	case CDP_OP_GT:
		return CDP_OP_LT;
	default:
		return CDP_OP_LE;
	}
}

static bool order_form(const struct cdp_node *n, struct cdp_form *f)
{
	const struct cdp_node *s = n->kid[0], *k = n->kid[1];

	f->op = (enum cdp_op)n->sub;
	if (s->op == CDP_N_CONST) {
		s = n->kid[1];
		k = n->kid[0];
		f->op = mirrored(f->op);
	}
	if (s->op != CDP_N_SLOT || k->op != CDP_N_CONST || !orders(&k->value))
		return false;
	f->kind = CDP_FORM_ORDER;
	f->slot = s->ref;
	f->value = k->value;
	return true;
}

/* Comparisons that are not fused: with a bool, null ... */
static bool equal_form(const struct cdp_node *n, struct cdp_form *f)
{
	const struct cdp_node *a = n->kid[0], *b = n->kid[1];
	const struct cdp_node *s = a->op == CDP_N_CONST ? b : a;
	const struct cdp_node *k = a->op == CDP_N_CONST ? a : b;

	if (s->op != CDP_N_SLOT || k->op != CDP_N_CONST)
		return false;
	f->kind = CDP_FORM_EQUAL;
	f->negated = n->op == CDP_N_NE;
	f->slot = s->ref;
	f->value = k->value;
	return true;
}

static bool prefix_form(const struct cdp_node *n, struct cdp_form *f)
{
	if (strcmp(n->func->name, "startsWith") != 0 || n->kid[0]->op != CDP_N_SLOT ||
	    n->kid[1]->op != CDP_N_CONST || n->kid[1]->value.type != CDP_V_STRING)
		return false;
	f->kind = CDP_FORM_PREFIX;
	f->slot = n->kid[0]->ref;
	f->value = n->kid[1]->value;
	return true;
}

static bool simple_form(const struct cdp_node *n, struct cdp_form *f)
{
	f->slot = f->ref = n->ref;
	f->value = n->value;
	switch ((enum cdp_node_op)n->op) {
	case CDP_N_CONST:
		f->kind = CDP_FORM_CONST;
		return true;
	case CDP_N_HOST:
		f->kind = CDP_FORM_HOST;
		f->slot = -1;
		return true;
	case CDP_N_HAS_SLOT:
		f->kind = CDP_FORM_HAS;
		return true;
	case CDP_N_SLOT:
		f->kind = CDP_FORM_TRUTH;
		return true;
	case CDP_N_SLOT_IS:
		f->kind = CDP_FORM_EQUAL;
		f->negated = n->sub;
		return true;
	case CDP_N_SLOT_IN:
		f->kind = CDP_FORM_IN;
		return true;
	case CDP_N_SLOT_CMP:
		f->op = (enum cdp_op)n->sub;
		f->negated = f->op == CDP_OP_NE;
		f->kind = f->op == CDP_OP_EQ || f->op == CDP_OP_NE ? CDP_FORM_EQUAL
								   : CDP_FORM_ORDER;
		return true;
	case CDP_N_EQ:
	case CDP_N_NE:
		return equal_form(n, f);
	case CDP_N_ORDER:
		return order_form(n, f);
	case CDP_N_CALL:
		return prefix_form(n, f);
	default:
		return false;
	}
}

void cdp_part_form(const struct cdp_expr *e, struct cdp_form *f)
{
	struct scope s = { .slot = -1 };

	*f = (struct cdp_form){ .slot = -1, .ref = -1 };
	if (simple_form(e->root, f))
		return;
	cdp_part_reads(e, note_ref, note_slot, &s);
	f->slot = s.slot;
	f->kind = s.host ? CDP_FORM_MIXED : s.slot >= 0 ? CDP_FORM_FIELD : CDP_FORM_ROW;
}

/* ---- items of lists ---- */

static bool is_text(const struct cdp_node *n)
{
	return n->op == CDP_N_CONST && n->value.type == CDP_V_STRING;
}

/* x.member == 'text', or x == 'text'. */
static bool item_key(const struct cdp_node *n, int var, struct cdp_part_key *k)
{
	const struct cdp_node *x, *text;

	if (n->op != CDP_N_EQ)
		return false;
	x = is_text(n->kid[0]) ? n->kid[1] : n->kid[0];
	text = is_text(n->kid[0]) ? n->kid[0] : n->kid[1];
	if (!is_text(text))
		return false;
	k->member = NULL;
	k->p = text->value.s.p;
	k->n = text->value.s.n;
	if (x->op == CDP_N_SELECT) {
		k->member = x->name;
		k->member_n = x->name_n;
		x = x->kid[0];
	}
	return x->op == CDP_N_VAR && x->ref == var;
}

bool cdp_part_key(const struct cdp_expr *e, struct cdp_part_key *k)
{
	const struct cdp_node *n = e->root, *cond;

	*k = (struct cdp_part_key){ 0 };
	if (n->op == CDP_N_IN && is_text(n->kid[0]) && n->kid[1]->op == CDP_N_HOST) {
		k->ref = n->kid[1]->ref;
		k->p = n->kid[0]->value.s.p;
		k->n = n->kid[0]->value.s.n;
		return true;
	}
	if (n->op != CDP_N_MACRO || n->sub != CDP_M_EXISTS || n->kid[0]->op != CDP_N_HOST)
		return false;
	k->ref = n->kid[0]->ref;
	cond = n->kid[1];
	if (item_key(cond, n->ref, k))
		return true;
	for (uint32_t i = 0; cond->op == CDP_N_AND && i < cond->count; i++)
		if (item_key(cond->kid[i], n->ref, k))
			return true;
	return false;
}
