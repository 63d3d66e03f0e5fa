#include "model/portrait.h"

#include "base/mem.h"
#include "base/numtext.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct cdp_portrait {
	unsigned groups;
	bool closed; /* no tags but those that are there */
	struct cdp_intern *names;
	struct cdp_portrait_tag *tags; /* by name */
	struct cdp_val *at;            /* by tag, where the profile at hand has it */
	uint64_t *seen;                /* by tag: the last profile that had it */
	size_t cap, at_cap, seen_cap;
	uint64_t regions[CDP_PORTRAIT_REGIONS];
	uint64_t profiles;
	uint32_t *touched; /* tags of the profile at hand */
	size_t ntouched, touched_cap;
	struct cdp_buf key, tmp;
	struct cdp_portrait_loader loader;
};

static const char empty_list[] = { CDP_PORTRAIT_JSON, '[', ']', '\0' };

void cdp_portrait_key(struct cdp_buf *b, const struct cdp_val *v, struct cdp_buf *tmp)
{
	const char *text;
	size_t n;

	switch (v->type) {
	case CDP_TRUE:
	case CDP_FALSE:
		cdp_buf_addc(b, CDP_PORTRAIT_BOOL);
		cdp_buf_add(b, v->p, v->n);
		break;
	case CDP_NUMBER:
		cdp_buf_addc(b, CDP_PORTRAIT_NUMBER);
		cdp_numtext_add(b, v->p, v->n);
		break;
	case CDP_STRING:
		cdp_buf_addc(b, CDP_PORTRAIT_STRING);
		text = cdp_val_str(v, tmp, &n);
		cdp_buf_add(b, text, n);
		break;
	default:
		cdp_buf_addc(b, CDP_PORTRAIT_JSON);
		cdp_json_minify(b, v->p, v->n);
	}
}

static struct cdp_portrait_tag *put_tag(struct cdp_portrait *p, const char *name,
					size_t n, uint32_t *id)
{
	bool added;

	*id = cdp_intern_put(p->names, name, n, &added);
	if (added) {
		CDP_GROW(p->tags, *id, p->cap);
		CDP_GROW(p->at, *id, p->at_cap);
		CDP_GROW(p->seen, *id, p->seen_cap);
		p->tags[*id] = (struct cdp_portrait_tag){ .values = cdp_intern_new(0) };
		p->seen[*id] = 0;
	}
	return &p->tags[*id];
}

struct cdp_portrait *cdp_portrait_new(unsigned groups, const struct cdp_intern *only)
{
	struct cdp_portrait *p = cdp_calloc(1, sizeof(*p));

	p->groups = groups;
	p->closed = only != NULL;
	p->names = cdp_intern_new(0);
	for (uint32_t i = 0; only && i < cdp_intern_count(only); i++) {
		size_t n;
		const char *name = cdp_intern_key(only, i, &n);
		uint32_t id;

		put_tag(p, name, n, &id);
	}
	cdp_buf_init(&p->key, CDP_BUF_NOMAX);
	cdp_buf_init(&p->tmp, CDP_BUF_NOMAX);
	return p;
}

void cdp_portrait_free(struct cdp_portrait *p)
{
	if (!p)
		return;
	if (p->loader.release)
		p->loader.release(p->loader.ctx);
	for (uint32_t i = 0; i < cdp_intern_count(p->names); i++) {
		cdp_intern_free(p->tags[i].values);
		free(p->tags[i].met);
		if (p->tags[i].borrowed)
			continue;
		free(p->tags[i].counts);
		free(p->tags[i].chosen);
	}
	free(p->tags);
	free(p->at);
	free(p->seen);
	free(p->touched);
	cdp_intern_free(p->names);
	cdp_buf_release(&p->key);
	cdp_buf_release(&p->tmp);
	free(p);
}

static void reserve(struct cdp_portrait_tag *t, unsigned groups, uint32_t id)
{
	size_t cap = t->cap ? t->cap * 2 : 8;

	if (id < t->cap)
		return;
	if (cap <= id)
		cap = (size_t)id + 1;
	t->counts = cdp_realloc(t->counts, cap * groups, sizeof(*t->counts));
	memset(t->counts + t->cap * groups, 0,
	       (cap - t->cap) * groups * sizeof(*t->counts));
	t->cap = cap;
}

/* True if the customer at hand had the value already: twice in one list. */
static bool meet(struct cdp_portrait *p, struct cdp_portrait_tag *t, uint32_t id)
{
	if (t->met_cap < t->cap) {
		t->met = cdp_realloc(t->met, t->cap, sizeof(*t->met));
		memset(t->met + t->met_cap, 0, (t->cap - t->met_cap) * sizeof(*t->met));
		t->met_cap = t->cap;
	}
	if (t->met[id] == p->profiles)
		return true;
	t->met[id] = p->profiles;
	return false;
}

/* The value whose key is in p->key. */
static void count_value(struct cdp_portrait *p, struct cdp_portrait_tag *t, bool is_item,
			unsigned mask)
{
	uint32_t id = cdp_intern_put(t->values, p->key.p, p->key.n, NULL);

	reserve(t, p->groups, id);
	if (is_item && meet(p, t, id))
		return;
	for (unsigned g = 0; g < p->groups; g++)
		t->counts[(size_t)id * p->groups + g] += mask >> g & 1;
}

