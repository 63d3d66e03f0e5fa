#include "cli/segment_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/rows.h"
#include "cli/segment_list.h"
#include "model/keyorder.h"
#include "model/segalgebra.h"
#include "record/json.h"

/* A version that is being asked. */
struct asked {
	struct cdp_cli *cli;
	const struct cdp_segment_store_opts *o;
	struct cdp_segstore *store;
	struct cdp_segversion *v, *before; /* NULL: none before */
	struct cdp_keyorder *order;        /* made when customers are written */
	struct cdp_rows *rows;
	char as_of[CDP_TIME_CANON];
	struct cdp_buf line;
};

/* --- options --- */

void cdp_segment_store_check(struct cdp_cli *cli, const struct cdp_segment_store_opts *o,
			     bool runs, bool previous)
{
	const char *alone = o->exprs.n   ? "-e"
			    : o->list    ? "--list"
			    : o->search  ? "--search"
			    : o->changes ? "--changes"
			    : o->keep    ? "--keep"
					 : NULL;

	if (!o->dir && alone)
		cdp_cli_usage(cli, "%s needs --store DIR", alone);
	if (runs && (o->exprs.n || o->list || o->search))
		cdp_cli_usage(cli, "%s is for what is stored: not with -d", alone);
	if (!runs && o->keep)
		cdp_cli_usage(cli, "--keep needs -d: nothing else is stored");
	if (!runs && cli->operands[0])
		cdp_cli_usage(cli, "without -d no profiles are read: '%s'",
			      cli->operands[0]);
	if (o->merges && !previous && (!o->dir || !(o->changes || runs || o->imports)))
		cdp_cli_usage(cli, "--merges needs --previous, or --store and "
				   "--changes, -d or --import");
	if (o->search && !o->list)
		cdp_cli_usage(cli, "--search needs --list");
	if ((o->exprs.n > 0) + o->list + o->changes > 1)
		cdp_cli_usage(cli, "-e, --list and --changes exclude each other");
	if (o->exprs.n && o->only.n)
		cdp_cli_usage(cli, "-e and --segment exclude each other");
	if (o->changes && o->count)
		cdp_cli_usage(cli, "--changes and --count exclude each other");
}

/* --- writing --- */

static void write_members(struct asked *a, const char *one_id, size_t n,
			  const char *segment, size_t segment_n, const char *change)
{
	struct cdp_buf *b = &a->line;

	cdp_buf_reset(b);
	cdp_buf_addc(b, '{');
	cdp_json_key(b, cdp_segstore_key(a->store));
	cdp_json_str(b, one_id, n);
	cdp_json_key(b, "segment");
	cdp_json_str(b, segment, segment_n);
	cdp_json_key(b, "as_of");
	cdp_json_str(b, a->as_of, sizeof(a->as_of));
	if (change) {
		cdp_json_key(b, "change");
		cdp_json_cstr(b, change);
	}
	cdp_buf_adds(b, "}\n");
}

struct listing {
	struct asked *a;
	const char *segment;
	size_t segment_n;
	const struct cdp_bitmap *now; /* with changes: who is in it now */
};

/* -1 where output failed, which sticks: cdp_cli_finish() reports it. */
static int write_customer(void *ctx, uint32_t ordinal, const char *key, size_t n)
{
	struct listing *l = ctx;

	write_members(l->a, key, n, l->segment, l->segment_n,
		      !l->now                           ? NULL
		      : cdp_bitmap_has(l->now, ordinal) ? "entered"
							: "left");
	l->a->cli->counts.out++;
	return cdp_out_write(cdp_cli_out(l->a->cli), l->a->line.p, l->a->line.n);
}

static int write_set(struct asked *a, const struct cdp_bitmap *set,
		     const struct cdp_bitmap *now, const char *name, size_t n,
		     struct cdp_err *err)
{
	struct listing l = { a, name, n, now };

	err->kind = CDP_ERR_NONE;
	if (!a->order)
		a->order = cdp_keyorder_new(cdp_segstore_dict(a->store), err);
	if (a->order && cdp_keyorder_each(a->order, set, write_customer, &l, err) == 0)
		return 0;
	return err->kind == CDP_ERR_NONE ? 1 : -1;
}

