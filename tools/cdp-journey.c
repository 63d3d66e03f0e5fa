/* cdp-journey: memberships and profiles -> messages by strategy. */
#include "base/intern.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "model/strategy.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct journey_ctx {
	struct cdp_strategy strategy;
	const struct cdp_run *run;
	struct cdp_eval *ev;
	/* memberships */
	struct cdp_paths *member_paths;
	int segment_slot, change_slot;
	struct cdp_intern *members;
	/* profiles */
	struct cdp_paths *profile_paths;
	int address_slot, as_of_slot;
	/* Lines of all members so far; by member id where its line stands (n 0: none
	 * yet). */
	struct cdp_buf lines;
	struct line {
		size_t at, n;
		int64_t as_of; /* of the profile, and its hash */
		uint64_t hash;
		enum cdp_fate fate;
	} * of;
	uint64_t fate[CDP_FATE_NO_VALUE + 1];
};

static const struct cdp_val *one_id_of(struct cdp_rec *rec)
{
	const struct cdp_val *v = cdp_rec_get(rec, CDP_SLOT_ONE_ID);

	return v->type == CDP_STRING && !v->escaped && v->n > 0 ? v : NULL;
}

/* A membership: who is in the entry audience. */
static int add_member(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		      struct cdp_err *err)
{
	struct journey_ctx *j = ctx;
	const char *audience = j->strategy.audience;
	const struct cdp_val *segment = cdp_rec_get(rec, j->segment_slot);
	const struct cdp_val *one_id = one_id_of(rec);

	(void)emit;
	if (segment->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA, "no segment: not a membership");
	if (!one_id)
		return cdp_err_set(err, CDP_ERR_DATA, "no one_id");
	if (cdp_val_is(segment, audience, strlen(audience)) &&
	    !cdp_val_is(cdp_rec_get(rec, j->change_slot), "left", 4))
		cdp_intern_put(j->members, one_id->p, one_id->n, NULL);
	return 0;
}

static void add_line(struct journey_ctx *j, uint32_t id, struct cdp_rec *profile,
		     struct line l)
{
	size_t n;
	const char *one_id = cdp_intern_key(j->members, id, &n);

	if (j->of[id].n)
		j->fate[j->of[id].fate]--;
	l.at = j->lines.n;
	l.fate = cdp_strategy_line(&j->strategy, one_id, n, profile, j->address_slot,
				   j->ev, j->run, &j->lines);
	l.n = j->lines.n - l.at;
	j->of[id] = l;
	j->fate[l.fate]++;
	cdp_eval_reset(j->ev);
}

/* Of several profiles of a customer the latest counts, whatever their order; of equally
 * late ones that with the greater hash. */
static int add_profile(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct journey_ctx *j = ctx;
	const struct cdp_val *one_id = one_id_of(rec);
	const struct cdp_val *as_of = cdp_rec_get(rec, j->as_of_slot);
	const struct line *old;
	struct line l = { 0 };
	uint32_t id;

	(void)emit;
	if (!one_id)
		return cdp_err_set(err, CDP_ERR_DATA, "no one_id");
	id = cdp_intern_get(j->members, one_id->p, one_id->n);
	if (id == CDP_INTERN_NONE)
		return 0;
	old = &j->of[id];
	l.as_of = as_of->type == CDP_STRING ? cdp_time_canon_ms(as_of->p, as_of->n)
					    : INT64_MIN;
	l.hash = cdp_hash_stable(rec->raw, rec->len, 0);
	if (!old->n || l.as_of > old->as_of ||
	    (l.as_of == old->as_of && l.hash > old->hash))
		add_line(j, id, rec, l);
	return 0;
}

