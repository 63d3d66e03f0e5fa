#include "base/time.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum { NS = 1000000000, DAY = 86400 };

/* ---- the calendar ---- */

/* Days and dates after Hinnant, "chrono-compatible low-level date algorithms": years that
 * begin in March make the leap day the last one. */
int64_t cdp_days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void cdp_civil_from_days(int64_t days, int32_t *year, int8_t *month, int8_t *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	uint32_t doe = (uint32_t)(z - era * 146097);
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint32_t mp = (5 * doy + 2) / 153;
	uint32_t m = mp < 10 ? mp + 3 : mp - 9;

	*day = (int8_t)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int8_t)m;
	*year = (int32_t)(era * 400 + yoe + (m <= 2));
}

unsigned cdp_days_in_month(int64_t year, unsigned month)
{
	unsigned leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 ? 28 + leap : 30 + ((month + (month >> 3)) & 1);
}

unsigned cdp_weekday(int64_t days)
{
	int64_t r = (days + 3) % 7; /* 1970-01-01 was a Thursday */

	return (unsigned)(r < 0 ? r + 7 : r) + 1;
}

/* ---- instants ---- */

struct cdp_time cdp_time_from_ms(int64_t ms)
{
	int64_t s = ms / 1000, r = ms % 1000;

	if (r < 0) {
		r += 1000;
		s--;
	}
	return (struct cdp_time){ s, (int32_t)r * 1000000 };
}

int64_t cdp_time_ms(struct cdp_time t)
{
	return t.s * 1000 + t.ns / 1000000;
}

int cdp_time_cmp(struct cdp_time a, struct cdp_time b)
{
	if (a.s != b.s)
		return a.s < b.s ? -1 : 1;
	return (a.ns > b.ns) - (a.ns < b.ns);
}

/* ---- the canonical 24 bytes ---- */

/* Eight bytes of text, first byte lowest. */
static inline uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* After `^ pattern` a digit is 0..9 and a separator 0.  Adding 0x76 or 0x7f carries every
 * other byte into its top bit, which it may also have had before. */
static inline uint64_t misfit(uint64_t w, uint64_t bias)
{
	return ((w + bias) | w) & 0x8080808080808080;
}

/* Two digits at byte i become their value at byte i. */
static inline uint64_t pairs(uint64_t w)
{
	return w * 10 + (w >> 8);
}

static inline unsigned byte(uint64_t w, unsigned i)
{
	return (unsigned)(w >> (8 * i)) & 0xff;
}

/* By leap year and by what two digits can say: days before the month, and its length; no
 * length for what is no month. */
static const struct {
	uint16_t start, length;
} months[2][100] = {
	{ { 0, 0 },
	  { 0, 31 },
	  { 31, 28 },
	  { 59, 31 },
	  { 90, 30 },
	  { 120, 31 },
	  { 151, 30 },
	  { 181, 31 },
	  { 212, 31 },
	  { 243, 30 },
	  { 273, 31 },
	  { 304, 30 },
	  { 334, 31 } },
	{ { 0, 0 },
	  { 0, 31 },
	  { 31, 29 },
	  { 60, 31 },
	  { 91, 30 },
	  { 121, 31 },
	  { 152, 30 },
	  { 182, 31 },
	  { 213, 31 },
	  { 244, 30 },
	  { 274, 31 },
	  { 305, 30 },
	  { 335, 31 } },
};

int64_t cdp_time_canon_ms(const char *p, size_t n)
{
	uint64_t a, b, c, bad;
	unsigned century, yy, year, month, day, century_up, leap, ms;

	if (n != CDP_TIME_CANON)
		return INT64_MIN;
	a = load8(p) ^ 0x2d30302d30303030;      /* "0000-00-" */
	b = load8(p + 8) ^ 0x30303a3030543030;  /* "00T00:00" */
	c = load8(p + 16) ^ 0x5a3030302e30303a; /* ":00.000Z" */
	bad = misfit(a, 0x7f76767f76767676) | misfit(b, 0x76767f76767f7676) |
	      misfit(c, 0x7f7676767f76767f);
	if (bad)
		return INT64_MIN;
	ms = byte(c, 6); /* its last digit */
	a = pairs(a);
	b = pairs(b) & 0x00ff0000ff0000ff; /* day, hour, minute */
	century = byte(a, 0);
	yy = byte(a, 2);
	year = century * 100 + yy;
	month = byte(a, 5);
	day = byte(b, 0) - 1;
	/* A century's first year leaps only if the century is a fourth one. */
	century_up = century + (yy != 0);
	leap = ((year & 3) == 0) & ((yy != 0) | ((century & 3) == 0));

	c = pairs(c);
	/* As above: 23 hours, 59 minutes and 59 seconds stay below the top bit. */
	bad = (b + 0x0044000068000000) | ((c & 0xff00) + 0x4400);
	bad = (bad & 0x0080000080008000) | (day >= months[leap][month].length) |
	      (year == 0);
	if (bad)
		return INT64_MIN;
	/* Days since 0000-01-01: a leap day for every fourth year begun before this one
	 * but for the first of a century, except each fourth. */
	unsigned days = year * 365 + ((year + 3) >> 2) - century_up +
			((century_up + 3) >> 2) + months[leap][month].start + day;
	unsigned seconds = byte(b, 3) * 3600 + byte(b, 6) * 60 + byte(c, 1);

	return ((int64_t)days - 719528) * (DAY * 1000LL) + seconds * 1000 +
	       byte(c, 4) * 10 + ms;
}

