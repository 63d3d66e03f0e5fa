#include "model/keydict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/mapped.h"
#include "io/out.h"

enum {
	HEAD = 32,
	BLOCK_KEYS = 1 << 22,
	BLOCK_BYTES = 1 << 28, /* one key more than fits is in the next block */
	KEY_MAX = 1 << 20,
};

static const char magic[8] = "cdpkeys1";

struct header {
	uint32_t mark, count;
	uint64_t first; /* ordinal */
	uint64_t bytes; /* of keys */
	uint64_t hash;  /* of the ends and the keys */
	uint64_t print; /* of all keys so far */
	uint64_t header_hash;
};

enum { MARK = 0x6b636c62 };

struct block {
	struct header h;
	const uint32_t *ends;
	const char *keys;
	bool checked;
};

struct cdp_keydict {
	char *path;
	int fd; /* of a writer, else -1 */
	struct cdp_mapped map;
	uint64_t end; /* of the last whole block */
	struct block *v;
	size_t count, cap;
	struct cdp_intern *ids; /* all keys by ordinal, once they are asked for */
};

static uint64_t header_hash(const struct header *h)
{
	return cdp_hash_stable(h, offsetof(struct header, header_hash), 0);
}

static uint64_t print_after(uint64_t before, uint64_t hash)
{
	const uint64_t both[2] = { before, hash };

	return cdp_hash_stable(both, sizeof(both), 1);
}

static uint32_t total(const struct cdp_keydict *d)
{
	const struct block *last = d->count ? &d->v[d->count - 1] : NULL;

	return last ? (uint32_t)(last->h.first + last->h.count) : 0;
}

static uint64_t print_of(const struct cdp_keydict *d)
{
	return d->count ? d->v[d->count - 1].h.print : 0;
}

/* The block at d->end; false if there is no whole one. */
static bool take_block(struct cdp_keydict *d)
{
	uint64_t room = d->map.n - d->end, need;
	struct block b = { 0 };

	if (room < sizeof(b.h))
		return false;
	memcpy(&b.h, d->map.p + d->end, sizeof(b.h));
	if (b.h.mark != MARK || b.h.header_hash != header_hash(&b.h) ||
	    b.h.first != total(d) || b.h.count == 0 || b.h.count > BLOCK_KEYS ||
	    b.h.first + b.h.count >= CDP_INTERN_NONE || b.h.bytes > UINT32_MAX ||
	    b.h.print != print_after(print_of(d), b.h.hash))
		return false;
	need = (sizeof(b.h) + b.h.count * (uint64_t)4 + b.h.bytes + 7) / 8 * 8;
	if (room < need)
		return false;
	b.ends = (const void *)(d->map.p + d->end + sizeof(b.h));
	b.keys = (const char *)(b.ends + b.h.count);
	CDP_GROW(d->v, d->count, d->cap);
	d->v[d->count++] = b;
	d->end += need;
	return true;
}

/* Maps what there is; 1, or 0 if there is no file. */
static int load(struct cdp_keydict *d, struct cdp_err *err)
{
	int rc = cdp_mapped_open(&d->map, d->path, err);

	if (rc <= 0)
		return rc;
	if (d->map.n < HEAD || memcmp(d->map.p, magic, sizeof(magic)) != 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': no dictionary of customers",
				   d->path);
	d->end = HEAD;
	while (take_block(d))
		;
	return 1;
}

static struct cdp_keydict *new_dict(const char *path)
{
	struct cdp_keydict *d = cdp_calloc(1, sizeof(*d));

	d->path = cdp_strdup(path);
	d->fd = -1;
	return d;
}

struct cdp_keydict *cdp_keydict_open(const char *path, struct cdp_err *err)
{
	struct cdp_keydict *d = new_dict(path);
	int rc = load(d, err);

	if (rc > 0)
		return d;
	if (rc == 0)
		cdp_err_set(err, CDP_ERR_SYS, "'%s': there is no such file", path);
	cdp_keydict_close(d);
	return NULL;
}

