/* Loading a file of tag definitions. */
#include "model/tagset.h"

#include "model/carry.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A definition and where it stands. */
struct source {
	json_t *obj;
	const char *file;
	size_t at;    /* in its file */
	bool stopped; /* not computed */
};

struct sources {
	struct source *v;
	size_t n, cap;
};

static void release_sources(struct sources *all)
{
	for (size_t i = 0; i < all->n; i++)
		json_decref(all->v[i].obj);
	free(all->v);
}

static int read_file(struct sources *all, const char *file, struct cdp_err *err)
{
	static const char *const known[] = { "tags", "title", NULL };
	json_t *root = cdp_tree_load(file, err);
	const json_t *list = json_object_get(root, "tags");
	int ret;

	if (!root)
		return -1;
	ret = cdp_tree_known(root, known, "", err);
	if (ret == 0 && json_array_size(list) == 0)
		ret = cdp_err_set(err, CDP_ERR_USAGE, "tags: expected a list of tags");
	for (size_t i = 0; ret == 0 && i < json_array_size(list); i++) {
		CDP_GROW(all->v, all->n, all->cap);
		all->v[all->n++] = (struct source){
			.obj = json_incref(json_array_get(list, i)),
			.file = file,
			.at = i,
		};
	}
	json_decref(root);
	if (ret < 0)
		cdp_err_prefix(err, "%s", file);
	return ret;
}

/* Names and types first, so that a tag may stand before those that it needs. */
static int load_name(struct cdp_tagset *s, struct source *from, struct cdp_err *err)
{
	const char *name = NULL;
	struct cdp_intern *names, *others;
	char where[48];
	bool added = false;

	snprintf(where, sizeof(where), "tags[%zu]", from->at);
	if (!json_is_object(from->obj))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", where);
	if (cdp_tree_str(from->obj, "name", &name, true, where, err) < 0)
		return -1;
	if (cdp_tag_name_check(name, err) < 0) {
		cdp_err_prefix(err, "%s.name", where);
		return -1;
	}
	if (cdp_tag_stopped(from->obj, &from->stopped, err) < 0) {
		cdp_err_prefix(err, "%s", name);
		return -1;
	}
	names = from->stopped ? s->stopped : s->names;
	others = from->stopped ? s->names : s->stopped;
	if (cdp_intern_get(others, name, strlen(name)) == CDP_INTERN_NONE)
		cdp_intern_put(names, name, strlen(name), &added);
	if (!added)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.name: '%s' stands twice",
				   where, name);
	if (!from->stopped && cdp_tag_load_type(&s->tags[cdp_intern_count(names) - 1],
						from->obj, err) < 0) {
		cdp_err_prefix(err, "%s", name);
		return -1;
	}
	return 0;
}

static void release_tag(struct cdp_tag *t)
{
	free(t->needs.v);
	free(t->functions.v);
	cdp_expr_free(t->value);
	cdp_tag_release_program(t->program);
	for (size_t k = 0; k < t->layer_count; k++)
		cdp_expr_free(t->layers[k].when);
	free(t->layers);
}

struct cdp_tagset *cdp_tagset_new(struct cdp_paths *paths)
{
	struct cdp_tagset *s = cdp_calloc(1, sizeof(*s));

	s->paths = paths;
	s->aggs = cdp_aggs_new();
	s->pops = cdp_pops_new();
	s->names = cdp_intern_new(0);
	s->stopped = cdp_intern_new(0);
	s->attributes = cdp_intern_new(0);
	s->details = cdp_intern_new(0);
	s->relations = cdp_intern_new(0);
	s->entities = cdp_entities_new();
	cdp_arena_init(&s->arena);
	return s;
}

/* Checks how the value is made, and gathers nothing that only it asks for. */
static int load_apart(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		      struct cdp_err *err)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *aside = cdp_tagset_new(paths), own = *s;
	int ret;

	s->paths = paths;
	s->aggs = aside->aggs;
	s->pops = aside->pops;
	s->attributes = aside->attributes;
	s->details = aside->details;
	s->relations = aside->relations;
	s->entities = aside->entities;
	ret = cdp_tag_load_value(s, t, o, err);
	release_tag(t);
	s->paths = own.paths;
	s->aggs = own.aggs;
	s->pops = own.pops;
	s->attributes = own.attributes;
	s->details = own.details;
	s->relations = own.relations;
	s->entities = own.entities;
	s->links = own.links;
	cdp_tagset_free(aside);
	cdp_paths_free(paths);
	return ret;
}

