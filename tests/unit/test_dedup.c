/* Records that came before, past the bound of memory and past the end of a process, held
 * against a table that simply has all of them. */
#include "base/mem.h"
#include "base/rand.h"
#include "io/keyrun.h"
#include "model/dedup.h"
#include "tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDS = 20000, CONTENTS = 3, WINDOW_S = 5000, SPAN_S = 40000 };

/* All that can come: the time follows from id and content, as it does in life. */
struct model {
	bool noted[IDS][CONTENTS];
	int64_t mark;
};

static int64_t second_of(unsigned id, unsigned content)
{
	return (int64_t)id * SPAN_S / IDS + (int64_t)content * 700;
}

static enum cdp_seen expect(struct model *m, unsigned id, unsigned content)
{
	int64_t s = second_of(id, content);
	bool id_known = false;

	if (s > m->mark)
		m->mark = s;
	if (s < m->mark - WINDOW_S)
		return CDP_SEEN_TOO_OLD;
	if (m->noted[id][content])
		return CDP_SEEN_AGAIN;
	for (unsigned c = 0; c < CONTENTS; c++)
		id_known |= m->noted[id][c] && second_of(id, c) >= m->mark - WINDOW_S;
	m->noted[id][content] = true;
	return id_known ? CDP_SEEN_ID_ONLY : CDP_SEEN_NEW;
}

static struct cdp_dedup *start(const char *dir, uint64_t memory)
{
	struct cdp_dedup_opts opts = { .window_ms = WINDOW_S * 1000,
				       .latest_ms = INT64_MAX,
				       .memory = memory,
				       .dir = dir };
	struct cdp_err err;
	struct cdp_dedup *d = cdp_dedup_open(&opts, &err);

	if (!d)
		printf("# %s\n", err.msg);
	return d;
}

/* n records around a place that moves on; the number of answers that differ. */
static unsigned feed(struct cdp_dedup *d, struct model *m, struct cdp_rand *r,
		     unsigned *at, unsigned n, bool commits, struct model *saved)
{
	struct cdp_err err;
	unsigned wrong = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned id = *at + cdp_rand_below(r, 3000);
		unsigned content = cdp_rand_below(r, 8) ? 0 : cdp_rand_below(r, CONTENTS);
		int got;

		if (id >= IDS)
			id = IDS - 1;
		got = cdp_dedup_see(d, cdp_mix64(id), content + 1,
				    second_of(id, content) * 1000 + 7, &err);
		wrong += got != (int)expect(m, id, content);
		*at += i % 8 == 0 && *at < IDS - 3000;
		if (commits && cdp_rand_below(r, 900) == 0) {
			wrong += cdp_dedup_commit(d, false, &err) < 0;
			*saved = *m;
		}
	}
	return wrong;
}

static struct model model, saved;

static void spills(void)
{
	struct cdp_dedup *d = start(NULL, 64 * 1024);
	struct cdp_rand r;
	unsigned at = 0, wrong;

	memset(&model, 0, sizeof(model));
	model.mark = INT64_MIN;
	cdp_rand_seed(&r, 3, 0);
	wrong = feed(d, &model, &r, &at, 100000, false, NULL);
	is_int(wrong, 0, "what does not fit into memory is known all the same");
	ok(cdp_dedup_spilled(d) > 0, "as it was put into files: %llu",
	   (unsigned long long)cdp_dedup_spilled(d));
	ok(cdp_dedup_spilled(d) < IDS / 2, "that the window leaves, too");
	ok(cdp_dedup_memory(d) <= 64 * 1024, "and memory is what was asked for: %zu",
	   cdp_dedup_memory(d));
	cdp_dedup_close(d);
}

static unsigned count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void empty_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while ((e = readdir(d))) {
		char *path = cdp_asprintf("%s/%s", dir, e->d_name);

		unlink(path);
		free(path);
	}
	closedir(d);
	rmdir(dir);
}

/* Process after process, each of which dies without a word after the last commit. */
static void survives(uint64_t memory, const char *what)
{
	char dir[] = "/tmp/test_dedup.XXXXXX";
	struct cdp_rand r;
	unsigned at = 0, wrong = 0;
	struct cdp_err err;

	ok(mkdtemp(dir) != NULL, "a directory");
	memset(&model, 0, sizeof(model));
	model.mark = INT64_MIN;
	saved = model;
	cdp_rand_seed(&r, 5, 0);
	for (unsigned run = 0; run < 60; run++) {
		struct cdp_dedup *d = start(dir, memory);

		wrong += feed(d, &model, &r, &at, 1 + cdp_rand_below(&r, 4000), true,
			      &saved);
		if (run % 4 == 0) {
			wrong += cdp_dedup_commit(d, true, &err) < 0;
			saved = model;
		}
		cdp_dedup_close(d);
		model = saved;
	}
	is_int(wrong, 0,
	       "%s: a process that follows knows what was committed, and no more", what);
	ok(count_files(dir) < 12, "few files are left: %u", count_files(dir));
	empty_dir(dir);
}

