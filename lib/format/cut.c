#include "format/cut.h"

#include "record/json.h"

/* Bytes of a member in the line, and the comma after it if there is one. */
struct bytes {
	size_t at, end;
};

enum { HEAD = 3 };

/* The member whose value is v, by its key as it is written: `"time":`.  False if another
 * text stands there. */
static bool member_at(struct bytes *b, const struct cdp_rec *rec, const struct cdp_val *v,
		      const char *key, size_t key_len)
{
	size_t quote = v->type == CDP_STRING;
	size_t value = (size_t)(v->p - rec->raw) - quote;

	if (value <= key_len || memcmp(rec->raw + value - key_len, key, key_len) != 0)
		return false;
	b->at = value - key_len;
	b->end = value + v->n + 2 * quote;
	b->end += rec->raw[b->end] == ',';
	return true;
}

static void sort(struct bytes b[HEAD])
{
	for (int i = 1; i < HEAD; i++)
		for (int k = i; k > 0 && b[k - 1].at > b[k].at; k--) {
			struct bytes t = b[k];

			b[k] = b[k - 1];
			b[k - 1] = t;
		}
}

/* Short ones, and most are: whole steps, so up to WIDE - 1 bytes more are read and
 * written than there are. */
enum { WIDE = 32, SHORT = 128, PIECE = 64 };

static inline char *put(char *w, const char *p, size_t n)
{
	if (n > SHORT) {
		memcpy(w, p, n);
		return w + n;
	}
	for (size_t i = 0; i < n; i += WIDE)
		memcpy(w + i, p + i, WIDE);
	return w + n;
}

#define PUT(w, text) ((char *)memcpy(w, text, sizeof(text) - 1) + sizeof(text) - 1)

/* The head without its closing brace; there is room. */
static char *put_head(char *w, const char *time, const struct cdp_val *event,
		      const struct cdp_val *ids)
{
	w = PUT(w, "{\"time\":\"");
	memcpy(w, time, CDP_TIME_CANON);
	w += CDP_TIME_CANON;
	w = PUT(w, "\",\"event\":\"");
	w = put(w, event->p, event->n);
	w = PUT(w, "\",\"ids\":");
	return put(w, ids->p, ids->n);
}

/* --- one whose head stands together, in its order, as most do --- */

static bool in_a_row(const struct cdp_rec *rec, const struct cdp_val *ids)
{
	static const char a[] = "\"time\":\"", b[] = "\",\"event\":\"",
			  c[] = "\",\"ids\":";
	const struct cdp_val *time = &rec->slots[CDP_SLOT_TIME];
	const struct cdp_val *event = &rec->slots[CDP_SLOT_EVENT];
	const char *time_end = time->p + time->n, *event_end = event->p + event->n;

	return time->type == CDP_STRING && (size_t)(time->p - rec->raw) >= sizeof(a) &&
	       memcmp(time->p - sizeof(a) + 1, a, sizeof(a) - 1) == 0 &&
	       event->p == time_end + sizeof(b) - 1 &&
	       memcmp(time_end, b, sizeof(b) - 1) == 0 &&
	       ids->p == event_end + sizeof(c) - 1 &&
	       memcmp(event_end, c, sizeof(c) - 1) == 0;
}

/* As put(), but in one step of `whole` bytes where as many can be read before `end`: a
 * loop's end would seldom be foreseen. */
static inline char *put_whole(char *w, const char *p, size_t n, size_t whole,
			      const char *end)
{
	if (n > whole || (size_t)(end - p) < whole)
		return put(w, p, n);
	memcpy(w, p, whole);
	return w + n;
}

static void cut_row(struct cdp_cut *c, const struct cdp_rec *rec,
		    const struct cdp_val *ids, const char text[CDP_TIME_CANON],
		    struct cdp_buf *out)
{
	const struct cdp_val *time = &rec->slots[CDP_SLOT_TIME];
	const char *rest = time->p + time->n, *ids_end = ids->p + ids->n;
	const char *end = rec->raw + rec->len;
	/* What stands before the head, with the comma after it. */
	size_t before = (size_t)(time->p - rec->raw) - 9;
	char *line = out->p + out->n, *w = line;

	w = PUT(w, "{\"time\":\"");
	memcpy(w, text, CDP_TIME_CANON);
	w += CDP_TIME_CANON;
	w = put_whole(w, rest, (size_t)(ids_end - rest), SHORT, end);
	c->piece[0].from = 1;
	c->piece[0].n = before;
	c->piece[0].to = (size_t)(w - line) + 1;
	if (before) {
		char *comma = w;

		w = put_whole(w, rec->raw, before, PIECE, end);
		*comma = ',';
	}
	c->piece[1].from = (size_t)(ids_end - rec->raw);
	c->piece[1].n = (size_t)(end - ids_end);
	c->piece[1].to = (size_t)(w - line);
	c->piece[2].n = c->piece[3].n = 0;
	w = put(w, ids_end, (size_t)(end - ids_end));
	out->n += (size_t)(w - line);
}

/* --- any other --- */

bool cdp_cut_event(struct cdp_cut *c, const struct cdp_rec *rec,
		   const struct cdp_val *ids, const char text[CDP_TIME_CANON],
		   struct cdp_buf *out)
{
	const struct cdp_val *time = &rec->slots[CDP_SLOT_TIME];
	const struct cdp_val *event = &rec->slots[CDP_SLOT_EVENT];
	struct bytes head[HEAD];
	size_t at = 1;
	char *line, *w;

	if (!rec->compact || rec->twice || event->escaped || event->type != CDP_STRING ||
	    cdp_buf_reserve(out, rec->len + 64 + SHORT) < 0)
		return false;
	if (in_a_row(rec, ids)) {
		cut_row(c, rec, ids, text, out);
		return true;
	}
	if (!member_at(&head[0], rec, time, "\"time\":", 7) ||
	    !member_at(&head[1], rec, event, "\"event\":", 8) ||
	    !member_at(&head[2], rec, ids, "\"ids\":", 6))
		return false;
	sort(head);
	line = out->p + out->n;
	w = put_head(line, text, event, ids);
	*w++ = ',';
	for (int i = 0; i < CDP_CUT_PIECES; i++) {
		size_t end = i < HEAD ? head[i].at : rec->len - 1;
		/* Cutting the last member also cut what was before the brace. */
		size_t n = end > at ? end - at : 0;

		c->piece[i].from = at;
		c->piece[i].n = n;
		c->piece[i].to = (size_t)(w - line);
		w = put(w, rec->raw + at, n);
		if (i < HEAD)
			at = head[i].end;
	}
	w -= w[-1] == ',';
	*w++ = '}';
	out->n += (size_t)(w - line);
	return true;
}

struct cdp_span cdp_cut_text(const struct cdp_cut *c, const struct cdp_rec *rec,
			     const struct cdp_val *v)
{
	size_t at = (size_t)(v->p - rec->raw) - 1;

	for (int i = 0; i < CDP_CUT_PIECES; i++)
		if (at - c->piece[i].from < c->piece[i].n)
			return (struct cdp_span){ c->piece[i].to + at - c->piece[i].from,
						  v->n + 2 };
	return (struct cdp_span){ 0, 0 };
}
