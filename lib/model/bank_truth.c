/* The truth about the synthetic bank, as one JSON object; cdp-gen(1) describes it. */
#include "model/bank_int.h"

#include "record/json.h"

static void num(struct cdp_buf *out, const char *key, uint64_t v)
{
	cdp_json_key(out, key);
	cdp_buf_addu(out, v);
}

static void open_object(struct cdp_buf *out, const char *key)
{
	cdp_json_key(out, key);
	cdp_buf_addc(out, '{');
}

static void date(struct cdp_buf *out, const char *key, int64_t civil_day)
{
	cdp_json_key(out, key);
	cdp_buf_addc(out, '"');
	bank_add_date(out, civil_day);
	cdp_buf_addc(out, '"');
}

static void run(const struct cdp_bank *b, struct cdp_buf *out)
{
	num(out, "seed", b->conf.seed);
	date(out, "start", b->conf.start);
	num(out, "days", b->conf.days);
	cdp_json_key(out, "as_of");
	bank_add_time(out, bank_ms(b, (int32_t)b->conf.days, 0));
	cdp_json_key(out, "time_zone");
	cdp_json_cstr(out, "Asia/Shanghai");
}

/* --- who --- */

static void persons(const struct cdp_bank *b, struct cdp_buf *out)
{
	uint64_t anonymous = 0, active = 0;

	for (uint32_t i = 0; i < b->npersons; i++) {
		anonymous += b->persons[i].met && !b->persons[i].customer;
		active += b->persons[i].met;
	}
	open_object(out, "persons");
	num(out, "total", cdp_bank_customers(b) + anonymous);
	num(out, "customers", cdp_bank_customers(b));
	num(out, "opened", b->opened);
	num(out, "anonymous", anonymous);
	num(out, "with_a_client", active);
	cdp_buf_addc(out, '}');
}

static void ids(const struct cdp_bank *b, struct cdp_buf *out)
{
	static const char *const names[] = { "customer",      "phone",       "idcard",
					     "device",        "cookie",      "openid",
					     "shared_device", "shared_phone" };

	open_object(out, "ids");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		num(out, names[i], b->ids[i]);
	num(out, "rows", b->row_lines[CDP_BANK_IDENTITY]);
	cdp_buf_addc(out, '}');
}

/* --- what --- */

static const char *const file_names[CDP_BANK_FILES] = { "sensors", "segment", "access",
							"core" };

static void events(const struct cdp_bank *b, struct cdp_buf *out)
{
	open_object(out, "events");
	num(out, "total", b->total);
	open_object(out, "by_name");
	for (unsigned i = 0; i < EV_TYPES; i++)
		num(out, bank_event_names[i], b->by_type[i]);
	cdp_buf_addc(out, '}');
	open_object(out, "by_file");
	for (unsigned i = 0; i < CDP_BANK_FILES; i++)
		num(out, file_names[i], b->files[i].events);
	ADD(out, "}}");
}

static void steps(struct cdp_buf *out, const char *key, const uint64_t *users, unsigned n)
{
	cdp_json_key(out, key);
	cdp_buf_addc(out, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			cdp_buf_addc(out, ',');
		cdp_buf_addu(out, users[i]);
	}
	cdp_buf_addc(out, ']');
}

static void per_mille(struct cdp_buf *out, unsigned v)
{
	ADD(out, "0.");
	bank_add_digits(out, v, 3);
}

static void planted(struct cdp_buf *out, const struct bank_funnel_def *f)
{
	open_object(out, "planted");
	for (unsigned c = 0; c < CL_NUM; c++) {
		cdp_json_key(out, bank_client_names[c]);
		cdp_buf_addc(out, '[');
		for (unsigned s = 0; s + 1 < f->steps; s++) {
			if (s)
				cdp_buf_addc(out, ',');
			per_mille(out, f->rate[s][c]);
		}
		cdp_buf_addc(out, ']');
	}
	cdp_buf_addc(out, '}');
}

static void groups(const struct bank_funnel_def *f, const char *key,
		   const char *const *names, unsigned n, uint64_t (*users)[STEPS_MAX],
		   struct cdp_buf *out)
{
	open_object(out, key);
	for (unsigned i = 0; i < n; i++)
		steps(out, names[i], users[i], f->steps);
	cdp_buf_addc(out, '}');
}

