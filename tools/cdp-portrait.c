/* cdp-portrait: how the tags of customers are distributed over audiences. */
#include "base/mem.h"
#include "cli/memberships.h"
#include "cli/portrait_rows.h"
#include "cli/portrait_store.h"
#include "model/depend.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

enum { AUDIENCES_MAX = CDP_PORTRAIT_GROUPS - 1, VALUES = 20 };

struct options {
	struct cdp_strs with, segments, where, tags, drill;
	const char *base, *store, *key;
	int64_t values, bins, quantile_bins, min_cell, from_level;
	bool rank, matrix, list, save;
};

/* A group of customers: a stored audience, a condition, or (the base) everyone. */
struct group {
	bool everyone;
	int ref; /* in refs, or -1 */
	struct cdp_step step;
};

struct portrait_ctx {
	struct options o;
	struct cdp_paths *paths;
	int tags_slot;
	const struct cdp_run *run;
	struct cdp_memberships with;
	struct cdp_intern *refs;   /* stored audiences that are referred to */
	struct cdp_members *given; /* who is in them, by ref */
	struct group groups[CDP_PORTRAIT_GROUPS];
	struct cdp_portrait_names names;
	struct cdp_drill drills[CDP_DRILL_MAX];
	unsigned drill_count;
	struct cdp_intern *only; /* tags to count; NULL: all */
	struct cdp_portrait *portrait;
	struct cdp_drill_level levels[CDP_DRILL_MAX + 1];
	struct cdp_members *listed; /* --list: who came how far (CDP_DRILL_BITS) */
	uint64_t keyed;             /* --min-cell: profiles whose keys are in `listed` */
	const char *key;            /* what tells customers apart */
};

struct worker {
	const struct portrait_ctx *f;
	struct cdp_eval *ev;
	struct cdp_portrait *portrait;
	struct cdp_drill_level levels[CDP_DRILL_MAX + 1];
	struct cdp_members *listed;
	uint64_t keyed;
	const uint64_t *bits; /* of the profile at hand; NULL: in no stored audience */
	struct cdp_buf key, tmp;
};

/* --- reading --- */

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct worker *w = host;

	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_BOOL,
				   .b = w->bits && cdp_bit(w->bits, (unsigned)ref) };
	return 0;
}

static void *new_worker(void *ctx)
{
	const struct portrait_ctx *f = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->f = f;
	w->ev = cdp_eval_new(f->run);
	cdp_eval_set_host(w->ev, fetch, w);
	w->portrait = cdp_portrait_new(f->names.count, f->only);
	w->listed = cdp_members_new(CDP_DRILL_BITS);
	cdp_buf_init(&w->key, CDP_BUF_NOMAX);
	cdp_buf_init(&w->tmp, CDP_BUF_NOMAX);
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct portrait_ctx *f = ctx;
	struct worker *w = worker;

	(void)err;
	f->keyed += w->keyed;
	for (unsigned k = 0; k <= f->drill_count; k++)
		for (unsigned g = 0; g < f->names.count; g++)
			f->levels[k].counts[g] += w->levels[k].counts[g];
	if (f->portrait) {
		cdp_portrait_merge(f->portrait, w->portrait);
		cdp_members_merge(f->listed, w->listed);
	} else {
		f->portrait = w->portrait;
		f->listed = w->listed;
	}
	cdp_eval_free(w->ev);
	cdp_buf_release(&w->key);
	cdp_buf_release(&w->tmp);
	free(w);
	return 0;
}

static unsigned mask_of(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit)
{
	const struct portrait_ctx *f = w->f;
	struct cdp_err err;
	unsigned mask = 0;

	for (unsigned g = 0; g < f->names.count; g++) {
		const struct group *a = &f->groups[g];
		int hit;

		if (a->everyone)
			hit = 1;
		else if (a->ref >= 0)
			hit = w->bits && cdp_bit(w->bits, (unsigned)a->ref);
		else
			hit = cdp_step_match(&a->step, w->ev, rec, &err);
		if (hit < 0)
			cdp_emit_eval_error(emit, rec, &err);
		else
			mask |= (unsigned)hit << g;
	}
	return mask;
}