void cdp_portrait_each_key(const struct cdp_val *v, struct cdp_buf *key,
			   struct cdp_buf *tmp, void (*each)(void *ctx, bool is_item),
			   void *ctx)
{
	struct cdp_iter it = { 0 };
	struct cdp_val item;
	bool any = false;

	if (v->type == CDP_NULL)
		return;
	while (v->type == CDP_ARRAY && cdp_val_item(v, &it, &item)) {
		if (item.type == CDP_NULL)
			continue;
		any = true;
		cdp_buf_reset(key);
		cdp_portrait_key(key, &item, tmp);
		each(ctx, true);
	}
	if (any)
		return;
	cdp_buf_reset(key);
	if (v->type == CDP_ARRAY)
		cdp_buf_adds(key, empty_list);
	else
		cdp_portrait_key(key, v, tmp);
	each(ctx, false);
}

struct counting {
	struct cdp_portrait *p;
	struct cdp_portrait_tag *t;
	unsigned mask;
};

static void count_key(void *ctx, bool is_item)
{
	struct counting *c = ctx;

	count_value(c->p, c->t, is_item, c->mask);
}

static void count_tag(struct cdp_portrait *p, struct cdp_portrait_tag *t,
		      const struct cdp_val *v, unsigned mask)
{
	if (v->type == CDP_NULL)
		return;
	cdp_portrait_each_key(v, &p->key, &p->tmp, count_key,
			      &(struct counting){ p, t, mask });
	t->list |= v->type == CDP_ARRAY;
	for (unsigned g = 0; g < p->groups; g++)
		t->present[g] += mask >> g & 1;
}

void cdp_portrait_add(struct cdp_portrait *p, const struct cdp_val *tags, unsigned mask)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	p->regions[mask]++;
	if (!mask)
		return;
	p->profiles++;
	p->ntouched = 0;
	while (cdp_val_member(tags, &it, &key, &v)) {
		size_t n;
		const char *name = cdp_val_str(&key, &p->tmp, &n);
		uint32_t id;

		if (p->closed) {
			id = cdp_intern_get(p->names, name, n);
			if (id == CDP_INTERN_NONE)
				continue;
		} else {
			put_tag(p, name, n, &id);
		}
		if (p->seen[id] != p->profiles) {
			p->seen[id] = p->profiles;
			CDP_GROW(p->touched, p->ntouched, p->touched_cap);
			p->touched[p->ntouched++] = id;
		}
		p->at[id] = v;
	}
	for (size_t i = 0; i < p->ntouched; i++)
		count_tag(p, &p->tags[p->touched[i]], &p->at[p->touched[i]], mask);
}

static void merge_tag(struct cdp_portrait *p, struct cdp_portrait_tag *t,
		      const struct cdp_portrait_tag *from)
{
	uint32_t *ids = cdp_intern_put_all(t->values, from->values);

	for (uint32_t v = 0; v < cdp_intern_count(from->values); v++) {
		reserve(t, p->groups, ids[v]);
		for (unsigned g = 0; g < p->groups; g++)
			t->counts[(size_t)ids[v] * p->groups + g] +=
				from->counts[(size_t)v * p->groups + g];
	}
	for (unsigned g = 0; g < p->groups; g++)
		t->present[g] += from->present[g];
	t->list |= from->list;
	free(ids);
}

void cdp_portrait_merge(struct cdp_portrait *into, struct cdp_portrait *from)
{
	for (uint32_t i = 0; i < cdp_intern_count(from->names); i++) {
		size_t n;
		const char *name = cdp_intern_key(from->names, i, &n);
		uint32_t id;

		merge_tag(into, put_tag(into, name, n, &id), &from->tags[i]);
	}
	for (unsigned m = 0; m < 1u << into->groups; m++)
		into->regions[m] += from->regions[m];
	into->profiles += from->profiles;
	cdp_portrait_free(from);
}

void cdp_portrait_set_regions(struct cdp_portrait *p, const uint64_t *regions)
{
	memcpy(p->regions, regions, sizeof(p->regions));
}

struct cdp_portrait_tag *cdp_portrait_put_tag(struct cdp_portrait *p, const char *name,
					      size_t n, uint32_t *id)
{
	return put_tag(p, name, n, id);
}

void cdp_portrait_set_loader(struct cdp_portrait *p,
			     const struct cdp_portrait_loader *loader)
{
	p->loader = *loader;
}

uint64_t *cdp_portrait_put_counts(const struct cdp_portrait *p,
				  struct cdp_portrait_tag *t, uint32_t id)
{
	reserve(t, p->groups, id);
	return t->counts + (size_t)id * p->groups;
}

unsigned cdp_portrait_groups(const struct cdp_portrait *p)
{
	return p->groups;
}

const uint64_t *cdp_portrait_regions(const struct cdp_portrait *p)
{
	return p->regions;
}

uint64_t cdp_portrait_size(const struct cdp_portrait *p, unsigned group)
{
	uint64_t n = 0;

	for (unsigned m = 0; m < 1u << p->groups; m++)
		n += m >> group & 1 ? p->regions[m] : 0;
	return n;
}

unsigned cdp_portrait_tags(const struct cdp_portrait *p)
{
	return cdp_intern_count(p->names);
}

const struct cdp_portrait_tag *cdp_portrait_tag_at(const struct cdp_portrait *p,
						   unsigned tag, const char **name,
						   size_t *n)
{
	*name = cdp_intern_key(p->names, tag, n);
	return &p->tags[tag];
}

const struct cdp_portrait_tag *cdp_portrait_load(const struct cdp_portrait *p,
						 unsigned tag, const char **name,
						 size_t *n, struct cdp_err *err)
{
	const struct cdp_portrait_loader *l = &p->loader;

	if (l->load && l->load(l->ctx, p, tag, &p->tags[tag], err) < 0)
		return NULL;
	return cdp_portrait_tag_at(p, tag, name, n);
}
