#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"

/* ---- UTF-8 ---- */

static bool is_cont(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the well-formed sequence at p, 0 if there is none: Unicode table 3-7.  Only
 * the second byte's range depends on the first. */
static unsigned sequence(const unsigned char *p, size_t n)
{
	unsigned c = p[0], low = 0x80, high = 0xbf;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4 || n < 2)
		return 0;
	if (c < 0xe0)
		return is_cont(p[1]) ? 2 : 0;
	if (c == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (c == 0xed)
		high = 0x9f; /* surrogates */
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f; /* past U+10FFFF */
	if (p[1] < low || p[1] > high || n < 3 || !is_cont(p[2]))
		return 0;
	if (c < 0xf0)
		return 3;
	return n >= 4 && is_cont(p[3]) ? 4 : 0;
}

size_t cdp_utf8_check(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0;

	while (i < n) {
		unsigned len;
		uint64_t w[2];

		if (n - i >= sizeof(w)) {
			memcpy(w, p + i, sizeof(w));
			if (((w[0] | w[1]) & 0x8080808080808080) == 0) {
				i += sizeof(w);
				continue;
			}
		}
		/* Text that is not ASCII rarely is so for one character only. */
		do {
			len = sequence(u + i, n - i);
			if (!len)
				return i;
			i += len;
		} while (i < n && u[i] >= 0x80);
	}
	return n;
}

unsigned cdp_utf8_next(const char *p, size_t n, uint32_t *cp)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned len = sequence(u, n);

	switch (len) {
	case 1:
		*cp = u[0];
		return 1;
	case 2:
		*cp = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
		return 2;
	case 3:
		*cp = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		return 3;
	case 4:
		*cp = (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 |
		      (u[3] & 0x3fu);
		return 4;
	default:
		*cp = 0xfffd;
		return 1;
	}
}

unsigned cdp_utf8_put(char out[4], uint32_t cp)
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

size_t cdp_utf8_count(const char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !is_cont((unsigned char)p[i]);
	return count;
}

bool cdp_utf8_is_word(uint32_t cp)
{
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
		return true;
	default:
		return false;
	}
}

size_t cdp_utf8_width(const char *p, size_t n)
{
	size_t width = 0;
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c < 0x7f) {
			width++;
			i++;
			continue;
		}
		i += cdp_utf8_next(p + i, n - i, &cp);
		width += (size_t)utf8proc_charwidth((utf8proc_int32_t)cp);
	}
	return width;
}

/* ---- normal form ---- */

static bool is_ascii(const char *p, size_t n)
{
	unsigned char any = 0;

	for (size_t i = 0; i < n; i++)
		any |= (unsigned char)p[i];
	return any < 0x80;
}

int cdp_text_nfkc(struct cdp_buf *out, const char *p, size_t n)
{
	const utf8proc_option_t how =
		UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE;
	const utf8proc_uint8_t *u = (const utf8proc_uint8_t *)p;
	utf8proc_ssize_t len;
	utf8proc_int32_t *cps;

	if (is_ascii(p, n)) {
		cdp_buf_add(out, p, n);
		return 0;
	}
	len = utf8proc_decompose(u, (utf8proc_ssize_t)n, NULL, 0, how);
	if (len < 0)
		return -1;
	/* Written back as UTF-8 in place, with a NUL behind. */
	cps = cdp_realloc(NULL, (size_t)len + 1, sizeof(*cps));
	len = utf8proc_decompose(u, (utf8proc_ssize_t)n, cps, len, how);
	if (len >= 0)
		len = utf8proc_reencode(cps, len, how);
	if (len >= 0)
		cdp_buf_add(out, cps, (size_t)len);
	free(cps);
	return len < 0 ? -1 : 0;
}

/* ---- for people ---- */

/* What could move the cursor, end a line or reorder the text around it. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x061c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

void cdp_text_escape(struct cdp_buf *out, const char *p, size_t n)
{
	static const char named[] = "\n\r\t", letters[] = "nrt";
	uint32_t cp;
	unsigned len;

	for (size_t i = 0; i < n; i += len) {
		const char *name = memchr(named, p[i], 3);
		bool broken = sequence((const unsigned char *)p + i, n - i) == 0;

		len = cdp_utf8_next(p + i, n - i, &cp);
		if (name)
			cdp_buf_addf(out, "\\%c", letters[name - named]);
		else if (broken || (cp < 0x80 && is_unsafe(cp)))
			cdp_buf_addf(out, "\\x%02x", (unsigned char)p[i]);
		else if (is_unsafe(cp))
			cdp_buf_addf(out, "\\u%04x", (unsigned)cp);
		else
			cdp_buf_add(out, p + i, len);
	}
}

enum { NAME_MAX_CP = 64 };

struct word {
	uint32_t cp[NAME_MAX_CP];
	unsigned n;
};

static bool read_word(struct word *w, const char *p, size_t n)
{
	w->n = 0;
	for (size_t i = 0; i < n;) {
		if (w->n == NAME_MAX_CP)
			return false;
		i += cdp_utf8_next(p + i, n - i, &w->cp[w->n++]);
	}
	return true;
}

/* Insertions, deletions, changes and swaps of neighbours that lead from a to b (optimal
 * string alignment: Damerau 1964, by Wagner and Fischer's table, three rows of it). */
static unsigned distance(const struct word *a, const struct word *b)
{
	unsigned rows[3][NAME_MAX_CP + 1];
	unsigned *before = rows[0], *prev = rows[1], *row = rows[2];

	for (unsigned k = 0; k <= b->n; k++)
		prev[k] = before[k] = k;
	for (unsigned i = 1; i <= a->n; i++) {
		unsigned *t = before;

		row[0] = i;
		for (unsigned k = 1; k <= b->n; k++) {
			unsigned d = prev[k - 1] + (a->cp[i - 1] != b->cp[k - 1]);

			d = d < prev[k] + 1 ? d : prev[k] + 1;
			d = d < row[k - 1] + 1 ? d : row[k - 1] + 1;
			if (i > 1 && k > 1 && a->cp[i - 1] == b->cp[k - 2] &&
			    a->cp[i - 2] == b->cp[k - 1] && before[k - 2] + 1 < d)
				d = before[k - 2] + 1;
			row[k] = d;
		}
		before = prev;
		prev = row;
		row = t;
	}
	return prev[b->n];
}

const char *cdp_text_suggest(const char *p, size_t n, const char *const *names,
			     size_t count)
{
	const char *best = NULL;
	unsigned least = NAME_MAX_CP;
	struct word want, have;

	if (!read_word(&want, p, n))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned longer, limit, d;

		if (!read_word(&have, names[i], strlen(names[i])))
			continue;
		longer = want.n > have.n ? want.n : have.n;
		limit = longer < 6 ? 1 : longer / 3;
		d = distance(&want, &have);
		/* A word changed altogether is not near, however short. */
		if (d <= limit && d < longer && d < least) {
			least = d;
			best = names[i];
		}
	}
	return best;
}