/* The level that a customer must have come to, to be in a list: all steps, if not said
 * otherwise. */
static unsigned first_listed(const struct portrait_ctx *f)
{
	return f->o.from_level < 0 ? f->drill_count : (unsigned)f->o.from_level;
}

static void drill(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit,
		  unsigned mask, const struct cdp_val *one_id)
{
	const struct portrait_ctx *f = w->f;
	struct cdp_err err;
	unsigned passed = 0;

	for (unsigned k = 0; k <= f->drill_count; k++) {
		int hit = k == 0 ? 1
				 : cdp_drill_match(&f->drills[k - 1], w->ev, rec, &w->key,
						   &w->tmp, &err);

		if (hit < 0)
			cdp_emit_eval_error(emit, rec, &err);
		if (hit <= 0)
			break;
		passed = k;
		for (unsigned g = 0; g < f->names.count; g++)
			w->levels[k].counts[g] += mask >> g & 1;
	}
	for (unsigned g = 0; f->o.list && passed >= first_listed(f) && g < f->names.count;
	     g++)
		if (mask >> g & 1)
			cdp_bit_set(cdp_members_put(w->listed, one_id->p, one_id->n),
				    passed * CDP_PORTRAIT_GROUPS + g);
}

static int add_profile(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const struct cdp_val *tags = cdp_rec_get(rec, w->f->tags_slot);
	unsigned mask;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s", w->f->key);
	if (tags->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	w->bits = cdp_members_get(w->f->given, one_id->p, one_id->n);
	mask = mask_of(w, rec, emit);
	cdp_portrait_add(w->portrait, tags, mask);
	if (w->f->o.min_cell) {
		cdp_members_put(w->listed, one_id->p, one_id->n);
		w->keyed++;
	}
	if (w->f->drill_count && mask)
		drill(w, rec, emit, mask, one_id);
	cdp_eval_reset(w->ev);
	return 0;
}

/* --- writing --- */

struct lister {
	const struct portrait_ctx *f;
	struct cdp_rows *rows;
};

static int list_customer(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	const struct lister *l = ctx;
	const struct cdp_portrait_names *names = &l->f->names;

	for (unsigned g = names->count > 1 ? 1 : 0; g < names->count; g++) {
		int level = CDP_DRILL_MAX;

		while (level >= 0 &&
		       !cdp_bit(bits, (unsigned)level * CDP_PORTRAIT_GROUPS + g))
			level--;
		if (level < 0)
			continue;
		cdp_rows_begin(l->rows, "drill_customer");
		cdp_rows_str(l->rows, l->f->key, key, n);
		cdp_rows_cstr(l->rows, "audience", names->v[g]);
		cdp_rows_int(l->rows, "level", level);
		if (cdp_rows_end(l->rows) < 0)
			return -1;
	}
	return 0;
}

static int write_portrait(struct cdp_rows *rows, const struct portrait_ctx *f,
			  struct cdp_err *err)
{
	const struct options *o = &f->o;
	struct cdp_portrait_spec spec = {
		.values = (unsigned)o->values,
		.bins = (unsigned)(o->bins ? o->bins : o->quantile_bins),
		.equal_width = o->bins > 0,
		.min_cell = (uint64_t)o->min_cell,
	};
	struct cdp_portrait_tables *t = cdp_portrait_tables_new(f->portrait, &spec, err);

	if (!t)
		return -1;
	cdp_portrait_write(rows, t, &f->names, o->rank);
	cdp_portrait_tables_free(t);
	return 0;
}

/* What makes a result look empty. */
static void explain(struct cdp_cli *cli, const struct portrait_ctx *f)
{
	bool read = f->o.store || cli->counts.in > cli->counts.rejected;

	for (unsigned g = 0; g < f->names.count && read; g++) {
		if (cdp_portrait_size(f->portrait, g))
			continue;
		cli->in_vain = true;
		cdp_cli_note(cli, "audience '%s': nobody with a profile is in it",
			     f->names.v[g]);
	}
	for (unsigned i = 0; i < cdp_portrait_tags(f->portrait) && f->only && read; i++) {
		const char *name;
		size_t n;
		const struct cdp_portrait_tag *t =
			cdp_portrait_tag_at(f->portrait, i, &name, &n);

		if (!cdp_portrait_values(t))
			cdp_cli_note(cli, "tag '%.*s': no profile has it", (int)n, name);
	}
}

static int report(struct cdp_cli *cli, const struct portrait_ctx *f, struct cdp_err *err)
{
	struct cdp_rows *rows = cdp_rows_new(cli);
	int ret = 0;
	uint64_t min = (uint64_t)f->o.min_cell;

	if (f->o.list)
		cdp_members_each(f->listed, list_customer, &(struct lister){ f, rows });
	else if (f->drill_count)
		cdp_portrait_write_drill(rows, f->portrait, &f->names, min, f->drills,
					 f->levels, f->drill_count + 1);
	else if (f->o.matrix)
		cdp_portrait_write_matrix(rows, f->portrait, &f->names, min);
	else
		ret = write_portrait(rows, f, err);
	cdp_rows_free(rows);
	if (ret == 0)
		explain(cli, f);
	return ret;
}

/* --- options --- */

static int refer(struct portrait_ctx *f, const char *name, struct cdp_err *err)
{
	size_t n = strlen(name);

	if (cdp_intern_get(f->with.names, name, n) == CDP_INTERN_NONE)
		return cdp_depend_unknown(f->with.names, "segment", name, err);
	return (int)cdp_intern_put(f->refs, name, n, NULL);
}

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'segments' needs a name: 'segments.NAME'");
	*used = 2;
	return refer(host, names[1], err);
}

