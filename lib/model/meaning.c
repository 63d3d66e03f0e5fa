#include "model/meaning.h"

#include "record/json.h"

/* Equal rules are one node; `by` is told by its text. */
bool cdp_segment_meaning(const struct cdp_segments *s, uint32_t i, struct cdp_buf *b)
{
	const struct cdp_segment *g = &s->v[i];

	cdp_buf_reset(b);
	cdp_buf_addf(b, "%u %u %u %u %llu ", g->rule, g->cut, g->top, g->ppm,
		     (unsigned long long)g->seed);
	if (g->cut > CDP_CUT_SAMPLE)
		cdp_expr_canonical(s->by[g->by], b);
	return g->rule != CDP_RULE_GIVEN;
}

/* Whether the tag's type decides what its value is, or if there is one. */
static bool is_typed(const struct cdp_tag *t)
{
	if (t->type == CDP_TAG_DATE || !t->value)
		return t->type == CDP_TAG_DATE;
	switch (cdp_expr_type(t->value)) {
	case CDP_V_BOOL:
	case CDP_V_INT:
	case CDP_V_STRING:
	case CDP_V_TIMESTAMP:
		return false;
	default:
		return true;
	}
}

bool cdp_tag_meaning(const struct cdp_tag *t, struct cdp_buf *b)
{
	cdp_buf_reset(b);
	if (t->value)
		cdp_expr_canonical(t->value, b);
	for (size_t i = 0; i < t->layer_count; i++) {
		cdp_expr_canonical(t->layers[i].when, b);
		cdp_buf_adds(b, " : ");
		cdp_value_json(b, &t->layers[i].value);
		cdp_buf_addc(b, '\n');
	}
	if (is_typed(t))
		cdp_buf_addf(b, "\nof %s", cdp_tag_type_name(t->type));
	if (t->type == CDP_TAG_DATE && t->about.zone)
		cdp_buf_adds(b, cdp_zone_name(t->about.zone));
	if (t->about.schedule)
		cdp_buf_adds(b, cdp_schedule_text(t->about.schedule));
	cdp_buf_adds(b, "\nelse ");
	cdp_value_json(b, &t->otherwise);
	cdp_buf_adds(b, "\nnot ");
	cdp_value_json(b, &t->nullif);
	return t->value || t->layers;
}