/* By one_id, whatever the order of memberships and profiles was. */
static void write_lines(struct journey_ctx *j, struct cdp_cli *cli)
{
	uint32_t count = cdp_intern_count(j->members);
	uint32_t *order = cdp_intern_order(j->members);
	struct cdp_out *out = cdp_cli_out(cli);
	const struct line none = { 0 };

	for (uint32_t i = 0; i < count; i++)
		if (j->of[i].n == 0)
			add_line(j, i, NULL, none);
	for (uint32_t i = 0; i < count; i++) {
		const struct line *l = &j->of[order[i]];

		if (cdp_out_write(out, j->lines.p + l->at, l->n) < 0)
			break; /* the error sticks: cdp_cli_finish reports it */
		cli->counts.out++;
	}
	free(order);
	for (int f = 0; f <= CDP_FATE_NO_VALUE; f++)
		cdp_cli_stat(cli, cdp_fate_name((enum cdp_fate)f), j->fate[f]);
}

static int prepare(struct journey_ctx *j, const char *definition, struct cdp_err *err)
{
	char *path;

	j->member_paths = cdp_paths_new();
	j->profile_paths = cdp_paths_new();
	j->segment_slot = cdp_paths_add(j->member_paths, "segment", 7, err);
	j->change_slot = cdp_paths_add(j->member_paths, "change", 6, err);
	j->as_of_slot = cdp_paths_add(j->profile_paths, "as_of", 5, err);
	if (cdp_strategy_load(&j->strategy, definition, j->profile_paths, err) < 0)
		return -1;
	path = cdp_asprintf("ids.%s", j->strategy.node.address);
	j->address_slot = cdp_paths_add(j->profile_paths, path, strlen(path), err);
	free(path);
	if (j->address_slot < 0)
		cdp_err_prefix(err, "%s: nodes[0].address", definition);
	return j->address_slot < 0 ? -1 : 0;
}

static void run(struct journey_ctx *j, struct cdp_cli *cli, const char *profiles)
{
	char *files[] = { (char *)profiles, NULL };
	struct cdp_job members = {
		.ctx = j, .paths = j->member_paths, .record = add_member, .serial = true
	};
	struct cdp_job people = {
		.ctx = j, .paths = j->profile_paths, .record = add_profile, .serial = true
	};

	if (cdp_cli_run(cli, &members) < 0)
		return;
	j->of = cdp_calloc(cdp_intern_count(j->members), sizeof(*j->of));
	if (cdp_cli_run_files(cli, &people, files) == 0)
		write_lines(j, cli);
	free(j->of);
}

static void release(struct journey_ctx *j)
{
	cdp_intern_free(j->members);
	cdp_eval_free(j->ev);
	cdp_strategy_release(&j->strategy);
	cdp_paths_free(j->member_paths);
	cdp_paths_free(j->profile_paths);
}

int main(int argc, char **argv)
{
	const char *definition = NULL, *profiles = NULL;
	struct journey_ctx j = { 0 };
	struct cdp_cli cli;
	struct cdp_err err;
	const struct cdp_opt opts[] = {
		{ 'd', "definition", CDP_OPT_STR, &definition, "FILE", "the strategy",
		  NULL, 0, 0 },
		{ 0, "profiles", CDP_OPT_STR, &profiles, "FILE",
		  "profiles of cdp-tag: addresses and variables", NULL, 0, 0 },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-journey",
		.purpose = "turn members of an audience into messages by a strategy",
		.synopsis = "-d STRATEGY --profiles FILE [FILE...]",
		.example = "cdp-journey -d strategy.json --profiles profiles.ndjson "
			   "members.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_TIME | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&cli, &tool, argc, argv);
	if (!definition)
		cdp_cli_usage(&cli, "-d STRATEGY is needed");
	if (!profiles)
		cdp_cli_usage(&cli, "--profiles FILE is needed");
	if (prepare(&j, definition, &err) < 0) {
		release(&j);
		return cdp_cli_fail(&cli, &err);
	}
	j.run = &cli.opt.run;
	j.ev = cdp_eval_new(j.run);
	j.members = cdp_intern_new(0);
	cdp_buf_init(&j.lines, CDP_BUF_NOMAX);
	run(&j, &cli, profiles);
	cdp_buf_release(&j.lines);
	release(&j);
	return cdp_cli_finish(&cli);
}
