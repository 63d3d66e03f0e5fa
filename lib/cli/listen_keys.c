/* Write keys: who may send, where libraries say it before their payload.
 *
 * A key is looked for in the parameters of the query, in the headers that carry one and
 * among the segments of the path.  What a body says is not looked at: libraries that name
 * their key only there are given a path with it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/listen_priv.h"
#include "record/tree.h"

struct key {
	char *project, *text;
};

struct listen_keys {
	struct key *v;
	size_t n, cap;
};

static const char *const params[] = { "token",   "writeKey", "write_key", "api_key",
				      "app_key", "appid",    "ak",        NULL };

/* --- loading --- */

static int add_key(struct listen_keys *k, const char *project, const json_t *key,
		   struct cdp_err *err)
{
	const char *text = json_string_value(key);

	if (!text || !*text)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected keys", project);
	CDP_GROW(k->v, k->n, k->cap);
	k->v[k->n++] = (struct key){ cdp_strdup(project), cdp_strdup(text) };
	return 0;
}

static int add_project(struct listen_keys *k, const char *project, const json_t *keys,
		       struct cdp_err *err)
{
	if (!json_is_array(keys))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an array of keys",
				   project);
	for (size_t i = 0; i < json_array_size(keys); i++)
		if (add_key(k, project, json_array_get(keys, i), err) < 0)
			return -1;
	return 0;
}

struct listen_keys *listen_keys_load(const char *path, struct cdp_err *err)
{
	json_t *tree = cdp_tree_load(path, err);
	struct listen_keys *k;
	const char *project;
	json_t *keys;
	int rc = 0;

	if (!tree)
		return NULL;
	k = cdp_calloc(1, sizeof(*k));
	if (!json_is_object(tree))
		rc = cdp_err_set(err, CDP_ERR_USAGE,
				 "expected an object of projects and their keys");
	json_object_foreach(tree, project, keys)
	{
		if (rc == 0)
			rc = add_project(k, project, keys, err);
	}
	json_decref(tree);
	if (rc == 0)
		return k;
	cdp_err_prefix(err, "%s", path);
	listen_keys_free(k);
	return NULL;
}

void listen_keys_free(struct listen_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		free(k->v[i].project);
		free(k->v[i].text);
	}
	free(k->v);
	free(k);
}

/* --- asking --- */

/* How much of the two differs must not show in the time that it takes. */
static bool same(const char *a, const char *b, size_t n)
{
	unsigned char differ = 0;

	if (strlen(a) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

struct wanted {
	const struct listen_keys *keys;
	const char *project;
	size_t project_n; /* 0: any */
};

static bool is_key(const struct wanted *w, const char *p, size_t n)
{
	bool found = false;

	for (size_t i = 0; n && i < w->keys->n; i++) {
		const struct key *k = &w->keys->v[i];

		if (same(k->text, p, n) &&
		    (!w->project_n || same(k->project, w->project, w->project_n)))
			found = true;
	}
	return found;
}

/* The value of a parameter, as it stands; NULL: none. */
static const char *param(const char *query, const char *name, size_t *n)
{
	size_t len = strlen(name);

	while (*query) {
		size_t piece = strcspn(query, "&");

		if (piece > len && query[len] == '=' && memcmp(query, name, len) == 0) {
			*n = piece - len - 1;
			return query + len + 1;
		}
		query += piece + (query[piece] == '&');
	}
	return NULL;
}

static bool in_query(const struct wanted *w, const char *query)
{
	size_t n;

	for (const char *const *p = params; *p; p++) {
		const char *value = param(query, *p, &n);

		if (value && is_key(w, value, n))
			return true;
	}
	return false;
}

static bool in_path(const struct wanted *w, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (is_key(w, path, n))
			return true;
		path += n + (path[n] == '/');
	}
	return false;
}

/* Basic authentication: the key is the user. */
static bool in_basic(const struct wanted *w, const char *value)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[256];
	size_t n = 0;
	unsigned bits = 0, have = 0;

	for (; *value && n < sizeof(text); value++) {
		const char *d = strchr(digits, *value);

		if (!d)
			break;
		bits = bits << 6 | (unsigned)(d - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[n++] = (char)(bits >> have);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (text[i] == ':')
			n = i;
	return is_key(w, text, n);
}

static bool in_headers(const struct wanted *w, const struct cdp_httpd_request *q)
{
	static const char *const names[] = { "X-Write-Key", "X-Api-Key", "appid", NULL };
	const char *value = cdp_httpd_header(q, "Authorization");

	if (value && strncasecmp(value, "Basic ", 6) == 0 && in_basic(w, value + 6))
		return true;
	if (value && strncasecmp(value, "Bearer ", 7) == 0 &&
	    is_key(w, value + 7, strlen(value + 7)))
		return true;
	for (const char *const *name = names; *name; name++) {
		value = cdp_httpd_header(q, *name);
		if (value && (is_key(w, value, strlen(value)) ||
			      is_key(w, value, strcspn(value, ":"))))
			return true;
	}
	return false;
}

bool listen_keys_fit(const struct listen_keys *k, const struct cdp_httpd_request *q)
{
	struct wanted w = { .keys = k };

	w.project = param(q->query, "project", &w.project_n);
	if (!w.project)
		w.project_n = 0;
	return in_query(&w, q->query) || in_headers(&w, q) || in_path(&w, q->path);
}
