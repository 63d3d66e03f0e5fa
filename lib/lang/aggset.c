/* The set of aggregates: compiling calls, sharing equal ones, resolving windows. */
#include "base/intern.h"
#include "base/zone.h"
#include "lang/agg.h"
#include "lang/aggseq.h"
#include "lang/aggwindow.h"
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
	struct cdp_intern *texts; /* to their numbers */
	struct cdp_intern *tests; /* texts of conditions, likewise */
	struct cdp_zone **zones;  /* that are named, one of each */
	size_t zone_count, zone_cap;
};

struct cdp_aggs *cdp_aggs_new(void)
{
	struct cdp_aggs *a = cdp_calloc(1, sizeof(*a));

	a->texts = cdp_intern_new(0);
	a->tests = cdp_intern_new(0);
	return a;
}

static void entry_free(struct entry *e)
{
	for (unsigned i = 0; e->agg.steps && i < e->agg.step_count; i++)
		cdp_expr_free(e->agg.steps[i]);
	free(e->agg.steps);
	cdp_expr_free(e->agg.arg);
	cdp_expr_free(e->agg.by);
	cdp_expr_free(e->agg.cond);
	free(e->text);
	free(e);
}

void cdp_aggs_free(struct cdp_aggs *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		entry_free(a->entries[i]);
	free(a->entries);
	cdp_intern_free(a->texts);
	cdp_intern_free(a->tests);
	for (size_t i = 0; i < a->zone_count; i++)
		cdp_zone_free(a->zones[i]);
	free(a->zones);
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

int cdp_aggs_bind(struct cdp_aggs *a, const struct cdp_run *run, struct cdp_err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		struct cdp_agg *g = &a->entries[i]->agg;

		if (!run->zone)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "windows need a time zone");
		cdp_agg_window(g, run, &g->from_ms, &g->to_ms);
	}
	return 0;
}

const struct cdp_zone *cdp_aggs_zone(struct cdp_aggs *set, const char *name, size_t n,
				     struct cdp_err *err)
{
	struct cdp_zone *z;

	for (size_t i = 0; i < set->zone_count; i++) {
		const char *known = cdp_zone_name(set->zones[i]);

		if (strlen(known) == n && memcmp(known, name, n) == 0)
			return set->zones[i];
	}
	z = cdp_lang_zone(name, n, err);
	if (!z)
		return NULL;
	CDP_GROW(set->zones, set->zone_count, set->zone_cap);
	set->zones[set->zone_count++] = z;
	return z;
}

void cdp_aggs_open(struct cdp_aggs *a)
{
	for (size_t i = 0; i < a->n; i++) {
		a->entries[i]->agg.from_ms = INT64_MIN;
		a->entries[i]->agg.to_ms = INT64_MAX;
	}
}

/* ---- compiling a call ---- */

/* What a call is made of, besides the condition. */
static const struct shape {
	const char *name;
	unsigned values;   /* expressions over an event that come first */
	bool limit, least; /* then these numbers, the second optional */
	const char *takes; /* in messages, before "optional condition" */
} shapes[] = {
	[CDP_AGG_COUNT] = { "count", .takes = "an " },
	[CDP_AGG_SUM] = { "sum", 1, .takes = "a value and an " },
	[CDP_AGG_AVG] = { "avg", 1, .takes = "a value and an " },
	[CDP_AGG_MIN] = { "min", 1, .takes = "a value and an " },
	[CDP_AGG_MAX] = { "max", 1, .takes = "a value and an " },
	[CDP_AGG_FIRST] = { "first", 1, .takes = "a value and an " },
	[CDP_AGG_LAST] = { "last", 1, .takes = "a value and an " },
	[CDP_AGG_DISTINCT] = { "distinct", 1, .takes = "a value and an " },
	[CDP_AGG_TOP] = { "top", 1, .takes = "a value and an " },
	[CDP_AGG_DAYS] = { "days", .takes = "an " },
	[CDP_AGG_SEQUENCE] = { "sequence", .takes = "steps and an " },
	[CDP_AGG_VALUES] = { "values", 1, .least = true,
			     .takes = "a value, how often it occurs at least, and an " },
	[CDP_AGG_TOP_N] = { "top_n", 1, true, true,
			    "a value, how many, how often they occur at least, and an " },
	[CDP_AGG_TOP_BY_SUM] = { "top_by_sum", 2, true, true,
				 "a value, a number, how many, how often they occur at "
				 "least, and an " },
	[CDP_AGG_TOP_BY_MAX] = { "top_by_max", 2, true, true,
				 "a value, a number, how many, how often they occur at "
				 "least, and an " },
};

