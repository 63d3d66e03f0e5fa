#include "identity_world.h"

#include "base/hash.h"
#include "base/mem.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char kinds_json[] =
	"{\"kinds\":[{\"name\":\"u1\",\"unique\":true},{\"name\":\"u2\",\"unique\":true},"
	"{\"name\":\"p\"},{\"name\":\"s1\",\"shared\":true},"
	"{\"name\":\"s2\",\"shared\":true},{\"name\":\"s3\",\"shared\":true}]}";
const char *const world_kind_name[KINDS] = { "u1", "u2", "p", "s1", "s2", "s3" };
const uint8_t world_key[CDP_IDENTITY_KEY] = "0123456789abcdef";

struct cdp_idkinds *world_kinds(void)
{
	struct cdp_err err;

	return cdp_idkinds_parse(kinds_json, strlen(kinds_json), "kinds", &err);
}

void world_open(struct world *w, const struct cdp_idkinds *k)
{
	struct cdp_err err;

	memset(w, 0, sizeof(*w));
	w->m = cdp_identity_new(k, world_key);
	cdp_identity_keep_merges(w->m);
	w->paths = cdp_paths_new();
	cdp_sight_slots(&w->slots, w->paths, &err);
	cdp_sights_init(&w->sights);
	w->scan = cdp_scan_new(w->paths);
	for (int i = 0; i < IDS; i++)
		w->number[i] = UINT32_MAX;
}

void world_close(struct world *w)
{
	cdp_scan_free(w->scan);
	cdp_sights_release(&w->sights);
	cdp_paths_free(w->paths);
	cdp_identity_free(w->m);
	free(w->block);
}

void world_read(struct world *w, const char *lines, bool trusted)
{
	size_t n = strlen(lines);
	struct cdp_rec rec;
	struct cdp_err err;

	free(w->block);
	w->block = cdp_calloc(n + 64, 1);
	memcpy(w->block, lines, n);
	cdp_sights_reset(&w->sights);
	cdp_scan_set_trusted(w->scan, trusted);
	cdp_scan_block(w->scan, w->block, n);
	while (cdp_scan_next(w->scan, &rec, &err) > 0) {
		cdp_sight_read(&w->sights, w->m, &w->slots, &rec);
		w->sights.v[w->sights.n - 1].at = (size_t)(rec.raw - w->block);
	}
}

const char *world_source(void *ctx, const struct cdp_sight *sight, size_t *n)
{
	struct world *w = ctx;
	const char *p = w->block + sight->at;

	return cdp_sight_source(p, strcspn(p, "\n"), &w->sights.tmp, n);
}

static void put_record(struct cdp_buf *b, const struct record *r)
{
	cdp_buf_addc(b, '{');
	if (r->ms >= 0)
		cdp_buf_addf(b, "\"time\":\"2024-01-01T00:00:00.%03dZ\",", r->ms);
	if (r->type)
		cdp_buf_addf(b, "\"type\":\"%s\",\"ids\":{", r->type);
	else
		cdp_buf_adds(b, "\"event\":\"e\",\"ids\":{");
	/* The weakest first: the order of members must not matter. */
	for (int i = r->n - 1; i >= 0; i--)
		cdp_buf_addf(b, "\"%s\":\"v%d\"%s", world_kind_name[r->id[i] / VALUES],
			     r->id[i] % VALUES, i ? "," : "");
	cdp_buf_addf(b, "},\"source\":\"src%d\"}\n", r->id[0] % 2);
}

void world_learn(struct world *w, const struct record *r, int n, bool live)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < n; i++)
		put_record(&b, &r[i]);
	world_read(w, cdp_buf_str(&b), n % 2);
	for (int i = 0; i < n; i++) {
		const uint32_t *ids;
		uint64_t one_id;
		size_t k;

		if (n % 3)
			cdp_identity_prefetch(w->m, &w->sights, (size_t)i);
		k = cdp_identity_learn(w->m, &w->sights, (size_t)i, world_source, w,
				       &ids);

		if (k != (size_t)r[i].n) {
			ok(false, "record has %d ids, not %zu", r[i].n, k);
			exit(1);
		}
		for (size_t j = 0; j < k; j++)
			w->number[r[i].id[j]] = ids[j];
		if (live && !cdp_identity_live_of(w->m, &w->sights.v[i], ids, k, &one_id))
			exit(1);
	}
	cdp_buf_release(&b);
}

uint64_t world_name_of(const struct world *w, int id)
{
	uint64_t name = 0;

	if (w->number[id] != UINT32_MAX)
		cdp_identity_of(w->m, &w->number[id], 1, 1704067201000, &name);
	return name;
}

char *world_written(const struct world *w, world_writer *write)
{
	char path[] = "/tmp/test_identity.XXXXXX";
	int fd = mkstemp(path);
	struct cdp_out *o = cdp_out_fd(fd, "test");
	struct cdp_err err;
	size_t n;
	char *text;

	if (write(w->m, o) < 0 || cdp_out_close(o, &err) < 0)
		exit(1);
	text = cdp_file_read(path, 1 << 20, &n, &err);
	text = cdp_realloc(text, n + 1, 1);
	text[n] = '\0';
	close(fd);
	unlink(path);
	return text;
}

static uint64_t state = 1;

unsigned history_rnd(unsigned n)
{
	state = cdp_hash_stable(&state, sizeof(state), 7);
	return (unsigned)(state % n);
}

int history_random(struct record *r, bool ordered, bool parts)
{
	int n = 1 + (int)history_rnd(RECORDS);

	for (int i = 0; i < n; i++) {
		r[i] = (struct record){ .ms = ordered ? i * 10
						      : (int)history_rnd(6) - 1 };
		for (int k = 0; k < KINDS; k++)
			if (history_rnd(3) == 0)
				r[i].id[r[i].n++] = k * VALUES + (int)history_rnd(VALUES);
		if (parts && history_rnd(5) == 0) {
			r[i].type = "unbind";
			r[i].n = r[i].n < 2 ? r[i].n : 1 + (int)history_rnd(2);
		}
		if (!r[i].n)
			r[i].id[r[i].n++] = (int)history_rnd(IDS);
	}
	return n;
}

void history_shuffle(struct record *r, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)history_rnd((unsigned)i + 1);
		struct record t = r[i];

		r[i] = r[j];
		r[j] = t;
	}
}

char *world_map_of(const struct cdp_idkinds *k, const struct record *r, int n,
		   const struct cdp_idexclude *x)
{
	struct world w;
	char *map;

	world_open(&w, k);
	if (x)
		cdp_identity_exclude(w.m, x);
	world_learn(&w, r, n, false);
	if (n % 2)
		cdp_identity_publish(w.m);
	else
		cdp_identity_finish(w.m);
	map = world_written(&w, cdp_identity_write_map);
	world_close(&w);
	return map;
}

void world_learn_lines(struct world *w, const char *lines, bool trusted)
{
	const uint32_t *ids;

	world_read(w, lines, trusted);
	for (size_t i = 0; i < w->sights.n; i++)
		cdp_identity_learn(w->m, &w->sights, i, world_source, w, &ids);
	cdp_identity_add_unusable(w->m, &w->sights);
	cdp_identity_publish(w->m);
}

uint64_t world_of(struct world *w, const char *line)
{
	const uint32_t *ids;
	uint64_t one_id;
	size_t n;

	world_read(w, line, false);
	n = cdp_identity_learn(w->m, &w->sights, 0, world_source, w, &ids);
	return cdp_identity_of(w->m, ids, n, CDP_IDENTITY_NO_TIME, &one_id) ? one_id : 0;
}
