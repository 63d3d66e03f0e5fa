#include "cli/tag_state.h"

#include "base/mem.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct cdp_tag_state {
	struct cdp_cli *cli;
	const char *merges;
	struct cdp_tagstate *state;
	char **left; /* operands to be read */
	bool reads;
	struct cdp_paths *paths; /* of the merge log */
	int merge, from, into;
	uint64_t joined, moved, read, known;
	int64_t cpu_ms; /* of all threads, when the last part of the run began */
};

/* What a part of the run took, for --stats. */
static void stat_part(struct cdp_tag_state *s, const char *name)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	now = t.tv_sec * 1000 + t.tv_nsec / 1000000;
	cdp_cli_stat(s->cli, name, (uint64_t)(now - s->cpu_ms));
	s->cpu_ms = now;
}

/* --- inputs --- */

static bool is_regular(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && (stat(path, &st) < 0 || S_ISREG(st.st_mode));
}

/* 1: to be read, 0, -1. */
static int is_new(struct cdp_tag_state *s, const char *path, struct cdp_err *err)
{
	const char *before;
	int rc = cdp_tagstate_look(s->state, path, &before, err);

	if (rc < 0)
		return -1;
	s->read += rc == 0;
	s->known += rc > 0;
	if (rc > 0)
		cdp_cli_note(s->cli, "%s: the state has it%s%s%s", path,
			     strcmp(before, path) == 0 ? "" : ", as '",
			     strcmp(before, path) == 0 ? "" : before,
			     strcmp(before, path) == 0 ? "" : "'");
	return rc == 0;
}

/* History, of what is new alone.  The same. */
static int is_history(struct cdp_tag_state *s, const char *path, struct cdp_err *err)
{
	int rc = cdp_tagstate_look_back(s->state, path, err);

	if (rc < 0)
		return -1;
	if (rc == 2)
		cdp_cli_note(s->cli, "%s: it was among the files before", path);
	else if (rc == 0)
		cdp_cli_note(s->cli,
			     "%s: the state does not have it as such; it counts for what "
			     "is new alone",
			     path);
	s->read += rc != 2;
	return rc != 2;
}

/* What the state has and history, as it was given, may not. */
static void tell_unmet(struct cdp_tag_state *s)
{
	const char *first = cdp_tagstate_unmet(s->state, 0);
	size_t n = 0;

	while (cdp_tagstate_unmet(s->state, n))
		n++;
	if (n)
		cdp_cli_note(
			s->cli,
			"%zu inputs of the state were not among the files as such, as "
			"'%s': what was only in them is not filled in",
			n, first);
}

static int choose_history(struct cdp_tag_state *s, struct cdp_err *err)
{
	char **all = s->cli->operands;
	size_t n = 0;

	if (!cdp_tagstate_new(s->state, 0)) {
		cdp_cli_note(s->cli, "nothing is new to the state: nothing is read");
		return 0;
	}
	for (size_t i = 0; all[i]; i++)
		n++;
	if (!n)
		cdp_cli_usage(s->cli, "option '--fill' reads FILEs, all history");
	s->left = cdp_calloc(n + 1, sizeof(*s->left));
	n = 0;
	for (size_t i = 0; all[i]; i++) {
		int rc = is_regular(all[i]) ? is_history(s, all[i], err) : 1;

		if (rc < 0)
			return -1;
		if (rc)
			s->left[n++] = all[i];
	}
	tell_unmet(s);
	s->cli->operands = s->left;
	s->reads = n > 0;
	return 0;
}

static int choose_files(struct cdp_tag_state *s, struct cdp_err *err)
{
	char **all = s->cli->operands;
	size_t n = 0;

	while (all[n]) {
		if (!is_regular(all[n]) && strcmp(all[n], "/dev/null") != 0)
			cdp_cli_usage(s->cli,
				      "'%s' can be read only once: name what it holds "
				      "with --batch",
				      all[n]);
		n++;
	}
	if (!n)
		cdp_cli_usage(s->cli, "standard input can be read only once: name what "
				      "it holds with --batch");
	s->left = cdp_calloc(n + 1, sizeof(*s->left));
	n = 0;
	for (size_t i = 0; all[i]; i++) {
		int rc = is_regular(all[i]) ? is_new(s, all[i], err) : 0;

		if (rc < 0)
			return -1;
		if (rc)
			s->left[n++] = all[i];
	}
	s->cli->operands = s->left;
	s->reads = n > 0;
	return 0;
}

void cdp_tag_state_tell_young(struct cdp_cli *cli, const struct cdp_tagstate *s)
{
	char text[CDP_TIME_CANON];
	const char *name;
	int64_t ms;

	for (size_t i = 0; (name = cdp_tagstate_young(s, i, &ms)) != NULL; i++) {
		cdp_time_format(text, cdp_time_from_ms(ms));
		cdp_cli_note(cli,
			     "%s began with the run as of %.*s: give all history with "
			     "--fill for more",
			     name, CDP_TIME_CANON, text);
	}
}

