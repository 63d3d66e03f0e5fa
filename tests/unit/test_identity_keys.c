/* Ids that are packed at a glance have the keys of those that take the long way. */
#include "model/identity.h"
#include "record/scan.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct cdp_identity *m;
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	struct cdp_scan *scan;
	struct cdp_sights sights;
	struct cdp_buf lines;
};

static void start(struct reading *r, const struct cdp_idkinds *kinds)
{
	static const uint8_t key[CDP_IDENTITY_KEY];
	struct cdp_err err;

	r->m = cdp_identity_new(kinds, key);
	r->paths = cdp_paths_new();
	cdp_sight_slots(&r->slots, r->paths, &err);
	r->scan = cdp_scan_new(r->paths);
	cdp_scan_set_trusted(r->scan, true);
	cdp_sights_init(&r->sights);
	cdp_buf_init(&r->lines, CDP_BUF_NOMAX);
}

static void stop(struct reading *r)
{
	cdp_identity_free(r->m);
	cdp_scan_free(r->scan);
	cdp_paths_free(r->paths);
	cdp_sights_release(&r->sights);
	cdp_buf_release(&r->lines);
}

/* A record of one id; `pad` around the value falls away in its normal form. */
static void add(struct reading *r, const char *kind, const char *p, size_t n,
		const char *pad)
{
	cdp_buf_addf(&r->lines,
		     "{\"time\":\"2024-04-01T00:00:00.000Z\",\"event\":\"e\","
		     "\"ids\":{\"%s\":\"%s%.*s%s\"}}\n",
		     kind, pad, (int)n, p, pad);
}

static void read_all(struct reading *r)
{
	struct cdp_rec rec;
	struct cdp_err err;
	size_t n = r->lines.n;

	cdp_buf_add(&r->lines, (char[64]){ 0 }, 64);
	cdp_sights_reset(&r->sights);
	cdp_scan_block(r->scan, r->lines.p, n);
	while (cdp_scan_next(r->scan, &rec, &err) > 0)
		cdp_sight_read(&r->sights, r->m, &r->slots, &rec);
	cdp_buf_reset(&r->lines);
}

static bool is_same(const struct cdp_sights *s, size_t i, size_t k)
{
	const struct cdp_sight_id *a = &s->ids[s->v[i].first];
	const struct cdp_sight_id *b = &s->ids[s->v[k].first];

	if (s->v[i].n != s->v[k].n)
		return false;
	return s->v[i].n == 0 ||
	       (a->hash == b->hash && a->kind == b->kind && a->form == b->form &&
		a->len == b->len && a->n == b->n &&
		memcmp(s->text.p + a->at, s->text.p + b->at, a->n) == 0);
}

/* Values of up to 40 bytes, mostly digits, with one byte of any printable kind in them.
 */
static unsigned differing(struct reading *r, const char *kind, const char *from)
{
	static const char digits[] = "0123456789abcdef";
	unsigned different = 0;
	char value[40];

	for (size_t n = 1; n <= sizeof(value); n++) {
		for (size_t at = 0; at < n; at++) {
			for (int c = ' ' + 1; c < 0x7f; c++) {
				if (c == '"' || c == '\\')
					continue;
				for (size_t i = 0; i < n; i++)
					value[i] = i < strlen(from)
							   ? from[i]
							   : digits[(i * 7 + n) % 10];
				value[at] = (char)c;
				add(r, kind, value, n, "");
				add(r, kind, value, n, " ");
			}
		}
		read_all(r);
		for (size_t i = 0; i + 1 < r->sights.n; i += 2)
			different += !is_same(&r->sights, i, i + 1);
	}
	return different;
}

int main(void)
{
	struct cdp_idkinds *kinds = cdp_idkinds_default();
	struct reading r;

	start(&r, kinds);
	is_int(differing(&r, "device", ""), 0,
	       "digits have the key of their normal form");
	is_int(differing(&r, "customer", "Cab"), 0,
	       "hexadecimal digits after a letter, too");
	is_int(differing(&r, "phone", "138"), 0, "and numbers of mobile phones");
	add(&r, "phone", "18100704114", 11, "");
	add(&r, "phone", "+86 181-0070-4114", 17, "");
	add(&r, "phone", "12100704114", 11, "");
	read_all(&r);
	ok(r.sights.v[0].n == 1 && is_same(&r.sights, 0, 1),
	   "a mobile number is that of China");
	is_int(r.sights.v[2].n, 0, "one that no network has is none");
	stop(&r);
	cdp_idkinds_free(kinds);
	return tap_done();
}
