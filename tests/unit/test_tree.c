#include "record/tree.h"

#include "io/out.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cdp_err err;

static json_t *parse(const char *text)
{
	return cdp_tree_parse(text, strlen(text), "d.json", &err);
}

static void refused(const char *text, const char *why)
{
	json_t *tree = parse(text);

	ok(!tree, "%.40s is refused", text);
	is_str(err.msg, why, "with place and reason");
	is_int(err.kind, CDP_ERR_USAGE, "as an error of the definition");
	json_decref(tree);
}

static void test_parse(void)
{
	json_t *tree = parse("\n{\"a\": [1, 2.5, \"x\"]}\n");

	ok(tree, "a definition is read");
	is_int(json_array_size(json_object_get(tree, "a")), 3, "with its values");
	json_decref(tree);
	refused("{\n  \"a\": 1,\n  \"b\": 01\n}", "d.json: 3:8: leading zero in number");
	refused("{\"a\": 1", "d.json: 1:8: unexpected end of text");
	refused("{\"a\": 1,\n \"a\": 2}",
		"d.json: 2:4: duplicate object key near '\"a\"'");
	refused("{\"a\": 1} x", "d.json: 1:10: unexpected 'x'");
	refused("", "d.json: 1:1: unexpected end of text");
}

static void test_load(void)
{
	static const char text[] = "\xef\xbb\xbf{\"a\": tru}";
	char path[] = "/tmp/cdp-test-tree-XXXXXX", want[100];
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		exit(1);
	close(fd);
	ok(!cdp_tree_load(path, &err), "a bad file is refused");
	snprintf(want, sizeof(want), "%s: 1:7: expected 'true'", path);
	is_str(err.msg, want, "with its name; a BOM does not count");
	unlink(path);
	ok(!cdp_tree_load(path, &err), "a file that is not there cannot be read");
	is_int(err.kind, CDP_ERR_SYS, "which is no error of the definition");
	ok(strstr(err.msg, path), "with its name");
}

static void test_members(void)
{
	static const char *const known[] = { "title", "days", "on", NULL };
	json_t *obj = parse("{\"title\":\"t\",\"days\":7,\"on\":true,\"tittle\":1}");
	const char *s = "unset";
	int64_t n = -1;
	bool b = false;

	is_int(cdp_tree_str(obj, "title", &s, true, "tags[3]", &err), 0, "a string");
	is_str(s, "t", "has its text");
	is_int(cdp_tree_int(obj, "days", &n, true, "tags[3]", &err), 0, "an integer");
	is_int(n, 7, "has its value");
	is_int(cdp_tree_bool(obj, "on", &b, true, "tags[3]", &err), 0, "a boolean");
	ok(b, "has its value");
	s = "unset";
	is_int(cdp_tree_str(obj, "none", &s, false, "tags[3]", &err), 0,
	       "an optional member may be absent");
	is_str(s, "unset", "and then changes nothing");
	is_int(cdp_tree_str(obj, "none", &s, true, "tags[3]", &err), -1,
	       "a required one may not");
	is_str(err.msg, "tags[3].none: missing", "and is named");
	is_int(cdp_tree_str(obj, "days", &s, false, "tags[3]", &err), -1,
	       "a number is no string");
	is_str(err.msg, "tags[3].days: expected a string", "and its path is told");
	is_int(cdp_tree_int(obj, "title", &n, false, "", &err), -1,
	       "a string is no integer");
	is_str(err.msg, "title: expected an integer", "at the top there is no path");
	is_int(cdp_tree_bool(obj, "days", &b, false, NULL, &err), -1,
	       "a number is no boolean");
	is_str(err.msg, "days: expected true or false", "nor is its path");
	is_int(cdp_tree_known(obj, known, "tags[3]", &err), -1,
	       "an unknown member is refused");
	is_str(err.msg, "tags[3]: unknown member 'tittle'; did you mean 'title'?",
	       "with the one that was meant");
	json_object_del(obj, "tittle");
	is_int(cdp_tree_known(obj, known, "tags[3]", &err), 0, "known ones are allowed");
	json_decref(obj);
}

int main(void)
{
	test_parse();
	test_load();
	test_members();
	return tap_done();
}