static int write_count(struct asked *a, const char *name, size_t n, uint64_t count)
{
	uint64_t all = cdp_bitmap_count(cdp_segversion_all(a->v));

	cdp_rows_begin(a->rows, "segment");
	cdp_rows_str(a->rows, "segment", name, n);
	cdp_rows_int(a->rows, "customers", (int64_t)count);
	cdp_rows_share(a->rows, "share", all ? (double)count / (double)all : 0);
	return cdp_rows_end(a->rows) < 0;
}

/* --- audiences, one after the other: 0, 1 to stop, -1 --- */

static int each_members(struct asked *a, uint32_t i, const struct cdp_segaudience *au,
			struct cdp_err *err)
{
	const struct cdp_bitmap *set;
	int rc;

	if (a->o->count)
		return write_count(a, au->name, au->name_n, au->count);
	set = cdp_segversion_load(a->v, i, err);
	rc = set ? write_set(a, set, NULL, au->name, au->name_n, err) : -1;
	cdp_bitmap_free(set);
	return rc;
}

/* An audience that was not there before had no members. */
static int each_change(struct asked *a, uint32_t i, const struct cdp_segaudience *au,
		       struct cdp_err *err)
{
	int64_t at =
		a->before ? cdp_segversion_find(a->before, au->name, au->name_n) : -1;
	const struct cdp_bitmap *now = cdp_segversion_load(a->v, i, err), *was;
	struct cdp_bitmap *other;
	int rc = -1;

	was = at < 0 ? cdp_bitmap_new()
		     : cdp_segversion_load(a->before, (uint32_t)at, err);
	if (was && a->o->merged) {
		const struct cdp_bitmap *old = was;

		was = cdp_segment_merges_apply(a->o->merged, old);
		cdp_bitmap_free(old);
	}
	if (now && was) {
		other = cdp_bitmap_xor(now, was);
		rc = write_set(a, other, now, au->name, au->name_n, err);
		cdp_bitmap_free(other);
	}
	cdp_bitmap_free(now);
	cdp_bitmap_free(was);
	return rc;
}

static int each_entry(struct asked *a, uint32_t i, const struct cdp_segaudience *au,
		      struct cdp_err *err)
{
	(void)i;
	return cdp_segment_list_entry(
		&(struct cdp_segment_list){ .rows = a->rows,
					    .v = a->v,
					    .as_of = a->as_of,
					    .dir = a->o->dir,
					    .search = a->o->search },
		au, err);
}

typedef int each_audience(struct asked *a, uint32_t i, const struct cdp_segaudience *au,
			  struct cdp_err *err);

static int visit(struct asked *a, uint32_t i, each_audience *each, struct cdp_err *err)
{
	struct cdp_segaudience au;

	return cdp_segversion_at(a->v, i, &au, err) < 0 ? -1 : each(a, i, &au, err);
}

/* Those of --segment, else all by their names. */
static int visit_all(struct asked *a, each_audience *each, struct cdp_err *err)
{
	const struct cdp_strs *only = &a->o->only;
	int rc = 0;

	for (size_t i = 0; i < only->n && rc == 0; i++) {
		int64_t at = cdp_segversion_find(a->v, only->v[i], strlen(only->v[i]));

		rc = at < 0 ? cdp_segalgebra_unknown(a->v, only->v[i], err)
			    : visit(a, (uint32_t)at, each, err);
	}
	for (uint32_t i = 0; only->n == 0 && i < cdp_segversion_count(a->v) && rc == 0;
	     i++)
		rc = visit(a, i, each, err);
	return rc;
}

/* --- expressions --- */

/* EXPR of LABEL:=EXPR, and the label, if there is one. */
static const char *split(const char *text, char **label)
{
	size_t n = strcspn(text, "\"'[(&|!?:");

	*label = NULL;
	if (strncmp(text + n, ":=", 2) != 0)
		return text;
	*label = cdp_strndup(text, n);
	return text + n + 2;
}

static int answer_one(struct asked *a, const char *text, struct cdp_err *err)
{
	char *given;
	const char *expr = split(text, &given), *label = given;
	struct cdp_segalgebra *s = cdp_segalgebra_compile(expr, a->v, err);
	const struct cdp_bitmap *set = NULL;
	int rc = -1;

	if (!s)
		cdp_err_prefix(err, "-e");
	if (s && !label)
		label = cdp_segalgebra_name(s);
	if (!label)
		label = expr;
	if (s)
		set = cdp_segalgebra_members(s, err);
	if (set)
		rc = a->o->count
			     ? write_count(a, label, strlen(label), cdp_bitmap_count(set))
			     : write_set(a, set, NULL, label, strlen(label), err);
	cdp_bitmap_free(set);
	cdp_segalgebra_free(s);
	free(given);
	return rc;
}

