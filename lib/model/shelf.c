#include "model/shelf.h"

#include "base/mem.h"
#include "io/in.h"
#include "io/mapped.h"
#include "io/spool.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	uint32_t customer, part;
	uint64_t at;
	uint32_t n;
};

struct cdp_shelf_part {
	struct cdp_spool *spool; /* NULL: nothing was put there */
	struct cdp_mapped lines;
	uint64_t size;
	struct entry *v;
	size_t n, cap;
};

struct cdp_shelf {
	struct cdp_shelf_part **parts;
	unsigned count, cap;
	struct entry *v; /* by customer, then by bytes */
	size_t n;
	uint32_t *first; /* by customer: its first, and one more */
	uint32_t customers;
};

struct cdp_shelf_part *cdp_shelf_part_new(void)
{
	return cdp_calloc(1, sizeof(struct cdp_shelf_part));
}

int cdp_shelf_part_add(struct cdp_shelf_part *p, uint32_t customer, const char *line,
		       size_t n, struct cdp_err *err)
{
	if (!p->spool)
		p->spool = cdp_spool_new(err);
	if (!p->spool || cdp_spool_write(p->spool, line, n, err) < 0 ||
	    cdp_spool_write(p->spool, "\n", 1, err) < 0)
		return -1;
	CDP_GROW(p->v, p->n, p->cap);
	p->v[p->n++] =
		(struct entry){ .customer = customer, .at = p->size, .n = (uint32_t)n };
	p->size += n + 1;
	return 0;
}

struct cdp_shelf *cdp_shelf_new(void)
{
	return cdp_calloc(1, sizeof(struct cdp_shelf));
}

void cdp_shelf_take(struct cdp_shelf *s, struct cdp_shelf_part *p)
{
	CDP_GROW(s->parts, s->count, s->cap);
	s->parts[s->count++] = p;
	s->n += p->n;
}

void cdp_shelf_free(struct cdp_shelf *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		cdp_mapped_close(&s->parts[i]->lines);
		cdp_spool_free(s->parts[i]->spool);
		free(s->parts[i]->v);
		free(s->parts[i]);
	}
	free(s->parts);
	free(s->v);
	free(s->first);
	free(s);
}

static int map(struct cdp_shelf_part *p, struct cdp_err *err)
{
	static const char pad[CDP_IN_PAD];

	if (!p->spool)
		return 0;
	if (cdp_spool_write(p->spool, pad, sizeof(pad), err) < 0 ||
	    cdp_spool_rewind(p->spool, err) < 0)
		return -1;
	return cdp_mapped_open(&p->lines, cdp_spool_path(p->spool), err) < 0 ? -1 : 0;
}

static int compare(const void *a, const void *b, void *shelf)
{
	const struct entry *x = a, *y = b;
	const struct cdp_shelf *s = shelf;
	uint32_t n = x->n < y->n ? x->n : y->n;
	int c;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	c = memcmp(s->parts[x->part]->lines.p + x->at, s->parts[y->part]->lines.p + y->at,
		   n);
	return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

int cdp_shelf_open(struct cdp_shelf *s, struct cdp_err *err)
{
	size_t at = 0;

	s->v = cdp_alloc(s->n * sizeof(*s->v));
	for (unsigned i = 0; i < s->count; i++) {
		struct cdp_shelf_part *p = s->parts[i];

		if (map(p, err) < 0)
			return -1;
		for (size_t k = 0; k < p->n; k++) {
			p->v[k].part = i;
			s->v[at++] = p->v[k];
		}
		free(p->v);
		p->v = NULL;
	}
	if (s->n)
		qsort_r(s->v, s->n, sizeof(*s->v), compare, s);
	s->customers = s->n ? s->v[s->n - 1].customer + 1 : 0;
	s->first = cdp_calloc(s->customers + 1, sizeof(*s->first));
	for (size_t i = 0; i < s->n; i++)
		s->first[s->v[i].customer + 1]++;
	for (uint32_t i = 0; i < s->customers; i++)
		s->first[i + 1] += s->first[i];
	return 0;
}

uint32_t cdp_shelf_count(const struct cdp_shelf *s, uint32_t customer)
{
	return customer < s->customers ? s->first[customer + 1] - s->first[customer] : 0;
}

const char *cdp_shelf_line(const struct cdp_shelf *s, uint32_t customer, uint32_t i,
			   size_t *n)
{
	const struct entry *e = &s->v[s->first[customer] + i];

	*n = e->n;
	return s->parts[e->part]->lines.p + e->at;
}
