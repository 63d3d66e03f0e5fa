/* The set of functions over the population: compiling calls, sharing equal ones. */
#include "lang/pop.h"

#include "base/intern.h"
#include "lang/prog.h"

#include <stdlib.h>
#include <string.h>

struct cdp_pops {
	struct cdp_pop *v;
	size_t n, cap;
	struct cdp_intern *texts; /* to their numbers */
};

struct cdp_pops *cdp_pops_new(void)
{
	struct cdp_pops *p = cdp_calloc(1, sizeof(*p));

	p->texts = cdp_intern_new(0);
	return p;
}

static void release(struct cdp_pop *p)
{
	cdp_expr_free(p->arg);
	cdp_expr_free(p->cond);
	free((char *)p->text);
}

void cdp_pops_free(struct cdp_pops *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		release(&p->v[i]);
	free(p->v);
	cdp_intern_free(p->texts);
	free(p);
}

unsigned cdp_pops_count(const struct cdp_pops *p)
{
	return p ? (unsigned)p->n : 0;
}

const struct cdp_pop *cdp_pops_at(const struct cdp_pops *p, unsigned i)
{
	return &p->v[i];
}

/* ---- compiling a call ---- */

static int find_kind(const char *name)
{
	static const char *const names[] = {
		[CDP_POP_RANK] = "rank",
		[CDP_POP_PERCENT_RANK] = "percent_rank",
		[CDP_POP_NTILE] = "ntile",
		[CDP_POP_MEAN] = "population_mean",
	};

	for (int k = 0; k < (int)(sizeof(names) / sizeof(*names)); k++)
		if (strcmp(names[k], name) == 0)
			return k;
	return -1;
}

/* A call of one of the functions in the tree, or NULL. */
static const struct cdp_ast *find_call(const struct cdp_ast *a)
{
	const struct cdp_ast *found = NULL;

	if (a->kind == CDP_A_CALL && find_kind(a->name) >= 0)
		return a;
	for (uint32_t i = 0; i < a->count && !found; i++)
		found = find_call(a->kid[i]);
	return found;
}

/* A call taken apart. */
struct call {
	const struct cdp_ast *ast, *arg, *cond;
	struct cdp_pop pop;
};

static bool read_tiles(struct cdp_compiler *c, struct call *k)
{
	const struct cdp_ast *n = k->ast->count ? k->ast->kid[0] : NULL;

	if (!n || n->kind != CDP_A_LITERAL || n->value.type != CDP_V_INT ||
	    n->value.i < 1 || n->value.i > UINT32_MAX)
		return cdp_compile_fail(c, n ? n->pos : k->ast->pos,
					"ntile() takes the number of groups first, as in "
					"ntile(4, sum(props.amount))");
	k->pop.tiles = (uint32_t)n->value.i;
	return true;
}

/* 'asc' or 'desc' at argument `at`?  -1 with the error. */
static int read_order(struct cdp_compiler *c, struct call *k, uint32_t at)
{
	const struct cdp_ast *o = at < k->ast->count ? k->ast->kid[at] : NULL;
	const struct cdp_value *v = o ? &o->value : NULL;

	if (!o || o->kind != CDP_A_LITERAL || v->type != CDP_V_STRING ||
	    k->pop.kind == CDP_POP_MEAN)
		return 0;
	k->pop.ascending = v->s.n == 3 && memcmp(v->s.p, "asc", 3) == 0;
	if (k->pop.ascending || (v->s.n == 4 && memcmp(v->s.p, "desc", 4) == 0))
		return 1;
	cdp_compile_fail(c, o->pos, "expected 'asc' or 'desc'");
	return -1;
}

static bool read_call(struct cdp_compiler *c, struct call *k)
{
	uint32_t at = k->pop.kind == CDP_POP_NTILE, count = k->ast->count;
	const struct cdp_ast *inner;
	int order;

	if (at && !read_tiles(c, k))
		return false;
	k->arg = at < count ? k->ast->kid[at++] : NULL;
	order = k->arg ? read_order(c, k, at) : 0;
	if (order < 0)
		return false;
	at += (uint32_t)order;
	k->cond = at < count ? k->ast->kid[at++] : NULL;
	if (!k->arg || at < count)
		return cdp_compile_fail(
			c, k->ast->pos,
			"%s() takes %sa value%s and an optional condition", k->ast->name,
			k->pop.kind == CDP_POP_NTILE ? "the number of groups, " : "",
			k->pop.kind == CDP_POP_MEAN ? "" : ", optionally 'asc',");
	inner = find_call(k->arg);
	if (!inner && k->cond)
		inner = find_call(k->cond);
	return !inner || cdp_compile_fail(c, inner->pos,
					  "%s() cannot stand inside %s(); make it a tag "
					  "of its own and name that",
					  inner->name, k->ast->name);
}

