/* Texts made from option tables: --help and --dump-options. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/opt.h"

enum { COLUMNS = 80, OPT_INDENT = 2, HELP_COLUMN = 26 };

static int by_name(const void *a, const void *b)
{
	const struct cdp_opt *x = *(const struct cdp_opt *const *)a;
	const struct cdp_opt *y = *(const struct cdp_opt *const *)b;

	return strcmp(x->name, y->name);
}

static const struct cdp_opt **sorted(const struct cdp_opt *table, size_t *n)
{
	const struct cdp_opt **rows = NULL;
	size_t cap = 0;

	*n = 0;
	for (const struct cdp_opt *o = table; o->type != CDP_OPT_END; o++) {
		if (o->hidden)
			continue;
		CDP_GROW(rows, *n, cap);
		rows[(*n)++] = o;
	}
	if (*n)
		qsort(rows, *n, sizeof(*rows), by_name);
	return rows;
}

static void spaces(struct cdp_buf *b, size_t n)
{
	while (n--)
		cdp_buf_addc(b, ' ');
}

void cdp_opt_wrap(struct cdp_buf *b, const char *text, size_t column, size_t indent)
{
	size_t gap = 0; /* before the word: none at the start of a line */

	while (*text) {
		size_t word = strcspn(text, " ");

		if (gap && column + gap + word > COLUMNS) {
			cdp_buf_addc(b, '\n');
			spaces(b, indent);
			column = indent;
			gap = 0;
		}
		spaces(b, gap);
		cdp_buf_add(b, text, word);
		column += gap + word;
		gap = 1;
		text += word;
		text += strspn(text, " ");
	}
	cdp_buf_addc(b, '\n');
}

void cdp_opt_help(struct cdp_buf *b, const struct cdp_opt *table)
{
	size_t n;
	const struct cdp_opt **rows = sorted(table, &n);

	for (size_t i = 0; i < n; i++) {
		size_t start = b->n, width;

		spaces(b, OPT_INDENT);
		if (rows[i]->brief)
			cdp_buf_addf(b, "-%c, ", rows[i]->brief);
		else
			spaces(b, 4);
		cdp_buf_addf(b, "--%s", rows[i]->name);
		if (rows[i]->arg)
			cdp_buf_addf(b, " %s", rows[i]->arg);
		width = b->n - start;
		if (width + 2 > HELP_COLUMN) {
			cdp_buf_addc(b, '\n');
			width = 0;
		}
		spaces(b, HELP_COLUMN - width);
		cdp_opt_wrap(b, rows[i]->help, HELP_COLUMN, HELP_COLUMN);
	}
	free(rows);
}

void cdp_opt_dump(struct cdp_buf *b, const struct cdp_opt *table)
{
	size_t n;
	const struct cdp_opt **rows = sorted(table, &n);

	for (size_t i = 0; i < n; i++) {
		if (rows[i]->brief)
			cdp_buf_addc(b, rows[i]->brief);
		cdp_buf_addf(b, "\t%s\t%s\t%s\n", rows[i]->name,
			     rows[i]->arg ? rows[i]->arg : "", rows[i]->help);
	}
	free(rows);
}