static int add_group(struct portrait_ctx *f, const char *name, struct cdp_err *err)
{
	for (unsigned g = 0; g < f->names.count; g++)
		if (strcmp(f->names.v[g], name) == 0)
			return cdp_err_set(err, CDP_ERR_USAGE, "'%s' %s", name,
					   g ? "is named twice" : "is the name of all");
	f->names.v[f->names.count++] = name;
	return 0;
}

static int compile_where(struct portrait_ctx *f, const char *text,
			 const struct cdp_env *env, struct cdp_err *err)
{
	struct group *a = &f->groups[f->names.count];

	if (cdp_step_parse(&a->step, text, env, err) < 0)
		return -1;
	if (a->step.event) {
		cdp_step_release(&a->step);
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.100s' is no condition; one is written =EXPR or "
				   "LABEL:=EXPR",
				   text);
	}
	a->ref = -1;
	if (add_group(f, a->step.label, err) == 0)
		return 0;
	cdp_step_release(&a->step);
	return -1;
}

static int compile_groups(struct portrait_ctx *f, const struct cdp_env *env,
			  struct cdp_err *err)
{
	const struct options *o = &f->o;
	struct group *base = &f->groups[0];

	*base = (struct group){ .everyone = !o->base, .ref = -1 };
	f->names.v[f->names.count++] = "base";
	if (o->base && cdp_expr_compile_condition(&base->step.expr, o->base,
						  strlen(o->base), env, err) < 0) {
		cdp_err_prefix(err, "--base");
		return -1;
	}
	for (size_t i = 0; i < o->segments.n; i++) {
		int ref = refer(f, o->segments.v[i], err);

		f->groups[f->names.count].ref = ref;
		if (ref < 0 || add_group(f, o->segments.v[i], err) < 0) {
			cdp_err_prefix(err, "--segment");
			return -1;
		}
	}
	for (size_t i = 0; i < o->where.n; i++)
		if (compile_where(f, o->where.v[i], env, err) < 0) {
			cdp_err_prefix(err, "--where");
			return -1;
		}
	return 0;
}

static int compile(struct portrait_ctx *f, struct cdp_err *err)
{
	static const char *const roots[] = { "segments", NULL };
	const struct options *o = &f->o;
	struct cdp_env env = { .paths = f->paths,
			       .members = cdp_profile_members,
			       .roots = roots,
			       .resolve = resolve,
			       .host = f };

	if (compile_groups(f, &env, err) < 0)
		return -1;
	for (; f->drill_count < o->drill.n; f->drill_count++)
		if (cdp_drill_parse(&f->drills[f->drill_count],
				    o->drill.v[f->drill_count], &env, err) < 0) {
			cdp_err_prefix(err, "--drill");
			return -1;
		}
	return 0;
}

