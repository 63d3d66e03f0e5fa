#include "model/livekeep.h"

#include "base/varint.h"
#include "base/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a store's table of what else there is. */
#define KEPT "kept"
#define NAMES "names"
#define ZONE "zone"

struct blob {
	char *p;
	size_t n;
};

struct cdp_livekeep {
	struct cdp_livestore *store;
	struct cdp_intern *keys; /* in memory */
	struct blob (*blobs)[2]; /* by customer: profile, row */
	size_t cap;
};

struct cdp_livekeep *cdp_livekeep_new(struct cdp_livestore *store)
{
	struct cdp_livekeep *k = cdp_calloc(1, sizeof(*k));

	k->store = store;
	k->keys = cdp_intern_new(0);
	return k;
}

void cdp_livekeep_free(struct cdp_livekeep *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < cdp_intern_count(k->keys); i++) {
		free(k->blobs[i][0].p);
		free(k->blobs[i][1].p);
	}
	free(k->blobs);
	cdp_intern_free(k->keys);
	free(k);
}

int cdp_livekeep_find(struct cdp_livekeep *k, enum cdp_livetable table, const char *key,
		      size_t n, const char **p, size_t *len, struct cdp_err *err)
{
	const struct blob *b;
	uint32_t i;

	if (k->store)
		return cdp_livestore_find(k->store, table, key, n, p, len, err);
	i = cdp_intern_get(k->keys, key, n);
	if (i == CDP_INTERN_NONE)
		return 0;
	b = &k->blobs[i][table];
	*p = b->p;
	*len = b->n;
	return b->p != NULL;
}

int cdp_livekeep_put(struct cdp_livekeep *k, enum cdp_livetable table, const char *key,
		     size_t n, const char *p, size_t len, struct cdp_err *err)
{
	struct blob *b;
	bool added;
	uint32_t i;

	if (k->store)
		return cdp_livestore_keep(k->store, table, key, n, p, len, err);
	i = cdp_intern_put(k->keys, key, n, &added);
	if (added) {
		CDP_GROW(k->blobs, i, k->cap);
		memset(k->blobs[i], 0, sizeof(k->blobs[i]));
	}
	b = &k->blobs[i][table];
	b->p = cdp_realloc(b->p, len + 1, 1);
	memcpy(b->p, p, len);
	b->n = len;
	return 0;
}

int cdp_livekeep_each(struct cdp_livekeep *k,
		      int (*call)(void *ctx, const char *key, size_t n,
				  struct cdp_err *err),
		      void *ctx, struct cdp_err *err)
{
	uint32_t *order;
	int rc = 0;

	if (k->store)
		return cdp_livestore_each(k->store, CDP_LIVE_ROWS, call, ctx, err);
	order = cdp_intern_order(k->keys);
	for (uint32_t i = 0, count = cdp_intern_count(k->keys); i < count && rc == 0;
	     i++) {
		size_t n;
		const char *key = cdp_intern_key(k->keys, order[i], &n);

		rc = k->blobs[order[i]][CDP_LIVE_ROWS].p ? call(ctx, key, n, err) : 0;
	}
	free(order);
	return rc;
}

/* ---- what a store knows besides ---- */

static int about(struct cdp_livekeep *k, const char *name, const char **p, size_t *n,
		 struct cdp_err *err)
{
	return cdp_livestore_find(k->store, CDP_LIVE_ABOUT, name, strlen(name), p, n,
				  err);
}

static int set_about(struct cdp_livekeep *k, const char *name, const void *p, size_t n,
		     struct cdp_err *err)
{
	return cdp_livestore_keep(k->store, CDP_LIVE_ABOUT, name, strlen(name), p, n,
				  err);
}

/* Names of all kinds as they are numbered.  What no rule asked for meanwhile is not in
 * the rows of those who had any of it since: its number stays, and has no name any more.
 */
struct names {
	struct cdp_intern *v[CDP_LIVE_FACTS];
	bool *asked[CDP_LIVE_FACTS]; /* by number: rules ask for it now */
	bool differ;                 /* from what the store has */
};

static int read_names(struct cdp_livekeep *k, struct names *names, const char *dir,
		      struct cdp_err *err)
{
	const char *p, *end, *name;
	size_t n;
	int rc;

	for (int i = 0; i < CDP_LIVE_FACTS; i++)
		names->v[i] = cdp_intern_new(0);
	rc = about(k, NAMES, &p, &n, err);
	for (end = rc > 0 ? p + n : NULL; rc > 0 && p < end;) {
		unsigned kind = (unsigned char)*p++;

		if (kind >= CDP_LIVE_FACTS || !cdp_varint_get_bytes(&name, &n, &p, end))
			return cdp_err_set(err, CDP_ERR_SYS, "'%s/live' is damaged", dir);
		cdp_intern_put(names->v[kind], name, n, NULL);
	}
	return rc < 0 ? -1 : 0;
}

static void release_names(struct names *names)
{
	for (int i = 0; i < CDP_LIVE_FACTS; i++) {
		cdp_intern_free(names->v[i]);
		free(names->asked[i]);
	}
}

/* What stands for a name that is gone: nothing else begins with a NUL. */
static size_t put_gone(char *text, size_t size, uint32_t number)
{
	text[0] = '\0';
	return 1 + (size_t)snprintf(text + 1, size - 1, "%" PRIu32, number);
}

static int write_names(struct cdp_livekeep *k, const struct names *names,
		       struct cdp_err *err)
{
	struct cdp_buf b;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < CDP_LIVE_FACTS; i++)
		for (uint32_t j = 0; j < cdp_intern_count(names->v[i]); j++) {
			size_t n;
			const char *name = cdp_intern_key(names->v[i], j, &n);
			char gone[16];

			if (!names->asked[i][j]) {
				n = put_gone(gone, sizeof(gone), j);
				name = gone;
			}
			cdp_buf_addc(&b, (char)i);
			cdp_varint_add_bytes(&b, name, n);
		}
	rc = set_about(k, NAMES, b.n ? b.p : "", b.n, err);
	cdp_buf_release(&b);
	return rc;
}

