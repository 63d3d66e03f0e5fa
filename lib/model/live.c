#include "model/live.h"

#include "base/mem.h"
#include "model/liveasks.h"
#include "model/liveindex.h"
#include "model/segcut.h"

#include <stdlib.h>
#include <string.h>

/* Profiles after which the index is made anew, with what was seen of its literals. */
enum { LEARN_FIRST = 64, LEARN_LAST = 4096 };
/* Audiences that are decided in a row. */
enum { FOUND = 64 };

/* What was, and what is. */
struct side {
	struct cdp_live *l;
	bool there;
	uint32_t *classes;
	uint64_t *planes;
	bool spread;    /* the planes are those of the classes */
	uint32_t *sets; /* by audience: twice the customer's stamp, and if it is in it */
	struct cdp_eval *ev;
	/* of rows; or NULL */
	struct cdp_liveknown *known;
	const struct cdp_livewindows *windows;
	struct cdp_liveasking *asking;
};

struct cdp_live {
	const struct cdp_segments *s;
	const struct cdp_members *given;
	const uint64_t *wanted;
	uint64_t *needed;
	struct cdp_livecols *cols;
	struct cdp_liveindex *index;
	struct cdp_liverows *rows; /* or NULL */
	struct cdp_liveasks *asks;
	uint32_t *weight; /* until the index was made anew */
	uint32_t learned;
	struct side was, is;
	/* the customer */
	const char *key;
	size_t key_n;
	const uint64_t *in; /* what was given, or NULL */
	uint32_t stamp;
	uint32_t *decided; /* by audience: the stamp */
	uint32_t found[FOUND];
	struct cdp_live_change *changes;
	uint32_t change_count, change_cap;
	struct cdp_live_change *turned; /* of audiences that others refer to */
	uint32_t turned_count, turned_cap;
};

/* ---- a customer's memberships ---- */

static bool holds(struct side *d, uint32_t set);

static bool is_in(struct side *d, uint32_t set)
{
	const struct cdp_live *l = d->l;
	uint32_t *known = &d->sets[set];

	if (l->s->v[set].rule == CDP_RULE_GIVEN)
		return d->there && l->in && cdp_bit(l->in, set - l->s->defined);
	if (*known >> 1 != l->stamp)
		*known = l->stamp << 1 | holds(d, set);
	return *known & 1;
}

static int value_of(struct side *d, uint32_t node);

/* An operand that decides makes errors of others vanish. */
static int junction(struct side *d, const struct cdp_rule *n, int decides)
{
	const uint32_t *kids = cdp_rule_kids(d->l->s->rules, n);
	bool failed = false;

	for (uint32_t i = 0; i < n->count; i++) {
		int v = value_of(d, kids[i]);

		if (v == decides)
			return v;
		failed |= v < 0;
	}
	return failed ? -1 : !decides;
}

/* 1, 0, or -1: an error. */
static int value_of(struct side *d, uint32_t node)
{
	const struct cdp_rules *r = d->l->s->rules;
	const struct cdp_livecols *c = d->l->cols;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	int v;

	switch ((enum cdp_rule_kind)n->kind) {
	case CDP_RULE_LEAF:
		if (cdp_live_bit(d->planes, c->bit[kids[0]]))
			return 1;
		return cdp_live_bit(d->planes, c->bit[kids[0]] + c->words * 64) ? 0 : -1;
	case CDP_RULE_SET:
		return is_in(d, kids[0]);
	case CDP_RULE_AND:
		return junction(d, n, 0);
	case CDP_RULE_OR:
		return junction(d, n, 1);
	case CDP_RULE_NOT:
		v = value_of(d, kids[0]);
		return v < 0 ? -1 : !v;
	default:
		v = value_of(d, kids[0]);
		return v < 0 ? -1 : value_of(d, kids[v ? 1 : 2]);
	}
}

static bool nodes_hold(struct side *d, const uint32_t *nodes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (value_of(d, nodes[i] & ~CDP_LIVE_MARK) != !(nodes[i] & CDP_LIVE_MARK))
			return false;
	return true;
}

