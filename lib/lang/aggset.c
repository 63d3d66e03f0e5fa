/* The set of aggregates: compiling calls, sharing equal ones, resolving windows. */
#include "base/zone.h"
#include "lang/agg.h"
#include "lang/prog.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct cdp_agg agg;
	char *text;
};

struct cdp_aggs {
	struct entry **entries;
	size_t n, cap;
};

struct cdp_aggs *cdp_aggs_new(void)
{
	return cdp_calloc(1, sizeof(struct cdp_aggs));
}

void cdp_aggs_free(struct cdp_aggs *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		cdp_expr_free(a->entries[i]->agg.arg);
		cdp_expr_free(a->entries[i]->agg.cond);
		free(a->entries[i]->text);
		free(a->entries[i]);
	}
	free(a->entries);
	free(a);
}

unsigned cdp_aggs_count(const struct cdp_aggs *a)
{
	return (unsigned)a->n;
}

const struct cdp_agg *cdp_aggs_at(const struct cdp_aggs *a, unsigned i)
{
	return &a->entries[i]->agg;
}

const char *const *cdp_agg_events(const struct cdp_agg *a, size_t *count)
{
	*count = 0;
	return a->cond ? cdp_expr_events(a->cond, count) : NULL;
}

/* ---- windows ---- */

static int64_t ceil_ms(struct cdp_time t)
{
	int64_t ms = cdp_time_ms(t);

	return cdp_time_cmp(cdp_time_from_ms(ms), t) < 0 ? ms + 1 : ms;
}

static int64_t window_start(const struct cdp_agg *a, const struct cdp_run *run)
{
	struct cdp_time t = run->as_of;
	__int128 ns = cdp_time_ns(t) - a->within_ns;
	int64_t day;
	bool midnight;

	if (a->within_days) {
		day = cdp_zone_day(run->zone, t.s);
		midnight = cdp_zone_day_start(run->zone, day) == t.s && t.ns == 0;
		day -= a->within_days - !midnight;
		return cdp_zone_day_start(run->zone, day) * 1000;
	}
	t.s = (int64_t)(ns / 1000000000) - (ns % 1000000000 < 0);
	t.ns = (int32_t)(ns - (__int128)t.s * 1000000000);
	return ceil_ms(t);
}

int cdp_aggs_bind(struct cdp_aggs *a, const struct cdp_run *run, struct cdp_err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		struct cdp_agg *g = &a->entries[i]->agg;

		if (!run->zone)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "windows need a time zone");
		g->to_ms = ceil_ms(run->as_of);
		g->from_ms = INT64_MIN;
		if (g->within_days || g->within_ns)
			g->from_ms = window_start(g, run);
	}
	return 0;
}

/* ---- compiling a call ---- */

static int find_kind(const char *name)
{
	static const char *const names[] = {
		[CDP_AGG_COUNT] = "count", [CDP_AGG_SUM] = "sum",
		[CDP_AGG_AVG] = "avg",     [CDP_AGG_MIN] = "min",
		[CDP_AGG_MAX] = "max",     [CDP_AGG_FIRST] = "first",
		[CDP_AGG_LAST] = "last",   [CDP_AGG_DISTINCT] = "distinct",
		[CDP_AGG_TOP] = "top",     [CDP_AGG_DAYS] = "days",
	};

	for (int k = 0; k < (int)(sizeof(names) / sizeof(*names)); k++)
		if (strcmp(names[k], name) == 0)
			return k;
	return -1;
}

/* Conjuncts of a condition, within() taken out. */
struct parts {
	const struct cdp_ast *within;
	struct cdp_ast **kid;
	uint32_t n, cap;
};

static bool is_within(const struct cdp_ast *a)
{
	return a->kind == CDP_A_CALL && strcmp(a->name, "within") == 0;
}

/* False if there are two windows. */
static bool split(struct parts *p, struct cdp_ast *a)
{
	if (is_within(a)) {
		if (p->within)
			return false;
		p->within = a;
		return true;
	}
	if (a->kind != CDP_A_AND) {
		CDP_GROW(p->kid, p->n, p->cap);
		p->kid[p->n++] = a;
		return true;
	}
	for (uint32_t i = 0; i < a->count; i++)
		if (!split(p, a->kid[i]))
			return false;
	return true;
}

/* The condition without its window; NULL if nothing is left. */
static struct cdp_ast *rest(struct cdp_compiler *c, const struct parts *p)
{
	struct cdp_ast *a;

	if (p->n <= 1)
		return p->n ? p->kid[0] : NULL;
	a = cdp_arena_alloc(&c->expr->arena, sizeof(*a));
	*a = (struct cdp_ast){ .kind = CDP_A_AND, .pos = p->kid[0]->pos, .count = p->n };
	a->kid = cdp_arena_alloc(&c->expr->arena, p->n * sizeof(*a->kid));
	memcpy(a->kid, p->kid, p->n * sizeof(*a->kid));
	return a;
}

/* "30d" and "4w" are civil days, all else is an exact time. */
static bool read_window(struct cdp_compiler *c, struct cdp_agg *g,
			const struct cdp_ast *w)
{
	const struct cdp_value *v = w->count == 1 ? &w->kid[0]->value : NULL;
	struct cdp_err err;
	size_t digits = 0;
	int64_t ns;

	if (!v || w->kid[0]->kind != CDP_A_LITERAL || v->type != CDP_V_STRING)
		return cdp_compile_fail(c, w->pos,
					"within() takes a constant, as in within('30d')");
	if (cdp_duration_parse(&ns, v->s.p, v->s.n, &err) < 0)
		return cdp_compile_fail(c, w->kid[0]->pos, "%s", err.msg);
	if (ns <= 0)
		return cdp_compile_fail(c, w->kid[0]->pos, "within() must be above zero");
	while (digits < v->s.n && v->s.p[digits] >= '0' && v->s.p[digits] <= '9')
		digits++;
	if (digits + 1 == v->s.n && (v->s.p[digits] == 'd' || v->s.p[digits] == 'w'))
		g->within_days = ns / 86400000000000;
	else
		g->within_ns = ns;
	return true;
}

