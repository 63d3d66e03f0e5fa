#include "model/segments.h"

#include "base/mem.h"
#include "record/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What resolve() needs: the set and the audience whose rule is being compiled. */
struct scope {
	struct cdp_segments *set;
	struct cdp_segment *segment;
};

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	struct scope *sc = host;
	uint32_t i;

	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'segments' needs a name: 'segments.NAME'");
	*used = 2;
	i = cdp_intern_get(sc->set->names, names[1], strlen(names[1]));
	if (i == CDP_INTERN_NONE)
		return cdp_depend_unknown(sc->set->names, "segment", names[1], err);
	cdp_needs_add(&sc->segment->needs, i);
	return (int)i;
}

static int add_name(struct cdp_segments *s, const char *name, size_t n,
		    struct cdp_err *err)
{
	bool added;

	cdp_intern_put(s->names, name, n, &added);
	if (n == 0 || !added)
		return cdp_err_set(err, CDP_ERR_USAGE, "segments[%u].name: '%s' %s",
				   s->count, name, n ? "stands twice" : "is empty");
	CDP_GROW(s->v, s->count, s->cap);
	s->v[s->count++] = (struct cdp_segment){ .name = cdp_strndup(name, n) };
	return 0;
}

/* Names first, so that a rule may refer to what stands below it. */
static int load_names(struct cdp_segments *s, const json_t *list,
		      const struct cdp_intern *given, struct cdp_err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = NULL;
		char where[32];

		snprintf(where, sizeof(where), "segments[%zu]", i);
		if (!json_is_object(o))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
					   where);
		if (cdp_tree_str(o, "name", &name, true, where, err) < 0 ||
		    add_name(s, name, strlen(name), err) < 0)
			return -1;
	}
	s->defined = s->count;
	for (uint32_t i = 0; given && i < cdp_intern_count(given); i++) {
		size_t n;
		const char *name = cdp_intern_key(given, i, &n);

		if (cdp_intern_get(s->names, name, n) == CDP_INTERN_NONE &&
		    add_name(s, name, n, err) < 0)
			return -1;
	}
	return 0;
}

static int load_rule(struct cdp_segments *s, struct cdp_segment *g, const json_t *o,
		     struct cdp_paths *paths, struct cdp_err *err)
{
	static const char *const known[] = { "name",  "title", "owner",
					     "class", "when",  NULL };
	static const char *const roots[] = { "segments", NULL };
	struct scope sc = { s, g };
	struct cdp_env env = { .paths = paths,
			       .members = cdp_profile_members,
			       .roots = roots,
			       .resolve = resolve,
			       .host = &sc };
	const char *when = NULL;

	if (cdp_tree_known(o, known, "", err) < 0 ||
	    cdp_tree_str(o, "when", &when, true, "", err) < 0)
		return -1;
	if (cdp_expr_compile(&g->when, when, strlen(when), &env, err) < 0) {
		cdp_err_prefix(err, "when");
		return -1;
	}
	return 0;
}

static int put_in_order(struct cdp_segments *s, struct cdp_err *err)
{
	int64_t bad;

	s->order = cdp_alloc(s->count * sizeof(*s->order));
	bad = cdp_depend_order(s->order, s->count, &s->v->needs, sizeof(*s->v));
	if (bad >= 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: depends on itself",
				   s->v[bad].name);
	return 0;
}

static int load(struct cdp_segments *s, const json_t *root, struct cdp_paths *paths,
		const struct cdp_intern *given, struct cdp_err *err)
{
	static const char *const known[] = { "segments", "title", NULL };
	const json_t *list = json_object_get(root, "segments");

	if (cdp_tree_known(root, known, "", err) < 0)
		return -1;
	if (json_array_size(list) == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "segments: expected a list of segments");
	if (load_names(s, list, given, err) < 0)
		return -1;
	for (unsigned i = 0; i < s->defined; i++)
		if (load_rule(s, &s->v[i], json_array_get(list, i), paths, err) < 0) {
			cdp_err_prefix(err, "%s", s->v[i].name);
			return -1;
		}
	return put_in_order(s, err);
}

struct cdp_segments *cdp_segments_load(const char *path, struct cdp_paths *paths,
				       const struct cdp_intern *given,
				       struct cdp_err *err)
{
	json_t *root = cdp_tree_load(path, err);
	struct cdp_segments *s;
	int ret;

	if (!root)
		return NULL;
	s = cdp_calloc(1, sizeof(*s));
	s->names = cdp_intern_new(0);
	ret = load(s, root, paths, given, err);
	json_decref(root);
	if (ret < 0) {
		cdp_err_prefix(err, "%s", path);
		cdp_segments_free(s);
		return NULL;
	}
	return s;
}

void cdp_segments_free(struct cdp_segments *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		free(s->v[i].name);
		free(s->v[i].needs.v);
		cdp_expr_free(s->v[i].when);
	}
	free(s->v);
	free(s->order);
	cdp_intern_free(s->names);
	free(s);
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const uint64_t *bits = host;

	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_BOOL,
				   .b = cdp_bit(bits, (unsigned)ref) };
	return 0;
}

unsigned cdp_segments_decide(const struct cdp_segments *s, struct cdp_eval *ev,
			     struct cdp_rec *profile, uint64_t *bits, uint64_t *errors,
			     struct cdp_err *err)
{
	unsigned failed = 0;

	cdp_eval_set_host(ev, fetch, bits);
	for (unsigned i = 0; i < s->count; i++) {
		unsigned at = s->order[i];
		int hit;

		if (!s->v[at].when)
			continue; /* from a stream: decided already */
		hit = cdp_expr_match(s->v[at].when, ev, profile, err);
		if (hit > 0)
			cdp_bit_set(bits, at);
		if (hit < 0) {
			errors[at]++;
			failed++;
		}
	}
	cdp_eval_reset(ev);
	return failed;
}
