/* Identity with so many ids that all its tables grow, also as large ones do. */
#include "base/buf.h"
#include "identity_world.h"
#include "tap.h"

#include <stdlib.h>

enum { PERSONS = 300000, BLOCK = 1000, TENTH = 10 };

static void put_person(struct cdp_buf *b, unsigned i, bool with_customer)
{
	cdp_buf_adds(b, "{\"event\":\"e\",\"ids\":{");
	if (with_customer)
		cdp_buf_addf(b, "\"customer\":\"C%u\",", i);
	cdp_buf_addf(b, "\"device\":\"%08x%08x%08x\",\"cookie\":\"z%u.%u\"}}\n",
		     i * 2654435761u, i, ~i, i, i % 7);
}

static void learn(struct world *w, struct cdp_buf *b)
{
	const uint32_t *ids;

	world_read(w, cdp_buf_str(b), true);
	for (size_t i = 0; i < w->sights.n; i++) {
		cdp_identity_prefetch(w->m, &w->sights, i);
		cdp_identity_learn(w->m, &w->sights, i, NULL, NULL, &ids);
	}
	cdp_buf_reset(b);
}

/* Of every tenth person the device and the cookie come first, so that the customer is
 * newer than both. */
static void learn_all(struct world *w)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < PERSONS; i++) {
		if (i % TENTH == 0)
			put_person(&b, i, false);
		put_person(&b, i, true);
		if ((i + 1) % BLOCK == 0)
			learn(w, &b);
	}
	cdp_buf_release(&b);
}

/* Persons whose three ids have another one_id than the person before, and one only. */
static unsigned count_known(struct world *w)
{
	unsigned n = 0;
	uint64_t last = 0;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < PERSONS; i += TENTH / 2) {
		uint64_t id[2] = { 0 };

		cdp_buf_reset(&b);
		put_person(&b, i, true);
		put_person(&b, i, false);
		world_read(w, cdp_buf_str(&b), false);
		for (size_t k = 0; k < 2; k++)
			cdp_identity_known(w->m, &w->sights, k, &id[k]);
		n += id[0] && id[0] == id[1] && id[0] != last;
		last = id[0];
	}
	cdp_buf_release(&b);
	return n;
}

int main(void)
{
	struct cdp_idkinds *kinds = cdp_idkinds_default();
	struct cdp_identity_counts c;
	struct world w;

	world_open(&w, kinds);
	for (int day = 0; day < 2; day++) {
		learn_all(&w);
		cdp_identity_publish(w.m);
		cdp_identity_count(w.m, &c);
		is_int((int64_t)c.ids, 3 * PERSONS, "%d ids are told apart", 3 * PERSONS);
		is_int((int64_t)c.links, 2 * PERSONS + PERSONS / TENTH,
		       "each link is one%s", day ? ", also seen again" : "");
		is_int((int64_t)c.persons, PERSONS, "a person has three ids");
	}
	is_int(count_known(&w), PERSONS / (TENTH / 2), "all are found again");
	world_close(&w);
	cdp_idkinds_free(kinds);
	return tap_done();
}
