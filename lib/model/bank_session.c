/* What one person does in one visit. */
#include "model/bank_int.h"

#include "base/err.h"
#include "base/mem.h"

struct visit {
	struct cdp_bank *b;
	struct person *p;
	uint32_t person;
	uint32_t ms; /* of the last event */
	uint8_t slot, gen, os, channel, utm;
	bool logged;
	enum client client;
};

struct cdp_bank_event *bank_push(struct cdp_bank *b, unsigned type, uint32_t person,
				 uint32_t ms)
{
	struct cdp_bank_event *ev;

	CDP_GROW(b->evs, b->nevs, b->cap_evs);
	ev = &b->evs[b->nevs++];
	*ev = (struct cdp_bank_event){
		.ms = ms,
		.person = person,
		.number = (uint32_t)b->total++,
		.type = (uint8_t)type,
		.slot = SLOT_NONE,
		.os = OS_NONE,
		.channel = CH_CORE,
	};
	return ev;
}

/* Time to think: one to sixty seconds, mostly short. */
static uint32_t think(struct visit *v)
{
	uint64_t x = cdp_rand_next(&v->b->rand);

	return 1200 + (uint32_t)(((x & 255) * (x >> 8 & 255) * 9) / 10) +
	       (uint32_t)((x >> 32) % 1000);
}

static struct cdp_bank_event *emit(struct visit *v, unsigned type)
{
	struct cdp_bank_event *ev;

	v->ms += think(v);
	if (v->slot == SLOT_WEB)
		v->ms -= v->ms % 1000; /* an access log knows no more */
	ev = bank_push(v->b, type, v->person, v->ms);
	ev->slot = v->slot;
	ev->gen = v->gen;
	ev->os = v->os;
	ev->channel = v->channel;
	ev->utm = v->utm;
	if (v->logged)
		ev->flags = EVF_LOGGED;
	return ev;
}

/* A fact of the back end, some seconds after what the client did. */
static struct cdp_bank_event *emit_core(struct visit *v, unsigned type)
{
	struct cdp_bank_event *ev;

	v->ms += 800 + cdp_rand_below(&v->b->rand, 12000);
	ev = bank_push(v->b, type, v->person, v->ms);
	ev->channel = v->channel;
	return ev;
}

static void view_page(struct visit *v, unsigned page)
{
	emit(v, EV_PAGE_VIEW)->page = (uint8_t)page;
}

static void browse(struct visit *v, uint32_t max)
{
	for (uint32_t n = 1 + cdp_rand_below(&v->b->rand, max); n; n--)
		view_page(v, PAGE_FREE + cdp_alias_pick(v->b->where, &v->b->rand));
}

static void login(struct visit *v)
{
	struct cdp_bank_event *ev;
	uint8_t bit = (uint8_t)(1 << v->slot);

	if (v->logged || !v->p->customer)
		return;
	view_page(v, PAGE_LOGIN);
	v->logged = true;
	ev = emit(v, EV_LOGIN);
	if (!(v->p->known & bit))
		ev->flags |= EVF_FIRST;
	v->p->known |= bit;
}

static bool goes_on(struct visit *v, unsigned funnel, unsigned step)
{
	return cdp_rand_below(&v->b->rand, 1000) <
	       bank_funnels[funnel].rate[step][v->client];
}

/* --- what they come for --- */

static int64_t draw_amount(struct visit *v)
{
	static const int64_t unit[6] = { 10000, 50000, 100000, 500000, 1000000, 5000000 };
	uint64_t x = cdp_rand_next(&v->b->rand);
	unsigned u = (unsigned)((x & 7) * (x >> 3 & 7) / 9); /* 0 .. 5, mostly low */
	int64_t cents = unit[u] * (int64_t)(1 + (x >> 8) % 9);

	while (cents > 10000 && cents > v->p->aum / 2)
		cents /= 10;
	return cents < 10000 ? 10000 : cents;
}

static struct cdp_bank_event *with_product(struct cdp_bank_event *ev, uint32_t product)
{
	ev->product = product;
	return ev;
}

