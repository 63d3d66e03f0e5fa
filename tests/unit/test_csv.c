#include "io/csv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

static char dir[] = "/tmp/cdp-test-csv-XXXXXX";
static char path[64];
static bool raw_shown;

static void store(const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) < 0)
		abort();
}

/* Rows as "line:<a><b>", '#' after the line of a first one; errors as "line!message", the
 * raw bytes after "=" if asked for; each ends with a newline. */
static const char *rows(char *const *operands, const struct cdp_csv_opts *opts)
{
	static struct cdp_buf out;
	struct cdp_err err = { 0 };
	struct cdp_in *in = cdp_in_new(operands, NULL);
	struct cdp_csv *csv = cdp_csv_new(in, opts, &err);
	struct cdp_csv_row row;
	int status;

	if (!out.p)
		cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_reset(&out);
	while (csv && (status = cdp_csv_next(csv, &row, &err)) != 0) {
		if (status < 0 && err.kind == CDP_ERR_SYS) {
			cdp_buf_addf(&out, "!%s\n", err.msg);
			continue;
		}
		cdp_buf_addf(&out, "%d%s", (int)row.line, row.first ? "#" : "");
		if (status < 0) {
			cdp_buf_addf(&out, "!%s", err.msg);
			if (err.column)
				cdp_buf_addf(&out, " (column %zu)", err.column);
		} else {
			cdp_buf_addc(&out, ':');
			for (size_t i = 0; i < row.count; i++) {
				cdp_buf_addc(&out, '<');
				cdp_buf_add(&out, row.fields[i].p, row.fields[i].n);
				cdp_buf_addc(&out, '>');
			}
		}
		if (raw_shown || (status < 0 && !row.raw)) {
			cdp_buf_addc(&out, '=');
			if (row.raw)
				cdp_buf_add(&out, row.raw, row.raw_len);
			else
				cdp_buf_addf(&out, "[%zu]", row.raw_len);
		}
		cdp_buf_addc(&out, '\n');
	}
	if (!csv)
		cdp_buf_adds(&out, err.msg);
	cdp_csv_free(csv);
	cdp_in_free(in);
	return cdp_buf_str(&out);
}

static const char *rows_of(const char *p, size_t n, const struct cdp_csv_opts *opts)
{
	char *operands[] = { path, NULL };

	store(p, n);
	return rows(operands, opts);
}

#define reads(text, opts, want, ...)                                                     \
	is_str(rows_of(text, sizeof(text) - 1, opts), want, __VA_ARGS__)

static const struct cdp_csv_opts plain;

static void fields(void)
{
	struct cdp_csv_opts tab = { .delimiter = '\t', .unquoted = true };
	struct cdp_csv_opts bar = { .delimiter = '|' };

	reads("a,b\nc,d\n", &plain, "1#:<a><b>\n2:<c><d>\n",
	      "rows have fields and lines");
	reads("a,b\nc,d", &plain, "1#:<a><b>\n2:<c><d>\n",
	      "the last line may lack its end");
	reads("a,b\r\nc,d\r\n", &plain, "1#:<a><b>\n2:<c><d>\n", "CR LF ends a line");
	reads(",\n,,\n\"\"\n", &plain, "1#:<><>\n2:<><><>\n3:<>\n",
	      "fields may be empty");
	reads("\"a\"\"b\",\"c,d\"\n", &plain, "1#:<a\"b><c,d>\n", "quotes are undone");
	reads("\"a\nb\r\nc\",d\ne\n", &plain, "1#:<a\nb\r\nc><d>\n4:<e>\n",
	      "a quoted field may span lines, which are counted");
	reads("\"a\n\n\",b\n", &plain, "1#:<a\n\n><b>\n", "blank ones too");
	reads(" a , b\t\n", &plain, "1#:< a >< b\t>\n", "spaces are data");
	reads("\n\r\na\n\n\nb\n\n", &plain, "3#:<a>\n6:<b>\n", "blank lines are skipped");
	reads("", &plain, "", "an empty file has no rows");
	reads("\xef\xbb\xbf\"a\",b\n", &plain, "1#:<a><b>\n",
	      "a BOM before a quote is skipped");
	reads("\xef\xbb\xbf", &plain, "", "alone as well");
	reads("5\" pipe,a\"\"b\",c\"\n", &plain, "1#:<5\" pipe><a\"\"b\"><c\">\n",
	      "a quote inside an unquoted field is itself");
	reads("a|\"b|c\"\n", &bar, "1#:<a><b|c>\n", "the delimiter can be chosen");
	reads("a\t\"b\n\tc\"d\r\n\n\t\n", &tab, "1#:<a><\"b>\n2:<><c\"d>\n4:<><>\n",
	      "without quoting a quote is a byte");
}

