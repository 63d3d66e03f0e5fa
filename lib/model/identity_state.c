#include "model/identity_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/journal.h"
#include "io/lock.h"
#include "io/store.h"
#include "model/identity_rows.h"

static const char format[] = "idmap 2";

enum {
	TABLES = 6,
	/* A journal this long goes into the store while the stream runs. */
	JOURNAL_MAX = 1 << 30,
};

struct cdp_idstate {
	struct cdp_identity *m;
	struct cdp_store *store;
	struct cdp_journal *journal;
	int lock;
	uint64_t generation;
	struct cdp_buf log;
	struct idm_stored stored;
};

static struct cdp_bytes bytes(const void *p, size_t n)
{
	return (struct cdp_bytes){ p, n };
}

/* Keys are numbers, big-endian so that their order is that of the bytes. */
struct number {
	unsigned char b[16];
	size_t n;
};

static struct number number(uint32_t a)
{
	return (struct number){ { (uint8_t)(a >> 24), (uint8_t)(a >> 16),
				  (uint8_t)(a >> 8), (uint8_t)a },
				4 };
}

static struct number pair(uint32_t a, uint32_t b)
{
	struct number k = number(a), l = number(b);

	memcpy(k.b + 4, l.b, 4);
	k.n = 8;
	return k;
}

/* A small value of the table "meta"; 0 if it is not there. */
static int get_meta(struct cdp_txn *t, const char *name, void *to, size_t n,
		    struct cdp_err *err)
{
	struct cdp_bytes v;
	int rc = cdp_txn_get(t, "meta", bytes(name, strlen(name)), &v, err);

	if (rc <= 0)
		return rc;
	if (v.n != n)
		return idm_damaged(err);
	memcpy(to, v.p, n);
	return 1;
}

static int put_meta(struct cdp_txn *t, const char *name, const void *p, size_t n,
		    struct cdp_err *err)
{
	return cdp_txn_put(t, "meta", bytes(name, strlen(name)), bytes(p, n), err);
}

static int load(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	uint8_t pending = 0;

	if (get_meta(t, "generation", &s->generation, sizeof(s->generation), err) < 0 ||
	    get_meta(t, "print", &s->m->print, sizeof(s->m->print), err) < 0 ||
	    get_meta(t, "pending", &pending, sizeof(pending), err) < 0 ||
	    idm_load(s->m, &s->stored, t, err) < 0)
		return -1;
	s->m->changed = pending;
	return 0;
}

/* --- the key --- */

int cdp_idkey_load(uint8_t key[CDP_IDENTITY_KEY], const char *path, struct cdp_err *err)
{
	size_t n, k = 0;
	char *text = cdp_file_read(path, 4096, &n, err), digits[32];
	uint64_t half[2];

	if (!text)
		return -1;
	for (size_t i = 0; i < n && k <= sizeof(digits); i++) {
		if (strchr(" \t\r\n", text[i]) && text[i])
			continue;
		if (k < sizeof(digits))
			digits[k] = (char)(text[i] | (text[i] >= 'A' ? 0x20 : 0));
		k++;
	}
	free(text);
	if (k != sizeof(digits) || !cdp_unhex16(&half[0], digits, 16) ||
	    !cdp_unhex16(&half[1], digits + 16, 16))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: a key is 32 hexadecimal digits", path);
	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)(half[i / 8] >> (56 - 8 * (i % 8)));
	return 0;
}

/* The key that the directory keeps; made now if it is new, so that a stream that dies
 * before its first commit finds the same one again. */
static int settle_key(struct cdp_store *store, const char *dir, const uint8_t *given,
		      uint8_t key[CDP_IDENTITY_KEY], struct cdp_err *err)
{
	struct cdp_txn *t = cdp_txn_begin(store, true, err);
	int rc;

	if (!t)
		return -1;
	rc = get_meta(t, "key", key, CDP_IDENTITY_KEY, err);
	if (rc != 0) {
		cdp_txn_abort(t);
		if (rc > 0 && given && memcmp(given, key, CDP_IDENTITY_KEY) != 0)
			return cdp_err_set(err, CDP_ERR_USAGE, "%s has another key", dir);
		return rc < 0 ? -1 : 0;
	}
	if (given)
		memcpy(key, given, CDP_IDENTITY_KEY);
	else if (getrandom(key, CDP_IDENTITY_KEY, 0) != CDP_IDENTITY_KEY)
		rc = cdp_err_sys(err, errno, "no random bytes for a key");
	if (rc == 0)
		rc = put_meta(t, "key", key, CDP_IDENTITY_KEY, err);
	if (rc == 0)
		return cdp_txn_commit(t, err);
	cdp_txn_abort(t);
	return -1;
}

