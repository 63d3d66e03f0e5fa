/* Products, holdings and the customer master of the synthetic bank. */
#include "model/bank_int.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

/* --- text --- */

int64_t bank_ms(const struct cdp_bank *b, int32_t day, uint32_t ms)
{
	return ((b->conf.start + day) * 86400 - CDP_BANK_UTC_OFFSET) * 1000 + ms;
}

void bank_add_time(struct cdp_buf *out, int64_t epoch_ms)
{
	if (cdp_buf_reserve(out, CDP_TIME_CANON + 2) < 0)
		return;
	out->p[out->n] = '"';
	cdp_time_format(out->p + out->n + 1, cdp_time_from_ms(epoch_ms));
	out->p[out->n + 1 + CDP_TIME_CANON] = '"';
	out->n += CDP_TIME_CANON + 2;
}

void bank_add_digits(struct cdp_buf *out, uint64_t v, unsigned width)
{
	char text[20];

	for (unsigned i = width; i--; v /= 10)
		text[i] = (char)('0' + v % 10);
	cdp_buf_add(out, text, width);
}

void bank_add_date(struct cdp_buf *out, int64_t civil_day)
{
	int32_t year;
	int8_t month, day;

	cdp_civil_from_days(civil_day, &year, &month, &day);
	bank_add_digits(out, (uint64_t)year, 4);
	cdp_buf_addc(out, '-');
	bank_add_digits(out, (uint64_t)month, 2);
	cdp_buf_addc(out, '-');
	bank_add_digits(out, (uint64_t)day, 2);
}

void bank_add_money(struct cdp_buf *out, int64_t cents)
{
	if (cents < 0) {
		cdp_buf_addc(out, '-');
		cents = -cents;
	}
	cdp_buf_addu(out, (uint64_t)cents / 100);
	cdp_buf_addc(out, '.');
	bank_add_digits(out, (uint64_t)cents % 100, 2);
}

static void add_nav(struct cdp_buf *out, uint32_t nav)
{
	cdp_buf_addu(out, nav / 10000);
	cdp_buf_addc(out, '.');
	bank_add_digits(out, nav % 10000, 4);
}

/* --- products --- */

void bank_products_init(struct cdp_bank *b)
{
	uint32_t n = b->conf.customers / 25;
	uint32_t *weights;

	n = n < 40 ? 40 : n > 88000 ? 88000 : n;
	weights = cdp_calloc(n, sizeof(*weights));
	b->nproducts = n;
	b->products = cdp_calloc(n, sizeof(*b->products));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t t = cdp_mix64(b->key ^ (uint64_t)i << 8 ^ 0xf0);
		const uint8_t mix[8] = { 0, 0, 0, 1, 1, 2, 3, 4 + (t & 1) };
		unsigned kind = i == CAMPAIGN_PRODUCT ? 1 : mix[t >> 61];
		const struct bank_kind *k = &bank_kinds[kind];

		b->products[i] = (struct product){
			.nav = kind == 2 ? 10000 : 8000 + (uint32_t)(t >> 8 & 0x3fff),
			.kind = (uint8_t)kind,
			.risk = (uint8_t)(k->risk_min +
					  (t >> 32) % (k->risk_max - k->risk_min + 1u)),
			.term = (uint16_t)(k->term * (1 + (t >> 40 & 1))),
		};
		/* Zipf's law, and nobody but the campaign sells its product */
		weights[i] = i == CAMPAIGN_PRODUCT ? 0 : (1u << 24) / (i + 3);
	}
	b->what = cdp_alias_new(weights, n);
	free(weights);
}

void bank_products_free(struct cdp_bank *b)
{
	cdp_alias_free(b->what);
	free(b->products);
}

size_t bank_product_code(const struct cdp_bank *b, char out[16], uint32_t product)
{
	out[0] = bank_kinds[b->products[product].kind].letter[0];
	for (int i = 6; i > 0; i--, product /= 10)
		out[i] = (char)('0' + product % 10);
	return 7;
}

void bank_add_product_name(const struct cdp_bank *b, uint32_t product,
			   struct cdp_buf *out)
{
	uint64_t t = cdp_mix64(b->key ^ (uint64_t)product << 8 ^ 0xf1);

	if (product == CAMPAIGN_PRODUCT)
		ADD(out, "新客专享");
	else
		cdp_buf_adds(out, bank_product_words[t >> 60]);
	cdp_buf_adds(out, bank_kinds[b->products[product].kind].suffix);
	cdp_buf_addu(out, product);
	ADD(out, "号");
}

