/* mkevents RECORDS [USERS [DAYS [SEED]]]: behaviour events of a mobile bank on standard
 * output, as tracking delivers them: event_id first, local time, Chinese titles, about
 * 426 bytes a line.  A user's share falls as rank^-0.75, an event's as rank^-0.85; 12 %
 * carry no customer, 3 % come late by up to two days, 4 % have their members in another
 * order, 3 % escapes, 20 % an array.  The same arguments give the same bytes. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))
enum { DAY_MS = 86400000, FLUSH_AT = 1 << 18 };
#define START_MS 1711900800000 /* 2024-04-01T00:00+08:00 */
#define ZONE_MS (8 * 3600000)

struct kind {
	const char *name;
	bool amount;
};

/* Most frequent first. */
static const struct kind kinds[] = {
	{ "page_view", false },      { "app_open", false },
	{ "login", false },          { "view_product", false },
	{ "click_banner", false },   { "search", false },
	{ "balance_query", false },  { "click_product", false },
	{ "transfer", true },        { "view_detail", false },
	{ "pay_start", true },       { "pay_success", true },
	{ "bill_query", false },     { "submit_order", true },
	{ "view_message", false },   { "share", false },
	{ "fav_add", false },        { "scan_qr", false },
	{ "card_query", false },     { "coupon_view", false },
	{ "coupon_claim", false },   { "loan_view", false },
	{ "loan_apply", true },      { "fund_view", false },
	{ "fund_buy", true },        { "fund_redeem", true },
	{ "deposit_view", false },   { "deposit_open", true },
	{ "insurance_view", false }, { "insurance_buy", true },
	{ "gold_view", false },      { "gold_buy", true },
	{ "fx_view", false },        { "fx_buy", true },
	{ "credit_apply", false },   { "credit_repay", true },
	{ "utility_pay", true },     { "topup", true },
	{ "points_view", false },    { "points_redeem", false },
	{ "face_verify", false },    { "otp_sent", false },
	{ "otp_verify", false },     { "pwd_reset", false },
	{ "bind_card", false },      { "unbind_card", false },
	{ "limit_change", false },   { "risk_quiz", false },
	{ "risk_result", false },    { "branch_search", false },
	{ "appointment", false },    { "chat_open", false },
	{ "chat_msg", false },       { "feedback", false },
	{ "push_click", false },     { "push_show", false },
	{ "app_close", false },      { "app_crash", false },
	{ "logout", false },         { "register", false },
};
static const char *const pages[] = {
	"/home",           "/wealth/list", "/wealth/detail",  "/transfer/confirm",
	"/account/detail", "/card/list",   "/loan/index",     "/fund/rank",
	"/life/pay",       "/me/settings", "/message/center", "/deposit/rate"
};
static const char *const cities[] = { "上海市", "北京市", "广州市", "深圳市",
				      "杭州市", "成都市", "苏州市", "武汉市",
				      "南京市", "重庆市", "西安市", "乌鲁木齐市" };
static const char *const titles[] = {
	"稳健理财·月月享30天持有期",
	"大额存单三年期(新客专享)",
	"安心货币基金A类",
	"随心贷消费贷款-限时利率优惠",
	"出国金融/外币兑换",
	"积存金定投计划",
	"信用卡账单分期",
	"养老目标日期2045混合",
	"手机号转账",
	"缴费中心—水电燃气",
	"个人养老金账户开立",
	"Premium Wealth Select 尊享版",
};
static const char *const models[] = { "HUAWEI Mate 60 Pro", "Xiaomi 14",    "iPhone15,3",
				      "iPhone14,7",         "OPPO Find X7", "vivo X100",
				      "HONOR Magic6",       "Redmi K70" };
static const char *const nets[] = { "5G", "WIFI", "4G" };
static const char *const channels[] = { "app", "app", "app", "app", "mini", "h5", "web" };

struct gen {
	struct cdp_rand rand;
	struct cdp_buf out;
	struct cdp_alias *users, *events;
	uint64_t records;
	uint32_t user_count, days;
};

