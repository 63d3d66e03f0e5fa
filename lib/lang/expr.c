/* Expressions and evaluators as the rest of the suite sees them. */
#include "lang/expr.h"

#include "base/zone.h"
#include "lang/lex.h"
#include "lang/prog.h"

#include <stdlib.h>
#include <string.h>

const char *const cdp_event_members[] = {
	"one_id",  "time",      "event",    "ids",      "props",    "event_id",
	"source",  "sent",      "type",     "received", "detail",   "row",
	"deleted", "entity",    "id",       "set",      "set_once", "append",
	"unset",   "increment", "relation", "to",       NULL,
};
const char *const cdp_profile_members[] = { "one_id", "as_of", "computed", "tags",
					    "ids",    "type",  NULL };

/* ---- expressions ---- */

void cdp_expr_free(struct cdp_expr *e)
{
	if (!e)
		return;
	for (struct cdp_owned *o = e->owned; o; o = o->next) {
		cdp_regex_free(o->regex);
		cdp_zone_free(o->zone);
	}
	cdp_arena_release(&e->arena);
	free(e);
}

static struct cdp_expr *expr_new(const char *text, size_t n)
{
	struct cdp_expr *e = cdp_calloc(1, sizeof(*e));

	cdp_arena_init(&e->arena);
	e->text = cdp_arena_strndup(&e->arena, text, n);
	return e;
}

bool cdp_node_reads_slot(const struct cdp_node *n)
{
	switch ((enum cdp_node_op)n->op) {
	case CDP_N_SLOT:
	case CDP_N_SLOT_TIME:
	case CDP_N_HAS_SLOT:
	case CDP_N_SLOT_IS:
	case CDP_N_SLOT_CMP:
	case CDP_N_TIME_CMP:
	case CDP_N_SLOT_IN:
		return true;
	default:
		return false;
	}
}

static bool reads_head_only(const struct cdp_node *n)
{
	if (cdp_node_reads_slot(n))
		return n->ref == CDP_SLOT_ONE_ID || n->ref == CDP_SLOT_TIME ||
		       n->ref == CDP_SLOT_EVENT;
	if (n->op == CDP_N_AS_OF)
		return n->ref < 0;
	for (uint32_t i = 0; i < n->count; i++)
		if (!reads_head_only(n->kid[i]))
			return false;
	return true;
}

/* Compile a tree that lives at least as long as this call. */
static int compile_ast(struct cdp_expr *e, const struct cdp_ast *a, const char *text,
		       size_t n, const struct cdp_env *env, struct cdp_err *err)
{
	struct cdp_compiler c = { .env = env,
				  .expr = e,
				  .text = text,
				  .text_n = n,
				  .checked = env->paths || env->roots,
				  .steps = CDP_EVAL_STEPS,
				  .bytes = CDP_EVAL_BYTES,
				  .err = err };

	e->root = cdp_compile(&c, a);
	if (!e->root)
		return -1;
	cdp_index_events(e);
	e->head_only = reads_head_only(e->root);
	return 0;
}

