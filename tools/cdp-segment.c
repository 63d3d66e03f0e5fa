/* cdp-segment: profiles -> memberships of audiences, or what changed since the last run.
 */
#include "base/mem.h"
#include "cli/segment_cost.h"
#include "cli/segment_explain.h"
#include "cli/segment_export.h"
#include "cli/segment_follow.h"
#include "cli/segment_gather.h"
#include "cli/segment_lineage.h"
#include "cli/segment_lint.h"
#include "cli/segment_put.h"
#include "cli/segment_rows.h"
#include "cli/segment_store.h"
#include "cli/segment_usage.h"

#include <stdlib.h>
#include <string.h>

struct segment_ctx {
	const char *definition, *previous, *explain, *key;
	struct cdp_strs with;
	struct cdp_segment_store_opts store;
	struct cdp_segment_export_opts handover;
	struct cdp_segment_import_opts lists;
	struct cdp_segment_put_opts put;
	struct cdp_segment_import *import; /* NULL: no lists */
	struct cdp_segment_follow follow;
	struct cdp_segment_lineage_opts lineage;
	struct cdp_segment_lint_opts lint;
	struct cdp_segment_cost cost;
	struct cdp_segment_usage_opts usage;
	struct cdp_segments *set;
	struct cdp_segment_gather gather;
	struct cdp_segment_job job;
	struct cdp_members *given; /* what streams and lists say */
	struct cdp_earlier before; /* with --previous */
	uint64_t *all;             /* audiences that are defined and have not expired */
	uint32_t *kept;            /* the same, as numbers */
	uint32_t kept_count;
	uint64_t *wanted; /* audiences to write */
	uint32_t *sets;   /* the same, as numbers */
	uint32_t set_count;
};

/* --- storing --- */

struct found {
	const struct segment_ctx *s;
	uint32_t *v, cap;
};

static const char *key_of(void *ctx, uint32_t rank, size_t *n)
{
	const struct found *f = ctx;

	return cdp_audiences_key(f->s->job.members, rank, n);
}

static const char *name_of(void *ctx, uint32_t i)
{
	const struct found *f = ctx;

	return f->s->set->v[f->s->kept[i]].name;
}

static void note_of(void *ctx, uint32_t i, struct cdp_buf *b)
{
	const struct found *f = ctx;

	cdp_buf_adds(b, f->s->set->v[f->s->kept[i]].note);
}

static void renumber(void *ctx, const uint32_t *to, uint32_t limit)
{
	struct found *f = ctx;

	cdp_audiences_renumber(f->s->job.members, to, limit);
}

static uint32_t members_of(void *ctx, uint32_t i, const uint32_t **v)
{
	struct found *f = ctx;
	uint32_t n =
		cdp_audiences_members(f->s->job.members, f->s->kept[i], &f->v, &f->cap);

	*v = f->v;
	return n;
}

static int keep(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct found f = { .s = s };
	struct cdp_segment_result result = { .count = s->kept_count,
					     .name = name_of,
					     .note = note_of,
					     .renumber = renumber,
					     .members = members_of,
					     .ctx = &f };
	int rc;

	result.customers.count = cdp_audiences_customers(s->job.members);
	result.customers.key = key_of;
	result.customers.ctx = &f;
	rc = cdp_segment_store_keep(cli, &s->store, &result, err);
	free(f.v);
	return rc;
}

/* --- options --- */

/* Those that have not expired. */
static void choose_all(struct cdp_cli *cli, struct segment_ctx *s)
{
	enum { SHOWN = 10 };
	unsigned n = 0;

	s->all = cdp_calloc(cdp_bit_words(s->set->count), sizeof(*s->all));
	s->kept = cdp_alloc(s->set->defined * sizeof(*s->kept));
	for (unsigned i = 0; i < s->set->defined; i++) {
		if (!cdp_segment_has_expired(&s->set->v[i], &cli->opt.run)) {
			cdp_bit_set(s->all, i);
			s->kept[s->kept_count++] = i;
		} else if (n++ < SHOWN) {
			cdp_cli_note(cli, "audience '%s' expired: %s", s->set->v[i].name,
				     s->set->v[i].expires);
		}
	}
	if (n > SHOWN)
		cdp_cli_note(cli, "so did %u other audiences", n - SHOWN);
}

