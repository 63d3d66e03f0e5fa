/* Expressions that are made of parts of a definition.
 *
 * A part that people wrote is compiled by itself first, so that its errors point into it.
 * Then it stands in brackets on lines of its own: what is whole by itself and cannot
 * comment out its bracket means the same there. */
#include "base/time.h"
#include "model/tagset_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REF_MAX = 0xffffff };

/* What resolve() needs: the set and the tag whose expression is being compiled. */
struct scope {
	struct cdp_tagset *set;
	struct cdp_tag *tag;
};

static int resolve_tag(struct scope *sc, const char *name, struct cdp_err *err)
{
	struct cdp_tagset *s = sc->set;
	uint32_t i = cdp_intern_get(s->names, name, strlen(name));

	if (i != CDP_INTERN_NONE) {
		cdp_needs_add(&sc->tag->needs, i);
		return (int)i;
	}
	if (cdp_intern_get(s->stopped, name, strlen(name)) != CDP_INTERN_NONE)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "tag '%s' is not computed, see its status", name);
	return cdp_depend_unknown(s->names, "tag", name, err);
}

int cdp_tagset_resolve(struct cdp_tagset *set, const char *const *names, size_t count,
		       size_t *used, struct cdp_err *err)
{
	const struct {
		const char *root;
		enum cdp_tag_ref kind;
		struct cdp_intern *names;
	} roots[] = { { "profile", CDP_TAG_REF_ATTRIBUTE, set->attributes },
		      { "details", CDP_TAG_REF_DETAIL, set->details },
		      { "relations", CDP_TAG_REF_RELATION, set->relations },
		      { "links", CDP_TAG_REF_LINK, set->relations } };
	size_t r = 0;
	int i;

	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE, "'%s' needs a name: '%s.NAME'",
				   names[0], names[0]);
	*used = 2;
	while (strcmp(names[0], roots[r].root) != 0)
		r++;
	i = (int)cdp_intern_put(roots[r].names, names[1], strlen(names[1]), NULL);
	set->links |= roots[r].kind == CDP_TAG_REF_LINK;
	if (i > REF_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "too many names");
	return (int)((uint32_t)roots[r].kind << 24 | (uint32_t)i);
}

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	struct scope *sc = host;

	if (strcmp(names[0], "tags") != 0 || count < 2)
		return cdp_tagset_resolve(sc->set, names, count, used, err);
	*used = 2;
	return resolve_tag(sc, names[1], err);
}

/* A tag's value has its type or is null, so that mistakes are found when it is named. */
static int type_of(void *host, int ref)
{
	static const int types[] = {
		[CDP_TAG_ANY] = -1,
		[CDP_TAG_BOOL] = CDP_V_BOOL,
		[CDP_TAG_INT] = CDP_V_INT,
		[CDP_TAG_BIGINT] = CDP_V_DOUBLE,
		[CDP_TAG_NUMBER] = CDP_V_DOUBLE,
		[CDP_TAG_DECIMAL] = CDP_V_DOUBLE,
		[CDP_TAG_STRING] = CDP_V_STRING,
		[CDP_TAG_LIST] = CDP_V_LIST,
		[CDP_TAG_MAP] = CDP_V_MAP,
		[CDP_TAG_DATE] = CDP_V_STRING,
		[CDP_TAG_DATETIME] = CDP_V_TIMESTAMP,
	};
	const struct scope *sc = host;

	switch (cdp_tag_ref_kind(ref)) {
	case CDP_TAG_REF_TAG: /* a tag that is not computed knows of names alone */
		return sc->set->tags ? types[sc->set->tags[cdp_tag_ref_index(ref)].type]
				     : -1;
	case CDP_TAG_REF_DETAIL:
		return CDP_V_LIST;
	default:
		return -1;
	}
}

static void note_tag(void *ctx, enum cdp_use what, int ref)
{
	struct scope *sc = ctx;

	if (what == CDP_USE_HOST && cdp_tag_ref_kind(ref) == CDP_TAG_REF_TAG)
		cdp_needs_add(&sc->tag->needs, cdp_tag_ref_index(ref));
}

