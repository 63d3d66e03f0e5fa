#include "cli/tag_reading.h"

#include "base/mem.h"
#include "cli/entities_job.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert((int)CDP_JOB_BATCH <= (int)CDP_GATHER_MAX, "a batch can be put off");

struct worker {
	const struct cdp_tag_reading *t;
	struct cdp_gather *gather;
	struct cdp_relation_log *relations;
	struct cdp_entity_batch *rows; /* of the tags' entity */
	struct cdp_tag_sample *sample; /* or NULL */
	struct cdp_shelf_part *shelf;  /* or NULL */
	struct cdp_arena keys;         /* decoded ones of events that are put off */
	struct cdp_buf key;
	uint64_t no_key, other;
};

static void *new_worker(void *ctx)
{
	const struct cdp_tag_reading *t = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->t = t;
	w->gather = cdp_gather_new(t->customers, t->run);
	w->relations = cdp_relation_log_new(t->relations, &t->relation_slots);
	if (t->slots)
		w->rows = cdp_entity_batch_new(t->set->entities, t->slots);
	if (t->sample)
		w->sample = cdp_tag_sample_new();
	if (t->shelf)
		w->shelf = cdp_shelf_part_new();
	cdp_arena_init(&w->keys);
	cdp_buf_init(&w->key, CDP_BUF_NOMAX);
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct cdp_tag_reading *t = ctx;
	struct worker *w = worker;

	(void)err;
	t->no_key += w->no_key;
	t->other += w->other;
	cdp_gather_end(w->gather);
	cdp_relation_log_end(w->relations, t->relations);
	if (w->rows) /* expressions over events do not look any more */
		cdp_entity_batch_settle(w->rows);
	cdp_entity_batch_free(w->rows);
	if (w->sample)
		cdp_tag_sample_take(t->sample, w->sample);
	if (w->shelf)
		cdp_shelf_take(t->shelf, w->shelf);
	cdp_arena_release(&w->keys);
	cdp_buf_release(&w->key);
	free(w);
	return 0;
}

/* 1 and the key of the record's customer; 0: it belongs to nobody; -1: a data error. */
static int key_of(struct worker *w, struct cdp_rec *rec, const char **p, size_t *n,
		  struct cdp_err *err)
{
	int rc = cdp_rec_key(rec, w->t->key_slot, &w->key, p, n, err);
	const char *only = w->t->only;

	w->no_key += rc == 0;
	if (rc > 0 && w->t->heard)
		w->t->heard(w->t->heard_ctx, *p, *n);
	return rc > 0 && only && (*n != strlen(only) || memcmp(*p, only, *n) != 0) ? 0
										   : rc;
}

/* The same and the customer. */
static int customer_of(struct worker *w, struct cdp_rec *rec, uint32_t *customer,
		       struct cdp_err *err)
{
	const char *p;
	size_t n;
	int rc = key_of(w, rec, &p, &n, err);

	if (rc > 0)
		*customer = cdp_gather_customer(w->gather, p, n);
	return rc;
}

static void settle(void *worker, struct cdp_emit *emit)
{
	struct worker *w = worker;

	cdp_gather_settle(w->gather, &emit->counts.eval_errors);
	cdp_arena_reset(&w->keys);
}

static void add_changes(struct worker *w, struct cdp_rec *rec, uint32_t customer,
			enum cdp_change what, int64_t ms)
{
	const struct cdp_val *v = cdp_rec_get(rec, w->t->change[what]);
	struct cdp_iter it = { 0 };
	struct cdp_val name, value;

	if (what == CDP_UNSET && v->type == CDP_ARRAY) {
		while (cdp_val_item(v, &it, &name))
			if (name.type == CDP_STRING)
				cdp_gather_attribute(w->gather, customer, what, &name,
						     NULL, ms);
	} else if (what != CDP_UNSET && v->type == CDP_OBJECT) {
		while (cdp_val_member(v, &it, &name, &value))
			cdp_gather_attribute(w->gather, customer, what, &name, &value,
					     ms);
	}
}

static int add_profile(struct worker *w, struct cdp_rec *rec, struct cdp_err *err)
{
	uint32_t customer;
	int64_t ms;
	int rc;

	if (cdp_rec_time_ms(rec, &ms, err) < 0)
		return -1;
	rc = customer_of(w, rec, &customer, err);
	if (rc <= 0)
		return rc;
	if (cdp_rec_get(rec, w->t->deleted)->type == CDP_TRUE)
		cdp_gather_forget(w->gather, customer, ms);
	for (int what = CDP_UNSET; what <= CDP_APPEND; what++)
		add_changes(w, rec, customer, (enum cdp_change)what, ms);
	return 0;
}

