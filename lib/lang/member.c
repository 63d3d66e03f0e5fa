/* What names mean: variables, bound values, the base time, references of the tool,
 * members of the record, types.  A chain of members known when compiled is one slot. */
#include "base/text.h"
#include "lang/prog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A chain `base.a["b"].c` of constant names, as far as it reaches down to a plain name or
 * to a call of entity(). */
struct chain {
	const struct cdp_ast *base; /* CDP_A_NAME, CDP_A_CALL */
	const char **names;         /* names[0] is the base's */
	size_t *lens;
	uint32_t *pos;
	size_t n;
	size_t dotted; /* leading names joined by dots alone */
};

static bool constant_key(const struct cdp_ast *a)
{
	return a->kind == CDP_A_INDEX && a->kid[1]->kind == CDP_A_LITERAL &&
	       a->kid[1]->value.type == CDP_V_STRING;
}

static bool is_entity(const struct cdp_ast *a)
{
	return a->kind == CDP_A_CALL && strcmp(a->name, "entity") == 0;
}

static void set_link(struct chain *ch, size_t i, const struct cdp_ast *a)
{
	bool index = a->kind == CDP_A_INDEX;

	ch->names[i] = index ? a->kid[1]->value.s.p : a->name;
	ch->lens[i] = index ? a->kid[1]->value.s.n : a->name_n;
	ch->pos[i] = a->pos;
	if (index)
		ch->dotted = i;
}

/* False if `a` is no such chain. */
static bool find_chain(struct cdp_compiler *c, const struct cdp_ast *a, struct chain *ch)
{
	struct cdp_arena *arena = &c->expr->arena;
	const struct cdp_ast *p = a;
	size_t n = 1;

	if (a->kind == CDP_A_HAS && a->count == 0)
		p = NULL;
	for (; p && p->kind != CDP_A_NAME && !is_entity(p); p = p->kid[0], n++)
		if (p->kind != CDP_A_SELECT && p->kind != CDP_A_HAS && !constant_key(p))
			return false;
	ch->n = ch->dotted = n;
	ch->base = p ? p : a;
	ch->names = cdp_arena_alloc(arena, n * sizeof(*ch->names));
	ch->lens = cdp_arena_alloc(arena, n * sizeof(*ch->lens));
	ch->pos = cdp_arena_alloc(arena, n * sizeof(*ch->pos));
	for (p = a; n > 0; n--) {
		set_link(ch, n - 1, p);
		p = p->count ? p->kid[0] : NULL;
	}
	return true;
}

/* "props.a.b" of the first `n` names, for messages. */
static const char *chain_text(struct cdp_compiler *c, const struct chain *ch, size_t n,
			      size_t *len)
{
	struct cdp_buf b;
	const char *s;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < n; i++) {
		if (i)
			cdp_buf_addc(&b, '.');
		cdp_buf_add(&b, ch->names[i], ch->lens[i]);
	}
	*len = b.n;
	s = cdp_arena_strndup(&c->expr->arena, b.p, b.n);
	cdp_buf_release(&b);
	return s;
}

static const char *missing_text(struct cdp_compiler *c, const char *name)
{
	char *s = cdp_asprintf("no such member '%.200s'", name);
	const char *copy = cdp_arena_strndup(&c->expr->arena, s, strlen(s));

	free(s);
	return copy;
}

static const char *missing_entity_text(struct cdp_compiler *c,
				       const struct cdp_value *entity, const char *name)
{
	char *s = cdp_asprintf("no such %.*s with a '%.100s'",
			       entity->s.n < 100 ? (int)entity->s.n : 100, entity->s.p,
			       name);
	const char *copy = cdp_arena_strndup(&c->expr->arena, s, strlen(s));

	free(s);
	return copy;
}

static struct cdp_node *select_node(struct cdp_compiler *c, struct cdp_node *operand,
				    const char *name, size_t n, size_t pos, bool has)
{
	struct cdp_node *s = cdp_node_new(c, has ? CDP_N_HAS : CDP_N_SELECT, pos, 1);

	s->kid[0] = operand;
	s->name = cdp_arena_strndup(&c->expr->arena, name, n);
	s->name_n = n;
	s->why = missing_text(c, s->name);
	if (has)
		s->stype = CDP_V_BOOL;
	return cdp_fold(c, cdp_node_done(s));
}

