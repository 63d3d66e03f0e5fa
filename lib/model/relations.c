#include "model/relations.h"

#include "base/mem.h"
#include "base/varint.h"
#include "record/head.h"
#include "record/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Times are optional: without one a row is older than all that have one. */
#define NO_TIME INT64_MIN

/* Ends are texts: a kind, a NUL, an id; or a NUL and a one_id. */
struct edge {
	int64_t ms;
	uint32_t relation, from, to; /* ends of `ends` */
	uint32_t props_n;
	const char *props; /* NULL: removed */
};

struct cdp_relations {
	const struct cdp_tagset *set;
	char *kind;
	size_t kind_n;
	struct cdp_intern *ends;
	struct edge *edges;
	size_t n, cap;
	size_t passed; /* of those, the first are not kept */
	/* Those that are, while what comes before them is read anew. */
	struct edge *aside;
	size_t aside_n;
	struct cdp_arena texts;
	pthread_mutex_t lock; /* of `persons` */
	uint32_t *persons;    /* by end: its one_id's end, or CDP_INTERN_NONE */
	uint32_t wanted;      /* ends that may be in the map */
	struct cdp_intern *one_ids;
};

/* The same, with ends and texts of its own. */
struct cdp_relation_log {
	const struct cdp_relations *r;
	const struct cdp_relation_slots *slots;
	struct cdp_intern *ends;
	struct edge *edges;
	size_t n, cap;
	struct cdp_arena texts;
	struct cdp_buf end, tmp;
};

static int add_path(struct cdp_paths *paths, const char *name)
{
	size_t n = strlen(name);

	return cdp_paths_add_keys(paths, &name, &n, 1);
}

void cdp_relation_slots_init(struct cdp_relation_slots *s, struct cdp_paths *paths)
{
	s->ids = add_path(paths, "ids");
	s->relation = add_path(paths, "relation");
	s->to = add_path(paths, "to");
	s->props = add_path(paths, "props");
	s->deleted = add_path(paths, "deleted");
}

struct cdp_relations *cdp_relations_new(const struct cdp_tagset *set, const char *kind)
{
	struct cdp_relations *r = cdp_calloc(1, sizeof(*r));

	r->set = set;
	r->kind = kind ? cdp_strdup(kind) : NULL;
	r->kind_n = kind ? strlen(kind) : 0;
	r->ends = cdp_intern_new(0);
	r->one_ids = cdp_intern_new(0);
	cdp_arena_init(&r->texts);
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void cdp_relations_free(struct cdp_relations *r)
{
	if (!r)
		return;
	cdp_intern_free(r->ends);
	cdp_intern_free(r->one_ids);
	cdp_arena_release(&r->texts);
	pthread_mutex_destroy(&r->lock);
	free(r->kind);
	free(r->edges);
	free(r->aside);
	free(r->persons);
	free(r);
}

const char *cdp_relations_kind(const struct cdp_relations *r)
{
	return r->kind;
}

bool cdp_relations_wanted(const struct cdp_relations *r)
{
	return cdp_intern_count(r->set->relations) > 0;
}

/* --- reading --- */

struct cdp_relation_log *cdp_relation_log_new(const struct cdp_relations *r,
					      const struct cdp_relation_slots *slots)
{
	struct cdp_relation_log *log = cdp_calloc(1, sizeof(*log));

	log->r = r;
	log->slots = slots;
	log->ends = cdp_intern_new(0);
	cdp_arena_init(&log->texts);
	cdp_buf_init(&log->end, CDP_BUF_NOMAX);
	cdp_buf_init(&log->tmp, CDP_BUF_NOMAX);
	return log;
}

/* An id of kind `kind` as an end. */
static uint32_t put_end(struct cdp_relation_log *log, const struct cdp_val *kind,
			const struct cdp_val *id)
{
	const char *p;
	size_t n;

	cdp_buf_reset(&log->end);
	if (kind) {
		p = cdp_val_str(kind, &log->tmp, &n);
		cdp_buf_add(&log->end, p, n);
	}
	cdp_buf_addc(&log->end, '\0');
	p = cdp_val_str(id, &log->tmp, &n);
	cdp_buf_add(&log->end, p, n);
	return cdp_intern_put(log->ends, log->end.p, log->end.n, NULL);
}

/* The end that an object of ids says: the one of the tags' kind if there is such, else
 * the one_id (missing: none), else the first. */
static int end_of(struct cdp_relation_log *log, const struct cdp_val *ids,
		  const struct cdp_val *one_id, const char *where, uint32_t *end,
		  struct cdp_err *err)
{
	const struct cdp_relations *r = log->r;
	struct cdp_val kind, id, first_kind, first = { .type = CDP_MISSING };
	struct cdp_iter it = { 0 };

