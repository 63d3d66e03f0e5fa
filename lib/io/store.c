#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "base/mem.h"

#define MAP_DEFAULT ((uint64_t)64 << 30)
#define MAP_LEAST ((uint64_t)16 << 20)

/* In LMDB's unnamed table, which also holds the names of the others: no name begins with
 * a NUL. */
static char format_key[] = "\0format";

struct table {
	char *name;
	MDB_dbi dbi;
};

struct cdp_store {
	MDB_env *env;
	char *dir;
	bool writable;
	unsigned live; /* transactions that are open */
	struct table *tables;
	unsigned count, committed, max; /* from `committed` on: made by the open writer */
};

struct cdp_txn {
	struct cdp_store *s;
	MDB_txn *txn;
	bool writable;
	unsigned known; /* a reader sees the tables below this one */
	uint64_t writes;
};

static int fail(const struct cdp_store *s, int rc, const char *what, struct cdp_err *err)
{
	if (rc > 0)
		return cdp_err_sys(err, rc, "%s: %s", s->dir, what);
	if (rc == MDB_MAP_FULL)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "%s: %s: the state has outgrown its memory map; "
				   "raise the address space limit (ulimit -v)",
				   s->dir, what);
	return cdp_err_set(err, CDP_ERR_SYS, "%s: %s: %s", s->dir, what,
			   mdb_strerror(rc));
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	if (fd < 0)
		return -1;
	status = fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -1 : 0;
	close(fd);
	return status;
}

/* The names of new files are durable only once their directories are. */
static int sync_names(const char *dir, struct cdp_err *err)
{
	char *parent = cdp_asprintf("%s/..", dir);
	int status = sync_dir(dir) < 0 || sync_dir(parent) < 0 ? -1 : 0;

	if (status < 0)
		cdp_err_sys(err, errno, "%s", dir);
	free(parent);
	return status;
}

/* Open the environment with the largest map that the address space allows. */
static int open_env(struct cdp_store *s, struct cdp_err *err)
{
	unsigned flags = MDB_NOTLS | (s->writable ? 0u : (unsigned)MDB_RDONLY);
	uint64_t size = MAP_DEFAULT;
	char *data = cdp_asprintf("%s/data.mdb", s->dir);
	struct stat st;
	int rc;

	if (stat(data, &st) == 0)
		while (size / 4 < (uint64_t)st.st_size)
			size *= 2;
	free(data);
	for (;; size /= 2) {
		rc = mdb_env_create(&s->env);
		if (rc != 0)
			return fail(s, rc, "cannot open the state", err);
		mdb_env_set_maxdbs(s->env, s->max);
		mdb_env_set_mapsize(s->env, size);
		rc = mdb_env_open(s->env, s->dir, flags, 0666);
		if (rc == 0)
			return 0;
		/* Only close is allowed on an environment that failed to open. */
		mdb_env_close(s->env);
		s->env = NULL;
		if (rc != ENOMEM || size / 2 < MAP_LEAST)
			return fail(s, rc, "cannot open the state", err);
	}
}

static int begin(struct cdp_store *s, bool writable, MDB_txn **txn, struct cdp_err *err)
{
	unsigned flags = writable ? 0 : MDB_RDONLY;
	int rc = mdb_txn_begin(s->env, NULL, flags, txn);

	if (rc == MDB_MAP_RESIZED && s->live == 0) {
		/* Another process grew the map: take its size over. */
		rc = mdb_env_set_mapsize(s->env, 0);
		if (rc == 0)
			rc = mdb_txn_begin(s->env, NULL, flags, txn);
	}
	return rc ? fail(s, rc, "cannot begin a transaction", err) : 0;
}