/* Sizes alone need no tag. */
static void choose_tags(struct portrait_ctx *f)
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

static int run_store(struct cdp_cli *cli, struct portrait_ctx *f, struct cdp_err *err)
{
	const struct options *o = &f->o;
	struct cdp_portrait_question q = { .dir = o->store,
					   .key = o->key,
					   .base = o->base,
					   .segments = &o->segments,
					   .where = &o->where,
					   .drill = &o->drill,
					   .only = f->only,
					   .list = o->list,
					   .from = o->from_level < 0
							   ? (unsigned)o->drill.n
							   : (unsigned)o->from_level };
	struct cdp_portrait_answer a = { 0 };
	int ret;

	if (o->save)
		return cdp_portrait_store_save(cli, o->store, o->key, err);
	ret = cdp_portrait_store_answer(cli, &q, &a, err);
	if (ret == 0) {
		struct portrait_ctx told = *f;

		told.names = a.names;
		told.key = a.key;
		told.portrait = a.portrait;
		told.listed = a.listed;
		told.drill_count = (unsigned)o->drill.n;
		memcpy(told.drills, a.drills, sizeof(a.drills));
		memcpy(told.levels, a.levels, sizeof(a.levels));
		ret = report(cli, &told, err);
	}
	cdp_portrait_answer_release(&a);
	return ret;
}

static int run(struct cdp_cli *cli, struct portrait_ctx *f, struct cdp_err *err)
{
	struct cdp_job job = { .ctx = f,
			       .worker = new_worker,
			       .record = add_profile,
			       .merge = merge_worker };
	int ret = 0;

	choose_tags(f);
	if (f->o.store)
		return run_store(cli, f, err);
	for (size_t i = 0; i < f->o.with.n && ret == 0; i++)
		ret = cdp_memberships_read(cli, &f->with, f->o.with.v[i], err);
	if (ret == 0)
		ret = compile(f, err);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	f->given = cdp_memberships_bits(&f->with, f->refs, 0);
	job.paths = f->paths;
	if (cdp_cli_run(cli, &job) < 0 || !f->portrait)
		return 0;
	if (!f->o.min_cell || f->keyed == cdp_members_count(f->listed))
		return report(cli, f, err);
	/* One person's profiles would count as several people. */
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "--min-cell needs one profile a customer: %llu are of "
			   "customers who have another",
			   (unsigned long long)(f->keyed - cdp_members_count(f->listed)));
}

static void release(struct portrait_ctx *f)
{
	struct options *o = &f->o;

	cdp_portrait_free(f->portrait);
	cdp_members_free(f->given);
	cdp_members_free(f->listed);
	for (unsigned g = 0; g < f->names.count; g++)
		cdp_step_release(&f->groups[g].step);
	for (unsigned i = 0; i < f->drill_count; i++)
		cdp_drill_release(&f->drills[i]);
	cdp_intern_free(f->refs);
	cdp_intern_free(f->only);
	cdp_memberships_release(&f->with);
	cdp_strs_release(&o->with);
	cdp_strs_release(&o->segments);
	cdp_strs_release(&o->where);
	cdp_strs_release(&o->tags);
	cdp_strs_release(&o->drill);
	cdp_paths_free(f->paths);
}

int main(int argc, char **argv)
{
	struct portrait_ctx f = { .o = { .values = VALUES, .from_level = -1 } };
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
	f.run = &cli.opt.run;
	f.paths = cdp_paths_new_of(o->key);
	f.key = cdp_paths_key(f.paths);
	f.tags_slot = cdp_paths_add(f.paths, "tags", 4, &err);
	f.refs = cdp_intern_new(0);
	cdp_memberships_init(&f.with, o->key);
	if (run(&cli, &f, &err) < 0) {
		release(&f);
		return cdp_cli_fail(&cli, &err);
	}
	release(&f);
	return cdp_cli_finish(&cli);
}
