#include "model/batches.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/lock.h"
#include "io/out.h"
#include "record/json.h"
#include "record/tree.h"

enum { FILE_MAX = 1 << 20 };

static const char ext[] = ".batch";
static const char *const states[] = { "new", "exported", "acknowledged" };

struct cdp_batches {
	char *dir;
	int lock;
};

const char *cdp_batch_state_name(enum cdp_batch_state s)
{
	return states[s];
}

void cdp_batch_release(struct cdp_batch *b)
{
	free(b->segment);
	b->segment = NULL;
}

struct cdp_batches *cdp_batches_open(const char *dir, struct cdp_err *err)
{
	struct cdp_batches *l = cdp_calloc(1, sizeof(*l));
	char *path = cdp_asprintf("%s/batches.lock", dir);

	l->dir = cdp_strdup(dir);
	l->lock = cdp_lock_take(path, err);
	free(path);
	if (l->lock >= 0)
		return l;
	cdp_batches_close(l);
	return NULL;
}

struct cdp_batches *cdp_batches_view(const char *dir)
{
	struct cdp_batches *l = cdp_calloc(1, sizeof(*l));

	l->dir = cdp_strdup(dir);
	l->lock = -1;
	return l;
}

void cdp_batches_close(struct cdp_batches *l)
{
	if (!l)
		return;
	if (l->lock >= 0)
		cdp_lock_release(l->lock);
	free(l->dir);
	free(l);
}

static char *path_of(const struct cdp_batches *l, const char *id)
{
	return cdp_asprintf("%s/%s%s", l->dir, id, ext);
}

/* --- one --- */

static void add_part(struct cdp_buf *b, const void *p, size_t n)
{
	uint64_t len = n;

	cdp_buf_add(b, &len, sizeof(len));
	cdp_buf_add(b, p, n);
}

static void name_batch(struct cdp_batch *b, const struct cdp_segaudience *a,
		       const struct cdp_bitmap *members)
{
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	add_part(&text, a->name, a->name_n);
	add_part(&text, b->as_of, sizeof(b->as_of));
	add_part(&text, a->note, a->note_n);
	cdp_bitmap_write(members, &text);
	cdp_hex16(b->id, cdp_hash_stable(text.p, text.n, 0));
	b->id[CDP_BATCH_ID] = '\0';
	cdp_buf_release(&text);
}

int cdp_batches_of(struct cdp_batches *l, struct cdp_batch *b,
		   const struct cdp_segversion *v, uint32_t audience, struct cdp_err *err)
{
	const struct cdp_bitmap *members = cdp_segversion_load(v, audience, err);
	struct cdp_segaudience a;
	struct cdp_batch known;
	int rc;

	*b = (struct cdp_batch){ 0 };
	if (!members || cdp_segversion_at(v, audience, &a, err) < 0) {
		cdp_bitmap_free(members);
		return -1;
	}
	cdp_time_format(b->as_of, cdp_time_from_ms(cdp_segversion_time(v)));
	b->segment = cdp_strndup(a.name, a.name_n);
	b->customers = cdp_bitmap_count(members);
	name_batch(b, &a, members);
	cdp_bitmap_free(members);
	rc = cdp_batches_get(l, &known, b->id, err);
	if (rc > 0) {
		b->state = known.state;
		cdp_batch_release(&known);
	}
	return rc < 0 ? -1 : 0;
}

static int read_batch(struct cdp_batch *b, const json_t *o, const char *path,
		      struct cdp_err *err)
{
	const char *segment = NULL, *as_of = NULL, *state = NULL;
	int64_t customers = 0;