struct person {
	uint32_t number;
	uint64_t hash, device;
};

static uint32_t below(struct gen *g, uint32_t n)
{
	return cdp_rand_below(&g->rand, n);
}

static bool percent(struct gen *g, uint32_t n)
{
	return below(g, 100) < n;
}

static const char *any(struct gen *g, const char *const *list, uint32_t n)
{
	return list[below(g, n)];
}

static struct cdp_alias *by_rank(uint32_t n, double exponent)
{
	uint32_t *weights = cdp_calloc(n, sizeof(*weights));
	struct cdp_alias *a;

	for (uint32_t i = 0; i < n; i++)
		weights[i] = (uint32_t)(4e9 * pow(i + 1, -exponent));
	a = cdp_alias_new(weights, n);
	free(weights);
	return a;
}

static void put_hex(struct cdp_buf *b, uint64_t v)
{
	cdp_buf_reserve(b, 16);
	for (int shift = 60; shift >= 0; shift -= 4)
		b->p[b->n++] = "0123456789abcdef"[v >> shift & 15];
}

static void put_digits(struct cdp_buf *b, uint64_t v, unsigned width)
{
	cdp_buf_reserve(b, width);
	for (unsigned i = width; i-- > 0; v /= 10)
		b->p[b->n + i] = (char)('0' + v % 10);
	b->n += width;
}

/* Evenly over the days, within a day mostly by daylight. */
static int64_t when(struct gen *g, uint64_t i)
{
	double at = (double)g->days * (double)i / (double)g->records, day = floor(at);
	double part = at - day - 0.08 * sin(2 * M_PI * (at - day));
	int64_t ms = START_MS + (int64_t)((day + (part > 0 ? part : 0)) * DAY_MS);

	ms -= below(g, 20000);
	if (percent(g, 3))
		ms -= below(g, 1 + below(g, 2 * DAY_MS));
	return ms < START_MS ? START_MS + below(g, 1000) : ms;
}

static void put_time(struct cdp_buf *b, int64_t ms)
{
	char text[CDP_TIME_CANON];

	cdp_time_format(text, cdp_time_from_ms(ms + ZONE_MS));
	cdp_buf_add(b, text, sizeof(text) - 1);
	cdp_buf_adds(b, "+08:00");
}

static void put_ids(struct gen *g, const struct person *p)
{
	struct cdp_buf *b = &g->out;

	cdp_buf_adds(b, "\"ids\":{");
	if (!percent(g, 12)) {
		cdp_buf_adds(b, "\"customer\":\"C");
		put_digits(b, p->number, 9);
		if (p->hash >> 8 & 1) {
			cdp_buf_adds(b, "\",\"phone\":\"1");
			put_digits(b, 30 + (p->hash >> 16) % 69, 2);
			put_digits(b, p->number, 8);
		}
		cdp_buf_adds(b, "\",");
	}
	cdp_buf_adds(b, "\"device\":\"");
	put_hex(b, p->device);
	put_hex(b, cdp_mix64(p->device));
	cdp_buf_adds(b, "\"},");
}

static void put_amount(struct gen *g)
{
	struct cdp_buf *b = &g->out;
	uint64_t cents = (uint64_t)exp(9.6 + below(g, 1000000) * 7.5e-6);

	cdp_buf_adds(b, "\"amount\":");
	cdp_buf_addu(b, cents / 100);
	if (cents % 100) {
		cdp_buf_addc(b, '.');
		put_digits(b, cents % 100, 2);
	}
	cdp_buf_addc(b, ',');
	if (percent(g, 50))
		cdp_buf_adds(b, "\"currency\":\"CNY\",");
}

