#include "model/identity_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/out.h"
#include "lang/regex.h"
#include "record/tree.h"

enum { SHARED_DEGREE = 1000 };

struct cdp_idblock {
	struct cdp_regex **v;
	size_t n;
};

static void block_free(struct cdp_idblock *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		cdp_regex_free(b->v[i]);
	free(b->v);
	free(b);
}

static bool block_match(const struct cdp_idblock *b, struct cdp_regex_work *work,
			const char *value, size_t n)
{
	struct cdp_err ignored;

	/* A match that passed its limits blocks too: linking is what must be sure. */
	for (size_t i = 0; b && i < b->n; i++)
		if (cdp_regex_match(b->v[i], work, value, n, &ignored) != 0)
			return true;
	return false;
}

static int block_add(struct cdp_idblock *b, const json_t *item, const char *where,
		     size_t i, struct cdp_err *err)
{
	if (!json_is_string(item))
		return cdp_err_set(err, CDP_ERR_USAGE, "%sblock[%zu]: expected a string",
				   where, i);
	b->v[b->n] =
		cdp_regex_new(json_string_value(item), json_string_length(item), err);
	if (!b->v[b->n]) {
		cdp_err_prefix(err, "%sblock[%zu]", where, i);
		return -1;
	}
	b->n++;
	return 0;
}

static struct cdp_idblock *block_load(const json_t *obj, const char *where,
				      struct cdp_err *err)
{
	const json_t *list = json_object_get(obj, "block");
	struct cdp_idblock *b;
	size_t i;
	json_t *item;

	if (list && !json_is_array(list)) {
		cdp_err_set(err, CDP_ERR_USAGE, "%sblock: expected an array", where);
		return NULL;
	}
	b = cdp_calloc(1, sizeof(*b));
	b->v = cdp_calloc(json_array_size(list) + 1, sizeof(*b->v));
	json_array_foreach((json_t *)list, i, item)
	{
		if (block_add(b, item, where, i, err) == 0)
			continue;
		block_free(b);
		return NULL;
	}
	return b;
}

/* --- one kind --- */

static int load_norm(struct cdp_idkind *k, const json_t *obj, const char *where,
		     struct cdp_err *err)
{
	const char *text = NULL, *near;
	size_t count = 0;

	k->norm = CDP_IDNORM_TEXT;
	if (cdp_tree_str(obj, "normalise", &text, false, where, err) < 0)
		return -1;
	if (!text)
		return 0;
	for (; cdp_idnorm_names[count]; count++) {
		if (strcmp(cdp_idnorm_names[count], text) == 0) {
			k->norm = (enum cdp_idnorm)count;
			return 0;
		}
	}
	near = cdp_text_suggest(text, strlen(text), cdp_idnorm_names, count);
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "%s.normalise: unknown form '%s'%s%s%s (there are none, text, "
			   "lower, email, phone and idcard)",
			   where, text, near ? "; did you mean '" : "", near ? near : "",
			   near ? "'" : "");
}

static int load_flags(struct cdp_idkind *k, const json_t *obj, const char *where,
		      struct cdp_err *err)
{
	if (cdp_tree_bool(obj, "unique", &k->unique, false, where, err) < 0 ||
	    cdp_tree_bool(obj, "shared", &k->shared, false, where, err) < 0 ||
	    cdp_tree_bool(obj, "off", &k->off, false, where, err) < 0 ||
	    cdp_tree_int(obj, "priority", &k->priority, false, where, err) < 0)
		return -1;
	if (k->unique && k->shared)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: a kind cannot be unique and shared", where);
	if (k->priority < 1)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.priority: 1 is the strongest, not %lld", where,
				   (long long)k->priority);
	return 0;
}

