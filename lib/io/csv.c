#include "io/csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "io/charset.h"
#include "io/csv_eol.h"

/* The state of libcsv's parser between rows, as csv_init() sets it. */
enum { row_not_begun = 0 };

/* The window `src` holds the current input from the row being read to what was read
 * last:
 *
 *	0 <= row <= at <= scanned <= src.n
 *
 * The lines [row, at) were fed to the parser and left a quote open; no line end is in
 * [at, scanned).  Until the row is complete its bytes stay, so that after an error the
 * lines behind its first one can be read afresh. */
struct cdp_csv {
	struct cdp_in *in;
	struct cdp_csv_opts opts;
	struct csv_parser parser;
	struct cdp_charset *charset; /* of the current input */

	struct cdp_block block;
	bool pending;  /* block belongs to the next input */
	bool open;     /* an input is being read */
	bool ended;    /* src has all of it */
	bool finished; /* there is no further input */
	bool fresh;    /* no row of it was given */
	bool marked;   /* its byte order mark was looked at */
	char eol;      /* what ends its lines, LF (perhaps after CR) or CR; 0: unknown */
	bool failed;   /* `failure` of the next input is to be reported */
	struct cdp_err failure;
	unsigned input;
	const char *name;

	struct cdp_buf src;
	size_t row, at, scanned;
	size_t first_end;    /* end of the row's first line */
	uint64_t src_offset; /* of src.p[0] in the input */
	uint64_t line;       /* number of the line at `at` */
	uint64_t row_line;
	uint64_t skipped;          /* bytes of a line that is longer than row_max */
	struct cdp_sha256 *sha256; /* of them */

	/* The row in the making. */
	struct cdp_buf decoded, text;
	struct cdp_csv_field *fields; /* p is an offset in text until the row is done */
	size_t count, cap;
	unsigned done; /* rows completed by the line just fed */
	bool blank;    /* the line just fed is */
	bool crowded;  /* over fields_max */
	bool spoiled;  /* `bad` tells of an undecodable byte in it */
	struct cdp_err bad;
};

static void *grow(void *p, size_t n)
{
	return cdp_realloc(p, n, 1);
}

static int never(unsigned char c)
{
	(void)c;
	return 0; /* spaces are data */
}

struct cdp_csv *cdp_csv_new(struct cdp_in *in, const struct cdp_csv_opts *opts,
			    struct cdp_err *err)
{
	struct cdp_csv *csv;
	char delimiter = opts->delimiter ? opts->delimiter : ',';

	if ((unsigned char)delimiter >= 0x80 || strchr("\r\n", delimiter) ||
	    (delimiter == '"' && !opts->unquoted)) {
		cdp_err_set(err, CDP_ERR_USAGE,
			    "the delimiter must be one ASCII character, not a quote or "
			    "line end");
		return NULL;
	}
	csv = cdp_calloc(1, sizeof(*csv));
	csv->in = in;
	csv->opts = *opts;
	csv->opts.delimiter = delimiter;
	if (!csv->opts.row_max)
		csv->opts.row_max = CDP_IN_LINE_MAX;
	if (!csv->opts.fields_max)
		csv->opts.fields_max = CDP_CSV_FIELDS;
	csv_init(&csv->parser, CSV_STRICT);
	csv_set_delim(&csv->parser, (unsigned char)delimiter);
	csv_set_space_func(&csv->parser, never);
	csv_set_realloc_func(&csv->parser, grow);
	csv_set_blk_size(&csv->parser, 64 * 1024);
	cdp_block_init(&csv->block);
	cdp_buf_init(&csv->src, CDP_BUF_NOMAX);
	cdp_buf_init(&csv->decoded, CDP_BUF_NOMAX);
	cdp_buf_init(&csv->text, CDP_BUF_NOMAX);
	csv->charset = cdp_charset_new(opts->charset ? opts->charset : "utf-8", err);
	if (!csv->charset) {
		cdp_csv_free(csv);
		return NULL;
	}
	return csv;
}

