#include "model/outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/cdp-test-outbox-XXXXXX";
static struct cdp_err err;
static const struct cdp_outbox_mark none;

#define ROW(id) "{\"message_id\":\"" id "\",\"text\":\"x\"}\n"

static const char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text, int flags)
{
	int fd = open(file(name), O_WRONLY | O_CREAT | flags, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ok(false, "%s can be written", name);
	close(fd);
}

static int64_t size(const char *name)
{
	struct stat st;

	return stat(file(name), &st) < 0 ? -1 : st.st_size;
}

static struct cdp_outbox *open_box(const char *name, bool csv,
				   const struct cdp_outbox_mark *mark)
{
	struct cdp_outbox *o = cdp_outbox_open(dir, name, csv, mark, &err);

	if (!o) {
		ok(false, "%s", err.msg);
		exit(tap_done());
	}
	return o;
}

static char seen[128];

static void see(void *ctx, const char *id, size_t n)
{
	size_t at = strlen(seen);

	(void)ctx;
	snprintf(seen + at, sizeof(seen) - at, "%.*s ", (int)n, id);
}

static const char *ids(struct cdp_outbox *o, const struct cdp_outbox_mark *mark)
{
	seen[0] = '\0';
	switch (cdp_outbox_ids(o, mark, see, NULL, &err)) {
	case 1:
		return seen;
	case 0:
		return "nobody knows";
	default:
		return err.msg;
	}
}

static int append(struct cdp_outbox *o, const char *rows)
{
	return cdp_outbox_append(o, rows, strlen(rows), &err);
}

static void rows_and_marks(void)
{
	struct cdp_outbox *o = open_box("a/b/rows", false, &none);
	struct cdp_outbox_mark start = cdp_outbox_end(o), middle;

	ok(size("a/b/rows") == 0, "a new outbox is made with its directories");
	append(o, ROW("m1"));
	middle = cdp_outbox_end(o);
	append(o, ROW("m2") ROW("m3"));
	ok(!cdp_outbox_open(dir, "a/b/rows", false, &none, &err) &&
		   strstr(err.msg, "in use"),
	   "a second writer is refused");
	cdp_outbox_close(o);

	o = open_box("a/b/rows", false, &middle);
	is_str(ids(o, &middle), "m2 m3 ", "the rows after a mark are found");
	cdp_outbox_close(o);
	put("a/b/rows", "{\"message_id\":\"m4\",\"te", O_APPEND);
	o = open_box("a/b/rows", false, &middle);
	is_str(ids(o, &start), "m1 m2 m3 ", "a torn row is no row");
	is_int(size("a/b/rows"), 3 * (int64_t)strlen(ROW("m1")), "and is cut off");
	append(o, ROW("m5"));
	is_str(ids(o, &middle), "m2 m3 m5 ", "what comes next begins a row");
	cdp_outbox_close(o);

	put("a/b/rows", ROW("m1"), O_TRUNC);
	o = open_box("a/b/rows", false, &middle);
	middle.size += 1;
	is_str(ids(o, &middle), "nobody knows",
	       "a file shorter than the mark cannot tell");
	cdp_outbox_close(o);
	unlink(file("a/b/rows"));
	o = open_box("a/b/rows", false, &start);
	is_str(ids(o, &start), "nobody knows", "nor a file made anew");
	cdp_outbox_close(o);
}

static void quoted_rows(void)
{
	struct cdp_outbox *o = open_box("mail.csv", true, &none);
	struct cdp_outbox_mark start = cdp_outbox_end(o), after;
	const char *whole = "m1,a,\"x\ny \"\"q\"\"\n\",s\nm2,b,z,s\n";

	append(o, whole);
	after = cdp_outbox_end(o);
	cdp_outbox_close(o);
	o = open_box("mail.csv", true, &start);
	is_str(ids(o, &start), "m1 m2 ", "a line feed in quotes ends no row");
	cdp_outbox_close(o);
	put("mail.csv", "m3,c,\"torn\ninside", O_APPEND);
	o = open_box("mail.csv", true, &after);
	is_int(size("mail.csv"), (int64_t)strlen(whole),
	       "a row torn within quotes is cut off where it began");
	cdp_outbox_close(o);
}

static void peeking(void)
{
	struct cdp_outbox *o = cdp_outbox_peek(dir, "absent", false, &err);

	ok(o && size("absent") < 0, "a peek makes nothing");
	is_str(o ? ids(o, &none) : "", "nobody knows", "and finds nothing out");
	cdp_outbox_close(o);
	put("torn", ROW("m1") "{\"mess", 0);
	o = cdp_outbox_peek(dir, "torn", false, &err);
	ok(o && size("torn") == (int64_t)strlen(ROW("m1")) + 6, "it cuts nothing");
	cdp_outbox_close(o);
	ok(!cdp_outbox_open(dir, "a/b", false, &none, &err) && err.kind == CDP_ERR_SYS,
	   "a directory is no outbox");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	rows_and_marks();
	quoted_rows();
	peeking();
	unlink(file("a/b/rows"));
	unlink(file("mail.csv"));
	unlink(file("torn"));
	rmdir(file("a/b"));
	rmdir(file("a"));
	rmdir(dir);
	return tap_done();
}
