#include "base/mem.h"
#include "base/rand.h"
#include "model/rowlists.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, ROWS = 60000 };

/* What lists were told, as bits. */
struct told {
	uint64_t *bits;
	struct cdp_rowlists *lists;
};

static uint64_t *plane_of(const struct told *t, uint32_t list)
{
	return t->bits + (size_t)list * (ROWS / 64 + WORDS);
}

/* A block: `some` of the lists have some rows, about one in `sparse`. */
static void add_block(struct told *t, struct cdp_rand *r, uint32_t first, unsigned words,
		      uint32_t lists, uint32_t by, unsigned sparse)
{
	for (uint32_t list = 0; list < lists; list++) {
		uint64_t planes[WORDS] = { 0 };
		struct cdp_rowset rows = { .t = planes };

		for (unsigned w = 0; w < words; w++) {
			for (unsigned i = 0; i < 64; i++)
				if (cdp_rand_below(r, sparse) == 0)
					planes[w] |= (uint64_t)1 << i;
			rows.has |= (uint64_t)(planes[w] != 0) << w;
		}
		if (!rows.has)
			continue;
		memcpy(plane_of(t, list) + first / 64, planes, words * sizeof(*planes));
		cdp_rowlists_add(t->lists, list * by, first, &rows);
	}
}

/* Wrong rows of all lists; `by` times its number is where a list stands. */
static unsigned compare(const struct told *t, uint32_t lists, uint32_t by)
{
	uint32_t *to = cdp_alloc(ROWS * sizeof(*to)), *v = cdp_alloc(ROWS * sizeof(*v));
	unsigned bad = 0;

	for (uint32_t i = 0; i < ROWS; i++)
		to[i] = 3 * i + 1;
	for (uint32_t list = 0; list < lists; list++) {
		const uint64_t *bits = plane_of(t, list);
		uint32_t n = cdp_rowlists_count(t->lists, list * by), k = 0;
		uint32_t *end = cdp_rowlists_rows(t->lists, list * by, to, v);

		bad += end != v + n;
		for (uint32_t i = 0; i < ROWS; i++)
			if (bits[i / 64] >> i % 64 & 1)
				bad += k >= n || v[k++] != 3 * i + 1;
		bad += k != n;
	}
	free(to);
	free(v);
	return bad;
}

static void blocks(uint32_t lists, uint32_t by, unsigned words, unsigned sparse,
		   const char *name)
{
	struct told t = { .lists = cdp_rowlists_new(lists * by) };
	struct cdp_rand r;

	cdp_rand_seed(&r, 3, lists);
	t.bits = cdp_calloc((size_t)lists * (ROWS / 64 + WORDS), sizeof(*t.bits));
	/* Some blocks are not told of at all. */
	for (uint32_t first = 0; first + words * 64 <= ROWS; first += words * 64)
		if (cdp_rand_below(&r, 8))
			add_block(&t, &r, first, words, lists, by, sparse);
	cdp_rowlists_end(t.lists);
	is_int(compare(&t, lists, by), 0, "%s", name);
	if (by > 1)
		is_int(cdp_rowlists_count(t.lists, by - 1), 0,
		       "a list that nobody told of is empty");
	cdp_rowlists_free(t.lists);
	free(t.bits);
}

static void nothing(void)
{
	struct cdp_rowlists *l = cdp_rowlists_new(2);
	uint32_t to = 0, out;

	cdp_rowlists_end(l);
	is_int(cdp_rowlists_count(l, 1), 0, "without blocks there are no rows");
	ok(cdp_rowlists_rows(l, 1, &to, &out) == &out, "nor are they told");
	cdp_rowlists_free(l);
	cdp_rowlists_free(NULL);
}

int main(void)
{
	blocks(40, 1, 64, 5, "rows of many lists come in order");
	blocks(40, 1, 32, 300, "so do few rows of many lists");
	blocks(3, 40000, 32, 2000, "and rows of few lists among many");
	blocks(2, 1, 1, 2, "blocks may be small");
	nothing();
	return tap_done();
}