static void choose(struct cdp_cli *cli, struct segment_ctx *s)
{
	s->lists.store = s->store.dir ? &s->store : NULL;
	s->wanted = cdp_calloc(cdp_bit_words(s->set->count), sizeof(*s->wanted));
	choose_all(cli, s);
	for (unsigned i = 0; s->store.only.n == 0 && i < s->set->defined; i++)
		cdp_bit_set(s->wanted, i);
	for (size_t i = 0; i < s->store.only.n; i++) {
		uint32_t at = cdp_intern_get(s->set->names, s->store.only.v[i],
					     strlen(s->store.only.v[i]));

		if (at == CDP_INTERN_NONE || at >= s->set->defined)
			cdp_cli_usage(cli, "--segment: %s does not define '%s'",
				      s->definition, s->store.only.v[i]);
		cdp_bit_set(s->wanted, at);
	}
	for (size_t i = 0; i < cdp_bit_words(s->set->count); i++)
		s->wanted[i] &= s->all[i];
	s->sets = cdp_alloc(s->set->defined * sizeof(*s->sets));
	for (unsigned i = 0; i < s->set->defined; i++)
		if (cdp_bit(s->wanted, i))
			s->sets[s->set_count++] = i;
}

/* The audiences that streams gave, else the store, as bits from 0 on. */
static int give(struct cdp_cli *cli, struct segment_ctx *s,
		const struct cdp_memberships *with, struct cdp_err *err)
{
	struct cdp_intern *names = cdp_intern_new(0);
	int ret = 0;

	for (unsigned i = s->set->defined; i < s->set->count; i++) {
		size_t n;
		const char *key = cdp_intern_key(s->set->names, i, &n);

		cdp_intern_put(names, key, n, NULL);
	}
	s->given = cdp_memberships_bits(with, names, 0);
	for (unsigned i = s->set->defined; i < s->set->count && ret == 0; i++) {
		const char *name = s->set->v[i].name;

		if (!s->set->v[i].list &&
		    cdp_intern_get(with->names, name, strlen(name)) == CDP_INTERN_NONE)
			ret = cdp_segment_store_give(&s->store, name, s->given,
						     i - s->set->defined, err);
	}
	cdp_intern_free(names);
	if (ret == 0 && (s->set->list_count || s->lists.report || s->lists.unmatched))
		ret = cdp_segment_import_read(cli, &s->import, &s->lists, s->set, s->all,
					      s->given, err);
	return ret;
}

static void write_all(struct cdp_cli *cli, struct segment_ctx *s)
{
	struct cdp_segment_rows rows = { .cli = cli,
					 .set = s->set,
					 .job = &s->job,
					 .sets = s->sets,
					 .set_count = s->set_count,
					 .before = s->previous ? &s->before : NULL };

	if (s->lint.on) {
		cdp_segment_lint(&rows, &s->lint);
		return;
	}
	if (s->cost.on)
		cdp_segment_cost_write(&s->cost, &rows);
	else if (s->store.count)
		cdp_segment_write_counts(&rows);
	else if (!s->store.dir)
		cdp_segment_write_members(&rows);
	cdp_segment_tell_vain(&rows);
}

/* Definitions alone are looked at. */
static bool is_unread(const struct cdp_cli *cli, const struct segment_ctx *s)
{
	return s->lint.on && !cli->operands[0];
}

/* The definitions themselves are what is asked for, not who is in them. */
static bool is_about(const struct segment_ctx *s)
{
	return s->usage.on || cdp_segment_lineage_asked(&s->lineage);
}

static int see_lineage(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct cdp_segment_lineage *l;
	int ret = 0;

	if (!s->lineage.tags.n && !is_about(s))
		return 0;
	l = cdp_segment_lineage_new(cli, &s->lineage, s->definition, s->key, s->set, err);
	if (!l)
		return -1;
	if (s->usage.on)
		ret = cdp_segment_usage(
			cli,
			&(struct cdp_segment_usage){ .o = &s->usage,
						     .store = &s->store,
						     .used_in = &s->lint.used_in,
						     .set = s->set,
						     .lineage = l },
			err);
	else if (is_about(s))
		ret = cdp_segment_lineage_write(l, err);
	cdp_segment_lineage_free(l);
	return ret;
}

