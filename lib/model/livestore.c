#include "model/livestore.h"

#include "base/mem.h"
#include "io/lock.h"
#include "io/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FEEDS "feeds"
enum { TABLES = 4 };
static const char *const tables[] = { [CDP_LIVE_PROFILES] = "profiles",
				      [CDP_LIVE_ROWS] = "rows",
				      [CDP_LIVE_ABOUT] = "about" };

struct cdp_livestore {
	struct cdp_store *store;
	struct cdp_txn *txn; /* NULL: none since the last commit */
	int lock;
	size_t pending;
};

static int open_in(struct cdp_livestore *s, const char *dir, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/live", dir), *lock = cdp_asprintf("%s.lock", path);

	s->lock = cdp_lock_take(lock, err);
	if (s->lock >= 0)
		s->store = cdp_store_open(path, "live profiles 1", TABLES, true, err);
	free(path);
	free(lock);
	return s->store ? 0 : -1;
}

static int any(void *ctx, const char *key, size_t n, struct cdp_err *err)
{
	(void)ctx, (void)key, (void)n, (void)err;
	return 1;
}

/* What customers are told apart by is what it was; nothing is said of one_id. */
static int check_key(struct cdp_livestore *s, const char *dir, const char *now,
		     struct cdp_err *err)
{
	const char *was = "one_id";
	size_t n = strlen(was);
	int rc = cdp_livestore_find(s, CDP_LIVE_ABOUT, "key", 3, &was, &n, err);

	if (rc < 0 || (n == strlen(now) && memcmp(was, now, n) == 0))
		return rc < 0 ? -1 : 0;
	if (rc == 0)
		rc = cdp_livestore_each(s, CDP_LIVE_PROFILES, any, NULL, err);
	if (rc == 0)
		rc = cdp_livestore_each(s, CDP_LIVE_ROWS, any, NULL, err);
	if (rc < 0)
		return -1;
	if (rc > 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s/live' has customers by '%.*s', not by '%s'; see "
				   "--key",
				   dir, (int)n, was, now);
	return cdp_livestore_keep(s, CDP_LIVE_ABOUT, "key", 3, now, strlen(now), err);
}

struct cdp_livestore *cdp_livestore_open(const char *dir, const char *key,
					 struct cdp_err *err)
{
	struct cdp_livestore *s = cdp_calloc(1, sizeof(*s));

	s->lock = -1;
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		cdp_err_sys(err, errno, "'%s': cannot make", dir);
	else if (open_in(s, dir, err) == 0 && check_key(s, dir, key, err) == 0)
		return s;
	cdp_livestore_close(s);
	return NULL;
}

void cdp_livestore_close(struct cdp_livestore *s)
{
	if (!s)
		return;
	cdp_txn_abort(s->txn);
	if (s->store)
		cdp_store_close(s->store);
	if (s->lock >= 0)
		cdp_lock_release(s->lock);
	free(s);
}

static int begin(struct cdp_livestore *s, size_t n, struct cdp_err *err)
{
	if (n > CDP_STORE_KEY_MAX)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "a name of more than %d bytes cannot be kept",
				   CDP_STORE_KEY_MAX);
	if (!s->txn)
		s->txn = cdp_txn_begin(s->store, true, err);
	return s->txn ? 0 : -1;
}

int cdp_livestore_find(struct cdp_livestore *s, enum cdp_livetable table, const char *key,
		       size_t n, const char **p, size_t *len, struct cdp_err *err)
{
	struct cdp_bytes value;
	int rc;

	if (begin(s, n, err) < 0)
		return -1;
	rc = cdp_txn_get(s->txn, tables[table], (struct cdp_bytes){ key, n }, &value,
			 err);
	if (rc > 0) {
		*p = value.p;
		*len = value.n;
	}
	return rc;
}

int cdp_livestore_keep(struct cdp_livestore *s, enum cdp_livetable table, const char *key,
		       size_t n, const char *p, size_t len, struct cdp_err *err)
{
	if (begin(s, n, err) < 0 ||
	    cdp_txn_put(s->txn, tables[table], (struct cdp_bytes){ key, n },
			(struct cdp_bytes){ p, len }, err) < 0)
		return -1;
	s->pending += n + len;
	return 0;
}

struct each {
	int (*call)(void *ctx, const char *key, size_t n, struct cdp_err *err);
	void *ctx;
	int rc;
};

static int call_key(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		    struct cdp_err *err)
{
	struct each *e = ctx;

	(void)value;
	e->rc = e->call(e->ctx, key.p, key.n, err);
	return e->rc < 0 ? -1 : e->rc != 0;
}

int cdp_livestore_each(struct cdp_livestore *s, enum cdp_livetable table,
		       int (*call)(void *ctx, const char *key, size_t n,
				   struct cdp_err *err),
		       void *ctx, struct cdp_err *err)
{
	struct each e = { call, ctx, 0 };

	if (begin(s, 1, err) < 0 ||
	    cdp_txn_each(s->txn, tables[table], NULL, call_key, &e, err) < 0)
		return -1;
	return e.rc;
}

int cdp_livestore_get(struct cdp_livestore *s, const char *key, size_t n,
		      const char **line, size_t *line_n, struct cdp_err *err)
{
	return cdp_livestore_find(s, CDP_LIVE_PROFILES, key, n, line, line_n, err);
}

int cdp_livestore_put(struct cdp_livestore *s, const char *key, size_t n,
		      const char *line, size_t line_n, struct cdp_err *err)
{
	return cdp_livestore_keep(s, CDP_LIVE_PROFILES, key, n, line, line_n, err);
}

int cdp_livestore_feed(struct cdp_livestore *s, const char *name,
		       struct cdp_livefeed *feed, struct cdp_err *err)
{
	struct cdp_bytes value;
	int rc;

	*feed = (struct cdp_livefeed){ 0 };
	if (begin(s, strlen(name), err) < 0)
		return -1;
	rc = cdp_txn_get(s->txn, FEEDS, (struct cdp_bytes){ name, strlen(name) }, &value,
			 err);
	if (rc > 0 && value.n == sizeof(*feed))
		memcpy(feed, value.p, sizeof(*feed));
	return rc < 0 ? -1 : 0;
}

int cdp_livestore_set_feed(struct cdp_livestore *s, const char *name,
			   const struct cdp_livefeed *feed, struct cdp_err *err)
{
	if (begin(s, strlen(name), err) < 0)
		return -1;
	return cdp_txn_put(s->txn, FEEDS, (struct cdp_bytes){ name, strlen(name) },
			   (struct cdp_bytes){ feed, sizeof(*feed) }, err);
}

size_t cdp_livestore_pending(const struct cdp_livestore *s)
{
	return s->pending;
}

int cdp_livestore_commit(struct cdp_livestore *s, struct cdp_err *err)
{
	int rc = 0;

	if (s->pending) {
		rc = cdp_txn_commit(s->txn, err);
		s->txn = NULL;
		s->pending = 0;
	}
	return rc;
}
