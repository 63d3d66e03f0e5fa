#include "model/carry.h"

#include "io/in.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct cdp_carry {
	struct cdp_carry_opts o;
	struct cdp_time as_of;
	bool any;                 /* there are profiles */
	struct cdp_intern *names; /* tags that the version computed now and then */
	const char **since;       /* by number: as of when */
	size_t since_cap;
	struct cdp_arena arena;
};

/* --- lines --- */

/* A pass over the profiles. */
struct pass {
	const struct cdp_carry *c;
	struct cdp_paths *paths;
	int key, as_of, computed, tags, models;
	struct cdp_in *in;
	struct cdp_scan *scan;
	uint64_t lines; /* of the blocks before */
};

static void begin(struct pass *p, const struct cdp_carry *c)
{
	char *files[] = { (char *)c->o.path, NULL };
	struct cdp_in_opts opts = { 0 };
	struct cdp_err ignored;

	*p = (struct pass){ .c = c, .paths = cdp_paths_new() };
	/* A name, not a path. */
	p->key = cdp_paths_add_keys(p->paths, (const char *[]){ c->o.key },
				    (size_t[]){ strlen(c->o.key) }, 1);
	p->as_of = cdp_paths_add(p->paths, "as_of", 5, &ignored);
	p->computed = cdp_paths_add(p->paths, "computed", 8, &ignored);
	p->tags = cdp_paths_add(p->paths, "tags", 4, &ignored);
	p->models = cdp_paths_add(p->paths, "models", 6, &ignored);
	p->in = cdp_in_new(files, &opts);
	p->scan = cdp_scan_new(p->paths);
}

static void end(struct pass *p)
{
	cdp_scan_free(p->scan);
	cdp_in_free(p->in);
	cdp_paths_free(p->paths);
}

/* The base time of a profile. */
static int read_as_of(const struct pass *p, struct cdp_rec *rec, struct cdp_time *t,
		      struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, p->as_of);

	if (v->type != CDP_STRING || !cdp_time_parse_canon(t, v->p, v->n) ||
	    cdp_rec_get(rec, p->tags)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "not a profile: no as_of, or no tags");
	return 0;
}

typedef int each_fn(void *ctx, struct pass *p, struct cdp_rec *rec, struct cdp_err *err);

/* Calls for every profile, until that returns 1; -1 with the error where it stands. */
static int each(struct pass *p, each_fn *fn, void *ctx, struct cdp_err *err)
{
	struct cdp_block b;
	struct cdp_rec rec;
	int rc;

	cdp_block_init(&b);
	while ((rc = cdp_in_block(p->in, &b, err)) > 0) {
		if (b.overlong) {
			rc = cdp_err_set(err, CDP_ERR_USAGE, "%s: a line is too long",
					 p->c->o.path);
			break;
		}
		cdp_scan_block(p->scan, b.data, b.len);
		while ((rc = cdp_scan_next(p->scan, &rec, err)) > 0 &&
		       (rc = fn(ctx, p, &rec, err)) == 0)
			;
		if (rc < 0) {
			err->kind = CDP_ERR_USAGE;
			cdp_err_prefix(err, "%s:%llu", p->c->o.path,
				       (unsigned long long)(p->lines + rec.line));
		}
		if (rc)
			break;
		p->lines += cdp_scan_lines(p->scan);
	}
	cdp_block_release(&b);
	return rc;
}

/* --- the head --- */

static int read_head(void *ctx, struct pass *p, struct cdp_rec *rec, struct cdp_err *err)
{
	struct cdp_carry *c = ctx;
	const struct cdp_val *computed = cdp_rec_get(rec, p->computed);
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct cdp_time t;
	struct cdp_buf name;

	if (read_as_of(p, rec, &c->as_of, err) < 0)
		return -1;
	c->any = true;
	cdp_buf_init(&name, CDP_BUF_NOMAX);
	while (computed->type == CDP_OBJECT && cdp_val_member(computed, &it, &key, &v)) {
		size_t n;
		const char *text = cdp_val_str(&key, &name, &n);
		uint32_t i;

		if (v.type != CDP_STRING || !cdp_time_parse_canon(&t, v.p, v.n))
			continue;
		i = cdp_intern_put(c->names, text, n, NULL);
		CDP_GROW(c->since, i, c->since_cap);
		c->since[i] = cdp_arena_strndup(&c->arena, v.p, v.n);
	}
	cdp_buf_release(&name);
	return 1;
}