static void pay(struct visit *v, uint32_t product, int64_t cents, uint32_t order)
{
	struct cdp_bank_event *ev = with_product(emit_core(v, EV_PAY_SUCCESS), product);

	ev->cents = cents;
	ev->order = order;
	view_page(v, PAGE_RESULT);
}

/* `sure`: goes through to the end; the response to the campaign. */
static void buy_product(struct visit *v, uint32_t product, bool sure)
{
	struct cdp_bank_event *ev;
	int64_t cents;
	uint32_t order;

	with_product(emit(v, EV_CLICK_BUY), product);
	if (!v->p->customer)
		return;
	login(v);
	if (!sure && !goes_on(v, 0, 1))
		return;
	cents = draw_amount(v);
	order = ++v->b->orders;
	ev = with_product(emit(v, EV_SUBMIT_ORDER), product);
	ev->cents = cents;
	ev->order = order;
	if (sure || goes_on(v, 0, 2))
		pay(v, product, cents, order);
}

static void view_products(struct visit *v)
{
	struct cdp_rand *r = &v->b->rand;
	uint32_t product = 0;
	/* One in eight returns straight to the product that they saw before. */
	bool back = cdp_rand_below(r, 8) == 0;

	for (uint32_t n = back ? 0 : 1 + cdp_rand_below(r, 3); n; n--) {
		product = cdp_alias_pick(v->b->what, r);
		with_product(emit(v, EV_VIEW_PRODUCT), product);
	}
	if (back)
		product = cdp_alias_pick(v->b->what, r);
	if (goes_on(v, 0, 0))
		buy_product(v, product, false);
}

static void transfer(struct visit *v)
{
	struct cdp_bank_event *ev;
	int64_t cents;
	uint32_t order = ++v->b->orders;
	bool in = cdp_rand_below(&v->b->rand, 2);

	login(v);
	cents = draw_amount(v);
	ev = emit(v, EV_TRANSFER_START);
	ev->cents = cents;
	ev->order = order;
	ev->flags |= in ? EVF_IN : 0;
	if (cdp_rand_below(&v->b->rand, 100) >= 88 || (!in && cents > v->p->aum))
		return;
	ev = emit_core(v, EV_TRANSFER_SUCCESS);
	ev->cents = cents;
	ev->order = order;
	ev->flags |= in ? EVF_IN : 0;
	v->p->aum += in ? cents : -cents;
	if (!v->p->touched) {
		v->p->touched = 1;
		CDP_GROW(v->b->touched, v->b->ntouched, v->b->cap_touched);
		v->b->touched[v->b->ntouched++] = v->person;
	}
}

static void loan(struct visit *v)
{
	struct cdp_bank_event *ev;
	int64_t cents = 1000000 * (int64_t)(1 + cdp_rand_below(&v->b->rand, 30));
	uint32_t order;

	emit(v, EV_LOAN_VIEW);
	if (!goes_on(v, 2, 0))
		return;
	login(v);
	emit(v, EV_LOAN_FILL);
	if (!goes_on(v, 2, 1))
		return;
	order = ++v->b->orders;
	ev = emit(v, EV_LOAN_SUBMIT);
	ev->cents = cents;
	ev->order = order;
	if (!goes_on(v, 2, 2))
		return;
	ev = emit_core(v, EV_LOAN_APPROVED);
	ev->cents = cents;
	ev->order = order;
}

static void become_customer(struct visit *v)
{
	struct cdp_bank *b = v->b;

	v->p->customer = b->conf.customers + ++b->opened;
	b->customers[v->p->customer - 1] = v->person;
	v->p->opened = (uint16_t)b->day;
	v->p->has |= 1 << SLOT_BRANCH;
	bank_see_customer(b, v->person);
}

