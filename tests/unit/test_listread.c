/* Files of ids, row by row, in every format. */
#include "model/listread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/out.h"
#include "tap.h"

static char dir[] = "/tmp/test_listread.XXXXXX";
static char path[2][64];

static void store(int i, const char *p, size_t n)
{
	struct cdp_err err;

	if (cdp_file_replace(path[i], p, n, &err) < 0)
		abort();
}

static int file(void *ctx, const struct cdp_csv_row *row, struct cdp_err *err)
{
	(void)err;
	cdp_buf_addf(ctx, "[%u]", row->input);
	return 0;
}

/* "no" is refused, "end" ends the reading. */
static int id(void *ctx, const char *p, size_t n, const struct cdp_csv_row *row,
	      struct cdp_err *err)
{
	if (n == 2 && memcmp(p, "no", 2) == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "refused");
	if (n == 3 && memcmp(p, "end", 3) == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "ended");
	cdp_buf_addf(ctx, " %d:", (int)row->line);
	cdp_buf_add(ctx, p, n);
	return 0;
}

static int bad(void *ctx, const struct cdp_csv_row *row, const struct cdp_err *err)
{
	cdp_buf_addf(ctx, " %d!%s", (int)row->line, err->msg);
	return strcmp(err->msg, "refused") == 0 ? -1 : 0;
}

/* What a definition reads of the two files. */
static const char *read_list(const struct cdp_list_def *d)
{
	static struct cdp_buf out;
	struct cdp_list_sink sink = { .file = file, .id = id, .bad = bad, .ctx = &out };
	char *files[] = { path[0], path[1], NULL };
	struct cdp_in *in = cdp_in_new(files, NULL);
	struct cdp_err err = { 0 };

	if (!out.p)
		cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_reset(&out);
	if (cdp_list_read(d, in, &sink, &err) < 0)
		cdp_buf_addf(&out, " -%d", (int)err.kind);
	cdp_in_free(in);
	return cdp_buf_str(&out);
}

#define STORE(i, text) store(i, text, sizeof(text) - 1)

static void test_lines(void)
{
	struct cdp_list_def d = { .form = CDP_LIST_LINES };

	STORE(0, "\xef\xbb\xbf"
		 "a\r\n\r\n b \r\n\"c\",d\r\n");
	STORE(1, "e\x1f"
		 "f\n\xff\ng");
	is_str(read_list(&d),
	       "[0] 1:a 3: b  4:\"c\",d[1] 1!a control character 2!not valid UTF-8: "
	       "undecodable character at byte 0xff, offset 4 3:g",
	       "a line is an id, whatever stands in it");
	STORE(0, "a\nno\nb\n");
	is_str(read_list(&d), "[0] 1:a 2!refused -0", "the sink of bad rows may end it");
	STORE(0, "a\nend\nb\n");
	is_str(read_list(&d), "[0] 1:a -4", "and so may that of ids");
}

static void test_csv(void)
{
	struct cdp_list_def d = { .form = CDP_LIST_CSV, .kind = (char[]){ "phone" } };

	STORE(0, "name,phone\n\"x,\ny\",1\nz\n,\n");
	STORE(1, "id;phone\nb;2\n");
	is_str(read_list(&d), "[0] 2:1 4!the row has 1 fields 5:[1] -1",
	       "a header that has no such column ends it");
	STORE(1, "phone,id\n2,3\n");
	is_str(read_list(&d), "[0] 2:1 4!the row has 1 fields 5:[1] 2:2",
	       "each file has a header of its own");
	STORE(1, "id,x\n3,4\n");
	is_str(read_list(&d), "[0] 2:1 4!the row has 1 fields 5:[1] 2:3",
	       "a column may be named id");
	STORE(1, "whatever\n3\n");
	is_str(read_list(&d), "[0] 2:1 4!the row has 1 fields 5:[1] 2:3",
	       "or be the only one");
	d.key = (char[]){ "x" };
	STORE(0, "id,x\n3,4\n");
	is_str(read_list(&d), "[0] 2:4[1] -1", "unless it is named by the definition");
}

static void test_ndjson(void)
{
	struct cdp_list_def d = { .form = CDP_LIST_NDJSON, .of = "one_id" };

	STORE(0, "{\"one_id\":\"a\"}\n{\"id\":7}\n{\"id\":7.5}\n{}\n[1]\n{\"one_id\":"
		 "\"b\x1f\"}\n");
	STORE(1, "{\"id\":\"x\",\"one_id\":\"\\u4e2d\"}");
	is_str(read_list(&d),
	       "[0] 1:a 2:7 3!the key is no string or whole number 4!there is no "
	       "'one_id' "
	       "5!the record is an array, not an object 6!control byte 0x1f in string[1] "
	       "1:\xe4\xb8\xad",
	       "a record has a string or a whole number");
	d.key = (char[]){ "ids.phone" };
	STORE(0, "{\"ids\":{\"phone\":\"138\"},\"id\":1}\n");
	STORE(1, "{\"id\":2}\n");
	is_str(read_list(&d), "[0] 1:138[1] 1!there is no 'ids.phone'",
	       "the member may stand anywhere");
	d.key = (char[]){ "a..b" };
	is_str(read_list(&d), " -1", "if its name is one");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	for (int i = 0; i < 2; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
	test_lines();
	test_csv();
	test_ndjson();
	unlink(path[0]);
	unlink(path[1]);
	rmdir(dir);
	return tap_done();
}