static int load(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct cdp_segments_given given = { .knows = cdp_segment_store_knows,
					    .ctx = &s->store };
	struct cdp_memberships with, previous;
	int ret = 0;

	cdp_memberships_init(&with, s->key);
	cdp_memberships_init(&previous, s->key);
	given.names = with.names;
	given.key = s->key;
	if (s->store.dir)
		ret = cdp_segment_store_begin(cli, &s->store, err);
	else if (s->store.merges)
		ret = cdp_segment_merges_read(cli, &s->store.merged, s->store.merges,
					      err);
	previous.merges = s->store.merged;
	if (ret == 0)
		ret = cdp_segment_gather_begin(cli, &s->gather, &given, err);
	for (size_t i = 0; i < s->with.n && ret == 0; i++)
		ret = cdp_memberships_read(cli, &with, s->with.v[i], err);
	if (ret == 0) {
		s->set = cdp_segments_load(s->definition, s->job.paths, &given, err);
		ret = s->set ? 0 : -1;
	}
	if (ret == 0)
		ret = see_lineage(cli, s, err);
	if (ret == 0 && !is_about(s)) {
		choose(cli, s);
		if (!is_unread(cli, s))
			ret = give(cli, s, &with, err);
		if (ret == 0 && s->previous)
			ret = cdp_memberships_read(cli, &previous, s->previous, err);
	}
	if (ret == 0 && s->previous)
		cdp_earlier_init(&s->before, &previous, s->set);
	cdp_memberships_release(&with);
	cdp_memberships_release(&previous);
	return ret;
}

static int follow(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct cdp_segment_follow f = s->follow;

	f.dir = s->store.dir;
	f.set = s->set;
	f.wanted = s->wanted;
	f.chosen = s->store.only.n > 0;
	f.given = s->given;
	f.paths = s->job.paths;
	f.tags_slot = s->job.tags_slot;
	f.reading = &s->gather.reading;
	f.entities = &s->gather.entities;
	f.map = s->lists.map;
	return cdp_segment_follow(cli, &f, err);
}

static int run(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	const char *only = NULL;
	int ret;

	s->job.set = s->set;
	s->job.wanted = s->store.dir ? s->all : s->wanted;
	s->job.given = s->given;
	s->job.counts = s->store.count && !s->store.dir;
	s->job.more = s->before.keys;
	if (s->follow.on)
		return follow(cli, s, err);
	if (is_unread(cli, s)) {
		write_all(cli, s);
		return 0;
	}
	cdp_segment_cost_begin(&s->cost, &s->job);
	if (s->explain && !cdp_segment_explain_reads_all(s->set, s->sets, s->set_count))
		only = s->explain;
	ret = cdp_segment_gather_run(cli, &s->gather, s->set, &s->job, s->lists.map, only,
				     err);
	if (ret != 0)
		return ret;
	if (s->explain) {
		cdp_segment_explain(cli, &s->job, s->explain, s->sets, s->set_count);
		return 0;
	}
	if (cdp_segment_job_run(cli, &s->job) < 0)
		return 0;
	if (s->store.dir)
		ret = keep(cli, s, err);
	if (ret == 0 && s->import)
		ret = cdp_segment_import_tell_run(s->import, &s->job, err);
	if (ret == 0)
		write_all(cli, s);
	return ret;
}

static void release(struct segment_ctx *s)
{
	cdp_segment_job_release(&s->job);
	cdp_members_free(s->given);
	cdp_earlier_release(&s->before);
	cdp_segment_import_free(s->import);
	free(s->wanted);
	free(s->all);
	free(s->kept);
	free(s->sets);
	cdp_segments_free(s->set);
	cdp_segment_gather_release(&s->gather);
	cdp_strs_release(&s->with);
	cdp_strs_release(&s->lineage.tags);
	cdp_strs_release(&s->lint.used_in);
	cdp_strs_release(&s->lineage.affected);
	cdp_strs_release(&s->usage.retire);
	cdp_strs_release(&s->usage.costs);
	cdp_segment_store_release(&s->store);
	cdp_paths_free(s->job.paths);
}

