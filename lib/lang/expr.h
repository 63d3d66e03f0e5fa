/* Expressions of the rule language: CEL text compiled once to a program over the
 * scanner's slots, evaluated per record without allocation that outlives it. */
#ifndef CDP_LANG_EXPR_H
#define CDP_LANG_EXPR_H

#include "base/buf.h"
#include "base/zone.h"
#include "lang/value.h"
#include "record/scan.h"

struct cdp_aggs;
struct cdp_pops;
struct cdp_expr;
struct cdp_eval;

struct cdp_run;
struct cdp_calendar;

/* What names mean where an expression is compiled.  A name is looked for among the
 * variables of macros, bound names, `as_of`, roots, members and the types (int, string
 * ...), in this order; types come before members where any name is a member, but for
 * `type`.  A leading dot (`.list`) skips variables and types.
 *
 * `as_of` is the base time of the run; where the record may have a member of that name
 * (`members` lists it, or any name is a member) it is the record's own if there is one.
 * `time`, `sent`, `received` and `as_of` of a record are timestamps, and null if null.
 *
 * Beyond CEL: letters of any script and `$` in names, has(name) and has(e['f']), d and w
 * in durations, functions over civil days[, zone], trading days, aggregates.
 *
 * With members an expression is checked: unknown names, calls that no type of arguments
 * makes right, and constants that fail (`1 / 0`, a bad pattern) are usage errors.  With
 * paths and roots NULL (--eval) they are evaluation errors, as the specification has
 * it. */
struct cdp_env {
	/* Members of the record: `props.amount` becomes a slot of `paths`.  `members`
	 * lists the top-level names that exist (NULL-ended); NULL: any name is a member.
	 * paths NULL: no record at all. */
	struct cdp_paths *paths;
	const char *const *members;
	/* Names answered by the tool (tags of a profile, details ...): `roots` lists
	 * them, NULL-ended. resolve() gets the longest run of constant member names
	 * ("details","holding") and returns a reference >= 0 for fetch and how many names
	 * it used, or -1 with *err. */
	const char *const *roots;
	int (*resolve)(void *host, const char *const *names, size_t count, size_t *used,
		       struct cdp_err *err);
	void *host;
	/* The type of what a reference gives, or null: an enum cdp_vtype, CDP_V_DOUBLE
	 * for a number of any type; -1: not known.  May be NULL. */
	int (*type_of)(void *host, int ref);
	/* Functions answered by the tool (cdp_eval_set_call), NULL-ended; may be NULL. */
	const char *const *functions;
	/* Rows of entities: entity('product', ID).NAME.  resolve_entity() gets the names
	 * after the call and returns a reference >= 0 for cdp_eval_set_entities and how
	 * many of them it used, or -1 with *err.  NULL: entities are an error here. */
	int (*resolve_entity)(void *host, const char *entity, const char *const *names,
			      size_t count, size_t *used, struct cdp_err *err);
	void *entity_host;
	/* Bound names (--bind), dotted ones too ("a.b"): the longest wins; may be NULL.
	 * Values must outlive the expression. */
	const char *const *bound_names;
	const struct cdp_value *bound_values;
	size_t bound_count;
	/* Where aggregate calls are collected; NULL: aggregates are an error here.  Their
	 * arguments and conditions are compiled in `event_env`. */
	struct cdp_aggs *aggs;
	const struct cdp_env *event_env;
	/* Where functions over the population are collected (lang/pop.h), compiled in
	 * this environment; NULL: they are an error here. */
	struct cdp_pops *pops;
	/* The run, where it is known already: as_of and civil dates become constants.  It
	 * must be the evaluator's.  May be NULL. */
	const struct cdp_run *run;
	/* The zone of civil days in this expression, where calls name none; NULL: that of
	 * the run.  Trading days are the calendar's.  It must outlive the expression. */
	const char *zone;
};

/* The documented members of each record type, NULL-ended, for `members`. */
extern const char
	*const cdp_event_members[]; /* one_id time event ids props event_id ... */
extern const char *const cdp_profile_members[]; /* one_id as_of tags ids ... */

/* 0, or -1 with a usage error that points: "1:23: unknown name 'prop'; did you mean
 * 'props'?" (line:column of the text).  Depth and size are limited. */
int cdp_expr_compile(struct cdp_expr **out, const char *text, size_t n,
		     const struct cdp_env *env, struct cdp_err *err);
/* The same for what stands where a condition does: what cannot be a bool is an error. */
int cdp_expr_compile_condition(struct cdp_expr **out, const char *text, size_t n,
			       const struct cdp_env *env, struct cdp_err *err);
void cdp_expr_free(struct cdp_expr *e);
/* The type of its value where that is known: an enum cdp_vtype, CDP_V_DOUBLE for a number
 * of any type; -1: not known.  The value may be null all the same. */