static int check(const struct cdp_keydict *d, struct block *b, struct cdp_err *err)
{
	uint32_t at = 0;

	if (b->checked)
		return 0;
	b->checked = cdp_hash_stable(b->ends, b->h.count * (size_t)4 + b->h.bytes, 0) ==
		     b->h.hash;
	for (uint32_t i = 0; i < b->h.count && b->checked; i++) {
		b->checked = b->ends[i] >= at && b->ends[i] <= b->h.bytes;
		at = b->ends[i];
	}
	if (b->checked)
		return 0;
	return cdp_err_set(err, CDP_ERR_SYS, "'%s': damaged: customers from %llu on",
			   d->path, (unsigned long long)b->h.first);
}

/* A machine that died may have left a block of which only the head got to disk; sets that
 * refer to it are not there, as they are made after it. */
static void drop_torn(struct cdp_keydict *d)
{
	struct block *last = d->count ? &d->v[d->count - 1] : NULL;
	struct cdp_err ignored;

	if (!last || check(d, last, &ignored) == 0)
		return;
	d->end = (uint64_t)((const char *)last->ends - d->map.p) - sizeof(last->h);
	d->count--;
}

struct cdp_keydict *cdp_keydict_open_writer(const char *path, struct cdp_err *err)
{
	struct cdp_keydict *d = new_dict(path);
	char head[HEAD] = { 0 };
	int rc = load(d, err);

	memcpy(head, magic, sizeof(magic));
	if (rc == 0) {
		rc = cdp_file_replace(path, head, sizeof(head), err);
		d->end = HEAD;
	}
	drop_torn(d);
	if (rc >= 0) {
		d->fd = open(path, O_RDWR | O_CLOEXEC);
		if (d->fd >= 0)
			return d;
		cdp_err_sys(err, errno, "'%s': cannot write", path);
	}
	cdp_keydict_close(d);
	return NULL;
}

static void unload(struct cdp_keydict *d)
{
	cdp_mapped_close(&d->map);
	d->count = 0;
}

void cdp_keydict_close(struct cdp_keydict *d)
{
	if (!d)
		return;
	unload(d);
	if (d->fd >= 0)
		close(d->fd);
	cdp_intern_free(d->ids);
	free(d->v);
	free(d->path);
	free(d);
}

uint32_t cdp_keydict_count(const struct cdp_keydict *d)
{
	return total(d);
}

/* The block that holds an ordinal below total(). */
static struct block *block_of(const struct cdp_keydict *d, uint32_t ordinal)
{
	size_t from = 0, to = d->count;

	while (to - from > 1) {
		size_t mid = from + (to - from) / 2;

		if (d->v[mid].h.first <= ordinal)
			from = mid;
		else
			to = mid;
	}
	return &d->v[from];
}

int cdp_keydict_fingerprint(const struct cdp_keydict *d, uint32_t count, uint64_t *print)
{
	if (count > total(d))
		return -1;
	*print = count ? block_of(d, count - 1)->h.print : 0;
	return 0;
}

int cdp_keydict_key(struct cdp_keydict *d, uint32_t ordinal, const char **p, size_t *n,
		    struct cdp_err *err)
{
	struct block *b;
	uint32_t i, from;

	if (ordinal >= total(d))
		return cdp_err_set(err, CDP_ERR_SYS,
				   "'%s': damaged: there is no customer %u", d->path,
				   ordinal);
	b = block_of(d, ordinal);
	if (check(d, b, err) < 0)
		return -1;
	i = (uint32_t)(ordinal - b->h.first);
	from = i ? b->ends[i - 1] : 0;
	*p = b->keys + from;
	*n = b->ends[i] - from;
	return 0;
}

static int intern_all(struct cdp_keydict *d, struct cdp_err *err)
{
	for (uint32_t i = 0; i < total(d); i++) {
		const char *p;
		bool added;
		size_t n;

		if (cdp_keydict_key(d, i, &p, &n, err) < 0)
			return -1;
		cdp_intern_put(d->ids, p, n, &added);
		if (!added)
			return cdp_err_set(err, CDP_ERR_SYS,
					   "'%s': damaged: customer %u is there twice",
					   d->path, i);
	}
	return 0;
}

static int read_all(struct cdp_keydict *d, struct cdp_err *err)
{
	if (d->ids)
		return 0;
	d->ids = cdp_intern_new(total(d));
	if (intern_all(d, err) == 0)
		return 0;
	cdp_intern_free(d->ids);
	d->ids = NULL;
	return -1;
}

