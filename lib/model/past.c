#include "model/past.h"

#include "base/intern.h"
#include "base/mem.h"
#include "model/tagstore.h"

#include <stdlib.h>
#include <string.h>

struct kept {
	struct cdp_intern *names;
	struct cdp_past_of *v;
	size_t n, cap;
};

struct cdp_past {
	struct kept of[2]; /* by kind */
	struct cdp_batch *batches;
	size_t batch_count;
	struct cdp_arena texts;
	int64_t time; /* of the version at hand */
};

/* --- versions --- */

static struct cdp_past_of *get(struct cdp_past *p, enum cdp_past_kind kind,
			       const char *name, size_t n)
{
	struct kept *s = &p->of[kind];
	bool added;
	uint32_t i = cdp_intern_put(s->names, name, n, &added);

	if (added) {
		CDP_GROW(s->v, s->n, s->cap);
		s->v[s->n++] = (struct cdp_past_of){
			.name = cdp_arena_strndup(&p->texts, name, n),
			.alike = CDP_INTERN_NONE,
		};
	}
	return &s->v[i];
}

/* The version at hand has it. */
static struct cdp_past_of *meet(struct cdp_past *p, enum cdp_past_kind kind,
				const char *name, size_t n)
{
	struct cdp_past_of *o = get(p, kind, name, n);

	if (o->versions++ == 0)
		o->first = p->time;
	o->last = p->time;
	return o;
}

static int meet_audiences(struct cdp_past *p, const struct cdp_segversion *v,
			  struct cdp_err *err)
{
	for (uint32_t i = 0; i < cdp_segversion_count(v); i++) {
		struct cdp_segaudience a;
		struct cdp_past_of *o;

		if (cdp_segversion_at(v, i, &a, err) < 0)
			return -1;
		o = meet(p, CDP_PAST_AUDIENCES, a.name, a.name_n);
		o->customers = a.count;
		o->bytes += a.bytes;
		if (!o->note || strlen(o->note) != a.note_n ||
		    memcmp(o->note, a.note, a.note_n) != 0) {
			free(o->note);
			o->note = cdp_strndup(a.note, a.note_n);
		}
	}
	return 0;
}

/* Neither nobody nor everybody: these are alike by what they are. */
static int find_alike(struct cdp_past *p, const struct cdp_segversion *v,
		      struct cdp_err *err)
{
	uint64_t all = cdp_bitmap_count(cdp_segversion_all(v));
	struct cdp_intern *prints = cdp_intern_new(0);
	uint32_t *first = cdp_calloc((size_t)cdp_segversion_count(v) + 1, sizeof(*first));
	int rc = 0;

	for (uint32_t i = 0; i < cdp_segversion_count(v) && rc == 0; i++) {
		struct cdp_segaudience a;
		struct kept *s = &p->of[CDP_PAST_AUDIENCES];
		uint64_t print[2];
		uint32_t k, at;
		bool added;

		rc = cdp_segversion_at(v, i, &a, err);
		if (rc < 0 || a.count == 0 || a.count == all)
			continue;
		rc = cdp_segversion_print(v, i, print, err);
		if (rc < 0)
			break;
		k = cdp_intern_put(prints, (const char *)print, sizeof(print), &added);
		at = cdp_intern_get(s->names, a.name, a.name_n);
		if (added)
			first[k] = at;
		else
			s->v[at].alike = first[k];
	}
	free(first);
	cdp_intern_free(prints);
	return rc;
}

static int read_audiences(struct cdp_past *p, struct cdp_segstore *s, int64_t limit,
			  struct cdp_err *err)
{
	size_t n;
	int64_t *times = cdp_segstore_times(s, "audiences", &n, err);
	struct cdp_segversion *v = NULL;
	int rc = times ? 0 : -1;