/* Look up the names from `from` on in what `n` gives. */
static struct cdp_node *select_rest(struct cdp_compiler *c, struct cdp_node *n,
				    const struct chain *ch, size_t from, bool has)
{
	for (size_t i = from; n && i < ch->n; i++)
		n = select_node(c, n, ch->names[i], ch->lens[i], ch->pos[i],
				has && i + 1 == ch->n);
	return n;
}

static bool is_name(const struct chain *ch, const char *s)
{
	return strlen(s) == ch->lens[0] && memcmp(s, ch->names[0], ch->lens[0]) == 0;
}

static bool listed(const char *const *names, const struct chain *ch)
{
	for (size_t i = 0; names && names[i]; i++)
		if (is_name(ch, names[i]))
			return true;
	return false;
}

static const struct cdp_scope *find_variable(const struct cdp_compiler *c,
					     const struct chain *ch)
{
	for (const struct cdp_scope *s = c->scope; s && !ch->base->root; s = s->up)
		if (is_name(ch, s->name))
			return s;
	return NULL;
}

static struct cdp_node *variable(struct cdp_compiler *c, const struct cdp_scope *s,
				 size_t pos)
{
	struct cdp_node *n = cdp_node_new(c, CDP_N_VAR, pos, 0);

	n->ref = (int32_t)s->index;
	n->free_vars = 1u << s->index;
	return n;
}

/* The bound name that covers most of the chain; *used counts its links. */
static const struct cdp_value *find_bound(struct cdp_compiler *c, const struct chain *ch,
					  size_t *used)
{
	for (size_t k = ch->dotted; k > 0; k--) {
		size_t len;
		const char *text = chain_text(c, ch, k, &len);

		for (size_t i = 0; i < c->env->bound_count; i++)
			if (strcmp(c->env->bound_names[i], text) == 0) {
				*used = k;
				return &c->env->bound_values[i];
			}
	}
	return NULL;
}

static struct cdp_node *constant(struct cdp_compiler *c, const struct cdp_value *v,
				 size_t pos)
{
	struct cdp_node *n = cdp_node_new(c, CDP_N_CONST, pos, 0);

	n->value = *v;
	n->stype = v->from_record ? CDP_STATIC_ANY : v->type;
	return n;
}

/* "int", "google.protobuf.Timestamp" ...; *used counts the links. */
static bool find_type(struct cdp_compiler *c, const struct chain *ch, uint8_t *type,
		      size_t *used)
{
	size_t len, k = is_name(ch, "google") ? 3 : 1;
	const char *text;

	if (k > ch->dotted)
		return false;
	text = chain_text(c, ch, k, &len);
	for (uint8_t t = CDP_V_NULL; t <= CDP_V_TYPE; t++)
		if (strcmp(text, cdp_vtype_name((enum cdp_vtype)t)) == 0) {
			*type = t;
			*used = k;
			return true;
		}
	return false;
}

static struct cdp_node *type_node(struct cdp_compiler *c, uint8_t type, size_t pos)
{
	struct cdp_value v = { .type = CDP_V_TYPE };

	v.type_of = type;
	return constant(c, &v, pos);
}

/* ---- the record ---- */

static bool is_time_member(const struct chain *ch)
{
	return ch->n == 1 && (is_name(ch, "time") || is_name(ch, "sent") ||
			      is_name(ch, "received") || is_name(ch, "as_of"));
}

static struct cdp_node *slot(struct cdp_compiler *c, const struct chain *ch,
			     enum cdp_node_op op)
{
	struct cdp_node *n = cdp_node_new(c, op, ch->base->pos, 0);

	if (ch->n > CDP_DEPTH_MAX)
		return cdp_compile_fail(c, ch->base->pos, "no record is %zu members deep",
					ch->n);
	n->ref = cdp_paths_add_keys(c->env->paths, ch->names, ch->lens, ch->n);
	n->name = chain_text(c, ch, ch->n, &n->name_n);
	n->why = missing_text(c, n->name);
	n->pure = false;
	if (op == CDP_N_HAS_SLOT)
		n->stype = CDP_V_BOOL;
	else if (op == CDP_N_SLOT_TIME)
		n->stype = CDP_V_TIMESTAMP;
	return n;
}

