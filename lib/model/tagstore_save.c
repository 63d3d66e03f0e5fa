#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/bundle.h"
#include "model/tagstore.h"
#include "model/tagstore_priv.h"
#include "record/json.h"

/* A tag with more values, none of them a list, is a column. */
enum { BITMAPS = 64 };

/* --- what a thread reads --- */

struct list {
	uint32_t *v;
	size_t n, cap;
};

static void push(struct list *l, uint32_t x)
{
	CDP_GROW(l->v, l->n, l->cap);
	l->v[l->n++] = x;
}

/* A tag: for each row 1 + the number of its (first) value, in cells of `width` bytes. */
struct tag {
	struct cdp_intern *values;
	void *cells;
	size_t rows, cap;
	unsigned width;
	struct list more; /* further items of lists: row, 1 + value */
	struct list nulls, lists;
	/* of the profile at hand */
	uint32_t seen; /* 1 + its row */
	struct cdp_val at;
};

struct cdp_tagstore_part {
	struct cdp_intern *keys;
	uint32_t rows, twice;
	struct cdp_intern *names;
	struct tag *tags;
	size_t cap;
	struct list touched;
	struct cdp_buf key, tmp;
};

static uint32_t cell(const struct tag *t, size_t row)
{
	if (row >= t->rows)
		return 0;
	return t->width == 1   ? ((const uint8_t *)t->cells)[row]
	       : t->width == 2 ? ((const uint16_t *)t->cells)[row]
			       : ((const uint32_t *)t->cells)[row];
}

static void write_cell(void *cells, unsigned width, size_t row, uint32_t x)
{
	if (width == 1)
		((uint8_t *)cells)[row] = (uint8_t)x;
	else if (width == 2)
		((uint16_t *)cells)[row] = (uint16_t)x;
	else
		((uint32_t *)cells)[row] = x;
}

static unsigned width_for(uint32_t x)
{
	return x <= UINT8_MAX ? 1 : x <= UINT16_MAX ? 2 : 4;
}

static void widen(struct tag *t, unsigned width)
{
	void *cells = cdp_calloc(t->cap ? t->cap : 1, width);

	for (size_t i = 0; i < t->rows; i++)
		write_cell(cells, width, i, cell(t, i));
	free(t->cells);
	t->cells = cells;
	t->width = width;
}

static void set_cell(struct tag *t, size_t row, uint32_t x)
{
	if (width_for(x) > t->width)
		widen(t, width_for(x));
	if (row >= t->cap) {
		size_t cap = row < 512 ? 1024 : row * 2;

		t->cells = cdp_realloc(t->cells, cap, t->width);
		memset((char *)t->cells + t->cap * t->width, 0,
		       (cap - t->cap) * t->width);
		t->cap = cap;
	}
	if (row >= t->rows)
		t->rows = row + 1;
	write_cell(t->cells, t->width, row, x);
}

struct cdp_tagstore_part *cdp_tagstore_part_new(void)
{
	struct cdp_tagstore_part *p = cdp_calloc(1, sizeof(*p));

	p->keys = cdp_intern_new(0);
	p->names = cdp_intern_new(0);
	cdp_buf_init(&p->key, CDP_BUF_NOMAX);
	cdp_buf_init(&p->tmp, CDP_BUF_NOMAX);
	return p;
}

void cdp_tagstore_part_free(struct cdp_tagstore_part *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < cdp_intern_count(p->names); i++) {
		struct tag *t = &p->tags[i];

		cdp_intern_free(t->values);
		free(t->cells);
		free(t->more.v);
		free(t->nulls.v);
		free(t->lists.v);
	}
	free(p->tags);
	free(p->touched.v);
	cdp_intern_free(p->keys);
	cdp_intern_free(p->names);
	cdp_buf_release(&p->key);
	cdp_buf_release(&p->tmp);
	free(p);
}

