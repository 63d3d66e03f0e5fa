#include "model/watermark.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* The first byte of what is saved. */
enum { FORMAT = 1 };

struct mark {
	uint64_t a, b;
};

/* A value and the rows that have it. */
struct level {
	bool set, is_number;
	struct cdp_buf value;
	struct mark *rows;
	size_t n, cap;
	bool *taken; /* of those before: passed already */
};

struct cdp_watermark {
	struct level before, now;
};

static void level_init(struct level *l)
{
	cdp_buf_init(&l->value, CDP_BUF_NOMAX);
}

static void level_release(struct level *l)
{
	cdp_buf_release(&l->value);
	free(l->rows);
	free(l->taken);
}

static void level_set(struct level *l, const char *value, size_t n, bool is_number)
{
	l->set = true;
	l->is_number = is_number;
	l->n = 0;
	cdp_buf_reset(&l->value);
	cdp_buf_add(&l->value, value, n);
}

static void level_add(struct level *l, struct mark m)
{
	CDP_GROW(l->rows, l->n, l->cap);
	l->rows[l->n++] = m;
}

static bool level_is(const struct level *l, const char *value, size_t n)
{
	return l->set && l->value.n == n && memcmp(l->value.p, value, n) == 0;
}

struct cdp_watermark *cdp_watermark_new(void)
{
	struct cdp_watermark *w = cdp_calloc(1, sizeof(*w));

	level_init(&w->before);
	level_init(&w->now);
	return w;
}

void cdp_watermark_free(struct cdp_watermark *w)
{
	if (!w)
		return;
	level_release(&w->before);
	level_release(&w->now);
	free(w);
}

/* --- saving: format, number or not, length of the value, the value, the rows --- */

void cdp_watermark_save(const struct cdp_watermark *w, struct cdp_buf *out)
{
	const struct level *l = w->now.set ? &w->now : &w->before;
	uint32_t n = (uint32_t)l->value.n;

	cdp_buf_addc(out, FORMAT);
	cdp_buf_addc(out, l->is_number);
	cdp_buf_add(out, (const char *)&n, sizeof(n));
	cdp_buf_add(out, l->value.p, l->value.n);
	cdp_buf_add(out, (const char *)l->rows, l->n * sizeof(*l->rows));
}

static int by_mark(const void *x, const void *y)
{
	const struct mark *a = x, *b = y;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return a->b < b->b ? -1 : a->b > b->b;
}

int cdp_watermark_load(struct cdp_watermark *w, const void *p, size_t n,
		       struct cdp_err *err)
{
	const char *b = p;
	struct level *l = &w->before;
	uint32_t len = 0;
	struct mark m;

	if (n >= 6)
		memcpy(&len, b + 2, sizeof(len));
	if (n < 6 || b[0] != FORMAT || len > n - 6 || (n - 6 - len) % sizeof(m) != 0)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "the state is damaged (table 'positions')");
	level_set(l, b + 6, len, b[1]);
	for (size_t at = 6 + len; at < n; at += sizeof(m)) {
		memcpy(&m, b + at, sizeof(m));
		level_add(l, m);
	}
	if (l->n)
		qsort(l->rows, l->n, sizeof(*l->rows), by_mark);
	l->taken = cdp_calloc(l->n + 1, sizeof(*l->taken));
	return 0;
}

bool cdp_watermark_is_set(const struct cdp_watermark *w)
{
	return w->now.set || w->before.set;
}

/* --- reading --- */

static void put_literal(const struct level *l, struct cdp_buf *out)
{
	if (l->is_number) {
		cdp_buf_add(out, l->value.p, l->value.n);
		return;
	}
	cdp_buf_addc(out, '\'');
	for (size_t i = 0; i < l->value.n; i++) {
		if (l->value.p[i] == '\'')
			cdp_buf_addc(out, '\'');
		cdp_buf_addc(out, l->value.p[i]);
	}
	cdp_buf_addc(out, '\'');
}

void cdp_watermark_query(const struct cdp_watermark *w, const char *from,
			 const char *column, struct cdp_buf *out)
{
	cdp_buf_addf(out, "SELECT * FROM %s", from);
	if (w->before.set) {
		cdp_buf_addf(out, " WHERE %s >= ", column);
		put_literal(&w->before, out);
	}
	cdp_buf_addf(out, " ORDER BY %s", column);
}

/* One such row of those that were read, each once. */
static bool take(struct level *l, struct mark m)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_mark(&l->rows[mid], &m) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	/* Rows may be equal. */
	for (; low < l->n && by_mark(&l->rows[low], &m) == 0; low++)
		if (!l->taken[low]) {
			l->taken[low] = true;
			return true;
		}
	return false;
}

bool cdp_watermark_pass(struct cdp_watermark *w, const char *value, size_t n,
			bool is_number, const char *row, size_t row_n)
{
	struct mark m = { cdp_hash_stable(row, row_n, 1),
			  cdp_hash_stable(row, row_n, 2) };

	if (!level_is(&w->now, value, n))
		level_set(&w->now, value, n, is_number);
	level_add(&w->now, m);
	return level_is(&w->before, value, n) && take(&w->before, m);
}
