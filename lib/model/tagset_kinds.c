/* Kinds of tags: each definition becomes an expression, or layers of them. */
#include "base/mem.h"
#include "base/text.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 1000 };

/* --- constants --- */

static int constant(struct cdp_tagset *s, const struct cdp_tag *t, const json_t *j,
		    const char *where, struct cdp_value *v, struct cdp_err *err)
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
	/* No constant is a timestamp: no zone is needed. */
	if (!cdp_tag_type_fit(t->type, v, NULL, &s->arena))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: is no %s", where,
				   cdp_tag_type_name(t->type));
	return 0;
}

/* --- layers --- */

static int load_layer(struct cdp_tagset *s, struct cdp_tag *t, const json_t *l,
		      struct cdp_tag_layer *to, const char *where, struct cdp_err *err)
{
	static const char *const known[] = { "value", "when", NULL };
	const json_t *when = json_object_get(l, "when");
	char place[64];

	if (!json_is_object(l))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", where);
	if (cdp_tree_known(l, known, where, err) < 0)
		return -1;
	snprintf(place, sizeof(place), "%s.value", where);
	if (!json_object_get(l, "value"))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: missing", place);
	if (constant(s, t, json_object_get(l, "value"), place, &to->value, err) < 0)
		return -1;
	snprintf(place, sizeof(place), "%s.when", where);
	return cdp_tag_compile_condition(s, t, when, place, &to->when, err);
}

static int load_layers(struct cdp_tagset *s, struct cdp_tag *t, const json_t *layers,
		       struct cdp_err *err)
{
	size_t n = json_array_size(layers);
	char where[48];

	if (n == 0 || n > LAYERS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "layers: expected a list of at most %d layers",
				   LAYERS_MAX);
	t->layers = cdp_calloc(n, sizeof(*t->layers));
	for (; t->layer_count < n; t->layer_count++) {
		snprintf(where, sizeof(where), "layers[%zu]", t->layer_count);
		if (load_layer(s, t, json_array_get(layers, t->layer_count),
			       &t->layers[t->layer_count], where, err) < 0)
			return -1;
	}
	return 0;
}

/* --- kinds that are one expression --- */

static const struct kind {
	const char *member;
	cdp_tag_put *put;
	const char *const *known; /* members of the object; NULL: a text */
	bool number;              /* may go into buckets */
} kinds[] = {
#define KNOWN(...)                                                                       \
	(const char *const[])                                                            \
	{                                                                                \
		__VA_ARGS__, NULL                                                        \
	}
#define EVENTS "event", "where", "within"
	{ "value", NULL, NULL, true },
	{ "layers", NULL, NULL, false },
	{ "import", NULL, NULL, false },
	{ "program", NULL, NULL, false },
	{ "metric", cdp_tag_put_metric, KNOWN("aggregate", "of", EVENTS), true },
	{ "distribution", cdp_tag_put_distribution, KNOWN(EVENTS), true },
	{ "first", cdp_tag_put_occurrence, KNOWN("give", EVENTS), true },
	{ "last", cdp_tag_put_occurrence, KNOWN("give", EVENTS), true },
	{ "matrix", cdp_tag_put_matrix, KNOWN("axes", "names", "between"), false },
	{ "rfm", cdp_tag_put_rfm, KNOWN("r", "f", "m", "among", "names"), false },
	{ "preference", cdp_tag_put_preference,
	  KNOWN("property", "by", "of", "top", "at_least", EVENTS), false },
	{ "drift", cdp_tag_put_drift,
	  KNOWN("property", "by", "aggregate", "of", "periods", EVENTS), false },
#undef EVENTS
#undef KNOWN
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static int put_value(struct cdp_tagset *s, struct cdp_tag *t, const struct kind *k,
		     struct cdp_buf *b, const json_t *o, struct cdp_err *err)
{
	const json_t *def = json_object_get(o, k->member);

	if (!k->known)
		return cdp_tag_put_customer_part(s, t, b, def, k->member, err) < 0 ? -1
										   : 0;
	if (!json_is_object(def))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
				   k->member);
	if (cdp_tree_known(def, k->known, k->member, err) < 0)
		return -1;
	return k->put(s, t, b, def, k->member, err);
}

