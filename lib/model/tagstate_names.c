/* What definitions ask a state for, and what it has. */
#include "model/tagstate_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- tags by what they ask for --- */

struct search {
	const struct cdp_tagset *set;
	enum cdp_use what;
	int number;
	bool found;
};

static void look_at(void *ctx, enum cdp_use what, int number)
{
	struct search *k = ctx;

	if (what == k->what && number == k->number)
		k->found = true;
	if (what == CDP_USE_POP && k->what == CDP_USE_AGG) {
		const struct cdp_pop *f = cdp_pops_at(k->set->pops, (unsigned)number);

		cdp_expr_uses(f->arg, look_at, k);
		if (f->cond)
			cdp_expr_uses(f->cond, look_at, k);
	}
}

/* Puts the first tag that asks for the aggregate before the message. */
static int name_tag(const struct cdp_tagset *set, unsigned agg, struct cdp_err *err)
{
	struct search k = { .set = set, .what = CDP_USE_AGG, .number = (int)agg };

	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag *t = &set->tags[i];

		if (t->value)
			cdp_expr_uses(t->value, look_at, &k);
		for (size_t l = 0; l < t->layer_count; l++)
			cdp_expr_uses(t->layers[l].when, look_at, &k);
		if (k.found) {
			cdp_err_prefix(err, "tag '%s'", t->name);
			break;
		}
	}
	return -1;
}

int tst_check_aggs(const struct cdp_tagstate *s, struct cdp_err *err)
{
	const struct cdp_aggs *aggs = s->o.set->aggs;

	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		const struct cdp_agg *a = cdp_aggs_at(aggs, i);
		const char *why = cdp_agg_fickle(a);

		if (why) {
			cdp_err_set(err, CDP_ERR_USAGE,
				    "%.200s cannot be kept in a state: %s", a->text, why);
			return name_tag(s->o.set, i, err);
		}
	}
	return 0;
}

/* Names of one kind, old numbers to new ones; -1 and an error for one that is new. */
struct names {
	const char *what;
	const struct tst_texts *old;
	int32_t *to;
	bool *fill;               /* by number now */
	struct cdp_intern *known; /* old ones by text */
};

static void names_init(struct names *k, const char *what, const struct tst_texts *old,
		       int32_t **to, bool *fill)
{
	*k = (struct names){
		.what = what, .old = old, .fill = fill, .known = cdp_intern_new(0)
	};
	*to = k->to = cdp_alloc((old->n + 1) * sizeof(**to));
	for (size_t i = 0; i < old->n; i++) {
		cdp_intern_put(k->known, old->v[i].p, old->v[i].n, NULL);
		k->to[i] = -1;
	}
}

/* The place among those that began without history, or the end. */
static size_t find_young(const struct cdp_tagstate *s, const char *text)
{
	size_t i = 0;

	while (i < s->young_count && strcmp(s->young[i].text, text) != 0)
		i++;
	return i;
}

static void drop_young(struct cdp_tagstate *s, size_t i)
{
	free(s->young[i].text);
	s->young_count--;
	memmove(s->young + i, s->young + i + 1, (s->young_count - i) * sizeof(*s->young));
}

void tst_add_young(struct cdp_tagstate *s, const char *p, size_t n, int64_t since_ms)
{
	CDP_GROW(s->young, s->young_count, s->young_cap);
	s->young[s->young_count++] = (struct tst_young){ cdp_strndup(p, n), since_ms };
}

/* It has no history, or one that is to be another; `text` is consumed. */
static void add_new(struct cdp_tagstate *s, const struct names *k, uint32_t number,
		    char *text)
{
	if (s->o.new == CDP_TAGSTATE_FILL && k->fill)
		k->fill[number] = true;
	if (s->o.new == CDP_TAGSTATE_BEGIN)
		tst_add_young(s, text, strlen(text), s->as_of_ms);
	CDP_GROW(s->added, s->added_count, s->added_cap);
	s->added[s->added_count++] = text;
}

