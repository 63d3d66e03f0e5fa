#include "model/segstore.h"

#include "base/intern.h"
#include "base/mem.h"
#include "io/out.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_segstore.XXXXXX";
static char *where;

/* The keys of a table by their bytes. */
struct sorted {
	struct cdp_intern *keys;
	uint32_t *order;
};

static const char *key_at(void *ctx, uint32_t i, size_t *n)
{
	const struct sorted *s = ctx;

	return cdp_intern_key(s->keys, s->order[i], n);
}

enum { DAY = 86400000 };

/* Customers by letters, audiences "name=letters" by name. */
static int run(int64_t ms, const char *customers, const char *const *audiences)
{
	struct cdp_err err = { 0 };
	struct cdp_segstore *s = cdp_segstore_open(where, true, &err);
	struct cdp_intern *keys = cdp_intern_new(0);
	struct sorted sorted = { .keys = keys };
	struct cdp_bitmap *all = cdp_bitmap_new();
	struct cdp_segstore_out *o = NULL;
	uint32_t *ids = NULL;
	size_t n;
	int rc = -1;

	for (const char *c = customers; *c; c++)
		cdp_intern_put(keys, c, 1, NULL);
	sorted.order = cdp_intern_order(keys);
	if (s)
		ids = cdp_segstore_ordinals(
			s,
			&(struct cdp_keylist){ cdp_intern_count(keys), key_at, &sorted },
			&err);
	for (uint32_t i = 0; ids && i < cdp_intern_count(keys); i++)
		cdp_bitmap_add(all, ids[i]);
	if (ids)
		o = cdp_segstore_begin(s, cdp_time_from_ms(ms), all, &err);
	for (rc = o ? 0 : -1; *audiences && rc == 0; audiences++) {
		const char *eq = strchr(*audiences, '=');
		struct cdp_bitmap *b = cdp_bitmap_new();

		for (uint32_t i = 0; i < cdp_intern_count(keys); i++)
			if (strchr(eq + 1, *cdp_intern_key(keys, sorted.order[i], &n)))
				cdp_bitmap_add(b, ids[i]);
		rc = cdp_segstore_put(o, *audiences, (size_t)(eq - *audiences), b, "{}",
				      2, &err);
		cdp_bitmap_free(b);
	}
	if (rc == 0)
		rc = cdp_segstore_commit(o, &err);
	if (rc < 0)
		printf("# %s\n", err.msg);
	free(ids);
	free(sorted.order);
	cdp_bitmap_free(all);
	cdp_intern_free(keys);
	cdp_segstore_close(s);
	return rc;
}

/* The members of an audience at a base time, as letters; all if name is "". */
static const char *members(int64_t ms, const char *name)
{
	static char text[100];
	struct cdp_err err = { 0 };
	struct cdp_segstore *s = cdp_segstore_open(where, false, &err);
	struct cdp_segversion *v = NULL;
	const struct cdp_bitmap *b = NULL;
	uint64_t from = 0;
	uint32_t x;
	size_t at = 0, n;
	int64_t i = -1;

	if (s && cdp_segversion_latest(&v, s, ms, &err) > 0) {
		i = cdp_segversion_find(v, name, strlen(name));
		b = *name == '\0' ? cdp_segversion_all(v)
		    : i >= 0      ? cdp_segversion_load(v, (uint32_t)i, &err)
				  : NULL;
	}
	while (b && cdp_bitmap_next(b, &from, &x, 1)) {
		const char *p;

		if (cdp_keydict_key(cdp_segstore_dict(s), x, &p, &n, &err) < 0)
			break;
		text[at++] = *p;
	}
	text[at] = '\0';
	if (err.msg[0])
		snprintf(text, sizeof(text), "%.99s", err.msg);
	else if (!v)
		strcpy(text, "no version");
	else if (!b)
		strcpy(text, "no audience");
	if (*name)
		cdp_bitmap_free(b);
	cdp_segversion_close(v);
	cdp_segstore_close(s);
	return text;
}

static const char *const first[] = { "a=xb", "b=", "z=mxb", NULL };
static const char *const second[] = { "a=q", NULL };

