#include "model/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/lock.h"

#define FORMAT "push 1"
enum { TABLES = 6 };

struct cdp_ledger {
	struct cdp_store *store;
	struct cdp_txn *txn;
	bool dry;
	int lock;
	char *scratch; /* directory of a dry run without a state, to be removed */
};

/* --- keys: numbers big-endian with the sign flipped, so that bytes sort as numbers ---
 */

struct key {
	char p[CDP_STORE_KEY_MAX];
	size_t n;
};

static void add(struct key *k, const void *p, size_t n)
{
	if (n > sizeof(k->p) - k->n)
		CDP_BUG("a key of more than %zu bytes", sizeof(k->p));
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

static void put_time(char *p, int64_t ms)
{
	uint64_t v = (uint64_t)ms ^ ((uint64_t)1 << 63);

	for (int i = 0; i < 8; i++)
		p[i] = (char)(v >> (56 - 8 * i));
}

static int64_t get_time(const char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | (unsigned char)p[i];
	return (int64_t)(v ^ ((uint64_t)1 << 63));
}

static void add_time(struct key *k, int64_t ms)
{
	char p[8];

	put_time(p, ms);
	add(k, p, sizeof(p));
}

static struct cdp_bytes bytes(const struct key *k)
{
	return (struct cdp_bytes){ k->p, k->n };
}

/* The place in the queue: not_before, then message id. */
static void add_place(struct key *k, const struct cdp_ledger_key *m)
{
	add_time(k, m->not_before);
	add(k, m->id, m->n);
}

static void spool_key(struct key *k, const char *channel)
{
	k->n = 0;
	add(k, channel, strlen(channel) + 1);
}

static void person_key(struct key *k, const struct cdp_ledger_key *m)
{
	k->n = 0;
	add(k, m->one_id, CDP_ONE_ID);
	add_place(k, m);
}

/* The place at the end of a key; false if it is not one. */
static bool get_place(struct cdp_ledger_key *m, const char *p, size_t n)
{
	if (n <= 8 || n - 8 > sizeof(m->id))
		return false;
	m->not_before = get_time(p);
	m->n = (uint32_t)(n - 8);
	memcpy(m->id, p + 8, m->n);
	return true;
}

static int damaged(struct cdp_err *err, const char *table)
{
	return cdp_err_set(err, CDP_ERR_SYS, "the state is damaged (table '%s')", table);
}

/* --- life --- */

static int take_lock(struct cdp_ledger *l, const char *dir, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/run.lock", dir);

	l->lock = cdp_lock_take(path, err);
	free(path);
	return l->lock < 0 ? -1 : 0;
}

static int make_scratch(struct cdp_ledger *l, struct cdp_err *err)
{
	const char *tmp = getenv("TMPDIR");

	l->scratch = cdp_asprintf("%s/cdp-push.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (mkdtemp(l->scratch))
		return 0;
	cdp_err_sys(err, errno, "%s", l->scratch);
	free(l->scratch);
	l->scratch = NULL;
	return -1;
}

struct cdp_ledger *cdp_ledger_open(const char *dir, bool dry, struct cdp_err *err)
{
	struct cdp_ledger *l = cdp_calloc(1, sizeof(*l));
	struct stat st;

	l->dry = dry;
	l->lock = -1;
	if (dry && stat(dir, &st) < 0 && errno == ENOENT) {
		if (make_scratch(l, err) < 0)
			goto fail;
		dir = l->scratch;
	}
	/* The lock first: opening the store would wait for its writer. */
	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		cdp_err_sys(err, errno, "%s", dir);
		goto fail;
	}
	if (take_lock(l, dir, err) < 0)
		goto fail;
	l->store = cdp_store_open(dir, FORMAT, TABLES, true, err);
	if (l->store)
		return l;
fail:
	cdp_ledger_close(l);
	return NULL;
}

static void remove_scratch(const char *dir)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "run.lock" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = cdp_asprintf("%s/%s", dir, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(dir);
}

void cdp_ledger_close(struct cdp_ledger *l)
{
	if (!l)
		return;
	cdp_txn_abort(l->txn);
	cdp_store_close(l->store);
	if (l->lock >= 0)
		cdp_lock_release(l->lock);
	if (l->scratch)
		remove_scratch(l->scratch);
	free(l->scratch);
	free(l);
}

int cdp_ledger_begin(struct cdp_ledger *l, struct cdp_err *err)
{
	if (!l->txn)
		l->txn = cdp_txn_begin(l->store, true, err);
	return l->txn ? 0 : -1;
}

int cdp_ledger_commit(struct cdp_ledger *l, struct cdp_err *err)
{
	struct cdp_txn *t = l->txn;

	if (!t || l->dry)
		return 0;
	l->txn = NULL;
	return cdp_txn_commit(t, err);
}

/* --- rows --- */

int cdp_ledger_get(struct cdp_ledger *l, const char *id, size_t n,
		   struct cdp_ledger_row *row, struct cdp_err *err)
{
	struct cdp_bytes v;
	int rc = cdp_txn_get(l->txn, "row", (struct cdp_bytes){ id, n }, &v, err);

	if (rc <= 0)
		return rc;
	if (v.n < 9)
		return damaged(err, "row");
	row->state = (enum cdp_send_state)((const char *)v.p)[0];
	row->at = get_time((const char *)v.p + 1);
	row->receipt = (const char *)v.p + 9;
	row->n = v.n - 9;
	return 1;
}

static int put_row(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		   const struct cdp_ledger_row *row, struct cdp_err *err)
{
	struct cdp_buf b;
	char head[9];
	int rc;

	head[0] = (char)row->state;
	put_time(head + 1, row->at);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_add(&b, head, sizeof(head));
	cdp_buf_add(&b, row->receipt, row->n);
	rc = cdp_txn_put(l->txn, "row", (struct cdp_bytes){ k->id, k->n },
			 (struct cdp_bytes){ b.p, b.n }, err);
	cdp_buf_release(&b);
	return rc;
}

int cdp_ledger_mark(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		    enum cdp_send_state state, int64_t at, struct cdp_err *err)
{
	struct cdp_ledger_row row = { .state = state, .at = at, .receipt = "" };

	return put_row(l, k, &row, err);
}

int cdp_ledger_queue(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		     const char *channel, const char *raw, size_t n, struct cdp_err *err)
{
	struct key spool, person;

	spool_key(&spool, channel);
	add_place(&spool, k);
	person_key(&person, k);
	if (cdp_ledger_mark(l, k, CDP_SEND_QUEUED, INT64_MIN, err) < 0 ||
	    cdp_txn_put(l->txn, "spool", bytes(&spool), (struct cdp_bytes){ raw, n },
			err) < 0)
		return -1;
	return cdp_txn_put(l->txn, "person", bytes(&person),
			   (struct cdp_bytes){ channel, strlen(channel) }, err);
}

static int leave_spool(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		       const char *channel, struct cdp_err *err)
{
	struct key key;

	spool_key(&key, channel);
	add_place(&key, k);
	if (cdp_txn_delete(l->txn, "spool", bytes(&key), err) < 0)
		return -1;
	person_key(&key, k);
	return cdp_txn_delete(l->txn, "person", bytes(&key), err) < 0 ? -1 : 0;
}

static int add_send(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		    const char *channel, int64_t at, struct cdp_err *err)
{
	struct key key = { .n = 0 };

	add(&key, k->one_id, CDP_ONE_ID);
	add_time(&key, at);
	add(&key, k->id, k->n);
	return cdp_txn_put(l->txn, "sends", bytes(&key),
			   (struct cdp_bytes){ channel, strlen(channel) }, err);
}

int cdp_ledger_settle(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		      const char *channel, const struct cdp_ledger_row *row, int64_t run,
		      struct cdp_err *err)
{
	bool stays = row->state == CDP_SEND_HELD || row->state == CDP_SEND_AMBIGUOUS;

	if (put_row(l, k, row, err) < 0 ||
	    cdp_ledger_answer(l, k->id, k->n, run, err) < 0 ||
	    (!stays && leave_spool(l, k, channel, err) < 0))
		return -1;
	if (row->state == CDP_SEND_ACCEPTED)
		return add_send(l, k, channel, row->at, err);
	return 0;
}

/* --- answers --- */

int cdp_ledger_answer(struct cdp_ledger *l, const char *id, size_t n, int64_t run,
		      struct cdp_err *err)
{
	struct key key = { .n = 0 };

	add_time(&key, run);
	add(&key, id, n);
	return cdp_txn_put(l->txn, "answers", bytes(&key), (struct cdp_bytes){ "", 0 },
			   err);
}

struct answers {
	struct cdp_ledger *l;
	char run[8];
	cdp_ledger_each_answer *each;
	void *ctx;
};

static int one_answer(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		      struct cdp_err *err)
{
	const struct answers *a = ctx;
	struct cdp_ledger_row row;
	int rc;

	(void)value;
	if (key.n <= 8 || memcmp(key.p, a->run, 8) != 0)
		return 1;
	rc = cdp_ledger_get(a->l, (const char *)key.p + 8, key.n - 8, &row, err);
	if (rc == 0)
		return damaged(err, "answers");
	return rc < 0 ? -1 : a->each(a->ctx, &row, err);
}

int cdp_ledger_answers(struct cdp_ledger *l, int64_t run, cdp_ledger_each_answer *each,
		       void *ctx, struct cdp_err *err)
{
	struct answers a = { .l = l, .each = each, .ctx = ctx };

	put_time(a.run, run);
	return cdp_txn_each(l->txn, "answers", &(struct cdp_bytes){ a.run, 8 },
			    one_answer, &a, err);
}

/* --- the spool --- */

struct spooled {
	struct key prefix;
	cdp_ledger_each_spooled *each;
	void *ctx;
};

static int one_spooled(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		       struct cdp_err *err)
{
	const struct spooled *s = ctx;
	struct cdp_ledger_key k;
	size_t at = s->prefix.n;

	if (key.n < at || memcmp(key.p, s->prefix.p, at) != 0)
		return 1;
	if (at == 0)
		at = strnlen(key.p, key.n) + 1;
	if (key.n < at || !get_place(&k, (const char *)key.p + at, key.n - at))
		return damaged(err, "spool");
	return s->each(s->ctx, &k, value.p, value.n, err);
}

int cdp_ledger_spooled(struct cdp_ledger *l, const char *channel,
		       const struct cdp_ledger_key *from, cdp_ledger_each_spooled *each,
		       void *ctx, struct cdp_err *err)
{
	struct spooled s = { .each = each, .ctx = ctx };
	struct cdp_bytes start;
	struct key key;

	if (channel)
		spool_key(&s.prefix, channel);
	key = s.prefix;
	if (from)
		add_place(&key, from);
	start = bytes(&key);
	return cdp_txn_each(l->txn, "spool", &start, one_spooled, &s, err);
}

int cdp_ledger_message(struct cdp_ledger *l, const char *channel,
		       const struct cdp_ledger_key *k, struct cdp_bytes *raw,
		       struct cdp_err *err)
{
	struct key key;

	spool_key(&key, channel);
	add_place(&key, k);
	return cdp_txn_get(l->txn, "spool", bytes(&key), raw, err);
}

/* --- persons --- */

struct person {
	const char *one_id;
	cdp_ledger_each_of_person *each;
	void *ctx;
};

static int one_of_person(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
			 struct cdp_err *err)
{
	const struct person *p = ctx;
	struct cdp_ledger_key k;

	if (key.n < CDP_ONE_ID || memcmp(key.p, p->one_id, CDP_ONE_ID) != 0)
		return 1;
	memcpy(k.one_id, p->one_id, CDP_ONE_ID);
	if (!get_place(&k, (const char *)key.p + CDP_ONE_ID, key.n - CDP_ONE_ID))
		return damaged(err, "person");
	return p->each(p->ctx, &k, value.p, value.n, err);
}

int cdp_ledger_person(struct cdp_ledger *l, const char one_id[CDP_ONE_ID],
		      cdp_ledger_each_of_person *each, void *ctx, struct cdp_err *err)
{
	struct person p = { .one_id = one_id, .each = each, .ctx = ctx };

	return cdp_txn_each(l->txn, "person", &(struct cdp_bytes){ one_id, CDP_ONE_ID },
			    one_of_person, &p, err);
}

struct sends {
	const char *one_id, *channel;
	char to[8];
	int64_t n, enough;
};

static int one_send(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		    struct cdp_err *err)
{
	struct sends *s = ctx;

	(void)err;
	if (key.n < CDP_ONE_ID + 8 || memcmp(key.p, s->one_id, CDP_ONE_ID) != 0 ||
	    memcmp((const char *)key.p + CDP_ONE_ID, s->to, 8) >= 0)
		return 1;
	if (!s->channel ||
	    (value.n == strlen(s->channel) && memcmp(value.p, s->channel, value.n) == 0))
		s->n++;
	return s->n >= s->enough;
}

int64_t cdp_ledger_sends(struct cdp_ledger *l, const char one_id[CDP_ONE_ID],
			 const char *channel, int64_t from, int64_t to, int64_t enough,
			 struct cdp_err *err)
{
	struct sends s = { .one_id = one_id, .channel = channel, .enough = enough };
	struct key key = { .n = 0 };
	struct cdp_bytes start;

	if (enough <= 0)
		return 0;
	put_time(s.to, to);
	add(&key, one_id, CDP_ONE_ID);
	add_time(&key, from);
	start = bytes(&key);
	if (cdp_txn_each(l->txn, "sends", &start, one_send, &s, err) < 0)
		return -1;
	return s.n;
}

/* --- flights --- */

int cdp_ledger_set_flight(struct cdp_ledger *l, const char *channel, const void *p,
			  size_t n, struct cdp_err *err)
{
	struct cdp_bytes key = { channel, strlen(channel) };

	if (n == 0)
		return cdp_txn_delete(l->txn, "flight", key, err) < 0 ? -1 : 0;
	return cdp_txn_put(l->txn, "flight", key, (struct cdp_bytes){ p, n }, err);
}

int cdp_ledger_flight(struct cdp_ledger *l, const char *channel, struct cdp_bytes *value,
		      struct cdp_err *err)
{
	return cdp_txn_get(l->txn, "flight",
			   (struct cdp_bytes){ channel, strlen(channel) }, value, err);
}
