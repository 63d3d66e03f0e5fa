#include "model/bank_int.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

/* --- life --- */

/* A stride that shares no divisor with n takes ranks to persons one to one. */
static uint32_t find_spread(uint32_t n)
{
	uint32_t s = 1000003;

	for (;; s += 2) {
		uint32_t x = s % n, y = n;

		while (x) {
			uint32_t t = y % x;

			y = x;
			x = t;
		}
		if (y == 1)
			return s % n ? s % n : 1;
	}
}

static void new_popularity(struct cdp_bank *b)
{
	uint32_t n = b->conf.customers, shift = n / 20 + 5;
	uint32_t *w = cdp_calloc(n < PAGES ? PAGES : n, sizeof(*w));

	/* Zipf's law, flattened at its top so that nobody is the whole bank */
	for (uint32_t i = 0; i < n; i++)
		w[i] = (uint32_t)(((uint64_t)shift << 24) / (i + shift));
	b->who = cdp_alias_new(w, n);
	b->spread = find_spread(n);
	for (uint32_t i = 0; i < PAGES - PAGE_FREE; i++)
		w[i] = (1u << 24) / (i + 2);
	b->where = cdp_alias_new(w, PAGES - PAGE_FREE);
	for (int i = 0; i < 2; i++)
		b->hours[i] = cdp_alias_new(bank_hours[i], 24);
	free(w);
}

static void new_persons(struct cdp_bank *b)
{
	b->visitors = b->conf.customers / 10 * 3 + 1;
	b->npersons = b->conf.customers + b->visitors;
	b->persons = cdp_calloc(b->npersons, sizeof(*b->persons));
	b->customers = cdp_calloc(b->npersons, sizeof(*b->customers));
	b->families = cdp_calloc(b->npersons / 16 + 1, 1);
	for (uint32_t i = 0; i < b->npersons; i++)
		bank_person_init(b, i);
	for (uint32_t i = 0; i < b->conf.customers; i++)
		bank_holdings_init(b, i);
}

struct cdp_bank *cdp_bank_new(const struct cdp_bank_conf *conf, struct cdp_err *err)
{
	struct cdp_gb18030 *gb = cdp_gb18030_new(err);
	struct cdp_bank *b;

	if (!gb)
		return NULL;
	b = cdp_calloc(1, sizeof(*b));
	b->gb = gb;
	b->conf = *conf;
	b->key = cdp_mix64(conf->seed);
	b->day = -1;
	b->campaign_day = (int32_t)conf->days / 3;
	b->rows_wanted = true;
	for (unsigned i = 0; i < CDP_BANK_ROWS; i++)
		cdp_buf_init(&b->rows[i], CDP_BUF_NOMAX);
	cdp_buf_init(&b->tmp, CDP_BUF_NOMAX);
	cdp_rand_seed(&b->rand, conf->seed, UINT32_MAX);
	bank_products_init(b);
	new_popularity(b);
	new_persons(b);
	return b;
}

void cdp_bank_free(struct cdp_bank *b)
{
	if (!b)
		return;
	cdp_gb18030_free(b->gb);
	cdp_alias_free(b->who);
	cdp_alias_free(b->where);
	for (int i = 0; i < 2; i++)
		cdp_alias_free(b->hours[i]);
	bank_products_free(b);
	for (int i = 0; i < 3; i++)
		free(b->extras[i].v);
	for (unsigned i = 0; i < CDP_BANK_ROWS; i++)
		cdp_buf_release(&b->rows[i]);
	cdp_buf_release(&b->tmp);
	free(b->persons);
	free(b->customers);
	free(b->families);
	free(b->holdings);
	free(b->evs);
	free(b->sorted);
	free(b->carry);
	free(b->sort);
	free(b->arrives);
	free(b->due);
	free(b->touched);
	free(b->chains);
	free(b);
}

struct cdp_buf *cdp_bank_rows(struct cdp_bank *b, enum cdp_bank_rows which)
{
	return &b->rows[which];
}

void cdp_bank_no_rows(struct cdp_bank *b)
{
	b->rows_wanted = false;
}

