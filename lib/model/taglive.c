#include "model/taglive.h"

#include "base/hash.h"
#include "model/tagstate_view.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 512 }; /* profiles that are made together */

/* A customer of whom there is something new. */
struct touched {
	uint64_t digest; /* of the profile written last, if known; 0: none was */
	struct tst_chains chains;
	bool known, changed;
};

struct cdp_taglive {
	struct cdp_taglive_opts o;
	struct cdp_tagstate *s;
	struct tst_index index;
	struct cdp_customers *fresh;
	struct tst_new new;
	struct cdp_intern *keys; /* of those touched */
	struct touched *touched;
	size_t touched_cap;
	uint32_t *changed;
	size_t changed_count, changed_cap;
	uint32_t *owner; /* by number in fresh: who, in `keys` */
	size_t owner_cap;
	struct cdp_intern *joined;     /* who is told of after the next save */
	struct tst_merger now, before; /* windows of two base times */
	struct cdp_quiet *quiet;
	struct cdp_buf lines, out;
};

/* --- opening --- */

static int check_tag(const struct cdp_tag *t, struct cdp_err *err)
{
	const char *why = NULL;

	if (t->import)
		why = "its values come from a file";
	else if (t->program)
		why = "its values come from a program";
	else if (t->about.schedule)
		why = "it has a schedule";
	else if (t->functions.n)
		why = "it asks for the whole population";
	return why ? cdp_err_set(err, CDP_ERR_USAGE, "tag '%s' cannot be followed: %s",
				 t->name, why)
		   : 0;
}

static int check_tags(const struct cdp_tagset *set, struct cdp_err *err)
{
	for (unsigned i = 0; i < set->count; i++)
		if (check_tag(&set->tags[i], err) < 0)
			return -1;
	if (cdp_intern_count(set->relations))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "tags that ask for relations cannot be followed");
	return 0;
}

static void begin_fresh(struct cdp_taglive *l)
{
	l->fresh = cdp_tagstate_fresh(l->s, 1);
	l->new.fresh = l->fresh;
	l->new.count = 0;
	for (int k = 0; k < TST_FACT_KINDS; k++)
		l->new.facts[k].count = 0;
	l->keys = cdp_intern_new(0);
	l->changed_count = 0;
}

struct cdp_taglive *cdp_taglive_new(const struct cdp_taglive_opts *o, struct cdp_err *err)
{
	struct cdp_taglive *l;

	if (check_tags(o->set, err) < 0)
		return NULL;
	l = cdp_calloc(1, sizeof(*l));
	l->o = *o;
	l->s = o->state;
	if (l->s->stamp != o->stamp)
		l->s->followed_ms = TST_NEVER;
	tst_merger_init(&l->now, l->s, NULL);
	tst_merger_init(&l->before, l->s, NULL);
	cdp_buf_init(&l->lines, CDP_BUF_NOMAX);
	cdp_buf_init(&l->out, CDP_BUF_NOMAX);
	l->joined = cdp_intern_new(0);
	begin_fresh(l);
	if (tst_index_make(&l->index, l->s, err) == 0)
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
	tst_merger_release(&l->before);
	cdp_quiet_free(l->quiet);
	cdp_intern_free(l->keys);
	cdp_intern_free(l->joined);
	free(l->touched);
	free(l->changed);
	free(l->owner);
	cdp_buf_release(&l->lines);
	cdp_buf_release(&l->out);
	free(l);
}

/* --- what arrives --- */

struct cdp_customers *cdp_taglive_fresh(struct cdp_taglive *l)
{
	return l->fresh;
}

static uint32_t touch(struct cdp_taglive *l, const char *key, size_t n)
{
	struct tst_text t = tst_resolve(l->s, key, n);
	bool added;
	uint32_t i = cdp_intern_put(l->keys, t.p, t.n, &added);

	if (added) {
		CDP_GROW(l->touched, i, l->touched_cap);
		l->touched[i] = (struct touched){ 0 };
	}
	return i;
}