static struct cdp_node *member(struct cdp_compiler *c, const struct chain *ch, bool has)
{
	if (has)
		return slot(c, ch, CDP_N_HAS_SLOT);
	return slot(c, ch, is_time_member(ch) ? CDP_N_SLOT_TIME : CDP_N_SLOT);
}

static bool record_may_have(const struct cdp_compiler *c, const struct chain *ch)
{
	return c->env->paths && (!c->env->members || listed(c->env->members, ch));
}

static struct cdp_node *as_of(struct cdp_compiler *c, const struct chain *ch, bool has)
{
	struct cdp_value v = { .type = CDP_V_TIMESTAMP };
	struct cdp_node *n;

	if (record_may_have(c, ch)) {
		n = slot(c, ch, has ? CDP_N_HAS_SLOT : CDP_N_AS_OF);
		if (n && !has)
			n->stype = CDP_V_TIMESTAMP;
		return n;
	}
	if (c->env->run) {
		v.t = c->env->run->as_of;
		return constant(c, &v, ch->base->pos);
	}
	n = cdp_node_new(c, CDP_N_AS_OF, ch->base->pos, 0);
	n->pure = false;
	n->stype = CDP_V_TIMESTAMP;
	return n;
}

/* ---- the tool ---- */

static struct cdp_node *host_ref(struct cdp_compiler *c, const struct chain *ch, bool has)
{
	const char **names = cdp_arena_alloc(&c->expr->arena, ch->n * sizeof(*names));
	struct cdp_err err;
	struct cdp_node *n;
	size_t used = 1;
	bool whole;
	int ref;

	for (size_t i = 0; i < ch->n; i++)
		names[i] = cdp_arena_strndup(&c->expr->arena, ch->names[i], ch->lens[i]);
	cdp_err_set(&err, CDP_ERR_USAGE, "unknown name '%s'", names[0]);
	ref = c->env->resolve(c->env->host, names, ch->n, &used, &err);
	if (ref < 0)
		return cdp_compile_fail(c, ch->base->pos, "%s", err.msg);
	whole = has && used == ch->n;
	n = cdp_node_new(c, whole ? CDP_N_HAS_HOST : CDP_N_HOST, ch->base->pos, 0);
	n->ref = ref;
	n->pure = false;
	n->name = chain_text(c, ch, used, &n->name_n);
	if (whole)
		n->stype = CDP_V_BOOL;
	else if (c->env->type_of && c->env->type_of(c->env->host, ref) >= 0)
		n->stype = (uint8_t)c->env->type_of(c->env->host, ref);
	return select_rest(c, n, ch, used, has);
}

static const char *entity_text(struct cdp_compiler *c, const struct cdp_value *entity,
			       const char *name, size_t *len)
{
	char *s = cdp_asprintf("entity('%.*s').%s", (int)entity->s.n, entity->s.p, name);
	const char *copy = cdp_arena_strndup(&c->expr->arena, s, *len = strlen(s));

	free(s);
	return copy;
}

