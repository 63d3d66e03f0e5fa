/* Why a text is not JSON, for people: one byte at a time, first fault first, with its
 * column and the path of the member it is in.  Slow and plain on purpose; it shares
 * nothing with the scanners, whose verdicts it must confirm. */
#include "record/scan_impl.h"

#include <stdio.h>

struct level {
	const char *key; /* current member's raw key, between its quotes */
	uint32_t key_len;
	bool array;
	size_t item; /* current item of an array */
};

struct reader {
	const char *begin, *p, *end;
	bool record;
	unsigned depth;
	struct level levels[CDP_DEPTH_MAX];
	struct cdp_err *err;
};

/* Path of the innermost member: "props.items[3].name". */
static void put_path(const struct reader *r)
{
	struct cdp_err *err = r->err;
	size_t n = 0, max = sizeof(err->path);

	for (unsigned i = 0; i < r->depth; i++) {
		const struct level *l = &r->levels[i];
		int w;

		if (l->array)
			w = snprintf(err->path + n, max - n, "[%zu]", l->item);
		else if (l->key)
			w = snprintf(err->path + n, max - n, "%s%.*s", i ? "." : "",
				     (int)l->key_len, l->key);
		else
			break;
		if (w < 0 || (size_t)w >= max - n) {
			err->path[n] = '\0';
			return;
		}
		n += (size_t)w;
	}
}

static int fault(const struct reader *r, const char *at, const char *what)
{
	cdp_err_set(r->err, CDP_ERR_DATA, "%s", what);
	r->err->column = (size_t)(at - r->begin) + 1;
	put_path(r);
	return -1;
}

static int unexpected(const struct reader *r)
{
	unsigned c;
	char what[40];

	if (r->p >= r->end)
		return fault(r, r->end,
			     r->record ? "unexpected end of line"
				       : "unexpected end of text");
	c = (unsigned char)*r->p;
	if (c > ' ' && c < 0x7f)
		snprintf(what, sizeof(what),
			 c == '\'' ? "unexpected \"%c\"" : "unexpected '%c'", (int)c);
	else
		snprintf(what, sizeof(what), "unexpected byte 0x%02x", c);
	return fault(r, r->p, what);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' ||
				 (*r->p == '\n' && !r->record)))
		r->p++;
}

/* Length of the well-formed sequence at p (Unicode, table 3-7), 0 if ill-formed. */
static unsigned utf8_length(const unsigned char *p, const unsigned char *end)
{
	static const struct {
		unsigned char first, last, second_min, second_max, length;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned n = rows[i].length;

		if (*p < rows[i].first || *p > rows[i].last)
			continue;
		if ((size_t)(end - p) < n || p[1] < rows[i].second_min ||
		    p[1] > rows[i].second_max)
			return 0;
		for (unsigned k = 2; k < n; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return n;
	}
	return 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At a backslash. */
static int read_escape(struct reader *r, const char *string)
{
	const char *at = r->p;
	char what[40];
	char c;

	if (at + 1 >= r->end)
		return fault(r, string, "unterminated string");
	c = at[1];
	if (c == 'u') {
		for (int i = 2; i < 6; i++)
			if (at + i >= r->end || !is_hex(at[i]))
				return fault(r, at, "'\\u' without four hex digits");
		r->p += 6;
		return 0;
	}
	if (c && strchr("\"\\/bfnrt", c)) {
		r->p += 2;
		return 0;
	}
	if (c > ' ' && c < 0x7f)
		snprintf(what, sizeof(what), "invalid escape '\\%c'", c);
	else
		snprintf(what, sizeof(what), "backslash before byte 0x%02x",
			 (unsigned)(unsigned char)c);
	return fault(r, at, what);
}

static int read_string(struct reader *r)
{
	const char *string = r->p++;
	char what[40];

	while (r->p < r->end) {
		unsigned c = (unsigned char)*r->p;
		unsigned n = 1;

		if (c == '"') {
			r->p++;
			return 0;
		}
		if (c == '\\') {
			if (read_escape(r, string) < 0)
				return -1;
			continue;
		}
		if (c < ' ') {
			snprintf(what, sizeof(what), "control byte 0x%02x in string", c);
			return fault(r, r->p, what);
		}
		if (c >= 0x80)
			n = utf8_length((const unsigned char *)r->p,
					(const unsigned char *)r->end);
		if (!n)
			return fault(r, r->p, "invalid UTF-8");
		r->p += n;
	}
	return fault(r, string, "unterminated string");
}

static bool read_digits(struct reader *r)
{
	const char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > from;
}

static int read_number(struct reader *r)
{
	const char *from;

	if (*r->p == '-')
		r->p++;
	from = r->p;
	if (!read_digits(r))
		return fault(r, r->p, "no digit after '-'");
	if (*from == '0' && r->p > from + 1)
		return fault(r, from, "leading zero in number");
	if (r->p < r->end && *r->p == '.') {
		r->p++;
		if (!read_digits(r))
			return fault(r, r->p, "no digit after '.'");
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		r->p++;
		if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
			r->p++;
		if (!read_digits(r))
			return fault(r, r->p, "no digit in exponent");
	}
	return 0;
}

static int read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);
	char what[40];

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) {
		snprintf(what, sizeof(what), "expected '%s'", word);
		return fault(r, r->p, what);
	}
	r->p += n;
	return 0;
}

