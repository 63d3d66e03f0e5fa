#include "cli/segment_list.h"

#include <stdlib.h>
#include <string.h>

#include "record/tree.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters of ASCII alike in both cases. */
static bool contains(const char *p, size_t n, const char *word)
{
	size_t m = strlen(word);

	for (size_t at = 0; at + m <= n; at++) {
		size_t i = 0;

		while (i < m && lower(p[at + i]) == lower(word[i]))
			i++;
		if (i == m)
			return true;
	}
	return false;
}

enum { FIELDS = 4 };
static const char *const fields[FIELDS] = { "title", "owner", "class", "expires" };

static bool is_found(const struct cdp_segment_list *l, const struct cdp_segaudience *au,
		     const char *const *v)
{
	if (!l->search || contains(au->name, au->name_n, l->search))
		return true;
	for (int i = 0; i < FIELDS; i++)
		if (v[i] && contains(v[i], strlen(v[i]), l->search))
			return true;
	return false;
}

/* Who may see and change it, for those who give access. */
static void put_lists(struct cdp_rows *rows, const json_t *note)
{
	static const char *const lists[] = { "readers", "editors" };

	for (int k = 0; k < 2; k++) {
		const json_t *list = json_object_get(note, lists[k]);
		char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;

		if (text)
			cdp_rows_json(rows, lists[k], text, strlen(text));
		else
			cdp_rows_null(rows, lists[k]);
		free(text);
	}
}

int cdp_segment_list_entry(const struct cdp_segment_list *l,
			   const struct cdp_segaudience *au, struct cdp_err *err)
{
	const char *v[FIELDS] = { 0 };
	uint64_t all = cdp_bitmap_count(cdp_segversion_all(l->v));
	json_t *note = cdp_tree_parse(au->note, au->note_n, "note", err);
	int rc = 0;

	if (!note)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "'%s': damaged: what it tells of '%.*s'", l->dir,
				   (int)au->name_n, au->name);
	for (int k = 0; k < FIELDS; k++)
		v[k] = json_string_value(json_object_get(note, fields[k]));
	if (is_found(l, au, v)) {
		cdp_rows_begin(l->rows, "audience");
		cdp_rows_str(l->rows, "segment", au->name, au->name_n);
		cdp_rows_int(l->rows, "customers", (int64_t)au->count);
		cdp_rows_share(l->rows, "share",
			       all ? (double)au->count / (double)all : 0);
		cdp_rows_str(l->rows, "as_of", l->as_of, CDP_TIME_CANON);
		for (int k = 0; k < FIELDS; k++)
			if (v[k])
				cdp_rows_cstr(l->rows, fields[k], v[k]);
			else
				cdp_rows_null(l->rows, fields[k]);
		put_lists(l->rows, note);
		rc = cdp_rows_end(l->rows) < 0;
	}
	json_decref(note);
	return rc;
}