int cdp_keydict_find(struct cdp_keydict *d, const char *p, size_t n, uint32_t *ordinal,
		     struct cdp_err *err)
{
	if (read_all(d, err) < 0)
		return -1;
	*ordinal = cdp_intern_get(d->ids, p, n);
	return 0;
}

/* --- adding --- */

struct adding {
	struct cdp_buf ends, keys, out;
	uint32_t count;
	uint64_t first, print;
};

static void end_block(struct adding *a)
{
	struct header h = { .mark = MARK, .count = a->count, .first = a->first };
	static const char zeros[8];

	if (a->count == 0)
		return;
	h.bytes = a->keys.n;
	cdp_buf_add(&a->ends, a->keys.p, a->keys.n);
	h.hash = cdp_hash_stable(a->ends.p, a->ends.n, 0);
	h.print = a->print = print_after(a->print, h.hash);
	h.header_hash = header_hash(&h);
	cdp_buf_add(&a->out, &h, sizeof(h));
	cdp_buf_add(&a->out, a->ends.p, a->ends.n);
	cdp_buf_add(&a->out, zeros, -a->out.n % 8);
	a->first += a->count;
	a->count = 0;
	cdp_buf_reset(&a->ends);
	cdp_buf_reset(&a->keys);
}

static void add_key(struct adding *a, const char *p, size_t n)
{
	uint32_t end;

	cdp_buf_add(&a->keys, p, n);
	end = (uint32_t)a->keys.n;
	cdp_buf_add(&a->ends, &end, sizeof(end));
	if (++a->count == BLOCK_KEYS || a->keys.n >= BLOCK_BYTES)
		end_block(a);
}

static int write_at(int fd, uint64_t at, const char *p, size_t n)
{
	while (n) {
		ssize_t got = pwrite(fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

/* What was half written before is cut off first. */
static int append(struct cdp_keydict *d, const struct cdp_buf *out, struct cdp_err *err)
{
	uint64_t at = d->end;

	if (out->n == 0)
		return 0;
	unload(d);
	if (ftruncate(d->fd, (off_t)at) < 0 || write_at(d->fd, at, out->p, out->n) < 0 ||
	    fsync(d->fd) < 0)
		return cdp_err_sys(err, errno, "'%s': cannot write", d->path);
	return load(d, err) < 0 ? -1 : 0;
}

/* New keys get the ordinals that follow. */
static int add_new(struct cdp_keydict *d, const struct cdp_keylist *keys, uint32_t *ids,
		   struct adding *a, struct cdp_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < keys->count && rc == 0; i++) {
		size_t len;
		const char *key = keys->key(keys->ctx, i, &len);

		if (ids[i] != CDP_INTERN_NONE)
			continue;
		if (len > KEY_MAX || cdp_intern_count(d->ids) == CDP_INTERN_NONE - 1) {
			rc = cdp_err_set(err, CDP_ERR_SYS, "'%s': %s", d->path,
					 len > KEY_MAX ? "a key of over 1 MiB"
						       : "too many customers");
		} else {
			ids[i] = cdp_intern_put(d->ids, key, len, NULL);
			add_key(a, key, len);
		}
	}
	end_block(a);
	return rc;
}

uint32_t *cdp_keydict_put_all(struct cdp_keydict *d, const struct cdp_keylist *keys,
			      struct cdp_err *err)
{
	struct adding a = { 0 };
	uint32_t n = keys->count, *ids;
	bool all = true;
	int rc = 0;

	if (read_all(d, err) < 0)
		return NULL;
	ids = cdp_alloc(((size_t)n + 1) * sizeof(*ids));
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *key = keys->key(keys->ctx, i, &len);

		ids[i] = cdp_intern_get(d->ids, key, len);
		all &= ids[i] != CDP_INTERN_NONE;
	}
	if (all)
		return ids;
	cdp_buf_init(&a.ends, CDP_BUF_NOMAX);
	cdp_buf_init(&a.keys, CDP_BUF_NOMAX);
	cdp_buf_init(&a.out, CDP_BUF_NOMAX);
	a.first = total(d);
	a.print = print_of(d);
	rc = add_new(d, keys, ids, &a, err);
	if (rc == 0)
		rc = append(d, &a.out, err);
	cdp_buf_release(&a.ends);
	cdp_buf_release(&a.keys);
	cdp_buf_release(&a.out);
	if (rc == 0)
		return ids;
	free(ids);
	return NULL;
}
