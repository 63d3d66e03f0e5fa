/* Kinds of tags that set several values against each other: matrix, RFM. */
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

/* --- RFM --- */

/* How high on an axis is told: against a bound, the mean of all, or by rank. */
struct axis {
	char letter;
	enum { BOUND, MEAN, TOP, TOP_PERCENT } by;
	bool below; /* high is what is small */
	double n;   /* TOP, TOP_PERCENT */
};

static int read_cut(struct axis *a, const json_t *cut, const char *where,
		    struct cdp_err *err)
{
	static const char *const known[] = { "top", "top_percent", NULL };
	const json_t *top = json_object_get(cut, "top");
	const json_t *percent = json_object_get(cut, "top_percent");

	if (!cut ||
	    (json_is_string(cut) && strcmp(json_string_value(cut), "mean") == 0)) {
		a->by = MEAN;
		return 0;
	}
	if (json_is_number(cut)) {
		a->by = BOUND;
		return 0;
	}
	if (!json_is_object(cut) || !top == !percent)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.cut: expected 'mean', a number, {\"top\":N} or "
				   "{\"top_percent\":N}",
				   where);
	if (cdp_tree_known(cut, known, where, err) < 0)
		return -1;
	a->by = top ? TOP : TOP_PERCENT;
	a->n = json_number_value(top ? top : percent);
	if (a->n <= 0 || (top && !json_is_integer(top)) || (percent && a->n >= 100))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   top ? "%s.cut.top: expected a number of people"
				       : "%s.cut.top_percent: not between 0 and 100",
				   where);
	return 0;
}

static int read_axis(struct axis *a, const json_t *j, const char *where,
		     struct cdp_err *err)
{
	static const char *const known[] = { "value", "cut", "high", NULL };
	const char *high = a->letter == 'r' ? "below" : "above";

	if (!json_is_object(j))
		return read_cut(a, NULL, where, err);
	if (cdp_tree_known(j, known, where, err) < 0 ||
	    cdp_tree_str(j, "high", &high, false, where, err) < 0)
		return -1;
	a->below = strcmp(high, "below") == 0;
	if (!a->below && strcmp(high, "above") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.high: expected 'above' or 'below'", where);
	return read_cut(a, json_object_get(j, "cut"), where, err);
}

/* The value and what it is held against: two items of a list. */
static int put_axis(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		    const struct axis *a, const json_t *j, const json_t *among,
		    const char *where, struct cdp_err *err)
{
	static const char *const functions[] = {
		[MEAN] = "population_mean", [TOP] = "rank", [TOP_PERCENT] = "percent_rank"
	};
	const json_t *value = json_is_object(j) ? json_object_get(j, "value") : j;

	if (cdp_tag_put_customer_part(s, t, b, value, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ',');
	if (a->by == BOUND)
		return cdp_tag_put_constant(b, json_object_get(j, "cut"), where, err);
	cdp_buf_addf(b, "%s(", functions[a->by]);
	if (cdp_tag_put_customer_part(s, t, b, value, where, err) < 0)
		return -1;
	if (a->by != MEAN && a->below)
		cdp_buf_adds(b, ", 'asc'");
	if (among) {
		cdp_buf_adds(b, ", ");
		if (cdp_tag_put_customer_part(s, t, b, among, "rfm.among", err) < 0)
			return -1;
	}
	cdp_buf_addc(b, ')');
	return 0;
}

static void put_test(struct cdp_buf *b, const struct axis *a, unsigned i)
{
	if (a->by == TOP)
		cdp_buf_addf(b, "(x[%u] <= %.0f", i + 1, a->n);
	else if (a->by == TOP_PERCENT)
		cdp_buf_addf(b, "(x[%u] < double(%.17g) / 100.0", i + 1, a->n);
	else
		cdp_buf_addf(b, "(x[%u] %s x[%u]", i, a->below ? "<=" : ">=", i + 1);
	cdp_buf_adds(b, " ? 'H' : 'L')");
}

/* The eight cells, R F M, and their names unless the definition has others. */
static const char *const cells[8][2] = {
	{ "HHH", "important value" }, { "HLH", "important growth" },
	{ "LHH", "important keep" },  { "LLH", "important win-back" },
	{ "HHL", "general value" },   { "HLL", "general growth" },
	{ "LHL", "general keep" },    { "LLL", "general win-back" },
};

static int put_cells(struct cdp_buf *b, const json_t *names, struct cdp_err *err)
{
	const char *known[9] = { NULL };

	for (size_t i = 0; i < 8; i++)
		known[i] = cells[i][0];
	if (names && !json_is_object(names))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "rfm.names: expected an object of names by cell");
	if (names && cdp_tree_known(names, known, "rfm.names", err) < 0)
		return -1;
	cdp_buf_adds(b, ".map(c, c == null ? null : {");
	for (size_t i = 0; i < 8; i++) {
		const char *name = cells[i][1];

		if (cdp_tree_str(names, cells[i][0], &name, false, "rfm.names", err) < 0)
			return -1;
		cdp_buf_addf(b, "%s'%s':", i ? "," : "", cells[i][0]);
		cdp_tag_put_string(b, name, strlen(name));
	}
	cdp_buf_adds(b, "}[c])[0]");
	return 0;
}

/* {"r":AXIS,"f":AXIS,"m":AXIS,"among":EXPR,"names":{"HHH":...}}; an axis is EXPR or
 * {"value":EXPR,"cut":"mean"|N|{"top":N}|{"top_percent":N},"high":"above"|"below"}. */
int cdp_tag_put_rfm(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		    const json_t *o, const char *where, struct cdp_err *err)
{
	const json_t *among = json_object_get(o, "among");
	struct axis axes[3];

	cdp_buf_adds(b, "[[");
	for (unsigned i = 0; i < 3; i++) {
		char key[] = { "rfm"[i], '\0' }, place[16];
		const json_t *j = json_object_get(o, key);

		axes[i] = (struct axis){ .letter = *key, .below = *key == 'r' };
		snprintf(place, sizeof(place), "%s.%s", where, key);
		cdp_buf_adds(b, i ? "," : "");
		if (read_axis(&axes[i], j, place, err) < 0 ||
		    put_axis(s, t, b, &axes[i], j, among, place, err) < 0)
			return -1;
	}
	cdp_buf_adds(b, "]].map(x, null in x");
	if (among) {
		cdp_buf_adds(b, " || !");
		if (cdp_tag_put_customer_part(s, t, b, among, "rfm.among", err) < 0)
			return -1;
	}
	cdp_buf_adds(b, " ? null : ");
	for (unsigned i = 0; i < 3; i++) {
		cdp_buf_adds(b, i ? " + " : "");
		put_test(b, &axes[i], 2 * i);
	}
	cdp_buf_addc(b, ')');
	return put_cells(b, json_object_get(o, "names"), err);
}
