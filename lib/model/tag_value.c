#include "model/tag_value.h"

static int layered(const struct cdp_tag *t, struct cdp_eval *ev, struct cdp_value *v,
		   struct cdp_err *err)
{
	int failed = 0;

	for (size_t i = 0; i < t->layer_count; i++) {
		int hit = cdp_expr_match(t->layers[i].when, ev, NULL, err);

		if (hit > 0) {
			*v = t->layers[i].value;
			return 0;
		}
		/* A layer that cannot be decided does not hold: has() asks. */
		failed |= hit < 0;
	}
	*v = t->otherwise;
	return failed && v->type == CDP_V_NULL ? -1 : 0;
}

int cdp_tag_settle(const struct cdp_tag *t, struct cdp_eval *ev,
		   const struct cdp_zone *zone, struct cdp_value *v, struct cdp_err *err)
{
	int ret = 0;

	if (t->about.zone)
		zone = t->about.zone;
	if (!cdp_tag_type_fit(t->type, v, zone, cdp_eval_arena(ev)))
		ret = cdp_err_set(err, CDP_ERR_EVAL, "the value is no %s",
				  cdp_tag_type_name(t->type));
	if (ret < 0 || v->type == CDP_V_NULL)
		*v = t->otherwise;
	if (t->nullif.type != CDP_V_NULL && cdp_value_equal(v, &t->nullif))
		*v = (struct cdp_value){ .type = CDP_V_NULL };
	return ret;
}

int cdp_tag_value(const struct cdp_tag *t, struct cdp_eval *ev,
		  const struct cdp_zone *zone, struct cdp_value *v, struct cdp_err *err)
{
	int ret = t->value ? cdp_expr_value(t->value, ev, NULL, v, err)
			   : layered(t, ev, v, err);

	if (ret < 0)
		*v = t->otherwise;
	return ret < 0 ? ret : cdp_tag_settle(t, ev, zone, v, err);
}