	for (size_t i = 0; i < n && rc >= 0 && times[i] <= limit; i++) {
		struct cdp_segversion *next;

		rc = cdp_segversion_open(&next, s, times[i], err);
		if (rc <= 0)
			continue; /* it was removed meanwhile */
		cdp_segversion_close(v);
		v = next;
		p->time = times[i];
		rc = meet_audiences(p, v, err);
	}
	if (v && rc >= 0)
		rc = find_alike(p, v, err);
	cdp_segversion_close(v);
	free(times);
	return rc < 0 ? -1 : 0;
}

static void meet_tag(void *ctx, const char *name, size_t n, uint64_t customers,
		     uint64_t bytes)
{
	struct cdp_past_of *o = meet(ctx, CDP_PAST_TAGS, name, n);

	o->customers = customers;
	o->bytes += bytes;
}

static int read_tags(struct cdp_past *p, struct cdp_segstore *s, int64_t limit,
		     struct cdp_err *err)
{
	size_t n;
	int64_t *times = cdp_segstore_times(s, "tags", &n, err);
	int rc = times ? 0 : -1;

	for (size_t i = 0; i < n && rc >= 0 && times[i] <= limit; i++) {
		struct cdp_tagstore *t;

		rc = cdp_tagstore_open(&t, s, times[i], err);
		p->time = times[i];
		if (rc > 0)
			rc = cdp_tagstore_each(t, meet_tag, p, err);
		cdp_tagstore_close(t);
	}
	free(times);
	return rc < 0 ? -1 : 0;
}

/* --- batches --- */

/* The latest one comes last.  Of audiences that no version has any more, too. */
static int read_batches(struct cdp_past *p, const char *dir, int64_t limit,
			struct cdp_err *err)
{
	struct cdp_batches *l = cdp_batches_view(dir);
	char until[CDP_TIME_CANON];

	cdp_time_format(until, cdp_time_from_ms(limit));
	p->batches = cdp_batches_all(l, &p->batch_count, err);
	cdp_batches_close(l);
	for (size_t i = 0; p->batches && i < p->batch_count; i++) {
		const struct cdp_batch *b = &p->batches[i];

		if (memcmp(b->as_of, until, sizeof(until)) <= 0)
			get(p, CDP_PAST_AUDIENCES, b->segment, strlen(b->segment))
				->batch = b;
	}
	return p->batches ? 0 : -1;
}

/* --- all --- */

struct cdp_past *cdp_past_read(struct cdp_segstore *s, const char *dir, int64_t limit,
			       struct cdp_err *err)
{
	struct cdp_past *p = cdp_calloc(1, sizeof(*p));

	cdp_arena_init(&p->texts);
	for (int k = 0; k < 2; k++)
		p->of[k].names = cdp_intern_new(0);
	if (read_audiences(p, s, limit, err) == 0 && read_tags(p, s, limit, err) == 0 &&
	    read_batches(p, dir, limit, err) == 0)
		return p;
	cdp_past_free(p);
	return NULL;
}

void cdp_past_free(struct cdp_past *p)
{
	if (!p)
		return;
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < p->of[k].n; i++)
			free(p->of[k].v[i].note);
		free(p->of[k].v);
		cdp_intern_free(p->of[k].names);
	}
	for (size_t i = 0; i < p->batch_count; i++)
		cdp_batch_release(&p->batches[i]);
	free(p->batches);
	cdp_arena_release(&p->texts);
	free(p);
}

uint32_t cdp_past_count(const struct cdp_past *p, enum cdp_past_kind kind)
{
	return (uint32_t)p->of[kind].n;
}

const struct cdp_past_of *cdp_past_at(const struct cdp_past *p, enum cdp_past_kind kind,
				      uint32_t i)
{
	return &p->of[kind].v[i];
}

const struct cdp_past_of *cdp_past_find(const struct cdp_past *p, enum cdp_past_kind kind,
					const char *name)
{
	uint32_t i = cdp_intern_get(p->of[kind].names, name, strlen(name));

	return i == CDP_INTERN_NONE ? NULL : &p->of[kind].v[i];
}