struct cdp_carry *cdp_carry_new(const struct cdp_carry_opts *o, struct cdp_err *err)
{
	struct cdp_carry *c = cdp_calloc(1, sizeof(*c));
	char text[CDP_TIME_CANON];
	struct stat st;
	struct pass p;
	int rc;

	c->o = *o;
	c->names = cdp_intern_new(0);
	cdp_arena_init(&c->arena);
	begin(&p, c);
	rc = each(&p, read_head, c, err);
	end(&p);
	if (rc >= 0 && c->any && cdp_time_cmp(c->as_of, o->run->as_of) >= 0) {
		cdp_time_format(text, c->as_of);
		rc = cdp_err_set(err, CDP_ERR_USAGE,
				 "%s: is as of %.*s, which is not before the base time",
				 o->path, CDP_TIME_CANON, text);
	}
	if (rc >= 0 && c->any && !(stat(o->path, &st) == 0 && S_ISREG(st.st_mode)))
		rc = cdp_err_set(err, CDP_ERR_USAGE,
				 "%s: is read twice, so it must be a file", o->path);
	if (rc >= 0)
		return c;
	cdp_err_prefix(err, "--carry");
	cdp_carry_free(c);
	return NULL;
}

void cdp_carry_free(struct cdp_carry *c)
{
	if (!c)
		return;
	cdp_intern_free(c->names);
	free(c->since);
	cdp_arena_release(&c->arena);
	free(c);
}

const char *cdp_carry_since(const struct cdp_carry *c, const struct cdp_tag *t)
{
	const struct cdp_zone *zone = t->about.zone ? t->about.zone : c->o.run->zone;
	uint32_t i = cdp_intern_get(c->names, t->name, strlen(t->name));

	if (!c->any || !t->about.schedule || i == CDP_INTERN_NONE)
		return NULL;
	for (size_t k = 0; k < c->o.due_count; k++)
		if (strcmp(c->o.due[k], t->name) == 0)
			return NULL;
	return cdp_schedule_due(t->about.schedule, cdp_zone_day(zone, c->as_of.s),
				cdp_zone_day(zone, c->o.run->as_of.s))
		       ? NULL
		       : c->since[i];
}

bool cdp_carry_history(const struct cdp_carry *c)
{
	return c->o.history;
}

/* --- values --- */

struct values {
	const struct cdp_carry *c;
	struct cdp_tagset *set;
	const struct cdp_customers *all;
	struct cdp_given *given;
	const struct cdp_carry_became *became;
	uint32_t next; /* the place after the last one found */
	struct cdp_buf key, name, text;
	struct cdp_buf later; /* profiles of who became another person, a line each */
};

static int compare(const struct values *v, uint32_t place, const char *key, size_t n)
{
	size_t m;
	const char *here = cdp_customers_key(v->all, cdp_customers_at(v->all, place), &m);
	int c = memcmp(here, key, n < m ? n : m);

	return c ? c : (m > n) - (m < n);
}

/* Profiles mostly come in the order of places. */
static bool find(struct values *v, const char *key, size_t n, uint32_t *place)
{
	uint32_t lo = 0, hi = cdp_customers_count(v->all);

	if (v->next < hi && compare(v, v->next, key, n) == 0)
		lo = hi = v->next;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare(v, mid, key, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo >= cdp_customers_count(v->all) || compare(v, lo, key, n) != 0)
		return false;
	*place = lo;
	v->next = lo + 1;
	return true;
}

/* Which model made them is what it was then. */
static void take_model(struct values *v, struct cdp_tag *t, const struct cdp_val *models)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, model;

	while (models->type == CDP_OBJECT && cdp_val_member(models, &it, &key, &model))
		if (cdp_val_is(&key, t->name, strlen(t->name)))
			t->about.model =
				cdp_arena_strndup(&v->set->arena, model.p, model.n);
}

