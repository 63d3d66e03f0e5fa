#include "model/tagstate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "io/in.h"
#include "io/lock.h"
#include "model/tagstate_priv.h"

const char tst_magic[CDP_BLOCKS_MAGIC] = { 'c', 'd', 'p', 't', 'a', 'g', '1', '\n' };

void tst_window(const struct cdp_tagstate *s, const struct cdp_agg *a, int64_t as_of_ms,
		int64_t *from_ms, int64_t *to_ms)
{
	struct cdp_run run = *s->o.run;

	run.as_of = cdp_time_from_ms(as_of_ms);
	cdp_agg_window(a, &run, from_ms, to_ms);
}

bool cdp_tagstate_is_new(const struct cdp_tagstate *s)
{
	return !s->old;
}

const char *cdp_tagstate_path(const struct cdp_tagstate *s, const char *file,
			      struct cdp_buf *b)
{
	cdp_buf_reset(b);
	cdp_buf_addf(b, "%s/%s", s->o.dir, file);
	return cdp_buf_str(b);
}

/* --- opening --- */

static int take_lock(struct cdp_tagstate *s, struct cdp_err *err)
{
	if (mkdir(s->o.dir, 0777) < 0 && errno != EEXIST)
		return cdp_err_sys(err, errno, "%s", s->o.dir);
	s->lock = cdp_lock_take(cdp_tagstate_path(s, "run.lock", &s->tmp), err);
	return s->lock < 0 ? -1 : 0;
}

/* That of the run. */
static int take_base_time(struct cdp_tagstate *s, struct cdp_err *err)
{
	const struct cdp_run *run = s->o.run;
	int64_t day = cdp_zone_day(run->zone, run->as_of.s);

	if (cdp_zone_day_start(run->zone, day) != run->as_of.s || run->as_of.ns)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "a state knows whole days: the base time must be the "
				   "start of one in '%s'",
				   cdp_zone_name(run->zone));
	s->as_of_ms = run->as_of.s * 1000;
	s->floor_ms = cdp_zone_day_start(run->zone, day - CDP_TAGSTATE_BACK) * 1000;
	return 0;
}

/* --- opening --- */

static int check_floor(struct cdp_tagstate *s, struct cdp_err *err)
{
	char text[CDP_TIME_CANON];

	if (s->as_of_ms < s->head.floor_ms) {
		cdp_time_format(text, cdp_time_from_ms(s->head.floor_ms));
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' goes back to %.*s: an earlier base time needs "
				   "a pass over all history",
				   s->path, CDP_TIME_CANON, text);
	}
	if (s->floor_ms < s->head.floor_ms)
		s->floor_ms = s->head.floor_ms;
	return 0;
}

static bool is_text(struct tst_text t, const char *s)
{
	return t.n == strlen(s) && memcmp(t.p, s, t.n) == 0;
}

static int read_old(struct cdp_tagstate *s, struct cdp_err *err)
{
	const char *p;
	size_t n;
	int rc = cdp_blocks_open(&s->old, s->path, tst_magic, err);

	if (rc == 0 && s->o.new == CDP_TAGSTATE_FILL)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' is not there to be filled: a first run without "
				   "--fill reads all history",
				   s->path);
	if (rc <= 0)
		return rc;
	rc = cdp_blocks_next(s->old, &p, &n, err);
	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' is empty", s->path);
	if (rc < 0 || tst_head_read(s, p, n, err) < 0)
		return -1;
	if (!is_text(s->head.entity, s->o.entity))
		return cdp_err_set(err, CDP_ERR_USAGE, "'%s' is of '%.*s', not '%s'",
				   s->path, (int)s->head.entity.n, s->head.entity.p,
				   s->o.entity);
	if (!is_text(s->head.key, s->o.key))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' tells customers apart by '%.*s', not '%s'",
				   s->path, (int)s->head.key.n, s->head.key.p, s->o.key);
	if (s->o.followed && s->followed_ms > s->as_of_ms) {
		s->o.followed->as_of = cdp_time_from_ms(s->followed_ms);
		if (take_base_time(s, err) < 0)
			return -1;
	}
	return tst_match_names(s, err) < 0 || check_floor(s, err) < 0 ? -1 : 0;
}

/* The oldest instant that some later base time still parts from what is before it. */
static int64_t oldest(const struct cdp_tagstate *s)
{
	const struct cdp_aggs *aggs = s->o.set->aggs;
	int64_t ms = s->floor_ms;

	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		int64_t from, to;

		tst_window(s, cdp_aggs_at(aggs, i), s->floor_ms, &from, &to);
		if (from != INT64_MIN && from < ms)
			ms = from;
	}
	return ms;
}

struct cdp_tagstate *cdp_tagstate_open(const struct cdp_tagstate_opts *o,
				       struct cdp_err *err)
{
	struct cdp_tagstate *s = cdp_calloc(1, sizeof(*s));
	struct cdp_buf path;

