#include "model/taglive_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Profiles that are made together; a program is started for each such lot. */
enum { CHUNK = 512, CHUNK_PROGRAMS = 16384 };

/* --- opening --- */

static const char *became(void *state, const char *key, size_t n, size_t *len)
{
	return cdp_tagstate_became(state, key, n, len);
}

/* What tags with a schedule have. */
static int open_kept(struct cdp_taglive *l, struct cdp_err *err)
{
	const struct cdp_tagkept_became persons = { became, l->s };
	const struct cdp_tagset *set = l->o.set;
	unsigned i = 0;
	struct cdp_buf path;

	while (i < set->count && !set->tags[i].about.schedule)
		i++;
	if (i == set->count)
		return 0;
	cdp_buf_init(&path, CDP_BUF_NOMAX);
	l->kept_path = cdp_strdup(cdp_tagstate_path(l->s, "scheduled", &path));
	cdp_buf_release(&path);
	l->kept = cdp_tagkept_new(set);
	if (access(l->kept_path, F_OK) < 0)
		l->s->followed_ms = TST_NEVER; /* as nothing that was written had */
	return cdp_tagkept_load(l->kept, l->kept_path, &persons, err);
}

static void begin_fresh(struct cdp_taglive *l)
{
	l->fresh = cdp_tagstate_fresh(l->s, 1);
	l->new.fresh = l->fresh;
	l->new.count = 0;
	for (int k = 0; k < TST_FACT_KINDS; k++)
		l->new.facts[k].count = 0;
	l->keys = cdp_intern_new(0);
	l->changed_count = l->joined_count = 0;
}

static void plan_passes(struct cdp_taglive *l)
{
	const struct cdp_tagset *set = l->o.set;

	for (unsigned i = 0; i < set->count; i++)
		l->programs |= set->tags[i].program != NULL;
	l->chunk = l->programs ? CHUNK_PROGRAMS : CHUNK;
	if (l->programs || cdp_pops_count(set->pops))
		l->population = cdp_population_new(set, 0);
}

struct cdp_taglive *cdp_taglive_new(const struct cdp_taglive_opts *o, struct cdp_err *err)
{
	struct cdp_taglive *l;

	l = cdp_calloc(1, sizeof(*l));
	l->o = *o;
	l->s = o->state;
	plan_passes(l);
	/* What the population was is kept by nobody. */
	if (l->s->stamp != o->stamp || cdp_pops_count(o->set->pops))
		l->s->followed_ms = TST_NEVER;
	tst_merger_init(&l->now, l->s, NULL);
	cdp_buf_init(&l->lines, CDP_BUF_NOMAX);
	cdp_buf_init(&l->out, CDP_BUF_NOMAX);
	begin_fresh(l);
	if (open_kept(l, err) == 0 && tst_index_make(&l->index, l->s, err) == 0)
		return l;
	cdp_taglive_free(l);
	return NULL;
}

void cdp_taglive_free(struct cdp_taglive *l)
{
	if (!l)
		return;
	cdp_customers_free(l->fresh);
	tst_new_release(&l->new);
	tst_index_release(&l->index);
	tst_merger_release(&l->now);
	cdp_quiet_free(l->quiet);
	cdp_population_free(l->population);
	cdp_intern_free(l->surveyed);
	cdp_tagkept_free(l->kept);
	free(l->kept_path);
	cdp_intern_free(l->keys);
	free(l->touched);
	free(l->changed);
	free(l->owner);
	free(l->joined);
	free(l->was);
	cdp_buf_release(&l->lines);
	cdp_buf_release(&l->out);
	free(l);
}

/* --- what arrives --- */

struct cdp_customers *cdp_taglive_fresh(struct cdp_taglive *l)
{
	return l->fresh;
}

/* Of this very name. */
static uint32_t touch_name(struct cdp_taglive *l, struct tst_text t)
{
	bool added;
	uint32_t i = cdp_intern_put(l->keys, t.p, t.n, &added);

	if (added) {
		CDP_GROW(l->touched, i, l->touched_cap);
		l->touched[i] = (struct tl_touched){ 0 };
	}
	return i;
}

static uint32_t touch(struct cdp_taglive *l, const char *key, size_t n)
{
	return touch_name(l, tst_resolve(l->s, key, n));
}

static void set_changed(struct cdp_taglive *l, uint32_t i)
{
	if (l->touched[i].changed)
		return;
	l->touched[i].changed = true;
	CDP_GROW(l->changed, l->changed_count, l->changed_cap);
	l->changed[l->changed_count++] = i;
}

void cdp_taglive_touch(struct cdp_taglive *l, const char *key, size_t n)
{
	set_changed(l, touch(l, key, n));
}

bool cdp_taglive_is_changed(const struct cdp_taglive *l)
{
	return l->changed_count > 0;
}

bool cdp_taglive_is_new(const struct cdp_taglive *l)
{
	return cdp_intern_count(l->keys) > 0;
}