/* Write the format of a new state (then 1), check that of an old one (0). */
static int check_format(struct cdp_store *s, const char *format, struct cdp_err *err)
{
	MDB_val key = { sizeof(format_key) - 1, format_key };
	MDB_val value = { strlen(format), (void *)(uintptr_t)format }, old;
	MDB_txn *txn;
	MDB_stat stat;
	MDB_dbi dbi;
	int rc, fresh = 0;

	if (begin(s, s->writable, &txn, err) < 0)
		return -1;
	rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (rc == 0)
		rc = mdb_get(txn, dbi, &key, &old);
	if (rc == 0 && (old.mv_size != value.mv_size ||
			memcmp(old.mv_data, value.mv_data, old.mv_size) != 0)) {
		cdp_err_set(err, CDP_ERR_SYS, "%s: holds '%.*s' state, not '%s'", s->dir,
			    old.mv_size < 60 ? (int)old.mv_size : 60,
			    (const char *)old.mv_data, format);
		mdb_txn_abort(txn);
		return -1;
	}
	if (rc == MDB_NOTFOUND) {
		rc = mdb_stat(txn, dbi, &stat);
		if (rc == 0 && (stat.ms_entries > 0 || !s->writable)) {
			mdb_txn_abort(txn);
			return cdp_err_set(err, CDP_ERR_SYS, "%s: holds no '%s' state",
					   s->dir, format);
		}
		if (rc == 0)
			rc = mdb_put(txn, dbi, &key, &value, 0);
		fresh = 1;
	}
	if (rc) {
		mdb_txn_abort(txn);
		return fail(s, rc, "cannot read the state", err);
	}
	rc = mdb_txn_commit(txn);
	return rc ? fail(s, rc, "cannot write the state", err) : fresh;
}

static struct table *find(struct cdp_store *s, const char *name)
{
	for (unsigned i = 0; i < s->count; i++)
		if (strcmp(s->tables[i].name, name) == 0)
			return &s->tables[i];
	return NULL;
}

static int add_table(struct cdp_store *s, MDB_txn *txn, const char *name, unsigned flags)
{
	int rc;

	if (s->count == s->max)
		return MDB_DBS_FULL;
	rc = mdb_dbi_open(txn, name, flags, &s->tables[s->count].dbi);
	if (rc == 0)
		s->tables[s->count++].name = cdp_strdup(name);
	return rc;
}

static void forget_tables(struct cdp_store *s, unsigned from)
{
	while (s->count > from)
		free(s->tables[--s->count].name);
}

/* Open the tables that others made.  LMDB lets only one transaction at a time open
 * tables, hence in one of its own, while no other is open. */
static int adopt_tables(struct cdp_store *s, struct cdp_err *err)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	MDB_stat stat;
	MDB_txn *txn;
	MDB_dbi dbi;
	int rc;

	if (begin(s, false, &txn, err) < 0)
		return -1;
	rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (rc == 0)
		rc = mdb_stat(txn, dbi, &stat);
	if (rc == 0 && stat.ms_entries != s->count + 1) {
		rc = mdb_cursor_open(txn, dbi, &cursor);
		while (rc == 0 &&
		       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
			char *name = cdp_strndup(key.mv_data, key.mv_size);

			if (name[0] && !find(s, name))
				rc = add_table(s, txn, name, 0);
			free(name);
		}
		if (cursor)
			mdb_cursor_close(cursor);
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (rc) {
		forget_tables(s, s->committed);
		return fail(s, rc, "cannot read the state", err);
	}
	s->committed = s->count;
	return 0;
}

struct cdp_store *cdp_store_open(const char *dir, const char *format, unsigned tables,
				 bool writable, struct cdp_err *err)
{
	struct cdp_store *s = cdp_calloc(1, sizeof(*s));
	int stale, fresh;

	s->dir = cdp_strdup(dir);
	s->writable = writable;
	s->max = tables;
	s->tables = cdp_calloc(tables, sizeof(*s->tables));
	if (writable && mkdir(dir, 0777) < 0 && errno != EEXIST) {
		cdp_err_sys(err, errno, "%s", dir);
		cdp_store_close(s);
		return NULL;
	}
	if (open_env(s, err) < 0 || (fresh = check_format(s, format, err)) < 0 ||
	    (fresh && sync_names(dir, err) < 0) || adopt_tables(s, err) < 0) {
		cdp_store_close(s);
		return NULL;
	}
	mdb_reader_check(s->env, &stale); /* slots of readers that were killed */
	return s;
}