static int add_detail(struct worker *w, struct cdp_rec *rec, struct cdp_err *err)
{
	static const struct cdp_val removed = { .type = CDP_MISSING };
	const struct cdp_val *table = cdp_rec_get(rec, w->t->detail);
	const struct cdp_val *row = cdp_rec_get(rec, w->t->row);
	const struct cdp_val *props = cdp_rec_get(rec, w->t->props);
	uint32_t customer;
	int64_t ms;
	int rc;

	if (cdp_rec_time_ms(rec, &ms, err) < 0)
		return -1;
	if (table->type != CDP_STRING || row->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "a detail row needs 'detail' and 'row'");
	rc = customer_of(w, rec, &customer, err);
	if (rc <= 0)
		return rc;
	if (cdp_rec_get(rec, w->t->deleted)->type == CDP_TRUE)
		props = &removed;
	cdp_gather_detail(w->gather, customer, table, row, props, ms);
	return 0;
}

/* All that is no event, profile update or detail row. */
static int add_other(struct worker *w, struct cdp_rec *rec, const struct cdp_val *type,
		     struct cdp_err *err)
{
	const struct cdp_tag_reading *t = w->t;
	int rc = 0;

	if (cdp_val_is(type, "relation", 8)) {
		rc = cdp_relation_log_add(w->relations, rec, err);
		if (rc > 0 && t->heard_relation)
			t->heard_relation(t->heard_ctx);
	} else if (w->rows && cdp_val_is(type, "entity", 6) &&
		   cdp_val_is(cdp_rec_get(rec, t->row_entity), t->entity,
			      strlen(t->entity))) {
		rc = cdp_entity_batch_add(w->rows, rec, err);
	}
	w->other += rc == 0;
	return rc < 0 ? -1 : 0;
}

/* A profile as cdp-tag writes them. */
static int add_tags(struct worker *w, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const char *only = w->t->only;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "neither a profile nor an event: no %s",
				   cdp_paths_key(w->t->paths));
	if (cdp_rec_get(rec, w->t->tags)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "neither a profile nor an event: no tags");
	if (only && !cdp_val_is(one_id, only, strlen(only)))
		return 0;
	return cdp_shelf_part_add(w->shelf,
				  cdp_gather_customer(w->gather, one_id->p, one_id->n),
				  rec->raw, rec->len, err);
}

static int add_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		      struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const struct cdp_val *type;
	const char *key;
	int64_t ms;
	size_t n;
	int rc;

	(void)emit;
	if (event->type == CDP_STRING) {
		if (cdp_rec_time_ms(rec, &ms, err) < 0)
			return -1;
		rc = key_of(w, rec, &key, &n, err);
		if (rc <= 0)
			return rc;
		if (key == w->key.p) /* decoded there */
			key = cdp_arena_strndup(&w->keys, key, n);
		if (w->sample)
			cdp_tag_sample_add(w->sample, rec);
		cdp_gather_event(w->gather, key, n, rec, event, ms);
		return 0;
	}
	type = cdp_rec_get(rec, CDP_SLOT_TYPE);
	if (w->shelf && type->type == CDP_MISSING)
		return add_tags(w, rec, err);
	if (cdp_val_is(type, "profile", 7) && !w->t->set->own)
		return add_profile(w, rec, err);
	if (cdp_val_is(type, "detail", 6))
		return add_detail(w, rec, err);
	return add_other(w, rec, type, err);
}

/* A row of the identity map: whose id it is. */
static int add_map_row(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *kind = cdp_rec_get(rec, w->t->map_kind);
	const struct cdp_val *value = cdp_rec_get(rec, w->t->map_value);
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);

	(void)emit;
	if (kind->type != CDP_STRING || value->type != CDP_STRING ||
	    one_id->type != CDP_STRING || one_id->escaped)
		return cdp_err_set(err, CDP_ERR_DATA, "not a row of an identity map");
	cdp_relations_map(w->t->relations, kind, value, one_id);
	if (w->t->entity || strcmp(w->t->key, "one_id") != 0)
		return 0; /* it is no key */
	cdp_gather_id(w->gather, cdp_gather_customer(w->gather, one_id->p, one_id->n),
		      kind, value);
	return 0;
}

static int add_path(struct cdp_paths *paths, const char *path)
{
	struct cdp_err ignored;

	return cdp_paths_add(paths, path, strlen(path), &ignored);
}

/* What tells apart whom the tags are of: events and detail rows have it there. */
static int add_key(struct cdp_tag_reading *t, struct cdp_err *err)
{
	const char *keys[] = { "props", t->entity };

	if (!t->key && t->entity) {
		t->key = "props.ENTITY";
		t->key_slot = cdp_paths_add_keys(t->paths, keys,
						 (size_t[]){ 5, strlen(t->entity) }, 2);
		return 0;
	}
	if (!t->key)
		t->key = "one_id";
	t->key_slot = cdp_paths_add(t->paths, t->key, strlen(t->key), err);
	if (t->key_slot < 0)
		cdp_err_prefix(err, "--key");
	return t->key_slot < 0 ? -1 : 0;
}

