/* Write keys: who may send, where libraries say it before their payload.
 *
 * A key is looked for in the parameters of the query, in the headers that carry one and
 * among the segments of the path.  What a body says is not looked at: libraries that name
 * their key only there are given a path with it. */
#include <string.h>

#include "cli/listen_priv.h"
#include "format/projects.h"

static const char *const params[] = { "token",   "writeKey", "write_key", "api_key",
				      "app_key", "appid",    "ak",        NULL };

struct wanted {
	const struct cdp_projects *projects;
	const char *project; /* NULL: any */
	size_t project_n;
};

static bool is_key(const struct wanted *w, const char *p, size_t n)
{
	const char *project = cdp_projects_of(w->projects, p, n);

	return project &&
	       (!w->project || (strlen(project) == w->project_n &&
				memcmp(project, w->project, w->project_n) == 0));
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

bool listen_keys_fit(const struct cdp_projects *p, const struct cdp_httpd_request *q)
{
	struct wanted w = { .projects = p };

	w.project = param(q->query, "project", &w.project_n);
	if (!w.project_n)
		w.project = NULL;
	return in_query(&w, q->query) || in_headers(&w, q) || in_path(&w, q->path);
}