static bool holds(struct side *d, uint32_t set)
{
	const struct cdp_live *l = d->l;
	const struct cdp_live_rule *r = &l->index->rules[set];
	const uint32_t *terms = l->index->terms + r->first;
	const struct cdp_segment *g = &l->s->v[set];
	bool one = false;

	if (!d->there)
		return false;
	for (uint32_t i = 0; i < r->literals; i++)
		if (!cdp_live_bit(d->planes, terms[i]))
			return false;
	terms += r->literals;
	for (uint32_t i = 0; i < r->grouped; i++) {
		one |= cdp_live_bit(d->planes, terms[i] & ~CDP_LIVE_MARK);
		if (!(terms[i] & CDP_LIVE_MARK))
			continue;
		if (!one)
			return false;
		one = false;
	}
	return nodes_hold(d, terms + r->grouped, r->nodes) &&
	       (g->cut != CDP_CUT_SAMPLE || cdp_segment_samples(g, l->key, l->key_n));
}

/* ---- what changed ---- */

static void note(struct cdp_live *l, uint32_t set, bool entered)
{
	const struct cdp_live_posts *users = &l->index->users;
	size_t at = 2 * (size_t)set;

	l->decided[set] = l->stamp;
	if (cdp_bit(l->wanted, set)) {
		CDP_GROW(l->changes, l->change_count, l->change_cap);
		l->changes[l->change_count++] = (struct cdp_live_change){ set, entered };
	}
	if (users->first[at] == users->first[at + 2])
		return;
	CDP_GROW(l->turned, l->turned_count, l->turned_cap);
	l->turned[l->turned_count++] = (struct cdp_live_change){ set, entered };
}

/* Those found: `alone` says that they were not in it without what led to them.  What is
 * read of each stands anywhere, so it is asked for ahead. */
static void decide_found(struct side *d, uint32_t n, bool alone)
{
	struct cdp_live *l = d->l;
	struct side *other = d == &l->is ? &l->was : &l->is;

	for (uint32_t i = 0; i < n; i++) {
		const struct cdp_live_rule *r = &l->index->rules[l->found[i]];

		__builtin_prefetch(l->index->terms + r->first);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t set = l->found[i];

		if (holds(d, set) && l->decided[set] != l->stamp &&
		    (alone || !holds(other, set)))
			note(l, set, d == &l->is);
	}
}

/* What is true on this side and not on the other made who is in these enter, or leave. */
static void decide_posts(struct side *d, const struct cdp_live_posts *p, uint32_t i,
			 bool alone)
{
	struct cdp_live *l = d->l;
	uint32_t n = 0;

	for (uint32_t k = p->first[i]; k < p->first[i + 1]; k++) {
		const struct cdp_live_post *x = &p->v[k];

		if (!cdp_live_bit(d->planes, x->watch[0]) ||
		    !cdp_live_bit(d->planes, x->watch[1]) ||
		    !cdp_live_bit(d->planes, x->watch[2]))
			continue;
		__builtin_prefetch(&l->index->rules[x->set]);
		l->found[n++] = x->set;
		if (n == FOUND) {
			decide_found(d, n, alone);
			n = 0;
		}
	}
	decide_found(d, n, alone);
}

static void turn_literal(struct cdp_live *l, uint32_t literal, bool now)
{
	struct side *d = now ? &l->is : &l->was;

	decide_posts(d, &l->index->plain, literal, true);
	decide_posts(d, &l->index->inner, literal, false);
}

/* To be in it and not to be in it are literals for those who refer to it. */
static void turn_set(struct cdp_live *l, uint32_t set, bool entered)
{
	decide_posts(entered ? &l->is : &l->was, &l->index->users, 2 * set, false);
	decide_posts(entered ? &l->was : &l->is, &l->index->users, 2 * set + 1, false);
}

