#include "model/identity_norm.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

const char *const cdp_idnorm_names[] = {
	"none", "text", "lower", "email", "phone", "idcard", NULL,
};

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* Printable ASCII without a space at either end: already in the form `text`. */
static bool is_plain(const char *p, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++)
		bad |= (unsigned char)(p[i] - 0x20) > 0x5e;
	return !bad && p[0] != ' ' && p[n - 1] != ' ';
}

/* Bytes of the white space or invisible character that starts at p, else 0. */
static size_t blank_at(const char *p, size_t n)
{
	uint32_t cp;
	unsigned len = cdp_utf8_next(p, n, &cp);

	if (cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0x85 || cp == 0xa0 ||
	    cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200d) || cp == 0x2028 ||
	    cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x2060 ||
	    cp == 0x3000 || cp == 0xfeff)
		return len;
	return 0;
}

static void trim(const char **p, size_t *n)
{
	size_t k, end = 0;

	while (*n && (k = blank_at(*p, *n)) != 0) {
		*p += k;
		*n -= k;
	}
	for (size_t i = 0; i < *n;) {
		uint32_t cp;

		k = blank_at(*p + i, *n - i);
		i += k ? k : cdp_utf8_next(*p + i, *n - i, &cp);
		if (!k)
			end = i;
	}
	*n = end;
}

static bool has_control(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return true;
	return false;
}

static bool to_text(const char **p, size_t *n, struct cdp_buf *tmp)
{
	if (is_plain(*p, *n))
		return true;
	/* Compatibility forms grow at most 18-fold (U+FDFA), so this bounds the work. */
	if (*n > 16 * CDP_ID_VALUE_MAX || cdp_text_nfkc(tmp, *p, *n) < 0)
		return false;
	*p = tmp->p;
	*n = tmp->n;
	trim(p, n);
	return !has_control(*p, *n);
}

/* Makes *p ours to change: the text in tmp, with room for `extra` bytes more. */
static char *own(const char **p, size_t n, struct cdp_buf *tmp, size_t extra)
{
	size_t at = *p >= tmp->p && *p < tmp->p + tmp->n ? (size_t)(*p - tmp->p) : 0;
	bool inside = *p >= tmp->p && *p < tmp->p + tmp->n;

	if (cdp_buf_reserve(tmp, n + extra) < 0)
		return NULL;
	memmove(tmp->p, inside ? tmp->p + at : *p, n);
	*p = tmp->p;
	return tmp->p;
}

static bool to_lower(const char **p, size_t n, struct cdp_buf *tmp)
{
	size_t i = 0;
	char *w;

	while (i < n && lower((*p)[i]) == (*p)[i])
		i++;
	if (i == n)
		return true;
	w = own(p, n, tmp, 0);
	if (!w)
		return false;
	for (; i < n; i++)
		w[i] = lower(w[i]);
	return true;
}

static bool is_hashed(const char *p, size_t n)
{
	bool letters = false;

	if (n != 32 && n != 40 && n != 64)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = lower(p[i]);

		if (!is_digit(c) && (c < 'a' || c > 'f'))
			return false;
		letters |= !is_digit(c);
	}
	return letters;
}

static bool is_email(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);

	return at && at != p && at + 1 < p + n &&
	       !memchr(at + 1, '@', (size_t)(p + n - at - 1)) && !memchr(p, ' ', n);
}

/* Digits of a phone number without what people write between them; *plus if it names
 * its country.  Returns how many, or 0 if other characters occur or there are too many.
 */
static size_t phone_digits(char out[20], const char *p, size_t n, bool *plus)
{
	size_t k = 0;

	*plus = n && p[0] == '+';
	for (size_t i = *plus; i < n; i++) {
		if (is_digit(p[i]) && k < 20)
			out[k++] = p[i];
		else if (!memchr(" -().", p[i], 5))
			return 0;
	}
	if (!*plus && k > 2 && out[0] == '0' && out[1] == '0') {
		*plus = true;
		k -= 2;
		memmove(out, out + 2, k);
	}
	return k;
}

static bool to_phone(const char **p, size_t *n, struct cdp_buf *tmp)
{
	char d[20];
	bool plus;
	size_t k = phone_digits(d, *p, *n, &plus), skip = 0;
	const char *country = "+";

	if (plus) {
		/* E.164: at most 15 digits, and no country code starts with 0. */
		if (k < 8 || k > 15 || d[0] == '0')
			return false;
	} else if (k == 13 && d[0] == '8' && d[1] == '6' && d[2] == '1') {
		;
	} else if (k == 11 && d[0] == '1' && d[1] >= '3') {
		country = "+86";
	} else if ((k == 11 || k == 12) && d[0] == '0') {
		country = "+86"; /* a fixed line: the trunk 0 falls away */
		skip = 1;
	} else {
		return false;
	}
	cdp_buf_reset(tmp);
	cdp_buf_adds(tmp, country);
	cdp_buf_add(tmp, d + skip, k - skip);
	*p = tmp->p;
	*n = tmp->n;
	return true;
}

/* ISO 7064 MOD 11-2 over the first 17 digits. */
static char idcard_check(const char *p)
{
	static const unsigned char weight[17] = { 7, 9, 10, 5,  8, 4, 2, 1, 6,
						  3, 7, 9,  10, 5, 8, 4, 2 };
	unsigned sum = 0;

	for (int i = 0; i < 17; i++)
		sum += weight[i] * (unsigned)(p[i] - '0');
	return "10X98765432"[sum % 11];
}