/* A function that an earlier tag has, too, was compiled there: so were the names of the
 * tags in it. */
static void note_function(void *ctx, enum cdp_use what, int number)
{
	struct scope *sc = ctx;
	const struct cdp_pop *f;

	if (what != CDP_USE_POP)
		return;
	f = cdp_pops_at(sc->set->pops, (unsigned)number);
	cdp_needs_add(&sc->tag->functions, (uint32_t)number);
	cdp_expr_uses(f->arg, note_tag, sc);
	if (f->cond)
		cdp_expr_uses(f->cond, note_tag, sc);
}

struct cdp_env cdp_tagset_event_env(struct cdp_tagset *s)
{
	return (struct cdp_env){ .paths = s->paths,
				 .members = cdp_event_members,
				 .resolve_entity = cdp_entities_resolve,
				 .entity_host = s->entities };
}

typedef int compile_fn(struct cdp_expr **out, const char *text, size_t n,
		       const struct cdp_env *env, struct cdp_err *err);

static int compile(struct cdp_tagset *s, struct cdp_tag *t, const char *text, size_t n,
		   compile_fn *fn, const char *where, struct cdp_expr **out,
		   struct cdp_err *err)
{
	static const char *const roots[] = { "tags",      "profile", "details",
					     "relations", "links",   NULL };
	static const char *const none[] = { NULL };
	struct scope sc = { s, t };
	struct cdp_env events = cdp_tagset_event_env(s);
	struct cdp_env env = { .paths = s->paths,
			       .members = none,
			       .roots = roots,
			       .resolve = resolve,
			       .host = &sc,
			       .type_of = type_of,
			       .resolve_entity = cdp_entities_resolve,
			       .entity_host = s->entities,
			       .aggs = s->aggs,
			       .event_env = &events,
			       .pops = s->pops,
			       .zone = t->about.zone ? cdp_zone_name(t->about.zone)
						     : NULL };

	if (fn(out, text, n, &env, err) < 0) {
		cdp_err_prefix(err, "%s", where);
		return -1;
	}
	cdp_expr_uses(*out, note_function, &sc);
	return 0;
}

int cdp_tag_compile(struct cdp_tagset *s, struct cdp_tag *t, const char *text, size_t n,
		    const char *where, struct cdp_expr **out, struct cdp_err *err)
{
	return compile(s, t, text, n, cdp_expr_compile, where, out, err);
}

int cdp_tag_compile_condition(struct cdp_tagset *s, struct cdp_tag *t, const json_t *text,
			      const char *where, struct cdp_expr **out,
			      struct cdp_err *err)
{
	if (!json_is_string(text))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected a condition", where);
	return compile(s, t, json_string_value(text), json_string_length(text),
		       cdp_expr_compile_condition, where, out, err);
}

static void put_brackets(struct cdp_buf *b, const json_t *text)
{
	cdp_buf_adds(b, "(\n");
	cdp_buf_add(b, json_string_value(text), json_string_length(text));
	cdp_buf_adds(b, "\n)");
}

int cdp_tag_put_event_part(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			   const char *key, bool required, const char *where,
			   struct cdp_err *err)
{
	struct cdp_env events = cdp_tagset_event_env(s);
	const json_t *text = json_object_get(o, key);
	struct cdp_expr *e;

	if (!text && !required)
		return 0;
	if (!json_is_string(text))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   text ? "%s.%s: expected an expression over one event"
					: "%s.%s: missing",
				   where, key);
	if (cdp_expr_compile(&e, json_string_value(text), json_string_length(text),
			     &events, err) < 0) {
		cdp_err_prefix(err, "%s.%s", where, key);
		return -1;
	}
	cdp_expr_free(e);
	put_brackets(b, text);
	return 1;
}

int cdp_tag_put_customer_part(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			      const json_t *text, const char *where, struct cdp_err *err)
{
	struct cdp_expr *e;

	if (!json_is_string(text))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   text ? "%s: expected an expression" : "%s: missing",
				   where);
	if (cdp_tag_compile(s, t, json_string_value(text), json_string_length(text),
			    where, &e, err) < 0)
		return -1;
	cdp_expr_free(e);
	put_brackets(b, text);
	return 1;
}