static void open_account(struct visit *v)
{
	const struct bank_funnel_def *f = &bank_funnels[1];

	view_page(v, PAGE_OPEN);
	emit(v, EV_OPEN_START);
	for (unsigned i = 0; i < 3; i++) {
		if (!goes_on(v, 1, i))
			return;
		emit(v, f->step[i + 1]);
	}
	if (!goes_on(v, 1, 3))
		return;
	become_customer(v);
	emit_core(v, EV_OPEN_SUCCESS);
	bank_profile(v->b, v->person, bank_ms(v->b, v->b->day, v->ms), true);
	login(v);
}

static void look_at_campaign(struct visit *v)
{
	with_product(emit(v, EV_CAMPAIGN_SHOW), CAMPAIGN_PRODUCT);
	if (cdp_rand_below(&v->b->rand, 100) < 12)
		with_product(emit(v, EV_CAMPAIGN_CLICK), CAMPAIGN_PRODUCT);
}

static void customer_intent(struct visit *v)
{
	struct cdp_bank *b = v->b;
	uint32_t x = cdp_rand_below(&b->rand, 100);

	if (x < 34) {
		browse(v, 5);
	} else if (x < 52) {
		login(v);
		emit(v, EV_VIEW_BALANCE);
		browse(v, 2);
	} else if (x < 68) {
		view_products(v);
	} else if (x < 79) {
		transfer(v);
	} else if (x < 84) {
		loan(v);
	} else if (x < 93) {
		emit(v, EV_SEARCH)->page = (uint8_t)cdp_rand_below(&b->rand, KEYWORDS);
		view_products(v);
	} else {
		login(v);
		emit(v, EV_SIGN_IN);
		browse(v, 2);
	}
}

static void visitor_intent(struct visit *v)
{
	uint32_t x = cdp_rand_below(&v->b->rand, 100);

	if (v->person == v->b->conf.customers || x < 50) /* the first one just looks */
		browse(v, 4);
	else if (x < 72)
		view_products(v);
	else
		open_account(v);
}

/* --- the visit --- */

static bool is_shared(unsigned slot)
{
	return slot == SLOT_SHARED || slot == SLOT_BRANCH;
}

static unsigned pick_slot(struct cdp_bank *b, const struct person *p)
{
	static const uint8_t weight[SLOT_NUM] = { 60, 8, 14, 15, 5, 2 };
	uint32_t sum = 0, x;

	for (unsigned i = 0; i < SLOT_NUM; i++)
		sum += p->has >> i & 1 ? weight[i] : 0;
	x = cdp_rand_below(&b->rand, sum);
	for (unsigned i = 0; i < SLOT_NUM; i++) {
		uint32_t w = p->has >> i & 1 ? weight[i] : 0;

		if (x < w)
			return i;
		x -= w;
	}
	CDP_BUG("a person without a device");
}

/* Now and then customers take a new phone or clear the cookies.  Visitors do not: nothing
 * would tell that they are the same. */
static void renew(struct visit *v)
{
	unsigned which = v->slot == SLOT_WEB;
	uint32_t ppm = which ? 30000 : 2000;

	if ((v->slot != SLOT_PHONE && v->slot != SLOT_WEB) || !v->p->customer)
		return;
	if (!cdp_rand_ppm(&v->b->rand, ppm) || v->p->gen[which] == UINT8_MAX)
		return;
	v->p->gen[which]++;
	v->p->seen &= (uint8_t) ~(1 << v->slot);
	v->p->known &= (uint8_t) ~(1 << v->slot);
}

static enum client client_of(unsigned slot, unsigned os)
{
	switch (slot) {
	case SLOT_MINI:
		return CL_MINI;
	case SLOT_WEB:
		return CL_WEB;
	case SLOT_SHARED:
	case SLOT_BRANCH:
		return CL_TABLET;
	default:
		return os == OS_IOS ? CL_IOS : CL_ANDROID;
	}
}

static uint32_t draw_start(struct cdp_bank *b)
{
	unsigned weekday = (unsigned)((b->conf.start + b->day + 3) % 7); /* Monday: 0 */
	uint32_t hour = cdp_alias_pick(b->hours[weekday >= 5], &b->rand);
	uint32_t ms = hour * 3600000 + cdp_rand_below(&b->rand, 3600000);
	uint32_t last = DAY_MS - VISIT_MAX * 62000;

	/* The run ends at midnight and so do its visits. */
	if (b->day + 1 == (int32_t)b->conf.days && ms > last)
		ms = last - (ms - last) * 8;
	return ms;
}

