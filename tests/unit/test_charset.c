#include "io/charset.h"

#include <string.h>

#include "tap.h"

/* Decode with the input in pieces of `step`; the result, then "!message" if it ends in an
 * error. */
static const char *decode(const char *charset, const char *p, size_t n, size_t step)
{
	static struct cdp_buf out;
	struct cdp_err err = { 0 };
	struct cdp_charset *cs = cdp_charset_new(charset, &err);
	size_t at = 0, have = 0, used;
	int status = 0;

	if (!out.p)
		cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_reset(&out);
	while (status == 0 && at < n) {
		have = have + step < n - at ? have + step : n - at;
		status = cdp_charset_decode(cs, p + at, have, at + have == n, at, &used,
					    &out, &err);
		at += used;
		have -= used;
	}
	if (status < 0)
		cdp_buf_addf(&out, "!%s", err.msg);
	cdp_charset_free(cs);
	return cdp_buf_str(&out);
}

#define decodes(charset, bytes, want, ...)                                               \
	do {                                                                             \
		is_str(decode(charset, bytes, sizeof(bytes) - 1, 1000), want,            \
		       __VA_ARGS__);                                                     \
		is_str(decode(charset, bytes, sizeof(bytes) - 1, 1), want,               \
		       "and byte by byte");                                              \
	} while (0)

static void good(void)
{
	/* 张三 is D5 C5 C8 FD in GB 2312; 億 is 83 7C, with '|' as its second byte;
	 * U+20BB7 has four bytes in GB18030 only. */
	decodes("GBK",
		"a\xd5\xc5\xc8\xfd"
		"b",
		"a\xe5\xbc\xa0\xe4\xb8\x89"
		"b",
		"GBK text is read");
	decodes("gb18030", "\x83|", "\xe5\x84\x84", "a second byte may be a bar");
	decodes("gbk", "\x95\x34\xb2\x35", "\xf0\xa0\xae\xb7",
		"four-byte characters are read in what is called GBK");
	decodes("UTF-16LE", "a\0\x20\x5f\n\0", "a\xe5\xbc\xa0\n", "UTF-16LE is read");
	decodes("utf_16be", "\0a\x5f\x20\xd8\x42\xdf\xb7",
		"a\xe5\xbc\xa0\xf0\xa0\xae\xb7", "UTF-16BE with surrogates is read");
	decodes("latin1", "caf\xe9", "caf\xc3\xa9", "Latin 1 is read");
	decodes("utf8", "\xf0\xa0\xae\xb7\xe5\xbc\xa0z", "\xf0\xa0\xae\xb7\xe5\xbc\xa0z",
		"UTF-8 passes");
	decodes("utf8", "\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf",
		"\xe0\xa0\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf", "also at its corners");
	decodes("big5", "\xb1i", "\xe5\xbc\xb5", "Big5 is read");
	decodes("utf8", "", "", "nothing is nothing");
}

static void bad(void)
{
	decodes("gb18030",
		"ab\xff"
		"c",
		"ab!not valid GB18030: undecodable character at byte 0xff, offset 2",
		"a bad byte is named with its offset");
	decodes("gb18030", "ab\xd5",
		"ab!not valid GB18030: cut character at byte 0xd5, offset 2",
		"a character may not be cut by the end");
	decodes("utf-8", "ab\xe5\xbc",
		"ab!not valid UTF-8: cut character at byte 0xe5, offset 2",
		"nor in UTF-8");
	decodes("utf-8", "\xe5\xbcz",
		"!not valid UTF-8: undecodable character at byte 0xe5, offset 0",
		"a broken sequence is named by its first byte");
	decodes("utf-8", "a\xed\xa0\x80",
		"a!not valid UTF-8: undecodable character at byte 0xed, offset 1",
		"surrogates are not UTF-8");
	decodes("utf-8", "a\xc0\x80",
		"a!not valid UTF-8: undecodable character at byte 0xc0, offset 1",
		"nor are long forms");
	decodes("utf-16le", "a\0\x42\xd8z\0",
		"a!not valid UTF-16LE: undecodable character at byte 0x42, offset 2",
		"a lone surrogate is an error");
	decodes("utf-16le", "a\0b",
		"a!not valid UTF-16LE: cut character at byte 0x62, offset 2",
		"so is half a unit");
}

