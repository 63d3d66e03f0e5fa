#include "model/past.h"

#include "base/mem.h"
#include "io/out.h"
#include "model/keyorder.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_past.XXXXXX";
static struct cdp_err err;
static char keys[] = "abcd";

static const char *key_at(void *ctx, uint32_t i, size_t *n)
{
	const char *v = ctx;

	*n = 1;
	return v + i;
}

/* A version of four customers; audiences "name=from-to note" by name. */
static void keep(int64_t ms, const char *const *audiences)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, true, &err);
	struct cdp_bitmap *all = cdp_bitmap_range(0, 4);
	struct cdp_segstore_out *o;

	free(cdp_segstore_ordinals(s, &(struct cdp_keylist){ 4, key_at, keys }, &err));
	o = cdp_segstore_begin(s, cdp_time_from_ms(ms), all, &err);
	for (; *audiences; audiences++) {
		const char *note = strchr(*audiences, ' ') + 1;
		struct cdp_bitmap *b = cdp_bitmap_range((uint32_t)(*audiences)[2] - '0',
							(uint32_t)(*audiences)[4] - '0');

		cdp_segstore_put(o, *audiences, 1, b, note, strlen(note), &err);
		cdp_bitmap_free(b);
	}
	cdp_segstore_commit(o, &err);
	cdp_bitmap_free(all);
	cdp_segstore_close(s);
}

static void hand_over(const char *id, const char *segment, int64_t ms)
{
	struct cdp_batches *l = cdp_batches_open(dir, &err);
	struct cdp_batch b = { .segment = cdp_strdup(segment),
			       .state = CDP_BATCH_EXPORTED };

	memcpy(b.id, id, CDP_BATCH_ID);
	cdp_time_format(b.as_of, cdp_time_from_ms(ms));
	cdp_batches_put(l, &b, &err);
	cdp_batch_release(&b);
	cdp_batches_close(l);
}

static struct cdp_past *look(int64_t limit)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, false, &err);
	struct cdp_past *p = cdp_past_read(s, dir, limit, &err);

	cdp_segstore_close(s);
	return p;
}

static const struct cdp_past_of *find(const struct cdp_past *p, const char *name)
{
	return cdp_past_find(p, CDP_PAST_AUDIENCES, name);
}

static void versions(const struct cdp_past *p)
{
	const struct cdp_past_of *a = find(p, "a"), *b = find(p, "b");

	ok(a->versions == 2 && a->first == 1000 && a->last == 2000,
	   "an audience is told by the first and last version that has it");
	ok(a->customers == 3 && strcmp(a->note, "{\"x\":2}") == 0,
	   "and as it is in the last one");
	ok(b->versions == 1 && b->last == 1000 && b->customers == 1,
	   "also when later ones have it no more");
	is_int((int64_t)a->bytes, (int64_t)(find(p, "c")->bytes + find(p, "f")->bytes),
	       "bytes of all versions are added up");
	ok(!find(p, "d"), "a version later than the limit is not looked at");
}

static void alike(const struct cdp_past *p)
{
	is_str(cdp_past_at(p, CDP_PAST_AUDIENCES, find(p, "f")->alike)->name, "a",
	       "the same members in the last version are alike");
	ok(find(p, "a")->alike == CDP_INTERN_NONE &&
		   find(p, "c")->alike == CDP_INTERN_NONE,
	   "the first of them is like none, as is one of others");
	ok(find(p, "h")->alike == CDP_INTERN_NONE &&
		   find(p, "i")->alike == CDP_INTERN_NONE,
	   "nor those of nobody");
	ok(find(p, "y")->alike == CDP_INTERN_NONE &&
		   find(p, "z")->alike == CDP_INTERN_NONE,
	   "nor those of everybody");
}

static void batches(const struct cdp_past *p)
{
	is_str(find(p, "a")->batch->id, "0000000000000002",
	       "the latest batch of an audience is known");
	ok(find(p, "gone")->versions == 0 && find(p, "gone")->batch,
	   "and one of which no version is kept");
	ok(!find(p, "b")->batch, "of what was not handed over there is none");
	is_str(cdp_past_at(p, CDP_PAST_AUDIENCES,
			   cdp_past_count(p, CDP_PAST_AUDIENCES) - 1)
		       ->name,
	       "gone", "which comes last");
}

int main(void)
{
	static const char *const first[] = { "a=0-2 {\"x\":1}", "b=1-2 {}", NULL };
	static const char *const second[] = { "a=0-3 {\"x\":2}", "c=0-2 {}", "f=0-3 {}",
					      "h=1-1 {}",        "i=1-1 {}", "y=0-4 {}",
					      "z=0-4 {}",        NULL };
	static const char *const third[] = { "d=0-2 {}", NULL };
	struct cdp_past *p;
	char *rm;

	if (!mkdtemp(dir))
		return 1;
	keep(1000, first);
	keep(2000, second);
	keep(3000, third);
	hand_over("0000000000000003", "a", 1000);
	hand_over("0000000000000002", "a", 2000);
	hand_over("0000000000000001", "a", 3000);
	hand_over("0000000000000004", "gone", 500);
	p = look(2999);
	ok(p != NULL, "the past of a store can be read");
	if (p) {
		versions(p);
		alike(p);
		batches(p);
	}
	cdp_past_free(p);
	p = look(400);
	is_int(p ? (int64_t)cdp_past_count(p, CDP_PAST_AUDIENCES) : -1, 0,
	       "before all of it there is nothing");
	cdp_past_free(p);
	rm = cdp_asprintf("rm -rf %s", dir);
	ok(system(rm) == 0, "the store can be removed");
	free(rm);
	return tap_done();
}
