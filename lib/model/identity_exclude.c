/* The file of pairs that never link. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/out.h"
#include "model/identity_kinds.h"
#include "record/tree.h"

enum { FILE_MAX = 64 << 20 };

struct row {
	uint32_t id[2];
	unsigned n;
};

static int add_id(struct cdp_idexclude *x, const struct cdp_idkinds *kinds,
		  struct row *row, const char *kind, const json_t *value,
		  struct cdp_err *err)
{
	const struct cdp_idkind *k = cdp_idkinds_find(kinds, kind, strlen(kind));
	struct cdp_buf norm, key;
	const char *p;
	size_t n;
	bool fine;

	if (!k || k->off)
		return cdp_err_set(err, CDP_ERR_USAGE, "ids: no kind '%s'", kind);
	if (!json_is_string(value))
		return cdp_err_set(err, CDP_ERR_USAGE, "ids.%s: expected a string", kind);
	if (row->n == 2)
		return cdp_err_set(err, CDP_ERR_USAGE, "ids: expected two");
	cdp_buf_init(&norm, CDP_BUF_NOMAX);
	cdp_buf_init(&key, CDP_BUF_NOMAX);
	fine = cdp_idnorm(k->norm, json_string_value(value), json_string_length(value),
			  &norm, &p, &n);
	if (fine) {
		cdp_buf_add(&key, k->name, k->len);
		cdp_buf_addc(&key, '\0');
		cdp_buf_add(&key, p, n);
		row->id[row->n++] = cdp_intern_put(x->keys, key.p, key.n, NULL);
	}
	cdp_buf_release(&norm);
	cdp_buf_release(&key);
	return fine ? 0
		    : cdp_err_set(err, CDP_ERR_USAGE, "ids.%s: '%s' has no normal form",
				  kind, json_string_value(value));
}

static int add_ids(struct cdp_idexclude *x, const struct cdp_idkinds *kinds,
		   const json_t *ids, struct cdp_err *err)
{
	struct row row = { .n = 0 };
	const char *kind;
	json_t *value, *item;
	size_t i;

	json_object_foreach((json_t *)ids, kind, value)
	{
		if (!json_is_array(value)) {
			if (add_id(x, kinds, &row, kind, value, err) < 0)
				return -1;
			continue;
		}
		json_array_foreach(value, i, item)
		{
			if (add_id(x, kinds, &row, kind, item, err) < 0)
				return -1;
		}
	}
	if (row.n != 2 || row.id[0] == row.id[1])
		return cdp_err_set(err, CDP_ERR_USAGE, "ids: expected two");
	CDP_GROW(x->v, x->n, x->cap);
	x->v[x->n++] = (struct cdp_idpair){ row.id[0], row.id[1] };
	return 0;
}

static int add_line(struct cdp_idexclude *x, const struct cdp_idkinds *kinds,
		    const char *line, size_t n, const char *name, struct cdp_err *err)
{
	json_t *tree = cdp_tree_parse(line, n, name, err);
	const json_t *ids = json_object_get(tree, "ids");
	int rc;

	if (!tree)
		return -1;
	rc = json_is_object(ids) ? add_ids(x, kinds, ids, err)
				 : cdp_err_set(err, CDP_ERR_USAGE, "expected \"ids\"");
	json_decref(tree);
	if (rc < 0)
		cdp_err_prefix(err, "%s", name);
	return rc;
}

struct cdp_idexclude *
cdp_idexclude_load(const char *path, const struct cdp_idkinds *kinds, struct cdp_err *err)
{
	struct cdp_idexclude *x;
	unsigned number = 0;
	size_t n;
	char *text = cdp_file_read(path, FILE_MAX, &n, err);

	if (!text)
		return NULL;
	x = cdp_calloc(1, sizeof(*x));
	x->keys = cdp_intern_new(0);
	x->print = cdp_hash_stable(text, n, 1);
	for (size_t at = 0, end; at < n; at = end + 1) {
		char *name;
		int rc = 0;

		end = at;
		while (end < n && text[end] != '\n')
			end++;
		number++;
		if (strspn(text + at, " \t\r") >= end - at)
			continue;
		name = cdp_asprintf("%s:%u", path, number);
		rc = add_line(x, kinds, text + at, end - at, name, err);
		free(name);
		if (rc == 0)
			continue;
		cdp_idexclude_free(x);
		x = NULL;
		break;
	}
	free(text);
	return x;
}

void cdp_idexclude_free(struct cdp_idexclude *x)
{
	if (!x)
		return;
	cdp_intern_free(x->keys);
	free(x->v);
	free(x);
}
