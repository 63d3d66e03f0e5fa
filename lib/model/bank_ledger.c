/* What the back end knows of the 90 days before the base time besides the run itself:
 * payments by card, salaries, money sent to other houses, messages and what came of them.
 * Written customer by customer at the start; draws no random number. */
#include "model/bank_int.h"

#include "base/hash.h"
#include "base/time.h"

enum topic { TOPIC_PAYMENT = 1020, TOPIC_OUTFLOW, TOPIC_MESSAGE, TOPIC_SERVICE };

const char *const bank_ledger_names[LEDGER_TYPES] = {
	[LED_CARD_PAY] = "card_pay",     [LED_SALARY] = "salary_in",
	[LED_OUTFLOW] = "interbank_out", [LED_DELIVERED] = "message_delivered",
	[LED_OPENED] = "message_opened", [LED_CLICKED] = "message_clicked",
	[LED_BRANCH] = "branch_visit",   [LED_CALL] = "service_call",
	[LED_COMPLAINT] = "complaint",
};

static uint32_t part(uint64_t trait, unsigned shift, uint32_t n)
{
	return (uint32_t)((trait >> shift & 0xffff) * n >> 16);
}

/* Up to the event's own props; the caller ends the object.  `ago` civil days before the
 * end, 1 being the last day. */
static struct cdp_buf *begin(struct cdp_bank *b, uint32_t person, enum ledger_type type,
			     uint32_t ago, uint32_t ms, const char *channel)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_LEDGER];
	uint64_t n = b->row_lines[CDP_BANK_LEDGER]++;
	char id[ID_MAX];

	b->ledger[type]++;
	ADD(out, "{\"time\":");
	bank_add_time(out, bank_ms(b, (int32_t)b->conf.days - (int32_t)ago, ms));
	ADD(out, ",\"event\":\"");
	cdp_buf_adds(out, bank_ledger_names[type]);
	ADD(out, "\",\"ids\":{\"customer\":\"");
	cdp_buf_add(out, id, bank_customer_id(id, b->persons[person].customer));
	ADD(out, "\"},\"event_id\":\"");
	cdp_hex16(id, cdp_mix64(b->key ^ 0xfeed00000000 ^ n));
	cdp_buf_add(out, id, 16);
	ADD(out, "\",\"source\":\"ledger\",\"props\":{\"channel\":\"");
	cdp_buf_adds(out, channel);
	cdp_buf_addc(out, '"');
	return out;
}

/* Between nine in the morning and nine in the evening. */
static uint32_t some_time(uint64_t t)
{
	return 32400000 + part(t, 0, 43200) * 1000 + (uint32_t)(t >> 16 & 511);
}

/* Young parents buy for the baby, the wealthy buy dear. */
static unsigned trade_of(const struct bank_life *l, uint64_t t)
{
	static const uint8_t common[10] = { 0, 0, 0, 1, 1, 1, 3, 4, 6, 7 };
	static const uint8_t dear[10] = { 0, 0, 1, 3, 3, 3, 4, 5, 5, 6 };
	static const uint8_t young[10] = { 0, 1, 1, 2, 2, 2, 2, 2, 4, 7 };
	const uint8_t *trades = l->infant                   ? young
				: bank_tier_of(l->aum) >= 3 ? dear
							    : common;

	return trades[part(t, 0, 10)];
}

static void payments(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	uint64_t all = bank_trait(b, person, TOPIC_PAYMENT);

	for (uint32_t n = l->card ? part(all, 0, 13) : 0; n; n--) {
		uint64_t t = cdp_mix64(all + n);
		unsigned trade = trade_of(l, t >> 8);
		uint32_t shops = bank_merchants(b) / TRADES;
		int64_t cents = bank_trades[trade].price * (20 + part(t, 16, 200));
		struct cdp_buf *out = begin(b, person, LED_CARD_PAY, 1 + part(t, 32, 90),
					    some_time(cdp_mix64(t)), "card");

		ADD(out, ",\"merchant\":\"S");
		bank_add_digits(out, part(t, 24, shops) * TRADES + trade, 7);
		ADD(out, "\",\"trade\":\"");
		cdp_buf_adds(out, bank_trades[trade].name);
		ADD(out, "\",\"amount\":");
		bank_add_money(out, cents);
		ADD(out, "}}\n");
	}
}

