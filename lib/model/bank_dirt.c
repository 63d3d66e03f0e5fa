/* What goes wrong on the way from a client to a file. */
#include "model/bank_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum cdp_bank_file bank_file_of(const struct cdp_bank_event *ev)
{
	if (ev->slot == SLOT_NONE)
		return CDP_BANK_CORE;
	if (ev->slot == SLOT_WEB)
		return CDP_BANK_ACCESS;
	return ev->slot != SLOT_MINI && ev->os == OS_IOS ? CDP_BANK_SEGMENT
							 : CDP_BANK_SENSORS;
}

static struct extra *add_extra(struct cdp_bank *b, int32_t day, uint32_t at,
			       const struct cdp_bank_event *ev)
{
	struct extras *x = &b->extras[day % 3];
	struct extra *e;

	CDP_GROW(x->v, x->n, x->cap);
	e = &x->v[x->n];
	*e = (struct extra){
		.at = at, .order = (uint32_t)x->n, .day = b->day, .ev = *ev
	};
	x->n++;
	return e;
}

static void spoil_copy(struct cdp_bank *b, const struct cdp_bank_event *ev,
		       enum cdp_bank_file file)
{
	static const uint8_t faults[4] = { CDP_BANK_CUT, CDP_BANK_TYPE, CDP_BANK_FUTURE,
					   CDP_BANK_UTF8 };
	/* A server escapes what is not ASCII: no bad bytes in an access log. */
	uint32_t n = file == CDP_BANK_ACCESS ? 3 : 4;
	struct extra *e = add_extra(b, b->day, ev->ms, ev);

	e->fault = faults[cdp_rand_below(&b->dirt, n)];
	b->files[file].malformed[e->fault]++;
}

/* What happens to one record.  True if it does not arrive at once. */
static bool mishap(struct cdp_bank *b, struct cdp_bank_event *ev)
{
	const struct cdp_bank_conf *c = &b->conf;
	enum cdp_bank_file file = bank_file_of(ev);
	struct file_truth *f = &b->files[file];
	uint32_t x = cdp_rand_below(&b->dirt, 1000000);
	int32_t last = (int32_t)c->days - 1;

	if (x < c->malformed)
		spoil_copy(b, ev, file);
	else if ((x -= c->malformed) < c->junk) {
		ev->flags |= EVF_JUNK;
		f->junk++;
	} else if (file == CDP_BANK_ACCESS) {
		return false; /* the server writes its log once and at once */
	} else if ((x -= c->junk) < c->duplicate) {
		uint32_t at = ev->ms + 2000 + cdp_rand_below(&b->dirt, 300000);

		add_extra(b, b->day, at < DAY_MS ? at : DAY_MS - 1, ev)->again = 1;
		f->duplicate++;
	} else if (x - c->duplicate < c->late && b->day < last) {
		int32_t day = b->day + 1 + (int32_t)cdp_rand_below(&b->dirt, 2);

		add_extra(b, day < last ? day : last, cdp_rand_below(&b->dirt, DAY_MS),
			  ev);
		f->late++;
		return true;
	}
	return false;
}