static uint32_t put_tag(struct cdp_tagstore_part *p, const char *name, size_t n)
{
	bool added;
	uint32_t id = cdp_intern_put(p->names, name, n, &added);

	if (added) {
		CDP_GROW(p->tags, id, p->cap);
		p->tags[id] = (struct tag){ .values = cdp_intern_new(0), .width = 1 };
	}
	return id;
}

struct filling {
	struct cdp_tagstore_part *p;
	struct tag *t;
	uint32_t row;
};

static void add_value(void *ctx, bool is_item)
{
	struct filling *f = ctx;
	uint32_t x = 1 + cdp_intern_put(f->t->values, f->p->key.p, f->p->key.n, NULL);

	if (!is_item || !cell(f->t, f->row)) {
		set_cell(f->t, f->row, x);
		return;
	}
	push(&f->t->more, f->row);
	push(&f->t->more, x);
}

/* Of members that come twice the last counts. */
static void read_tags(struct cdp_tagstore_part *p, const struct cdp_val *tags,
		      uint32_t row)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	p->touched.n = 0;
	while (cdp_val_member(tags, &it, &key, &v)) {
		size_t n;
		const char *name = cdp_val_str(&key, &p->tmp, &n);
		uint32_t id = put_tag(p, name, n);

		if (p->tags[id].seen != row + 1)
			push(&p->touched, id);
		p->tags[id].seen = row + 1;
		p->tags[id].at = v;
	}
}

void cdp_tagstore_part_add(struct cdp_tagstore_part *p, const char *key, size_t n,
			   const struct cdp_val *tags)
{
	bool added;
	uint32_t row = cdp_intern_put(p->keys, key, n, &added);

	if (!added) {
		p->twice++;
		return;
	}
	read_tags(p, tags, row);
	for (size_t i = 0; i < p->touched.n; i++) {
		struct tag *t = &p->tags[p->touched.v[i]];
		struct filling f = { p, t, row };

		if (t->at.type == CDP_NULL)
			push(&t->nulls, row);
		if (t->at.type == CDP_ARRAY)
			push(&t->lists, row);
		cdp_portrait_each_key(&t->at, &p->key, &p->tmp, add_value, &f);
	}
}

/* --- all threads together --- */

struct save {
	struct cdp_tagstore_part *const *parts;
	unsigned count;
	uint32_t **to; /* by part: ordinals by row */
	uint32_t limit;
	struct cdp_bundle_out *out;
	struct cdp_buf name, data;
	/* of the tag at hand */
	const char *tag;
	size_t tag_n;
	const struct tag **of; /* by part; NULL: it has none */
	struct cdp_intern *values;
	uint32_t **ids;  /* by part: its values in `values` */
	uint32_t *cells; /* by ordinal */
};

static int put_bytes(struct save *s, enum cdp_tags_entry what, const char *key, size_t n,
		     uint64_t number, struct cdp_err *err)
{
	cdp_tags_name(&s->name, s->tag, s->tag_n, what);
	cdp_buf_add(&s->name, key, n);
	return cdp_bundle_add(s->out,
			      &(struct cdp_bundle_item){ .name = s->name.p,
							 .name_n = s->name.n,
							 .number = number,
							 .data = s->data.p,
							 .n = s->data.n },
			      err);
}

static int put_bitmap(struct save *s, enum cdp_tags_entry what, const char *key, size_t n,
		      struct cdp_bitmap *b, struct cdp_err *err)
{
	cdp_bitmap_optimise(b);
	cdp_buf_reset(&s->data);
	cdp_bitmap_freeze(b, &s->data);
	return put_bytes(s, what, key, n, cdp_bitmap_count(b), err);
}

/* Rows of each part's list, as ordinals. */
static void add_rows(const struct save *s, struct cdp_bitmap *b, bool nulls)
{
	for (unsigned k = 0; k < s->count; k++) {
		const struct list *l = !s->of[k] ? NULL
				       : nulls   ? &s->of[k]->nulls
						 : &s->of[k]->lists;

		for (size_t i = 0; l && i < l->n; i++)
			cdp_bitmap_add(b, s->to[k][l->v[i]]);
	}
}

