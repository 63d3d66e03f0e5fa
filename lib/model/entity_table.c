#include "model/entity_table.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A slot: where the row begins plus one, and bits of the hash that its place does not
 * tell.  0 is free. */
enum { SLOT_SHIFT = 24, SLOT_MARK = 0xffffff, HEAD = 7, STATE_BITS = 2 };

/* --- rows --- */

static void put_length(struct cdp_buf *b, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		cdp_buf_addc(b, (char)(n | 0x80));
	cdp_buf_addc(b, (char)n);
}

static size_t get_length(const char **p)
{
	size_t n = 0;
	unsigned shift = 0;

	for (; (unsigned char)**p & 0x80; shift += 7)
		n |= (size_t)((unsigned char)*(*p)++ & 0x7f) << shift;
	return n | (size_t)(unsigned char)*(*p)++ << shift;
}

/* Time and state in 56 bits that compare as they should: of one instant a removal is the
 * least. */
static void put_head(char *p, uint64_t head)
{
	for (int i = 0; i < HEAD; i++)
		p[i] = (char)(head >> 8 * i);
}

static uint64_t get_head(const char *p)
{
	uint64_t head = 0;

	for (int i = 0; i < HEAD; i++)
		head |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return head;
}

static enum cdp_entity_state state_of(const struct cdp_entity_row *r)
{
	return (enum cdp_entity_state)(get_head(r->row) & ((1 << STATE_BITS) - 1));
}

bool cdp_entity_is_there(const struct cdp_entity_row *r)
{
	return state_of(r) == CDP_ENTITY_THERE;
}

void cdp_entity_put(struct cdp_buf *b, int64_t ms, enum cdp_entity_state state,
		    const char *id, size_t id_n, const struct cdp_buf *members)
{
	char head[HEAD];

	put_head(head, (uint64_t)(ms - CDP_ENTITY_NO_TIME) << STATE_BITS | state);
	cdp_buf_add(b, head, HEAD);
	put_length(b, id_n);
	cdp_buf_add(b, id, id_n);
	put_length(b, members ? members->n : 0);
	if (members)
		cdp_buf_add(b, members->p, members->n);
}

void cdp_entity_put_member(struct cdp_buf *b, const char *p, size_t n)
{
	put_length(b, p ? n + 1 : 0);
	cdp_buf_add(b, p, p ? n : 0);
}

struct cdp_entity_row cdp_entity_row_at(const char *p)
{
	struct cdp_entity_row r = { .row = p };
	size_t n;

	p += HEAD;
	r.id_n = get_length(&p);
	r.id = p;
	p += r.id_n;
	n = get_length(&p);
	r.members = p;
	r.end = p + n;
	return r;
}

bool cdp_entity_member(const struct cdp_entity_row *r, uint32_t i, const char **p,
		       size_t *n)
{
	*p = r->members;
	for (;; i--) {
		*n = get_length(p);
		if (i == 0)
			break;
		*p += *n ? *n - 1 : 0;
	}
	if (*n == 0)
		return false;
	(*n)--;
	return true;
}

/* Whether row a counts and not row b. */
static bool is_later(const struct cdp_entity_row *a, const struct cdp_entity_row *b)
{
	uint64_t x = get_head(a->row), y = get_head(b->row);
	size_t n = (size_t)(a->end - a->members), m = (size_t)(b->end - b->members);
	int c;

	if (x != y)
		return x > y;
	c = memcmp(a->members, b->members, n < m ? n : m);
	return c > 0 || (c == 0 && n > m);
}

/* --- the table --- */

void cdp_entity_table_init(struct cdp_entity_table *t)
{
	memset(t, 0, sizeof(*t));
	cdp_buf_init(&t->rows, CDP_BUF_NOMAX);
}

void cdp_entity_table_release(struct cdp_entity_table *t)
{
	cdp_buf_release(&t->rows);
	free(t->slots);
}

