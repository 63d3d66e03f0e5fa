/* Everybody: all profiles, and those that differ once something of which all profiles
 * are made is another. */
#include "model/taglive_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Customers of the state and of a lore, by key. */
struct walk {
	const struct tst_index *index;
	const struct cdp_customers *lore;
	size_t at;
	const char *p;
	struct tst_old_row row;
	bool has_row; /* not gone by yet */
	uint32_t next;
	/* the one at hand */
	struct tst_text key;
	bool in_state; /* it is `row` */
};

static void begin_walk(struct walk *w, const struct cdp_taglive *l)
{
	*w = (struct walk){ .index = &l->index, .lore = l->o.lore };
	w->has_row = tst_index_next(w->index, &w->at, &w->p, &w->row);
}

static bool next_known(const struct walk *w, struct tst_text *key)
{
	if (!w->lore || w->next == cdp_customers_count(w->lore))
		return false;
	key->p = cdp_customers_key(w->lore, cdp_customers_at(w->lore, w->next), &key->n);
	return true;
}

static bool step(struct walk *w)
{
	struct tst_text known;
	bool has_known = next_known(w, &known);
	int c;

	if (w->in_state)
		w->has_row = tst_index_next(w->index, &w->at, &w->p, &w->row);
	w->in_state = false;
	if (!w->has_row && !has_known)
		return false;
	c = !w->has_row ? 1 : !has_known ? -1 : tst_compare_texts(w->row.key, known);
	w->in_state = c <= 0;
	w->next += c >= 0;
	w->key = c <= 0 ? w->row.key : known;
	return true;
}

static int add_customer(struct cdp_taglive *l, const struct walk *w)
{
	return tl_add_customer(l, w->key, w->in_state ? &w->row : NULL);
}

/* The next ones in a view; how many. */
static int view_next(struct cdp_taglive *l, struct walk *w, struct cdp_err *err)
{
	int n = 0;

	l->now.err = err;
	tl_begin_view(l);
	for (; n < (int)l->chunk && step(w); n++)
		if (add_customer(l, w) < 0)
			return -1;
	return n;
}

int tl_each_view(struct cdp_taglive *l,
		 int (*call)(struct cdp_taglive *l, struct cdp_err *err),
		 struct cdp_err *err)
{
	struct walk w;
	int n;

	begin_walk(&w, l);
	do {
		n = view_next(l, &w, err);
		if (n > 0 && call(l, err) < 0)
			n = -1;
		tl_end_view(l);
	} while (n > 0);
	return n;
}

/* --- what was written --- */

static void note_line(struct cdp_taglive *l, uint32_t place, struct tst_text key,
		      const char *line, size_t n)
{
	(void)place, (void)key;
	CDP_GROW(l->was, l->was_count, l->was_cap);
	l->was[l->was_count++] = tl_digest(line, n);
}

void tl_set_windows(struct cdp_taglive *l, int64_t as_of_ms)
{
	const struct cdp_tagstate *s = l->s;

	tst_set_windows(&l->now, as_of_ms,
			s->old && as_of_ms != s->as_of_ms ? s->head.floor_ms
							  : s->floor_ms);
}

int cdp_taglive_note(struct cdp_taglive *l, struct cdp_err *err)
{
	struct cdp_run run = *l->o.run;
	struct walk w;
	int n;

	l->was_count = 0;
	if (l->s->followed_ms == TST_NEVER)
		return 0;
	run.as_of = cdp_time_from_ms(l->s->followed_ms);
	tl_set_windows(l, l->s->followed_ms);
	begin_walk(&w, l);
	do {
		n = view_next(l, &w, err);
		if (n > 0 && tl_each_line(l, &run, note_line, err) < 0)
			n = -1;
		tl_end_view(l);
	} while (n > 0);
	return n;
}

/* --- the population --- */

static uint32_t count_all(struct cdp_taglive *l)
{
	struct walk w;

	cdp_intern_free(l->surveyed);
	l->surveyed = cdp_intern_new(0);
	begin_walk(&w, l);
	while (step(&w))
		cdp_intern_put(l->surveyed, w.key.p, w.key.n, NULL);
	return cdp_intern_count(l->surveyed);
}

static int survey_pass(struct cdp_taglive *l, unsigned pass, struct cdp_err *err)
{
	struct walk w;
	int n;

	if (!cdp_population_functions(l->population, pass)->n)
		return 0;
	cdp_population_begin(l->population, pass);
	begin_walk(&w, l);
	do {
		n = view_next(l, &w, err);
		if (n > 0 && tl_survey_view(l, pass, err) < 0)
			n = -1;
		tl_end_view(l);
	} while (n > 0);
	cdp_population_end(l->population, pass);
	return n;
}

