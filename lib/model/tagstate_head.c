/* The first block of a state: what it was made with and of. */
#include "model/tagstate_priv.h"

#include "base/varint.h"

#include <stdlib.h>
#include <string.h>

/* --- writing --- */

static void put_names(struct cdp_buf *b, const struct cdp_intern *names)
{
	uint32_t count = cdp_intern_count(names);

	cdp_varint_add(b, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t n;
		const char *p = cdp_intern_key(names, i, &n);

		cdp_varint_add_bytes(b, p, n);
	}
}

static void put_aggs(struct cdp_buf *b, const struct cdp_aggs *aggs)
{
	cdp_varint_add(b, cdp_aggs_count(aggs));
	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		const char *text = cdp_aggs_at(aggs, i)->text;

		cdp_varint_add_bytes(b, text, strlen(text));
	}
}

/* Each with the zone's offset, by which rules that changed are seen. */
static void put_panes(struct cdp_buf *b, const struct cdp_zone *zone,
		      const int64_t *panes, size_t n)
{
	cdp_varint_add(b, n);
	for (size_t i = 0; i < n; i++) {
		cdp_varint_add(b, cdp_zigzag(panes[i]));
		cdp_varint_add(b, cdp_zigzag(cdp_zone_offset(zone, panes[i] / 1000)));
	}
}

static void put_inputs(struct cdp_buf *b, const struct cdp_tagstate *s)
{
	cdp_varint_add(b, s->input_count);
	for (size_t i = 0; i < s->input_count; i++) {
		const struct tst_input *in = &s->inputs[i];

		cdp_varint_add_bytes(b, in->name, strlen(in->name));
		cdp_varint_add(b, in->hash);
		cdp_varint_add(b, in->length);
	}
}

static void put_persons(struct cdp_buf *b, const struct cdp_tagstate *s)
{
	uint32_t count = cdp_intern_count(s->names), n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += s->into[i].into != i;
	cdp_varint_add(b, n);
	for (uint32_t i = 0; i < count; i++) {
		struct tst_text into;
		size_t len;
		const char *p = cdp_intern_key(s->names, i, &len);

		if (s->into[i].into == i)
			continue;
		into = tst_resolve(s, p, len);
		cdp_varint_add_bytes(b, p, len);
		cdp_varint_add_bytes(b, into.p, into.n);
	}
}

static void put_streams(struct cdp_buf *b, const struct cdp_tagstate *s)
{
	cdp_varint_add(b, s->stream_count);
	for (size_t i = 0; i < s->stream_count; i++) {
		const struct tst_stream *t = &s->streams[i];

		cdp_varint_add_bytes(b, t->name, strlen(t->name));
		cdp_varint_add(b, t->place.offset);
		cdp_varint_add(b, t->place.lines);
		cdp_varint_add(b, t->place.first);
		cdp_varint_add(b, t->place.last);
	}
	cdp_varint_add(b, cdp_zigzag(s->followed_ms));
	cdp_varint_add(b, s->stamp);
}

static void put_young(struct cdp_buf *b, const struct cdp_tagstate *s)
{
	cdp_varint_add(b, s->young_count);
	for (size_t i = 0; i < s->young_count; i++) {
		cdp_varint_add_bytes(b, s->young[i].text, strlen(s->young[i].text));
		cdp_varint_add(b, cdp_zigzag(s->young[i].since_ms));
	}
}

void tst_head_write(const struct cdp_tagstate *s, const int64_t *panes, size_t n,
		    struct cdp_buf *out)
{
	const struct cdp_zone *zone = s->o.run->zone;
	const char *name = cdp_zone_name(zone);

	cdp_varint_add_bytes(out, name, strlen(name));
	cdp_varint_add_bytes(out, s->o.key, strlen(s->o.key));
	cdp_varint_add_bytes(out, s->o.entity, strlen(s->o.entity));
	cdp_varint_add(out, cdp_zigzag(s->floor_ms));
	put_aggs(out, s->o.set->aggs);
	put_names(out, s->o.set->attributes);
	put_names(out, s->o.set->details);
	put_names(out, s->o.set->relations);
	cdp_varint_add(out, s->o.set->links);
	put_panes(out, zone, panes, n);
	put_inputs(out, s);
	put_persons(out, s);
	put_streams(out, s);
	put_young(out, s);
}

/* --- reading --- */

struct reader {
	const char *p, *end;
	bool bad;
};

static uint64_t get(struct reader *r)
{
	uint64_t v = 0;

	if (!r->bad && !cdp_varint_get(&v, &r->p, r->end))
		r->bad = true;
	return v;
}

static struct tst_text get_text(struct reader *r)
{
	struct tst_text t = { "", 0 };

	if (!r->bad && !cdp_varint_get_bytes(&t.p, &t.n, &r->p, r->end))
		r->bad = true;
	return t;
}

static void get_texts(struct reader *r, struct tst_texts *t)
{
	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		CDP_GROW(t->v, t->n, t->cap);
		t->v[t->n++] = get_text(r);
	}
}

/* A pane whose day the zone's rules have moved since cannot be told from its neighbours.
 */
