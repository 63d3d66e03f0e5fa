#include "format/canon.h"

#include "base/num.h"
#include "base/text.h"
#include "format/stamp.h"
#include "record/json.h"

#include <stdio.h>

/* --- errors --- */

static void set_path(struct cdp_err *err, const char *path, const char *key, size_t n)
{
	size_t k = strlen(path), room = sizeof(err->path) - 2;

	if (k > room)
		k = room;
	memcpy(err->path, path, k);
	if (key && k < room) {
		err->path[k++] = '.';
		if (n > room + 1 - k) {
			n = room + 1 - k;
			while (n && ((unsigned char)key[n] & 0xc0) == 0x80)
				n--;
		}
		memcpy(err->path + k, key, n);
		k += n;
	}
	err->path[k] = '\0';
}

int cdp_canon_bad(struct cdp_err *err, const char *path, const char *fmt, ...)
{
	char msg[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	cdp_err_set(err, CDP_ERR_DATA, "%s", msg);
	set_path(err, path, NULL, 0);
	return -1;
}

int cdp_canon_bad_at(struct cdp_err *err, const char *path, const char *key, size_t n,
		     const char *fmt, ...)
{
	char msg[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	cdp_err_set(err, CDP_ERR_DATA, "%s", msg);
	set_path(err, path, key, n);
	return -1;
}

struct cdp_excerpt cdp_excerpt(const char *p, size_t n)
{
	struct cdp_excerpt e = { 0 };
	size_t k = n < 40 ? n : 40;

	while (k < n && k && ((unsigned char)p[k] & 0xc0) == 0x80)
		k--;
	for (size_t i = 0; i < k; i++)
		e.s[i] = (unsigned char)p[i] < ' ' || p[i] == 0x7f ? '?' : p[i];
	if (cdp_utf8_check(e.s, k) != k)
		for (size_t i = 0; i < k; i++)
			if ((unsigned char)e.s[i] >= 0x80)
				e.s[i] = '?';
	e.s[k] = '\0';
	if (k < n)
		memcpy(e.s + k, "...", 4);
	return e;
}

/* --- checks --- */

int cdp_canon_time_ms(int64_t *ms, const char *p, size_t n, struct cdp_err *err)
{
	if (!cdp_num_json_i64(ms, p, n) || *ms < CDP_TIME_MIN_S * 1000 ||
	    *ms > CDP_TIME_MAX_S * 1000 + 999)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "'%s' is not a time in milliseconds since 1970",
				   cdp_excerpt(p, n).s);
	/* Before March 1973: it is in seconds, and would be wrong in silence. */
	if (*ms > -100000000000 && *ms < 100000000000)
		return cdp_err_set(
			err, CDP_ERR_DATA,
			"'%s' is not in milliseconds since 1970 but in seconds, "
			"it seems",
			cdp_excerpt(p, n).s);
	return 0;
}

/* The pattern of "2024-04-25 06:59:46[.123]", NULL if the text has another form. */
static const char *civil_pattern(const char *p, size_t n)
{
	if (n < 19 || (p[10] != ' ' && p[10] != 'T'))
		return NULL;
	if (n == 19)
		return p[10] == ' ' ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S";
	if (p[19] != '.')
		return NULL;
	for (size_t i = 20; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return NULL;
	return p[10] == ' ' ? "%Y-%m-%d %H:%M:%S.%f" : "%Y-%m-%dT%H:%M:%S.%f";
}

int cdp_canon_time_text(int64_t *ms, const char *p, size_t n, const struct cdp_zone *zone,
			struct cdp_err *err)
{
	const char *civil;
	struct cdp_time t;
	int rc;

	*ms = cdp_time_canon_ms(p, n);
	if (*ms != INT64_MIN)
		return 0;
	civil = civil_pattern(p, n);
	rc = civil ? cdp_stamp_parse(&t, p, n, civil, zone, err)
		   : cdp_time_parse(&t, p, n, err);
	if (rc == 0)
		*ms = cdp_time_ms(t);
	return rc;
}

int cdp_canon_time(int64_t *ms, const struct cdp_val *v, const struct cdp_zone *zone,
		   const char *path, struct cdp_err *err)
{
	struct cdp_err why;
	int rc;

	switch (v->type) {
	case CDP_MISSING:
		return cdp_canon_bad(err, path, "%s is missing", path);
	case CDP_STRING: /* an escape stands in no time, so the raw text will do */
		rc = cdp_canon_time_text(ms, v->p, v->n, zone, &why);
		break;
	case CDP_NUMBER:
		rc = cdp_canon_time_ms(ms, v->p, v->n, &why);
		break;
	default:
		return cdp_canon_bad(err, path, "not a time");
	}
	return rc < 0 ? cdp_canon_bad(err, path, "%s", why.msg) : 0;
}

int cdp_canon_future(const struct cdp_format_opts *opts, int64_t ms, int64_t received,
		     struct cdp_err *err)
{
	bool told = received != CDP_NO_TIME || opts->received != CDP_NO_TIME;

	if (!cdp_canon_is_future(opts, ms, received))
		return 0;
	return cdp_canon_bad(err, "time", "future-time: more than an hour after %s",
			     told ? "it was received" : "the base time");
}

/* The surrogate of the escape at p: 1 high, 2 low, 0 none. */
static int surrogate(const char *p, const char *end)
{
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || (p[2] | 0x20) != 'd')
		return 0;
	switch (p[3] | 0x20) {
	case '8' | 0x20:
	case '9' | 0x20:
	case 'a':
	case 'b':
		return 1;
	case 'c':
	case 'd':
	case 'e':
	case 'f':
		return 2;
	default:
		return 0;
	}
}

bool cdp_canon_escapes_are_text(const struct cdp_val *v)
{
	const char *p = v->p, *end = v->p + v->n;

	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		int kind = surrogate(p, end);

		if (kind == 2 || (kind == 1 && surrogate(p + 6, end) != 2))
			return false;
		p += kind ? 12 : 2;
	}
	return true;
}

