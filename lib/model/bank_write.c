/* Events of the synthetic bank as text.  Whatever is put between quotes comes from the
 * tables or is made of ASCII letters and digits: nothing needs an escape in JSON. */
#include "model/bank_int.h"

#include "base/hash.h"
#include "base/time.h"
#include "format/combined_write.h"
#include "format/segment_write.h"
#include "format/sensors_write.h"

#include <string.h>

/* --- what is known about an event besides who and where --- */

/* Pairs as members of a JSON object, a comma before each, or as a query's "&key=value".
 */
struct pairs {
	struct cdp_buf *out;
	bool query;
};

static void add_key(struct pairs *p, const char *key)
{
	cdp_buf_add(p->out, p->query ? "&" : ",\"", p->query ? 1 : 2);
	cdp_buf_adds(p->out, key);
	cdp_buf_add(p->out, p->query ? "=" : "\":", p->query ? 1 : 2);
}

static void add_text(struct pairs *p, const char *key, const char *s, size_t n)
{
	add_key(p, key);
	if (p->query) {
		cdp_percent_add(p->out, s, n);
		return;
	}
	cdp_buf_addc(p->out, '"');
	cdp_buf_add(p->out, s, n);
	cdp_buf_addc(p->out, '"');
}

static void add_word(struct pairs *p, const char *key, const char *s)
{
	add_text(p, key, s, strlen(s));
}

static void add_amount(struct pairs *p, int64_t cents)
{
	add_key(p, "amount");
	bank_add_money(p->out, cents);
}

static void add_order(struct pairs *p, uint32_t order)
{
	char text[11] = "O";

	for (int i = 10; i > 0; i--, order /= 10)
		text[i] = (char)('0' + order % 10);
	add_text(p, "order_id", text, sizeof(text));
}

static void add_product(struct cdp_bank *b, struct pairs *p, uint32_t product)
{
	char code[16];

	add_text(p, "product", code, bank_product_code(b, code, product));
	add_word(p, "category", bank_kinds[b->products[product].kind].name);
}

static void add_page(struct pairs *p, const struct cdp_bank_event *ev)
{
	if (p->query) /* it is the path itself */
		return;
	add_word(p, "page", bank_pages[ev->page].path);
	add_word(p, "title", bank_pages[ev->page].title);
}

static void add_position(struct pairs *p, unsigned place)
{
	char text[] = "home_1";

	text[5] = (char)('1' + place);
	add_text(p, "position", text, sizeof(text) - 1);
}

static void add_utm(struct pairs *p, const struct bank_utm *u)
{
	add_word(p, "utm_source", u->source);
	add_word(p, "utm_medium", u->medium);
	add_word(p, "utm_campaign", u->campaign);
}

static void add_facts(struct cdp_bank *b, struct pairs *p,
		      const struct cdp_bank_event *ev)
{
	switch (ev->type) {
	case EV_PAGE_VIEW:
		add_page(p, ev);
		break;
	case EV_SEARCH:
		add_word(p, "keyword", bank_keywords[ev->page]);
		break;
	case EV_BANNER_SHOW:
	case EV_BANNER_CLICK:
		add_position(p, ev->page);
		break;
	case EV_CAMPAIGN_ASSIGNED:
		add_word(p, "arm", bank_arm_names[b->persons[ev->person].arm]);
		/* fall through */
	case EV_CAMPAIGN_SHOW:
	case EV_CAMPAIGN_CLICK:
		add_word(p, "campaign", BANK_CAMPAIGN);
		/* fall through */
	case EV_VIEW_PRODUCT:
	case EV_CLICK_BUY:
		add_product(b, p, ev->product);
		break;
	case EV_SUBMIT_ORDER:
	case EV_PAY_SUCCESS:
	case EV_REDEEM_SUCCESS:
		add_product(b, p, ev->product);
		add_amount(p, ev->cents);
		add_order(p, ev->order);
		break;
	case EV_TRANSFER_START:
	case EV_TRANSFER_SUCCESS:
		add_word(p, "direction", ev->flags & EVF_IN ? "in" : "out");
		/* fall through */
	case EV_LOAN_SUBMIT:
	case EV_LOAN_APPROVED:
		add_amount(p, ev->cents);
		add_order(p, ev->order);
		break;
	case EV_APP_CRASH:
		add_word(p, "reason", ev->number & 1 ? "OutOfMemoryError" : "ANR");
		break;
	default:
		break;
	}
	if (ev->utm)
		add_utm(p, &bank_utms[ev->utm]);
}

/* --- ids --- */

static const char *junk_of(const struct cdp_bank_event *ev)
{
	return bank_junk[ev->number % 6];
}