static void alone(void)
{
	char dir[] = "/tmp/test_dedup.XXXXXX";
	struct cdp_dedup_opts opts = { .window_ms = 1000, .latest_ms = INT64_MAX };
	struct cdp_dedup *d;
	struct cdp_err err;
	char *path;
	FILE *f;

	ok(mkdtemp(dir) != NULL, "a directory");
	opts.dir = dir;
	d = cdp_dedup_open(&opts, &err);
	ok(d && !cdp_dedup_open(&opts, &err) && strstr(err.msg, "is locked by process"),
	   "it has one user at a time: %s", err.msg);
	cdp_dedup_close(d);
	path = cdp_asprintf("%s/manifest.json", dir);
	f = fopen(path, "w");
	fputs("{\"format\":\"other 1\"}", f);
	fclose(f);
	ok(!cdp_dedup_open(&opts, &err) && err.kind == CDP_ERR_SYS,
	   "what is none of ours is refused: %s", err.msg);
	f = fopen(path, "w");
	fputs("{\"format\":\"cdp-dedup "
	      "1\",\"seed\":\"0000000000000001\",\"generation\":1,"
	      "\"next_file\":2,\"mark\":5,\"runs\":[1]}",
	      f);
	fclose(f);
	free(path);
	path = cdp_asprintf("%s/run-000001", dir);
	f = fopen(path, "w");
	fputs("cdpkey1\nshort", f);
	fclose(f);
	ok(!cdp_dedup_open(&opts, &err) && strstr(err.msg, "damaged"),
	   "and so is what was cut short: %s", err.msg);
	free(path);
	empty_dir(dir);
}

/* One id for all: as where a library numbers nothing. */
static void one_id(void)
{
	struct cdp_dedup *d = start(NULL, 0);
	struct cdp_err err;
	bool all = true;

	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 1; i <= 200000; i++)
			all = all && cdp_dedup_see(d, 42, i, 1000, &err) ==
					     (pass    ? CDP_SEEN_AGAIN
					      : i > 1 ? CDP_SEEN_ID_ONLY
						      : CDP_SEEN_NEW);
	ok(all, "an id that all records bear is no burden");
	cdp_dedup_close(d);
}

static void runs(void)
{
	enum { N = 100000 };
	struct cdp_err err;
	struct cdp_keyrun_out *o = cdp_keyrun_create(NULL, N, &err);
	struct cdp_keyrun *r;
	bool all = true, none = true;
	uint64_t step = UINT64_MAX / N, n;

	for (uint64_t i = 0; i < N; i++) {
		struct cdp_key k = { i * step + cdp_mix64(i) % (step / 2), (uint32_t)i,
				     1 };

		all = all && cdp_keyrun_add(o, &k, &err) == 0;
	}
	r = cdp_keyrun_finish(o, -9, &err);
	for (uint64_t i = 0; i < N; i++) {
		uint64_t id = i * step + cdp_mix64(i) % (step / 2);
		const struct cdp_key *k = cdp_keyrun_find(r, id);

		all = all && k && k->content == (uint32_t)i;
		none = none && !cdp_keyrun_find(r, id + step / 2);
	}
	cdp_keyrun_keys(r, &n);
	ok(all && n == N && cdp_keyrun_note(r) == -9, "all keys of a run are found");
	ok(none, "and no others");
	cdp_keyrun_close(r);

	o = cdp_keyrun_create(NULL, 10, &err);
	all = true;
	for (uint64_t i = 0; i < 10; i++) {
		struct cdp_key k = { UINT64_MAX - 9 + i, 1, 1 };

		all = all && cdp_keyrun_add(o, &k, &err) == 0;
	}
	r = cdp_keyrun_finish(o, 0, &err);
	for (uint64_t i = 0; i < 10; i++)
		all = all && cdp_keyrun_find(r, UINT64_MAX - 9 + i);
	ok(all && !cdp_keyrun_find(r, 0) && !cdp_keyrun_find(r, UINT64_MAX - 10),
	   "however they are distributed");
	cdp_keyrun_close(r);
	o = cdp_keyrun_create(NULL, 0, &err);
	r = cdp_keyrun_finish(o, 0, &err);
	ok(!cdp_keyrun_find(r, 1), "an empty run has none");
	cdp_keyrun_close(r);
	ok(!cdp_keyrun_create("/nowhere/x", 1, &err) && err.kind == CDP_ERR_SYS,
	   "a file that cannot be made is told: %s", err.msg);
}

int main(void)
{
	runs();
	spills();
	survives(64 * 1024, "in little memory");
	survives(0, "in memory");
	alone();
	one_id();
	return tap_done();
}
