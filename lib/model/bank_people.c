/* Who the persons of the synthetic bank are: everything about them that follows from the
 * seed and their index, so that it need not be stored. */
#include "model/bank_int.h"

#include "base/hash.h"
#include "base/time.h"

#include <string.h>

enum { AREAS = 32, BIRTH_DAYS = 18262, BIRTH_FIRST = -7305, CARD_SEQ = 500 };

uint64_t bank_trait(const struct cdp_bank *b, uint32_t person, unsigned topic)
{
	return cdp_mix64(b->key ^ ((uint64_t)topic << 40) ^ person);
}

static uint32_t part(uint64_t trait, uint32_t n)
{
	return (uint32_t)(((trait >> 32) * n) >> 32);
}

enum topic {
	TOPIC_OWNS = 1,
	TOPIC_PHONE,
	TOPIC_NAME,
	TOPIC_SEX,
	TOPIC_OS,
	TOPIC_MODEL,
	TOPIC_VERSION,
	TOPIC_CLIENT,
	TOPIC_CLIENT2,
	TOPIC_BRANCH,
	TOPIC_AUM,
	TOPIC_FAMILY,
	TOPIC_ONE_ID,
	TOPIC_RECYCLED,
	TOPIC_OPENED,
};

/* --- ids --- */

size_t bank_customer_id(char out[ID_MAX], uint32_t number)
{
	out[0] = 'C';
	for (int i = 9; i > 0; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
	return 10;
}

/* One number in 500 was somebody else's before: the carrier gave it out again. */
uint32_t bank_phone_owner(const struct cdp_bank *b, uint32_t person)
{
	if (person == 0 || person >= b->conf.customers)
		return person;
	if (bank_trait(b, person, TOPIC_RECYCLED) % 500)
		return person;
	/* One step only: the one before may have another's number in turn. */
	return bank_trait(b, person - 1, TOPIC_RECYCLED) % 500 ? person - 1 : person;
}

/* Eleven digits.  The last eight are a permutation of the index: no two persons get the
 * same by chance, and no junk number comes of these prefixes. */
size_t bank_phone_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person)
{
	static const char prefixes[16][4] = { "130", "131", "132", "135", "136", "137",
					      "139", "150", "151", "152", "158", "159",
					      "176", "177", "186", "187" };
	uint32_t owner = bank_phone_owner(b, person);
	uint64_t tail = ((uint64_t)owner * 61803399 + b->key % 100000000) % 100000000;

	memcpy(out, prefixes[bank_trait(b, owner, TOPIC_PHONE) >> 60], 3);
	for (int i = 10; i >= 3; i--, tail /= 10)
		out[i] = (char)('0' + tail % 10);
	return 11;
}

/* District, birth and sequence number of the identity card come from one permuted index,
 * so that no two are the same: 32 x 18,262 x 500 numbers. */
static uint64_t card_index(const struct cdp_bank *b, uint32_t person)
{
	uint64_t all = (uint64_t)AREAS * BIRTH_DAYS * CARD_SEQ;

	/* Shares no divisor with the three factors, and neighbours are far apart in each
	 * of them. */
	return ((uint64_t)person * 180935827 + b->key % all) % all;
}

int64_t bank_birth(const struct cdp_bank *b, uint32_t person)
{
	/* 1950-01-01 to 1999-12-31 */
	return BIRTH_FIRST + (int64_t)(card_index(b, person) / AREAS % BIRTH_DAYS);
}

bool bank_is_female(const struct cdp_bank *b, uint32_t person)
{
	return bank_trait(b, person, TOPIC_SEX) & 1;
}

/* 18 characters with the check character of GB 11643 (ISO 7064 MOD 11-2). */
size_t bank_idcard_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person)
{
	static const uint8_t weight[17] = { 7, 9, 10, 5,  8, 4, 2, 1, 6,
					    3, 7, 9,  10, 5, 8, 4, 2 };
	uint64_t at = card_index(b, person);
	unsigned seq = (unsigned)(at / AREAS / BIRTH_DAYS) * 2, sum = 0;
	int32_t year;
	int8_t month, day;

	seq += !bank_is_female(b, person); /* odd: a man */
	cdp_civil_from_days(bank_birth(b, person), &year, &month, &day);
	memcpy(out, bank_areas[at % AREAS], 6);
	for (int i = 9; i >= 6; i--, year /= 10)
		out[i] = (char)('0' + year % 10);
	out[10] = (char)('0' + month / 10);
	out[11] = (char)('0' + month % 10);
	out[12] = (char)('0' + day / 10);
	out[13] = (char)('0' + day % 10);
	for (int i = 16; i >= 14; i--, seq /= 10)
		out[i] = (char)('0' + seq % 10);
	for (int i = 0; i < 17; i++)
		sum += (unsigned)(out[i] - '0') * weight[i];
	out[17] = "10X98765432"[sum % 11];
	return 18;
}

