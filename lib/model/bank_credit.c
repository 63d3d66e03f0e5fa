/* Credit cards and loans, relations and the things that are no customers of the synthetic
 * bank: merchants, enterprises, managers. */
#include "model/bank_int.h"

enum topic { TOPIC_CARD = 1010, TOPIC_LOAN, TOPIC_FIRM, TOPIC_SHOP };

const struct bank_trade bank_trades[TRADES] = {
	{ "dining", "餐饮", 120 }, { "grocery", "商超", 180 },
	{ "baby", "母婴", 260 },   { "travel", "旅行", 1500 },
	{ "fuel", "加油", 300 },   { "luxury", "奢侈品", 6000 },
	{ "school", "教育", 800 }, { "medical", "医疗", 400 },
};

static uint32_t part(uint64_t trait, unsigned shift, uint32_t n)
{
	return (uint32_t)((trait >> shift & 0xffff) * n >> 16);
}

static void text(struct cdp_buf *out, const char *key, const char *value)
{
	ADD(out, ",\"");
	cdp_buf_adds(out, key);
	ADD(out, "\":\"");
	cdp_buf_adds(out, value);
	cdp_buf_addc(out, '"');
}

static void date(struct cdp_buf *out, const char *key, int64_t day)
{
	ADD(out, ",\"");
	cdp_buf_adds(out, key);
	ADD(out, "\":\"");
	bank_add_date(out, day);
	cdp_buf_addc(out, '"');
}

/* --- detail rows --- */

/* Up to the row's own members; the caller ends the object. */
static struct cdp_buf *row(struct cdp_bank *b, uint32_t person, const char *table)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_CREDIT];

	b->row_lines[CDP_BANK_CREDIT]++;
	bank_row_head(b, out, person, bank_ms(b, 0, 0), "detail");
	ADD(out, "},\"detail\":\"");
	cdp_buf_adds(out, table);
	ADD(out, "\",\"row\":\"");
	cdp_buf_addc(out, table[0] == 'c' ? 'K' : 'L');
	bank_add_digits(out, person, 10);
	ADD(out, "\",\"props\":{");
	return out;
}

static void card_row(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	uint64_t t = bank_trait(b, person, TOPIC_CARD);
	int64_t limit = l->income / 100000 * (100000 + part(t, 0, 200000));
	struct cdp_buf *out = row(b, person, "card");

	limit = limit < 500000 ? 500000 : limit;
	ADD(out, "\"limit\":");
	bank_add_money(out, limit / 100000 * 100000);
	ADD(out, ",\"balance\":");
	bank_add_money(out, limit / 100 * part(t, 16, 100));
	date(out, "due", b->conf.start + b->conf.days + part(t, 32, 30));
	ADD(out, ",\"points\":");
	cdp_buf_addu(out, part(t, 48, 50000));
	ADD(out, "}}\n");
}

static void loan_row(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	static const uint32_t most[LOANS] = { 0, 3000000, 200000, 1000000 }; /* yuan */
	uint64_t t = bank_trait(b, person, TOPIC_LOAN);
	int64_t yuan = most[l->loan] / 100 * (5 + part(t, 0, 95));
	int64_t end = b->conf.start + b->conf.days;
	struct cdp_buf *out = row(b, person, "loan");

	ADD(out, "\"kind\":\"");
	cdp_buf_adds(out, bank_loan_kinds[l->loan]);
	ADD(out, "\",\"balance\":");
	bank_add_money(out, yuan * 100);
	ADD(out, ",\"monthly\":");
	bank_add_money(out, yuan * 100 / (l->loan == 1 ? 240 : 24));
	date(out, "due", end + part(t, 16, 30));
	date(out, "end", end + 30 + part(t, 32, l->loan == 1 ? 9000 : 900));
	ADD(out, ",\"overdue_days\":");
	cdp_buf_addu(out, l->overdue ? 1 + part(t, 48, 120) : 0);
	ADD(out, "}}\n");
}

/* --- relations --- */

static struct cdp_buf *relation(struct cdp_bank *b, uint32_t person, enum relation what)
{
	static const char *const names[RELATIONS] = { "spouse_of", "legal_person_of",
						      "guarantees" };
	struct cdp_buf *out = &b->rows[CDP_BANK_RELATIONS];

	b->relations[what]++;
	b->row_lines[CDP_BANK_RELATIONS]++;
	bank_row_head(b, out, person, bank_ms(b, 0, 0), "relation");
	ADD(out, "},\"relation\":\"");
	cdp_buf_adds(out, names[what]);
	ADD(out, "\",\"to\":{\"");
	return out;
}

static void to_customer(struct cdp_bank *b, struct cdp_buf *out, uint32_t person)
{
	char id[ID_MAX];

	ADD(out, "customer\":\"");
	cdp_buf_add(out, id, bank_customer_id(id, b->persons[person].customer));
	ADD(out, "\"}}\n");
}