/* --- opening --- */

static int take_lock(struct cdp_idstate *s, const char *dir, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/lock", dir);

	s->lock = cdp_lock_take(path, err);
	free(path);
	return s->lock < 0 ? -1 : 0;
}

static int replay(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_identity_relearn(ctx, p, n, err);
}

static int open_journal(struct cdp_idstate *s, const char *dir, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/journal", dir);

	s->journal = cdp_journal_open(path, s->generation, replay, s->m, err);
	free(path);
	return s->journal ? 0 : -1;
}

static int open_all(struct cdp_idstate *s, const char *dir, const uint8_t *given,
		    const struct cdp_idkinds *kinds, struct cdp_err *err)
{
	uint8_t key[CDP_IDENTITY_KEY];
	struct cdp_txn *t;
	int rc;

	/* The key and who is who: nobody else's business unless the directory is theirs.
	 */
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return cdp_err_sys(err, errno, "%s", dir);
	s->store = cdp_store_open(dir, format, TABLES, true, err);
	if (!s->store || take_lock(s, dir, err) < 0 ||
	    settle_key(s->store, dir, given, key, err) < 0)
		return -1;
	s->m = cdp_identity_new(kinds, key);
	explicit_bzero(key, sizeof(key));
	t = cdp_txn_begin(s->store, false, err);
	if (!t)
		return -1;
	rc = load(s, t, err);
	cdp_txn_abort(t);
	if (rc == 0)
		rc = open_journal(s, dir, err);
	if (rc < 0)
		cdp_err_prefix(err, "%s", dir);
	return rc;
}

struct cdp_idstate *cdp_idstate_open(const char *dir, const uint8_t *key,
				     const struct cdp_idkinds *kinds,
				     struct cdp_identity **m, struct cdp_err *err)
{
	struct cdp_idstate *s = cdp_calloc(1, sizeof(*s));

	s->lock = -1;
	cdp_buf_init(&s->log, CDP_BUF_NOMAX);
	if (open_all(s, dir, key, kinds, err) == 0) {
		*m = s->m;
		return s;
	}
	cdp_identity_free(s->m);
	cdp_idstate_close(s);
	return NULL;
}

void cdp_idstate_close(struct cdp_idstate *s)
{
	if (!s)
		return;
	cdp_journal_close(s->journal);
	if (s->store)
		cdp_store_close(s->store);
	if (s->lock >= 0)
		cdp_lock_release(s->lock);
	cdp_buf_release(&s->log);
	free(s->stored.runtime_kind);
	free(s);
}

/* --- committing --- */

static int put_names(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	struct cdp_identity *m = s->m;
	bool stored[CDP_IDKINDS_MAX] = { false };
	struct number k;
	size_t n;

	for (unsigned i = 0; i < s->stored.kinds; i++)
		stored[s->stored.runtime_kind[i]] = true;
	for (unsigned i = 0; i < m->nkinds; i++) {
		if (stored[i])
			continue;
		k = number(s->stored.kinds);
		if (cdp_txn_put(t, "kinds", bytes(k.b, k.n),
				bytes(m->kind[i].name, m->kind[i].len), err) < 0)
			return -1;
		s->stored.runtime_kind =
			cdp_realloc(s->stored.runtime_kind, s->stored.kinds + 1, 1);
		s->stored.runtime_kind[s->stored.kinds] = (uint8_t)i;
		s->stored.store_kind[i] = (uint8_t)s->stored.kinds++;
	}
	for (; s->stored.sources < cdp_intern_count(m->sources); s->stored.sources++) {
		const char *p = cdp_intern_key(m->sources, s->stored.sources, &n);

		k = number(s->stored.sources);
		if (cdp_txn_put(t, "sources", bytes(k.b, k.n), bytes(p, n), err) < 0)
			return -1;
	}
	return 0;
}

static bool is_dirty(const struct id *id)
{
	return id->flags & ID_DIRTY ||
	       (id->flags & ID_STORED) != (id->flags & ID_ASIDE) << ID_STORED_SHIFT;
}

