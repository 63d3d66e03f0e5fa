#include "model/tagkept.h"

#include "base/hash.h"
#include "base/varint.h"
#include "io/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "cdp-tag scheduled 1\n";

enum { NOW, BEFORE, GENERATIONS };

struct values {
	bool any;
	int64_t since_ms, from_ms;
	uint32_t *of; /* by customer: a text + 1, or 0 */
	size_t cap;
};

struct cdp_tagkept {
	const struct cdp_tagset *set;
	struct cdp_intern *keys, *texts;
	struct values (*v)[GENERATIONS]; /* by tag */
};

struct cdp_tagkept *cdp_tagkept_new(const struct cdp_tagset *set)
{
	struct cdp_tagkept *k = cdp_calloc(1, sizeof(*k));

	k->set = set;
	k->keys = cdp_intern_new(0);
	k->texts = cdp_intern_new(0);
	k->v = cdp_calloc((size_t)set->count + 1, sizeof(*k->v));
	return k;
}

void cdp_tagkept_free(struct cdp_tagkept *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < k->set->count; i++)
		for (int g = 0; g < GENERATIONS; g++)
			free(k->v[i][g].of);
	free(k->v);
	cdp_intern_free(k->keys);
	cdp_intern_free(k->texts);
	free(k);
}

/* --- what is in force --- */

static const struct values *in_force(const struct cdp_tagkept *k, unsigned tag,
				     int64_t base_ms)
{
	for (int g = 0; g < GENERATIONS; g++)
		if (k->v[tag][g].any && k->v[tag][g].from_ms <= base_ms)
			return &k->v[tag][g];
	return NULL;
}

bool cdp_tagkept_since(const struct cdp_tagkept *k, unsigned tag, int64_t base_ms,
		       int64_t *since_ms)
{
	const struct values *v = in_force(k, tag, base_ms);

	if (v)
		*since_ms = v->since_ms;
	return v != NULL;
}

static uint32_t text_of(const struct values *v, uint32_t customer)
{
	return customer < v->cap ? v->of[customer] : 0;
}

const char *cdp_tagkept_get(const struct cdp_tagkept *k, unsigned tag, int64_t base_ms,
			    const char *key, size_t n, size_t *len)
{
	const struct values *v = in_force(k, tag, base_ms);
	uint32_t customer = cdp_intern_get(k->keys, key, n), text;

	if (!v || customer == CDP_INTERN_NONE)
		return NULL;
	text = text_of(v, customer);
	return text ? cdp_intern_key(k->texts, text - 1, len) : NULL;
}

/* --- making --- */

static void set_text(struct values *v, uint32_t customer, uint32_t text)
{
	size_t before = v->cap;

	CDP_GROW(v->of, customer, v->cap);
	memset(v->of + before, 0, (v->cap - before) * sizeof(*v->of));
	v->of[customer] = text;
}

void cdp_tagkept_begin(struct cdp_tagkept *k, unsigned tag, int64_t since_ms,
		       int64_t from_ms)
{
	struct values *v = k->v[tag];

	free(v[BEFORE].of);
	v[BEFORE] = v[NOW];
	v[NOW] = (struct values){ .any = true, .since_ms = since_ms, .from_ms = from_ms };
}

static void put(struct cdp_tagkept *k, struct values *v, const char *key, size_t n,
		const char *json, size_t len)
{
	uint32_t customer = cdp_intern_put(k->keys, key, n, NULL);

	set_text(v, customer, cdp_intern_put(k->texts, json, len, NULL) + 1);
}

void cdp_tagkept_put(struct cdp_tagkept *k, unsigned tag, const char *key, size_t n,
		     const char *json, size_t len)
{
	put(k, &k->v[tag][NOW], key, n, json, len);
}

void cdp_tagkept_join(struct cdp_tagkept *k, const char *from, size_t from_n,
		      const char *into, size_t into_n)
{
	uint32_t gone = cdp_intern_get(k->keys, from, from_n), to;

	if (gone == CDP_INTERN_NONE)
		return;
	to = cdp_intern_put(k->keys, into, into_n, NULL);
	for (unsigned i = 0; i < k->set->count && gone != to; i++)
		for (int g = 0; g < GENERATIONS; g++) {
			struct values *v = &k->v[i][g];
			uint32_t text = text_of(v, gone);

			if (text && !text_of(v, to))
				set_text(v, to, text);
			if (text)
				v->of[gone] = 0;
		}
}

/* --- the file: tags with their generations; customers, of each a text for each of these,
 * or an empty one; and a hash of all before --- */

static void write_tags(const struct cdp_tagkept *k, struct cdp_buf *b)
{
	cdp_varint_add(b, k->set->count);
	for (unsigned i = 0; i < k->set->count; i++) {
		const char *name = k->set->tags[i].name;

		cdp_varint_add_bytes(b, name, strlen(name));
		for (int g = 0; g < GENERATIONS; g++) {
			const struct values *v = &k->v[i][g];

			cdp_buf_addc(b, v->any);
			cdp_varint_add(b, cdp_zigzag(v->since_ms));
			cdp_varint_add(b, cdp_zigzag(v->from_ms));
		}
	}
}

static void write_customer(const struct cdp_tagkept *k, uint32_t customer,
			   struct cdp_buf *b)
{
	size_t n;
	const char *key = cdp_intern_key(k->keys, customer, &n);

