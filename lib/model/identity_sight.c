/* From records to sightings; runs in the threads that scan. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/swar.h"
#include "base/text.h"
#include "base/time.h"
#include "model/identity_priv.h"
#include "record/json.h"

void cdp_sights_init(struct cdp_sights *s)
{
	*s = (struct cdp_sights){ 0 };
	cdp_buf_init(&s->text, CDP_BUF_NOMAX);
	cdp_buf_init(&s->tmp, CDP_BUF_NOMAX);
	cdp_buf_init(&s->norm, CDP_BUF_NOMAX);
}

void cdp_sights_reset(struct cdp_sights *s)
{
	s->n = 0;
	s->nids = 0;
	s->slots = s->guessed = s->fetched = s->found = 0;
	s->invalid = 0;
	s->undeclared = 0;
	cdp_buf_reset(&s->text);
}

void cdp_sights_release(struct cdp_sights *s)
{
	free(s->v);
	free(s->ids);
	cdp_buf_release(&s->text);
	cdp_buf_release(&s->tmp);
	cdp_buf_release(&s->norm);
}

int cdp_sight_slots(struct cdp_sight_slots *slots, struct cdp_paths *paths,
		    struct cdp_err *err)
{
	slots->ids = cdp_paths_add(paths, "ids", 3, err);
	return slots->ids < 0 ? -1 : 0;
}

/* Eight bytes from `name` on can be read. */
static const struct kind *find_kind(const struct cdp_identity *m, const char *name,
				    size_t n)
{
	uint64_t word = 0;

	memcpy(&word, name, 8);
	if (n < 8)
		word = n ? htole64(le64toh(word) << (64 - 8 * n) >> (64 - 8 * n)) : 0;
	for (unsigned i = 0; i < m->nfixed; i++)
		if (m->kind[i].word == word && m->kind[i].len == n &&
		    (n <= 8 || memcmp(m->kind[i].name, name, n) == 0))
			return &m->kind[i];
	return NULL;
}

static const char *key_of(const struct cdp_sights *s, const struct cdp_sight_id *id)
{
	return s->text.p + id->at;
}

/* Undeclared kinds have no rank among them but their names. */
static bool goes_before(const struct cdp_identity *m, const struct cdp_sights *s,
			const struct cdp_sight_id *a, const struct cdp_sight_id *b)
{
	const char *na, *nb;

	if (a->rank != b->rank || a->rank != UINT16_MAX)
		return a->rank < b->rank;
	na = a->kind == CDP_SIGHT_UNDECLARED ? key_of(s, a) : m->kind[a->kind].name;
	nb = b->kind == CDP_SIGHT_UNDECLARED ? key_of(s, b) : m->kind[b->kind].name;
	return strcmp(na, nb) < 0;
}

/* Puts the id among those of its sighting, the strongest first; a kind that occurs twice
 * counts as it stood last, like every member of a record. */
static void insert(struct cdp_sights *s, const struct cdp_identity *m, size_t first,
		   struct cdp_sight_id id)
{
	size_t i = s->nids;

	for (size_t k = first; k < s->nids; k++) {
		const struct cdp_sight_id *o = &s->ids[k];

		if (o->kind != id.kind || (id.kind == CDP_SIGHT_UNDECLARED &&
					   strcmp(key_of(s, o), key_of(s, &id)) != 0))
			continue;
		s->ids[k] = id;
		return;
	}
	CDP_GROW(s->ids, s->nids, s->ids_cap);
	for (; i > first && goes_before(m, s, &id, &s->ids[i - 1]); i--)
		s->ids[i] = s->ids[i - 1];
	s->ids[i] = id;
	s->nids++;
}

static void add_key(struct cdp_sights *s, struct cdp_sight_id *id,
		    const struct idkey *key)
{
	if (key->p != s->text.p + s->text.n)
		memcpy(s->text.p + s->text.n, key->p, key->n);
	s->text.n += key->n;
	id->form = key->form;
	id->len = key->len;
	id->n = key->n;
	id->hash = idm_hash(key);
}