static int match(struct cdp_tagstate *s, struct names *k, const char *p, size_t n,
		 uint32_t number, struct cdp_err *err)
{
	uint32_t i = cdp_intern_get(k->known, p, n);
	char *text = cdp_asprintf("%s%.*s", k->what, (int)n, p);
	size_t young = find_young(s, text);

	if (i != CDP_INTERN_NONE && young < s->young_count &&
	    s->o.new == CDP_TAGSTATE_FILL) {
		drop_young(s, young);
		k->to[i] = TST_REPLACED;
		add_new(s, k, number, text);
		return 0;
	}
	if (i != CDP_INTERN_NONE) {
		free(text);
		k->to[i] = (int32_t)number;
		return 0;
	}
	if (s->o.new != CDP_TAGSTATE_REFUSE) {
		add_new(s, k, number, text);
		return 0;
	}
	cdp_err_set(err, CDP_ERR_USAGE,
		    "%.200s is not in '%s', which has no history of it: give all of it "
		    "with --fill, or begin without by --start-empty",
		    text, s->path);
	free(text);
	return -1;
}

static int match_interned(struct cdp_tagstate *s, struct names *k,
			  const struct cdp_intern *now, struct cdp_err *err)
{
	for (uint32_t i = 0; i < cdp_intern_count(now); i++) {
		size_t n;
		const char *p = cdp_intern_key(now, i, &n);

		if (match(s, k, p, n, i, err) < 0)
			return -1;
	}
	return 0;
}

static int match_aggs(struct cdp_tagstate *s, struct names *k, struct cdp_err *err)
{
	const struct cdp_aggs *aggs = s->o.set->aggs;

	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		const char *text = cdp_aggs_at(aggs, i)->text;

		if (match(s, k, text, strlen(text), i, err) < 0)
			return name_tag(s->o.set, i, err);
	}
	return 0;
}

/* What nobody asks for any more. */
static void note_dropped(struct cdp_tagstate *s, const struct names *k)
{
	for (size_t i = 0; i < k->old->n; i++) {
		size_t young;

		if (k->to[i] >= 0 || k->to[i] == TST_REPLACED)
			continue;
		CDP_GROW(s->dropped, s->dropped_count, s->dropped_cap);
		s->dropped[s->dropped_count++] = cdp_asprintf(
			"%s%.*s", k->what, (int)k->old->v[i].n, k->old->v[i].p);
		young = find_young(s, s->dropped[s->dropped_count - 1]);
		if (young < s->young_count)
			drop_young(s, young);
	}
}

static void plan_filling(struct cdp_tagstate *s)
{
	if (s->o.new != CDP_TAGSTATE_FILL || s->fill_agg)
		return;
	s->fill_agg = cdp_calloc(cdp_aggs_count(s->o.set->aggs) + 1, sizeof(bool));
	s->fill_attribute =
		cdp_calloc(cdp_intern_count(s->o.set->attributes) + 1, sizeof(bool));
	s->fill_detail =
		cdp_calloc(cdp_intern_count(s->o.set->details) + 1, sizeof(bool));
}

/* All relations are read again where the state is filled; one with props wins. */
static int match_links(struct cdp_tagstate *s, const struct names *relations,
		       struct cdp_err *err)
{
	if (!s->o.set->links || s->head.links || !cdp_intern_count(s->o.set->relations) ||
	    !relations->old->n)
		return 0;
	if (s->o.new != CDP_TAGSTATE_FILL)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' has relations without their props, which links "
				   "ask for: give all history with --fill",
				   s->path);
	add_new(s, relations, 0, cdp_strdup("props of relations"));
	return 0;
}

int tst_match_names(struct cdp_tagstate *s, struct cdp_err *err)
{
	struct names aggs, attributes, details, relations;
	int rc;

	plan_filling(s);
	names_init(&aggs, "", &s->head.aggs, &s->agg_of, s->fill_agg);
	names_init(&attributes, "profile.", &s->head.attributes, &s->attribute_of,
		   s->fill_attribute);
	names_init(&details, "details.", &s->head.details, &s->detail_of, s->fill_detail);
	names_init(&relations, "relations.", &s->head.relations, &s->relation_of, NULL);
	rc = match_aggs(s, &aggs, err) < 0 ||
			     match_interned(s, &attributes, s->o.set->attributes, err) <
				     0 ||
			     match_interned(s, &details, s->o.set->details, err) < 0 ||
			     match_interned(s, &relations, s->o.set->relations, err) < 0
		     ? -1
		     : 0;
	for (size_t i = 0; i < 4; i++) {
		struct names *k =
			(struct names *[]){ &aggs, &attributes, &details, &relations }[i];

		note_dropped(s, k);
		cdp_intern_free(k->known);
	}
	return rc < 0 ? -1 : match_links(s, &relations, err);
}
