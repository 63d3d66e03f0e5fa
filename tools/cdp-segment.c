/* cdp-segment: profiles -> memberships of audiences, or what changed since the last run.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/memberships.h"
#include "cli/rows.h"
#include "cli/segment_store.h"
#include "model/segments.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct segment_ctx {
	const char *definition, *previous;
	struct cdp_strs with;
	struct cdp_segment_store_opts store;
	struct cdp_paths *paths;
	int tags_slot;
	struct cdp_segments *set;
	const struct cdp_run *run;
	struct cdp_members *given; /* what streams say, by number in the set */
	struct cdp_members *members;
	struct cdp_members *before; /* with --previous */
	uint64_t *wanted;           /* audiences to write */
	uint64_t *errors;           /* profiles whose rule ended in one, by audience */
	uint64_t profiles;
};

struct worker {
	const struct segment_ctx *s;
	struct cdp_eval *ev;
	struct cdp_members *members;
	uint64_t *bits;   /* of the profile at hand */
	uint64_t *errors; /* by audience */
	uint64_t profiles;
};

/* --- deciding --- */

static void *new_worker(void *ctx)
{
	const struct segment_ctx *s = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->s = s;
	w->ev = cdp_eval_new(s->run);
	w->members = cdp_members_new(s->set->count);
	w->bits = cdp_calloc(cdp_bit_words(s->set->count), sizeof(*w->bits));
	w->errors = cdp_calloc(s->set->count, sizeof(*w->errors));
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct segment_ctx *s = ctx;
	struct worker *w = worker;

	(void)err;
	if (s->members)
		cdp_members_merge(s->members, w->members);
	else
		s->members = w->members;
	for (unsigned i = 0; i < s->set->count; i++)
		s->errors[i] += w->errors[i];
	s->profiles += w->profiles;
	cdp_eval_free(w->ev);
	free(w->bits);
	free(w->errors);
	free(w);
	return 0;
}