static void add_id(struct cdp_sights *s, const struct cdp_identity *m, size_t first,
		   const char *name, size_t name_n, const char *p, size_t n)
{
	const struct kind *k = find_kind(m, name, name_n);
	struct cdp_sight_id id = { .at = s->text.n, .found = NONE, .rank = UINT16_MAX };
	enum cdp_idnorm norm = k && k->def ? k->def->norm : CDP_IDNORM_TEXT;
	const char *value;
	struct idkey key;
	size_t value_n;

	if (k && k->def && k->role == KIND_OUT)
		return;
	if (!k || !k->def) {
		s->undeclared++;
		if (!m->kinds->alone || !name_n || name_n > CDP_IDKIND_NAME_MAX ||
		    memchr(name, '\0', name_n))
			return;
	}
	cdp_buf_reserve(&s->text, CDP_ID_VALUE_MAX);
	if (k) {
		id.kind = (uint8_t)(k - m->kind);
		id.rank = k->rank;
		if (idm_pack_plain(&key, id.kind, norm, p, n, s->text.p + s->text.n)) {
			add_key(s, &id, &key);
			insert(s, m, first, id);
			return;
		}
	}
	if (!cdp_idnorm(norm, p, n, &s->norm, &value, &value_n)) {
		s->invalid++;
		return;
	}
	if (k) {
		idm_pack(&key, id.kind, value, value_n, s->text.p + s->text.n);
		add_key(s, &id, &key);
	} else {
		id.kind = CDP_SIGHT_UNDECLARED;
		cdp_buf_add(&s->text, name, name_n);
		cdp_buf_addc(&s->text, '\0');
		cdp_buf_add(&s->text, value, value_n);
		id.n = (uint16_t)(s->text.n - id.at);
	}
	insert(s, m, first, id);
}

/* The ids of a trusted line whose canonical head ends where `p` points, as long as they
 * are plain strings; 0 if something else stands there, such as the end of the line. */
static int read_plain(struct cdp_sights *s, const struct cdp_identity *m, size_t first,
		      const char *p)
{
	while (*p == '"') {
		const char *name = p + 1, *value, *q;
		size_t name_n;

		q = cdp_plain_end(name);
		if (*q != '"' || q[1] != ':' || q[2] != '"')
			return 0;
		name_n = (size_t)(q - name);
		value = q + 3;
		q = cdp_plain_end(value);
		if (*q != '"')
			return 0;
		add_id(s, m, first, name, name_n, value, (size_t)(q - value));
		if (q[1] == '}')
			return 1;
		if (q[1] != ',')
			return 0;
		p = q + 2;
	}
	return 0;
}

static void read_object(struct cdp_sights *s, const struct cdp_identity *m, size_t first,
			const struct cdp_val *ids)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, val;

	while (cdp_val_member(ids, &it, &key, &val) > 0) {
		char name[CDP_IDKIND_NAME_MAX];
		const char *p;
		size_t n, name_n;

		p = cdp_val_str(&key, &s->tmp, &name_n);
		if (name_n > sizeof(name)) {
			s->undeclared++;
			continue;
		}
		memcpy(name, p, name_n);
		if (val.type != CDP_STRING) {
			s->invalid += val.type != CDP_NULL;
			continue;
		}
		p = cdp_val_str(&val, &s->tmp, &n);
		add_id(s, m, first, name, name_n, p, n);
	}
}

static int64_t time_of(const struct cdp_val *v)
{
	struct cdp_time t;
	struct cdp_err ignored;
	int64_t ms;

	if (v->type != CDP_STRING || v->escaped)
		return CDP_IDENTITY_NO_TIME;
	ms = cdp_time_canon_ms(v->p, v->n);
	if (ms >= 0 && ms <= TIME_MAX)
		return ms;
	if (cdp_time_parse(&t, v->p, v->n, &ignored) < 0)
		return CDP_IDENTITY_NO_TIME;
	ms = cdp_time_ms(t);
	return ms < 0 || ms > TIME_MAX ? CDP_IDENTITY_NO_TIME : ms;
}

/* Relations are edges between two customers: their ids are not one person. */
static uint8_t says(struct cdp_rec *rec)
{
	const struct cdp_val *type = cdp_rec_get(rec, CDP_SLOT_TYPE);

	if (cdp_val_is(type, "unbind", 6))
		return CDP_SIGHT_PARTS;
	return cdp_val_is(type, "relation", 8) ? CDP_SIGHT_SEES : CDP_SIGHT_LINKS;
}

static bool may_link(struct cdp_sights *s, const struct cdp_identity *m,
		     const struct cdp_rec *rec)
{
	size_t n;
	const char *source = cdp_sight_source(rec->raw, rec->len, &s->tmp, &n);

	return cdp_idkinds_may_link(m->kinds, source, n);
}