int cdp_time_parse_canon(struct cdp_time *t, const char *p, size_t n)
{
	int64_t ms = cdp_time_canon_ms(p, n);

	if (ms == INT64_MIN)
		return 0;
	*t = cdp_time_from_ms(ms);
	return 1;
}

static inline void put2(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/* "2024-04-25T06:59:46", 19 bytes. */
static void format_seconds(char *out, int64_t s)
{
	int64_t days;
	unsigned rest;
	int32_t year;
	int8_t month, day;

	if (s < CDP_TIME_MIN_S)
		s = CDP_TIME_MIN_S;
	if (s > CDP_TIME_MAX_S)
		s = CDP_TIME_MAX_S;
	days = (s - CDP_TIME_MIN_S) / DAY + CDP_TIME_MIN_S / DAY;
	rest = (unsigned)(s - days * DAY);
	cdp_civil_from_days(days, &year, &month, &day);
	put2(out, (unsigned)year / 100);
	put2(out + 2, (unsigned)year % 100);
	out[4] = '-';
	put2(out + 5, (unsigned)month);
	out[7] = '-';
	put2(out + 8, (unsigned)day);
	out[10] = 'T';
	put2(out + 11, rest / 3600);
	out[13] = ':';
	put2(out + 14, rest / 60 % 60);
	out[16] = ':';
	put2(out + 17, rest % 60);
}

void cdp_time_format(char out[CDP_TIME_CANON], struct cdp_time t)
{
	unsigned ms = (unsigned)t.ns / 1000000;

	format_seconds(out, t.s);
	out[19] = '.';
	out[20] = (char)('0' + ms / 100 % 10);
	put2(out + 21, ms % 100);
	out[23] = 'Z';
}

size_t cdp_time_format_ns(char out[32], struct cdp_time t)
{
	size_t n = 19;
	unsigned ns = (unsigned)t.ns;

	format_seconds(out, t.s);
	if (ns) {
		out[n++] = '.';
		for (unsigned unit = NS / 10; unit && ns; unit /= 10) {
			out[n++] = (char)('0' + ns / unit % 10);
			ns %= unit;
		}
	}
	out[n++] = 'Z';
	return n;
}

/* ---- RFC 3339 ---- */

struct text {
	const char *p, *end;
};

/* Exactly `digits` digits as *v; the cursor moves only on success. */
static bool take_number(struct text *t, int digits, int *v)
{
	int r = 0;

	if (t->end - t->p < digits)
		return false;
	for (int i = 0; i < digits; i++) {
		unsigned d = (unsigned char)(t->p[i] - '0');

		if (d > 9)
			return false;
		r = r * 10 + (int)d;
	}
	t->p += digits;
	*v = r;
	return true;
}

static bool take(struct text *t, const char *any)
{
	if (t->p == t->end || !*t->p || !strchr(any, *t->p))
		return false;
	t->p++;
	return true;
}

/* The digits after the point; those beyond nine are read and dropped. */
static bool take_fraction(struct text *t, int32_t *ns)
{
	int32_t unit = NS / 10;
	const char *start = t->p;

	for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++, unit /= 10)
		*ns += (*t->p - '0') * unit;
	return t->p > start;
}

