#include "model/tagset.h"

#include "record/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REF_MAX = 0xffffff };

static const char *const type_names[] = { "any",    "bool", "int",  "number",   "decimal",
					  "string", "list", "date", "datetime", NULL };

/* What resolve() needs: the set and the tag whose expression is being compiled. */
struct scope {
	struct cdp_tagset *set;
	struct cdp_tag *tag;
};

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	struct scope *sc = host;
	struct cdp_tagset *s = sc->set;
	enum cdp_tag_ref kind;
	uint32_t i;

	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE, "'%s' needs a name: '%s.NAME'",
				   names[0], names[0]);
	*used = 2;
	if (strcmp(names[0], "tags") == 0) {
		kind = CDP_TAG_REF_TAG;
		i = cdp_intern_get(s->names, names[1], strlen(names[1]));
		if (i == CDP_INTERN_NONE)
			return cdp_depend_unknown(s->names, "tag", names[1], err);
		cdp_needs_add(&sc->tag->needs, i);
	} else if (strcmp(names[0], "profile") == 0) {
		kind = CDP_TAG_REF_ATTRIBUTE;
		i = cdp_intern_put(s->attributes, names[1], strlen(names[1]), NULL);
	} else {
		kind = CDP_TAG_REF_DETAIL;
		i = cdp_intern_put(s->details, names[1], strlen(names[1]), NULL);
	}
	if (i > REF_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "too many names");
	return (int)((uint32_t)kind << 24 | i);
}

static void note_function(void *ctx, enum cdp_use what, int number)
{
	struct cdp_tag *t = ctx;

	if (what == CDP_USE_POP)
		cdp_needs_add(&t->functions, (uint32_t)number);
}

static int compile(struct cdp_tagset *s, struct cdp_tag *t, const json_t *text,
		   const char *where, struct cdp_expr **out, struct cdp_err *err)
{
	static const char *const roots[] = { "tags", "profile", "details", NULL };
	static const char *const none[] = { NULL };
	struct scope sc = { s, t };
	struct cdp_env events = { .paths = s->paths, .members = cdp_event_members };
	struct cdp_env env = { .paths = s->paths,
			       .members = none,
			       .roots = roots,
			       .resolve = resolve,
			       .host = &sc,
			       .aggs = s->aggs,
			       .event_env = &events,
			       .pops = s->pops };

	if (!json_is_string(text))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an expression",
				   where);
	if (cdp_expr_compile(out, json_string_value(text), json_string_length(text), &env,
			     err) < 0) {
		cdp_err_prefix(err, "%s", where);
		return -1;
	}
	cdp_expr_uses(*out, note_function, t);
	return 0;
}

/* A constant of the definition: null, bool, number or string. */
static int constant(struct cdp_tagset *s, const json_t *j, const char *where,
		    struct cdp_value *v, struct cdp_err *err)
{
	memset(v, 0, sizeof(*v));
	if (!j || json_is_null(j)) {
		v->type = CDP_V_NULL;
	} else if (json_is_boolean(j)) {
		v->type = CDP_V_BOOL;
		v->b = json_is_true(j);
	} else if (json_is_integer(j)) {
		v->type = CDP_V_INT;
		v->i = json_integer_value(j);
	} else if (json_is_real(j)) {
		v->type = CDP_V_DOUBLE;
		v->d = json_real_value(j);
	} else if (json_is_string(j)) {
		v->type = CDP_V_STRING;
		v->s.n = json_string_length(j);
		v->s.p = cdp_arena_strndup(&s->arena, json_string_value(j), v->s.n);
	} else {
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: expected null, true, false, a number or a string",
				   where);
	}
	return 0;
}

static int load_layers(struct cdp_tagset *s, struct cdp_tag *t, const json_t *layers,
		       struct cdp_err *err)
{
	static const char *const known[] = { "value", "when", NULL };
	size_t n = json_array_size(layers);

	if (n == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "layers: expected a list of layers");
	t->layers = cdp_calloc(n, sizeof(*t->layers));
	for (; t->layer_count < n; t->layer_count++) {
		const json_t *l = json_array_get(layers, t->layer_count);
		struct cdp_tag_layer *to = &t->layers[t->layer_count];
		char where[48];

		snprintf(where, sizeof(where), "layers[%zu]", t->layer_count);
		if (!json_is_object(l))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
					   where);
		if (cdp_tree_known(l, known, where, err) < 0)
			return -1;
		snprintf(where, sizeof(where), "layers[%zu].value", t->layer_count);
		if (!json_object_get(l, "value"))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: missing", where);
		if (constant(s, json_object_get(l, "value"), where, &to->value, err) < 0)
			return -1;
		snprintf(where, sizeof(where), "layers[%zu].when", t->layer_count);
		if (compile(s, t, json_object_get(l, "when"), where, &to->when, err) < 0)
			return -1;
	}
	return 0;
}

static int load_type(struct cdp_tag *t, const json_t *o, struct cdp_err *err)
{
	const char *type = NULL;

	if (cdp_tree_str(o, "type", &type, false, "", err) < 0)
		return -1;
	for (int i = 0; type && type_names[i]; i++)
		if (strcmp(type_names[i], type) == 0) {
			t->type = (enum cdp_tag_type)i;
			return 0;
		}
	if (type)
		return cdp_err_set(err, CDP_ERR_USAGE, "type: unknown type '%s'", type);
	return 0;
}

