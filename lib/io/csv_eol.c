#include "io/csv_eol.h"

/* How far to look for a line feed in a file that begins as if it had none. */
enum { WINDOW = 64 * 1024 };

/* Whether a quoted field is open, character by character. */
struct quoting {
	bool open, start, closed; /* a field starts here; a quote was closed just now */
};

static void quote(struct quoting *q, int c, char delimiter)
{
	bool was_open = q->open;

	if (c == '"' && (q->open || q->start || q->closed))
		q->open = !q->open;
	q->closed = was_open && !q->open;
	q->start = !q->open && c == delimiter;
}

char csv_eol(const struct csv_eol_text *t)
{
	size_t unit = cdp_charset_unit(t->charset);
	struct quoting q = { .start = true };
	bool cr = false;

	for (size_t i = 0; i + unit <= t->n && (!cr || i < WINDOW); i += unit) {
		int c = cdp_charset_ascii(t->charset, t->p + i);

		if (t->quote_after)
			quote(&q, c, t->quote_after);
		if (q.open || (c != '\n' && c != '\r'))
			continue;
		if (c == '\n')
			return '\n';
		q = (struct quoting){ .start = true };
		cr = true;
	}
	if (!t->whole && t->n < (cr ? WINDOW : t->line_max))
		return 0;
	return cr ? '\r' : '\n';
}
