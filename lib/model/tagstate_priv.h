/* What the files of tagstate share. */
#ifndef CDP_MODEL_TAGSTATE_PRIV_H
#define CDP_MODEL_TAGSTATE_PRIV_H

#include "base/buf.h"
#include "io/blocks.h"
#include "io/tail.h"
#include "model/customers_priv.h"
#include "model/pane.h"
#include "model/tagstate.h"

#include <sys/stat.h>

/* Partials over all time up to the floor stand before those of panes. */
#define CDP_PANE_ALL INT64_MIN

struct tst_text {
	const char *p;
	size_t n;
};
struct tst_texts {
	struct tst_text *v;
	size_t n, cap;
};

struct tst_input {
	char *name;
	uint64_t hash, length; /* of the content; of a batch both 0 */
	struct stat st;        /* before it was looked at */
	bool looked;
	bool met; /* by cdp_tagstate_look_back() */
};

/* Something that began without history. */
struct tst_young {
	char *text;
	int64_t since_ms;
};

/* What was followed, and how far. */
struct tst_stream {
	char *name;
	struct cdp_tail_place place;
};
#define TST_NEVER INT64_MIN
#define TST_REPLACED -2 /* what the old file has of it goes, as -1; it is filled */
#define TST_UNTOLD 0

/* Texts are borrowed from the file's first block. */
struct tst_head {
	struct tst_text zone, key, entity;
	int64_t floor_ms; /* the earliest base time that can be asked for */
	struct tst_texts aggs, attributes, details, relations;
	bool links;     /* relations have their props */
	int64_t *panes; /* ascending */
	size_t pane_count, pane_cap;
};

struct tst_person {
	uint32_t into; /* itself: nobody else */
	bool now;      /* said by this run */
};

struct cdp_tagstate {
	struct cdp_tagstate_opts o;
	char *path; /* of the file */
	int lock;
	struct cdp_panes *panes;
	struct cdp_blocks *old; /* NULL: there is none yet */
	struct tst_head head;   /* of the old one */
	struct cdp_blocks_out *out;
	int64_t as_of_ms, floor_ms;
	/* by number in the old file; -1: gone */
	int32_t *agg_of, *attribute_of, *detail_of, *relation_of;
	char **dropped; /* what is asked for no longer */
	size_t dropped_count, dropped_cap;
	char **added; /* what the old file has nothing of that counts */
	size_t added_count, added_cap;
	struct tst_young *young;
	size_t young_count, young_cap;
	/* by number now, to be filled; NULL: the run fills nothing */
	bool *fill_agg, *fill_attribute, *fill_detail;
	struct tst_input *met; /* that were looked back at and are none of `inputs` */
	size_t met_count, met_cap;
	struct tst_input *inputs;
	size_t input_count, input_cap;
	struct tst_stream *streams;
	size_t stream_count, stream_cap;
	/* The base time up to which it was followed, or TST_NEVER; and what else the
	 * profiles that were told depend on (cdp_taglive_opts.stamp), or TST_UNTOLD. */
	int64_t followed_ms;
	uint64_t stamp;
	/* Persons that became others: names, and for each whom. */
	struct cdp_intern *names;
	struct tst_person *into;
	size_t into_cap;
	bool relations_taken;
	bool reading; /* what is joined is of this run */
	struct cdp_buf tmp;
};

extern const char tst_magic[CDP_BLOCKS_MAGIC];
/* The window of an aggregate before a base time (cdp_agg_window). */
void tst_window(const struct cdp_tagstate *s, const struct cdp_agg *a, int64_t as_of_ms,
		int64_t *from_ms, int64_t *to_ms);

struct tst_stream *tst_stream(const struct cdp_tagstate *s, const char *name);
/* The file anew, after it was written. */
int tst_reopen(struct cdp_tagstate *s, struct cdp_err *err);
/* Something that has no history from before. */
void tst_add_young(struct cdp_tagstate *s, const char *p, size_t n, int64_t since_ms);
/* The run has another base time. */
int tst_move(struct cdp_tagstate *s, struct cdp_err *err);

/* --- names --- */

/* An error for aggregates that cannot be kept. */
int tst_check_aggs(const struct cdp_tagstate *s, struct cdp_err *err);
/* The old file's numbers become those of now; what is new is as the options say. */
int tst_match_names(struct cdp_tagstate *s, struct cdp_err *err);

/* --- head --- */

void tst_head_write(const struct cdp_tagstate *s, const int64_t *panes, size_t n,
		    struct cdp_buf *out);
