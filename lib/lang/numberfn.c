/* Functions over numbers. */
#include "base/decimal.h"
#include "lang/held.h"
#include "lang/prog.h"

static bool is_number(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_UINT || v->type == CDP_V_DOUBLE ||
	       v->type == CDP_V_DECIMAL;
}

static double to_double(const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_INT:
		return (double)v->i;
	case CDP_V_UINT:
		return (double)v->u;
	case CDP_V_DECIMAL:
		return cdp_decimal_double(*v->dec);
	default:
		return v->d;
	}
}

/* As it was written: 0.1 is a tenth. */
static bool to_decimal(const struct cdp_value *v, struct cdp_decimal *d)
{
	struct cdp_err ignored;
	struct cdp_buf b;
	bool fine;

	if (v->type == CDP_V_DECIMAL) {
		*d = *v->dec;
		return true;
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_held_put(&b, v);
	fine = cdp_decimal_parse(d, b.p, b.n, &ignored) == 0;
	cdp_buf_release(&b);
	return fine;
}

/* ratio(a, b): the quotient as a double, whatever types of numbers they are. */
static int ratio(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		 struct cdp_value *out)
{
	const struct cdp_value *a = &args[0], *b = &args[1];
	bool from_record = a->from_record || b->from_record;
	struct cdp_decimal x, y;
	double d;

	if (!is_number(a) || !is_number(b))
		return cdp_eval_fail(ev, "no such overload: %s(%s, %s)", n->func->name,
				     cdp_type_word(a->type), cdp_type_word(b->type));
	if (to_double(b) == 0)
		return cdp_eval_fail(ev, "division by zero");
	if (to_decimal(a, &x) && to_decimal(b, &y))
		d = cdp_decimal_ratio(x, y);
	else
		d = to_double(a) / to_double(b);
	*out = (struct cdp_value){ .type = CDP_V_DOUBLE, .from_record = from_record };
	out->d = d;
	return 0;
}

const struct cdp_func cdp_number_funcs[] = {
	{ "ratio",
	  CDP_F_GLOBAL,
	  2,
	  2,
	  false,
	  CDP_V_DOUBLE,
	  ratio,
	  { CDP_TAKES_NUMBER, CDP_TAKES_NUMBER } },
	{ .name = NULL },
};