static void funnel(const struct bank_funnel_def *f,
		   uint64_t users[FUNNEL_GROUPS][STEPS_MAX], struct cdp_buf *out)
{
	ADD(out, "{\"name\":");
	cdp_json_cstr(out, f->name);
	ADD(out, ",\"window\":\"7d\",\"steps\":[");
	for (unsigned s = 0; s < f->steps; s++) {
		if (s)
			cdp_buf_addc(out, ',');
		cdp_json_cstr(out, bank_event_names[f->step[s]]);
	}
	cdp_buf_addc(out, ']');
	steps(out, "users", users[0], f->steps);
	groups(f, "by_os", bank_os_names, OS_NUM, users + 1, out);
	groups(f, "by_channel", bank_channel_names, CH_NUM, users + 1 + OS_NUM, out);
	groups(f, "by_first_os", bank_os_names, OS_NUM, users + FUNNEL_REACHES, out);
	groups(f, "by_first_channel", bank_channel_names, CH_NUM,
	       users + FUNNEL_REACHES + OS_NUM, out);
	planted(out, f);
	cdp_buf_addc(out, '}');
}

static void funnels(const struct cdp_bank *b, struct cdp_buf *out)
{
	uint64_t users[FUNNELS][FUNNEL_GROUPS][STEPS_MAX];

	bank_funnel_users(b, users);
	cdp_json_key(out, "funnels");
	cdp_buf_addc(out, '[');
	for (unsigned f = 0; f < FUNNELS; f++) {
		if (f)
			cdp_buf_addc(out, ',');
		funnel(&bank_funnels[f], users[f], out);
	}
	cdp_buf_addc(out, ']');
}

/* Six decimals, rounded down; 0 of nothing. */
static void rate(struct cdp_buf *out, const char *key, uint64_t part, uint64_t all)
{
	uint64_t v = all ? part * 1000000 / all : 0;

	cdp_json_key(out, key);
	cdp_buf_addu(out, v / 1000000);
	cdp_buf_addc(out, '.');
	bank_add_digits(out, v % 1000000, 6);
}

static void campaign(const struct cdp_bank *b, struct cdp_buf *out)
{
	static const uint32_t response[ARM_NUM] = { 0, BANK_RESPONSE_CONTROL,
						    BANK_RESPONSE_TREATED };
	char code[16];

	open_object(out, "campaign");
	cdp_json_key(out, "id");
	cdp_json_cstr(out, BANK_CAMPAIGN);
	cdp_json_key(out, "product");
	cdp_json_str(out, code, bank_product_code(b, code, CAMPAIGN_PRODUCT));
	date(out, "start", b->conf.start + b->campaign_day);
	num(out, "days", CAMPAIGN_DAYS);
	cdp_json_key(out, "arms");
	cdp_buf_addc(out, '[');
	for (unsigned a = ARM_CONTROL; a < ARM_NUM; a++) {
		if (a > ARM_CONTROL)
			cdp_buf_addc(out, ',');
		ADD(out, "{\"arm\":");
		cdp_json_cstr(out, bank_arm_names[a]);
		num(out, "assigned", b->assigned[a]);
		num(out, "exposed", b->exposed[a]);
		num(out, "converted", b->converted[a]);
		rate(out, "rate", b->converted[a], b->assigned[a]);
		rate(out, "planted", response[a], 1000000);
		cdp_buf_addc(out, '}');
	}
	ADD(out, "]}");
}

/* --- what they have --- */

static void holdings(const struct cdp_bank *b, struct cdp_buf *out)
{
	uint64_t live = 0, on[8] = { 0 }, within = 0;

	for (size_t i = 0; i < b->nholdings; i++) {
		const struct holding *h = &b->holdings[i];
		int32_t left = h->maturity - (int32_t)b->conf.days;

		if (h->state == HOLD_GONE)
			continue;
		live++;
		if (h->state == HOLD_LIVE && left <= 7) {
			on[left]++;
			within++;
		}
	}
	open_object(out, "holdings");
	num(out, "rows", b->row_lines[CDP_BANK_HOLDINGS]);
	num(out, "created", b->nholdings);
	num(out, "present", live);
	open_object(out, "maturing");
	num(out, "in_7_days", on[7]);
	num(out, "in_3_days", on[3]);
	num(out, "today", on[0]);
	num(out, "within_7_days", within);
	ADD(out, "}}");
}

static void tiers(const struct cdp_bank *b, struct cdp_buf *out)
{
	uint64_t count[TIERS] = { 0 };

	for (uint32_t i = 0; i < b->npersons; i++)
		if (b->persons[i].customer)
			count[bank_tier_of(b->persons[i].aum)]++;
	cdp_json_key(out, "aum_tiers");
	cdp_buf_addc(out, '[');
	for (unsigned t = 0; t < TIERS; t++) {
		if (t)
			cdp_buf_addc(out, ',');
		ADD(out, "{\"tier\":");
		cdp_json_cstr(out, bank_tiers[t].name);
		num(out, "from", (uint64_t)bank_tiers[t].from / 100);
		num(out, "customers", count[t]);
		cdp_buf_addc(out, '}');
	}
	cdp_buf_addc(out, ']');
}