static void check_key(struct cdp_cli *cli, struct segment_ctx *s)
{
	const struct cdp_segment_export_opts *h = &s->handover;

	cdp_cli_check_key(cli, s->key);
	s->store.key = s->definition && !s->key ? "one_id" : s->key;
	if (s->key && strcmp(s->key, "one_id") != 0 && s->store.merges)
		cdp_cli_usage(cli,
			      "options '--key' and '--merges' exclude each other: only "
			      "persons become other persons");
	if (s->key && (h->export || h->ack || h->batches))
		cdp_cli_usage(cli, "option '--key' goes with no batch: a store knows its "
				   "own");
}

/* Whether rows are what will be written. */
static bool check_usage(struct cdp_cli *cli, const struct segment_ctx *s)
{
	const struct cdp_segment_store_opts *o = &s->store;
	bool handover = cdp_segment_export_check(
		cli, &s->handover, o->dir,
		s->definition || s->put.import || o->exprs.n || o->list || o->changes ||
			o->count || o->only.n);

	cdp_segment_put_check(cli, &s->put, o, s->definition != NULL);
	cdp_segment_store_check(cli, o, s->definition != NULL, s->previous != NULL);
	if (!s->definition && !o->dir)
		cdp_cli_usage(cli, "-d SEGMENTS or --store DIR is needed");
	if (!s->definition && (s->previous || s->with.n))
		cdp_cli_usage(cli, "--%s needs -d", s->previous ? "previous" : "with");
	cdp_segment_import_check(cli, &s->lists, s->definition || s->put.import);
	if (s->explain && (!s->definition || s->previous || o->count || o->changes ||
			   s->lists.report || s->lists.unmatched))
		cdp_cli_usage(cli, "--explain needs -d and nothing else that is written");
	if (s->previous && o->dir)
		cdp_cli_usage(cli, "--previous and --store exclude each other");
	if (s->follow.on &&
	    (!s->definition || s->previous || s->explain || o->count || o->changes ||
	     o->keep || s->lists.report || s->lists.unmatched))
		cdp_cli_usage(cli, "--follow needs -d and nothing else that is written");
	if (s->follow.profiles && !s->follow.on)
		cdp_cli_usage(cli, "--profiles needs --follow");
	if (s->follow.fills && (!s->follow.profiles || !o->dir))
		cdp_cli_usage(cli, "--fill needs --follow, --store and --profiles");
	if (s->follow.feed && (!s->follow.on || !o->dir))
		cdp_cli_usage(cli, "--feed needs --follow and --store");
	if (s->lint.used_in.n && !s->lint.on && !s->usage.on)
		cdp_cli_usage(cli, "--used-in needs --lint or --usage");
	if (s->lint.on && (!s->definition || s->previous || s->explain || o->dir ||
			   o->count || s->follow.on || s->lists.report ||
			   s->lists.unmatched || cdp_segment_lineage_asked(&s->lineage)))
		cdp_cli_usage(cli, "--lint needs -d and nothing else that is written");
	if (s->cost.on && (!s->definition || s->previous || s->explain || o->dir ||
			   o->count || s->follow.on || s->lint.on || s->lists.report ||
			   s->lists.unmatched || cdp_segment_lineage_asked(&s->lineage)))
		cdp_cli_usage(cli, "--cost needs -d and nothing else that is written");
	if ((s->usage.retire.n || s->usage.costs.n) && !s->usage.on)
		cdp_cli_usage(cli, "--%s needs --usage",
			      s->usage.costs.n ? "costs" : "retire");
	if (s->usage.on && (!s->definition || !o->dir || s->previous || s->explain ||
			    o->count || o->changes || o->keep || o->merges ||
			    s->follow.on || s->lint.on || s->cost.on || s->lists.report ||
			    s->lists.unmatched || cdp_segment_lineage_asked(&s->lineage)))
		cdp_cli_usage(cli, "--usage needs -d, --store and nothing else that is "
				   "written");
	if (s->usage.on && cli->operands[0])
		cdp_cli_usage(cli, "--usage reads no records");
	cdp_segment_lineage_check(cli, &s->lineage, s->definition,
				  s->previous || s->explain || o->count || o->changes ||
					  s->follow.on);
	return s->lint.on || s->cost.on || is_about(s) || handover || o->count ||
	       o->list || s->explain || s->put.import;
}

