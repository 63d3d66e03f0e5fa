/* Audiences that are cut by rank while records come: what one customer does moves others.
 */
#include "base/mem.h"
#include "cli/segment_whole_priv.h"

#include <stdlib.h>
#include <string.h>

void segment_cuts_begin(struct segment_following *w, const uint64_t *wanted)
{
	const struct cdp_segments *s = w->f->set;
	struct segment_whole *o = w->whole;
	uint64_t *needed = cdp_segments_needed(s, wanted);

	o->wanted = wanted;
	o->cuts = cdp_livecuts_new(s, needed);
	for (unsigned i = 0; o->cuts && i < s->count; i++)
		for (size_t k = 0; cdp_bit(needed, i) && k < s->v[i].needs.n; k++)
			o->referred |= s->v[s->v[i].needs.v[k]].cut > CDP_CUT_SAMPLE;
	if (o->cuts) {
		o->told = cdp_calloc(cdp_bit_words(o->cuts->count), sizeof(*o->told));
		o->changes = cdp_calloc(o->cuts->count, sizeof(*o->changes));
	}
	free(needed);
}

void segment_cuts_end(struct segment_whole *o)
{
	cdp_livecuts_free(o->cuts);
	free(o->told);
	free(o->changes);
}

void segment_cuts_rank(struct segment_following *w, struct cdp_rec *is)
{
	struct segment_whole *o = w->whole;
	uint32_t who = cdp_livecuts_customer(o->cuts, o->key, o->key_n);

	if (o->turning)
		cdp_livecuts_tell(o->cuts, w->live, who);
	else
		cdp_livecuts_rank(o->cuts, w->live, who, is, o->told);
}

/* ---- others ---- */

/* All that was noted of the one whose flip this is; who is both in and out again was not
 * moved. */
static bool take_flips(struct segment_whole *o, size_t at, uint32_t who)
{
	struct cdp_livecuts *c = o->cuts;
	bool any = false;

	for (size_t i = at; i < c->flip_count; i++) {
		struct cdp_livecut_flip *f = &c->flips[i];

		if (f->customer != who)
			continue;
		o->told[f->cut / 64] ^= (uint64_t)1 << f->cut % 64;
		f->customer = CDP_NOBODY;
	}
	for (size_t i = 0; i < cdp_bit_words(c->count); i++)
		any |= o->told[i] != 0;
	return any;
}

static int by_set(const void *a, const void *b)
{
	const struct cdp_live_change *x = a, *y = b;

	return x->set < y->set ? -1 : x->set > y->set;
}

/* Nobody refers to the cuts, so nothing else changed. */
static void tell_flips(struct segment_following *w, int64_t as_of, struct cdp_buf *out,
		       uint64_t *lines)
{
	struct segment_whole *o = w->whole;
	struct cdp_livecuts *c = o->cuts;
	uint32_t who = cdp_livecuts_customer(c, o->key, o->key_n);
	size_t n = 0;

	for (uint32_t i = 0; i < c->count; i++)
		if (cdp_bit(o->told, i) && cdp_bit(o->wanted, c->sets[i]))
			o->changes[n++] =
				(struct cdp_live_change){ c->sets[i],
							  cdp_livecuts_is_in(c, i, who) };
	if (n)
		qsort(o->changes, n, sizeof(*o->changes), by_set);
	*lines += segment_follow_write(w, o->key, o->key_n, as_of, o->changes, n, out);
}

static int tell_other(struct segment_following *w, int64_t as_of, struct cdp_buf *out,
		      uint64_t *lines, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;

	if (!o->referred) {
		tell_flips(w, as_of, out, lines);
		return 0;
	}
	if (segment_whole_row(w, &o->rows->now, err) < 0 ||
	    segment_whole_profile(w, err) < 0)
		return -1;
	return segment_whole_decide(w, &o->profile, &o->profile, as_of, out, lines, err);
}

/* Those may move yet others in cuts that refer to cuts. */
int segment_cuts_others(struct segment_following *w, int64_t as_of, struct cdp_buf *out,
			uint64_t *lines, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct cdp_livecuts *c = o->cuts;

	if (!c)
		return 0;
	for (size_t i = 0; i < c->flip_count; i++) {
		uint32_t who = c->flips[i].customer;
		int rc;

		if (who == CDP_NOBODY || !take_flips(o, i, who))
			continue;
		o->key = cdp_intern_key(c->keys, who, &o->key_n);
		rc = tell_other(w, as_of, out, lines, err);
		memset(o->told, 0, cdp_bit_words(c->count) * sizeof(*o->told));
		if (rc < 0)
			return -1;
	}
	c->flip_count = 0;
	return 0;
}

/* ---- all ---- */

struct ranking {
	struct segment_following *w;
	unsigned step;
};

static int rank_customer(void *ctx, const char *key, size_t n, struct cdp_err *err)
{
	const struct ranking *r = ctx;
	struct segment_following *w = r->w;
	struct segment_whole *o = w->whole;

	o->key = key;
	o->key_n = n;
	if (segment_whole_row(w, &o->rows->now, err) < 0 ||
	    segment_whole_profile(w, err) < 0)
		return -1;
	if (!o->profiled && !o->is.gathered)
		return 0;
	cdp_live_begin(w->live, key, n);
	if (cdp_live_rows(w->live, &o->was, &o->is, err) < 0)
		return -1;
	cdp_live_is(w->live, &o->profile);
	cdp_livecuts_add(o->cuts, w->live, cdp_livecuts_customer(o->cuts, key, n),
			 &o->profile, r->step);
	return 0;
}

int segment_cuts_rank_all(struct segment_following *w, struct cdp_err *err)
{
	struct ranking r = { .w = w };
	int rc = 0;

	cdp_livecuts_begin(w->whole->cuts);
	for (; r.step < w->f->set->steps && rc == 0; r.step++)
		rc = cdp_livekeep_each(w->whole->keep, rank_customer, &r, err);
	return rc < 0 ? -1 : 0;
}

void segment_cuts_ranked(struct segment_following *w)
{
	if (w->whole->cuts)
		cdp_livecuts_end(w->whole->cuts);
}
