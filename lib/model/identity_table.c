/* The table of ids: from kind and value to a number, and back.
 *
 * Values are packed where their characters allow it: hexadecimal digits (so all that are
 * digits) into four bits each, also after one other character, the letters of URLs into
 * six.  Equal values have equal packed forms, so keys are packed once, when a record is
 * read, and compared packed.  Slots have 32 bits of the hash: growing never touches the
 * keys. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/swar.h"
#include "model/identity_priv.h"

/* --- packing --- */

enum { FORM_RAW, FORM_SIX, FORM_HEX, FORM_CHAR_HEX };

static const char letters[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/* clang-format off */
/* By character: its place among them, or 64. */
static const unsigned char six_of[256] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 64, 64, 64, 64, 64,
	64, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
	51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 63,
	64, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
	25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
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

static size_t pack_four(char *to, const char *p, size_t n)
{
	size_t k = 0;

	for (; 2 * k + 1 < n; k++)
		to[k] = (char)(four(p[2 * k]) << 4 | four(p[2 * k + 1]));
	if (n & 1)
		to[k++] = (char)(four(p[n - 1]) << 4);
	return k;
}

/* Bytes written, 0 if a character has no place; four characters become three bytes. */
static size_t pack_six(char *to, const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;
	unsigned any = 0;
	size_t k = 0, i = 0;

	for (; i + 4 <= n; i += 4) {
		unsigned a = six_of[c[i]], b = six_of[c[i + 1]], d = six_of[c[i + 2]],
			 e = six_of[c[i + 3]], bits = a << 18 | b << 12 | d << 6 | e;

		any |= a | b | d | e;
		to[k++] = (char)(bits >> 16);
		to[k++] = (char)(bits >> 8);
		to[k++] = (char)bits;
	}
	if (i < n) {
		unsigned bits = 0, have = 0;

		for (; i < n; i++) {
			any |= six_of[c[i]];
			bits = bits << 6 | six_of[c[i]];
			have += 6;
		}
		bits <<= 24 - have;
		for (unsigned shift = 16; have > 0; shift -= 8) {
			to[k++] = (char)(bits >> shift);
			have -= have < 8 ? have : 8;
		}
	}
	return any < 64 ? k : 0;
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
	} else {
		size_t six = pack_six(to, p, n);

		if (!six)
			return;
		k->form = FORM_SIX;
		k->n = (uint16_t)six;
	}
	k->p = to;
}

/* Eight digits into four bytes; false if one of them is none.  With `hex`, a to f are
 * digits too. */
static inline bool pack_word(char *to, uint64_t w, bool hex)
{
	uint64_t ok = (w + CDP_ONES * (0x80 - '0')) & ~(w + CDP_ONES * (0x80 - '9' - 1));
	uint32_t out;

	if (hex)
		ok |= (w + CDP_ONES * (0x80 - 'a')) & ~(w + CDP_ONES * (0x80 - 'f' - 1));
	w = (w & CDP_ONES * 15) + 9 * (w >> 6 & CDP_ONES) + (w & CDP_HIGH);
	if ((ok & ~w & CDP_HIGH) != CDP_HIGH)
		return false;
	w = (w << 4 | w >> 8) & 0x00ff00ff00ff00ff;
	w = (w | w >> 8) & 0x0000ffff0000ffff;
	out = htole32((uint32_t)(w | w >> 16));
	memcpy(to, &out, sizeof(out));
	return true;
}

/* All n digits, at least eight, into half as many bytes and up to three more. */
static inline bool pack_words(char *to, const char *p, size_t n, bool hex)
{
	size_t rest = n % 8;

	for (const char *end = p + n - rest; p < end; p += 8, to += 4)
		if (!pack_word(to, cdp_load64(p), hex))
			return false;
	/* Zeros stand for the digits that are not there. */
	return !rest || pack_word(to,
				  cdp_load64(p + rest - 8) >> (64 - 8 * rest) |
					  CDP_ONES * '0' << 8 * rest,
				  hex);
}

