/* cdp-idmap: give every record the one_id of its person, and keep the map. */
#include "base/mem.h"
#include "base/time.h"
#include "cli/cli.h"
#include "io/spool.h"
#include "model/identity.h"
#include "model/identity_refs.h"
#include "model/identity_state.h"
#include "record/head.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A record where it stands in its block, until it gets its one_id. */
struct line {
	const char *raw;
	uint32_t len;
	uint32_t old,
		oldn; /* value of the one_id it came with, from its start; 0: none */
};

struct batch {
	struct cdp_sights sights;
	struct line *lines;
	size_t n, cap;
};

enum { MAP, MERGES, CONFLICTS, REPORT, FILES };

struct idmap {
	struct cdp_cli cli;
	/* options */
	const char *kinds_file, *state_dir, *key_file, *exclude_file, *known_at;
	const char *file[FILES];
	bool resolve, retro;
	/* what follows from them */
	struct cdp_idkinds *kinds;
	struct cdp_idexclude *exclude;
	bool asks; /* the state stays as it is */
	struct cdp_identity *m;
	struct cdp_idstate *state;
	struct cdp_out *out[FILES];
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	/* --resolve */
	struct cdp_idrefs *refs; /* ids of each record, as they were learned */
	struct cdp_spool *input; /* the records, unless they can be read twice */
	uint64_t joined;         /* records that --retro knew */
	/* the block at hand, when it is its turn */
	struct cdp_buf tmp;
	struct batch *batch;
};

struct worker {
	struct idmap *c;
	struct batch batch;
	uint64_t joined;
};

/* --- in the threads that scan --- */

static void *worker_new(void *ctx)
{
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->c = ctx;
	cdp_sights_init(&w->batch.sights);
	return w;
}

static int worker_free(void *ctx, void *worker, struct cdp_err *err)
{
	struct worker *w = worker;

	(void)ctx;
	(void)err;
	cdp_sights_release(&w->batch.sights);
	free(w->batch.lines);
	free(w);
	return 0;
}

static void keep_line(struct batch *b, struct cdp_rec *rec, struct cdp_emit *emit)
{
	const struct cdp_val *old = &rec->slots[CDP_SLOT_ONE_ID];
	bool quoted = old->type == CDP_STRING;
	struct line *l;

	CDP_GROW(b->lines, b->n, b->cap);
	l = &b->lines[b->n++];
	*l = (struct line){ .raw = rec->raw, .len = (uint32_t)rec->len };
	if (old->type != CDP_MISSING) {
		l->old = (uint32_t)(old->p - rec->raw) - quoted;
		l->oldn = old->n + 2 * quoted;
	}
	emit->user = b;
	emit->counts.out++;
}

static int read_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	struct batch *b = &w->batch;

	(void)err;
	cdp_sight_read(&b->sights, w->c->m, &w->c->slots, rec);
	b->sights.v[b->sights.n - 1].at = b->n;
	keep_line(b, rec, emit);
	return 0;
}

/* --- one block after the other --- */

static void put_line(struct cdp_buf *out, const struct line *l, const uint64_t *one_id)
{
	if (one_id)
		cdp_line_put_one_id(out, l->raw, l->len, l->old, l->oldn, *one_id);
	else
		cdp_buf_add(out, l->raw, l->len);
	cdp_buf_addc(out, '\n');
}

static const char *source_of(void *ctx, const struct cdp_sight *sight, size_t *n)
{
	struct idmap *c = ctx;
	const struct line *l = &c->batch->lines[sight->at];

	return cdp_sight_source(l->raw, l->len, &c->tmp, n);
}

static size_t learn(struct idmap *c, size_t i, const uint32_t **ids)
{
	struct cdp_sights *s = &c->batch->sights;

	cdp_identity_prefetch(c->m, s, i);
	return cdp_identity_learn(c->m, s, i, source_of, c, ids);
}

static bool begin_block(struct idmap *c, const struct cdp_emit *emit)
{
	c->batch = emit->user;
	if (!c->batch)
		return false;
	cdp_identity_add_unusable(c->m, &c->batch->sights);
	return true;
}

static void end_block(struct cdp_emit *emit)
{
	struct batch *b = emit->user;

	cdp_sights_reset(&b->sights);
	b->n = 0;
	emit->user = NULL;
}

/* Streaming: records get what is known at each of them. */
static int stream_block(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct idmap *c = ctx;

	if (!begin_block(c, emit))
		return 0;
	for (size_t i = 0; i < c->batch->n; i++) {
		const struct line *l = &c->batch->lines[i];
		const uint32_t *ids;
		uint64_t one_id;
		size_t n = learn(c, i, &ids);
		bool known = cdp_identity_live_of(c->m, &c->batch->sights.v[i], ids, n,
						  &one_id);

		put_line(&emit->out, l, known ? &one_id : NULL);
	}
	end_block(emit);
	return c->state && !c->asks ? cdp_idstate_note(c->state, err) : 0;
}

