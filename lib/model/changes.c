#include "model/changes.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/varint.h"
#include "io/blocks.h"
#include "record/json.h"

enum { BLOCK = 1 << 20, DAY = 10 };

static const char magic[CDP_BLOCKS_MAGIC] = { 'c', 'd', 'p', 'p', 'r', 'o', '1', '\n' };
static const char prefix[] = "profiles-";

/* Somebody of the run before who is not there any more. */
struct gone {
	uint32_t place; /* of whoever stands after */
	const char *key;
	size_t n;
};

struct cdp_changes {
	char *dir, *path;
	char day[DAY + 1], before[DAY + 1]; /* "": none */
	const char *key;
	const struct cdp_customers *customers;
	char as_of[CDP_TIME_CANON];
	uint32_t count;
	uint64_t *was, *is; /* digests by place; 0: none */
	struct cdp_blocks *old;
	struct gone *gone;
	size_t gone_count, gone_cap;
};

/* --- the run before --- */

static bool is_day(const char *s)
{
	for (int i = 0; i < DAY; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	return s[DAY] == '\0';
}

/* Calls `each` for every base time of which there is a file. */
static int each_day(struct cdp_changes *c,
		    int (*each)(struct cdp_changes *c, const char *day,
				struct cdp_err *err),
		    struct cdp_err *err)
{
	DIR *d = opendir(c->dir);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return cdp_err_sys(err, errno, "%s", c->dir);
	while (rc == 0 && (e = readdir(d)) != NULL) {
		const char *day = e->d_name + sizeof(prefix) - 1;

		if (strncmp(e->d_name, prefix, sizeof(prefix) - 1) == 0 && is_day(day))
			rc = each(c, day, err);
	}
	closedir(d);
	return rc;
}

static int choose(struct cdp_changes *c, const char *day, struct cdp_err *err)
{
	(void)err;
	if (strcmp(day, c->day) < 0 && strcmp(day, c->before) > 0)
		memcpy(c->before, day, sizeof(c->before));
	return 0;
}

static int remove_older(struct cdp_changes *c, const char *day, struct cdp_err *err)
{
	char *path;
	int rc = 0;

	if (strcmp(day, c->before) >= 0)
		return 0;
	path = cdp_asprintf("%s/%s%s", c->dir, prefix, day);
	if (unlink(path) < 0 && errno != ENOENT)
		rc = cdp_err_sys(err, errno, "%s", path);
	free(path);
	return rc;
}

static int compare(const char *p, size_t n, const char *q, size_t m)
{
	size_t k = n < m ? n : m;
	int c = k ? memcmp(p, q, k) : 0;

	return c ? c : (n > m) - (n < m);
}

/* Both in the order of their keys. */
static void join(struct cdp_changes *c, uint32_t *place, const char *key, size_t n,
		 uint64_t digest)
{
	int order = -1;

	for (; *place < c->count; ++*place) {
		size_t m;
		const char *here = cdp_customers_key(
			c->customers, cdp_customers_at(c->customers, *place), &m);

		order = compare(key, n, here, m);
		if (order <= 0)
			break;
		order = -1;
	}
	if (*place < c->count && order == 0) {
		c->was[(*place)++] = digest;
		return;
	}
	CDP_GROW(c->gone, c->gone_count, c->gone_cap);
	c->gone[c->gone_count++] = (struct gone){ *place, key, n };
}

static int read_before(struct cdp_changes *c, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/%s%s", c->dir, prefix, c->before);
	int rc = cdp_blocks_open(&c->old, path, magic, err);
	uint32_t place = 0;
	const char *p;
	size_t size;

	while (rc > 0 && (rc = cdp_blocks_next(c->old, &p, &size, err)) > 0) {
		const char *end = p + size, *key;
		uint64_t digest;
		size_t n;

		while (p < end && rc > 0) {
			if (!cdp_varint_get_bytes(&key, &n, &p, end) ||
			    (size_t)(end - p) < sizeof(digest)) {
				rc = cdp_err_set(err, CDP_ERR_SYS, "'%s' is damaged",
						 path);
				break;
			}
			memcpy(&digest, p, sizeof(digest));
			p += sizeof(digest);
			join(c, &place, key, n, digest);
		}
	}
	free(path);
	return rc;
}

struct cdp_changes *cdp_changes_new(const char *dir, const struct cdp_run *run,
				    const char *key,
				    const struct cdp_customers *customers,
				    struct cdp_err *err)
{
	struct cdp_changes *c = cdp_calloc(1, sizeof(*c));
	struct cdp_civil civil;
	struct cdp_buf day;

	cdp_zone_civil(run->zone, run->as_of, &civil);
	cdp_buf_init(&day, CDP_BUF_NOMAX);
	cdp_buf_addf(&day, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
	memcpy(c->day, day.p, DAY);
	cdp_buf_release(&day);
	cdp_time_format(c->as_of, run->as_of);
	c->dir = cdp_strdup(dir);
	c->path = cdp_asprintf("%s/%s%s", dir, prefix, c->day);
	c->key = key;
	c->customers = customers;
	c->count = cdp_customers_count(customers);
	c->was = cdp_calloc(c->count, sizeof(*c->was));
	c->is = cdp_calloc(c->count, sizeof(*c->is));
	if (each_day(c, choose, err) < 0 || (*c->before && read_before(c, err) < 0)) {
		cdp_changes_free(c);
		return NULL;
	}
	return c;
}

void cdp_changes_free(struct cdp_changes *c)
{
	if (!c)
		return;
	cdp_blocks_close(c->old);
	free(c->gone);
	free(c->was);
	free(c->is);
	free(c->dir);
	free(c->path);
	free(c);
}

bool cdp_changes_first(const struct cdp_changes *c)
{
	return !*c->before;
}

/* --- this run --- */

bool cdp_changes_line(struct cdp_changes *c, uint32_t place, const char *line, size_t n)
{
	static const char tags[] = ",\"tags\":{";
	const char *at = memmem(line, n, tags, sizeof(tags) - 1);
	size_t skip;

	if (!at)
		CDP_BUG("a profile without tags");
	/* The key before them is the same anyhow, times are not compared. */
	skip = (size_t)(at - line);
	c->is[place] = cdp_hash_stable(line + skip, n - skip, 0) | 1;
	return c->is[place] != c->was[place];
}

uint64_t cdp_changes_gone(const struct cdp_changes *c, uint32_t from, uint32_t to,
			  struct cdp_buf *out)
{
	size_t lo = 0, hi = c->gone_count, i;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->gone[mid].place < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i < c->gone_count && c->gone[i].place < to; i++) {
		cdp_buf_addc(out, '{');
		cdp_json_key(out, c->key);
		cdp_json_str(out, c->gone[i].key, c->gone[i].n);
		cdp_json_key(out, "as_of");
		cdp_json_str(out, c->as_of, sizeof(c->as_of));
		cdp_buf_adds(out, ",\"deleted\":true}\n");
	}
	return i - lo;
}

int cdp_changes_commit(struct cdp_changes *c, struct cdp_err *err)
{
	struct cdp_blocks_out *o = cdp_blocks_create(c->path, magic, err);
	struct cdp_buf b;

	if (!o)
		return -1;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < c->count; i++) {
		size_t n;
		const char *key = cdp_customers_key(
			c->customers, cdp_customers_at(c->customers, i), &n);

		cdp_varint_add_bytes(&b, key, n);
		cdp_buf_add(&b, &c->is[i], sizeof(c->is[i]));
		if (b.n >= BLOCK || i + 1 == c->count) {
			cdp_blocks_add(o, b.p, b.n);
			cdp_buf_reset(&b);
		}
	}
	cdp_buf_release(&b);
	if (cdp_blocks_finish(o, err) < 0)
		return -1;
	return each_day(c, remove_older, err);
}