static int put_ids(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	struct cdp_identity *m = s->m;
	char text[sizeof(struct id_row) + CDP_ID_VALUE_MAX], buf[CDP_ID_VALUE_MAX];

	for (uint32_t i = 0; i < m->count; i++) {
		const struct id *id = &m->id[i];
		struct id_row row;
		struct number k = number(i);
		const char *value;
		size_t n;

		if (!is_dirty(id))
			continue;
		value = idm_value(m, i, buf, &n);
		row = (struct id_row){ .first = idm_first(m, i),
				       .last = idm_last(m, i),
				       .one_id = m->names[idm_person(m, i)],
				       .source = id->source,
				       .kind = s->stored.store_kind[id->kind],
				       .aside = id->flags & ID_ASIDE };
		memcpy(text, &row, sizeof(row));
		memcpy(text + sizeof(row), value, n);
		if (cdp_txn_put(t, "ids", bytes(k.b, k.n), bytes(text, sizeof(row) + n),
				err) < 0)
			return -1;
	}
	return 0;
}

static int put_links(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	const struct cdp_identity *m = s->m;

	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];
		struct link_row row = { idm_link_seen(l), idm_link_last(l) };
		struct number k = pair(l->a, l->b);

		if (l->flags & LINK_DIRTY &&
		    cdp_txn_put(t, "links", bytes(k.b, k.n), bytes(&row, sizeof(row)),
				err) < 0)
			return -1;
	}
	return 0;
}

static int put_parts(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	const struct cdp_identity *m = s->m;

	for (uint32_t i = m->stored_parts; i < cdp_intern_count(m->parts); i++) {
		struct number k, high, low;
		struct part p;
		size_t n;

		memcpy(&p, cdp_intern_key(m->parts, i, &n), sizeof(p));
		k = pair(p.a, p.b);
		high = number((uint32_t)((uint64_t)p.ms >> 32));
		low = number((uint32_t)p.ms);
		memcpy(k.b + 8, high.b, 4);
		memcpy(k.b + 12, low.b, 4);
		if (cdp_txn_put(t, "parts", bytes(k.b, 16), bytes("", 0), err) < 0)
			return -1;
	}
	return 0;
}

static int put_all(struct cdp_idstate *s, struct cdp_txn *t, struct cdp_err *err)
{
	uint64_t generation = s->generation + 1;
	uint8_t pending = s->m->changed;

	if (put_names(s, t, err) < 0 || put_ids(s, t, err) < 0 ||
	    put_links(s, t, err) < 0 || put_parts(s, t, err) < 0 ||
	    put_meta(t, "print", &s->m->print, sizeof(s->m->print), err) < 0 ||
	    put_meta(t, "pending", &pending, sizeof(pending), err) < 0)
		return -1;
	return put_meta(t, "generation", &generation, sizeof(generation), err);
}

static void mark_clean(struct cdp_identity *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		unsigned f = m->id[i].flags;

		m->id[i].flags = (f & (unsigned)~(ID_DIRTY | ID_STORED)) |
				 (f & ID_ASIDE) << ID_STORED_SHIFT;
	}
	for (size_t i = 0; i < m->nlinks; i++)
		m->links[i].flags &= (unsigned)~LINK_DIRTY;
	m->stored_parts = cdp_intern_count(m->parts);
}

int cdp_idstate_commit(struct cdp_idstate *s, struct cdp_err *err)
{
	struct cdp_txn *t = cdp_txn_begin(s->store, true, err);

	if (!t)
		return -1;
	if (put_all(s, t, err) < 0) {
		cdp_txn_abort(t);
		return -1;
	}
	if (cdp_txn_commit(t, err) < 0)
		return -1;
	s->generation++;
	mark_clean(s->m);
	/* A death before this leaves a journal of the generation before: ignored. */
	return cdp_journal_restart(s->journal, s->generation, err);
}

void cdp_idstate_stream(struct cdp_idstate *s)
{
	cdp_identity_log(s->m, &s->log);
}

int cdp_idstate_note(struct cdp_idstate *s, struct cdp_err *err)
{
	if (!cdp_identity_logged(s->m))
		return 0;
	if (cdp_journal_add(s->journal, s->log.p, s->log.n, err) < 0)
		return -1;
	cdp_buf_reset(&s->log);
	cdp_identity_log_emptied(s->m);
	if (cdp_journal_size(s->journal) <= JOURNAL_MAX)
		return 0;
	if (cdp_idstate_commit(s, err) < 0)
		return -1;
	cdp_identity_log(s->m, &s->log);
	return 0;
}