void cdp_csv_free(struct cdp_csv *csv)
{
	if (!csv)
		return;
	csv_free(&csv->parser);
	cdp_block_release(&csv->block);
	cdp_buf_release(&csv->src);
	cdp_buf_release(&csv->decoded);
	cdp_buf_release(&csv->text);
	cdp_charset_free(csv->charset);
	cdp_sha256_free(csv->sha256);
	free(csv->fields);
	free(csv);
}

static void reset_row(struct cdp_csv *csv)
{
	/* Without callbacks this only brings the parser back to the start of a row. */
	csv_fini(&csv->parser, NULL, NULL, NULL);
	cdp_buf_reset(&csv->text);
	csv->count = 0;
	csv->done = 0;
	csv->blank = csv->crowded = csv->spoiled = false;
	csv->row = csv->at;
	csv->row_line = csv->line;
}

/* --- bytes of the current input --- */

static void append_block(struct cdp_csv *csv)
{
	if (csv->row > 0) {
		memmove(csv->src.p, csv->src.p + csv->row, csv->src.n - csv->row);
		csv->src.n -= csv->row;
		csv->src_offset += csv->row;
		csv->at -= csv->row;
		csv->scanned -= csv->row;
		if (csv->first_end >= csv->row)
			csv->first_end -= csv->row;
		csv->row = 0;
	}
	cdp_buf_add(&csv->src, csv->block.data, csv->block.len);
	csv->pending = false;
}

static void begin(struct cdp_csv *csv)
{
	csv->open = csv->fresh = true;
	csv->ended = csv->marked = false;
	csv->eol = 0;
	csv->input = csv->block.input;
	csv->name = csv->block.name;
	cdp_buf_reset(&csv->src);
	csv->at = csv->scanned = csv->first_end = 0;
	csv->src_offset = csv->skipped = 0;
	cdp_sha256_free(csv->sha256);
	csv->sha256 = NULL;
	csv->line = 1;
	reset_row(csv);
}

static void begin_input(struct cdp_csv *csv)
{
	begin(csv);
	append_block(csv);
}

void cdp_csv_give(struct cdp_csv *csv, const char *p, size_t n)
{
	csv->block.input = 0;
	csv->block.name = "";
	cdp_buf_reset(&csv->src);
	csv->row = 0;
	begin(csv);
	cdp_buf_add(&csv->src, p, n);
	csv->fresh = false;
	csv->ended = csv->marked = csv->finished = true;
	csv->eol = '\n';
}

/* More bytes in src, or `ended`.  -1: the input failed; what is left of it is dropped. */
static int fetch(struct cdp_csv *csv, struct cdp_err *err)
{
	int status = cdp_in_bytes(csv->in, &csv->block, err);

	if (status < 0 && csv->open && csv->block.input != csv->input) {
		/* This input came to its end and the next one could not be opened. */
		csv->failed = csv->ended = true;
		csv->failure = *err;
		return 0;
	}
	if (status < 0) {
		csv->open = false;
		return -1;
	}
	csv->pending = status > 0;
	csv->finished = status == 0;
	if (csv->finished || (csv->open && csv->block.first))
		csv->ended = true;
	else if (csv->open)
		append_block(csv);
	return 0;
}

static void use_charset(struct cdp_csv *csv, const char *name)
{
	struct cdp_err err;

	if (strcmp(cdp_charset_name(csv->charset), name) == 0)
		return;
	cdp_charset_free(csv->charset);
	csv->charset = cdp_charset_new(name, &err);
	if (!csv->charset)
		CDP_BUG("%s", err.msg);
}

/* Skip the byte order mark; it knows the character set best.  1: done, 0: more bytes are
 * needed. */
static int read_bom(struct cdp_csv *csv)
{
	const char *name = csv->opts.charset ? csv->opts.charset : "UTF-8";
	int len = cdp_charset_of_bom(csv->src.p, csv->src.n, &name);

	if (len < 0 && !csv->ended)
		return 0;
	use_charset(csv, name);
	csv->at = csv->scanned = csv->row = len > 0 ? (size_t)len : 0;
	csv->marked = true;
	return 1;
}