/* The ids that a record carries, ready for use as C strings; "" for none.  Junk takes the
 * place of the client's id if the customer is known all the same, else it comes as a
 * telephone number: nobody is lost by it. */
struct event_ids {
	char customer[ID_MAX], client[ID_MAX], phone[ID_MAX], idcard[ID_MAX];
	const char *client_kind;
};

static void find_ids(struct cdp_bank *b, const struct cdp_bank_event *ev,
		     struct event_ids *ids)
{
	static const char *const kinds[] = {
		[ID_DEVICE] = "device", [ID_COOKIE] = "cookie", [ID_OPENID] = "openid"
	};
	bool logged = ev->flags & EVF_LOGGED || ev->slot == SLOT_NONE;
	bool junk = ev->flags & EVF_JUNK;
	enum id_kind kind;

	ids->customer[0] = ids->client[0] = ids->phone[0] = ids->idcard[0] = '\0';
	if (logged)
		ids->customer[bank_customer_id(ids->customer,
					       b->persons[ev->person].customer)] = '\0';
	if (ev->slot != SLOT_NONE) {
		ids->client[bank_client_id(b, ids->client, ev->person, ev->slot, ev->gen,
					   &kind)] = '\0';
		ids->client_kind = kinds[kind];
	}
	if (ev->type == EV_OPEN_SUCCESS)
		ids->idcard[bank_idcard_id(b, ids->idcard, ev->person)] = '\0';
	if (ev->type == EV_OPEN_SUCCESS || (ev->type == EV_LOGIN && ev->slot != SLOT_WEB))
		ids->phone[bank_phone_id(b, ids->phone, ev->person)] = '\0';
	if (junk) {
		const char *text = junk_of(ev);

		memcpy(logged && ev->slot != SLOT_NONE ? ids->client : ids->phone, text,
		       strlen(text) + 1);
	}
}

/* --- canonical --- */

#define SWIFT "analytics-swift" /* Segment's library for iOS */

static const char *source_of(const struct cdp_bank_event *ev)
{
	switch (ev->slot) {
	case SLOT_NONE:
		return "core";
	case SLOT_WEB:
		return "access/web";
	case SLOT_MINI:
		return "sensors/miniprogram";
	default:
		return ev->os == OS_IOS ? "segment/" SWIFT : "sensors/android";
	}
}

static void add_id(struct cdp_buf *out, const char *kind, const char *id)
{
	if (!*id)
		return;
	if (out->p[out->n - 1] != '{')
		cdp_buf_addc(out, ',');
	cdp_buf_addc(out, '"');
	cdp_buf_adds(out, kind);
	ADD(out, "\":\"");
	cdp_buf_adds(out, id);
	cdp_buf_addc(out, '"');
}

static void add_client(struct cdp_bank *b, struct pairs *p,
		       const struct cdp_bank_event *ev)
{
	const struct bank_model *m;

	add_word(p, "os", bank_os_names[ev->os]);
	if (ev->slot == SLOT_WEB)
		return;
	m = bank_model_of(b, ev->person, ev->slot, ev->gen);
	add_word(p, "os_version", m->os_version);
	add_word(p, "app_version", bank_app_version(b, ev->person, ev->slot));
	add_word(p, "model", m->model);
}

static void add_canonical(struct cdp_bank *b, const struct cdp_bank_item *item,
			  bool one_id, struct cdp_buf *out)
{
	const struct cdp_bank_event *ev = item->ev;
	struct pairs p = { .out = out };
	struct event_ids ids;
	char hex[16];

	find_ids(b, ev, &ids);
	if (one_id) {
		bank_one_id(b, hex, ev->person);
		ADD(out, "{\"one_id\":\"");
		cdp_buf_add(out, hex, 16);
		ADD(out, "\",\"time\":");
	} else {
		ADD(out, "{\"time\":");
	}
	bank_add_time(out, item->time_ms);
	ADD(out, ",\"event\":\"");
	cdp_buf_adds(out, bank_event_names[ev->type]);
	ADD(out, "\",\"ids\":{");
	add_id(out, "customer", ids.customer);
	if (*ids.client)
		add_id(out, ids.client_kind, ids.client);
	add_id(out, "phone", ids.phone);
	add_id(out, "idcard", ids.idcard);
	ADD(out, "},\"props\":{\"channel\":\"");
	cdp_buf_adds(out, bank_channel_names[ev->channel]);
	cdp_buf_addc(out, '"');
	if (ev->slot != SLOT_NONE)
		add_client(b, &p, ev);
	add_facts(b, &p, ev);
	ADD(out, "},\"event_id\":\"");
	cdp_hex16(hex, cdp_mix64(b->key ^ ev->number));
	cdp_buf_add(out, hex, 16);
	ADD(out, "\",\"source\":\"");
	cdp_buf_adds(out, source_of(ev));
	ADD(out, "\"}\n");
}

