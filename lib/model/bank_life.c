/* What the life of a customer of the synthetic bank is like beyond its clients: income,
 * children, loans, who is about to leave.  All of it follows from the seed and the index,
 * and the assets at the start, so that nothing is stored and no random number is drawn.
 */
#include "model/bank_int.h"

enum topic {
	TOPIC_WORK = 1000,
	TOPIC_MONEY,
	TOPIC_CHILD,
	TOPIC_CREDIT,
	TOPIC_CONSENT,
	TOPIC_LEAVING,
};

enum { FAMILY = 30 }; /* the topic of the customer master, bank_core.c */

const char *const bank_educations[4] = { "高中", "大专", "本科", "硕士" };
const char *const bank_entries[4] = { "branch", "app", "manager", "partner" };
const char *const bank_loan_kinds[LOANS] = { "", "mortgage", "consumer", "business" };

static uint32_t part(uint64_t trait, unsigned shift, uint32_t n)
{
	return (uint32_t)((trait >> shift & 0xffff) * n >> 16);
}

/* Wealthier customers earn more; a third is paid through this bank. */
static void find_work(const struct cdp_bank *b, uint32_t person, struct bank_life *l)
{
	static const uint32_t monthly[TIERS] = {
		6000, 9000, 14000, 25000, 50000, 120000
	};
	uint64_t t = bank_trait(b, person, TOPIC_WORK);
	uint32_t yuan = monthly[bank_tier_of(l->aum)];

	l->payroll = part(t, 0, 100) < 35;
	l->income = (int64_t)(yuan / 100 * (70 + part(t, 16, 61))) * 100;
	l->education = (uint8_t)part(t, 32, 4);
	l->entry = person < b->conf.customers ? (uint8_t)part(t, 48, 4) : 1;
}

/* Six in a hundred of those with 50,000 yuan or more have moved most of it elsewhere. */
static void find_assets(const struct cdp_bank *b, uint32_t person, struct bank_life *l)
{
	uint64_t t = bank_trait(b, person, TOPIC_MONEY);

	l->leaving = l->aum >= 5000000 &&
		     part(bank_trait(b, person, TOPIC_LEAVING), 0, 100) < 6;
	if (l->leaving) {
		l->aum_3m = l->aum / 100 * (160 + part(t, 0, 60));
		l->aum_peak = l->aum / 100 * (250 + part(t, 16, 250));
	} else {
		l->aum_3m = l->aum / 100 * (92 + part(t, 0, 17));
		l->aum_peak = l->aum / 100 * (110 + part(t, 16, 15));
	}
}

/* Parents were 22 to 38 at the birth; whoever is not that old has a child under three. */
static void find_family(const struct cdp_bank *b, uint32_t person, struct bank_life *l)
{
	uint64_t t = bank_trait(b, person, FAMILY);
	int64_t end = b->conf.start + b->conf.days;

	l->married = t >> 20 & 1;
	l->parent = l->married && t >> 24 & 1;
	if (!l->parent)
		return;
	t = bank_trait(b, person, TOPIC_CHILD);
	l->child = bank_birth(b, person) + 22 * 365 + part(t, 0, 16 * 365);
	if (l->child > end - 60)
		l->child = end - 60 - part(t, 16, 1000);
	l->infant = end - l->child < BANK_INFANT_DAYS;
}

static void find_credit(const struct cdp_bank *b, uint32_t person, struct bank_life *l)
{
	uint64_t t = bank_trait(b, person, TOPIC_CREDIT);
	uint32_t x = part(t, 0, 100);

	l->card = part(t, 16, 100) < 40;
	l->loan = x < 12 ? 1 : x < 20 ? 2 : x < 23 ? 3 : 0;
	l->overdue = l->loan && part(t, 32, 100) < 8;
}

void bank_life_of(const struct cdp_bank *b, uint32_t person, struct bank_life *l)
{
	int64_t end = b->conf.start + b->conf.days;
	uint64_t t = bank_trait(b, person, TOPIC_CONSENT);

	*l = (struct bank_life){ .aum = bank_first_aum(b, person) };
	l->sms = part(t, 0, 100) < 85;
	l->push = part(t, 16, 100) < 70;
	l->responsive = part(t, 32, 3) == 0;
	/* An assessment of risk is good for a year. */
	l->assessed = person < b->conf.customers ? end - 40 - part(t, 48, 500)
						 : bank_open_day(b, person);
	find_work(b, person, l);
	find_assets(b, person, l);
	find_family(b, person, l);
	find_credit(b, person, l);
}

/* --- as part of the customer master --- */

void bank_life_profile(const struct cdp_bank *b, uint32_t person, struct cdp_buf *out)
{
	struct bank_life l;

	bank_life_of(b, person, &l);
	ADD(out, "\"education\":\"");
	cdp_buf_adds(out, bank_educations[l.education]);
	ADD(out, "\",\"entry\":\"");
	cdp_buf_adds(out, bank_entries[l.entry]);
	ADD(out, "\",\"payroll\":");
	cdp_buf_adds(out, l.payroll ? "true" : "false");
	ADD(out, ",\"income\":");
	bank_add_money(out, l.income);
	if (l.parent) {
		ADD(out, ",\"child_birth\":\"");
		bank_add_date(out, l.child);
		cdp_buf_addc(out, '"');
	}
	ADD(out, ",\"risk_date\":\"");
	bank_add_date(out, l.assessed);
	ADD(out, "\",\"consent_sms\":");
	cdp_buf_adds(out, l.sms ? "true" : "false");
	ADD(out, ",\"consent_push\":");
	cdp_buf_adds(out, l.push ? "true" : "false");
	ADD(out, ",\"aum_3m\":");
	bank_add_money(out, l.aum_3m);
	ADD(out, ",\"aum_peak\":");
	bank_add_money(out, l.aum_peak);
	cdp_buf_addc(out, ',');
}
