#include "cli/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { BAR_CELLS = 10, EIGHTHS = 8, GAP = 2 };

struct column {
	size_t width;
	bool right;
};

/* What a cell shows, without padding. */
static void show(struct cdp_buf *b, const struct cdp_cell *c)
{
	static const char *const parts[EIGHTHS] = {
		"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"
	};
	double share = c->share > 1 ? 1 : c->share > 0 ? c->share : 0;
	int filled = (int)(share * BAR_CELLS * EIGHTHS + 0.5), cells;

	if (c->kind != CDP_CELL_SHARE) {
		cdp_text_escape(b, c->text, c->n);
		return;
	}
	cdp_buf_addf(b, "%6.1f%% ", c->share * 100);
	cells = filled / EIGHTHS + (filled % EIGHTHS != 0);
	for (int i = 0; i < filled / EIGHTHS; i++)
		cdp_buf_adds(b, "█");
	cdp_buf_adds(b, parts[filled % EIGHTHS]);
	for (; cells < BAR_CELLS; cells++)
		cdp_buf_addc(b, ' ');
}

static size_t width_of(const struct cdp_cell *c)
{
	struct cdp_buf b;
	size_t width;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	show(&b, c);
	width = cdp_utf8_width(b.p, b.n);
	cdp_buf_release(&b);
	return width;
}

static void measure(struct column *cols, const struct cdp_cell *header, size_t columns,
		    const struct cdp_cell *cells, size_t rows)
{
	for (size_t c = 0; c < columns; c++) {
		cols[c].width = width_of(&header[c]);
		cols[c].right = true;
		for (size_t r = 0; r < rows; r++) {
			const struct cdp_cell *cell = &cells[r * columns + c];
			size_t width = width_of(cell);

			if (width > cols[c].width)
				cols[c].width = width;
			if (cell->kind == CDP_CELL_TEXT)
				cols[c].right = false;
		}
	}
}

static void pad(struct cdp_buf *b, size_t n)
{
	while (n--)
		cdp_buf_addc(b, ' ');
}

static void add_line(struct cdp_buf *b, const struct column *cols,
		     const struct cdp_cell *cells, size_t columns)
{
	for (size_t c = 0; c < columns; c++) {
		size_t space = cols[c].width - width_of(&cells[c]);

		if (c)
			pad(b, GAP);
		if (cols[c].right)
			pad(b, space);
		show(b, &cells[c]);
		if (!cols[c].right)
			pad(b, space);
	}
	while (b->n && b->p[b->n - 1] == ' ')
		b->n--;
	cdp_buf_addc(b, '\n');
}

void cdp_table_text(struct cdp_buf *b, const char *title, const struct cdp_cell *header,
		    size_t columns, const struct cdp_cell *cells, size_t rows)
{
	struct column *cols = cdp_calloc(columns + 1, sizeof(*cols));

	if (title)
		cdp_buf_addf(b, "%s\n", title);
	measure(cols, header, columns, cells, rows);
	add_line(b, cols, header, columns);
	for (size_t r = 0; r < rows; r++)
		add_line(b, cols, cells + r * columns, columns);
	free(cols);
}

static bool needs_quotes(const struct cdp_cell *c)
{
	if (c->n && (c->text[0] == ' ' || c->text[c->n - 1] == ' '))
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (c->text[i] && strchr(",\"\r\n", c->text[i]))
			return true;
	return false;
}

void cdp_table_csv(struct cdp_buf *b, const struct cdp_cell *cells, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		const struct cdp_cell *c = &cells[i];

		if (i)
			cdp_buf_addc(b, ',');
		if (!needs_quotes(c)) {
			cdp_buf_add(b, c->text, c->n);
			continue;
		}
		cdp_buf_addc(b, '"');
		for (size_t k = 0; k < c->n; k++) {
			if (c->text[k] == '"')
				cdp_buf_addc(b, '"');
			cdp_buf_addc(b, c->text[k]);
		}
		cdp_buf_addc(b, '"');
	}
	cdp_buf_addc(b, '\n');
}
