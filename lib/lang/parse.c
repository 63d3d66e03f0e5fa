/* Recursive descent over the grammar of the specification.  Chains of one operator are
 * loops, so only brackets nest. */
#include "lang/ast.h"
#include "lang/lex.h"

#include <stdlib.h>
#include <string.h>

struct parser {
	struct cdp_lex lex;
	struct cdp_arena *arena;
	struct cdp_err *err;
	unsigned depth;
};

/* Kids while they are being collected. */
struct kids {
	struct cdp_ast **p;
	size_t n, cap;
};

static struct cdp_ast *parse_expr(struct parser *p);

#define FAIL(p, at, ...)                                                                 \
	((void)cdp_lex_error((p)->lex.text, (size_t)((p)->lex.end - (p)->lex.text), at,  \
			     (p)->err, __VA_ARGS__),                                     \
	 NULL)

static bool next(struct parser *p)
{
	return cdp_lex_next(&p->lex, p->err) == 0;
}

static bool at_punct(const struct parser *p, char c)
{
	return p->lex.token == CDP_T_PUNCT && p->lex.punct == c;
}

/* The current token in words, for "unexpected ...". */
static struct cdp_ast *unexpected(struct parser *p, const char *wanted)
{
	int n = p->lex.len < 40 ? (int)p->lex.len : 40;

	if (p->lex.token == CDP_T_END)
		return FAIL(p, p->lex.pos, "unexpected end, expected %s", wanted);
	return FAIL(p, p->lex.pos, "unexpected '%.*s', expected %s", n,
		    p->lex.text + p->lex.pos, wanted);
}

static bool expect(struct parser *p, char c)
{
	char want[4] = { '\'', c, '\'', '\0' };

	if (at_punct(p, c))
		return next(p);
	unexpected(p, want);
	return false;
}

static void push(struct kids *k, struct cdp_ast *a)
{
	CDP_GROW(k->p, k->n, k->cap);
	k->p[k->n++] = a;
}

/* A node over `n` kids (copied); NULL if the tree gets too high. */
static struct cdp_ast *node(struct parser *p, enum cdp_ast_kind kind, size_t pos,
			    struct cdp_ast *const *kid, size_t n)
{
	struct cdp_ast *a = cdp_arena_alloc(p->arena, sizeof(*a));

	*a = (struct cdp_ast){ .kind = (uint8_t)kind, .pos = (uint32_t)pos };
	a->count = (uint32_t)n;
	a->kid = cdp_arena_alloc(p->arena, n * sizeof(*a->kid));
	for (size_t i = 0; i < n; i++) {
		a->kid[i] = kid[i];
		if (kid[i]->height >= a->height)
			a->height = (uint16_t)(kid[i]->height + 1);
	}
	if (a->height > CDP_EXPR_HEIGHT_MAX)
		return FAIL(p, pos, "expression is too long a chain");
	return a;
}

static struct cdp_ast *op_node(struct parser *p, enum cdp_op op, size_t pos,
			       struct cdp_ast *l, struct cdp_ast *r)
{
	struct cdp_ast *kid[] = { l, r }, *a;

	a = node(p, CDP_A_OP, pos, kid, r ? 2 : 1);
	if (a)
		a->op = (uint8_t)op;
	return a;
}

static void set_name(struct parser *p, struct cdp_ast *a, const char *name, size_t n)
{
	a->name = cdp_arena_strndup(p->arena, name, n);
	a->name_n = n;
}

/* Expressions up to the closing bracket, which is consumed; a trailing comma where the
 * grammar has one. */
static bool parse_list(struct parser *p, struct kids *k, char close, bool trailing)
{
	while (!at_punct(p, close)) {
		struct cdp_ast *a = parse_expr(p);

		if (!a)
			return false;
		push(k, a);
		if (!at_punct(p, ',')) {
			if (!at_punct(p, close)) {
				unexpected(p, close == ')' ? "',' or ')'" : "',' or ']'");
				return false;
			}
		} else if (!next(p)) {
			return false;
		} else if (!trailing && at_punct(p, close)) {
			unexpected(p, "an expression");
			return false;
		}
	}
	return next(p);
}

static struct cdp_ast *parse_bracket_list(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct cdp_ast *a = NULL;
	struct kids k = { 0 };

	if (next(p) && parse_list(p, &k, ']', true))
		a = node(p, CDP_A_LIST, pos, k.p, k.n);
	free(k.p);
	return a;
}

static bool parse_map_entries(struct parser *p, struct kids *k)
{
	while (!at_punct(p, '}')) {
		struct cdp_ast *key = parse_expr(p), *value;

		if (!key || !expect(p, ':'))
			return false;
		value = parse_expr(p);
		if (!value)
			return false;
		push(k, key);
		push(k, value);
		if (at_punct(p, '}'))
			break;
		if (!at_punct(p, ',')) {
			unexpected(p, "',' or '}'");
			return false;
		}
		if (!next(p))
			return false;
	}
	return next(p);
}

