#include "cli/count_by.h"

#include "base/intern.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct cdp_count_by {
	struct cdp_intern *values;
	uint64_t *n;
	size_t cap;
	uint64_t missing;
};

struct cdp_count_by *cdp_count_by_new(void)
{
	struct cdp_count_by *t = cdp_calloc(1, sizeof(*t));

	t->values = cdp_intern_new(64);
	return t;
}

void cdp_count_by_free(struct cdp_count_by *t)
{
	if (!t)
		return;
	cdp_intern_free(t->values);
	free(t->n);
	free(t);
}

static void add(struct cdp_count_by *t, const char *json, size_t n, uint64_t count)
{
	bool added;
	uint32_t id = cdp_intern_put(t->values, json, n, &added);

	CDP_GROW(t->n, id, t->cap);
	if (added)
		t->n[id] = 0;
	t->n[id] += count;
}

void cdp_count_by_add(struct cdp_count_by *t, const char *json, size_t n)
{
	add(t, json, n, 1);
}

void cdp_count_by_add_missing(struct cdp_count_by *t)
{
	t->missing++;
}

void cdp_count_by_merge(struct cdp_count_by *into, struct cdp_count_by *from)
{
	for (uint32_t i = 0; i < cdp_intern_count(from->values); i++) {
		size_t n;
		const char *json = cdp_intern_key(from->values, i, &n);

		add(into, json, n, from->n[i]);
	}
	into->missing += from->missing;
	cdp_count_by_free(from);
}

bool cdp_count_by_is_empty(const struct cdp_count_by *t)
{
	return cdp_intern_count(t->values) == 0;
}

struct counted {
	const char *json;
	size_t len;
	uint64_t n;
};

static int most_first(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	order = memcmp(x->json, y->json, shorter);
	return order ? order : (x->len > y->len) - (x->len < y->len);
}

void cdp_count_by_write(const struct cdp_count_by *t, struct cdp_rows *rows,
			const char *name, bool tell)
{
	uint32_t count = cdp_intern_count(t->values);
	struct counted *all = cdp_calloc(count + 1, sizeof(*all));
	int rc = 0;

	for (uint32_t i = 0; i < count; i++) {
		all[i].json = cdp_intern_key(t->values, i, &all[i].len);
		all[i].n = t->n[i];
	}
	qsort(all, count, sizeof(*all), most_first);
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		cdp_rows_begin(rows, name);
		cdp_rows_json(rows, "by", all[i].json, all[i].len);
		cdp_rows_int(rows, "count", (int64_t)all[i].n);
		rc = cdp_rows_end(rows);
	}
	free(all);
	if (!t->missing || rc < 0)
		return;
	cdp_rows_begin(rows, name);
	cdp_rows_null(rows, "by");
	if (tell)
		cdp_rows_bool(rows, "missing", true);
	cdp_rows_int(rows, "count", (int64_t)t->missing);
	(void)cdp_rows_end(rows); /* finish meets a failed output */
}
