/* Lists and maps: made by expressions, or views of a record's arrays and objects that are
 * walked only when something inside them is asked for. */
#include "base/hash.h"
#include "base/num.h"
#include "lang/value.h"
#include "lang/view.h"
#include "record/json.h"

#include <math.h>
#include <string.h>

/* Containers longer than this get a hash index. */
enum { INDEX_FROM = 12 };

struct index {
	uint32_t *slots; /* position + 1, 0 free; NULL: no index */
	uint32_t mask;
};

struct cdp_list {
	size_t n;
	const struct cdp_value *items; /* NULL: a view not yet walked */
	struct cdp_arena *arena;
	struct cdp_val raw; /* .p NULL: not a view */
	uint64_t weight;    /* of what is no view */
	struct index index; /* of items, made by cdp_list_index */
};

struct cdp_map {
	size_t n;
	const struct cdp_value *pairs; /* keys and values alternate; NULL as above */
	struct cdp_arena *arena;
	struct cdp_val raw;
	uint64_t weight;
	struct index index; /* of keys */
};

/* Never NULL, so that an empty container is no view. */
static struct cdp_value *new_values(struct cdp_arena *a, size_t n)
{
	return cdp_arena_alloc(a, (n ? n : 1) * sizeof(struct cdp_value));
}

/* ---- hash index over every `step`-th value ---- */

static void index_init(struct index *x, struct cdp_arena *a, size_t n)
{
	uint32_t size = 16;

	while (size < n * 2)
		size *= 2;
	x->slots = cdp_arena_alloc(a, size * sizeof(*x->slots));
	memset(x->slots, 0, size * sizeof(*x->slots));
	x->mask = size - 1;
}

/* Position of the value equal to v, or -1; *free_slot is where it would go. */
static ptrdiff_t index_find(const struct index *x, const struct cdp_value *items,
			    size_t step, const struct cdp_value *v, uint32_t **free_slot)
{
	uint32_t at = (uint32_t)cdp_value_hash(v) & x->mask;

	for (; x->slots[at]; at = (at + 1) & x->mask) {
		size_t pos = x->slots[at] - 1;

		if (cdp_value_equal(&items[pos * step], v))
			return (ptrdiff_t)pos;
	}
	*free_slot = &x->slots[at];
	return -1;
}

/* ---- views ---- */

static void number_from_json(struct cdp_value *out, const struct cdp_val *v)
{
	struct cdp_err err;

	out->raw = v->p;
	out->raw_n = v->n;
	if (v->integral && cdp_num_json_i64(&out->i, v->p, v->n)) {
		out->type = CDP_V_INT;
		return;
	}
	out->type = CDP_V_DOUBLE;
	if (cdp_num_double(&out->d, v->p, v->n, &err) < 0)
		out->d = NAN;
}

static void string_from_json(struct cdp_value *out, const struct cdp_val *v,
			     struct cdp_arena *a)
{
	out->type = CDP_V_STRING;
	if (!v->escaped) {
		out->s.p = v->p;
		out->s.n = v->n;
		return;
	}
	/* Decoding never lengthens, so a buffer that may not grow is enough. */
	struct cdp_buf b = { .p = cdp_arena_alloc(a, v->n), .cap = v->n, .max = v->n };

	out->s.p = cdp_val_str(v, &b, &out->s.n);
}

void cdp_value_from_json(struct cdp_value *out, const struct cdp_val *v,
			 struct cdp_arena *a)
{
	*out = (struct cdp_value){ .type = CDP_V_NULL, .from_record = true };
	switch ((enum cdp_type)v->type) {
	case CDP_FALSE:
	case CDP_TRUE:
		out->type = CDP_V_BOOL;
		out->b = v->type == CDP_TRUE;
		break;
	case CDP_NUMBER:
		number_from_json(out, v);
		break;
	case CDP_STRING:
		string_from_json(out, v, a);
		break;
	case CDP_ARRAY: {
		struct cdp_list *l = cdp_arena_alloc(a, sizeof(*l));

		*l = (struct cdp_list){ .arena = a, .raw = *v };
		out->type = CDP_V_LIST;
		out->list = l;
		break;
	}
	case CDP_OBJECT: {
		struct cdp_map *m = cdp_arena_alloc(a, sizeof(*m));

		*m = (struct cdp_map){ .arena = a, .raw = *v };
		out->type = CDP_V_MAP;
		out->map = m;
		break;
	}
	case CDP_MISSING:
	case CDP_NULL:
		break;
	}
}