static int load_tag(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		    struct cdp_err *err)
{
	static const char *const known[] = { "name",  "title",  "type", "owner", "class",
					     "value", "layers", "else", NULL };
	const json_t *value = json_object_get(o, "value");
	const json_t *layers = json_object_get(o, "layers");
	const char *text = NULL;

	if (cdp_tree_known(o, known, "", err) < 0 || load_type(t, o, err) < 0)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		static const char *const words[] = { "title", "owner", "class" };

		if (cdp_tree_str(o, words[i], &text, false, "", err) < 0)
			return -1;
	}
	if (!value == !layers)
		return cdp_err_set(err, CDP_ERR_USAGE, "expected either value or layers");
	if (constant(s, json_object_get(o, "else"), "else", &t->otherwise, err) < 0)
		return -1;
	return value ? compile(s, t, value, "value", &t->value, err)
		     : load_layers(s, t, layers, err);
}

/* Which files the tags are from: those of files[i] begin with tag from[i]. */
struct origin {
	const char *const *files;
	size_t *from, n;
};

static size_t file_of(const struct origin *o, unsigned tag)
{
	size_t i = o->n - 1;

	while (o->from[i] > tag)
		i--;
	return i;
}

/* Names first, so that a tag may stand before those that it needs. */
static int load_names(struct cdp_tagset *s, const json_t *list, const struct origin *from,
		      unsigned *bad, struct cdp_err *err)
{
	for (unsigned i = 0; i < s->count; i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = NULL;
		char where[32];
		bool added;

		*bad = i;
		snprintf(where, sizeof(where), "tags[%zu]",
			 i - from->from[file_of(from, i)]);
		if (!json_is_object(o))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
					   where);
		if (cdp_tree_str(o, "name", &name, true, where, err) < 0)
			return -1;
		s->tags[i].name = cdp_strdup(name);
		cdp_intern_put(s->names, name, strlen(name), &added);
		if (!*name || !added)
			return cdp_err_set(err, CDP_ERR_USAGE, "%s.name: '%s' %s", where,
					   name, *name ? "stands twice" : "is empty");
	}
	return 0;
}

static int put_in_order(struct cdp_tagset *s, unsigned *bad, struct cdp_err *err)
{
	int64_t at;

	s->order = cdp_alloc(s->count * sizeof(*s->order));
	at = cdp_depend_order(s->order, s->count, &s->tags->needs, sizeof(*s->tags));
	if (at >= 0) {
		*bad = (unsigned)at;
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: depends on itself",
				   s->tags[at].name);
	}
	return 0;
}

/* The definitions of all files as one list. */
static json_t *join_files(struct origin *o, struct cdp_err *err)
{
	static const char *const known[] = { "tags", "title", NULL };
	json_t *all = json_array();

	for (size_t i = 0; i < o->n; i++) {
		json_t *root = cdp_tree_load(o->files[i], err);
		const json_t *list = json_object_get(root, "tags");
		int ret = root ? cdp_tree_known(root, known, "", err) : -1;

		o->from[i] = json_array_size(all);
		if (root && ret == 0 && json_array_size(list) == 0)
			ret = cdp_err_set(err, CDP_ERR_USAGE,
					  "tags: expected a list of tags");
		if (root && ret < 0)
			cdp_err_prefix(err, "%s", o->files[i]);
		for (size_t k = 0; ret == 0 && k < json_array_size(list); k++)
			json_array_append(all, json_array_get(list, k));
		json_decref(root);
		if (ret < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

/* Tag `*bad` is the one that an error is about. */
static int load(struct cdp_tagset *s, const json_t *list, const struct origin *from,
		unsigned *bad, struct cdp_err *err)
{
	s->count = (unsigned)json_array_size(list);
	s->tags = cdp_calloc(s->count, sizeof(*s->tags));
	if (load_names(s, list, from, bad, err) < 0)
		return -1;
	for (*bad = 0; *bad < s->count; ++*bad)
		if (load_tag(s, &s->tags[*bad], json_array_get(list, *bad), err) < 0) {
			cdp_err_prefix(err, "%s", s->tags[*bad].name);
			return -1;
		}
	return put_in_order(s, bad, err);
}

struct cdp_tagset *cdp_tagset_load(const char *const *files, size_t n,
				   struct cdp_paths *paths, const struct cdp_run *run,
				   struct cdp_err *err)
{
	struct origin from = { files, cdp_calloc(n, sizeof(*from.from)), n };
	json_t *list = join_files(&from, err);
	struct cdp_tagset *s;
	unsigned bad = 0;
	int ret;

	if (!list) {
		free(from.from);
		return NULL;
	}
	s = cdp_calloc(1, sizeof(*s));
	s->paths = paths;
	s->aggs = cdp_aggs_new();
	s->pops = cdp_pops_new();
	s->names = cdp_intern_new(0);
	s->attributes = cdp_intern_new(0);
	s->details = cdp_intern_new(0);
	cdp_arena_init(&s->arena);
	ret = load(s, list, &from, &bad, err);
	json_decref(list);
	if (ret == 0)
		ret = cdp_aggs_bind(s->aggs, run, err);
	if (ret < 0) {
		cdp_err_prefix(err, "%s", files[file_of(&from, bad)]);
		cdp_tagset_free(s);
		s = NULL;
	}
	free(from.from);
	return s;
}

void cdp_tagset_free(struct cdp_tagset *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->tags && i < s->count; i++) {
		struct cdp_tag *t = &s->tags[i];

		free(t->name);
		free(t->needs.v);
		free(t->functions.v);
		cdp_expr_free(t->value);
		for (size_t k = 0; k < t->layer_count; k++)
			cdp_expr_free(t->layers[k].when);
		free(t->layers);
	}
	free(s->tags);
	free(s->order);
	cdp_aggs_free(s->aggs);
	cdp_pops_free(s->pops);
	cdp_intern_free(s->names);
	cdp_intern_free(s->attributes);
	cdp_intern_free(s->details);
	cdp_arena_release(&s->arena);
	free(s);
}