static void versions(void)
{
	is_int(run(DAY, "mxb", first), 0, "a version is kept");
	is_str(members(DAY, "a"), "bx", "an audience is read by its name");
	is_str(members(DAY, "b"), "", "an empty one, too");
	is_str(members(DAY, ""), "bmx", "all customers are known");
	is_str(members(DAY, "c"), "no audience", "another name has none");
	is_str(members(DAY - 1, "a"), "no version", "before it there was none");
	is_int(run(3 * DAY, "bq", second), 0, "another version is kept");
	is_str(members(4 * DAY, "a"), "q", "the latest version counts");
	is_str(members(3 * DAY - 1, "a"), "bx", "or the last one up to a time");
	is_int(run(2 * DAY, "b", second + 1), 0, "one between them can come later");
	is_str(members(2 * DAY, ""), "b", "and is found");
}

static void same_bytes(void)
{
	struct cdp_err err;
	char *path = cdp_asprintf("%s/19700102T000000.000Z.audiences", where);
	size_t n, again_n;
	char *bytes = cdp_file_read(path, 1 << 20, &n, &err), *again;

	run(DAY, "bxm", first);
	again = cdp_file_read(path, 1 << 20, &again_n, &err);
	ok(bytes && again && n == again_n && memcmp(bytes, again, n) == 0,
	   "the same results at the same base time are the same bytes");
	free(bytes);
	free(again);
	free(path);
}

static void catalogue(void)
{
	struct cdp_err err = { 0 };
	struct cdp_segstore *s = cdp_segstore_open(where, false, &err);
	struct cdp_segversion *v = NULL;
	struct cdp_segaudience a;

	ok(s && cdp_segversion_open(&v, s, 5 * DAY, &err) == 0, "no version is no error");
	ok(s && cdp_segversion_open(&v, s, DAY, &err) == 1, "one of a time is opened");
	is_int(v ? cdp_segversion_count(v) : 0, 3, "it has so many audiences");
	ok(v && cdp_segversion_at(v, 2, &a, &err) == 0 && a.name_n == 1 &&
		   *a.name == 'z' && a.count == 3 && a.note_n == 2,
	   "what the catalogue tells of one is there");
	cdp_segversion_close(v);
	cdp_segstore_close(s);
}

static void writers(void)
{
	struct cdp_err err = { 0 };
	struct cdp_segstore *s = cdp_segstore_open(where, true, &err), *t;

	t = cdp_segstore_open(where, true, &err);
	ok(s && !t && strstr(err.msg, "is locked by process"), "there is one writer");
	cdp_segstore_close(s);
	ok(!cdp_segstore_open("/nowhere/at/all", true, &err), "a parent must exist");
	ok(!cdp_segstore_open(dir, false, &err), "a directory of others is refused");
}

static void other_customers(void)
{
	char *mine = cdp_asprintf("%s/customers", where);
	struct cdp_err err;
	size_t n;
	char *bytes = cdp_file_read(mine, 1 << 20, &n, &err);

	unlink(mine);
	run(9 * DAY, "cde", second + 1);
	ok(strstr(members(DAY, "a"), "of other customers than") != NULL,
	   "a version of another dictionary is refused");
	cdp_file_replace(mine, bytes, n, &err);
	is_str(members(DAY, "a"), "bx", "with its own it is read");
	free(bytes);
	free(mine);
}

static void pruning(void)
{
	struct cdp_err err = { 0 };
	struct cdp_segstore *s = cdp_segstore_open(where, true, &err);
	size_t n = 0;
	int64_t *times;

	is_int(cdp_segstore_prune(s, 1, 2 * DAY, &err), 0, "old versions are removed");
	times = cdp_segstore_times(s, "audiences", &n, &err);
	ok(n == 2 && times[0] == 2 * DAY && times[1] == 9 * DAY,
	   "the latest ones stay, and the one that is named");
	free(times);
	cdp_segstore_close(s);
}

static void remove_all(void)
{
	char *cmd = cdp_asprintf("rm -rf %s", dir);

	if (system(cmd) != 0)
		printf("# %s stays\n", dir);
	free(cmd);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	where = cdp_asprintf("%s/store", dir);
	versions();
	same_bytes();
	catalogue();
	writers();
	other_customers();
	pruning();
	remove_all();
	free(where);
	return tap_done();
}