/* Learns what ends the lines.  0: more bytes are needed. */
static int read_eol(struct cdp_csv *csv)
{
	struct csv_eol_text t = {
		.charset = csv->charset,
		.p = csv->src.p + csv->at,
		.n = csv->src.n - csv->at,
		.line_max = csv->opts.row_max,
		.quote_after = csv->opts.unquoted ? 0 : csv->opts.delimiter,
		.whole = csv->ended,
	};

	csv->eol = csv_eol(&t);
	return csv->eol != 0;
}

static int sink(struct cdp_csv *csv, const char *p, size_t n, struct cdp_err *err)
{
	if (!csv->sha256)
		csv->sha256 = cdp_sha256_new();
	cdp_sha256_add(csv->sha256, p, n);
	csv->skipped += n;
	return csv->opts.long_sink ? csv->opts.long_sink(csv->opts.ctx, p, n, err) : 0;
}

/* A line too long even alone: nothing of it is kept but a unit, which may be a CR whose
 * LF is still to come. */
static int skip_long(struct cdp_csv *csv, struct cdp_err *err)
{
	size_t n = csv->scanned - csv->at - cdp_charset_unit(csv->charset);

	if (sink(csv, csv->src.p + csv->at, n, err) < 0) {
		csv->open = false;
		csv->finished = true;
		return -1;
	}
	csv->at = csv->row = csv->at + n;
	return 0;
}

/* The next line is [at, *end), with its line end or at the end of the input without: 1;
 * 0: the input has no more lines; -1: the input failed.  An empty one (*end == at) means
 * that the row it would belong to is over its ceiling already. */
static int next_line(struct cdp_csv *csv, size_t *end, struct cdp_err *err)
{
	for (;;) {
		size_t unit, n;

		if ((!csv->marked && !read_bom(csv)) || (!csv->eol && !read_eol(csv))) {
			if (fetch(csv, err) < 0)
				return -1;
			continue;
		}
		unit = cdp_charset_unit(csv->charset);
		n = cdp_charset_find(csv->charset, csv->src.p + csv->scanned,
				     csv->src.n - csv->scanned, csv->eol);
		*end = csv->scanned + n;
		if (n > 0)
			return 1;
		csv->scanned = csv->src.n - (csv->src.n - csv->at) % unit;
		/* What is kept may include a CR whose LF is still to come. */
		if (csv->src.n - csv->row > csv->opts.row_max + 2 * unit) {
			*end = csv->at;
			if (csv->at > csv->row)
				return 1;
			if (skip_long(csv, err) < 0)
				return -1;
		}
		if (csv->ended) {
			*end = csv->src.n;
			return csv->src.n > csv->at || csv->skipped > 0;
		}
		if (fetch(csv, err) < 0)
			return -1;
	}
}

/* --- one line through the parser --- */

static void on_field(void *p, size_t n, void *ctx)
{
	struct cdp_csv *csv = ctx;

	if (csv->count == csv->opts.fields_max) {
		csv->crowded = true;
		return;
	}
	CDP_GROW(csv->fields, csv->count, csv->cap);
	csv->fields[csv->count].p = NULL;
	csv->fields[csv->count++].n = n;
	cdp_buf_add(&csv->text, p, n);
}

static void on_row(int terminator, void *ctx)
{
	struct cdp_csv *csv = ctx;

	(void)terminator;
	csv->done++;
}

static void split_unquoted(struct cdp_csv *csv, const char *p, size_t n)
{
	const char *end = p + n, *next;

	for (; (next = memchr(p, csv->opts.delimiter, (size_t)(end - p))); p = next + 1)
		on_field((void *)(uintptr_t)p, (size_t)(next - p), csv);
	on_field((void *)(uintptr_t)p, (size_t)(end - p), csv);
	csv->done++;
}

/* Decode [at, end), an undecodable byte as U+FFFD: it spoils the row, but the quotes
 * around it still tell where the row ends. */