/* --- Sensors --- */

/* What both libraries say: the bank names properties alike in all its apps. */
static void app_props(struct cdp_bank *b, const struct cdp_bank_event *ev,
		      struct cdp_buf *out)
{
	const struct bank_model *m = bank_model_of(b, ev->person, ev->slot, ev->gen);
	struct pairs p = { .out = out };

	ADD(out, "\"$os\":\"");
	cdp_buf_adds(out, bank_os_names[ev->os]);
	cdp_buf_addc(out, '"');
	add_word(&p, "$os_version", m->os_version);
	add_word(&p, "$app_version", bank_app_version(b, ev->person, ev->slot));
	add_word(&p, "$manufacturer", m->maker);
	add_word(&p, "$brand", m->brand);
	add_word(&p, "$model", m->model);
	add_word(&p, "$network_type", ev->number & 3 ? "WIFI" : "4G");
	ADD(out, ",\"$timezone_offset\":-480");
	if (ev->type == EV_PAGE_VIEW) {
		add_word(&p, "$screen_name", bank_pages[ev->page].screen);
		add_word(&p, "$title", bank_pages[ev->page].title);
	}
	add_word(&p, "channel", bank_channel_names[ev->channel]);
	add_facts(b, &p, ev);
}

static void sensors_props(struct cdp_bank *b, const struct cdp_bank_event *ev,
			  const char *lib, const char *lib_version, struct cdp_buf *out)
{
	struct pairs p = { .out = out };

	ADD(out, "\"$lib\":\"");
	cdp_buf_adds(out, lib);
	cdp_buf_addc(out, '"');
	add_word(&p, "$lib_version", lib_version);
	cdp_buf_addc(out, ',');
	app_props(b, ev, out);
}

static void set_sensors_lib(struct cdp_sensors_rec *r, const struct cdp_bank_event *ev,
			    struct cdp_sensors_id *client)
{
	if (ev->slot == SLOT_MINI) {
		r->lib = "MiniProgram";
		r->lib_version = "1.22.7";
		client->key = "$identity_mp_wx5f0c2b9a71d3e846_openid";
	} else {
		r->lib = "Android";
		r->lib_version = "6.6.9";
		client->key = "$identity_android_id";
	}
}

/* What the SDK does at a login before the application reports it. */
static unsigned add_signup(const struct cdp_sensors_rec *track, bool first,
			   const char *client, struct cdp_buf *out)
{
	struct cdp_sensors_rec r = *track;
	struct cdp_buf props;

	r.type = "track_signup";
	r.event = "$SignUp";
	r.original_id = client;
	r.track_id ^= 0x55555;
	r.time_ms -= 5;
	r.nprops = 0;
	cdp_sensors_write(out, &r);
	if (!first)
		return 1;
	r.type = "profile_set_once";
	r.event = r.original_id = NULL;
	r.track_id ^= 0xaaaaa;
	cdp_buf_init(&props, CDP_BUF_NOMAX);
	ADD(&props, "\"first_login\":");
	bank_add_time(&props, r.time_ms);
	r.props = props.p;
	r.nprops = props.n;
	cdp_sensors_write(out, &r);
	cdp_buf_release(&props);
	return 2;
}

static unsigned add_sensors(struct cdp_bank *b, const struct cdp_bank_item *item,
			    struct cdp_buf *out)
{
	const struct cdp_bank_event *ev = item->ev;
	struct event_ids ids;
	struct cdp_sensors_id list[3];
	struct cdp_sensors_rec r = { .type = "track",
				     .event = bank_event_names[ev->type],
				     .ids = list,
				     .time_ms = item->time_ms,
				     .flush_ms = item->arrived_ms,
				     .track_id = (int32_t)(cdp_mix64(ev->number) >> 33) };
	unsigned more = 0;

	find_ids(b, ev, &ids);
	set_sensors_lib(&r, ev, &list[r.nids]);
	list[r.nids++].value = ids.client;
	r.distinct_id = r.anonymous_id = ids.client;
	if (*ids.customer) {
		list[r.nids++] =
			(struct cdp_sensors_id){ "$identity_login_id", ids.customer };
		r.distinct_id = r.login_id = ids.customer;
	}
	if (*ids.phone)
		list[r.nids++] = (struct cdp_sensors_id){ "$identity_mobile", ids.phone };
	if (ev->type == EV_LOGIN && item->fault == CDP_BANK_SOUND)
		more = add_signup(&r, ev->flags & EVF_FIRST, ids.client, out);
	cdp_buf_reset(&b->tmp);
	sensors_props(b, ev, r.lib, r.lib_version, &b->tmp);
	r.props = b->tmp.p;
	r.nprops = b->tmp.n;
	cdp_sensors_write(out, &r);
	return more + 1;
}

