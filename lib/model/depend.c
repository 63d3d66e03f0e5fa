#include "model/depend.h"

#include "base/buf.h"
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

enum { UNSEEN, BEING_PLACED, PLACED };

struct walk {
	const char *needs;
	size_t stride;
	char *mark;
	unsigned *order, n;
	/* Definitions on the way down, and the need of each that is next: a chain may be
	 * as long as there are definitions, so this is no recursion. */
	struct step {
		uint32_t i;
		size_t next;
	} * path;
	size_t depth, cap;
};

static void enter(struct walk *w, uint32_t i)
{
	CDP_GROW(w->path, w->depth, w->cap);
	w->path[w->depth++] = (struct step){ .i = i };
	w->mark[i] = BEING_PLACED;
}

/* The way down to `last` that began with it is a cycle. */
static unsigned cycle(struct walk *w, uint32_t last)
{
	size_t from = w->depth - 1;
	unsigned n = 0;

	while (w->path[from].i != last)
		from--;
	for (; from < w->depth; from++)
		w->order[n++] = w->path[from].i;
	return n;
}

/* Depth first: a definition goes in after all that it needs.  0, or the length of a
 * cycle. */
static unsigned place(struct walk *w, uint32_t first)
{
	if (w->mark[first] == PLACED)
		return 0;
	enter(w, first);
	while (w->depth) {
		struct step *s = &w->path[w->depth - 1];
		const struct cdp_needs *d = (const void *)(w->needs + s->i * w->stride);

		if (s->next < d->n) {
			uint32_t need = d->v[s->next++];

			if (w->mark[need] == BEING_PLACED)
				return cycle(w, need);
			if (w->mark[need] == UNSEEN)
				enter(w, need);
			continue;
		}
		w->mark[s->i] = PLACED;
		w->order[w->n++] = s->i;
		w->depth--;
	}
	return 0;
}

unsigned cdp_depend_order(unsigned *order, unsigned count, const struct cdp_needs *needs,
			  size_t stride)
{
	struct walk w = { .needs = (const char *)needs,
			  .stride = stride,
			  .order = order };
	unsigned bad = 0;

	w.mark = cdp_calloc(count, 1);
	for (uint32_t i = 0; i < count && !bad; i++)
		bad = place(&w, i);
	free(w.mark);
	free(w.path);
	return bad;
}

int cdp_depend_cycle(const unsigned *cycle, unsigned n,
		     const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		     struct cdp_err *err)
{
	enum { SHOWN = 6 };
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; n > 1 && i < n && i < SHOWN; i++)
		cdp_buf_addf(&b, "%s%s", i ? " -> " : ": ", name(ctx, cycle[i]));
	if (n > 1)
		cdp_buf_addf(&b, "%s -> %s", n > SHOWN ? " -> ..." : "",
			     name(ctx, cycle[0]));
	cdp_err_set(err, CDP_ERR_USAGE, "%s: depends on itself%s", name(ctx, cycle[0]),
		    cdp_buf_str(&b));
	cdp_buf_release(&b);
	return -1;
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
