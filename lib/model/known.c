#include "model/known.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

/* What was fetched for the customer at hand. */
struct memo {
	uint64_t turn; /* that it is of */
	bool missing;
	struct cdp_value value;
};
enum { REF_KINDS = CDP_TAG_REF_LINK + 1 };

struct cdp_known {
	const struct cdp_tagset *set;
	const struct cdp_customers *customers;
	struct cdp_eval *ev;
	uint32_t customer;
	uint64_t turn;         /* counts customers */
	struct cdp_value name; /* a string */
	bool named;
	struct memo *memos[REF_KINDS];
	struct cdp_buf text; /* raw JSON */
	void *nothing;       /* the state of any aggregate over no events */
};

void cdp_known_turn(struct cdp_known *a, uint32_t customer)
{
	a->turn++;
	a->customer = customer;
}

void cdp_known_name(struct cdp_known *a, const char *key, size_t n)
{
	a->named = true;
	a->name.s.p = key;
	a->name.s.n = n;
}

/* Raw JSON made for this customer as a value; its text moves to the evaluator's memory.
 */
static void json_value(struct cdp_known *a, struct cdp_value *out)
{
	struct cdp_arena *arena = cdp_eval_arena(a->ev);
	struct cdp_val v;

	cdp_val_at(&v, cdp_arena_strndup(arena, a->text.p, a->text.n), a->text.n);
	cdp_value_from_json(out, &v, arena);
}

/* An attribute of something that is no person: what its row says. */
static int fetch_own(struct cdp_known *a, int ref, struct cdp_value *out,
		     struct cdp_err *err)
{
	struct cdp_value id = a->name;

	if (!a->named && a->customer != CDP_NOBODY)
		id.s.p = cdp_customers_key(a->customers, a->customer, &id.s.n);
	if (id.s.p &&
	    cdp_entities_fetch(a->set->entities, ref, &id, cdp_eval_arena(a->ev), out))
		return 0;
	return cdp_err_set(err, CDP_ERR_EVAL, "its row has no such member");
}

/* False: there is no such attribute. */
static bool make(struct cdp_known *a, enum cdp_tag_ref kind, uint32_t i,
		 struct cdp_value *out)
{
	bool nobody = a->customer == CDP_NOBODY;

	cdp_buf_reset(&a->text);
	if (kind == CDP_TAG_REF_ATTRIBUTE) {
		if (nobody ||
		    !cdp_customers_get_attribute(a->customers, a->customer, i, &a->text))
			return false;
	} else if (nobody) {
		cdp_buf_adds(&a->text, "[]");
	} else if (kind == CDP_TAG_REF_DETAIL) {
		cdp_customers_get_details(a->customers, a->customer, i, &a->text);
	} else {
		cdp_customers_get_relations(a->customers, a->customer, i,
					    kind == CDP_TAG_REF_LINK, &a->text);
	}
	json_value(a, out);
	return true;
}

int cdp_known_fetch(struct cdp_known *a, int ref, struct cdp_value *out,
		    struct cdp_err *err)
{
	enum cdp_tag_ref kind = cdp_tag_ref_kind(ref);
	uint32_t i = cdp_tag_ref_index(ref);
	struct memo *m;

	if (kind == CDP_TAG_REF_ATTRIBUTE && a->set->own)
		return fetch_own(a, a->set->own[i], out, err);
	m = &a->memos[kind][i];
	if (m->turn != a->turn) {
		m->turn = a->turn;
		m->missing = !make(a, kind, i, &m->value);
	}
	if (m->missing)
		return cdp_err_set(err, CDP_ERR_EVAL,
				   "the profile has no such attribute");
	*out = m->value;
	return 0;
}

void cdp_known_agg(struct cdp_known *a, unsigned agg, struct cdp_value *out)
{
	const void *state = a->customer == CDP_NOBODY
				    ? a->nothing
				    : cdp_customers_state(a->customers, a->customer, agg);

	cdp_agg_result(cdp_aggs_at(a->set->aggs, agg), state, a->ev, out);
}

static int fetch_agg(void *host, unsigned agg, struct cdp_value *out, struct cdp_err *err)
{
	(void)err;
	cdp_known_agg(host, agg, out);
	return 0;
}

struct cdp_known *cdp_known_new(const struct cdp_tagset *set,
				const struct cdp_customers *customers,
				struct cdp_eval *ev)
{
	struct cdp_known *a = cdp_calloc(1, sizeof(*a));
	const struct cdp_intern *names[REF_KINDS] = {
		[CDP_TAG_REF_ATTRIBUTE] = set->attributes,
		[CDP_TAG_REF_DETAIL] = set->details,
		[CDP_TAG_REF_RELATION] = set->relations,
		[CDP_TAG_REF_LINK] = set->relations,
	};
	size_t largest = 8;

	a->set = set;
	a->customers = customers;
	a->ev = ev;
	a->customer = CDP_NOBODY;
	a->name.type = CDP_V_STRING;
	a->turn = 1;
	for (unsigned k = CDP_TAG_REF_TAG + 1; k < REF_KINDS; k++)
		a->memos[k] = cdp_calloc(cdp_intern_count(names[k]), sizeof(**a->memos));
	for (unsigned i = 0; i < cdp_aggs_count(set->aggs); i++)
		if (cdp_agg_size(cdp_aggs_at(set->aggs, i)) > largest)
			largest = cdp_agg_size(cdp_aggs_at(set->aggs, i));
	a->nothing = cdp_calloc(1, largest);
	cdp_buf_init(&a->text, CDP_BUF_NOMAX);
	cdp_eval_set_entities(ev, cdp_entities_fetch, set->entities);
	cdp_eval_set_aggs(ev, fetch_agg, a);
	return a;
}

void cdp_known_free(struct cdp_known *a)
{
	if (!a)
		return;
	for (unsigned k = 0; k < REF_KINDS; k++)
		free(a->memos[k]);
	free(a->nothing);
	cdp_buf_release(&a->text);
	free(a);
}
