#include "lang/aggstate.h"

#include "base/zone.h"
#include "lang/aggbag.h"
#include "lang/aggseq.h"
#include "lang/prog.h"
#include "record/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t cdp_agg_size(const struct cdp_agg *a)
{
	switch (a->kind) {
	case CDP_AGG_COUNT:
		return sizeof(uint64_t);
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		return sizeof(struct cdp_total);
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
	case CDP_AGG_DAYS:
		return sizeof(uint64_t);
	case CDP_AGG_SEQUENCE:
		return sizeof(void *);
	default:
		return a->of_time ? sizeof(struct cdp_instant) : cdp_kept_size(a);
	}
}

void cdp_agg_release(const struct cdp_agg *a, void *state)
{
	struct cdp_kept *k = state;

	switch (a->kind) {
	case CDP_AGG_COUNT:
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		break;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		cdp_bag_free(*(struct cdp_bag **)state);
		break;
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		cdp_tally_free(*(struct cdp_tally **)state);
		break;
	case CDP_AGG_DAYS:
		cdp_days_release(state);
		break;
	case CDP_AGG_SEQUENCE:
		free(*(void **)state);
		break;
	default:
		if (!a->of_time && k->far)
			free(k->heap);
	}
	memset(state, 0, cdp_agg_size(a));
}

bool cdp_agg_uses_heap(const struct cdp_agg *a)
{
	return a->kind != CDP_AGG_COUNT && a->kind != CDP_AGG_SUM &&
	       a->kind != CDP_AGG_AVG && !a->of_time;
}

size_t cdp_agg_memory(const struct cdp_agg *a, const void *state)
{
	const struct cdp_kept *k = state;
	const struct cdp_moments *m;

	switch (a->kind) {
	case CDP_AGG_COUNT:
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		return 0;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		return cdp_bag_memory(*(struct cdp_bag *const *)state);
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		return cdp_tally_memory(*(struct cdp_tally *const *)state);
	case CDP_AGG_DAYS:
		return cdp_days_memory(state);
	case CDP_AGG_SEQUENCE:
		m = *(struct cdp_moments *const *)state;
		return m ? sizeof(*m) + m->cap * sizeof(*m->at) : 0;
	default:
		return !a->of_time && k->far ? k->cap : 0;
	}
}

/* ---- instants ---- */

void cdp_instant_offer(const struct cdp_agg *a, struct cdp_instant *k, struct cdp_time t)
{
	int c = k->known ? cdp_time_cmp(t, (struct cdp_time){ .s = k->s, .ns = k->ns })
			 : 0;

	if (k->known && (a->kind == CDP_AGG_FIRST ? c >= 0 : c <= 0))
		return;
	*k = (struct cdp_instant){ .s = t.s, .ns = t.ns, .known = 1 };
}

/* "...46.123Z", "...46.123+08:00": no more than milliseconds. */
static bool is_of_ms(const struct cdp_val *v)
{
	return (v->n == CDP_TIME_CANON || v->n == CDP_TIME_CANON + 5) &&
	       v->p[19] == '.' && (unsigned)(v->p[23] - '0') > 9;
}

static void add_instant(const struct cdp_agg *a, struct cdp_instant *k,
			struct cdp_rec *rec, int64_t time_ms)
{
	struct cdp_time t = cdp_time_from_ms(time_ms), exact;
	const struct cdp_val *v = rec ? cdp_rec_get(rec, CDP_SLOT_TIME) : NULL;
	struct cdp_err ignored;

	if (v && v->type == CDP_STRING && !v->escaped && !is_of_ms(v) &&
	    cdp_time_parse(&exact, v->p, v->n, &ignored) == 0)
		t = exact;
	cdp_instant_offer(a, k, t);
}

/* ---- totals ---- */

struct cdp_decimal cdp_total_get(const struct cdp_total *t)
{
	struct cdp_decimal d = { .scale = (uint32_t)t->scale };

	d.unscaled = (__int128)((unsigned __int128)(uint64_t)t->high << 64 | t->low);
	return d;
}

void cdp_total_set(struct cdp_total *t, struct cdp_decimal d)
{
	t->low = (uint64_t)d.unscaled;
	t->high = (int64_t)(d.unscaled >> 64);
	t->scale = d.scale;
}

bool cdp_total_add(struct cdp_total *t, struct cdp_decimal x, uint64_t count)
{
	struct cdp_decimal sum = cdp_total_get(t);

	if (t->failed || cdp_decimal_add(&sum, x) < 0) {
		t->failed = 1;
		return false;
	}
	cdp_total_set(t, sum);
	t->count += count;
	return true;
}

/* ---- events ---- */

int cdp_agg_fail(const struct cdp_agg *a, struct cdp_err *err, const char *what)
{
	return err ? cdp_err_set(err, CDP_ERR_EVAL, "%s in %.200s", what, a->text) : -1;
}

