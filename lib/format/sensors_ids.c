/* Who a Sensors record is about: the same ids stand in `identities`, at top level or
 * among the properties, and in plain members, depending on the library and its age. */
#include "format/sensors_priv.h"
#include "record/json.h"

/* Kinds of ids by what the libraries call them. */
static const struct {
	const char *key;
	size_t n;
	const char *kind;
} identities[] = {
#define IDENTITY(name, kind)                                                             \
	{                                                                                \
		"$identity_" name, sizeof("$identity_" name) - 1, kind                   \
	}
	IDENTITY("cookie_id", "cookie"),    IDENTITY("anonymous_id", "anonymous"),
	IDENTITY("mobile", "phone"),        IDENTITY("email", "email"),
	IDENTITY("android_id", "device"),   IDENTITY("android_uuid", "device"),
	IDENTITY("ios_id", "device"),       IDENTITY("ios_uuid", "device"),
	IDENTITY("idfv", "device"),         IDENTITY("harmony_id", "device"),
	IDENTITY("harmony_uuid", "device"), IDENTITY("mp_id", "device"),
#undef IDENTITY
};

static bool ends_in(const char *p, size_t n, const char *tail)
{
	size_t k = strlen(tail);

	return n >= k && memcmp(p + n - k, tail, k) == 0;
}

static bool begins_with(const char *p, size_t n, const char *head)
{
	size_t k = strlen(head);

	return n >= k && memcmp(p, head, k) == 0;
}

/* The key without "$identity_": the kind of what is not in the table. */
static void bare_key(const char **key, size_t *n)
{
	static const char prefix[] = "$identity_";

	if (*n > sizeof(prefix) - 1 && begins_with(*key, *n, prefix)) {
		*key += sizeof(prefix) - 1;
		*n -= sizeof(prefix) - 1;
	}
}

/* NULL: the bare key is the kind. */
static const char *known_kind(const struct cdp_format_opts *opts, const char *key,
			      size_t n)
{
	if (n == strlen("$identity_login_id") &&
	    memcmp(key, "$identity_login_id", n) == 0)
		return opts->login_kind;
	for (size_t i = 0; i < sizeof(identities) / sizeof(*identities); i++)
		if (n == identities[i].n && memcmp(key, identities[i].key, n) == 0)
			return identities[i].kind;
	/* $identity_mp_<app>_openid: an id of the person within one app */
	if (begins_with(key, n, "$identity_") && ends_in(key, n, "_openid"))
		return "openid";
	if (begins_with(key, n, "$identity_") && ends_in(key, n, "unionid"))
		return "unionid";
	return NULL;
}

static int add_identity(struct cdp_sensors *r, const char *key, size_t key_len,
			const char *p, size_t n, struct cdp_err *err)
{
	const char *kind = known_kind(r->opts, key, key_len);

	bare_key(&key, &key_len);
	return kind ? cdp_ids_add(&r->ids, kind, key, key_len, p, n, err)
		    : cdp_ids_put(&r->ids, key, key_len, p, n, err);
}

static int add_plain(struct cdp_sensors *r, const struct cdp_plain_id *id, unsigned n,
		     struct cdp_err *err)
{
	for (unsigned i = 0; i < n; i++, id++)
		if (add_identity(r, id->kind, (size_t)(id->kind_end - id->kind),
				 id->value, (size_t)(id->value_end - id->value), err) < 0)
			return -1;
	return 0;
}

static int add_identities(struct cdp_sensors *r, const struct cdp_rec *rec,
			  const struct cdp_val *object, const char *path,
			  struct cdp_err *err)
{
	struct cdp_plain_id plain[CDP_PLAIN_MAX];
	unsigned count;

	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	const char *k, *p;
	size_t kn, n;

	if (object->type <= CDP_NULL)
		return 0;
	if (object->type != CDP_OBJECT)
		return cdp_canon_bad(err, path, "not an object");
	if (rec->compact && cdp_ids_plain(rec, object, plain, &count))
		return add_plain(r, plain, count, err);
	while (cdp_val_member(object, &it, &key, &v)) {
		k = cdp_val_str(&key, &r->key, &kn);
		if (cdp_id_text(&v, &r->text, &p, &n, path, k, kn, err) < 0)
			return -1;
		if (n && add_identity(r, k, kn, p, n, err) < 0)
			return -1;
	}
	return 0;
}

/* "<key>+<value>", as an id stands in distinct_id and login_id when it is no plain login
 * id: of the libraries' own keys, or of one that `identities` has. */
static int add_joined(struct cdp_sensors *r, const char *p, size_t n, bool *joined,
		      struct cdp_err *err)
{
	const char *plus = memchr(p, '+', n), *key = p, *v;
	size_t key_len = plus ? (size_t)(plus - p) : 0, v_len, k = key_len;

	*joined = false;
	if (!key_len)
		return 0;
	if (!begins_with(p, n, "$identity_")) {
		bare_key(&key, &k);
		v = cdp_ids_get(&r->ids, key, k, &v_len);
		if (!v || v_len != n - key_len - 1 || memcmp(v, plus + 1, v_len) != 0)
			return 0;
	}
	*joined = true;
	return add_identity(r, p, key_len, plus + 1, n - key_len - 1, err);
}

