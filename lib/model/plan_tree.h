/* Inside of reading a plan: its tree, with errors that name the place. */
#ifndef CDP_MODEL_PLAN_TREE_H
#define CDP_MODEL_PLAN_TREE_H

#include "model/plan_priv.h"
#include "record/tree.h"

/* Where in the plan we are: "events.buy_fund.properties.amount". */
struct plan_where {
	char s[240];
};

struct plan_where plan_below(const struct plan_where *w, const char *key);
/* -1 and "events.buy_fund.properties: what". */
int plan_bad(struct cdp_err *err, const struct plan_where *w, const char *key,
	     const char *what);
/* The index of `text` among the names, or -1. */
int plan_one_of(const char *const *names, size_t count, const char *what,
		const char *text, const struct plan_where *w, const char *key,
		struct cdp_err *err);
/* A copy of the member, NULL if there is none; free with free(). */
int plan_dup_str(const json_t *o, const char *key, char **out, bool required,
		 const struct plan_where *w, struct cdp_err *err);
/* As a JSON string; free with free(). */
char *plan_quoted(const char *s);
/* A string, or a list of them; *n are there even after an error. */
int plan_strings(const json_t *o, const char *key, char ***out, size_t *n,
		 const struct plan_where *w, struct cdp_err *err);
/* An object, or nothing. */
int plan_object(const json_t *o, const char *key, const json_t **out,
		const struct plan_where *w, struct cdp_err *err);

/* plan_props.c */

/* The members since and until. */
int plan_load_period(const json_t *o, struct plan_period *p, const struct cdp_zone *zone,
		     const struct plan_where *w, struct cdp_err *err);
/* The name of the i-th thing and the aliases that its definition gives. */
int plan_add_names(struct cdp_intern *names, unsigned **alias_of, unsigned i,
		   const char *name, const json_t *o, const struct plan_where *w,
		   struct cdp_err *err);
/* Properties of an event or object; `common` are those of all events, or NULL. */
int plan_load_props(struct cdp_plan *plan, struct plan_props *props, const json_t *list,
		    const json_t *common, const struct plan_where *w,
		    struct cdp_err *err);

#endif