/* With a history to be kept what it asks for is gathered, but what gives values is not
 * asked. */
static int load_carried(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
			bool history, struct cdp_err *err)
{
	int ret;

	if (history) {
		ret = cdp_tag_load_value(s, t, o, err);
		release_tag(t);
	} else {
		ret = load_apart(s, t, o, err);
	}
	t->needs = t->functions = (struct cdp_needs){ 0 };
	t->value = NULL;
	t->layers = NULL;
	t->layer_count = 0;
	t->import = NULL;
	t->program = NULL;
	t->carried = true;
	return ret;
}

static int load_tag(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		    const struct cdp_carry *carry, struct cdp_err *err)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	int ret;

	t->name = cdp_arena_strndup(&s->arena, name, strlen(name));
	ret = cdp_tag_load_about(s, t, o, err);
	if (ret == 0 && carry)
		t->computed = cdp_carry_since(carry, t);
	if (ret == 0)
		ret = t->computed ? load_carried(s, t, o, cdp_carry_history(carry), err)
				  : cdp_tag_load_value(s, t, o, err);
	if (ret < 0)
		cdp_err_prefix(err, "%s", name);
	return ret;
}

/* A tag that is not computed: nothing that only it asks for is gathered. */
static int check_stopped(struct cdp_tagset *s, const json_t *o, struct cdp_err *err)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *aside = cdp_tagset_new(paths);
	struct cdp_tag t = { 0 };
	struct cdp_intern *names = aside->names, *stopped = aside->stopped;
	int ret;

	aside->names = s->names;
	aside->stopped = s->stopped;
	aside->zone = s->zone;
	ret = load_tag(aside, &t, o, NULL, err);
	s->halted[s->halted_count++] = t.needs;
	t.needs = (struct cdp_needs){ 0 };
	release_tag(&t);
	aside->names = names;
	aside->stopped = stopped;
	cdp_tagset_free(aside);
	cdp_paths_free(paths);
	return ret;
}

static const char *name_of(const void *set, unsigned i)
{
	return ((const struct cdp_tagset *)set)->tags[i].name;
}

static int put_in_order(struct cdp_tagset *s, struct cdp_err *err)
{
	unsigned cycle;

	s->order = cdp_alloc(s->count * sizeof(*s->order));
	cycle = cdp_depend_order(s->order, s->count, &s->tags->needs, sizeof(*s->tags));
	if (!cycle)
		return 0;
	cdp_depend_cycle(s->order, cycle, name_of, s, err);
	cdp_err_prefix(err, "%s", s->tags[s->order[0]].file);
	return -1;
}

static int load(struct cdp_tagset *s, struct sources *all, const struct cdp_carry *carry,
		struct cdp_err *err)
{
	s->tags = cdp_calloc(all->n, sizeof(*s->tags));
	for (size_t i = 0; i < all->n; i++)
		if (load_name(s, &all->v[i], err) < 0) {
			cdp_err_prefix(err, "%s", all->v[i].file);
			return -1;
		}
	s->halted =
		cdp_calloc((size_t)cdp_intern_count(s->stopped) + 1, sizeof(*s->halted));
	for (size_t i = 0; i < all->n; i++) {
		const struct source *from = &all->v[i];
		struct cdp_tag *t = &s->tags[s->count];

		t->file = from->file;
		s->count += !from->stopped;
		if ((from->stopped ? check_stopped(s, from->obj, err)
				   : load_tag(s, t, from->obj, carry, err)) < 0) {
			cdp_err_prefix(err, "%s", from->file);
			return -1;
		}
	}
	return put_in_order(s, err);
}

static const char *entity_of(const struct source *from)
{
	const char *name = json_string_value(json_object_get(from->obj, "entity"));

	return name && *name ? name : "person";
}

