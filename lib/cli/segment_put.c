#include "cli/segment_put.h"

#include <string.h>

#include "base/mem.h"

void cdp_segment_put_check(struct cdp_cli *cli, const struct cdp_segment_put_opts *o,
			   const struct cdp_segment_store_opts *store, bool runs)
{
	if (o->kind && !o->import)
		cdp_cli_usage(cli, "--kind needs --import");
	if (!o->import)
		return;
	if (runs || !store->dir)
		cdp_cli_usage(cli, "--import needs --store DIR, and no -d: definitions "
				   "name their lists themselves");
	if (store->only.n != 1)
		cdp_cli_usage(cli, "--import needs one --segment NAME");
	if (store->exprs.n || store->list || store->changes || store->count)
		cdp_cli_usage(cli, "--import excludes -e, --list, --changes and --count");
	if (o->kind && *o->import == '{')
		cdp_cli_usage(cli, "--kind: --import says of which kind the ids are");
}

/* --- the definition --- */

static json_t *import_of(const struct cdp_segment_put_opts *o, const char *key,
			 struct cdp_err *err)
{
	if (*o->import == '{')
		return cdp_tree_parse(o->import, strlen(o->import), "--import", err);
	return json_pack("{s:[s],s:s}", "files", o->import, "kind",
			 o->kind ? o->kind : key);
}

static struct cdp_segments *define(const struct cdp_segment_put_opts *o, const char *name,
				   struct cdp_paths *paths,
				   const struct cdp_segments_given *given,
				   struct cdp_err *err)
{
	struct cdp_segments *set = NULL;
	json_t *import, *root;

	err->kind = CDP_ERR_NONE;
	import = import_of(o, given->key, err);
	root = import ? json_pack("{s:[{s:s,s:o}]}", "segments", "name", name, "import",
				  import)
		      : NULL;
	if (root)
		set = cdp_segments_of(root, paths, given, err);
	else if (err->kind == CDP_ERR_NONE)
		cdp_err_set(err, CDP_ERR_USAGE, "--import: names must be UTF-8");
	json_decref(root);
	return set;
}

/* --- the version --- */

struct put {
	struct cdp_segment_store_opts *store; /* `before` is the version */
	const struct cdp_segments *set;
	struct cdp_members *members;
	struct cdp_bitmap *now; /* who is in the audience */
};

/* The customer's ordinal if there is a profile; 1, 0 or -1. */
static int find(const struct put *p, const char *key, size_t n, uint32_t *ordinal,
		struct cdp_err *err)
{
	struct cdp_keydict *dict = cdp_segstore_dict(p->store->store);

	if (cdp_keydict_find(dict, key, n, ordinal, err) < 0)
		return -1;
	return *ordinal != CDP_INTERN_NONE &&
	       cdp_bitmap_has(cdp_segversion_all(p->store->before), *ordinal);
}

static bool has_profile(void *ctx, const char *one_id, size_t n)
{
	struct cdp_err ignored; /* all keys have been read */
	uint32_t ordinal;

	return find(ctx, one_id, n, &ordinal, &ignored) > 0;
}

static uint64_t customers(void *ctx, unsigned segment)
{
	const struct put *p = ctx;

	(void)segment;
	return cdp_bitmap_count(p->now);
}

static int collect(struct put *p, struct cdp_err *err)
{
	unsigned bit = p->set->lists[0].given - p->set->defined;

	p->now = cdp_bitmap_new();
	for (uint32_t i = 0; i < cdp_members_count(p->members); i++) {
		uint32_t ordinal;
		size_t n;
		const char *key = cdp_members_key(p->members, i, &n);
		int rc = 0;

		if (cdp_bit(cdp_members_row(p->members, i), bit))
			rc = find(p, key, n, &ordinal, err);
		if (rc < 0)
			return -1;
		if (rc)
			cdp_bitmap_add(p->now, ordinal);
	}
	return 0;
}

static int put_new(const struct put *p, struct cdp_segstore_out *out, struct cdp_err *err)
{
	const struct cdp_segment *g = &p->set->v[0];

	return cdp_segstore_put(out, g->name, strlen(g->name), p->now, g->note,
				strlen(g->note), err);
}

static int put_old(const struct put *p, struct cdp_segstore_out *out, uint32_t i,
		   const struct cdp_segaudience *a, struct cdp_err *err)
{
	const struct cdp_bitmap *old = cdp_segversion_load(p->store->before, i, err);
	struct cdp_bitmap *b = old ? cdp_bitmap_copy(old) : NULL;
	int rc = b ? cdp_segstore_put(out, a->name, a->name_n, b, a->note, a->note_n, err)
		   : -1;

	cdp_bitmap_free(old);
	cdp_bitmap_free(b);
	return rc;
}

