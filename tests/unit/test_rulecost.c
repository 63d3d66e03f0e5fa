#include "model/rulecost.h"
#include "tap.h"

#include <time.h>

static void spend(void)
{
	struct timespec from, t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while ((t.tv_sec - from.tv_sec) * 1000000000 + t.tv_nsec - from.tv_nsec < 20000);
}

/* What `rows` rows of 20 us each are charged, in rows. */
static double charged(struct cdp_rule_cost *c, unsigned rows)
{
	double ns = 0;

	for (unsigned i = 0; i < rows; i++) {
		cdp_rule_cost_row(c);
		cdp_rule_cost_turn(c, &ns);
		spend();
		cdp_rule_cost_turn(c, NULL);
	}
	return ns / 20000;
}

int main(void)
{
	struct cdp_rules *r = cdp_rules_new();
	struct cdp_rule_cost *c = cdp_rule_cost_new(r, 3);
	struct cdp_rule_cost *more = cdp_rule_cost_new(r, 3);
	double of;

	cdp_rule_cost_block(c);
	cdp_rule_cost_turn(c, &c->sets[0]);
	spend();
	cdp_rule_cost_turn(c, &c->sets[1]);
	spend();
	spend();
	cdp_rule_cost_turn(c, NULL);
	spend();
	cdp_rule_cost_turn(c, NULL);
	ok(c->sets[0] > 15000 && c->sets[1] > 1.3 * c->sets[0] && c->sets[2] == 0,
	   "an account has the time of its turn, no time is nobody's");
	more->sets[0] = 7;
	of = c->sets[0];
	cdp_rule_cost_add(c, more);
	ok(c->sets[0] == of + 7, "what threads took is added");

	ok(charged(c, 1024) > 800, "the first 1,024 rows are charged each");
	of = charged(c, 160);
	ok(of > 100, "of those that follow every 16th, for 16");
	c->rows = 1025;
	ok(charged(c, 15) == 0, "and not those between");
	c->blocks = 9;
	cdp_rule_cost_block(c);
	ok(c->weight == 0, "a block between two that are charged has no weight");
	c->blocks = 16;
	cdp_rule_cost_block(c);
	ok(c->weight == 8, "the eighth stands for 8");
	cdp_rule_cost_free(c);
	cdp_rule_cost_free(more);
	cdp_rule_cost_free(NULL);
	cdp_rules_free(r);
	return tap_done();
}