	while (ids->type == CDP_OBJECT && cdp_val_member(ids, &it, &kind, &id)) {
		if (id.type != CDP_STRING)
			continue;
		if (r->kind && cdp_val_is(&kind, r->kind, r->kind_n)) {
			*end = put_end(log, &kind, &id);
			return 0;
		}
		if (first.type == CDP_MISSING) {
			first_kind = kind;
			first = id;
		}
	}
	if (one_id->type == CDP_STRING)
		*end = put_end(log, NULL, one_id);
	else if (first.type == CDP_STRING)
		*end = put_end(log, &first_kind, &first);
	else
		return cdp_err_set(err, CDP_ERR_DATA,
				   "a relation needs an id, a string, in '%s'", where);
	return 0;
}

int cdp_relation_log_add(struct cdp_relation_log *log, struct cdp_rec *rec,
			 struct cdp_err *err)
{
	static const struct cdp_val none = { .type = CDP_MISSING };
	const struct cdp_relations *r = log->r;
	const struct cdp_relation_slots *slots = log->slots;
	const struct cdp_val *name = cdp_rec_get(rec, slots->relation);
	const struct cdp_val *props = cdp_rec_get(rec, slots->props);
	bool removed = cdp_rec_get(rec, slots->deleted)->type == CDP_TRUE;
	struct edge e = { .ms = NO_TIME };
	const char *p;
	size_t n;

	if (name->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA, "a relation needs 'relation'");
	p = cdp_val_str(name, &log->tmp, &n);
	e.relation = cdp_intern_get(r->set->relations, p, n);
	if (e.relation == CDP_INTERN_NONE)
		return 0;
	if (cdp_rec_get(rec, CDP_SLOT_TIME)->type != CDP_MISSING &&
	    cdp_rec_time_ms(rec, &e.ms, err) < 0)
		return -1;
	if (end_of(log, cdp_rec_get(rec, slots->ids), cdp_rec_get(rec, CDP_SLOT_ONE_ID),
		   "ids", &e.from, err) < 0 ||
	    end_of(log, cdp_rec_get(rec, slots->to), &none, "to", &e.to, err) < 0)
		return -1;
	if (!removed) {
		e.props_n = r->set->links && props->type == CDP_OBJECT ? props->n : 0;
		e.props = cdp_arena_strndup(&log->texts, props->p, e.props_n);
	}
	CDP_GROW(log->edges, log->n, log->cap);
	log->edges[log->n++] = e;
	return 1;
}

void cdp_relation_log_end(struct cdp_relation_log *log, struct cdp_relations *r)
{
	uint32_t *ends = cdp_intern_put_all(r->ends, log->ends);

	for (size_t i = 0; i < log->n; i++) {
		struct edge e = log->edges[i];

		e.from = ends[e.from];
		e.to = ends[e.to];
		if (e.props)
			e.props = cdp_arena_strndup(&r->texts, e.props, e.props_n);
		CDP_GROW(r->edges, r->n, r->cap);
		r->edges[r->n++] = e;
	}
	free(ends);
	cdp_intern_free(log->ends);
	cdp_arena_release(&log->texts);
	cdp_buf_release(&log->end);
	cdp_buf_release(&log->tmp);
	free(log->edges);
	free(log);
}

/* --- from run to run --- */

void cdp_relations_pass(struct cdp_relations *r)
{
	r->passed = r->n;
	for (size_t i = 0; i < r->aside_n; i++) {
		CDP_GROW(r->edges, r->n, r->cap);
		r->edges[r->n++] = r->aside[i];
	}
	free(r->aside);
	r->aside = NULL;
	r->aside_n = 0;
}

void cdp_relations_again(struct cdp_relations *r)
{
	r->aside_n = r->n - r->passed;
	r->aside = cdp_alloc((r->aside_n + 1) * sizeof(*r->aside));
	if (r->aside_n)
		memcpy(r->aside, r->edges + r->passed, r->aside_n * sizeof(*r->aside));
	r->n = r->passed = 0;
	free(r->persons);
	r->persons = NULL;
}

size_t cdp_relations_kept(const struct cdp_relations *r)
{
	return r->n - r->passed;
}

void cdp_relations_rename(struct cdp_relations *r,
			  void (*name)(void *ctx, const char **p, size_t *n), void *ctx)
{
	struct cdp_intern *old = r->ends;
	uint32_t count = cdp_intern_count(old), *to = cdp_alloc(count * sizeof(*to));
	struct cdp_buf end;

	cdp_buf_init(&end, CDP_BUF_NOMAX);
	r->ends = cdp_intern_new(0);
	for (uint32_t i = 0; i < count; i++) {
		size_t n, id_n;
		const char *p = cdp_intern_key(old, i, &n), *id = p + 1;

		id_n = n - 1;
		if (*p == '\0')
			name(ctx, &id, &id_n);
		cdp_buf_reset(&end);
		cdp_buf_addc(&end, *p);
		cdp_buf_add(&end, id, id_n);
		to[i] = cdp_intern_put(r->ends, end.p, end.n, NULL);
	}
	for (size_t i = 0; i < r->n; i++) {
		r->edges[i].from = to[r->edges[i].from];
		r->edges[i].to = to[r->edges[i].to];
	}
	cdp_buf_release(&end);
	cdp_intern_free(old);
	free(to);
}

static int by_pair(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->relation != y->relation)
		return x->relation < y->relation ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* As customers take them: by time; of one instant a removal, then by bytes. */
static int by_pair_and_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	int c = by_pair(a, b);

