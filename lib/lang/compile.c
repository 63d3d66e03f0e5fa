/* From syntax tree to nodes. */
#include "base/text.h"
#include "lang/lex.h"
#include "lang/prog.h"

#include <stdio.h>
#include <string.h>

struct cdp_node *cdp_compile_fail(struct cdp_compiler *c, size_t pos, const char *fmt,
				  ...)
{
	char msg[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	cdp_lex_error(c->text, c->text_n, pos, c->err, "%s", msg);
	return NULL;
}

struct cdp_node *cdp_compile_unknown(struct cdp_compiler *c, size_t pos, const char *fmt,
				     ...)
{
	struct cdp_node *n;
	char msg[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (c->checked)
		return cdp_compile_fail(c, pos, "%s", msg);
	n = cdp_node_new(c, CDP_N_ERROR, pos, 0);
	n->why = cdp_arena_strndup(&c->expr->arena, msg, strlen(msg));
	return n;
}

struct cdp_node *cdp_node_new(struct cdp_compiler *c, enum cdp_node_op op, size_t pos,
			      size_t kids)
{
	struct cdp_arena *a = &c->expr->arena;
	struct cdp_node *n = cdp_arena_alloc(a, sizeof(*n));

	*n = (struct cdp_node){ .op = (uint8_t)op,
				.stype = CDP_STATIC_ANY,
				.pure = true,
				.pos = (uint32_t)pos,
				.cost = 1,
				.count = (uint32_t)kids,
				.ref = -1 };
	n->kid = cdp_arena_alloc(a, kids * sizeof(*n->kid));
	return n;
}

struct cdp_node *cdp_node_done(struct cdp_node *n)
{
	for (uint32_t i = 0; i < n->count; i++) {
		if (!n->kid[i])
			return NULL;
		n->pure &= n->kid[i]->pure;
		n->free_vars |= n->kid[i]->free_vars;
		n->cost += n->kid[i]->cost;
	}
	return n;
}

/* A node over the compiled kids of `a`, folded. */
static struct cdp_node *over_kids(struct cdp_compiler *c, const struct cdp_ast *a,
				  enum cdp_node_op op, uint8_t sub, uint8_t stype)
{
	struct cdp_node *n = cdp_node_new(c, op, a->pos, a->count);

	n->sub = sub;
	n->stype = stype;
	for (uint32_t i = 0; i < a->count; i++)
		if (!(n->kid[i] = cdp_compile(c, a->kid[i])))
			return NULL;
	return cdp_fold(c, cdp_node_done(n));
}

static struct cdp_node *compile_literal(struct cdp_compiler *c, const struct cdp_ast *a)
{
	struct cdp_node *n = cdp_node_new(c, CDP_N_CONST, a->pos, 0);

	n->value = a->value;
	n->stype = a->value.type;
	/* The tree may die before the expression. */
	if (n->value.type == CDP_V_STRING || n->value.type == CDP_V_BYTES)
		n->value.s.p =
			cdp_arena_strndup(&c->expr->arena, a->value.s.p, a->value.s.n);
	return n;
}

static struct cdp_node *compile_op(struct cdp_compiler *c, const struct cdp_ast *a)
{
	switch ((enum cdp_op)a->op) {
	case CDP_OP_NOT:
		return over_kids(c, a, CDP_N_NOT, 0, CDP_V_BOOL);
	case CDP_OP_NEG:
		return over_kids(c, a, CDP_N_NEG, 0, CDP_STATIC_ANY);
	case CDP_OP_EQ:
		return over_kids(c, a, CDP_N_EQ, a->op, CDP_V_BOOL);
	case CDP_OP_NE:
		return over_kids(c, a, CDP_N_NE, a->op, CDP_V_BOOL);
	case CDP_OP_LT:
	case CDP_OP_LE:
	case CDP_OP_GT:
	case CDP_OP_GE:
		return over_kids(c, a, CDP_N_ORDER, a->op, CDP_V_BOOL);
	case CDP_OP_IN:
		return over_kids(c, a, CDP_N_IN, a->op, CDP_V_BOOL);
	default:
		return over_kids(c, a, CDP_N_ARITH, a->op, CDP_STATIC_ANY);
	}
}

static struct cdp_node *compile_macro(struct cdp_compiler *c, const struct cdp_ast *a)
{
	struct cdp_scope scope = { .name = a->name,
				   .up = c->scope,
				   .index = c->scope ? c->scope->index + 1 : 0 };
	struct cdp_node *n = cdp_node_new(c, CDP_N_MACRO, a->pos, a->count);

	if (scope.index >= CDP_EXPR_MACRO_MAX)
		return cdp_compile_fail(c, a->pos, "macros are nested too deeply");
	n->sub = a->op;
	n->stype = a->op == CDP_M_MAP || a->op == CDP_M_FILTER ? CDP_V_LIST : CDP_V_BOOL;
	n->ref = (int32_t)scope.index;
	n->kid[0] = cdp_compile(c, a->kid[0]);
	c->scope = &scope;
	for (uint32_t i = 1; i < a->count; i++)
		n->kid[i] = n->kid[i - 1] ? cdp_compile(c, a->kid[i]) : NULL;
	c->scope = scope.up;
	if (c->expr->vars <= scope.index)
		c->expr->vars = scope.index + 1;
	if (!n->kid[a->count - 1] || !cdp_node_done(n))
		return NULL;
	n->free_vars &= ~(1u << scope.index);
	return cdp_fold(c, n);
}

struct cdp_node *cdp_compile(struct cdp_compiler *c, const struct cdp_ast *a)
{
	switch ((enum cdp_ast_kind)a->kind) {
	case CDP_A_LITERAL:
		return compile_literal(c, a);
	case CDP_A_NAME:
	case CDP_A_SELECT:
	case CDP_A_HAS:
	case CDP_A_INDEX:
		return cdp_compile_member(c, a);
	case CDP_A_CALL:
	case CDP_A_METHOD:
		return cdp_compile_call(c, a);
	case CDP_A_OP:
		return compile_op(c, a);
	case CDP_A_AND:
		return over_kids(c, a, CDP_N_AND, 0, CDP_V_BOOL);
	case CDP_A_OR:
		return over_kids(c, a, CDP_N_OR, 0, CDP_V_BOOL);
	case CDP_A_COND:
		return over_kids(c, a, CDP_N_COND, 0, CDP_STATIC_ANY);
	case CDP_A_LIST:
		return over_kids(c, a, CDP_N_LIST, 0, CDP_V_LIST);
	case CDP_A_MAP:
		return over_kids(c, a, CDP_N_MAP, 0, CDP_V_MAP);
	default:
		return compile_macro(c, a);
	}
}

/* ---- calls ---- */

static struct cdp_node *unknown_function(struct cdp_compiler *c, const struct cdp_ast *a)
{
	const char *names[64], *near;
	size_t n = 0;

	for (size_t t = 0; cdp_func_tables[t]; t++)
		for (const struct cdp_func *f = cdp_func_tables[t]; f->name && n < 64;
		     f++)
			names[n++] = f->name;
	for (size_t i = 0; c->env->functions && c->env->functions[i] && n < 64; i++)
		names[n++] = c->env->functions[i];
	near = cdp_text_suggest(a->name, a->name_n, names, n);
	return cdp_compile_unknown(c, a->pos, "unknown function '%s'%s%s%s", a->name,
				   near ? "; did you mean '" : "", near ? near : "",
				   near ? "'?" : "");
}

static struct cdp_node *host_call(struct cdp_compiler *c, const struct cdp_ast *a,
				  unsigned function)
{
	struct cdp_node *n = cdp_node_new(c, CDP_N_HOST_CALL, a->pos, a->count);

	n->ref = (int32_t)function;
	n->pure = false;
	n->name = cdp_arena_strndup(&c->expr->arena, a->name, a->name_n);
	for (uint32_t i = 0; i < a->count; i++)
		if (!(n->kid[i] = cdp_compile(c, a->kid[i])))
			return NULL;
	return cdp_node_done(n);
}

static struct cdp_owned *own(struct cdp_compiler *c)
{
	struct cdp_owned *o = cdp_arena_alloc(&c->expr->arena, sizeof(*o));

	*o = (struct cdp_owned){ .next = c->expr->owned };
	c->expr->owned = o;
	return o;
}

/* Compile a constant pattern and load a constant zone once.  What is wrong with them is
 * an error now where expressions are checked, else when evaluated. */
static bool prepare(struct cdp_compiler *c, struct cdp_node *n)
{
	const struct cdp_func *f = n->func;
	const struct cdp_node *arg =
		n->count > 1 && n->count == f->max ? n->kid[n->count - 1] : NULL;
	struct cdp_regex *re = NULL;
	struct cdp_zone *z = NULL;
	struct cdp_err err;
	bool pattern;

	if (!arg || arg->op != CDP_N_CONST || arg->value.type != CDP_V_STRING)
		return true;
	pattern = strcmp(f->name, "matches") == 0;
	if (pattern)
		re = cdp_regex_new(arg->value.s.p, arg->value.s.n, &err);
	else if (cdp_func_takes_zone(f))
		z = cdp_lang_zone(arg->value.s.p, arg->value.s.n, &err);
	else
		return true;
	if (!re && !z)
		return !c->checked || cdp_compile_fail(c, arg->pos, "%s", err.msg);
	n->regex = re;
	n->zone = z;
	*own(c) = (struct cdp_owned){ .next = c->expr->owned->next,
				      .regex = re,
				      .zone = z };
	return true;
}

static struct cdp_node *std_call(struct cdp_compiler *c, const struct cdp_ast *a,
				 const struct cdp_func *f)
{
	bool method = a->kind == CDP_A_METHOD;
	struct cdp_node *n;

	if (a->count < f->min || a->count > f->max)
		return cdp_compile_unknown(c, a->pos, "%s() takes %u argument%s, not %u",
					   f->name, f->max - method,
					   f->max - method == 1 ? "" : "s",
					   a->count - method);
	n = cdp_node_new(c, CDP_N_CALL, a->pos, a->count);
	n->func = f;
	n->stype = f->result;
	/* With its optional argument, a zone, it needs none. */
	if (f->needs_run && (a->count < f->max || f->min == f->max))
		n->pure = c->env->run != NULL;
	for (uint32_t i = 0; i < a->count; i++)
		if (!(n->kid[i] = cdp_compile(c, a->kid[i])))
			return NULL;
	if (!prepare(c, n))
		return NULL;
	return cdp_fold(c, cdp_node_done(n));
}

struct cdp_node *cdp_compile_call(struct cdp_compiler *c, const struct cdp_ast *a)
{
	bool method = a->kind == CDP_A_METHOD, handled = false;
	const struct cdp_func *f;
	struct cdp_node *n;

	for (unsigned i = 0; !method && c->env->functions && c->env->functions[i]; i++)
		if (strcmp(c->env->functions[i], a->name) == 0)
			return host_call(c, a, i);
	f = cdp_func_find(a->name, a->name_n, method ? CDP_F_METHOD : CDP_F_GLOBAL);
	if (f)
		return std_call(c, a, f);
	if (!method && strcmp(a->name, "entity") == 0)
		return cdp_compile_unknown(c, a->pos,
					   "entity() needs the name of a member, as in "
					   "entity('product', props.product).class");
	n = method ? NULL : cdp_compile_agg(c, a, &handled);
	if (!method && !handled)
		n = cdp_compile_pop(c, a, &handled);
	if (handled)
		return n;
	f = cdp_func_find(a->name, a->name_n, CDP_F_METHOD | CDP_F_GLOBAL);
	if (f && c->checked)
		return cdp_compile_fail(c, a->pos,
					method ? "%s() is no method; write %s(x)"
					       : "%s() is a method; write x.%s()",
					f->name, f->name);
	return unknown_function(c, a);
}