/* Relations are of the entity, or of the ids that are the key. */
static int add_relations(struct cdp_tag_reading *t, struct cdp_err *err)
{
	const char *kind = t->entity;
	struct cdp_path path = { 0 };
	int ret = 0;

	if (!kind && strcmp(t->key, "one_id") != 0) {
		ret = cdp_path_parse(&path, t->key, strlen(t->key), err);
		if (ret == 0 && path.count == 2 && strcmp(path.keys[0], "ids") == 0)
			kind = path.keys[1];
		else if (ret == 0 && cdp_intern_count(t->set->relations))
			ret = cdp_err_set(err, CDP_ERR_USAGE,
					  "tags ask for relations: --key must be one_id "
					  "or ids.KIND, or --entity given");
	}
	t->relations = cdp_relations_new(t->set, kind);
	cdp_relation_slots_init(&t->relation_slots, t->paths);
	cdp_path_release(&path);
	return ret;
}

int cdp_tag_reading_paths(struct cdp_tag_reading *t, struct cdp_err *err)
{
	static const char *const changes[] = { "unset", "set", "set_once", "increment",
					       "append" };

	t->paths = cdp_paths_new_of(t->profile_key);
	t->map_paths = cdp_paths_new();
	if (add_key(t, err) < 0)
		return -1;
	for (int i = 0; i <= CDP_APPEND; i++)
		t->change[i] = add_path(t->paths, changes[i]);
	t->detail = add_path(t->paths, "detail");
	t->row = add_path(t->paths, "row");
	t->props = add_path(t->paths, "props");
	t->deleted = add_path(t->paths, "deleted");
	t->map_kind = add_path(t->map_paths, "kind");
	t->map_value = add_path(t->map_paths, "value");
	t->row_entity = add_path(t->paths, "entity");
	return 0;
}

int cdp_tag_reading_set(struct cdp_tag_reading *t, struct cdp_tagset *set,
			struct cdp_err *err)
{
	t->set = set;
	t->given = cdp_given_new(t->set);
	if (t->shelf)
		t->tags = add_path(t->paths, "tags");
	return add_relations(t, err);
}

static int open_carry(struct cdp_tag_reading *t, struct cdp_err *err)
{
	const struct cdp_carry_opts o = { .path = t->carry_from,
					  .key = t->entity ? t->entity : t->key,
					  .run = t->run,
					  .due = t->due.v,
					  .due_count = t->due.n,
					  .history = t->keeps_state };

	if (t->carry_from)
		t->carry = cdp_carry_new(&o, err);
	return t->carry_from && !t->carry ? -1 : 0;
}

/* The set is the reading's in any case, to be released with it. */
static int check_due(struct cdp_tag_reading *t, struct cdp_tagset *set,
		     struct cdp_err *err)
{
	t->set = set;
	for (size_t i = 0; i < t->due.n; i++)
		if (cdp_intern_get(set->names, t->due.v[i], strlen(t->due.v[i])) ==
		    CDP_INTERN_NONE) {
			cdp_depend_unknown(set->names, "tag", t->due.v[i], err);
			cdp_err_prefix(err, "--due");
			return -1;
		}
	return 0;
}

/* Values of the tags that are not due. */
static int read_carried(struct cdp_cli *cli, struct cdp_tag_reading *t)
{
	const struct cdp_carry_became became = { cdp_tag_state_became, t->state };
	struct cdp_err err;

	if (!t->carry || cdp_carry_read(t->carry, t->set, t->customers, t->given,
					t->state ? &became : NULL, &err) == 0)
		return 0;
	cdp_cli_report(cli, &err);
	return -1;
}

int cdp_tag_reading_load(struct cdp_tag_reading *t, const struct cdp_strs *definitions,
			 struct cdp_err *err)
{
	struct cdp_tagset *set;

	if (cdp_tag_reading_paths(t, err) < 0 || open_carry(t, err) < 0)
		return -1;
	set = cdp_tagset_load_due(definitions->v, definitions->n, t->entity, t->paths,
				  t->run, t->carry, err);
	return set && check_due(t, set, err) == 0 ? cdp_tag_reading_set(t, set, err) : -1;
}

int cdp_tag_reading_begin(struct cdp_cli *cli, struct cdp_tag_reading *t,
			  struct cdp_tag_state_opts *state, struct cdp_err *err)
{
	if (!state->dir) {
		if (t->set->own)
			t->slots = cdp_entity_slots_new(t->set->entities, t->paths);
		t->customers = cdp_customers_new(t->set, cdp_cli_jobs(cli));
		return 0;
	}
	state->set = t->set;
	state->key = t->key;
	state->entity = t->entity;
	state->relations = t->relations;
	t->state = cdp_tag_state_open(cli, state, err);
	if (!t->state)
		return -1;
	t->customers = cdp_tag_state_fresh(t->state);
	return 0;
}

