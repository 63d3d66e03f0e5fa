/* What is known of types when an expression is compiled, and what cannot work with any
 * value of them.  A node whose type is known may still be null where it runs: nothing
 * here refuses what null makes right. */
#include "lang/prog.h"

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

/* The type of a sum, difference ... */
static uint8_t computed(enum cdp_op op, uint8_t a, uint8_t b)
{
	if (is_number(a) && is_number(b))
		return a == b && a != CDP_V_DECIMAL ? a : CDP_V_DOUBLE;
	if (is_time(a) && is_time(b))
		return a == b ? CDP_V_DURATION : CDP_V_TIMESTAMP;
	return op == CDP_OP_ADD ? a : CDP_STATIC_ANY;
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
		n->stype = computed((enum cdp_op)n->sub, a, b);
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

static bool is_container(uint8_t t)
{
	return t == CDP_V_LIST || t == CDP_V_MAP || t == CDP_STATIC_ANY;
}

static struct cdp_node *check_negation(struct cdp_compiler *c, struct cdp_node *n)
{
	uint8_t t = n->kid[0]->stype;

	if (t != CDP_STATIC_ANY && (!is_number(t) || t == CDP_V_UINT))
		return cdp_compile_fail(c, n->pos, "no such overload: -%s",
					cdp_type_word(t));
	n->stype = t;
	return n;
}

static struct cdp_node *check_index(struct cdp_compiler *c, struct cdp_node *n)
{
	uint8_t a = n->kid[0]->stype, b = n->kid[1]->stype;

	if (is_container(a) && (a != CDP_V_LIST || b == CDP_STATIC_ANY || is_number(b)))
		return n;
	return cdp_compile_fail(c, n->pos, "no such overload: %s[%s]", cdp_type_word(a),
				b == CDP_STATIC_ANY ? "..." : cdp_type_word(b));
}

static struct cdp_node *check_macro(struct cdp_compiler *c, struct cdp_node *n)
{
	bool maps = n->sub == CDP_M_MAP && n->count == 2;
	uint8_t range = n->kid[0]->stype, p = n->kid[1]->stype;

	if (!is_container(range))
		return cdp_compile_fail(c, n->pos, "%s() needs a list or a map, not %s",
					cdp_macro_name((enum cdp_macro)n->sub),
					cdp_type_word(range));
	if (!maps && p != CDP_V_BOOL && p != CDP_STATIC_ANY)
		return cdp_compile_fail(c, n->kid[1]->pos, "expected a condition, not %s",
					cdp_type_word(p));
	return n;
}

static struct cdp_node *check_member(struct cdp_compiler *c, struct cdp_node *n)
{
	uint8_t t = n->kid[0]->stype;

	if (t == CDP_V_MAP || t == CDP_STATIC_ANY)
		return n;
	return cdp_compile_fail(c, n->pos, "no member '%s' in a value of type %s",
				n->name, cdp_type_word(t));
}

static struct cdp_node *check_call(struct cdp_compiler *c, struct cdp_node *n)
{
	const char *sep = "";
	struct cdp_buf b;
	bool fine = true;

	for (uint32_t i = 0; i < n->count; i++) {
		uint8_t t = n->kid[i]->stype;

		fine &= !n->func->takes[i] || t == CDP_STATIC_ANY ||
			(n->func->takes[i] >> t & 1);
	}
	if (fine)
		return n;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < n->count; i++, sep = ", ") {
		uint8_t t = n->kid[i]->stype;

		cdp_buf_adds(&b, sep);
		cdp_buf_adds(&b, t == CDP_STATIC_ANY ? "..." : cdp_type_word(t));
	}
	cdp_compile_fail(c, n->pos, "no such overload: %s(%s)", n->func->name,
			 cdp_buf_str(&b));
	cdp_buf_release(&b);
	return NULL;
}

struct cdp_node *cdp_check_types(struct cdp_compiler *c, struct cdp_node *n)
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
	case CDP_N_NEG:
		return check_negation(c, n);
	case CDP_N_INDEX:
		return check_index(c, n);
	case CDP_N_MACRO:
		return check_macro(c, n);
	case CDP_N_SELECT:
	case CDP_N_HAS:
		return check_member(c, n);
	case CDP_N_CALL:
		return check_call(c, n);
	default:
		return n;
	}
}
