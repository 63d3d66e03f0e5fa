/* Forms, and the Base64 that comes in them. */
#include "base/base64.h"
#include "format/form.h"
#include "tap.h"

#include <string.h>

static struct cdp_buf out;

static const char *json(const char *form)
{
	struct cdp_err err;

	cdp_buf_reset(&out);
	if (cdp_form_json(&out, form, strlen(form), &err) < 0)
		cdp_buf_addf(&out, "bad: %s", err.msg);
	return cdp_buf_str(&out);
}

static void forms(void)
{
	struct cdp_buf v;

	is_str(json("a=1&b=%E5%BC%A0+x&c"), "{\"a\":\"1\",\"b\":\"张 x\",\"c\":\"\"}",
	       "escapes and plus signs are undone, a name alone has no value");
	is_str(json("a=1&b=2&a=3"), "{\"b\":\"2\",\"a\":\"3\"}",
	       "of a name that comes twice the last value stays");
	is_str(json("&&x=%2&y=%zz&"), "{\"x\":\"%2\",\"y\":\"%zz\"}",
	       "a percent sign that begins no escape is itself");
	is_str(json(""), "{}", "an empty form is an empty object");
	is_str(json("a=%22%5C%00"), "{\"a\":\"\\\"\\\\\\u0000\"}",
	       "quotes and control bytes are escaped again");
	is_str(json("a=%ff"), "bad: a form with bytes that are no UTF-8",
	       "bytes that are no UTF-8 are refused");
	cdp_buf_init(&v, CDP_BUF_NOMAX);
	for (int i = 0; i <= CDP_FORM_MAX; i++)
		cdp_buf_addf(&v, "k%d=&", i);
	is_str(json(cdp_buf_str(&v)), "bad: a form of more than 1000 members",
	       "too many members are refused");
	ok(cdp_form_get("a=1&b=%32", 9, "b", &v) && v.n == 1 && v.p[0] == '2',
	   "a value is found by its name");
	ok(!cdp_form_get("a=1", 3, "c", &v) && v.n == 0, "a missing name has no value");
	cdp_buf_release(&v);
}

static const char *decoded(const char *text)
{
	cdp_buf_reset(&out);
	if (cdp_base64_decode(&out, text, strlen(text)) < 0)
		return out.n ? "LEFT OVER" : "bad";
	return cdp_buf_str(&out);
}

static void base64(void)
{
	static const char *const texts[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		is_str(decoded(texts[i][1]), texts[i][0], "RFC 4648 decodes '%s'",
		       texts[i][1]);
		cdp_buf_reset(&out);
		cdp_base64_encode(&out, texts[i][0], strlen(texts[i][0]));
		is_str(cdp_buf_str(&out), texts[i][1], "RFC 4648 encodes '%s'",
		       texts[i][0]);
	}
	is_str(decoded("Zm8"), "fo", "padding may be missing");
	is_str(decoded("_-_-"), decoded("/+/+"), "both alphabets are one");
	is_str(decoded("/ / "), decoded("/+/+"), "a space was a plus sign");
	is_str(decoded("Zm9v!"), "bad", "another byte is refused");
	is_str(decoded("Zm9vY"), "bad", "six bits alone are refused");
	is_str(decoded("Zh=="), "bad", "bits that are lost are refused");
	is_str(decoded("Z==="), "bad", "too much padding is refused");
}

int main(void)
{
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	forms();
	base64();
	cdp_buf_release(&out);
	return tap_done();
}