int cdp_agg_decimal(const struct cdp_agg *a, struct cdp_buf *tmp,
		    const struct cdp_value *v, struct cdp_decimal *d, struct cdp_err *err)
{
	struct cdp_err ignored;
	int r;

	if (v->type != CDP_V_INT && v->type != CDP_V_UINT && v->type != CDP_V_DOUBLE)
		return cdp_agg_fail(a, err, "value is no number");
	if (v->raw_n) {
		r = cdp_decimal_parse(d, v->raw, v->raw_n, &ignored);
	} else {
		cdp_buf_reset(tmp);
		cdp_held_put(tmp, v);
		r = cdp_decimal_parse(d, tmp->p, tmp->n, &ignored);
	}
	return r < 0 ? cdp_agg_fail(a, err, "number is no decimal") : 0;
}

static int add_total(const struct cdp_agg *a, struct cdp_total *t, struct cdp_buf *b,
		     const struct cdp_value *v, struct cdp_err *err)
{
	struct cdp_decimal d;

	if (cdp_agg_decimal(a, b, v, &d, err) < 0)
		return -1;
	return cdp_total_add(t, d, 1) ? 1 : cdp_agg_fail(a, err, "sum is out of range");
}

static int add_day(const struct cdp_agg *a, uint64_t *days, struct cdp_eval *ev,
		   int64_t time_ms, struct cdp_err *err)
{
	int64_t s = time_ms / 1000 - (time_ms % 1000 < 0);

	if (a->days_zone) {
		cdp_days_add(days, (int32_t)cdp_zone_day(a->days_zone, s));
		return 1;
	}
	if (!ev->has_run || !ev->run.zone)
		return cdp_agg_fail(a, err, "no time zone of a run");
	cdp_days_add(days, (int32_t)cdp_zone_cursor_day(&ev->days, s));
	return 1;
}

int cdp_agg_add(const struct cdp_agg *a, void *state, struct cdp_eval *ev,
		struct cdp_rec *rec, int64_t time_ms, struct cdp_err *err)
{
	int r;

	if (time_ms < a->from_ms || time_ms >= a->to_ms)
		return 0;
	r = a->cond ? cdp_expr_match(a->cond, ev, rec, err) : 1;
	return r > 0 ? cdp_agg_take(a, state, ev, rec, time_ms, err) : r;
}

int cdp_agg_meets(const struct cdp_agg *a, struct cdp_eval *ev, struct cdp_rec *rec)
{
	int r = cdp_brief_test(&a->brief, rec);

	return r == 2 ? cdp_expr_match(a->cond, ev, rec, NULL) : r;
}

/* Most arguments are a member of the record as it is: 1, 0 if it is none or odd, -1. */
static int plain_value(const struct cdp_agg *a, struct cdp_rec *rec, struct cdp_value *v,
		       const struct cdp_err *err)
{
	const struct cdp_val *x;

	if (a->arg_slot < 0 || !rec)
		return 0;
	x = cdp_rec_get(rec, a->arg_slot);
	if (x->type == CDP_MISSING)
		return err ? 0 : -1;
	if (x->type == CDP_NUMBER && (a->kind == CDP_AGG_SUM || a->kind == CDP_AGG_AVG)) {
		*v = (struct cdp_value){ .type = CDP_V_DOUBLE }; /* the text is all */
		v->raw = x->p;
		v->raw_n = x->n;
		return 1;
	}
	if (x->type != CDP_STRING || x->escaped)
		return 0;
	*v = (struct cdp_value){ .type = CDP_V_STRING, .from_record = true };
	v->s.p = x->p;
	v->s.n = x->n;
	return 1;
}

static int argument(const struct cdp_agg *a, struct cdp_eval *ev, struct cdp_rec *rec,
		    struct cdp_value *v, struct cdp_err *err)
{
	int r = plain_value(a, rec, v, err);

	return r ? r : cdp_expr_value(a->arg, ev, rec, v, err);
}

int cdp_agg_take(const struct cdp_agg *a, void *state, struct cdp_eval *ev,
		 struct cdp_rec *rec, int64_t time_ms, struct cdp_err *err)
{
	struct cdp_value v;

	if (a->of_time) {
		add_instant(a, state, rec, time_ms);
		return 1;
	}
	if (a->kind == CDP_AGG_COUNT) {
		++*(uint64_t *)state;
		return 1;
	}
	if (a->arg && argument(a, ev, rec, &v, err) < 0)
		return -1;
	switch (a->kind) {
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		return add_total(a, state, &ev->text, &v, err);
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		return cdp_agg_add_bag(a, state, ev, &v, err);
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		return cdp_agg_add_tally(a, state, ev, rec, &v, err);
	case CDP_AGG_DAYS:
		return add_day(a, state, ev, time_ms, err);
	case CDP_AGG_SEQUENCE:
		return cdp_sequence_add(a, state, ev, rec, time_ms);
	default:
		return cdp_kept_add(a, state, ev, rec, time_ms, &v, err);
	}
}

