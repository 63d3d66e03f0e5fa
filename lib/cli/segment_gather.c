#include "cli/segment_gather.h"

#include "cli/entities_job.h"

#include <string.h>

/* Where events and rows have what profiles are told apart by: as cdp-tag --entity NAME
 * reads them in props, and with --key PATH, where NAME is a path, there. */
static void choose_key(struct cdp_tag_reading *t, const char *key)
{
	struct cdp_path path = { 0 };
	struct cdp_err ignored;

	if (!key || strcmp(key, "one_id") == 0)
		return;
	t->profile_key = key;
	if (strchr(key, '.') && cdp_path_parse(&path, key, strlen(key), &ignored) == 0)
		t->key = key;
	else
		t->entity = key;
	cdp_path_release(&path);
}

int cdp_segment_gather_begin(struct cdp_cli *cli, struct cdp_segment_gather *g,
			     struct cdp_segments_given *given, struct cdp_err *err)
{
	g->reading.run = &cli->opt.run;
	choose_key(&g->reading, given->key);
	if (cdp_tag_reading_paths(&g->reading, err) < 0)
		return -1;
	g->reading.set = cdp_tagset_new(g->reading.paths);
	given->asked = g->reading.set;
	return 0;
}

/* Profiles are all that is read, but for entities. */
static int read_entities(struct cdp_cli *cli, struct cdp_segment_gather *g)
{
	struct cdp_entities *e = g->reading.set->entities;

	cdp_cli_check_entities(cli, e, &g->entities, -1);
	return cdp_cli_read_entities(cli, e, &g->entities, -1, NULL) < 0;
}

int cdp_segment_gather_bind(struct cdp_tag_reading *t, struct cdp_err *err)
{
	if (t->entity && cdp_tagset_bind_own(t->set, t->entity, err) < 0)
		return -1;
	return cdp_aggs_bind(t->set->aggs, t->run, err) < 0 ||
			       cdp_tag_reading_set(t, t->set, err) < 0
		       ? -1
		       : 0;
}

int cdp_segment_gather_run(struct cdp_cli *cli, struct cdp_segment_gather *g,
			   struct cdp_segments *set, struct cdp_segment_job *job,
			   const char *map, const char *only, struct cdp_err *err)
{
	struct cdp_tag_reading *t = &g->reading;
	struct cdp_tag_state_opts none = { 0 };

	if (!cdp_segments_gather(set))
		return read_entities(cli, g);
	t->shelf = cdp_shelf_new();
	t->only = only;
	if (cdp_segment_gather_bind(t, err) < 0 ||
	    cdp_tag_reading_begin(cli, t, &none, err) < 0)
		return -1;
	if (cdp_tag_reading_all(cli, t, &g->entities,
				cdp_intern_count(t->set->relations) ? map : NULL) < 0)
		return 1;
	cdp_cli_stat(cli, "no_key", t->no_key);
	cdp_cli_stat(cli, "other", t->other);
	set->customers = t->customers;
	job->gathered = t;
	return cdp_shelf_open(t->shelf, err);
}

void cdp_segment_gather_release(struct cdp_segment_gather *g)
{
	cdp_tag_reading_release(&g->reading);
	cdp_strs_release(&g->entities);
}