	if (c)
		return c;
	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	if (!x->props || !y->props)
		return (x->props != NULL) - (y->props != NULL);
	c = memcmp(x->props, y->props, x->props_n < y->props_n ? x->props_n : y->props_n);
	return c ? c : (x->props_n > y->props_n) - (x->props_n < y->props_n);
}

static void write_edge(const struct cdp_relations *r, const struct edge *e,
		       struct cdp_buf *out)
{
	size_t n;
	const char *p;

	cdp_varint_add(out, e->relation);
	cdp_varint_add(out, cdp_zigzag(e->ms));
	p = cdp_intern_key(r->ends, e->from, &n);
	cdp_varint_add_bytes(out, p, n);
	p = cdp_intern_key(r->ends, e->to, &n);
	cdp_varint_add_bytes(out, p, n);
	cdp_varint_add(out, e->props != NULL);
	cdp_varint_add_bytes(out, e->props ? e->props : "", e->props_n);
}

void cdp_relations_write(struct cdp_relations *r, struct cdp_buf *out)
{
	if (r->n > r->passed)
		qsort(r->edges + r->passed, r->n - r->passed, sizeof(*r->edges),
		      by_pair_and_time);
	for (size_t i = r->passed; i < r->n; i++)
		if (i + 1 == r->n || by_pair(&r->edges[i], &r->edges[i + 1]) != 0)
			write_edge(r, &r->edges[i], out);
}

bool cdp_relations_read(struct cdp_relations *r, const char *p, size_t n,
			const int32_t *number, size_t count)
{
	const char *end = p + n;

	while (p < end) {
		const char *from, *to, *props;
		size_t from_n, to_n, props_n;
		uint64_t relation, there;
		struct edge e = { 0 };

		if (!cdp_varint_get(&relation, &p, end) || relation >= count ||
		    !cdp_varint_get_signed(&e.ms, &p, end) ||
		    !cdp_varint_get_bytes(&from, &from_n, &p, end) || from_n == 0 ||
		    !cdp_varint_get_bytes(&to, &to_n, &p, end) || to_n == 0 ||
		    !cdp_varint_get(&there, &p, end) ||
		    !cdp_varint_get_bytes(&props, &props_n, &p, end) ||
		    !memchr(from, '\0', from_n) || !memchr(to, '\0', to_n) ||
		    props_n > UINT32_MAX)
			return false;
		if (number[relation] < 0)
			continue;
		e.relation = (uint32_t)number[relation];
		e.from = cdp_intern_put(r->ends, from, from_n, NULL);
		e.to = cdp_intern_put(r->ends, to, to_n, NULL);
		e.props_n = there ? (uint32_t)props_n : 0;
		if (there)
			e.props = cdp_arena_strndup(&r->texts, props, props_n);
		CDP_GROW(r->edges, r->n, r->cap);
		r->edges[r->n++] = e;
	}
	return true;
}

