/* cdp-portrait: how the tags of customers are distributed over audiences. */
#include "cli/memberships.h"
#include "cli/portrait_pass.h"
#include "cli/portrait_rows.h"

#include <stdlib.h>
#include <string.h>

enum { AUDIENCES_MAX = CDP_PORTRAIT_GROUPS - 1, VALUES = 20 };

struct options {
	struct cdp_strs with, segments, where, tags, drill;
	const char *base, *store, *key;
	int64_t values, bins, quantile_bins, min_cell, from_level;
	bool rank, matrix, list, save;
};

struct asked {
	struct options o;
	struct cdp_intern *only; /* tags to count; NULL: all */
	struct cdp_portrait_answer a;
};

/* --- writing --- */

struct lister {
	const struct asked *f;
	struct cdp_rows *rows;
};

static int list_customer(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	const struct lister *l = ctx;
	const struct cdp_portrait_names *names = &l->f->a.names;

	for (unsigned g = names->count > 1 ? 1 : 0; g < names->count; g++) {
		int level = CDP_DRILL_MAX;

		while (level >= 0 &&
		       !cdp_bit(bits, (unsigned)level * CDP_PORTRAIT_GROUPS + g))
			level--;
		if (level < 0)
			continue;
		cdp_rows_begin(l->rows, "drill_customer");
		cdp_rows_str(l->rows, l->f->a.key, key, n);
		cdp_rows_cstr(l->rows, "audience", names->v[g]);
		cdp_rows_int(l->rows, "level", level);
		if (cdp_rows_end(l->rows) < 0)
			return -1;
	}
	return 0;
}

static int write_portrait(struct cdp_rows *rows, const struct asked *f,
			  struct cdp_err *err)
{
	const struct options *o = &f->o;
	struct cdp_portrait_spec spec = {
		.values = (unsigned)o->values,
		.bins = (unsigned)(o->bins ? o->bins : o->quantile_bins),
		.equal_width = o->bins > 0,
		.min_cell = (uint64_t)o->min_cell,
	};
	struct cdp_portrait_tables *t =
		cdp_portrait_tables_new(f->a.portrait, &spec, err);

	if (!t)
		return -1;
	cdp_portrait_write(rows, t, &f->a.names, o->rank);
	cdp_portrait_tables_free(t);
	return 0;
}

/* What makes a result look empty. */
static void explain(struct cdp_cli *cli, const struct asked *f)
{
	bool read = f->o.store || cli->counts.in > cli->counts.rejected;

	for (unsigned g = 0; g < f->a.names.count && read; g++) {
		if (cdp_portrait_size(f->a.portrait, g))
			continue;
		cli->in_vain = true;
		cdp_cli_note(cli, "audience '%s': nobody with a profile is in it",
			     f->a.names.v[g]);
	}
	for (unsigned i = 0; i < cdp_portrait_tags(f->a.portrait) && f->only && read;
	     i++) {
		const char *name;
		size_t n;
		const struct cdp_portrait_tag *t =
			cdp_portrait_tag_at(f->a.portrait, i, &name, &n);

		if (!cdp_portrait_values(t))
			cdp_cli_note(cli, "tag '%.*s': no profile has it", (int)n, name);
	}
}

static int report(struct cdp_cli *cli, const struct asked *f, struct cdp_err *err)
{
	struct cdp_rows *rows = cdp_rows_new(cli);
	int ret = 0;
	uint64_t min = (uint64_t)f->o.min_cell;

	if (f->o.list)
		cdp_members_each(f->a.listed, list_customer, &(struct lister){ f, rows });
	else if (f->o.drill.n)
		cdp_portrait_write_drill(rows, f->a.portrait, &f->a.names, min,
					 f->a.drills, f->a.levels,
					 (unsigned)f->o.drill.n + 1);
	else if (f->o.matrix)
		cdp_portrait_write_matrix(rows, f->a.portrait, &f->a.names, min);
	else
		ret = write_portrait(rows, f, err);
	cdp_rows_free(rows);
	if (ret == 0)
		explain(cli, f);
	return ret;
}

/* --- options --- */