/* ---- merging ---- */

static void merge_totals(struct cdp_total *into, const struct cdp_total *from)
{
	into->failed |= from->failed;
	cdp_total_add(into, cdp_total_get(from), from->count);
}

void cdp_agg_merge(const struct cdp_agg *a, void *into, void *from)
{
	const struct cdp_instant *t = from;

	switch (a->kind) {
	case CDP_AGG_COUNT:
		*(uint64_t *)into += *(uint64_t *)from;
		break;
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		merge_totals(into, from);
		break;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		cdp_agg_merge_bags(into, from);
		break;
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		cdp_tally_merge(a, into, from);
		break;
	case CDP_AGG_DAYS:
		for (uint32_t i = 0; i < cdp_days_count(from); i++)
			cdp_days_add(into, cdp_days_at(from, i));
		break;
	case CDP_AGG_SEQUENCE:
		cdp_sequence_merge(into, from);
		break;
	default:
		if (a->of_time) {
			if (t->known)
				cdp_instant_offer(
					a, into,
					(struct cdp_time){ .s = t->s, .ns = t->ns });
			break;
		}
		cdp_kept_merge(a, into, from);
	}
	cdp_agg_release(a, from);
}

/* ---- results ---- */

static void total_result(const struct cdp_agg *a, const struct cdp_total *t,
			 struct cdp_eval *ev, struct cdp_value *out)
{
	struct cdp_decimal *d;

	if (t->failed || (a->kind == CDP_AGG_AVG && t->count == 0))
		return;
	if (a->kind == CDP_AGG_AVG) {
		out->type = CDP_V_DOUBLE;
		out->d = cdp_decimal_ratio(cdp_total_get(t),
					   (struct cdp_decimal){ .unscaled = t->count });
		return;
	}
	d = cdp_arena_alloc(ev->arena, sizeof(*d));
	*d = cdp_total_get(t);
	out->type = CDP_V_DECIMAL;
	out->dec = d;
}

static void int_result(struct cdp_value *out, uint64_t n)
{
	out->type = CDP_V_INT;
	out->i = (int64_t)n;
}

void cdp_agg_result(const struct cdp_agg *a, const void *state, struct cdp_eval *ev,
		    struct cdp_value *out)
{
	const struct cdp_instant *t = state;
	const struct cdp_kept *k = state;

	*out = (struct cdp_value){ .type = CDP_V_NULL, .from_record = true };
	switch (a->kind) {
	case CDP_AGG_COUNT:
		int_result(out, *(const uint64_t *)state);
		break;
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		total_result(a, state, ev, out);
		break;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		cdp_agg_bag_result(a, *(struct cdp_bag *const *)state, ev, out);
		break;
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		cdp_tally_result(a, *(struct cdp_tally *const *)state, ev, out);
		break;
	case CDP_AGG_DAYS:
		int_result(out, cdp_days_count(state));
		break;
	case CDP_AGG_SEQUENCE:
		out->type = CDP_V_BOOL;
		out->b = cdp_sequence_result(a, *(struct cdp_moments *const *)state);
		break;
	default:
		if (a->of_time) {
			if (t->known) {
				out->type = CDP_V_TIMESTAMP;
				out->t = (struct cdp_time){ .s = t->s, .ns = t->ns };
			}
		} else if (k->tag)
			cdp_held_get(out, k->tag, cdp_kept_text(k) + k->id_n, k->n,
				     ev->arena);
	}
}

static int instant_json(const struct cdp_instant *t, struct cdp_buf *out)
{
	char text[CDP_TIME_CANON];

	if (!t->known || t->ns % 1000000)
		return 0;
	cdp_time_format(text, (struct cdp_time){ .s = t->s, .ns = t->ns });
	cdp_buf_addc(out, '"');
	cdp_buf_add(out, text, sizeof(text));
	cdp_buf_addc(out, '"');
	return 1;
}

int cdp_agg_json(const struct cdp_agg *a, const void *state, struct cdp_buf *out)
{
	const struct cdp_total *t = state;
	const struct cdp_kept *k = state;

	switch (a->kind) {
	case CDP_AGG_COUNT:
		cdp_buf_addu(out, *(const uint64_t *)state);
		return 1;
	case CDP_AGG_DISTINCT:
		cdp_buf_addu(out, cdp_bag_size(*(struct cdp_bag *const *)state));
		return 1;
	case CDP_AGG_DAYS:
		cdp_buf_addu(out, cdp_days_count(state));
		return 1;
	case CDP_AGG_SUM:
		if (!t->failed)
			cdp_decimal_add_text(out, cdp_total_get(t));
		return !t->failed;
	case CDP_AGG_FIRST:
	case CDP_AGG_LAST:
		if (a->of_time)
			return instant_json(state, out);
		if (k->tag != CDP_H_STRING)
			return 0;
		cdp_json_str(out, cdp_kept_text(k) + k->id_n, k->n);
		return 1;
	default:
		return 0;
	}
}