void bank_one_id(const struct cdp_bank *b, char out[16], uint32_t person)
{
	/* of distinct inputs, so distinct */
	cdp_hex16(out, cdp_mix64(b->key ^ ((uint64_t)TOPIC_ONE_ID << 40) ^ person));
}

/* --- devices --- */

/* Who stands for the device: a family and a branch have one for all. */
static uint32_t slot_owner(const struct cdp_bank *b, uint32_t person, unsigned slot)
{
	if (slot == SLOT_SHARED)
		return person / 2;
	if (slot == SLOT_BRANCH)
		return bank_branch_of(b, person);
	return person;
}

static uint64_t slot_trait(const struct cdp_bank *b, uint32_t person, unsigned slot,
			   unsigned gen, unsigned topic)
{
	return bank_trait(b, slot_owner(b, person, slot), topic << 12 | slot << 8 | gen);
}

unsigned bank_os_of(const struct cdp_bank *b, uint32_t person, unsigned slot,
		    unsigned gen)
{
	uint32_t x = part(slot_trait(b, person, slot, gen, TOPIC_OS), 100);

	switch (slot) {
	case SLOT_SHARED:
		return OS_IOS;
	case SLOT_BRANCH:
		return OS_ANDROID;
	case SLOT_WEB:
		return x < 22   ? OS_IOS
		       : x < 45 ? OS_ANDROID
		       : x < 90 ? OS_WINDOWS
				: OS_MACOS;
	case SLOT_MINI: /* runs on the phone that they have now */
		return bank_os_of(b, person, SLOT_PHONE, b->persons[person].gen[0]);
	case SLOT_NONE:
		return OS_NONE;
	default:
		return x < 44 ? OS_IOS : OS_ANDROID;
	}
}

const struct bank_model *bank_model_of(const struct cdp_bank *b, uint32_t person,
				       unsigned slot, unsigned gen)
{
	uint64_t t;

	if (slot == SLOT_MINI) {
		slot = SLOT_PHONE;
		gen = b->persons[person].gen[0];
	}
	t = slot_trait(b, person, slot, gen, TOPIC_MODEL) >> 60;
	if (slot == SLOT_SHARED)
		return &bank_pad[t % 4];
	if (bank_os_of(b, person, slot, gen) == OS_IOS)
		return &bank_ios[t % 8];
	return &bank_android[t];
}

/* A version comes out in the middle of the run and is taken up over ten days. */
const char *bank_app_version(const struct cdp_bank *b, uint32_t person, unsigned slot)
{
	uint64_t t = slot_trait(b, person, slot, 0, TOPIC_VERSION);
	uint32_t delay = part(t, 10);

	if (slot == SLOT_MINI)
		return "3.2.0";
	if (b->day >= (int32_t)(b->conf.days / 2 + delay))
		return "8.3.0";
	return t & 7 ? "8.2.1" : "8.1.0";
}

/* Canonical text of a random UUID (version 4), capital letters as iOS has it. */
static size_t put_uuid(char *out, uint64_t x, uint64_t y)
{
	static const char digits[] = "0123456789ABCDEF";
	char hex[32];

	for (int i = 15; i >= 0; i--, x >>= 4, y >>= 4) {
		hex[i] = digits[x & 15];
		hex[16 + i] = digits[y & 15];
	}
	hex[12] = '4';
	hex[16] = digits[8 + ((hex[16] & 15) & 3)];
	memcpy(out, hex, 8);
	memcpy(out + 9, hex + 8, 4);
	memcpy(out + 14, hex + 12, 4);
	memcpy(out + 19, hex + 16, 4);
	memcpy(out + 24, hex + 20, 12);
	out[8] = out[13] = out[18] = out[23] = '-';
	return 36;
}