struct cdp_intern *cdp_tagset_entities(const char *const *files, size_t n,
				       struct cdp_err *err)
{
	struct cdp_intern *names = cdp_intern_new(0);
	struct sources all = { 0 };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = read_file(&all, files[i], err);
	for (size_t i = 0; ret == 0 && i < all.n; i++)
		cdp_intern_put(names, entity_of(&all.v[i]), strlen(entity_of(&all.v[i])),
			       NULL);
	release_sources(&all);
	if (ret == 0)
		return names;
	cdp_intern_free(names);
	return NULL;
}

/* Leaves the tags of one entity: those of others are checked where they are computed. */
static int choose(struct sources *all, const char *entity, struct cdp_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const json_t *of = json_object_get(all->v[i].obj, "entity");
		const char *name = json_string_value(of);

		if (name && *name && strcmp(name, entity) != 0)
			json_decref(all->v[i].obj);
		else if (!of && json_is_object(all->v[i].obj) &&
			 strcmp(entity, "person") != 0)
			json_decref(all->v[i].obj);
		else
			all->v[n++] = all->v[i];
	}
	all->n = n;
	if (n == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "no tag has the \"entity\":\"%s\"",
				   entity);
	return 0;
}

/* The attributes of a thing are the members of its row. */
int cdp_tagset_bind_own(struct cdp_tagset *s, const char *entity, struct cdp_err *err)
{
	uint32_t count = cdp_intern_count(s->attributes);

	s->own = cdp_calloc(count + 1, sizeof(*s->own));
	s->own_table = cdp_entities_put(s->entities, entity);
	for (uint32_t i = 0; i < count; i++) {
		size_t n, used;
		const char *key = cdp_intern_key(s->attributes, i, &n);
		const char *name = cdp_arena_strndup(&s->arena, key, n);

		s->own[i] =
			cdp_entities_resolve(s->entities, entity, &name, 1, &used, err);
		if (s->own[i] < 0)
			return -1;
	}
	return 0;
}

struct cdp_tagset *cdp_tagset_load(const char *const *files, size_t n, const char *entity,
				   struct cdp_paths *paths, const struct cdp_run *run,
				   struct cdp_err *err)
{
	return cdp_tagset_load_due(files, n, entity, paths, run, NULL, err);
}

struct cdp_tagset *cdp_tagset_load_due(const char *const *files, size_t n,
				       const char *entity, struct cdp_paths *paths,
				       const struct cdp_run *run,
				       const struct cdp_carry *carry, struct cdp_err *err)
{
	struct cdp_tagset *s = cdp_tagset_new(paths);
	struct sources all = { 0 };
	int ret = 0;

	s->zone = run->zone ? cdp_zone_name(run->zone) : NULL;
	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = read_file(&all,
				cdp_arena_strndup(&s->arena, files[i], strlen(files[i])),
				err);
	if (ret == 0)
		ret = choose(&all, entity ? entity : "person", err);
	if (ret == 0)
		ret = load(s, &all, carry, err);
	release_sources(&all);
	if (ret == 0 && entity && strcmp(entity, "person") != 0)
		ret = cdp_tagset_bind_own(s, entity, err);
	if (ret == 0)
		ret = cdp_aggs_bind(s->aggs, run, err);
	if (ret == 0)
		return s;
	cdp_tagset_free(s);
	return NULL;
}

void cdp_tagset_free(struct cdp_tagset *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->tags && i < s->count; i++)
		release_tag(&s->tags[i]);
	for (unsigned i = 0; i < s->halted_count; i++)
		free(s->halted[i].v);
	free(s->halted);
	free(s->tags);
	free(s->order);
	cdp_aggs_free(s->aggs);
	cdp_pops_free(s->pops);
	cdp_intern_free(s->names);
	cdp_intern_free(s->stopped);
	cdp_intern_free(s->attributes);
	cdp_intern_free(s->details);
	cdp_intern_free(s->relations);
	cdp_entities_free(s->entities);
	free(s->own);
	for (size_t i = 0; i < s->zone_count; i++)
		cdp_zone_free(s->zones[i]);
	free(s->zones);
	cdp_arena_release(&s->arena);
	free(s);
}
