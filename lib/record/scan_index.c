/* Stage 2: grammar and projection over the token list that stage 1 made. */
#include "record/scan_index.h"

#include "record/scan_number.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static bool is_escape(const char *p)
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
		return true;
	case 'u':
		for (int i = 2; i < 6; i++)
			if ((unsigned)(p[i] - '0') > 9 &&
			    (unsigned)((p[i] | 0x20) - 'a') > 5)
				return false;
		return true;
	default:
		return false;
	}
}

void cdp_index_bad(struct cdp_index *ix, size_t word, uint64_t bad)
{
	if (!ix->any_bad)
		memset(ix->bad, 0, sizeof(ix->bad));
	ix->any_bad = true;
	ix->bad[word] |= bad;
}

void cdp_index_odd(struct cdp_index *ix, size_t word, struct cdp_odd *odd)
{
	const char *block = ix->begin + word * 64;
	uint64_t slash = 0;

	for (uint64_t m = odd->bits; m; m &= m - 1)
		if (block[__builtin_ctzll(m)] == '\\')
			slash |= m & -m;
	odd->control = odd->bits & ~slash;
	if (slash) {
		if (!ix->any_slash)
			memset(ix->slash, 0, sizeof(ix->slash));
		ix->any_slash = true;
		ix->slash[word] = slash;
	}
	odd->bad = 0;
	odd->escaped = odd->carry;
	odd->carry = 0;
	slash &= ~odd->escaped;
	while (slash) {
		uint64_t bit = slash & -slash;

		if (!is_escape(block + __builtin_ctzll(bit)))
			odd->bad |= bit;
		odd->escaped |= bit << 1;
		odd->carry = bit >> 63;
		slash &= ~(bit | bit << 1);
	}
}