static bool is_four(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool idm_pack_plain(struct idkey *k, uint8_t kind, enum cdp_idnorm norm, const char *p,
		    size_t n, char to[CDP_ID_VALUE_MAX])
{
	size_t lead = n && !is_four(*p);

	*k = (struct idkey){ .p = to, .kind = kind, .len = (uint8_t)n, .form = FORM_HEX };
	if (norm == CDP_IDNORM_PHONE) {
		if (n != 11 || p[0] != '1' || p[1] < '3' ||
		    !pack_words(to + 2, p, n, false))
			return false;
		to[0] = '+';
		to[1] = (char)0x86;
		k->form = FORM_CHAR_HEX;
		k->len = 14;
		k->n = 8;
		return true;
	}
	if (norm != CDP_IDNORM_TEXT || n < 8 + lead || n > CDP_ID_VALUE_MAX - 3)
		return false;
	if (lead) {
		if ((unsigned char)(*p - 0x21) > 0x5d)
			return false;
		to[0] = *p;
		k->form = FORM_CHAR_HEX;
	}
	k->n = (uint16_t)(lead + (n - lead + 1) / 2);
	return pack_words(to + lead, p + lead, n - lead, true);
}

/* Of each byte its two digits; eight at a time. */
static void unpack_four(char *to, const char *p, size_t len)
{
	size_t i = 0;

	for (; i + 8 <= len; i += 8, p += 4) {
		uint64_t v, over;
		uint32_t four;

		memcpy(&four, p, sizeof(four));
		v = be32toh(four);
		v = (v | v << 16) & 0x0000ffff0000ffff;
		v = (v | v << 8) & 0x00ff00ff00ff00ff;
		v = (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
		over = ((v + 0x0606060606060606) >> 4) & 0x0101010101010101;
		v = htobe64(v + 0x3030303030303030 + over * ('a' - '9' - 1));
		memcpy(to + i, &v, sizeof(v));
	}
	for (unsigned high = 1; i < len; high ^= 1) {
		unsigned d = (unsigned char)*p >> (high ? 4 : 0) & 15;

		to[i++] = (char)(d + (d > 9 ? 'a' - 10 : '0'));
		p += !high;
	}
}

static void unpack_six(char *to, const char *p, size_t len)
{
	const unsigned char *c = (const unsigned char *)p;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t i = 0;

	for (; i + 4 <= len; i += 4, c += 3) {
		uint32_t v = (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];

		to[i] = letters[v >> 18];
		to[i + 1] = letters[v >> 12 & 63];
		to[i + 2] = letters[v >> 6 & 63];
		to[i + 3] = letters[v & 63];
	}
	for (; i < len; i++) {
		if (have < 6) {
			bits = bits << 8 | *c++;
			have += 8;
		}
		have -= 6;
		to[i] = letters[bits >> have & 63];
	}
}

static bool repeats(const struct idkey *k)
{
	char c[4];

	if (k->form == FORM_HEX)
		unpack_four(c, k->p, sizeof(c));
	else
		unpack_six(c, k->p, sizeof(c));
	if (c[0] == c[1] && c[1] == c[2] && c[2] == c[3])
		return true;
	for (size_t i = 0; i < sizeof(c); i++)
		if (c[i] != '0' && c[i] != '-')
			return false;
	return true;
}

bool idm_may_be_junk(const struct idkey *k)
{
	const unsigned char *c = (const unsigned char *)k->p;
	char a = k->p[0], b;

	if (k->len < 4)
		return true;
	switch (k->form) {
	case FORM_HEX:
		a = letters[c[0] >> 4];
		b = letters[c[0] & 15];
		break;
	case FORM_CHAR_HEX:
		b = letters[c[1] >> 4];
		break;
	case FORM_SIX:
		a = letters[c[0] >> 2];
		b = letters[(c[0] & 3) << 4 | c[1] >> 4];
		break;
	default:
		b = k->p[1];
	}
	if (!cdp_id_may_start_junk(a, b))
		return false;
	return k->len <= CDP_ID_JUNK_WORD_MAX ||
	       (k->form != FORM_HEX && k->form != FORM_SIX) || repeats(k);
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
	uint64_t what = (uint64_t)k->kind << 16 | (uint64_t)k->form << 8 | k->len;

	return cdp_hash(k->p, k->n) ^ what * 0x9e3779b97f4a7c15;
}

uint32_t idm_seek(const struct cdp_identity *m, const struct idkey *k, uint64_t hash,
		  const uint64_t **place)
{
	const uint64_t *p = idm_slots_at(&m->table, hash);

	for (; idm_slot_has(p, hash); p++)
		if (idm_is_key(m, idm_slot_number(p), k))
			return idm_slot_number(p);
	*place = p;
	return NONE;
}

uint32_t idm_get(const struct cdp_identity *m, const struct idkey *k, uint64_t hash)
{
	const uint64_t *place;

	return idm_seek(m, k, hash, &place);
}

/* Where the text of a new key is. */
static uint32_t put_text(struct cdp_identity *m, const struct idkey *k)
{
	size_t at = m->text_n, need = at + 1 + k->n;

	if (need > UINT32_MAX)
		CDP_BUG("more than 4 GiB of ids");
	if (need > m->text_cap) {
		size_t cap = need + need / 4 + 4096;

		m->text = cdp_resize_large(m->text, m->text_cap, cap);
		m->text_cap = cap;
	}
	m->text[at] = (char)k->len;
	memcpy(m->text + at + 1, k->p, k->n);
	m->text_n = need;
	return (uint32_t)at;
}

static size_t near_bytes(const struct cdp_identity *m, size_t cap)
{
	return (cap << m->streaming) * sizeof(*m->near);
}

void idm_ids_room(struct cdp_identity *m, size_t cap)
{
	m->id = cdp_resize_large(m->id, m->cap * sizeof(*m->id), cap * sizeof(*m->id));
	m->near = cdp_resize_large(m->near, near_bytes(m, m->cap), near_bytes(m, cap));
	m->cap = cap;
}

void idm_widen(struct cdp_identity *m)
{
	size_t narrow = near_bytes(m, m->cap);

	if (m->streaming)
		return;
	m->streaming = true;
	m->near = cdp_resize_large(m->near, narrow, near_bytes(m, m->cap));
	for (size_t i = m->count; i-- > 0;) {
		m->near[2 * i] = m->near[i];
		m->near[2 * i + 1] = 0;
	}
}

void idm_release_near(struct cdp_identity *m)
{
	if (m->near)
		cdp_resize_large(m->near, near_bytes(m, m->cap), 0);
	m->near = NULL;
}

uint32_t idm_new_id(struct cdp_identity *m, const struct idkey *k, uint64_t hash,
		    const uint64_t *place)
{
	uint32_t id = m->count;

	if (id >= m->cap)
		idm_ids_room(m, m->cap + m->cap / 4 + 1024);
	idm_slots_add(&m->table, place, hash, id);
	*idm_own(m, id) = 0;
	if (m->streaming)
		*idm_live(m, id) = 0;
	m->id[id] = (struct id){ .kind = k->kind,
				 .form = k->form & 3u,
				 .key = put_text(m, k) };
	m->count++;
	return id;
}