/* Customers by pane that were added. */
static void chain_numbers(struct cdp_taglive *l)
{
	uint32_t count = cdp_intern_count(l->fresh->shards[0].keys);

	for (uint32_t i = l->new.count; i < count; i++) {
		size_t n;
		const char *key = cdp_customers_key(l->fresh, i, &n);
		uint32_t who = touch(l, key, n - CDP_PANE_BYTES);
		struct tl_touched *t = &l->touched[who];

		CDP_GROW(l->new.next, i, l->new.next_cap);
		CDP_GROW(l->owner, i, l->owner_cap);
		l->new.next[i] = t->chains.number;
		t->chains.number = i + 1;
		l->owner[i] = who;
	}
	l->new.count = count;
}

static void chain_facts(struct cdp_taglive *l, enum tst_fact_kind kind)
{
	const struct cdp_facts *f = tst_facts_of(l->fresh, kind);

	for (size_t i = l->new.facts[kind].count; i < f->n; i++) {
		struct tl_touched *t = &l->touched[l->owner[f->v[i].customer]];

		CDP_GROW(l->new.facts[kind].next, i, l->new.facts[kind].cap);
		l->new.facts[kind].next[i] = t->chains.facts[kind];
		t->chains.facts[kind] = (uint32_t)i + 1;
	}
	l->new.facts[kind].count = f->n;
}

static void chain(struct cdp_taglive *l)
{
	chain_numbers(l);
	for (int k = 0; k < TST_FACT_KINDS; k++)
		chain_facts(l, (enum tst_fact_kind)k);
}

/* --- persons that were joined since the state was saved --- */

static struct tst_text name_of(const struct cdp_taglive *l, uint32_t who)
{
	struct tst_text t;

	t.p = cdp_intern_key(l->keys, who, &t.n);
	return t;
}

static bool is_itself(const struct cdp_taglive *l, struct tst_text key)
{
	return tst_compare_texts(tst_resolve(l->s, key.p, key.n), key) == 0;
}

/* Of each, the others whose history is its by now. */
static void chain_joined(struct cdp_taglive *l)
{
	for (size_t i = 0; i < l->joined_count; i++)
		l->touched[l->joined[i]].also = 0;
	for (size_t i = 0; i < l->joined_count; i++) {
		uint32_t who = l->joined[i], into;
		struct tst_text key = name_of(l, who);

		into = touch(l, key.p, key.n);
		if (into == who)
			continue;
		l->touched[who].also = l->touched[into].also;
		l->touched[into].also = who + 1;
	}
}

static void note_joined(struct cdp_taglive *l, uint32_t who)
{
	if (l->touched[who].joined)
		return;
	l->touched[who].joined = true;
	CDP_GROW(l->joined, l->joined_count, l->joined_cap);
	l->joined[l->joined_count++] = who;
}

/* --- profiles of those who were touched --- */

static struct tl_touched *touched_of(struct cdp_taglive *l, struct tst_text key)
{
	return &l->touched[cdp_intern_get(l->keys, key.p, key.n)];
}

static void learn(struct cdp_taglive *l, uint32_t place, struct tst_text key,
		  const char *line, size_t n)
{
	(void)place;
	touched_of(l, key)->digest = tl_digest(line, n);
}

static void tell(struct cdp_taglive *l, uint32_t place, struct tst_text key,
		 const char *line, size_t n)
{
	struct tl_touched *t = touched_of(l, key);
	uint64_t d = tl_digest(line, n);

	(void)place;
	if (d == t->digest)
		return;
	t->digest = d;
	cdp_buf_add(&l->out, line, n);
}

/* What was written of them: what the file says, and nothing is new since. */
static int learn_before(struct cdp_taglive *l, const uint32_t *who, size_t n,
			struct cdp_err *err)
{
	int rc = 0;

	tl_begin_view(l);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct tl_touched *t = &l->touched[who[i]];
		struct tst_text key = name_of(l, who[i]);
		struct tst_old_row row;
		bool found;

		if (t->known)
			continue;
		t->known = true;
		found = tst_index_find(&l->index, key, &row);
		if (found || tl_is_known(l->o.lore, key))
			rc = tl_add_customer(l, key, found ? &row : NULL);
	}
	if (rc == 0)
		rc = tl_each_line(l, l->o.run, learn, err);
	tl_end_view(l);
	return rc;
}

static bool has_record(const struct cdp_taglive *l, uint32_t who)
{
	struct tst_old_row row;

	/* A record that was rejected is none. */
	return l->touched[who].chains.number ||
	       tst_index_find(&l->index, name_of(l, who), &row);
}

static int add_record(struct cdp_taglive *l, uint32_t who)
{
	struct tst_old_row row;
	bool found = tst_index_find(&l->index, name_of(l, who), &row);

	return tl_add_record(l, found ? &row : NULL, &l->touched[who].chains);
}