	if (cdp_tree_str(o, "segment", &segment, true, path, err) < 0 ||
	    cdp_tree_str(o, "as_of", &as_of, true, path, err) < 0 ||
	    cdp_tree_str(o, "state", &state, true, path, err) < 0 ||
	    cdp_tree_int(o, "customers", &customers, true, path, err) < 0)
		return -1;
	b->state = strcmp(state, states[CDP_BATCH_EXPORTED]) == 0 ? CDP_BATCH_EXPORTED
		   : strcmp(state, states[CDP_BATCH_ACKNOWLEDGED]) == 0
			   ? CDP_BATCH_ACKNOWLEDGED
			   : CDP_BATCH_NEW;
	if (b->state == CDP_BATCH_NEW || strlen(as_of) != sizeof(b->as_of) ||
	    customers < 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': damaged", path);
	memcpy(b->as_of, as_of, sizeof(b->as_of));
	b->customers = (uint64_t)customers;
	b->segment = cdp_strdup(segment);
	return 0;
}

int cdp_batches_get(struct cdp_batches *l, struct cdp_batch *b, const char *id,
		    struct cdp_err *err)
{
	uint64_t ignored;
	char *path, *text;
	json_t *o;
	size_t n;
	int rc;

	*b = (struct cdp_batch){ 0 };
	if (!cdp_unhex16(&ignored, id, strlen(id)))
		return 0;
	memcpy(b->id, id, sizeof(b->id));
	path = path_of(l, id);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		free(path);
		return 0;
	}
	text = cdp_file_read(path, FILE_MAX, &n, err);
	o = text ? cdp_tree_parse(text, n, path, err) : NULL;
	rc = o && read_batch(b, o, path, err) == 0 ? 1 : -1;
	/* Nobody wrote this by hand: it is no question of usage. */
	if (rc < 0)
		err->kind = CDP_ERR_SYS;
	json_decref(o);
	free(text);
	free(path);
	return rc;
}

int cdp_batches_put(struct cdp_batches *l, const struct cdp_batch *b, struct cdp_err *err)
{
	char *path = path_of(l, b->id);
	struct cdp_buf t;
	int rc;

	cdp_buf_init(&t, CDP_BUF_NOMAX);
	cdp_buf_adds(&t, "{\"batch\":");
	cdp_json_cstr(&t, b->id);
	cdp_json_key(&t, "segment");
	cdp_json_cstr(&t, b->segment);
	cdp_json_key(&t, "as_of");
	cdp_json_str(&t, b->as_of, sizeof(b->as_of));
	cdp_json_key(&t, "customers");
	cdp_buf_addu(&t, b->customers);
	cdp_json_key(&t, "state");
	cdp_json_cstr(&t, states[b->state]);
	cdp_buf_adds(&t, "}\n");
	rc = cdp_file_replace(path, t.p, t.n, err);
	cdp_buf_release(&t);
	free(path);
	return rc;
}

/* --- all --- */

static int by_time(const void *x, const void *y)
{
	const struct cdp_batch *a = x, *b = y;
	int c = memcmp(a->as_of, b->as_of, sizeof(a->as_of));

	if (c == 0)
		c = strcmp(a->segment, b->segment);
	return c ? c : strcmp(a->id, b->id);
}

struct cdp_batch *cdp_batches_all(struct cdp_batches *l, size_t *n, struct cdp_err *err)
{
	DIR *dir = opendir(l->dir);
	struct cdp_batch *v = cdp_alloc(sizeof(*v));
	const struct dirent *e;
	size_t cap = 1;
	int rc = 0;

	*n = 0;
	if (!dir) {
		cdp_err_sys(err, errno, "'%s': cannot read", l->dir);
		rc = -1;
	}
	while (rc >= 0 && (e = readdir(dir))) {
		char id[CDP_BATCH_ID + 1] = { 0 };

		if (strlen(e->d_name) != CDP_BATCH_ID + sizeof(ext) - 1 ||
		    strcmp(e->d_name + CDP_BATCH_ID, ext) != 0)
			continue;
		memcpy(id, e->d_name, CDP_BATCH_ID);
		CDP_GROW(v, *n, cap);
		rc = cdp_batches_get(l, &v[*n], id, err);
		*n += rc > 0;
	}
	if (dir)
		closedir(dir);
	qsort(v, *n, sizeof(*v), by_time);
	if (rc >= 0)
		return v;
	while (*n)
		cdp_batch_release(&v[--*n]);
	free(v);
	return NULL;
}
