/* Kinds of tags that measure what a customer did. */
#include "base/buf.h"
#include "model/tagset_priv.h"

#include <string.h>

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
