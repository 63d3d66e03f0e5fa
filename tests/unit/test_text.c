#include <string.h>

#include "base/text.h"
#include "tap.h"

static bool valid(const unsigned char *p, size_t n)
{
	return cdp_utf8_check((const char *)p, n) == n;
}

/* How many texts of exactly one sequence there are of each length is known from the code
 * points: 2^7, 2^11 - 2^7, 2^16 - 2^11 without the surrogates, 17 * 2^16 - 2^16. */
static void well_formed(void)
{
	static const unsigned char edge[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	unsigned char s[4];
	int one = 0, two = 0, three = 0, four = 0;

	for (unsigned a = 0; a < 256; a++) {
		s[0] = (unsigned char)a;
		one += valid(s, 1);
		for (unsigned b = 0; a >= 0x80 && b < 256; b++) {
			s[1] = (unsigned char)b;
			two += valid(s, 2);
			for (unsigned c = 0; a >= 0xe0 && c < 256; c++) {
				s[2] = (unsigned char)c;
				three += valid(s, 3);
			}
			for (unsigned k = 0; a >= 0xf0 && k < 36; k++) {
				s[2] = edge[k / 6];
				s[3] = edge[k % 6];
				four += valid(s, 4);
			}
		}
	}
	is_int(one, 128, "128 single bytes are well-formed");
	is_int(two, 1920, "1920 pairs with a high first byte are well-formed");
	is_int(three, 61440, "61440 triples are well-formed");
	is_int(four, 4 * 256, "of quadruples, those up to U+10FFFF are well-formed");
}

static void offsets(void)
{
	static const struct {
		const char *text;
		size_t n, want;
	} t[] = {
		{ "", 0, 0 },
		{ "a\0b", 3, 3 },
		{ "0123456789abcdef0123456789abcde\xff", 32, 31 },
		{ "0123456789abcdef\x80", 17, 16 },
		{ "\xe4\xb8\xad\xe6\x96\x87", 6, 6 },
		{ "\xe4\xb8\xad\xe6\x96", 5, 3 },
		{ "ab\xc0\xaf", 4, 2 },
		{ "ab\xed\xa0\x80", 5, 2 },
		{ "a\xf4\x90\x80\x80", 5, 1 },
		{ "\xf0\x9f\x98\x80\xf0\x9f\x98", 7, 4 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
	};
	char shifted[64];
	bool good = true;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		is_int((int64_t)cdp_utf8_check(t[i].text, t[i].n), (int64_t)t[i].want,
		       "text %zu is well-formed up to %zu", i, t[i].want);
	for (size_t at = 0; at < 60; at++) {
		memset(shifted, 'a', sizeof(shifted));
		shifted[at] = (char)0x80;
		good &= cdp_utf8_check(shifted, 64) == at;
		memcpy(shifted + at, "\xf0\x9f\x98\x80", 4);
		good &= cdp_utf8_check(shifted, 64) == 64;
		good &= cdp_utf8_check(shifted, at + 3) == at;
	}
	ok(good, "a bad byte, a good and a cut sequence are seen at every place");
}

static void code_points(void)
{
	bool good = true;
	char s[5];
	uint32_t cp;
	unsigned n;

	for (uint32_t want = 0; want <= 0x10ffff; want++) {
		if (want >= 0xd800 && want <= 0xdfff)
			continue;
		n = cdp_utf8_put(s, want);
		good &= cdp_utf8_check(s, n) == n && cdp_utf8_next(s, n, &cp) == n &&
			cp == want && cdp_utf8_count(s, n) == 1;
	}
	ok(good, "every code point is written and read back");
	ok(cdp_utf8_put(s, 0xd800) == 3 && memcmp(s, "\xef\xbf\xbd", 3) == 0 &&
		   cdp_utf8_put(s, 0x110000) == 3 && memcmp(s, "\xef\xbf\xbd", 3) == 0,
	   "a surrogate and a number too large are written as U+FFFD");
	ok(cdp_utf8_next("\xe4\xb8", 2, &cp) == 1 && cp == 0xfffd,
	   "a cut sequence reads as U+FFFD of one byte");
	is_int((int64_t)cdp_utf8_count("a\u4e2d\u00e9\U0001f600", 10), 4,
	       "count counts code points");
}

static void widths(void)
{
#define WIDTH(t, w)                                                                      \
	is_int((int64_t)cdp_utf8_width(t, strlen(t)), w, "'%s' is %d wide", t, w)
	WIDTH("", 0);
	WIDTH("abc 1", 5);
	WIDTH("\u4e2d\u6587", 4);
	WIDTH("a\u4e2db", 4);
	WIDTH("e\u0301", 1);    /* combining acute */
	WIDTH("\uff21", 2);     /* full-width A */
	WIDTH("\uff71", 1);     /* half-width katakana */
	WIDTH("\U0001f600", 2); /* emoji */
}

static struct cdp_buf b;

static const char *nfkc(const char *t)
{
	cdp_buf_reset(&b);
	if (cdp_text_nfkc(&b, t, strlen(t)) < 0)
		return NULL;
	return cdp_buf_str(&b);
}

static void normal_form(void)
{
	is_str(nfkc("abc-123"), "abc-123", "ASCII stays");
	is_str(nfkc("\uff23\uff10\uff10\uff11\uff0d\uff21"), "C001-A",
	       "full-width becomes half-width");
	is_str(nfkc("e\u0301"), "\u00e9", "a letter and its accent are composed");
	is_str(nfkc("\ufb01\u2460"), "fi1", "ligatures and circled digits are resolved");
	is_str(nfkc("\uff76\uff9e"), "\u30ac", "half-width katakana become full-width");
	is_str(nfkc("\u4e2d\u6587"), "\u4e2d\u6587", "ideographs stay");
	is_str(nfkc(""), "", "nothing stays nothing");
	cdp_buf_reset(&b);
	cdp_buf_adds(&b, "x");
	ok(cdp_text_nfkc(&b, "a\xff", 2) < 0 && b.n == 1, "ill-formed text is refused");
	ok(cdp_text_nfkc(&b, "\uff21\0\uff22", 7) == 0 && b.n == 4 &&
		   memcmp(b.p, "xA\0B", 4) == 0,
	   "a NUL does not end the text, and the result is appended");
}

static const char *escape(const char *t, size_t n)
{
	cdp_buf_reset(&b);
	cdp_text_escape(&b, t, n);
	return cdp_buf_str(&b);
}

#define ESCAPE(t) escape(t, sizeof(t) - 1)

static void escaping(void)
{
	is_str(ESCAPE("a\\b 'c' \u4e2d"), "a\\b 'c' \u4e2d", "printable text stays");
	is_str(ESCAPE("a\nb\r\t"), "a\\nb\\r\\t", "line ends and tabs are named");
	is_str(ESCAPE("\x1b[31m"), "\\x1b[31m", "escape sequences are disarmed");
	is_str(ESCAPE("a\0b\x7f"), "a\\x00b\\x7f", "NUL and DEL are shown");
	is_str(ESCAPE("\xc2\x9b"), "\\u009b", "so are the upper controls");
	is_str(ESCAPE("\u202e\u2066"), "\\u202e\\u2066", "and marks that reorder text");
	is_str(ESCAPE("\xff\xe4\xb8z"), "\\xff\\xe4\\xb8z",
	       "ill-formed bytes are shown one by one");
}

static const char *suggest(const char *t)
{
	static const char *const names[] = { "event",  "time",
					     "props",  "ids",
					     "one_id", "received",
					     "sent",   "\u91d1\u989d\u6570" };
	const char *s = cdp_text_suggest(t, strlen(t), names, 8);

	return s ? s : "(none)";
}

static void suggestions(void)
{
	char longest[100];

	is_str(suggest("prop"), "props", "a letter missing");
	is_str(suggest("evnet"), "event", "two letters swapped");
	is_str(suggest("recieved"), "received", "two letters swapped in a long name");
	is_str(suggest("Time"), "time", "a letter of another case");
	is_str(suggest("receiveed_"), "received", "two letters too many in a long name");
	is_str(suggest("\u91d1\u989d"), "\u91d1\u989d\u6570",
	       "letters of any script count once");
	is_str(suggest("amount"), "(none)", "nothing is near");
	is_str(suggest("x"), "(none)", "one letter is near nothing");
	is_str(suggest(""), "(none)", "neither is nothing");
	memset(longest, 'e', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	is_str(suggest(longest), "(none)", "a very long word is near nothing");
	ok(cdp_text_suggest("a", 1, NULL, 0) == NULL, "no names, no suggestion");
}

int main(void)
{
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	well_formed();
	offsets();
	code_points();
	widths();
	normal_form();
	escaping();
	suggestions();
	cdp_buf_release(&b);
	return tap_done();
}
