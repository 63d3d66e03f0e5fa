/* cdp-tag: events, profile updates and detail rows -> one profile a customer. */
#include "cli/cli.h"
#include "cli/profiles.h"
#include "cli/tag_follow.h"
#include "cli/tag_lineage.h"
#include "cli/tag_lint.h"
#include "cli/tag_reading.h"
#include "cli/tag_sql.h"
#include "model/changes.h"

#include <string.h>

struct options {
	struct cdp_strs definitions, entities, used_in;
	const char *map, *sql, *sql_table;
	int lineage; /* -1: not asked for */
	struct cdp_tag_state_opts state;
	struct cdp_tag_follow_opts live;
	bool nulls, lint, cost, changed, follow;
};

enum { LINEAGE_ROWS, LINEAGE_DOT };

static void check_follow(struct cdp_cli *cli, const struct options *o)
{
	const char *other = o->changed ? "changed" : o->sql ? "sql" : NULL;

	if (!o->follow && (o->live.every_ns >= 0 || o->live.save_ns >= 0 ||
			   o->live.survey_ns || o->live.memory))
		cdp_cli_usage(cli, "option '--%s' requires '--follow'",
			      o->live.every_ns >= 0  ? "every"
			      : o->live.save_ns >= 0 ? "checkpoint"
			      : o->live.survey_ns    ? "survey"
						     : "memory");
	if (o->follow && other)
		cdp_cli_usage(cli, "options '--follow' and '--%s' exclude each other",
			      other);
}

static void check_carry(struct cdp_cli *cli, const struct options *o,
			const struct cdp_tag_reading *t)
{
	const char *other = o->lineage >= 0 ? "lineage"
			    : o->lint       ? "lint"
			    : o->cost       ? "cost"
			    : o->follow     ? "follow"
					    : NULL;

	if (t->due.n && !t->carry_from)
		cdp_cli_usage(cli, "option '--due' requires '--carry'");
	if (t->carry_from && other)
		cdp_cli_usage(cli, "options '--carry' and '--%s' exclude each other",
			      other);
}

static void check_usage(struct cdp_cli *cli, const struct options *o)
{
	bool rows = o->lineage == LINEAGE_ROWS || o->lint || o->cost;
	const char *needs = o->changed        ? "changed"
			    : o->follow       ? "follow"
			    : o->state.batch  ? "batch"
			    : o->state.merges ? "merges"
			    : o->state.fill   ? "fill"
			    : o->state.begin  ? "start-empty"
					      : NULL;
	const char *fills_not = o->follow         ? "follow"
				: o->state.batch  ? "batch"
				: o->state.merges ? "merges"
				: o->state.begin  ? "start-empty"
						  : NULL;

	if (needs && !o->state.dir)
		cdp_cli_usage(cli, "option '--%s' requires '--state'", needs);
	if (o->state.fill && fills_not)
		cdp_cli_usage(cli, "options '--fill' and '--%s' exclude each other",
			      fills_not);
	if (o->state.dir && (o->lineage >= 0 || o->lint || o->cost))
		cdp_cli_usage(cli, "options '--state' and '--%s' exclude each other",
			      o->cost   ? "cost"
			      : o->lint ? "lint"
					: "lineage");
	if (!o->definitions.n)
		cdp_cli_usage(cli, "-d TAGS is needed");
	if ((o->lineage >= 0) + o->lint + o->cost > 1)
		cdp_cli_usage(cli, "options '--lineage', '--lint' and '--cost' exclude "
				   "each other");
	if (o->used_in.n && !o->lint)
		cdp_cli_usage(cli, "option '--used-in' requires '--lint'");
	if (!o->sql != !o->sql_table)
		cdp_cli_usage(cli, "options '--sql' and '--sql-table' need each other");
	if (o->sql && (o->lineage >= 0 || o->lint || o->cost || cli->opt.output ||
		       o->nulls || o->changed))
		cdp_cli_usage(cli, "option '--sql' is an output of its own");
	if (o->lineage >= 0 && cli->operands[0])
		cdp_cli_usage(cli, "option '--lineage' reads no records");
	if ((cli->opt.table || cli->opt.csv) && !rows)
		cdp_cli_usage(cli,
			      "option '--%s' requires '--lineage rows', '--lint' or "
			      "'--cost'",
			      cli->opt.table ? "table" : "csv");
}

/* With records only if there are some: the definitions alone tell much. */
static void lint(struct cdp_cli *cli, struct cdp_tag_reading *t,
		 const struct cdp_profile_spec *spec, const struct options *o)
{
	struct cdp_tag_lint *l = cdp_tag_lint_new(cli, t->set);

	if (cdp_tag_lint_definitions(l, &o->used_in) == 0 && cli->operands[0] &&
	    cdp_tag_reading_all(cli, t, &o->entities, o->map) == 0)
		cdp_cli_after_passes(cli, spec, cdp_tag_lint_run, l);
	cdp_tag_lint_free(l);
}