static void tell_definitions(const struct cdp_tag_state *s, const struct cdp_aggs *aggs)
{
	const char *text;

	for (size_t i = 0; (text = cdp_tagstate_dropped(s->state, i)) != NULL; i++)
		cdp_cli_note(s->cli, "%s is in no definition any more: its history goes",
			     text);
	cdp_tag_state_tell_young(s->cli, s->state);
	for (unsigned i = 0; cdp_tagstate_is_new(s->state) && i < cdp_aggs_count(aggs);
	     i++)
		if (cdp_agg_asks_entities(cdp_aggs_at(aggs, i)))
			cdp_cli_note(s->cli,
				     "%s: events keep what entity tables say of them on "
				     "the night they are read",
				     cdp_aggs_at(aggs, i)->text);
}

struct cdp_tag_state *cdp_tag_state_open(struct cdp_cli *cli,
					 const struct cdp_tag_state_opts *o,
					 struct cdp_err *err)
{
	struct cdp_tag_state *s = cdp_calloc(1, sizeof(*s));
	struct cdp_tagstate_opts opts = { .dir = o->dir,
					  .set = o->set,
					  .run = &cli->opt.run,
					  .key = o->key,
					  .entity = o->entity ? o->entity : "person",
					  .relations = o->relations,
					  .new = o->fill    ? CDP_TAGSTATE_FILL
						 : o->begin ? CDP_TAGSTATE_BEGIN
							    : CDP_TAGSTATE_REFUSE };

	s->cli = cli;
	s->merges = o->merges;
	s->paths = cdp_paths_new();
	s->merge = cdp_paths_add(s->paths, "merge", 5, err);
	s->from = cdp_paths_add(s->paths, "from", 4, err);
	s->into = cdp_paths_add(s->paths, "into", 4, err);
	s->state = cdp_tagstate_open(&opts, err);
	if (!s->state ||
	    (!o->batch && (o->fill ? choose_history : choose_files)(s, err) < 0)) {
		cdp_tag_state_close(s);
		return NULL;
	}
	if (o->batch) {
		s->reads = cdp_tagstate_batch(s->state, o->batch) == 0;
		s->read = s->reads;
		s->known = !s->reads;
		if (!s->reads)
			cdp_cli_note(cli, "the state has batch '%s': nothing is read",
				     o->batch);
	}
	tell_definitions(s, o->set->aggs);
	return s;
}

void cdp_tag_state_close(struct cdp_tag_state *s)
{
	if (!s)
		return;
	cdp_tagstate_close(s->state);
	cdp_paths_free(s->paths);
	free(s->left);
	free(s);
}

bool cdp_tag_state_reads(const struct cdp_tag_state *s)
{
	return s->reads;
}

struct cdp_customers *cdp_tag_state_fresh(struct cdp_tag_state *s)
{
	return cdp_tagstate_fresh(s->state, cdp_cli_jobs(s->cli));
}

/* --- merges --- */

static int add_merge(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		     struct cdp_err *err)
{
	struct cdp_tag_state *s = ctx;
	const struct cdp_val *merge = cdp_rec_get(rec, s->merge);
	const struct cdp_val *from = cdp_rec_get(rec, s->from);
	const struct cdp_val *into = cdp_rec_get(rec, s->into);

	(void)emit;
	if (merge->type != CDP_STRING || from->type != CDP_STRING || from->escaped ||
	    into->type != CDP_STRING || into->escaped)
		return cdp_err_set(err, CDP_ERR_DATA, "not a row of a merge log");
	if (cdp_val_is(merge, "moved", 5)) {
		s->moved++;
		return 0;
	}
	cdp_tagstate_join(s->state, from->p, from->n, into->p, into->n);
	s->joined++;
	return 0;
}

static int read_merges(struct cdp_tag_state *s)
{
	const char *files[] = { s->merges, NULL };
	struct cdp_job job = {
		.ctx = s, .paths = s->paths, .record = add_merge, .serial = true
	};
	int rc;

	if (!s->merges)
		return 0;
	rc = cdp_cli_run_files(s->cli, &job, (char *const *)files);
	if (rc == 0 && s->moved)
		cdp_cli_note(s->cli,
			     "%llu ids moved to another person; what was counted before "
			     "stays with the one who had them",
			     (unsigned long long)s->moved);
	cdp_cli_stat(s->cli, "joined", s->joined);
	return rc;
}

const char *cdp_tag_state_became(void *state, const char *key, size_t n, size_t *len)
{
	const struct cdp_tag_state *s = state;

	return cdp_tagstate_became(s->state, key, n, len);
}

void cdp_tag_state_written(struct cdp_tag_state *s)
{
	if (s)
		stat_part(s, "output_cpu_ms");
}

struct cdp_customers *cdp_tag_state_update(struct cdp_tag_state *s,
					   struct cdp_customers *fresh)
{
	struct cdp_customers *all = NULL;
	struct cdp_err err;

	cdp_cli_stat(s->cli, "files", s->read);
	cdp_cli_stat(s->cli, "known_files", s->known);
	if (read_merges(s) < 0 || cdp_cli_status(s->cli) == 4) {
		cdp_customers_free(fresh);
		cdp_cli_warn(s->cli, "the state stays what it was");
		return NULL;
	}
	stat_part(s, "input_cpu_ms");
	all = cdp_tagstate_merge(s->state, fresh, &err);
	if (all && cdp_tagstate_commit(s->state, &err) == 0) {
		stat_part(s, "state_cpu_ms");
		return all;
	}
	cdp_customers_free(all);
	cdp_cli_report(s->cli, &err);
	return NULL;
}