static struct cdp_ast *parse_map(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct cdp_ast *a = NULL;
	struct kids k = { 0 };

	if (next(p) && parse_map_entries(p, &k))
		a = node(p, CDP_A_MAP, pos, k.p, k.n);
	free(k.p);
	return a;
}

static bool is_reserved(const char *name, size_t n)
{
	static const char *const words[] = {
		"as",   "break",    "const",     "continue", "else", "for",
		"if",   "function", "import",    "let",      "loop", "package",
		"void", "while",    "namespace", "return",   "var",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && memcmp(words[i], name, n) == 0)
			return true;
	return false;
}

/* has(e.f) becomes a presence test; beyond CEL, has(e['f']) is the same and has(name)
 * asks for a member of the record. */
static struct cdp_ast *make_has(struct parser *p, size_t pos, struct kids *k)
{
	struct cdp_ast *a = k->n == 1 ? k->p[0] : NULL;

	if (a && a->kind == CDP_A_INDEX && a->kid[1]->kind == CDP_A_LITERAL &&
	    a->kid[1]->value.type == CDP_V_STRING) {
		set_name(p, a, a->kid[1]->value.s.p, a->kid[1]->value.s.n);
		a->kind = CDP_A_SELECT;
		a->count = 1;
	}
	if (!a || (a->kind != CDP_A_SELECT && a->kind != CDP_A_NAME))
		return FAIL(p, pos, "has() takes one member, as in has(props.amount)");
	a->kind = CDP_A_HAS;
	return a;
}

static struct cdp_ast *parse_call(struct parser *p, size_t pos, const char *name,
				  size_t name_n)
{
	struct cdp_ast *a = NULL;
	struct kids k = { 0 };

	if (next(p) && parse_list(p, &k, ')', false)) {
		if (name_n == 3 && memcmp(name, "has", 3) == 0)
			a = make_has(p, pos, &k);
		else if ((a = node(p, CDP_A_CALL, pos, k.p, k.n)))
			set_name(p, a, name, name_n);
	}
	free(k.p);
	return a;
}

static struct cdp_ast *parse_name(struct parser *p)
{
	const char *name;
	struct cdp_ast *a;
	bool root = at_punct(p, '.');
	size_t pos, n;

	if (root && !next(p))
		return NULL;
	if (p->lex.token != CDP_T_IDENT)
		return unexpected(p, "a name");
	pos = p->lex.pos;
	name = p->lex.name;
	n = p->lex.name_n;
	if (is_reserved(name, n))
		return FAIL(p, pos, "'%.*s' is a reserved word", (int)n, name);
	if (!next(p))
		return NULL;
	if (at_punct(p, '('))
		return parse_call(p, pos, name, n);
	a = node(p, CDP_A_NAME, pos, NULL, 0);
	set_name(p, a, name, n);
	a->root = root;
	return a;
}

static struct cdp_ast *parse_literal(struct parser *p, bool negative, size_t pos)
{
	struct cdp_ast *a = node(p, CDP_A_LITERAL, pos, NULL, 0);

	a->value = p->lex.value;
	if (p->lex.int_min && !negative)
		return FAIL(p, p->lex.pos, "integer '%.*s' does not fit 64 bits",
			    (int)p->lex.len, p->lex.text + p->lex.pos);
	if (negative && a->value.type == CDP_V_INT)
		a->value.u = -a->value.u;
	else if (negative)
		a->value.d = -a->value.d;
	return next(p) ? a : NULL;
}

static struct cdp_ast *parse_primary(struct parser *p)
{
	struct cdp_ast *a;

	if (p->lex.token == CDP_T_LITERAL)
		return parse_literal(p, false, p->lex.pos);
	if (p->lex.token == CDP_T_IDENT || at_punct(p, '.'))
		return parse_name(p);
	if (at_punct(p, '['))
		return parse_bracket_list(p);
	if (at_punct(p, '{'))
		return parse_map(p);
	if (!at_punct(p, '('))
		return unexpected(p, "an expression");
	if (!next(p))
		return NULL;
	a = parse_expr(p);
	return a && expect(p, ')') ? a : NULL;
}

/* ---- members, calls and macros ---- */

const char *cdp_macro_name(enum cdp_macro m)
{
	static const char *const names[] = {
		[CDP_M_ALL] = "all",
		[CDP_M_EXISTS] = "exists",
		[CDP_M_EXISTS_ONE] = "exists_one",
		[CDP_M_MAP] = "map",
		[CDP_M_FILTER] = "filter",
	};

	return names[m];
}