static int find_kind(const char *name)
{
	for (int k = 0; k < (int)(sizeof(shapes) / sizeof(*shapes)); k++)
		if (strcmp(shapes[k].name, name) == 0)
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

/* A call taken apart. */
struct call {
	const struct cdp_ast *ast, *arg, *by;
	struct cdp_ast *steps; /* sequence: the kids of an || */
	struct cdp_ast *cond;  /* without the window */
	struct cdp_agg agg;
};

static void add_parts(struct cdp_buf *b, const struct call *k)
{
	const char *sep = "";

	if (k->arg) {
		cdp_ast_text(b, k->arg);
		sep = ", ";
	}
	if (k->by) {
		cdp_buf_adds(b, sep);
		cdp_ast_text(b, k->by);
	}
	if (k->agg.limit)
		cdp_buf_addf(b, ", %u", (unsigned)k->agg.limit);
	if (k->agg.least > 1)
		cdp_buf_addf(b, ", %u", (unsigned)k->agg.least);
	if (k->steps) {
		for (uint32_t i = 0; i < k->steps->count; i++) {
			cdp_buf_adds(b, i ? ", " : "[");
			cdp_ast_text(b, k->steps->kid[i]);
		}
		cdp_buf_addc(b, ']');
		if (k->agg.span_ms != INT64_MAX)
			cdp_buf_addf(b, ", '%lldms'", (long long)k->agg.span_ms);
		sep = ", ";
	}
	if (k->cond) {
		cdp_buf_adds(b, sep);
		cdp_ast_text(b, k->cond);
		sep = " && ";
	}
	if (k->agg.within_days)
		cdp_buf_addf(b, "%swithin('%lldd'", sep, (long long)k->agg.within_days);
	else if (k->agg.within_ns)
		cdp_buf_addf(b, "%swithin('%lldns'", sep, (long long)k->agg.within_ns);
	else
		return;
	if (k->agg.until_days)
		cdp_buf_addf(b, ", '%lldd'", (long long)k->agg.until_days);
	if (k->agg.window_zone)
		cdp_buf_addf(b, ", '%s'", cdp_zone_name(k->agg.window_zone));
	cdp_buf_addc(b, ')');
}

/* The key: kind, argument, condition and window. */
static char *canonical(const struct call *k)
{
	struct cdp_buf b;
	size_t n;
	char *s;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s(", k->ast->name);
	add_parts(&b, k);
	if (k->agg.days_zone)
		cdp_buf_addf(&b, "%s'%s'", k->cond || k->agg.within_days ? ", " : "",
			     cdp_zone_name(k->agg.days_zone));
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

static bool check_number(struct cdp_compiler *c, const struct cdp_ast *a,
			 const struct cdp_expr *e)
{
	uint8_t t = e->root->stype;

	return t == CDP_STATIC_ANY || (CDP_TAKES_NUMBER >> t & 1) ||
	       cdp_compile_fail(c, a->pos, "expected a number, not %s", cdp_type_word(t));
}

static bool compile_condition(struct cdp_compiler *c, const struct cdp_ast *a,
			      struct cdp_expr **out)
{
	uint8_t t;

	if (!compile_part(c, a, out))
		return false;
	t = *out ? (*out)->root->stype : CDP_V_BOOL;
	return t == CDP_V_BOOL || t == CDP_STATIC_ANY ||
	       cdp_compile_fail(c, a->pos, "expected a condition, not %s",
				cdp_type_word(t));
}

/* An event counts if it is some step and meets the condition. */
static struct cdp_ast *with_steps(struct cdp_compiler *c, const struct call *k)
{
	struct cdp_ast *both[2] = { k->cond, k->steps };
	struct parts p = { .kid = both, .n = 2 };

	if (!k->steps)
		return k->cond;
	return k->cond ? rest(c, &p) : k->steps;
}

/* The condition of an aggregate, and its number. */
static bool compile_test(struct cdp_compiler *c, const struct cdp_ast *a,
			 struct cdp_agg *g)
{
	const struct cdp_node *n;
	struct cdp_buf text;

	if (!compile_condition(c, a, &g->cond))
		return false;
	if (!g->cond)
		return true;
	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_ast_text(&text, a);
	g->test = 1 + cdp_intern_put(c->env->aggs->tests, text.p, text.n, NULL);
	cdp_buf_release(&text);
	n = g->cond->root;
	g->by_event = n->ref == CDP_SLOT_EVENT &&
		      ((n->op == CDP_N_SLOT_IS && !n->sub) || n->op == CDP_N_SLOT_IN) &&
		      g->cond->event_count > 0;
	g->brief = cdp_brief_of(g->cond);
	return true;
}

static bool compile_parts(struct cdp_compiler *c, const struct call *k, struct cdp_agg *g)
{
	if (!compile_part(c, k->arg, &g->arg) || !compile_part(c, k->by, &g->by))
		return false;
	if ((g->kind == CDP_AGG_SUM || g->kind == CDP_AGG_AVG) &&
	    !check_number(c, k->arg, g->arg))
		return false;
	if (k->by && !check_number(c, k->by, g->by))
		return false;
	if (k->steps) {
		g->step_count = k->steps->count;
		g->steps = cdp_calloc(g->step_count, sizeof(struct cdp_expr *));
	}
	for (unsigned i = 0; i < g->step_count; i++)
		if (!compile_condition(c, k->steps->kid[i], &g->steps[i]))
			return false;
	if (!compile_test(c, with_steps(c, k), g))
		return false;
	g->id_slot = -1;
	g->arg_slot = g->arg && g->arg->root->op == CDP_N_SLOT ? g->arg->root->ref : -1;
	g->of_time = (g->kind == CDP_AGG_FIRST || g->kind == CDP_AGG_LAST) &&
		     g->arg->root->op == CDP_N_SLOT_TIME &&
		     g->arg->root->ref == CDP_SLOT_TIME;
	if ((g->kind == CDP_AGG_FIRST || g->kind == CDP_AGG_LAST) && !g->of_time)
		g->id_slot =
			cdp_paths_add(c->env->event_env->paths, "event_id", 8, c->err);
	return true;
}

/* Index of the aggregate, an equal one if there is one; -1 with the error. */
static int add(struct cdp_compiler *c, const struct call *k)
{
	struct cdp_aggs *set = c->env->aggs;
	char *text = canonical(k);
	uint32_t known = cdp_intern_get(set->texts, text, strlen(text));
	struct entry *e;

	if (known != CDP_INTERN_NONE) {
		free(text);
		return (int)known;
	}
	e = cdp_calloc(1, sizeof(*e));
	e->agg = k->agg;
	e->text = text;
	e->agg.text = text;
	if (!compile_parts(c, k, &e->agg)) {
		entry_free(e);
		return -1;
	}
	CDP_GROW(set->entries, set->n, set->cap);
	set->entries[set->n++] = e;
	return (int)cdp_intern_put(set->texts, text, strlen(text), NULL);
}

/* Take the condition apart into window and rest. */
static bool read_condition(struct cdp_compiler *c, struct call *k, struct cdp_ast *a)
{
	struct parts p = { 0 };
	bool fine = split(&p, a);

	if (!fine)
		cdp_compile_fail(c, k->ast->pos, "%s() has two windows", k->ast->name);
	else if (p.within)
		fine = cdp_agg_read_window(c, &k->agg, p.within);
	k->cond = rest(c, &p);
	free(p.kid);
	return fine;
}

static bool read_sequence(struct cdp_compiler *c, struct call *k, uint32_t *used)
{
	c->err->kind = CDP_ERR_NONE;
	k->steps = cdp_sequence_steps(c, k->ast);
	if (!k->steps)
		return false;
	*used = cdp_sequence_window(c, k->ast, &k->agg.span_ms) ? 2 : 1;
	return c->err->kind == CDP_ERR_NONE;
}

static bool is_number(const struct cdp_ast *call, uint32_t at)
{
	return at < call->count && call->kid[at]->kind == CDP_A_LITERAL &&
	       call->kid[at]->value.type == CDP_V_INT;
}

static bool read_number(struct cdp_compiler *c, const struct cdp_ast *a, int64_t most,
			uint32_t *n)
{
	int64_t i = a->value.i;

	if (i < 1 || i > most)
		return cdp_compile_fail(c, a->pos, "expected a number from 1 to %lld",
					(long long)most);
	*n = (uint32_t)i;
	return true;
}

static bool wrong_shape(struct cdp_compiler *c, const struct cdp_ast *a,
			const struct shape *sh)
{
	return cdp_compile_fail(c, a->pos, "%s() takes %soptional condition", a->name,
				sh->takes);
}

/* The arguments up to the condition; *used of them. */
static bool read_values(struct cdp_compiler *c, struct call *k, uint32_t *used)
{
	enum { LIMIT_MAX = 1000, LEAST_MAX = 1000000000 };
	const struct shape *sh = &shapes[k->agg.kind];
	const struct cdp_ast *a = k->ast;
	uint32_t at = sh->values;

	if (a->count < at)
		return wrong_shape(c, a, sh);
	if (sh->values > 0)
		k->arg = a->kid[0];
	if (sh->values > 1)
		k->by = a->kid[1];
	if (sh->limit && !is_number(a, at))
		return wrong_shape(c, a, sh);
	if (sh->limit && !read_number(c, a->kid[at++], LIMIT_MAX, &k->agg.limit))
		return false;
	k->agg.least = 1;
	if (sh->least && is_number(a, at) &&
	    !read_number(c, a->kid[at++], LEAST_MAX, &k->agg.least))
		return false;
	*used = at;
	return a->count <= at + 1 || wrong_shape(c, a, sh);
}

static uint8_t type_of(enum cdp_agg_kind kind)
{
	switch (kind) {
	case CDP_AGG_COUNT:
	case CDP_AGG_DAYS:
	case CDP_AGG_DISTINCT:
		return CDP_V_INT;
	case CDP_AGG_SEQUENCE:
		return CDP_V_BOOL;
	case CDP_AGG_AVG: /* or null */
		return CDP_V_DOUBLE;
	case CDP_AGG_SUM: /* or null */
		return CDP_V_DECIMAL;
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N: /* or null, the next as well */
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		return CDP_V_LIST;
	default:
		return CDP_STATIC_ANY;
	}
}

static struct cdp_node *compile(struct cdp_compiler *c, const struct cdp_ast *a,
				enum cdp_agg_kind kind)
{
	struct call k = { .ast = a, .agg.kind = kind };
	struct cdp_ast bare;
	struct cdp_node *n;
	uint32_t used;

	if (kind == CDP_AGG_DAYS) {
		bare = *a;
		k.ast = a = &bare;
		if (!cdp_agg_take_zone(c, a, &bare.count, &k.agg.days_zone))
			return NULL;
	}
	if (!(kind == CDP_AGG_SEQUENCE ? read_sequence : read_values)(c, &k, &used))
		return NULL;
	if (a->count > used + 1)
		return cdp_compile_fail(c, a->pos, "%s() has too many arguments",
					a->name);
	if (a->count > used && !read_condition(c, &k, a->kid[used]))
		return NULL;
	n = cdp_node_new(c, CDP_N_AGG, a->pos, 0);
	n->pure = false;
	n->ref = add(c, &k);
	if (n->ref < 0)
		return NULL;
	n->name = cdp_arena_strndup(&c->expr->arena, a->name, a->name_n);
	n->name_n = a->name_n;
	n->stype = type_of(kind);
	return n;
}

struct cdp_node *cdp_compile_agg(struct cdp_compiler *c, const struct cdp_ast *a,
				 bool *handled)
{
	int kind = find_kind(a->name);

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
	return compile(c, a, (enum cdp_agg_kind)kind);
}