static void gather_cells(struct save *s)
{
	memset(s->cells, 0, s->limit * sizeof(*s->cells));
	for (unsigned k = 0; k < s->count; k++)
		for (size_t row = 0; s->of[k] && row < s->of[k]->rows; row++) {
			uint32_t x = cell(s->of[k], row);

			if (x)
				s->cells[s->to[k][row]] = 1 + s->ids[k][x - 1];
		}
}

static struct cdp_bitmap *have_value(const struct save *s)
{
	struct cdp_bitmap *b = cdp_bitmap_new();
	uint32_t v[1024];
	size_t n = 0;

	for (uint32_t i = 0; i < s->limit; i++) {
		if (s->cells[i])
			v[n++] = i;
		if (n == 1024 || i + 1 == s->limit) {
			cdp_bitmap_add_many(b, v, n);
			n = 0;
		}
	}
	return b;
}

/* By value: its customers, ascending but for further items of lists. */
static struct cdp_bitmap **sets_of(const struct save *s)
{
	uint32_t values = cdp_intern_count(s->values);
	struct cdp_bitmap **sets =
		cdp_calloc((size_t)values + 1, sizeof(struct cdp_bitmap *));
	size_t *at = cdp_calloc((size_t)values + 2, sizeof(*at));
	uint32_t *v;

	for (uint32_t i = 0; i < s->limit; i++)
		if (s->cells[i])
			at[s->cells[i] + 1]++;
	for (uint32_t x = 1; x <= values; x++)
		at[x + 1] += at[x];
	v = cdp_alloc((at[values + 1] + 1) * sizeof(*v));
	for (uint32_t i = 0; i < s->limit; i++)
		if (s->cells[i])
			v[at[s->cells[i]]++] = i;
	for (uint32_t x = 1; x <= values; x++)
		sets[x - 1] = cdp_bitmap_of(v + at[x - 1], at[x] - at[x - 1]);
	for (unsigned k = 0; k < s->count; k++) {
		const struct list *more = s->of[k] ? &s->of[k]->more : NULL;

		for (size_t i = 0; more && i < more->n; i += 2)
			cdp_bitmap_add(sets[s->ids[k][more->v[i + 1] - 1]],
				       s->to[k][more->v[i]]);
	}
	free(v);
	free(at);
	return sets;
}

static int put_values(struct save *s, struct cdp_err *err)
{
	uint32_t *order = cdp_intern_order(s->values), n = cdp_intern_count(s->values);
	struct cdp_bitmap **sets = sets_of(s);
	int rc = 0;

	for (uint32_t i = 0; i < n && rc == 0; i++) {
		size_t len;
		const char *key = cdp_intern_key(s->values, order[i], &len);

		rc = put_bitmap(s, CDP_TAGS_VALUE, key, len, sets[order[i]], err);
	}
	for (uint32_t i = 0; i < n; i++)
		cdp_bitmap_free(sets[i]);
	free(sets);
	free(order);
	return rc;
}

static int put_cells(struct save *s, const uint32_t *number, uint32_t values,
		     struct cdp_err *err)
{
	unsigned width = width_for(values);

	cdp_buf_reset(&s->data);
	cdp_buf_reserve(&s->data, (size_t)s->limit * width);
	for (uint32_t i = 0; i < s->limit; i++)
		write_cell(s->data.p, width, i, number[s->cells[i]]);
	s->data.n = (size_t)s->limit * width;
	return put_bytes(s, CDP_TAGS_CELLS, NULL, 0, width, err);
}

static int put_column(struct save *s, struct cdp_err *err)
{
	uint32_t n = cdp_intern_count(s->values);
	uint32_t *number = cdp_alloc(((size_t)n + 1) * sizeof(*number));
	struct cdp_buf scaled;
	unsigned scale = 0;
	int rc;

	cdp_buf_init(&scaled, CDP_BUF_NOMAX);
	cdp_tags_make_column(s->values, number, &s->data, &scaled, &scale);
	rc = put_bytes(s, CDP_TAGS_KEYS, NULL, 0, n, err);
	if (rc == 0)
		rc = put_cells(s, number, n, err);
	if (rc == 0 && scaled.n) {
		cdp_buf_reset(&s->data);
		cdp_buf_add(&s->data, scaled.p, scaled.n);
		rc = put_bytes(s, CDP_TAGS_SCALED, NULL, 0, scale, err);
	}
	cdp_buf_release(&scaled);
	free(number);
	return rc;
}

