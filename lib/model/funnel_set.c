#include "model/funnel_set.h"

#include "base/buf.h"
#include "base/intern.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8192, WAITING = 16 };

/* Events wait in chunks, so that growing copies nothing and scattering frees as it goes.
 */
struct chunk {
	struct chunk *next;
	size_t n;
	uint32_t *group; /* parallel to ev; NULL without a breakdown */
	struct cdp_funnel_event ev[CHUNK];
};

/* An event whose user is still to be looked up: what the look-ups touch is fetched for
 * several at once. */
struct waiting {
	struct cdp_funnel_event *ev;
	uint64_t hash;
	size_t at, n; /* the key, in `keys` */
};

struct cdp_funnel_set {
	struct cdp_funnel_spec spec;
	bool by;
	struct cdp_intern *users, *groups;
	struct chunk *chunks;
	struct waiting waiting[WAITING];
	unsigned nwaiting;
	struct cdp_buf keys;
};

struct cdp_funnel_set *cdp_funnel_set_new(const struct cdp_funnel_spec *spec, bool by)
{
	struct cdp_funnel_set *s = cdp_calloc(1, sizeof(*s));

	s->spec = *spec;
	s->by = by;
	s->users = cdp_intern_new(0);
	s->groups = cdp_intern_new(0);
	cdp_buf_init(&s->keys, CDP_BUF_NOMAX);
	return s;
}

static void free_chunk(struct chunk *c)
{
	free(c->group);
	free(c);
}

void cdp_funnel_set_free(struct cdp_funnel_set *s)
{
	if (!s)
		return;
	while (s->chunks) {
		struct chunk *next = s->chunks->next;

		free_chunk(s->chunks);
		s->chunks = next;
	}
	cdp_intern_free(s->users);
	cdp_intern_free(s->groups);
	cdp_buf_release(&s->keys);
	free(s);
}

static void settle(struct cdp_funnel_set *s)
{
	const struct waiting *end = s->waiting + s->nwaiting, *w;

	for (w = s->waiting; w < end; w++)
		cdp_intern_prefetch_where(s->users, w->hash);
	for (w = s->waiting; w < end; w++)
		cdp_intern_prefetch_key(s->users, w->hash);
	for (w = s->waiting; w < end; w++)
		w->ev->user = cdp_intern_put_hashed(s->users, s->keys.p + w->at, w->n,
						    w->hash, NULL);
	s->nwaiting = 0;
	cdp_buf_reset(&s->keys);
}

/* The bytes of the key are gone when the event is settled, so they are copied. */
static void look_up(struct cdp_funnel_set *s, struct cdp_funnel_event *ev,
		    const char *key, size_t n)
{
	struct waiting *w = &s->waiting[s->nwaiting];

	*w = (struct waiting){
		.ev = ev, .hash = cdp_hash(key, n), .at = s->keys.n, .n = n
	};
	cdp_buf_add(&s->keys, key, n);
	cdp_intern_prefetch(s->users, w->hash);
	if (++s->nwaiting == WAITING)
		settle(s);
}

void cdp_funnel_set_add(struct cdp_funnel_set *s, const char *key, size_t key_len,
			int64_t ms, uint32_t mask, const char *group, size_t group_len)
{
	struct chunk *c = s->chunks;

	if (!c || c->n == CHUNK) {
		c = cdp_alloc(sizeof(*c));
		c->next = s->chunks;
		c->n = 0;
		c->group = s->by ? cdp_alloc(CHUNK * sizeof(*c->group)) : NULL;
		s->chunks = c;
	}
	c->ev[c->n] = (struct cdp_funnel_event){ .ms = ms, .mask = mask };
	look_up(s, &c->ev[c->n], key, key_len);
	if (s->by)
		c->group[c->n] =
			mask & 1 ? cdp_intern_put(s->groups, group, group_len, NULL)
				 : CDP_INTERN_NONE;
	c->n++;
}

void cdp_funnel_set_merge(struct cdp_funnel_set *into, struct cdp_funnel_set *from)
{
	struct chunk **tail = &into->chunks;
	uint32_t *users, *groups;

	settle(into);
	settle(from);
	users = cdp_intern_put_all(into->users, from->users);
	groups = cdp_intern_put_all(into->groups, from->groups);
	for (struct chunk *c = from->chunks; c; c = c->next)
		for (size_t i = 0; i < c->n; i++) {
			c->ev[i].user = users[c->ev[i].user];
			if (c->group && c->group[i] != CDP_INTERN_NONE)
				c->group[i] = groups[c->group[i]];
		}
	while (*tail)
		tail = &(*tail)->next;
	*tail = from->chunks;
	from->chunks = NULL;
	free(users);
	free(groups);
	cdp_funnel_set_free(from);
}