static void cost(struct cdp_cli *cli, struct cdp_tag_reading *t,
		 const struct cdp_profile_spec *spec, const struct options *o)
{
	struct cdp_tag_cost c = { .cli = cli };

	c.events = t->sample = cdp_tag_sample_new();
	if (cdp_tag_reading_all(cli, t, &o->entities, o->map) < 0)
		return;
	c.load_ns = t->load_ns;
	c.read_ns = t->read_ns;
	c.join_ns = t->join_ns;
	cdp_cli_after_passes(cli, spec, cdp_tag_cost_write, &c);
}

/* Later runs are held against this one only once it has been heard. */
static void write_changes(struct cdp_cli *cli, struct cdp_profile_spec *spec,
			  const char *dir)
{
	struct cdp_err err;

	spec->changes = cdp_changes_new(dir, spec->run, spec->key, spec->customers, &err);
	if (!spec->changes)
		cdp_cli_report(cli, &err);
	else if (cdp_cli_write_profiles(cli, spec) == 0 && cdp_cli_close_out(cli) == 0 &&
		 cdp_cli_status(cli) != 4 && cdp_changes_commit(spec->changes, &err) < 0)
		cdp_cli_report(cli, &err);
	cdp_changes_free(spec->changes);
}

/* -1: with *err, before anything was read. */
static int write_table(struct cdp_cli *cli, struct cdp_tag_reading *t,
		       struct cdp_profile_spec *spec, const struct options *o,
		       struct cdp_err *err)
{
	struct cdp_tag_sql *sql =
		cdp_tag_sql_new(cli, o->sql, o->sql_table, spec->key, t->set, err);

	if (sql && cdp_tag_reading_all(cli, t, &o->entities, o->map) == 0) {
		spec->customers = t->customers; /* the state's */
		cdp_cli_after_passes(cli, spec, cdp_tag_sql_write, sql);
	}
	cdp_tag_sql_free(sql);
	return sql ? 0 : -1;
}

static void write_lineage(struct cdp_cli *cli, const struct cdp_tagset *set, bool dot)
{
	struct cdp_lineage *edges = cdp_lineage_new(set);
	struct cdp_lineage_part tags = cdp_lineage_part_tags(set, edges);

	cdp_cli_write_lineage(cli, &tags, 1, dot);
	cdp_lineage_free(edges);
}

/* The same. */
static int answer(struct cdp_cli *cli, struct cdp_tag_reading *t, const struct options *o,
		  struct cdp_err *err)
{
	struct cdp_profile_spec spec = { .set = t->set,
					 .customers = t->customers,
					 .given = t->given,
					 .run = t->run,
					 .key = t->entity ? t->entity : t->key,
					 .nulls = o->nulls };
	int ret = 0;

	if (o->lineage >= 0) {
		write_lineage(cli, t->set, o->lineage == LINEAGE_DOT);
		return 0;
	}
	if (o->lint)
		lint(cli, t, &spec, o);
	else if (o->cost)
		cost(cli, t, &spec, o);
	else if (o->sql)
		ret = write_table(cli, t, &spec, o, err);
	else if (cdp_tag_reading_all(cli, t, &o->entities, o->map) == 0) {
		spec.customers = t->customers; /* the state's */
		if (o->changed)
			write_changes(cli, &spec, o->state.dir);
		else
			cdp_cli_write_profiles(cli, &spec);
		cdp_tag_state_written(t->state);
	}
	cdp_cli_stat(cli, "no_key", t->no_key);
	cdp_cli_stat(cli, "other", t->other);
	return ret;
}

/* The state is read and written as it goes.  The same. */
static int follow(struct cdp_cli *cli, struct cdp_tag_reading *t, struct options *o,
		  struct cdp_err *err)
{
	enum { MINUTES = 5, MEMORY = 512 << 20 };

