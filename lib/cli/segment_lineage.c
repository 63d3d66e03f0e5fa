#include "cli/segment_lineage.h"

#include "base/mem.h"
#include "cli/tag_lineage.h"

#include <stdlib.h>
#include <string.h>

struct cdp_segment_lineage {
	struct cdp_cli *cli;
	const struct cdp_segment_lineage_opts *o;
	const struct cdp_segments *set;
	struct cdp_paths *paths;
	struct cdp_tagset *tags; /* NULL: not known */
	struct cdp_lineage *of_tags, *of_segments;
	struct cdp_intern *entities; /* that there are tags of */
	const char *entity;
	struct cdp_segment_lineage_other *others;
	size_t other_count;
	struct cdp_arena texts;
};

void cdp_segment_lineage_check(struct cdp_cli *cli,
			       const struct cdp_segment_lineage_opts *o,
			       const char *definition, bool other)
{
	if (o->tags.n && !definition)
		cdp_cli_usage(cli, "--tags needs -d");
	if (!cdp_segment_lineage_asked(o))
		return;
	if (o->form >= 0 && o->affected.n)
		cdp_cli_usage(cli, "--lineage and --affected exclude each other");
	if (!definition || other)
		cdp_cli_usage(cli, "--%s needs -d and nothing else that is written",
			      o->affected.n ? "affected" : "lineage");
	if (cli->operands[0])
		cdp_cli_usage(cli, "--%s reads no records",
			      o->affected.n ? "affected" : "lineage");
	if (o->form == CDP_LINEAGE_DOT && (cli->opt.table || cli->opt.csv))
		cdp_cli_usage(cli, "--lineage dot is a graph, not rows");
}

/* --- audiences against tags --- */

static int unknown_tag(const struct cdp_segment_lineage *l, const char *definition,
		       const struct cdp_lineage_edge *e, struct cdp_err *err)
{
	const struct cdp_tagset *t = l->tags;

	if (cdp_intern_get(t->stopped, e->name, strlen(e->name)) != CDP_INTERN_NONE)
		cdp_err_set(err, CDP_ERR_USAGE,
			    "tag '%s' is not computed, see its status", e->name);
	else
		cdp_depend_unknown(t->names, "tag", e->name, err);
	cdp_err_prefix(err, "%s: %s", definition, l->set->v[e->reader].name);
	return -1;
}

static int check_tags(const struct cdp_segment_lineage *l, const char *definition,
		      struct cdp_err *err)
{
	for (size_t i = 0; i < cdp_lineage_count(l->of_segments); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(l->of_segments, i);

		if (e->source == CDP_SOURCE_TAG && strcmp(e->name, "*") != 0 &&
		    cdp_intern_get(l->tags->names, e->name, strlen(e->name)) ==
			    CDP_INTERN_NONE)
			return unknown_tag(l, definition, e, err);
	}
	return 0;
}

static struct cdp_tagset *load_entity(const struct cdp_segment_lineage *l,
				      const char *entity, struct cdp_err *err)
{
	return cdp_tagset_load((const char *const *)l->o->tags.v, l->o->tags.n, entity,
			       l->paths, &l->cli->opt.run, err);
}

static int load_tags(struct cdp_segment_lineage *l, const char *key, struct cdp_err *err)
{
	l->entities =
		cdp_tagset_entities((const char *const *)l->o->tags.v, l->o->tags.n, err);
	if (!l->entities)
		return -1;
	if (key && cdp_intern_get(l->entities, key, strlen(key)) != CDP_INTERN_NONE)
		l->entity = key;
	l->tags = load_entity(l, l->entity, err);
	return l->tags ? 0 : -1;
}

struct cdp_segment_lineage *
cdp_segment_lineage_new(struct cdp_cli *cli, const struct cdp_segment_lineage_opts *o,
			const char *definition, const char *key,
			const struct cdp_segments *set, struct cdp_err *err)
{
	struct cdp_segment_lineage *l = cdp_calloc(1, sizeof(*l));
	int ret = 0;

	l->cli = cli;
	l->o = o;
	l->set = set;
	l->paths = cdp_paths_new();
	l->entity = "person";
	cdp_arena_init(&l->texts);
	if (o->tags.n)
		ret = load_tags(l, key, err);
	if (l->tags)
		l->of_tags = cdp_lineage_new(l->tags);
	if (ret == 0)
		l->of_segments =
			cdp_lineage_of_segments(set, l->tags ? l->tags->names : NULL);
	if (ret == 0 && l->tags)
		ret = check_tags(l, definition, err);
	if (ret == 0)
		return l;
	cdp_segment_lineage_free(l);
	return NULL;
}

void cdp_segment_lineage_free(struct cdp_segment_lineage *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->other_count; i++) {
		cdp_lineage_free(l->others[i].edges);
		cdp_tagset_free(l->others[i].tags);
	}
	free(l->others);
	cdp_intern_free(l->entities);
	cdp_arena_release(&l->texts);
	cdp_lineage_free(l->of_tags);
	cdp_lineage_free(l->of_segments);
	cdp_tagset_free(l->tags);
	cdp_paths_free(l->paths);
	free(l);
}

const struct cdp_tagset *cdp_segment_lineage_tags(const struct cdp_segment_lineage *l)
{
	return l->tags;
}

const struct cdp_lineage *cdp_segment_lineage_of_tags(const struct cdp_segment_lineage *l)
{
	return l->of_tags;
}

const struct cdp_lineage *
cdp_segment_lineage_of_segments(const struct cdp_segment_lineage *l)
{
	return l->of_segments;
}

const char *cdp_segment_lineage_entity(const struct cdp_segment_lineage *l)
{
	return l->entity;
}

const struct cdp_segment_lineage_other *
cdp_segment_lineage_others(struct cdp_segment_lineage *l, size_t *n, struct cdp_err *err)
{
	uint32_t count = l->entities ? cdp_intern_count(l->entities) : 0;

	l->others = cdp_calloc((size_t)count + 1, sizeof(*l->others));
	for (uint32_t i = 0; i < count; i++) {
		struct cdp_segment_lineage_other *o = &l->others[l->other_count];
		size_t len;
		const char *name = cdp_intern_key(l->entities, i, &len);

		o->entity = cdp_arena_strndup(&l->texts, name, len);
		if (strcmp(o->entity, l->entity) == 0)
			continue;
		o->tags = load_entity(l, o->entity, err);
		if (!o->tags)
			return NULL;
		o->edges = cdp_lineage_new(o->tags);
		l->other_count++;
	}
	*n = l->other_count;
	return l->others;
}

int cdp_segment_lineage_write(struct cdp_segment_lineage *l, struct cdp_err *err)
{
	struct cdp_lineage_part v[2];
	size_t n = 0;

	if (l->tags)
		v[n++] = cdp_lineage_part_tags(l->tags, l->of_tags);
	v[n++] = cdp_lineage_part_segments(l->set, l->of_segments);
	if (l->o->affected.n)
		return cdp_cli_write_affected(l->cli, v, n, &l->o->affected, err);
	cdp_cli_write_lineage(l->cli, v, n, l->o->form == CDP_LINEAGE_DOT);
	return 0;
}