/* Somebody as of now, with those who became this one; nothing of who is nobody. */
static int add_now(struct cdp_taglive *l, uint32_t who)
{
	struct tst_text key = name_of(l, who);
	bool any = tl_is_known(l->o.lore, key);
	uint32_t first = is_itself(l, key) ? who + 1 : 0;

	for (uint32_t i = first; i && !any; i = l->touched[i - 1].also)
		any = has_record(l, i - 1);
	if (!any)
		return 0;
	tl_begin_customer(l, key);
	for (uint32_t i = first; i; i = l->touched[i - 1].also)
		if (add_record(l, i - 1) < 0)
			return -1;
	return tl_end_customer(l, key);
}

static int tell_now(struct cdp_taglive *l, const uint32_t *who, size_t n,
		    struct cdp_err *err)
{
	int rc = 0;

	tl_begin_view(l);
	for (size_t i = 0; i < n && rc == 0; i++) {
		l->touched[who[i]].changed = false;
		rc = add_now(l, who[i]);
	}
	if (rc == 0)
		rc = tl_each_line(l, l->o.run, tell, err);
	tl_end_view(l);
	return rc;
}

int cdp_taglive_changed(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
			struct cdp_err *err)
{
	l->now.err = err;
	chain(l);
	if (l->joined_count)
		chain_joined(l);
	for (size_t at = 0, n; at < l->changed_count; at += n) {
		n = l->changed_count - at < l->chunk ? l->changed_count - at : l->chunk;
		if (learn_before(l, l->changed + at, n, err) < 0 ||
		    tell_now(l, l->changed + at, n, err) < 0)
			return -1;
		tl_write_out(l, write, ctx);
	}
	l->changed_count = 0;
	return 0;
}

int64_t cdp_taglive_base(const struct cdp_taglive *l)
{
	return l->s->followed_ms;
}

/* --- the state --- */

const struct cdp_tail_place *cdp_taglive_place(const struct cdp_taglive *l, size_t i,
					       const char **name)
{
	if (i >= l->s->stream_count)
		return NULL;
	*name = l->s->streams[i].name;
	return &l->s->streams[i].place;
}

/* Files that are no more; what standard input held may come again. */
static void forget_files(struct cdp_tagstate *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->stream_count; i++) {
		struct tst_stream *t = &s->streams[i];

		if (!cdp_tail_is_standard(t->name) && access(t->name, F_OK) < 0)
			free(t->name);
		else
			s->streams[n++] = *t;
	}
	s->stream_count = n;
}

void cdp_taglive_set_places(struct cdp_taglive *l, const struct cdp_tail *tail)
{
	struct cdp_tagstate *s = l->s;
	struct cdp_tail_place place;
	const char *name;

	forget_files(s);
	for (size_t i = 0; cdp_tail_place(tail, i, &name, &place); i++) {
		struct tst_stream *t = tst_stream(s, name);

		if (!t) {
			CDP_GROW(s->streams, s->stream_count, s->stream_cap);
			t = &s->streams[s->stream_count++];
			t->name = cdp_strdup(name);
		}
		t->place = place;
	}
}

void cdp_taglive_join(struct cdp_taglive *l, const char *from, size_t from_n,
		      const char *into, size_t into_n, cdp_taglive_write *write,
		      void *ctx)
{
	struct tst_text gone = { from, from_n }, to = { into, into_n };
	bool there, told;
	uint32_t who;

	if (tst_compare_texts(gone, to) == 0)
		return;
	who = touch_name(l, gone);
	there = is_itself(l, gone) && (l->touched[who].there || has_record(l, who));
	told = there && !tl_is_known(l->o.lore, gone);
	if (told) {
		tl_put_gone(l, gone);
		tl_write_out(l, write, ctx);
	}
	cdp_tagstate_join(l->s, from, from_n, into, into_n);
	if (l->kept)
		cdp_tagkept_join(l->kept, gone.p, gone.n, to.p, to.n);
	note_joined(l, who);
	set_changed(l, who);
	if (told) {
		l->touched[who].known = true;
		l->touched[who].digest = 0;
	}
	note_joined(l, touch_name(l, to));
	who = touch(l, into, into_n);
	note_joined(l, who);
	l->touched[who].there |= there;
	set_changed(l, who);
}

int cdp_taglive_save(struct cdp_taglive *l, struct cdp_err *err)
{
	struct cdp_customers *fresh = l->fresh;

	l->fresh = NULL;
	cdp_intern_free(l->keys);
	l->keys = NULL;
	l->s->stamp = l->o.stamp;
	if (tst_merge(l->s, fresh, NULL, err) < 0 || cdp_tagstate_commit(l->s, err) < 0 ||
	    tst_reopen(l->s, err) < 0 || tst_index_make(&l->index, l->s, err) < 0)
		return -1;
	begin_fresh(l);
	return 0;
}

void cdp_taglive_set_stamp(struct cdp_taglive *l, uint64_t stamp)
{
	l->o.stamp = stamp;
}
