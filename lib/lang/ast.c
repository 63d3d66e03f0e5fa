#include "lang/ast.h"

#include "base/num.h"
#include "lang/lex.h"

#include <math.h>
#include <string.h>

const char *cdp_op_text(enum cdp_op op)
{
	static const char *const text[] = {
		[CDP_OP_NOT] = "!", [CDP_OP_NEG] = "-", [CDP_OP_ADD] = "+",
		[CDP_OP_SUB] = "-", [CDP_OP_MUL] = "*", [CDP_OP_DIV] = "/",
		[CDP_OP_MOD] = "%", [CDP_OP_EQ] = "==", [CDP_OP_NE] = "!=",
		[CDP_OP_LT] = "<",  [CDP_OP_LE] = "<=", [CDP_OP_GT] = ">",
		[CDP_OP_GE] = ">=", [CDP_OP_IN] = "in",
	};

	return text[op];
}

static void add_string(struct cdp_buf *b, const struct cdp_value *v)
{
	static const char hex[] = "0123456789abcdef";
	bool bytes = v->type == CDP_V_BYTES;

	cdp_buf_adds(b, bytes ? "b'" : "'");
	for (size_t i = 0; i < v->s.n; i++) {
		unsigned char c = (unsigned char)v->s.p[i];

		if (c == '\'' || c == '\\') {
			cdp_buf_addc(b, '\\');
			cdp_buf_addc(b, (char)c);
		} else if (c < ' ' || c == 127 || (bytes && c > 127)) {
			cdp_buf_adds(b, "\\x");
			cdp_buf_addc(b, hex[c >> 4]);
			cdp_buf_addc(b, hex[c & 15]);
		} else {
			cdp_buf_addc(b, (char)c);
		}
	}
	cdp_buf_addc(b, '\'');
}

static void add_double(struct cdp_buf *b, double d)
{
	size_t start = b->n;

	/* An infinity comes of a literal too large, which this one is as well. */
	if (isinf(d)) {
		cdp_buf_adds(b, d < 0 ? "-1e999" : "1e999");
		return;
	}
	cdp_num_add_double(b, d);
	if (!b->over && !memchr(b->p + start, '.', b->n - start) &&
	    !memchr(b->p + start, 'e', b->n - start))
		cdp_buf_adds(b, ".0");
}

static void add_literal(struct cdp_buf *b, const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_STRING:
	case CDP_V_BYTES:
		add_string(b, v);
		break;
	case CDP_V_DOUBLE:
		add_double(b, v->d);
		break;
	case CDP_V_UINT:
		cdp_value_json(b, v);
		cdp_buf_addc(b, 'u');
		break;
	default:
		cdp_value_json(b, v);
	}
}

static void add_selector(struct cdp_buf *b, const struct cdp_ast *a)
{
	bool plain = a->name_n && cdp_lex_name(a->name, a->name_n) == a->name_n &&
		     strcmp(a->name, "in") != 0 && strcmp(a->name, "true") != 0 &&
		     strcmp(a->name, "false") != 0 && strcmp(a->name, "null") != 0;

	cdp_buf_addc(b, '.');
	if (!plain)
		cdp_buf_addc(b, '`');
	cdp_buf_add(b, a->name, a->name_n);
	if (!plain)
		cdp_buf_addc(b, '`');
}

static void add_list(struct cdp_buf *b, const struct cdp_ast *a, uint32_t from,
		     const char *sep, const char *sep2)
{
	for (uint32_t i = from; i < a->count; i++) {
		if (i > from)
			cdp_buf_adds(b, (i - from) % 2 ? sep : sep2);
		cdp_ast_text(b, a->kid[i]);
	}
}

/* An operand in brackets unless it is a single thing already. */
static void add_operand(struct cdp_buf *b, const struct cdp_ast *a)
{
	bool open = a->kind == CDP_A_OP || a->kind == CDP_A_AND || a->kind == CDP_A_OR ||
		    a->kind == CDP_A_COND;
	/* -1.x() would bind the minus to the result */
	bool minus = a->kind == CDP_A_LITERAL &&
		     ((a->value.type == CDP_V_INT && a->value.i < 0) ||
		      (a->value.type == CDP_V_DOUBLE && signbit(a->value.d)));

	if (open || minus)
		cdp_buf_addc(b, '(');
	cdp_ast_text(b, a);
	if (open || minus)
		cdp_buf_addc(b, ')');
}

