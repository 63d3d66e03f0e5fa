/* Evidence as bytes, for the journal of a stream: each entry repeats one call that
 * changed the evidence.  Numbers are LEB128, times zigzag of the difference to the time
 * before in the same chunk; ids, kinds and sources are named by number, which they get by
 * order of appearance, in the store first and then here.
 *
 *   B               a stream begins: kinds are numbered afresh
 *   K len name      a kind
 *   R len text      a source
 *   I len key       an id (kind number, value)
 *   S id time src   seen
 *   L id id time    linked
 *   P id id time    parted; id + 1, 0: from any */
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

static void put_num(struct cdp_buf *b, uint64_t v)
{
	while (v >= 0x80) {
		cdp_buf_addc(b, (char)(v | 0x80));
		v >>= 7;
	}
	cdp_buf_addc(b, (char)v);
}

/* No time is the largest number, so it takes ten bytes and no flag. */
static void put_time(struct cdp_identity *m, int64_t ms)
{
	int64_t diff = (int64_t)((uint64_t)ms - (uint64_t)m->log_time);

	put_num(m->log, (uint64_t)diff << 1 ^ (uint64_t)(diff >> 63));
	m->log_time = ms;
}

static void put_text(struct cdp_identity *m, char op, const char *p, size_t n)
{
	cdp_buf_addc(m->log, op);
	put_num(m->log, n);
	cdp_buf_add(m->log, p, n);
}

void idm_log_kind(struct cdp_identity *m, const struct kind *k)
{
	put_text(m, 'K', k->name, k->len);
}

void idm_log_source(struct cdp_identity *m, const char *p, size_t n)
{
	put_text(m, 'R', p, n);
}

void idm_log_id(struct cdp_identity *m, uint32_t id)
{
	char text[CDP_ID_VALUE_MAX];
	size_t n;
	const char *value = idm_value(m, id, text, &n);

	cdp_buf_addc(m->log, 'I');
	put_num(m->log, n + 1);
	cdp_buf_addc(m->log, (char)m->id[id].kind);
	cdp_buf_add(m->log, value, n);
}

void idm_log_seen(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source)
{
	cdp_buf_addc(m->log, 'S');
	put_num(m->log, id);
	put_time(m, ms);
	put_num(m->log, source);
}

void idm_log_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms)
{
	cdp_buf_addc(m->log, 'L');
	put_num(m->log, a);
	put_num(m->log, b);
	put_time(m, ms);
}

void idm_log_part(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms)
{
	cdp_buf_addc(m->log, 'P');
	put_num(m->log, a);
	put_num(m->log, b == NONE ? 0 : (uint64_t)b + 1);
	put_time(m, ms);
}

/* --- reading --- */

struct reader {
	const unsigned char *p, *end;
	int64_t time;
	bool bad;
};

static uint64_t get_num(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (r->p == r->end)
			break;
		c = *r->p++;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

static int64_t get_time(struct reader *r)
{
	uint64_t z = get_num(r);

	r->time = (int64_t)((uint64_t)r->time + (z >> 1 ^ -(z & 1)));
	return r->time;
}

static const char *get_text(struct reader *r, size_t *n)
{
	const char *p;

	*n = get_num(r);
	if (r->bad || *n > (size_t)(r->end - r->p)) {
		r->bad = true;
		*n = 0;
	}
	p = (const char *)r->p;
	r->p += *n;
	return p;
}

/* The numbers of kinds depend on the definition, which may be another one now. */
static void get_key(struct cdp_identity *m, struct reader *r)
{
	size_t n;
	const char *key = get_text(r, &n);

	if (r->bad || n < 2 || n > 1 + CDP_ID_VALUE_MAX ||
	    (unsigned char)key[0] >= m->nheard ||
	    idm_add(m, m->heard[(unsigned char)key[0]], key + 1, n - 1) == NONE)
		r->bad = true;
}

static void get_kind(struct cdp_identity *m, struct reader *r)
{
	size_t n;
	const char *name = get_text(r, &n);
	uint32_t kind =
		r->bad || !n || n > CDP_IDKIND_NAME_MAX ? NONE : idm_kind(m, name, n);

	if (kind == NONE || m->nheard == CDP_IDKINDS_MAX)
		r->bad = true;
	else
		m->heard[m->nheard++] = (uint8_t)kind;
}

static void get_entry(struct cdp_identity *m, struct reader *r)
{
	uint32_t ids = m->count;
	char op = (char)*r->p++;
	const char *text;
	uint64_t a, b;
	int64_t ms;
	size_t n;

	switch (op) {
	case 'B':
		m->nheard = 0;
		return;
	case 'K':
		get_kind(m, r);
		return;
	case 'R':
		text = get_text(r, &n);
		idm_source(m, text, n);
		return;
	case 'I':
		get_key(m, r);
		return;
	case 'S':
		a = get_num(r);
		ms = get_time(r);
		b = get_num(r);
		r->bad |= a >= ids || b >= cdp_intern_count(m->sources);
		if (!r->bad)
			idm_see(m, (uint32_t)a, ms, (uint32_t)b);
		return;
	case 'L':
		a = get_num(r);
		b = get_num(r);
		ms = get_time(r);
		r->bad |= a >= ids || b >= ids || a == b;
		if (!r->bad)
			idm_link(m, (uint32_t)a, (uint32_t)b, ms,
				 ms == CDP_IDENTITY_NO_TIME ? INT64_MIN : ms);
		return;
	case 'P':
		a = get_num(r);
		b = get_num(r);
		ms = get_time(r);
		r->bad |= a >= ids || b > ids || a + 1 == b;
		if (!r->bad)
			idm_part(m, (uint32_t)a, b ? (uint32_t)b - 1 : NONE, ms);
		return;
	default:
		r->bad = true;
	}
}

void cdp_identity_log(struct cdp_identity *m, struct cdp_buf *log)
{
	m->log = log;
	m->log_time = 0;
	if (!log)
		return;
	cdp_buf_addc(log, 'B');
	for (unsigned i = 0; i < m->nkinds; i++)
		idm_log_kind(m, &m->kind[i]);
	m->log_start = log->n;
}

void cdp_identity_log_emptied(struct cdp_identity *m)
{
	m->log_time = 0;
	m->log_start = 0;
}

bool cdp_identity_logged(const struct cdp_identity *m)
{
	return m->log && m->log->n > m->log_start;
}

int cdp_identity_relearn(struct cdp_identity *m, const char *p, size_t n,
			 struct cdp_err *err)
{
	struct reader r = { .p = (const unsigned char *)p,
			    .end = (const unsigned char *)p + n };

	while (r.p < r.end && !r.bad)
		get_entry(m, &r);
	m->nfixed = m->nkinds;
	return r.bad ? cdp_err_set(err, CDP_ERR_SYS, "evidence that cannot be") : 0;
}