static int load_number(const json_t *obj, const char *key, uint16_t *to, int64_t least,
		       const char *where, struct cdp_err *err)
{
	int64_t v = *to;

	if (cdp_tree_int(obj, key, &v, false, where, err) < 0)
		return -1;
	if (json_object_get(obj, key) && (v < least || v >= UINT16_MAX))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.%s: expected %lld to %d, not %lld", where, key,
				   (long long)least, UINT16_MAX - 1, (long long)v);
	*to = (uint16_t)v;
	return 0;
}

static int load_limits(struct cdp_idkinds *all, struct cdp_idkind *k, const json_t *obj,
		       const char *where, struct cdp_err *err)
{
	static const char *const names[] = { "new", "old", "all" };
	const char *over = "new";
	unsigned i = 0;

	k->degree = k->shared ? SHARED_DEGREE : 0;
	if (load_number(obj, "max", &k->max, 1, where, err) < 0 ||
	    load_number(obj, "degree", &k->degree, 0, where, err) < 0 ||
	    cdp_tree_str(obj, "over", &over, false, where, err) < 0)
		return -1;
	while (i < 3 && strcmp(over, names[i]) != 0)
		i++;
	if (i == 3)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.over: expected 'new', 'old' or 'all', not '%s'",
				   where, over);
	k->over = (enum cdp_over)i;
	all->old |= k->over == CDP_OVER_OLD;
	if (json_object_get(obj, "over") && !k->max)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.over: there is no max", where);
	if (k->over != CDP_OVER_NEW && !k->shared)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"%s.over: a kind that is not shared leaves out new values",
			where);
	if (k->max && k->unique)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.max: of a unique kind a person has one value",
				   where);
	return 0;
}

static int load_kind(struct cdp_idkinds *all, const json_t *obj, struct cdp_err *err)
{
	static const char *const known[] = { "name",   "priority",  "unique", "shared",
					     "off",    "normalise", "block",  "title",
					     "parent", "max",       "over",   "degree",
					     NULL };
	struct cdp_idkind *k = &all->v[all->n];
	const char *name = NULL, *title = NULL;
	char where[32];

	snprintf(where, sizeof(where), "kinds[%u]", all->n);
	if (cdp_tree_known(obj, known, where, err) < 0 ||
	    cdp_tree_str(obj, "name", &name, true, where, err) < 0 ||
	    cdp_tree_str(obj, "title", &title, false, where, err) < 0)
		return -1;
	if (!*name || strlen(name) > CDP_IDKIND_NAME_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.name: a kind has 1 to %d bytes", where,
				   CDP_IDKIND_NAME_MAX);
	if (cdp_idkinds_find(all, name, strlen(name)))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.name: '%s' occurs twice",
				   where, name);
	k->priority = all->n + 1;
	if (load_flags(k, obj, where, err) < 0 || load_norm(k, obj, where, err) < 0 ||
	    load_limits(all, k, obj, where, err) < 0)
		return -1;
	snprintf(where, sizeof(where), "kinds[%u].", all->n);
	k->block = block_load(obj, where, err);
	if (!k->block)
		return -1;
	k->name = cdp_strdup(name);
	k->len = strlen(name);
	all->n++;
	return 0;
}

/* --- all of them --- */

static bool stronger(const struct cdp_idkind *a, const struct cdp_idkind *b)
{
	if (a->off != b->off)
		return b->off;
	if (a->shared != b->shared)
		return b->shared;
	return a->priority != b->priority ? a->priority < b->priority : a < b;
}

static int rank_kinds(struct cdp_idkinds *all, struct cdp_err *err)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < all->n; i++) {
		struct cdp_idkind *k = &all->v[i];

		for (unsigned j = 0; j < all->n; j++)
			k->rank += j != i && stronger(&all->v[j], k);
		if (!k->unique)
			continue;
		if (bits == CDP_IDKINDS_UNIQUE_MAX)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "kinds[%u]: more than %d unique kinds", i,
					   CDP_IDKINDS_UNIQUE_MAX);
		k->bit = (uint16_t)(1u << bits++);
	}
	return 0;
}