/* The first pass of --resolve: records are learned and nothing leaves. */
static int learn_block(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct idmap *c = ctx;
	int rc = 0;

	if (!begin_block(c, emit))
		return 0;
	for (size_t i = 0; i < c->batch->n && rc == 0; i++) {
		const uint32_t *ids;
		size_t n = learn(c, i, &ids);

		rc = cdp_idrefs_add(c->refs, c->m, c->batch->sights.v[i].ms, ids, n, err);
		if (c->input)
			put_line(&emit->out, &c->batch->lines[i], NULL);
	}
	if (rc == 0 && c->input)
		rc = cdp_spool_write(c->input, emit->out.p, emit->out.n, err);
	cdp_buf_reset(&emit->out);
	emit->counts.out = 0;
	end_block(emit);
	return rc;
}

static int input_changed(struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS, "the input changed while it was read twice");
}

/* The second pass. */
static int write_block(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct idmap *c = ctx;
	const struct batch *b = emit->user;
	int rc = 1;

	for (size_t i = 0; b && i < b->n && rc > 0; i++) {
		const struct line *l = &b->lines[i];
		uint64_t one_id;
		bool known = false;

		rc = cdp_idrefs_next(c->refs, c->m, &one_id, &known, err);
		if (rc == 0)
			return input_changed(err);
		if (rc > 0)
			put_line(&emit->out, l, known ? &one_id : NULL);
	}
	if (!b)
		return 0;
	end_block(emit);
	return rc < 0 ? -1 : 0;
}

static int pass_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;

	(void)err;
	keep_line(&w->batch, rec, emit);
	return 0;
}

/* --- runs --- */

static const struct cdp_job job_base = {
	.worker = worker_new,
	.merge = worker_free,
	.record = read_record,
};

static int write_files(struct idmap *c, struct cdp_err *err)
{
	typedef int writer(const struct cdp_identity *m, struct cdp_out *o);
	static writer *const write[FILES] = {
		cdp_identity_write_map,
		cdp_identity_write_merges,
		cdp_identity_write_conflicts,
		cdp_identity_write_report,
	};

	for (int i = 0; i < FILES; i++) {
		struct cdp_out *o = c->out[i];

		if (!o)
			continue;
		write[i](c->m, o);
		c->out[i] = NULL;
		if (cdp_out_close(o, err) < 0)
			return -1;
	}
	return 0;
}

/* Names for good: the files first, so that a death in between leaves no state that they
 * do not show; the same run again writes the same files. */
static int publish(struct idmap *c, struct cdp_err *err)
{
	if (c->retro)
		cdp_identity_publish(c->m);
	else
		cdp_identity_finish(c->m);
	if (write_files(c, err) < 0)
		return -1;
	return c->state && !c->asks ? cdp_idstate_commit(c->state, err) : 0;
}

static int stream(struct idmap *c, struct cdp_err *err)
{
	struct cdp_job job = job_base;

	job.ctx = c;
	job.paths = c->paths;
	job.commit = stream_block;
	cdp_identity_live_begin(c->m);
	if (c->state && !c->asks)
		cdp_idstate_stream(c->state);
	if (cdp_cli_run(&c->cli, &job) < 0)
		return 0;
	/* What left is known to the journal; now for all to see. */
	if (cdp_cli_flush(&c->cli) < 0)
		return 0;
	return publish(c, err);
}

static bool can_be_read_twice(char *const *operands)
{
	struct stat st;

	if (!*operands)
		return false;
	for (; *operands; operands++)
		if (strcmp(*operands, "-") == 0 ||
		    (stat(*operands, &st) == 0 && !S_ISREG(st.st_mode)))
			return false;
	return true;
}

/* True if the second pass may follow. */
static bool first_pass(struct idmap *c)
{
	struct cdp_job job = job_base;

	job.ctx = c;
	job.paths = c->paths;
	job.commit = learn_block;
	return cdp_cli_run(&c->cli, &job) == 0;
}