static int decide(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const uint64_t *given;
	size_t words = cdp_bit_words(w->s->set->count);
	unsigned failed;
	uint64_t *bits;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no one_id");
	if (cdp_rec_get(rec, w->s->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	w->profiles++;
	given = cdp_members_get(w->s->given, one_id->p, one_id->n);
	for (size_t i = 0; i < words; i++)
		w->bits[i] = given ? given[i] : 0;
	failed = cdp_segments_decide(w->s->set, w->ev, rec, w->bits, w->errors, err);
	if (failed) {
		cdp_emit_eval_error(emit, rec, err);
		emit->counts.eval_errors += failed - 1;
	}
	/* Several profiles of one customer: all that any of them says. */
	bits = cdp_members_put(w->members, one_id->p, one_id->n);
	for (size_t i = 0; i < words; i++)
		bits[i] |= w->bits[i];
	return 0;
}

/* --- writing --- */

struct writer {
	const struct segment_ctx *s;
	struct cdp_cli *cli;
	struct cdp_buf line;
	char as_of[CDP_TIME_CANON];
	uint64_t *counts;
};

static int write_line(struct writer *w, const char *key, size_t n, unsigned segment,
		      const char *change)
{
	cdp_buf_reset(&w->line);
	cdp_buf_adds(&w->line, "{\"one_id\":");
	cdp_json_str(&w->line, key, n);
	cdp_json_key(&w->line, "segment");
	cdp_json_cstr(&w->line, w->s->set->v[segment].name);
	cdp_json_key(&w->line, "as_of");
	cdp_json_str(&w->line, w->as_of, sizeof(w->as_of));
	if (change) {
		cdp_json_key(&w->line, "change");
		cdp_json_cstr(&w->line, change);
	}
	cdp_buf_adds(&w->line, "}\n");
	w->cli->counts.out++;
	return cdp_out_write(cdp_cli_out(w->cli), w->line.p, w->line.n);
}

static int write_customer(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	struct writer *w = ctx;
	const struct segment_ctx *s = w->s;
	const uint64_t *before = s->before ? cdp_members_get(s->before, key, n) : NULL;

	for (unsigned i = 0; i < s->set->defined; i++) {
		bool now = cdp_bit(bits, i), was = before && cdp_bit(before, i);

		if (!cdp_bit(s->wanted, i))
			continue;
		w->counts[i] += now;
		if (s->store.count || (s->before ? now == was : !now))
			continue;
		if (write_line(w, key, n, i,
			       !s->before ? NULL
			       : now      ? "entered"
					  : "left") < 0)
			return -1;
	}
	return 0;
}

/* Those who were members and have no profile any more must be met, too. */
static int put_customer(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	(void)bits;
	cdp_members_put(ctx, key, n);
	return 0;
}

static void write_counts(struct cdp_cli *cli, const struct segment_ctx *s,
			 const uint64_t *counts)
{
	struct cdp_rows *rows = cdp_rows_new(cli);
	uint32_t all = cdp_members_count(s->members);

	for (unsigned i = 0; i < s->set->defined; i++) {
		const char *name = s->set->v[i].name;

		if (!cdp_bit(s->wanted, i))
			continue;
		cdp_rows_begin(rows, "segment");
		cdp_rows_str(rows, "segment", name, strlen(name));
		cdp_rows_int(rows, "customers", (int64_t)counts[i]);
		cdp_rows_share(rows, "share", all ? (double)counts[i] / all : 0);
		if (cdp_rows_end(rows) < 0)
			break; /* the error sticks: cdp_cli_finish reports it */
	}
	cdp_rows_free(rows);
}

/* An audience without members whose rule never came to an end: most likely a tag is
 * misspelt, or no truth value comes out. */
static bool is_in_vain(const struct segment_ctx *s, const uint64_t *counts, unsigned i)
{
	return cdp_bit(s->wanted, i) && !counts[i] && s->profiles &&
	       s->errors[i] >= s->profiles;
}

static void explain(struct cdp_cli *cli, const struct segment_ctx *s,
		    const uint64_t *counts)
{
	enum { SHOWN = 10 };
	unsigned n = 0;

	for (unsigned i = 0; i < s->set->defined; i++)
		if (is_in_vain(s, counts, i) && n++ < SHOWN)
			cdp_cli_note(cli,
				     "audience '%s': its rule ended in an error for "
				     "everyone",
				     s->set->v[i].name);
	if (n > SHOWN)
		cdp_cli_note(cli, "so did the rules of %u other audiences", n - SHOWN);
	cli->in_vain |= n > 0;
}

static void write_all(struct cdp_cli *cli, struct segment_ctx *s)
{
	struct writer w = { .s = s, .cli = cli };

	cdp_buf_init(&w.line, CDP_BUF_NOMAX);
	cdp_time_format(w.as_of, s->run->as_of);
	w.counts = cdp_calloc(s->set->count, sizeof(*w.counts));
	if (s->before)
		cdp_members_each(s->before, put_customer, s->members);
	cdp_members_each(s->members, write_customer, &w);
	if (s->store.count)
		write_counts(cli, s, w.counts);
	explain(cli, s, w.counts);
	free(w.counts);
	cdp_buf_release(&w.line);
}

/* --- storing --- */

/* Members by audience, as ranks. */
struct ranks {
	const struct segment_ctx *s;
	const char **keys;
	size_t *lens;
	uint32_t count;
	struct ranks_of {
		uint32_t *v;
		uint32_t n, cap;
	} * of;
};

static int add_ranks(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	struct ranks *r = ctx;

	r->keys[r->count] = key;
	r->lens[r->count] = n;
	for (unsigned i = 0; i < r->s->set->defined; i++) {
		struct ranks_of *of = &r->of[i];

		if (!cdp_bit(bits, i))
			continue;
		CDP_GROW(of->v, of->n, of->cap);
		of->v[of->n++] = r->count;
	}
	r->count++;
	return 0;
}

static const char *key_of(void *ctx, uint32_t rank, size_t *n)
{
	const struct ranks *r = ctx;

	*n = r->lens[rank];
	return r->keys[rank];
}

static const char *name_of(void *ctx, uint32_t i)
{
	const struct ranks *r = ctx;

	return r->s->set->v[i].name;
}

static void note_of(void *ctx, uint32_t i, struct cdp_buf *b)
{
	(void)ctx;
	(void)i;
	cdp_buf_adds(b, "{}");
}

static uint32_t members_of(void *ctx, uint32_t i, const uint32_t **v)
{
	const struct ranks *r = ctx;

	*v = r->of[i].v;
	return r->of[i].n;
}

static int keep(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct ranks r = { .s = s };
	struct cdp_segment_result result = { .count = s->set->defined,
					     .name = name_of,
					     .note = note_of,
					     .members = members_of,
					     .ctx = &r };
	int rc;

	r.keys = cdp_calloc(cdp_members_count(s->members) + 1, sizeof(*r.keys));
	r.lens = cdp_calloc(cdp_members_count(s->members) + 1, sizeof(*r.lens));
	r.of = cdp_calloc(s->set->defined + 1, sizeof(*r.of));
	cdp_members_each(s->members, add_ranks, &r);
	result.customers = (struct cdp_keylist){ r.count, key_of, &r };
	rc = cdp_segment_store_keep(cli, &s->store, &result, err);
	for (unsigned i = 0; i < s->set->defined; i++)
		free(r.of[i].v);
	free(r.of);
	free(r.keys);
	free(r.lens);
	return rc;
}

/* --- options --- */

static void choose(struct cdp_cli *cli, struct segment_ctx *s)
{
	s->wanted = cdp_calloc(cdp_bit_words(s->set->count), sizeof(*s->wanted));
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
}

static int run(struct cdp_cli *cli, struct segment_ctx *s, struct cdp_err *err)
{
	struct cdp_job job = {
		.ctx = s, .worker = new_worker, .record = decide, .merge = merge_worker
	};
	struct cdp_memberships with, previous;
	int ret = 0;

	cdp_memberships_init(&with);
	cdp_memberships_init(&previous);
	if (s->store.dir)
		ret = cdp_segment_store_begin(&s->store, err);
	for (size_t i = 0; i < s->with.n && ret == 0; i++)
		ret = cdp_memberships_read(cli, &with, s->with.v[i], err);
	if (ret == 0) {
		s->set = cdp_segments_load(s->definition, s->paths, with.names, err);
		ret = s->set ? 0 : -1;
	}
	if (ret == 0) {
		choose(cli, s);
		s->errors = cdp_calloc(s->set->count, sizeof(*s->errors));
		s->given = cdp_memberships_bits(&with, s->set->names, s->set->defined);
		if (s->previous)
			ret = cdp_memberships_read(cli, &previous, s->previous, err);
	}
	if (ret == 0) {
		if (s->previous)
			s->before = cdp_memberships_bits(&previous, s->set->names, 0);
		job.paths = s->paths;
		if (cdp_cli_run(cli, &job) == 0 && s->members) {
			if (s->store.dir)
				ret = keep(cli, s, err);
			if (!s->store.dir || s->store.count)
				write_all(cli, s);
		}
	}
	cdp_memberships_release(&with);
	cdp_memberships_release(&previous);
	return ret < 0 ? -1 : 0;
}

static void release(struct segment_ctx *s)
{
	cdp_members_free(s->given);
	cdp_members_free(s->members);
	cdp_members_free(s->before);
	free(s->wanted);
	free(s->errors);
	cdp_segments_free(s->set);
	cdp_strs_release(&s->with);
	cdp_segment_store_release(&s->store);
	cdp_paths_free(s->paths);
}

int main(int argc, char **argv)
{
	struct segment_ctx s = { 0 };
	struct cdp_cli cli;
	struct cdp_err err;
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
		{ 0, "list", CDP_OPT_FLAG, &s.store.list, NULL,
		  "write a row for each stored audience", NULL, 0, 0 },
		{ 0, "search", CDP_OPT_STR, &s.store.search, "WORD",
		  "with --list: only those that tell of WORD", NULL, 0, 0 },
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
	cdp_segment_store_check(&cli, &s.store, s.definition != NULL);
	if (!s.definition && !s.store.dir)
		cdp_cli_usage(&cli, "-d SEGMENTS or --store DIR is needed");
	if (!s.definition && (s.previous || s.with.n))
		cdp_cli_usage(&cli, "--%s needs -d", s.previous ? "previous" : "with");
	if (s.previous && s.store.dir)
		cdp_cli_usage(&cli, "--previous and --store exclude each other");
	if (!s.store.count && !s.store.list && (cli.opt.table || cli.opt.csv))
		cdp_cli_usage(&cli, "option '--%s' requires '--count'",
			      cli.opt.table ? "table" : "csv");
	if (!s.definition) {
		int ret = cdp_segment_store_answer(&cli, &s.store, &err);

		cdp_segment_store_release(&s.store);
		return ret < 0 ? cdp_cli_fail(&cli, &err) : cdp_cli_finish(&cli);
	}
	s.run = &cli.opt.run;
	s.paths = cdp_paths_new();
	s.tags_slot = cdp_paths_add(s.paths, "tags", 4, &err);
	if (run(&cli, &s, &err) < 0) {
		release(&s);
		return cdp_cli_fail(&cli, &err);
	}
	release(&s);
	return cdp_cli_finish(&cli);
}