/* By name, as versions have them. */
static int order(const char *name, const struct cdp_segaudience *a)
{
	size_t n = strlen(name);
	int c = memcmp(name, a->name, n < a->name_n ? n : a->name_n);

	return c ? c : (n > a->name_n) - (n < a->name_n);
}

static int put_all(const struct put *p, struct cdp_segstore_out *out, struct cdp_err *err)
{
	const struct cdp_segversion *v = p->store->before;
	bool done = false;

	for (uint32_t i = 0; i < cdp_segversion_count(v); i++) {
		struct cdp_segaudience a;
		int c;

		if (cdp_segversion_at(v, i, &a, err) < 0)
			return -1;
		c = order(p->set->v[0].name, &a);
		if (c <= 0 && !done) {
			done = true;
			if (put_new(p, out, err) < 0)
				return -1;
		}
		if (c && put_old(p, out, i, &a, err) < 0)
			return -1;
	}
	return done ? 0 : put_new(p, out, err);
}

static int rewrite(const struct put *p, struct cdp_err *err)
{
	const struct cdp_segversion *v = p->store->before;
	struct cdp_time time = cdp_time_from_ms(cdp_segversion_time(v));
	struct cdp_bitmap *all = cdp_bitmap_copy(cdp_segversion_all(v));
	struct cdp_segstore_out *out =
		cdp_segstore_begin(p->store->store, time, all, err);

	cdp_bitmap_free(all);
	if (!out)
		return -1;
	if (put_all(p, out, err) == 0)
		return cdp_segstore_commit(out, err);
	cdp_segstore_abandon(out);
	return -1;
}

/* --- all --- */

static const char *key_of(const struct cdp_segment_store_opts *store)
{
	return store->key ? store->key : "one_id";
}

static int open_version(struct cdp_cli *cli, struct cdp_segment_store_opts *store,
			struct cdp_err *err)
{
	int64_t limit =
		cli->opt.as_of_given ? cdp_time_ms(cli->opt.run.as_of) : INT64_MAX;
	int rc;

	store->store = cdp_segstore_open(store->dir, true, err);
	rc = store->store && cdp_segstore_expect(store->store, key_of(store), err) == 0
		     ? cdp_segversion_latest(&store->before, store->store, limit, err)
		     : -1;
	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': there is no version%s",
				   store->dir,
				   cli->opt.as_of_given ? " up to that time" : "");
	if (rc < 0)
		return -1;
	return store->merges
		       ? cdp_segment_merges_read(cli, &store->merged, store->merges, err)
		       : 0;
}

/* Other audiences, whose members block, are those of the version. */
static int give_stored(struct put *p, struct cdp_err *err)
{
	for (unsigned i = p->set->defined; i < p->set->count; i++)
		if (!p->set->v[i].list &&
		    cdp_segment_store_give(p->store, p->set->v[i].name, p->members,
					   i - p->set->defined, err) < 0)
			return -1;
	return 0;
}

static int put(struct cdp_cli *cli, struct put *p,
	       const struct cdp_segment_import_opts *lists, struct cdp_err *err)
{
	const struct cdp_segment_import_asker asker = {
		.has_profile = has_profile, .customers = customers, .ctx = p, .rows = true
	};
	struct cdp_segment_import *im;
	const uint64_t wanted = 1;
	int rc = give_stored(p, err);

	if (rc < 0)
		return -1;
	rc = cdp_segment_import_read(cli, &im, lists, p->set, &wanted, p->members, err);
	if (rc == 0)
		rc = collect(p, err);
	if (rc == 0)
		rc = rewrite(p, err);
	if (rc == 0)
		rc = cdp_segment_import_tell(im, &asker, err);
	cdp_segment_import_free(im);
	return rc < 0 ? -1 : 0;
}

int cdp_segment_put(struct cdp_cli *cli, const struct cdp_segment_put_opts *o,
		    struct cdp_segment_import_opts *lists,
		    struct cdp_segment_store_opts *store, struct cdp_err *err)
{
	const struct cdp_segments_given given = { .knows = cdp_segment_store_knows,
						  .ctx = store,
						  .key = key_of(store) };
	struct cdp_paths *paths = cdp_paths_new();
	struct put p = { .store = store };
	struct cdp_segments *set = NULL;
	int rc = open_version(cli, store, err);

	if (rc == 0)
		set = define(o, store->only.v[0], paths, &given, err);
	if (!set)
		rc = rc > 0 ? 0 : -1; /* told */
	if (set) {
		p.set = set;
		p.members = cdp_members_new(set->count - set->defined);
		lists->store = store;
		rc = put(cli, &p, lists, err);
	}
	cdp_bitmap_free(p.now);
	cdp_members_free(p.members);
	cdp_segments_free(set);
	cdp_paths_free(paths);
	return rc;
}
