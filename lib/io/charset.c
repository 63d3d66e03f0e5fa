#include "io/charset.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct kind {
	const char *name, *iconv;
	unsigned unit;
	const char *bom;
	const char *aliases[5]; /* folded: lower case, no '-' or '_' */
};

static const struct kind kinds[] = {
	{ "UTF-8", NULL, 1, "\xef\xbb\xbf", { "utf8" } },
	{ "GB18030",
	  "GB18030",
	  1,
	  "\x84\x31\x95\x33",
	  { "gb18030", "gbk", "gb2312", "cp936", "euccn" } },
	{ "Big5", "CP950", 1, "", { "big5", "cp950" } },
	{ "UTF-16LE", "UTF-16LE", 2, "\xff\xfe", { "utf16le", "utf16" } },
	{ "UTF-16BE", "UTF-16BE", 2, "\xfe\xff", { "utf16be" } },
	{ "ISO-8859-1", "ISO-8859-1", 1, "", { "iso88591", "latin1" } },
	{ "Windows-1252", "CP1252", 1, "", { "windows1252", "cp1252" } },
	{ "Shift_JIS", "CP932", 1, "", { "shiftjis", "sjis", "cp932" } },
	{ "EUC-JP", "EUC-JP", 1, "", { "eucjp" } },
	{ "EUC-KR", "CP949", 1, "", { "euckr", "cp949" } },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), ALIASES = 5 };

struct cdp_charset {
	const struct kind *kind;
	struct kind other; /* one that is not in the table */
	char *name;        /* its name */
	iconv_t cd;        /* unused for UTF-8 */
};

static bool same_name(const char *folded, const char *name)
{
	for (; *name; name++) {
		if (*name == '-' || *name == '_')
			continue;
		if (*folded++ != (*name >= 'A' && *name <= 'Z' ? *name + 32 : *name))
			return false;
	}
	return *folded == '\0';
}

static const struct kind *find_kind(const char *name)
{
	for (int i = 0; i < KINDS; i++)
		for (int j = 0; j < ALIASES && kinds[i].aliases[j]; j++)
			if (same_name(kinds[i].aliases[j], name))
				return &kinds[i];
	return NULL;
}

static int refuse_name(const char *name, const char *why, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "%s character set '%s' (known are utf-8, gb18030, gbk, big5, "
			   "utf-16, utf-16le, utf-16be, latin1, windows-1252, shift_jis, "
			   "euc-jp, euc-kr and others of iconv)",
			   why, name);
}

/* What n bytes become; -1 if they are no whole characters. */
static int try(iconv_t cd, const char *p, size_t n, char *out, size_t room)
{
	char *in = (char *)(uintptr_t)p, *to = out;
	size_t left = n, had = room;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &to, &room) == (size_t)-1)
		return -1;
	return (int)(had - room);
}

/* ASCII is itself, and no byte before a line feed makes it a part of something else.
 * This leaves out all with shift states, too: their escapes are ASCII. */
static bool is_usable(iconv_t cd)
{
	char out[32];

	for (int c = 0; c < 0x80; c++) {
		char in = (char)c;

		if (try(cd, &in, 1, out, sizeof(out)) != 1 || out[0] != in)
			return false;
	}
	for (int c = 0x80; c < 0x100; c++) {
		char in[2] = { (char)c, '\n' };
		int n = try(cd, in, 2, out, sizeof(out));

		if (n >= 0 && (n < 2 || out[n - 1] != '\n'))
			return false;
	}
	return true;
}

/* Any other that the system has. */
static int use_other(struct cdp_charset *cs, const char *name, struct cdp_err *err)
{
	/* An empty name is the locale's, and after a slash would be ways to repair. */
	cs->cd = *name && !strchr(name, '/') ? iconv_open("UTF-8", name) : (iconv_t)-1;
	if (cs->cd == (iconv_t)-1)
		return refuse_name(name, "unknown", err);
	if (!is_usable(cs->cd)) {
		iconv_close(cs->cd);
		return refuse_name(name, "lines cannot be found before decoding in", err);
	}
	cs->name = cdp_strdup(name);
	cs->other = (struct kind){ cs->name, cs->name, 1, "", { NULL } };
	cs->kind = &cs->other;
	return 0;
}

static int use_known(struct cdp_charset *cs, const struct kind *kind, struct cdp_err *err)
{
	cs->kind = kind;
	if (!kind->iconv)
		return 0;
	cs->cd = iconv_open("UTF-8", kind->iconv);
	if (cs->cd != (iconv_t)-1)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "this system cannot decode character set '%s'", kind->name);
}

struct cdp_charset *cdp_charset_new(const char *name, struct cdp_err *err)
{
	const struct kind *kind = find_kind(name);
	struct cdp_charset *cs = cdp_calloc(1, sizeof(*cs));

	if ((kind ? use_known(cs, kind, err) : use_other(cs, name, err)) == 0)
		return cs;
	free(cs);
	return NULL;
}

void cdp_charset_free(struct cdp_charset *cs)
{
	if (!cs)
		return;
	if (cs->kind->iconv)
		iconv_close(cs->cd);
	free(cs->name);
	free(cs);
}

/* Length of the mark, 0: there is none, -1: it may be one. */
static int match_bom(const char *bom, const char *p, size_t n)
{
	size_t len = strlen(bom);

	if (memcmp(p, bom, n < len ? n : len) != 0)
		return 0;
	return n < len ? -1 : (int)len;
}

