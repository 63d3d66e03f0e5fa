/* What was collected of customers: attributes by time, latest rows, ids; in any order of
 * arrival and for any way to split it over collectors. */
#include "model/customers.h"

#include "base/mem.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tag set with the attribute "a", the table "t" and no aggregates. */
static struct cdp_tagset set;
static const struct cdp_run run;

enum kind { CHANGE, FORGET, ROW, ID };

struct step {
	enum kind kind;
	int64_t ms;
	enum cdp_change what;
	const char *name, *text;
};

static struct cdp_val val(const char *text)
{
	struct cdp_val v;

	cdp_val_at(&v, text, strlen(text));
	return v;
}

static void apply(struct cdp_gather *c, const struct step *s)
{
	static const struct cdp_val removed = { .type = CDP_MISSING };
	uint32_t who = cdp_gather_customer(c, "k", 1);
	struct cdp_val name = val(s->name ? s->name : "\"a\""), table = val("\"t\"");
	struct cdp_val text = s->text ? val(s->text) : removed;

	switch (s->kind) {
	case CHANGE:
		cdp_gather_attribute(c, who, s->what, &name, s->text ? &text : NULL,
				     s->ms);
		break;
	case FORGET:
		cdp_gather_forget(c, who, s->ms);
		break;
	case ROW:
		cdp_gather_detail(c, who, &table, &name, &text, s->ms);
		break;
	case ID:
		cdp_gather_id(c, who, &name, &text);
		break;
	}
}

/* Attribute, rows and ids of "k" as text. */
static void state(struct cdp_customers *c, struct cdp_buf *out)
{
	uint32_t k;
	size_t n;

	cdp_customers_finish(c);
	k = cdp_customers_at(c, 0);
	while (cdp_customers_key(c, k, &n)[0] != 'k')
		k = cdp_customers_at(c, 1);
	if (!cdp_customers_get_attribute(c, k, 0, out))
		cdp_buf_adds(out, "-");
	cdp_buf_addc(out, ' ');
	cdp_customers_get_details(c, k, 0, out);
	cdp_buf_addc(out, ' ');
	if (!cdp_customers_get_ids(c, k, out))
		cdp_buf_adds(out, "-");
}

static uint64_t rng = 88172645463325252ULL;
static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 8) % n);
}

/* The wanted state; then the same from shuffled steps split over two collectors. */
static void holds(const char *want, const char *what, const struct step *steps, size_t n)
{
	struct cdp_buf first, other;
	struct cdp_customers *c = cdp_customers_new(&set, 1);
	struct cdp_gather *g = cdp_gather_new(c, &run);
	unsigned differ = 0;

	cdp_buf_init(&first, CDP_BUF_NOMAX);
	cdp_buf_init(&other, CDP_BUF_NOMAX);
	for (size_t i = 0; i < n; i++)
		apply(g, &steps[i]);
	cdp_gather_end(g);
	state(c, &first);
	cdp_customers_free(c);
	for (unsigned round = 0; round < 50; round++) {
		struct cdp_customers *both = cdp_customers_new(&set, 2);
		struct cdp_gather *d = cdp_gather_new(both, &run),
				  *e = cdp_gather_new(both, &run);
		struct step *mixed = cdp_memdup(steps, n * sizeof(*steps));

		cdp_gather_customer(d, "other", 5);
		for (size_t i = n; i > 1; i--) {
			size_t j = rnd((unsigned)i);
			struct step s = mixed[i - 1];

			mixed[i - 1] = mixed[j];
			mixed[j] = s;
		}
		for (size_t i = 0; i < n; i++)
			apply(rnd(2) ? d : e, &mixed[i]);
		cdp_gather_end(e);
		cdp_gather_end(d);
		cdp_buf_reset(&other);
		state(both, &other);
		differ += other.n != first.n || memcmp(other.p, first.p, first.n) != 0;
		cdp_customers_free(both);
		free(mixed);
	}
	is_str(cdp_buf_str(&first), want, "%s", what);
	is_int(differ, 0, "%s: whatever the order and the split", what);
	cdp_buf_release(&first);
	cdp_buf_release(&other);
}