/* Is this method call one of the macros?  `n` counts the range as well. */
static int find_macro(const char *name, size_t name_n, size_t n)
{
	for (int m = CDP_M_ALL; m <= CDP_M_FILTER; m++) {
		const char *s = cdp_macro_name((enum cdp_macro)m);

		if (strlen(s) == name_n && memcmp(s, name, name_n) == 0 &&
		    (n == 3 || (n == 4 && m == CDP_M_MAP)))
			return m;
	}
	return -1;
}

static struct cdp_ast *make_method(struct parser *p, size_t pos, const char *name,
				   size_t name_n, struct kids *k)
{
	int macro = find_macro(name, name_n, k->n);
	struct cdp_ast *a, *var;

	if (macro < 0) {
		a = node(p, CDP_A_METHOD, pos, k->p, k->n);
		if (a)
			set_name(p, a, name, name_n);
		return a;
	}
	var = k->p[1];
	if (var->kind != CDP_A_NAME || var->root)
		return FAIL(p, var->pos, "%s() takes a variable name first",
			    cdp_macro_name((enum cdp_macro)macro));
	memmove(k->p + 1, k->p + 2, (k->n - 2) * sizeof(*k->p));
	a = node(p, CDP_A_MACRO, pos, k->p, k->n - 1);
	if (a) {
		a->op = (uint8_t)macro;
		a->name = var->name;
		a->name_n = var->name_n;
	}
	return a;
}

/* After "operand .": a selection or a method call. */
static struct cdp_ast *parse_dot(struct parser *p, struct cdp_ast *operand)
{
	struct cdp_ast *a = NULL;
	struct kids k = { 0 };
	size_t pos, n;
	const char *name;
	bool quoted;

	if (!next(p))
		return NULL;
	quoted = p->lex.token == CDP_T_QUOTED;
	if (p->lex.token != CDP_T_IDENT && !quoted)
		return unexpected(p, "a member name");
	pos = p->lex.pos;
	name = p->lex.name;
	n = p->lex.name_n;
	if (!next(p))
		return NULL;
	if (at_punct(p, '(') && !quoted) {
		push(&k, operand);
		if (next(p) && parse_list(p, &k, ')', false))
			a = make_method(p, pos, name, n, &k);
		free(k.p);
		return a;
	}
	if (at_punct(p, '{') &&
	    (operand->kind == CDP_A_NAME || operand->kind == CDP_A_SELECT))
		return FAIL(p, p->lex.pos, "messages are not supported");
	a = node(p, CDP_A_SELECT, pos, &operand, 1);
	if (a)
		set_name(p, a, name, n);
	return a;
}

static struct cdp_ast *parse_index(struct parser *p, struct cdp_ast *operand)
{
	struct cdp_ast *kid[2] = { operand };
	size_t pos = p->lex.pos;

	if (!next(p))
		return NULL;
	kid[1] = parse_expr(p);
	if (!kid[1] || !expect(p, ']'))
		return NULL;
	return node(p, CDP_A_INDEX, pos, kid, 2);
}

static struct cdp_ast *parse_members(struct parser *p, struct cdp_ast *a)
{
	while (a) {
		if (at_punct(p, '.'))
			a = parse_dot(p, a);
		else if (at_punct(p, '['))
			a = parse_index(p, a);
		else if (at_punct(p, '{') && a->kind == CDP_A_NAME)
			return FAIL(p, p->lex.pos, "messages are not supported");
		else
			break;
	}
	return a;
}

/* ---- operators ---- */

/* A minus before digits belongs to the literal, so that the smallest int can be written.
 * Returns true with *a set (NULL on error) if so; else the lexer stands after the minus.
 */
static bool negative_literal(struct parser *p, size_t pos, struct cdp_ast **a)
{
	const struct cdp_value *v = &p->lex.value;

	if (p->lex.token != CDP_T_LITERAL ||
	    (v->type != CDP_V_INT && v->type != CDP_V_DOUBLE))
		return false;
	*a = parse_literal(p, true, pos);
	return true;
}

/* `!!x`, `--x`: one node for each sign. */
static struct cdp_ast *parse_signs(struct parser *p, char sign)
{
	enum cdp_op op = sign == '!' ? CDP_OP_NOT : CDP_OP_NEG;
	uint32_t pos[CDP_EXPR_HEIGHT_MAX];
	struct cdp_ast *a;
	size_t n = 0;

	while (at_punct(p, sign)) {
		if (n == CDP_EXPR_HEIGHT_MAX)
			return FAIL(p, p->lex.pos, "expression is too long a chain");
		pos[n++] = (uint32_t)p->lex.pos;
		if (!next(p))
			return NULL;
	}
	if (sign == '-' && negative_literal(p, pos[n - 1], &a))
		n--;
	else
		a = parse_primary(p);
	a = parse_members(p, a);
	while (a && n > 0)
		a = op_node(p, op, pos[--n], a, NULL);
	return a;
}