static void bad_rows(void)
{
	struct cdp_csv_opts tab = { .delimiter = '\t', .unquoted = true };

	reads("5\" a\n\"b\"c\n5\"\n", &plain,
	      "1#:<5\" a>\n2!text after a closing quote (column 4)\n3:<5\">\n",
	      "a quote in an unquoted field excuses no later one");
	reads("a\n\"b\" c,d\ne\n", &plain,
	      "1#:<a>\n2!text after a closing quote (column 4)\n3:<e>\n",
	      "so does text after a quote");
	reads("a\nb,\"c\nd,e\nf\n", &plain,
	      "1#:<a>\n2!quote opened in line 2 is not closed\n3:<d><e>\n4:<f>\n",
	      "an open quote spoils its line, not what follows");
	reads("a\n\"b", &plain, "1#:<a>\n2!quote opened in line 2 is not closed\n",
	      "also in the last line");
	reads("a,\"b\nc,\"d\ne\n", &plain,
	      "1#!text after a closing quote in line 2\n"
	      "2!quote opened in line 2 is not closed\n3:<e>\n",
	      "each bad line is one error");
	reads("a\rb\nc\n", &plain, "1#!carriage return inside a row\n2:<c>\n",
	      "a lone carriage return is no line end where others are LF");
	reads("h\na\r\"b\nc\n\rd\ne\n", &plain,
	      "1#:<h>\n2!carriage return inside a row\n3:<c>\n"
	      "4!carriage return inside a row\n5:<e>\n",
	      "nor does one hide what follows it, be it a quote, nor lead a row");
	reads("a,b\r\r\n\"c\",d\r\r\n", &plain, "1#:<a><b>\n2:<c><d>\n",
	      "lines of files that were converted twice end with CR CR LF");
	reads("a\tb\r\r\nc\td\r\r\n", &tab, "1#:<a><b>\n2:<c><d>\n",
	      "also where there are no quotes");
	raw_shown = true;
	reads("a\n\"x\"y\r\n\"p\nq\",r\n", &plain,
	      "1#:<a>=a\n2!text after a closing quote (column 4)=\"x\"y\n"
	      "3:<p\nq><r>=\"p\nq\",r\n",
	      "raw bytes are those read, without the line end");
	raw_shown = false;
}

static void ceilings(void)
{
	struct cdp_csv_opts small = { .row_max = 8, .fields_max = 3 };
	struct cdp_buf b;

	reads("12345678\r\n1,3,5,\n1,3,5\n", &small,
	      "1#:<12345678>\n2!more than 3 fields\n3:<1><3><5>\n",
	      "rows up to the ceiling");
	reads("a\n123456789\nb\n123456789", &small,
	      "1#:<a>\n2!line of 9 bytes, more than 8=[9]\n3:<b>\n"
	      "4!line of 9 bytes, more than 8=[9]\n",
	      "a longer line is an error and the next is read");
	reads("\"234\n67\"\na\n", &small, "1#:<234\n67>\n3:<a>\n", "a row of two lines");
	reads("\"234\n678\"\na\n", &small,
	      "1#!quote opened in line 1 is not closed within the row ceiling\n"
	      "2:<678\">\n3:<a>\n",
	      "that is longer is not taken for one");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "h\n");
	for (int i = 0; i < 1000000; i++)
		cdp_buf_addc(&b, 'x');
	cdp_buf_adds(&b, "\nz");
	is_str(rows_of(b.p, b.n, &small),
	       "1#:<h>\n2!line of 1000000 bytes, more than 8=[1000000]\n3:<z>\n",
	       "a very long line is counted, not kept");
	cdp_buf_release(&b);
}

