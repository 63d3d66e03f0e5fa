#include "model/livepeople.h"

#include "base/intern.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A row: base time, whether there is a profile, classes. */
enum { HEAD = sizeof(int64_t) + 1 };

struct cdp_livepeople {
	struct cdp_intern *keys; /* by row */
	uint32_t columns;
	uint8_t *width; /* by column: bytes of a class */
	size_t row;     /* bytes */
	uint8_t *v;
	size_t size;
};

struct cdp_livepeople *cdp_livepeople_new(uint32_t columns)
{
	struct cdp_livepeople *p = cdp_calloc(1, sizeof(*p));

	p->keys = cdp_intern_new(0);
	p->columns = columns;
	p->width = cdp_alloc(columns);
	memset(p->width, 1, columns);
	p->row = HEAD + columns;
	return p;
}

void cdp_livepeople_free(struct cdp_livepeople *p)
{
	if (!p)
		return;
	cdp_intern_free(p->keys);
	cdp_resize_large(p->v, p->size, 0);
	free(p->width);
	free(p);
}

static uint32_t class_at(const uint8_t *p, uint8_t width)
{
	uint16_t two;
	uint32_t four;

	if (width == 1)
		return *p;
	if (width == 2) {
		memcpy(&two, p, sizeof(two));
		return two;
	}
	memcpy(&four, p, sizeof(four));
	return four;
}

static void put_class(uint8_t *p, uint8_t width, uint32_t class)
{
	uint16_t two = (uint16_t) class;

	if (width == 1)
		*p = (uint8_t) class;
	else if (width == 2)
		memcpy(p, &two, sizeof(two));
	else
		memcpy(p, &class, sizeof(class));
}

bool cdp_livepeople_get(const struct cdp_livepeople *p, const char *key, size_t n,
			struct cdp_liveperson *who)
{
	uint32_t id = cdp_intern_get(p->keys, key, n);
	const uint8_t *row;

	if (id == CDP_INTERN_NONE)
		return false;
	row = p->v + id * p->row;
	memcpy(&who->as_of, row, sizeof(who->as_of));
	who->there = row[HEAD - 1];
	row += HEAD;
	for (uint32_t i = 0; who->there && i < p->columns; row += p->width[i++])
		who->classes[i] = class_at(row, p->width[i]);
	return true;
}

static void reserve(struct cdp_livepeople *p, size_t need)
{
	size_t size = need + need / 2;

	if (need <= p->size)
		return;
	p->v = cdp_resize_large(p->v, p->size, size);
	p->size = size;
}

/* Rows become longer, the last one first. */
static void widen(struct cdp_livepeople *p, const uint8_t *width)
{
	uint32_t count = cdp_intern_count(p->keys);
	size_t row = HEAD;

	for (uint32_t i = 0; i < p->columns; i++)
		row += width[i];
	reserve(p, count * row);
	for (uint32_t k = count; k-- > 0;) {
		const uint8_t *from = p->v + (k + 1) * p->row;
		uint8_t *to = p->v + (k + 1) * row;

		for (uint32_t i = p->columns; i-- > 0;) {
			from -= p->width[i];
			to -= width[i];
			put_class(to, width[i], class_at(from, p->width[i]));
		}
		memmove(to - HEAD, from - HEAD, HEAD);
	}
	p->row = row;
}

static uint8_t width_of(uint32_t class)
{
	return class < 1u << 8 ? 1 : class < 1u << 16 ? 2 : 4;
}

static void fit(struct cdp_livepeople *p, const uint32_t *classes)
{
	uint8_t *width;
	uint32_t i = 0;

	while (i < p->columns && width_of(classes[i]) <= p->width[i])
		i++;
	if (i == p->columns)
		return;
	width = cdp_memdup(p->width, p->columns);
	for (; i < p->columns; i++)
		if (width_of(classes[i]) > width[i])
			width[i] = width_of(classes[i]);
	widen(p, width);
	free(p->width);
	p->width = width;
}

void cdp_livepeople_put(struct cdp_livepeople *p, const char *key, size_t n,
			const struct cdp_liveperson *who)
{
	uint32_t id;
	uint8_t *row;

	if (who->there)
		fit(p, who->classes);
	id = cdp_intern_put(p->keys, key, n, NULL);
	reserve(p, (id + 1) * p->row);
	row = p->v + id * p->row;
	memcpy(row, &who->as_of, sizeof(who->as_of));
	row[HEAD - 1] = who->there;
	row += HEAD;
	for (uint32_t i = 0; i < p->columns; row += p->width[i++])
		put_class(row, p->width[i], who->there ? who->classes[i] : 0);
}

uint32_t cdp_livepeople_count(const struct cdp_livepeople *p)
{
	return cdp_intern_count(p->keys);
}