/* A view belongs to one evaluator, so that filling it in is no race. */
static void walk_list(const struct cdp_list *view)
{
	struct cdp_list *l = (struct cdp_list *)view;
	struct cdp_iter it = { 0 };
	struct cdp_value *items;
	struct cdp_val v;
	size_t n = 0;

	while (cdp_val_item(&l->raw, &it, &v))
		n++;
	items = new_values(l->arena, n);
	it = (struct cdp_iter){ 0 };
	for (n = 0; cdp_val_item(&l->raw, &it, &v); n++)
		cdp_value_from_json(&items[n], &v, l->arena);
	l->items = items;
	l->n = n;
}

/* Of duplicate keys the last counts, in the place of the first. */
static void walk_map(const struct cdp_map *view)
{
	struct cdp_map *m = (struct cdp_map *)view;
	struct cdp_iter it = { 0 };
	struct cdp_value *pairs;
	struct cdp_val k, v;
	size_t n = 0;

	while (cdp_val_member(&m->raw, &it, &k, &v))
		n++;
	pairs = new_values(m->arena, 2 * n);
	index_init(&m->index, m->arena, n);
	it = (struct cdp_iter){ 0 };
	for (n = 0; cdp_val_member(&m->raw, &it, &k, &v);) {
		uint32_t *slot;
		ptrdiff_t at;

		cdp_value_from_json(&pairs[2 * n], &k, m->arena);
		at = index_find(&m->index, pairs, 2, &pairs[2 * n], &slot);
		if (at < 0) {
			at = (ptrdiff_t)n++;
			*slot = (uint32_t)n;
		}
		cdp_value_from_json(&pairs[2 * at + 1], &v, m->arena);
	}
	m->pairs = pairs;
	m->n = n;
}

/* ---- weights ---- */

enum { SCALAR_WEIGHT = 8 };

uint64_t cdp_value_weight(const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_STRING:
	case CDP_V_BYTES:
		return SCALAR_WEIGHT + v->s.n;
	case CDP_V_LIST:
		return v->list->raw.p ? v->list->raw.n : v->list->weight;
	case CDP_V_MAP:
		return v->map->raw.p ? v->map->raw.n : v->map->weight;
	default:
		return SCALAR_WEIGHT;
	}
}

static uint64_t weight_of(const struct cdp_value *v, size_t n)
{
	uint64_t sum = SCALAR_WEIGHT;

	for (size_t i = 0; i < n; i++)
		sum += cdp_value_weight(&v[i]);
	return sum;
}

const struct cdp_val *cdp_list_raw(const struct cdp_list *l)
{
	return l->raw.p ? &l->raw : NULL;
}

const struct cdp_val *cdp_map_raw(const struct cdp_map *m)
{
	return m->raw.p ? &m->raw : NULL;
}

/* ---- lists ---- */

const struct cdp_list *cdp_list_new(struct cdp_arena *a, const struct cdp_value *items,
				    size_t n)
{
	struct cdp_list *l = cdp_arena_alloc(a, sizeof(*l));
	struct cdp_value *copy = new_values(a, n);

	if (n)
		memcpy(copy, items, n * sizeof(*copy));
	*l = (struct cdp_list){ .n = n, .items = copy, .arena = a };
	l->weight = weight_of(copy, n);
	return l;
}

size_t cdp_list_count(const struct cdp_list *l)
{
	if (!l->items)
		walk_list(l);
	return l->n;
}