/* --- persons --- */

void cdp_relations_map(struct cdp_relations *r, const struct cdp_val *kind,
		       const struct cdp_val *value, const struct cdp_val *one_id)
{
	struct cdp_buf end, tmp;
	const char *p;
	size_t n;
	uint32_t i;

	if (r->n == 0)
		return;
	cdp_buf_init(&end, CDP_BUF_NOMAX);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = cdp_val_str(kind, &tmp, &n);
	cdp_buf_add(&end, p, n);
	cdp_buf_addc(&end, '\0');
	p = cdp_val_str(value, &tmp, &n);
	cdp_buf_add(&end, p, n);
	i = cdp_intern_get(r->ends, end.p, end.n);
	if (i != CDP_INTERN_NONE) {
		pthread_mutex_lock(&r->lock);
		if (!r->persons) {
			r->wanted = cdp_intern_count(r->ends);
			r->persons = cdp_alloc(r->wanted * sizeof(*r->persons));
			memset(r->persons, 0xff, r->wanted * sizeof(*r->persons));
		}
		r->persons[i] = cdp_intern_put(r->one_ids, one_id->p, one_id->n, NULL);
		pthread_mutex_unlock(&r->lock);
	}
	cdp_buf_release(&end);
	cdp_buf_release(&tmp);
}

void cdp_relations_find(struct cdp_relations *r,
			const char *(*find)(void *ctx, const char *end, size_t end_n,
					    size_t *n),
			void *ctx)
{
	uint32_t count = cdp_intern_count(r->ends);

	r->wanted = count;
	r->persons = cdp_realloc(r->persons, count + 1, sizeof(*r->persons));
	for (uint32_t i = 0; i < count; i++) {
		size_t n, id_n;
		const char *end = cdp_intern_key(r->ends, i, &n);
		const char *one_id = *end ? find(ctx, end, n, &id_n) : NULL;

		r->persons[i] = one_id ? cdp_intern_put(r->one_ids, one_id, id_n, NULL)
				       : CDP_INTERN_NONE;
	}
}

/* --- gathering --- */

/* An end's id, and whether the tags can be of it. */
static const char *id_of(const struct cdp_relations *r, uint32_t end, size_t *n,
			 bool *own)
{
	const char *p = cdp_intern_key(r->ends, end, n);
	size_t kind = strlen(p); /* kinds hold no NUL: their end is the first */

	*own = r->kind && kind == r->kind_n && memcmp(p, r->kind, kind) == 0;
	*n -= kind + 1;
	if (!*own && r->persons && r->persons[end] != CDP_INTERN_NONE) {
		*own = !r->kind;
		return cdp_intern_key(r->one_ids, r->persons[end], n);
	}
	*own |= !r->kind && kind == 0;
	return p + kind + 1;
}

uint32_t cdp_relations_gather(struct cdp_relations *r, struct cdp_gather *g)
{
	uint32_t customer = CDP_NOBODY;

	for (size_t i = 0; i < r->n; i++) {
		const struct edge *e = &r->edges[i];
		size_t from_n, to_n;
		bool of_from, of_to;
		const char *from = id_of(r, e->from, &from_n, &of_from);
		const char *to = id_of(r, e->to, &to_n, &of_to);

		if (of_from) {
			customer = cdp_gather_customer(g, from, from_n);
			cdp_gather_relation(g, customer, e->relation, to, to_n, e->props,
					    e->props_n, e->ms);
		} else if (of_to) {
			customer = cdp_gather_customer(g, to, to_n);
			cdp_gather_relation(g, customer, e->relation, from, from_n,
					    e->props, e->props_n, e->ms);
		}
	}
	return customer;
}
