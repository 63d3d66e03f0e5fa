/* Loading tags: what the files of tagset share. */
#ifndef CDP_MODEL_TAGSET_PRIV_H
#define CDP_MODEL_TAGSET_PRIV_H

#include "base/buf.h"
#include "model/tagset.h"
#include "record/tree.h"

/* --- about.c: attributes --- */

extern const char *const cdp_tag_about_members[]; /* NULL-ended */
int cdp_tag_name_check(const char *name, struct cdp_err *err);
/* What `status` says: whether the tag is not to be computed. */
int cdp_tag_stopped(const json_t *o, bool *stopped, struct cdp_err *err);
/* The member `type`. */
int cdp_tag_load_type(struct cdp_tag *t, const json_t *o, struct cdp_err *err);
int cdp_tag_load_about(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		       struct cdp_err *err);

/* --- text.c: expressions that are made of parts --- */

/* Compiles an expression over a customer. */
int cdp_tag_compile(struct cdp_tagset *s, struct cdp_tag *t, const char *text, size_t n,
		    const char *where, struct cdp_expr **out, struct cdp_err *err);
/* The same for a condition. */
int cdp_tag_compile_condition(struct cdp_tagset *s, struct cdp_tag *t, const json_t *text,
			      const char *where, struct cdp_expr **out,
			      struct cdp_err *err);
/* Append the text of member KEY of `o`, an expression over one event (or a customer), in
 * brackets; it is compiled alone before, so that its errors point into it and it cannot
 * reach beyond its brackets.  1; 0: there is none and it is not required. */
int cdp_tag_put_event_part(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			   const char *key, bool required, const char *where,
			   struct cdp_err *err);
int cdp_tag_put_customer_part(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			      const json_t *text, const char *where, struct cdp_err *err);
/* Append the condition that `event`, `where` and `within` of `o` make; `between` stands
 * before it if there is one.  `window` replaces `within` unless it is NULL. */
int cdp_tag_put_condition(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			  const char *between, const char *window, const char *where,
			  struct cdp_err *err);
void cdp_tag_put_string(struct cdp_buf *b, const char *p, size_t n);
/* A constant of the definition as a literal: null, bool, number or string; -1: none. */
int cdp_tag_put_constant(struct cdp_buf *b, const json_t *j, const char *where,
			 struct cdp_err *err);

/* --- kinds --- */

/* Everything that says how the value is made. */
int cdp_tag_load_value(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		       struct cdp_err *err);
/* Each appends the expression of one kind. */
typedef int cdp_tag_put(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			const json_t *o, const char *where, struct cdp_err *err);
cdp_tag_put cdp_tag_put_metric, cdp_tag_put_distribution, cdp_tag_put_occurrence,
	cdp_tag_put_matrix, cdp_tag_put_rfm, cdp_tag_put_preference, cdp_tag_put_drift;
/* What kinds are made of: the aggregate that `o` tells, over `window` or its own; the
 * list of favourite values, by count, sum or maximum. */
int cdp_tag_put_aggregate(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			  const char *window, const char *where, struct cdp_err *err);
int cdp_tag_put_favourites(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			   int64_t top, int64_t least, const char *window,
			   const char *where, struct cdp_err *err);
/* Those whose values are given. */
int cdp_tag_load_import(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
			struct cdp_err *err);
int cdp_tag_load_program(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
			 struct cdp_err *err);
void cdp_tag_release_program(struct cdp_tag_program *p);
int cdp_tag_load_model(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
		       struct cdp_err *err);
/* The number that the expression in `b` gives becomes the label of its range. */
int cdp_tag_wrap_buckets(struct cdp_buf *b, const json_t *buckets, struct cdp_err *err);
int cdp_tag_wrap_percent(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			 const json_t *percent, struct cdp_err *err);

#endif
