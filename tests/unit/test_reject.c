/* Rejects taken back. */
#include "format/reject.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cdp_paths *paths;
static struct cdp_reject_slots slots;
static struct cdp_scan *scan;

static const char *raw(const char *line, size_t *n)
{
	static struct cdp_buf tmp;
	static char text[600];
	struct cdp_rec rec;
	struct cdp_err err;
	const char *p;

	if (!tmp.p)
		cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	cdp_scan_block(scan, line, strlen(line));
	if (cdp_scan_next(scan, &rec, &err) != 1)
		return "not scanned";
	if (cdp_reject_raw(&slots, &rec, 100, &tmp, &p, n, &err) < 0) {
		snprintf(text, sizeof(text), "%s: %s", err.path, err.msg);
		return text;
	}
	memcpy(text, p, *n);
	text[*n] = '\0';
	return text;
}

int main(void)
{
	char name[] = "/tmp/test_reject.XXXXXX", line[200];
	FILE *f = fdopen(mkstemp(name), "w");
	size_t n;

	paths = cdp_paths_new();
	cdp_reject_paths(&slots, paths);
	scan = cdp_scan_new(paths);
	is_str(raw("{\"reject\":{},\"raw\":\"{\\\"a\\\":\\\"\\u0001\\u4e2d\\\"}\"}", &n),
	       "{\"a\":\"\x01\xe4\xb8\xad\"}", "raw is decoded");
	is_str(raw("{\"raw_b64\":\"/2E=\"}", &n),
	       "\xff"
	       "a",
	       "Base64, too");
	is_str(raw("{\"raw_b64\":\"/w==\"}", &n), "\xff", "of one byte");
	is_str(raw("{\"raw_b64\":\"YWIA\"}", &n), "ab", "and of a NUL");
	is_int((int64_t)n, 3, "which counts");
	is_str(raw("{\"raw_b64\":\"/2E\"}", &n), "raw_b64: not Base64",
	       "a cut one is refused");
	is_str(raw("{\"raw_b64\":\"/2F=\"}", &n), "raw_b64: not Base64",
	       "one with bits beyond its end, too");
	is_str(raw("{\"raw_b64\":\"/2 =\"}", &n), "raw_b64: not Base64",
	       "and one with blanks");
	is_str(raw("{\"a\":1}", &n),
	       "raw: not a reject: neither raw, raw_b64 nor raw_file",
	       "another record is no reject");

	fputs("xxhello\n", f);
	fclose(f);
	snprintf(line, sizeof(line), "{\"raw_file\":\"%s\",\"offset\":2,\"length\":5}",
		 name);
	is_str(raw(line, &n), "hello", "a long line is read from its file");
	snprintf(line, sizeof(line), "{\"raw_file\":\"%s\",\"offset\":2,\"length\":50}",
		 name);
	ok(strstr(raw(line, &n), "ends before the line does"), "which must have it");
	snprintf(line, sizeof(line), "{\"raw_file\":\"%s\",\"offset\":2,\"length\":500}",
		 name);
	ok(strstr(raw(line, &n), "see --line-max"), "and the ceiling must allow it");
	unlink(name);
	ok(strstr(raw(line, &n), "longer"), "the ceiling comes first");
	cdp_scan_free(scan);
	cdp_paths_free(paths);
	return tap_done();
}
