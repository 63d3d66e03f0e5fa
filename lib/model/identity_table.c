/* The table of ids: from kind and value to a number, and back.
 *
 * Values are packed where their characters allow it: hexadecimal digits (so all that are
 * digits) into four bits each, also after one other character, the letters of URLs into
 * six.  Equal values have equal packed forms, so keys are packed once, when a record is
 * read, and compared packed.  Slots have 32 bits of the hash: growing never touches the
 * keys. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/identity_priv.h"

/* --- packing --- */

enum { FORM_RAW, FORM_SIX, FORM_HEX, FORM_CHAR_HEX };

static const char letters[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/* clang-format off */
/* By ASCII character: its place among them, or 64. */
static const unsigned char six_of[128] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 64, 64, 64, 64, 64,
	64, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
	51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 63,
	64, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
	25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 64, 64, 64, 64, 64,
};
/* clang-format on */

/* Without branches, so that compilers make vectors of them. */
static bool all_four(const char *p, size_t n)
{
	uint8_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)p[i];

		bad |= (uint8_t)((uint8_t)(c - '0') > 9) &
		       (uint8_t)((uint8_t)(c - 'a') > 5);
	}
	return !bad;
}

static inline unsigned four(char c)
{
	return ((unsigned)c & 15) + 9 * ((unsigned)c >> 6);
}

static bool all_six(const char *p, size_t n)
{
	unsigned any = 0;

	for (size_t i = 0; i < n; i++)
		any |= ((unsigned char)p[i] & 0x80u) | six_of[p[i] & 0x7f];
	return any < 64;
}

static size_t pack_four(char *to, const char *p, size_t n)
{
	size_t k = 0;

	for (; 2 * k + 1 < n; k++)
		to[k] = (char)(four(p[2 * k]) << 4 | four(p[2 * k + 1]));
	if (n & 1)
		to[k++] = (char)(four(p[n - 1]) << 4);
	return k;
}

static size_t pack_six(char *to, const char *p, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 6 | six_of[(unsigned char)p[i]];
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		to[k++] = (char)(bits >> have);
	}
	if (have)
		to[k++] = (char)(bits << (8 - have));
	return k;
}

void idm_pack(struct idkey *k, uint8_t kind, const char *p, size_t n, char *to)
{
	*k = (struct idkey){ .p = p, .n = (uint16_t)n, .kind = kind, .len = (uint8_t)n };
	if (all_four(p, n)) {
		k->form = FORM_HEX;
		k->n = (uint16_t)pack_four(to, p, n);
	} else if (n > 1 && all_four(p + 1, n - 1)) {
		k->form = FORM_CHAR_HEX;
		to[0] = p[0];
		k->n = (uint16_t)(1 + pack_four(to + 1, p + 1, n - 1));
	} else if (all_six(p, n)) {
		k->form = FORM_SIX;
		k->n = (uint16_t)pack_six(to, p, n);
	} else {
		return;
	}
	k->p = to;
}

static void unpack_four(char *to, const char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++)
		to[i] = digits[(unsigned char)p[i / 2] >> (i & 1 ? 0 : 4) & 15];
}

static void unpack_six(char *to, const char *p, size_t len)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		if (have < 6) {
			bits = bits << 8 | (unsigned char)*p++;
			have += 8;
		}
		have -= 6;
		to[i] = letters[bits >> have & 63];
	}
}

const char *idm_unpack(const struct idkey *k, char to[CDP_ID_VALUE_MAX])
{
	switch (k->form) {
	case FORM_HEX:
		unpack_four(to, k->p, k->len);
		return to;
	case FORM_CHAR_HEX:
		to[0] = k->p[0];
		unpack_four(to + 1, k->p + 1, k->len - 1u);
		return to;
	case FORM_SIX:
		unpack_six(to, k->p, k->len);
		return to;
	default:
		return k->p;
	}
}

const char *idm_value(const struct cdp_identity *m, uint32_t id,
		      char to[CDP_ID_VALUE_MAX], size_t *n)
{
	const char *p = m->text + m->id[id].key;
	struct idkey k = { .p = p + 1, .form = m->id[id].form, .len = (uint8_t)p[0] };

	*n = k.len;
	return idm_unpack(&k, to);
}

/* --- slots --- */

uint64_t idm_hash(const struct idkey *k)
{
	return cdp_hash_u64(cdp_hash(k->p, k->n) ^
			    ((uint64_t)k->kind << 16 | (uint64_t)k->form << 8 | k->len));
}

bool idm_is_key(const struct cdp_identity *m, uint32_t id, const struct idkey *k)
{
	const struct id *at = &m->id[id];
	const char *p = m->text + at->key;

	return at->kind == k->kind && at->form == k->form &&
	       (unsigned char)p[0] == k->len && memcmp(p + 1, k->p, k->n) == 0;
}

uint32_t idm_get(const struct cdp_identity *m, const struct idkey *k, uint64_t hash)
{
	const uint64_t *p = idm_slots_at(&m->table, hash);

	for (; idm_slot_has(p, hash); p++)
		if (idm_is_key(m, idm_slot_number(p), k))
			return idm_slot_number(p);
	return NONE;
}

/* Where the text of a new key is. */
static uint32_t put_text(struct cdp_identity *m, const struct idkey *k)
{
	size_t at = m->text_n, need = at + 1 + k->n;

	if (need > UINT32_MAX)
		CDP_BUG("more than 4 GiB of ids");
	if (need > m->text_cap) {
		m->text_cap = need + need / 4 + 4096;
		m->text = cdp_realloc(m->text, m->text_cap, 1);
	}
	m->text[at] = (char)k->len;
	memcpy(m->text + at + 1, k->p, k->n);
	m->text_n = need;
	return (uint32_t)at;
}

uint32_t idm_new_id(struct cdp_identity *m, const struct idkey *k, uint64_t hash)
{
	uint32_t id = m->count;

	if (id >= m->cap) {
		m->cap = m->cap + m->cap / 4 + 1024;
		m->id = cdp_realloc(m->id, m->cap, sizeof(*m->id));
		m->own = cdp_realloc(m->own, m->cap, sizeof(*m->own));
	}
	idm_slots_add(&m->table, hash, id);
	m->own[id] = 0;
	m->id[id] = (struct id){ .kind = k->kind,
				 .form = k->form & 3u,
				 .key = put_text(m, k) };
	m->count++;
	return id;
}
