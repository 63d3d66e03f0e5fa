#include "record/tree.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/out.h"
#include "record/scan.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 << 20)

/* "NAME: LINE:COLUMN: " before the message, from a byte offset. */
static void place(struct cdp_err *err, const char *name, const char *text, size_t at)
{
	const char *line = text, *end = text + at, *lf;
	size_t lines = 1;

	while ((lf = memchr(line, '\n', (size_t)(end - line)))) {
		line = lf + 1;
		lines++;
	}
	err->kind = CDP_ERR_USAGE;
	err->column = (size_t)(end - line) + 1;
	cdp_err_prefix(err, "%s: %zu:%zu", name, lines, err->column);
}

json_t *cdp_tree_parse(const char *text, size_t n, const char *name, struct cdp_err *err)
{
	json_error_t why;
	json_t *tree;

	/* Ours first: its reasons name what stands there, with the path. */
	if (cdp_json_check(text, n, err) < 0) {
		place(err, name, text, err->column - 1);
		return NULL;
	}
	json_set_alloc_funcs(cdp_alloc, free); /* it cannot tell a lack of memory apart */
	tree = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!tree) {
		cdp_err_set(err, CDP_ERR_USAGE, "%s", why.text);
		/* jansson stands behind the token at fault */
		place(err, name, text, why.position > 0 ? (size_t)why.position - 1 : 0);
	}
	return tree;
}

json_t *cdp_tree_load(const char *path, struct cdp_err *err)
{
	size_t n, bom;
	char *text = cdp_file_read(path, FILE_MAX, &n, err);
	json_t *tree;

	if (!text)
		return NULL;
	bom = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	tree = cdp_tree_parse(text + bom, n - bom, path, err);
	free(text);
	return tree;
}

static int member_error(struct cdp_err *err, const char *where, const char *key,
			const char *what)
{
	bool top = !where || !*where;

	return cdp_err_set(err, CDP_ERR_USAGE, "%s%s%s: %s", top ? "" : where,
			   top ? "" : ".", key, what);
}

/* 1 and *v: it is there; 0: it is not and need not be. */
static int member(const json_t *obj, const char *key, bool required, const char *where,
		  struct cdp_err *err, const json_t **v)
{
	*v = json_object_get(obj, key);
	if (*v)
		return 1;
	return required ? member_error(err, where, key, "missing") : 0;
}

int cdp_tree_str(const json_t *obj, const char *key, const char **out, bool required,
		 const char *where, struct cdp_err *err)
{
	const json_t *v;
	int r = member(obj, key, required, where, err, &v);

	if (r <= 0)
		return r;
	if (!json_is_string(v))
		return member_error(err, where, key, "expected a string");
	*out = json_string_value(v);
	return 0;
}

int cdp_tree_int(const json_t *obj, const char *key, int64_t *out, bool required,
		 const char *where, struct cdp_err *err)
{
	const json_t *v;
	int r = member(obj, key, required, where, err, &v);

	if (r <= 0)
		return r;
	if (!json_is_integer(v))
		return member_error(err, where, key, "expected an integer");
	*out = json_integer_value(v);
	return 0;
}

int cdp_tree_bool(const json_t *obj, const char *key, bool *out, bool required,
		  const char *where, struct cdp_err *err)
{
	const json_t *v;
	int r = member(obj, key, required, where, err, &v);

	if (r <= 0)
		return r;
	if (!json_is_boolean(v))
		return member_error(err, where, key, "expected true or false");
	*out = json_is_true(v);
	return 0;
}

int cdp_tree_known(const json_t *obj, const char *const *known, const char *where,
		   struct cdp_err *err)
{
	bool top = !where || !*where;
	const char *key, *near;
	size_t count = 0;
	json_t *v;

	while (known[count])
		count++;
	json_object_foreach((json_t *)obj, key, v)
	{
		size_t i = 0;

		while (i < count && strcmp(key, known[i]) != 0)
			i++;
		if (i < count)
			continue;
		near = cdp_text_suggest(key, strlen(key), known, count);
		return cdp_err_set(err, CDP_ERR_USAGE, "%s%sunknown member '%s'%s%s%s",
				   top ? "" : where, top ? "" : ": ", key,
				   near ? "; did you mean '" : "", near ? near : "",
				   near ? "'?" : "");
	}
	return 0;
}