static void begin(struct visit *v, struct cdp_bank *b, uint32_t person, bool on_phone)
{
	static const uint8_t channels[SLOT_NUM] = { CH_APP, CH_APP,    CH_MINI,
						    CH_WEB, CH_TABLET, CH_TABLET };

	*v = (struct visit){ .b = b, .person = person, .p = &b->persons[person] };
	v->ms = draw_start(b);
	v->slot = on_phone ? SLOT_PHONE : (uint8_t)pick_slot(b, v->p);
	renew(v);
	v->gen = v->slot == SLOT_PHONE ? v->p->gen[0]
		 : v->slot == SLOT_WEB ? v->p->gen[1]
				       : 0;
	v->os = (uint8_t)bank_os_of(b, person, v->slot, v->gen);
	v->channel = channels[v->slot];
	v->client = client_of(v->slot, v->os);
	if (v->slot == SLOT_WEB && cdp_rand_below(&b->rand, 100) < 35)
		v->utm = (uint8_t)(1 + cdp_rand_below(&b->rand, UTMS - 1));
	bank_see_client(b, person, v->slot);
}

/* The app keeps the login of the last visit, mostly; the web never does. */
static void arrive(struct visit *v)
{
	bool known = v->p->known >> v->slot & 1;

	if (v->slot != SLOT_WEB) {
		if (known && !is_shared(v->slot) && cdp_rand_below(&v->b->rand, 100) < 70)
			v->logged = true;
		emit(v, EV_APP_START);
	}
	view_page(v, PAGE_HOME);
	if (is_shared(v->slot) || cdp_rand_below(&v->b->rand, 100) < 40)
		login(v);
	if (cdp_rand_below(&v->b->rand, 100) < 30) {
		unsigned place = cdp_rand_below(&v->b->rand, 4);

		emit(v, EV_BANNER_SHOW)->page = (uint8_t)place;
		/* the first place gets twice the clicks of the others */
		if (cdp_rand_below(&v->b->rand, 100) < (place ? 8u : 16u))
			emit(v, EV_BANNER_CLICK)->page = (uint8_t)place;
	}
}

static void leave(struct visit *v)
{
	uint32_t ppm = 3000;

	if (!(v->p->known >> v->slot & 1))
		login(v);
	if (v->slot == SLOT_WEB)
		return;
	if (v->os == OS_ANDROID && v->slot == SLOT_PHONE &&
	    bank_app_version(v->b, v->person, v->slot)[2] == '2')
		ppm = 20000;
	emit(v, cdp_rand_ppm(&v->b->rand, ppm) ? EV_APP_CRASH : EV_APP_END);
}

void bank_visit(struct cdp_bank *b, uint32_t person, bool campaign)
{
	struct visit v;
	int32_t since = b->day - b->campaign_day;

	begin(&v, b, person, campaign);
	arrive(&v);
	if (campaign) {
		if (v.p->arm == ARM_TREATED)
			look_at_campaign(&v);
		with_product(emit(&v, EV_VIEW_PRODUCT), CAMPAIGN_PRODUCT);
		buy_product(&v, CAMPAIGN_PRODUCT, true);
	} else if (v.p->customer) {
		if (v.p->arm == ARM_TREATED && since >= 0 && since < CAMPAIGN_DAYS &&
		    v.slot != SLOT_WEB && v.logged && cdp_rand_below(&b->rand, 2))
			look_at_campaign(&v);
		customer_intent(&v);
	} else {
		visitor_intent(&v);
	}
	leave(&v);
}

void bank_fill(struct cdp_bank *b, uint64_t n)
{
	struct visit v;

	if (!n)
		return;
	begin(&v, b, b->conf.customers, false);
	for (; n; n--)
		view_page(&v, PAGE_FREE + cdp_alias_pick(b->where, &b->rand));
}
