#include "model/batches.h"

#include "base/mem.h"
#include "io/out.h"
#include "model/keyorder.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_batches.XXXXXX";
static struct cdp_err err;

static const char *key_at(void *ctx, uint32_t i, size_t *n)
{
	const char *keys = ctx;

	*n = 1;
	return keys + i;
}

/* A version with audience "a" of the first `count` ordinals. */
static void keep(int64_t ms, const char *keys, uint32_t count, const char *note)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, true, &err);
	struct cdp_bitmap *all = cdp_bitmap_range(0, 4), *b = cdp_bitmap_range(0, count);
	struct cdp_segstore_out *o;

	free(cdp_segstore_ordinals(s, &(struct cdp_keylist){ 4, key_at, (char *)keys },
				   &err));
	o = cdp_segstore_begin(s, cdp_time_from_ms(ms), all, &err);
	cdp_segstore_put(o, "a", 1, b, note, strlen(note), &err);
	cdp_segstore_commit(o, &err);
	cdp_bitmap_free(all);
	cdp_bitmap_free(b);
	cdp_segstore_close(s);
}

/* The batch of that audience; `state` is put if it is not CDP_BATCH_NEW. */
static struct cdp_batch batch(int64_t ms, enum cdp_batch_state state)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, false, &err);
	struct cdp_batches *l = cdp_batches_open(dir, &err);
	struct cdp_segversion *v;
	struct cdp_batch b = { 0 };

	if (cdp_segversion_open(&v, s, ms, &err) > 0) {
		cdp_batches_of(l, &b, v, 0, &err);
		if (state != CDP_BATCH_NEW) {
			b.state = state;
			cdp_batches_put(l, &b, &err);
		}
	}
	cdp_segversion_close(v);
	cdp_batches_close(l);
	cdp_segstore_close(s);
	cdp_batch_release(&b);
	return b;
}

static void states(void)
{
	struct cdp_batch b, c;

	keep(0, "bcde", 2, "{}");
	b = batch(0, CDP_BATCH_NEW);
	ok(b.state == CDP_BATCH_NEW && b.customers == 2 && strlen(b.id) == CDP_BATCH_ID,
	   "a batch is new at first");
	batch(0, CDP_BATCH_EXPORTED);
	c = batch(0, CDP_BATCH_NEW);
	ok(c.state == CDP_BATCH_EXPORTED && strcmp(b.id, c.id) == 0,
	   "what was put is remembered");
	batch(0, CDP_BATCH_ACKNOWLEDGED);
	ok(batch(0, CDP_BATCH_NEW).state == CDP_BATCH_ACKNOWLEDGED, "so is its end");
	keep(0, "bcde", 2, "{}");
	ok(strcmp(batch(0, CDP_BATCH_NEW).id, b.id) == 0,
	   "the same list is the same batch");
	keep(0, "bcde", 3, "{}");
	ok(strcmp(batch(0, CDP_BATCH_NEW).id, b.id) != 0, "with other members it is not");
	keep(0, "bcde", 2, "{\"owner\":\"x\"}");
	ok(strcmp(batch(0, CDP_BATCH_NEW).id, b.id) != 0, "nor with another definition");
	keep(1, "bcde", 2, "{}");
	ok(strcmp(batch(1, CDP_BATCH_NEW).id, b.id) != 0, "nor of another base time");
}

static void ledger(void)
{
	struct cdp_batches *l = cdp_batches_open(dir, &err), *other;
	struct cdp_batch b, *v;
	char *path;
	size_t n;

	other = cdp_batches_open(dir, &err);
	ok(!other && strstr(err.msg, "is locked by"), "one process has the ledger");
	v = cdp_batches_all(l, &n, &err);
	ok(v && n == 1 && strcmp(v[0].segment, "a") == 0, "all batches are listed");
	is_int(cdp_batches_get(l, &b, "0123456789abcdef", &err), 0,
	       "others are not known");
	is_int(cdp_batches_get(l, &b, "../customers", &err), 0, "nor what is no batch");
	path = cdp_asprintf("%s/%s.batch", dir, v[0].id);
	cdp_file_replace(path, "{\"segment\":\"a\"", 14, &err);
	ok(cdp_batches_get(l, &b, v[0].id, &err) < 0 && err.kind == CDP_ERR_SYS,
	   "a damaged one is an error");
	cdp_file_replace(
		path,
		"{\"segment\":\"a\",\"as_of\":\"\",\"state\":\"x\",\"customers\":1}", 51,
		&err);
	ok(cdp_batches_get(l, &b, v[0].id, &err) < 0, "so is one that says nothing");
	free(path);
	cdp_batch_release(&v[0]);
	free(v);
	cdp_batches_close(l);
}

static int add_key(void *ctx, uint32_t ordinal, const char *key, size_t n)
{
	char *text = ctx;

	(void)ordinal;
	strncat(text, key, n);
	return strlen(text) == 5 ? -1 : 0;
}

static void order(void)
{
	struct cdp_segstore *s;
	struct cdp_keyorder *o;
	struct cdp_bitmap *b = cdp_bitmap_range(0, 8), *far = cdp_bitmap_range(7, 9);
	char text[20] = "";

	keep(2, "acdf", 0, "{}");
	s = cdp_segstore_open(dir, false, &err);
	o = cdp_keyorder_new(cdp_segstore_dict(s), &err);
	cdp_bitmap_remove(b, 1);
	cdp_bitmap_remove(b, 6);
	cdp_bitmap_remove(b, 7);
	ok(cdp_keyorder_each(o, b, add_key, text, &err) < 0 && strcmp(text, "abdef") == 0,
	   "customers come by their keys, whatever their numbers, until they are "
	   "stopped");
	err.msg[0] = '\0';
	ok(cdp_keyorder_each(o, far, add_key, text, &err) < 0 &&
		   strstr(err.msg, "damaged"),
	   "a number without a customer is an error");
	cdp_bitmap_free(b);
	cdp_bitmap_free(far);
	cdp_keyorder_free(o);
	cdp_segstore_close(s);
}

int main(void)
{
	char *cmd;

	if (!mkdtemp(dir))
		return 1;
	states();
	ledger();
	order();
	cmd = cdp_asprintf("rm -rf %s", dir);
	ok(system(cmd) == 0, "nothing stays");
	free(cmd);
	return tap_done();
}
