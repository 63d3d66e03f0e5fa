/* What the files of taglive share. */
#ifndef CDP_MODEL_TAGLIVE_PRIV_H
#define CDP_MODEL_TAGLIVE_PRIV_H

#include "model/taglive.h"
#include "model/tagstate_view.h"

/* A customer of whom there is something new. */
struct tl_touched {
	uint64_t digest; /* of the profile written last, if known; 0: none was */
	struct tst_chains chains;
	uint32_t also; /* + 1: the next of those who were joined with this one; 0: no more
			*/
	bool known, changed;
	bool joined; /* is in taglive.joined */
	bool there;  /* somebody of whom there was a record became this one */
};

struct cdp_taglive {
	struct cdp_taglive_opts o;
	struct cdp_tagstate *s;
	struct tst_index index;
	struct cdp_customers *fresh;
	struct tst_new new;
	struct cdp_intern *keys; /* of those touched */
	struct tl_touched *touched;
	size_t touched_cap;
	uint32_t *changed;
	size_t changed_count, changed_cap;
	uint32_t *owner; /* by number in fresh: who, in `keys` */
	size_t owner_cap;
	uint32_t *joined; /* of `keys`: who became somebody, or was become, since the save
			   */
	size_t joined_count, joined_cap;
	struct tst_merger now;
	struct cdp_quiet *quiet;
	struct cdp_buf lines, out;
	/* Functions over the population and programs, or NULL: there are none; and who
	 * was asked, by place in the censuses. */
	struct cdp_population *population;
	struct cdp_intern *surveyed;
	bool programs;
	/* Tags with a schedule, and where they stand; or NULL: there are none. */
	struct cdp_tagkept *kept;
	char *kept_path;
	bool turned;     /* cdp_taglive_turn() was called */
	const bool *due; /* while they are computed, by tag; else NULL */
	unsigned chunk;  /* profiles that are made together */
	/* What was written of everybody, in the order of cdp_taglive_note(). */
	uint64_t *was;
	size_t was_count, was_cap;
	const uint64_t *told; /* by place in the view */
};

/* --- views: some customers as they are (taglive_view.c) --- */

/* What is known of a customer from elsewhere. */
bool tl_is_known(const struct cdp_customers *lore, struct tst_text key);
void tl_begin_view(struct cdp_taglive *l);
/* A customer, and what was heard of it; `row`, `new` may be NULL. */
void tl_begin_customer(struct cdp_taglive *l, struct tst_text key);
int tl_add_record(struct cdp_taglive *l, const struct tst_old_row *row,
		  const struct tst_chains *new);
int tl_end_customer(struct cdp_taglive *l, struct tst_text key);
/* All three of one who is in the file, or in none. */
int tl_add_customer(struct cdp_taglive *l, struct tst_text key,
		    const struct tst_old_row *row);
void tl_end_view(struct cdp_taglive *l);

/* Calls for each of a view with its profile, by key. */
typedef void tl_call(struct cdp_taglive *l, uint32_t place, struct tst_text key,
		     const char *line, size_t n);
int tl_each_line(struct cdp_taglive *l, const struct cdp_run *run, tl_call *call,
		 struct cdp_err *err);
/* Puts a view, the next customers by key, into the censuses of a pass. */
int tl_survey_view(struct cdp_taglive *l, unsigned pass, struct cdp_err *err);
/* Keeps the values of tags that are due, of a view. */
int tl_keep_view(struct cdp_taglive *l, struct cdp_err *err);
/* Tags with a schedule (taglive_kept.c): those that are due when the day up to this base
 * time has ended are kept, for what is written from `from` on. */
int tl_keep_due(struct cdp_taglive *l, int64_t base_ms, int64_t from_ms,
		struct cdp_err *err);
/* What the former is made of (taglive_all.c): calls for views of everybody, at the run's
 * base time. */
int tl_each_view(struct cdp_taglive *l,
		 int (*call)(struct cdp_taglive *l, struct cdp_err *err),
		 struct cdp_err *err);
int tl_survey(struct cdp_taglive *l, struct cdp_err *err);
void tl_set_windows(struct cdp_taglive *l, int64_t as_of_ms);
/* Of a line, but for key and base time; never 0. */
uint64_t tl_digest(const char *line, size_t n);
/* The customer is no more. */
void tl_put_gone(struct cdp_taglive *l, struct tst_text key);
void tl_write_out(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx);

#endif
