/* Any bytes: up to an empty line a map, then cells, a line each, given to that map and to
 * one with a column of each type.  Rows become text that is JSON. */
#include "base/text.h"
#include "format/canon.h"
#include "format/csvmap.h"
#include "record/scan.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char all_types[] =
	"{\"columns\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"],\"event\":"
	"\"x\","
	"\"fields\":[{\"column\":\"a\",\"to\":\"ids.a\"},{\"column\":\"b\",\"to\":"
	"\"props.b\","
	"\"type\":\"int\",\"thousands\":true},{\"column\":\"c\",\"to\":\"props.c\","
	"\"type\":"
	"\"number\"},{\"column\":\"d\",\"to\":\"props.d\",\"type\":\"decimal\"},{"
	"\"column\":\"e\","
	"\"to\":\"time\"},{\"column\":\"f\",\"to\":\"props.f\",\"type\":\"date\","
	"\"format\":"
	"\"%d/%b/"
	"%y\"},{\"column\":\"g\",\"to\":\"props.g\",\"type\":\"bool\"},{\"column\":\"h\","
	"\"to\":\"props.h\",\"type\":\"time\",\"format\":\"%Y%m%d %H:%M:%S.%f %z\"}],"
	"\"rest\":\"props\"}";

static void row(struct cdp_csvmap *m, const struct cdp_csv_field *f, size_t n)
{
	struct cdp_buf out;
	struct cdp_err err;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	if (cdp_csvmap_row(m, f, n, &out, &err) == 0) {
		if (cdp_json_check(out.p, out.n, &err) < 0) {
			fprintf(stderr, "%s: %.*s\n", err.msg, (int)out.n, out.p);
			abort();
		}
	} else if (out.n || err.kind != CDP_ERR_DATA) {
		abort();
	}
	cdp_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	const char *gap = memmem(p, size, "\n\n", 2);
	struct cdp_csv_field f[16];
	struct cdp_csvmap *m;
	struct cdp_err err;
	size_t n = 0;

	/* The reader of tables gives only UTF-8. */
	if (cdp_utf8_check(p, size) != size)
		return 0;
	m = gap ? cdp_csvmap_parse(p, (size_t)(gap - p), "map", NULL, 0, &err) : NULL;
	for (p = gap ? gap + 2 : p; p < end && n < 9; n++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		f[n] = (struct cdp_csv_field){ p, (size_t)((lf ? lf : end) - p) };
		p = lf ? lf + 1 : end;
	}
	while (n < 9)
		f[n++] = (struct cdp_csv_field){ "", 0 };
	/* A map that names its columns is bound; else these names are as good as any. */
	if (m && (!cdp_csvmap_has_header(m) || cdp_csvmap_bind(m, f, n, &err) == 0))
		row(m, f, n);
	cdp_csvmap_free(m);
	m = cdp_csvmap_parse(all_types, sizeof(all_types) - 1, "all", NULL, 0, &err);
	if (!m)
		abort();
	row(m, f, n);
	cdp_csvmap_free(m);
	return 0;
}
