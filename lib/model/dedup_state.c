/* What survives of the records seen: DIR/manifest.json names the runs, DIR/journal holds
 * what came after them.  Runs are never changed; a new manifest replaces the old one in
 * one step and gives the journal a new generation, which empties it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/lock.h"
#include "io/out.h"
#include "model/dedup_priv.h"
#include "record/tree.h"

/* Keys listed for the journal; its size from which on a run is better to open. */
enum { PENDING_MAX = 256 * 1024, JOURNAL_MAX = 4 * 1024 * 1024 };

static const char format[] = "cdp-dedup 1";

static char *path_of(const struct cdp_dedup *d, const char *name)
{
	return cdp_asprintf("%s/%s", d->dir, name);
}

void dedup_state_note(struct cdp_dedup *d, const struct cdp_key *key)
{
	if (d->npending >= PENDING_MAX) {
		d->overflow = true;
		d->npending = 0;
	}
	if (d->overflow)
		return;
	CDP_GROW(d->pending, d->npending, d->pending_cap);
	d->pending[d->npending++] = *key;
}

/* --- the manifest --- */

static int write_manifest(struct cdp_dedup *d, struct cdp_err *err)
{
	char *path = path_of(d, "manifest.json");
	struct cdp_buf b;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b,
		     "{\"format\":\"%s\",\"seed\":\"%016" PRIx64
		     "\",\"generation\":%" PRIu64 ",\"next_file\":%" PRIu64
		     ",\"mark\":%" PRId64 ",\"runs\":[",
		     format, d->seed, d->generation, d->next_file, d->mark);
	for (unsigned i = 0; i < d->nruns; i++)
		cdp_buf_addf(&b, "%s%" PRIu64, i ? "," : "", d->runs[i].number);
	cdp_buf_adds(&b, "]}\n");
	rc = cdp_file_replace(path, b.p, b.n, err);
	cdp_buf_release(&b);
	free(path);
	return rc;
}

static int open_runs(struct cdp_dedup *d, const json_t *runs, const char *where,
		     struct cdp_err *err)
{
	if (!json_is_array(runs) || json_array_size(runs) > DEDUP_RUNS)
		return cdp_err_set(err, CDP_ERR_SYS, "%s: damaged", where);
	for (size_t i = 0; i < json_array_size(runs); i++) {
		uint64_t number = (uint64_t)json_integer_value(json_array_get(runs, i));
		char *path = dedup_run_path(d, number);
		struct cdp_keyrun *keys = cdp_keyrun_open(path, err);

		free(path);
		if (!keys)
			return -1;
		d->runs[d->nruns++] = (struct dedup_run){ keys, number };
	}
	return 0;
}

static int take_manifest(struct cdp_dedup *d, const json_t *m, const char *where,
			 struct cdp_err *err)
{
	const char *is = "", *seed = "";
	int64_t generation = 0, next = 0;

	if (cdp_tree_str(m, "format", &is, true, where, err) < 0 ||
	    cdp_tree_str(m, "seed", &seed, true, where, err) < 0 ||
	    cdp_tree_int(m, "generation", &generation, true, where, err) < 0 ||
	    cdp_tree_int(m, "next_file", &next, true, where, err) < 0 ||
	    cdp_tree_int(m, "mark", &d->mark, true, where, err) < 0)
		return -1;
	if (strcmp(is, format) != 0)
		return cdp_err_set(err, CDP_ERR_SYS, "%s: has format '%s', not '%s'",
				   where, is, format);
	if (!cdp_unhex16(&d->seed, seed, strlen(seed)))
		return cdp_err_set(err, CDP_ERR_SYS, "%s: damaged", where);
	d->generation = (uint64_t)generation;
	d->next_file = (uint64_t)next;
	return open_runs(d, json_object_get(m, "runs"), where, err);
}

static int read_manifest(struct cdp_dedup *d, struct cdp_err *err)
{
	char *path = path_of(d, "manifest.json");
	json_t *m = NULL;
	int rc = -1;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		rc = write_manifest(d, err);
	} else if ((m = cdp_tree_load(path, err))) {
		rc = take_manifest(d, m, path, err);
		json_decref(m);
	}
	if (rc < 0 && err->kind == CDP_ERR_USAGE)
		err->kind = CDP_ERR_SYS;
	free(path);
	return rc;
}

