/* Drift: what a customer did in one period after the other, and what has changed. */
#include "base/time.h"
#include "model/tagset_priv.h"

#include <stdio.h>
#include <string.h>

enum { PERIODS_MAX = 12, DAYS_MAX = 36600 };

static int read_periods(const json_t *o, int64_t *days, int64_t *count, const char *where,
			struct cdp_err *err)
{
	static const int64_t day = 86400000000000;
	const char *text = NULL;
	int64_t ns;

	*count = 2;
	if (cdp_tree_str(o, "within", &text, true, where, err) < 0 ||
	    cdp_tree_int(o, "periods", count, false, where, err) < 0)
		return -1;
	if (*count < 2 || *count > PERIODS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.periods: expected 2 to %d",
				   where, PERIODS_MAX);
	if (cdp_duration_parse(&ns, text, strlen(text), err) < 0) {
		cdp_err_prefix(err, "%s.within", where);
		return -1;
	}
	*days = ns / day;
	if (ns % day || *days < 1 || *days > DAYS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.within: expected whole days, 1 to %d", where,
				   DAYS_MAX);
	return 0;
}

static void period(char *window, size_t size, int64_t days, int64_t i)
{
	if (i == 0)
		snprintf(window, size, "within('%lldd')", (long long)days);
	else
		snprintf(window, size, "within('%lldd', '%lldd')",
			 (long long)(days * (i + 1)), (long long)(days * i));
}

/* The value of one period, null if there is none. */
static int put_period(struct cdp_tagset *s, struct cdp_buf *b, const json_t *o,
		      const char *window, const char *where, struct cdp_err *err)
{
	if (json_object_get(o, "aggregate"))
		return cdp_tag_put_aggregate(s, b, o, window, where, err);
	cdp_buf_adds(b, "[");
	if (cdp_tag_put_favourites(s, b, o, 1, 1, window, where, err) < 0)
		return -1;
	cdp_buf_adds(b, "].map(x, size(x) == 0 ? null : x[0])[0]");
	return 0;
}

/* {"property":EXPR,"by":...,"of":...} or {"aggregate":...,"of":...}, and
 * {"within":"30d","periods":3,"event":...,"where":...}: {"periods":[newest ...],
 * "change":...}. */
int cdp_tag_put_drift(struct cdp_tagset *s, struct cdp_tag *t, struct cdp_buf *b,
		      const json_t *o, const char *where, struct cdp_err *err)
{
	bool number = json_object_get(o, "aggregate") != NULL;
	int64_t days = 0, count = 0;
	char window[64];

	(void)t;
	if (number == (json_object_get(o, "property") != NULL))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s: expected either property or aggregate", where);
	if (number && json_object_get(o, "by"))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.by: not with aggregate",
				   where);
	if (read_periods(o, &days, &count, where, err) < 0)
		return -1;
	cdp_buf_adds(b, "[[");
	for (int64_t i = 0; i < count; i++) {
		cdp_buf_adds(b, i ? ", " : "");
		period(window, sizeof(window), days, i);
		if (put_period(s, b, o, window, where, err) < 0)
			return -1;
	}
	cdp_buf_adds(b, "]].map(x, x.all(v, v == null) ? null : "
			"{'periods': x, 'change': ");
	if (number)
		cdp_buf_adds(b, "x[0] == null || x[1] == null ? null : x[0] - x[1]");
	else
		cdp_buf_adds(b, "x[0] == x[1] ? (x[0] == null ? null : 'same') : x[0] == "
				"null ? 'gone' : "
				"x[1] == null ? 'new' : 'moved'");
	cdp_buf_adds(b, "})[0]");
	return 0;
}