static void put_props(struct gen *g, const struct person *p, const struct kind *kind)
{
	struct cdp_buf *b = &g->out;

	cdp_buf_adds(b, "\"props\":{\"product_id\":\"P");
	put_digits(b, cdp_mix64(below(g, 3000)) % 1000000, 6);
	cdp_buf_adds(b, "\",");
	if (kind->amount)
		put_amount(g);
	cdp_buf_addf(b, "\"page\":\"%s\",\"title\":\"%s", any(g, pages, COUNT(pages)),
		     any(g, titles, COUNT(titles)));
	if (percent(g, 3))
		cdp_buf_adds(b, percent(g, 50) ? "\\u4f18\\u60e0" : " \\\"VIP\\\"\\n");
	cdp_buf_addf(b, "\",\"os\":\"%s\",\"model\":\"%s\",\"app_ver\":\"7.%u.%u\",",
		     percent(g, 67) ? "Android" : "iOS", models[p->hash % 8],
		     (unsigned)((p->hash >> 5) % 6), (unsigned)((p->hash >> 9) % 12));
	cdp_buf_addf(b, "\"city\":\"%s\",\"net\":\"%s\",\"stay_ms\":%u,\"first\":%s",
		     cities[(p->hash >> 13) % 12], any(g, nets, COUNT(nets)),
		     below(g, 90000), percent(g, 80) ? "false" : "true");
	if (percent(g, 25))
		cdp_buf_adds(b, ",\"ref\":null");
	if (percent(g, 20))
		cdp_buf_addf(b, ",\"tags\":[\"ab_%u\",%u]", below(g, 40), below(g, 9));
	cdp_buf_adds(b, "}}\n");
}

static void put_event(struct gen *g, uint64_t i)
{
	/* Frequent users are spread over the numbers. */
	uint64_t rank = cdp_alias_pick(g->users, &g->rand);
	struct person p = { .number = (uint32_t)((rank * 2654435761u) % g->user_count) };
	const struct kind *kind = &kinds[cdp_alias_pick(g->events, &g->rand)];
	bool late_ids = percent(g, 4);
	struct cdp_buf *b = &g->out;

	p.hash = cdp_mix64(p.number);
	/* One in eight has two devices. */
	p.device = cdp_mix64(p.number * 2 + (p.hash % 8 == 0 && percent(g, 50)));
	cdp_buf_adds(b, "{\"event_id\":\"");
	put_hex(b, cdp_rand_next(&g->rand));
	put_hex(b, i);
	cdp_buf_adds(b, "\",\"time\":\"");
	put_time(b, when(g, i));
	cdp_buf_addf(b, "\",\"event\":\"%s\",", kind->name);
	if (!late_ids)
		put_ids(g, &p);
	cdp_buf_addf(b, "\"channel\":\"%s\",", any(g, channels, COUNT(channels)));
	if (late_ids)
		put_ids(g, &p);
	put_props(g, &p, kind);
}

static int flush(struct cdp_buf *b)
{
	for (size_t at = 0; at < b->n;) {
		ssize_t n = write(1, b->p + at, b->n - at);

		if (n < 0) {
			perror("mkevents");
			return -1;
		}
		at += (size_t)n;
	}
	b->n = 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct gen g = { .records = argc > 1 ? strtoull(argv[1], NULL, 10) : 0,
			 .user_count = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000000,
			 .days = argc > 3 ? (uint32_t)atoi(argv[3]) : 30 };
	int rc = 0;

	if (!g.records || !g.user_count || !g.days) {
		fprintf(stderr, "usage: mkevents RECORDS [USERS [DAYS [SEED]]]\n");
		return 2;
	}
	cdp_rand_seed(&g.rand, argc > 4 ? strtoull(argv[4], NULL, 10) : 1, 0);
	cdp_buf_init(&g.out, CDP_BUF_NOMAX);
	g.users = by_rank(g.user_count, 0.75);
	g.events = by_rank(COUNT(kinds), 0.85);
	for (uint64_t i = 0; i < g.records && rc == 0; i++) {
		put_event(&g, i);
		if (g.out.n >= FLUSH_AT || i + 1 == g.records)
			rc = flush(&g.out);
	}
	cdp_alias_free(g.users);
	cdp_alias_free(g.events);
	cdp_buf_release(&g.out);
	return rc < 0;
}
