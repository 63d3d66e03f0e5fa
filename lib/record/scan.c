#include "record/scan_index.h"

#include "base/mem.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>

enum { PAD = 64, AT_ONCE = 4 /* slots to clear */ };

static const char *const impl_names[] = {
	[CDP_SCAN_AUTO] = "auto",
	[CDP_SCAN_PORTABLE] = "portable",
	[CDP_SCAN_AVX2] = "avx2",
	[CDP_SCAN_AVX512] = "avx512",
};

enum { IMPLS = sizeof(impl_names) / sizeof(impl_names[0]) };

struct cdp_scan *cdp_scan_new(const struct cdp_paths *paths)
{
	const char *name = getenv("CDP_SCAN");
	struct cdp_scan *s = cdp_calloc(1, sizeof(*s));

	s->paths = paths;
	cdp_scan_set_kept(s, 1);
	s->seen = cdp_calloc(paths->edge_count, sizeof(*s->seen));
	cdp_buf_init(&s->key, CDP_BUF_NOMAX);
	cdp_scan_set_impl(s, CDP_SCAN_AUTO);
	for (int i = 0; name && i < IMPLS; i++)
		if (strcmp(name, impl_names[i]) == 0)
			cdp_scan_set_impl(s, (enum cdp_scan_impl)i);
	return s;
}

static void free_index(struct cdp_scan *s)
{
	if (s->index)
		free(s->index->at);
	free(s->index);
	s->index = NULL;
}

void cdp_scan_free(struct cdp_scan *s)
{
	if (!s)
		return;
	free_index(s);
	cdp_buf_release(&s->key);
	free(s->tail_copy);
	free(s->dirty);
	free(s->kept);
	free(s->seen);
	free(s);
}

