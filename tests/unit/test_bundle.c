#include "io/bundle.h"

#include "base/mem.h"
#include "io/mapped.h"
#include "io/out.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_bundle.XXXXXX";
static char *path;

static const uint64_t numbers[CDP_BUNDLE_NUMBERS] = { 1, 2, 3, UINT64_MAX };

static struct cdp_bundle_item item(const char *name, const char *note, const void *data,
				   size_t n)
{
	return (struct cdp_bundle_item){ .name = name,
					 .name_n = strlen(name),
					 .note = note,
					 .note_n = strlen(note),
					 .number = n * 7,
					 .data = data,
					 .n = n };
}

static void write_three(void)
{
	struct cdp_err err = { 0 };
	struct cdp_bundle_out *o = cdp_bundle_create(path, "test", &err);
	struct cdp_bundle_item v[] = { item("", "of all", "x", 1),
				       item("a", "",
					    "0123456789abcdefghijklmnopqrstuvwxyz", 36),
				       item("ab", "{}", "", 0) };
	int rc = 0;

	for (int i = 0; i < 3 && o; i++)
		rc |= cdp_bundle_add(o, &v[i], &err);
	ok(o && rc == 0 && cdp_bundle_finish(o, numbers, &err) == 0,
	   "blocks are written%s%s", err.msg[0] ? ": " : "", err.msg);
}

static void reading(void)
{
	struct cdp_err err = { 0 };
	struct cdp_bundle *p = cdp_bundle_open(path, "test", &err);
	struct cdp_bundle_item got;

	if (!ok(p != NULL, "what was written is opened%s", err.msg))
		return;
	is_int(cdp_bundle_count(p), 3, "all blocks are there");
	ok(cdp_bundle_number(p, 0) == 1 && cdp_bundle_number(p, 3) == UINT64_MAX,
	   "the file's numbers are there");
	is_int(cdp_bundle_find(p, "a", 1), 1, "a block is found by its name");
	is_int(cdp_bundle_find(p, "", 0), 0, "one of an empty name, too");
	is_int(cdp_bundle_find(p, "aa", 2), -1, "a name between others is not found");
	is_int(cdp_bundle_find(p, "b", 1), -1, "a name after all others is not found");
	is_int(cdp_bundle_lower(p, "aa", 2), 2, "where it would stand is told");
	ok(cdp_bundle_read(p, 1, &got, &err) == 0 && got.n == 36 && got.number == 252 &&
		   memcmp(got.data, "0123456789abcdefghijklmnopqrstuvwxyz", 36) == 0,
	   "a block comes back with its number");
	ok((uintptr_t)got.data % CDP_BUNDLE_ALIGN == 0, "a block lies aligned");
	ok(cdp_bundle_read(p, 2, &got, &err) == 0 && got.n == 0 && got.note_n == 2 &&
		   memcmp(got.note, "{}", 2) == 0,
	   "an empty block has a note");
	cdp_bundle_close(p);
	p = cdp_bundle_open(path, "tests", &err);
	ok(!p && strstr(err.msg, "of 'test', not of 'tests'"), "another kind is refused");
}

/* All of a file that can be read at all; how many of its blocks failed, -1: not opened.
 */
static int use(struct cdp_err *err)
{
	struct cdp_bundle *p = cdp_bundle_open(path, "test", err);
	struct cdp_bundle_item got;
	int failed = 0;

	if (!p)
		return -1;
	for (uint32_t i = 0; i < cdp_bundle_count(p); i++)
		failed += cdp_bundle_read(p, i, &got, err) < 0;
	cdp_bundle_find(p, "ab", 2);
	cdp_bundle_close(p);
	return failed;
}

static void damage(void)
{
	struct cdp_err err = { 0 };
	size_t n, opened = 0, unseen = 0;
	char *whole = cdp_file_read(path, 1 << 20, &n, &err);

	for (size_t i = 0; i < n; i++) {
		cdp_file_replace(path, whole, i, &err);
		opened += use(&err) >= 0;
	}
	is_int((int64_t)opened, 0, "a file that was cut short anywhere is refused");
	for (size_t i = 0; i < n; i++) {
		whole[i] ^= 0x40;
		cdp_file_replace(path, whole, n, &err);
		unseen += use(&err) == 0;
		whole[i] ^= 0x40;
	}
	/* The head's zeros, and what fills up to 32 after blocks of 1 and 36 bytes and
	 * after 3 entries and names of 11 bytes. */
	is_int((int64_t)unseen, 24 + 31 + 28 + 5,
	       "every changed byte that counts is seen");
	free(whole);
}

static void files(void)
{
	struct cdp_err err = { 0 };
	struct cdp_mapped m;
	char *other = cdp_asprintf("%s/other", dir);

	is_int(cdp_mapped_open(&m, other, &err), 0, "a file that is not there is told");
	ok(!cdp_bundle_open(other, "test", &err) &&
		   strstr(err.msg, "there is no such file"),
	   "a missing file is an error to who needs it");
	cdp_file_replace(other, "", 0, &err);
	is_int(cdp_mapped_open(&m, other, &err), 1, "an empty file is mapped");
	ok(m.p && m.n == 0, "as nothing");
	cdp_mapped_close(&m);
	ok(!cdp_bundle_open(other, "test", &err), "an empty file is none");
	is_int(cdp_mapped_open(&m, dir, &err), -1, "a directory is none");
	unlink(other);
	mkfifo(other, 0600);
	is_int(cdp_mapped_open(&m, other, &err), -1, "nor is a FIFO, and nobody waits");
	unlink(other);
	free(other);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	path = cdp_asprintf("%s/pack", dir);
	write_three();
	reading();
	damage();
	files();
	unlink(path);
	rmdir(dir);
	free(path);
	return tap_done();
}
