/* The reference scanner: eight bytes at a time in a general register (SWAR: Lamport,
 * "Multiple byte processing with full-word instructions", CACM 18(8), 1975; the zero byte
 * test is Mycroft's, 1987).  No intrinsics, any byte order. */
#include "record/scan_number.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline unsigned first_byte(uint64_t m)
{
	return (unsigned)__builtin_ctzll(m) / 8;
}

/* High bit of every byte that is a quote, a backslash, a control byte or not ASCII.  A
 * borrow may mark bytes above a marked one; the lowest mark is always right. */
static inline uint64_t special(uint64_t w)
{
	uint64_t quote = (w ^ CDP_ONES * '"') - CDP_ONES;
	uint64_t slash = (w ^ CDP_ONES * '\\') - CDP_ONES;

	return (quote | slash | (w - CDP_ONES * ' ') | w) & CDP_HIGH;
}

/* Past the well-formed sequences at p (Unicode, table 3-7), of which there is one at
 * least; NULL if one is ill-formed. */
static inline const char *skip_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	do {
		unsigned c = *p, d = p[1];

		if (likely(c >= 0xe0 && c < 0xf0)) {
			if (d >> 6 != 2 || p[2] >> 6 != 2 || (c == 0xe0 && d < 0xa0) ||
			    (c == 0xed && d > 0x9f))
				return NULL;
			p += 3;
		} else if (c >= 0xc2 && c < 0xe0) {
			if (d >> 6 != 2)
				return NULL;
			p += 2;
		} else if (c >= 0xf0 && c <= 0xf4) {
			if (d >> 6 != 2 || p[2] >> 6 != 2 || p[3] >> 6 != 2 ||
			    (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f))
				return NULL;
			p += 4;
		} else {
			return NULL;
		}
	} while (*p >= 0x80);
	return (const char *)p;
}

static inline bool is_hex(char c)
{
	return (unsigned)(c - '0') < 10 || (unsigned)((c | 0x20) - 'a') < 6;
}

/* Past the escape at p (a backslash), or NULL. */
static inline const char *skip_escape(const char *p)
{
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		for (int i = 2; i < 6; i++)
			if (!is_hex(p[i]))
				return NULL;
		return p + 6;
	default:
		return NULL;
	}
}

/* The closing quote of the string whose text begins at p, or NULL. */
static inline const char *skip_string(const char *p, bool *escaped)
{
	*escaped = false;
	for (;;) {
		uint64_t m = special(cdp_load64(p));

		if (!m) {
			p += 8;
			continue;
		}
		p += first_byte(m);
		if (likely(*p == '"'))
			return p;
		if ((signed char)*p < 0) {
			p = skip_utf8(p);
		} else if (*p == '\\') {
			*escaped = true;
			p = skip_escape(p);
		} else {
			return NULL;
		}
		if (unlikely(!p))
			return NULL;
	}
}

static inline const char *skip_space(const char *p, bool *spaced)
{
	while (unlikely(*p == ' ' || *p == '\t' || *p == '\r')) {
		*spaced = true;
		p++;
	}
	return p;
}

static inline void fill(struct cdp_scan *s, const struct cdp_edge *e, const char *p,
			const char *end, enum cdp_type type, bool escaped, bool integral)
{
	if (!e || e->slot < 0)
		return;
	s->twice |= s->slots[e->slot].type != CDP_MISSING;
	s->slots[e->slot] = (struct cdp_val){ .p = p,
					      .n = (uint32_t)(end - p),
					      .type = (uint8_t)type,
					      .escaped = escaped,
					      .integral = integral };
}

static inline bool is_word(const char *p, const char *word)
{
	return memcmp(p, word, 4) == 0;
}

/* The walk is one function so that its state stays in registers: `node` is the requested
 * paths' node of the current object (NULL: nothing below is wanted), `edge` that of the
 * current member. */
const char *cdp_scan_line_portable(struct cdp_scan *s, const char *p, const char *end)
{
	const struct cdp_paths *paths = s->paths;
	const struct cdp_node *node = NULL;
	const struct cdp_edge *edge = NULL;
	struct cdp_frame *f = s->frames;
	struct cdp_frame *limit = s->frames + CDP_DEPTH_MAX;
	bool array = false, spaced = false, flag;
	const char *from;

	(void)end;
	s->twice = false;
	if (*p != '{')
		return NULL;
	goto open;

value:
	switch (*p) {
	case '"':
		from = ++p;
		p = skip_string(p, &flag);
		if (unlikely(!p))
			return NULL;
		fill(s, edge, from, p, CDP_STRING, flag, false);
		p++;
		break;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		from = p;
		p = cdp_skip_number(p, &flag);
		if (unlikely(!p))
			return NULL;
		fill(s, edge, from, p, CDP_NUMBER, false, flag);
		break;
	case 't':
		if (!is_word(p, "true"))
			return NULL;
		fill(s, edge, p, p + 4, CDP_TRUE, false, false);
		p += 4;
		break;
	case 'f':
		if (!is_word(p + 1, "alse"))
			return NULL;
		fill(s, edge, p, p + 5, CDP_FALSE, false, false);
		p += 5;
		break;
	case 'n':
		if (!is_word(p, "null"))
			return NULL;
		fill(s, edge, p, p + 4, CDP_NULL, false, false);
		p += 4;
		break;
	case '[':
	case '{':
		goto open;
	default:
		return NULL;
	}

after:
	p = skip_space(p, &spaced);
	if (likely(*p == ',')) {
		p = skip_space(p + 1, &spaced);
		if (array)
			goto value;
		goto key;
	}
	if (*p != (array ? ']' : '}'))
		return NULL;
	goto close;

key:
	if (unlikely(*p != '"'))
		return NULL;
	from = ++p;
	p = skip_string(p, &flag);
	if (unlikely(!p))
		return NULL;
	if (node) {
		edge = unlikely(flag)
			       ? cdp_scan_escaped_key(s, node, from, (size_t)(p - from))
			       : cdp_key_edge(paths, node, from, (size_t)(p - from));
		if (edge && edge->node >= 0)
			cdp_scan_enter(s, edge);
	}
	p = skip_space(p + 1, &spaced);
	if (unlikely(*p != ':'))
		return NULL;
	p = skip_space(p + 1, &spaced);
	goto value;

open:
	if (unlikely(f == limit))
		return NULL;
	f->start = p;
	f->outer = node;
	f->outer_array = array;
	f->slot = edge ? edge->slot : -1;
	f++;
	array = *p == '[';
	if (array || (!edge && f != s->frames + 1))
		node = NULL;
	else
		node = edge ? edge->node >= 0 ? &paths->nodes[edge->node] : NULL
			    : &paths->nodes[0];
	edge = NULL;
	p = skip_space(p + 1, &spaced);
	if (array) {
		if (*p != ']')
			goto value;
	} else if (*p != '}') {
		goto key;
	}

close:
	f--;
	p++;
	if (unlikely(f->slot >= 0)) {
		s->twice |= s->slots[f->slot].type != CDP_MISSING;
		s->slots[f->slot] = (struct cdp_val){
			.p = f->start,
			.n = (uint32_t)(p - f->start),
			.type = array ? CDP_ARRAY : CDP_OBJECT,
		};
	}
	array = f->outer_array;
	node = f->outer;
	edge = NULL;
	if (f != s->frames)
		goto after;
	p += *p == '\r' && p[1] == '\n';
	p = skip_space(p, &spaced);
	s->spaced = spaced;
	return *p == '\n' ? p : NULL;
}
