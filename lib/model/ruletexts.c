#include "model/ruletexts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct some {
	uint32_t *v;
	size_t count, cap;
};

/* Leaves that look at one member of the items of one list. */
struct field {
	int ref;
	const char *member; /* NULL: the item itself */
	size_t member_n;
	struct cdp_intern *texts; /* to leaves */
	struct some *leaves, all;
	size_t cap;
};

struct cdp_rule_texts {
	struct field *v;
	size_t count, cap;
};

struct cdp_rule_texts *cdp_rule_texts_new(void)
{
	return cdp_calloc(1, sizeof(struct cdp_rule_texts));
}

void cdp_rule_texts_free(struct cdp_rule_texts *t)
{
	for (size_t i = 0; t && i < t->count; i++) {
		struct field *f = &t->v[i];

		for (uint32_t k = 0; k < cdp_intern_count(f->texts); k++)
			free(f->leaves[k].v);
		free(f->leaves);
		free(f->all.v);
		cdp_intern_free(f->texts);
	}
	if (t)
		free(t->v);
	free(t);
}

static struct field *field_of(struct cdp_rule_texts *t, const struct cdp_part_key *key)
{
	for (size_t i = 0; i < t->count; i++) {
		struct field *f = &t->v[i];

		if (f->ref == key->ref && !f->member == !key->member &&
		    f->member_n == key->member_n &&
		    (!f->member || memcmp(f->member, key->member, f->member_n) == 0))
			return f;
	}
	CDP_GROW(t->v, t->count, t->cap);
	t->v[t->count] = (struct field){ .ref = key->ref,
					 .member = key->member,
					 .member_n = key->member_n,
					 .texts = cdp_intern_new(0) };
	return &t->v[t->count++];
}

static void put(struct some *s, uint32_t number)
{
	CDP_GROW(s->v, s->count, s->cap);
	s->v[s->count++] = number;
}

/* Where such a leaf is false of nobody: in what is always a list. */
bool cdp_rule_texts_add(struct cdp_rule_texts *t, const struct cdp_rule_leaf *leaf,
			uint32_t number)
{
	struct cdp_part_key key;
	struct field *f;
	bool added;
	uint32_t id;

	if (leaf->asks.n != 1 || !cdp_part_key(leaf->expr, &key) ||
	    cdp_tag_ref_kind(key.ref) == CDP_TAG_REF_ATTRIBUTE)
		return false;
	f = field_of(t, &key);
	id = cdp_intern_put(f->texts, key.p, key.n, &added);
	if (added) {
		CDP_GROW(f->leaves, id, f->cap);
		f->leaves[id] = (struct some){ 0 };
	}
	put(&f->leaves[id], number);
	put(&f->all, number);
	return true;
}

bool cdp_rule_texts_ask(const struct cdp_rule_texts *t, int ref)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->v[i].ref == ref)
			return true;
	return false;
}

/* False: it has no such member, an error of all that want it. */
static bool text_of(const struct field *f, const struct cdp_value *item,
		    struct cdp_value *text)
{
	*text = *item;
	return !f->member || (item->type == CDP_V_MAP &&
			      cdp_map_get_str(item->map, f->member, f->member_n, text));
}

struct finding {
	const struct field *f;
	void (*call)(void *ctx, uint32_t number);
	void *ctx;
};

static void call_some(const struct finding *g, const struct some *s)
{
	for (size_t i = 0; i < s->count; i++)
		g->call(g->ctx, s->v[i]);
}

static void find(const struct finding *g, const struct cdp_value *list)
{
	struct cdp_value text;

	if (!list || list->type != CDP_V_LIST) {
		call_some(g, &g->f->all);
		return;
	}
	for (size_t i = 0; i < cdp_list_count(list->list); i++) {
		uint32_t id;

		if (!text_of(g->f, cdp_list_at(list->list, i), &text)) {
			call_some(g, &g->f->all);
			return;
		}
		if (text.type != CDP_V_STRING)
			continue;
		id = cdp_intern_get(g->f->texts, text.s.p, text.s.n);
		if (id != CDP_INTERN_NONE)
			call_some(g, &g->f->leaves[id]);
	}
}

void cdp_rule_texts_find(const struct cdp_rule_texts *t, int ref,
			 const struct cdp_value *list,
			 void (*call)(void *ctx, uint32_t number), void *ctx)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct finding g = { &t->v[i], call, ctx };

		if (t->v[i].ref == ref)
			find(&g, list);
	}
}