/* -1: a data error. */
int tst_head_read(struct cdp_tagstate *s, const char *p, size_t n, struct cdp_err *err);
void tst_head_release(struct tst_head *h);
/* Whom this person is by now. */
struct tst_text tst_resolve(const struct cdp_tagstate *s, const char *key, size_t n);

/* --- rows --- */

enum tst_fact_kind { TST_FORGET, TST_ATTRIBUTE, TST_DETAIL, TST_FACT_KINDS };

/* A partial that waits to be written. */
struct tst_part {
	int64_t pane;
	uint32_t agg, n;
	const char *p;
};

struct tst_parts {
	struct tst_part *v;
	size_t n, cap;
};

/* A row of the old file, under the key that it has by now. */
struct tst_old_row {
	struct tst_text key;
	const char *p, *end;
};

/* What was gathered of one customer in one pane. */
struct tst_fresh_row {
	struct tst_text key;
	int64_t pane; /* CDP_PANE_NONE: facts alone */
	uint32_t customer;
};

struct tst_merger {
	struct cdp_tagstate *s;
	const struct cdp_customers *fresh;
	struct cdp_customers *whole; /* what they are by now goes here; or NULL */
	bool writes;                 /* and into the new file */
	/* sources, each by key */
	struct tst_fresh_row *fresh_rows;
	size_t fresh_count, fresh_at;
	struct tst_old_row *moved;
	size_t moved_count, moved_cap, moved_at;
	struct tst_old_row next; /* of the old file, if has_next */
	bool has_next;
	const char *p, *end; /* the rest of its block */
	/* windows, by aggregate */
	int64_t floor_ms;
	int64_t *keep_from; /* panes before it are of no use any more */
	int64_t *count_from, *count_to;
	const struct cdp_agg **aggs;
	struct {
		uint32_t number; /* of the customer whose it is, + 1 */
		void *state;
	} * state_of;
	int64_t *panes; /* of the new file */
	size_t pane_count, pane_cap;
	/* the customer at hand */
	uint32_t number;
	int64_t last_pane; /* written, and its place */
	size_t pane_at;
	struct tst_parts ever, parts; /* of all time up to the floor; of panes */
	struct cdp_fact *facts[TST_FACT_KINDS];
	size_t fact_count[TST_FACT_KINDS], fact_cap[TST_FACT_KINDS];
	struct cdp_arena arena; /* texts of partials that were made for it */
	struct cdp_buf text, parts_out, body, block;
	char *state; /* of one aggregate, zeros */
	size_t state_size;
	struct cdp_err *err;
};

/* With the windows of the state's base time; `err` is where errors are told. */
void tst_merger_init(struct tst_merger *m, struct cdp_tagstate *s, struct cdp_err *err);
void tst_merger_release(struct tst_merger *m);
void tst_set_windows(struct tst_merger *m, int64_t as_of_ms, int64_t floor_ms);
/* As cdp_tagstate_merge(); `whole` may be NULL.  `fresh` is consumed. */
int tst_merge(struct cdp_tagstate *s, struct cdp_customers *fresh,
	      struct cdp_customers *whole, struct cdp_err *err);

/* A customer is begun, its parts and facts are added, then put where they go. */
void tst_begin_customer(struct tst_merger *m, struct tst_text key);
int tst_put_parts(struct tst_merger *m);
void tst_put_facts(struct tst_merger *m);

int tst_compare_texts(struct tst_text a, struct tst_text b); /* by bytes */
/* The second block: a byte, then relations; the first row is in the third. */
int tst_read_relations(struct tst_merger *m);
/* The old file from its first row on. */
int tst_rewind_old(struct tst_merger *m);
/* m->next becomes the next row whose customer is still called so. */
int tst_advance_old(struct tst_merger *m);
/* Fill m->moved, m->fresh_rows, m->panes. */
int tst_find_moved(struct tst_merger *m);
void tst_find_fresh(struct tst_merger *m);
void tst_find_panes(struct tst_merger *m);
/* The row at *p, which goes on behind it; false: damaged. */
bool tst_get_row(struct tst_old_row *row, const char **p, const char *end);
/* Add to the parts and facts of the customer at hand. */
void tst_add_fact(struct tst_merger *m, enum tst_fact_kind kind,
		  const struct cdp_fact *f);
void tst_take_states(struct tst_merger *m, const struct cdp_customers *from,
		     uint32_t customer, int64_t pane);
int tst_take_old(struct tst_merger *m, const struct tst_old_row *row);
void tst_take_fresh(struct tst_merger *m, const struct tst_fresh_row *row);

#endif
