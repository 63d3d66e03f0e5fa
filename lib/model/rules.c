#include "model/rules.h"

#include "base/mem.h"
#include "model/rulepieces.h"

#include <stdlib.h>
#include <string.h>

struct cdp_rules *cdp_rules_new(void)
{
	struct cdp_rules *r = cdp_calloc(1, sizeof(*r));

	r->texts = cdp_intern_new(0);
	r->shapes = cdp_intern_new(0);
	r->pieces = cdp_intern_new(0);
	cdp_arena_init(&r->arena);
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
	cdp_buf_init(&r->shape, CDP_BUF_NOMAX);
	return r;
}

void cdp_rules_free(struct cdp_rules *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->leaf_count; i++) {
		cdp_expr_free(r->leaves[i].expr);
		free(r->leaves[i].sets.v);
		free(r->leaves[i].asks.v);
	}
	free(r->leaves);
	free(r->v);
	free(r->kids);
	free(r->sets.v);
	cdp_intern_free(r->texts);
	cdp_intern_free(r->shapes);
	cdp_intern_free(r->pieces);
	free(r->piece_nodes);
	cdp_arena_release(&r->arena);
	cdp_buf_release(&r->text);
	cdp_buf_release(&r->shape);
	free(r);
}

/* ---- making the graph ---- */

/* What a rule is made in. */
struct maker {
	struct cdp_rules *r;
	const char *text;
	size_t n;
	const struct cdp_env *env;
	struct cdp_err *err;
	unsigned depth;
};

static void note_use(void *ctx, enum cdp_use what, int number)
{
	struct cdp_rule_leaf *l = ctx;

	if (what == CDP_USE_AGG)
		cdp_needs_add(&l->asks, CDP_RULE_ASK_AGG << 24 | (uint32_t)number);
	else if (what == CDP_USE_HOST)
		cdp_needs_add(cdp_rule_ask_kind((uint32_t)number) ? &l->asks : &l->sets,
			      (uint32_t)number);
}

static void note_as_of(void *ctx, const char *name, size_t n)
{
	*(bool *)ctx |= n == 5 && memcmp(name, "as_of", 5) == 0;
}

/* The node of this shape, made if it is new. */
static uint32_t put_node(struct cdp_rules *r, enum cdp_rule_kind kind,
			 const uint32_t *kids, uint32_t count)
{
	uint32_t head = kind, id;
	bool added;

	cdp_buf_reset(&r->shape);
	cdp_buf_add(&r->shape, &head, sizeof(head));
	cdp_buf_add(&r->shape, kids, count * sizeof(*kids));
	id = cdp_intern_put(r->shapes, r->shape.p, r->shape.n, &added);
	if (!added)
		return id;
	CDP_GROW(r->v, r->count, r->cap);
	r->v[r->count++] = (struct cdp_rule){ .kind = (uint8_t)kind,
					      .count = count,
					      .first = (uint32_t)r->kid_count };
	for (uint32_t i = 0; i < count; i++) {
		CDP_GROW(r->kids, r->kid_count, r->kid_cap);
		r->kids[r->kid_count++] = kids[i];
		if (kind > CDP_RULE_SET)
			r->v[kids[i]].uses++;
	}
	return id;
}

/* With what was gathered `as_of` is the base time of the run. */
static int compile(struct maker *m, const struct cdp_ast *a, struct cdp_rule_leaf *l)
{
	struct cdp_env asked = *m->env;
	bool as_of = false;

	if (cdp_part_compile(&l->expr, a, m->text, m->n, m->env, m->err) < 0)
		return -1;
	cdp_expr_uses(l->expr, note_use, l);
	cdp_expr_members(l->expr, note_as_of, &as_of);
	if (!as_of || !l->asks.n || !m->r->asked_members)
		return 0;
	cdp_expr_free(l->expr);
	l->expr = NULL;
	asked.members = m->r->asked_members;
	return cdp_part_compile(&l->expr, a, m->text, m->n, &asked, m->err);
}