static void character_sets(void)
{
	struct cdp_csv_opts gbk = { .charset = "gbk", .delimiter = '|' };
	struct cdp_csv_opts tab = { .delimiter = '\t' };
	struct cdp_csv_opts wide = { .charset = "utf-16", .delimiter = '|' };
	struct cdp_csv_opts hk = { .charset = "big5-hkscs", .delimiter = '|' };

	reads("\xd5\xc5|\x83|\x7c\xc8\xfd\n", &gbk,
	      "1#:<\xe5\xbc\xa0><\xe5\x84\x84><\xe4\xb8\x89>\n",
	      "a bar inside a character is no delimiter");
	reads("a\n\xff|b\nc\n", &gbk,
	      "1#:<a>\n2!not valid GB18030: undecodable character at byte 0xff, offset "
	      "2\n"
	      "3:<c>\n",
	      "an undecodable byte spoils its row");
	reads("a\n\"b\n\xff\",c\nd\n", &plain,
	      "1#:<a>\n2!not valid UTF-8: undecodable character at byte 0xff, offset 5\n"
	      "4:<d>\n",
	      "all of it");
	reads("\x84\x31\x95\x33\xd5\xc5,b\n", &plain, "1#:<\xe5\xbc\xa0><b>\n",
	      "GB18030 is recognised by its mark");
	reads("\xff\xfe"
	      "a\0\t\0\x20\x5f\r\0\n\0b\0\t\0c\0",
	      &tab, "1#:<a><\xe5\xbc\xa0>\n2:<b><c>\n", "so is UTF-16LE");
	reads("\xff\xfe"
	      "a\0\n\0b",
	      &plain,
	      "1#:<a>\n2!not valid UTF-16LE: cut character at byte 0x62, offset 6\n",
	      "half a unit at the end is an error");
	reads("\xef\xbb\xbf"
	      "a\n",
	      &gbk, "1#:<a>\n", "a mark is believed before a given character set");
	reads("\xfe\xff"
	      "\0a\0|\x5f\x20",
	      &wide, "1#:<a><\xe5\xbc\xa0>\n", "UTF-16 of either order is told by it");
	reads("a\0|\0\x20\x5f", &wide, "1#:<a><\xe5\xbc\xa0>\n",
	      "UTF-16 without one has the order of Windows");
	reads("\x9eU|b\n", &hk, "1#:<\xe5\x86\xa7><b>\n",
	      "other character sets are those of iconv");
}

static int keep(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	(void)err;
	cdp_buf_add(ctx, p, n);
	return 0;
}

static int full(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	(void)ctx;
	(void)p;
	(void)n;
	return cdp_err_set(err, CDP_ERR_SYS, "no room");
}

/* A row over the ceiling goes elsewhere, whole. */
static void long_rows(void)
{
	struct cdp_buf file, kept;
	struct cdp_csv_opts opts = { .row_max = 1000, .long_sink = keep, .ctx = &kept };

	cdp_buf_init(&file, CDP_BUF_NOMAX);
	cdp_buf_init(&kept, CDP_BUF_NOMAX);
	/* The CR is the last byte of a block, the LF the first of the next one. */
	cdp_buf_adds(&file, "h\n");
	while (file.n < CDP_IN_BLOCK - 1)
		cdp_buf_addc(&file, 'x');
	cdp_buf_adds(&file, "\r\nz\n");
	is_str(rows_of(file.p, file.n, &opts),
	       "1#:<h>\n2!line of 262141 bytes, more than 1000=[262141]\n3:<z>\n",
	       "a line that ends where a block does is counted without its CR LF");
	ok(kept.n == file.n - 6 && memcmp(kept.p, file.p + 2, kept.n) == 0,
	   "and kept to the byte");
	opts.long_sink = full;
	is_str(rows_of(file.p, file.n, &opts), "1#:<h>\n!no room\n",
	       "when it cannot be kept the input ends");
	cdp_buf_release(&file);
	cdp_buf_release(&kept);
}

/* Rows that are at hand already. */
static void given(void)
{
	struct cdp_csv_opts opts = { .charset = "gbk", .delimiter = '|' };
	struct cdp_err err;
	struct cdp_csv *csv = cdp_csv_new(NULL, &opts, &err);
	struct cdp_csv_row row;

	for (int i = 0; i < 2; i++) {
		cdp_csv_give(csv, "\xd5\xc5|\"2\n3\"\nx", 10);
		ok(cdp_csv_next(csv, &row, &err) == 1 && row.count == 2 && !row.first &&
			   row.fields[0].n == 3 && row.fields[1].n == 3,
		   "a row that was given is split");
		ok(cdp_csv_next(csv, &row, &err) == 1 && row.count == 1 && row.line == 3,
		   "and what follows it");
		is_int(cdp_csv_next(csv, &row, &err), 0, "to the end");
	}
	cdp_csv_free(csv);
}

