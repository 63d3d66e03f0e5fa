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
	if (rec->compact && cdp_ids_plain(object, plain, &count))
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

int sensors_read_ids(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_sensors_slots *s = r->slots;
	unsigned least = r->type->kind == BIND ? 2 : 1;

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