int cdp_expr_type(const struct cdp_expr *e);
const char *cdp_expr_text(const struct cdp_expr *e);

/* Event names that a record must have for the expression to be true: *count names, or 0
 * if it can be true for any.  For indexing conditions by event.  Borrowed. */
const char *const *cdp_expr_events(const struct cdp_expr *e, size_t *count);
/* The i-th text, of n bytes at *p, that a member must have for the expression to be true,
 * but for the event's name: of a conjunction's `slot == 'text'`.  False: no more.
 * Borrowed; `e` may be NULL. */
bool cdp_expr_key(const struct cdp_expr *e, unsigned i, int *slot, const char **p,
		  size_t *n);
/* The aggregate that is all of it; -1: it is something else. */
int cdp_expr_agg(const struct cdp_expr *e);
/* True if nothing but the head (one_id, time, event) is read: trusted lines need no scan.
 */
bool cdp_expr_head_only(const struct cdp_expr *e);
/* What became of the expression, as one JSON object: its type, whether the head of a
 * record is all it reads, the members it reads, the event names a record must have to
 * make it true (null: any), and the program, a line a node, indented. */
void cdp_expr_explain(const struct cdp_expr *e, struct cdp_buf *out);
/* What the expression asks the tool for: calls `use` for every reference of resolve(),
 * aggregate and function over the population and entity in it, maybe more than once.  Not
 * for what stands in the latter two. */
enum cdp_use { CDP_USE_HOST, CDP_USE_AGG, CDP_USE_POP, CDP_USE_ENTITY };
void cdp_expr_uses(const struct cdp_expr *e,
		   void (*use)(void *ctx, enum cdp_use what, int number), void *ctx);
/* Calls `member` for every member of the record that is read, as "props.amount"; maybe
 * more than once. */
void cdp_expr_members(const struct cdp_expr *e,
		      void (*member)(void *ctx, const char *name, size_t n), void *ctx);
/* Appends the expression in canonical form: the same for texts that differ only in space,
 * quoting, redundant brackets and comments. */
void cdp_expr_canonical(const struct cdp_expr *e, struct cdp_buf *out);
/* A constant? then *out. */
bool cdp_expr_constant(const struct cdp_expr *e, struct cdp_value *out);

/* What holds for a whole run. */
struct cdp_run {
	struct cdp_time as_of;
	const struct cdp_zone *zone;
	const struct cdp_calendar *calendar; /* of trading days, or NULL */
};

/* One evaluator a thread. */
struct cdp_eval *cdp_eval_new(const struct cdp_run *run);
void cdp_eval_free(struct cdp_eval *ev);
/* The run has another base time. */
void cdp_eval_set_base(struct cdp_eval *ev, struct cdp_time as_of);
/* Values handed out so far are gone.  Cheap: call it for every record, or memory grows.
 */
void cdp_eval_reset(struct cdp_eval *ev);
/* Answers for host references and aggregates (index into cdp_aggs).  A missing answer is
 * -1 with an evaluation error; has() is then false. */
void cdp_eval_set_host(struct cdp_eval *ev,
		       int (*fetch)(void *host, int ref, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host);
/* `function` counts in env.functions. */
void cdp_eval_set_call(struct cdp_eval *ev,
		       int (*call)(void *host, unsigned function,
				   const struct cdp_value *args, size_t count,
				   struct cdp_value *out, struct cdp_err *err),
		       void *host);
void cdp_eval_set_aggs(struct cdp_eval *ev,
		       int (*fetch)(void *host, unsigned agg, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host);
/* Answers for functions over the population (index into cdp_pops). */
void cdp_eval_set_pops(struct cdp_eval *ev,
		       int (*fetch)(void *host, unsigned pop, struct cdp_value *out,
				    struct cdp_err *err),
		       void *host);

/* Answers for entity('product', ID).NAME: 1 and *out, or 0 if there is no such row or it
 * has no such member. */
void cdp_eval_set_entities(struct cdp_eval *ev,
			   int (*fetch)(const void *host, int ref,
					const struct cdp_value *id,
					struct cdp_arena *arena, struct cdp_value *out),
			   const void *host);

/* Memory that lasts until the reset, for hosts that make values (cdp_list_new,
 * cdp_map_new, cdp_value_from_json). */
struct cdp_arena *cdp_eval_arena(struct cdp_eval *ev);
const struct cdp_run *cdp_eval_run(const struct cdp_eval *ev);

/* `rec` may be NULL if the expression has no members.  -1: evaluation error
 * (CDP_ERR_EVAL); err may be NULL: nobody asks why. */
int cdp_expr_value(const struct cdp_expr *e, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_value *out, struct cdp_err *err);
/* 1 true, 0 false, -1 an error or no bool (the record does not match; the caller counts
 * it). */
int cdp_expr_match(const struct cdp_expr *e, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err);

#endif