	cdp_varint_add_bytes(b, key, n);
	for (unsigned i = 0; i < k->set->count; i++)
		for (int g = 0; g < GENERATIONS; g++) {
			uint32_t text = text_of(&k->v[i][g], customer);
			const char *json = "";

			if (!k->v[i][g].any)
				continue;
			n = 0;
			if (text)
				json = cdp_intern_key(k->texts, text - 1, &n);
			cdp_varint_add_bytes(b, json, n);
		}
}

int cdp_tagkept_save(const struct cdp_tagkept *k, const char *path, struct cdp_err *err)
{
	uint32_t count = cdp_intern_count(k->keys);
	struct cdp_buf b;
	uint64_t hash;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, magic);
	write_tags(k, &b);
	cdp_varint_add(&b, count);
	for (uint32_t i = 0; i < count; i++)
		write_customer(k, i, &b);
	hash = cdp_hash_stable(b.p, b.n, 0);
	cdp_buf_add(&b, &hash, sizeof(hash));
	rc = cdp_file_replace(path, b.p, b.n, err);
	cdp_buf_release(&b);
	return rc;
}

struct reading {
	struct cdp_tagkept *k;
	const struct cdp_tagkept_became *became;
	const char *p, *end;
	int32_t *tag; /* of each in the file: its number, or -1 */
	bool (*any)[GENERATIONS];
	uint64_t count;
	bool later; /* those who became others, whose values count last */
};

static bool read_tag(struct reading *r, uint64_t i)
{
	const char *name;
	uint32_t tag;
	size_t n;

	if (!cdp_varint_get_bytes(&name, &n, &r->p, r->end))
		return false;
	tag = cdp_intern_get(r->k->set->names, name, n);
	r->tag[i] = tag == CDP_INTERN_NONE || !r->k->set->tags[tag].about.schedule
			    ? -1
			    : (int32_t)tag;
	for (int g = 0; g < GENERATIONS; g++) {
		struct values v = { 0 };

		if (r->p == r->end)
			return false;
		r->any[i][g] = v.any = *r->p++ != 0;
		if (!cdp_varint_get_signed(&v.since_ms, &r->p, r->end) ||
		    !cdp_varint_get_signed(&v.from_ms, &r->p, r->end))
			return false;
		if (r->tag[i] >= 0 && !r->later)
			r->k->v[r->tag[i]][g] = v;
	}
	return true;
}

static bool read_customer(struct reading *r)
{
	const char *key, *into, *json;
	size_t n, into_n, len;
	uint32_t customer;

	if (!cdp_varint_get_bytes(&key, &n, &r->p, r->end))
		return false;
	into = key;
	into_n = n;
	if (r->became)
		into = r->became->key(r->became->ctx, key, n, &into_n);
	for (uint64_t i = 0; i < r->count; i++)
		for (int g = 0; g < GENERATIONS; g++) {
			struct values *v;

			if (!r->any[i][g])
				continue;
			if (!cdp_varint_get_bytes(&json, &len, &r->p, r->end))
				return false;
			if (r->tag[i] < 0 || !len || (into != key) != r->later)
				continue;
			v = &r->k->v[r->tag[i]][g];
			customer = cdp_intern_get(r->k->keys, into, into_n);
			if (customer == CDP_INTERN_NONE || !text_of(v, customer))
				put(r->k, v, into, into_n, json, len);
		}
	return true;
}

static bool read_all(struct reading *r)
{
	uint64_t customers;
	bool fine = cdp_varint_get(&r->count, &r->p, r->end) &&
		    r->count <= (uint64_t)(r->end - r->p);

	if (!fine)
		return false;
	r->tag = cdp_calloc(r->count + 1, sizeof(*r->tag));
	r->any = cdp_calloc(r->count + 1, sizeof(*r->any));
	for (uint64_t i = 0; i < r->count && fine; i++)
		fine = read_tag(r, i);
	fine = fine && cdp_varint_get(&customers, &r->p, r->end);
	for (uint64_t i = 0; fine && i < customers; i++)
		fine = read_customer(r);
	free(r->tag);
	free(r->any);
	return fine && r->p == r->end;
}

static bool read_text(struct cdp_tagkept *k, const struct cdp_tagkept_became *became,
		      const char *p, size_t n)
{
	struct reading r = { .k = k, .became = became };
	uint64_t hash;

	if (n < sizeof(magic) - 1 + sizeof(hash) ||
	    memcmp(p, magic, sizeof(magic) - 1) != 0)
		return false;
	n -= sizeof(hash);
	memcpy(&hash, p + n, sizeof(hash));
	if (hash != cdp_hash_stable(p, n, 0))
		return false;
	for (int pass = 0; pass < 2; pass++) {
		r.later = pass;
		r.p = p + sizeof(magic) - 1;
		r.end = p + n;
		if (!read_all(&r))
			return false;
	}
	return true;
}

int cdp_tagkept_load(struct cdp_tagkept *k, const char *path,
		     const struct cdp_tagkept_became *became, struct cdp_err *err)
{
	bool fine;
	size_t n;
	char *p;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	p = cdp_file_read(path, SIZE_MAX / 2, &n, err);
	if (!p)
		return -1;
	fine = read_text(k, became, p, n);
	free(p);
	return fine ? 0 : cdp_err_set(err, CDP_ERR_SYS, "'%s' is damaged", path);
}
