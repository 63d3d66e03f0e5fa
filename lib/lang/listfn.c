/* Functions over the items of a list, as the list library of Kubernetes has them. */
#include "base/decimal.h"
#include "lang/prog.h"

static int no_overload(struct cdp_eval *ev, const struct cdp_node *n,
		       const struct cdp_value *v)
{
	return cdp_eval_fail(ev, "no such overload: %s.%s()", cdp_type_word(v->type),
			     n->func->name);
}

struct total {
	struct cdp_decimal exact;
	double d;
	bool ints, decimals; /* nothing but ints; nothing that is no decimal */
};

/* 0, or -1 if it is no number. */
static int add(struct total *t, const struct cdp_value *v)
{
	struct cdp_decimal x = CDP_DECIMAL_ZERO;
	struct cdp_err err;

	t->ints = t->ints && v->type == CDP_V_INT;
	switch (v->type) {
	case CDP_V_INT:
		x.unscaled = v->i;
		t->d += (double)v->i;
		break;
	case CDP_V_UINT:
		x.unscaled = v->u;
		t->d += (double)v->u;
		break;
	case CDP_V_DECIMAL:
		x = *v->dec;
		t->d += cdp_decimal_double(x);
		break;
	case CDP_V_DOUBLE:
		t->d += v->d;
		t->decimals = t->decimals && v->raw_n &&
			      cdp_decimal_parse(&x, v->raw, v->raw_n, &err) == 0;
		break;
	default:
		return -1;
	}
	t->decimals = t->decimals && cdp_decimal_add(&t->exact, x) == 0;
	return 0;
}

/* Numbers as records have them add up exactly; of ints comes an int. */
static int sum(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
	       struct cdp_value *out)
{
	struct total t = { .ints = true, .decimals = true };
	struct cdp_decimal *d;

	if (args[0].type != CDP_V_LIST)
		return no_overload(ev, n, &args[0]);
	if (cdp_eval_spend(ev, cdp_list_count(args[0].list)) < 0)
		return -1;
	for (size_t i = 0; i < cdp_list_count(args[0].list); i++) {
		const struct cdp_value *v = cdp_list_at(args[0].list, i);

		if (add(&t, v) < 0)
			return cdp_eval_fail(ev, "sum() of a list with a %s",
					     cdp_type_word(v->type));
	}
	*out = (struct cdp_value){ .type = CDP_V_DOUBLE, .from_record = true, .d = t.d };
	if (t.ints) {
		out->type = CDP_V_INT;
		out->i = (int64_t)t.exact.unscaled;
		return out->i == t.exact.unscaled ? 0
						  : cdp_eval_fail(ev, "integer overflow");
	}
	if (!t.decimals)
		return 0;
	d = cdp_eval_alloc(ev, sizeof(*d));
	if (!d)
		return -1;
	*d = t.exact;
	out->type = CDP_V_DECIMAL;
	out->dec = d;
	return 0;
}

/* The least (sign -1) or greatest item; the first of equal ones. */
static int extreme(struct cdp_eval *ev, const struct cdp_node *n,
		   const struct cdp_value *args, int sign, struct cdp_value *out)
{
	const struct cdp_value *best;

	if (args[0].type != CDP_V_LIST)
		return no_overload(ev, n, &args[0]);
	if (cdp_list_count(args[0].list) == 0)
		return cdp_eval_fail(ev, "%s() of an empty list", n->func->name);
	if (cdp_eval_spend(ev, cdp_list_count(args[0].list)) < 0 ||
	    cdp_eval_walk(ev, &args[0]) < 0)
		return -1;
	best = cdp_list_at(args[0].list, 0);
	for (size_t i = 0; i < cdp_list_count(args[0].list); i++) {
		const struct cdp_value *v = cdp_list_at(args[0].list, i);
		int c = cdp_value_cmp(v, best);

		if (c == 2)
			return cdp_eval_fail(ev, "%s() of a list without an order",
					     n->func->name);
		if (c == sign)
			best = v;
	}
	*out = *best;
	return 0;
}

static int min(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
	       struct cdp_value *out)
{
	return extreme(ev, n, args, -1, out);
}

static int max(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
	       struct cdp_value *out)
{
	return extreme(ev, n, args, 1, out);
}

const struct cdp_func cdp_list_funcs[] = {
	{ "sum", CDP_F_METHOD, 1, 1, false, CDP_STATIC_ANY, sum, { CDP_TAKES_LIST } },
	{ "min", CDP_F_METHOD, 1, 1, false, CDP_STATIC_ANY, min, { CDP_TAKES_LIST } },
	{ "max", CDP_F_METHOD, 1, 1, false, CDP_STATIC_ANY, max, { CDP_TAKES_LIST } },
	{ .name = NULL },
};