void cdp_taglive_touch(struct cdp_taglive *l, const char *key, size_t n)
{
	uint32_t i = touch(l, key, n);

	if (l->touched[i].changed)
		return;
	l->touched[i].changed = true;
	CDP_GROW(l->changed, l->changed_count, l->changed_cap);
	l->changed[l->changed_count++] = i;
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
		struct touched *t = &l->touched[who];

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
		struct touched *t = &l->touched[l->owner[f->v[i].customer]];

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

/* --- views: some customers as they are --- */

static void begin_view(struct cdp_taglive *l, struct tst_merger *m)
{
	m->whole = cdp_customers_new(l->o.set, 1);
	memset(m->state_of, 0, cdp_aggs_count(l->o.set->aggs) * sizeof(*m->state_of));
}

/* `row`, `new`: may be NULL. */
static int add_to_view(const struct cdp_taglive *l, struct tst_merger *m,
		       struct tst_text key, const struct tst_old_row *row,
		       const struct tst_chains *new, struct cdp_err *err)
{
	m->err = err;
	tst_begin_customer(m, key);
	if (row && tst_take_old(m, row) < 0)
		return -1;
	if (new)
		tst_take_new(m, &l->new, new);
	if (tst_put_parts(m) < 0)
		return -1;
	tst_put_facts(m);
	return 0;
}

/* Calls for each of them with its profile. */
static void each_line(struct cdp_taglive *l, struct tst_merger *m,
		      const struct cdp_profile_spec *spec,
		      void (*call)(struct cdp_taglive *l, const char *key, size_t key_n,
				   const char *line, size_t n))
{
	struct cdp_profile_spec mine = *spec;
	struct cdp_profiler *p;

	cdp_customers_finish(m->whole);
	mine.customers = m->whole;
	p = cdp_profiler_new(&mine);
	for (uint32_t i = 0; i < cdp_customers_count(m->whole); i++) {
		size_t n;
		const char *key =
			cdp_customers_key(m->whole, cdp_customers_at(m->whole, i), &n);

		cdp_buf_reset(&l->lines);
		cdp_profiler_line(p, i, &l->lines);
		call(l, key, n, l->lines.p, l->lines.n);
	}
	cdp_profiler_free(p);
}

static void end_view(struct tst_merger *m)
{
	cdp_customers_free(m->whole);
	m->whole = NULL;
}

static struct cdp_profile_spec spec_for(const struct cdp_taglive *l)
{
	return (struct cdp_profile_spec){ .set = l->o.set,
					  .run = l->o.run,
					  .key = l->o.key,
					  .nulls = l->o.nulls,
					  .quiet = l->quiet };
}

/* --- profiles of those who were touched --- */

static struct touched *touched_of(struct cdp_taglive *l, const char *key, size_t n)
{
	return &l->touched[cdp_intern_get(l->keys, key, n)];
}

/* The key is the same anyhow, and the base time itself is no difference. */
static uint64_t digest(const char *line, size_t n)
{
	static const char as_of[] = ",\"as_of\":\"";
	const char *at = memmem(line, n, as_of, sizeof(as_of) - 1);
	size_t skip = (size_t)(at - line) + sizeof(as_of) - 1 + CDP_TIME_CANON;

	return cdp_hash_stable(line + skip, n - skip, 0) | 1;
}

static void learn(struct cdp_taglive *l, const char *key, size_t key_n, const char *line,
		  size_t n)
{
	touched_of(l, key, key_n)->digest = digest(line, n);
}

static void tell(struct cdp_taglive *l, const char *key, size_t key_n, const char *line,
		 size_t n)
{
	struct touched *t = touched_of(l, key, key_n);
	uint64_t d = digest(line, n);

	if (d == t->digest)
		return;
	t->digest = d;
	cdp_buf_add(&l->out, line, n);
}

static uint64_t count_lines(const struct cdp_buf *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

/* What was written of them: what the file says, and nothing is new since. */
static int learn_before(struct cdp_taglive *l, const uint32_t *who, size_t n,
			const struct cdp_profile_spec *spec, struct cdp_err *err)
{
	int rc = 0;

	begin_view(l, &l->now);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct touched *t = &l->touched[who[i]];
		struct tst_old_row row;
		struct tst_text key;

		if (t->known)
			continue;
		t->known = true;
		key.p = cdp_intern_key(l->keys, who[i], &key.n);
		if (tst_index_find(&l->index, key, &row))
			rc = add_to_view(l, &l->now, key, &row, NULL, err);
	}
	if (rc == 0)
		each_line(l, &l->now, spec, learn);
	end_view(&l->now);
	return rc;
}

static int tell_now(struct cdp_taglive *l, const uint32_t *who, size_t n,
		    const struct cdp_profile_spec *spec, struct cdp_err *err)
{
	int rc = 0;

	begin_view(l, &l->now);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct touched *t = &l->touched[who[i]];
		struct tst_old_row row;
		struct tst_text key;
		bool found;

		t->changed = false;
		key.p = cdp_intern_key(l->keys, who[i], &key.n);
		found = tst_index_find(&l->index, key, &row);
		/* Its record may have been rejected. */
		if (found || t->chains.number)
			rc = add_to_view(l, &l->now, key, found ? &row : NULL, &t->chains,
					 err);
	}
	if (rc == 0)
		each_line(l, &l->now, spec, tell);
	end_view(&l->now);
	return rc;
}