static void add_own(void *gather, const char *id, size_t n)
{
	cdp_gather_customer(gather, id, n);
}

/* What could only be told apart when all was read. */
static void gather_rest(struct cdp_tag_reading *t)
{
	struct cdp_gather *g = cdp_gather_new(t->customers, t->run);

	cdp_relations_gather(t->relations, g);
	if (t->set->own)
		cdp_entities_each(t->set->entities, t->set->own_table, add_own, g);
	cdp_given_add_customers(t->given, g);
	cdp_gather_end(g);
	cdp_customers_finish(t->customers);
	cdp_given_place(t->given, t->customers);
}

void cdp_tag_reading_release(struct cdp_tag_reading *t)
{
	cdp_tag_sample_free(t->sample);
	cdp_given_free(t->given);
	cdp_carry_free(t->carry);
	cdp_strs_release(&t->due);
	cdp_shelf_free(t->shelf);
	cdp_tag_state_close(t->state);
	/* Millions of small states go with the process, but where leaks are looked for.
	 */
	if (CDP_MEM_CHECKED)
		cdp_customers_free(t->customers);
	cdp_relations_free(t->relations);
	free(t->slots);
	cdp_tagset_free(t->set);
	cdp_paths_free(t->paths);
	cdp_paths_free(t->map_paths);
}

/* And with a state what it has. */
static int read_records(struct cdp_cli *cli, struct cdp_tag_reading *t,
			const struct cdp_job *job)
{
	if (!t->state)
		return cdp_cli_run(cli, job);
	if (cdp_tag_state_reads(t->state) && cdp_cli_run(cli, job) < 0)
		return -1;
	t->customers = cdp_tag_state_update(t->state, t->customers);
	return t->customers ? 0 : -1;
}

static int read_map(struct cdp_cli *cli, struct cdp_tag_reading *t, const char *map)
{
	char *const maps[] = { (char *)map, NULL };
	struct cdp_job job = cdp_tag_reading_job(t);

	if (!map)
		return 0;
	job.record = add_map_row;
	job.settle = NULL;
	job.paths = t->map_paths;
	return cdp_cli_run_files(cli, &job, maps);
}

int cdp_tag_reading_lore(struct cdp_cli *cli, struct cdp_tag_reading *t,
			 const struct cdp_strs *entities, const char *map)
{
	int own = t->set->own ? (int)t->set->own_table : -1;

	cdp_entities_clear(t->set->entities);
	cdp_relations_again(t->relations);
	if (cdp_cli_read_entities(cli, t->set->entities, entities, own, t->relations) < 0)
		return -1;
	cdp_relations_pass(t->relations);
	t->customers = cdp_customers_new(t->set, 1);
	if (read_map(cli, t, map) < 0)
		return -1;
	gather_rest(t);
	return 0;
}

struct cdp_job cdp_tag_reading_job(struct cdp_tag_reading *t)
{
	return (struct cdp_job){ .ctx = t,
				 .paths = t->paths,
				 .worker = new_worker,
				 .record = add_record,
				 .settle = settle,
				 .merge = merge_worker };
}

void cdp_tag_reading_share(void *worker)
{
	struct worker *w = worker;

	cdp_gather_share(w->gather);
}

static uint64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Everything that is known of everybody. */
int cdp_tag_reading_all(struct cdp_cli *cli, struct cdp_tag_reading *t,
			const struct cdp_strs *entities, const char *map)
{
	struct cdp_job job = cdp_tag_reading_job(t);
	int own = t->set->own ? (int)t->set->own_table : -1;

	job.whole =
		t->key_slot != CDP_SLOT_ONE_ID || cdp_customers_read_all(t->customers);
	cdp_cli_check_entities(cli, t->set->entities, entities, own);
	t->load_ns = cpu_time();
	if (cdp_cli_read_entities(cli, t->set->entities, entities, own, t->relations) < 0)
		return -1;
	cdp_relations_pass(t->relations);
	if (read_records(cli, t, &job) < 0)
		return -1;
	if (read_map(cli, t, map) < 0)
		return -1;
	t->read_ns = cpu_time() - t->load_ns;
	gather_rest(t);
	t->join_ns = cpu_time() - t->load_ns - t->read_ns;
	if (read_carried(cli, t) < 0)
		return -1;
	if (cdp_customers_count(t->customers) == 0 && t->no_key + t->other)
		cdp_cli_note(cli,
			     "no record is an event, profile update or detail row with a "
			     "'%s'",
			     t->key);
	return 0;
}