/* entity('product', ID).class */
static struct cdp_node *entity_ref(struct cdp_compiler *c, const struct chain *ch,
				   bool has)
{
	const struct cdp_ast *call = ch->base;
	const struct cdp_value *v = call->count == 2 ? &call->kid[0]->value : NULL;
	const char **names = cdp_arena_alloc(&c->expr->arena, ch->n * sizeof(*names));
	size_t used = 1;
	struct cdp_err err;
	struct cdp_node *n;
	bool whole;
	int ref;

	if (!v || call->kid[0]->kind != CDP_A_LITERAL || v->type != CDP_V_STRING)
		return cdp_compile_fail(c, call->pos,
					"entity() takes a constant name and an id, as in "
					"entity('product', props.product).class");
	if (!c->env->resolve_entity)
		return cdp_compile_unknown(c, call->pos,
					   "entity() needs entities, which are not at "
					   "hand here");
	for (size_t i = 0; i < ch->n; i++)
		names[i] = cdp_arena_strndup(&c->expr->arena, ch->names[i], ch->lens[i]);
	ref = c->env->resolve_entity(c->env->entity_host,
				     cdp_arena_strndup(&c->expr->arena, v->s.p, v->s.n),
				     names + 1, ch->n - 1, &used, &err);
	if (ref < 0)
		return cdp_compile_fail(c, call->pos, "%s", err.msg);
	whole = has && used + 1 == ch->n;
	n = cdp_node_new(c, whole ? CDP_N_HAS_ENTITY : CDP_N_ENTITY, call->pos, 1);
	n->ref = ref;
	n->name = entity_text(c, v, ch->names[used], &n->name_n);
	n->why = missing_entity_text(c, v, ch->names[used]);
	if (whole)
		n->stype = CDP_V_BOOL;
	if (!(n->kid[0] = cdp_compile(c, call->kid[1])))
		return NULL;
	n = cdp_node_done(n);
	n->pure = false;
	return select_rest(c, n, ch, used + 1, has);
}

/* ---- resolution ---- */

static struct cdp_node *unknown_name(struct cdp_compiler *c, const struct chain *ch)
{
	const char *const *lists[] = { c->env->members, c->env->roots };
	const char *names[128], *near;
	size_t n = 0;

	for (const struct cdp_scope *s = c->scope; s && n < 20; s = s->up)
		names[n++] = s->name;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; lists[i] && lists[i][k] && n < 120; k++)
			names[n++] = lists[i][k];
	names[n++] = "as_of";
	near = cdp_text_suggest(ch->names[0], ch->lens[0], names, n);
	return cdp_compile_unknown(c, ch->base->pos, "unknown name '%.80s'%s%s%s",
				   ch->names[0], near ? "; did you mean '" : "",
				   near ? near : "", near ? "'?" : "");
}

static struct cdp_node *resolve(struct cdp_compiler *c, const struct chain *ch, bool has)
{
	const struct cdp_scope *s = find_variable(c, ch);
	bool any = c->env->paths && !c->env->members;
	const struct cdp_value *v;
	size_t used;
	uint8_t type;

	if (s)
		return select_rest(c, variable(c, s, ch->base->pos), ch, 1, has);
	if ((v = find_bound(c, ch, &used)))
		return select_rest(c, constant(c, v, ch->base->pos), ch, used, has);
	if (ch->n == 1 && is_name(ch, "as_of"))
		return as_of(c, ch, has);
	if (listed(c->env->roots, ch))
		return host_ref(c, ch, has);
	if (any && !ch->base->root && !is_name(ch, "type") &&
	    find_type(c, ch, &type, &used))
		return select_rest(c, type_node(c, type, ch->base->pos), ch, used, has);
	if (record_may_have(c, ch))
		return member(c, ch, has);
	if (find_type(c, ch, &type, &used))
		return select_rest(c, type_node(c, type, ch->base->pos), ch, used, has);
	return unknown_name(c, ch);
}

struct cdp_node *cdp_compile_member(struct cdp_compiler *c, const struct cdp_ast *a)
{
	bool has = a->kind == CDP_A_HAS;
	struct cdp_node *n, *key;
	struct chain ch;

	if (find_chain(c, a, &ch)) {
		if (ch.base->kind == CDP_A_CALL)
			return entity_ref(c, &ch, has);
		if (has && ch.n == 1 && !record_may_have(c, &ch) &&
		    !listed(c->env->roots, &ch))
			return cdp_compile_fail(c, a->pos,
						"has() takes one member, as in "
						"has(props.amount)");
		return resolve(c, &ch, has);
	}
	n = cdp_compile(c, a->kid[0]);
	if (!n)
		return NULL;
	if (a->kind != CDP_A_INDEX)
		return select_node(c, n, a->name, a->name_n, a->pos, has);
	key = cdp_compile(c, a->kid[1]);
	if (!key)
		return NULL;
	struct cdp_node *index = cdp_node_new(c, CDP_N_INDEX, a->pos, 2);

	index->kid[0] = n;
	index->kid[1] = key;
	return cdp_fold(c, cdp_node_done(index));
}
