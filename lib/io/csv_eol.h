/* What ends the lines of a text with quoted fields; for csv.c only. */
#ifndef CDP_IO_CSV_EOL_H
#define CDP_IO_CSV_EOL_H

#include "io/charset.h"

#include <stdbool.h>
#include <stddef.h>

struct csv_eol_text {
	const struct cdp_charset *charset;
	const char *p; /* from the start of a line */
	size_t n;
	size_t line_max;  /* bytes of a line; without an end so far, it is LF */
	char quote_after; /* fields may be quoted, after this; 0: not */
	bool whole;       /* there are no more bytes */
};
/* Outside of quotes: CR if the first end is one and no LF is near, else LF, perhaps after
 * CR.  0: more bytes are needed. */
char csv_eol(const struct csv_eol_text *t);

#endif
