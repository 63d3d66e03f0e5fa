#include "model/entities.h"

#include "base/intern.h"
#include "model/entity_table.h"
#include "record/head.h"
#include "record/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLE_SHIFT = 16, /* of a reference; below is the member */
	MEMBER_ID = 0xffff,
	TABLES_MAX = 0x7fff,
};

struct table {
	char *entity;
	bool tags;                /* of profiles */
	struct cdp_intern *names; /* of members */
	struct cdp_entity_table rows;
};

struct cdp_entities {
	struct table *tables;
	unsigned count, cap;
	bool any_tags;
	pthread_mutex_t lock;
};

struct cdp_entities *cdp_entities_new(void)
{
	struct cdp_entities *e = cdp_calloc(1, sizeof(*e));

	pthread_mutex_init(&e->lock, NULL);
	return e;
}

void cdp_entities_free(struct cdp_entities *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->count; i++) {
		struct table *t = &e->tables[i];

		free(t->entity);
		cdp_intern_free(t->names);
		cdp_entity_table_release(&t->rows);
	}
	free(e->tables);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void cdp_entities_clear(struct cdp_entities *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		cdp_entity_table_release(&e->tables[i].rows);
		cdp_entity_table_init(&e->tables[i].rows);
	}
}

/* --- naming --- */

static unsigned find_table(const struct cdp_entities *e, const char *entity, size_t n,
			   bool tags)
{
	unsigned i = 0;

	while (i < e->count &&
	       (e->tables[i].tags != tags || strlen(e->tables[i].entity) != n ||
		memcmp(e->tables[i].entity, entity, n) != 0))
		i++;
	return i;
}

static unsigned put_table(struct cdp_entities *e, const char *entity, bool tags)
{
	unsigned i = find_table(e, entity, strlen(entity), tags);

	if (i < e->count)
		return i;
	CDP_GROW(e->tables, e->count, e->cap);
	e->tables[e->count++] = (struct table){ .entity = cdp_strdup(entity),
						.tags = tags,
						.names = cdp_intern_new(0) };
	cdp_entity_table_init(&e->tables[i].rows);
	e->any_tags |= tags;
	return i;
}

unsigned cdp_entities_put(struct cdp_entities *e, const char *entity)
{
	return put_table(e, entity, false);
}

int cdp_entities_resolve(void *entities, const char *entity, const char *const *names,
			 size_t count, size_t *used, struct cdp_err *err)
{
	struct cdp_entities *e = entities;
	bool tags = count > 1 && strcmp(names[0], "tags") == 0;
	unsigned i = put_table(e, entity, tags);
	const char *name = names[tags];
	uint32_t member;

	*used = 1 + tags;
	if (!tags && strcmp(name, "id") == 0)
		return (int)(i << TABLE_SHIFT | MEMBER_ID);
	member = cdp_intern_put(e->tables[i].names, name, strlen(name), NULL);
	if (i >= TABLES_MAX || member >= MEMBER_ID)
		return cdp_err_set(err, CDP_ERR_USAGE, "too many entities");
	return (int)(i << TABLE_SHIFT | member);
}

unsigned cdp_entities_count(const struct cdp_entities *e)
{
	return e->count;
}

const char *cdp_entities_name(const struct cdp_entities *e, unsigned i, bool *tags)
{
	*tags = e->tables[i].tags;
	return e->tables[i].entity;
}

unsigned cdp_entity_ref_table(int ref)
{
	return (unsigned)ref >> TABLE_SHIFT;
}

const char *cdp_entities_member(const struct cdp_entities *e, int ref, size_t *n)
{
	const struct table *t = &e->tables[cdp_entity_ref_table(ref)];
	uint32_t member = (uint32_t)ref & MEMBER_ID;

	if (member != MEMBER_ID)
		return cdp_intern_key(t->names, member, n);
	*n = 2;
	return "id";
}

/* --- reading --- */

struct cdp_entity_slots {
	int entity, id, props, deleted, as_of, tags;
	int ids[]; /* by table: the member of a profile that names its entity */
};

struct cdp_entity_slots *cdp_entity_slots_new(const struct cdp_entities *e,
					      struct cdp_paths *paths)
{
	static const char *const names[] = { "entity",  "id",    "props",
					     "deleted", "as_of", "tags" };
	struct cdp_entity_slots *s =
		cdp_calloc(1, sizeof(*s) + e->count * sizeof(*s->ids));
	int *const slots[] = { &s->entity,  &s->id,    &s->props,
			       &s->deleted, &s->as_of, &s->tags };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		*slots[i] = cdp_paths_add_keys(paths, &names[i], &n, 1);
	}
	for (unsigned i = 0; i < e->count; i++) {
		const char *name = e->tables[i].entity;
		size_t n = strlen(name);

		s->ids[i] = strcmp(name, "person") == 0
				    ? CDP_SLOT_ONE_ID
				    : cdp_paths_add_keys(paths, &name, &n, 1);
	}
	return s;
}