	s->o = *o;
	s->lock = -1;
	s->followed_ms = TST_NEVER;
	s->names = cdp_intern_new(0);
	cdp_buf_init(&s->tmp, CDP_BUF_NOMAX);
	cdp_buf_init(&path, CDP_BUF_NOMAX);
	s->path = cdp_strdup(cdp_tagstate_path(s, "tags", &path));
	cdp_buf_release(&path);
	if (tst_check_aggs(s, err) < 0 || take_base_time(s, err) < 0 ||
	    take_lock(s, err) < 0 || read_old(s, err) < 0) {
		cdp_tagstate_close(s);
		return NULL;
	}
	s->reading = true;
	cdp_aggs_open(o->set->aggs);
	s->panes = cdp_panes_new(o->set->aggs, o->run->zone);
	cdp_panes_set_oldest(s->panes, oldest(s));
	return s;
}

/* What was read from the file, and what a file has more of. */
static void drop_old(struct cdp_tagstate *s)
{
	cdp_blocks_close(s->old);
	tst_head_release(&s->head);
	for (size_t i = 0; i < s->input_count; i++)
		free(s->inputs[i].name);
	for (size_t i = 0; i < s->dropped_count; i++)
		free(s->dropped[i]);
	for (size_t i = 0; i < s->stream_count; i++)
		free(s->streams[i].name);
	for (size_t i = 0; i < s->added_count; i++)
		free(s->added[i]);
	for (size_t i = 0; i < s->young_count; i++)
		free(s->young[i].text);
	free(s->dropped);
	free(s->added);
	free(s->young);
	free(s->inputs);
	free(s->streams);
	free(s->agg_of);
	free(s->attribute_of);
	free(s->detail_of);
	free(s->relation_of);
}

int tst_reopen(struct cdp_tagstate *s, struct cdp_err *err)
{
	int rc;

	drop_old(s);
	s->old = NULL;
	s->head = (struct tst_head){ 0 };
	s->dropped = NULL;
	s->inputs = NULL;
	s->streams = NULL;
	s->dropped_count = s->dropped_cap = s->input_count = s->input_cap = 0;
	s->stream_count = s->stream_cap = 0;
	s->added = NULL;
	s->young = NULL;
	s->added_count = s->added_cap = s->young_count = s->young_cap = 0;
	s->agg_of = s->attribute_of = s->detail_of = s->relation_of = NULL;
	s->reading = false;
	rc = read_old(s, err);
	s->reading = true;
	return rc;
}

int tst_move(struct cdp_tagstate *s, struct cdp_err *err)
{
	if (take_base_time(s, err) < 0 || (s->old && check_floor(s, err) < 0))
		return -1;
	cdp_panes_set_oldest(s->panes, oldest(s));
	return 0;
}

void cdp_tagstate_close(struct cdp_tagstate *s)
{
	if (!s)
		return;
	cdp_blocks_abandon(s->out);
	drop_old(s);
	if (s->lock >= 0)
		cdp_lock_release(s->lock);
	cdp_panes_free(s->panes);
	for (size_t i = 0; i < s->met_count; i++)
		free(s->met[i].name);
	free(s->met);
	free(s->fill_agg);
	free(s->fill_attribute);
	free(s->fill_detail);
	free(s->into);
	cdp_intern_free(s->names);
	cdp_buf_release(&s->tmp);
	free(s->path);
	free(s);
}

const char *cdp_tagstate_new(const struct cdp_tagstate *s, size_t i)
{
	return i < s->added_count ? s->added[i] : NULL;
}

const char *cdp_tagstate_young(const struct cdp_tagstate *s, size_t i, int64_t *since_ms)
{
	if (i >= s->young_count)
		return NULL;
	*since_ms = s->young[i].since_ms;
	return s->young[i].text;
}

const char *cdp_tagstate_dropped(const struct cdp_tagstate *s, size_t i)
{
	return i < s->dropped_count ? s->dropped[i] : NULL;
}

/* --- each input once --- */

/* Pieces of one size, however the content is read. */
static int hash_file(const char *path, uint64_t *hash, uint64_t *length,
		     struct cdp_err *err)
{
	char *operands[] = { (char *)path, NULL };
	struct cdp_in *in = cdp_in_new(operands, NULL);
	struct cdp_block b;
	struct cdp_buf piece;
	int rc;

	*hash = *length = 0;
	cdp_block_init(&b);
	cdp_buf_init(&piece, CDP_BUF_NOMAX);
	while ((rc = cdp_in_bytes(in, &b, err)) > 0) {
		for (size_t at = 0, n; at < b.len; at += n) {
			n = b.len - at;
			if (n > CDP_IN_BLOCK - piece.n)
				n = CDP_IN_BLOCK - piece.n;
			cdp_buf_add(&piece, b.data + at, n);
			if (piece.n == CDP_IN_BLOCK) {
				*hash = cdp_hash_stable(piece.p, piece.n, *hash);
				cdp_buf_reset(&piece);
			}
		}
		*length += b.len;
	}
	*hash = cdp_hash_stable(piece.p, piece.n, *hash);
	cdp_buf_release(&piece);
	cdp_block_release(&b);
	cdp_in_free(in);
	return rc;
}