static void decode(struct cdp_csv *csv, size_t end)
{
	size_t at = csv->at, used;
	struct cdp_err err;

	cdp_buf_reset(&csv->decoded);
	while (at < end) {
		int status = cdp_charset_decode(csv->charset, csv->src.p + at, end - at,
						true, csv->src_offset + at, &used,
						&csv->decoded, &err);
		at += used;
		if (status == 0)
			continue;
		if (!csv->spoiled)
			csv->bad = err;
		csv->spoiled = true;
		cdp_buf_adds(&csv->decoded, "\xef\xbf\xbd");
		at += cdp_charset_unit(csv->charset);
	}
}

static bool is_blank(const struct cdp_buf *b)
{
	size_t n = b->n;

	while (n && (b->p[n - 1] == '\n' || b->p[n - 1] == '\r'))
		n--;
	return n == 0;
}

static int refuse(struct cdp_csv *csv, size_t column, const char *cause,
		  struct cdp_err *err)
{
	if (csv->line == csv->row_line) {
		cdp_err_set(err, CDP_ERR_DATA, "%s", cause);
		err->column = column;
	} else {
		cdp_err_set(err, CDP_ERR_DATA, "%s in line %" PRIu64, cause, csv->line);
	}
	return -1;
}

static int refuse_line_end(struct cdp_csv *csv, struct cdp_err *err)
{
	const char *cause = csv->eol == '\r' ? "line feed inside a row"
					     : "carriage return inside a row";

	if (memchr(csv->decoded.p, '\0', csv->decoded.n))
		cause = "a line end among NUL bytes, as UTF-16 without a byte order mark "
			"has";
	return refuse(csv, 0, cause, err);
}

/* 0, or -1 with *err if the line cannot belong to a row.  `done` tells of a whole row. */
static int feed(struct cdp_csv *csv, size_t end, struct cdp_err *err)
{
	struct cdp_buf *b = &csv->decoded;
	size_t used;

	decode(csv, end);
	if (csv->at == csv->row && is_blank(b)) {
		csv->blank = true;
		return 0;
	}
	if (csv->opts.unquoted) {
		if (b->p[b->n - 1] == csv->eol)
			b->n--;
		if (csv->eol == '\r' && memchr(b->p, '\n', b->n))
			return refuse_line_end(csv, err);
		/* As the parser does: text files converted twice have CR CR LF. */
		while (csv->eol == '\n' && b->n && b->p[b->n - 1] == '\r')
			b->n--;
		split_unquoted(csv, b->p, b->n);
		return 0;
	}
	if (csv->at == csv->row && (b->p[0] == '\n' || b->p[0] == '\r'))
		return refuse_line_end(csv, err); /* the parser would pass over it */
	if (b->p[b->n - 1] != csv->eol)
		cdp_buf_addc(b, '\n');
	for (used = 0; used < b->n; used++) {
		used += csv_parse(&csv->parser, b->p + used, b->n - used, on_field,
				  on_row, csv);
		if (used == b->n)
			break;
		if (csv->parser.quoted)
			return refuse(csv, used + 1, "text after a closing quote", err);
		/* A quote inside an unquoted field: a byte like any other. */
		csv_set_opts(&csv->parser, 0);
		csv_parse(&csv->parser, "\"", 1, on_field, on_row, csv);
		csv_set_opts(&csv->parser, CSV_STRICT);
	}
	if (csv->done > 1 || (csv->done && csv->parser.pstate != row_not_begun))
		return refuse_line_end(csv, err);
	return 0;
}

/* --- rows --- */

static void describe(struct cdp_csv *csv, struct cdp_csv_row *row, size_t end)
{
	row->raw = csv->src.p + csv->row;
	row->raw_len =
		cdp_charset_chomp(csv->charset, row->raw, end - csv->row, csv->eol);
	row->line = csv->row_line;
	row->input = csv->input;
	row->name = csv->name;
	row->charset = cdp_charset_name(csv->charset);
	row->first = csv->fresh;
	row->fields = csv->fields;
	row->count = 0;
	csv->fresh = false;
}

