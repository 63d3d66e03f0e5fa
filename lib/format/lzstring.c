#include "format/lzstring.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

/* A phrase of the dictionary is a piece of what came out already. */
struct phrase {
	size_t at, n;
};

enum { CODE_BYTE, CODE_WORD, CODE_END, CODES };

struct lz {
	const char *p;
	size_t words, width; /* input words of so many bits */
	bool uri;
	size_t bit;
	bool over;
	uint16_t *out; /* UTF-16 */
	size_t n, cap, max;
	struct phrase *dict;
	size_t size, dict_cap;
	unsigned bits; /* of a code */
	size_t until;  /* so many more phrases until codes grow */
};

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == ' ' ? 62 : c == '-' ? 63 : c == '$' ? 64 : -1;
}

static unsigned word_at(const struct lz *z, size_t i)
{
	const unsigned char *p = (const unsigned char *)z->p;
	int d;

	if (!z->uri)
		return (unsigned)p[2 * i] << 8 | p[2 * i + 1];
	d = digit(z->p[i]);
	return d < 0 || d > 63 ? 0 : (unsigned)d;
}

/* The next n bits, the first being the lowest; the words give their highest first. */
static unsigned take(struct lz *z, unsigned n)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++, z->bit++) {
		size_t word = z->bit / z->width, in = z->bit % z->width;

		if (word >= z->words) {
			z->over = true;
			return CODE_END;
		}
		v |= (word_at(z, word) >> (z->width - 1 - in) & 1) << i;
	}
	return v;
}

static int put(struct lz *z, uint16_t c)
{
	if (z->n >= z->max)
		return -1;
	CDP_GROW(z->out, z->n, z->cap);
	z->out[z->n++] = c;
	return 0;
}

static void learn(struct lz *z, size_t at, size_t n)
{
	CDP_GROW(z->dict, z->size, z->dict_cap);
	z->dict[z->size++] = (struct phrase){ at, n };
	if (--z->until == 0) {
		z->until = (size_t)1 << z->bits;
		z->bits++;
	}
}

/* A code that brings a new character: it becomes a phrase and is put out. */
static int put_new(struct lz *z, unsigned code, struct phrase *entry)
{
	unsigned c = take(z, code == CODE_BYTE ? 8 : 16);

	*entry = (struct phrase){ z->n, 1 };
	return z->over ? -1 : put(z, (uint16_t)c);
}

static int put_old(struct lz *z, unsigned code, struct phrase last, struct phrase *entry)
{
	struct phrase from = last;

	if (code > z->size)
		return -1;
	*entry = (struct phrase){ z->n, last.n + 1 };
	if (code < z->size) {
		from = z->dict[code];
		entry->n = from.n;
	}
	/* Its own first unit follows `last` when the phrase is not there yet. */
	for (size_t i = 0; i < entry->n; i++)
		if (put(z, z->out[from.at + (i < from.n ? i : 0)]) < 0)
			return -1;
	return 0;
}

static int inflate_all(struct lz *z)
{
	unsigned code = take(z, 2);
	struct phrase last, entry;

	if (code == CODE_END)
		return z->over ? -1 : 0;
	z->size = CODES;
	if (code > CODE_END || put_new(z, code, &last) < 0)
		return -1;
	CDP_GROW(z->dict, z->size, z->dict_cap);
	z->dict[z->size++] = last;
	z->bits = 3;
	z->until = 4;
	for (;;) {
		code = take(z, z->bits);
		if (code == CODE_END || z->over)
			return z->over ? -1 : 0;
		if (code < CODE_END) {
			if (put_new(z, code, &entry) < 0)
				return -1;
			learn(z, entry.at, 1);
		} else if (put_old(z, code, last, &entry) < 0) {
			return -1;
		}
		/* The last phrase and what came next are one after another. */
		learn(z, last.at, last.n + 1);
		last = entry;
	}
}

static void put_utf8(struct cdp_buf *out, const uint16_t *p, size_t n)
{
	char t[4];

	for (size_t i = 0; i < n; i++) {
		uint32_t c = p[i];

		if (c >= 0xd800 && c < 0xdc00 && i + 1 < n && p[i + 1] >= 0xdc00 &&
		    p[i + 1] < 0xe000)
			c = 0x10000 + ((c - 0xd800) << 10) + (p[++i] - 0xdc00u);
		else if (c >= 0xd800 && c < 0xe000)
			c = 0xfffd;
		cdp_buf_add(out, t, cdp_utf8_put(t, c));
	}
}

static int run(struct lz *z, struct cdp_buf *out, struct cdp_err *err)
{
	int rc = inflate_all(z);

	if (rc == 0)
		put_utf8(out, z->out, z->n);
	else
		cdp_err_set(err, CDP_ERR_DATA,
			    z->n >= z->max ? "inflates to too many bytes"
					   : "corrupt LZ-String data");
	free(z->out);
	free(z->dict);
	return rc;
}

int cdp_lzstring_words(struct cdp_buf *out, const char *p, size_t n, size_t max,
		       struct cdp_err *err)
{
	struct lz z = { .p = p, .words = n / 2, .width = 16, .max = max / 3 };

	return run(&z, out, err);
}

int cdp_lzstring_uri(struct cdp_buf *out, const char *p, size_t n, size_t max,
		     struct cdp_err *err)
{
	struct lz z = { .p = p, .words = n, .width = 6, .uri = true, .max = max / 3 };

	for (size_t i = 0; i < n; i++)
		if (digit(p[i]) < 0)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "no LZ-String at byte %zu of %zu", i + 1, n);
	return run(&z, out, err);
}
