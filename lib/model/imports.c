#include "model/imports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "io/in.h"

enum { DIGEST = 64 };
static const char files[] = "files", positions[] = "positions";

struct file {
	char *name;
	char key[2 * DIGEST + 1]; /* of its content, of how it is read */
	struct stat st;           /* before it was looked at */
};

struct cdp_imports {
	struct cdp_store *store;
	char how[DIGEST + 1];
	struct file *files;
	size_t count, cap;
	struct cdp_buf before;
	/* the position to be remembered */
	char position_key[DIGEST + 1];
	struct cdp_buf position;
	bool moved;
};

static void digest(char hex[DIGEST + 1], const void *p, size_t n)
{
	struct cdp_sha256 *h = cdp_sha256_new();

	cdp_sha256_add(h, p, n);
	cdp_sha256_hex(h, hex);
	cdp_sha256_free(h);
}

struct cdp_imports *cdp_imports_new(struct cdp_store *store, const char *how, size_t n)
{
	struct cdp_imports *im = cdp_calloc(1, sizeof(*im));

	im->store = store;
	digest(im->how, how, n);
	cdp_buf_init(&im->before, CDP_BUF_NOMAX);
	cdp_buf_init(&im->position, CDP_BUF_NOMAX);
	return im;
}

void cdp_imports_free(struct cdp_imports *im)
{
	if (!im)
		return;
	for (size_t i = 0; i < im->count; i++)
		free(im->files[i].name);
	free(im->files);
	cdp_buf_release(&im->before);
	cdp_buf_release(&im->position);
	free(im);
}

/* --- files --- */

static int hash_file(char *path, char hex[DIGEST + 1], struct cdp_err *err)
{
	char *operands[] = { path, NULL };
	struct cdp_sha256 *h = cdp_sha256_new();
	struct cdp_in *in = cdp_in_new(operands, NULL);
	struct cdp_block b;
	int rc;

	cdp_block_init(&b);
	while ((rc = cdp_in_bytes(in, &b, err)) > 0)
		cdp_sha256_add(h, b.data, b.len);
	cdp_sha256_hex(h, hex);
	cdp_block_release(&b);
	cdp_in_free(in);
	cdp_sha256_free(h);
	return rc;
}

static int get(struct cdp_imports *im, const char *table, const char *key,
	       struct cdp_buf *value, struct cdp_err *err)
{
	struct cdp_txn *t = cdp_txn_begin(im->store, false, err);
	struct cdp_bytes k = { key, strlen(key) }, v;
	int rc;

	if (!t)
		return -1;
	rc = cdp_txn_get(t, table, k, &v, err);
	cdp_buf_reset(value);
	if (rc > 0)
		cdp_buf_add(value, v.p, v.n);
	cdp_txn_abort(t);
	return rc;
}

/* Given twice in this run? */
static bool has_it(struct cdp_imports *im, const char *key)
{
	for (size_t i = 0; i < im->count; i++) {
		if (strcmp(im->files[i].key, key) != 0)
			continue;
		cdp_buf_reset(&im->before);
		cdp_buf_adds(&im->before, im->files[i].name);
		return true;
	}
	return false;
}

int cdp_imports_look(struct cdp_imports *im, const char *path, const char **before,
		     struct cdp_err *err)
{
	struct file f = { .name = cdp_strdup(path) };
	int rc;

	if (stat(path, &f.st) < 0)
		rc = cdp_err_sys(err, errno, "%s", path);
	else
		rc = hash_file(f.name, f.key, err);
	if (rc == 0) {
		memcpy(f.key + DIGEST, im->how, sizeof(im->how));
		rc = has_it(im, f.key) ? 1 : get(im, files, f.key, &im->before, err);
	}
	if (rc == 0) {
		CDP_GROW(im->files, im->count, im->cap);
		im->files[im->count++] = f;
		return 0;
	}
	free(f.name);
	if (rc > 0)
		*before = cdp_buf_str(&im->before);
	return rc;
}

/* --- positions --- */

int cdp_imports_position(struct cdp_imports *im, const char *name, size_t n,
			 struct cdp_bytes *value, struct cdp_err *err)
{
	char key[DIGEST + 1];
	int rc;

	digest(key, name, n);
	rc = get(im, positions, key, &im->before, err);
	*value = (struct cdp_bytes){ im->before.p, im->before.n };
	return rc;
}

void cdp_imports_set_position(struct cdp_imports *im, const char *name, size_t n,
			      const void *value, size_t len)
{
	digest(im->position_key, name, n);
	cdp_buf_reset(&im->position);
	cdp_buf_add(&im->position, value, len);
	im->moved = true;
}

/* --- the end --- */

static bool is_same(const struct file *f)
{
	struct stat st;

	return stat(f->name, &st) == 0 && st.st_ino == f->st.st_ino &&
	       st.st_dev == f->st.st_dev && st.st_size == f->st.st_size &&
	       st.st_mtim.tv_sec == f->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == f->st.st_mtim.tv_nsec;
}

static int put_all(struct cdp_imports *im, struct cdp_txn *t, const char **changed,
		   struct cdp_err *err)
{
	for (size_t i = 0; i < im->count; i++) {
		const struct file *f = &im->files[i];
		struct cdp_bytes key = { f->key, 2 * DIGEST },
				 name = { f->name, strlen(f->name) };

		if (!is_same(f))
			*changed = f->name;
		else if (cdp_txn_put(t, files, key, name, err) < 0)
			return -1;
	}
	if (!im->moved)
		return 0;
	return cdp_txn_put(t, positions, (struct cdp_bytes){ im->position_key, DIGEST },
			   (struct cdp_bytes){ im->position.p, im->position.n }, err);
}

int cdp_imports_commit(struct cdp_imports *im, const char **changed, struct cdp_err *err)
{
	struct cdp_txn *t;

	*changed = NULL;
	if (!im->count && !im->moved)
		return 0;
	t = cdp_txn_begin(im->store, true, err);
	if (!t)
		return -1;
	if (put_all(im, t, changed, err) == 0)
		return cdp_txn_commit(t, err);
	cdp_txn_abort(t);
	return -1;
}