static int put_who(struct save *s, struct cdp_bitmap *lists, struct cdp_err *err)
{
	struct cdp_bitmap *present = have_value(s), *named = cdp_bitmap_copy(present);
	int rc;

	add_rows(s, named, true);
	rc = put_bitmap(s, CDP_TAGS_NAMED, NULL, 0, named, err);
	if (rc == 0 && !cdp_bitmap_equals(present, named))
		rc = put_bitmap(s, CDP_TAGS_PRESENT, NULL, 0, present, err);
	if (rc == 0 && !cdp_bitmap_is_empty(lists))
		rc = put_bitmap(s, CDP_TAGS_LISTS, NULL, 0, lists, err);
	cdp_bitmap_free(present);
	cdp_bitmap_free(named);
	return rc;
}

static int put_one(struct save *s, struct cdp_err *err)
{
	struct cdp_bitmap *lists = cdp_bitmap_new();
	int rc;

	s->values = cdp_intern_new(0);
	for (unsigned k = 0; k < s->count; k++) {
		uint32_t at = cdp_intern_get(s->parts[k]->names, s->tag, s->tag_n);

		s->of[k] = at == CDP_INTERN_NONE ? NULL : &s->parts[k]->tags[at];
		s->ids[k] =
			s->of[k] ? cdp_intern_put_all(s->values, s->of[k]->values) : NULL;
	}
	gather_cells(s);
	add_rows(s, lists, false);
	rc = put_who(s, lists, err);
	if (rc == 0)
		rc = cdp_bitmap_is_empty(lists) && cdp_intern_count(s->values) > BITMAPS
			     ? put_column(s, err)
			     : put_values(s, err);
	for (unsigned k = 0; k < s->count; k++)
		free(s->ids[k]);
	cdp_bitmap_free(lists);
	cdp_intern_free(s->values);
	return rc;
}

/* Tags by length, then bytes, as the names of entries sort. */
struct named {
	const char *p;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(x->p, y->p, x->n);
}

static int put_tags(struct save *s, struct cdp_err *err)
{
	struct cdp_intern *names = cdp_intern_new(0);
	struct named *v;
	uint32_t n;
	int rc = 0;

	for (unsigned k = 0; k < s->count; k++)
		free(cdp_intern_put_all(names, s->parts[k]->names));
	n = cdp_intern_count(names);
	v = cdp_calloc((size_t)n + 1, sizeof(*v));
	for (uint32_t i = 0; i < n; i++)
		v[i].p = cdp_intern_key(names, i, &v[i].n);
	qsort(v, n, sizeof(*v), by_name);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		s->tag = v[i].p;
		s->tag_n = v[i].n;
		rc = put_one(s, err);
	}
	free(v);
	cdp_intern_free(names);
	return rc;
}

static int put_all(struct save *s, const char *path, struct cdp_bitmap *all,
		   const uint64_t *numbers, struct cdp_err *err)
{
	int rc;

	s->out = cdp_bundle_create(path, CDP_TAGS_KIND, err);
	if (!s->out)
		return -1;
	cdp_bitmap_optimise(all);
	cdp_bitmap_freeze(all, &s->data);
	rc = cdp_bundle_add(s->out,
			    &(struct cdp_bundle_item){ .number = cdp_bitmap_count(all),
						       .data = s->data.p,
						       .n = s->data.n },
			    err);
	if (rc == 0)
		rc = put_tags(s, err);
	if (rc == 0)
		return cdp_bundle_finish(s->out, numbers, err);
	cdp_bundle_abandon(s->out);
	return -1;
}

/* --- ordinals --- */