struct cdp_entity_batch {
	struct cdp_entities *entities;
	const struct cdp_entity_slots *slots;
	struct cdp_buf rows;     /* each after four bytes: its table */
	struct cdp_val *members; /* of the row at hand, by their number */
	struct cdp_buf id, name, text;
};

struct cdp_entity_batch *cdp_entity_batch_new(struct cdp_entities *e,
					      const struct cdp_entity_slots *slots)
{
	struct cdp_entity_batch *b = cdp_calloc(1, sizeof(*b));
	size_t most = 0;

	for (unsigned i = 0; i < e->count; i++)
		if (cdp_intern_count(e->tables[i].names) > most)
			most = cdp_intern_count(e->tables[i].names);
	b->entities = e;
	b->slots = slots;
	b->members = cdp_calloc(most + 1, sizeof(*b->members));
	cdp_buf_init(&b->rows, CDP_BUF_NOMAX);
	cdp_buf_init(&b->id, CDP_BUF_NOMAX);
	cdp_buf_init(&b->name, CDP_BUF_NOMAX);
	cdp_buf_init(&b->text, CDP_BUF_NOMAX);
	return b;
}

void cdp_entity_batch_free(struct cdp_entity_batch *b)
{
	if (!b)
		return;
	free(b->members);
	cdp_buf_release(&b->rows);
	cdp_buf_release(&b->id);
	cdp_buf_release(&b->name);
	cdp_buf_release(&b->text);
	free(b);
}

/* The named members of an object, as a row has them, in b->text. */
static void put_members(struct cdp_entity_batch *b, const struct table *t,
			const struct cdp_val *object)
{
	uint32_t count = cdp_intern_count(t->names);
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	memset(b->members, 0, count * sizeof(*b->members));
	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v)) {
		size_t n;
		const char *p = cdp_val_str(&key, &b->name, &n);
		uint32_t i = cdp_intern_get(t->names, p, n);

		if (i != CDP_INTERN_NONE)
			b->members[i] = v; /* of equal names the last counts */
	}
	cdp_buf_reset(&b->text);
	for (uint32_t i = 0; i < count; i++) {
		const struct cdp_val *m = &b->members[i];
		bool quoted = m->type == CDP_STRING;

		if (m->type == CDP_MISSING)
			cdp_entity_put_member(&b->text, NULL, 0);
		else
			cdp_entity_put_member(&b->text, m->p - quoted, m->n + 2 * quoted);
	}
}

/* A row of table i, put off. */
static void put_off(struct cdp_entity_batch *b, unsigned i, const struct cdp_val *id,
		    const struct cdp_val *object, bool removed, int64_t ms)
{
	uint32_t table = i;
	size_t n;
	const char *p = cdp_val_str(id, &b->id, &n);

	cdp_buf_add(&b->rows, &table, sizeof(table));
	if (!removed)
		put_members(b, &b->entities->tables[i], object);
	cdp_entity_put(&b->rows, ms, removed ? CDP_ENTITY_REMOVED : CDP_ENTITY_THERE, p,
		       n, removed ? NULL : &b->text);
}

static int add_row(struct cdp_entity_batch *b, struct cdp_rec *rec, struct cdp_err *err)
{
	struct cdp_entities *e = b->entities;
	const struct cdp_val *entity = cdp_rec_get(rec, b->slots->entity);
	const struct cdp_val *id = cdp_rec_get(rec, b->slots->id);
	int64_t ms = CDP_ENTITY_NO_TIME;
	size_t n;
	const char *p;
	unsigned i;

	if (entity->type != CDP_STRING || id->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "an entity row needs 'entity' and 'id'");
	if (cdp_rec_get(rec, CDP_SLOT_TIME)->type != CDP_MISSING &&
	    cdp_rec_time_ms(rec, &ms, err) < 0)
		return -1;
	p = cdp_val_str(entity, &b->name, &n);
	i = find_table(e, p, n, false);
	if (i == e->count)
		return 0;
	put_off(b, i, id, cdp_rec_get(rec, b->slots->props),
		cdp_rec_get(rec, b->slots->deleted)->type == CDP_TRUE, ms);
	return 1;
}

