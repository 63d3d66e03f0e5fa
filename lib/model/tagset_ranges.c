/* Numbers that become the names of ranges: by bounds, and by percent of the people. */
#include "base/mem.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Conditionals stand in each other, and the language allows no more than a hundred. */
enum { BOUNDS_MAX = 64 };

struct ranges {
	const json_t *at, *labels;
	const char *where, *dot; /* "buckets", and ".at" if it is an object */
	bool right;              /* a bound belongs to the range below it */
	bool percent;            /* of people: bounds are from 0 to 100 */
};

static int check_bounds(const struct ranges *r, struct cdp_err *err)
{
	size_t n = json_array_size(r->at);
	double before = 0;

	if (n == 0 || n > BOUNDS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s%s: expected a list of 1 to %d numbers", r->where,
				   r->dot, BOUNDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *bound = json_array_get(r->at, i);
		double x = json_number_value(bound);

		if (!json_is_number(bound))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s%s[%zu]: expected a number", r->where,
					   r->dot, i);
		if (r->percent && (x <= 0 || x >= 100))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s%s[%zu]: not between 0 and 100", r->where,
					   r->dot, i);
		if (i && x <= before)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s%s[%zu]: not above the one before",
					   r->where, r->dot, i);
		before = x;
	}
	if (r->labels && json_array_size(r->labels) != n + 1)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.labels: expected a list of %zu, one more than "
				   "bounds",
				   r->where, n + 1);
	return 0;
}

static void put_number(struct cdp_buf *b, const json_t *number)
{
	struct cdp_err never;

	cdp_tag_put_constant(b, number, "", &never);
}

/* "<1000", "1000..10000", ">=10000"; "0..10%", "10..100%". */
static void put_range(struct cdp_buf *b, const struct ranges *r, size_t i)
{
	size_t n = json_array_size(r->at);
	bool first = i == 0, last = i == n;
	struct cdp_buf label;

	cdp_buf_init(&label, CDP_BUF_NOMAX);
	if (first)
		cdp_buf_adds(&label, r->percent ? "0.." : r->right ? "<=" : "<");
	else if (last && !r->percent)
		cdp_buf_adds(&label, r->right ? ">" : ">=");
	if (!first)
		put_number(&label, json_array_get(r->at, i - 1));
	if (!first && (r->percent || !last))
		cdp_buf_adds(&label, "..");
	if (!last)
		put_number(&label, json_array_get(r->at, i));
	cdp_buf_adds(&label, r->percent ? last ? "100%" : "%" : "");
	cdp_tag_put_string(b, label.p, label.n);
	cdp_buf_release(&label);
}

/* A chain of conditions on x, from the lowest range up. */
static int put_ranges(struct cdp_buf *b, const struct ranges *r, struct cdp_err *err)
{
	size_t n = json_array_size(r->at);
	char place[64];

	for (size_t i = 0; i <= n; i++) {
		if (i < n) {
			cdp_buf_addf(b, r->percent ? "x < double("
					: r->right ? "x <= "
						   : "x < ");
			put_number(b, json_array_get(r->at, i));
			cdp_buf_adds(b, r->percent ? ") / 100.0 ? " : " ? ");
		}
		snprintf(place, sizeof(place), "%s.labels[%zu]", r->where, i);
		if (!r->labels)
			put_range(b, r, i);
		else if (cdp_tag_put_constant(b, json_array_get(r->labels, i), place,
					      err) < 0)
			return -1;
		cdp_buf_adds(b, i < n ? " : " : "");
	}
	return 0;
}

/* A list of bounds, or an object. */
static int read_ranges(struct ranges *r, const json_t *j, const char *const *known,
		       struct cdp_err *err)
{
	if (!json_is_array(j) && !json_is_object(j))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: expected a list of numbers or an object",
				   r->where);
	r->at = json_is_array(j) ? j : json_object_get(j, "at");
	r->dot = json_is_array(j) ? "" : ".at";
	r->labels = json_object_get(j, "labels");
	if (json_is_object(j) && cdp_tree_known(j, known, r->where, err) < 0)
		return -1;
	return check_bounds(r, err);
}

/* A member that is one of two words, the first by default: whether it is the second. */
static int read_word(const json_t *j, const char *member, const char *const words[2],
		     const char *where, bool *second, struct cdp_err *err)
{
	const char *word = words[0];

	if (cdp_tree_str(j, member, &word, false, where, err) < 0)
		return -1;
	*second = strcmp(word, words[1]) == 0;
	if (*second || strcmp(word, words[0]) == 0)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "%s.%s: expected '%s' or '%s'", where,
			   member, words[0], words[1]);
}

int cdp_tag_wrap_buckets(struct cdp_buf *b, const json_t *buckets, struct cdp_err *err)
{
	static const char *const known[] = { "at", "labels", "closed", NULL };
	static const char *const sides[] = { "left", "right" };
	struct ranges r = { .where = "buckets" };
	char *x = cdp_strndup(b->p, b->n);

	cdp_buf_reset(b);
	cdp_buf_addf(b, "[%s].map(x, x == null ? null : ", x);
	free(x);
	if (read_ranges(&r, buckets, known, err) < 0 ||
	    read_word(buckets, "closed", sides, r.where, &r.right, err) < 0 ||
	    put_ranges(b, &r, err) < 0)
		return -1;
	cdp_buf_adds(b, ")[0]");
	return 0;
}

int cdp_tag_wrap_percent(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			 const json_t *percent, struct cdp_err *err)
{
	static const char *const known[] = { "at",    "labels", "order",
					     "among", "filter", NULL };
	static const char *const orders[] = { "descending", "ascending" };
	static const char *const filters[] = { "before", "after" };
	const json_t *among = json_object_get(percent, "among");
	struct ranges r = { .where = "percent", .percent = true };
	bool ascending, after;
	char *x;

	if (read_ranges(&r, percent, known, err) < 0 ||
	    read_word(percent, "order", orders, r.where, &ascending, err) < 0 ||
	    read_word(percent, "filter", filters, r.where, &after, err) < 0)
		return -1;
	if (!among && json_object_get(percent, "filter"))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "percent.filter: there is no 'among' to filter by");
	x = cdp_strndup(b->p, b->n);
	cdp_buf_reset(b);
	cdp_buf_addf(b, "[percent_rank(%s%s", x, ascending ? ", 'asc'" : "");
	free(x);
	if (among && !after) {
		cdp_buf_adds(b, ", ");
		if (cdp_tag_put_customer_part(s, t, b, among, "percent.among", err) < 0)
			return -1;
	}
	cdp_buf_adds(b, ")].map(x, x == null");
	if (among && after) {
		cdp_buf_adds(b, " || !");
		if (cdp_tag_put_customer_part(s, t, b, among, "percent.among", err) < 0)
			return -1;
	}
	cdp_buf_adds(b, " ? null : ");
	if (put_ranges(b, &r, err) < 0)
		return -1;
	cdp_buf_adds(b, ")[0]");
	return 0;
}