/* The row's first line is bad; what follows it is read afresh. */
static int reject_line(struct cdp_csv *csv, struct cdp_csv_row *row)
{
	describe(csv, row, csv->first_end);
	csv->at = csv->scanned = csv->first_end;
	csv->line = csv->row_line + 1;
	reset_row(csv);
	return -1;
}

static int reject_long(struct cdp_csv *csv, size_t end, struct cdp_csv_row *row,
		       struct cdp_err *err)
{
	describe(csv, row, end);
	if (sink(csv, row->raw, row->raw_len, err) < 0) {
		csv->open = false;
		csv->finished = true;
		return -1;
	}
	row->raw = NULL;
	row->raw_len = csv->skipped;
	cdp_sha256_hex(csv->sha256, row->long_sha256);
	cdp_sha256_free(csv->sha256);
	csv->sha256 = NULL;
	csv->skipped = 0;
	csv->at = csv->scanned = end;
	csv->line++;
	reset_row(csv);
	return cdp_err_set(err, CDP_ERR_DATA, "line of %zu bytes, more than %zu",
			   row->raw_len, csv->opts.row_max);
}

/* [row, end) is a whole row. */
static int finish_row(struct cdp_csv *csv, size_t end, struct cdp_csv_row *row,
		      struct cdp_err *err)
{
	const char *p = csv->text.p;
	size_t count = csv->count;
	int status = 1;

	describe(csv, row, end);
	for (size_t i = 0; i < count; i++) {
		csv->fields[i].p = p;
		p += csv->fields[i].n;
	}
	if (csv->spoiled) {
		*err = csv->bad;
		status = -1;
	} else if (csv->crowded) {
		status = cdp_err_set(err, CDP_ERR_DATA, "more than %zu fields",
				     csv->opts.fields_max);
	} else {
		row->count = count;
	}
	csv->at = csv->scanned = end;
	csv->line++;
	reset_row(csv);
	return status;
}

static int reject_open_quote(struct cdp_csv *csv, const char *where,
			     struct cdp_csv_row *row, struct cdp_err *err)
{
	cdp_err_set(err, CDP_ERR_DATA, "quote opened in line %" PRIu64 " is not closed%s",
		    csv->row_line, where);
	return reject_line(csv, row);
}

/* A row of the current input, or 0 at its end. */
static int next_row(struct cdp_csv *csv, struct cdp_csv_row *row, struct cdp_err *err)
{
	for (;;) {
		bool over;
		size_t end;
		int status = next_line(csv, &end, err);

		if (status < 0)
			return -1;
		if (status == 0)
			return csv->at > csv->row ? reject_open_quote(csv, "", row, err)
						  : 0;
		if (csv->skipped)
			return reject_long(csv, end, row, err);
		over = cdp_charset_chomp(csv->charset, csv->src.p + csv->row,
					 end - csv->row, csv->eol) > csv->opts.row_max;
		if (csv->at > csv->row && (over || end == csv->at))
			return reject_open_quote(csv, " within the row ceiling", row,
						 err);
		if (over)
			return reject_long(csv, end, row, err);
		if (csv->at == csv->row)
			csv->first_end = end;
		if (feed(csv, end, err) < 0)
			return reject_line(csv, row);
		if (csv->done)
			return finish_row(csv, end, row, err);
		csv->at = csv->scanned = end;
		csv->line++;
		if (csv->blank)
			reset_row(csv);
	}
}

int cdp_csv_next(struct cdp_csv *csv, struct cdp_csv_row *row, struct cdp_err *err)
{
	for (;;) {
		int status;

		if (!csv->open && csv->failed) {
			csv->failed = false;
			*err = csv->failure;
			return -1;
		}
		if (!csv->open && !csv->pending) {
			if (csv->finished)
				return 0;
			if (fetch(csv, err) < 0)
				return -1;
			if (csv->finished)
				return 0;
		}
		if (!csv->open)
			begin_input(csv);
		status = next_row(csv, row, err);
		if (status != 0)
			return status;
		csv->open = false;
	}
}
