#include "format/projects.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/tree.h"

struct key {
	char *project, *text;
};

struct cdp_projects {
	struct key *v;
	size_t n, cap;
};

static bool same(const char *a, const char *b, size_t n)
{
	unsigned char differ = 0;

	if (strlen(a) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

const char *cdp_projects_of(const struct cdp_projects *p, const char *key, size_t n)
{
	const char *project = NULL;

	for (size_t i = 0; n && i < p->n; i++)
		if (same(p->v[i].text, key, n))
			project = p->v[i].project;
	return project;
}

/* --- loading --- */

static int add_key(struct cdp_projects *p, const char *project, const json_t *key,
		   struct cdp_err *err)
{
	const char *text = json_string_value(key);
	const char *other;

	if (!text || !*text)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected keys", project);
	other = cdp_projects_of(p, text, strlen(text));
	if (other && strcmp(other, project) != 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: a key that is also of '%s'",
				   project, other);
	CDP_GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct key){ cdp_strdup(project), cdp_strdup(text) };
	return 0;
}

static int add_project(struct cdp_projects *p, const char *project, const json_t *keys,
		       struct cdp_err *err)
{
	if (!json_is_array(keys))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an array of keys",
				   project);
	for (size_t i = 0; i < json_array_size(keys); i++)
		if (add_key(p, project, json_array_get(keys, i), err) < 0)
			return -1;
	return 0;
}

struct cdp_projects *cdp_projects_load(const char *path, struct cdp_err *err)
{
	json_t *tree = cdp_tree_load(path, err);
	struct cdp_projects *p;
	const char *project;
	json_t *keys;
	int rc = 0;

	if (!tree)
		return NULL;
	p = cdp_calloc(1, sizeof(*p));
	if (!json_is_object(tree))
		rc = cdp_err_set(err, CDP_ERR_USAGE,
				 "expected an object of projects and their keys");
	json_object_foreach(tree, project, keys)
	{
		if (rc == 0)
			rc = add_project(p, project, keys, err);
	}
	json_decref(tree);
	if (rc == 0)
		return p;
	cdp_err_prefix(err, "%s", path);
	cdp_projects_free(p);
	return NULL;
}

void cdp_projects_free(struct cdp_projects *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].project);
		free(p->v[i].text);
	}
	free(p->v);
	free(p);
}