/* What a leaf comes down to where references are not all sets.  One over neither the
 * record nor sets is decided by what was gathered alone, where anything is. */
static void correct_form(const struct cdp_env *env, struct cdp_rule_leaf *l)
{
	bool record = l->form.slot != -1;

	if (!env->aggs || l->sets.n || l->form.kind == CDP_FORM_CONST)
		return;
	if (!record)
		l->form.kind = CDP_FORM_ASKED;
	else if (l->asks.n)
		l->form.kind = CDP_FORM_ROW;
}

static int add_leaf(struct maker *m, const struct cdp_ast *a, uint32_t id)
{
	struct cdp_rules *r = m->r;
	struct cdp_rule_leaf *l;

	CDP_GROW(r->leaves, r->leaf_count, r->leaf_cap);
	l = &r->leaves[id];
	*l = (struct cdp_rule_leaf){ 0 };
	if (compile(m, a, l) < 0) {
		free(l->sets.v);
		free(l->asks.v);
		return -1;
	}
	r->leaf_count++;
	cdp_part_form(l->expr, &l->form);
	correct_form(m->env, l);
	return 0;
}

static int make_leaf(struct maker *m, const struct cdp_ast *a, uint32_t *node)
{
	struct cdp_rules *r = m->r;
	struct cdp_rule_leaf *l;
	uint32_t id, set[2];
	bool added;

	cdp_buf_reset(&r->text);
	cdp_ast_text(&r->text, a);
	id = cdp_intern_put(r->texts, r->text.p, r->text.n, NULL);
	added = id == r->leaf_count; /* also if it was an error before */
	if (added && add_leaf(m, a, id) < 0)
		return -1;
	l = &r->leaves[id];
	for (size_t i = 0; i < l->sets.n; i++)
		cdp_needs_add(&r->sets, l->sets.v[i]);
	if (added) {
		set[0] = (uint32_t)l->form.ref;
		set[1] = id;
		l->node = l->form.kind == CDP_FORM_HOST
				  ? put_node(r, CDP_RULE_SET, set, 2)
				  : put_node(r, CDP_RULE_LEAF, &id, 1);
	}
	*node = l->node;
	return 0;
}

static int make(struct maker *m, const struct cdp_ast *a, uint32_t *node)
{
	static const uint8_t kinds[] = { [CDP_PART_AND] = CDP_RULE_AND,
					 [CDP_PART_OR] = CDP_RULE_OR,
					 [CDP_PART_NOT] = CDP_RULE_NOT,
					 [CDP_PART_COND] = CDP_RULE_COND };
	enum cdp_part_kind part = cdp_part_kind(a);
	uint32_t *kids;
	int ret = 0;

	if (part == CDP_PART_LEAF)
		return make_leaf(m, a, node);
	kids = cdp_alloc(a->count * sizeof(*kids));
	if (++m->depth > m->r->depth)
		m->r->depth = m->depth;
	for (uint32_t i = 0; i < a->count && ret == 0; i++)
		ret = make(m, a->kid[i], &kids[i]);
	m->depth--;
	if (ret == 0)
		*node = put_node(m->r, (enum cdp_rule_kind)kinds[part], kids, a->count);
	free(kids);
	return ret;
}

static int add_whole(struct maker *m, uint32_t *node)
{
	struct cdp_ast *a;

	cdp_arena_reset(&m->r->arena);
	m->r->sets.n = 0;
	a = cdp_parse(m->text, m->n, &m->r->arena, m->err);
	return a && make(m, a, node) == 0 ? 0 : -1;
}

/* A piece by itself: as deep as it is where it is joined. */
static int make_piece(struct maker *m, const char *p, size_t n, uint32_t *node)
{
	struct maker part = *m;
	struct cdp_err ignored;
	struct cdp_ast *a = cdp_parse(p, n, &m->r->arena, &ignored);

	part.text = p;
	part.n = n;
	part.err = &ignored;
	part.depth = 1;
	return a && make(&part, a, node) == 0 ? 0 : -1;
}