static void firm(struct cdp_bank *b, uint32_t person)
{
	static const char *const industries[4] = { "批发零售", "制造", "餐饮",
						   "信息技术" };
	static const char *const grades[4] = { "A", "B", "C", "D" };
	struct cdp_buf *out = relation(b, person, REL_LEGAL_PERSON);
	uint64_t t = bank_trait(b, person, TOPIC_FIRM);

	ADD(out, "enterprise\":\"E");
	bank_add_digits(out, person, 8);
	ADD(out, "\"},\"props\":{\"since\":\"");
	cdp_buf_addu(out, 2008 + part(t, 16, 15));
	ADD(out, "\"}}\n");
	out = &b->rows[CDP_BANK_ENTITIES];
	b->row_lines[CDP_BANK_ENTITIES]++;
	ADD(out, "{\"time\":");
	bank_add_time(out, bank_ms(b, 0, 0));
	ADD(out, ",\"type\":\"entity\",\"entity\":\"enterprise\",\"id\":\"E");
	bank_add_digits(out, person, 8);
	ADD(out, "\",\"props\":{\"name\":\"第");
	cdp_buf_addu(out, person);
	ADD(out, "号商行\"");
	text(out, "industry", industries[part(t, 32, 4)]);
	text(out, "grade", grades[part(t, 40, 4)]);
	ADD(out, ",\"employees\":");
	cdp_buf_addu(out, 1 + part(t, 24, 80));
	ADD(out, ",\"capital\":");
	bank_add_money(out, 10000000 * (1 + (int64_t)part(t, 8, 100)));
	ADD(out, ",\"balance\":");
	bank_add_money(out, 10000 * (int64_t)part(t, 12, 65536));
	ADD(out, "}}\n");
}

/* Neighbours of unlike sex who are both married are so to each other. */
static bool has_spouse(const struct cdp_bank *b, uint32_t person,
		       const struct bank_life *l, uint32_t *spouse)
{
	struct bank_life other;

	*spouse = person ^ 1;
	if (!l->married || *spouse >= b->conf.customers ||
	    bank_is_female(b, person) == bank_is_female(b, *spouse))
		return false;
	bank_life_of(b, *spouse, &other);
	return other.married;
}

static void relations(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	uint32_t other;

	if (has_spouse(b, person, l, &other))
		to_customer(b, relation(b, person, REL_SPOUSE), other);
	if (part(bank_trait(b, person, TOPIC_FIRM), 0, 100) < 6)
		firm(b, person);
	/* A loan to a business is guaranteed by the neighbour. */
	other = person + 1 < b->conf.customers ? person + 1 : 0;
	if (l->loan == 3 && other != person)
		to_customer(b, relation(b, other, REL_GUARANTEES), person);
}

/* --- merchants and managers --- */

uint32_t bank_merchants(const struct cdp_bank *b)
{
	uint32_t n = b->conf.customers / 10;

	return n < 80 ? 80 : n > 100000 ? 100000 : n;
}

static struct cdp_buf *entity(struct cdp_bank *b, const char *name)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_ENTITIES];

	b->row_lines[CDP_BANK_ENTITIES]++;
	ADD(out, "{\"time\":");
	bank_add_time(out, bank_ms(b, 0, 0));
	ADD(out, ",\"type\":\"entity\",\"entity\":\"");
	cdp_buf_adds(out, name);
	ADD(out, "\",\"id\":\"");
	return out;
}

static void merchants_and_managers(struct cdp_bank *b)
{
	static const char *const ranks[3] = { "初级", "中级", "高级" };
	struct cdp_buf *out;

	for (uint32_t i = 0; i < bank_merchants(b); i++) {
		uint64_t t = bank_trait(b, i, TOPIC_SHOP);

		out = entity(b, "merchant");
		cdp_buf_addc(out, 'S');
		bank_add_digits(out, i, 7);
		ADD(out, "\",\"props\":{\"name\":\"");
		cdp_buf_adds(out, bank_trades[i % TRADES].title);
		cdp_buf_addu(out, i);
		ADD(out, "号店\"");
		text(out, "trade", bank_trades[i % TRADES].name);
		text(out, "city", bank_branches[part(t, 0, BRANCHES)].city);
		ADD(out, "}}\n");
	}
	for (uint32_t i = 1; i <= MANAGERS; i++) {
		out = entity(b, "manager");
		cdp_buf_addc(out, 'M');
		bank_add_digits(out, i, 4);
		ADD(out, "\",\"props\":{\"rank\":\"");
		cdp_buf_adds(out, ranks[i % 3]);
		ADD(out, "\"}}\n");
	}
}

void bank_credit_start(struct cdp_bank *b, uint32_t person, const struct bank_life *l)
{
	if (person == 0)
		merchants_and_managers(b);
	if (l->card)
		card_row(b, person, l);
	if (l->loan)
		loan_row(b, person, l);
	relations(b, person, l);
}