uint32_t cdp_bank_customers(const struct cdp_bank *b)
{
	return b->conf.customers + b->opened;
}

void cdp_bank_start(struct cdp_bank *b, uint32_t i)
{
	struct bank_life life;

	bank_see_customer(b, i);
	bank_profile(b, i, bank_ms(b, 0, 0), true);
	bank_holding_start(b, i);
	bank_life_of(b, i, &life);
	bank_credit_start(b, i, &life);
	bank_ledger_start(b, i, &life);
}

/* --- the campaign --- */

static void add_due(struct cdp_bank *b, int32_t day, uint32_t person)
{
	CDP_GROW(b->due, b->ndue, b->cap_due);
	b->due[b->ndue++] = (struct due){ day, person };
}

static int by_day(const void *x, const void *y)
{
	const struct due *a = x, *b = y;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return a->person < b->person ? -1 : 1;
}

/* Three customers in ten with the app take part, one of five of them in the blank group;
 * twice as many of the treated as of the others respond: every twelfth or so, not by
 * chance, so that small banks show the planted rates too. */
static void assign_campaign(struct cdp_bank *b)
{
	static const uint32_t response[ARM_NUM] = { 0, BANK_RESPONSE_CONTROL,
						    BANK_RESPONSE_TREATED };
	uint64_t room = (b->conf.events - b->total) / 4;
	uint32_t due[ARM_NUM] = { 500000, 500000, 500000 };
	int32_t left = (int32_t)b->conf.days - b->day;

	if (left > CAMPAIGN_DAYS)
		left = CAMPAIGN_DAYS;
	for (uint32_t i = 0; i < b->conf.customers && room; i++) {
		struct person *p = &b->persons[i];
		uint32_t x = cdp_rand_below(&b->rand, 1000);

		if (x >= 300 || !(p->has & 1 << SLOT_PHONE))
			continue;
		p->arm = x < 60 ? ARM_CONTROL : ARM_TREATED;
		b->assigned[p->arm]++;
		room--;
		/* a list that is loaded at nine o'clock */
		bank_push(b, EV_CAMPAIGN_ASSIGNED, i, 32400000)->product =
			CAMPAIGN_PRODUCT;
		due[p->arm] += response[p->arm];
		if (due[p->arm] < 1000000)
			continue;
		due[p->arm] -= 1000000;
		add_due(b, b->day + (int32_t)cdp_rand_below(&b->rand, (uint32_t)left), i);
	}
	if (b->ndue)
		qsort(b->due, b->ndue, sizeof(b->due[0]), by_day);
}

/* --- a day --- */

/* Working days are busier, paydays more so. */
static unsigned day_weight(const struct cdp_bank *b, int32_t day)
{
	static const uint8_t weight[7] = { 105, 100, 98, 100, 104, 82, 76 };
	int64_t civil = b->conf.start + day;
	int32_t year;
	int8_t month, dom;

	cdp_civil_from_days(civil, &year, &month, &dom);
	return weight[(civil + 3) % 7] + (dom == 10 || dom == 15 || dom == 25 ? 20 : 0);
}

/* How many events there shall have been by the end of the day. */
static uint64_t target(const struct cdp_bank *b)
{
	uint64_t sum = 0, done = 0;

	for (int32_t d = 0; d < (int32_t)b->conf.days; d++) {
		sum += day_weight(b, d);
		if (d == b->day)
			done = sum;
	}
	return b->conf.events * done / sum;
}

static uint32_t pick_person(struct cdp_bank *b)
{
	if (cdp_rand_below(&b->rand, 100) < 18)
		return b->conf.customers + cdp_rand_below(&b->rand, b->visitors);
	return (uint32_t)((uint64_t)cdp_alias_pick(b->who, &b->rand) * b->spread %
			  b->conf.customers);
}