/* One of the plain members login_id, anonymous_id, original_id. */
static int add_member(struct cdp_sensors *r, struct cdp_rec *rec, int slot,
		      const char *path, const char *kind, struct cdp_err *err)
{
	const char *p;
	bool joined;
	size_t n;

	if (cdp_id_text(cdp_rec_get(rec, slot), &r->text, &p, &n, path, NULL, 0, err) < 0)
		return -1;
	if (!n)
		return 0;
	if (add_joined(r, p, n, &joined, err) < 0)
		return -1;
	return joined ? 0 : cdp_ids_add(&r->ids, kind, path, strlen(path), p, n, err);
}

static bool is_login(struct cdp_sensors *r, struct cdp_rec *rec)
{
	const char *login;
	size_t n;

	if (cdp_rec_get(rec, r->slots->p_is_login)->type == CDP_TRUE ||
	    strcmp(r->type->name, "track_signup") == 0)
		return true;
	login = cdp_ids_get(&r->ids, r->opts->login_kind, strlen(r->opts->login_kind),
			    &n);
	return login && n == r->distinct_len && memcmp(login, r->distinct, n) == 0;
}

static int add_distinct(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	bool joined;

	if (!r->distinct_len)
		return 0;
	if (add_joined(r, r->distinct, r->distinct_len, &joined, err) < 0)
		return -1;
	/* An unbind names the id to part; whose it was is not part of it, and the
	 * JavaScript library does not say what kind of id that is. */
	if (joined || (r->type->kind == UNBIND && r->ids.n))
		return 0;
	if (is_login(r, rec))
		return cdp_ids_add(&r->ids, r->opts->login_kind, "distinct_id", 11,
				   r->distinct, r->distinct_len, err);
	if (cdp_ids_has_value(&r->ids, r->distinct, r->distinct_len))
		return 0;
	return cdp_ids_add(&r->ids, r->opts->distinct_kind, "distinct_id", 11,
			   r->distinct, r->distinct_len, err);
}

/* --- plain ones --- */

