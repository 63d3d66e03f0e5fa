#include "lang/lex.h"

#include "base/num.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int cdp_lex_error(const char *text, size_t n, size_t pos, struct cdp_err *err,
		  const char *fmt, ...)
{
	size_t line = 1, column = 1;
	va_list ap;
	int k;

	for (size_t i = 0; i < pos && i < n; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	err->kind = CDP_ERR_USAGE;
	err->column = pos + 1;
	err->path[0] = '\0';
	k = snprintf(err->msg, sizeof(err->msg), "%zu:%zu: ", line, column);
	va_start(ap, fmt);
	vsnprintf(err->msg + k, sizeof(err->msg) - (size_t)k, fmt, ap);
	va_end(ap);
	return -1;
}

#define FAIL(x, p, ...)                                                                  \
	cdp_lex_error((x)->text, (size_t)((x)->end - (x)->text),                         \
		      (size_t)((p) - (x)->text), err, __VA_ARGS__)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
	return is_digit(c)            ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Bytes of the letter, digit, '_' or '$' at p; 0 for anything else. */
static size_t word_char(const char *p, const char *end)
{
	uint32_t cp;
	size_t n;

	if (p >= end)
		return 0;
	if ((unsigned char)*p < 0x80)
		return is_digit(*p) || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') ||
		       *p == '_' || *p == '$';
	n = cdp_utf8_next(p, (size_t)(end - p), &cp);
	return cdp_utf8_is_word(cp) ? n : 0;
}

size_t cdp_lex_name(const char *p, size_t n)
{
	const char *at = p, *end = p + n;
	size_t k;

	if (n && is_digit(*p))
		return 0;
	while ((k = word_char(at, end)))
		at += k;
	return (size_t)(at - p);
}

int cdp_lex_init(struct cdp_lex *x, const char *text, size_t n, struct cdp_arena *arena,
		 struct cdp_err *err)
{
	size_t bad = cdp_utf8_check(text, n);

	*x = (struct cdp_lex){
		.text = text, .end = text + n, .at = text, .arena = arena
	};
	if (bad < n)
		return FAIL(x, text + bad, "invalid UTF-8");
	return 0;
}

static void skip_space(struct cdp_lex *x)
{
	while (x->at < x->end) {
		if (strchr(" \t\r\n\f", *x->at) && *x->at) {
			x->at++;
		} else if (x->end - x->at >= 2 && x->at[0] == '/' && x->at[1] == '/') {
			const char *nl = memchr(x->at, '\n', (size_t)(x->end - x->at));

			x->at = nl ? nl + 1 : x->end;
		} else {
			return;
		}
	}
}

/* ---- numbers ---- */

/* Digits of the given base up to `end`; false if they pass 64 bits. */
static bool digits_value(const char *p, const char *end, unsigned base, uint64_t *v)
{
	*v = 0;
	for (; p < end; p++)
		if (__builtin_mul_overflow(*v, base, v) ||
		    __builtin_add_overflow(*v, (uint64_t)hex_digit(*p), v))
			return false;
	return true;
}

static int lex_int(struct cdp_lex *x, const char *start, const char *digits,
		   unsigned base, struct cdp_err *err)
{
	bool fits, is_uint;
	uint64_t v;

	fits = digits_value(digits, x->at, base, &v);
	is_uint = x->at < x->end && (*x->at == 'u' || *x->at == 'U');
	if (is_uint)
		x->at++;
	x->int_min = fits && !is_uint && v == (uint64_t)INT64_MAX + 1;
	if (!fits || (!is_uint && v > (uint64_t)INT64_MAX + 1))
		return FAIL(x, start, "integer '%.*s' does not fit 64 bits",
			    (int)(x->at - start < 60 ? x->at - start : 60), start);
	x->value = (struct cdp_value){ .type = is_uint ? CDP_V_UINT : CDP_V_INT };
	x->value.u = v;
	return 0;
}

/* CEL allows ".5" and leading zeros where JSON does not. */
static int lex_double(struct cdp_lex *x, const char *start, struct cdp_err *err)
{
	size_t n = (size_t)(x->at - start);
	char *json = cdp_arena_alloc(x->arena, n + 2);
	size_t k = 0;

	while (n > 1 && *start == '0' && is_digit(start[1])) {
		start++;
		n--;
	}
	if (*start == '.')
		json[k++] = '0';
	memcpy(json + k, start, n);
	x->value = (struct cdp_value){ .type = CDP_V_DOUBLE };
	return cdp_num_double(&x->value.d, json, k + n, err);
}

static void skip_digits(struct cdp_lex *x)
{
	while (x->at < x->end && is_digit(*x->at))
		x->at++;
}

static bool skip_exponent(struct cdp_lex *x)
{
	const char *p = x->at;

	if (p >= x->end || (*p != 'e' && *p != 'E'))
		return false;
	p++;
	if (p < x->end && (*p == '+' || *p == '-'))
		p++;
	if (p >= x->end || !is_digit(*p))
		return false;
	x->at = p;
	skip_digits(x);
	return true;
}

static int lex_number(struct cdp_lex *x, struct cdp_err *err)
{
	const char *start = x->at;
	bool real = false;
	int r;

	x->token = CDP_T_LITERAL;
	if (x->end - start > 2 && start[0] == '0' && (start[1] | 0x20) == 'x' &&
	    hex_digit(start[2]) >= 0) {
		for (x->at += 2; x->at < x->end && hex_digit(*x->at) >= 0;)
			x->at++;
		r = lex_int(x, start, start + 2, 16, err);
	} else {
		skip_digits(x);
		if (x->end - x->at >= 2 && *x->at == '.' && is_digit(x->at[1])) {
			real = true;
			x->at++;
			skip_digits(x);
		}
		real |= skip_exponent(x);
		r = real ? lex_double(x, start, err) : lex_int(x, start, start, 10, err);
	}
	if (r == 0 && word_char(x->at, x->end))
		return FAIL(x, x->at, "unexpected '%.*s' after a number",
			    (int)word_char(x->at, x->end), x->at);
	return r;
}

/* ---- strings ---- */

struct quote {
	bool raw, bytes;
	char mark;
	unsigned count; /* 1 or 3 */
};

static bool at_close(const struct cdp_lex *x, const struct quote *q)
{
	if ((size_t)(x->end - x->at) < q->count)
		return false;
	for (unsigned i = 0; i < q->count; i++)
		if (x->at[i] != q->mark)
			return false;
	return true;
}

static size_t put_code(char *out, uint32_t code, const struct quote *q, bool octet)
{
	if (q->bytes && octet) {
		*out = (char)code;
		return 1;
	}
	return cdp_utf8_put(out, code);
}

/* `n` digits of the base at x->at. */
static int escape_digits(struct cdp_lex *x, unsigned n, unsigned base, uint32_t *code,
			 const char *slash, struct cdp_err *err)
{
	*code = 0;
	for (unsigned i = 0; i < n; i++, x->at++) {
		int d = x->at < x->end ? hex_digit(*x->at) : -1;

		if (d < 0 || d >= (int)base)
			return FAIL(x, slash, "expected %u %s digits in the escape", n,
				    base == 16 ? "hexadecimal" : "octal");
		*code = *code * base + (uint32_t)d;
	}
	return 0;
}

/* After a backslash; writes what it stands for. */
static int lex_escape(struct cdp_lex *x, const struct quote *q, char **out,
		      struct cdp_err *err)
{
	static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
	const char *slash = x->at - 1, *simple;
	unsigned n = 0, base = 16;
	uint32_t code;
	char c;

	if (x->at >= x->end)
		return FAIL(x, slash, "string is not closed");
	c = *x->at++;
	simple = c ? strchr(from, c) : NULL;
	if (simple) {
		*(*out)++ = to[simple - from];
		return 0;
	}
	if (c == 'x' || c == 'X') {
		n = 2;
	} else if (c == 'u' || c == 'U') {
		n = c == 'u' ? 4 : 8;
	} else if (c >= '0' && c <= '3') {
		n = 3;
		base = 8;
		x->at--;
	}
	if (n == 0 || (q->bytes && n >= 4))
		return FAIL(x, slash, "invalid escape '\\%c' in a %s", c < ' ' ? ' ' : c,
			    q->bytes ? "bytes literal" : "string");
	if (escape_digits(x, n, base, &code, slash, err) < 0)
		return -1;
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return FAIL(x, slash, "escape is no Unicode character");
	*out += put_code(*out, code, q, n < 4);
	return 0;
}

/* Bytes up to the closing quote, or to the end if there is none. */
static size_t string_length(struct cdp_lex x, const struct quote *q)
{
	const char *start = x.at;

	while (x.at < x.end && !at_close(&x, q))
		x.at += *x.at == '\\' && !q->raw && x.end - x.at >= 2 ? 2 : 1;
	return (size_t)(x.at - start);
}

static int lex_string(struct cdp_lex *x, struct quote q, struct cdp_err *err)
{
	const char *start = x->at;
	char *text, *out;

	q.mark = *x->at;
	q.count = 3;
	if (!at_close(x, &q))
		q.count = 1;
	x->at += q.count;
	/* No escape is shorter than what it stands for. */
	text = out = cdp_arena_alloc(x->arena, string_length(*x, &q) + 1);
	while (!at_close(x, &q)) {
		if (x->at >= x->end ||
		    (q.count == 1 && (*x->at == '\n' || *x->at == '\r')))
			return FAIL(x, start, "string is not closed");
		if (*x->at != '\\' || q.raw) {
			*out++ = *x->at++;
			continue;
		}
		x->at++;
		if (lex_escape(x, &q, &out, err) < 0)
			return -1;
	}
	x->at += q.count;
	x->token = CDP_T_LITERAL;
	x->value = (struct cdp_value){ .type = q.bytes ? CDP_V_BYTES : CDP_V_STRING,
				       .s = { text, (size_t)(out - text) } };
	return 0;
}

/* At r'..', b"..", br'''..''' or a plain quote: which, and where the quote is. */
static bool string_prefix(struct cdp_lex *x, struct quote *q)
{
	const char *p = x->at;

	*q = (struct quote){ 0 };
	if (p < x->end && (*p == 'b' || *p == 'B')) {
		q->bytes = true;
		p++;
	}
	if (p < x->end && (*p == 'r' || *p == 'R')) {
		q->raw = true;
		p++;
	}
	if (p >= x->end || (*p != '"' && *p != '\''))
		return false;
	x->at = p;
	return true;
}

/* ---- names and punctuation ---- */

static void lex_name(struct cdp_lex *x)
{
	static const struct {
		const char *word;
		enum cdp_token token;
		struct cdp_value value;
	} keywords[] = {
		{ "in", CDP_T_IN, { 0 } },
		{ "true", CDP_T_LITERAL, { .type = CDP_V_BOOL, .b = true } },
		{ "false", CDP_T_LITERAL, { .type = CDP_V_BOOL } },
		{ "null", CDP_T_LITERAL, { .type = CDP_V_NULL } },
	};

	x->name = x->at;
	x->name_n = cdp_lex_name(x->at, (size_t)(x->end - x->at));
	x->at += x->name_n;
	x->token = CDP_T_IDENT;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strlen(keywords[i].word) == x->name_n &&
		    memcmp(keywords[i].word, x->name, x->name_n) == 0) {
			x->token = keywords[i].token;
			x->value = keywords[i].value;
		}
}