/* --- how they live --- */

static void life(const struct cdp_bank *b, struct cdp_buf *out)
{
	enum { PAYROLL, LEAVING, PARENTS, INFANTS, MOTHERS, CARDS, EXPIRED, OVERDUE, N };
	static const char *const names[N] = { "payroll",        "leaving", "parents",
					      "with_an_infant", "mothers", "cards",
					      "expired",        "overdue" };
	int64_t end = b->conf.start + b->conf.days;
	uint64_t n[N] = { 0 }, loans[LOANS] = { 0 };

	for (uint32_t i = 0; i < b->npersons; i++) {
		bool first = i < b->conf.customers;
		struct bank_life l;

		if (!b->persons[i].customer)
			continue;
		bank_life_of(b, i, &l);
		n[PAYROLL] += l.payroll;
		n[LEAVING] += l.leaving;
		n[PARENTS] += l.parent;
		n[INFANTS] += l.infant;
		n[MOTHERS] += l.infant && bank_is_female(b, i);
		n[CARDS] += first && l.card;
		n[EXPIRED] += end - l.assessed > 365;
		n[OVERDUE] += first && l.overdue;
		loans[l.loan] += first;
	}
	open_object(out, "life");
	for (unsigned i = 0; i < N; i++)
		num(out, names[i], n[i]);
	open_object(out, "loans");
	for (unsigned i = 1; i < LOANS; i++)
		num(out, bank_loan_kinds[i], loans[i]);
	ADD(out, "}}");
	open_object(out, "relations");
	num(out, "spouse_of", b->relations[REL_SPOUSE]);
	num(out, "legal_person_of", b->relations[REL_LEGAL_PERSON]);
	num(out, "guarantees", b->relations[REL_GUARANTEES]);
	cdp_buf_addc(out, '}');
	open_object(out, "ledger");
	for (unsigned i = 0; i < LEDGER_TYPES; i++)
		num(out, bank_ledger_names[i], b->ledger[i]);
	cdp_buf_addc(out, '}');
}

/* --- files --- */

static void feed(const struct file_truth *f, const char *name, struct cdp_buf *out)
{
	uint64_t bad = 0;

	for (unsigned i = CDP_BANK_CUT; i < CDP_BANK_FAULTS; i++)
		bad += f->malformed[i];
	open_object(out, name);
	num(out, "lines", f->lines);
	num(out, "events", f->events);
	num(out, "late", f->late);
	num(out, "duplicate", f->duplicate);
	num(out, "junk", f->junk);
	num(out, "malformed", bad);
	open_object(out, "malformed_by");
	for (unsigned i = CDP_BANK_CUT; i < CDP_BANK_FAULTS; i++)
		num(out, bank_fault_names[i], f->malformed[i]);
	ADD(out, "}}");
}

static void table(const struct csv_truth *c, const char *name, struct cdp_buf *out)
{
	static const char *const names[CSV_FAULTS] = { "columns", "bytes", "date",
						       "number" };
	uint64_t bad = 0;

	for (unsigned i = 0; i < CSV_FAULTS; i++)
		bad += c->malformed[i];
	open_object(out, name);
	num(out, "rows", c->rows);
	num(out, "duplicate", c->duplicate);
	num(out, "junk", c->junk);
	num(out, "malformed", bad);
	open_object(out, "malformed_by");
	for (unsigned i = 0; i < CSV_FAULTS; i++)
		num(out, names[i], c->malformed[i]);
	ADD(out, "}}");
}

void cdp_bank_truth(struct cdp_bank *b, struct cdp_buf *out)
{
	static void (*const parts[])(const struct cdp_bank *, struct cdp_buf *) = {
		run, persons, ids, events, funnels, campaign, holdings, tiers, life,
	};

	cdp_buf_addc(out, '{');
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		parts[i](b, out);
	open_object(out, "files");
	for (unsigned i = 0; i < CDP_BANK_FILES; i++)
		feed(&b->files[i], file_names[i], out);
	table(&b->csv[0], "customers", out);
	table(&b->csv[1], "accounts", out);
	num(out, "profiles", b->row_lines[CDP_BANK_PROFILES]);
	ADD(out, "}}\n");
}