static void going_on(void)
{
	struct cdp_err err;
	struct cdp_charset *cs = cdp_charset_new("gbk", &err);
	struct cdp_buf out;
	size_t used;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	is_int(cdp_charset_decode(cs, "x\xff\xd5\xc5", 4, true, 100, &used, &out, &err),
	       -1, "an error stops");
	is_int((int64_t)used, 1, "at the bad byte");
	ok(strstr(err.msg, "offset 101"), "its offset is that in the input");
	is_int(cdp_charset_decode(cs, "\xd5\xc5", 2, true, 102, &used, &out, &err), 0,
	       "decoding can go on after it");
	is_str(cdp_buf_str(&out), "x\xe5\xbc\xa0", "with nothing in its place");
	cdp_buf_release(&out);
	cdp_charset_free(cs);
}

static void lines(void)
{
	struct cdp_err err;
	struct cdp_charset *le = cdp_charset_new("utf-16le", &err);
	struct cdp_charset *be = cdp_charset_new("utf-16be", &err);
	struct cdp_charset *one = cdp_charset_new("utf-8", &err);

	/* U+0A0A, then U+000A; U+0D00 before it is no CR. */
	is_int((int64_t)cdp_charset_find(le, "\n\n\n\0x", 5, '\n'), 4,
	       "an LF in UTF-16LE");
	is_int((int64_t)cdp_charset_find(be, "\n\n\0\nx", 5, '\n'), 4,
	       "an LF in UTF-16BE");
	is_int((int64_t)cdp_charset_find(le, "\0\n\n", 3, '\n'), 0,
	       "half an LF is none yet");
	is_int((int64_t)cdp_charset_find(one, "ab\nc", 4, '\n'), 3, "an LF");
	is_int((int64_t)cdp_charset_find(one, "ab", 2, '\n'), 0, "none");
	is_int((int64_t)cdp_charset_chomp(one, "a\r\n", 3, '\n'), 1, "CR LF is cut");
	is_int((int64_t)cdp_charset_chomp(one, "a\r", 2, '\n'), 2, "CR alone is not");
	is_int((int64_t)cdp_charset_chomp(le, "a\0\r\0\n\0", 6, '\n'), 2,
	       "in UTF-16LE too");
	is_int((int64_t)cdp_charset_chomp(le, "\0\r\n\0", 4, '\n'), 2, "U+0D00 is no CR");
	cdp_charset_free(le);
	cdp_charset_free(be);
	cdp_charset_free(one);
}

static void names(void)
{
	struct cdp_err err = { 0 };
	struct cdp_charset *cs = cdp_charset_new("GB_2312", &err);
	const char *name = "";

	is_str(cdp_charset_name(cs), "GB18030", "GB 2312 is read as GB18030");
	cdp_charset_free(cs);
	ok(!cdp_charset_new("klingon", &err) && err.kind == CDP_ERR_USAGE,
	   "an unknown name is a usage error");
	ok(strstr(err.msg, "unknown character set 'klingon' (known are"),
	   "with those known");
	cs = cdp_charset_new("EUC-TW", &err);
	ok(cs, "any of iconv's that is ASCII where it looks so will do");
	cdp_charset_free(cs);
	ok(!cdp_charset_new("utf-7", &err) && !cdp_charset_new("iso-2022-jp", &err) &&
		   !cdp_charset_new("ebcdic-us", &err) &&
		   !cdp_charset_new("utf-32", &err),
	   "shift states and wide units will not");
	ok(!cdp_charset_new("gbk//IGNORE", &err) && !cdp_charset_new("", &err),
	   "nor will ways to drop what cannot be decoded, and the locale's");
	is_int(cdp_charset_of_bom("\xff", 1, &name), -1, "one byte may begin a mark");
	is_int(cdp_charset_of_bom("\xff\xfe", 2, &name), 2, "two may be one");
	is_str(name, "UTF-16LE", "of UTF-16LE");
	is_int(cdp_charset_of_bom("\x84\x31\x95\x33", 4, &name), 4, "four may be one");
	is_str(name, "GB18030", "of GB18030");
	is_int(cdp_charset_of_bom("id", 2, &name), 0, "text has none");
}

int main(void)
{
	good();
	bad();
	going_on();
	lines();
	names();
	return tap_done();
}