static int load_parent(struct cdp_idkinds *all, unsigned i, const json_t *obj,
		       struct cdp_err *err)
{
	const struct cdp_idkind *k;
	const char *name = NULL;
	char where[32];
	unsigned depth = 0;

	snprintf(where, sizeof(where), "kinds[%u]", i);
	if (cdp_tree_str(obj, "parent", &name, false, where, err) < 0)
		return -1;
	if (!name)
		return 0;
	k = cdp_idkinds_find(all, name, strlen(name));
	if (!k)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.parent: no kind '%s'", where,
				   name);
	all->v[i].parent = k;
	all->parents++;
	while (k && k != &all->v[i] && depth++ <= all->n)
		k = k->parent;
	return k ? cdp_err_set(err, CDP_ERR_USAGE, "%s.parent: '%s' descends from itself",
			       where, name)
		 : 0;
}

/* --- sources --- */

static int load_source(struct cdp_idkinds *all, const json_t *obj, struct cdp_err *err)
{
	static const char *const known[] = { "name", "link", NULL };
	struct cdp_idsource *s = &all->sources[all->nsources];
	const char *name = NULL;
	char where[32];

	snprintf(where, sizeof(where), "sources[%u]", all->nsources);
	s->link = true;
	if (cdp_tree_known(obj, known, where, err) < 0 ||
	    cdp_tree_str(obj, "name", &name, true, where, err) < 0 ||
	    cdp_tree_bool(obj, "link", &s->link, true, where, err) < 0)
		return -1;
	s->len = strlen(name);
	s->prefix = s->len && name[s->len - 1] == '*';
	s->len -= s->prefix;
	s->name = cdp_strdup(name);
	all->nsources++;
	return 0;
}

static int load_sources(struct cdp_idkinds *all, const json_t *tree, struct cdp_err *err)
{
	const json_t *list = json_object_get(tree, "sources");
	size_t i;
	json_t *item;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return cdp_err_set(err, CDP_ERR_USAGE, "sources: expected an array");
	all->sources = cdp_calloc(json_array_size(list) + 1, sizeof(*all->sources));
	json_array_foreach((json_t *)list, i, item)
	{
		if (load_source(all, item, err) < 0)
			return -1;
	}
	return 0;
}

bool cdp_idkinds_may_link(const struct cdp_idkinds *k, const char *source, size_t n)
{
	for (unsigned i = 0; i < k->nsources; i++) {
		const struct cdp_idsource *s = &k->sources[i];

		if ((s->prefix ? n >= s->len : n == s->len) &&
		    memcmp(s->name, source, s->len) == 0)
			return s->link;
	}
	return true;
}

static int load_undeclared(struct cdp_idkinds *all, const json_t *tree,
			   struct cdp_err *err)
{
	const char *text = NULL;

	if (cdp_tree_str(tree, "undeclared", &text, false, "", err) < 0)
		return -1;
	all->alone = text && strcmp(text, "alone") == 0;
	if (text && !all->alone && strcmp(text, "carry") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "undeclared: expected 'carry' or 'alone', not '%s'",
				   text);
	return 0;
}

static int load_all(struct cdp_idkinds *all, const json_t *tree, struct cdp_err *err)
{
	static const char *const known[] = { "kinds",   "undeclared", "block", "junk",
					     "version", "sources",    NULL };
	const json_t *list = json_object_get(tree, "kinds");
	size_t i;
	json_t *item;

	if (cdp_tree_known(tree, known, "", err) < 0 ||
	    cdp_tree_bool(tree, "junk", &all->junk, false, "", err) < 0 ||
	    load_undeclared(all, tree, err) < 0)
		return -1;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "kinds: expected an array of at least one kind");
	if (json_array_size(list) > CDP_IDKINDS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "kinds: more than %d",
				   CDP_IDKINDS_MAX);
	all->v = cdp_calloc(json_array_size(list), sizeof(*all->v));
	json_array_foreach((json_t *)list, i, item)
	{
		if (load_kind(all, item, err) < 0)
			return -1;
	}
	json_array_foreach((json_t *)list, i, item)
	{
		if (load_parent(all, (unsigned)i, item, err) < 0)
			return -1;
	}
	all->block = block_load(tree, "", err);
	if (!all->block || load_sources(all, tree, err) < 0)
		return -1;
	return rank_kinds(all, err);
}