static bool is_plain(const char *p)
{
	for (; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
			return false;
	return true;
}

static void know_kinds(struct cdp_sensors *r)
{
	r->login_kind = r->opts->login_kind;
	r->distinct_kind = r->opts->distinct_kind;
	r->login_kind_len = strlen(r->login_kind);
	r->distinct_kind_len = strlen(r->distinct_kind);
	r->plain_kinds = r->login_kind_len && r->distinct_kind_len &&
			 is_plain(r->login_kind) && is_plain(r->distinct_kind);
}

static inline bool same(const char *a, size_t n, const char *b, size_t m)
{
	return n == m && *a == *b && memcmp(a, b, n) == 0;
}

static struct sensors_id *plain_find(struct cdp_sensors *r, const char *kind, size_t n)
{
	for (unsigned i = 0; i < r->plain_n; i++)
		if (same(r->plain[i].kind, r->plain[i].kind_len, kind, n))
			return &r->plain[i];
	return NULL;
}

/* As cdp_ids_put() and cdp_ids_add(). */
static void plain_put(struct cdp_sensors *r, const char *kind, size_t kind_len,
		      const char *p, size_t n)
{
	struct sensors_id *id = plain_find(r, kind, kind_len);

	if (!id)
		id = &r->plain[r->plain_n++];
	*id = (struct sensors_id){ kind, p, kind_len, n };
}

static void plain_add(struct cdp_sensors *r, const char *kind, size_t kind_len,
		      const char *other, size_t other_len, const char *p, size_t n)
{
	const struct sensors_id *id = plain_find(r, kind, kind_len);

	if (!id || same(id->value, id->value_len, p, n))
		plain_put(r, kind, kind_len, p, n);
	else
		plain_put(r, other, other_len, p, n);
}

static bool plain_identities(struct cdp_sensors *r, const struct cdp_rec *rec,
			     const struct cdp_val *object)
{
	struct cdp_plain_id id[CDP_PLAIN_MAX];
	unsigned n;

	if (object->type == CDP_MISSING)
		return true;
	if (!cdp_ids_plain(rec, object, id, &n))
		return false;
	for (unsigned i = 0; i < n; i++) {
		const char *key = id[i].kind;
		size_t len = (size_t)(id[i].kind_end - key);
		size_t value_len = (size_t)(id[i].value_end - id[i].value);
		const char *kind = known_kind(r->opts, key, len);

		bare_key(&key, &len);
		if (kind)
			plain_add(r, kind, strlen(kind), key, len, id[i].value,
				  value_len);
		else
			plain_put(r, key, len, id[i].value, value_len);
	}
	return true;
}

/* A text that is no more than an id: what is joined has a plus, and so has one that a
 * spreadsheet spoilt. */
static bool is_simple(const char *p, size_t n)
{
	return n && !memchr(p, '+', n);
}

static bool plain_member(struct cdp_sensors *r, const struct cdp_val *v, const char *name,
			 size_t name_len, const char *kind, size_t kind_len)
{
	if (v->type == CDP_MISSING)
		return true;
	if (v->type != CDP_STRING || v->escaped || !is_simple(v->p, v->n))
		return false;
	plain_add(r, kind, kind_len, name, name_len, v->p, v->n);
	return true;
}

static bool plain_has_value(const struct cdp_sensors *r, const char *p, size_t n)
{
	for (unsigned i = 0; i < r->plain_n; i++)
		if (same(r->plain[i].value, r->plain[i].value_len, p, n))
			return true;
	return false;
}

static bool plain_distinct(struct cdp_sensors *r, const struct cdp_rec *rec)
{
	const char *p = r->distinct;
	size_t n = r->distinct_len;
	const struct sensors_id *login;

	if (!n)
		return true;
	/* Elsewhere it had escapes. */
	if (p < rec->raw || p >= rec->raw + rec->len || !is_simple(p, n))
		return false;
	login = plain_find(r, r->login_kind, r->login_kind_len);
	if (rec->slots[r->slots->p_is_login].type == CDP_TRUE ||
	    (login && same(login->value, login->value_len, p, n)))
		plain_add(r, r->login_kind, r->login_kind_len, "distinct_id", 11, p, n);
	else if (!plain_has_value(r, p, n))
		plain_add(r, r->distinct_kind, r->distinct_kind_len, "distinct_id", 11, p,
			  n);
	return true;
}

/* Most records have ids that need neither decoding nor escapes, so they are only pointed
 * at.  False says nothing of the record. */
static bool read_plain(struct cdp_sensors *r, const struct cdp_rec *rec)
{
	const struct cdp_sensors_slots *s = r->slots;
	const struct cdp_val *v = rec->slots;

	r->plain_n = 0;
	if (r->login_kind != r->opts->login_kind ||
	    r->distinct_kind != r->opts->distinct_kind)
		know_kinds(r);
	if (!r->plain_kinds || !rec->compact ||
	    (r->type->kind != EVENT && r->type->kind != PROFILE) ||
	    strcmp(r->type->name, "track_signup") == 0 ||
	    v[s->p_identities].type != CDP_MISSING)
		return false;
	return plain_identities(r, rec, &v[s->identities]) &&
	       plain_member(r, &v[s->login_id], "login_id", 8, r->login_kind,
			    r->login_kind_len) &&
	       plain_member(r, &v[s->anonymous_id], "anonymous_id", 12, "anonymous", 9) &&
	       plain_distinct(r, rec) &&
	       plain_member(r, &v[s->original_id], "original_id", 11, "anonymous", 9) &&
	       r->plain_n;
}

static inline char *put_text(char *w, const char *p, size_t n, char after)
{
	*w++ = '"';
	memcpy(w, p, n);
	w[n] = '"';
	w[n + 1] = after;
	return w + n + 2;
}

static void write_plain(struct cdp_sensors *r, struct cdp_buf *out)
{
	static const char open[] = ",\"ids\":{";
	size_t n = sizeof(open);
	char *w;

	for (unsigned i = 0; i < r->plain_n; i++)
		n += r->plain[i].kind_len + r->plain[i].value_len + 6;
	if (cdp_buf_reserve(out, n) < 0)
		return;
	w = out->p + out->n;
	memcpy(w, open, sizeof(open) - 1);
	w += sizeof(open) - 1;
	for (unsigned i = 0; i < r->plain_n; i++) {
		const struct sensors_id *id = &r->plain[i];

		w = put_text(w, id->kind, id->kind_len, ':');
		w = put_text(w, id->value, id->value_len, ',');
	}
	w[-1] = '}';
	out->n = (size_t)(w - out->p);
}

void sensors_write_ids(struct cdp_sensors *r, struct cdp_buf *out)
{
	if (r->plain_n) {
		write_plain(r, out);
	} else if (r->ids.n) {
		cdp_buf_adds(out, ",\"ids\":");
		cdp_ids_write(&r->ids, out);
	}
}

int sensors_read_ids(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_sensors_slots *s = r->slots;
	unsigned least = r->type->kind == BIND ? 2 : 1;

	if (read_plain(r, rec))
		return 0;
	r->plain_n = 0;
	cdp_ids_reset(&r->ids);
	if (r->type->kind == ENTITY)
		return 0;
	if (add_identities(r, rec, cdp_rec_get(rec, s->identities), "identities", err) <
		    0 ||
	    add_identities(r, rec, cdp_rec_get(rec, s->p_identities),
			   "properties.identities", err) < 0 ||
	    add_member(r, rec, s->login_id, "login_id", r->opts->login_kind, err) < 0 ||
	    add_member(r, rec, s->anonymous_id, "anonymous_id", "anonymous", err) < 0 ||
	    add_distinct(r, rec, err) < 0 ||
	    add_member(r, rec, s->original_id, "original_id", "anonymous", err) < 0)
		return -1;
	if (r->ids.n >= least)
		return 0;
	return cdp_canon_bad(err, "distinct_id",
			     least == 1 ? "no usable id"
					: "a bind of fewer than two ids");
}
