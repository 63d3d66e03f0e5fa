#include "model/segstore.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/bundle.h"
#include "io/lock.h"
#include "io/out.h"

enum { NUMBER_TIME, NUMBER_NEEDED, NUMBER_PRINT };

static const char kind[] = "audiences";

struct cdp_segstore {
	char *dir;
	int lock; /* of a writer, else -1 */
	struct cdp_keydict *dict;
	char *key;
};

static char *path_in(const struct cdp_segstore *s, const char *name)
{
	return cdp_asprintf("%s/%s", s->dir, name);
}

/* A directory that is not there, or is something else, is told as what it is not. */
static int find_store(const struct cdp_segstore *s, struct cdp_err *err)
{
	char *path = path_in(s, "customers");
	int rc = access(path, F_OK);

	if (rc < 0 && errno == ENOENT)
		cdp_err_set(err, CDP_ERR_SYS, "'%s': no store of audiences", s->dir);
	else if (rc < 0)
		cdp_err_sys(err, errno, "'%s': cannot read", s->dir);
	free(path);
	return rc;
}

bool cdp_segstore_exists(const char *dir)
{
	char *path = cdp_asprintf("%s/customers", dir);
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

static int open_dict(struct cdp_segstore *s, bool writable, struct cdp_err *err)
{
	char *path = path_in(s, "customers");

	cdp_keydict_close(s->dict);
	s->dict = writable ? cdp_keydict_open_writer(path, err)
			   : cdp_keydict_open(path, err);
	free(path);
	return s->dict ? 0 : -1;
}

static int take_lock(struct cdp_segstore *s, struct cdp_err *err)
{
	char *path;

	if (mkdir(s->dir, 0777) < 0 && errno != EEXIST)
		return cdp_err_sys(err, errno, "'%s': cannot make", s->dir);
	path = path_in(s, "lock");
	s->lock = cdp_lock_take(path, err);
	free(path);
	return s->lock < 0 ? -1 : 0;
}

static int read_key(struct cdp_segstore *s, struct cdp_err *err)
{
	enum { KEY_MAX = 4096 };
	char *path = path_in(s, "key");
	int rc = 0;
	size_t n;

	if (access(path, F_OK) == 0) {
		s->key = cdp_file_read(path, KEY_MAX, &n, err);
		rc = s->key ? 0 : -1;
	} else {
		s->key = cdp_strdup("one_id");
	}
	free(path);
	return rc;
}

const char *cdp_segstore_key(const struct cdp_segstore *s)
{
	return s->key;
}

int cdp_segstore_expect(struct cdp_segstore *s, const char *key, struct cdp_err *err)
{
	char *path;
	int rc;

	if (strcmp(s->key, key) == 0)
		return 0;
	if (s->lock < 0 || cdp_keydict_count(s->dict) > 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' has customers by '%s', not by '%s'; see --key",
				   s->dir, s->key, key);
	path = path_in(s, "key");
	rc = cdp_file_replace(path, key, strlen(key), err);
	free(path);
	free(s->key);
	s->key = cdp_strdup(key);
	return rc;
}

struct cdp_segstore *cdp_segstore_open(const char *dir, bool writable,
				       struct cdp_err *err)
{
	struct cdp_segstore *s = cdp_calloc(1, sizeof(*s));

	s->dir = cdp_strdup(dir);
	s->lock = -1;
	if ((writable ? take_lock(s, err) : find_store(s, err)) == 0 &&
	    read_key(s, err) == 0 && open_dict(s, writable, err) == 0)
		return s;
	cdp_segstore_close(s);
	return NULL;
}

void cdp_segstore_close(struct cdp_segstore *s)
{
	if (!s)
		return;
	cdp_keydict_close(s->dict);
	if (s->lock >= 0)
		cdp_lock_release(s->lock);
	free(s->dir);
	free(s->key);
	free(s);
}

struct cdp_keydict *cdp_segstore_dict(struct cdp_segstore *s)
{
	return s->dict;
}

/* --- versions by their names --- */

enum { STAMP = 20 }; /* 20240501T000000.000Z */

/* The canonical time without its dashes and colons, and back. */
static void stamp_of(char out[STAMP + 1], int64_t ms)
{
	char canon[CDP_TIME_CANON];
	size_t n = 0;

	cdp_time_format(canon, cdp_time_from_ms(ms));
	for (size_t i = 0; i < sizeof(canon); i++)
		if (canon[i] != '-' && canon[i] != ':')
			out[n++] = canon[i];
	out[n] = '\0';
}

static bool time_of(int64_t *ms, const char *name, const char *ext)
{
	char canon[CDP_TIME_CANON];
	struct cdp_time t;

	if (strlen(name) <= STAMP || name[STAMP] != '.' ||
	    strcmp(name + STAMP + 1, ext) != 0)
		return false;
	memcpy(canon, name, 4);
	canon[4] = canon[7] = '-';
	memcpy(canon + 5, name + 4, 2);
	memcpy(canon + 8, name + 6, 5);
	canon[13] = canon[16] = ':';
	memcpy(canon + 14, name + 11, 2);
	memcpy(canon + 17, name + 13, 7);
	if (!cdp_time_parse_canon(&t, canon, sizeof(canon)))
		return false;
	*ms = cdp_time_ms(t);
	return true;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t *cdp_segstore_times(const struct cdp_segstore *s, const char *ext, size_t *n,
			    struct cdp_err *err)
{
	DIR *dir = opendir(s->dir);
	const struct dirent *e;
	int64_t *v = cdp_alloc(sizeof(*v)), ms;
	size_t cap = 1;

	*n = 0;
	if (!dir) {
		cdp_err_sys(err, errno, "'%s': cannot read", s->dir);
		free(v);
		return NULL;
	}
	while ((e = readdir(dir)))
		if (time_of(&ms, e->d_name, ext)) {
			CDP_GROW(v, *n, cap);
			v[(*n)++] = ms;
		}
	closedir(dir);
	qsort(v, *n, sizeof(*v), by_time);
	return v;
}

char *cdp_segstore_path(const struct cdp_segstore *s, int64_t time, const char *ext)
{
	char stamp[STAMP + 1];

	stamp_of(stamp, time);
	return cdp_asprintf("%s/%s.%s", s->dir, stamp, ext);
}

int cdp_segstore_check(struct cdp_segstore *s, uint32_t needed, uint64_t print,
		       struct cdp_err *err)
{
	uint64_t got;

	/* A writer may have added to it since. */
	if (needed > cdp_keydict_count(s->dict) && s->lock < 0 &&
	    open_dict(s, false, err) < 0)
		return -1;
	if (cdp_keydict_fingerprint(s->dict, needed, &got) == 0 && got == print)
		return 0;
	return cdp_err_set(err, CDP_ERR_SYS, "of other customers than '%s/customers' has",
			   s->dir);
}

/* --- writing --- */

uint32_t *cdp_segstore_ordinals(struct cdp_segstore *s, const struct cdp_keylist *keys,
				struct cdp_err *err)
{
	return cdp_keydict_put_all(s->dict, keys, err);
}

struct cdp_segstore_out {
	struct cdp_bundle_out *file;
	uint64_t numbers[CDP_BUNDLE_NUMBERS];
	struct cdp_buf frozen;
};

/* What is frozen. */
static int put_frozen(struct cdp_segstore_out *o, const char *name, size_t n,
		      uint64_t count, const char *note, size_t note_n,
		      struct cdp_err *err)
{
	return cdp_bundle_add(o->file,
			      &(struct cdp_bundle_item){ .name = name,
							 .name_n = n,
							 .note = note,
							 .note_n = note_n,
							 .number = count,
							 .data = o->frozen.p,
							 .n = o->frozen.n },
			      err);
}

static int put_set(struct cdp_segstore_out *o, const char *name, size_t n,
		   struct cdp_bitmap *members, const char *note, size_t note_n,
		   struct cdp_err *err)
{
	cdp_bitmap_optimise(members);
	cdp_buf_reset(&o->frozen);
	cdp_bitmap_freeze(members, &o->frozen);
	return put_frozen(o, name, n, cdp_bitmap_count(members), note, note_n, err);
}

struct cdp_segstore_out *cdp_segstore_begin(struct cdp_segstore *s, struct cdp_time as_of,
					    struct cdp_bitmap *all, struct cdp_err *err)
{
	struct cdp_segstore_out *o = cdp_calloc(1, sizeof(*o));
	int64_t ms = cdp_time_ms(as_of);
	char *path = cdp_segstore_path(s, ms, kind);
	uint64_t count = cdp_bitmap_count(all);
	uint32_t last = 0, needed;

	cdp_buf_init(&o->frozen, CDP_BUF_NOMAX);
	needed = count && cdp_bitmap_select(all, (uint32_t)count - 1, &last) ? last + 1
									     : 0;
	o->numbers[NUMBER_TIME] = (uint64_t)ms;
	o->numbers[NUMBER_NEEDED] = needed;
	if (cdp_keydict_fingerprint(s->dict, needed, &o->numbers[NUMBER_PRINT]) < 0)
		CDP_BUG("customer %u has no ordinal", last);
	o->file = cdp_bundle_create(path, kind, err);
	free(path);
	if (o->file && put_set(o, "", 0, all, "", 0, err) == 0)
		return o;
	cdp_segstore_abandon(o);
	return NULL;
}

int cdp_segstore_put(struct cdp_segstore_out *o, const char *name, size_t n,
		     struct cdp_bitmap *members, const char *note, size_t note_n,
		     struct cdp_err *err)
{
	if (n == 0)
		CDP_BUG("an audience without a name");
	return put_set(o, name, n, members, note, note_n, err);
}

int cdp_segstore_put_sorted(struct cdp_segstore_out *o, const char *name, size_t n,
			    const uint32_t *members, uint32_t count, const char *note,
			    size_t note_n, struct cdp_err *err)
{
	if (n == 0)
		CDP_BUG("an audience without a name");
	cdp_buf_reset(&o->frozen);
	cdp_bitmap_freeze_sorted(members, count, &o->frozen);
	return put_frozen(o, name, n, count, note, note_n, err);
}

int cdp_segstore_commit(struct cdp_segstore_out *o, struct cdp_err *err)
{
	int rc = cdp_bundle_finish(o->file, o->numbers, err);

	o->file = NULL;
	cdp_segstore_abandon(o);
	return rc;
}

void cdp_segstore_abandon(struct cdp_segstore_out *o)
{
	if (!o)
		return;
	cdp_bundle_abandon(o->file);
	cdp_buf_release(&o->frozen);
	free(o);
}

static int prune(struct cdp_segstore *s, const char *ext, size_t keep, int64_t but,
		 struct cdp_err *err)
{
	size_t n;
	int64_t *times = cdp_segstore_times(s, ext, &n, err);
	int rc = times ? 0 : -1;

	for (size_t i = 0; i + keep < n && rc == 0; i++) {
		char *path = times[i] == but ? NULL : cdp_segstore_path(s, times[i], ext);

		if (path && unlink(path) < 0 && errno != ENOENT)
			rc = cdp_err_sys(err, errno, "'%s': cannot remove", path);
		free(path);
	}
	free(times);
	return rc;
}

int cdp_segstore_prune(struct cdp_segstore *s, size_t keep, int64_t but,
		       struct cdp_err *err)
{
	return prune(s, kind, keep, but, err) < 0 ? -1 : prune(s, "tags", keep, but, err);
}

/* --- reading --- */

struct cdp_segversion {
	struct cdp_bundle *file;
	const struct cdp_bitmap *all;
};

static const struct cdp_bitmap *load(const struct cdp_segversion *v, uint32_t i,
				     struct cdp_err *err)
{
	struct cdp_bundle_item item;
	const struct cdp_bitmap *b;

	if (cdp_bundle_read(v->file, i, &item, err) < 0)
		return NULL;
	b = cdp_bitmap_view(item.data, item.n, err);
	if (!b)
		cdp_err_prefix(err, "'%s'", cdp_bundle_path(v->file));
	return b;
}

static int check(const struct cdp_segversion *v, struct cdp_segstore *s, int64_t time,
		 struct cdp_err *err)
{
	uint64_t needed = cdp_bundle_number(v->file, NUMBER_NEEDED);

	if ((int64_t)cdp_bundle_number(v->file, NUMBER_TIME) != time ||
	    needed > UINT32_MAX || cdp_bundle_find(v->file, "", 0) != 0)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "damaged, or not of the time in its name");
	return cdp_segstore_check(s, (uint32_t)needed,
				  cdp_bundle_number(v->file, NUMBER_PRINT), err);
}

int cdp_segversion_open(struct cdp_segversion **out, struct cdp_segstore *s, int64_t time,
			struct cdp_err *err)
{
	char *path = cdp_segstore_path(s, time, kind);
	struct cdp_segversion *v = cdp_calloc(1, sizeof(*v));
	int rc = 1;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		rc = 0;
	} else if (!(v->file = cdp_bundle_open(path, kind, err))) {
		rc = -1;
	} else if (check(v, s, time, err) < 0) {
		cdp_err_prefix(err, "'%s'", path);
		rc = -1;
	} else if (!(v->all = load(v, 0, err))) {
		rc = -1;
	}
	free(path);
	if (rc <= 0) {
		cdp_segversion_close(v);
		v = NULL;
	}
	*out = v;
	return rc;
}

