/* Functions that clean text.  Names and meaning are those of CEL's strings extension but
 * for nfkc(), which is ours; positions count code points. */
#include "base/text.h"
#include "lang/prog.h"

#include <string.h>

static int no_overload(struct cdp_eval *ev, const struct cdp_node *n,
		       const struct cdp_value *args)
{
	struct cdp_buf b;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < n->count; i++)
		cdp_buf_addf(&b, "%s%s", i ? ", " : "", cdp_type_word(args[i].type));
	rc = cdp_eval_fail(ev, "no such overload: %s(%s)", n->func->name,
			   cdp_buf_str(&b));
	cdp_buf_release(&b);
	return rc;
}

/* Whether the arguments have these types, one letter each: string, int, list. */
static bool fit(const struct cdp_node *n, const struct cdp_value *args, const char *types)
{
	for (unsigned i = 0; i < n->count; i++) {
		uint8_t want = types[i] == 's'   ? CDP_V_STRING
			       : types[i] == 'i' ? CDP_V_INT
						 : CDP_V_LIST;

		if (args[i].type != want)
			return false;
	}
	return true;
}

static void set_text(struct cdp_value *out, const char *p, size_t n)
{
	*out = (struct cdp_value){ .type = CDP_V_STRING };
	out->s.p = p;
	out->s.n = n;
}

/* What a buffer of ours holds, where it lasts. */
static int take_text(struct cdp_eval *ev, struct cdp_buf *b, struct cdp_value *out)
{
	char *p = cdp_eval_alloc(ev, b->n ? b->n : 1);

	if (p) {
		memcpy(p, b->p, b->n);
		set_text(out, p, b->n);
	}
	cdp_buf_release(b);
	return p ? 0 : -1;
}

/* --- one text to another --- */

static bool is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static int trim(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		struct cdp_value *out)
{
	const char *p = args[0].s.p, *end, *kept;
	uint32_t c;

	if (!fit(n, args, "s"))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, args[0].s.n / 16) < 0)
		return -1;
	end = p + args[0].s.n;
	while (p < end) {
		unsigned k = cdp_utf8_next(p, (size_t)(end - p), &c);

		if (!is_space(c))
			break;
		p += k;
	}
	kept = p;
	for (const char *q = p; q < end;) {
		q += cdp_utf8_next(q, (size_t)(end - q), &c);
		if (!is_space(c))
			kept = q;
	}
	set_text(out, p, (size_t)(kept - p));
	return 0;
}

/* Letters from `first` to `first` + 25 in the other case. */
static int recase(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		  struct cdp_value *out, char first)
{
	char *p;

	if (!fit(n, args, "s"))
		return no_overload(ev, n, args);
	p = cdp_eval_alloc(ev, args[0].s.n + 1);
	if (!p)
		return -1;
	for (size_t i = 0; i < args[0].s.n; i++) {
		char c = args[0].s.p[i];

		p[i] = (unsigned char)(c - first) < 26 ? c ^ 0x20 : c;
	}
	set_text(out, p, args[0].s.n);
	return 0;
}

static int lower_ascii(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	return recase(ev, n, args, out, 'A');
}

static int upper_ascii(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	return recase(ev, n, args, out, 'a');
}

static int nfkc(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		struct cdp_value *out)
{
	struct cdp_buf b;

	if (!fit(n, args, "s"))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, args[0].s.n) < 0)
		return -1;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (cdp_text_nfkc(&b, args[0].s.p, args[0].s.n) < 0) {
		cdp_buf_release(&b);
		return cdp_eval_fail(ev, "nfkc() of what is no valid UTF-8");
	}
	return take_text(ev, &b, out);
}

/* --- parts --- */

/* Byte offset of the i-th code point, SIZE_MAX beyond the end. */
static size_t offset_of(const struct cdp_value *v, int64_t i)
{
	size_t at = 0;
	uint32_t c;

	for (; i > 0 && at < v->s.n; i--)
		at += cdp_utf8_next(v->s.p + at, v->s.n - at, &c);
	return i == 0 ? at : SIZE_MAX;
}

static int substring(struct cdp_eval *ev, const struct cdp_node *n,
		     struct cdp_value *args, struct cdp_value *out)
{
	size_t from, to;

	if (!fit(n, args, "sii"))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, args[0].s.n / 16) < 0)
		return -1;
	from = offset_of(&args[0], args[1].i);
	to = n->count < 3 ? args[0].s.n : offset_of(&args[0], args[2].i);
	if (from == SIZE_MAX || to == SIZE_MAX || from > to)
		return cdp_eval_fail(ev, "substring() of a range that is not in the "
					 "string");
	set_text(out, args[0].s.p + from, to - from);
	return 0;
}

/* The next place of a text that is not empty in [p, end), or NULL. */
static const char *next_of(const char *p, const char *end, const struct cdp_value *what)
{
	return p < end ? memmem(p, (size_t)(end - p), what->s.p, what->s.n) : NULL;
}