void cdp_sight_read(struct cdp_sights *s, const struct cdp_identity *m,
		    const struct cdp_sight_slots *slots, struct cdp_rec *rec)
{
	static const char ids[] = "\",\"ids\":{";
	const struct cdp_val *event = &rec->slots[CDP_SLOT_EVENT];
	size_t text = s->text.n, first = s->nids;
	uint64_t invalid = s->invalid, undeclared = s->undeclared;
	struct cdp_sight *at;

	CDP_GROW(s->v, s->n, s->cap);
	at = &s->v[s->n++];
	*at = (struct cdp_sight){ .first = (uint32_t)first, .says = CDP_SIGHT_LINKS };
	if (rec->complete || event->type != CDP_STRING ||
	    memcmp(event->p + event->n, ids, sizeof(ids) - 1) != 0 ||
	    !read_plain(s, m, first, event->p + event->n + sizeof(ids) - 1)) {
		const struct cdp_val *v = cdp_rec_get(rec, slots->ids);

		s->nids = first;
		s->text.n = text;
		s->invalid = invalid;
		s->undeclared = undeclared;
		if (v->type == CDP_OBJECT)
			read_object(s, m, first, v);
		at->says = says(rec);
	}
	at->ms = time_of(cdp_rec_get(rec, CDP_SLOT_TIME));
	at->n = (uint16_t)(s->nids - first);
	at->lost = (uint16_t)(s->invalid + s->undeclared - invalid - undeclared);
	if (m->kinds->nsources && at->says == CDP_SIGHT_LINKS && at->n > 1 &&
	    !may_link(s, m, rec))
		at->says = CDP_SIGHT_SEES;
}

/* Where a canonical line has its top-level source: the last one, with no bracket after
 * it but the record's own.  A quote that is not escaped starts it, so it cannot be part
 * of a string. */
static const char *source_at_end(const char *raw, size_t len, size_t *n)
{
	static const char name[] = ",\"source\":\"";
	const char *p = NULL, *end = raw + len, *q = raw;

	while ((q = memmem(q, (size_t)(end - q), name, sizeof(name) - 1)) != NULL)
		p = q++;
	if (!p)
		return NULL;
	p += sizeof(name) - 1;
	q = memchr(p, '"', (size_t)(end - p));
	if (!q || memchr(p, '\\', (size_t)(q - p)) || memchr(q, '{', (size_t)(end - q)) ||
	    memchr(q, '[', (size_t)(end - q)) ||
	    memchr(q, '}', (size_t)(end - q)) != end - 1 || end[-1] != '}')
		return NULL;
	*n = (size_t)(q - p);
	return p;
}

/* Is "source" in it?  Looks for a name's ends first, many at a time: nearly every line
 * has none, and that is faster than to search for all of it. */
static bool names_source(const char *p, size_t n)
{
	enum { NAME = 8, STRIDE = 64 };
	static const char name[] = "\"source\"";
	uint8_t any = 0;

	if (n < STRIDE + NAME)
		return memmem(p, n, name, NAME) != NULL;
	for (size_t i = 0; i < n - NAME; i += STRIDE) {
		/* The last ones are looked at again. */
		const char *q = p + (i <= n - NAME - STRIDE ? i : n - NAME - STRIDE + 1);

		for (size_t k = 0; k < STRIDE; k++)
			any |= (uint8_t)((q[k] == '"') & (q[k + 1] == 's') &
					 (q[k + NAME - 1] == '"'));
	}
	return any && memmem(p, n, name, NAME);
}

const char *cdp_sight_source(const char *raw, size_t len, struct cdp_buf *tmp, size_t *n)
{
	struct cdp_val rec, key, val, source = { .type = CDP_MISSING };
	struct cdp_iter it = { 0 };
	const char *p;

	*n = 0;
	/* Without an escape the name stands as it is, if it does. */
	if (!names_source(raw, len)) {
		if (!memchr(raw, '\\', len))
			return "";
	} else if ((p = source_at_end(raw, len, n)) != NULL) {
		return p;
	}
	cdp_val_at(&rec, raw, len);
	while (cdp_val_member(&rec, &it, &key, &val) > 0)
		if (cdp_val_is(&key, "source", 6))
			source = val;
	if (source.type == CDP_STRING)
		return cdp_val_str(&source, tmp, n);
	*n = 0;
	return "";
}