int cdp_segversion_latest(struct cdp_segversion **v, struct cdp_segstore *s,
			  int64_t limit, struct cdp_err *err)
{
	size_t n;
	int64_t *times = cdp_segstore_times(s, kind, &n, err);
	int rc = 0;

	*v = NULL;
	if (!times)
		return -1;
	while (n && times[n - 1] > limit)
		n--;
	if (n)
		rc = cdp_segversion_open(v, s, times[n - 1], err);
	free(times);
	return rc;
}

void cdp_segversion_close(struct cdp_segversion *v)
{
	if (!v)
		return;
	cdp_bitmap_free(v->all);
	cdp_bundle_close(v->file);
	free(v);
}

int64_t cdp_segversion_time(const struct cdp_segversion *v)
{
	return (int64_t)cdp_bundle_number(v->file, NUMBER_TIME);
}

/* The first one is that of all. */
uint32_t cdp_segversion_count(const struct cdp_segversion *v)
{
	return cdp_bundle_count(v->file) - 1;
}

int cdp_segversion_at(const struct cdp_segversion *v, uint32_t i,
		      struct cdp_segaudience *a, struct cdp_err *err)
{
	struct cdp_bundle_item item;

	if (cdp_bundle_at(v->file, i + 1, &item, err) < 0)
		return -1;
	*a = (struct cdp_segaudience){ .name = item.name,
				       .name_n = item.name_n,
				       .note = item.note,
				       .note_n = item.note_n,
				       .count = item.number,
				       .bytes = item.n };
	return 0;
}

int64_t cdp_segversion_find(const struct cdp_segversion *v, const char *name, size_t n)
{
	int64_t at = n ? cdp_bundle_find(v->file, name, n) : -1;

	return at < 0 ? -1 : at - 1;
}

const struct cdp_bitmap *cdp_segversion_load(const struct cdp_segversion *v, uint32_t i,
					     struct cdp_err *err)
{
	return load(v, i + 1, err);
}

int cdp_segversion_print(const struct cdp_segversion *v, uint32_t i, uint64_t print[2],
			 struct cdp_err *err)
{
	struct cdp_bundle_item item;

	if (cdp_bundle_read(v->file, i + 1, &item, err) < 0)
		return -1;
	for (uint64_t k = 0; k < 2; k++)
		print[k] = cdp_hash_stable(item.data, item.n, k + 1);
	return 0;
}

const struct cdp_bitmap *cdp_segversion_all(const struct cdp_segversion *v)
{
	return v->all;
}