/* Programs alone ask nobody before their time. */
int tl_survey(struct cdp_taglive *l, struct cdp_err *err)
{
	const struct cdp_tagset *set = l->o.set;

	if (!l->population)
		return 0;
	cdp_population_free(l->population);
	l->population =
		cdp_population_new(set, cdp_pops_count(set->pops) ? count_all(l) : 0);
	for (unsigned k = 0; k < cdp_population_passes(l->population); k++)
		if (survey_pass(l, k, err) < 0)
			return -1;
	return 0;
}

/* --- what is to be written --- */

/* Beside those who are, those who were: of whom something was written. */
struct telling {
	struct walk is, was;
	bool any_is, any_was;
	size_t at;        /* in l->was */
	uint64_t *digest; /* by place in the view */
};

static void next_was(struct cdp_taglive *l, struct telling *t)
{
	t->at++;
	t->any_was = t->at < l->was_count && step(&t->was);
}

/* Those who were before the key are no more.  What was written of it. */
static uint64_t go_to(struct cdp_taglive *l, struct telling *t,
		      const struct tst_text *key)
{
	uint64_t digest;
	int c = 1;

	while (t->any_was && (!key || (c = tst_compare_texts(t->was.key, *key)) < 0)) {
		tl_put_gone(l, t->was.key);
		next_was(l, t);
	}
	if (!t->any_was || c > 0)
		return 0;
	digest = l->was[t->at];
	next_was(l, t);
	return digest;
}

static int view_tellings(struct cdp_taglive *l, struct telling *t, struct cdp_err *err)
{
	int n = 0;

	l->now.err = err;
	tl_begin_view(l);
	for (; t->any_is && n < (int)l->chunk; n++) {
		t->digest[n] = go_to(l, t, &t->is.key);
		if (add_customer(l, &t->is) < 0)
			return -1;
		t->any_is = step(&t->is);
	}
	if (!t->any_is)
		go_to(l, t, NULL);
	return n;
}

static void tell_line(struct cdp_taglive *l, uint32_t place, struct tst_text key,
		      const char *line, size_t n)
{
	(void)key;
	if (tl_digest(line, n) != l->told[place])
		cdp_buf_add(&l->out, line, n);
}

/* `before`: the lore of cdp_taglive_note(). */
static int tell_all(struct cdp_taglive *l, const struct cdp_customers *before,
		    cdp_taglive_write *write, void *ctx, struct cdp_err *err)
{
	struct telling t = { .digest = cdp_alloc(l->chunk * sizeof(*t.digest)) };
	int n;

	begin_walk(&t.is, l);
	begin_walk(&t.was, l);
	t.was.lore = before;
	t.any_is = step(&t.is);
	t.any_was = l->was_count && step(&t.was);
	l->told = t.digest;
	do {
		n = view_tellings(l, &t, err);
		if (n > 0 && tl_each_line(l, l->o.run, tell_line, err) < 0)
			n = -1;
		tl_end_view(l);
		tl_write_out(l, write, ctx);
	} while (n > 0);
	free(t.digest);
	l->told = NULL;
	return n;
}

/* `tells`: of what differs. */
static int renew(struct cdp_taglive *l, const struct cdp_customers *lore, bool tells,
		 cdp_taglive_write *write, void *ctx, struct cdp_err *err)
{
	const struct cdp_customers *before = l->o.lore;

	if (tst_move(l->s, err) < 0)
		return -1;
	l->o.lore = lore;
	tl_set_windows(l, l->s->as_of_ms);
	cdp_quiet_free(l->quiet);
	l->quiet = cdp_quiet_new(l->o.set, l->o.run);
	if (tl_survey(l, err) < 0 || (tells && tell_all(l, before, write, ctx, err) < 0))
		return -1;
	free(l->was);
	l->was = NULL;
	l->was_count = l->was_cap = 0;
	l->s->followed_ms = l->s->as_of_ms;
	return 0;
}

int cdp_taglive_renew(struct cdp_taglive *l, struct cdp_given *given,
		      const struct cdp_customers *lore, cdp_taglive_write *write,
		      void *ctx, struct cdp_err *err)
{
	l->o.given = given;
	return renew(l, lore, true, write, ctx, err);
}

int cdp_taglive_turn(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
		     struct cdp_err *err)
{
	int64_t base_ms = l->o.run->as_of.s * 1000, was = l->s->followed_ms;
	bool tells = was != base_ms;

	if (tells && cdp_taglive_note(l, err) < 0)
		return -1;
	/* At the start nothing of the day under way was read yet. */
	if (tells && l->turned && tl_keep_due(l, was, base_ms, err) < 0)
		return -1;
	l->turned = true;
	return renew(l, l->o.lore, tells, write, ctx, err);
}