void cdp_bank_products(struct cdp_bank *b, struct cdp_buf *out)
{
	char code[16];

	for (uint32_t i = 0; i < b->nproducts; i++) {
		const struct product *p = &b->products[i];

		ADD(out, "{\"time\":");
		bank_add_time(out, bank_ms(b, 0, 0));
		ADD(out, ",\"type\":\"entity\",\"entity\":\"product\",\"id\":\"");
		cdp_buf_add(out, code, bank_product_code(b, code, i));
		ADD(out, "\",\"props\":{\"name\":\"");
		bank_add_product_name(b, i, out);
		ADD(out, "\",\"category\":\"");
		cdp_buf_adds(out, bank_kinds[p->kind].name);
		ADD(out, "\",\"risk\":");
		cdp_buf_addu(out, p->risk);
		ADD(out, ",\"term_days\":");
		cdp_buf_addu(out, p->term);
		ADD(out, "}}\n");
	}
}

/* --- holdings --- */

static struct holding *add_holding(struct cdp_bank *b, uint32_t person, uint32_t product,
				   int64_t cents, int32_t maturity)
{
	struct holding *h;

	CDP_GROW(b->holdings, b->nholdings, b->cap_holdings);
	h = &b->holdings[b->nholdings++];
	*h = (struct holding){ .cents = cents,
			       .person = person,
			       .product = product,
			       .nav = b->products[product].nav,
			       .maturity = maturity };
	return h;
}

void bank_row_head(const struct cdp_bank *b, struct cdp_buf *out, uint32_t person,
		   int64_t ms, const char *type)
{
	char id[ID_MAX];

	ADD(out, "{\"time\":");
	bank_add_time(out, ms);
	ADD(out, ",\"type\":\"");
	cdp_buf_adds(out, type);
	ADD(out, "\",\"ids\":{\"customer\":\"");
	cdp_buf_add(out, id, bank_customer_id(id, b->persons[person].customer));
	cdp_buf_addc(out, '"');
}

static void holding_props(struct cdp_bank *b, struct cdp_buf *out,
			  const struct holding *h)
{
	const struct product *p = &b->products[h->product];
	char code[16];

	ADD(out, ",\"props\":{\"product\":\"");
	cdp_buf_add(out, code, bank_product_code(b, code, h->product));
	ADD(out, "\",\"name\":\"");
	bank_add_product_name(b, h->product, out);
	ADD(out, "\",\"category\":\"");
	cdp_buf_adds(out, bank_kinds[p->kind].name);
	ADD(out, "\",\"amount\":");
	bank_add_money(out, h->cents);
	ADD(out, ",\"nav\":");
	add_nav(out, p->nav);
	ADD(out, ",\"profit\":");
	bank_add_money(out, h->cents * ((int64_t)p->nav - h->nav) / h->nav);
	ADD(out, ",\"maturity\":");
	if (h->maturity == INT32_MAX) {
		ADD(out, "null");
	} else {
		cdp_buf_addc(out, '"');
		bank_add_date(out, b->conf.start + h->maturity);
		cdp_buf_addc(out, '"');
	}
	ADD(out, ",\"status\":\"");
	cdp_buf_adds(out, h->state == HOLD_LIVE ? "holding" : "matured");
	ADD(out, "\"}}\n");
}

static void holding_row(struct cdp_bank *b, const struct holding *h, int64_t ms)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_HOLDINGS];

	b->row_lines[CDP_BANK_HOLDINGS]++;
	if (!b->rows_wanted)
		return;
	bank_row_head(b, out, h->person, ms, "detail");
	ADD(out, "},\"detail\":\"holding\",\"row\":\"H");
	bank_add_digits(out, (uint64_t)(h - b->holdings) + 1, 10);
	cdp_buf_addc(out, '"');
	if (h->state == HOLD_GONE)
		ADD(out, ",\"deleted\":true}\n");
	else
		holding_props(b, out, h);
}

/* Wealthier customers hold more; terms began at any time before the run. */
void bank_holdings_init(struct cdp_bank *b, uint32_t person)
{
	static const uint8_t most[TIERS] = { 1, 2, 3, 4, 5, 6 };
	int64_t aum = b->persons[person].aum;
	uint32_t n = cdp_rand_below(&b->rand, most[bank_tier_of(aum)] + 1u);

	for (; n; n--) {
		uint32_t product = cdp_alias_pick(b->what, &b->rand);
		const struct product *p = &b->products[product];
		int64_t cents = aum / 100 * (5 + cdp_rand_below(&b->rand, 12));
		int32_t left = INT32_MAX;
		struct holding *h;

		if (p->term)
			left = (int32_t)(1 + cdp_rand_below(&b->rand, p->term));
		if (cents < 10000)
			cents = 10000;
		h = add_holding(b, person, product, cents / 100 * 100, left);
		h->nav = h->nav * (90 + cdp_rand_below(&b->rand, 15)) / 100;
		if (p->kind == 2)
			h->nav = p->nav;
	}
}

void bank_holding_start(struct cdp_bank *b, uint32_t person)
{
	for (; b->started_holdings < b->nholdings; b->started_holdings++) {
		const struct holding *h = &b->holdings[b->started_holdings];

		if (h->person != person)
			break;
		holding_row(b, h, bank_ms(b, 0, 0));
	}
}