static int replace(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	const struct cdp_value *what = &args[1], *by = &args[2];
	const char *p = args[0].s.p, *end, *at;
	int64_t left = n->count < 4 ? -1 : args[3].i;
	struct cdp_buf b;

	if (!fit(n, args, "sssi"))
		return no_overload(ev, n, args);
	if (!what->s.n)
		return cdp_eval_fail(ev, "replace() of an empty string");
	if (cdp_eval_spend(ev, args[0].s.n) < 0)
		return -1;
	end = p + args[0].s.n;
	cdp_buf_init(&b, CDP_EVAL_BYTES);
	for (; left && !b.over && (at = next_of(p, end, what)); left--) {
		cdp_buf_add(&b, p, (size_t)(at - p));
		cdp_buf_add(&b, by->s.p, by->s.n);
		p = at + what->s.n;
	}
	cdp_buf_add(&b, p, (size_t)(end - p));
	if (!b.over)
		return take_text(ev, &b, out);
	cdp_buf_release(&b);
	return cdp_eval_fail(ev, "replace() makes too much");
}

/* --- lists --- */

static int put_item(struct cdp_eval *ev, struct cdp_value **items, size_t *n, size_t *cap,
		    const char *p, size_t len)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		struct cdp_value *v = cdp_eval_alloc(ev, more * sizeof(*v));

		if (!v)
			return -1;
		if (*n)
			memcpy(v, *items, *n * sizeof(*v));
		*items = v;
		*cap = more;
	}
	set_text(&(*items)[(*n)++], p, len);
	return 0;
}

/* Where the piece at p ends: at the separator, or after one code point if that is empty.
 */
static const char *piece_end(const char *p, const char *end, const struct cdp_value *by)
{
	uint32_t c;

	if (by->s.n)
		return next_of(p, end, by);
	p += cdp_utf8_next(p, (size_t)(end - p), &c);
	return p < end ? p : NULL;
}

static int split(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		 struct cdp_value *out)
{
	const char *p = args[0].s.p, *end, *at;
	int64_t left = n->count < 3 ? -1 : args[2].i;
	struct cdp_value *items = NULL;
	size_t count = 0, cap = 0;

	if (!fit(n, args, "ssi"))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, args[0].s.n) < 0)
		return -1;
	end = p + args[0].s.n;
	while (left != 0) {
		at = left == 1 || (p == end && !args[1].s.n)
			     ? NULL
			     : piece_end(p, end, &args[1]);
		/* Without a separator an empty text has no pieces. */
		if (!at && p == end && !args[1].s.n)
			break;
		if (put_item(ev, &items, &count, &cap, p, (size_t)((at ? at : end) - p)) <
		    0)
			return -1;
		if (!at)
			break;
		p = at + args[1].s.n;
		left -= left > 0;
	}
	*out = (struct cdp_value){ .type = CDP_V_LIST };
	out->list = cdp_list_new(ev->arena, items, count);
	return cdp_eval_made(ev, out);
}

static int join(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		struct cdp_value *out)
{
	const struct cdp_list *l = args[0].list;
	struct cdp_buf b;

	if (!fit(n, args, "ls"))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, cdp_list_count(l)) < 0)
		return -1;
	cdp_buf_init(&b, CDP_EVAL_BYTES);
	for (size_t i = 0; i < cdp_list_count(l) && !b.over; i++) {
		const struct cdp_value *v = cdp_list_at(l, i);

		if (v->type != CDP_V_STRING) {
			cdp_buf_release(&b);
			return cdp_eval_fail(ev, "join() of a list that has %s in it",
					     cdp_type_word(v->type));
		}
		if (i && n->count > 1)
			cdp_buf_add(&b, args[1].s.p, args[1].s.n);
		cdp_buf_add(&b, v->s.p, v->s.n);
	}
	if (!b.over)
		return take_text(ev, &b, out);
	cdp_buf_release(&b);
	return cdp_eval_fail(ev, "join() makes too much");
}

#define M CDP_F_METHOD
#define S CDP_TAKES_STRING
#define I CDP_TAKES_INT
const struct cdp_func cdp_text_funcs[] = {
	{ "trim", M, 1, 1, false, CDP_V_STRING, trim, { S } },
	{ "lowerAscii", M, 1, 1, false, CDP_V_STRING, lower_ascii, { S } },
	{ "upperAscii", M, 1, 1, false, CDP_V_STRING, upper_ascii, { S } },
	{ "nfkc", M, 1, 1, false, CDP_V_STRING, nfkc, { S } },
	{ "substring", M, 2, 3, false, CDP_V_STRING, substring, { S, I, I } },
	{ "replace", M, 3, 4, false, CDP_V_STRING, replace, { S, S, S, I } },
	{ "split", M, 2, 3, false, CDP_V_LIST, split, { S, S, I } },
	{ "join", M, 1, 2, false, CDP_V_STRING, join, { CDP_TAKES_LIST, S } },
	{ .name = NULL },
};
