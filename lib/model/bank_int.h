/* What the parts of the synthetic bank share; for bank*.c alone. */
#ifndef CDP_MODEL_BANK_INT_H
#define CDP_MODEL_BANK_INT_H

#include "base/rand.h"
#include "format/gb18030_write.h"
#include "model/bank.h"

#include <stddef.h>

enum {
	DAY_MS = 86400000,
	KINDS = 6, /* of products */
	BRANCHES = 12,
	MANAGERS = 60,
	UTMS = 8,
	KEYWORDS = 20,
	TIERS = 6,
	FUNNELS = 3,
	STEPS_MAX = 5,
	CAMPAIGN_PRODUCT = 0,
	CAMPAIGN_DAYS = 14,
	BANK_RESPONSE_CONTROL = 40000, /* parts per million */
	BANK_RESPONSE_TREATED = 80000,
	BANK_INFANT_DAYS = 1095,
	BANK_LEDGER_DAYS = 90,
};
#define BANK_CAMPAIGN "new_wealth"

/* --- constant tables (bank_tables.c) --- */

enum event_type {
	EV_APP_START,
	EV_PAGE_VIEW,
	EV_LOGIN,
	EV_SEARCH,
	EV_BANNER_SHOW,
	EV_BANNER_CLICK,
	EV_VIEW_BALANCE,
	EV_SIGN_IN,
	EV_VIEW_PRODUCT,
	EV_CLICK_BUY,
	EV_SUBMIT_ORDER,
	EV_PAY_SUCCESS,
	EV_REDEEM_SUCCESS,
	EV_TRANSFER_START,
	EV_TRANSFER_SUCCESS,
	EV_OPEN_START,
	EV_UPLOAD_ID,
	EV_FILL_INFO,
	EV_FACE_VERIFY,
	EV_OPEN_SUCCESS,
	EV_LOAN_VIEW,
	EV_LOAN_FILL,
	EV_LOAN_SUBMIT,
	EV_LOAN_APPROVED,
	EV_CAMPAIGN_ASSIGNED,
	EV_CAMPAIGN_SHOW,
	EV_CAMPAIGN_CLICK,
	EV_APP_CRASH,
	EV_APP_END,
	EV_TYPES,
};

/* What a client runs on, and the channel it belongs to. */
enum os { OS_IOS, OS_ANDROID, OS_WINDOWS, OS_MACOS, OS_NUM, OS_NONE = OS_NUM };
enum channel { CH_APP, CH_MINI, CH_WEB, CH_TABLET, CH_NUM, CH_CORE = CH_NUM };

/* The devices that a person may use; the last two are shared with others. */
enum slot {
	SLOT_PHONE,
	SLOT_PHONE2,
	SLOT_MINI,
	SLOT_WEB,
	SLOT_SHARED, /* the family's tablet */
	SLOT_BRANCH, /* the branch's tablet */
	SLOT_NUM,
	SLOT_NONE = SLOT_NUM, /* back end */
};

/* Classes of clients that planted rates differ by. */
enum client { CL_IOS, CL_ANDROID, CL_MINI, CL_WEB, CL_TABLET, CL_NUM };

enum arm { ARM_NONE, ARM_CONTROL, ARM_TREATED, ARM_NUM };

enum page {
	PAGE_HOME,
	PAGE_LOGIN,
	PAGE_PRODUCT,
	PAGE_RESULT,
	PAGE_OPEN,
	PAGE_FREE, /* this one and those after it are for browsing */
	PAGES = PAGE_FREE + 19,
};

struct bank_page {
	const char *path, *screen, *title;
};
struct bank_kind {
	const char *letter, *name, *title;
	const char *suffix; /* of product names */
	uint8_t risk_min, risk_max;
	uint16_t term; /* days; 0: open-ended */
};
struct bank_utm {
	const char *source, *medium, *campaign, *referer;
};
struct bank_model {
	const char *maker, *brand, *model, *os_version;
};
struct bank_funnel_def {
	const char *name;
	uint8_t steps;
	uint8_t step[STEPS_MAX];              /* event types */
	uint16_t rate[STEPS_MAX - 1][CL_NUM]; /* per mille of attempts that go on */
};
struct bank_branch {
	const char *code, *name, *city;
};
struct bank_tier {
	const char *name, *level;
	int64_t from;    /* cents */
	uint16_t weight; /* per mille of customers */
};

enum { TRADES = 8, LOANS = 4 };
struct bank_trade { /* of merchants */
	const char *name, *title;
	uint16_t price; /* yuan, of a typical payment */
};

