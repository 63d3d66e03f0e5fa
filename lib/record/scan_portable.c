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

static inline const char *skip_space(struct cdp_scan *s, const char *p)
{
	while (unlikely(*p == ' ' || *p == '\t' || *p == '\r')) {
		s->spaced = true;
		p++;
	}
	return p;
}

static inline bool is_word(const char *p, const char *word)
{
	return memcmp(p, word, 4) == 0;
}

/* Past the value at p, stored if its edge has a slot; p itself if it is a container, NULL
 * if there is none. */
static inline const char *take_value(struct cdp_scan *s, const char *p,
				     const struct cdp_edge *edge)
{
	struct cdp_val v = { .p = p };

	switch (*p) {
	case '"':
		v.type = CDP_STRING;
		v.p = ++p;
		p = skip_string(p, &v.escaped);
		if (unlikely(!p))
			return NULL;
		v.n = (uint32_t)(p++ - v.p);
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
		v.type = CDP_NUMBER;
		p = cdp_skip_number(p, &v.integral);
		if (unlikely(!p))
			return NULL;
		v.n = (uint32_t)(p - v.p);
		break;
	case 't':
		v.type = CDP_TRUE;
		v.n = 4;
		p = is_word(p, "true") ? p + 4 : NULL;
		break;
	case 'f':
		v.type = CDP_FALSE;
		v.n = 5;
		p = is_word(p + 1, "alse") ? p + 5 : NULL;
		break;
	case 'n':
		v.type = CDP_NULL;
		v.n = 4;
		p = is_word(p, "null") ? p + 4 : NULL;
		break;
	case '[':
	case '{':
		return p;
	default:
		return NULL;
	}
	if (edge && p)
		cdp_scan_store(s, edge->slot, v);
	return p;
}

/* The walk is one function so that its state stays in registers: `node` is the requested
 * paths' node of the current object (NULL: nothing below is wanted), `edge` that of the
 * current member (NULL: nobody asked for it). */
const char *cdp_scan_line_portable(struct cdp_scan *s, const char *p, const char *end)
{
	const struct cdp_node *node = s->paths->nodes;
	const struct cdp_edge *edge = NULL;
	struct cdp_frame *f = s->frames;
	const char *from;
	bool escaped;

	(void)end;
	s->spaced = s->twice = false;
	if (*p != '{')
		return NULL;
	f->slot = CDP_NO_SLOT;
	goto open;

member:
	if (unlikely(*p != '"'))
		return NULL;
	from = ++p;
	p = skip_string(p, &escaped);
	if (unlikely(!p))
		return NULL;
	if (node) {
		size_t n = (size_t)(p - from);

		edge = unlikely(escaped) ? cdp_scan_escaped_key(s, node, from, n)
					 : cdp_key_edge(s->paths, node, from, n);
		if (edge == s->paths->edges)
			edge = NULL;
		else if (edge->node >= 0)
			cdp_scan_enter(s, edge);
	}
	p = skip_space(s, p + 1);
	if (unlikely(*p != ':'))
		return NULL;
	from = skip_space(s, p + 1);
	p = take_value(s, from, edge);
	if (unlikely(!p))
		return NULL;
	if (p != from)
		goto after_member;
	f->slot = edge ? edge->slot : CDP_NO_SLOT;
	f->outer = node;
	node = edge && edge->node >= 0 ? &s->paths->nodes[edge->node] : NULL;
	goto open;

item:
	from = p;
	p = take_value(s, from, NULL);
	if (unlikely(!p))
		return NULL;
	if (p != from)
		goto after_item;
	f->slot = CDP_NO_SLOT;
	f->outer = NULL;

open: /* f->slot, f->outer and node are set */
	f->start = p;
	f->array = *p == '[';
	if (unlikely(++f > s->frames + CDP_DEPTH_MAX))
		return NULL;
	p = skip_space(s, p + 1);
	edge = NULL;
	if (f[-1].array) {
		node = NULL;
		if (*p != ']')
			goto item;
	} else if (*p != '}') {
		goto member;
	}

close:
	f--;
	p++;
	if (unlikely(f->slot != CDP_NO_SLOT))
		cdp_scan_store(s, f->slot,
			       (struct cdp_val){
				       .p = f->start,
				       .n = (uint32_t)(p - f->start),
				       .type = f->array ? CDP_ARRAY : CDP_OBJECT,
			       });
	if (f == s->frames) {
		p += *p == '\r' && p[1] == '\n';
		p = skip_space(s, p);
		return *p == '\n' ? p : NULL;
	}
	node = f->outer;
	edge = NULL;
	if (f[-1].array)
		goto after_item;

after_member:
	p = skip_space(s, p);
	if (likely(*p == ',')) {
		p = skip_space(s, p + 1);
		goto member;
	}
	if (*p == '}')
		goto close;
	return NULL;

after_item:
	p = skip_space(s, p);
	if (likely(*p == ',')) {
		p = skip_space(s, p + 1);
		goto item;
	}
	if (*p == ']')
		goto close;
	return NULL;
}