struct customers {
	struct cdp_intern *keys;
	uint32_t *order;
};

static const char *customer(void *ctx, uint32_t i, size_t *n)
{
	const struct customers *c = ctx;

	return cdp_intern_key(c->keys, c->order[i], n);
}

/* By part and row; the first ids[] are those of the customers together. */
static int place(struct save *s, struct cdp_segstore *store, struct cdp_bitmap *all,
		 struct cdp_err *err)
{
	struct customers c = { .keys = cdp_intern_new(0) };
	uint32_t rows = 0, twice = 0, n, *ordinals, *by_id;

	for (unsigned k = 0; k < s->count; k++) {
		s->to[k] = cdp_intern_put_all(c.keys, s->parts[k]->keys);
		rows += cdp_intern_count(s->parts[k]->keys);
		twice += s->parts[k]->twice;
	}
	n = cdp_intern_count(c.keys);
	c.order = cdp_intern_order(c.keys);
	twice += rows - n;
	ordinals = twice ? NULL
			 : cdp_segstore_ordinals(
				   store, &(struct cdp_keylist){ n, customer, &c }, err);
	by_id = cdp_alloc(((size_t)n + 1) * sizeof(*by_id));
	for (uint32_t i = 0; i < n && ordinals; i++)
		by_id[c.order[i]] = ordinals[i];
	for (unsigned k = 0; k < s->count && ordinals; k++)
		for (uint32_t i = 0; i < cdp_intern_count(s->parts[k]->keys); i++)
			s->to[k][i] = by_id[s->to[k][i]];
	if (ordinals)
		cdp_bitmap_add_many(all, ordinals, n);
	free(by_id);
	free(c.order);
	cdp_intern_free(c.keys);
	if (twice)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"one profile a customer is needed: %u are of customers "
			"who have another",
			twice);
	free(ordinals);
	return ordinals ? 0 : -1;
}

int cdp_tagstore_save(struct cdp_segstore *store, struct cdp_time as_of,
		      struct cdp_tagstore_part *const *parts, unsigned count,
		      struct cdp_err *err)
{
	struct save *s = cdp_calloc(1, sizeof(*s));
	struct cdp_bitmap *all = cdp_bitmap_new();
	uint64_t numbers[CDP_BUNDLE_NUMBERS] = { 0 };
	char *path = cdp_segstore_path(store, cdp_time_ms(as_of), CDP_TAGS_KIND);
	int rc;

	s->parts = parts;
	s->count = count;
	s->to = cdp_calloc((size_t)count + 1, sizeof(*s->to));
	s->ids = cdp_calloc((size_t)count + 1, sizeof(*s->ids));
	s->of = cdp_calloc((size_t)count + 1, sizeof(*s->of));
	cdp_buf_init(&s->name, CDP_BUF_NOMAX);
	cdp_buf_init(&s->data, CDP_BUF_NOMAX);
	rc = place(s, store, all, err);
	if (rc == 0) {
		uint32_t last = 0, n = (uint32_t)cdp_bitmap_count(all);

		s->limit = n && cdp_bitmap_select(all, n - 1, &last) ? last + 1 : 0;
		s->cells = cdp_alloc(((size_t)s->limit + 1) * sizeof(*s->cells));
		numbers[CDP_TAGS_TIME] = (uint64_t)cdp_time_ms(as_of);
		numbers[CDP_TAGS_NEEDED] = s->limit;
		if (cdp_keydict_fingerprint(cdp_segstore_dict(store), s->limit,
					    &numbers[CDP_TAGS_PRINT]) < 0)
			CDP_BUG("customer %u has no ordinal", last);
		rc = put_all(s, path, all, numbers, err);
	}
	for (unsigned k = 0; k < count; k++)
		free(s->to[k]);
	free(s->to);
	free(s->ids);
	free(s->of);
	free(s->cells);
	cdp_buf_release(&s->name);
	cdp_buf_release(&s->data);
	cdp_bitmap_free(all);
	free(path);
	free(s);
	return rc;
}
