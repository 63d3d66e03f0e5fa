#include "model/depend.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void cdp_needs_add(struct cdp_needs *d, uint32_t other)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i] == other)
			return;
	CDP_GROW(d->v, d->n, d->cap);
	d->v[d->n++] = other;
}

struct walk {
	const char *needs;
	size_t stride;
	char *mark; /* 1: being placed, 2: placed */
	unsigned *order, n;
};

/* Depth first: a definition goes in after all that it needs. */
static int64_t place(struct walk *w, uint32_t i)
{
	const struct cdp_needs *d = (const void *)(w->needs + i * w->stride);

	if (w->mark[i])
		return w->mark[i] == 1 ? (int64_t)i : -1;
	w->mark[i] = 1;
	for (size_t k = 0; k < d->n; k++) {
		int64_t bad = place(w, d->v[k]);

		if (bad >= 0)
			return bad;
	}
	w->mark[i] = 2;
	w->order[w->n++] = i;
	return -1;
}

int64_t cdp_depend_order(unsigned *order, unsigned count, const struct cdp_needs *needs,
			 size_t stride)
{
	struct walk w = { .needs = (const char *)needs,
			  .stride = stride,
			  .order = order };
	int64_t bad = -1;

	w.mark = cdp_calloc(count, 1);
	for (uint32_t i = 0; i < count && bad < 0; i++)
		bad = place(&w, i);
	free(w.mark);
	return bad;
}

int cdp_depend_unknown(const struct cdp_intern *names, const char *what, const char *name,
		       struct cdp_err *err)
{
	uint32_t count = cdp_intern_count(names);
	char **copies = cdp_alloc(count * sizeof(*copies));
	const char *near;

	for (uint32_t i = 0; i < count; i++) {
		size_t n;
		const char *p = cdp_intern_key(names, i, &n);

		copies[i] = cdp_strndup(p, n);
	}
	near = cdp_text_suggest(name, strlen(name), (const char *const *)copies, count);
	if (near)
		cdp_err_set(err, CDP_ERR_USAGE, "unknown %s '%s'; did you mean '%s'?",
			    what, name, near);
	else
		cdp_err_set(err, CDP_ERR_USAGE, "unknown %s '%s'", what, name);
	for (uint32_t i = 0; i < count; i++)
		free(copies[i]);
	free(copies);
	return -1;
}