/* Of a store that has begun. */
static int no_history(int kind, const char *name, size_t n, const char *dir,
		      struct cdp_err *err)
{
	static const char *const roots[] = { "", "profile.", "details.", "relations." };

	return cdp_err_set(err, CDP_ERR_USAGE,
			   "rules ask for %s%.*s, of which '%s/live' has no history: "
			   "--fill reads it from --profiles",
			   roots[kind], n < 200 ? (int)n : 200, name, dir);
}

static int number_kind(struct names *names, struct cdp_liverows *rows,
		       enum cdp_livefact kind, const char *dir,
		       const struct cdp_livekept *kept, struct cdp_err *err)
{
	bool none = kind == CDP_LIVE_ATTRIBUTE && rows->set->own; /* they are in no row */
	uint32_t count = none ? 0 : cdp_liverows_names(rows, kind);
	uint32_t were = cdp_intern_count(names->v[kind]);

	names->asked[kind] = cdp_calloc((size_t)were + count + 1, sizeof(bool));
	for (uint32_t j = 0; j < count; j++) {
		size_t n;
		const char *name = cdp_liverows_name(rows, kind, j, &n);
		uint32_t number = cdp_intern_put(names->v[kind], name, n, NULL);

		if (number >= were && kept->begun && !kept->fills)
			return no_history(kind, name, n, dir, err);
		names->asked[kind][number] = true;
		names->differ |= number >= were;
		cdp_liverows_number(rows, kind, j, number, number >= were);
	}
	cdp_liverows_reserve(rows, kind, were);
	for (uint32_t number = 0; number < were; number++) {
		size_t n;
		const char *name = cdp_intern_key(names->v[kind], number, &n);

		names->differ |= !names->asked[kind][number] && (n == 0 || *name);
	}
	return 0;
}

static int number_names(struct names *names, struct cdp_liverows *rows, const char *dir,
			const struct cdp_livekept *kept, struct cdp_err *err)
{
	int rc = 0;

	for (int i = 0; i < CDP_LIVE_FACTS && rc == 0; i++)
		rc = number_kind(names, rows, (enum cdp_livefact)i, dir, kept, err);
	return rc;
}

/* Those who came while only profiles were followed. */
static int make_row(void *ctx, const char *key, size_t n, struct cdp_err *err)
{
	struct cdp_livekeep *k = ctx;
	const char *p;
	size_t len;
	int rc = cdp_livekeep_find(k, CDP_LIVE_ROWS, key, n, &p, &len, err);

	return rc ? (rc < 0 ? -1 : 0)
		  : cdp_livekeep_put(k, CDP_LIVE_ROWS, key, n, "\0\0", 2, err);
}

/* Panes are cut where its days begin. */
static int check_zone(struct cdp_livekeep *k, const struct cdp_liverows *rows,
		      const char *dir, bool begun, struct cdp_err *err)
{
	const char *now = cdp_zone_name(rows->zone), *p;
	size_t n;
	int rc = about(k, ZONE, &p, &n, err);

	if (rc > 0 && begun && (n != strlen(now) || memcmp(p, now, n) != 0))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s/live' was made in the zone '%.*s', not '%s': it "
				   "must be made anew from all there was",
				   dir, (int)n, p, now);
	if (rc < 0 || (rc > 0 && begun))
		return rc < 0 ? -1 : 0;
	return set_about(k, ZONE, now, strlen(now), err);
}

int cdp_livekeep_begin(struct cdp_livekeep *k, struct cdp_liverows *rows, const char *dir,
		       struct cdp_livekept *kept, struct cdp_err *err)
{
	struct names names = { 0 };
	bool fills = kept->fills;
	const char *p;
	size_t n;
	int rc;

	*kept = (struct cdp_livekept){ .base_ms = INT64_MIN };
	if (!k->store)
		return 0;
	rc = about(k, KEPT, &p, &n, err);
	if (rc > 0 && n == sizeof(*kept))
		memcpy(kept, p, n);
	kept->fills = fills && kept->begun;
	if (rc >= 0)
		rc = check_zone(k, rows, dir, kept->begun, err);
	if (rc == 0)
		rc = read_names(k, &names, dir, err);
	if (rc == 0)
		rc = number_names(&names, rows, dir, kept, err);
	if (rc == 0 && names.differ)
		rc = write_names(k, &names, err);
	release_names(&names);
	return rc < 0 ? -1
		      : cdp_livestore_each(k->store, CDP_LIVE_PROFILES, make_row, k, err);
}

int cdp_livekeep_has_begun(struct cdp_livestore *store, struct cdp_err *err)
{
	struct cdp_livekeep k = { .store = store };
	struct cdp_livekept kept;
	const char *p;
	size_t n;
	int rc = about(&k, KEPT, &p, &n, err);

	if (rc <= 0 || n != sizeof(kept))
		return rc < 0 ? -1 : 0;
	memcpy(&kept, p, n);
	return kept.begun;
}

int cdp_livekeep_know(struct cdp_livekeep *k, const struct cdp_livekept *kept,
		      struct cdp_err *err)
{
	struct cdp_livekept all;

	if (!k->store)
		return 0;
	memset(&all, 0, sizeof(all)); /* no bytes between members are left to chance */
	all.base_ms = kept->base_ms;
	all.begun = kept->begun;
	return set_about(k, KEPT, &all, sizeof(all), err);
}
