#include "model/lists.h"

#include "base/mem.h"
#include "base/text.h"
#include "format/ids.h"

#include <stdlib.h>
#include <string.h>

enum { NOBODY = UINT32_MAX };

/* `id` is a number in cdp_lists.ids, of lists of one_ids one in `members`. */
struct row {
	uint32_t id, line;
};

struct list {
	const struct cdp_list_def *def;
	const struct cdp_idkind *kind; /* NULL: one_id, or not declared */
	uint8_t prefix;                /* of its keys: place of the kind's name + 1 */
	struct row *rows;
	size_t n, cap;
	struct part { /* rows from `first` on are of the file */
		size_t first;
		const char *file;
	} * files;
	size_t nfiles, files_cap;
	uint64_t rejected;
};

struct cdp_lists {
	const struct cdp_segments *set;
	const struct cdp_idkinds *kinds;
	struct cdp_members *members;
	struct list *v;           /* of set->lists */
	struct list *at;          /* rows are of it */
	struct cdp_intern *names; /* of kinds that lists have */
	struct cdp_intern *ids;   /* place of the kind's name, value in normal form */
	uint32_t *person;         /* by id: number in `members`, or NOBODY */
	size_t person_cap;
	struct cdp_buf norm, key;
	const char *(*now)(void *ctx, const char *p, size_t n, size_t *len);
	void *now_ctx;
};

struct cdp_lists *cdp_lists_new(const struct cdp_segments *set,
				const struct cdp_idkinds *kinds,
				struct cdp_members *members)
{
	struct cdp_lists *l = cdp_calloc(1, sizeof(*l));

	l->set = set;
	l->kinds = kinds;
	l->members = members;
	l->v = cdp_calloc(set->list_count, sizeof(*l->v));
	l->names = cdp_intern_new(0);
	l->ids = cdp_intern_new(0);
	for (unsigned i = 0; i < set->list_count; i++)
		l->v[i].def = &set->lists[i];
	cdp_buf_init(&l->norm, CDP_BUF_NOMAX);
	cdp_buf_init(&l->key, CDP_BUF_NOMAX);
	return l;
}

void cdp_lists_free(struct cdp_lists *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->set->list_count; i++) {
		free(l->v[i].rows);
		free(l->v[i].files);
	}
	free(l->v);
	cdp_intern_free(l->names);
	cdp_intern_free(l->ids);
	free(l->person);
	cdp_buf_release(&l->norm);
	cdp_buf_release(&l->key);
	free(l);
}

void cdp_lists_rename(struct cdp_lists *l,
		      const char *(*now)(void *ctx, const char *p, size_t n, size_t *len),
		      void *ctx)
{
	l->now = now;
	l->now_ctx = ctx;
}

/* --- rows --- */

static int unknown_kind(const struct cdp_idkinds *k, const char *name,
			struct cdp_err *err)
{
	const char **names = cdp_alloc((k->n + 1) * sizeof(*names)), *near;

	for (unsigned i = 0; i < k->n; i++)
		names[i] = k->v[i].name;
	near = cdp_text_suggest(name, strlen(name), names, k->n);
	cdp_err_set(err, CDP_ERR_USAGE, "import.kind: '%s' is no kind of id%s%s%s", name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	return -1;
}

int cdp_lists_begin(struct cdp_lists *l, unsigned i, struct cdp_err *err)
{
	struct list *at = l->at = &l->v[i];
	const char *kind = at->def->kind;
	size_t n = kind ? strlen(kind) : 0;

	if (!kind)
		return 0;
	at->kind = cdp_idkinds_find(l->kinds, kind, n);
	if (!at->kind && (!l->kinds->alone || n > CDP_IDKIND_NAME_MAX))
		return unknown_kind(l->kinds, kind, err);
	if (at->kind && at->kind->off)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"import.kind: '%s' is off: it says of nobody who he is", kind);
	if (cdp_intern_get(l->names, kind, n) == CDP_INTERN_NONE &&
	    cdp_intern_count(l->names) == CDP_IDKINDS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.kind: more than %d kinds of ids",
				   CDP_IDKINDS_MAX);
	at->prefix = (uint8_t)cdp_intern_put(l->names, kind, n, NULL);
	return 0;
}

void cdp_lists_file(struct cdp_lists *l, const char *name)
{
	struct list *at = l->at;

	CDP_GROW(at->files, at->nfiles, at->files_cap);
	at->files[at->nfiles++] = (struct part){ at->n, name };
}

void cdp_lists_reject(struct cdp_lists *l)
{
	l->at->rejected++;
}