enum relation { REL_SPOUSE, REL_LEGAL_PERSON, REL_GUARANTEES, RELATIONS };

enum ledger_type {
	LED_CARD_PAY,
	LED_SALARY,
	LED_OUTFLOW,
	LED_DELIVERED,
	LED_OPENED,
	LED_CLICKED,
	LED_BRANCH,
	LED_CALL,
	LED_COMPLAINT,
	LEDGER_TYPES,
};

extern const struct bank_trade bank_trades[TRADES];
extern const char *const bank_loan_kinds[LOANS], *const bank_ledger_names[LEDGER_TYPES];
extern const char *const bank_educations[4], *const bank_entries[4];
extern const char *const bank_event_names[EV_TYPES];
extern const char *const bank_os_names[OS_NUM];
extern const char *const bank_channel_names[CH_NUM + 1];
extern const char *const bank_client_names[CL_NUM];
extern const char *const bank_arm_names[ARM_NUM];
extern const char *const bank_fault_names[CDP_BANK_FAULTS];
extern const struct bank_page bank_pages[PAGES];
extern const struct bank_kind bank_kinds[KINDS];
extern const struct bank_utm bank_utms[UTMS];
extern const struct bank_model bank_ios[8], bank_android[16], bank_pad[4];
extern const struct bank_funnel_def bank_funnels[FUNNELS];
extern const struct bank_branch bank_branches[BRANCHES];
extern const struct bank_tier bank_tiers[TIERS];
extern const int64_t bank_tier_top; /* cents; above all */
extern const char *const bank_keywords[KEYWORDS];
extern const char *const bank_agents[OS_NUM];
extern const char *const bank_surnames[64];
extern const char *const bank_given[64];
extern const char *const bank_jobs[8];
extern const char *const bank_areas[32];
extern const char *const bank_product_words[16];
extern const char *const bank_junk[6];
extern const uint32_t bank_hours[2][24]; /* weights: working day, week end */

/* --- the state --- */

struct cdp_bank_event {
	uint32_t ms; /* of its civil day */
	uint32_t person;
	uint32_t number; /* of the event in all of the run */
	uint32_t order;  /* of a purchase, transfer or loan */
	int64_t cents;
	uint32_t product;
	uint8_t type, slot, gen, os;
	uint8_t channel, utm, page, flags;
};

enum event_flags {
	EVF_LOGGED = 1, /* the client knows the customer */
	EVF_FIRST = 2,  /* first login on this device */
	EVF_JUNK = 4,   /* carries a junk id */
	EVF_IN = 8,     /* a transfer to the bank */
};

struct person {
	int64_t aum;             /* cents */
	uint32_t customer;       /* number, 0: none yet */
	uint32_t chain[FUNNELS]; /* live attempts, see bank_funnel.c */
	uint32_t reach[FUNNELS];
	uint8_t has, known, seen; /* bits of slots: owns; logged in on; showed up on */
	uint8_t gen[2];           /* how often the phone and the cookie were replaced */
	uint16_t opened;          /* day of the run that made a visitor a customer */
	uint8_t arm : 2, exposed : 1, converted : 1, touched : 1, met : 1;
};

struct holding {
	int64_t cents;
	uint32_t person, product, nav; /* nav when bought */
	int32_t maturity;              /* day of the run, INT32_MAX: none */
	uint8_t state;
};
enum { HOLD_LIVE, HOLD_MATURED, HOLD_GONE };

struct product {
	uint32_t nav; /* ten-thousandths */
	uint16_t term;
	uint8_t kind, risk;
};

/* An attempt at a funnel, see bank_funnel.c. */
struct chain {
	int64_t start, last; /* ms since the first day */
	uint32_t next;
	uint8_t depth, os, channel;
};

/* A record that arrives otherwise than at once. */
struct extra {
	uint32_t at, order; /* ms of the day of arrival; tie break */
	int32_t day;        /* the event's */
	uint8_t fault, again;
	struct cdp_bank_event ev;
};
struct extras {
	struct extra *v;
	size_t n, cap;
};

struct file_truth {
	uint64_t lines, events, late, duplicate, junk;
	uint64_t malformed[CDP_BANK_FAULTS];
};

struct due {
	int32_t day;
	uint32_t person;
};

enum csv_fault { CSV_COLUMNS, CSV_BYTES, CSV_DATE, CSV_NUMBER, CSV_FAULTS };
struct csv_truth {
	uint64_t rows, duplicate, junk, malformed[CSV_FAULTS];
};