/* Runs that no manifest names: of processes that died before they could. */
static void remove_strays(const struct cdp_dedup *d)
{
	DIR *dir = opendir(d->dir);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *path = path_of(d, e->d_name);
		bool known = strncmp(e->d_name, "run-", 4) != 0;

		for (unsigned i = 0; i < d->nruns && !known; i++)
			known = strtoull(e->d_name + 4, NULL, 10) == d->runs[i].number;
		if (!known)
			unlink(path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* --- the journal --- */

/* A chunk: the second of the latest time, then keys. */
static int replay(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct cdp_dedup *d = ctx;
	struct cdp_key key;
	int64_t mark;

	if (n < sizeof(mark) || (n - sizeof(mark)) % sizeof(key))
		return cdp_err_set(err, CDP_ERR_SYS, "%s/journal: damaged", d->dir);
	memcpy(&mark, p, sizeof(mark));
	if (mark > d->mark)
		d->mark = mark;
	for (size_t at = sizeof(mark); at < n; at += sizeof(key)) {
		memcpy(&key, p + at, sizeof(key));
		if (key.content && dedup_put(d, key.id, key.content, key.at, err) < 0)
			return -1;
	}
	return 0;
}

static int open_journal(struct cdp_dedup *d, struct cdp_err *err)
{
	char *path = path_of(d, "journal");

	d->journal = cdp_journal_open(path, d->generation, replay, d, err);
	free(path);
	if (!d->journal)
		return -1;
	d->uncommitted = 0;
	if (d->new_runs)
		return cdp_dedup_commit(d, false, err);
	d->npending = 0; /* they are in the journal */
	d->overflow = false;
	return 0;
}

static int add_to_journal(struct cdp_dedup *d, struct cdp_err *err)
{
	struct cdp_buf b;
	int rc;

	if (!d->npending)
		return 0;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_add(&b, &d->mark, sizeof(d->mark));
	cdp_buf_add(&b, d->pending, d->npending * sizeof(*d->pending));
	rc = cdp_journal_add(d->journal, b.p, b.n, err);
	cdp_buf_release(&b);
	d->npending = 0;
	return rc;
}

/* --- the whole --- */

int dedup_state_open(struct cdp_dedup *d, const char *dir, struct cdp_err *err)
{
	char *lock;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return cdp_err_sys(err, errno, "%s", dir);
	d->dir = cdp_strdup(dir);
	lock = path_of(d, "lock");
	d->lock = cdp_lock_take(lock, err);
	free(lock);
	if (d->lock < 0 || read_manifest(d, err) < 0)
		return -1;
	remove_strays(d);
	return open_journal(d, err);
}

void dedup_state_close(struct cdp_dedup *d)
{
	cdp_journal_close(d->journal);
	if (d->lock >= 0)
		cdp_lock_release(d->lock);
	free(d->pending);
	free(d->garbage);
	free(d->dir);
}

static int publish_runs(struct cdp_dedup *d, struct cdp_err *err)
{
	d->generation++;
	if (write_manifest(d, err) < 0 ||
	    cdp_journal_restart(d->journal, d->generation, err) < 0)
		return -1;
	d->new_runs = false;
	for (size_t i = 0; i < d->ngarbage; i++) {
		char *path = dedup_run_path(d, d->garbage[i]);

		unlink(path);
		free(path);
	}
	d->ngarbage = 0;
	return 0;
}

int cdp_dedup_commit(struct cdp_dedup *d, bool last, struct cdp_err *err)
{
	d->uncommitted = 0;
	if (!d->dir)
		return 0;
	if (d->overflow ||
	    (last && cdp_journal_size(d->journal) + d->npending * sizeof(*d->pending) >
			     JOURNAL_MAX))
		if (dedup_spill(d, err) < 0)
			return -1;
	if (d->new_runs && publish_runs(d, err) < 0)
		return -1;
	if (add_to_journal(d, err) < 0)
		return -1;
	return last ? cdp_journal_sync(d->journal, err) : 0;
}