static const char *parse_date(struct text *t, int64_t *days)
{
	int year, month, day;

	if (!take_number(t, 4, &year) || !take(t, "-") || !take_number(t, 2, &month) ||
	    !take(t, "-") || !take_number(t, 2, &day))
		return "expected YYYY-MM-DD";
	if (year < 1)
		return "there is no year 0000";
	if (month < 1 || month > 12)
		return "month must be 01 to 12";
	if (day < 1 || day > (int)cdp_days_in_month(year, (unsigned)month))
		return "the month has no such day";
	*days = cdp_days_from_civil(year, (unsigned)month, (unsigned)day);
	return NULL;
}

static const char *parse_clock(struct text *t, int *seconds, int *second, int32_t *ns)
{
	int hour, minute;

	if (!take_number(t, 2, &hour) || !take(t, ":") || !take_number(t, 2, &minute) ||
	    !take(t, ":") || !take_number(t, 2, second))
		return "expected HH:MM:SS after the date";
	if (hour > 23)
		return "hour must be 00 to 23";
	if (minute > 59)
		return "minute must be 00 to 59";
	if (*second > 60)
		return "second must be 00 to 59";
	if (take(t, ".") && !take_fraction(t, ns))
		return "expected digits after the decimal point";
	*seconds = hour * 3600 + minute * 60 + (*second == 60 ? 59 : *second);
	return NULL;
}

static const char *parse_offset(struct text *t, int *offset)
{
	int hours, minutes;
	bool west = t->p < t->end && *t->p == '-';

	*offset = 0;
	if (take(t, "Zz"))
		return NULL;
	if (!take(t, "+-") || !take_number(t, 2, &hours) || !take(t, ":") ||
	    !take_number(t, 2, &minutes))
		return "expected an offset, Z or +HH:MM";
	if (hours > 23 || minutes > 59)
		return "offset must be 00:00 to 23:59";
	*offset = (hours * 60 + minutes) * (west ? -60 : 60);
	return NULL;
}

/* A second was inserted only at the end of a June or December, UTC.  Which years had one
 * is announced half a year ahead and not ours to know. */
static bool may_leap(int64_t s)
{
	int64_t days = (s - CDP_TIME_MIN_S) / DAY + CDP_TIME_MIN_S / DAY;
	int32_t year;
	int8_t month, day;

	if (s - days * DAY != DAY - 1)
		return false;
	cdp_civil_from_days(days, &year, &month, &day);
	return (month == 6 && day == 30) || (month == 12 && day == 31);
}

static const char *parse_rfc3339(struct cdp_time *t, struct text *x)
{
	int64_t days = 0;
	int seconds = 0, second = 0, offset = 0;
	int32_t ns = 0;
	const char *why = parse_date(x, &days);

	if (!why && !take(x, "Tt "))
		why = "expected T after the date";
	if (!why)
		why = parse_clock(x, &seconds, &second, &ns);
	if (!why)
		why = parse_offset(x, &offset);
	if (why)
		return why;
	if (x->p != x->end)
		return "trailing characters";
	t->s = days * DAY + seconds - offset;
	t->ns = ns;
	if (t->s < CDP_TIME_MIN_S || t->s > CDP_TIME_MAX_S)
		return "outside the years 0001 to 9999 in UTC";
	if (second == 60) {
		if (!may_leap(t->s))
			return "second 60 only ends June or December, UTC";
		t->ns = NS - 1;
	}
	return NULL;
}

/* The canonical text but for an offset instead of the Z, as most producers write it: its
 * milliseconds, or INT64_MIN. */
static int64_t near_canon_ms(const char *p, size_t n)
{
	char z[CDP_TIME_CANON];
	unsigned d[4];
	int64_t ms;

	if (n != 29 || (p[23] != '+' && p[23] != '-') || p[26] != ':')
		return INT64_MIN;
	for (unsigned i = 0; i < 4; i++) {
		d[i] = (unsigned)(p[24 + i + i / 2] - '0');
		if (d[i] > 9)
			return INT64_MIN;
	}
	memcpy(z, p, 23);
	z[23] = 'Z';
	ms = cdp_time_canon_ms(z, sizeof(z));
	if (ms == INT64_MIN || d[0] * 10 + d[1] > 23 || d[2] > 5)
		return INT64_MIN;
	ms -= (p[23] == '-' ? -60000 : 60000) *
	      (int64_t)(d[0] * 600 + d[1] * 60 + d[2] * 10 + d[3]);
	return ms < CDP_TIME_MIN_S * 1000 || ms > CDP_TIME_MAX_S * 1000 + 999 ? INT64_MIN
									      : ms;
}

