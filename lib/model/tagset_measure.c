/* Kinds of tags that measure what a customer did, and what becomes of their numbers. */
#include "base/buf.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <string.h>

enum { BOUNDS_MAX = 1000 };

/* {"aggregate":"sum","of":"props.amount","event":...,"where":...,"within":...} */
int cdp_tag_put_metric(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		       const json_t *o, const char *where, struct cdp_err *err)
{
	static const char *const counts[] = { "count", "days" };
	static const char *const over[] = { "sum", "avg", "min", "max", "distinct" };
	const char *name = NULL;
	bool needs_of = false, fine = false;

	(void)t;
	if (cdp_tree_str(o, "aggregate", &name, true, where, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		fine |= strcmp(counts[i], name) == 0;
	for (size_t i = 0; i < sizeof(over) / sizeof(*over); i++)
		needs_of |= strcmp(over[i], name) == 0;
	if (!fine && !needs_of)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.aggregate: '%s' is none: count, days, sum, avg, "
				   "min, max or distinct",
				   where, name);
	if (fine && json_object_get(o, "of"))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.of: not with %s", where, name);
	cdp_buf_addf(b, "%s(", name);
	if (needs_of && cdp_tag_put_event_part(s, b, o, "of", true, where, err) < 0)
		return -1;
	if (cdp_tag_put_condition(s, b, o, needs_of ? ", " : "", NULL, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ')');
	return 0;
}

/* {"event":...,"where":...,"within":...} */
int cdp_tag_put_distribution(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			     const json_t *o, const char *where, struct cdp_err *err)
{
	(void)t;
	cdp_buf_adds(b, "days(");
	if (cdp_tag_put_condition(s, b, o, "", NULL, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ')');
	return 0;
}

/* {"give":"time"|"days"|EXPR,"event":...,"where":...,"within":...}: `where` is the
 * aggregate's name.  Days are civil ones: midnights are 23 to 25 hours apart. */
int cdp_tag_put_occurrence(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			   const json_t *o, const char *where, struct cdp_err *err)
{
	const char *give = "time";
	bool days;

	(void)t;
	if (cdp_tree_str(o, "give", &give, false, where, err) < 0)
		return -1;
	days = strcmp(give, "days") == 0;
	cdp_buf_addf(b, "%s%s(", days ? "[" : "", where);
	if (days || strcmp(give, "time") == 0)
		cdp_buf_adds(b, "time");
	else if (cdp_tag_put_event_part(s, b, o, "give", true, where, err) < 0)
		return -1;
	if (cdp_tag_put_condition(s, b, o, ", ", NULL, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ')');
	if (days)
		cdp_buf_adds(b, "].map(t, t == null ? null : ((date(day(as_of)) - "
				"date(day(t))).getHours() + 12) / 24)[0]");
	return 0;
}

/* --- buckets --- */

static int check_bounds(const json_t *at, const char *where, struct cdp_err *err)
{
	size_t n = json_array_size(at);

	if (n == 0 || n > BOUNDS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: expected a list of 1 to %d numbers", where,
				   BOUNDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *bound = json_array_get(at, i);

		if (!json_is_number(bound))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s[%zu]: expected a number", where, i);
		if (i && json_number_value(bound) <=
				 json_number_value(json_array_get(at, i - 1)))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s[%zu]: not above the one before", where, i);
	}
	return 0;
}

static void put_number(struct cdp_buf *b, const json_t *number)
{
	struct cdp_err never;

	cdp_tag_put_constant(b, number, "", &never);
}

/* "<1000", "1000..10000", ">=10000". */
static void put_range(struct cdp_buf *b, const json_t *at, size_t i, bool right)
{
	size_t n = json_array_size(at);
	struct cdp_buf label;

	cdp_buf_init(&label, CDP_BUF_NOMAX);
	if (i == 0)
		cdp_buf_adds(&label, right ? "<=" : "<");
	else if (i == n)
		cdp_buf_adds(&label, right ? ">" : ">=");
	put_number(&label, json_array_get(at, i ? i - 1 : 0));
	if (i && i < n) {
		cdp_buf_adds(&label, "..");
		put_number(&label, json_array_get(at, i));
	}
	cdp_tag_put_string(b, label.p, label.n);
	cdp_buf_release(&label);
}

/* A chain of conditions on x, from the lowest range up. */
static int put_ranges(struct cdp_buf *b, const json_t *at, const json_t *labels,
		      bool right, const char *where, struct cdp_err *err)
{
	size_t n = json_array_size(at);
	char place[64];

	if (labels && json_array_size(labels) != n + 1)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"%s.labels: expected a list of %zu, one more than bounds", where,
			n + 1);
	for (size_t i = 0; i <= n; i++) {
		if (i < n) {
			cdp_buf_addf(b, "x %s ", right ? "<=" : "<");
			put_number(b, json_array_get(at, i));
			cdp_buf_adds(b, " ? ");
		}
		snprintf(place, sizeof(place), "%s.labels[%zu]", where, i);
		if (!labels)
			put_range(b, at, i, right);
		else if (cdp_tag_put_constant(b, json_array_get(labels, i), place, err) <
			 0)
			return -1;
		cdp_buf_adds(b, i < n ? " : " : "");
	}
	return 0;
}

int cdp_tag_put_buckets(struct cdp_buf *b, const json_t *buckets, struct cdp_err *err)
{
	static const char *const known[] = { "at", "labels", "closed", NULL };
	const json_t *at =
		json_is_array(buckets) ? buckets : json_object_get(buckets, "at");
	const json_t *labels = json_object_get(buckets, "labels");
	const char *closed = "left";

	if (!json_is_array(buckets) && !json_is_object(buckets))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "buckets: expected a list of numbers or an object");
	if (json_is_object(buckets) && cdp_tree_known(buckets, known, "buckets", err) < 0)
		return -1;
	if (check_bounds(at, json_is_array(buckets) ? "buckets" : "buckets.at", err) <
		    0 ||
	    cdp_tree_str(buckets, "closed", &closed, false, "buckets", err) < 0)
		return -1;
	if (strcmp(closed, "left") != 0 && strcmp(closed, "right") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "buckets.closed: expected 'left' or 'right'");
	cdp_buf_adds(b, "].map(x, x == null ? null : ");
	if (put_ranges(b, at, labels, *closed == 'r', "buckets", err) < 0)
		return -1;
	cdp_buf_adds(b, ")[0]");
	return 0;
}