static void take_tags(struct values *v, struct pass *p, struct cdp_rec *rec,
		      uint32_t place)
{
	const struct cdp_val *tags = cdp_rec_get(rec, p->tags);
	struct cdp_iter it = { 0 };
	struct cdp_val key, value;

	while (cdp_val_member(tags, &it, &key, &value)) {
		size_t n;
		const char *name = cdp_val_str(&key, &v->name, &n);
		uint32_t i = cdp_intern_get(v->set->names, name, n);

		if (i == CDP_INTERN_NONE || !v->set->tags[i].carried ||
		    value.type == CDP_NULL ||
		    cdp_given_get(v->given, i, place, &n) != NULL)
			continue;
		cdp_buf_reset(&v->text);
		cdp_json_val(&v->text, &value);
		cdp_given_put(v->given, i, place, v->text.p, v->text.n);
		if (v->set->tags[i].about.model)
			take_model(v, &v->set->tags[i], cdp_rec_get(rec, p->models));
	}
}

static int key_of(struct values *v, struct pass *p, struct cdp_rec *rec, const char **key,
		  size_t *n, struct cdp_err *err)
{
	int rc = cdp_rec_key(rec, p->key, &v->key, key, n, err);

	return rc == 0 ? cdp_err_set(err, CDP_ERR_USAGE, "there is no '%s'", v->c->o.key)
		       : rc;
}

static int take_profile(void *ctx, struct pass *p, struct cdp_rec *rec,
			struct cdp_err *err)
{
	struct values *v = ctx;
	const char *key;
	struct cdp_time t;
	uint32_t place;
	size_t n;

	if (read_as_of(p, rec, &t, err) < 0 || key_of(v, p, rec, &key, &n, err) < 0)
		return -1;
	if (cdp_time_cmp(t, v->c->as_of) != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "its as_of is not that of the first profile");
	if (find(v, key, n, &place)) {
		take_tags(v, p, rec, place);
	} else if (v->became) {
		cdp_buf_add(&v->later, rec->raw, rec->len);
		cdp_buf_addc(&v->later, '\n');
	}
	return 0;
}

/* Who became another person: what that one had no value of. */
static void take_later(struct values *v, struct pass *p)
{
	static const char end[CDP_IN_PAD];
	struct cdp_err ignored;
	struct cdp_rec rec;
	size_t lines = v->later.n;

	cdp_buf_add(&v->later, end, sizeof(end));
	cdp_scan_block(p->scan, v->later.p, lines);
	while (cdp_scan_next(p->scan, &rec, &ignored) > 0) {
		const char *key, *into;
		uint32_t place;
		size_t n;

		if (key_of(v, p, &rec, &key, &n, &ignored) < 0)
			continue;
		into = v->became->key(v->became->ctx, key, n, &n);
		if (into != key && find(v, into, n, &place))
			take_tags(v, p, &rec, place);
	}
}

int cdp_carry_read(const struct cdp_carry *c, struct cdp_tagset *set,
		   const struct cdp_customers *all, struct cdp_given *given,
		   const struct cdp_carry_became *became, struct cdp_err *err)
{
	struct values v = {
		.c = c, .set = set, .all = all, .given = given, .became = became
	};
	struct pass p;
	int rc;

	cdp_buf_init(&v.key, CDP_BUF_NOMAX);
	cdp_buf_init(&v.name, CDP_BUF_NOMAX);
	cdp_buf_init(&v.text, CDP_BUF_NOMAX);
	cdp_buf_init(&v.later, CDP_BUF_NOMAX);
	begin(&p, c);
	rc = each(&p, take_profile, &v, err);
	if (rc == 0 && v.later.n)
		take_later(&v, &p);
	end(&p);
	cdp_buf_release(&v.key);
	cdp_buf_release(&v.name);
	cdp_buf_release(&v.text);
	cdp_buf_release(&v.later);
	if (rc < 0)
		cdp_err_prefix(err, "--carry");
	return rc;
}