static int second_pass(struct idmap *c, struct cdp_err *err)
{
	struct cdp_job job = job_base;
	char *operands[2] = { NULL, NULL };
	uint64_t one_id;
	bool known;
	int rc;

	job.ctx = c;
	job.record = pass_record;
	job.commit = write_block;
	job.again = true;
	if (cdp_idrefs_rewind(c->refs, err) < 0)
		return -1;
	if (c->input) {
		if (cdp_spool_rewind(c->input, err) < 0)
			return -1;
		operands[0] = cdp_strdup(cdp_spool_path(c->input));
		/* Only good lines were put aside. */
		c->cli.opt.trusted = true;
	}
	rc = cdp_cli_run_files(&c->cli, &job, c->input ? operands : c->cli.operands);
	free(operands[0]);
	if (rc < 0)
		return 0; /* already reported */
	rc = cdp_idrefs_next(c->refs, c->m, &one_id, &known, err);
	return rc > 0 ? input_changed(err) : rc;
}

static int resolve(struct idmap *c, struct cdp_err *err)
{
	c->refs = cdp_idrefs_new(err);
	if (!c->refs)
		return -1;
	if (!can_be_read_twice(c->cli.operands)) {
		c->input = cdp_spool_new(err);
		if (!c->input)
			return -1;
	}
	if (!first_pass(c))
		return 0;
	if (publish(c, err) < 0)
		return -1;
	return second_pass(c, err);
}

/* --- --retro: joined with the map, in the threads that scan --- */

static int join_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	struct cdp_sights *s = &w->batch.sights;
	const struct cdp_val *old = &rec->slots[CDP_SLOT_ONE_ID];
	bool quoted = old->type == CDP_STRING;
	uint64_t one_id;

	(void)err;
	cdp_sights_reset(s);
	cdp_sight_read(s, w->c->m, &w->c->slots, rec);
	if (!cdp_identity_known(w->c->m, s, 0, &one_id)) {
		cdp_emit_rec(emit, rec);
		return 0;
	}
	w->joined++;
	if (old->type == CDP_MISSING)
		cdp_line_put_one_id(&emit->out, rec->raw, rec->len, 0, 0, one_id);
	else
		cdp_line_put_one_id(&emit->out, rec->raw, rec->len,
				    (size_t)(old->p - rec->raw) - quoted,
				    old->n + 2 * quoted, one_id);
	cdp_emit_line(emit);
	return 0;
}

static int merge_joined(void *ctx, void *worker, struct cdp_err *err)
{
	struct idmap *c = ctx;
	const struct worker *w = worker;

	c->joined += w->joined;
	return worker_free(ctx, worker, err);
}

static int retro(struct idmap *c, struct cdp_err *err)
{
	struct cdp_job job = job_base;

	job.ctx = c;
	job.paths = c->paths;
	job.record = join_record;
	job.merge = merge_joined;
	if (publish(c, err) < 0)
		return -1;
	cdp_cli_run(&c->cli, &job);
	return 0;
}

/* --- the tool --- */

static int open_map(struct idmap *c, struct cdp_err *err)
{
	/* All zeros: for trying things out; anybody could compute such ids. */
	uint8_t key[CDP_IDENTITY_KEY] = { 0 };

	if (c->key_file && cdp_idkey_load(key, c->key_file, err) < 0)
		return -1;
	if (!c->state_dir) {
		c->m = cdp_identity_new(c->kinds, key);
		return 0;
	}
	c->state = cdp_idstate_open(c->state_dir, c->key_file ? key : NULL, c->kinds,
				    &c->m, err);
	return c->state ? 0 : -1;
}

static int start_asking(struct idmap *c, struct cdp_err *err)
{
	struct cdp_time t;

	c->asks = c->retro || c->known_at;
	if (!c->known_at)
		return 0;
	if (cdp_time_parse(&t, c->known_at, strlen(c->known_at), err) < 0) {
		err->kind = CDP_ERR_USAGE;
		cdp_err_prefix(err, "option '--as-known-at'");
		return -1;
	}
	cdp_identity_known_at(c->m, cdp_time_ms(t));
	return 0;
}

static int load_exclusions(struct idmap *c, struct cdp_err *err)
{
	if (!c->exclude_file)
		return 0;
	c->exclude = cdp_idexclude_load(c->exclude_file, c->kinds, err);
	return c->exclude ? 0 : -1;
}

static int start(struct idmap *c, struct cdp_err *err)
{
	c->kinds = c->kinds_file ? cdp_idkinds_load(c->kinds_file, err)
				 : cdp_idkinds_default();
	if (!c->kinds || load_exclusions(c, err) < 0 || open_map(c, err) < 0)
		return -1;
	if (c->exclude)
		cdp_identity_exclude(c->m, c->exclude);
	if (start_asking(c, err) < 0)
		return -1;
	if (c->file[MERGES])
		cdp_identity_keep_merges(c->m);
	c->paths = cdp_paths_new();
	if (cdp_sight_slots(&c->slots, c->paths, err) < 0)
		return -1;
	for (int i = 0; i < FILES; i++) {
		c->out[i] = c->file[i] ? cdp_out_open(c->file[i], err) : NULL;
		if (c->file[i] && !c->out[i])
			return -1;
	}
	return 0;
}