/* --- what was asked for --- */

static void begin(struct asked *a, struct cdp_cli *cli,
		  const struct cdp_segment_store_opts *o)
{
	*a = (struct asked){ .cli = cli, .o = o };
	cdp_buf_init(&a->line, CDP_BUF_NOMAX);
}

static void end(struct asked *a)
{
	if (a->rows)
		cdp_rows_free(a->rows);
	cdp_keyorder_free(a->order);
	cdp_segversion_close(a->v);
	cdp_segversion_close(a->before);
	cdp_buf_release(&a->line);
}

/* The version up to `limit` and the one before it. */
static int choose(struct asked *a, int64_t limit, struct cdp_err *err)
{
	int rc = cdp_segversion_latest(&a->v, a->store, limit, err);

	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': there is no version%s",
				   a->o->dir,
				   a->cli->opt.as_of_given ? " up to that time" : "");
	if (rc < 0)
		return -1;
	cdp_time_format(a->as_of, cdp_time_from_ms(cdp_segversion_time(a->v)));
	if (!a->o->changes)
		return 0;
	limit = cdp_segversion_time(a->v) - 1;
	return cdp_segversion_latest(&a->before, a->store, limit, err) < 0 ? -1 : 0;
}

static int write_changes(struct asked *a, struct cdp_err *err)
{
	if (!a->before)
		cdp_cli_note(a->cli, "there is no version before: all members entered");
	if (a->o->merged &&
	    cdp_segment_merges_place(a->o->merged, cdp_segstore_dict(a->store), err) < 0)
		return -1;
	return visit_all(a, each_change, err) < 0 ? -1 : 0;
}

static int answer(struct asked *a, struct cdp_err *err)
{
	const struct cdp_segment_store_opts *o = a->o;
	int rc = 0;

	if (o->changes)
		return write_changes(a, err);
	if (o->list || o->count)
		a->rows = cdp_rows_new(a->cli);
	for (size_t i = 0; i < o->exprs.n && rc == 0; i++)
		rc = answer_one(a, o->exprs.v[i], err);
	if (o->exprs.n)
		return rc < 0 ? -1 : 0;
	return visit_all(a, o->list ? each_entry : each_members, err) < 0 ? -1 : 0;
}

static int read_merges(struct cdp_cli *cli, struct cdp_segment_store_opts *o,
		       struct cdp_err *err)
{
	return o->merges ? cdp_segment_merges_read(cli, &o->merged, o->merges, err) : 0;
}

int cdp_segment_store_answer(struct cdp_cli *cli, struct cdp_segment_store_opts *o,
			     struct cdp_err *err)
{
	int64_t limit =
		cli->opt.as_of_given ? cdp_time_ms(cli->opt.run.as_of) : INT64_MAX;
	struct asked a;
	int rc = read_merges(cli, o, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	begin(&a, cli, o);
	rc = -1;
	a.store = cdp_segstore_open(o->dir, false, err);
	if (a.store && (!o->key || cdp_segstore_expect(a.store, o->key, err) == 0) &&
	    choose(&a, limit, err) == 0)
		rc = answer(&a, err);
	end(&a);
	cdp_segstore_close(a.store);
	return rc;
}

/* --- keeping --- */

int cdp_segment_store_begin(struct cdp_cli *cli, struct cdp_segment_store_opts *o,
			    struct cdp_err *err)
{
	int64_t limit = cdp_time_ms(cli->opt.run.as_of) - !o->usage;

	if (o->reads && !o->usage && !cdp_segstore_exists(o->dir))
		return 0;
	o->store = cdp_segstore_open(o->dir, !o->reads, err);
	if (!o->store || cdp_segstore_expect(o->store, o->key, err) < 0 ||
	    cdp_segversion_latest(&o->before, o->store, limit, err) < 0)
		return -1;
	return read_merges(cli, o, err);
}

bool cdp_segment_store_knows(void *opts, const char *name, size_t n)
{
	const struct cdp_segment_store_opts *o = opts;

	return o->before && cdp_segversion_find(o->before, name, n) >= 0;
}

int cdp_segment_store_give(const struct cdp_segment_store_opts *o, const char *name,
			   struct cdp_members *members, unsigned bit, struct cdp_err *err)
{
	int64_t at = cdp_segversion_find(o->before, name, strlen(name));
	const struct cdp_bitmap *b = cdp_segversion_load(o->before, (uint32_t)at, err);
	struct cdp_keydict *dict = cdp_segstore_dict(o->store);
	uint32_t v[1024];
	uint64_t from = 0;
	size_t n = 0;
	int rc = b ? 0 : -1;