/* On the tenth of each month. */
static void salaries(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	for (uint32_t ago = BANK_LEDGER_DAYS; ago && l->payroll; ago--) {
		int64_t civil = b->conf.start + b->conf.days - ago;
		int32_t year;
		int8_t month, day;
		struct cdp_buf *out;

		cdp_civil_from_days(civil, &year, &month, &day);
		if (day != 10)
			continue;
		out = begin(b, person, LED_SALARY, ago, 36000000, "core");
		ADD(out, ",\"amount\":");
		bank_add_money(out, l->income);
		ADD(out, "}}\n");
	}
}

/* Who leaves has sent what is missing elsewhere, in parts, within the last 30 days. */
static void outflows(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	static const char *const to[3] = { "broker", "bank", "property" };
	uint64_t all = bank_trait(b, person, TOPIC_OUTFLOW);
	uint32_t parts = 2 + part(all, 0, 3);

	for (uint32_t n = l->leaving ? parts : 0; n; n--) {
		uint64_t t = cdp_mix64(all + n);
		struct cdp_buf *out = begin(b, person, LED_OUTFLOW, 1 + part(t, 0, 30),
					    some_time(t >> 16), "core");

		ADD(out, ",\"to\":\"");
		cdp_buf_adds(out, to[part(all, 16, 3)]);
		ADD(out, "\",\"amount\":");
		bank_add_money(out, (l->aum_3m - l->aum) / parts);
		ADD(out, "}}\n");
	}
}

static void message(struct cdp_bank *b, uint32_t person, enum ledger_type state,
		    uint64_t t, const char *channel, uint32_t delay)
{
	static const char *const about[4] = { "maturity", "new_wealth", "loan", "card" };
	struct cdp_buf *out =
		begin(b, person, state, 1 + part(t, 0, 60), 36000000 + delay, channel);

	ADD(out, ",\"strategy\":\"");
	cdp_buf_adds(out, about[part(t, 16, 4)]);
	ADD(out, "\"}}\n");
}

/* The responsive open three of five and click on half of that, others a tenth of it. */
static void messages(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	uint64_t all = bank_trait(b, person, TOPIC_MESSAGE);
	uint32_t sms = l->sms ? part(all, 0, 4) : 0,
		 push = l->push ? part(all, 16, 4) : 0;

	for (uint32_t n = sms + push; n; n--) {
		uint64_t t = cdp_mix64(all + n);
		const char *channel = n <= sms ? "sms" : "app_push";

		message(b, person, LED_DELIVERED, t, channel, 0);
		if (part(t, 32, 100) >= (l->responsive ? 60u : 6u))
			continue;
		message(b, person, LED_OPENED, t, channel, 600000);
		if (part(t, 48, 2))
			message(b, person, LED_CLICKED, t, channel, 660000);
	}
}

static void services(struct cdp_bank *b, uint32_t person)
{
	static const uint8_t rate[3] = { 8, 10, 2 }; /* per cent */

	for (unsigned i = 0; i < 3; i++) {
		uint64_t t = bank_trait(b, person, TOPIC_SERVICE + i);

		if (part(t, 0, 100) >= rate[i])
			continue;
		begin(b, person, LED_BRANCH + i, 1 + part(t, 16, 90), some_time(t >> 32),
		      i ? "call" : "branch");
		ADD(&b->rows[CDP_BANK_LEDGER], "}}\n");
	}
}

void bank_ledger_start(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	payments(b, person, l);
	salaries(b, person, l);
	outflows(b, person, l);
	messages(b, person, l);
	services(b, person);
}
