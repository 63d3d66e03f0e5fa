/* LZ-String.  The packed texts were made by the JavaScript library 1.5.0. */
#include "base/base64.h"
#include "format/lzstring.h"
#include "tap.h"

#include <string.h>

/* "n0客0,n919客1,...", whose codes grow to nine bits. */
static const char grown[] =
	"HYBkRdogNMCcCMMx2gDgMwrAJmgdgKy5hrQBsupYALNPjPmPrXFWKdFWmhNGvlkmhZccbNAT"
	"gSwOCEQ1gWTE1hUi7YClKUowXCgbJdIVjmCks3KfioD5VUqOUZw6rDEQ6scTIbhoipviUUjA"
	"E1KgwrMoofmx4aAI6pPiihoTgplQoiFJUIJjyCUTKWPZx0sk8GqyG3KYwWAJSKFSi8hTgyuS"
	"I6nSYOilEhpyUpnwMUsKs8gjcynBwAupoojr04IaaiKZ6mFK4IETy5pTK1gzq9qw6GNy1IAK"
	"mjaIkQA";
/* 100,000 times an x. */
static const char bomb[] =
	"B418ZXTt-DFOS1b0c17Pd-wYUcSaWeRZVdTbXfQ408y62+x519z73-wMFDhI0WPETJU6TNlz"
	"5CxUuUrVa9Rs1btO3Xv0HDR4ydNnzFy1es3bd+w8dPnL12-cfPX7z99--AYFBwSGhYeERkVH"
	"RMbFx8QmJSckpqWnpGZlZ2Tm5efkFhUXFJaVl5RWVVdU1tXX1DY1NzS2tbe0dnV3dPb19-QO"
	"DQ8Mjo2PjE5NT0zOzc-MLi0vLK6tr6xubW9s7u3v7B4dHxyenZ+cXl1fXN7d39w+PT88vr2-"
	"vH59f3z+-f-8AwFA4Eg0Fg8EQyFQ6Ew2Fw+EIxFI5Eo1Fo9EYzFY7E43F4-EEwlE4kk0lk8k"
	"UylU6k02l0+kMxlM5ks1ls9kczlc7k83l8-kCwVC4Ui0Vi8USyVS6Uy2Vy+UKxVK5Uq1Vq9U"
	"azVa7U63V6-UGw1G40m01m80Wy1W602212+0Ox1O50u11u90ez1e70+31+-0BwNB4Mh0Nh8M"
	"RyNR6Mx2Nx+MJxNJ5Mp1Np9MZzNZ7M53N5-MFwtF4sl0tl8sVytV6s12t1+sNxtN5st1tt9s"
	"dztd7s93t9-sDwVAA";

static struct cdp_buf out, packed;
static struct cdp_err err;

/* What the text packed in an URL, and the words in Base64, come to. */
static void unpacks(const char *uri, const char *words, const char *want,
		    const char *name)
{
	cdp_buf_reset(&out);
	ok(cdp_lzstring_uri(&out, uri, strlen(uri), 1 << 20, &err) == 0, "%s unpacks",
	   name);
	is_str(cdp_buf_str(&out), want, "from an URL");
	cdp_buf_reset(&packed);
	cdp_base64_decode(&packed, words, strlen(words));
	cdp_buf_reset(&out);
	ok(cdp_lzstring_words(&out, packed.p, packed.n, 1 << 20, &err) == 0,
	   "and in words");
	is_str(cdp_buf_str(&out), want, "alike");
}

static void test_growth(void)
{
	struct cdp_buf want;

	cdp_buf_init(&want, CDP_BUF_NOMAX);
	for (int i = 0; i < 60; i++)
		cdp_buf_addf(&want, "n%d客%d,", i * 7919 % 1000, i % 7);
	cdp_buf_reset(&out);
	cdp_lzstring_uri(&out, grown, strlen(grown), 1 << 20, &err);
	is_str(cdp_buf_str(&out), cdp_buf_str(&want), "codes grow with the dictionary");
	cdp_buf_release(&want);
}

static void test_bounds(void)
{
	int rc;

	cdp_buf_reset(&out);
	rc = cdp_lzstring_uri(&out, bomb, strlen(bomb), 1 << 20, &err);
	ok(rc == 0 && out.n == 100000, "what it inflates to may be within the bound");
	cdp_buf_reset(&out);
	rc = cdp_lzstring_uri(&out, bomb, strlen(bomb), 50000, &err);
	ok(rc < 0 && out.n == 0 && strstr(err.msg, "too many"), "and not beyond: %s",
	   err.msg);
	for (size_t n = 0; n < strlen(grown); n++)
		if (cdp_lzstring_uri(&out, grown, n, 1 << 20, &err) == 0)
			rc = 1;
	ok(rc < 0, "a text that was cut off anywhere is an error");
	ok(cdp_lzstring_uri(&out, "ab!c", 4, 100, &err) < 0 && strstr(err.msg, "byte 3"),
	   "so is a character of no alphabet: %s", err.msg);
	/* A code of the dictionary before there is one. */
	ok(cdp_lzstring_words(&out, "\xff\xff\xff\xff", 4, 100, &err) < 0,
	   "and a code that means nothing");
}

int main(void)
{
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_init(&packed, CDP_BUF_NOMAX);
	unpacks("Q", "QAA=", "", "nothing");
	unpacks("IZA", "IZA=", "a", "a letter");
	unpacks("NobwRApgbhB2AuAVAngBwmAXGAagSQGU9EwBfAXSA",
		"NobwRApgbhB2AuAVAngBwmAXGAagSQGU9EwBfAXSAAA=",
		"[{\"eventType\":\"VISIT\"}]", "JSON");
	unpacks("IY18ZVkA", "IY18ZVkA", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"a phrase of itself");
	unpacks("mAuiJYxpmYrhkASAT6iQclQvBuAA9oAA", "mAuiJYxpmYrhkASAT6iQclQvBuAA9oAA",
		"理财首页 张三 😀", "text of wide characters and a pair of surrogates");
	test_growth();
	test_bounds();
	cdp_buf_release(&out);
	cdp_buf_release(&packed);
	return tap_done();
}
