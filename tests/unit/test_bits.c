/* Algebra over sets with errors: what this machine's code says is what one bit after the
 * other says. */
#include "base/bits.h"
#include "base/rand.h"
#include "tap.h"

#include <stdbool.h>
#include <string.h>

enum { SETS = 5, WORDS = 64 };

static uint64_t t[SETS][WORDS], e[SETS][WORDS];
static const uint64_t *ts[SETS], *es[SETS];

static void make(struct cdp_rand *r)
{
	for (unsigned i = 0; i < SETS; i++) {
		ts[i] = t[i];
		es[i] = e[i];
		for (unsigned w = 0; w < WORDS; w++) {
			uint64_t some = cdp_rand_below(r, 3) ? ~(uint64_t)0 : 0;

			t[i][w] = cdp_rand_next(r) | (cdp_rand_next(r) & some);
			e[i][w] = cdp_rand_next(r) & ~t[i][w] & some;
		}
	}
}

/* 1 in, 0 not, -1 an error. */
static int value(const uint64_t *in, const uint64_t *error, unsigned bit)
{
	return in[bit / 64] >> bit % 64 & 1      ? 1
	       : error[bit / 64] >> bit % 64 & 1 ? -1
						 : 0;
}

static int junction(unsigned n, unsigned bit, int decides)
{
	bool failed = false;

	for (unsigned i = 0; i < n; i++) {
		int v = value(t[i], e[i], bit);

		if (v == decides)
			return v;
		failed |= v < 0;
	}
	return failed ? -1 : !decides;
}

static uint64_t nonzero(const uint64_t *v, unsigned words)
{
	uint64_t has = 0;

	for (unsigned w = 0; w < words; w++)
		if (v[w])
			has |= (uint64_t)1 << w;
	return has;
}

static unsigned check(const struct cdp_bits_ops *ops, unsigned n, unsigned words)
{
	uint64_t x[WORDS], y[WORDS];
	unsigned bad = 0;

	for (int decides = 0; decides < 2; decides++) {
		struct cdp_bits has =
			(decides ? ops->or : ops->and)(ts, es, n, words, x, y);

		bad += has.t != nonzero(x, words) || has.e != nonzero(y, words);
		for (unsigned bit = 0; bit < words * 64; bit++)
			bad += value(x, y, bit) != junction(n, bit, decides);
	}
	return bad;
}

/* a && b && !c && (d || !e), in planes of so many words. */
static unsigned check_conjunction(const struct cdp_bits_ops *ops, unsigned words)
{
	static _Alignas(64) uint64_t planes[2 * SETS * WORDS];
	struct cdp_bits_term terms[SETS + CDP_BITS_AHEAD] = { 0 };
	struct cdp_conjunction c = { 2, 3, SETS };
	uint64_t all[WORDS], x[WORDS], y[WORDS], again[WORDS], has;
	unsigned bad = 0, errors, fewer, left = 0;

	memset(all, 0xff, sizeof(all));
	all[words - 1] = 3;
	for (unsigned i = 0; i < SETS; i++) {
		terms[i] = (struct cdp_bits_term){ i * words, (SETS + i) * words };
		for (unsigned w = 0; w < words; w++) {
			planes[terms[i].u + w] = (t[i][w] | e[i][w]) & all[w];
			planes[terms[i].e + w] = e[i][w] & all[w];
		}
	}
	terms[4].u |= CDP_BITS_NOT | CDP_BITS_END;
	has = ops->conjunction(planes, &c, terms, words, all, x, y, &errors);
	bad += has !=
	       ops->conjunction(planes, &c, terms, words, all, again, NULL, &fewer);
	bad += fewer != errors || memcmp(x, again, words * sizeof(*x)) != 0;
	bad += ops->tally(planes, &c, terms, words, all, &fewer) != ops->count(x, words);
	bad += fewer != errors;
	for (unsigned bit = 0; bit < words * 64 - 62; bit++) {
		int v[SETS], g, want = 1;

		for (unsigned i = 0; i < SETS; i++)
			v[i] = value(t[i], e[i], bit);
		g = v[3] == 1 || v[4] == 0 ? 1 : v[3] < 0 || v[4] < 0 ? -1 : 0;
		if (v[0] == 0 || v[1] == 0 || v[2] == 1 || g == 0)
			want = 0;
		else if (v[0] < 0 || v[1] < 0 || v[2] < 0 || g < 0)
			want = -1;
		bad += value(x, y, bit) != want;
		left += want < 0;
	}
	bad += (x[words - 1] | y[words - 1]) >> 2 != 0;
	bad += has != nonzero(x, words) || errors != left;
	return bad;
}

int main(void)
{
	const struct cdp_bits_ops *both[] = { &cdp_bits_portable, cdp_bits_ops() };
	static const char *const names[] = { "portable", "this machine's" };
	struct cdp_rand r;

	cdp_rand_seed(&r, 3, 1);
	for (unsigned k = 0; k < 2; k++) {
		unsigned bad = 0, lone = 0;

		for (unsigned i = 0; i < 50; i++) {
			make(&r);
			bad += check(both[k], 1 + i % SETS,
				     i % 3 ? WORDS : i % WORDS + 1);
			lone += check_conjunction(both[k], 16 + i % 4 * 16);
		}
		is_int(bad, 0, "and, or: %s code agrees bit by bit", names[k]);
		is_int(lone, 0, "conjunctions of literals and groups: %s code", names[k]);
		is_int(both[k]->count(t[0], 3),
		       __builtin_popcountll(t[0][0]) + __builtin_popcountll(t[0][1]) +
			       __builtin_popcountll(t[0][2]),
		       "bits of some words are counted");
	}
	return tap_done();
}
