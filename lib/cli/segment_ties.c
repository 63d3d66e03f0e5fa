#include "cli/segment_ties.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct segment_ties {
	struct cdp_tag_reading *t;
	struct cdp_intern *ids; /* of the map: kind, NUL, id */
	uint32_t *person;       /* by id, in one_ids */
	size_t cap;
	struct cdp_intern *one_ids;
	struct cdp_buf id, tmp;
	const struct cdp_customers *customers;
	uint32_t customer;
};

struct segment_ties *segment_ties_new(struct cdp_tag_reading *t)
{
	struct segment_ties *s = cdp_calloc(1, sizeof(*s));

	s->t = t;
	s->ids = cdp_intern_new(0);
	s->one_ids = cdp_intern_new(0);
	cdp_buf_init(&s->id, CDP_BUF_NOMAX);
	cdp_buf_init(&s->tmp, CDP_BUF_NOMAX);
	return s;
}

void segment_ties_free(struct segment_ties *s)
{
	if (!s)
		return;
	cdp_intern_free(s->ids);
	cdp_intern_free(s->one_ids);
	cdp_buf_release(&s->id);
	cdp_buf_release(&s->tmp);
	free(s->person);
	free(s);
}

static int add_map_row(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct segment_ties *s = ctx;
	const struct cdp_val *kind = cdp_rec_get(rec, s->t->map_kind);
	const struct cdp_val *value = cdp_rec_get(rec, s->t->map_value);
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const char *p;
	size_t n;
	uint32_t i;

	(void)emit;
	if (kind->type != CDP_STRING || value->type != CDP_STRING ||
	    one_id->type != CDP_STRING || one_id->escaped)
		return cdp_err_set(err, CDP_ERR_DATA, "not a row of an identity map");
	cdp_buf_reset(&s->id);
	p = cdp_val_str(kind, &s->tmp, &n);
	cdp_buf_add(&s->id, p, n);
	cdp_buf_addc(&s->id, '\0');
	p = cdp_val_str(value, &s->tmp, &n);
	cdp_buf_add(&s->id, p, n);
	i = cdp_intern_put(s->ids, s->id.p, s->id.n, NULL);
	CDP_GROW(s->person, i, s->cap);
	s->person[i] = cdp_intern_put(s->one_ids, one_id->p, one_id->n, NULL);
	return 0;
}

int segment_ties_read_map(struct segment_ties *s, struct cdp_cli *cli, const char *path)
{
	const struct cdp_job loop = {
		.ctx = s, .paths = s->t->map_paths, .record = add_map_row, .serial = true
	};
	char *operands[] = { (char *)path, NULL };

	return path && cdp_cli_run_files(cli, &loop, operands) < 0;
}

static const char *find(void *ctx, const char *end, size_t end_n, size_t *n)
{
	const struct segment_ties *s = ctx;
	uint32_t i = cdp_intern_get(s->ids, end, end_n);

	return i == CDP_INTERN_NONE ? NULL : cdp_intern_key(s->one_ids, s->person[i], n);
}

int segment_ties_gather(struct segment_ties *s, struct cdp_rec *rec,
			struct cdp_customers *customers, struct cdp_err *err)
{
	struct cdp_relations *r =
		cdp_relations_new(s->t->set, cdp_relations_kind(s->t->relations));
	struct cdp_relation_log *log = cdp_relation_log_new(r, &s->t->relation_slots);
	struct cdp_gather *g;
	int rc = cdp_relation_log_add(log, rec, err);

	cdp_relation_log_end(log, r);
	cdp_relations_find(r, find, s);
	g = cdp_gather_new(customers, s->t->run);
	s->customers = customers;
	s->customer = cdp_relations_gather(r, g);
	cdp_gather_end(g);
	cdp_relations_free(r);
	s->t->other += rc == 0;
	return rc < 0 ? -1 : rc > 0 && s->customer != CDP_NOBODY;
}

const char *segment_ties_key(const struct segment_ties *s, size_t *n)
{
	return cdp_customers_key(s->customers, s->customer, n);
}