void cdp_store_close(struct cdp_store *s)
{
	if (!s)
		return;
	forget_tables(s, 0);
	if (s->env)
		mdb_env_close(s->env);
	free(s->tables);
	free(s->dir);
	free(s);
}

/* Keep at least half of the map free at the start of a writing transaction.  LMDB drops
 * the old map before it makes the new one, so ask first whether there is room. */
static int grow_map(struct cdp_store *s, struct cdp_err *err)
{
	MDB_envinfo info;
	MDB_stat stat;
	size_t size;
	void *probe;
	int rc;

	mdb_env_info(s->env, &info);
	mdb_env_stat(s->env, &stat);
	if (info.me_last_pgno < info.me_mapsize / stat.ms_psize / 2)
		return 0;
	size = info.me_mapsize * 2;
	probe = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (probe == MAP_FAILED)
		return 0; /* what is left may do */
	munmap(probe, size);
	rc = mdb_env_set_mapsize(s->env, size);
	return rc ? fail(s, rc, "cannot grow the memory map", err) : 0;
}

struct cdp_txn *cdp_txn_begin(struct cdp_store *s, bool writable, struct cdp_err *err)
{
	struct cdp_txn *t;
	MDB_txn *txn;

	if (s->live == 0) {
		if (adopt_tables(s, err) < 0)
			return NULL;
		if (writable && grow_map(s, err) < 0)
			return NULL;
	}
	if (begin(s, writable, &txn, err) < 0)
		return NULL;
	t = cdp_calloc(1, sizeof(*t));
	t->s = s;
	t->txn = txn;
	t->writable = writable;
	t->known = s->committed;
	s->live++;
	return t;
}

int cdp_txn_commit(struct cdp_txn *t, struct cdp_err *err)
{
	struct cdp_store *s = t->s;
	int rc = mdb_txn_commit(t->txn);

	s->live--;
	if (t->writable) {
		if (rc == 0)
			s->committed = s->count;
		else
			forget_tables(s, s->committed);
	}
	free(t);
	return rc ? fail(s, rc, "cannot commit", err) : 0;
}

void cdp_txn_abort(struct cdp_txn *t)
{
	if (!t)
		return;
	mdb_txn_abort(t->txn);
	t->s->live--;
	if (t->writable)
		forget_tables(t->s, t->s->committed);
	free(t);
}

/* The table as this transaction sees it, or NULL. */
static struct table *see(struct cdp_txn *t, const char *name)
{
	struct table *table = find(t->s, name);

	if (table && !t->writable && table - t->s->tables >= t->known)
		return NULL;
	return table;
}

static int to_key(struct cdp_txn *t, struct cdp_bytes key, MDB_val *out,
		  struct cdp_err *err)
{
	if (key.n == 0 || key.n > CDP_STORE_KEY_MAX)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "%s: a key of %zu bytes, not 1 to %d", t->s->dir,
				   key.n, CDP_STORE_KEY_MAX);
	out->mv_size = key.n;
	out->mv_data = (void *)(uintptr_t)key.p;
	return 0;
}

