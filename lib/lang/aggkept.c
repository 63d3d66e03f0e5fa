/* min, max, first, last: the values that are kept. */
#include "lang/aggstate.h"

#include "lang/prog.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* Ids of events are mostly 32 hexadecimal digits. */
size_t cdp_kept_size(const struct cdp_agg *a)
{
	return a->kind == CDP_AGG_MIN || a->kind == CDP_AGG_MAX ? CDP_KEPT_VALUE
								: CDP_KEPT_EVENT;
}

const char *cdp_kept_text(const struct cdp_kept *k)
{
	return k->far ? k->heap : k->near;
}

/* Where n bytes go: in place or on the heap, where what there was is used again. */
static char *kept_room(const struct cdp_agg *a, struct cdp_kept *k, size_t n)
{
	bool far = n > cdp_kept_size(a) - offsetof(struct cdp_kept, near);

	if (k->far && far && n <= k->cap)
		return k->heap;
	if (k->far)
		free(k->heap);
	k->far = far;
	if (!far)
		return (char *)k + offsetof(struct cdp_kept, near);
	k->cap = (uint32_t)(n + n / 4);
	k->heap = cdp_alloc(k->cap);
	return k->heap;
}

static int cmp_bytes(const char *a, size_t an, const char *b, size_t bn)
{
	size_t n = an < bn ? an : bn;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (an > bn) - (an < bn);
}

/* A candidate for a kept value, in the same form. */
struct candidate {
	int64_t time_ms;
	const char *id, *p;
	size_t id_n, n;
	char tag;
};

static struct candidate candidate_of(const struct cdp_kept *k)
{
	const char *text = cdp_kept_text(k);

	return (struct candidate){
		k->time_ms, text, text + k->id_n, k->id_n, k->n, k->tag
	};
}

/* Time, then event_id, then text. */
static int cmp_order(const struct candidate *a, const struct candidate *b)
{
	int c;

	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	c = cmp_bytes(a->id, a->id_n, b->id, b->id_n);
	if (c)
		return c;
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return cmp_bytes(a->p, a->n, b->p, b->n);
}

/* Kind (all numbers are one), then value, then the smaller text, whichever way `sign`
 * looks for. */
static int cmp_values(const struct candidate *a, const struct candidate *b, int sign)
{
	char ta = a->tag == CDP_H_UINT ? CDP_H_NUMBER : a->tag;
	char tb = b->tag == CDP_H_UINT ? CDP_H_NUMBER : b->tag;
	struct cdp_value x, y;
	int c;

	if (ta != tb)
		return ta < tb ? -1 : 1;
	if (cdp_held_get(&x, a->tag, a->p, a->n, NULL) < 0 ||
	    cdp_held_get(&y, b->tag, b->p, b->n, NULL) < 0)
		return 0;
	c = cdp_value_cmp(&x, &y);
	return c ? c : cmp_bytes(a->p, a->n, b->p, b->n) * sign;
}

/* Ids are mostly of one length, texts are short. */
static inline void copy(char *to, const char *p, size_t n)
{
	if (n == 32) {
		memcpy(to, p, 32);
	} else if (n >= 8 && n <= 16) {
		memcpy(to, p, 8);
		memcpy(to + n - 8, p + n - 8, 8);
	} else if (n) {
		memcpy(to, p, n);
	}
}

static void set_kept(const struct cdp_agg *a, struct cdp_kept *k,
		     const struct candidate *c)
{
	char *to = kept_room(a, k, c->id_n + c->n);

	copy(to, c->id, c->id_n);
	copy(to + c->id_n, c->p, c->n);
	k->time_ms = c->time_ms;
	k->id_n = (uint32_t)c->id_n;
	k->n = (uint32_t)c->n;
	k->tag = c->tag;
}

static void offer(const struct cdp_agg *a, struct cdp_kept *k, const struct candidate *c)
{
	struct candidate old = candidate_of(k);
	bool better;

	if (!k->tag)
		better = true;
	else if (a->kind == CDP_AGG_FIRST)
		better = cmp_order(c, &old) < 0;
	else if (a->kind == CDP_AGG_LAST)
		better = cmp_order(c, &old) > 0;
	else if (a->kind == CDP_AGG_MIN)
		better = cmp_values(c, &old, 1) < 0;
	else
		better = cmp_values(c, &old, -1) > 0;
	if (better)
		set_kept(a, k, c);
}

void cdp_kept_offer(const struct cdp_agg *a, struct cdp_kept *k, int64_t time_ms,
		    const char *id, size_t id_n, char tag, const char *p, size_t n)
{
	offer(a, k, &(struct candidate){ time_ms, id, p, id_n, n, tag });
}

void cdp_kept_merge(const struct cdp_agg *a, struct cdp_kept *into,
		    const struct cdp_kept *from)
{
	struct candidate c = candidate_of(from);

	if (c.tag)
		offer(a, into, &c);
}

/* Text that is at hand as it is needs no copy. */
static char text_of(const struct cdp_value *v, struct cdp_buf *b, struct candidate *c)
{
	char tag;

	if (v->type == CDP_V_STRING) {
		c->p = v->s.p;
		c->n = v->s.n;
		return CDP_H_STRING;
	}
	cdp_buf_reset(b);
	tag = cdp_held_put(b, v);
	c->p = b->p;
	c->n = b->n;
	return tag;
}

/* The event's id, where it is a text. */
static void read_id(struct candidate *c, const struct cdp_val *v, struct cdp_eval *ev)
{
	struct cdp_value id;

	if (v->type != CDP_STRING)
		return;
	c->id = v->p;
	c->id_n = v->n;
	if (v->escaped) {
		cdp_value_from_json(&id, v, ev->arena);
		c->id = id.s.p;
		c->id_n = id.s.n;
	}
}

int cdp_kept_add(const struct cdp_agg *a, struct cdp_kept *k, struct cdp_eval *ev,
		 struct cdp_rec *rec, int64_t time_ms, const struct cdp_value *v,
		 struct cdp_err *err)
{
	struct candidate c = { .time_ms = time_ms };
	bool by_value = a->kind == CDP_AGG_MIN || a->kind == CDP_AGG_MAX;

	c.tag = text_of(v, &ev->text, &c);
	if (!c.tag)
		return cdp_agg_fail(a, err, "value of this type cannot be kept");
	if (by_value) {
		c.time_ms = 0;
		if (cdp_value_cmp(v, v) != 0)
			return cdp_agg_fail(a, err, "value has no order");
	} else if (k->tag && time_ms != k->time_ms &&
		   (time_ms < k->time_ms) == (a->kind == CDP_AGG_LAST)) {
		return 1; /* whatever its id is */
	} else if (a->id_slot >= 0 && rec) {
		read_id(&c, cdp_rec_get(rec, a->id_slot), ev);
	}
	if (!by_value && time_ms != k->time_ms)
		set_kept(a, k, &c);
	else
		offer(a, k, &c);
	return 1;
}