int cdp_charset_of_bom(const char *p, size_t n, const char **name)
{
	int status = 0;

	for (int i = 0; i < KINDS; i++) {
		int len = match_bom(kinds[i].bom, p, n);

		if (len > 0) {
			*name = kinds[i].name;
			return len;
		}
		if (len < 0)
			status = -1;
	}
	return status;
}

const char *cdp_charset_name(const struct cdp_charset *cs)
{
	return cs->kind->name;
}

int cdp_charset_bom(const struct cdp_charset *cs, const char *p, size_t n)
{
	return match_bom(cs->kind->bom, p, n);
}

unsigned cdp_charset_unit(const struct cdp_charset *cs)
{
	return cs->kind->unit;
}

static bool is_big(const struct cdp_charset *cs)
{
	return strcmp(cs->kind->name, "UTF-16BE") == 0;
}

int cdp_charset_ascii(const struct cdp_charset *cs, const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	unsigned c = b[0], high = 0;

	if (cs->kind->unit == 2) {
		c = is_big(cs) ? b[1] : b[0];
		high = is_big(cs) ? b[0] : b[1];
	}
	return high == 0 && c < 0x80 ? (int)c : -1;
}

size_t cdp_charset_find(const struct cdp_charset *cs, const char *p, size_t n, char c)
{
	bool big = is_big(cs);
	const char *hit = p;

	while ((hit = memchr(hit, c, n - (size_t)(hit - p)))) {
		size_t at = (size_t)(hit - p);

		if (cs->kind->unit == 1)
			return at + 1;
		/* UTF-16: the byte must be the low half of a unit whose high half is 0.
		 */
		if (big && at % 2 == 1 && p[at - 1] == 0)
			return at + 1;
		if (!big && at % 2 == 0 && at + 1 < n && p[at + 1] == 0)
			return at + 2;
		hit++;
	}
	return 0;
}

static bool ends_with(const struct cdp_charset *cs, const char *p, size_t n, char c)
{
	size_t unit = cs->kind->unit;

	return n >= unit && n % unit == 0 && cdp_charset_ascii(cs, p + n - unit) == c;
}

size_t cdp_charset_chomp(const struct cdp_charset *cs, const char *p, size_t n, char end)
{
	if (!ends_with(cs, p, n, end))
		return n;
	n -= cs->kind->unit;
	return end == '\n' && ends_with(cs, p, n, '\r') ? n - cs->kind->unit : n;
}

static int refuse(const struct cdp_charset *cs, const char *p, size_t at, bool cut,
		  uint64_t offset, struct cdp_err *err)
{
	return cdp_err_set(
		err, CDP_ERR_DATA, "not valid %s: %s at byte 0x%02x, offset %" PRIu64,
		cs->kind->name, cut ? "cut character" : "undecodable character",
		(unsigned char)p[at], offset + at);
}

/* True if p, n are the beginning of a well-formed UTF-8 sequence that goes on. */
static bool is_cut_utf8(const char *p, size_t n)
{
	static const char tail[] = "\x80\x80\x80";
	static const char tail2[] =
		"\xbf\x80\x80"; /* after E0 and F0, 80 is not allowed */
	char whole[4];

	if (n >= 4)
		return false;
	for (size_t len = n + 1; len <= 4; len++) {
		memcpy(whole, p, n);
		memcpy(whole + n, tail, len - n);
		if (cdp_utf8_check(whole, len) == len)
			return true;
		memcpy(whole + n, tail2, len - n);
		if (n == 1 && cdp_utf8_check(whole, len) == len)
			return true;
	}
	return false;
}

static int pass_utf8(const struct cdp_charset *cs, const char *p, size_t n, bool last,
		     uint64_t offset, size_t *used, struct cdp_buf *out,
		     struct cdp_err *err)
{
	bool cut;

	*used = cdp_utf8_check(p, n);
	cdp_buf_add(out, p, *used);
	if (*used == n)
		return 0;
	cut = is_cut_utf8(p + *used, n - *used);
	if (cut && !last)
		return 0;
	return refuse(cs, p, *used, cut, offset, err);
}

int cdp_charset_decode(struct cdp_charset *cs, const char *p, size_t n, bool last,
		       uint64_t offset, size_t *used, struct cdp_buf *out,
		       struct cdp_err *err)
{
	char *in = (char *)(uintptr_t)p;
	size_t left = n;

	if (!cs->kind->iconv)
		return pass_utf8(cs, p, n, last, offset, used, out, err);
	iconv(cs->cd, NULL, NULL, NULL, NULL);
	for (;;) {
		char *to;
		size_t room, got;

		/* Three bytes of UTF-8 for two of UTF-16 is the worst case but one. */
		if (cdp_buf_reserve(out, left + left / 2 + 16) < 0) {
			*used = n - left;
			return cdp_err_set(err, CDP_ERR_DATA,
					   "decoded text is longer than %zu bytes",
					   out->max);
		}
		to = out->p + out->n;
		room = out->cap - out->n;
		got = iconv(cs->cd, &in, &left, &to, &room);
		out->n = out->cap - room;
		*used = n - left;
		if (got != (size_t)-1)
			return 0;
		if (errno == E2BIG)
			continue;
		if (errno == EINVAL && !last)
			return 0;
		return refuse(cs, p, *used, errno == EINVAL, offset, err);
	}
}