/* --- Segment --- */

static unsigned add_segment(struct cdp_bank *b, const struct cdp_bank_item *item,
			    struct cdp_buf *out)
{
	const struct cdp_bank_event *ev = item->ev;
	struct event_ids ids;
	struct cdp_segment_rec r = { .type = "track",
				     .event = bank_event_names[ev->type],
				     .user = ids.customer,
				     .anonymous = ids.client,
				     .device = ids.client,
				     .phone = ids.phone,
				     .lib = SWIFT,
				     .lib_version = "1.5.11",
				     .time_ms = item->time_ms,
				     .sent_ms = item->arrived_ms };
	unsigned lines = 1;

	find_ids(b, ev, &ids);
	cdp_hex16(r.message_id, cdp_mix64(b->key ^ ev->number));
	if (ev->type == EV_LOGIN && item->fault == CDP_BANK_SOUND) {
		/* The application says who it is before it reports the login. */
		struct cdp_segment_rec identify = r;

		identify.type = "identify";
		identify.event = NULL;
		identify.time_ms -= 5;
		cdp_hex16(identify.message_id, cdp_mix64(~(b->key ^ ev->number)));
		cdp_segment_write(out, &identify);
		lines++;
	}
	cdp_buf_reset(&b->tmp);
	app_props(b, ev, &b->tmp);
	r.props = b->tmp.p;
	r.nprops = b->tmp.n;
	cdp_segment_write(out, &r);
	return lines;
}

/* --- access log --- */

static void add_target(struct cdp_bank *b, const struct cdp_bank_event *ev,
		       const struct event_ids *ids, struct cdp_buf *out)
{
	struct pairs p = { .out = out, .query = true };

	if (ev->type == EV_PAGE_VIEW) {
		cdp_buf_adds(out, bank_pages[ev->page].path);
		ADD(out, "?cid=");
	} else {
		ADD(out, "/e.gif?e=");
		cdp_buf_adds(out, bank_event_names[ev->type]);
		ADD(out, "&cid=");
	}
	cdp_buf_adds(out, ids->client);
	if (*ids->phone)
		add_word(&p, "phone", ids->phone);
	add_facts(b, &p, ev);
}

static void add_access(struct cdp_bank *b, const struct cdp_bank_item *item,
		       struct cdp_buf *out)
{
	const struct cdp_bank_event *ev = item->ev;
	uint64_t t = bank_trait(b, ev->person, 31 + ev->gen);
	bool page = ev->type == EV_PAGE_VIEW;
	const char *from =
		ev->utm && ev->page == PAGE_HOME ? bank_utms[ev->utm].referer : "";
	struct event_ids ids;
	struct cdp_combined_rec r = {
		.ip = { (uint8_t)(t % 100 + 110), (uint8_t)(t >> 8), (uint8_t)(t >> 16),
			(uint8_t)(1 + (t >> 24) % 254) },
		.epoch_s = item->time_ms / 1000,
		.utc_offset = CDP_BANK_UTC_OFFSET,
		.method = "GET",
		.status = 200,
		.bytes = page ? 4000 + ev->number % 30000 : 43,
		.agent = bank_agents[ev->os],
	};

	find_ids(b, ev, &ids);
	if (*ids.customer)
		r.user = ids.customer;
	cdp_buf_reset(&b->tmp);
	add_target(b, ev, &ids, &b->tmp);
	r.target = b->tmp.p;
	r.ntarget = b->tmp.n;
	if (!page)
		from = "https://m.bank.example/";
	if (*from) {
		r.referer = from;
		r.nreferer = strlen(from);
	}
	cdp_combined_write(out, &r);
}

/* --- the two ways out --- */

void cdp_bank_write(struct cdp_bank *b, const struct cdp_bank_item *item,
		    struct cdp_buf *out)
{
	size_t from = out->n;
	unsigned lines = 1;

	switch (item->file) {
	case CDP_BANK_SENSORS:
		lines = add_sensors(b, item, out);
		break;
	case CDP_BANK_SEGMENT:
		lines = add_segment(b, item, out);
		break;
	case CDP_BANK_ACCESS:
		add_access(b, item, out);
		break;
	default:
		add_canonical(b, item, false, out);
		break;
	}
	b->files[item->file].lines += lines;
	bank_spoil(b, out, from, item);
}

void cdp_bank_write_event(struct cdp_bank *b, const struct cdp_bank_item *item,
			  bool one_id, struct cdp_buf *out)
{
	size_t from = out->n;

	add_canonical(b, item, one_id, out);
	b->files[item->file].lines++;
	bank_spoil(b, out, from, item);
}