/* Its node, which is known if it was met before and refers to no sets. */
static int piece_node(struct maker *m, const char *p, size_t n, uint32_t *node)
{
	struct cdp_rules *r = m->r;
	size_t sets = r->sets.n;
	uint32_t id = cdp_intern_get(r->pieces, p, n);

	if (id != CDP_INTERN_NONE) {
		*node = r->piece_nodes[id];
		return 0;
	}
	if (make_piece(m, p, n, node) < 0)
		return -1;
	if (r->sets.n > sets)
		return 0;
	id = cdp_intern_put(r->pieces, p, n, NULL);
	CDP_GROW(r->piece_nodes, id, r->piece_cap);
	r->piece_nodes[id] = *node;
	return 0;
}

/* Most of many rules join by && what others do as well.  False: this one is made as a
 * whole, which also tells what is wrong with it, if anything is. */
static bool add_pieces(struct maker *m, uint32_t *node)
{
	uint32_t kids[CDP_RULE_PIECES];
	struct cdp_rule_pieces s;
	struct cdp_rules *r = m->r;

	if (m->n > CDP_EXPR_TEXT_MAX || !cdp_rule_pieces(&s, m->text, m->n))
		return false;
	cdp_arena_reset(&r->arena);
	r->sets.n = 0;
	if (r->depth < 1)
		r->depth = 1;
	for (unsigned i = 0; i < s.count; i++)
		if (piece_node(m, s.v[i].p, s.v[i].n, &kids[i]) < 0 ||
		    (s.count > 1 && r->v[kids[i]].kind == CDP_RULE_AND))
			return false;
	*node = s.count > 1 ? put_node(r, CDP_RULE_AND, kids, s.count) : kids[0];
	return true;
}

int cdp_rules_add(struct cdp_rules *r, const char *text, size_t n,
		  const struct cdp_env *env, uint32_t *node, struct cdp_err *err)
{
	struct maker m = { .r = r, .text = text, .n = n, .env = env, .err = err };

	if (!add_pieces(&m, node) && add_whole(&m, node) < 0)
		return -1;
	r->v[*node].uses++;
	return 0;
}

/* ---- one record ---- */

/* An operand that decides the result makes errors of the others vanish. */
static int match_junction(const struct cdp_rules *r, const struct cdp_rule *n,
			  int decides, struct cdp_eval *ev, struct cdp_rec *rec,
			  struct cdp_err *err)
{
	const uint32_t *kids = cdp_rule_kids(r, n);
	bool failed = false;

	for (uint32_t i = 0; i < n->count; i++) {
		int v = cdp_rules_match(r, kids[i], ev, rec, err);

		if (v == decides)
			return v;
		failed |= v < 0;
	}
	return failed ? -1 : !decides;
}

int cdp_rules_match(const struct cdp_rules *r, uint32_t node, struct cdp_eval *ev,
		    struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	uint32_t leaf;
	int v;

	switch ((enum cdp_rule_kind)n->kind) {
	case CDP_RULE_AND:
		return match_junction(r, n, 0, ev, rec, err);
	case CDP_RULE_OR:
		return match_junction(r, n, 1, ev, rec, err);
	case CDP_RULE_NOT:
		v = cdp_rules_match(r, kids[0], ev, rec, err);
		return v < 0 ? -1 : !v;
	case CDP_RULE_COND:
		v = cdp_rules_match(r, kids[0], ev, rec, err);
		return v < 0 ? -1 : cdp_rules_match(r, kids[v ? 1 : 2], ev, rec, err);
	default:
		leaf = kids[n->count - 1];
		return cdp_expr_match(r->leaves[leaf].expr, ev, rec, err);
	}
}