int cdp_canon_event(const char *p, size_t n, struct cdp_err *err)
{
	if (n == 0)
		return cdp_canon_bad(err, "event", "event is empty");
	if (n > CDP_EVENT_MAX)
		return cdp_canon_bad(err, "event", "event has more than %d bytes",
				     CDP_EVENT_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return cdp_canon_bad(err, "event",
					     "event contains a control character");
	return 0;
}

int cdp_canon_check_members(const struct cdp_val *object, const char *path,
			    enum cdp_type type, const char *what, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	if (object->type != CDP_OBJECT)
		return 0;
	while (cdp_val_member(object, &it, &key, &v))
		if (v.type != type)
			return cdp_canon_bad_at(err, path, key.p, key.n, "not %s", what);
	return 0;
}

/* --- writing --- */

void cdp_canon_put_time(struct cdp_buf *out, int64_t ms)
{
	char t[2 + CDP_TIME_CANON];

	t[0] = t[sizeof(t) - 1] = '"';
	cdp_time_format(t + 1, cdp_time_from_ms(ms));
	cdp_buf_add(out, t, sizeof(t));
}

void cdp_canon_open(struct cdp_buf *out, int64_t ms, const char *event, size_t event_len,
		    const char *type)
{
	cdp_buf_addc(out, '{');
	if (ms != CDP_NO_TIME) {
		cdp_buf_adds(out, "\"time\":");
		cdp_canon_put_time(out, ms);
		cdp_buf_addc(out, ',');
	}
	if (type) {
		cdp_buf_adds(out, "\"type\":");
		cdp_json_cstr(out, type);
	} else {
		cdp_buf_adds(out, "\"event\":");
		cdp_json_str(out, event, event_len);
	}
}

/* Keys of ours need no escapes. */
static void add_key(struct cdp_buf *out, const char *key)
{
	cdp_buf_add(out, ",\"", 2);
	cdp_buf_adds(out, key);
	cdp_buf_add(out, "\":", 2);
}

struct cdp_span cdp_canon_add_time(struct cdp_buf *out, size_t start, const char *key,
				   int64_t ms)
{
	size_t at = out->n;

	add_key(out, key);
	cdp_canon_put_time(out, ms);
	return (struct cdp_span){ at - start, out->n - at };
}

struct cdp_span cdp_canon_add_near(struct cdp_minute *m, struct cdp_buf *out,
				   size_t start, const char *key, int64_t ms)
{
	char text[CDP_TIME_CANON + 2];
	size_t at = out->n;

	text[0] = text[sizeof(text) - 1] = '"';
	cdp_minute_format(m, text + 1, ms);
	add_key(out, key);
	cdp_buf_add(out, text, sizeof(text));
	return (struct cdp_span){ at - start, out->n - at };
}

struct cdp_span cdp_canon_add_str(struct cdp_buf *out, size_t start, const char *key,
				  const char *p, size_t n)
{
	size_t at;

	add_key(out, key);
	at = out->n;
	cdp_json_str(out, p, n);
	return (struct cdp_span){ at - start, out->n - at };
}

void cdp_canon_put_val(struct cdp_buf *out, const struct cdp_val *v)
{
	if (v->type == CDP_OBJECT || v->type == CDP_ARRAY)
		cdp_json_minify(out, v->p, v->n);
	else
		cdp_json_val(out, v);
}

void cdp_canon_put_unset(struct cdp_buf *out, const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, ignored;
	bool more = false;

	cdp_buf_adds(out, ",\"unset\":");
	if (v->type == CDP_ARRAY) {
		cdp_canon_put_val(out, v);
		return;
	}
	cdp_buf_addc(out, '[');
	for (; cdp_val_member(v, &it, &key, &ignored); more = true) {
		if (more)
			cdp_buf_addc(out, ',');
		cdp_json_val(out, &key);
	}
	cdp_buf_addc(out, ']');
}
