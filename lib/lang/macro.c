/* Macros: loops over the items of a list or the keys of a map. */
#include "lang/prog.h"

struct range {
	const struct cdp_value *v;
	size_t n;
};

static int range_of(struct cdp_eval *ev, const struct cdp_node *n,
		    const struct cdp_value *v, struct range *r)
{
	r->v = v;
	if (v->type == CDP_V_LIST)
		r->n = cdp_list_count(v->list);
	else if (v->type == CDP_V_MAP)
		r->n = cdp_map_count(v->map);
	else
		return cdp_eval_fail(ev, "no such overload: %s.%s()",
				     cdp_type_word(v->type),
				     cdp_macro_name((enum cdp_macro)n->sub));
	return 0;
}

static const struct cdp_value *range_at(const struct range *r, size_t i)
{
	const struct cdp_value *key, *value;

	if (r->v->type == CDP_V_LIST)
		return cdp_list_at(r->v->list, i);
	cdp_map_at(r->v->map, i, &key, &value);
	return key;
}

/* Bind the variable to item i, paying for one turn. */
static int turn(struct cdp_eval *ev, const struct cdp_node *n, const struct range *r,
		size_t i)
{
	if (cdp_eval_spend(ev, n->cost) < 0)
		return -1;
	ev->vars[n->ref] = *range_at(r, i);
	return 0;
}

/* all (decided by false) and exists (by true): errors vanish once it is decided. */
static int junction(struct cdp_eval *ev, const struct cdp_node *n, const struct range *r,
		    int decides)
{
	bool failed = false;

	for (size_t i = 0; i < r->n; i++) {
		int t;

		if (turn(ev, n, r, i) < 0)
			return -1;
		t = cdp_node_test(ev, n->kid[1]);
		if (t == decides)
			return t;
		failed |= t < 0;
	}
	return failed ? -1 : !decides;
}

static int exists_one(struct cdp_eval *ev, const struct cdp_node *n,
		      const struct range *r)
{
	size_t found = 0;

	for (size_t i = 0; i < r->n; i++) {
		int t = turn(ev, n, r, i) < 0 ? -1 : cdp_node_test(ev, n->kid[1]);

		if (t < 0)
			return -1;
		found += (size_t)t;
	}
	return found == 1;
}

/* map(x, t), map(x, p, t), filter(x, p). */
static int collect(struct cdp_eval *ev, const struct cdp_node *n, const struct range *r,
		   struct cdp_value *out)
{
	struct cdp_value *items = cdp_eval_alloc(ev, r->n * 2 * sizeof(*items));
	bool filter = n->sub == CDP_M_FILTER, test = filter || n->count == 3;
	size_t k = 0;

	if (!items)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		int t = turn(ev, n, r, i);

		if (t == 0)
			t = test ? cdp_node_test(ev, n->kid[1]) : 1;
		if (t < 0)
			return -1;
		if (t == 0)
			continue;
		if (filter)
			items[k] = *range_at(r, i);
		else if (cdp_node_value(ev, n->kid[n->count - 1], &items[k]) < 0)
			return -1;
		k++;
	}
	*out = (struct cdp_value){ .type = CDP_V_LIST };
	out->list = cdp_list_new(ev->arena, items, k);
	return cdp_eval_made(ev, out);
}

int cdp_node_macro(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	struct range r = { 0 };
	struct cdp_value v;
	int t;

	if (cdp_node_value(ev, n->kid[0], &v) < 0 || range_of(ev, n, &v, &r) < 0)
		return -1;
	if (n->sub == CDP_M_MAP || n->sub == CDP_M_FILTER)
		return collect(ev, n, &r, out);
	t = n->sub == CDP_M_EXISTS_ONE ? exists_one(ev, n, &r)
				       : junction(ev, n, &r, n->sub == CDP_M_EXISTS);
	if (t < 0)
		return -1;
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = t };
	return 0;
}
