/* Kinds of tags that measure what a customer did. */
#include "base/buf.h"
#include "model/tagset_priv.h"

#include <string.h>

enum { TOP_MAX = 100, LEAST_MAX = 1000000 };

int cdp_tag_put_aggregate(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			  const char *window, const char *where, struct cdp_err *err)
{
	static const char *const counts[] = { "count", "days" };
	static const char *const over[] = { "sum", "avg", "min", "max", "distinct" };
	const char *name = NULL;
	bool needs_of = false, fine = false;

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
	if (cdp_tag_put_condition(s, b, o, needs_of ? ", " : "", window, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ')');
	return 0;
}

/* {"aggregate":"sum","of":"props.amount","event":...,"where":...,"within":...} */
int cdp_tag_put_metric(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		       const json_t *o, const char *where, struct cdp_err *err)
{
	(void)t;
	return cdp_tag_put_aggregate(s, b, o, NULL, where, err);
}

/* A number of 1 to `most`; 0 if it is not there. */
static int read_number(const json_t *o, const char *member, int64_t most, int64_t *n,
		       const char *where, struct cdp_err *err)
{
	*n = 0;
	if (cdp_tree_int(o, member, n, false, where, err) < 0)
		return -1;
	if (json_object_get(o, member) && (*n < 1 || *n > most))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.%s: expected 1 to %lld", where,
				   member, (long long)most);
	return 0;
}

int cdp_tag_put_favourites(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
			   int64_t top, int64_t least, const char *window,
			   const char *where, struct cdp_err *err)
{
	static const char *const by[] = { "count", "sum", "max" };
	static const char *const functions[] = { "top_n", "top_by_sum", "top_by_max" };
	const char *word = by[0];
	size_t k = 0;

	if (cdp_tree_str(o, "by", &word, false, where, err) < 0)
		return -1;
	while (k < 3 && strcmp(by[k], word) != 0)
		k++;
	if (k == 3)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.by: '%s' is none: count, sum or max", where, word);
	if (k == 0 && json_object_get(o, "of"))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.of: not with count", where);
	cdp_buf_addf(b, "%s(", functions[k]);
	if (cdp_tag_put_event_part(s, b, o, "property", true, where, err) < 0)
		return -1;
	if (k > 0) {
		cdp_buf_adds(b, ", ");
		if (cdp_tag_put_event_part(s, b, o, "of", true, where, err) < 0)
			return -1;
	}
	cdp_buf_addf(b, ", %lld, %lld", (long long)top, (long long)(least ? least : 1));
	if (cdp_tag_put_condition(s, b, o, ", ", window, where, err) < 0)
		return -1;
	cdp_buf_addc(b, ')');
	return 0;
}

/* {"property":"props.product","by":"sum","of":"props.amount","top":3,"at_least":2,
 * "event":...,"where":...,"within":...}: a list, or without `top` the first of it. */
int cdp_tag_put_preference(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
			   const json_t *o, const char *where, struct cdp_err *err)
{
	int64_t top, least;

	(void)t;
	if (read_number(o, "top", TOP_MAX, &top, where, err) < 0 ||
	    read_number(o, "at_least", LEAST_MAX, &least, where, err) < 0)
		return -1;
	cdp_buf_adds(b, "[");
	if (cdp_tag_put_favourites(s, b, o, top ? top : 1, least, NULL, where, err) < 0)
		return -1;
	cdp_buf_addf(b, "].map(x, size(x) == 0 ? null : x%s)[0]", top ? "" : "[0]");
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
		cdp_buf_adds(b, "].map(t, t == null ? null : civilDays(t, as_of))[0]");
	return 0;
}
