/* Cells laid out as aligned text (for people) or CSV (for spreadsheets). */
#ifndef CDP_CLI_TABLE_H
#define CDP_CLI_TABLE_H

#include "base/buf.h"

enum cdp_cell_kind { CDP_CELL_TEXT, CDP_CELL_NUMBER, CDP_CELL_SHARE, CDP_CELL_EMPTY };

struct cdp_cell {
	enum cdp_cell_kind kind;
	const char *text; /* UTF-8, borrowed; of a share: the number with four decimals */
	size_t n;
	double share; /* 0..1 */
};

/* A table: title line (NULL: none), header line, one line a row; two spaces between
 * columns.  Widths are those of a terminal (CJK characters take two columns); columns of
 * numbers stand at the right; a share is "27.4%" and a bar; control bytes are escaped.
 * `cells` are rows * columns. */
void cdp_table_text(struct cdp_buf *b, const char *title, const struct cdp_cell *header,
		    size_t columns, const struct cdp_cell *cells, size_t rows);
/* One line by RFC 4180, but ended by LF alone. */
void cdp_table_csv(struct cdp_buf *b, const struct cdp_cell *cells, size_t columns);

#endif