/* "'12345' is no phone", of at most 40 bytes of it. */
static int bad_id(const char *id, size_t n, const char *what, struct cdp_err *err)
{
	struct cdp_buf b;
	bool cut = n > 40;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	while (cut && n > 40 - 3 && (n > 40 || ((unsigned char)id[n] & 0xc0) == 0x80))
		n--;
	cdp_text_escape(&b, id, n);
	cdp_err_set(err, CDP_ERR_DATA, "'%s%s' %s", cdp_buf_str(&b), cut ? "..." : "",
		    what);
	cdp_buf_release(&b);
	return -1;
}

static enum cdp_idnorm norm_of(const struct list *at)
{
	return at->kind ? at->kind->norm : CDP_IDNORM_TEXT;
}

/* The number of an id in normal form, added if new. */
static uint32_t put_id(struct cdp_lists *l, const char *p, size_t n)
{
	uint32_t id;
	bool added;

	cdp_buf_reset(&l->key);
	cdp_buf_addc(&l->key, (char)l->at->prefix);
	cdp_buf_add(&l->key, p, n);
	id = cdp_intern_put(l->ids, l->key.p, l->key.n, &added);
	if (added) {
		CDP_GROW(l->person, id, l->person_cap);
		l->person[id] = NOBODY;
	}
	return id;
}

int cdp_lists_add(struct cdp_lists *l, const char *id, size_t n, uint64_t line,
		  struct cdp_err *err)
{
	struct list *at = l->at;
	const char *p;
	size_t len;
	struct row row = { .line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX };

	if (n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "the id is empty");
	if (cdp_id_is_spoilt(id, n))
		return bad_id(id, n,
			      "has lost its digits, as spreadsheets make of long numbers",
			      err);
	if (!cdp_idnorm(norm_of(at), id, n, &l->norm, &p, &len))
		return bad_id(id, n,
			      norm_of(at) == CDP_IDNORM_PHONE    ? "is no phone number"
			      : norm_of(at) == CDP_IDNORM_IDCARD ? "is no ID card"
			      : norm_of(at) == CDP_IDNORM_EMAIL  ? "is no e-mail address"
								 : "is no id",
			      err);
	if (at->def->kind && l->kinds->junk && cdp_id_is_junk(p, len))
		return bad_id(id, n, "stands for no id", err);
	if (!at->def->kind && l->now)
		p = l->now(l->now_ctx, p, len, &len);
	row.id = at->def->kind ? put_id(l, p, len)
			       : cdp_members_number(l->members, p, len);
	CDP_GROW(at->rows, at->n, at->cap);
	at->rows[at->n++] = row;
	return 0;
}

/* --- the map --- */

bool cdp_lists_need_map(const struct cdp_lists *l)
{
	return cdp_intern_count(l->ids) > 0;
}

uint32_t cdp_lists_find(const struct cdp_lists *l, const char *kind, size_t kind_n,
			const char *value, size_t n, struct cdp_buf *tmp)
{
	uint32_t prefix = cdp_intern_get(l->names, kind, kind_n);

	if (prefix == CDP_INTERN_NONE)
		return CDP_INTERN_NONE;
	cdp_buf_reset(tmp);
	cdp_buf_addc(tmp, (char)prefix);
	cdp_buf_add(tmp, value, n);
	return cdp_intern_get(l->ids, tmp->p, tmp->n);
}

int cdp_lists_settle(struct cdp_lists *l, uint32_t id, const char *one_id, size_t n,
		     struct cdp_err *err)
{
	uint32_t person = cdp_members_number(l->members, one_id, n);
	size_t len;
	const char *key;

	if (l->person[id] == NOBODY || l->person[id] == person) {
		l->person[id] = person;
		return 0;
	}
	key = cdp_intern_key(l->ids, id, &len);
	return cdp_err_set(err, CDP_ERR_USAGE, "'%.*s' is of two persons", (int)len - 1,
			   key + 1);
}

/* --- members --- */

static unsigned bit_of(const struct cdp_lists *l, uint32_t given)
{
	return given - l->set->defined;
}

static uint32_t person_of(const struct cdp_lists *l, const struct list *at,
			  const struct row *row)
{
	return at->def->kind ? l->person[row->id] : row->id;
}

static bool is_blocked(const struct cdp_lists *l, const struct list *at, uint32_t person)
{
	const uint64_t *bits = cdp_members_row(l->members, person);

	for (size_t i = 0; i < at->def->blocks.n; i++)
		if (cdp_bit(bits, bit_of(l, at->def->blocks.v[i])))
			return true;
	return false;
}

static void give_rows(struct cdp_lists *l, const struct list *at)
{
	unsigned bit = bit_of(l, at->def->given);

	for (size_t i = 0; i < at->n; i++) {
		uint32_t person = person_of(l, at, &at->rows[i]);
		uint64_t *bits;

		if (person == NOBODY)
			continue;
		bits = cdp_members_row(l->members, person);
		if (at->def->mode == CDP_LIST_REMOVE)
			bits[bit / 64] &= ~((uint64_t)1 << bit % 64);
		else
			cdp_bit_set(bits, bit);
	}
}

