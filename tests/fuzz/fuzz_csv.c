/* Any bytes as a table: the first one chooses how it is read.  No byte is in two rows,
 * fields are text, and the bytes of a good row alone give the same row again, as replayed
 * rejects need it. */
#include "base/mem.h"
#include "base/text.h"
#include "io/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static bool same(const struct cdp_csv_row *a, const struct cdp_csv_row *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->fields[i].n != b->fields[i].n ||
		    memcmp(a->fields[i].p, b->fields[i].p, a->fields[i].n) != 0)
			return false;
	return true;
}

static void check_row(const struct cdp_csv_row *row, const struct cdp_csv_opts *opts)
{
	struct cdp_csv_opts alone = *opts;
	struct cdp_csv_row again;
	struct cdp_csv *csv;
	struct cdp_err err;

	for (size_t i = 0; i < row->count; i++)
		check(cdp_utf8_check(row->fields[i].p, row->fields[i].n) ==
			      row->fields[i].n,
		      "a field is no UTF-8");
	alone.charset = row->charset;
	csv = cdp_csv_new(NULL, &alone, &err);
	check(csv, "the character set of a row is not known");
	cdp_csv_give(csv, row->raw, row->raw_len);
	check(cdp_csv_next(csv, &again, &err) == 1 && same(row, &again),
	      "a row alone is another one");
	check(cdp_csv_next(csv, &again, &err) == 0, "a row alone is several");
	cdp_csv_free(csv);
}

static void read_all(struct cdp_in *in, const struct cdp_csv_opts *opts, size_t size)
{
	struct cdp_err err;
	struct cdp_csv *csv = cdp_csv_new(in, opts, &err);
	struct cdp_csv_row row;
	size_t total = 0;
	int rc;

	while ((rc = cdp_csv_next(csv, &row, &err)) != 0) {
		total += row.raw_len;
		if (rc > 0)
			check_row(&row, opts);
		else
			check(err.kind == CDP_ERR_DATA, err.msg);
	}
	check(total <= size, "rows have more bytes than there are");
	cdp_csv_free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const charsets[] = {
		NULL,   "gb18030", "utf-16le", "utf-16be",
		"big5", "euc-tw",  "utf-16",   "shift_jis"
	};
	static const char delimiters[] = ",|;\t";
	struct cdp_csv_opts opts = { .row_max = 4096, .fields_max = 64 };
	char name[40];
	char *operands[] = { name, NULL };
	struct cdp_in *in;
	int fd;

	/* What is compressed would be more than it is. */
	if (size < 3 || (data[1] == 0x1f && data[2] == 0x8b) || data[1] == 0x28 ||
	    ((data[1] & 0xf0) == 0x50 && data[2] == 0x2a))
		return 0;
	opts.charset = charsets[data[0] & 7];
	opts.delimiter = delimiters[data[0] >> 3 & 3];
	opts.unquoted = data[0] & 0x20;
	fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	in = cdp_in_new(operands, NULL);
	read_all(in, &opts, size);
	cdp_in_free(in);
	close(fd);
	return 0;
}