/* The five groups of the id that the JavaScript SDK keeps in a cookie. */
static size_t put_cookie(char *out, uint64_t x, uint64_t y)
{
	char a[16], c[16];

	cdp_hex16(a, x);
	cdp_hex16(c, y);
	memcpy(out, "18e", 3);
	memcpy(out + 3, a, 11);
	out[14] = '-';
	memcpy(out + 15, a + 2, 14);
	out[29] = '-';
	memcpy(out + 30, c, 8);
	out[38] = '-';
	memcpy(out + 39, "921600-18e", 10);
	memcpy(out + 49, c + 4, 12);
	return 61;
}

/* 28 characters that begin with an o, as WeChat gives them. */
static size_t put_openid(char *out, uint64_t x, uint64_t y)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789-_";

	memcpy(out, "oBk5", 4);
	for (int i = 4; i < 14; i++, x >>= 6)
		out[i] = set[x & 63];
	/* the four bits of x that are left: distinct x, distinct ids */
	out[14] = set[x & 63];
	out[15] = out[16] = 'w';
	for (int i = 17; i < 28; i++, y >>= 6)
		out[i] = set[y & 63];
	return 28;
}

size_t bank_client_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person,
		      unsigned slot, unsigned gen, enum id_kind *kind)
{
	uint64_t x = slot_trait(b, person, slot, gen, TOPIC_CLIENT);
	uint64_t y = slot_trait(b, person, slot, gen, TOPIC_CLIENT2);

	if (slot == SLOT_WEB) {
		*kind = ID_COOKIE;
		return put_cookie(out, x, y);
	}
	if (slot == SLOT_MINI) {
		*kind = ID_OPENID;
		return put_openid(out, x, y);
	}
	*kind = ID_DEVICE;
	if (bank_os_of(b, person, slot, gen) == OS_IOS)
		return put_uuid(out, x, y);
	cdp_hex16(out, x);
	return 16;
}

/* --- traits --- */

uint32_t bank_branch_of(const struct cdp_bank *b, uint32_t person)
{
	return part(bank_trait(b, person, TOPIC_BRANCH), BRANCHES);
}

int64_t bank_open_day(const struct cdp_bank *b, uint32_t person)
{
	if (person >= b->conf.customers)
		return b->conf.start + b->persons[person].opened;
	return b->conf.start - 30 - part(bank_trait(b, person, TOPIC_OPENED), 4000);
}

void bank_add_name(const struct cdp_bank *b, uint32_t person, struct cdp_buf *out)
{
	uint64_t t = bank_trait(b, person, TOPIC_NAME);
	/* common surnames first, rare ones for one person in 128 */
	unsigned rare = (t & 127) == 0, x = (t >> 8) & 63, y = (t >> 16) & 63;
	unsigned sur = rare ? 60 + (y & 3) : (x * y / 66) % 60;

	cdp_buf_adds(out, bank_surnames[sur]);
	cdp_buf_adds(out, bank_given[(t >> 24) & 63]);
	if (t >> 63)
		cdp_buf_adds(out, bank_given[(t >> 32) & 63]);
}

unsigned bank_tier_of(int64_t cents)
{
	unsigned t = TIERS - 1;

	while (t && cents < bank_tiers[t].from)
		t--;
	return t;
}

/* Within a tier the lower end is more likely: the product of two even draws. */
static int64_t draw_aum(uint64_t t)
{
	uint32_t x = (t & 0xffff) * 1000 >> 16, low = 0;
	unsigned tier = 0;
	uint64_t u = (t >> 16) & 0xffffff, v = t >> 40;
	int64_t from, to;

	while (x >= low + bank_tiers[tier].weight)
		low += bank_tiers[tier++].weight;
	from = bank_tiers[tier].from;
	to = tier + 1 < TIERS ? bank_tiers[tier + 1].from : bank_tier_top;
	return from + (int64_t)((uint64_t)(to - from) * ((u * v) >> 24) >> 24);
}

int64_t bank_first_aum(const struct cdp_bank *b, uint32_t person)
{
	return person < b->conf.customers ? draw_aum(bank_trait(b, person, TOPIC_AUM))
					  : 0;
}

/* Two neighbours in twenty-five share a tablet at home. */
static bool has_family(const struct cdp_bank *b, uint32_t person)
{
	return (person | 1) < b->conf.customers &&
	       bank_trait(b, person / 2, TOPIC_FAMILY) % 25 == 0;
}