struct cdp_bank {
	struct cdp_bank_conf conf;
	uint64_t key; /* mixed into everything derived from an index */
	struct cdp_rand rand, dirt;
	bool rows_wanted;
	struct cdp_gb18030 *gb;

	uint32_t npersons, visitors; /* all; those who were no customer at the start */
	uint32_t opened;             /* visitors who became customers */
	struct person *persons;
	uint32_t *customers; /* person of customer number - 1 */
	struct cdp_alias *who, *what, *where, *hours[2];
	uint32_t spread; /* popularity rank to person */
	uint32_t nproducts;
	struct product *products;
	struct holding *holdings;
	size_t nholdings, cap_holdings, started_holdings;
	uint8_t *families; /* their tablets that were seen, a bit each */
	uint32_t branches_seen;

	int32_t day; /* of the run; -1 before the first */
	uint64_t total;
	uint32_t orders;
	struct cdp_bank_event *evs, *sorted, *carry;
	uint64_t *sort; /* keys, twice cap_sorted */
	size_t nevs, cap_evs, cap_sorted, ncarry, cap_carry;
	struct extras extras[3]; /* of today, tomorrow, the day after: day % 3 */
	uint8_t *arrives;        /* of each sorted event: at once, or not today */
	size_t cap_arrives, at, extra_at;

	int32_t campaign_day;
	struct due *due;
	size_t ndue, cap_due, due_at;
	uint32_t *touched;
	size_t ntouched, cap_touched;

	struct chain *chains;
	size_t nchains, cap_chains;
	uint32_t free_chain;

	/* truth */
	uint64_t by_type[EV_TYPES], by_file[CDP_BANK_FILES];
	uint64_t assigned[ARM_NUM], exposed[ARM_NUM], converted[ARM_NUM];
	uint64_t ids[8];
	struct file_truth files[CDP_BANK_FILES];
	struct csv_truth csv[2];
	uint64_t row_lines[CDP_BANK_ROWS];
	uint64_t relations[RELATIONS], ledger[LEDGER_TYPES];

	struct cdp_buf rows[CDP_BANK_ROWS];
	struct cdp_buf tmp;
};

/* Kinds of ids, as counted and named in the truth. */
enum id_kind {
	ID_CUSTOMER,
	ID_PHONE,
	ID_IDCARD,
	ID_DEVICE,
	ID_COOKIE,
	ID_OPENID,
	ID_SHARED_DEVICE,
	ID_SHARED_PHONE,
};

/* --- persons (bank_people.c) --- */

enum { ID_MAX = 64 }; /* bytes of the longest id, terminator included */

uint64_t bank_trait(const struct cdp_bank *b, uint32_t person, unsigned topic);
size_t bank_customer_id(char out[ID_MAX], uint32_t number);
size_t bank_phone_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person);
size_t bank_idcard_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person);
/* Device, cookie or openid of a slot; *kind says which. */
size_t bank_client_id(const struct cdp_bank *b, char out[ID_MAX], uint32_t person,
		      unsigned slot, unsigned gen, enum id_kind *kind);
void bank_one_id(const struct cdp_bank *b, char out[16], uint32_t person);
/* The person whose phone number this person has: mostly the same. */
uint32_t bank_phone_owner(const struct cdp_bank *b, uint32_t person);
bool bank_is_female(const struct cdp_bank *b, uint32_t person);
/* Days from 1970-01-01 to birth. */
int64_t bank_birth(const struct cdp_bank *b, uint32_t person);
/* Civil day of becoming a customer. */
int64_t bank_open_day(const struct cdp_bank *b, uint32_t person);
uint32_t bank_branch_of(const struct cdp_bank *b, uint32_t person);
unsigned bank_os_of(const struct cdp_bank *b, uint32_t person, unsigned slot,
		    unsigned gen);
const struct bank_model *bank_model_of(const struct cdp_bank *b, uint32_t person,
				       unsigned slot, unsigned gen);
const char *bank_app_version(const struct cdp_bank *b, uint32_t person, unsigned slot);
void bank_person_init(struct cdp_bank *b, uint32_t person);
unsigned bank_tier_of(int64_t cents);
/* Assets at the start; of visitors none. */
int64_t bank_first_aum(const struct cdp_bank *b, uint32_t person);
void bank_add_name(const struct cdp_bank *b, uint32_t person, struct cdp_buf *out);
/* An id that showed up: the first time a row and a count. */
void bank_see_client(struct cdp_bank *b, uint32_t person, unsigned slot);
void bank_see_customer(struct cdp_bank *b, uint32_t person);