int cdp_taglive_changed(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
			struct cdp_err *err)
{
	struct cdp_profile_spec spec = spec_for(l);

	chain(l);
	for (size_t at = 0, n; at < l->changed_count; at += n) {
		n = l->changed_count - at < CHUNK ? l->changed_count - at : CHUNK;
		cdp_buf_reset(&l->out);
		if (learn_before(l, l->changed + at, n, &spec, err) < 0 ||
		    tell_now(l, l->changed + at, n, &spec, err) < 0)
			return -1;
		if (l->out.n)
			write(ctx, l->out.p, l->out.n, count_lines(&l->out));
	}
	l->changed_count = 0;
	return 0;
}

/* --- another base time --- */

/* Profiles of one chunk, at the base time before. */
struct was {
	struct cdp_intern *keys;
	uint64_t digest[CHUNK];
};

int64_t cdp_taglive_base(const struct cdp_taglive *l)
{
	return l->s->followed_ms;
}

/* The file's next rows in both views; how many. */
static int view_rows(struct cdp_taglive *l, bool both, size_t *at, const char **p,
		     struct cdp_err *err)
{
	struct tst_old_row row;
	int n = 0;

	begin_view(l, &l->now);
	if (both)
		begin_view(l, &l->before);
	while (n < CHUNK && tst_index_next(&l->index, at, p, &row)) {
		if (add_to_view(l, &l->now, row.key, &row, NULL, err) < 0 ||
		    (both && add_to_view(l, &l->before, row.key, &row, NULL, err) < 0))
			return -1;
		n++;
	}
	return n;
}

/* The touched, for as long as this takes, are the chunk's: what was written of them. */
static void note_before(struct cdp_taglive *l, const char *key, size_t key_n,
			const char *line, size_t n)
{
	touch(l, key, key_n);
	learn(l, key, key_n, line, n);
}

static void tell_any(struct cdp_taglive *l, const char *key, size_t key_n,
		     const char *line, size_t n)
{
	touch(l, key, key_n);
	tell(l, key, key_n, line, n);
}

static int turn_rows(struct cdp_taglive *l, const struct cdp_profile_spec *spec,
		     const struct cdp_profile_spec *old, cdp_taglive_write *write,
		     void *ctx, struct cdp_err *err)
{
	size_t at = 0;
	const char *p = NULL;
	int n;

	do {
		cdp_buf_reset(&l->out);
		n = view_rows(l, old != NULL, &at, &p, err);
		if (n > 0 && old)
			each_line(l, &l->before, old, note_before);
		if (n > 0)
			each_line(l, &l->now, spec, tell_any);
		end_view(&l->before);
		end_view(&l->now);
		cdp_intern_free(l->keys);
		l->keys = cdp_intern_new(0);
		if (l->out.n)
			write(ctx, l->out.p, l->out.n, count_lines(&l->out));
	} while (n > 0);
	return n;
}

