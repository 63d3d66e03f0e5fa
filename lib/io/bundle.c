#include "io/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/mapped.h"
#include "io/out.h"

struct entry {
	uint64_t at, n, hash; /* of the block */
	uint64_t number;
	uint64_t name_at; /* in the names */
	uint32_t name_n, note_n;
};

struct foot {
	char kind[16];
	uint64_t numbers[CDP_BUNDLE_NUMBERS];
	uint64_t size; /* of the file */
	uint64_t index_at, count, names_n;
	uint64_t unused;
	uint64_t hash;      /* of index and names */
	uint64_t foot_hash; /* of what is before it */
	char magic[8];
};

enum { HEAD = 32 };
static const char magic[8] = "cdpsets1";

_Static_assert(sizeof(struct entry) == 48 && sizeof(struct foot) == 112,
	       "what is in files has no gaps");

static uint64_t foot_hash(const struct foot *f)
{
	return cdp_hash_stable(f, offsetof(struct foot, foot_hash), 0);
}

/* --- writing --- */

struct cdp_bundle_out {
	struct cdp_out *out;
	struct foot foot;
	struct entry *v;
	size_t cap;
	struct cdp_buf names;
	uint64_t at;
};

static int put(struct cdp_bundle_out *o, const void *p, size_t n, struct cdp_err *err)
{
	o->at += n;
	if (n == 0 || cdp_out_write(o->out, p, n) == 0)
		return 0;
	*err = *cdp_out_error(o->out);
	return -1;
}

static int align(struct cdp_bundle_out *o, struct cdp_err *err)
{
	static const char zeros[CDP_BUNDLE_ALIGN];

	return put(o, zeros, -o->at % CDP_BUNDLE_ALIGN, err);
}

struct cdp_bundle_out *cdp_bundle_create(const char *path, const char *kind,
					 struct cdp_err *err)
{
	struct cdp_out *out = cdp_out_open(path, err);
	struct cdp_bundle_out *o;

	if (!out)
		return NULL;
	o = cdp_calloc(1, sizeof(*o));
	o->out = out;
	cdp_buf_init(&o->names, CDP_BUF_NOMAX);
	memcpy(o->foot.magic, magic, sizeof(magic));
	memcpy(o->foot.kind, kind, strnlen(kind, sizeof(o->foot.kind)));
	if (put(o, magic, sizeof(magic), err) == 0 && align(o, err) == 0)
		return o;
	cdp_bundle_abandon(o);
	return NULL;
}

void cdp_bundle_abandon(struct cdp_bundle_out *o)
{
	if (!o)
		return;
	if (o->out)
		cdp_out_abandon(o->out);
	cdp_buf_release(&o->names);
	free(o->v);
	free(o);
}

int cdp_bundle_add(struct cdp_bundle_out *o, const struct cdp_bundle_item *item,
		   struct cdp_err *err)
{
	struct entry e = { .at = o->at,
			   .n = item->n,
			   .hash = cdp_hash_stable(item->data, item->n, 0),
			   .number = item->number,
			   .name_at = o->names.n,
			   .name_n = (uint32_t)item->name_n,
			   .note_n = (uint32_t)item->note_n };

	cdp_buf_add(&o->names, item->name, item->name_n);
	cdp_buf_add(&o->names, item->note, item->note_n);
	CDP_GROW(o->v, o->foot.count, o->cap);
	o->v[o->foot.count++] = e;
	return put(o, item->data, item->n, err) < 0 ? -1 : align(o, err);
}

int cdp_bundle_finish(struct cdp_bundle_out *o,
		      const uint64_t numbers[CDP_BUNDLE_NUMBERS], struct cdp_err *err)
{
	struct foot *f = &o->foot;
	struct cdp_buf index;
	int rc;

	cdp_buf_init(&index, CDP_BUF_NOMAX);
	cdp_buf_add(&index, o->v, f->count * sizeof(*o->v));
	cdp_buf_add(&index, o->names.p, o->names.n);
	f->index_at = o->at;
	f->names_n = o->names.n;
	f->hash = cdp_hash_stable(index.p, index.n, 0);
	memcpy(f->numbers, numbers, sizeof(f->numbers));
	rc = put(o, index.p, index.n, err) < 0 ? -1 : align(o, err);
	f->size = o->at + sizeof(*f);
	f->foot_hash = foot_hash(f);
	if (rc == 0)
		rc = put(o, f, sizeof(*f), err);
	if (rc == 0) {
		rc = cdp_out_close(o->out, err);
		o->out = NULL;
	}
	cdp_buf_release(&index);
	cdp_bundle_abandon(o);
	return rc;
}

/* --- reading --- */

struct cdp_bundle {
	struct cdp_mapped map;
	char *path;
	struct foot foot;
	const struct entry *v;
	const char *names;
};

