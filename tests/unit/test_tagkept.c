/* Values of tags with a schedule: which are in force when, and what a file has of them.
 */
#include "io/out.h"
#include "model/tagkept.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { W, N, M }; /* N has no schedule */

static const char *value(const struct cdp_tagkept *k, unsigned tag, int64_t base,
			 const char *key)
{
	static char text[64];
	size_t n;
	const char *p = cdp_tagkept_get(k, tag, base, key, strlen(key), &n);

	if (!p)
		return "none";
	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

static void put(struct cdp_tagkept *k, unsigned tag, const char *key, const char *json)
{
	cdp_tagkept_put(k, tag, key, strlen(key), json, strlen(json));
}

static void look_at_times(const struct cdp_tagkept *k, const char *where)
{
	int64_t since = 0;

	ok(!cdp_tagkept_since(k, W, 19, &since), "%s: before the first ones none are",
	   where);
	ok(cdp_tagkept_since(k, W, 20, &since) && since == 10,
	   "%s: they are from their time on", where);
	ok(cdp_tagkept_since(k, W, 39, &since) && since == 10,
	   "%s: and until later ones are", where);
	ok(cdp_tagkept_since(k, W, INT64_MAX, &since) && since == 30,
	   "%s: which are the last", where);
	is_str(value(k, W, 39, "a"), "1", "%s: each time has its value", where);
	is_str(value(k, W, 40, "a"), "2.50", "%s: byte for byte", where);
	is_str(value(k, W, 40, "b"), "none", "%s: who has none then, has none", where);
	is_str(value(k, W, 40, "z"), "none", "%s: nor has who is not known", where);
	is_str(value(k, M, 40, "a"), "none", "%s: tags are apart", where);
	ok(!cdp_tagkept_since(k, M, 40, &since), "%s: also in their times", where);
}

static const char *became(void *ctx, const char *key, size_t n, size_t *len)
{
	(void)ctx;
	*len = n;
	return n == 1 && *key == 'b' ? "a" : n == 1 && *key == 'c' ? "d" : key;
}

static void join(const struct cdp_tagset *set)
{
	struct cdp_tagkept *k = cdp_tagkept_new(set);

	cdp_tagkept_begin(k, W, 10, 20);
	put(k, W, "a", "1");
	put(k, W, "b", "2");
	cdp_tagkept_begin(k, W, 30, 40);
	put(k, W, "b", "3");
	cdp_tagkept_join(k, "b", 1, "a", 1);
	is_str(value(k, W, 20, "a"), "1", "who is joined with another keeps what it has");
	is_str(value(k, W, 40, "a"), "3", "and gets what it has not");
	is_str(value(k, W, 40, "b"), "none", "which is nobody else's any more");
	cdp_tagkept_join(k, "x", 1, "a", 1);
	cdp_tagkept_join(k, "a", 1, "a", 1);
	is_str(value(k, W, 40, "a"), "3", "one of whom nothing is known brings nothing");
	cdp_tagkept_free(k);
}

static void files(const struct cdp_tagset *set, const struct cdp_tagkept *k,
		  const char *path)
{
	const struct cdp_tagkept_became persons = { became, NULL };
	struct cdp_tagkept *again = cdp_tagkept_new(set);
	struct cdp_err err;
	size_t n, bad = 0;
	char *text;

	unlink(path);
	is_int(cdp_tagkept_load(again, path, NULL, &err), 0, "no file is no error");
	ok(cdp_tagkept_save(k, path, &err) == 0 &&
		   cdp_tagkept_load(again, path, NULL, &err) == 0,
	   "what is saved can be loaded");
	look_at_times(again, "from a file");
	cdp_tagkept_free(again);
	again = cdp_tagkept_new(set);
	cdp_tagkept_load(again, path, &persons, &err);
	is_str(value(again, W, 20, "a"), "1", "whoever became another leaves its value");
	is_str(value(again, W, 20, "d"), "\"x\"",
	       "and brings its own where there is none");
	cdp_tagkept_free(again);
	text = cdp_file_read(path, 1 << 20, &n, &err);
	for (size_t i = 0; i < n; i++) {
		again = cdp_tagkept_new(set);
		text[i] ^= 1;
		cdp_file_replace(path, text, n, &err);
		text[i] ^= 1;
		bad += cdp_tagkept_load(again, path, NULL, &err) < 0;
		cdp_tagkept_free(again);
	}
	is_int((long)bad, (long)n, "a bit that is another is noticed anywhere");
	again = cdp_tagkept_new(set);
	cdp_file_replace(path, text, n / 2, &err);
	ok(cdp_tagkept_load(again, path, NULL, &err) < 0 && strstr(err.msg, "damaged"),
	   "so is an end that is missing");
	cdp_tagkept_free(again);
	free(text);
}

int main(void)
{
	static const char tags[] =
		"{\"tags\":[{\"name\":\"w\",\"schedule\":\"weekly\",\"value\":"
		"\"count()\"},{\"name\":\"n\",\"value\":\"count()\"},{\"name\":\"m\","
		"\"schedule\":\"manual\",\"value\":\"count()\"}]}";
	char path[] = "/tmp/test_tagkept.XXXXXX";
	const char *const file = path;
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_err err;
	struct cdp_run run = { .zone = cdp_zone_load("UTC", &err) };
	struct cdp_tagset *set;
	struct cdp_tagkept *k;

	close(mkstemp(path));
	if (cdp_file_replace(path, tags, sizeof(tags) - 1, &err) < 0 ||
	    !(set = cdp_tagset_load(&file, 1, NULL, paths, &run, &err))) {
		ok(false, "%s", err.msg);
		return tap_done();
	}
	k = cdp_tagkept_new(set);
	cdp_tagkept_begin(k, W, 1, 2);
	put(k, W, "a", "0");
	cdp_tagkept_begin(k, W, 10, 20);
	put(k, W, "a", "1");
	put(k, W, "b", "7");
	put(k, W, "c", "\"x\"");
	cdp_tagkept_begin(k, W, 30, 40);
	put(k, W, "a", "2.50");
	look_at_times(k, "as they were put");
	files(set, k, path);
	join(set);
	cdp_tagkept_free(k);
	cdp_tagkept_free(NULL);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
	cdp_zone_free((struct cdp_zone *)run.zone);
	unlink(path);
	return tap_done();
}
