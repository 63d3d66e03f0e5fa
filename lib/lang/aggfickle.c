/* Aggregates that cannot be kept from day to day. */
#include "lang/agg.h"
#include "lang/prog.h"

static bool asks(const struct cdp_node *n, enum cdp_node_op op)
{
	if (n->op == op)
		return true;
	for (uint32_t i = 0; i < n->count; i++)
		if (n->kid[i] && asks(n->kid[i], op))
			return true;
	return false;
}

static bool part_asks(const struct cdp_expr *e, enum cdp_node_op op)
{
	return e && asks(e->root, op);
}

static bool any_asks(const struct cdp_agg *a, enum cdp_node_op op)
{
	for (unsigned i = 0; i < a->step_count; i++)
		if (part_asks(a->steps[i], op))
			return true;
	return part_asks(a->arg, op) || part_asks(a->by, op) || part_asks(a->cond, op);
}

const char *cdp_agg_fickle(const struct cdp_agg *a)
{
	if (any_asks(a, CDP_N_AS_OF))
		return "events are held against as_of, which within() would do by days";
	return NULL;
}

bool cdp_agg_asks_entities(const struct cdp_agg *a)
{
	return any_asks(a, CDP_N_ENTITY) || any_asks(a, CDP_N_HAS_ENTITY);
}

bool cdp_agg_head_only(const struct cdp_agg *a)
{
	bool only = a->id_slot < 0 && (!a->arg || cdp_expr_head_only(a->arg)) &&
		    (!a->by || cdp_expr_head_only(a->by)) &&
		    (!a->cond || cdp_expr_head_only(a->cond));

	for (unsigned i = 0; i < a->step_count; i++)
		only &= cdp_expr_head_only(a->steps[i]);
	return only;
}