/* The slot of the id, a free one if it has none. */
static uint64_t *find(const struct cdp_entity_table *t, const char *id, size_t n,
		      uint64_t hash, struct cdp_entity_row *found)
{
	uint64_t mask = ((uint64_t)1 << t->bits) - 1, at = hash >> (64 - t->bits);

	for (;; at = (at + 1) & mask) {
		uint64_t slot = t->slots[at];

		if (!slot)
			return &t->slots[at];
		if ((slot & SLOT_MARK) != (hash & SLOT_MARK))
			continue;
		*found = cdp_entity_row_at(t->rows.p + (slot >> SLOT_SHIFT) - 1);
		if (found->id_n == n && memcmp(found->id, id, n) == 0)
			return &t->slots[at];
	}
}

static void set_slot(uint64_t *slot, size_t at, uint64_t hash)
{
	*slot = ((uint64_t)at + 1) << SLOT_SHIFT | (hash & SLOT_MARK);
}

/* New slots; rows that were replaced go. */
static void rebuild(struct cdp_entity_table *t, unsigned bits)
{
	const char *end = t->rows.p + t->rows.n;
	char *to = t->rows.p;

	free(t->slots);
	t->bits = bits;
	t->slots = cdp_calloc((size_t)1 << bits, sizeof(*t->slots));
	for (const char *p = t->rows.p; p < end;) {
		struct cdp_entity_row r = cdp_entity_row_at(p), same;
		bool replaced = state_of(&r) == CDP_ENTITY_REPLACED;
		uint64_t hash = cdp_hash(r.id, r.id_n);
		size_t n = (size_t)(r.end - p);

		p = r.end;
		if (replaced)
			continue;
		/* Looked for before it moves: ids are there once. */
		set_slot(find(t, r.id, r.id_n, hash, &same), (size_t)(to - t->rows.p),
			 hash);
		memmove(to, r.row, n);
		to += n;
	}
	t->rows.n = (size_t)(to - t->rows.p);
	t->waste = 0;
}

static void make_room(struct cdp_entity_table *t)
{
	if (!t->bits)
		rebuild(t, 10);
	else if (t->used * 5 >= (uint64_t)4 << t->bits)
		rebuild(t, t->bits + 1);
	else if (t->waste > t->rows.n / 2 && t->waste > 1 << 16)
		rebuild(t, t->bits);
}

void cdp_entity_table_add(struct cdp_entity_table *t, const struct cdp_entity_row *r)
{
	uint64_t hash = cdp_hash(r->id, r->id_n), *slot;
	size_t n = (size_t)(r->end - r->row), old_n;
	struct cdp_entity_row old;
	char *place;

	make_room(t);
	slot = find(t, r->id, r->id_n, hash, &old);
	if (*slot) {
		if (!is_later(r, &old))
			return;
		t->there -= cdp_entity_is_there(&old);
		t->there += cdp_entity_is_there(r);
		old_n = (size_t)(old.end - old.row);
		place = t->rows.p + (old.row - t->rows.p);
		if (n == old_n) {
			memcpy(place, r->row, n);
			return;
		}
		put_head(place, CDP_ENTITY_REPLACED);
		t->waste += old_n;
	} else {
		t->used++;
		t->there += cdp_entity_is_there(r);
	}
	set_slot(slot, t->rows.n, hash);
	cdp_buf_add(&t->rows, r->row, n);
}

bool cdp_entity_table_get(const struct cdp_entity_table *t, const char *id, size_t n,
			  struct cdp_entity_row *r)
{
	return t->used && *find(t, id, n, cdp_hash(id, n), r) && cdp_entity_is_there(r);
}

void cdp_entity_table_each(const struct cdp_entity_table *t,
			   void (*each)(void *ctx, const struct cdp_entity_row *r),
			   void *ctx)
{
	const char *end = t->rows.p + t->rows.n;

	for (const char *p = t->rows.p; p < end;) {
		struct cdp_entity_row r = cdp_entity_row_at(p);

		if (cdp_entity_is_there(&r))
			each(ctx, &r);
		p = r.end;
	}
}

size_t cdp_entity_table_memory(const struct cdp_entity_table *t)
{
	return t->rows.cap + (t->bits ? sizeof(uint64_t) << t->bits : 0);
}
