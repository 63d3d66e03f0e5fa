/* Kinds of tags that set several values against each other: matrix, RFM, drift. */
#include "base/mem.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {"high/low":"..."}: another name for a cell, which is item 0 of the list before. */
static int put_names(struct cdp_buf *b, const json_t *names, const char *where,
		     struct cdp_err *err)
{
	size_t from = b->n, n;
	const char *cell;
	json_t *name;
	char *map;

	if (!json_is_object(names))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.names: expected an object of names by cell",
				   where);
	cdp_buf_addc(b, '{');
	json_object_foreach((json_t *)names, cell, name)
	{
		if (!json_is_string(name))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s.names.%s: expected a string", where, cell);
		cdp_tag_put_string(b, cell, strlen(cell));
		cdp_buf_addc(b, ':');
		cdp_tag_put_string(b, json_string_value(name), json_string_length(name));
		cdp_buf_addc(b, ',');
	}
	cdp_buf_addc(b, '}');
	n = b->n - from;
	map = cdp_strndup(b->p + from, n);
	b->n = from;
	cdp_buf_addf(b, ".map(c, c != null && c in %s ? %s[c] : c)[0]", map, map);
	free(map);
	return 0;
}

/* {"axes":[EXPR,EXPR...],"names":{"high/low":"..."},"between":"/"} */
int cdp_tag_put_matrix(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		       const json_t *o, const char *where, struct cdp_err *err)
{
	enum { AXES_MAX = 8 };
	const json_t *axes = json_object_get(o, "axes");
	const json_t *names = json_object_get(o, "names");
	const char *between = "/";
	size_t n = json_array_size(axes);
	char place[48];

	if (n < 2 || n > AXES_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.axes: expected a list of 2 to %d expressions",
				   where, AXES_MAX);
	if (cdp_tree_str(o, "between", &between, false, where, err) < 0)
		return -1;
	if (names && !json_is_object(names))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.names: expected an object of names by cell",
				   where);
	cdp_buf_adds(b, "[[");
	for (size_t i = 0; i < n; i++) {
		snprintf(place, sizeof(place), "%s.axes[%zu]", where, i);
		cdp_buf_adds(b, i ? "," : "");
		if (cdp_tag_put_customer_part(s, t, b, json_array_get(axes, i), place,
					      err) < 0)
			return -1;
	}
	cdp_buf_adds(b, "]].map(x, null in x ? null : ");
	for (size_t i = 0; i < n; i++) {
		if (i) {
			cdp_buf_adds(b, " + ");
			cdp_tag_put_string(b, between, strlen(between));
			cdp_buf_adds(b, " + ");
		}
		cdp_buf_addf(b, "string(x[%zu])", i);
	}
	cdp_buf_adds(b, ")");
	if (names)
		return put_names(b, names, where, err);
	cdp_buf_adds(b, "[0]");
	return 0;
}