int cdp_taglive_turn(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
		     struct cdp_err *err)
{
	struct cdp_quiet *quiet = l->quiet;
	int64_t before = l->s->followed_ms;
	struct cdp_run run = *l->o.run;
	struct cdp_profile_spec spec, old;
	int rc = 0;

	if (tst_move(l->s, err) < 0)
		return -1;
	tst_set_windows(&l->now, l->s->as_of_ms, l->s->floor_ms);
	old = spec_for(l);
	old.run = &run;
	if (before != TST_NEVER) {
		run.as_of = cdp_time_from_ms(before);
		tst_set_windows(&l->before, before, l->s->head.floor_ms);
	}
	l->quiet = cdp_quiet_new(l->o.set, l->o.run);
	spec = spec_for(l);
	if (before != l->s->as_of_ms)
		rc = turn_rows(l, &spec, before == TST_NEVER ? NULL : &old, write, ctx,
			       err);
	cdp_quiet_free(quiet);
	l->s->followed_ms = l->s->as_of_ms;
	return rc;
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

/* Somebody of that name has a profile. */
static bool is_there(const struct cdp_taglive *l, struct tst_text key)
{
	uint32_t i = cdp_intern_get(l->keys, key.p, key.n);
	struct tst_old_row row;

	return (i != CDP_INTERN_NONE && l->touched[i].chains.number) ||
	       tst_index_find(&l->index, key, &row);
}

void cdp_taglive_join(struct cdp_taglive *l, const char *from, size_t from_n,
		      const char *into, size_t into_n, cdp_taglive_write *write,
		      void *ctx)
{
	struct tst_text gone = { from, from_n };
	char as_of[CDP_TIME_CANON];

	if (tst_compare_texts(gone, (struct tst_text){ into, into_n }) == 0)
		return;
	if (is_there(l, gone)) {
		cdp_time_format(as_of, l->o.run->as_of);
		cdp_buf_reset(&l->out);
		cdp_buf_addc(&l->out, '{');
		cdp_json_key(&l->out, l->o.key);
		cdp_json_str(&l->out, from, from_n);
		cdp_json_key(&l->out, "as_of");
		cdp_json_str(&l->out, as_of, sizeof(as_of));
		cdp_buf_adds(&l->out, ",\"deleted\":true}\n");
		write(ctx, l->out.p, l->out.n, 1);
	}
	cdp_tagstate_join(l->s, from, from_n, into, into_n);
	cdp_intern_put(l->joined, from, from_n, NULL);
	cdp_intern_put(l->joined, into, into_n, NULL);
}

/* Those who were joined are changed, whatever was written of them. */
static void touch_joined(struct cdp_taglive *l)
{
	for (uint32_t i = 0; i < cdp_intern_count(l->joined); i++) {
		struct tst_text key;
		uint32_t who;

		key.p = cdp_intern_key(l->joined, i, &key.n);
		cdp_taglive_touch(l, key.p, key.n);
		key = tst_resolve(l->s, key.p, key.n);
		who = cdp_intern_get(l->keys, key.p, key.n);
		l->touched[who].known = true;
	}
	if (cdp_intern_count(l->joined)) {
		cdp_intern_free(l->joined);
		l->joined = cdp_intern_new(0);
	}
}

int cdp_taglive_save(struct cdp_taglive *l, struct cdp_err *err)
{
	struct cdp_customers *fresh = l->fresh;

	l->fresh = NULL;
	cdp_intern_free(l->keys);
	l->keys = NULL;
	/* Not all is told. */
	l->s->stamp = cdp_intern_count(l->joined) ? TST_UNTOLD : l->o.stamp;
	if (tst_merge(l->s, fresh, NULL, err) < 0 || cdp_tagstate_commit(l->s, err) < 0 ||
	    tst_reopen(l->s, err) < 0 || tst_index_make(&l->index, l->s, err) < 0)
		return -1;
	begin_fresh(l);
	touch_joined(l);
	return 0;
}