static bool to_idcard(const char **p, size_t *n, struct cdp_buf *tmp)
{
	char d[18];
	unsigned month, day;

	if (*n != 15 && *n != 18)
		return false;
	for (size_t i = 0; i < *n; i++)
		if (!is_digit((*p)[i]) && (i != 17 || lower((*p)[i]) != 'x'))
			return false;
	if (*n == 18) {
		memcpy(d, *p, 18);
	} else {
		memcpy(d, *p, 6);
		memcpy(d + 6, "19", 2);
		memcpy(d + 8, *p + 6, 9);
		d[17] = idcard_check(d);
	}
	if (d[17] == 'x')
		d[17] = 'X';
	month = (unsigned)(d[10] - '0') * 10 + (unsigned)(d[11] - '0');
	day = (unsigned)(d[12] - '0') * 10 + (unsigned)(d[13] - '0');
	if (month < 1 || month > 12 || day < 1 || day > 31 || d[17] != idcard_check(d))
		return false;
	cdp_buf_reset(tmp);
	cdp_buf_add(tmp, d, 18);
	*p = tmp->p;
	*n = 18;
	return true;
}

bool cdp_idnorm(enum cdp_idnorm norm, const char *p, size_t n, struct cdp_buf *tmp,
		const char **q, size_t *qn)
{
	cdp_buf_reset(tmp);
	*q = p;
	*qn = n;
	if (!n)
		return false;
	if (norm == CDP_IDNORM_NONE)
		return n <= CDP_ID_VALUE_MAX && !memchr(p, '\0', n);
	if (!to_text(q, qn, tmp) || !*qn)
		return false;
	if (norm == CDP_IDNORM_TEXT)
		return *qn <= CDP_ID_VALUE_MAX;
	if (norm == CDP_IDNORM_LOWER || is_hashed(*q, *qn))
		return to_lower(q, *qn, tmp) && *qn <= CDP_ID_VALUE_MAX;
	if (norm == CDP_IDNORM_PHONE)
		return to_phone(q, qn, tmp);
	if (norm == CDP_IDNORM_IDCARD)
		return to_idcard(q, qn, tmp);
	return is_email(*q, *qn) && to_lower(q, *qn, tmp) && *qn <= CDP_ID_VALUE_MAX;
}

/* --- junk --- */

static bool only_zeros(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != '0' && p[i] != '-')
			return false;
	return true;
}

static bool all_the_same(const char *p, size_t n)
{
	if (n > 3 && memcmp(p, "+86", 3) == 0) {
		p += 3;
		n -= 3;
	}
	for (size_t i = 1; i < n; i++)
		if (p[i] != p[0])
			return false;
	return n >= 4;
}

#define WORD(text)                                                                       \
	{                                                                                \
		sizeof(text) - 1, text                                                   \
	}

bool cdp_id_may_start_junk(char a, char b)
{
	if (a == b)
		return true;
	switch ((unsigned char)lower(a) << 8 | (unsigned char)lower(b)) {
	case '0' << 8 | '-':
	case '-' << 8 | '0':
	case 'n' << 8 | 'u':
	case 'u' << 8 | 'n':
	case 'n' << 8 | 'o':
	case 'n' << 8 | 'a':
	case 'n' << 8 | 'i':
	case 'a' << 8 | 'n':
	case 'g' << 8 | 'u':
	case 't' << 8 | 'e':
	case 't' << 8 | 'r':
	case 'f' << 8 | 'a':
	case 'n' << 8 | '/':
	case '(' << 8 | 'n':
	case '[' << 8 | 'o':
	case '-' << 8 | '1':
	case '\\' << 8 | 'n':
	case '+' << 8 | '8':
	case '1' << 8 | '3':
	case '1' << 8 | '8':
	case '0' << 8 | '2':
	case '9' << 8 | '7':
		return true;
	default:
		return false;
	}
}

bool cdp_id_is_junk(const char *value, size_t n)
{
	/* Of each word cdp_id_may_start_junk() knows the first two characters. */
	static const struct word {
		size_t n;
		const char *p;
	} words[] = {
		WORD("null"),
		WORD("undefined"),
		WORD("none"),
		WORD("nan"),
		WORD("nil"),
		WORD("unknown"),
		WORD("anonymous"),
		WORD("guest"),
		WORD("test"),
		WORD("true"),
		WORD("false"),
		WORD("n/a"),
		WORD("(null)"),
		WORD("[object object]"),
		WORD("-1"),
		WORD("\\n"),
		/* phone numbers of examples and of forms filled in for show */
		WORD("+8613800138000"),
		WORD("+8618888888888"),
		WORD("+8612345678901"),
		WORD("13800138000"),
		WORD("18888888888"),
		/* what iOS gives for a MAC address; the ANDROID_ID of a whole series */
		WORD("02:00:00:00:00:00"),
		WORD("020000000000"),
		WORD("00:00:00:00:00:00"),
		WORD("9774d56d682e549c"),
	};

	if (only_zeros(value, n) || all_the_same(value, n))
		return true;
	if (n > CDP_ID_JUNK_WORD_MAX || n < 2 ||
	    !cdp_id_may_start_junk(value[0], value[1]))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].n == n && lower(*words[i].p) == lower(*value) &&
		    strncasecmp(words[i].p, value, n) == 0)
			return true;
	return false;
}
