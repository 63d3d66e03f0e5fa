#include "record/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/json.h"

struct node {
	char *key;
	bool whole; /* the member with all that is in it */
	int slot;   /* of a whole one, if slots were wanted */
	struct node *kids;
	size_t nkids, cap;
};

struct cdp_fields {
	struct node root;
};

static struct node *kid_of(struct node *n, const char *key)
{
	for (size_t i = 0; i < n->nkids; i++)
		if (strcmp(n->kids[i].key, key) == 0)
			return &n->kids[i];
	CDP_GROW(n->kids, n->nkids, n->cap);
	n->kids[n->nkids] = (struct node){ .key = cdp_strdup(key), .slot = -1 };
	return &n->kids[n->nkids++];
}

/* Length of the path at the start of a list: up to a comma that is not in quotes. */
static size_t path_length(const char *list)
{
	size_t i = 0;

	for (bool quoted = false; list[i] && (quoted || list[i] != ','); i++) {
		if (list[i] == '"')
			quoted = !quoted;
		if (list[i] == '\\' && list[i + 1])
			i++;
	}
	return i;
}

static int add_path(struct cdp_fields *f, const char *text, size_t n,
		    struct cdp_paths *paths, struct cdp_err *err)
{
	struct node *at = &f->root;
	struct cdp_path path;
	int slot = -1;

	if (cdp_path_parse(&path, text, n, err) < 0)
		return -1;
	if (paths)
		slot = cdp_paths_add(paths, text, n, err);
	for (size_t i = 0; i < path.count; i++)
		at = kid_of(at, path.keys[i]);
	at->whole = true;
	at->slot = slot;
	cdp_path_release(&path);
	return 0;
}

struct cdp_fields *cdp_fields_new(const char *list, struct cdp_paths *paths,
				  struct cdp_err *err)
{
	struct cdp_fields *f = cdp_calloc(1, sizeof(*f));

	for (const char *p = list;; p++) {
		size_t n = path_length(p);

		if (add_path(f, p, n, paths, err) < 0) {
			if (err->column)
				err->column += (size_t)(p - list);
			cdp_fields_free(f);
			return NULL;
		}
		p += n;
		if (!*p)
			return f;
	}
}

static void node_release(struct node *n)
{
	for (size_t i = 0; i < n->nkids; i++)
		node_release(&n->kids[i]);
	free(n->kids);
	free(n->key);
}

void cdp_fields_free(struct cdp_fields *f)
{
	if (!f)
		return;
	node_release(&f->root);
	free(f);
}

/* True if anything was there. */
static bool keep(const struct node *n, struct cdp_buf *out, struct cdp_rec *rec)
{
	bool any = false;

	for (size_t i = 0; i < n->nkids; i++) {
		const struct node *kid = &n->kids[i];
		size_t mark = out->n;

		if (kid->whole) {
			const struct cdp_val *v = cdp_rec_get(rec, kid->slot);

			if (v->type == CDP_MISSING)
				continue;
			cdp_json_key(out, kid->key);
			cdp_json_val(out, v);
			any = true;
			continue;
		}
		cdp_json_key(out, kid->key);
		cdp_buf_addc(out, '{');
		if (keep(kid, out, rec)) {
			cdp_buf_addc(out, '}');
			any = true;
		} else {
			out->n = mark;
		}
	}
	return any;
}

void cdp_fields_keep(const struct cdp_fields *f, struct cdp_buf *out, struct cdp_rec *rec)
{
	cdp_buf_addc(out, '{');
	keep(&f->root, out, rec);
	cdp_buf_addc(out, '}');
}

static const struct node *find(const struct node *n, const struct cdp_val *key)
{
	for (size_t i = 0; i < n->nkids; i++)
		if (cdp_val_is(key, n->kids[i].key, strlen(n->kids[i].key)))
			return &n->kids[i];
	return NULL;
}

static bool omit(const struct node *n, struct cdp_buf *out, const struct cdp_val *object)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, val;
	bool changed = false, first = true;

	cdp_buf_addc(out, '{');
	while (cdp_val_member(object, &it, &key, &val)) {
		const struct node *kid = find(n, &key);

		if (kid && kid->whole) {
			changed = true;
			continue;
		}
		if (!first)
			cdp_buf_addc(out, ',');
		first = false;
		cdp_json_val(out, &key);
		cdp_buf_addc(out, ':');
		if (kid && val.type == CDP_OBJECT)
			changed |= omit(kid, out, &val);
		else
			cdp_json_val(out, &val);
	}
	cdp_buf_addc(out, '}');
	return changed;
}

bool cdp_fields_omit(const struct cdp_fields *f, struct cdp_buf *out, const char *raw,
		     size_t len)
{
	struct cdp_val object;

	cdp_val_at(&object, raw, len);
	return omit(&f->root, out, &object);
}

/* The last member of that name: of duplicates it counts. */
static void last_member(const struct cdp_val *object, const char *name,
			struct cdp_val *found)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, val;

	*found = (struct cdp_val){ .type = CDP_MISSING };
	while (cdp_val_member(object, &it, &key, &val))
		if (cdp_val_is(&key, name, strlen(name)))
			*found = val;
}

static int set_at(struct cdp_buf *out, const char *raw, size_t len,
		  const struct cdp_path *path, size_t depth, const char *value, size_t n,
		  struct cdp_err *err)
{
	const char *key = path->keys[depth];
	struct cdp_val object, member;
	struct cdp_buf inner;
	int rc;

	if (depth + 1 == path->count) {
		cdp_rec_splice(out, raw, len, key, value, n, false);
		return 0;
	}
	cdp_val_at(&object, raw, len);
	last_member(&object, key, &member);
	if (member.type == CDP_MISSING)
		member = (struct cdp_val){ .type = CDP_OBJECT, .p = "{}", .n = 2 };
	if (member.type != CDP_OBJECT) {
		cdp_err_set(err, CDP_ERR_DATA, "expected an object");
		snprintf(err->path, sizeof(err->path), "%s", key);
		return -1;
	}
	cdp_buf_init(&inner, CDP_BUF_NOMAX);
	rc = set_at(&inner, member.p, member.n, path, depth + 1, value, n, err);
	if (rc == 0)
		cdp_rec_splice(out, raw, len, key, inner.p, inner.n, false);
	cdp_buf_release(&inner);
	return rc;
}

int cdp_rec_set(struct cdp_buf *out, const char *raw, size_t len,
		const struct cdp_path *path, const char *value, size_t n,
		struct cdp_err *err)
{
	return set_at(out, raw, len, path, 0, value, n, err);
}