static struct cdp_ast *parse_unary(struct parser *p)
{
	if (at_punct(p, '!') || at_punct(p, '-'))
		return parse_signs(p, p->lex.punct);
	return parse_members(p, parse_primary(p));
}

static struct cdp_ast *parse_product(struct parser *p)
{
	struct cdp_ast *l = parse_unary(p), *r;

	while (l && (at_punct(p, '*') || at_punct(p, '/') || at_punct(p, '%'))) {
		enum cdp_op op = p->lex.punct == '*'   ? CDP_OP_MUL
				 : p->lex.punct == '/' ? CDP_OP_DIV
						       : CDP_OP_MOD;
		size_t pos = p->lex.pos;

		if (!next(p) || !(r = parse_unary(p)))
			return NULL;
		l = op_node(p, op, pos, l, r);
	}
	return l;
}

static struct cdp_ast *parse_sum(struct parser *p)
{
	struct cdp_ast *l = parse_product(p), *r;

	while (l && (at_punct(p, '+') || at_punct(p, '-'))) {
		enum cdp_op op = p->lex.punct == '+' ? CDP_OP_ADD : CDP_OP_SUB;
		size_t pos = p->lex.pos;

		if (!next(p) || !(r = parse_product(p)))
			return NULL;
		l = op_node(p, op, pos, l, r);
	}
	return l;
}

static int relation_op(enum cdp_token t)
{
	switch (t) {
	case CDP_T_LT:
		return CDP_OP_LT;
	case CDP_T_LE:
		return CDP_OP_LE;
	case CDP_T_GT:
		return CDP_OP_GT;
	case CDP_T_GE:
		return CDP_OP_GE;
	case CDP_T_EQ:
		return CDP_OP_EQ;
	case CDP_T_NE:
		return CDP_OP_NE;
	case CDP_T_IN:
		return CDP_OP_IN;
	default:
		return -1;
	}
}

static struct cdp_ast *parse_relation(struct parser *p)
{
	struct cdp_ast *l = parse_sum(p), *r;
	int op;

	while (l && (op = relation_op(p->lex.token)) >= 0) {
		size_t pos = p->lex.pos;

		if (!next(p) || !(r = parse_sum(p)))
			return NULL;
		l = op_node(p, (enum cdp_op)op, pos, l, r);
	}
	return l;
}

/* `a && b && c` is one node, however long. */
static struct cdp_ast *parse_junction(struct parser *p, enum cdp_token token,
				      enum cdp_ast_kind kind,
				      struct cdp_ast *(*part)(struct parser *))
{
	struct cdp_ast *a = part(p);
	struct kids k = { 0 };
	size_t pos = p->lex.pos;

	if (!a || p->lex.token != token)
		return a;
	push(&k, a);
	while (a && p->lex.token == token) {
		a = next(p) ? part(p) : NULL;
		if (a)
			push(&k, a);
	}
	if (a)
		a = node(p, kind, pos, k.p, k.n);
	free(k.p);
	return a;
}

static struct cdp_ast *parse_and(struct parser *p)
{
	return parse_junction(p, CDP_T_AND, CDP_A_AND, parse_relation);
}

static struct cdp_ast *parse_or(struct parser *p)
{
	return parse_junction(p, CDP_T_OR, CDP_A_OR, parse_and);
}

static struct cdp_ast *parse_cond(struct parser *p)
{
	struct cdp_ast *kid[3] = { parse_or(p) };
	size_t pos = p->lex.pos;

	if (!kid[0] || !at_punct(p, '?'))
		return kid[0];
	if (!next(p) || !(kid[1] = parse_or(p)) || !expect(p, ':') ||
	    !(kid[2] = parse_expr(p)))
		return NULL;
	return node(p, CDP_A_COND, pos, kid, 3);
}

static struct cdp_ast *parse_expr(struct parser *p)
{
	struct cdp_ast *a;

	if (p->depth >= CDP_EXPR_NEST_MAX)
		return FAIL(p, p->lex.pos, "expression is nested too deeply");
	p->depth++;
	a = parse_cond(p);
	p->depth--;
	return a;
}

struct cdp_ast *cdp_parse(const char *text, size_t n, struct cdp_arena *arena,
			  struct cdp_err *err)
{
	struct parser p = { .arena = arena, .err = err };
	struct cdp_ast *a;

	if (n > CDP_EXPR_TEXT_MAX) {
		cdp_err_set(err, CDP_ERR_USAGE, "expression is longer than %d KiB",
			    CDP_EXPR_TEXT_MAX / 1024);
		return NULL;
	}
	if (cdp_lex_init(&p.lex, text, n, arena, err) < 0 || !next(&p))
		return NULL;
	a = parse_expr(&p);
	if (a && p.lex.token != CDP_T_END)
		return unexpected(&p, "an operator or the end");
	return a;
}