struct cdp_idkinds *cdp_idkinds_parse(const char *text, size_t n, const char *name,
				      struct cdp_err *err)
{
	json_t *tree = cdp_tree_parse(text, n, name, err);
	struct cdp_idkinds *all;

	if (!tree)
		return NULL;
	all = cdp_calloc(1, sizeof(*all));
	all->junk = true;
	all->work = cdp_regex_work_new();
	all->print = cdp_hash_stable(text, n, 0);
	if (load_all(all, tree, err) < 0) {
		cdp_err_prefix(err, "%s", name);
		cdp_idkinds_free(all);
		all = NULL;
	}
	json_decref(tree);
	return all;
}

struct cdp_idkinds *cdp_idkinds_load(const char *path, struct cdp_err *err)
{
	struct cdp_idkinds *k;
	size_t n;
	char *text = cdp_file_read(path, (size_t)1 << 20, &n, err);

	if (!text)
		return NULL;
	k = cdp_idkinds_parse(text, n, path, err);
	free(text);
	return k;
}

struct cdp_idkinds *cdp_idkinds_default(void)
{
	static const char text[] =
		"{\"kinds\":["
		"{\"name\":\"customer\",\"unique\":true},"
		"{\"name\":\"idcard\",\"unique\":true,\"normalise\":\"idcard\"},"
		"{\"name\":\"login\"},"
		"{\"name\":\"phone\",\"shared\":true,\"normalise\":\"phone\"},"
		"{\"name\":\"email\",\"shared\":true,\"normalise\":\"email\"},"
		"{\"name\":\"unionid\",\"shared\":true},"
		"{\"name\":\"openid\",\"shared\":true},"
		"{\"name\":\"device\",\"shared\":true},"
		"{\"name\":\"cookie\",\"shared\":true},"
		"{\"name\":\"anonymous\",\"shared\":true},"
		"{\"name\":\"ip\",\"off\":true}"
		"],\"undeclared\":\"alone\"}";
	struct cdp_err err;
	struct cdp_idkinds *k =
		cdp_idkinds_parse(text, sizeof(text) - 1, "built-in kinds", &err);

	if (!k)
		CDP_BUG("%s", err.msg);
	return k;
}

void cdp_idkinds_free(struct cdp_idkinds *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < k->n; i++) {
		free(k->v[i].name);
		block_free(k->v[i].block);
	}
	block_free(k->block);
	for (unsigned i = 0; i < k->nsources; i++)
		free(k->sources[i].name);
	free(k->sources);
	cdp_regex_work_free(k->work);
	free(k->v);
	free(k);
}

const struct cdp_idkind *cdp_idkinds_find(const struct cdp_idkinds *k, const char *name,
					  size_t n)
{
	for (unsigned i = 0; i < k->n; i++)
		if (k->v[i].len == n && memcmp(k->v[i].name, name, n) == 0)
			return &k->v[i];
	return NULL;
}

bool cdp_idkinds_blocks(const struct cdp_idkinds *k, const struct cdp_idkind *kind)
{
	return (k->block && k->block->n) || (kind && kind->block && kind->block->n);
}

bool cdp_idkinds_blocked(const struct cdp_idkinds *k, const struct cdp_idkind *kind,
			 const char *value, size_t n)
{
	return (k->junk && cdp_id_is_junk(value, n)) ||
	       block_match(k->block, k->work, value, n) ||
	       (kind && block_match(kind->block, k->work, value, n));
}