#define HOLDS(want, what, ...)                                                           \
	do {                                                                             \
		const struct step steps[] = { __VA_ARGS__ };                             \
		holds(want, what, steps, sizeof(steps) / sizeof(*steps));                \
	} while (0)

int main(void)
{
	set.aggs = cdp_aggs_new();
	set.attributes = cdp_intern_new(0);
	set.details = cdp_intern_new(0);
	cdp_intern_put(set.attributes, "a", 1, NULL);
	cdp_intern_put(set.details, "t", 1, NULL);
	HOLDS("2 [] -", "the latest set counts", { CHANGE, 1, CDP_SET, NULL, "1" },
	      { CHANGE, 3, CDP_SET, NULL, "2" }, { CHANGE, 2, CDP_SET, NULL, "9" });
	HOLDS("1 [] -", "set_once does not replace", { CHANGE, 1, CDP_SET, NULL, "1" },
	      { CHANGE, 2, CDP_SET_ONCE, NULL, "2" });
	HOLDS("2 [] -", "set_once applies after unset", { CHANGE, 1, CDP_SET, NULL, "1" },
	      { CHANGE, 2, CDP_UNSET, NULL, NULL },
	      { CHANGE, 3, CDP_SET_ONCE, NULL, "2" });
	HOLDS("0.3 [] -", "increments are exact",
	      { CHANGE, 1, CDP_INCREMENT, NULL, "0.1" },
	      { CHANGE, 2, CDP_INCREMENT, NULL, "0.2" });
	HOLDS("7 [] -", "an increment starts from what was set before it",
	      { CHANGE, 1, CDP_INCREMENT, NULL, "100" },
	      { CHANGE, 2, CDP_SET, NULL, "5" }, { CHANGE, 3, CDP_INCREMENT, NULL, "2" });
	HOLDS("[\"x\",\"y\"] [] -", "append adds what is not there yet",
	      { CHANGE, 1, CDP_APPEND, NULL, "[\"x\"]" },
	      { CHANGE, 2, CDP_APPEND, NULL, "[\"x\",\"y\"]" });
	HOLDS("3 [] -", "forgetting removes what was before it",
	      { CHANGE, 1, CDP_SET, NULL, "1" }, { FORGET, 2, 0, NULL, NULL },
	      { CHANGE, 2, CDP_INCREMENT, NULL, "3" });
	HOLDS("- [] -", "and everything when it is last",
	      { CHANGE, 1, CDP_SET, NULL, "1" }, { FORGET, 2, 0, NULL, NULL });
	HOLDS("- [] -", "attributes that no tag names are not kept",
	      { CHANGE, 1, CDP_SET, "\"b\"", "1" });
	HOLDS("- [{\"v\":2},{\"v\":3}] -", "of each row the latest counts",
	      { ROW, 1, 0, "\"r1\"", "{\"v\":1}" }, { ROW, 2, 0, "\"r1\"", "{\"v\":2}" },
	      { ROW, 1, 0, "\"r2\"", "{\"v\":3}" });
	HOLDS("- [{\"v\":3}] -", "a removed row is gone until it comes again",
	      { ROW, 1, 0, "\"r1\"", "{\"v\":1}" }, { ROW, 2, 0, "\"r1\"", NULL },
	      { ROW, 1, 0, "\"r2\"", NULL }, { ROW, 5, 0, "\"r2\"", "{\"v\":3}" });
	HOLDS("- [] {\"customer\":[\"C1\"],\"phone\":[\"1\",\"2\"]}",
	      "ids come by kind, each once", { ID, 0, 0, "\"phone\"", "\"2\"" },
	      { ID, 0, 0, "\"customer\"", "\"C1\"" }, { ID, 0, 0, "\"phone\"", "\"1\"" },
	      { ID, 0, 0, "\"phone\"", "\"2\"" });
	cdp_aggs_free(set.aggs);
	cdp_intern_free(set.attributes);
	cdp_intern_free(set.details);
	return tap_done();
}