/* Files of old Macintosh programs. */
static void carriage_returns(void)
{
	struct cdp_csv_opts bar = { .delimiter = '|', .unquoted = true };
	struct cdp_buf b;

	reads("a,b\r1,2\r3,4", &plain, "1#:<a><b>\n2:<1><2>\n3:<3><4>\n",
	      "lines may all end with CR");
	reads("a,b\r\"x\ny\rz\",2\r3,4\r", &plain,
	      "1#:<a><b>\n2:<x\ny\rz><2>\n4:<3><4>\n", "quoted fields have both");
	reads("\"h\n\",b\r1,2\r", &plain, "1#:<h\n><b>\n2:<1><2>\n",
	      "an LF in quotes is not taken for a line end");
	reads("5\" h,b\r1,2\r", &plain, "1#:<5\" h><b>\n2:<1><2>\n",
	      "a quote inside a field does not hide the line end");
	reads("\"\"\"h\"\"\",b\r1,2\r", &plain, "1#:<\"h\"><b>\n2:<1><2>\n",
	      "nor do doubled ones");
	reads("a|b\r\r1|\"2\r", &bar, "1#:<a><b>\n3:<1><\"2>\n",
	      "without quotes as well, and blank lines are skipped");
	reads("\xff\xfe"
	      "a\0\r\0b\0\r\0",
	      &plain, "1#:<a>\n2:<b>\n", "in UTF-16 as well");
	reads("\r\na\r\nb\r\n", &plain, "2#:<a>\n3:<b>\n", "CR before LF belongs to it");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "h\r");
	for (int i = 0; i < 20000; i++)
		cdp_buf_adds(&b, "12345\r");
	cdp_buf_adds(&b, "6\n7\r8\r");
	rows_of(b.p, b.n, &plain);
	ok(strstr(rows_of(b.p, b.n, &plain),
		  "\n20001:<12345>\n20002!line feed inside a row\n20003:<8>\n"),
	   "a line feed far behind is no line end there");
	ok(strstr(rows_of(b.p, b.n, &bar),
		  "\n20001:<12345>\n20002!line feed inside a row\n20003:<8>\n"),
	   "nor is it data where there are no quotes");
	cdp_buf_release(&b);
}

static void inputs(void)
{
	char second[80], want[256];
	char none[] = "/nonexistent/x";
	char *operands[] = { path, second, none, path, none, NULL };
	int fd;

	snprintf(second, sizeof(second), "%s/second", dir);
	fd = open(second, O_WRONLY | O_CREAT, 0600);
	is_int(write(fd, "\xef\xbb\xbfh\n\"x", 7), 7, "there is a second file");
	close(fd);
	store("a\nb", 3);
	snprintf(want, sizeof(want),
		 "1#:<a>\n2:<b>\n1#:<h>\n2!quote opened in line 2 is not closed\n"
		 "!/nonexistent/x: No such file or directory\n1#:<a>\n2:<b>\n"
		 "!/nonexistent/x: No such file or directory\n");
	is_str(rows(operands, &plain), want,
	       "each input has its own header, lines and end; missing ones are named");
	unlink(second);
}

/* Bad rows here and there in a file of many blocks. */
static void resynchronising(void)
{
	struct cdp_buf file, want;

	cdp_buf_init(&file, CDP_BUF_NOMAX);
	cdp_buf_init(&want, CDP_BUF_NOMAX);
	for (int line = 1; line <= 60000; line++) {
		const char *first = line == 1 ? "#" : "";

		if (line % 7 == 0) {
			cdp_buf_addf(&file, "%d,\"open\n", line);
			cdp_buf_addf(&want, "%d!text after a closing quote in line %d\n",
				     line, line + 3);
		} else if (line % 7 == 3) {
			cdp_buf_addf(&file, "%d,\"x\"y\n", line);
			cdp_buf_addf(&want, "%d!text after a closing quote (column %d)\n",
				     line, snprintf(NULL, 0, "%d", line) + 5);
		} else if (line % 7 == 5) {
			cdp_buf_addf(&file, "%d,\"two\nlines\"\n", line);
			cdp_buf_addf(&want, "%d:<%d><two\nlines>\n", line, line);
			line++;
		} else {
			cdp_buf_addf(&file, "%d,fine\n", line);
			cdp_buf_addf(&want, "%d%s:<%d><fine>\n", line, first, line);
		}
	}
	is_str(rows_of(file.p, file.n, &plain), cdp_buf_str(&want),
	       "every good row is found behind a bad one");
	cdp_buf_release(&file);
	cdp_buf_release(&want);
}

