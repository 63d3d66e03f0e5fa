/* CSV out. */
#include "io/csv.h"

#include <string.h>

void cdp_csv_add_field(struct cdp_buf *out, char delimiter, size_t column, const char *p,
		       size_t n)
{
	bool quote = n ? p[0] == ' ' || p[n - 1] == ' ' : column == 0;

	for (size_t i = 0; i < n && !quote; i++)
		quote = p[i] == delimiter || p[i] == '"' || p[i] == '\r' || p[i] == '\n';
	if (column)
		cdp_buf_addc(out, delimiter);
	if (!quote) {
		cdp_buf_add(out, p, n);
		return;
	}
	cdp_buf_addc(out, '"');
	while (n) {
		const char *q = memchr(p, '"', n);
		size_t piece = q ? (size_t)(q - p) + 1 : n;

		cdp_buf_add(out, p, piece);
		if (q)
			cdp_buf_addc(out, '"');
		p += piece;
		n -= piece;
	}
	cdp_buf_addc(out, '"');
}

void cdp_csv_end_row(struct cdp_buf *out)
{
	cdp_buf_addc(out, '\n');
}