static void add_stats(struct idmap *c)
{
	struct cdp_identity_counts n;

	if (!c->cli.opt.stats)
		return;
	cdp_identity_count(c->m, &n);
	cdp_cli_stat(&c->cli, "identified", c->retro ? c->joined : n.identified);
	cdp_cli_stat(&c->cli, "persons", n.persons);
	cdp_cli_stat(&c->cli, "ids", n.ids);
	cdp_cli_stat(&c->cli, "links", n.links);
	cdp_cli_stat(&c->cli, "merged", n.merged);
	cdp_cli_stat(&c->cli, "parted", n.parted);
	cdp_cli_stat(&c->cli, "contested", n.contested);
	cdp_cli_stat(&c->cli, "conflicts", n.conflicts);
	cdp_cli_stat(&c->cli, "blocked", n.blocked);
	cdp_cli_stat(&c->cli, "invalid", n.invalid);
	cdp_cli_stat(&c->cli, "undeclared", n.undeclared);
}

static void release(struct idmap *c)
{
	for (int i = 0; i < FILES; i++)
		if (c->out[i])
			cdp_out_abandon(c->out[i]);
	cdp_idrefs_free(c->refs);
	cdp_spool_free(c->input);
	cdp_idstate_close(c->state);
	cdp_identity_free(c->m);
	cdp_idexclude_free(c->exclude);
	cdp_idkinds_free(c->kinds);
	cdp_paths_free(c->paths);
	cdp_buf_release(&c->tmp);
}

int main(int argc, char **argv)
{
	struct idmap c = { 0 };
	const struct cdp_opt opts[] = {
		{ 'd', "definition", CDP_OPT_STR, &c.kinds_file, "FILE",
		  "kinds of ids (default: customer, idcard, login, phone ...)" },
		{ 0, "state", CDP_OPT_STR, &c.state_dir, "DIR",
		  "keep the map in DIR; made if missing" },
		{ 0, "key-file", CDP_OPT_STR, &c.key_file, "FILE",
		  "key of the ids, 32 hex digits (default: made by --state)" },
		{ 0, "exclude", CDP_OPT_STR, &c.exclude_file, "FILE",
		  "pairs of ids that never link" },
		{ 0, "as-known-at", CDP_OPT_STR, &c.known_at, "TIME",
		  "only what was known then; the state stays as it is" },
		{ 0, "retro", CDP_OPT_FLAG, &c.retro, NULL,
		  "join records with the state's map, learn nothing" },
		{ 'r', "resolve", CDP_OPT_FLAG, &c.resolve, NULL,
		  "learn the whole input first, then write it" },
		{ 0, "map-out", CDP_OPT_STR, &c.file[MAP], "FILE",
		  "write the map: one row an id" },
		{ 0, "merges", CDP_OPT_STR, &c.file[MERGES], "FILE",
		  "write which persons became one in this run" },
		{ 0, "conflicts", CDP_OPT_STR, &c.file[CONFLICTS], "FILE",
		  "write which ids were kept apart and why" },
		{ 0, "report", CDP_OPT_STR, &c.file[REPORT], "FILE",
		  "write sizes of persons and ids by kind" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-idmap",
		.purpose = "give each record the one_id of its person",
		.synopsis = "[--state DIR] [-r] [OPTION...] [FILE...]",
		.example = "cdp-idmap --state map -r day.ndjson >identified.ndjson\n"
			   "cdp-collect app.log | cdp-idmap --trusted --state map\n"
			   "cdp-idmap --state map --map-out map.ndjson </dev/null",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AS_IT_GOES,
	};
	struct cdp_err err;

	cdp_cli_start(&c.cli, &tool, argc, argv);
	if (c.retro && !c.state_dir)
		cdp_cli_usage(&c.cli, "option '--retro' needs '--state'");
	if (c.retro && c.resolve)
		cdp_cli_usage(&c.cli, "options '--retro' and '-r' exclude each other");
	cdp_buf_init(&c.tmp, CDP_BUF_NOMAX);
	if (start(&c, &err) < 0) {
		release(&c);
		return cdp_cli_fail(&c.cli, &err);
	}
	if ((c.retro     ? retro(&c, &err)
	     : c.resolve ? resolve(&c, &err)
			 : stream(&c, &err)) < 0)
		cdp_cli_report(&c.cli, &err);
	add_stats(&c);
	release(&c);
	return cdp_cli_finish(&c.cli);
}