static void turn_words(struct cdp_live *l, uint32_t first, uint32_t words)
{
	for (uint32_t plane = 0; plane < 2; plane++)
		for (uint32_t w = 0; w < words; w++) {
			uint32_t at = plane * l->cols->words + first + w;
			uint64_t is = l->is.planes[at];

			for (uint64_t t = is ^ l->was.planes[at]; t; t &= t - 1)
				turn_literal(l, at * 64 + (uint32_t)__builtin_ctzll(t),
					     (is & t & -t) != 0);
		}
}

/* There is a profile on this side alone. */
static void turn_all(struct side *d)
{
	struct cdp_live *l = d->l;

	for (uint32_t w = 0; w < 2 * l->cols->words; w++)
		for (uint64_t t = d->planes[w]; t; t &= t - 1)
			decide_posts(d, &l->index->rarest,
				     w * 64 + (uint32_t)__builtin_ctzll(t), true);
	for (uint32_t i = 0; i < l->index->always_count; i++)
		if (holds(d, l->index->always[i]))
			note(l, l->index->always[i], d == &l->is);
}

static void turn(struct cdp_live *l)
{
	const struct cdp_livecols *c = l->cols;

	if (l->was.there != l->is.there) {
		turn_all(l->is.there ? &l->is : &l->was);
		return;
	}
	for (uint32_t i = 0; i < c->count; i++)
		if (l->was.classes[i] != l->is.classes[i])
			turn_words(l, c->v[i].first, c->v[i].words);
	turn_words(l, c->asked_first, c->words - c->asked_first);
	for (uint32_t i = 0; i < l->turned_count; i++)
		turn_set(l, l->turned[i].set, l->turned[i].entered);
}

static int by_set(const void *a, const void *b)
{
	const struct cdp_live_change *x = a, *y = b;

	return x->set < y->set ? -1 : x->set > y->set;
}

/* ---- the planes ---- */

static void spread(struct side *d)
{
	const struct cdp_livecols *c = d->l->cols;

	if (d->there && !d->spread)
		cdp_livecols_spread(c, d->classes, 0, c->count, d->planes);
	d->spread = true;
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct side *d = host;

	if (cdp_rule_ask_kind((uint32_t)ref) != 0)
		return cdp_liveknown_fetch(d->known, ref, out, err);
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = is_in(d, (uint32_t)ref) };
	return 0;
}

static void look(struct side *d, struct cdp_rec *profile)
{
	struct cdp_livecols *c = d->l->cols;

	d->there = true;
	d->spread = false;
	cdp_livecols_look(c, profile, d->ev, d->classes);
	if (d->known) {
		cdp_liveknown_again(d->known);
		cdp_liveasking_fill(d->asking, d->planes);
	}
	if (c->mixed == c->count)
		return;
	cdp_livecols_spread(c, d->classes, 0, c->mixed, d->planes);
	cdp_livecols_look_mixed(c, profile, d->ev, d->classes, d->planes);
	d->spread = true;
}

static bool same_asked(const struct cdp_live *l)
{
	const struct cdp_livecols *c = l->cols;
	size_t size = (c->words - c->asked_first) * sizeof(uint64_t);

	return memcmp(l->was.planes + c->asked_first, l->is.planes + c->asked_first,
		      size) == 0 &&
	       memcmp(l->was.planes + c->words + c->asked_first,
		      l->is.planes + c->words + c->asked_first, size) == 0;
}

static bool is_same(const struct cdp_live *l)
{
	return l->change_count == 0 && l->turned_count == 0 &&
	       l->was.there == l->is.there &&
	       (!l->is.there || (memcmp(l->was.classes, l->is.classes,
					l->cols->count * sizeof(*l->is.classes)) == 0 &&
				 same_asked(l)));
}

/* The index with what was seen. */
static void learn(struct cdp_live *l)
{
	for (uint32_t w = 0; w < 2 * l->cols->words; w++)
		for (uint64_t t = l->is.planes[w]; t; t &= t - 1)
			l->weight[w * 64 + (uint32_t)__builtin_ctzll(t)]++;
	l->learned++;
	if (l->learned != LEARN_FIRST && l->learned != LEARN_LAST)
		return;
	cdp_liveindex_free(l->index);
	l->index = cdp_liveindex_new(l->s, l->cols, l->needed, l->weight);
	if (l->learned < LEARN_LAST)
		return;
	free(l->weight);
	l->weight = NULL;
}