int cdp_expr_from_ast(struct cdp_expr **out, const struct cdp_ast *a, const char *text,
		      size_t n, const struct cdp_env *env, struct cdp_err *err)
{
	struct cdp_expr *e = expr_new(text, n);
	struct cdp_buf b;

	if (compile_ast(e, a, text, n, env, err) < 0) {
		cdp_expr_free(e);
		return -1;
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_ast_text(&b, a);
	e->text = cdp_arena_strndup(&e->arena, b.p, b.n);
	cdp_buf_release(&b);
	*out = e;
	return 0;
}

int cdp_expr_compile(struct cdp_expr **out, const char *text, size_t n,
		     const struct cdp_env *env, struct cdp_err *err)
{
	struct cdp_expr *e = expr_new(text, n <= CDP_EXPR_TEXT_MAX ? n : 0);
	struct cdp_arena tree;
	struct cdp_ast *a;
	int ret = -1;

	/* Apart from the nodes, which are walked again and again. */
	cdp_arena_init(&tree);
	a = cdp_parse(text, n, &tree, err);
	if (a && env->zone)
		cdp_ast_set_zone(a, env->zone, &tree);
	e->zone = env->zone;
	if (a)
		ret = compile_ast(e, a, text, n, env, err);
	cdp_arena_release(&tree);
	if (ret < 0)
		cdp_expr_free(e);
	else
		*out = e;
	return ret;
}

int cdp_expr_check_condition(const struct cdp_expr *e, const char *text, size_t n,
			     struct cdp_err *err)
{
	uint8_t t = e->root->stype;

	if (t == CDP_V_BOOL || t == CDP_STATIC_ANY)
		return 0;
	return cdp_lex_error(text, n, e->root->pos, err, "expected a condition, not %s",
			     cdp_type_word(t));
}

int cdp_expr_compile_condition(struct cdp_expr **out, const char *text, size_t n,
			       const struct cdp_env *env, struct cdp_err *err)
{
	if (cdp_expr_compile(out, text, n, env, err) < 0)
		return -1;
	if (cdp_expr_check_condition(*out, text, n, err) == 0)
		return 0;
	cdp_expr_free(*out);
	*out = NULL;
	return -1;
}

int cdp_expr_type(const struct cdp_expr *e)
{
	return e->root->stype == CDP_STATIC_ANY ? -1 : e->root->stype;
}

const char *cdp_expr_text(const struct cdp_expr *e)
{
	return e->text;
}

const char *const *cdp_expr_events(const struct cdp_expr *e, size_t *count)
{
	*count = e->event_count;
	return e->events;
}

bool cdp_expr_head_only(const struct cdp_expr *e)
{
	return e->head_only;
}

static void visit(const struct cdp_node *n,
		  void (*use)(void *ctx, enum cdp_use what, int number), void *ctx)
{
	switch ((enum cdp_node_op)n->op) {
	case CDP_N_HOST:
	case CDP_N_HAS_HOST:
		use(ctx, CDP_USE_HOST, n->ref);
		break;
	case CDP_N_AGG:
		use(ctx, CDP_USE_AGG, n->ref);
		break;
	case CDP_N_POP:
		use(ctx, CDP_USE_POP, n->ref);
		break;
	case CDP_N_ENTITY:
	case CDP_N_HAS_ENTITY:
		use(ctx, CDP_USE_ENTITY, n->ref);
		break;
	default:
		break;
	}
	for (uint32_t i = 0; i < n->count; i++)
		visit(n->kid[i], use, ctx);
}

void cdp_expr_uses(const struct cdp_expr *e,
		   void (*use)(void *ctx, enum cdp_use what, int number), void *ctx)
{
	visit(e->root, use, ctx);
}

static void visit_members(const struct cdp_node *n,
			  void (*member)(void *ctx, const char *name, size_t n),
			  void *ctx)
{
	if (cdp_node_reads_slot(n) && n->name)
		member(ctx, n->name, n->name_n);
	for (uint32_t i = 0; i < n->count; i++)
		visit_members(n->kid[i], member, ctx);
}

void cdp_expr_members(const struct cdp_expr *e,
		      void (*member)(void *ctx, const char *name, size_t n), void *ctx)
{
	visit_members(e->root, member, ctx);
}

void cdp_expr_canonical(const struct cdp_expr *e, struct cdp_buf *out)
{
	size_t n = strlen(e->text);
	struct cdp_arena arena;
	struct cdp_err ignored;
	struct cdp_ast *a;

	cdp_arena_init(&arena);
	a = cdp_parse(e->text, n, &arena, &ignored);
	if (a && e->zone)
		cdp_ast_set_zone(a, e->zone, &arena);
	if (a)
		cdp_ast_text(out, a);
	else
		cdp_buf_add(out, e->text, n);
	cdp_arena_release(&arena);
}

bool cdp_expr_constant(const struct cdp_expr *e, struct cdp_value *out)
{
	if (e->root->op != CDP_N_CONST)
		return false;
	*out = e->root->value;
	return true;
}

/* ---- evaluators ---- */

void cdp_eval_init(struct cdp_eval *ev, struct cdp_arena *arena)
{
	memset(ev, 0, sizeof(*ev));
	cdp_arena_init(&ev->own);
	ev->arena = arena ? arena : &ev->own;
	ev->why = "";
	ev->steps = CDP_EVAL_STEPS;
	ev->bytes = CDP_EVAL_BYTES;
}

void cdp_eval_release(struct cdp_eval *ev)
{
	for (unsigned i = 0; i < CDP_REGEX_CACHE; i++) {
		free(ev->regexes[i].pattern);
		cdp_regex_free(ev->regexes[i].re);
	}
	cdp_regex_work_free(ev->work);
	cdp_zone_free(ev->zone);
	cdp_buf_release(&ev->text);
	cdp_arena_release(&ev->own);
}

struct cdp_eval *cdp_eval_new(const struct cdp_run *run)
{
	struct cdp_eval *ev = cdp_alloc(sizeof(*ev));

	cdp_eval_init(ev, NULL);
	cdp_buf_init(&ev->text, CDP_BUF_NOMAX);
	if (run) {
		ev->run = *run;
		ev->has_run = true;
		if (run->zone)
			cdp_zone_cursor_init(&ev->days, run->zone);
	}
	return ev;
}

void cdp_eval_set_base(struct cdp_eval *ev, struct cdp_time as_of)
{
	ev->run.as_of = as_of;
}

void cdp_eval_free(struct cdp_eval *ev)
{
	if (!ev)
		return;
	cdp_eval_release(ev);
	free(ev);
}

void cdp_eval_reset(struct cdp_eval *ev)
{
	cdp_arena_reset(&ev->own);
	ev->slot_count = 0;
}

void cdp_eval_set_host(struct cdp_eval *ev,
		       int (*fetch)(void *host, int ref, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host)
{
	ev->fetch = fetch;
	ev->host = host;
}

void cdp_eval_set_call(struct cdp_eval *ev,
		       int (*call)(void *host, unsigned function,
				   const struct cdp_value *args, size_t count,
				   struct cdp_value *out, struct cdp_err *err),
		       void *host)
{
	ev->call = call;
	ev->call_host = host;
}

void cdp_eval_set_aggs(struct cdp_eval *ev,
		       int (*fetch)(void *host, unsigned agg, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host)
{
	ev->agg_fetch = fetch;
	ev->agg_host = host;
}

void cdp_eval_set_pops(struct cdp_eval *ev,
		       int (*fetch)(void *host, unsigned pop, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host)
{
	ev->pop_fetch = fetch;
	ev->pop_host = host;
}

void cdp_eval_set_entities(struct cdp_eval *ev,
			   int (*fetch)(const void *host, int ref,
					const struct cdp_value *id,
					struct cdp_arena *arena, struct cdp_value *out),
			   const void *host)
{
	ev->entity_fetch = fetch;
	ev->entity_host = host;
}

struct cdp_arena *cdp_eval_arena(struct cdp_eval *ev)
{
	return ev->arena;
}

const struct cdp_run *cdp_eval_run(const struct cdp_eval *ev)
{
	return ev->has_run ? &ev->run : NULL;
}

/* ---- one evaluation ---- */

/* An answer of the host may be an expression of its own, so evaluations nest. */
struct frame {
	struct cdp_rec *rec;
	struct cdp_value *vars;
};

static void enter(struct cdp_eval *ev, const struct cdp_expr *e, struct cdp_rec *rec,
		  struct frame *f)
{
	f->rec = ev->rec;
	f->vars = ev->vars;
	ev->rec = rec;
	ev->slot_count = 0;
	if (ev->depth++ == 0) {
		ev->steps = CDP_EVAL_STEPS;
		ev->bytes = CDP_EVAL_BYTES;
	}
	if (e->vars)
		ev->vars = cdp_arena_alloc(ev->arena, e->vars * sizeof(*ev->vars));
}

static void leave(struct cdp_eval *ev, const struct frame *f)
{
	ev->rec = f->rec;
	ev->vars = f->vars;
	ev->slot_count = 0;
	ev->depth--;
}

int cdp_expr_value(const struct cdp_expr *e, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_value *out, struct cdp_err *err)
{
	struct frame f;
	int r;

	enter(ev, e, rec, &f);
	r = cdp_node_value(ev, e->root, out);
	leave(ev, &f);
	return r < 0 ? cdp_eval_error(ev, err) : 0;
}

int cdp_expr_agg(const struct cdp_expr *e)
{
	return e->root->op == CDP_N_AGG ? e->root->ref : -1;
}

int cdp_expr_match(const struct cdp_expr *e, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err)
{
	struct frame f;
	int r;

	enter(ev, e, rec, &f);
	r = cdp_node_test(ev, e->root);
	leave(ev, &f);
	return r < 0 ? cdp_eval_error(ev, err) : r;
}