static void take_if_blocked(struct cdp_lists *l, const struct list *at, uint32_t person)
{
	unsigned bit = bit_of(l, at->def->given);

	if (is_blocked(l, at, person))
		cdp_members_row(l->members, person)[bit / 64] &=
			~((uint64_t)1 << bit % 64);
}

static void take_blocked(struct cdp_lists *l, const struct list *at)
{
	for (uint32_t p = 0;
	     at->def->mode != CDP_LIST_OVERWRITE && p < cdp_members_count(l->members);
	     p++)
		take_if_blocked(l, at, p);
	for (size_t i = 0; at->def->mode == CDP_LIST_OVERWRITE && i < at->n; i++) {
		uint32_t p = person_of(l, at, &at->rows[i]);

		if (p != NOBODY)
			take_if_blocked(l, at, p);
	}
}

void cdp_lists_give(struct cdp_lists *l)
{
	for (unsigned i = 0; i < l->set->list_count; i++)
		give_rows(l, &l->v[i]);
	for (unsigned i = 0; i < l->set->list_count; i++)
		if (l->v[i].def->blocks.n)
			take_blocked(l, &l->v[i]);
}

/* --- what came of it --- */

/* Sets of bits: who and what came before, ids that are blocked. */
struct marks {
	uint64_t *persons, *ids, *blocked;
};

/* Ids that are nobody's, too, are blocked where they stand in such a list. */
static void mark_blocked(const struct cdp_lists *l, const struct list *at,
			 struct marks *m)
{
	for (size_t i = 0; i < at->def->blocks.n; i++)
		for (unsigned k = 0; k < l->set->list_count; k++) {
			const struct list *b = &l->v[k];

			if (b->def->given != at->def->blocks.v[i] || !b->def->kind)
				continue;
			for (size_t r = 0; r < b->n; r++)
				cdp_bit_set(m->blocked, b->rows[r].id);
		}
}

static bool is_marked(uint64_t *bits, uint32_t i)
{
	bool was = cdp_bit(bits, i);

	cdp_bit_set(bits, i);
	return was;
}

static enum cdp_list_fate fate_of(const struct cdp_lists *l, const struct list *at,
				  const struct row *row, const struct marks *m,
				  const struct cdp_list_asker *asker)
{
	uint32_t person = person_of(l, at, row);
	const char *key;
	size_t n;

	if (person == NOBODY ? is_marked(m->ids, row->id) : is_marked(m->persons, person))
		return CDP_LIST_DUPLICATE;
	if (person == NOBODY)
		return cdp_bit(m->blocked, row->id) ? CDP_LIST_BLOCKED
						    : CDP_LIST_UNMATCHED;
	if (is_blocked(l, at, person))
		return CDP_LIST_BLOCKED;
	key = cdp_members_key(l->members, person, &n);
	return !asker->has_profile || asker->has_profile(asker->ctx, key, n)
		       ? CDP_LIST_MATCHED
		       : CDP_LIST_NO_PROFILE;
}

static void tell(const struct cdp_lists *l, const struct list *at, size_t i, size_t *part,
		 enum cdp_list_fate fate, const struct cdp_list_asker *asker)
{
	struct cdp_list_row out = { .line = at->rows[i].line, .fate = fate };

	while (*part + 1 < at->nfiles && at->files[*part + 1].first <= i)
		++*part;
	out.file = at->files[*part].file;
	if (at->def->kind) {
		out.id = cdp_intern_key(l->ids, at->rows[i].id, &out.n) + 1;
		out.n--;
	} else {
		out.id = cdp_members_key(l->members, at->rows[i].id, &out.n);
	}
	asker->each(asker->ctx, &out);
}

void cdp_lists_each(struct cdp_lists *l, unsigned i, const struct cdp_list_asker *asker,
		    struct cdp_list_counts *counts)
{
	const struct list *at = &l->v[i];
	uint32_t ids = cdp_intern_count(l->ids);
	uint32_t persons = cdp_members_count(l->members);
	struct marks m = { .persons = cdp_calloc(cdp_bit_words(persons), 8),
			   .ids = cdp_calloc(cdp_bit_words(ids), 8),
			   .blocked = cdp_calloc(cdp_bit_words(ids), 8) };
	size_t part = 0;

	*counts = (struct cdp_list_counts){ .rows = at->n + at->rejected,
					    .rejected = at->rejected };
	mark_blocked(l, at, &m);
	for (size_t r = 0; r < at->n; r++) {
		enum cdp_list_fate fate = fate_of(l, at, &at->rows[r], &m, asker);

		counts->fate[fate]++;
		if (asker->each)
			tell(l, at, r, &part, fate, asker);
	}
	free(m.persons);
	free(m.ids);
	free(m.blocked);
}