/* ---- one customer after the other ---- */

static void want_leaves(const struct cdp_rules *r, uint32_t node, bool *seen,
			bool *wanted)
{
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);

	if (seen[node])
		return;
	seen[node] = true;
	if (n->kind == CDP_RULE_LEAF)
		wanted[kids[0]] = true;
	for (uint32_t i = 0; n->kind > CDP_RULE_SET && i < n->count; i++)
		want_leaves(r, kids[i], seen, wanted);
}

/* Of rules of the audiences `needed`, a set of bits; caller frees. */
static bool *wanted_leaves(const struct cdp_segments *s, const uint64_t *needed)
{
	bool *seen = cdp_calloc((size_t)s->rules->count + 1, sizeof(*seen));
	bool *wanted = cdp_calloc((size_t)s->rules->leaf_count + 1, sizeof(*wanted));

	for (uint32_t i = 0; i < s->count; i++)
		if (cdp_bit(needed, i) && s->v[i].rule != CDP_RULE_GIVEN)
			want_leaves(s->rules, s->v[i].rule, seen, wanted);
	free(seen);
	return wanted;
}

static void begin_side(struct cdp_live *l, struct side *d, const struct cdp_run *run)
{
	d->l = l;
	d->ev = cdp_eval_new(run);
	cdp_eval_set_host(d->ev, fetch, d);
	d->classes = cdp_calloc((size_t)l->cols->count + 1, sizeof(*d->classes));
	d->planes = cdp_calloc(2 * (size_t)l->cols->words + 1, sizeof(*d->planes));
	d->planes[2 * (size_t)l->cols->words] = 1;
	d->sets = cdp_calloc((size_t)l->s->count + 1, sizeof(*d->sets));
}

struct cdp_live *cdp_live_new(const struct cdp_segments *s, const uint64_t *wanted,
			      const struct cdp_members *given, const struct cdp_run *run)
{
	struct cdp_live *l = cdp_calloc(1, sizeof(*l));
	uint32_t *place = cdp_calloc((size_t)s->count + 1, sizeof(*place));
	bool *leaves;

	for (unsigned i = 0; i < s->count; i++)
		place[s->order[i]] = i;
	l->s = s;
	l->wanted = wanted;
	l->given = given;
	l->needed = cdp_segments_needed(s, wanted);
	leaves = wanted_leaves(s, l->needed);
	l->cols = cdp_livecols_new(s->rules, leaves, place);
	l->weight = cdp_liveindex_guess(l->cols);
	l->index = cdp_liveindex_new(s, l->cols, l->needed, l->weight);
	begin_side(l, &l->was, run);
	begin_side(l, &l->is, run);
	l->decided = cdp_calloc((size_t)s->count + 1, sizeof(*l->decided));
	free(place);
	free(leaves);
	return l;
}

void cdp_live_gather(struct cdp_live *l, struct cdp_liverows *rows)
{
	struct side *sides[] = { &l->was, &l->is };

	l->rows = rows;
	l->asks = cdp_liveasks_new(l->cols, rows->set);
	for (unsigned i = 0; i < 2; i++) {
		sides[i]->known = cdp_liveknown_new(rows, sides[i]->ev);
		sides[i]->asking =
			cdp_liveasking_new(l->asks, sides[i]->ev, sides[i]->known);
	}
}

/* ---- the base time ---- */

static void set_windows(struct side *d, const struct cdp_livewindows *w)
{
	struct cdp_err ignored; /* of nobody nothing is read */

	d->windows = w;
	cdp_eval_set_base(d->ev, cdp_time_from_ms(w->base_ms));
	cdp_liveknown_name(d->known, NULL, 0);
	cdp_liveknown_turn(d->known, NULL, w, &ignored);
	cdp_liveasking_turn(d->asking);
}

