/* Quiet tags: which they are, what they say, who wakes them. */
#include "base/buf.h"
#include "io/out.h"
#include "model/quiet.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_quiet.XXXXXX";

static const char definition[] =
	"{\"tags\":["
	"{\"name\":\"t0\",\"value\":\"count(event == 'a')\",\"nullif\":0},"
	"{\"name\":\"t1\",\"value\":\"count(event == 'a') + count(event == 'b')\"},"
	"{\"name\":\"t2\",\"value\":\"count()\"},"
	"{\"name\":\"t3\",\"value\":\"tags.t1\"},"
	"{\"name\":\"t4\",\"value\":\"profile.x\"},"
	"{\"name\":\"t5\",\"value\":\"rank(count(event == 'a'))\"},"
	"{\"name\":\"t6\",\"value\":\"1 / count(event == 'a')\"},"
	"{\"name\":\"t7\",\"type\":\"string\",\"value\":\"top(props.x, event == 'b')\"},"
	"{\"name\":\"t8\",\"layers\":[{\"value\":\"x\",\"when\":\"count(event == 'b') > "
	"0\"}],"
	"\"else\":\"none\"},"
	"{\"name\":\"t9\",\"value\":\"7\"}]}";

static const char *list(const unsigned *v, unsigned n)
{
	static char out[64];
	unsigned i;

	for (i = 0; i < n; i++)
		out[i] = (char)('0' + v[i]);
	out[i] = '\0';
	return out;
}

static const char *value(const struct cdp_quiet *q, unsigned tag)
{
	static char out[64];
	struct cdp_buf b;

	cdp_buf_init(&b, sizeof(out) - 1);
	cdp_value_json(&b, cdp_quiet_value(q, tag));
	snprintf(out, sizeof(out), "%s", cdp_buf_str(&b));
	cdp_buf_release(&b);
	return out;
}

static void check(const struct cdp_tagset *set, const struct cdp_quiet *q)
{
	const unsigned *v;
	unsigned n;

	v = cdp_quiet_others(q, &n);
	is_str(list(v, n), "234569",
	       "not quiet: about every event, of tags, of the profile, of the "
	       "population, an error, of nothing");
	v = cdp_quiet_shown(q, &n);
	is_str(list(v, n), "12345689", "quiet tags that are null are not shown");
	is_str(value(q, 0), "null", "nullif holds");
	is_str(value(q, 1), "0", "no events are counted");
	is_str(value(q, 7), "null", "there is no favourite");
	is_str(value(q, 8), "\"none\"", "else holds");
	is_str(value(q, 9), "null", "others have no such value");
	for (unsigned a = 0; a < cdp_aggs_count(set->aggs); a++) {
		const char *text = cdp_aggs_at(set->aggs, a)->text;

		v = cdp_quiet_asking(q, a, &n);
		if (strstr(text, "count(event == 'a')") ||
		    strstr(text, "count(event == \"a\")"))
			is_str(list(v, n), "01", "a wakes those that count it");
		else if (strstr(text, "count(event == "))
			is_str(list(v, n), "18", "b wakes those that count it");
		else if (strstr(text, "top("))
			is_str(list(v, n), "7", "and its favourite that which asks");
		else
			is_str(list(v, n), "", "what every event concerns wakes none");
	}
}

int main(void)
{
	const char *const files[] = { path };
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_run run = { .as_of = { 1714492800, 0 } };
	struct cdp_zone *zone;
	struct cdp_tagset *set;
	struct cdp_quiet *q;
	struct cdp_err err;

	close(mkstemp(path));
	run.zone = zone = cdp_zone_load("UTC", &err);
	if (cdp_file_replace(path, definition, strlen(definition), &err) < 0)
		return 1;
	set = cdp_tagset_load(files, 1, NULL, paths, &run, &err);
	ok(set, "the tags are loaded");
	if (set) {
		q = cdp_quiet_new(set, &run);
		check(set, q);
		cdp_quiet_free(q);
	}
	cdp_tagset_free(set);
	cdp_paths_free(paths);
	cdp_zone_free(zone);
	unlink(path);
	return tap_done();
}