/* From the store alone. */
static int answer(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	const struct cdp_segment_export_opts *h = &s->handover;
	int ret;

	if (h->export || h->ack || h->batches)
		ret = cdp_segment_export_run(cli, h, s->store.dir, err);
	else if (s->put.import)
		ret = cdp_segment_put(cli, &s->put, &s->lists, &s->store, err);
	else
		ret = cdp_segment_store_answer(cli, &s->store, err);
	cdp_segment_store_release(&s->store);
	return ret;
}

int main(int argc, char **argv)
{
	static const char *const lineage_forms[] = { "rows", "dot", NULL };
	struct segment_ctx s = { .lineage.form = -1 };
	struct cdp_cli cli;
	struct cdp_err err;
	bool rows;
	int ret;
	const struct cdp_opt opts[] = {
		{ 'd', "definition", CDP_OPT_STR, &s.definition, "FILE", "the audiences",
		  NULL, 0, 0 },
		{ 0, "segment", CDP_OPT_LIST, &s.store.only, "NAME",
		  "write only this audience", NULL, 0, 0 },
		{ 0, "with", CDP_OPT_LIST, &s.with, "FILE",
		  "memberships that rules may refer to as segments.NAME", NULL, 0, 0 },
		{ 0, "previous", CDP_OPT_STR, &s.previous, "FILE",
		  "write who entered or left since these memberships", NULL, 0, 0 },
		{ 0, "store", CDP_OPT_STR, &s.store.dir, "DIR",
		  "keep the results as a version in DIR; without -d answer from there",
		  NULL, 0, 0 },
		{ 0, "keep", CDP_OPT_INT, &s.store.keep, "N",
		  "with -d: remove all versions but the latest N", NULL, 1, 1000000 },
		{ 'e', "expression", CDP_OPT_LIST, &s.store.exprs, "EXPR",
		  "an audience out of stored ones: EXPR or LABEL:=EXPR", NULL, 0, 0 },
		{ 0, "changes", CDP_OPT_FLAG, &s.store.changes, NULL,
		  "write who entered or left since the stored version before", NULL, 0,
		  0 },
		{ 0, "merges", CDP_OPT_STR, &s.store.merges, "FILE",
		  "who became whom since the version before", NULL, 0, 0 },
		{ 0, "list", CDP_OPT_FLAG, &s.store.list, NULL,
		  "write a row for each stored audience", NULL, 0, 0 },
		{ 0, "search", CDP_OPT_STR, &s.store.search, "WORD",
		  "with --list: only those that tell of WORD", NULL, 0, 0 },
		{ 0, "export", CDP_OPT_STR, &s.handover.export, "NAME",
		  "hand a stored audience over, once", NULL, 0, 0 },
		{ 0, "again", CDP_OPT_FLAG, &s.handover.again, NULL,
		  "with --export: also if it was handed over before", NULL, 0, 0 },
		{ 0, "ack", CDP_OPT_STR, &s.handover.ack, "BATCH",
		  "remember that a batch has arrived", NULL, 0, 0 },
		{ 0, "batches", CDP_OPT_FLAG, &s.handover.batches, NULL,
		  "write a row for each batch that was handed over", NULL, 0, 0 },
		{ 0, "ids", CDP_OPT_STR, &s.lists.map, "FILE",
		  "the map of cdp-idmap, for lists of ids and relations", NULL, 0, 0 },
		{ 0, "import", CDP_OPT_STR, &s.put.import, "FILE",
		  "put a list of ids into the store, as the audience of --segment", NULL,
		  0, 0 },
		{ 0, "kind", CDP_OPT_STR, &s.put.kind, "KIND",
		  "with --import: of which kind the ids are", NULL, 0, 0 },
		{ 0, "kinds", CDP_OPT_STR, &s.lists.kinds, "FILE",
		  "the kinds of ids that the map was made with", NULL, 0, 0 },
		{ 0, "report", CDP_OPT_STR, &s.lists.report, "FILE",
		  "write what came of each list", NULL, 0, 0 },
		{ 0, "unmatched", CDP_OPT_STR, &s.lists.unmatched, "FILE",
		  "write the rows of lists that brought no customer", NULL, 0, 0 },
		{ 0, "follow", CDP_OPT_FLAG, &s.follow.on, NULL,
		  "write who enters and leaves with each profile or event that comes",
		  NULL, 0, 0 },
		{ 0, "profiles", CDP_OPT_STR, &s.follow.profiles, "FILE",
		  "with --follow: the profiles and events there were", NULL, 0, 0 },
		{ 0, "feed", CDP_OPT_STR, &s.follow.feed, "NAME",
		  "with --follow and --store: pass over what was read of it before", NULL,
		  0, 0 },
		{ 0, "fill", CDP_OPT_FLAG, &s.follow.fills, NULL,
		  "with --follow and --store: --profiles has all history, for what is "
		  "new "
		  "in the rules alone",
		  NULL, 0, 0 },
		{ 0, "entities", CDP_OPT_LIST, &s.gather.entities, "FILE",
		  "rows that entity('NAME', ID) asks for, repeatable", NULL, 0, 0 },
		{ 0, "explain", CDP_OPT_STR, &s.explain, "ONE_ID",
		  "write why this customer is in an audience or not", NULL, 0, 0 },
		{ 0, "key", CDP_OPT_STR, &s.key, "NAME",
		  "the member that tells profiles apart (default one_id)", NULL, 0, 0 },
		{ 0, "tags", CDP_OPT_LIST, &s.lineage.tags, "FILE",
		  "definitions of tags: rules may read no others, repeatable", NULL, 0,
		  0 },
		{ 0, "lineage", CDP_OPT_CHOICE, &s.lineage.form, "FORM",
		  "read nothing, write what reads what: rows or dot", lineage_forms, 0,
		  0 },
		{ 0, "lint", CDP_OPT_FLAG, &s.lint.on, NULL,
		  "write what is odd about the audiences, and with FILE about who is in "
		  "them",
		  NULL, 0, 0 },
		{ 0, "used-in", CDP_OPT_LIST, &s.lint.used_in, "FILE",
		  "with --lint or --usage: definitions that use audiences, repeatable",
		  NULL, 0, 0 },
		{ 0, "usage", CDP_OPT_FLAG, &s.usage.on, NULL,
		  "write when audiences, and tags, were last used and what reads them",
		  NULL, 0, 0 },
		{ 0, "costs", CDP_OPT_LIST, &s.usage.costs, "FILE",
		  "with --usage: rows of --cost, here or of cdp-tag, repeatable", NULL, 0,
		  0 },
		{ 0, "retire", CDP_OPT_LIST, &s.usage.retire, "WHAT",
		  "with --usage: whether these can go together, repeatable", NULL, 0, 0 },
		{ 0, "cost", CDP_OPT_FLAG, &s.cost.on, NULL,
		  "write what each audience and part of the run costs", NULL, 0, 0 },
		{ 0, "affected", CDP_OPT_LIST, &s.lineage.affected, "SOURCE",
		  "read nothing, write what depends on SOURCE, repeatable", NULL, 0, 0 },
		{ 0, "count", CDP_OPT_FLAG, &s.store.count, NULL, "write only how many",
		  NULL, 0, 0 },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-segment",
		.purpose = "tell which customers belong to which audiences",
		.synopsis = "-d SEGMENTS [--previous FILE | --store DIR] [FILE...] | "
			    "--store DIR [-e EXPR...]",
		.example = "cdp-segment -d segments.json --count --table profiles.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_ROWS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&cli, &tool, argc, argv);
	s.store.reads = s.follow.on || s.explain || is_about(&s);
	s.store.usage = s.usage.on;
	s.store.imports = s.put.import != NULL;
	check_key(&cli, &s);
	rows = check_usage(&cli, &s);
	if (!rows && (cli.opt.table || cli.opt.csv))
		cdp_cli_usage(&cli, "option '--%s' requires '--count'",
			      cli.opt.table ? "table" : "csv");
	if (!s.definition) {
		ret = answer(&cli, &s, &err);
		return ret < 0 ? cdp_cli_fail(&cli, &err) : cdp_cli_finish(&cli);
	}
	s.job.paths = cdp_paths_new_of(s.key);
	s.job.tags_slot = cdp_paths_add(s.job.paths, "tags", 4, &err);
	ret = load(&cli, &s, &err);
	if (ret == 0 && !is_about(&s))
		ret = run(&cli, &s, &err);
	release(&s);
	return ret < 0 ? cdp_cli_fail(&cli, &err) : cdp_cli_finish(&cli);
}