/* The key: kind, argument, condition and window. */
static char *canonical(const struct cdp_agg *g, const char *name,
		       const struct cdp_ast *arg, const struct cdp_ast *cond)
{
	const char *sep = "";
	struct cdp_buf b;
	size_t n;
	char *s;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s(", name);
	if (arg) {
		cdp_ast_text(&b, arg);
		sep = ", ";
	}
	if (cond) {
		cdp_buf_adds(&b, sep);
		cdp_ast_text(&b, cond);
		sep = " && ";
	}
	if (g->within_days)
		cdp_buf_addf(&b, "%swithin('%lldd')", sep, (long long)g->within_days);
	else if (g->within_ns)
		cdp_buf_addf(&b, "%swithin('%lldns')", sep, (long long)g->within_ns);
	cdp_buf_addc(&b, ')');
	cdp_buf_str(&b);
	s = cdp_buf_detach(&b, &n);
	cdp_buf_release(&b);
	return s;
}

static bool compile_part(struct cdp_compiler *c, const struct cdp_ast *a,
			 struct cdp_expr **out)
{
	return !a || cdp_expr_from_ast(out, a, c->text, c->text_n, c->env->event_env,
				       c->err) == 0;
}

static bool is_condition(struct cdp_compiler *c, const struct cdp_ast *a,
			 const struct cdp_expr *e)
{
	uint8_t t = e ? e->root->stype : CDP_V_BOOL;

	return t == CDP_V_BOOL || t == CDP_STATIC_ANY ||
	       cdp_compile_fail(c, a->pos, "expected a condition, not %s",
				cdp_type_word(t));
}

/* Index of the aggregate, an equal one if there is one; -1 with the error. */
static int add(struct cdp_compiler *c, const struct cdp_agg *draft, char *text,
	       const struct cdp_ast *arg, const struct cdp_ast *cond)
{
	struct cdp_aggs *set = c->env->aggs;
	struct entry *e;

	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->entries[i]->text, text) == 0) {
			free(text);
			return (int)i;
		}
	e = cdp_calloc(1, sizeof(*e));
	e->agg = *draft;
	e->text = text;
	e->agg.text = text;
	CDP_GROW(set->entries, set->n, set->cap);
	set->entries[set->n++] = e; /* freed with the set, error or not */
	if (!compile_part(c, arg, &e->agg.arg) || !compile_part(c, cond, &e->agg.cond) ||
	    !is_condition(c, cond, e->agg.cond)) {
		cdp_expr_free(e->agg.arg);
		cdp_expr_free(e->agg.cond);
		free(e->text);
		free(e);
		set->n--;
		return -1;
	}
	e->agg.id_slot = -1;
	if (draft->kind == CDP_AGG_FIRST || draft->kind == CDP_AGG_LAST)
		e->agg.id_slot =
			cdp_paths_add(c->env->event_env->paths, "event_id", 8, c->err);
	return (int)set->n - 1;
}

static struct cdp_node *compile(struct cdp_compiler *c, const struct cdp_ast *a,
				enum cdp_agg_kind kind)
{
	bool bare = kind == CDP_AGG_COUNT || kind == CDP_AGG_DAYS;
	struct cdp_ast *arg = bare ? NULL : a->kid[0], *cond = NULL;
	struct cdp_agg draft = { .kind = kind };
	struct parts p = { 0 };
	struct cdp_node *n;
	bool fine = true;

	if (a->count > (bare ? 0 : 1)) {
		fine = split(&p, a->kid[a->count - 1]);
		if (!fine)
			cdp_compile_fail(c, a->pos, "%s() has two windows", a->name);
		else if (p.within)
			fine = read_window(c, &draft, p.within);
		cond = rest(c, &p);
	}
	free(p.kid);
	if (!fine)
		return NULL;
	n = cdp_node_new(c, CDP_N_AGG, a->pos, 0);
	n->pure = false;
	n->ref = add(c, &draft, canonical(&draft, a->name, arg, cond), arg, cond);
	if (n->ref < 0)
		return NULL;
	n->name = cdp_arena_strndup(&c->expr->arena, a->name, a->name_n);
	if (bare || kind == CDP_AGG_DISTINCT)
		n->stype = CDP_V_INT;
	return n;
}

struct cdp_node *cdp_compile_agg(struct cdp_compiler *c, const struct cdp_ast *a,
				 bool *handled)
{
	int kind = find_kind(a->name);
	uint32_t max, min;

	*handled = true;
	if (is_within(a))
		return cdp_compile_unknown(
			c, a->pos,
			"within() must be one of the conditions that && joins in an "
			"aggregate, as in count(event == 'a' && within('30d'))");
	if (kind < 0) {
		*handled = false;
		return NULL;
	}
	if (!c->env->aggs)
		return cdp_compile_unknown(c, a->pos,
					   "%s() needs the events of a customer, which "
					   "are not at hand here",
					   a->name);
	min = kind == CDP_AGG_COUNT || kind == CDP_AGG_DAYS ? 0 : 1;
	max = min + 1;
	if (a->count < min || a->count > max)
		return cdp_compile_fail(c, a->pos, "%s() takes %s%s", a->name,
					min ? "a value and " : "",
					"an optional condition");
	return compile(c, a, (enum cdp_agg_kind)kind);
}
