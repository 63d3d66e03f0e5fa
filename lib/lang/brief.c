#include "lang/brief.h"

#include "lang/prog.h"
#include "record/json.h"

#include <math.h>
#include <string.h>

bool cdp_brief_number(const struct cdp_val *v, double *digits, double *scale)
{
	static const double ten[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	const char *p = v->p, *end = p + v->n, *point = NULL;
	uint64_t u = 0;
	bool neg = *p == '-';

	if (v->n > 16)
		return false;
	for (p += neg; p < end; p++) {
		unsigned c = (unsigned char)*p - '0';

		if (c <= 9)
			u = u * 10 + c;
		else if (*p == '.')
			point = p;
		else
			return false;
	}
	*digits = neg ? -(double)u : (double)u;
	*scale = point ? ten[end - point - 1] : 1;
	return u < 1000000000000000;
}

/* Decimals of 15 digits are further apart than doubles, so the constant may be scaled up
 * where that is exact; else the quotient is rounded once (Clinger, PLDI 1990). */
int cdp_brief_cmp(double digits, double scale, double number)
{
	double whole = number * scale;

	if (scale != 1 && (floor(number) != number || fabs(whole) >= 0x1p53)) {
		digits /= scale;
		whole = number;
	}
	return digits < whole ? -1 : digits > whole;
}

bool cdp_brief_is(const struct cdp_val *v, const char *p, size_t n)
{
	if (v->escaped)
		return cdp_val_is(v, p, n);
	return v->type == CDP_STRING && v->n == n && memcmp(v->p, p, n) == 0;
}

/* slot.startsWith('constant') */
static bool is_prefix(const struct cdp_node *n)
{
	return n->op == CDP_N_CALL && n->count == 2 &&
	       strcmp(n->func->name, "startsWith") == 0 && n->kid[0]->op == CDP_N_SLOT &&
	       n->kid[1]->op == CDP_N_CONST && n->kid[1]->value.type == CDP_V_STRING;
}

static bool is_brief(const struct cdp_node *n)
{
	return n->op == CDP_N_SLOT_IS || n->op == CDP_N_SLOT_IN ||
	       n->op == CDP_N_HAS_SLOT || (n->op == CDP_N_SLOT_CMP && n->quick) ||
	       is_prefix(n);
}

/* The name that all events have. */
static bool is_known(const struct cdp_expr *e, const struct cdp_node *n)
{
	return n->op == CDP_N_SLOT_IS && !n->sub && n->ref == CDP_SLOT_EVENT &&
	       e->event_count == 1 && strlen(e->events[0]) == n->value.s.n &&
	       memcmp(e->events[0], n->value.s.p, n->value.s.n) == 0;
}

struct cdp_brief cdp_brief_of(const struct cdp_expr *e)
{
	const struct cdp_node *const *part = (const struct cdp_node *const *)&e->root;
	struct cdp_brief b = { 0 };
	uint32_t n = 1;

	if (e->root->op == CDP_N_AND) {
		part = (const struct cdp_node *const *)e->root->kid;
		n = e->root->count;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (n > 1 && is_known(e, part[i]))
			continue;
		if (!is_brief(part[i]) || b.count == CDP_BRIEF_MAX)
			return (struct cdp_brief){ 0 };
		b.part[b.count++] = part[i];
	}
	return b;
}

static int test_number(const struct cdp_node *n, const struct cdp_val *v)
{
	double digits, scale;

	if (v->type != CDP_NUMBER || !cdp_brief_number(v, &digits, &scale))
		return v->type == CDP_MISSING ? -1 : 2;
	return cdp_op_holds((enum cdp_op)n->sub, cdp_brief_cmp(digits, scale, n->number));
}

static int test_text(const struct cdp_node *n, const struct cdp_val *v)
{
	const struct cdp_value *prefix = &n->kid[1]->value;

	if (v->type != CDP_STRING || v->escaped)
		return v->type == CDP_MISSING ? -1 : 2;
	return v->n >= prefix->s.n && memcmp(v->p, prefix->s.p, prefix->s.n) == 0;
}

static int test_in(const struct cdp_node *n, const struct cdp_val *v)
{
	struct cdp_value text = { .type = CDP_V_STRING, .from_record = true };

	if (v->type != CDP_STRING || v->escaped)
		return v->type == CDP_MISSING ? -1 : 2;
	text.s.p = v->p;
	text.s.n = v->n;
	return cdp_list_has(n->value.list, &text);
}

static int test_part(const struct cdp_node *n, struct cdp_rec *rec)
{
	const struct cdp_val *v;

	switch (n->op) {
	case CDP_N_SLOT_IS:
		v = cdp_rec_get(rec, n->ref);
		if (cdp_brief_is(v, n->value.s.p, n->value.s.n))
			return !n->sub;
		return v->type == CDP_MISSING ? -1 : n->sub;
	case CDP_N_SLOT_CMP:
		return test_number(n, cdp_rec_get(rec, n->ref));
	case CDP_N_SLOT_IN:
		return test_in(n, cdp_rec_get(rec, n->ref));
	case CDP_N_HAS_SLOT:
		return cdp_rec_get(rec, n->ref)->type != CDP_MISSING;
	default:
		return test_text(n, cdp_rec_get(rec, n->kid[0]->ref));
	}
}

int cdp_brief_test(const struct cdp_brief *b, struct cdp_rec *rec)
{
	int all = 1;

	for (unsigned i = 0; i < b->count; i++) {
		int r = test_part(b->part[i], rec);

		if (r == 0 || r == 2)
			return r;
		if (r < 0)
			all = -1;
	}
	return b->count ? all : 2;
}