static int by_arrival(const void *x, const void *y)
{
	const struct extra *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void bank_dirt_day(struct cdp_bank *b)
{
	const struct cdp_bank_conf *c = &b->conf;
	struct extras *x = &b->extras[b->day % 3];
	bool clean = !(c->late | c->duplicate | c->junk | c->malformed);

	cdp_rand_seed(&b->dirt, b->conf.seed, ~(uint64_t)b->day);
	for (size_t i = 0; i < b->nevs; i++)
		b->files[bank_file_of(&b->sorted[i])].events++;
	if (b->nevs > b->cap_arrives) {
		b->cap_arrives = b->nevs;
		b->arrives = cdp_realloc(b->arrives, b->cap_arrives, 1);
	}
	for (size_t i = 0; i < b->nevs; i++)
		b->arrives[i] = clean || !mishap(b, &b->sorted[i]);
	if (x->n)
		qsort(x->v, x->n, sizeof(x->v[0]), by_arrival);
	b->at = b->extra_at = 0;
}

/* --- arrival --- */

/* When a record that came at once was written: clients send some seconds later. */
static int64_t written(const struct cdp_bank_item *item)
{
	uint32_t x = item->ev->number * 2654435761u >> 16; /* any spread will do */

	if (item->file == CDP_BANK_ACCESS)
		return item->time_ms;
	return item->time_ms + 300 + (item->file == CDP_BANK_CORE ? x % 900 : x % 15000);
}

int cdp_bank_next(struct cdp_bank *b, struct cdp_bank_item *item)
{
	struct extras *x = &b->extras[b->day % 3];

	while (b->at < b->nevs && !b->arrives[b->at])
		b->at++;
	*item = (struct cdp_bank_item){ .fault = CDP_BANK_SOUND };
	if (b->extra_at < x->n &&
	    (b->at == b->nevs || x->v[b->extra_at].at < b->sorted[b->at].ms)) {
		const struct extra *e = &x->v[b->extra_at++];

		item->ev = &e->ev;
		item->time_ms = bank_ms(b, e->day, e->ev.ms);
		item->arrived_ms = bank_ms(b, b->day, e->at);
		item->fault = e->fault;
		item->again = e->again;
		item->file = bank_file_of(item->ev);
		return 1;
	}
	if (b->at == b->nevs)
		return 0;
	item->ev = &b->sorted[b->at++];
	item->time_ms = bank_ms(b, b->day, item->ev->ms);
	item->file = bank_file_of(item->ev);
	item->arrived_ms = written(item);
	return 1;
}

/* --- spoiling --- */

/* Replace the `n` bytes at `at` by `with`. */
static void replace(struct cdp_buf *out, size_t at, size_t n, const char *with)
{
	size_t m = strlen(with), tail = out->n - at - n;

	if (m > n && cdp_buf_reserve(out, m - n) < 0)
		return;
	memmove(out->p + at + m, out->p + at + n, tail);
	memcpy(out->p + at, with, m);
	out->n = at + m + tail;
}

static void spoil_json(struct cdp_bank *b, struct cdp_buf *out, size_t from,
		       const struct cdp_bank_item *item)
{
	const char *key = item->file == CDP_BANK_SEGMENT ? "\"timestamp\":" : "\"time\":";
	char *line = out->p + from;
	size_t n = out->n - from - 1; /* LF stays */
	char *at = memmem(line, n, key, strlen(key));
	char *value = at + strlen(key);
	size_t len = *value == '"' ? 26 : 13; /* a canonical time or milliseconds */

	switch (item->fault) {
	case CDP_BANK_CUT: { /* an object that does not end */
		size_t keep = 1 + cdp_rand_below(&b->dirt, (uint32_t)n - 1);

		line[keep] = '\n';
		out->n = from + keep + 1;
		break;
	}
	case CDP_BANK_UTF8:
		line[n - 2 - cdp_rand_below(&b->dirt, (uint32_t)n / 2)] = '\xff';
		break;
	case CDP_BANK_TYPE:
		replace(out, (size_t)(value - out->p), len, "\"yesterday\"");
		break;
	default: /* 2099-01-01T00:00:00Z */
		replace(out, (size_t)(value - out->p), len,
			len == 26 ? "\"2099-01-01T00:00:00.000Z\"" : "4070908800000");
		break;
	}
}

static void spoil_access(struct cdp_bank *b, struct cdp_buf *out, size_t from,
			 enum cdp_bank_fault fault)
{
	char *line = out->p + from;
	char *open = memchr(line, '[', out->n - from);

	switch (fault) {
	case CDP_BANK_CUT: { /* before the end of the time */
		size_t keep = 1 + cdp_rand_below(&b->dirt, (uint32_t)(open - line) + 10);

		line[keep] = '\n';
		out->n = from + keep + 1;
		break;
	}
	case CDP_BANK_TYPE:
		memcpy(open, "[32/Foo", 7);
		break;
	default: /* "[22/Nov/2026:" */
		memcpy(open + 8, "2099", 4);
		break;
	}
}

void bank_spoil(struct cdp_bank *b, struct cdp_buf *out, size_t from,
		const struct cdp_bank_item *item)
{
	if (item->fault == CDP_BANK_SOUND)
		return;
	if (item->file == CDP_BANK_ACCESS && out->p[from] != '{')
		spoil_access(b, out, from, item->fault);
	else
		spoil_json(b, out, from, item);
}
