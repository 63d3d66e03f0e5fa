#include "model/segalgebra.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lang/ast.h"
#include "lang/lex.h"
#include "model/depend.h"

struct cdp_segalgebra {
	const struct cdp_segversion *version;
	struct cdp_arena arena;
	const char *text;
	size_t n;
	const struct cdp_ast *root;
};

/* --- compiling --- */

/* The name where a node refers to an audience. */
static const char *reference(const struct cdp_ast *a, size_t *n)
{
	const struct cdp_ast *of =
		a->kind == CDP_A_SELECT || a->kind == CDP_A_INDEX ? a->kid[0] : NULL;

	if (!of || of->kind != CDP_A_NAME || strcmp(of->name, "segments") != 0)
		return NULL;
	if (a->kind == CDP_A_SELECT) {
		*n = a->name_n;
		return a->name;
	}
	if (a->kid[1]->kind != CDP_A_LITERAL || a->kid[1]->value.type != CDP_V_STRING)
		return NULL;
	*n = a->kid[1]->value.s.n;
	return a->kid[1]->value.s.p;
}

int cdp_segalgebra_unknown(const struct cdp_segversion *v, const char *name,
			   struct cdp_err *err)
{
	struct cdp_intern *names = cdp_intern_new(cdp_segversion_count(v));

	for (uint32_t i = 0; i < cdp_segversion_count(v); i++) {
		struct cdp_segaudience a;
		struct cdp_err ignored;

		if (cdp_segversion_at(v, i, &a, &ignored) == 0)
			cdp_intern_put(names, a.name, a.name_n, NULL);
	}
	cdp_depend_unknown(names, "segment", name, err);
	cdp_intern_free(names);
	return -1;
}

static int check_name(const struct cdp_segalgebra *s, const struct cdp_ast *a,
		      const char *name, size_t n, struct cdp_err *err)
{
	struct cdp_err why;
	char *copy;

	if (cdp_segversion_find(s->version, name, n) >= 0)
		return 0;
	copy = cdp_strndup(name, n);
	cdp_segalgebra_unknown(s->version, copy, &why);
	free(copy);
	return cdp_lex_error(s->text, s->n, a->pos, err, "%s", why.msg);
}

static bool is_operator(const struct cdp_ast *a)
{
	return a->kind == CDP_A_AND || a->kind == CDP_A_OR || a->kind == CDP_A_COND ||
	       (a->kind == CDP_A_OP && a->op == CDP_OP_NOT);
}

static int check(const struct cdp_segalgebra *s, const struct cdp_ast *a,
		 struct cdp_err *err)
{
	size_t n;
	const char *name = reference(a, &n);

	if (name)
		return check_name(s, a, name, n, err);
	if (a->kind == CDP_A_LITERAL && a->value.type == CDP_V_BOOL)
		return 0;
	if (!is_operator(a))
		return cdp_lex_error(s->text, s->n, a->pos, err,
				     "stored audiences answer segments.NAME, &&, ||, !, "
				     "?:, true and false alone");
	for (uint32_t i = 0; i < a->count; i++)
		if (check(s, a->kid[i], err) < 0)
			return -1;
	return 0;
}

struct cdp_segalgebra *cdp_segalgebra_compile(const char *text,
					      const struct cdp_segversion *v,
					      struct cdp_err *err)
{
	struct cdp_segalgebra *s = cdp_calloc(1, sizeof(*s));

	s->version = v;
	cdp_arena_init(&s->arena);
	s->n = strlen(text);
	s->text = cdp_arena_strndup(&s->arena, text, s->n);
	s->root = cdp_parse(s->text, s->n, &s->arena, err);
	if (s->root && check(s, s->root, err) == 0)
		return s;
	cdp_segalgebra_free(s);
	return NULL;
}

void cdp_segalgebra_free(struct cdp_segalgebra *s)
{
	if (!s)
		return;
	cdp_arena_release(&s->arena);
	free(s);
}

const char *cdp_segalgebra_name(const struct cdp_segalgebra *s)
{
	size_t n;
	const char *name = reference(s->root, &n);

	return name && strlen(name) == n ? name : NULL;
}

/* --- evaluating --- */

/* A set, or all but it; `set` is NULL after an error. */
struct term {
	const struct cdp_bitmap *set;
	bool negated;
};

static struct term eval(const struct cdp_segalgebra *s, const struct cdp_ast *a,
			struct cdp_err *err);

static struct term take(struct cdp_bitmap *set, bool negated)
{
	return (struct term){ set, negated };
}

/* Both are freed.  a && b, where all but a is less or more than nothing else. */
static struct term both(struct term a, struct term b)
{
	struct term made;

	if (!a.set || !b.set)
		made = (struct term){ NULL, false };
	else if (a.negated && b.negated)
		made = take(cdp_bitmap_or(a.set, b.set), true);
	else if (a.negated)
		made = take(cdp_bitmap_andnot(b.set, a.set), false);
	else if (b.negated)
		made = take(cdp_bitmap_andnot(a.set, b.set), false);
	else
		made = take(cdp_bitmap_and(a.set, b.set), false);
	cdp_bitmap_free(a.set);
	cdp_bitmap_free(b.set);
	return made;
}

static struct term no(struct term a)
{
	a.negated = !a.negated;
	return a;
}

/* De Morgan: the four cases are those of both(). */
static struct term either(struct term a, struct term b)
{
	return no(both(no(a), no(b)));
}

static struct term refer(const struct cdp_segalgebra *s, const char *name, size_t n,
			 struct cdp_err *err)
{
	int64_t i = cdp_segversion_find(s->version, name, n);

	return (struct term){ cdp_segversion_load(s->version, (uint32_t)i, err), false };
}

static struct term choose(const struct cdp_segalgebra *s, const struct cdp_ast *a,
			  struct cdp_err *err)
{
	struct term yes = both(eval(s, a->kid[0], err), eval(s, a->kid[1], err));

	if (!yes.set)
		return yes;
	return either(yes, both(no(eval(s, a->kid[0], err)), eval(s, a->kid[2], err)));
}

static struct term eval(const struct cdp_segalgebra *s, const struct cdp_ast *a,
			struct cdp_err *err)
{
	size_t n;
	const char *name = reference(a, &n);
	struct term t;

	if (name)
		return refer(s, name, n, err);
	if (a->kind == CDP_A_LITERAL)
		return take(cdp_bitmap_new(), a->value.b);
	if (a->kind == CDP_A_COND)
		return choose(s, a, err);
	t = eval(s, a->kid[0], err);
	if (a->kind == CDP_A_OP)
		return no(t);
	for (uint32_t i = 1; i < a->count && t.set; i++) {
		struct term next = eval(s, a->kid[i], err);

		t = a->kind == CDP_A_AND ? both(t, next) : either(t, next);
	}
	return t;
}

const struct cdp_bitmap *cdp_segalgebra_members(const struct cdp_segalgebra *s,
						struct cdp_err *err)
{
	struct term t = eval(s, s->root, err);
	const struct cdp_bitmap *made;

	if (!t.set || !t.negated)
		return t.set;
	made = cdp_bitmap_andnot(cdp_segversion_all(s->version), t.set);
	cdp_bitmap_free(t.set);
	return made;
}
