#include "model/given.h"

#include "base/mem.h"
#include "model/given_priv.h"

#include <stdlib.h>
#include <string.h>

struct cdp_given {
	const struct cdp_tagset *set;
	struct cdp_column *columns; /* by tag; those of other kinds stay empty */
};

static bool is_given(const struct cdp_tag *t)
{
	return t->import || t->program || t->carried;
}

struct cdp_given *cdp_given_new(const struct cdp_tagset *set)
{
	struct cdp_given *g = cdp_calloc(1, sizeof(*g));

	g->set = set;
	g->columns = cdp_calloc(set->count, sizeof(*g->columns));
	for (unsigned i = 0; i < set->count; i++)
		if (is_given(&set->tags[i])) {
			g->columns[i].texts = cdp_intern_new(0);
			g->columns[i].ids = cdp_intern_new(0);
		}
	return g;
}

void cdp_given_free(struct cdp_given *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < g->set->count; i++) {
		struct cdp_column *c = &g->columns[i];

		cdp_intern_free(c->texts);
		cdp_intern_free(c->ids);
		free(c->value);
		free(c->of);
	}
	free(g->columns);
	free(g);
}

int cdp_given_read(struct cdp_given *g, struct cdp_err *err)
{
	for (unsigned i = 0; i < g->set->count; i++) {
		const struct cdp_tag *t = &g->set->tags[i];

		if (!t->import ||
		    cdp_import_read(&g->columns[i], t->import, t->type, err) == 0)
			continue;
		cdp_err_prefix(err, "tag '%s'", t->name);
		return -1;
	}
	return 0;
}

void cdp_given_add_customers(const struct cdp_given *g, struct cdp_gather *gather)
{
	for (unsigned i = 0; i < g->set->count; i++) {
		const struct cdp_tag *t = &g->set->tags[i];
		const struct cdp_intern *ids = g->columns[i].ids;

		if (!t->import || !t->import->add)
			continue;
		for (uint32_t k = 0; k < cdp_intern_count(ids); k++) {
			size_t n;
			const char *id = cdp_intern_key(ids, k, &n);

			cdp_gather_customer(gather, id, n);
		}
	}
}

/* --- whose values they are: `seen` by id, NULL: they are not counted --- */

static void give(struct cdp_column *c, uint32_t place, uint32_t id, bool *seen)
{
	c->of[place] = c->value[id];
	if (!seen)
		return;
	c->counts.matched += !seen[id];
	seen[id] = true;
}

static void place_by_key(struct cdp_column *c, const struct cdp_customers *all,
			 bool *seen)
{
	for (uint32_t i = 0; i < c->places; i++) {
		size_t n;
		const char *key = cdp_customers_key(all, cdp_customers_at(all, i), &n);
		uint32_t id = cdp_intern_get(c->ids, key, n);

		if (id != CDP_INTERN_NONE)
			give(c, i, id, seen);
	}
}

/* The least of a customer's ids gives the value; the others are known as well. */
static void place_by_kind(struct cdp_column *c, const struct cdp_customers *all,
			  const char *kind, bool *seen)
{
	for (uint32_t i = 0; i < c->places; i++) {
		uint32_t customer = cdp_customers_at(all, i), value = 0;
		size_t n, at = 0;
		const char *text;

		while ((text = cdp_customers_next_id(all, customer, kind, &at, &n))) {
			uint32_t id = cdp_intern_get(c->ids, text, n);

			if (id == CDP_INTERN_NONE)
				continue;
			give(c, i, id, seen);
			value = value ? value : c->value[id];
		}
		c->of[i] = value;
	}
}

static void place_column(struct cdp_column *c, const struct cdp_tag *t,
			 const struct cdp_customers *all, bool *seen)
{
	c->places = cdp_customers_count(all);
	free(c->of);
	c->of = cdp_calloc(c->places, sizeof(*c->of));
	if (t->import && t->import->key)
		place_by_kind(c, all, t->import->key, seen);
	else if (t->import)
		place_by_key(c, all, seen);
}

void cdp_given_view(struct cdp_given *g, const struct cdp_customers *some)
{
	for (unsigned i = 0; i < g->set->count; i++) {
		struct cdp_column *c = &g->columns[i];

		if (!is_given(&g->set->tags[i]))
			continue;
		if (g->set->tags[i].program) {
			cdp_intern_free(c->texts);
			c->texts = cdp_intern_new(0);
		}
		place_column(c, &g->set->tags[i], some, NULL);
	}
}

void cdp_given_place(struct cdp_given *g, const struct cdp_customers *all)
{
	for (unsigned i = 0; i < g->set->count; i++) {
		struct cdp_column *c = &g->columns[i];
		bool *seen;

		if (!is_given(&g->set->tags[i]))
			continue;
		seen = cdp_calloc(cdp_intern_count(c->ids), sizeof(*seen));
		place_column(c, &g->set->tags[i], all, seen);
		free(seen);
		c->counts.unknown = cdp_intern_count(c->ids) - c->counts.matched;
	}
}

const struct cdp_given_counts *cdp_given_counts(const struct cdp_given *g, unsigned tag)
{
	return &g->columns[tag].counts;
}

const char *cdp_given_get(const struct cdp_given *g, unsigned tag, uint32_t place,
			  size_t *n)
{
	const struct cdp_column *c = &g->columns[tag];

	return c->of && c->of[place] ? cdp_intern_key(c->texts, c->of[place] - 1, n)
				     : NULL;
}

void cdp_given_put(struct cdp_given *g, unsigned tag, uint32_t place, const char *json,
		   size_t n)
{
	struct cdp_column *c = &g->columns[tag];

	c->of[place] = cdp_intern_put(c->texts, json, n, NULL) + 1;
}