static int read_scalar(struct reader *r)
{
	switch (r->p < r->end ? *r->p : '\0') {
	case '"':
		return read_string(r);
	case 't':
		return read_word(r, "true");
	case 'f':
		return read_word(r, "false");
	case 'n':
		return read_word(r, "null");
	case '-':
		return read_number(r);
	default:
		if (r->p < r->end && *r->p >= '0' && *r->p <= '9')
			return read_number(r);
		return unexpected(r);
	}
}

/* At a key; leaves r->p at the value. */
static int read_key(struct reader *r)
{
	struct level *l = &r->levels[r->depth - 1];
	const char *from;

	if (r->p >= r->end || *r->p != '"')
		return unexpected(r);
	from = r->p + 1;
	if (read_string(r) < 0)
		return -1;
	l->key = from;
	l->key_len = (uint32_t)(r->p - 1 - from);
	skip_space(r);
	if (r->p >= r->end || *r->p != ':')
		return unexpected(r);
	r->p++;
	skip_space(r);
	return 0;
}

/* At '{' or '['.  1: it is entered, and a value is next; 0: it was empty. */
static int open_container(struct reader *r)
{
	struct level *l;
	bool array = *r->p == '[';

	if (r->depth == CDP_DEPTH_MAX)
		return fault(r, r->p, "nested deeper than 256");
	l = &r->levels[r->depth++];
	*l = (struct level){ .array = array };
	r->p++;
	skip_space(r);
	if (r->p < r->end && *r->p == (array ? ']' : '}')) {
		r->p++;
		r->depth--;
		return 0;
	}
	return array ? 1 : read_key(r) < 0 ? -1 : 1;
}

/* After a value: leaves every container that ends here.  1: a value is next; 0: the
 * outermost value is complete. */
static int next_value(struct reader *r)
{
	while (r->depth) {
		struct level *l = &r->levels[r->depth - 1];

		skip_space(r);
		if (r->p < r->end && *r->p == ',') {
			r->p++;
			skip_space(r);
			l->item++;
			l->key = NULL;
			return l->array ? 1 : read_key(r) < 0 ? -1 : 1;
		}
		if (r->p >= r->end || *r->p != (l->array ? ']' : '}'))
			return unexpected(r);
		r->p++;
		r->depth--;
	}
	return 0;
}

static int read_text(struct reader *r)
{
	int more = 1;

	skip_space(r);
	while (more > 0) {
		if (r->p < r->end && (*r->p == '{' || *r->p == '['))
			more = open_container(r);
		else
			more = read_scalar(r);
		if (more == 0)
			more = next_value(r);
	}
	if (more < 0)
		return -1;
	skip_space(r);
	return r->p == r->end ? 0 : unexpected(r);
}

static const char *kind_of(char c)
{
	switch (c) {
	case '[':
		return "the record is an array, not an object";
	case '"':
		return "the record is a string, not an object";
	case 't':
	case 'f':
		return "the record is a boolean, not an object";
	case 'n':
		return "the record is null, not an object";
	default:
		return "the record is a number, not an object";
	}
}

int cdp_explain(const char *p, size_t n, bool record, struct cdp_err *err)
{
	struct reader r = { .begin = p, .p = p, .end = p + n, .record = record };
	const char *first;

	r.err = err;
	skip_space(&r);
	first = r.p;
	if (record && first < r.end && *first == '[')
		return fault(&r, first, kind_of('['));
	if (read_text(&r) < 0)
		return -1;
	if (record && *first != '{')
		return fault(&r, first, kind_of(*first));
	return 0;
}

int cdp_json_check(const char *p, size_t n, struct cdp_err *err)
{
	return cdp_explain(p, n, false, err);
}