/* Sizes alone need no tag. */
static void choose_tags(struct asked *f)
{
	const struct options *o = &f->o;

	if (o->tags.n || o->matrix || o->drill.n)
		f->only = cdp_intern_new(0);
	for (size_t i = 0; i < o->tags.n; i++)
		cdp_intern_put(f->only, o->tags.v[i], strlen(o->tags.v[i]), NULL);
}

/* With --save nothing is told, and without it nothing but the store is read. */
static void check_store(struct cdp_cli *cli, const struct options *o)
{
	if (o->save && !o->store)
		cdp_cli_usage(cli, "--save needs --store DIR");
	if (!o->store)
		return;
	if (o->with.n)
		cdp_cli_usage(cli, "--with and --store exclude each other");
	if (o->save && (o->segments.n || o->where.n || o->tags.n || o->drill.n ||
			o->base || o->rank || o->matrix))
		cdp_cli_usage(cli, "--save keeps all tags of all profiles, and tells "
				   "nothing");
	if (!o->save && cli->operands[0])
		cdp_cli_usage(cli,
			      "with --store no profiles are read but by --save: '%s'",
			      cli->operands[0]);
}

static void check_usage(struct cdp_cli *cli, const struct options *o)
{
	size_t audiences = o->segments.n + o->where.n;

	if (audiences > AUDIENCES_MAX)
		cdp_cli_usage(cli, "at most %d audiences", AUDIENCES_MAX);
	if (o->drill.n > CDP_DRILL_MAX)
		cdp_cli_usage(cli, "at most %d of --drill", CDP_DRILL_MAX);
	if (o->rank + o->matrix + (o->drill.n > 0) > 1)
		cdp_cli_usage(cli, "--rank, --matrix and --drill exclude each other");
	if (o->rank && !audiences)
		cdp_cli_usage(cli, "--rank needs an audience");
	if (o->matrix && audiences < 2)
		cdp_cli_usage(cli, "--matrix needs two audiences");
	if ((o->matrix || o->drill.n) && o->tags.n)
		cdp_cli_usage(cli, "--tag is for portraits: not with --%s",
			      o->matrix ? "matrix" : "drill");
	if (o->list && !o->drill.n)
		cdp_cli_usage(cli, "--list needs --drill");
	if (o->from_level >= 0 && !o->list)
		cdp_cli_usage(cli, "--from-level needs --list");
	if (o->from_level > (int64_t)o->drill.n)
		cdp_cli_usage(cli, "--from-level: there are %zu steps", o->drill.n);
	if (o->list && o->min_cell)
		cdp_cli_usage(cli, "--list and --min-cell exclude each other");
	if (o->bins && o->quantile_bins)
		cdp_cli_usage(cli, "--bins and --quantile-bins exclude each other");
}

/* 0; 1: told; -1. */
static int answer(struct cdp_cli *cli, struct asked *f,
		  const struct cdp_portrait_question *q, struct cdp_err *err)
{
	struct cdp_portrait_pass *pass;
	int ret;

	if (f->o.store) {
		ret = cdp_portrait_store_answer(cli, q, &f->a, err);
		return ret == 0 ? report(cli, f, err) : ret;
	}
	pass = cdp_portrait_pass_new(cli, q, f->o.min_cell > 0);
	ret = cdp_portrait_pass_answer(cli, pass, &f->o.with, &f->a, err);
	if (ret == 0)
		ret = report(cli, f, err);
	cdp_portrait_answer_release(&f->a);
	cdp_portrait_pass_free(pass);
	return ret;
}

static int run(struct cdp_cli *cli, struct asked *f, struct cdp_err *err)
{
	const struct options *o = &f->o;
	struct cdp_portrait_question q = { .dir = o->store,
					   .key = o->key,
					   .base = o->base,
					   .segments = &o->segments,
					   .where = &o->where,
					   .drill = &o->drill,
					   .list = o->list,
					   .from = o->from_level < 0
							   ? (unsigned)o->drill.n
							   : (unsigned)o->from_level };

	if (o->save)
		return cdp_portrait_store_save(cli, o->store, o->key, err);
	choose_tags(f);
	q.only = f->only;
	return answer(cli, f, &q, err);
}