void cdp_live_turn(struct cdp_live *l, bool turning)
{
	set_windows(&l->was, turning ? &l->rows->before : &l->rows->now);
	set_windows(&l->is, &l->rows->now);
}

void cdp_live_free(struct cdp_live *l)
{
	struct side *sides[] = { &l->was, &l->is };

	for (unsigned i = 0; i < 2; i++) {
		free(sides[i]->classes);
		free(sides[i]->planes);
		free(sides[i]->sets);
		cdp_liveasking_free(sides[i]->asking);
		cdp_liveknown_free(sides[i]->known);
		cdp_eval_free(sides[i]->ev);
	}
	cdp_liveasks_free(l->asks);
	cdp_liveindex_free(l->index);
	cdp_livecols_free(l->cols);
	free(l->weight);
	free(l->needed);
	free(l->decided);
	free(l->changes);
	free(l->turned);
	free(l);
}

uint32_t cdp_live_columns(const struct cdp_live *l)
{
	return l->cols->count;
}

void cdp_live_begin(struct cdp_live *l, const char *key, size_t n)
{
	size_t size = l->s->count * sizeof(*l->decided);

	/* A stamp has one bit less than what it stands in. */
	if (++l->stamp > UINT32_MAX / 2) {
		l->stamp = 1;
		memset(l->was.sets, 0, size);
		memset(l->is.sets, 0, size);
		memset(l->decided, 0, size);
	}
	l->key = key;
	l->key_n = n;
	l->in = cdp_members_get(l->given, key, n);
	l->was.there = l->is.there = false;
	l->change_count = l->turned_count = 0;
}

int cdp_live_rows(struct cdp_live *l, struct cdp_liverow *was, struct cdp_liverow *is,
		  struct cdp_err *err)
{
	cdp_liveknown_name(l->was.known, l->key, l->key_n);
	cdp_liveknown_name(l->is.known, l->key, l->key_n);
	return cdp_liveknown_turn(l->was.known, was, l->was.windows, err) < 0 ||
			       cdp_liveknown_turn(l->is.known, is, l->is.windows, err) < 0
		       ? -1
		       : 0;
}

bool cdp_live_may_differ(struct cdp_live *l, const uint32_t *asks, size_t n)
{
	return cdp_liveasks_differ(l->asks, asks, n, l->was.asking, l->is.asking);
}

void cdp_live_was(struct cdp_live *l, struct cdp_rec *profile)
{
	look(&l->was, profile);
}

void cdp_live_was_classes(struct cdp_live *l, const uint32_t *classes)
{
	memcpy(l->was.classes, classes, l->cols->count * sizeof(*classes));
	l->was.there = true;
	l->was.spread = false;
}

void cdp_live_is(struct cdp_live *l, struct cdp_rec *profile)
{
	look(&l->is, profile);
}

bool cdp_live_holds(struct cdp_live *l, uint32_t set)
{
	spread(&l->is);
	return holds(&l->is, set);
}

double cdp_live_value(struct cdp_live *l, const struct cdp_expr *by,
		      struct cdp_rec *profile)
{
	double v = cdp_segcut_value(by, l->is.ev, profile);

	cdp_eval_reset(l->is.ev);
	cdp_liveknown_again(l->is.known);
	return v;
}

void cdp_live_cut(struct cdp_live *l, uint32_t set, bool was, bool is)
{
	l->was.sets[set] = l->stamp << 1 | was;
	l->is.sets[set] = l->stamp << 1 | is;
	if (was != is)
		note(l, set, is);
}

const uint32_t *cdp_live_classes(const struct cdp_live *l)
{
	return l->is.classes;
}

size_t cdp_live_decide(struct cdp_live *l, const struct cdp_live_change **v)
{
	*v = l->changes;
	if (is_same(l))
		return 0;
	spread(&l->was);
	spread(&l->is);
	turn(l);
	if (l->weight && l->is.there)
		learn(l);
	if (l->change_count)
		qsort(l->changes, l->change_count, sizeof(*l->changes), by_set);
	*v = l->changes;
	return l->change_count;
}
