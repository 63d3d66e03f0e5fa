#include "model/usage.h"

#include "tap.h"

#include <stdlib.h>

static uint32_t by;

/* strategy -> audience 0 -> tag 1 -> tag 2; audience 3 -> tag 2 */
static struct cdp_usage *small(void)
{
	struct cdp_usage *u = cdp_usage_new(5, 1);

	cdp_usage_reads(u, 0, 1);
	cdp_usage_reads(u, 1, 2);
	cdp_usage_reads(u, 3, 2);
	cdp_usage_reads(u, 3, 2);
	cdp_usage_reads(u, 3, 3);
	return u;
}

static void used(void)
{
	struct cdp_usage *u = small();
	const uint32_t *v;
	uint32_t n;

	cdp_usage_at(u, 0, 100);
	cdp_usage_there(u, 0, 10);
	cdp_usage_there(u, 2, 150);
	cdp_usage_names(u, 0, 1);
	cdp_usage_settle(u);
	is_int(cdp_usage_last(u, 2, &by), 100,
	       "what is read in two steps was used with its reader");
	is_int(by, 0, "by that one");
	is_int(cdp_usage_last(u, 3, &by), CDP_USAGE_NEVER,
	       "a use of what is read is none of the reader");
	is_int(cdp_usage_idle(u, 2), 100,
	       "what was used is idle since then, whenever it began");
	is_int(cdp_usage_idle(u, 3), CDP_USAGE_NEVER,
	       "of what was neither used nor there nothing is known");
	ok(cdp_usage_named(u, 0, 1) && cdp_usage_named(u, 0, 2),
	   "a file that names one needs what that one reads");
	ok(!cdp_usage_named(u, 0, 0) && !cdp_usage_named(u, 0, 3) &&
		   !cdp_usage_named(u, 0, 4),
	   "but not those that read it");
	v = cdp_usage_readers(u, 2, &n);
	ok(n == 2 && v[0] == 1 && v[1] == 3, "readers are told once, not itself");
	v = cdp_usage_affected(u, 2, &n);
	ok(n == 3 && v[0] == 1 && v[1] == 3 && v[2] == 0,
	   "those concerned are told near ones first");
	cdp_usage_affected(u, 4, &n);
	is_int(n, 0, "what nobody reads concerns nobody");
	cdp_usage_free(u);
}

static void young(void)
{
	struct cdp_usage *u = small();

	cdp_usage_at(u, 0, 100);
	cdp_usage_there(u, 3, CDP_USAGE_YOUNG);
	cdp_usage_there(u, 4, 70);
	cdp_usage_settle(u);
	is_int(cdp_usage_idle(u, 2), CDP_USAGE_YOUNG, "what a new one reads is not idle");
	is_int(cdp_usage_last(u, 2, &by), 100, "though its last use was before");
	is_int(cdp_usage_idle(u, 1), 100, "what only old ones read is");
	is_int(cdp_usage_idle(u, 4), 70, "what was never used is idle since it is there");
	cdp_usage_free(u);
}

static void circles(void)
{
	struct cdp_usage *u = cdp_usage_new(3, 0);
	uint32_t n;

	cdp_usage_reads(u, 0, 1);
	cdp_usage_reads(u, 1, 2);
	cdp_usage_reads(u, 2, 0);
	cdp_usage_at(u, 1, 7);
	cdp_usage_at(u, 2, 7);
	cdp_usage_settle(u);
	is_int(cdp_usage_last(u, 0, &by), 7, "in a circle all are used with one");
	is_int(by, 1, "of equal times the first one counts");
	cdp_usage_affected(u, 0, &n);
	is_int(n, 2, "and all others are concerned");
	cdp_usage_free(u);
	u = cdp_usage_new(0, 0);
	cdp_usage_settle(u);
	ok(true, "there may be none");
	cdp_usage_free(u);
}

/* --- against what the words say --- */

enum { N = 12 };

static int64_t greatest(const bool reach[N][N], const int64_t *v, int i)
{
	int64_t best = CDP_USAGE_NEVER;

	for (int k = 0; k < N; k++)
		if (reach[k][i] && v[k] > best)
			best = v[k];
	return best;
}

static bool one_graph(unsigned seed)
{
	struct cdp_usage *u = cdp_usage_new(N, 0);
	int64_t at[N], there[N], idle[N], own[N];
	bool reach[N][N] = { 0 }, fine = true;

	srand(seed);
	for (uint32_t i = 0; i < N; i++) {
		reach[i][i] = true;
		at[i] = rand() % 2 ? rand() % 50 : CDP_USAGE_NEVER;
		there[i] = rand() % 4 ? rand() % 50 : CDP_USAGE_YOUNG;
		cdp_usage_at(u, i, at[i]);
		cdp_usage_there(u, i, there[i]);
		for (uint32_t k = 0; k < N; k++)
			if (rand() % N == 0) {
				cdp_usage_reads(u, i, k);
				reach[i][k] = true;
			}
	}
	for (int m = 0; m < N; m++)
		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k++)
				reach[i][k] |= reach[i][m] && reach[m][k];
	cdp_usage_settle(u);
	for (uint32_t i = 0; i < N; i++) {
		int64_t last = greatest(reach, at, (int)i);

		fine &= cdp_usage_last(u, i, &by) == last;
		fine &= last == CDP_USAGE_NEVER || (at[by] == last && reach[by][i]);
		own[i] = last != CDP_USAGE_NEVER ? last : there[i];
	}
	for (uint32_t i = 0; i < N; i++) {
		idle[i] = cdp_usage_idle(u, i);
		fine &= idle[i] == greatest(reach, own, (int)i);
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			fine &= !reach[k][i] || idle[k] <= idle[i];
	cdp_usage_free(u);
	return fine;
}

static void graphs(void)
{
	bool fine = true;

	for (unsigned seed = 1; seed <= 500; seed++)
		fine &= one_graph(seed);
	ok(fine, "in any graph use goes down to all that is read, and whoever reads what "
		 "is idle since a time is so itself");
}

int main(void)
{
	used();
	young();
	circles();
	graphs();
	return tap_done();
}
