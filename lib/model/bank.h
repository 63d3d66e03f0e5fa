/* A synthetic bank: customers, their devices, accounts and holdings, and what they do day
 * by day, with the dirt that real feeds have and the truth about all of it.
 *
 * The same configuration gives the same bytes on every machine: integers, tables and
 * cdp_rand only.  One day is in memory at a time (some 150 bytes an event), besides 60
 * bytes a person and 40 bytes a holding.  Civil days are those of Asia/Shanghai, which
 * has been eight hours ahead of UTC without a break since 1992.
 *
 * What can be counted in the output is planted so that it has one right answer:
 *  - every device, cookie and openid is used by one person, but for shared tablets; a
 *    customer logs in on each of them the first time it is used, so that complete
 * evidence joins it to its customer, and a visitor who never becomes a customer has just
 * one;
 *  - on a shared device nothing but an opened app and a page comes before the login;
 *  - events of one person on one client never happen at the same time; access logs have
 *    whole seconds and so have the times of what happens on the web.
 *
 * Use: new; start for each customer; then for each day in order: day, next until it says
 * no, the rows; at the end the exports and the truth. */
#ifndef CDP_MODEL_BANK_H
#define CDP_MODEL_BANK_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct cdp_bank_conf {
	uint64_t seed;
	uint64_t events;    /* distinct ones in all; 0 .. CDP_BANK_EVENTS_MAX */
	uint32_t customers; /* at the start; 1 .. CDP_BANK_CUSTOMERS_MAX */
	uint32_t days;      /* 1 .. CDP_BANK_DAYS_MAX */
	int64_t start;      /* first civil day, as cdp_days_from_civil() counts */
	/* Parts per million of the records of a file. */
	uint32_t late, duplicate, junk, malformed;
};

#define CDP_BANK_EVENTS_MAX 4000000000u
#define CDP_BANK_CUSTOMERS_MAX 50000000u
enum { CDP_BANK_DAYS_MAX = 3660, CDP_BANK_UTC_OFFSET = 8 * 3600 };

/* Where a record of an event goes. */
enum cdp_bank_file {
	CDP_BANK_SENSORS, /* Android app, mini program: lines of a Sensors SDK */
	CDP_BANK_SEGMENT, /* iOS app: messages of a Segment library */
	CDP_BANK_ACCESS,  /* web and H5: combined access log */
	CDP_BANK_CORE,    /* back end: NDJSON */
	CDP_BANK_FILES,
};

/* How a record is malformed. */
enum cdp_bank_fault {
	CDP_BANK_SOUND,
	CDP_BANK_CUT,    /* the end is missing */
	CDP_BANK_UTF8,   /* a byte that UTF-8 does not have */
	CDP_BANK_TYPE,   /* the time is no time */
	CDP_BANK_FUTURE, /* the time is in the year 2099 */
	CDP_BANK_FAULTS,
};

/* Rows that come along with a day, whole lines of NDJSON. */
enum cdp_bank_rows {
	CDP_BANK_HOLDINGS,  /* detail rows */
	CDP_BANK_PROFILES,  /* profile updates */
	CDP_BANK_CREDIT,    /* detail rows: cards, loans; of the start alone */
	CDP_BANK_RELATIONS, /* likewise, and what follows */
	CDP_BANK_ENTITIES,  /* merchants, enterprises, managers */
	CDP_BANK_LEDGER,    /* events of the 90 days before the base time */
	CDP_BANK_IDENTITY,  /* an id that showed up for the first time, and its person */
	CDP_BANK_ROWS,
};

struct cdp_bank;
struct cdp_bank_event;

/* NULL with a system error if the machine cannot encode GB18030. */
struct cdp_bank *cdp_bank_new(const struct cdp_bank_conf *conf, struct cdp_err *err);
void cdp_bank_free(struct cdp_bank *b);

/* The rows of customer i (0 .. conf.customers-1, each once, in order) before the first
 * day: profile, holdings, ids. */
void cdp_bank_start(struct cdp_bank *b, uint32_t i);
/* The buffer that such rows are appended to; the caller empties it when it likes. */
struct cdp_buf *cdp_bank_rows(struct cdp_bank *b, enum cdp_bank_rows which);
/* Without rows (for a stream of events only): same events, less work. */
void cdp_bank_no_rows(struct cdp_bank *b);

/* Simulate the next day. */
void cdp_bank_day(struct cdp_bank *b);

/* One record as it arrives in a file of this day. */
struct cdp_bank_item {
	const struct cdp_bank_event *ev; /* borrowed until the next day */
	int64_t time_ms;                 /* when it happened */
	int64_t arrived_ms;              /* when it was written */
	enum cdp_bank_file file;
	enum cdp_bank_fault fault;
	bool again; /* a duplicate of a record that came before */
};
/* 1 and *item, in order of arrival, or 0 at the end of the day. */
int cdp_bank_next(struct cdp_bank *b, struct cdp_bank_item *item);

/* Append the item as its file has it, with LF.  A login of an app takes several lines.
 * Lines are counted for the truth. */
void cdp_bank_write(struct cdp_bank *b, const struct cdp_bank_item *item,
		    struct cdp_buf *out);
/* Append the item as a canonical event (cdp-record(5)); with the person as one_id if
 * asked. */
void cdp_bank_write_event(struct cdp_bank *b, const struct cdp_bank_item *item,
			  bool one_id, struct cdp_buf *out);

/* --- exports at the end, of all customers that then are; faulty rows among them --- */

uint32_t cdp_bank_customers(const struct cdp_bank *b);
/* Row 0 is the header, row i + 1 is of customer i; call in order.  Customers are CSV in
 * GB18030 with LF, accounts in UTF-8 with a byte order mark and CRLF. */
void cdp_bank_customer_csv(struct cdp_bank *b, uint32_t row, struct cdp_buf *out);
void cdp_bank_account_csv(struct cdp_bank *b, uint32_t row, struct cdp_buf *out);
void cdp_bank_products(struct cdp_bank *b, struct cdp_buf *out); /* entity rows */

/* What was planted and what came of it: one JSON object, cdp-gen(1) lists the members. */
void cdp_bank_truth(struct cdp_bank *b, struct cdp_buf *out);

#endif