/* All events ordered by user, and where each user's begin. */
struct sorted {
	struct cdp_funnel_event *ev;
	size_t *start;   /* users + 1 */
	uint32_t *group; /* a user's breakdown value, NULL without */
};

/* The value of the first step-1 event; ties go to the smaller bytes, so that order of
 * input does not matter. */
static void keep_first_group(struct cdp_funnel_set *s, const struct cdp_funnel_event *e,
			     uint32_t group, int64_t *first, uint32_t *best)
{
	size_t n, m;
	const char *a, *b;
	int c;

	if (group == CDP_INTERN_NONE || (*best != CDP_INTERN_NONE && e->ms > *first))
		return;
	if (*best != CDP_INTERN_NONE && e->ms == *first) {
		a = cdp_intern_key(s->groups, group, &n);
		b = cdp_intern_key(s->groups, *best, &m);
		c = memcmp(a, b, n < m ? n : m);
		if (c > 0 || (c == 0 && n >= m))
			return;
	}
	*first = e->ms;
	*best = group;
}

static void first_groups(struct cdp_funnel_set *s, struct sorted *out, size_t users)
{
	int64_t *first = cdp_calloc(users, sizeof(*first));

	out->group = cdp_alloc(users * sizeof(*out->group));
	for (size_t u = 0; u < users; u++)
		out->group[u] = CDP_INTERN_NONE;
	for (struct chunk *c = s->chunks; c; c = c->next)
		for (size_t i = 0; i < c->n; i++) {
			uint32_t u = c->ev[i].user;

			keep_first_group(s, &c->ev[i], c->group[i], &first[u],
					 &out->group[u]);
		}
	free(first);
}

/* Oldest chunk first, so that each user's events stand in the order of arrival. */
static void reverse_chunks(struct cdp_funnel_set *s)
{
	struct chunk *c = s->chunks, *done = NULL;

	while (c) {
		struct chunk *next = c->next;

		c->next = done;
		done = c;
		c = next;
	}
	s->chunks = done;
}

/* Counting sort by user. */
static void sort_by_user(struct cdp_funnel_set *s, struct sorted *out)
{
	size_t users = cdp_intern_count(s->users), total = 0;
	size_t *at;

	reverse_chunks(s);

	out->group = NULL;
	if (s->by)
		first_groups(s, out, users);
	out->start = cdp_calloc(users + 1, sizeof(*out->start));
	for (struct chunk *c = s->chunks; c; c = c->next)
		for (size_t i = 0; i < c->n; i++)
			out->start[c->ev[i].user + 1]++;
	for (size_t u = 0; u < users; u++)
		out->start[u + 1] += out->start[u];
	total = out->start[users];
	at = cdp_memdup(out->start, users * sizeof(*at));
	out->ev = cdp_alloc(total * sizeof(*out->ev));
	while (s->chunks) {
		struct chunk *c = s->chunks;

		for (size_t i = 0; i < c->n; i++)
			out->ev[at[c->ev[i].user]++] = c->ev[i];
		s->chunks = c->next;
		free_chunk(c);
	}
	free(at);
}

static int by_time(const void *a, const void *b)
{
	const struct cdp_funnel_event *x = a, *y = b;

	return x->ms < y->ms ? -1 : x->ms > y->ms;
}

/* A user's events are few and nearly in order: insertion sort; qsort where they are many.
 */
static void sort_by_time(struct cdp_funnel_event *ev, size_t n)
{
	if (n > 64) {
		qsort(ev, n, sizeof(*ev), by_time);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct cdp_funnel_event e = ev[i];
		size_t j = i;

		for (; j > 0 && ev[j - 1].ms > e.ms; j--)
			ev[j] = ev[j - 1];
		ev[j] = e;
	}
}

int cdp_funnel_set_each(struct cdp_funnel_set *s, bool sorted,
			int (*each)(void *ctx, const struct cdp_funnel_result *r),
			void *ctx)
{
	struct sorted all;
	uint32_t n, *order;
	int ret = 0;

	settle(s);
	n = cdp_intern_count(s->users);
	order = sorted ? cdp_intern_order(s->users) : NULL;
	sort_by_user(s, &all);
	for (uint32_t i = 0; i < n && ret == 0; i++) {
		uint32_t u = order ? order[i] : i;
		struct cdp_funnel_event *ev = all.ev + all.start[u];
		size_t count = all.start[u + 1] - all.start[u];
		struct cdp_funnel_result r = { 0 };

		sort_by_time(ev, count);
		cdp_funnel_user(&s->spec, ev, count, &r.user);
		if (r.user.level == 0)
			continue;
		r.key = cdp_intern_key(s->users, u, &r.key_len);
		if (all.group)
			r.group = cdp_intern_key(s->groups, all.group[u], &r.group_len);
		ret = each(ctx, &r);
	}
	free(order);
	free(all.ev);
	free(all.start);
	free(all.group);
	return ret;
}