static void add_chain(struct cdp_buf *b, const struct cdp_ast *a, const char *op)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (i)
			cdp_buf_adds(b, op);
		add_operand(b, a->kid[i]);
	}
}

static void add_op(struct cdp_buf *b, const struct cdp_ast *a)
{
	/* -(1) is no literal, -1 is. */
	bool number = a->op == CDP_OP_NEG && a->kid[0]->kind == CDP_A_LITERAL;

	if (a->count == 1) {
		cdp_buf_adds(b, cdp_op_text((enum cdp_op)a->op));
		cdp_buf_adds(b, number ? "(" : "");
		if (number)
			cdp_ast_text(b, a->kid[0]);
		else
			add_operand(b, a->kid[0]);
		cdp_buf_adds(b, number ? ")" : "");
		return;
	}
	add_operand(b, a->kid[0]);
	cdp_buf_addc(b, ' ');
	cdp_buf_adds(b, cdp_op_text((enum cdp_op)a->op));
	cdp_buf_addc(b, ' ');
	add_operand(b, a->kid[1]);
}

static void add_macro(struct cdp_buf *b, const struct cdp_ast *a)
{
	add_operand(b, a->kid[0]);
	cdp_buf_addc(b, '.');
	cdp_buf_adds(b, cdp_macro_name((enum cdp_macro)a->op));
	cdp_buf_addc(b, '(');
	cdp_buf_add(b, a->name, a->name_n);
	cdp_buf_adds(b, ", ");
	add_list(b, a, 1, ", ", ", ");
	cdp_buf_addc(b, ')');
}

static void add_brackets(struct cdp_buf *b, const struct cdp_ast *a, uint32_t from,
			 const char *open, const char *close)
{
	cdp_buf_adds(b, open);
	add_list(b, a, from, ", ", ", ");
	cdp_buf_adds(b, close);
}

static void add_has(struct cdp_buf *b, const struct cdp_ast *a)
{
	cdp_buf_adds(b, "has(");
	if (a->count) {
		add_operand(b, a->kid[0]);
		add_selector(b, a);
	} else {
		cdp_buf_add(b, a->name, a->name_n);
	}
	cdp_buf_addc(b, ')');
}

void cdp_ast_text(struct cdp_buf *b, const struct cdp_ast *a)
{
	switch ((enum cdp_ast_kind)a->kind) {
	case CDP_A_LITERAL:
		add_literal(b, &a->value);
		break;
	case CDP_A_NAME:
		cdp_buf_adds(b, a->root ? "." : "");
		cdp_buf_add(b, a->name, a->name_n);
		break;
	case CDP_A_SELECT:
		add_operand(b, a->kid[0]);
		add_selector(b, a);
		break;
	case CDP_A_HAS:
		add_has(b, a);
		break;
	case CDP_A_INDEX:
		add_operand(b, a->kid[0]);
		add_brackets(b, a, 1, "[", "]");
		break;
	case CDP_A_CALL:
		cdp_buf_add(b, a->name, a->name_n);
		add_brackets(b, a, 0, "(", ")");
		break;
	case CDP_A_METHOD:
		add_operand(b, a->kid[0]);
		cdp_buf_addc(b, '.');
		cdp_buf_add(b, a->name, a->name_n);
		add_brackets(b, a, 1, "(", ")");
		break;
	case CDP_A_OP:
		add_op(b, a);
		break;
	case CDP_A_AND:
		add_chain(b, a, " && ");
		break;
	case CDP_A_OR:
		add_chain(b, a, " || ");
		break;
	case CDP_A_COND:
		add_operand(b, a->kid[0]);
		cdp_buf_adds(b, " ? ");
		add_operand(b, a->kid[1]);
		cdp_buf_adds(b, " : ");
		add_operand(b, a->kid[2]);
		break;
	case CDP_A_LIST:
		add_brackets(b, a, 0, "[", "]");
		break;
	case CDP_A_MAP:
		cdp_buf_addc(b, '{');
		add_list(b, a, 0, ": ", ", ");
		cdp_buf_addc(b, '}');
		break;
	case CDP_A_MACRO:
		add_macro(b, a);
		break;
	}
}
