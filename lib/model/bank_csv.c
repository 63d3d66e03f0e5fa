/* The tables that a core system exports, with the faults that such exports have. */
#include "model/bank_int.h"

#include "base/time.h"

static void add_text(const struct cdp_bank *b, struct cdp_buf *out, const char *s)
{
	cdp_gb18030_add(b->gb, out, s, strlen(s));
}

/* --- customers --- */

static const char customer_header[] =
	"客户号,姓名,手机号,证件号,性别,出生日期,开户日期,分行号,分行,客户等级,AUM,"
	"风险等级,客户经理,婚姻状况,职业,备注\n";

/* Free text, as clerks leave it: commas, quotes and line ends inside. */
static const char *remark(uint64_t t)
{
	static const char *const remarks[8] = {
		"\"重点客户,优先接待\"",
		"\"客户自称\"\"老陈\"\"\"",
		"\"地址:北京\n朝阳区\"",
		"已签约|手机银行",
		"",
		"",
		"偏好电话联系",
		"",
	};

	return t % 16 < 8 ? remarks[t % 8] : "";
}

static void customer_fields(struct cdp_bank *b, struct cdp_buf *out, uint32_t person,
			    int fault, bool junk)
{
	const struct bank_branch *branch = &bank_branches[bank_branch_of(b, person)];
	const struct person *p = &b->persons[person];
	uint64_t t = bank_trait(b, person, 30);
	char id[ID_MAX];

	cdp_buf_add(out, id, bank_customer_id(id, p->customer));
	cdp_buf_addc(out, ',');
	bank_add_name(b, person, out);
	cdp_buf_addc(out, ',');
	if (fault == CSV_COLUMNS)
		return;
	if (junk)
		ADD(out, "13800138000");
	else
		cdp_buf_add(out, id, bank_phone_id(b, id, person));
	cdp_buf_addc(out, ',');
	if (fault == CSV_NUMBER) /* what a spreadsheet makes of 18 digits */
		ADD(out, "1.10105E+17");
	else
		cdp_buf_add(out, id, bank_idcard_id(b, id, person));
	cdp_buf_adds(out, bank_is_female(b, person) ? ",女," : ",男,");
	if (fault == CSV_DATE)
		ADD(out, "1990-02-30");
	else
		bank_add_date(out, bank_birth(b, person));
	cdp_buf_addc(out, ',');
	bank_add_date(out, bank_open_day(b, person));
	cdp_buf_addc(out, ',');
	cdp_buf_adds(out, branch->code);
	cdp_buf_addc(out, ',');
	cdp_buf_adds(out, branch->name);
	cdp_buf_addc(out, ',');
	cdp_buf_adds(out, bank_tiers[bank_tier_of(p->aum)].level);
	cdp_buf_addc(out, ',');
	bank_add_money(out, p->aum);
	ADD(out, ",C");
	cdp_buf_addu(out, 1 + (t >> 32) % 5);
	ADD(out, ",M");
	bank_add_digits(out, t % MANAGERS + 1, 4);
	cdp_buf_adds(out, t >> 20 & 1 ? ",已婚," : ",未婚,");
	cdp_buf_adds(out, bank_jobs[t >> 16 & 7]);
	cdp_buf_addc(out, ',');
	cdp_buf_adds(out, remark(t >> 40));
}

static void customer_row(struct cdp_bank *b, struct cdp_buf *out, uint32_t person,
			 int fault, bool junk)
{
	b->csv[0].rows++;
	cdp_buf_reset(&b->tmp);
	customer_fields(b, &b->tmp, person, fault, junk);
	cdp_gb18030_add(b->gb, out, b->tmp.p, b->tmp.n);
	if (fault == CSV_BYTES) /* no character begins with it */
		cdp_buf_addc(out, '\xff');
	cdp_buf_addc(out, '\n');
}

/* The row; before it, now and then, a faulty one of the same customer, and after it the
 * same once more. */
static void rows(struct cdp_bank *b, struct csv_truth *truth, uint32_t person,
		 struct cdp_buf *out,
		 void (*put)(struct cdp_bank *, struct cdp_buf *, uint32_t, int, bool))
{
	bool junk = cdp_rand_ppm(&b->dirt, b->conf.junk);

	if (cdp_rand_ppm(&b->dirt, b->conf.malformed)) {
		uint32_t fault =
			cdp_rand_below(&b->dirt, truth == b->csv ? CSV_FAULTS : 2);

		truth->malformed[fault]++;
		put(b, out, person, (int)fault, junk);
	}
	truth->junk += junk;
	put(b, out, person, -1, junk);
	if (cdp_rand_ppm(&b->dirt, b->conf.duplicate)) {
		truth->duplicate++;
		put(b, out, person, -1, junk);
	}
}

void cdp_bank_customer_csv(struct cdp_bank *b, uint32_t row, struct cdp_buf *out)
{
	if (row == 0) {
		cdp_rand_seed(&b->dirt, b->conf.seed, 1u << 31);
		add_text(b, out, customer_header);
		return;
	}
	rows(b, &b->csv[0], b->customers[row - 1], out, customer_row);
}

/* --- accounts --- */

static const char account_header[] = "\xef\xbb\xbf账号,客户号,账户类型,币种,余额,"
				     "开户机构号,开户机构,开户日期,状态\r\n";

static void account_row(struct cdp_bank *b, struct cdp_buf *out, uint32_t person,
			int fault, bool junk)
{
	const struct bank_branch *branch = &bank_branches[bank_branch_of(b, person)];
	const struct person *p = &b->persons[person];
	char id[ID_MAX];

	b->csv[1].rows++;
	/* 19 digits, more than a double holds */
	ADD(out, "6217");
	cdp_buf_adds(out, branch->code);
	bank_add_digits(out, p->customer, 11);
	cdp_buf_addc(out, ',');
	cdp_buf_add(out, id, bank_customer_id(id, junk ? 0 : p->customer));
	ADD(out, ",个人活期,CNY");
	if (fault != CSV_COLUMNS) {
		cdp_buf_addc(out, ',');
		bank_add_money(out, p->aum / 100 * 37);
		cdp_buf_addc(out, ',');
		cdp_buf_adds(out, branch->code);
		cdp_buf_addc(out, ',');
		cdp_buf_adds(out, branch->name);
		if (fault == CSV_BYTES)
			cdp_buf_addc(out, '\xff');
		cdp_buf_addc(out, ',');
		bank_add_date(out, bank_open_day(b, person));
		ADD(out, ",正常");
	}
	ADD(out, "\r\n");
}

void cdp_bank_account_csv(struct cdp_bank *b, uint32_t row, struct cdp_buf *out)
{
	if (row == 0) {
		cdp_rand_seed(&b->dirt, b->conf.seed, 1u << 30);
		cdp_buf_adds(out, account_header);
		return;
	}
	rows(b, &b->csv[1], b->customers[row - 1], out, account_row);
}
