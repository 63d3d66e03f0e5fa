#include "cli/entities_job.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

void cdp_cli_check_entities(struct cdp_cli *cli, const struct cdp_entities *e,
			    const struct cdp_strs *files, int own)
{
	bool tags;

	for (int i = 0; files->n == 0 && i < (int)cdp_entities_count(e); i++)
		if (i != own)
			cdp_cli_usage(cli,
				      "entity('%s') is asked for: --entities FILE is "
				      "needed",
				      cdp_entities_name(e, (unsigned)i, &tags));
}

struct reading {
	struct cdp_entities *entities;
	struct cdp_entity_slots *slots;
	struct cdp_relations *relations; /* or NULL */
	struct cdp_relation_slots relation_slots;
};

struct worker {
	struct cdp_entity_batch *batch;
	struct cdp_relation_log *log;
};

static void *new_worker(void *ctx)
{
	const struct reading *r = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->batch = cdp_entity_batch_new(r->entities, r->slots);
	if (r->relations)
		w->log = cdp_relation_log_new(r->relations, &r->relation_slots);
	return w;
}

static int add(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
	       struct cdp_err *err)
{
	struct worker *w = worker;

	(void)emit;
	if (w->log && cdp_val_is(cdp_rec_get(rec, CDP_SLOT_TYPE), "relation", 8))
		return cdp_relation_log_add(w->log, rec, err) < 0 ? -1 : 0;
	return cdp_entity_batch_add(w->batch, rec, err) < 0 ? -1 : 0;
}

static void settle(void *worker, struct cdp_emit *emit)
{
	struct worker *w = worker;

	(void)emit;
	cdp_entity_batch_settle(w->batch);
}

static int merge(void *ctx, void *worker, struct cdp_err *err)
{
	struct reading *r = ctx;
	struct worker *w = worker;

	(void)err;
	cdp_entity_batch_free(w->batch);
	if (w->log)
		cdp_relation_log_end(w->log, r->relations);
	free(w);
	return 0;
}

static void tell_empty(struct cdp_cli *cli, const struct cdp_entities *e, int own)
{
	for (unsigned i = 0; i < cdp_entities_count(e); i++) {
		bool tags;
		const char *name = cdp_entities_name(e, i, &tags);

		if ((int)i != own && cdp_entities_rows(e, i) == 0)
			cdp_cli_note(cli, "no %s of entity '%s' in --entities",
				     tags ? "profile" : "row", name);
	}
}

int cdp_cli_read_entities(struct cdp_cli *cli, struct cdp_entities *e,
			  const struct cdp_strs *files, int own,
			  struct cdp_relations *relations)
{
	struct cdp_paths *paths;
	struct reading r = { .entities = e, .relations = relations };
	struct cdp_job job = { .ctx = &r,
			       .worker = new_worker,
			       .record = add,
			       .settle = settle,
			       .merge = merge };
	char **operands;
	int ret;

	if (relations && !cdp_relations_wanted(relations))
		r.relations = NULL;
	if ((cdp_entities_count(e) == 0 && !r.relations) || files->n == 0)
		return 0;
	paths = cdp_paths_new();
	r.slots = cdp_entity_slots_new(e, paths);
	cdp_relation_slots_init(&r.relation_slots, paths);
	job.paths = paths;
	operands = cdp_calloc(files->n + 1, sizeof(*operands));
	for (size_t i = 0; i < files->n; i++)
		operands[i] = (char *)files->v[i];
	ret = cdp_cli_run_files(cli, &job, operands);
	free(operands);
	free(r.slots);
	cdp_paths_free(paths);
	if (ret == 0)
		tell_empty(cli, e, own);
	return ret;
}