int cdp_txn_get(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes *value, struct cdp_err *err)
{
	struct table *in = see(t, table);
	MDB_val k, v;
	int rc;

	if (to_key(t, key, &k, err) < 0)
		return -1;
	if (!in)
		return 0;
	rc = mdb_get(t->txn, in->dbi, &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return fail(t->s, rc, "cannot read", err);
	*value = (struct cdp_bytes){ v.mv_data, v.mv_size };
	return 1;
}

int cdp_txn_put(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		struct cdp_bytes value, struct cdp_err *err)
{
	struct cdp_store *s = t->s;
	struct table *in = see(t, table);
	MDB_val k, v = { value.n, (void *)(uintptr_t)value.p };
	int rc = 0;

	if (to_key(t, key, &k, err) < 0)
		return -1;
	if (!in) {
		rc = add_table(s, t->txn, table, MDB_CREATE);
		in = rc ? NULL : &s->tables[s->count - 1];
	}
	if (in)
		rc = mdb_put(t->txn, in->dbi, &k, &v, 0);
	t->writes++;
	return rc ? fail(s, rc, "cannot write", err) : 0;
}

int cdp_txn_delete(struct cdp_txn *t, const char *table, struct cdp_bytes key,
		   struct cdp_err *err)
{
	struct table *in = see(t, table);
	MDB_val k;
	int rc;

	if (to_key(t, key, &k, err) < 0)
		return -1;
	if (!in)
		return 0;
	rc = mdb_del(t->txn, in->dbi, &k, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	t->writes++;
	return rc ? fail(t->s, rc, "cannot write", err) : 1;
}

/* The callback wrote: find the place again by the key it was given. */
static int seek_after(MDB_cursor *cursor, const char *key, size_t n, MDB_val *k,
		      MDB_val *v)
{
	int rc;

	*k = (MDB_val){ n, (void *)(uintptr_t)key };
	rc = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
	if (rc == 0 && k->mv_size == n && memcmp(k->mv_data, key, n) == 0)
		rc = mdb_cursor_get(cursor, k, v, MDB_NEXT);
	return rc;
}

/* Pages that a long reading went over.  They are the file's and come back when touched,
 * but would count as memory of this process until then. */
struct passed {
	uintptr_t low, high;
	size_t bytes;
};

enum { PASSED_MAX = 16 << 20 };

static void pass(struct passed *p, const MDB_val *k, const MDB_val *v)
{
	uintptr_t at = (uintptr_t)k->mv_data, page = (uintptr_t)sysconf(_SC_PAGESIZE);

	p->low = !p->low || at < p->low ? at : p->low;
	p->high = at > p->high ? at : p->high;
	p->bytes += k->mv_size + v->mv_size;
	if (p->bytes < PASSED_MAX)
		return;
	p->low -= p->low % page;
	madvise((void *)p->low, p->high - p->low, MADV_DONTNEED);
	*p = (struct passed){ 0 };
}

int cdp_txn_each(struct cdp_txn *t, const char *table, const struct cdp_bytes *from,
		 int (*each)(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
			     struct cdp_err *err),
		 void *ctx, struct cdp_err *err)
{
	struct table *in = see(t, table);
	struct passed passed = { 0 };
	char key[CDP_STORE_KEY_MAX];
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc, said = 0;

	if (from && from->n && to_key(t, *from, &k, err) < 0)
		return -1;
	if (!in)
		return 0;
	rc = mdb_cursor_open(t->txn, in->dbi, &cursor);
	if (rc)
		return fail(t->s, rc, "cannot read", err);
	rc = mdb_cursor_get(cursor, &k, &v, from && from->n ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0) {
		uint64_t writes = t->writes;
		size_t n = k.mv_size;

		if (t->writable)
			memcpy(key, k.mv_data, n);
		else
			pass(&passed, &k, &v);
		said = each(ctx, (struct cdp_bytes){ k.mv_data, n },
			    (struct cdp_bytes){ v.mv_data, v.mv_size }, err);
		if (said)
			break;
		rc = t->writes != writes ? seek_after(cursor, key, n, &k, &v)
					 : mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (said < 0)
		return -1;
	return rc && rc != MDB_NOTFOUND ? fail(t->s, rc, "cannot read", err) : 0;
}