static bool get_panes(struct reader *r, struct tst_head *h, const struct cdp_zone *zone)
{
	bool same = true;

	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		int64_t at = cdp_unzigzag(get(r)), offset = cdp_unzigzag(get(r));

		same = same && cdp_zone_offset(zone, at / 1000) == offset;
		CDP_GROW(h->panes, h->pane_count, h->pane_cap);
		h->panes[h->pane_count++] = at;
	}
	return same;
}

static void get_inputs(struct reader *r, struct cdp_tagstate *s)
{
	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		struct tst_text name = get_text(r);
		struct tst_input in = { .name = NULL };

		in.hash = get(r);
		in.length = get(r);
		if (r->bad)
			break;
		in.name = cdp_strndup(name.p, name.n);
		CDP_GROW(s->inputs, s->input_count, s->input_cap);
		s->inputs[s->input_count++] = in;
	}
}

static void get_persons(struct reader *r, struct cdp_tagstate *s)
{
	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		struct tst_text from = get_text(r), into = get_text(r);

		if (!r->bad)
			cdp_tagstate_join(s, from.p, from.n, into.p, into.n);
	}
}

static void get_streams(struct reader *r, struct cdp_tagstate *s)
{
	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		struct tst_text name = get_text(r);
		struct tst_stream t = { .name = NULL };

		t.place.offset = get(r);
		t.place.lines = get(r);
		t.place.first = get(r);
		t.place.last = get(r);
		if (r->bad)
			break;
		t.name = cdp_strndup(name.p, name.n);
		CDP_GROW(s->streams, s->stream_count, s->stream_cap);
		s->streams[s->stream_count++] = t;
	}
	s->followed_ms = cdp_unzigzag(get(r));
	s->stamp = get(r);
}

static void get_young(struct reader *r, struct cdp_tagstate *s)
{
	for (uint64_t n = get(r); n > 0 && !r->bad; n--) {
		struct tst_text t = get_text(r);
		int64_t since = cdp_unzigzag(get(r));

		if (!r->bad)
			tst_add_young(s, t.p, t.n, since);
	}
}

int tst_head_read(struct cdp_tagstate *s, const char *p, size_t n, struct cdp_err *err)
{
	struct reader r = { p, p + n, false };
	const char *zone = cdp_zone_name(s->o.run->zone);
	struct tst_head *h = &s->head;
	bool same;

	h->zone = get_text(&r);
	h->key = get_text(&r);
	h->entity = get_text(&r);
	h->floor_ms = cdp_unzigzag(get(&r));
	get_texts(&r, &h->aggs);
	get_texts(&r, &h->attributes);
	get_texts(&r, &h->details);
	get_texts(&r, &h->relations);
	h->links = get(&r) != 0;
	same = get_panes(&r, h, s->o.run->zone);
	get_inputs(&r, s);
	get_persons(&r, s);
	if (r.p != r.end) /* none before anything could be followed */
		get_streams(&r, s);
	if (r.p != r.end) /* nor before anything could begin without history */
		get_young(&r, s);
	if (r.bad || r.p != r.end)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' is damaged", s->path);
	if (h->zone.n != strlen(zone) || memcmp(h->zone.p, zone, h->zone.n) != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' was made in the zone '%.*s', not '%s': it must "
				   "be made anew from all history",
				   s->path, (int)h->zone.n, h->zone.p, zone);
	if (!same)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "the rules of the zone '%s' are others than when '%s' "
				   "was made: it must be made anew from all history",
				   zone, s->path);
	return 0;
}

void tst_head_release(struct tst_head *h)
{
	free(h->aggs.v);
	free(h->attributes.v);
	free(h->details.v);
	free(h->relations.v);
	free(h->panes);
}

/* --- persons that became others --- */

static uint32_t person(struct cdp_tagstate *s, const char *key, size_t n)
{
	bool added;
	uint32_t i = cdp_intern_put(s->names, key, n, &added);

	if (added) {
		CDP_GROW(s->into, i, s->into_cap);
		s->into[i] = (struct tst_person){ .into = i };
	}
	return i;
}

static uint32_t end_of(const struct cdp_tagstate *s, uint32_t i)
{
	while (s->into[i].into != i)
		i = s->into[i].into;
	return i;
}

/* Who someone becomes is somebody from then on, unless this run has said already whom
 * that one became: rows of one log may come in any order.  Two who became each other are
 * the later one; so paths end. */
void cdp_tagstate_join(struct cdp_tagstate *s, const char *from, size_t from_n,
		       const char *into, size_t into_n)
{
	uint32_t a = person(s, from, from_n), b = person(s, into, into_n);

	if (a == b)
		return;
	if (!s->into[b].now || end_of(s, b) == a)
		s->into[b].into = b;
	s->into[a] = (struct tst_person){ .into = b, .now = s->reading };
}

const char *cdp_tagstate_became(const struct cdp_tagstate *s, const char *key, size_t n,
				size_t *len)
{
	struct tst_text t = tst_resolve(s, key, n);

	*len = t.n;
	return t.p;
}

struct tst_text tst_resolve(const struct cdp_tagstate *s, const char *key, size_t n)
{
	uint32_t i = cdp_intern_get(s->names, key, n);
	struct tst_text t = { key, n };

	if (i == CDP_INTERN_NONE)
		return t;
	t.p = cdp_intern_key(s->names, end_of(s, i), &t.n);
	return t;
}
