#include "format/payload.h"

#include "io/compress.h"
#include "record/json.h"

/* --- compression --- */

static bool is_zlib(const char *p, size_t n)
{
	unsigned a, b;

	if (n < 2)
		return false;
	a = (unsigned char)p[0];
	b = (unsigned char)p[1];
	return a == 0x78 && (b == 0x01 || b == 0x5e || b == 0x9c || b == 0xda);
}

static int unpack(struct cdp_unpack *u, const char *p, size_t n, struct cdp_buf *out,
		  size_t max, struct cdp_err *err)
{
	enum { STEP = 64 << 10 };
	size_t used, made, room;

	do {
		if (out->n > max)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "inflates to more than %zu bytes", max);
		/* One byte more than allowed tells that there is more. */
		room = max + 1 - out->n < STEP ? max + 1 - out->n : STEP;
		cdp_buf_reserve(out, room);
		if (cdp_unpack_run(u, p, n, &used, out->p + out->n, room, &made, err) < 0)
			return -1;
		out->n += made;
		p += used;
		n -= used;
	} while (made || (n && used));
	if (n)
		return cdp_err_set(err, CDP_ERR_DATA, "corrupt compressed data");
	return cdp_unpack_end(u, err);
}

int cdp_unpack_bytes(const char **p, size_t *n, struct cdp_buf *out, size_t max,
		     struct cdp_err *err)
{
	enum cdp_codec codec = is_zlib(*p, *n) ? CDP_CODEC_ZLIB : cdp_codec_sniff(*p, *n);
	struct cdp_unpack *u;
	int rc;

	if (codec == CDP_CODEC_PLAIN || codec == CDP_CODEC_UNSURE)
		return 0;
	cdp_buf_reset(out);
	u = cdp_unpack_new(codec);
	rc = unpack(u, *p, *n, out, max, err);
	cdp_unpack_free(u);
	if (rc < 0) {
		err->kind = CDP_ERR_DATA;
		return -1;
	}
	*p = out->p;
	*n = out->n;
	return 0;
}

/* --- base64 --- */

/* Value of a digit, 64 of white space, 65 of '=', 66 of anything else. */
static unsigned digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	switch (c) {
	case '+':
	case '-':
	case ' ':
		return 62;
	case '/':
	case '_':
		return 63;
	case '\r':
	case '\n':
	case '\t':
		return 64;
	case '=':
		return 65;
	default:
		return 66;
	}
}

int cdp_base64_read(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err)
{
	unsigned word = 0, bits = 0;
	size_t digits = 0, i = 0;

	cdp_buf_reserve(out, n / 4 * 3 + 3);
	for (; i < n; i++) {
		unsigned v = digit64(p[i]);

		if (v == 64)
			continue;
		if (v >= 65)
			break;
		digits++;
		word = word << 6 | v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			cdp_buf_addc(out, (char)(word >> bits & 0xff));
		}
	}
	for (; i < n; i++)
		if (digit64(p[i]) != 65 && digit64(p[i]) != 64)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "no base64 at byte %zu of %zu", i + 1, n);
	return digits % 4 == 1 ? cdp_err_set(err, CDP_ERR_DATA, "base64 that was cut off")
			       : 0;
}

void cdp_base64_write(struct cdp_buf *out, const char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
				     "z0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned w = (unsigned)(unsigned char)p[i] << 16 |
			     (left > 1 ? (unsigned)(unsigned char)p[i + 1] << 8 : 0) |
			     (left > 2 ? (unsigned char)p[i + 2] : 0);

		cdp_buf_addc(out, digits[w >> 18]);
		cdp_buf_addc(out, digits[w >> 12 & 63]);
		cdp_buf_addc(out, left > 1 ? digits[w >> 6 & 63] : '=');
		cdp_buf_addc(out, left > 2 ? digits[w & 63] : '=');
	}
}

/* --- forms --- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(struct cdp_buf *out, const char *p, size_t n)
{
	cdp_buf_reset(out);
	cdp_buf_reserve(out, n);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' && n - i > 2 && hex(p[i + 1]) >= 0 &&
		    hex(p[i + 2]) >= 0) {
			cdp_buf_addc(out, (char)(hex(p[i + 1]) << 4 | hex(p[i + 2])));
			i += 2;
		} else {
			cdp_buf_addc(out, p[i] == '+' ? ' ' : p[i]);
		}
	}
}

bool cdp_form_next(const char *form, size_t n, size_t *at, struct cdp_buf *key,
		   struct cdp_buf *value)
{
	const char *p, *amp, *eq;
	size_t len, k;

	while (*at < n && form[*at] == '&')
		++*at;
	if (*at >= n)
		return false;
	p = form + *at;
	amp = memchr(p, '&', n - *at);
	len = amp ? (size_t)(amp - p) : n - *at;
	eq = memchr(p, '=', len);
	k = eq ? (size_t)(eq - p) : len;
	percent_decode(key, p, k);
	percent_decode(value, eq ? eq + 1 : p + len, eq ? len - k - 1 : 0);
	*at += len;
	return true;
}

bool cdp_form_get(const char *form, size_t n, const char *name, struct cdp_buf *value)
{
	size_t k = strlen(name);
	const char *p = form, *end = form + n;

	/* Names are plain, so only the value needs decoding. */
	while (p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p)),
			   *to = amp ? amp : end;

		if ((size_t)(to - p) > k && p[k] == '=' && memcmp(p, name, k) == 0) {
			percent_decode(value, p + k + 1, (size_t)(to - p) - k - 1);
			return true;
		}
		p = to + 1;
	}
	cdp_buf_reset(value);
	return false;
}

void cdp_form_json(struct cdp_buf *out, const char *form, size_t n)
{
	struct cdp_buf key, value;
	size_t at = 0;

	cdp_buf_init(&key, CDP_BUF_NOMAX);
	cdp_buf_init(&value, CDP_BUF_NOMAX);
	while (cdp_form_next(form, n, &at, &key, &value)) {
		if (out->n && out->p[out->n - 1] != '{')
			cdp_buf_addc(out, ',');
		cdp_json_str(out, key.p, key.n);
		cdp_buf_addc(out, ':');
		cdp_json_str(out, value.p, value.n);
	}
	cdp_buf_release(&key);
	cdp_buf_release(&value);
}

void cdp_form_put(struct cdp_buf *out, const char *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned c = (unsigned char)p[i];

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			cdp_buf_addc(out, p[i]);
			continue;
		}
		cdp_buf_addc(out, '%');
		cdp_buf_addc(out, digits[c >> 4]);
		cdp_buf_addc(out, digits[c & 15]);
	}
}
