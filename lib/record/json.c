#include "record/json.h"

#include <string.h>

#include "record/scan_impl.h"

/* --- reading --- */

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static void put_code(struct cdp_buf *b, unsigned c)
{
	char t[4];
	unsigned n = 0;

	if (c < 0x80) {
		t[n++] = (char)c;
	} else if (c < 0x800) {
		t[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		t[n++] = (char)(0xe0 | c >> 12);
		t[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		t[n++] = (char)(0xf0 | c >> 18);
		t[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		t[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		t[n++] = (char)(0x80 | (c & 0x3f));
	cdp_buf_add(b, t, n);
}

/* At the 'u' of an escape; returns what follows it. */
static const char *put_unicode(struct cdp_buf *b, const char *p, const char *end)
{
	unsigned c = hex4(p + 1), low;

	p += 5;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			put_code(b, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			return p + 6;
		}
	}
	put_code(b, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return p;
}

static void decode(struct cdp_buf *b, const char *p, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p)), *c;

		if (!slash)
			slash = end;
		cdp_buf_add(b, p, (size_t)(slash - p));
		if (slash == end)
			return;
		p = slash + 1;
		if (*p == 'u') {
			p = put_unicode(b, p, end);
			continue;
		}
		c = strchr(from, *p);
		cdp_buf_addc(b, c ? to[c - from] : *p);
		p++;
	}
}

const char *cdp_val_str(const struct cdp_val *v, struct cdp_buf *tmp, size_t *n)
{
	if (!v->escaped) {
		*n = v->n;
		return v->p;
	}
	cdp_buf_reset(tmp);
	decode(tmp, v->p, v->p + v->n);
	*n = tmp->n;
	return tmp->p;
}

bool cdp_val_is(const struct cdp_val *v, const char *p, size_t n)
{
	struct cdp_buf tmp;
	bool same;

	if (v->type != CDP_STRING)
		return false;
	if (!v->escaped)
		return v->n == n && (n == 0 || memcmp(v->p, p, n) == 0);
	if (v->n < n) /* decoding never lengthens */
		return false;
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	decode(&tmp, v->p, v->p + v->n);
	same = tmp.n == n && (n == 0 || memcmp(tmp.p, p, n) == 0);
	cdp_buf_release(&tmp);
	return same;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* High bit of every zero byte; perhaps of others above the first one, which is right. */
static inline uint64_t zero_bytes(uint64_t w)
{
	return (w - CDP_ONES) & ~w & CDP_HIGH;
}

/* How many bytes at p are neither quote nor backslash, up to the first one or `end`. */
static inline size_t plain_run(const char *p, const char *end)
{
	const char *from = p;

	for (; end - p >= 8; p += 8) {
		uint64_t w = cdp_load64(p);
		uint64_t m =
			zero_bytes(w ^ CDP_ONES * '"') | zero_bytes(w ^ CDP_ONES * '\\');

		if (m)
			return (size_t)(p - from) + (unsigned)__builtin_ctzll(m) / 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return (size_t)(p - from);
}

/* The closing quote of a valid string whose text begins at p. */
static const char *string_end(const char *p, const char *end, bool *escaped)
{
	*escaped = false;
	for (;;) {
		p += plain_run(p, end);
		if (*p == '"')
			return p;
		*escaped = true;
		p += 2;
	}
}

/* Past the container at p. */
static const char *skip_container(const char *p, const char *end)
{
	unsigned depth = 0;
	bool ignored;

	for (;; p++) {
		switch (*p) {
		case '"':
			p = string_end(p + 1, end, &ignored);
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
	}
}

/* *v is the value that begins at p; returns what follows it. */
static const char *read_value(struct cdp_val *v, const char *p, const char *end)
{
	const char *from = p;

	*v = (struct cdp_val){ .p = p };
	switch (*p) {
	case '"':
		v->type = CDP_STRING;
		v->p = ++from;
		p = string_end(from, end, &v->escaped);
		v->n = (uint32_t)(p - from);
		return p + 1;
	case '{':
	case '[':
		v->type = *p == '{' ? CDP_OBJECT : CDP_ARRAY;
		p = skip_container(p, end);
		break;
	case 't':
		v->type = CDP_TRUE;
		p += 4;
		break;
	case 'f':
		v->type = CDP_FALSE;
		p += 5;
		break;
	case 'n':
		v->type = CDP_NULL;
		p += 4;
		break;
	default:
		v->type = CDP_NUMBER;
		v->integral = true;
		for (; p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p);
		     p++)
			if (*p == '.' || *p == 'e' || *p == 'E')
				v->integral = false;
		break;
	}
	v->n = (uint32_t)(p - from);
	return p;
}

void cdp_val_at(struct cdp_val *v, const char *p, size_t n)
{
	read_value(v, skip_space(p, p + n), p + n);
}

/* Where the next item or key of a container begins, NULL at its end. */
static const char *next_at(const struct cdp_val *container, const struct cdp_iter *it,
			   const char *end)
{
	const char *p = it->at ? it->at : container->p + 1;

	p = skip_space(p, end);
	if (it->at && *p == ',')
		p = skip_space(p + 1, end);
	return p == end - 1 ? NULL : p;
}

int cdp_val_member(const struct cdp_val *object, struct cdp_iter *it, struct cdp_val *key,
		   struct cdp_val *val)
{
	const char *end = object->p + object->n;
	const char *p = next_at(object, it, end);

	if (!p)
		return 0;
	p = skip_space(read_value(key, p, end), end);
	p = skip_space(p + 1, end);
	/* An empty slot may still point to where something stood in another block. */
	if (it->known && p == it->known->p && it->known->type == CDP_OBJECT) {
		*val = *it->known;
		it->at = p + val->n;
	} else {
		it->at = read_value(val, p, end);
	}
	return 1;
}

int cdp_val_item(const struct cdp_val *array, struct cdp_iter *it, struct cdp_val *item)
{
	const char *end = array->p + array->n;
	const char *p = next_at(array, it, end);

	if (!p)
		return 0;
	it->at = read_value(item, p, end);
	return 1;
}

/* --- writing --- */

static void put_escape(struct cdp_buf *b, unsigned c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr"; /* 0x08 .. 0x0d */

	cdp_buf_addc(b, '\\');
	if (c == '"' || c == '\\') {
		cdp_buf_addc(b, (char)c);
	} else if (c >= 8 && c <= 13 && letters[c - 8]) {
		cdp_buf_addc(b, letters[c - 8]);
	} else {
		cdp_buf_add(b, "u00", 3);
		cdp_buf_addc(b, hex[c >> 4]);
		cdp_buf_addc(b, hex[c & 15]);
	}
}

/* Eight bytes of which none is to be escaped. */
static inline bool is_plain8(const char *p)
{
	uint64_t w = cdp_load64(p);

	return !(zero_bytes(w ^ CDP_ONES * '"') | zero_bytes(w ^ CDP_ONES * '\\') |
		 ((w - CDP_ONES * ' ') & ~w & CDP_HIGH));
}

/* No byte needs an escape. */
static bool is_plain(const char *p, size_t n)
{
	const char *end = p + n;

	if (n < 8) {
		for (; p < end; p++)
			if ((unsigned char)*p < ' ' || *p == '"' || *p == '\\')
				return false;
		return true;
	}
	for (; end - p > 8; p += 8)
		if (!is_plain8(p))
			return false;
	return is_plain8(end - 8); /* some of them once more */
}

void cdp_json_str(struct cdp_buf *b, const char *p, size_t n)
{
	const char *end = p + n, *from = p;

	if (is_plain(p, n)) {
		if (cdp_buf_reserve(b, n + 2) < 0)
			return;
		b->p[b->n] = '"';
		if (n)
			memcpy(b->p + b->n + 1, p, n);
		b->p[b->n + 1 + n] = '"';
		b->n += n + 2;
		return;
	}
	cdp_buf_addc(b, '"');
	while (p < end) {
		unsigned c = (unsigned char)*p;

		if (end - p >= 8 && is_plain8(p)) {
			p += 8;
			continue;
		}
		p++;
		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		cdp_buf_add(b, from, (size_t)(p - 1 - from));
		put_escape(b, c);
		from = p;
	}
	cdp_buf_add(b, from, (size_t)(end - from));
	cdp_buf_addc(b, '"');
}

void cdp_json_cstr(struct cdp_buf *b, const char *s)
{
	cdp_json_str(b, s, strlen(s));
}

void cdp_json_key(struct cdp_buf *b, const char *key)
{
	if (b->n && b->p[b->n - 1] != '{' && b->p[b->n - 1] != '[')
		cdp_buf_addc(b, ',');
	cdp_json_cstr(b, key);
	cdp_buf_addc(b, ':');
}

void cdp_json_val(struct cdp_buf *b, const struct cdp_val *v)
{
	switch (v->type) {
	case CDP_MISSING:
		cdp_buf_adds(b, "null");
		break;
	case CDP_STRING:
		cdp_buf_addc(b, '"');
		cdp_buf_add(b, v->p, v->n);
		cdp_buf_addc(b, '"');
		break;
	default:
		cdp_buf_add(b, v->p, v->n);
		break;
	}
}

/* --- editing --- */

void cdp_rec_splice(struct cdp_buf *out, const char *raw, size_t len, const char *key,
		    const char *value, size_t value_len, bool first)
{
	size_t key_len = strlen(key);
	const char *end = raw + len, *at = NULL, *after = NULL;
	struct cdp_val rec, k, v;
	struct cdp_iter it = { 0 };
	bool empty = true;

	cdp_val_at(&rec, raw, len);
	while (cdp_val_member(&rec, &it, &k, &v)) {
		empty = false;
		if (cdp_val_is(&k, key, key_len)) {
			at = v.p - (v.type == CDP_STRING);
			after = it.at;
		}
	}
	if (at) {
		cdp_buf_add(out, raw, (size_t)(at - raw));
		cdp_buf_add(out, value, value_len);
		cdp_buf_add(out, after, (size_t)(end - after));
		return;
	}
	at = first || empty ? rec.p + 1 : it.at;
	cdp_buf_add(out, raw, (size_t)(at - raw));
	if (!first && !empty)
		cdp_buf_addc(out, ',');
	cdp_json_cstr(out, key);
	cdp_buf_addc(out, ':');
	cdp_buf_add(out, value, value_len);
	if (first && !empty)
		cdp_buf_addc(out, ',');
	cdp_buf_add(out, at, (size_t)(end - at));
}

void cdp_json_minify(struct cdp_buf *out, const char *raw, size_t len)
{
	const char *p = raw, *end = raw + len;
	bool ignored;

	while (p < end) {
		const char *from = p;

		while (p < end && !is_space(*p))
			p = *p == '"' ? string_end(p + 1, end, &ignored) + 1 : p + 1;
		cdp_buf_add(out, from, (size_t)(p - from));
		p = skip_space(p, end);
	}
}