	while (rc == 0 && (n = cdp_bitmap_next(b, &from, v, 1024)))
		for (size_t i = 0; i < n && rc == 0; i++) {
			const char *key;
			size_t len;

			rc = cdp_keydict_key(dict, v[i], &key, &len, err);
			if (rc == 0 && o->merged)
				key = cdp_segment_merges_key(o->merged, key, len, &len);
			if (rc == 0)
				cdp_bit_set(cdp_members_put(members, key, len), bit);
		}
	cdp_bitmap_free(b);
	return rc;
}

void cdp_segment_store_release(struct cdp_segment_store_opts *o)
{
	cdp_segment_merges_free(o->merged);
	cdp_segversion_close(o->before);
	cdp_segstore_close(o->store);
	cdp_strs_release(&o->only);
	cdp_strs_release(&o->exprs);
}

struct named {
	const char *name;
	uint32_t i;
};

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct named *)x)->name, ((const struct named *)y)->name);
}

static int put(struct cdp_segstore_out *out, const struct cdp_segment_result *r,
	       const struct named *named, struct cdp_buf *note, struct cdp_err *err)
{
	const uint32_t *v;
	uint32_t n = r->members(r->ctx, named->i, &v);

	cdp_buf_reset(note);
	r->note(r->ctx, named->i, note);
	return cdp_segstore_put_sorted(out, named->name, strlen(named->name), v, n,
				       note->p, note->n, err);
}

static int put_all(struct cdp_segstore_out *out, const struct cdp_segment_result *r,
		   struct cdp_err *err)
{
	struct named *v = cdp_calloc((size_t)r->count + 1, sizeof(*v));
	struct cdp_buf note;
	int rc = 0;

	cdp_buf_init(&note, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < r->count; i++)
		v[i] = (struct named){ r->name(r->ctx, i), i };
	qsort(v, r->count, sizeof(*v), by_name);
	for (uint32_t i = 0; i < r->count && rc == 0; i++)
		rc = put(out, r, &v[i], &note, err);
	cdp_buf_release(&note);
	free(v);
	return rc;
}

static int store(struct asked *a, const struct cdp_segment_result *r, struct cdp_err *err)
{
	struct cdp_time as_of = a->cli->opt.run.as_of;
	uint32_t *ordinals = cdp_segstore_ordinals(a->store, &r->customers, err);
	uint32_t limit = cdp_keydict_count(cdp_segstore_dict(a->store));
	struct cdp_bitmap *all;
	struct cdp_segstore_out *out = NULL;
	int rc = -1;

	if (ordinals) {
		all = cdp_bitmap_of(ordinals, r->customers.count);
		out = cdp_segstore_begin(a->store, as_of, all, err);
		cdp_bitmap_free(all);
	}
	if (out) {
		r->renumber(r->ctx, ordinals, limit);
		if (put_all(out, r, err) < 0)
			cdp_segstore_abandon(out);
		else
			rc = cdp_segstore_commit(out, err);
		r->renumber(r->ctx, NULL, 0);
	}
	free(ordinals);
	if (rc == 0 && a->o->keep)
		rc = cdp_segstore_prune(a->store, (size_t)a->o->keep, cdp_time_ms(as_of),
					err);
	return rc;
}

int cdp_segment_store_keep(struct cdp_cli *cli, const struct cdp_segment_store_opts *o,
			   const struct cdp_segment_result *r, struct cdp_err *err)
{
	struct asked a;
	int rc;

	begin(&a, cli, o);
	a.store = o->store;
	rc = store(&a, r, err);
	if (rc == 0 && o->changes) {
		rc = choose(&a, cdp_time_ms(cli->opt.run.as_of), err);
		if (rc == 0)
			rc = write_changes(&a, err);
	}
	end(&a);
	return rc;
}
