#include "record/head.h"

#include "base/hex.h"
#include "base/swar.h"
#include "base/time.h"
#include "record/json.h"
#include "record/paths.h"
#include "record/scan_impl.h"

/* Eight bytes against a pattern in which '0' stands for any digit. */
static inline bool has_shape(const char *p, const char *shape)
{
	uint64_t w = cdp_load64(p), s = cdp_load64(shape);
	uint64_t x = w ^ s, zero = s ^ CDP_ONES * '0';
	/* 0xff where the pattern wants a digit: bytes of s equal to '0' */
	uint64_t digit = (~(((zero & ~CDP_HIGH) + ~CDP_HIGH) | zero) & CDP_HIGH) >> 7;

	digit *= 0xff;
	/* a digit differs from '0' by at most 9; all else must not differ */
	return !(x & ~digit) && !(((x & digit) + CDP_ONES * 0x76) & CDP_HIGH) &&
	       !(x & digit & CDP_HIGH);
}

static inline bool is_time(const char *p)
{
	return has_shape(p, "0000-00-") && has_shape(p + 8, "00T00:00") &&
	       has_shape(p + 16, ":00.000Z");
}

/* High bits where a byte (below 0x80) is at least `least`. */
static inline uint64_t at_least(uint64_t w, unsigned char least)
{
	return w + CDP_ONES * (0x80u - least);
}

/* Eight bytes of 0-9a-f. */
static inline bool is_hex8(uint64_t w)
{
	uint64_t digit = at_least(w, '0') & ~at_least(w, '9' + 1);
	uint64_t letter = at_least(w, 'a') & ~at_least(w, 'f' + 1);

	return !(w & CDP_HIGH) && ((digit | letter) & CDP_HIGH) == CDP_HIGH;
}

static inline bool is_one_id(const char *p)
{
	return is_hex8(cdp_load64(p)) && is_hex8(cdp_load64(p + 8));
}

static inline struct cdp_val text(const char *p, size_t n)
{
	return (struct cdp_val){ .p = p, .n = (uint32_t)n, .type = CDP_STRING };
}

int cdp_head_match(struct cdp_head *h, const char *line)
{
	static const char one_id[] = "{\"one_id\":\"", time[] = "{\"time\":\"";
	static const char event[] = "\",\"event\":\"", ids[] = "\",\"ids\":{";
	const char *p = line, *name;

	/* Each comparison bounds the next: a LF or what follows it fits none.  Words that
	 * reach beyond a line stay in the padding of its block. */
	if (memcmp(p, one_id, sizeof(one_id) - 1) == 0) {
		p += sizeof(one_id) - 1;
		if (!is_one_id(p) || memcmp(p + 16, "\",\"time\":\"", 10) != 0)
			return 0;
		h->one_id = text(p, 16);
		p += 26;
	} else if (memcmp(p, time, sizeof(time) - 1) == 0) {
		h->one_id = (struct cdp_val){ .type = CDP_MISSING };
		p += sizeof(time) - 1;
	} else {
		return 0;
	}
	if (!is_time(p) || memcmp(p + 24, event, sizeof(event) - 1) != 0)
		return 0;
	h->time = text(p, 24);
	name = p + 24 + sizeof(event) - 1;
	p = cdp_plain_end(name);
	if (*p != '"')
		return 0;
	if (memcmp(p, ids, sizeof(ids) - 1) != 0)
		return 0;
	h->event = text(name, (size_t)(p - name));
	h->rest = p + sizeof(ids) - 1;
	return 1;
}

void cdp_head_put(struct cdp_buf *b, const char *one_id, const char time[24],
		  const char *event, size_t event_len)
{
	if (one_id) {
		cdp_buf_adds(b, "{\"one_id\":\"");
		cdp_buf_add(b, one_id, 16);
		cdp_buf_adds(b, "\",\"time\":\"");
	} else {
		cdp_buf_adds(b, "{\"time\":\"");
	}
	cdp_buf_add(b, time, 24);
	cdp_buf_adds(b, "\",\"event\":");
	cdp_json_str(b, event, event_len);
	cdp_buf_addc(b, ',');
}

void cdp_line_put_one_id(struct cdp_buf *out, const char *line, size_t n, size_t old,
			 size_t old_n, uint64_t one_id)
{
	static const char member[] = "\"one_id\":";
	char *w;

	if (cdp_buf_reserve(out, n + 32) < 0)
		return;
	if (!old_n && *line == '{')
		old = 1;
	else if (!old_n)
		old = (size_t)((const char *)memchr(line, '{', n) - line) + 1;
	w = out->p + out->n;
	memcpy(w, line, old);
	w += old;
	if (!old_n) {
		memcpy(w, member, sizeof(member) - 1);
		w += sizeof(member) - 1;
	}
	*w++ = '"';
	cdp_hex16(w, one_id);
	w += 16;
	*w++ = '"';
	if (!old_n)
		*w++ = ',';
	memcpy(w, line + old + old_n, n - old - old_n);
	out->n = (size_t)(w - out->p) + n - old - old_n;
}

int cdp_rec_time_ms(struct cdp_rec *rec, int64_t *ms, struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, CDP_SLOT_TIME);
	struct cdp_time t;

	if (v->type != CDP_STRING) {
		cdp_err_set(err, CDP_ERR_DATA,
			    v->type == CDP_MISSING ? "time is missing"
						   : "time is no string");
	} else {
		*ms = cdp_time_canon_ms(v->p, v->n);
		if (*ms == INT64_MIN && rec->scan)
			*ms = cdp_minute_ms(&rec->scan->minute, v->p, v->n);
		if (*ms != INT64_MIN)
			return 0;
		if (cdp_time_parse(&t, v->p, v->n, err) == 0) {
			*ms = cdp_time_ms(t);
			return 0;
		}
	}
	memcpy(err->path, "time", 5);
	return -1;
}

int cdp_rec_key(struct cdp_rec *rec, int slot, struct cdp_buf *tmp, const char **p,
		size_t *n, struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, slot);

	*p = v->p;
	*n = v->n;
	switch (v->type) {
	case CDP_MISSING:
	case CDP_NULL:
		return 0;
	case CDP_STRING:
		if (v->escaped)
			*p = cdp_val_str(v, tmp, n);
		return *n > 0;
	case CDP_NUMBER:
		if (v->integral)
			return 1;
		break;
	default:
		break;
	}
	return cdp_err_set(err, CDP_ERR_DATA, "the key is no string or whole number");
}