static int lex_quoted_name(struct cdp_lex *x, struct cdp_err *err)
{
	const char *close = memchr(x->at + 1, '`', (size_t)(x->end - x->at - 1));

	if (!close || memchr(x->at, '\n', (size_t)(close - x->at)))
		return FAIL(x, x->at, "name in backquotes is not closed");
	x->name = x->at + 1;
	x->name_n = (size_t)(close - x->name);
	x->at = close + 1;
	x->token = CDP_T_QUOTED;
	return 0;
}

/* Typographic quotes and full-width signs come from word processors and input methods. */
static int unexpected_char(const struct cdp_lex *x, struct cdp_err *err)
{
	uint32_t cp;
	unsigned n = cdp_utf8_next(x->at, (size_t)(x->end - x->at), &cp);
	bool quote = cp >= 0x2018 && cp <= 0x201f;

	return FAIL(x, x->at, "unexpected '%.*s'%s", (int)n, x->at,
		    quote ? "; write ' or \"" : "");
}

static int lex_punct(struct cdp_lex *x, struct cdp_err *err)
{
	static const struct {
		char text[3];
		enum cdp_token token;
	} pairs[] = {
		{ "||", CDP_T_OR }, { "&&", CDP_T_AND }, { "<=", CDP_T_LE },
		{ ">=", CDP_T_GE }, { "==", CDP_T_EQ },  { "!=", CDP_T_NE },
	};
	char c = *x->at;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (x->end - x->at >= 2 && memcmp(x->at, pairs[i].text, 2) == 0) {
			x->token = pairs[i].token;
			x->at += 2;
			return 0;
		}
	if (c == '=' || c == '&' || c == '|')
		return FAIL(x, x->at, "unexpected '%c'; did you mean '%c%c'?", c, c, c);
	if ((unsigned char)c < ' ' || c == 127)
		return FAIL(x, x->at, "unexpected control character");
	if (!strchr("+-*/%!?:.,()[]{}<>", c))
		return unexpected_char(x, err);
	x->token = c == '<' ? CDP_T_LT : c == '>' ? CDP_T_GT : CDP_T_PUNCT;
	x->punct = c;
	x->at++;
	return 0;
}

int cdp_lex_next(struct cdp_lex *x, struct cdp_err *err)
{
	struct quote q;
	int r = 0;

	skip_space(x);
	x->int_min = false;
	x->punct = '\0';
	x->pos = (size_t)(x->at - x->text);
	if (x->at >= x->end)
		x->token = CDP_T_END;
	else if (string_prefix(x, &q))
		r = lex_string(x, q, err);
	else if (is_digit(*x->at) ||
		 (*x->at == '.' && x->end - x->at >= 2 && is_digit(x->at[1])))
		r = lex_number(x, err);
	else if (*x->at == '`')
		r = lex_quoted_name(x, err);
	else if (word_char(x->at, x->end))
		lex_name(x);
	else
		r = lex_punct(x, err);
	x->len = (size_t)(x->at - x->text) - x->pos;
	return r;
}
