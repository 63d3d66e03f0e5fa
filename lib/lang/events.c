/* Which event names must a record have for an expression to be true?  Sets of names go up
 * the tree: an `&&` may use any of its operands', an `||` needs those of all. */
#include "lang/prog.h"
#include "lang/view.h"

#include <stdlib.h>
#include <string.h>

struct names {
	const struct cdp_value **p; /* string constants, by text, each once */
	size_t n, cap;
};

static int by_text(const void *a, const void *b)
{
	return cdp_value_cmp(*(const struct cdp_value *const *)a,
			     *(const struct cdp_value *const *)b);
}

static void put_in_order(struct names *s)
{
	size_t k = 0;

	if (s->n)
		qsort(s->p, s->n, sizeof(*s->p), by_text);
	for (size_t i = 0; i < s->n; i++)
		if (k == 0 || by_text(&s->p[i], &s->p[k - 1]) != 0)
			s->p[k++] = s->p[i];
	s->n = k;
}

static void add(struct names *s, const struct cdp_value *v)
{
	CDP_GROW(s->p, s->n, s->cap);
	s->p[s->n++] = v;
}

/* Names that are no strings cannot be event names of a record: they match nothing. */
static void add_list(struct names *s, const struct cdp_list *l)
{
	for (size_t i = 0; i < cdp_list_count(l); i++)
		if (cdp_list_at(l, i)->type == CDP_V_STRING)
			add(s, cdp_list_at(l, i));
	put_in_order(s);
}

/* Keep what is in both; all where that is nothing: no record can match then, and a name
 * there must be. */
static void intersect(struct names *s, const struct names *with)
{
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++)
		if (bsearch(&s->p[i], with->p, with->n, sizeof(*with->p), by_text))
			s->p[k++] = s->p[i];
	if (k)
		s->n = k;
}

static bool collect(const struct cdp_node *n, struct names *s);

static bool collect_and(const struct cdp_node *n, struct names *s)
{
	bool found = false;

	for (uint32_t i = 0; i < n->count; i++) {
		struct names kid = { 0 };

		if (collect(n->kid[i], &kid)) {
			if (found) {
				intersect(s, &kid);
			} else {
				free(s->p);
				*s = kid;
				kid = (struct names){ 0 };
				found = true;
			}
		}
		free(kid.p);
	}
	return found;
}

static bool collect_or(const struct cdp_node *n, struct names *s)
{
	for (uint32_t i = 0; i < n->count; i++) {
		struct names kid = { 0 };
		bool bounded = collect(n->kid[i], &kid);

		for (size_t k = 0; bounded && k < kid.n; k++)
			add(s, kid.p[k]);
		free(kid.p);
		if (!bounded)
			return false;
	}
	put_in_order(s);
	return true;
}

/* False: true for any event. */
static bool collect(const struct cdp_node *n, struct names *s)
{
	switch (n->op) {
	case CDP_N_SLOT_IS:
		if (n->ref != CDP_SLOT_EVENT || n->sub)
			return false;
		add(s, &n->value);
		return true;
	case CDP_N_SLOT_IN:
		if (n->ref != CDP_SLOT_EVENT)
			return false;
		add_list(s, n->value.list);
		return s->n > 0;
	case CDP_N_AND:
		return collect_and(n, s);
	case CDP_N_OR:
		return collect_or(n, s);
	default:
		return false;
	}
}

void cdp_index_events(struct cdp_expr *e)
{
	struct names s = { 0 };
	bool nul = false;

	if (collect(e->root, &s)) {
		e->events = cdp_arena_alloc(&e->arena, s.n * sizeof(*e->events));
		for (size_t i = 0; i < s.n; i++) {
			/* A name with a NUL cannot be given as a C string. */
			nul |= s.p[i]->s.n && memchr(s.p[i]->s.p, '\0', s.p[i]->s.n);
			e->events[i] =
				cdp_arena_strndup(&e->arena, s.p[i]->s.p, s.p[i]->s.n);
		}
		e->event_count = nul ? 0 : s.n;
	}
	free(s.p);
}

static bool is_key(const struct cdp_node *n)
{
	return n->op == CDP_N_SLOT_IS && !n->sub && n->ref != CDP_SLOT_EVENT;
}

bool cdp_expr_key(const struct cdp_expr *e, unsigned i, int *slot, const char **p,
		  size_t *n)
{
	const struct cdp_node *root = e ? e->root : NULL, *at = NULL;

	if (root && is_key(root))
		at = i ? NULL : root;
	for (uint32_t k = 0; root && root->op == CDP_N_AND && k < root->count; k++)
		if (is_key(root->kid[k]) && i-- == 0) {
			at = root->kid[k];
			break;
		}
	if (!at)
		return false;
	*slot = at->ref;
	*p = at->value.s.p;
	*n = at->value.s.n;
	return true;
}