/* A row is given as soon as its line is complete: this would hang otherwise. */
static void live(void)
{
	struct cdp_err err;
	struct cdp_in *in;
	struct cdp_csv *csv;
	struct cdp_csv_row row;
	int fd[2], saved = dup(0);

	if (pipe(fd) < 0)
		abort();
	dup2(fd[0], 0);
	in = cdp_in_new(NULL, NULL);
	csv = cdp_csv_new(in, &plain, &err);
	ok(write(fd[1], "a\nb", 3) == 3 && cdp_csv_next(csv, &row, &err) == 1 &&
		   row.fields[0].n == 1,
	   "a row comes while the writer goes on");
	close(fd[1]);
	ok(cdp_csv_next(csv, &row, &err) == 1 && row.line == 2,
	   "the last one at the end");
	is_int(cdp_csv_next(csv, &row, &err), 0, "then nothing");
	is_int(cdp_csv_next(csv, &row, &err), 0, "again nothing");
	cdp_csv_free(csv);
	cdp_in_free(in);
	close(fd[0]);
	dup2(saved, 0);
	close(saved);
}

/* Random rows, written and read back whatever the block ends. */
static void round_trip(void)
{
	static const char alphabet[] = "ab,\"\n\r '|";
	char *operands[] = { path, NULL };
	struct cdp_buf file, want, got;
	struct cdp_err err;
	struct cdp_csv_row row;
	struct cdp_csv *csv;
	struct cdp_in *in;
	uint32_t x = 7;

	cdp_buf_init(&file, CDP_BUF_NOMAX);
	cdp_buf_init(&want, CDP_BUF_NOMAX);
	cdp_buf_init(&got, CDP_BUF_NOMAX);
	for (int i = 0; i < 40000; i++) {
		for (size_t j = 0; j <= x >> 5 && j < 4; j++) {
			char f[20];
			size_t n;

			x = x * 1664525 + 1013904223;
			n = x >> 28;
			for (size_t k = 0; k < n; k++) {
				x = x * 1664525 + 1013904223;
				f[k] = alphabet[(x >> 24) % (sizeof(alphabet) - 1)];
			}
			cdp_csv_add_field(&file, ',', j, f, n);
			cdp_buf_addc(&want, 'f');
			cdp_buf_add(&want, f, n);
		}
		cdp_csv_end_row(&file);
		cdp_buf_addc(&want, 'R');
	}
	store(file.p, file.n);
	in = cdp_in_new(operands, NULL);
	csv = cdp_csv_new(in, &plain, &err);
	while (cdp_csv_next(csv, &row, &err) == 1) {
		for (size_t i = 0; i < row.count; i++) {
			cdp_buf_addc(&got, 'f');
			cdp_buf_add(&got, row.fields[i].p, row.fields[i].n);
		}
		cdp_buf_addc(&got, 'R');
	}
	ok(file.n > 3 * CDP_IN_BLOCK, "many rows are written");
	ok(got.n == want.n && memcmp(got.p, want.p, got.n) == 0,
	   "and read back the same");
	cdp_csv_free(csv);
	cdp_in_free(in);
	cdp_buf_release(&file);
	cdp_buf_release(&want);
	cdp_buf_release(&got);
}

static void writing(void)
{
	static const char *const in[] = { "",      "plain", "a,b", "say \"x\"",
					  " lead", "l\nf",  "" };
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < 7; i++)
		cdp_csv_add_field(&b, ',', i, in[i], strlen(in[i]));
	cdp_csv_end_row(&b);
	is_str(cdp_buf_str(&b),
	       "\"\",plain,\"a,b\",\"say \"\"x\"\"\",\" lead\",\"l\nf\",\n",
	       "fields are quoted when they need it");
	cdp_buf_release(&b);
}

static void usage(void)
{
	struct cdp_csv_opts bad = { .delimiter = '"' };

	reads("a", &bad,
	      "the delimiter must be one ASCII character, not a quote or line end",
	      "a quote is no delimiter");
	bad = (struct cdp_csv_opts){ .charset = "klingon" };
	ok(strstr(rows_of("a", 1, &bad), "unknown character set 'klingon'"),
	   "an unknown character set is refused");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/file", dir);
	fields();
	bad_rows();
	ceilings();
	character_sets();
	carriage_returns();
	long_rows();
	given();
	inputs();
	resynchronising();
	live();
	round_trip();
	writing();
	usage();
	unlink(path);
	is_int(rmdir(dir), 0, "nothing is left behind");
	return tap_done();
}