static void add_input(struct cdp_tagstate *s, const struct tst_input *in)
{
	CDP_GROW(s->inputs, s->input_count, s->input_cap);
	s->inputs[s->input_count++] = *in;
}

static bool is_followed(const struct cdp_tagstate *s, const char *path)
{
	char *name = s->stream_count ? realpath(path, NULL) : NULL;
	bool is = name && tst_stream(s, name);

	free(name);
	return is;
}

int cdp_tagstate_look(struct cdp_tagstate *s, const char *path, const char **before,
		      struct cdp_err *err)
{
	struct tst_input in = { .looked = true };

	if (stat(path, &in.st) < 0)
		return cdp_err_sys(err, errno, "%s", path);
	if (is_followed(s, path))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "the state has followed '%s', and goes on with it by "
				   "--follow alone",
				   path);
	if (hash_file(path, &in.hash, &in.length, err) < 0)
		return -1;
	for (size_t i = 0; in.length && i < s->input_count; i++)
		if (s->inputs[i].hash == in.hash && s->inputs[i].length == in.length) {
			*before = s->inputs[i].name;
			return 1;
		}
	in.name = cdp_strdup(path);
	if (in.length)
		add_input(s, &in);
	else
		free(in.name);
	return 0;
}

static bool same_content(const struct tst_input *a, const struct tst_input *b)
{
	return a->length && a->hash == b->hash && a->length == b->length;
}

int cdp_tagstate_look_back(struct cdp_tagstate *s, const char *path, struct cdp_err *err)
{
	struct tst_input in = { .met = true };

	if (hash_file(path, &in.hash, &in.length, err) < 0)
		return -1;
	for (size_t i = 0; i < s->met_count; i++)
		if (same_content(&s->met[i], &in))
			return 2;
	for (size_t i = 0; i < s->input_count; i++) {
		bool before = s->inputs[i].met;

		if (!same_content(&s->inputs[i], &in))
			continue;
		s->inputs[i].met = true;
		return before ? 2 : 1;
	}
	if (!in.length)
		return 0;
	in.name = cdp_strdup(path);
	CDP_GROW(s->met, s->met_count, s->met_cap);
	s->met[s->met_count++] = in;
	return 0;
}

const char *cdp_tagstate_unmet(const struct cdp_tagstate *s, size_t i)
{
	for (size_t k = 0; k < s->input_count; k++)
		if (!s->inputs[k].met && i-- == 0)
			return s->inputs[k].name;
	for (size_t k = 0; k < s->stream_count; k++)
		if (i-- == 0)
			return s->streams[k].name;
	return NULL;
}

bool cdp_tagstate_has_batch(const struct cdp_tagstate *s, const char *name)
{
	for (size_t i = 0; i < s->input_count; i++)
		if (!s->inputs[i].length && strcmp(s->inputs[i].name, name) == 0)
			return true;
	return false;
}

/* What was followed under the name is the state's as well. */
static bool was_followed(const struct cdp_tagstate *s, const char *name)
{
	for (size_t i = 0; i < s->stream_count; i++)
		if (cdp_tail_is_standard(s->streams[i].name) &&
		    strcmp(s->streams[i].name + 1, name) == 0)
			return true;
	return false;
}

int cdp_tagstate_batch(struct cdp_tagstate *s, const char *name)
{
	struct tst_input in = { .hash = 0 };

	if (cdp_tagstate_has_batch(s, name) || was_followed(s, name))
		return 1;
	in.name = cdp_strdup(name);
	add_input(s, &in);
	return 0;
}

/* --- a run --- */

struct cdp_customers *cdp_tagstate_fresh(struct cdp_tagstate *s, unsigned threads)
{
	struct cdp_customers *c = cdp_customers_new(s->o.set, threads);

	cdp_customers_by_pane(c, s->panes);
	return c;
}

/* What was read may be more than what was looked at. */
static int check_inputs(const struct cdp_tagstate *s, struct cdp_err *err)
{
	struct stat st;

	for (size_t i = 0; i < s->input_count; i++) {
		const struct tst_input *in = &s->inputs[i];

		if (in->looked &&
		    (stat(in->name, &st) < 0 || st.st_size != in->st.st_size ||
		     st.st_mtim.tv_sec != in->st.st_mtim.tv_sec ||
		     st.st_mtim.tv_nsec != in->st.st_mtim.tv_nsec))
			return cdp_err_set(err, CDP_ERR_SYS,
					   "'%s' was written to while it was read: the "
					   "state stays what it was",
					   in->name);
	}
	return 0;
}

struct tst_stream *tst_stream(const struct cdp_tagstate *s, const char *name)
{
	for (size_t i = 0; i < s->stream_count; i++)
		if (strcmp(s->streams[i].name, name) == 0)
			return &s->streams[i];
	return NULL;
}

int cdp_tagstate_commit(struct cdp_tagstate *s, struct cdp_err *err)
{
	struct cdp_blocks_out *out = s->out;

	if (check_inputs(s, err) < 0)
		return -1;
	s->out = NULL;
	return cdp_blocks_finish(out, err);
}