static int check_type(const struct cdp_tag *t, struct cdp_err *err)
{
	int type = cdp_expr_type(t->value);

	if (type < 0 || cdp_tag_type_may_fit(t->type, (enum cdp_vtype)type))
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: gives %s, which is no %s", t->kind,
			   cdp_type_word((enum cdp_vtype)type),
			   cdp_tag_type_name(t->type));
}

static int load_expression(struct cdp_tagset *s, struct cdp_tag *t, const struct kind *k,
			   const json_t *o, struct cdp_err *err)
{
	const json_t *buckets = json_object_get(o, "buckets");
	const json_t *percent = json_object_get(o, "percent");
	const json_t *def = json_object_get(o, k->member);
	struct cdp_buf b;
	int ret;

	if (!buckets && !percent && !k->known && json_is_string(def)) {
		ret = cdp_tag_compile(s, t, json_string_value(def),
				      json_string_length(def), k->member, &t->value, err);
		return ret < 0 ? -1 : check_type(t, err);
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	ret = put_value(s, t, k, &b, o, err);
	if (ret == 0 && buckets)
		ret = cdp_tag_wrap_buckets(&b, buckets, err);
	if (ret == 0 && percent)
		ret = cdp_tag_wrap_percent(s, t, &b, percent, err);
	if (ret == 0)
		ret = cdp_tag_compile(s, t, b.p, b.n, k->member, &t->value, err);
	cdp_buf_release(&b);
	return ret < 0 ? -1 : check_type(t, err);
}

/* Numbers alone have ranges, and one kind of them. */
static int check_ranges(const struct kind *k, const json_t *o, struct cdp_err *err)
{
	static const char *const ranges[] = { "buckets", "percent" };

	for (size_t i = 0; i < 2; i++)
		if (json_object_get(o, ranges[i]) && !k->number)
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: not with %s",
					   ranges[i], k->member);
	if (json_object_get(o, ranges[0]) && json_object_get(o, ranges[1]))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "has both buckets and percent: expected one of them");
	return 0;
}

static const struct kind *find_kind(const json_t *o, struct cdp_err *err)
{
	const struct kind *found = NULL;

	for (size_t i = 0; i < KINDS; i++) {
		if (!json_object_get(o, kinds[i].member))
			continue;
		if (found) {
			cdp_err_set(err, CDP_ERR_USAGE,
				    "has both %s and %s: expected one of them",
				    found->member, kinds[i].member);
			return NULL;
		}
		found = &kinds[i];
	}
	if (!found)
		cdp_err_set(err, CDP_ERR_USAGE,
			    "nothing says how it is made: value, layers, metric ...");
	return found;
}

static int check_members(const json_t *o, struct cdp_err *err)
{
	static const char *const more[] = { "else", "nullif", "buckets", "percent",
					    "model" };
	const char *known[64];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		known[n++] = more[i];
	for (size_t i = 0; i < KINDS; i++)
		known[n++] = kinds[i].member;
	for (size_t i = 0; cdp_tag_about_members[i]; i++)
		known[n++] = cdp_tag_about_members[i];
	known[n] = NULL;
	return cdp_tree_known(o, known, "", err);
}

int cdp_tag_load_value(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		       struct cdp_err *err)
{
	const struct kind *k;
	const json_t *def;

	if (check_members(o, err) < 0)
		return -1;
	k = find_kind(o, err);
	if (!k)
		return -1;
	t->kind = k->member;
	def = json_object_get(o, k->member);
	if (check_ranges(k, o, err) < 0)
		return -1;
	if (constant(s, t, json_object_get(o, "else"), "else", &t->otherwise, err) < 0 ||
	    constant(s, t, json_object_get(o, "nullif"), "nullif", &t->nullif, err) < 0)
		return -1;
	if (cdp_tag_load_model(s, t, json_object_get(o, "model"), err) < 0)
		return -1;
	if (strcmp(k->member, "layers") == 0)
		return load_layers(s, t, def, err);
	if (strcmp(k->member, "import") == 0)
		return cdp_tag_load_import(s, t, def, err);
	if (strcmp(k->member, "program") == 0)
		return cdp_tag_load_program(s, t, def, err);
	return load_expression(s, t, k, o, err);
}