/* --- literals --- */

void cdp_tag_put_string(struct cdp_buf *b, const char *p, size_t n)
{
	cdp_buf_addc(b, '\'');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\'' || c == '\\') {
			cdp_buf_addc(b, '\\');
			cdp_buf_addc(b, (char)c);
		} else if (c < ' ' || c == 0x7f) {
			cdp_buf_addf(b, "\\u%04x", c);
		} else {
			cdp_buf_addc(b, (char)c);
		}
	}
	cdp_buf_addc(b, '\'');
}

int cdp_tag_put_constant(struct cdp_buf *b, const json_t *j, const char *where,
			 struct cdp_err *err)
{
	char number[40];

	if (json_is_null(j)) {
		cdp_buf_adds(b, "null");
	} else if (json_is_boolean(j)) {
		cdp_buf_adds(b, json_is_true(j) ? "true" : "false");
	} else if (json_is_integer(j)) {
		cdp_buf_addi(b, json_integer_value(j));
	} else if (json_is_real(j)) {
		snprintf(number, sizeof(number), "%.17g", json_real_value(j));
		cdp_buf_adds(b, number);
		if (!strpbrk(number, ".e"))
			cdp_buf_adds(b, ".0");
	} else if (json_is_string(j)) {
		cdp_tag_put_string(b, json_string_value(j), json_string_length(j));
	} else {
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: expected null, true, false, a number or a string",
				   where);
	}
	return 0;
}

/* --- which events --- */

/* `event`: a name, or a list of them. */
static int put_names(struct cdp_buf *b, const json_t *names, const char *where,
		     struct cdp_err *err)
{
	size_t n = json_array_size(names);

	if (json_string_length(names)) {
		cdp_buf_adds(b, "event == ");
		cdp_tag_put_string(b, json_string_value(names),
				   json_string_length(names));
		return 0;
	}
	cdp_buf_adds(b, "event in ");
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_array_get(names, i);

		if (!json_string_length(name))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s.event[%zu]: expected the name of an event",
					   where, i);
		cdp_buf_addc(b, i ? ',' : '[');
		cdp_tag_put_string(b, json_string_value(name), json_string_length(name));
	}
	cdp_buf_addc(b, ']');
	return n ? 0
		 : cdp_err_set(
			   err, CDP_ERR_USAGE,
			   "%s.event: expected the name of an event or a list of them",
			   where);
}

/* `within`: '30d' is a window. */
static int put_window(struct cdp_buf *b, const json_t *o, const char *where,
		      struct cdp_err *err)
{
	const char *text = NULL;
	int64_t ns;

	if (cdp_tree_str(o, "within", &text, true, where, err) < 0)
		return -1;
	if (cdp_duration_parse(&ns, text, strlen(text), err) < 0) {
		cdp_err_prefix(err, "%s.within", where);
		return -1;
	}
	if (ns <= 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.within: must be above zero",
				   where);
	cdp_tag_put_string(b, text, strlen(text));
	return 0;
}

int cdp_tag_put_condition(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			  const char *between, const char *window, const char *where,
			  struct cdp_err *err)
{
	if (json_object_get(o, "event")) {
		cdp_buf_adds(b, between);
		between = " && ";
		if (put_names(b, json_object_get(o, "event"), where, err) < 0)
			return -1;
	}
	if (json_object_get(o, "where")) {
		cdp_buf_adds(b, between);
		between = " && ";
		if (cdp_tag_put_event_part(s, b, o, "where", false, where, err) < 0)
			return -1;
	}
	if (window) {
		cdp_buf_addf(b, "%s%s", between, window);
	} else if (json_object_get(o, "within")) {
		cdp_buf_addf(b, "%swithin(", between);
		if (put_window(b, o, where, err) < 0)
			return -1;
		cdp_buf_addc(b, ')');
	}
	return 0;
}
