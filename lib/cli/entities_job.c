#include "cli/entities_job.h"

#include "base/mem.h"

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
};

static void *new_worker(void *ctx)
{
	const struct reading *r = ctx;

	return cdp_entity_batch_new(r->entities, r->slots);
}

static int add(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
	       struct cdp_err *err)
{
	(void)emit;
	return cdp_entity_batch_add(worker, rec, err) < 0 ? -1 : 0;
}

static void settle(void *worker, struct cdp_emit *emit)
{
	(void)emit;
	cdp_entity_batch_settle(worker);
}

static int merge(void *ctx, void *worker, struct cdp_err *err)
{
	(void)ctx;
	(void)err;
	cdp_entity_batch_free(worker);
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
			  const struct cdp_strs *files, int own)
{
	struct cdp_paths *paths;
	struct reading r = { .entities = e };
	struct cdp_job job = { .ctx = &r,
			       .worker = new_worker,
			       .record = add,
			       .settle = settle,
			       .merge = merge };
	char **operands;
	int ret;

	if (cdp_entities_count(e) == 0 || files->n == 0)
		return 0;
	paths = cdp_paths_new();
	r.slots = cdp_entity_slots_new(e, paths);
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