static void release(struct asked *f)
{
	struct options *o = &f->o;

	cdp_portrait_answer_release(&f->a);
	cdp_intern_free(f->only);
	cdp_strs_release(&o->with);
	cdp_strs_release(&o->segments);
	cdp_strs_release(&o->where);
	cdp_strs_release(&o->tags);
	cdp_strs_release(&o->drill);
}

int main(int argc, char **argv)
{
	struct asked f = { .o = { .values = VALUES, .from_level = -1 } };
	struct options *o = &f.o;
	struct cdp_cli cli;
	struct cdp_err err;
	const struct cdp_opt opts[] = {
		{ 0, "segment", CDP_OPT_LIST, &o->segments, "NAME",
		  "an audience from --with or --store", NULL, 0, 0 },
		{ 0, "store", CDP_OPT_STR, &o->store, "DIR",
		  "answer from the tags and audiences stored in DIR, without profiles",
		  NULL, 0, 0 },
		{ 0, "save", CDP_OPT_FLAG, &o->save, NULL,
		  "with --store: keep the tags of the profiles there", NULL, 0, 0 },
		{ 0, "where", CDP_OPT_LIST, &o->where, "CONDITION",
		  "an audience by a condition: LABEL:=EXPR or =EXPR", NULL, 0, 0 },
		{ 0, "with", CDP_OPT_LIST, &o->with, "FILE",
		  "memberships: the audiences that there are", NULL, 0, 0 },
		{ 0, "base", CDP_OPT_STR, &o->base, "EXPR",
		  "whom to compare with (default: all profiles)", NULL, 0, 0 },
		{ 0, "key", CDP_OPT_STR, &o->key, "NAME",
		  "the member that tells profiles apart (default one_id)", NULL, 0, 0 },
		{ 0, "tag", CDP_OPT_LIST, &o->tags, "NAME", "only this tag", NULL, 0, 0 },
		{ 0, "values", CDP_OPT_INT, &o->values, "N",
		  "rows of values a tag, the rest as one row (default 20)", NULL, 1,
		  1000000 },
		{ 0, "bins", CDP_OPT_INT, &o->bins, "N",
		  "put numbers into at most N bins of equal width", NULL, 2, 10000 },
		{ 0, "quantile-bins", CDP_OPT_INT, &o->quantile_bins, "N",
		  "put numbers and times into at most N bins of equal count", NULL, 2,
		  10000 },
		{ 0, "min-cell", CDP_OPT_INT, &o->min_cell, "N",
		  "tell of no group of fewer than N customers", NULL, 2, 1000000000 },
		{ 0, "rank", CDP_OPT_FLAG, &o->rank, NULL,
		  "write only which tags set the audiences apart", NULL, 0, 0 },
		{ 0, "matrix", CDP_OPT_FLAG, &o->matrix, NULL,
		  "write how the audiences overlap instead", NULL, 0, 0 },
		{ 0, "drill", CDP_OPT_LIST, &o->drill, "STEP",
		  "write who is left step by step: TAG=V1,V2 or LABEL:=EXPR", NULL, 0,
		  0 },
		{ 0, "list", CDP_OPT_FLAG, &o->list, NULL,
		  "write the customers whom the last step leaves", NULL, 0, 0 },
		{ 0, "from-level", CDP_OPT_INT, &o->from_level, "N",
		  "with --list: write all whom step N leaves, and how far they came",
		  NULL, 0, CDP_DRILL_MAX },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-portrait",
		.purpose = "describe audiences by how their tags are distributed",
		.synopsis = "[--with FILE] [--segment NAME]... [--where LABEL:=EXPR]... "
			    "[FILE...]",
		.example = "cdp-portrait --with members.ndjson --segment buyers --rank "
			   "--table FILE",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_ROWS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&cli, &tool, argc, argv);
	check_usage(&cli, o);
	check_store(&cli, o);
	cdp_cli_check_key(&cli, o->key);
	if (run(&cli, &f, &err) < 0) {
		release(&f);
		return cdp_cli_fail(&cli, &err);
	}
	release(&f);
	return cdp_cli_finish(&cli);
}