static int add_profile(struct cdp_entity_batch *b, struct cdp_rec *rec,
		       struct cdp_err *err)
{
	struct cdp_entities *e = b->entities;
	const struct cdp_val *as_of = cdp_rec_get(rec, b->slots->as_of);
	struct cdp_time t;
	int found = 0;

	for (unsigned i = 0; i < e->count; i++) {
		const struct cdp_val *id = cdp_rec_get(rec, b->slots->ids[i]);

		if (!e->tables[i].tags || id->type != CDP_STRING)
			continue;
		if (as_of->type != CDP_STRING ||
		    cdp_time_parse(&t, as_of->p, as_of->n, err) < 0)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "a profile needs 'as_of', a time");
		put_off(b, i, id, cdp_rec_get(rec, b->slots->tags), false,
			cdp_time_ms(t));
		found = 1;
	}
	return found;
}

int cdp_entity_batch_add(struct cdp_entity_batch *b, struct cdp_rec *rec,
			 struct cdp_err *err)
{
	struct cdp_entities *e = b->entities;
	const struct cdp_val *type = cdp_rec_get(rec, CDP_SLOT_TYPE);

	if (cdp_val_is(type, "entity", 6))
		return add_row(b, rec, err);
	if (e->any_tags && type->type == CDP_MISSING &&
	    cdp_rec_get(rec, b->slots->tags)->type == CDP_OBJECT)
		return add_profile(b, rec, err);
	return 0;
}

void cdp_entity_batch_settle(struct cdp_entity_batch *b)
{
	struct cdp_entities *e = b->entities;
	const char *end = b->rows.p + b->rows.n;

	if (b->rows.n == 0)
		return;
	pthread_mutex_lock(&e->lock);
	for (const char *p = b->rows.p; p < end;) {
		struct cdp_entity_row r;
		uint32_t table;

		memcpy(&table, p, sizeof(table));
		r = cdp_entity_row_at(p + sizeof(table));
		cdp_entity_table_add(&e->tables[table].rows, &r);
		p = r.end;
	}
	pthread_mutex_unlock(&e->lock);
	cdp_buf_reset(&b->rows);
}

/* --- asking --- */

static bool id_text(const struct cdp_value *id, const char **p, size_t *n, char own[24])
{
	struct cdp_buf b;

	if (id->type == CDP_V_STRING) {
		*p = id->s.p;
		*n = id->s.n;
		return true;
	}
	if (id->type != CDP_V_INT && id->type != CDP_V_UINT)
		return false;
	cdp_buf_init(&b, 24);
	if (id->type == CDP_V_INT)
		cdp_buf_addi(&b, id->i);
	else
		cdp_buf_addu(&b, id->u);
	memcpy(own, b.p, b.n);
	*p = own;
	*n = b.n;
	cdp_buf_release(&b);
	return true;
}

int cdp_entities_fetch(const void *entities, int ref, const struct cdp_value *id,
		       struct cdp_arena *arena, struct cdp_value *out)
{
	const struct cdp_entities *e = entities;
	const struct table *t = &e->tables[cdp_entity_ref_table(ref)];
	uint32_t member = (uint32_t)ref & MEMBER_ID;
	struct cdp_entity_row r;
	struct cdp_val v;
	const char *p;
	char own[24];
	size_t n;

	if (!id_text(id, &p, &n, own) || !cdp_entity_table_get(&t->rows, p, n, &r))
		return 0;
	if (member == MEMBER_ID) {
		out->type = CDP_V_STRING;
		out->s.p = r.id;
		out->s.n = r.id_n;
		return 1;
	}
	if (!cdp_entity_member(&r, member, &p, &n))
		return 0;
	cdp_val_at(&v, p, n);
	cdp_value_from_json(out, &v, arena);
	return 1;
}

uint64_t cdp_entities_rows(const struct cdp_entities *e, unsigned i)
{
	return e->tables[i].rows.there;
}

struct ids {
	void (*each)(void *ctx, const char *id, size_t n);
	void *ctx;
};

static void pass_id(void *ctx, const struct cdp_entity_row *r)
{
	struct ids *ids = ctx;

	ids->each(ids->ctx, r->id, r->id_n);
}

void cdp_entities_each(const struct cdp_entities *e, unsigned i,
		       void (*each)(void *ctx, const char *id, size_t n), void *ctx)
{
	struct ids ids = { each, ctx };

	cdp_entity_table_each(&e->tables[i].rows, pass_id, &ids);
}

size_t cdp_entities_memory(const struct cdp_entities *e)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < e->count; i++)
		bytes += cdp_entity_table_memory(&e->tables[i].rows);
	return bytes;
}