void bank_hold(struct cdp_bank *b, const struct cdp_bank_event *ev)
{
	uint16_t term = b->products[ev->product].term;
	struct holding *h = add_holding(b, ev->person, ev->product, ev->cents,
					term ? b->day + term : INT32_MAX);

	holding_row(b, h, bank_ms(b, b->day, ev->ms));
}

/* A redemption, as long as the number of events asked for is not in danger. */
static void redeem(struct cdp_bank *b, struct holding *h, uint32_t ms)
{
	struct cdp_bank_event *ev;

	if (b->total + VISIT_MAX >= b->conf.events)
		return;
	ev = bank_push(b, EV_REDEEM_SUCCESS, h->person, ms);
	ev->product = h->product;
	ev->cents = h->cents;
	ev->order = ++b->orders;
	h->state = HOLD_GONE;
	holding_row(b, h, bank_ms(b, b->day, ms));
}

void bank_holdings_night(struct cdp_bank *b)
{
	int64_t midnight = bank_ms(b, b->day, 0);

	for (uint32_t i = 0; i < b->nproducts && b->day; i++) {
		uint32_t step = cdp_rand_below(&b->rand, 201);

		if (b->products[i].kind == 2)
			continue; /* a deposit keeps its value */
		/* one per cent up or down at most; a little up on average */
		b->products[i].nav += (uint32_t)((int32_t)(b->products[i].nav / 100) *
						 ((int32_t)step - 98) / 100);
	}
	for (size_t i = 0; i < b->nholdings; i++) {
		struct holding *h = &b->holdings[i];
		uint32_t x;

		if (h->state == HOLD_GONE)
			continue;
		x = cdp_rand_below(&b->rand, 1000);
		if (h->state == HOLD_MATURED) {
			h->state = HOLD_GONE;
			holding_row(b, h, midnight);
		} else if (h->maturity <= b->day) {
			h->state = HOLD_MATURED;
			holding_row(b, h, midnight);
		} else if (x < 2 && b->products[h->product].kind == 0) {
			redeem(b, h, 32400000 + cdp_rand_below(&b->rand, 21600000));
		} else if (x < 32 && b->day) {
			holding_row(b, h, midnight);
		}
	}
}

/* --- profiles --- */

static void whole_profile(struct cdp_bank *b, struct cdp_buf *out, uint32_t person)
{
	const struct bank_branch *branch = &bank_branches[bank_branch_of(b, person)];
	uint64_t t = bank_trait(b, person, 30);

	ADD(out, "\"name\":\"");
	bank_add_name(b, person, out);
	ADD(out, "\",\"gender\":\"");
	cdp_buf_addc(out, bank_is_female(b, person) ? 'F' : 'M');
	ADD(out, "\",\"birth\":\"");
	bank_add_date(out, bank_birth(b, person));
	ADD(out, "\",\"city\":\"");
	cdp_buf_adds(out, branch->city);
	ADD(out, "\",\"branch\":\"");
	cdp_buf_adds(out, branch->code);
	ADD(out, "\",\"manager\":\"M");
	bank_add_digits(out, t % MANAGERS + 1, 4);
	ADD(out, "\",\"job\":\"");
	cdp_buf_adds(out, bank_jobs[t >> 16 & 7]);
	ADD(out, "\",\"married\":");
	cdp_buf_adds(out, t >> 20 & 1 ? "true" : "false");
	ADD(out, ",\"children\":");
	cdp_buf_addu(out, t >> 20 & 1 ? t >> 24 & 1 : 0);
	ADD(out, ",\"risk\":\"C");
	cdp_buf_addu(out, 1 + (t >> 32) % 5);
	ADD(out, "\",\"open_date\":\"");
	bank_add_date(out, bank_open_day(b, person));
	ADD(out, "\",");
	bank_life_profile(b, person, out);
}

void bank_profile(struct cdp_bank *b, uint32_t person, int64_t ms, bool whole)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_PROFILES];
	int64_t aum = b->persons[person].aum;
	char id[ID_MAX];

	b->row_lines[CDP_BANK_PROFILES]++;
	if (!b->rows_wanted)
		return;
	bank_row_head(b, out, person, ms, "profile");
	if (whole) {
		ADD(out, ",\"phone\":\"");
		cdp_buf_add(out, id, bank_phone_id(b, id, person));
		ADD(out, "\",\"idcard\":\"");
		cdp_buf_add(out, id, bank_idcard_id(b, id, person));
		cdp_buf_addc(out, '"');
	}
	ADD(out, "},\"set\":{");
	if (whole)
		whole_profile(b, out, person);
	ADD(out, "\"aum\":");
	bank_add_money(out, aum);
	ADD(out, ",\"level\":\"");
	cdp_buf_adds(out, bank_tiers[bank_tier_of(aum)].level);
	ADD(out, "\"}}\n");
}
