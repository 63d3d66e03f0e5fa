#include "format/combined_write.h"

#include "base/time.h"

#include <stdbool.h>

static const char hex[] = "0123456789ABCDEF";

static void add_escaped(struct cdp_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 32 && c < 127 && c != '"' && c != '\\') {
			cdp_buf_addc(out, (char)c);
			continue;
		}
		cdp_buf_add(out, "\\x", 2);
		cdp_buf_addc(out, hex[c >> 4]);
		cdp_buf_addc(out, hex[c & 15]);
	}
}

static void add_two(struct cdp_buf *out, int v)
{
	cdp_buf_addc(out, (char)('0' + v / 10));
	cdp_buf_addc(out, (char)('0' + v % 10));
}

static void add_time(struct cdp_buf *out, int64_t epoch_s, int32_t offset)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t s = epoch_s + offset, days = s / 86400 - (s % 86400 < 0);
	int rest = (int)(s - days * 86400),
	    minutes = (offset < 0 ? -offset : offset) / 60;
	int32_t year;
	int8_t month, day;

	cdp_civil_from_days(days, &year, &month, &day);
	cdp_buf_addc(out, '[');
	add_two(out, day);
	cdp_buf_addc(out, '/');
	cdp_buf_add(out, months[month - 1], 3);
	cdp_buf_addc(out, '/');
	cdp_buf_addi(out, year);
	cdp_buf_addc(out, ':');
	add_two(out, rest / 3600);
	cdp_buf_addc(out, ':');
	add_two(out, rest / 60 % 60);
	cdp_buf_addc(out, ':');
	add_two(out, rest % 60);
	cdp_buf_addc(out, ' ');
	cdp_buf_addc(out, offset < 0 ? '-' : '+');
	add_two(out, minutes / 60);
	add_two(out, minutes % 60);
	cdp_buf_addc(out, ']');
}

void cdp_combined_write(struct cdp_buf *out, const struct cdp_combined_rec *r)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			cdp_buf_addc(out, '.');
		cdp_buf_addu(out, r->ip[i]);
	}
	cdp_buf_adds(out, " - ");
	cdp_buf_adds(out, r->user ? r->user : "-");
	cdp_buf_addc(out, ' ');
	add_time(out, r->epoch_s, r->utc_offset);
	cdp_buf_adds(out, " \"");
	cdp_buf_adds(out, r->method);
	cdp_buf_addc(out, ' ');
	add_escaped(out, r->target, r->ntarget);
	cdp_buf_adds(out, " HTTP/1.1\" ");
	cdp_buf_addu(out, r->status);
	cdp_buf_addc(out, ' ');
	cdp_buf_addu(out, r->bytes);
	cdp_buf_adds(out, " \"");
	if (r->referer)
		add_escaped(out, r->referer, r->nreferer);
	else
		cdp_buf_addc(out, '-');
	cdp_buf_adds(out, "\" \"");
	if (r->agent)
		add_escaped(out, r->agent, strlen(r->agent));
	else
		cdp_buf_addc(out, '-');
	cdp_buf_adds(out, "\"\n");
}

static bool is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

void cdp_percent_add(struct cdp_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (is_unreserved(c)) {
			cdp_buf_addc(out, (char)c);
			continue;
		}
		cdp_buf_addc(out, '%');
		cdp_buf_addc(out, hex[c >> 4]);
		cdp_buf_addc(out, hex[c & 15]);
	}
}