void bank_person_init(struct cdp_bank *b, uint32_t person)
{
	struct person *p = &b->persons[person];
	uint64_t t = bank_trait(b, person, TOPIC_OWNS);
	uint32_t x = part(t, 100);

	memset(p, 0, sizeof(*p));
	if (person >= b->conf.customers) { /* a visitor; the first one is on the web */
		p->has = person == b->conf.customers || x < 50 ? 1 << SLOT_WEB
			 : x < 88                              ? 1 << SLOT_PHONE
							       : 1 << SLOT_MINI;
		return;
	}
	p->customer = person + 1;
	b->customers[person] = person;
	p->aum = bank_first_aum(b, person);
	p->has = 1 << SLOT_BRANCH;
	if (x < 94)
		p->has |= 1 << SLOT_PHONE;
	if (x < 15)
		p->has |= 1 << SLOT_PHONE2;
	if ((t & 127) < 64)
		p->has |= 1 << SLOT_MINI;
	if ((t >> 7 & 127) < 70 || !(p->has & (1 << SLOT_PHONE)))
		p->has |= 1 << SLOT_WEB;
	if (has_family(b, person))
		p->has |= 1 << SLOT_SHARED;
}

/* --- what showed up --- */

static const char *const id_names[] = { "customer", "phone",  "idcard", "device",
					"cookie",   "openid", "device", "phone" };

static void id_row(struct cdp_bank *b, enum id_kind kind, const char *id, size_t n,
		   uint32_t person)
{
	struct cdp_buf *out = &b->rows[CDP_BANK_IDENTITY];
	char text[ID_MAX];

	b->row_lines[CDP_BANK_IDENTITY]++;
	if (!b->rows_wanted)
		return;
	ADD(out, "{\"kind\":\"");
	cdp_buf_adds(out, id_names[kind]);
	ADD(out, "\",\"id\":\"");
	cdp_buf_add(out, id, n);
	ADD(out, "\",\"customer\":");
	if (b->persons[person].customer) {
		cdp_buf_addc(out, '"');
		cdp_buf_add(out, text,
			    bank_customer_id(text, b->persons[person].customer));
		cdp_buf_addc(out, '"');
	} else {
		ADD(out, "null");
	}
	ADD(out, ",\"person\":\"");
	bank_one_id(b, text, person);
	cdp_buf_add(out, text, 16);
	if (kind == ID_SHARED_DEVICE || kind == ID_SHARED_PHONE)
		ADD(out, "\",\"shared\":true}\n");
	else
		ADD(out, "\",\"shared\":false}\n");
}

void bank_see_client(struct cdp_bank *b, uint32_t person, unsigned slot)
{
	struct person *p = &b->persons[person];
	char id[ID_MAX];
	unsigned gen = slot == SLOT_PHONE ? p->gen[0] : slot == SLOT_WEB ? p->gen[1] : 0;
	enum id_kind kind;
	size_t n;

	if (p->seen & (1 << slot))
		return;
	p->seen |= (uint8_t)(1 << slot);
	p->met = 1;
	n = bank_client_id(b, id, person, slot, gen, &kind);
	if (slot == SLOT_SHARED) {
		uint32_t family = person / 2;

		kind = ID_SHARED_DEVICE;
		b->ids[kind] += !(b->families[family / 8] >> family % 8 & 1);
		b->families[family / 8] |= (uint8_t)(1 << family % 8);
	} else if (slot == SLOT_BRANCH) {
		uint32_t branch = bank_branch_of(b, person);

		kind = ID_SHARED_DEVICE;
		b->ids[kind] += !(b->branches_seen >> branch & 1);
		b->branches_seen |= 1u << branch;
	} else {
		b->ids[kind]++;
	}
	id_row(b, kind, id, n, person);
}

/* True if the person's phone number is another's too. */
static bool shares_phone(const struct cdp_bank *b, uint32_t person)
{
	return bank_phone_owner(b, person) != person ||
	       (person + 1 < b->conf.customers &&
		bank_phone_owner(b, person + 1) == person);
}

void bank_see_customer(struct cdp_bank *b, uint32_t person)
{
	char id[ID_MAX];
	bool shared = shares_phone(b, person);

	b->ids[ID_CUSTOMER]++;
	b->ids[ID_IDCARD]++;
	id_row(b, ID_CUSTOMER, id, bank_customer_id(id, b->persons[person].customer),
	       person);
	id_row(b, ID_IDCARD, id, bank_idcard_id(b, id, person), person);
	if (bank_phone_owner(b, person) == person)
		b->ids[shared ? ID_SHARED_PHONE : ID_PHONE]++;
	id_row(b, shared ? ID_SHARED_PHONE : ID_PHONE, id, bank_phone_id(b, id, person),
	       person);
}