/* What a processor can do; NULL: nothing but the portable scanner. */
static void (*fill_of(enum cdp_scan_impl impl))(struct cdp_index *ix, size_t n)
{
#if defined(__x86_64__)
	bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
		    __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");

	if (impl == CDP_SCAN_AVX2 && bits && __builtin_cpu_supports("avx2"))
		return cdp_index_avx2;
	if (impl == CDP_SCAN_AVX512 && bits && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return cdp_index_avx512;
#else
	(void)impl;
#endif
	return NULL;
}

void cdp_scan_use_index(struct cdp_scan *s, void (*fill)(struct cdp_index *ix, size_t n))
{
	free_index(s);
	s->index = cdp_calloc(1, sizeof(*s->index));
	s->index->at =
		cdp_alloc((CDP_WINDOW + CDP_FLATTEN_SPILL) * sizeof(*s->index->at));
	s->index->fill = fill;
	s->scan_line = cdp_scan_line_indexed;
}

int cdp_scan_set_impl(struct cdp_scan *s, enum cdp_scan_impl impl)
{
	if (impl == CDP_SCAN_AUTO)
		impl = fill_of(CDP_SCAN_AVX512) ? CDP_SCAN_AVX512
		       : fill_of(CDP_SCAN_AVX2) ? CDP_SCAN_AVX2
						: CDP_SCAN_PORTABLE;
	if (impl != CDP_SCAN_PORTABLE && !fill_of(impl))
		return -1;
	s->impl_name = impl_names[impl];
	if (impl != CDP_SCAN_PORTABLE) {
		cdp_scan_use_index(s, fill_of(impl));
		return 0;
	}
	free_index(s);
	s->scan_line = cdp_scan_line_portable;
	return 0;
}

const char *cdp_scan_impl_name(const struct cdp_scan *s)
{
	return s->impl_name;
}

void cdp_scan_set_trusted(struct cdp_scan *s, bool trusted)
{
	s->trusted = trusted && !s->paths->key;
}

void cdp_scan_set_unique_keys(struct cdp_scan *s, bool unique)
{
	s->unique_keys = unique;
}

void cdp_scan_set_kept(struct cdp_scan *s, unsigned n)
{
	free(s->kept);
	free(s->dirty);
	s->width = (s->paths->slot_count + AT_ONCE - 1) & ~(AT_ONCE - 1u);
	s->kept = cdp_calloc((size_t)n * s->width, sizeof(*s->kept));
	s->kept_mask = n - 1;
	s->kept_at = 0;
	s->slots = s->kept;
	s->dirty = cdp_calloc(n, sizeof(*s->dirty));
}

/* The scanners rely on a LF at the end of every line, and the block is not ours to write
 * to: an unended last line is scanned in a copy. */
void cdp_scan_block(struct cdp_scan *s, const char *data, size_t len)
{
	const char *lf;
	size_t n;

	free(s->tail_copy);
	s->tail_copy = NULL;
	s->tail_len = 0;
	if (s->index)
		s->index->last = s->index->rest = s->index->walked =
			NULL; /* other bytes, perhaps here */
	s->begin = s->p = data;
	s->end = data + len;
	s->lines = s->blanks = s->completed = 0;
	if (!len || data[len - 1] == '\n')
		return;
	lf = memrchr(data, '\n', len);
	s->end = lf ? lf + 1 : data;
	n = (size_t)(data + len - s->end);
	s->tail_copy = cdp_alloc(n + 1 + PAD);
	memcpy(s->tail_copy, s->end, n);
	s->tail_copy[n] = '\n';
	memset(s->tail_copy + n + 1, 0, PAD);
	s->tail_len = n + 1;
}

void cdp_scan_clear(struct cdp_scan *s)
{
	struct cdp_val *v = s->slots, *end = v + s->width;

	for (; v < end; v += AT_ONCE)
		for (unsigned i = 0; i < AT_ONCE; i++)
			v[i].type = CDP_MISSING;
	s->serial++;
}

const struct cdp_edge *cdp_scan_escaped_key(struct cdp_scan *s,
					    const struct cdp_node *node, const char *p,
					    size_t n)
{
	struct cdp_val v = {
		.p = p, .n = (uint32_t)n, .type = CDP_STRING, .escaped = true
	};
	const char *key = cdp_val_str(&v, &s->key, &n);

	cdp_buf_add(&s->key, "\0\0\0\0\0\0\0", 8); /* cdp_key_word reads eight */
	return cdp_key_edge(s->paths, node, s->key.p == key ? key : s->key.p, n);
}

static void set_raw(struct cdp_rec *rec, const char *p, const char *lf)
{
	rec->raw = p;
	rec->len = (size_t)(lf - p);
	if (rec->len && lf[-1] == '\r')
		rec->len--;
}

/* The rest of a line that a scanner refused. */
static int bad_line(struct cdp_scan *s, struct cdp_rec *rec, const char *line,
		    const char *end, struct cdp_err *err)
{
	const char *lf = memchr(line, '\n', (size_t)(end - line));

	cdp_scan_clear(s);
	set_raw(rec, line, lf);
	rec->complete = true;
	rec->compact = rec->twice = false;
	s->p = lf + 1;
	if (rec->len > UINT32_MAX)
		return cdp_err_set(err, CDP_ERR_DATA, "a line of %zu bytes", rec->len);
	if (cdp_explain(rec->raw, rec->len, true, err) == 0)
		CDP_BUG("the %s scanner refused a good line", s->impl_name);
	return -1;
}

static int strict_line(struct cdp_scan *s, struct cdp_rec *rec, const char *line,
		       const char *p, const char *end, struct cdp_err *err)
{
	const char *lf;

	cdp_scan_clear(s);
	s->dirty[s->kept_at] = true;
	lf = s->scan_line(s, p, end);
	if (__builtin_expect(!lf || lf - line > UINT32_MAX, 0))
		return bad_line(s, rec, line, end, err);
	set_raw(rec, line, lf);
	rec->complete = true;
	rec->compact = !s->spaced && p == line;
	rec->twice = s->twice;
	s->p = lf + 1;
	if (s->unique_keys && cdp_unique_check(rec->raw, rec->len, err) < 0) {
		cdp_scan_clear(s);
		return -1;
	}
	return 1;
}

/* 1 if the line has a canonical head (the last byte of a whole record is checked too). */
static int trusted_line(struct cdp_scan *s, struct cdp_rec *rec, const char *line,
			const char *end)
{
	struct cdp_head h;
	const char *lf;

	if (!cdp_head_match(&h, line))
		return 0;
	lf = memchr(h.rest, '\n', (size_t)(end - h.rest));
	if (lf[-1] != '}')
		return 0;
	if (s->dirty[s->kept_at]) {
		cdp_scan_clear(s);
		s->dirty[s->kept_at] = false;
	}
	s->slots[CDP_SLOT_ONE_ID] = h.one_id;
	s->slots[CDP_SLOT_TIME] = h.time;
	s->slots[CDP_SLOT_EVENT] = h.event;
	rec->raw = line;
	rec->len = (size_t)(lf - line);
	rec->complete = rec->compact = rec->twice = false;
	s->p = lf + 1;
	return 1;
}

int cdp_scan_next(struct cdp_scan *s, struct cdp_rec *rec, struct cdp_err *err)
{
	const char *line, *p;

	s->kept_at = (s->kept_at + 1) & s->kept_mask;
	s->slots = s->kept + (size_t)s->kept_at * s->width;
	rec->slots = s->slots;
	rec->scan = s;
	for (;;) {
		if (__builtin_expect(s->p == s->end, 0)) {
			if (!s->tail_len)
				return 0;
			s->begin = s->p = s->tail_copy;
			s->end = s->p + s->tail_len;
			s->tail_len = 0;
		}
		line = p = s->p;
		while (__builtin_expect(*p == ' ' || *p == '\t' || *p == '\r', 0))
			p++;
		s->lines++;
		if (__builtin_expect(*p != '\n', 1))
			break;
		s->blanks++;
		s->p = p + 1;
	}
	rec->line = s->lines;
	if (s->trusted && !s->unique_keys && trusted_line(s, rec, line, s->end))
		return 1;
	return strict_line(s, rec, line, p, s->end, err);
}

uint64_t cdp_scan_lines(const struct cdp_scan *s)
{
	return s->lines;
}

uint64_t cdp_scan_blanks(const struct cdp_scan *s)
{
	return s->blanks;
}

/* How far an index may look ahead of a line that is to be completed: where its
 * neighbours are completed too, one index for all of them costs a fraction. */
static const char *look_ahead(struct cdp_scan *s, const struct cdp_rec *r)
{
	bool near = r->line - s->completed <= 2;

	s->completed = r->line;
	if (near && r->raw >= s->begin && r->raw < s->end)
		return s->end;
	return r->raw + r->len + 1;
}

void cdp_rec_complete(struct cdp_rec *r)
{
	struct cdp_scan *s = r->scan;
	struct cdp_val *now = s->slots;
	size_t at = (size_t)(r->slots - s->kept) / s->width;

	if (r->complete)
		return;
	r->complete = true;
	s->slots = r->slots;
	s->dirty[at] = true;
	cdp_scan_clear(s);
	if (s->scan_line(s, r->raw, look_ahead(s, r))) {
		r->compact = !s->spaced;
		r->twice = s->twice;
	} else {
		cdp_scan_clear(s);
	}
	s->slots = now;
}