const struct cdp_value *cdp_list_at(const struct cdp_list *l, size_t i)
{
	if (!l->items)
		walk_list(l);
	return &l->items[i];
}

void cdp_list_index(const struct cdp_list *list)
{
	struct cdp_list *l = (struct cdp_list *)list;
	size_t n = cdp_list_count(l);

	if (n < INDEX_FROM)
		return;
	index_init(&l->index, l->arena, n);
	for (size_t i = 0; i < n; i++) {
		const struct cdp_value *v = &l->items[i];
		uint32_t *slot;

		/* A NaN is equal to nothing: any number of them would stand in one row.
		 */
		if (v->type == CDP_V_DOUBLE && isnan(v->d))
			continue;
		if (index_find(&l->index, l->items, 1, v, &slot) < 0)
			*slot = (uint32_t)i + 1;
	}
}

bool cdp_list_indexed(const struct cdp_list *l)
{
	return l->index.slots != NULL;
}

bool cdp_list_has(const struct cdp_list *l, const struct cdp_value *v)
{
	size_t n = cdp_list_count(l);
	uint32_t *slot;

	if (l->index.slots)
		return index_find(&l->index, l->items, 1, v, &slot) >= 0;
	for (size_t i = 0; i < n; i++)
		if (cdp_value_equal(&l->items[i], v))
			return true;
	return false;
}

/* ---- maps ---- */

static ptrdiff_t find_pair(const struct cdp_map *m, size_t n, const struct cdp_value *key)
{
	uint32_t *slot;

	if (m->index.slots)
		return index_find(&m->index, m->pairs, 2, key, &slot);
	for (size_t i = 0; i < n; i++)
		if (cdp_value_equal(&m->pairs[2 * i], key))
			return (ptrdiff_t)i;
	return -1;
}

const struct cdp_map *cdp_map_new(struct cdp_arena *a, const struct cdp_value *pairs,
				  size_t n, const struct cdp_value **repeated)
{
	struct cdp_map *m = cdp_arena_alloc(a, sizeof(*m));
	struct cdp_value *copy = new_values(a, 2 * n);

	if (n)
		memcpy(copy, pairs, 2 * n * sizeof(*copy));
	*m = (struct cdp_map){ .pairs = copy, .arena = a };
	m->weight = weight_of(copy, 2 * n);
	if (n >= INDEX_FROM)
		index_init(&m->index, a, n);
	for (; m->n < n; m->n++) {
		const struct cdp_value *key = &copy[2 * m->n];
		uint32_t *slot = NULL;
		ptrdiff_t at = m->index.slots ? index_find(&m->index, copy, 2, key, &slot)
					      : find_pair(m, m->n, key);

		if (at >= 0) {
			if (repeated)
				*repeated = key;
			return NULL;
		}
		if (slot)
			*slot = (uint32_t)m->n + 1;
	}
	return m;
}

size_t cdp_map_count(const struct cdp_map *m)
{
	if (!m->pairs)
		walk_map(m);
	return m->n;
}

void cdp_map_at(const struct cdp_map *m, size_t i, const struct cdp_value **key,
		const struct cdp_value **value)
{
	if (!m->pairs)
		walk_map(m);
	*key = &m->pairs[2 * i];
	*value = &m->pairs[2 * i + 1];
}

int cdp_map_get(const struct cdp_map *m, const struct cdp_value *key,
		struct cdp_value *out)
{
	ptrdiff_t at;

	if (!m->pairs)
		walk_map(m);
	at = find_pair(m, m->n, key);
	if (at < 0)
		return 0;
	*out = m->pairs[2 * at + 1];
	return 1;
}

int cdp_map_get_str(const struct cdp_map *m, const char *p, size_t n,
		    struct cdp_value *out)
{
	struct cdp_value key = { .type = CDP_V_STRING, .s = { p, n } };

	return cdp_map_get(m, &key, out);
}