static char *canonical(const struct call *k)
{
	struct cdp_buf b;
	size_t n;
	char *s;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s(", k->ast->name);
	if (k->pop.tiles)
		cdp_buf_addf(&b, "%u, ", (unsigned)k->pop.tiles);
	cdp_ast_text(&b, k->arg);
	cdp_buf_adds(&b, k->pop.ascending ? ", 'asc'" : "");
	if (k->cond) {
		cdp_buf_adds(&b, ", ");
		cdp_ast_text(&b, k->cond);
	}
	cdp_buf_addc(&b, ')');
	cdp_buf_str(&b);
	s = cdp_buf_detach(&b, &n);
	cdp_buf_release(&b);
	return s;
}

static bool has_order(const struct cdp_pop *p, uint8_t type)
{
	switch (type) {
	case CDP_STATIC_ANY:
	case CDP_V_NULL:
	case CDP_V_INT:
	case CDP_V_UINT:
	case CDP_V_DOUBLE:
	case CDP_V_DECIMAL:
		return true;
	case CDP_V_TIMESTAMP:
	case CDP_V_DURATION:
		return p->kind != CDP_POP_MEAN;
	default:
		return false;
	}
}

static bool compile_parts(struct cdp_compiler *c, struct call *k)
{
	struct cdp_pop *p = &k->pop;
	uint8_t t;

	if (cdp_expr_from_ast(&p->arg, k->arg, c->text, c->text_n, c->env, c->err) < 0)
		return false;
	t = p->arg->root->stype;
	if (!has_order(p, t))
		return cdp_compile_fail(
			c, k->arg->pos, "expected a number%s, not %s",
			p->kind == CDP_POP_MEAN ? "" : ", a timestamp or a duration",
			cdp_type_word(t));
	if (!k->cond)
		return true;
	if (cdp_expr_from_ast(&p->cond, k->cond, c->text, c->text_n, c->env, c->err) < 0)
		return false;
	t = p->cond->root->stype;
	return t == CDP_V_BOOL || t == CDP_STATIC_ANY ||
	       cdp_compile_fail(c, k->cond->pos, "expected a condition, not %s",
				cdp_type_word(t));
}

/* Index of the function, an equal one if there is one; -1 with the error.  Compiled in
 * any case, so that resolve() hears of every tag that depends on what stands in it. */
static int add(struct cdp_compiler *c, struct call *k)
{
	struct cdp_pops *set = c->env->pops;
	uint32_t known;

	if (!compile_parts(c, k)) {
		release(&k->pop);
		return -1;
	}
	k->pop.text = canonical(k);
	known = cdp_intern_get(set->texts, k->pop.text, strlen(k->pop.text));
	if (known != CDP_INTERN_NONE) {
		release(&k->pop);
		return (int)known;
	}
	CDP_GROW(set->v, set->n, set->cap);
	set->v[set->n++] = k->pop;
	return (int)cdp_intern_put(set->texts, k->pop.text, strlen(k->pop.text), NULL);
}

struct cdp_node *cdp_compile_pop(struct cdp_compiler *c, const struct cdp_ast *a,
				 bool *handled)
{
	int kind = find_kind(a->name);
	struct call k = { .ast = a };
	struct cdp_node *n;

	*handled = kind >= 0;
	if (kind < 0)
		return NULL;
	if (!c->env->pops)
		return cdp_compile_unknown(c, a->pos,
					   "%s() needs all customers of a run, which are "
					   "not at hand here",
					   a->name);
	k.pop.kind = (enum cdp_pop_kind)kind;
	if (!read_call(c, &k))
		return NULL;
	n = cdp_node_new(c, CDP_N_POP, a->pos, 0);
	n->pure = false;
	n->ref = add(c, &k);
	if (n->ref < 0)
		return NULL;
	n->name = cdp_arena_strndup(&c->expr->arena, a->name, a->name_n);
	n->name_n = a->name_n;
	n->stype =
		kind == CDP_POP_RANK || kind == CDP_POP_NTILE ? CDP_V_INT : CDP_V_DOUBLE;
	return n;
}