	o->live.dir = o->state.dir;
	o->live.batch = o->state.batch;
	o->live.merges = o->state.merges;
	o->live.map = o->map;
	o->live.definitions = &o->definitions;
	o->live.entities = &o->entities;
	o->live.nulls = o->nulls;
	o->live.begin = o->state.begin;
	if (o->live.every_ns < 0)
		o->live.every_ns = 0;
	if (o->live.save_ns < 0)
		o->live.save_ns = MINUTES * INT64_C(60000000000);
	if (!o->live.memory)
		o->live.memory = MEMORY;
	if (cdp_tag_follow(cli, t, &o->live, err) < 0 && err->kind != CDP_ERR_NONE)
		return -1;
	cdp_cli_stat(cli, "no_key", t->no_key);
	cdp_cli_stat(cli, "other", t->other);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const forms[] = { "rows", "dot", NULL };
	struct cdp_tag_reading t = { 0 };
	struct options o = { .lineage = -1, .live = { .every_ns = -1, .save_ns = -1 } };
	bool failed;
	struct cdp_cli cli;
	struct cdp_err err;
	const struct cdp_opt opts[] = {
		{ 'd', "definition", CDP_OPT_LIST, &o.definitions, "FILE",
		  "the tags; several files are one set" },
		{ 0, "batch", CDP_OPT_STR, &o.state.batch, "NAME",
		  "with --state: the input is known by this name, not by its content" },
		{ 0, "carry", CDP_OPT_STR, &t.carry_from, "FILE",
		  "profiles of the version before: tags that are not due keep their "
		  "values" },
		{ 0, "changed", CDP_OPT_FLAG, &o.changed, NULL,
		  "with --state: only profiles that differ from those of the last run" },
		{ 0, "checkpoint", CDP_OPT_DURATION, &o.live.save_ns, "DURATION",
		  "with --follow: how often the state is saved (default 5m)" },
		{ 0, "cost", CDP_OPT_FLAG, &o.cost, NULL,
		  "write what each tag costs in time and bytes" },
		{ 0, "due", CDP_OPT_LIST, &t.due, "TAG",
		  "with --carry: this tag is computed anyhow, repeatable" },
		{ 0, "entities", CDP_OPT_LIST, &o.entities, "FILE",
		  "rows that entity('NAME', ID) asks for, repeatable" },
		{ 0, "entity", CDP_OPT_STR, &t.entity, "NAME",
		  "the tags are of these, not of persons" },
		{ 0, "every", CDP_OPT_DURATION, &o.live.every_ns, "DURATION",
		  "with --follow: profiles that changed are written this often "
		  "(default: at once)" },
		{ 0, "fill", CDP_OPT_FLAG, &o.state.fill, NULL,
		  "with --state: the input is all history, for what is new in the "
		  "definitions alone" },
		{ 0, "follow", CDP_OPT_FLAG, &o.follow, NULL,
		  "with --state: write profiles as they change, until the input ends" },
		{ 0, "ids", CDP_OPT_STR, &o.map, "FILE",
		  "identity map of cdp-idmap: adds each profile's ids" },
		{ 0, "key", CDP_OPT_STR, &t.key, "PATH",
		  "member that tells customers apart (default one_id, or "
		  "props.NAME with --entity)" },
		{ 0, "lineage", CDP_OPT_CHOICE, &o.lineage, "FORM",
		  "read nothing, write what reads what: rows or dot", forms, 0, 0 },
		{ 0, "lint", CDP_OPT_FLAG, &o.lint, NULL,
		  "write what is odd about the tags, and with FILE about their values" },
		{ 0, "memory", CDP_OPT_SIZE, &o.live.memory, "SIZE",
		  "with --follow: the state is saved when this much is new "
		  "(default 512M)" },
		{ 0, "merges", CDP_OPT_STR, &o.state.merges, "FILE",
		  "with --state: merge log of cdp-idmap: who became whom" },
		{ 0, "nulls", CDP_OPT_FLAG, &o.nulls, NULL,
		  "write tags without a value as null" },
		{ 0, "sql", CDP_OPT_STR, &o.sql, "CONNECTION",
		  "write into a table of a database (@FILE: what is in FILE)" },
		{ 0, "sql-table", CDP_OPT_STR, &o.sql_table, "NAME",
		  "the table, with a column for the key and each tag" },
		{ 0, "start-empty", CDP_OPT_FLAG, &o.state.begin, NULL,
		  "with --state: what is new in the definitions begins now, without "
		  "history" },
		{ 0, "state", CDP_OPT_STR, &o.state.dir, "DIR",
		  "go on from what is known there: the input is what is new" },
		{ 0, "survey", CDP_OPT_DURATION, &o.live.survey_ns, "DURATION",
		  "with --follow: functions over the population are computed this often "
		  "(default: at the end of a day)" },
		{ 0, "used-in", CDP_OPT_LIST, &o.used_in, "FILE",
		  "definitions that use tags, for --lint, repeatable" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-tag",
		.purpose = "compute every customer's tags from events, profiles and "
			   "detail rows",
		.synopsis = "-d TAGS [--ids MAP] [FILE...]",
		.example = "cdp-tag -d tags.json --as-of 2024-05-01 events.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_OUTPUT | CDP_COMMON_ROWS,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&cli, &tool, argc, argv);
	check_usage(&cli, &o);
	check_follow(&cli, &o);
	check_carry(&cli, &o, &t);
	t.keeps_state = o.state.dir != NULL;
	t.run = &cli.opt.run;
	if (t.entity && strcmp(t.entity, "person") == 0)
		t.entity = NULL;
	failed = cdp_tag_reading_load(&t, &o.definitions, &err) < 0;
	if (o.follow)
		failed = failed || follow(&cli, &t, &o, &err) < 0;
	else
		failed = failed || cdp_tag_reading_begin(&cli, &t, &o.state, &err) < 0 ||
			 (o.lineage < 0 && (!o.lint || cli.operands[0]) &&
			  cdp_given_read(t.given, &err) < 0);
	if (!failed && !o.follow)
		failed = answer(&cli, &t, &o, &err) < 0;
	cdp_strs_release(&o.definitions);
	cdp_strs_release(&o.entities);
	cdp_strs_release(&o.used_in);
	cdp_tag_reading_release(&t);
	return failed ? cdp_cli_fail(&cli, &err) : cdp_cli_finish(&cli);
}