/* Offset of the first bit at or above `from` in a window of n bytes, or UINT32_MAX. */
static uint32_t next_bit(const uint64_t *words, size_t from, size_t n)
{
	size_t i = from / 64;
	uint64_t w;

	if (from >= n)
		return UINT32_MAX;
	w = words[i] & ~(uint64_t)0 << from % 64;
	while (!w) {
		if (++i * 64 >= n)
			return UINT32_MAX;
		w = words[i];
	}
	return (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(w);
}

static void open_window(struct cdp_index *ix, const char *p, const char *end)
{
	size_t n = (size_t)(end - p) < CDP_WINDOW ? (size_t)(end - p) : CDP_WINDOW;

	ix->begin = p;
	ix->walked = NULL;
	ix->size = n;
	ix->next = 0;
	ix->any_slash = ix->any_bad = false;
	ix->lines = ix->missed = 0;
	ix->fill(ix, n);
	ix->slash_at = ix->any_slash ? next_bit(ix->slash, 0, n) : UINT32_MAX;
	ix->bad_at = ix->any_bad ? next_bit(ix->bad, 0, n) : UINT32_MAX;
	ix->last = memrchr(p, '\n', n);
}

/* Any backslash between two offsets?  Most lines have none: `line_slash` is the first
 * one of the line or of a later line. */
static inline bool has_slash(const struct cdp_index *ix, uint32_t line_slash,
			     uint32_t from, uint32_t to)
{
	return unlikely(line_slash < to) && next_bit(ix->slash, from, to) < to;
}

/* The usual white space: what other writers put after ':' and ','. */
static inline const char *skip_space(struct cdp_scan *s, const char *p)
{
	while (*p == ' ') {
		s->spaced = true;
		p++;
	}
	return p;
}

/* Without branches: whether it is true or false can seldom be guessed. */
static inline const char *skip_literal(struct cdp_val *v, const char *p)
{
	uint32_t w, t, f, n;
	uint32_t right;

	memcpy(&w, p, 4);
	memcpy(&t, "true", 4);
	memcpy(&f, "fals", 4);
	memcpy(&n, "null", 4);
	right = (w == t) | ((w == f) & (p[4] == 'e')) | (w == n);
	v->type = (uint8_t)(CDP_NULL + 2 * (w == t) + (w == f));
	return right ? p + 4 + (w == f) : NULL;
}

/* Past the scalar at p that is no string, NULL if there is none. */
static inline const char *skip_scalar(struct cdp_val *v, const char *p)
{
	switch (*p) {
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
		v->type = CDP_NUMBER;
		return cdp_skip_number(p, &v->integral);
	case 't':
	case 'f':
	case 'n':
		return skip_literal(v, p);
	default:
		return NULL;
	}
}

/* A value between the tokens `op` and `next`, stored if its edge has a slot: 0 if there
 * is none, 1 if it was a scalar, 2 if it is the container that begins at `next`. */
static inline int take_value(struct cdp_scan *s, const char *base, uint32_t op,
			     uint32_t next, uint32_t slash, const struct cdp_edge *edge)
{
	struct cdp_val v = { .p = base + op + 1 };

	if (unlikely(*v.p == ' '))
		v.p = skip_space(s, v.p);
	if (*v.p == '"') {
		if (!edge)
			return 1;
		v.p++;
		v.n = (uint32_t)(base + next - v.p) - 1;
		v.type = CDP_STRING;
		v.escaped = has_slash(s->index, slash, op, next);
	} else if (v.p == base + next) {
		return likely(*v.p == '{' || *v.p == '[') ? 2 : 0;
	} else {
		if (unlikely(skip_scalar(&v, v.p) != base + next))
			return 0;
		if (!edge)
			return 1;
		v.n = (uint32_t)(base + next - v.p);
	}
	cdp_scan_store(s, edge->slot, v);
	return 1;
}

static inline bool is_pair(const char *p, const char *pair)
{
	return memcmp(p, pair, 2) == 0;
}

/* A member whose key has a length that is asked for, without a backslash, and with a
 * scalar value: stored if it is wanted.  False: it is none, or should be an object. */
static inline bool take_scalar(struct cdp_scan *s, const struct cdp_node *node,
			       const char *key, const char *colon, const char *next)
{
	const struct cdp_edge *edge =
		cdp_key_edge(s->paths, node, key, (size_t)(colon - key) - 1);
	struct cdp_val v = { .p = colon + 1, .type = CDP_STRING };

	if (edge->node >= 0 || *colon != ':')
		return false;
	if (*v.p == '"') {
		v.p++;
		v.n = (uint32_t)(next - v.p) - 1;
	} else {
		if (skip_scalar(&v, v.p) != next)
			return false;
		v.n = (uint32_t)(next - v.p);
	}
	if (edge != s->paths->edges)
		cdp_scan_store(s, edge->slot, v);
	return true;
}

/* As in scan_portable.c, but from token to token: `op` is the offset of the one just
 * passed, *at that of the next.  The line's LF, or NULL if it does not fit. */
static const char *walk(struct cdp_scan *s, uint32_t line, const uint32_t *at)
{
	struct cdp_index *ix = s->index;
	const struct cdp_node *node = s->paths->nodes;
	const struct cdp_edge *edge = NULL; /* NULL: nobody asked for the member */
	struct cdp_frame *f = s->frames;
	const char *base = ix->begin, *p;
	uint32_t slash = ix->slash_at, op, next;
	uint64_t lengths; /* of keys that are wanted */

	s->spaced = s->twice = false;
	op = *at++;
	if (op != line || base[op] != '{')
		return NULL;
	f->slot = CDP_NO_SLOT;
	goto open;

member:
	next = *at++;
	p = base + op + 1;
	if (unlikely(*p != '"'))
		p = skip_space(s, p);
	if (unlikely(*p != '"' || base[next] != ':'))
		return NULL;
	if (node) {
		uint32_t n = (uint32_t)(base + next - p) - 2;

		edge = has_slash(ix, slash, op, next)
			       ? cdp_scan_escaped_key(s, node, p + 1, n)
			       : cdp_key_edge(s->paths, node, p + 1, n);
		if (edge == s->paths->edges)
			edge = NULL;
		else if (edge->node >= 0)
			cdp_scan_enter(s, edge);
	}
	op = next;
	next = *at++;
	switch (take_value(s, base, op, next, slash, edge)) {
	case 0:
		return NULL;
	case 2:
		f->slot = edge ? edge->slot : CDP_NO_SLOT;
		f->outer = node;
		node = edge && edge->node >= 0 ? &s->paths->nodes[edge->node] : NULL;
		op = next;
		goto open;
	default:
		break;
	}
	op = next;
	goto after_member;

item:
	next = *at++;
	switch (take_value(s, base, op, next, slash, NULL)) {
	case 0:
		return NULL;
	case 2:
		f->slot = CDP_NO_SLOT;
		f->outer = NULL;
		op = next;
		goto open;
	default:
		break;
	}
	op = next;
	goto after_item;

open: /* f->slot, f->outer and node are set */
	lengths = node ? node->lengths : 0;
	f->start = base + op;
	f->array = base[op] == '[';
	if (unlikely(++f > s->frames + CDP_DEPTH_MAX))
		return NULL;
	edge = NULL;
	if (f[-1].array) {
		node = NULL;
		if (base[op + 1] != ']')
			goto item;
	} else if (base[op + 1] != '}') {
		if (base[op + 1] != '"')
			goto member;
		goto scalars;
	}
	op = *at++;

close:
	f--;
	if (unlikely(f->slot != CDP_NO_SLOT))
		cdp_scan_store(s, f->slot,
			       (struct cdp_val){
				       .p = f->start,
				       .n = (uint32_t)(base + op + 1 - f->start),
				       .type = f->array ? CDP_ARRAY : CDP_OBJECT,
			       });
	node = f->outer;
	lengths = node ? node->lengths : 0;
	edge = NULL;
	next = *at++;
	if (f == s->frames)
		goto end;
	if (unlikely(next != op + 1))
		return NULL;
	op = next;
	if (f[-1].array)
		goto after_item;

after_member:
	if (!is_pair(base + op, ",\"")) {
		if (likely(base[op] == '}'))
			goto close;
		if (base[op] == ',')
			goto member;
		return NULL;
	}

scalars: /* members without backslashes and with such values: most of what a line holds */
	do {
		const char *colon = base + at[0], *end = base + at[1];
		struct cdp_val v;

		if (unlikely(slash < at[1]) && node && has_slash(ix, slash, op, at[1]))
			goto member;
		if (lengths >> (at[0] - op - 3) % 64 & 1) {
			if (!take_scalar(s, node, base + op + 2, colon, end))
				goto member;
		} else if (!is_pair(colon, ":\"") &&
			   (*colon != ':' || skip_scalar(&v, colon + 1) != end)) {
			goto member;
		}
		op = at[1];
		at += 2;
	} while (is_pair(base + op, ",\""));
	if (base[op] == ',')
		goto member;
	if (base[op] == '}')
		goto close;
	return NULL;

after_item:
	if (likely(base[op] == ','))
		goto item;
	if (base[op] == ']')
		goto close;
	return NULL;

end:
	if (base[next] != '\n' ||
	    (next != op + 1 && (next != op + 2 || base[op + 1] != '\r')))
		return NULL;
	ix->next = (size_t)(at - ix->at);
	return base + next;
}

/* The portable scanner decides.  If it must do so for most lines of a window, the text is
 * of another kind: leave it to it for a while. */
static const char *miss(struct cdp_scan *s, const char *p, const char *end)
{
	struct cdp_index *ix = s->index;

	ix->walked = NULL;
	if (++ix->missed > 16 && ix->missed * 2 > ix->lines) {
		ix->rest = p + ((size_t)(end - p) < CDP_WINDOW * 8 ? (size_t)(end - p)
								   : CDP_WINDOW * 8);
		ix->last = NULL;
	}
	cdp_scan_clear(s);
	return cdp_scan_line_portable(s, p, end);
}

const char *cdp_scan_line_indexed(struct cdp_scan *s, const char *p, const char *end)
{
	struct cdp_index *ix = s->index;
	const char *lf;
	size_t at;

	if (unlikely(p < ix->begin || p > ix->last)) {
		if (p < ix->rest)
			return cdp_scan_line_portable(s, p, end);
		open_window(ix, p, end);
		if (!ix->last) /* a line longer than the window */
			return cdp_scan_line_portable(s, p, end);
	}
	at = (size_t)(p - ix->begin);
	while (unlikely(ix->at[ix->next] < at))
		ix->next++;
	if (unlikely(ix->slash_at < at))
		ix->slash_at = next_bit(ix->slash, at, ix->size);
	if (unlikely(ix->bad_at < at))
		ix->bad_at = next_bit(ix->bad, at, ix->size);
	ix->lines++;
	ix->walked = p;
	ix->first = ix->next;
	lf = walk(s, (uint32_t)at, ix->at + ix->next);
	/* Faults of UTF-8 may be noted two bytes late, in the next line. */
	if (unlikely(!lf || ix->bad_at <= (size_t)(lf - ix->begin)))
		return miss(s, p, end);
	return lf;
}
