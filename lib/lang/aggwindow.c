/* Windows of aggregates: within(), and the zone of its days. */
#include "lang/aggwindow.h"

#include "base/zone.h"
#include "lang/prog.h"

static int64_t ceil_ms(struct cdp_time t)
{
	int64_t ms = cdp_time_ms(t);

	return cdp_time_cmp(cdp_time_from_ms(ms), t) < 0 ? ms + 1 : ms;
}

/* Where so many days before the base time begin. */
static int64_t days_start(const struct cdp_agg *a, int64_t days,
			  const struct cdp_run *run)
{
	const struct cdp_zone *zone = a->window_zone ? a->window_zone : run->zone;
	int64_t day = cdp_zone_day(zone, run->as_of.s);
	bool midnight =
		cdp_zone_day_start(zone, day) == run->as_of.s && run->as_of.ns == 0;

	return cdp_zone_day_start(zone, day - days + !midnight) * 1000;
}

static int64_t window_start(const struct cdp_agg *a, const struct cdp_run *run)
{
	struct cdp_time t = run->as_of;
	__int128 ns = cdp_time_ns(t) - a->within_ns;

	if (a->within_days)
		return days_start(a, a->within_days, run);
	t.s = (int64_t)(ns / 1000000000) - (ns % 1000000000 < 0);
	t.ns = (int32_t)(ns - (__int128)t.s * 1000000000);
	return ceil_ms(t);
}

void cdp_agg_window(const struct cdp_agg *a, const struct cdp_run *run, int64_t *from_ms,
		    int64_t *to_ms)
{
	*to_ms = a->until_days ? days_start(a, a->until_days, run) : ceil_ms(run->as_of);
	*from_ms = a->within_days || a->within_ns ? window_start(a, run) : INT64_MIN;
}

/* "30d" and "4w" are civil days, all else is an exact time. */
static bool read_span(struct cdp_compiler *c, const struct cdp_ast *w, uint32_t i,
		      int64_t *days, int64_t *exact)
{
	const struct cdp_ast *a = w->kid[i];
	const struct cdp_value *v = &a->value;
	struct cdp_err err;
	size_t digits = 0;
	int64_t ns;

	if (a->kind != CDP_A_LITERAL || v->type != CDP_V_STRING)
		return cdp_compile_fail(c, w->pos,
					"within() takes a constant, as in within('30d')");
	if (cdp_duration_parse(&ns, v->s.p, v->s.n, &err) < 0)
		return cdp_compile_fail(c, a->pos, "%s", err.msg);
	if (ns <= 0)
		return cdp_compile_fail(c, a->pos, "within() must be above zero");
	while (digits < v->s.n && v->s.p[digits] >= '0' && v->s.p[digits] <= '9')
		digits++;
	if (digits + 1 == v->s.n && (v->s.p[digits] == 'd' || v->s.p[digits] == 'w'))
		*days = ns / 86400000000000;
	else
		*exact = ns;
	return true;
}

/* The zone that a call names last, one of the set's; it is no more among its arguments
 * then, of which there are *count. */
bool cdp_agg_take_zone(struct cdp_compiler *c, const struct cdp_ast *a, uint32_t *count,
		       const struct cdp_zone **out)
{
	const struct cdp_ast *last = *count ? a->kid[*count - 1] : NULL;
	struct cdp_err err;

	if (!last || !cdp_ast_names_zone(last))
		return true;
	--*count;
	*out = cdp_aggs_zone(c->env->aggs, last->value.s.p, last->value.s.n, &err);
	return *out || cdp_compile_fail(c, last->pos, "%s", err.msg);
}

bool cdp_agg_read_window(struct cdp_compiler *c, struct cdp_agg *g,
			 const struct cdp_ast *w)
{
	const struct cdp_zone *zone = NULL;
	uint32_t count = w->count;
	int64_t exact = 0;

	if (!cdp_agg_take_zone(c, w, &count, &zone))
		return false;
	if (count != 1 && count != 2)
		return cdp_compile_fail(c, w->pos,
					"within() takes a constant, as in within('30d')");
	if (!read_span(c, w, 0, &g->within_days, &g->within_ns))
		return false;
	if (g->within_days) /* no other length has a zone */
		g->window_zone = zone;
	if (count == 1)
		return true;
	if (!read_span(c, w, 1, &g->until_days, &exact))
		return false;
	return (g->within_days > g->until_days && g->until_days) ||
	       cdp_compile_fail(c, w->pos,
				"within() of two takes days, the more distant first, as "
				"in within('60d', '30d')");
}