/* --- their lives (bank_life.c) --- */

struct bank_life {
	int64_t aum, aum_3m, aum_peak; /* cents: at the start; mean and peak before it */
	int64_t income;                /* cents a month */
	int64_t child;                 /* day of the youngest child's birth, of parents */
	int64_t assessed;              /* day of the last assessment of risk */
	uint8_t education, entry, loan;
	bool payroll, leaving, married, parent, infant, card, overdue;
	bool sms, push, responsive; /* consent; opens messages */
};
void bank_life_of(const struct cdp_bank *b, uint32_t person, struct bank_life *l);
/* Members of a profile update, with a comma after each. */
void bank_life_profile(const struct cdp_bank *b, uint32_t person, struct cdp_buf *out);
/* Cards, loans, relations, entities (bank_credit.c); events before the run
 * (bank_ledger.c). */
void bank_credit_start(struct cdp_bank *b, uint32_t person, const struct bank_life *l);
uint32_t bank_merchants(const struct cdp_bank *b);
void bank_ledger_start(struct cdp_bank *b, uint32_t person, const struct bank_life *l);

/* --- sessions (bank_session.c) --- */

/* One visit; `campaign`: the purchase that the campaign brought about. */
void bank_visit(struct cdp_bank *b, uint32_t person, bool campaign);
/* Page views of the first visitor, exactly `n`. */
void bank_fill(struct cdp_bank *b, uint64_t n);
struct cdp_bank_event *bank_push(struct cdp_bank *b, unsigned type, uint32_t person,
				 uint32_t ms);
enum { VISIT_MAX = 48 }; /* events of a visit */

/* --- products and holdings (bank_core.c) --- */

void bank_products_init(struct cdp_bank *b);
void bank_products_free(struct cdp_bank *b);
void bank_holdings_init(struct cdp_bank *b, uint32_t person);
/* The night before a day: values, maturities, redemptions. */
void bank_holdings_night(struct cdp_bank *b);
void bank_hold(struct cdp_bank *b, const struct cdp_bank_event *ev);
void bank_holding_start(struct cdp_bank *b, uint32_t person);
void bank_profile(struct cdp_bank *b, uint32_t person, int64_t ms, bool whole);
/* A row of a customer up to the value of its first id, without the brace that ends them.
 */
void bank_row_head(const struct cdp_bank *b, struct cdp_buf *out, uint32_t person,
		   int64_t ms, const char *type);
void bank_add_product_name(const struct cdp_bank *b, uint32_t product,
			   struct cdp_buf *out);
size_t bank_product_code(const struct cdp_bank *b, char out[16], uint32_t product);

/* --- funnels of the truth (bank_funnel.c) --- */

/* The step that events of a type are, from 1; 0: none. */
unsigned bank_funnel_place(unsigned type);
/* The next event of the day; in order of time, at one time in falling order of steps. */
void bank_funnel_step(struct cdp_bank *b, const struct cdp_bank_event *ev);
/* 0: all; 1 + os and 1 + OS_NUM + channel: attempts that began there; then the same for
 * users whose very first attempt began there, however it went on elsewhere. */
enum {
	FUNNEL_REACHES = 1 + OS_NUM + CH_NUM,
	FUNNEL_GROUPS = FUNNEL_REACHES + OS_NUM + CH_NUM
};
/* Users who came to each step, by group. */
void bank_funnel_users(const struct cdp_bank *b,
		       uint64_t users[FUNNELS][FUNNEL_GROUPS][STEPS_MAX]);

/* --- dirt (bank_dirt.c) --- */

enum cdp_bank_file bank_file_of(const struct cdp_bank_event *ev);
void bank_dirt_day(struct cdp_bank *b);
/* Spoil the line that starts at out->p + from. */
void bank_spoil(struct cdp_bank *b, struct cdp_buf *out, size_t from,
		const struct cdp_bank_item *item);

/* --- text --- */

int64_t bank_ms(const struct cdp_bank *b, int32_t day, uint32_t ms); /* epoch */
void bank_add_time(struct cdp_buf *out, int64_t epoch_ms);  /* canonical, with quotes */
void bank_add_date(struct cdp_buf *out, int64_t civil_day); /* YYYY-MM-DD */
void bank_add_money(struct cdp_buf *out, int64_t cents);
void bank_add_digits(struct cdp_buf *out, uint64_t v, unsigned width);

/* Append a string literal. */
#define ADD(b, lit) cdp_buf_add((b), (lit), sizeof(lit) - 1)

#endif