/* The three digits of a fraction, and a second below 60, at ":46.123+"; else -1. */
static int second_ms(uint64_t w)
{
	uint64_t d = w ^ 0x003030302e30303a; /* ":00.000" */
	uint64_t bad = misfit(d & 0x00ffffffffffffff, 0x7f7676767f76767f);

	if (bad || byte(d, 1) > 5)
		return -1;
	return (int)(byte(d, 1) * 10 + byte(d, 2)) * 1000 + (int)byte(d, 4) * 100 +
	       (int)byte(d, 5) * 10 + (int)byte(d, 6);
}

int64_t cdp_minute_ms(struct cdp_minute *m, const char *p, size_t n)
{
	uint64_t text[3];
	int64_t ms;
	int within;

	if (n != 29)
		return INT64_MIN;
	text[0] = load8(p);
	text[1] = load8(p + 8);
	text[2] = load8(p + 21) >> 16; /* from the sign on */
	within = second_ms(load8(p + 16));
	if (within >= 0 && m->known &&
	    !((text[0] ^ m->text[0]) | (text[1] ^ m->text[1]) | (text[2] ^ m->text[2])))
		return m->ms + within;
	ms = near_canon_ms(p, n);
	if (ms == INT64_MIN || within < 0)
		return ms;
	memcpy(m->text, text, sizeof(text));
	m->ms = ms - within;
	m->known = true;
	return ms;
}

/* Another minute: true, and its text is known, if it is of the day of the last one. */
static bool same_day(struct cdp_minute *m, int64_t minute)
{
	unsigned within = (unsigned)(minute - m->day);

	if (!m->canon[0] || (uint64_t)(minute - m->day) >= DAY / 60)
		return false;
	put2(m->canon + 11, within / 60);
	put2(m->canon + 14, within % 60);
	m->written = minute;
	return true;
}

void cdp_minute_format(struct cdp_minute *m, char out[CDP_TIME_CANON], int64_t ms)
{
	int64_t minute = ms / 60000 - (ms % 60000 < 0);
	unsigned within = (unsigned)(ms - minute * 60000);

	if ((minute != m->written || !m->canon[0]) && !same_day(m, minute)) {
		cdp_time_format(out, cdp_time_from_ms(ms));
		/* At the ends of the range the text is another minute's. */
		if (ms < CDP_TIME_MIN_S * 1000 || ms > CDP_TIME_MAX_S * 1000)
			return;
		m->written = minute;
		m->day = minute - (out[11] - '0') * 600 - (out[12] - '0') * 60 -
			 (out[14] - '0') * 10 - (out[15] - '0');
		memcpy(m->canon, out, sizeof(m->canon));
		return;
	}
	memcpy(out, m->canon, sizeof(m->canon));
	out[16] = ':';
	put2(out + 17, within / 1000);
	out[19] = '.';
	out[20] = (char)('0' + within / 100 % 10);
	put2(out + 21, within % 100);
	out[23] = 'Z';
}

int64_t cdp_minute_canon(struct cdp_minute *m, char out[CDP_TIME_CANON], const char *p,
			 size_t n)
{
	int64_t ms;

	if (n == CDP_TIME_CANON) {
		ms = cdp_time_canon_ms(p, n);
		if (ms != INT64_MIN)
			memcpy(out, p, CDP_TIME_CANON);
		return ms;
	}
	ms = cdp_minute_ms(m, p, n);
	if (ms == INT64_MIN)
		return ms;
	/* An offset is whole minutes: seconds and their fraction stay as they are. */
	if (!m->canon[0] || m->written * 60000 != m->ms || !m->known ||
	    (uint64_t)(ms - m->ms) >= 60000) {
		cdp_minute_format(m, out, ms);
		return ms;
	}
	memcpy(out, m->canon, sizeof(m->canon));
	memcpy(out + sizeof(m->canon), p + sizeof(m->canon), 7); /* ":46.123" */
	out[CDP_TIME_CANON - 1] = 'Z';
	return ms;
}

int cdp_time_parse(struct cdp_time *t, const char *p, size_t n, struct cdp_err *err)
{
	struct text x = { p, p + n };
	int64_t ms = cdp_time_canon_ms(p, n);
	struct cdp_time r;
	const char *why;

	if (ms == INT64_MIN)
		ms = near_canon_ms(p, n);
	if (ms != INT64_MIN) {
		*t = cdp_time_from_ms(ms);
		return 0;
	}
	why = parse_rfc3339(&r, &x);
	if (why)
		return cdp_err_set(err, CDP_ERR_DATA, "invalid time '%.*s': %s",
				   n < 40 ? (int)n : 40, p, why);
	*t = r;
	return 0;
}
