#include "io/tail.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/out.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_tail.XXXXXX";
static char path[64], other[64];
static struct cdp_buf notes;

static void note(void *ctx, const char *text)
{
	(void)ctx;
	cdp_buf_adds(&notes, text + strlen(dir) + 1);
	cdp_buf_addc(&notes, '\n');
}

static void append(const char *file, const char *text)
{
	FILE *f = fopen(file, "a");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static struct cdp_tail *open_tail(const char *what, size_t line_max)
{
	struct cdp_tail_opts o = { .line_max = line_max, .wake = -1, .note = note };
	struct cdp_tail *t = cdp_tail_new(&o);
	struct cdp_err err;

	if (cdp_tail_add(t, what, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return t;
}

/* All that can be read now; "!" for an overlong line. */
static const char *read_now(struct cdp_tail *t)
{
	static char text[4096];
	static struct cdp_err err;
	struct cdp_block b;
	size_t n = 0;
	int rc;

	while ((rc = cdp_tail_next(t, 0, &b, &err)) == CDP_TAIL_BLOCK) {
		memcpy(text + n, b.overlong ? "!" : b.data, b.overlong ? 1 : b.len);
		n += b.overlong ? 1 : b.len;
		cdp_tail_take_rest(t);
	}
	text[n] = '\0';
	return rc < 0 ? err.msg : text;
}

/* Another process, from the places that this one has. */
static struct cdp_tail *again(struct cdp_tail *t, const char *what)
{
	struct cdp_tail *next = open_tail(what, 0);
	struct cdp_tail_place place;
	const char *name;

	for (size_t i = 0; cdp_tail_place(t, i, &name, &place); i++)
		cdp_tail_go_on(next, name, &place);
	cdp_tail_free(t);
	return next;
}

static void check_growing(void)
{
	struct cdp_tail *t;

	append(path, "\xef\xbb\xbf"
		     "a\nb");
	t = open_tail(path, 0);
	is_str(read_now(t), "a\n",
	       "a line that is not whole waits, a mark of order goes");
	append(path, "c\nd\n");
	is_str(read_now(t), "bc\nd\n", "what a file grows by is read");
	append(path, "e");
	is_str(read_now(t), "", "and nothing twice");
	t = again(t, path);
	append(path, "f\n");
	is_str(read_now(t), "ef\n", "another process goes on from the place");
	rename(path, other);
	append(other, "g\n");
	append(path, "h\n");
	is_str(read_now(t), "g\nh\n", "a file that was rotated is read to its end");
	if (truncate(path, 0) < 0)
		abort();
	append(path, "i\n");
	is_str(read_now(t), "", "one that is as long as it was is not looked into");
	if (truncate(path, 0) < 0)
		abort();
	is_str(read_now(t), "", "one that became shorter");
	append(path, "j\n");
	is_str(read_now(t), "j\n", "is read from its start");
	is_str(cdp_buf_str(&notes), "log: became shorter, read from its start\n",
	       "which is told");
	cdp_buf_reset(&notes);
	cdp_file_replace(path, "xy\nz\n", 5, &(struct cdp_err){ 0 });
	t = again(t, path);
	is_str(read_now(t), "xy\nz\n", "another file than before is read from its start");
	is_str(cdp_buf_str(&notes),
	       "log: another file than was read before, read from its start\n",
	       "which is told, too");
	cdp_tail_free(t);
}

static void check_part(void)
{
	struct cdp_tail_place place;
	struct cdp_block b;
	struct cdp_err err;
	const char *name;
	struct cdp_tail *t;

	cdp_file_replace(path, "a\nbb\nccc\n", 9, &err);
	t = open_tail(path, 0);
	ok(!cdp_tail_place(t, 0, &name, &place),
	   "of what was not read there is no place");
	ok(cdp_tail_next(t, 0, &b, &err) == CDP_TAIL_BLOCK && b.len == 9, "a block");
	cdp_tail_take(t, 2, 1);
	cdp_tail_take(t, 3, 1);
	ok(cdp_tail_place(t, 0, &name, &place) && place.offset == 5 && place.lines == 2,
	   "the place is behind the lines that were taken");
	t = again(t, path);
	is_str(read_now(t), "ccc\n", "and those after it come again");
	cdp_tail_free(t);
}

static void check_overlong(void)
{
	struct cdp_tail *t;
	char line[301];

	memset(line, 'x', 300);
	line[300] = '\0';
	cdp_file_replace(path, "a\n", 2, &(struct cdp_err){ 0 });
	append(path, line);
	t = open_tail(path, 200);
	is_str(read_now(t), "a\n", "an overlong line waits for its end");
	append(path, line);
	append(path, "\nb\n");
	is_str(read_now(t), "!b\n", "and is one, with lines after it");
	cdp_tail_free(t);
}

static void check_directory(void)
{
	char a[96], b[96], c[96];
	struct cdp_tail *t;

	unlink(path);
	unlink(other);
	snprintf(a, sizeof(a), "%s/1.ndjson", dir);
	snprintf(b, sizeof(b), "%s/2.ndjson", dir);
	snprintf(c, sizeof(c), "%s/.3.ndjson", dir);
	append(b, "b\nlast");
	append(a, "a\n");
	append(c, "c\n");
	t = open_tail(dir, 0);
	is_str(read_now(t), "a\nb\nlast\n",
	       "files of a directory are read in order of names, each whole");
	append(a, "more\n");
	t = again(t, dir);
	unlink(b);
	snprintf(b, sizeof(b), "%s/3.ndjson", dir);
	rename(c, b);
	is_str(read_now(t), "more\nc\n", "new ones are read when they have their name");
	t = again(t, dir);
	is_str(read_now(t), "", "and none twice");
	cdp_tail_free(t);
	unlink(a);
	unlink(b);
}

static void check_refusals(void)
{
	struct cdp_tail_opts o = { .wake = -1 };
	struct cdp_tail *t = cdp_tail_new(&o);
	struct cdp_err err;

	ok(cdp_tail_add(t, "/dev/null", NULL, &err) < 0 && err.kind == CDP_ERR_USAGE,
	   "a device is neither a file nor a directory");
	ok(cdp_tail_add(t, other, NULL, &err) < 0 && err.kind == CDP_ERR_SYS,
	   "a file must be there");
	cdp_tail_free(t);
	cdp_file_replace(path, "\x1f\x8b\x08\0\n", 5, &err);
	t = open_tail(path, 0);
	ok(strstr(read_now(t), "is compressed") != NULL, "compressed files are told");
	cdp_tail_free(t);
	unlink(path);
}

int main(void)
{
	cdp_buf_init(&notes, CDP_BUF_NOMAX);
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(other, sizeof(other), "%s/log.1", dir);
	check_growing();
	check_part();
	check_overlong();
	check_directory();
	check_refusals();
	rmdir(dir);
	cdp_buf_release(&notes);
	return tap_done();
}