static void simulate(struct cdp_bank *b)
{
	bool last = b->day + 1 == (int32_t)b->conf.days;
	uint64_t goal = target(b);

	bank_holdings_night(b);
	if (b->day == b->campaign_day)
		assign_campaign(b);
	for (; b->due_at < b->ndue && b->due[b->due_at].day <= b->day; b->due_at++)
		if (b->total + VISIT_MAX <= b->conf.events)
			bank_visit(b, b->due[b->due_at].person, true);
	while (b->total < goal) {
		/* The number asked for is met exactly: what is left over is looked at. */
		if (b->conf.events - b->total < VISIT_MAX) {
			if (!last)
				break;
			bank_fill(b, b->conf.events - b->total);
		} else {
			bank_visit(b, pick_person(b), false);
		}
	}
}

/* Visits that last beyond midnight go on in the next day. */
static void carry_over(struct cdp_bank *b)
{
	size_t kept = 0;

	b->ncarry = 0;
	for (size_t i = 0; i < b->nevs; i++) {
		if (b->evs[i].ms < DAY_MS) {
			b->evs[kept++] = b->evs[i];
			continue;
		}
		CDP_GROW(b->carry, b->ncarry, b->cap_carry);
		b->carry[b->ncarry] = b->evs[i];
		b->carry[b->ncarry++].ms -= DAY_MS;
	}
	b->nevs = kept;
}

/* Radix sort by time; at one time later steps of funnels first (bank_funnel.c). */
static void sort_events(struct cdp_bank *b)
{
	size_t n = b->nevs;
	uint64_t *from, *to;

	if (n > b->cap_sorted) {
		b->cap_sorted = n + n / 4;
		b->sorted = cdp_realloc(b->sorted, b->cap_sorted, sizeof(*b->sorted));
		b->sort = cdp_realloc(b->sort, 2 * b->cap_sorted, sizeof(*b->sort));
	}
	from = b->sort;
	to = b->sort + b->cap_sorted;
	for (size_t i = 0; i < n; i++)
		from[i] = (uint64_t)(b->evs[i].ms << 3 |
				     (7 - bank_funnel_place(b->evs[i].type)))
				  << 32 |
			  i;
	for (unsigned shift = 32; shift < 64; shift += 11) {
		uint32_t at[2048] = { 0 }, sum = 0;
		uint64_t *swap = from;

		for (size_t i = 0; i < n; i++)
			at[from[i] >> shift & 2047]++;
		for (unsigned i = 0; i < 2048; i++) {
			uint32_t count = at[i];

			at[i] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[at[from[i] >> shift & 2047]++] = from[i];
		from = to;
		to = swap;
	}
	for (size_t i = 0; i < n; i++)
		b->sorted[i] = b->evs[(uint32_t)from[i]];
}

/* The day in order of time: what it means. */
static void account(struct cdp_bank *b)
{
	for (size_t i = 0; i < b->nevs; i++) {
		const struct cdp_bank_event *ev = &b->sorted[i];
		struct person *p = &b->persons[ev->person];

		b->by_type[ev->type]++;
		bank_funnel_step(b, ev);
		if (ev->type == EV_CAMPAIGN_SHOW && !p->exposed) {
			p->exposed = 1;
			b->exposed[p->arm]++;
		}
		if (ev->type != EV_PAY_SUCCESS)
			continue;
		bank_hold(b, ev);
		if (ev->product == CAMPAIGN_PRODUCT && !p->converted) {
			p->converted = 1;
			b->converted[p->arm]++;
		}
	}
}

static void close_books(struct cdp_bank *b)
{
	for (size_t i = 0; i < b->ntouched; i++) {
		b->persons[b->touched[i]].touched = 0;
		bank_profile(b, b->touched[i], bank_ms(b, b->day, DAY_MS - 1), false);
	}
	b->ntouched = 0;
}

void cdp_bank_day(struct cdp_bank *b)
{
	if (b->day >= 0)
		b->extras[b->day % 3].n = 0;
	b->day++;
	cdp_rand_seed(&b->rand, b->conf.seed, (uint64_t)b->day);
	b->nevs = 0;
	for (size_t i = 0; i < b->ncarry; i++) {
		CDP_GROW(b->evs, b->nevs, b->cap_evs);
		b->evs[b->nevs++] = b->carry[i];
	}
	simulate(b);
	carry_over(b);
	sort_events(b);
	account(b);
	close_books(b);
	bank_dirt_day(b);
}