static int check(struct cdp_bundle *p, const char *kind, struct cdp_err *err)
{
	const struct foot *f = &p->foot;
	char want[sizeof(f->kind)] = { 0 };
	uint64_t room;

	memcpy(want, kind, strnlen(kind, sizeof(want)));
	if (p->map.n < HEAD + sizeof(*f) || memcmp(p->map.p, magic, sizeof(magic)) != 0)
		return cdp_err_set(err, CDP_ERR_SYS, "no such file of ours");
	memcpy(&p->foot, p->map.p + p->map.n - sizeof(*f), sizeof(*f));
	if (memcmp(f->magic, magic, sizeof(magic)) != 0 || f->size != p->map.n ||
	    f->foot_hash != foot_hash(f))
		return cdp_err_set(err, CDP_ERR_SYS, "damaged, or cut short");
	if (memcmp(f->kind, want, sizeof(want)) != 0)
		return cdp_err_set(err, CDP_ERR_SYS, "a file of '%.16s', not of '%.16s'",
				   f->kind, want);
	room = p->map.n - sizeof(*f);
	if (f->index_at < HEAD || f->index_at > room || f->index_at % CDP_BUNDLE_ALIGN ||
	    f->count > UINT32_MAX ||
	    f->count > (room - f->index_at) / sizeof(struct entry) ||
	    f->names_n > room - f->index_at - f->count * sizeof(struct entry) ||
	    f->hash != cdp_hash_stable(p->map.p + f->index_at,
				       f->count * sizeof(struct entry) + f->names_n, 0))
		return cdp_err_set(err, CDP_ERR_SYS, "damaged: its index");
	p->v = (const void *)(p->map.p + f->index_at);
	p->names = (const char *)(p->v + f->count);
	return 0;
}

struct cdp_bundle *cdp_bundle_open(const char *path, const char *kind,
				   struct cdp_err *err)
{
	struct cdp_bundle *p = cdp_calloc(1, sizeof(*p));
	int rc = cdp_mapped_open(&p->map, path, err);

	p->path = cdp_strdup(path);
	if (rc == 0)
		rc = cdp_err_set(err, CDP_ERR_SYS, "'%s': there is no such file", path);
	else if (rc > 0 && (rc = check(p, kind, err)) < 0)
		cdp_err_prefix(err, "'%s'", path);
	if (rc == 0 && p->v)
		return p;
	cdp_bundle_close(p);
	return NULL;
}

void cdp_bundle_close(struct cdp_bundle *p)
{
	if (!p)
		return;
	cdp_mapped_close(&p->map);
	free(p->path);
	free(p);
}

const char *cdp_bundle_path(const struct cdp_bundle *p)
{
	return p->path;
}

uint64_t cdp_bundle_number(const struct cdp_bundle *p, unsigned i)
{
	return p->foot.numbers[i];
}

uint32_t cdp_bundle_count(const struct cdp_bundle *p)
{
	return (uint32_t)p->foot.count;
}

/* The name of an entry; an empty one where it would not lie in the file. */
static const char *name_of(const struct cdp_bundle *p, uint32_t i, size_t *n)
{
	const struct entry *e = &p->v[i];
	uint64_t want = (uint64_t)e->name_n + e->note_n;

	if (e->name_at > p->foot.names_n || want > p->foot.names_n - e->name_at) {
		*n = 0;
		return NULL;
	}
	*n = e->name_n;
	return p->names + e->name_at;
}

static int compare(const char *a, size_t an, const char *b, size_t bn)
{
	size_t n = an < bn ? an : bn;
	int diff = n ? memcmp(a, b, n) : 0;

	return diff ? diff : (an > bn) - (an < bn);
}

uint32_t cdp_bundle_lower(const struct cdp_bundle *p, const char *name, size_t n)
{
	uint32_t from = 0, to = cdp_bundle_count(p);

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		size_t got_n;
		const char *got = name_of(p, mid, &got_n);

		if (compare(got, got_n, name, n) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

int64_t cdp_bundle_find(const struct cdp_bundle *p, const char *name, size_t n)
{
	uint32_t i = cdp_bundle_lower(p, name, n);
	size_t got_n;
	const char *got;

	if (i >= cdp_bundle_count(p))
		return -1;
	got = name_of(p, i, &got_n);
	return got && compare(got, got_n, name, n) == 0 ? (int64_t)i : -1;
}

int cdp_bundle_at(const struct cdp_bundle *p, uint32_t i, struct cdp_bundle_item *item,
		  struct cdp_err *err)
{
	const struct entry *e = &p->v[i];

	item->name = name_of(p, i, &item->name_n);
	if (!item->name || e->at % CDP_BUNDLE_ALIGN || e->at > p->foot.index_at ||
	    e->n > p->foot.index_at - e->at)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': damaged: its index", p->path);
	item->note = item->name + item->name_n;
	item->note_n = e->note_n;
	item->number = e->number;
	item->data = p->map.p + e->at;
	item->n = e->n;
	return 0;
}

int cdp_bundle_read(const struct cdp_bundle *p, uint32_t i, struct cdp_bundle_item *item,
		    struct cdp_err *err)
{
	if (cdp_bundle_at(p, i, item, err) < 0)
		return -1;
	if (cdp_hash_stable(item->data, item->n, 0) == p->v[i].hash)
		return 0;
	return cdp_err_set(err, CDP_ERR_SYS, "'%s': damaged at byte %llu", p->path,
			   (unsigned long long)p->v[i].at);
}
