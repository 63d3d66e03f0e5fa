/* Identity against an oracle that follows the three rules of identity.h word by word on
 * small random histories. */
#include "base/hash.h"
#include "base/mem.h"
#include "model/identity.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	KINDS = 6,  /* u1 and u2 unique, p plain, s1 to s3 shared */
	VALUES = 3, /* of each kind */
	IDS = KINDS * VALUES,
	RECORDS = 14,
};

static const char kinds_json[] =
	"{\"kinds\":[{\"name\":\"u1\",\"unique\":true},{\"name\":\"u2\",\"unique\":true},"
	"{\"name\":\"p\"},{\"name\":\"s1\",\"shared\":true},"
	"{\"name\":\"s2\",\"shared\":true},{\"name\":\"s3\",\"shared\":true}]}";
static const char *const kind_name[KINDS] = { "u1", "u2", "p", "s1", "s2", "s3" };

static const uint8_t key[16] = "0123456789abcdef";
static struct cdp_idkinds *kinds;

/* --- a small world: histories and their maps --- */

struct record {
	int ms;           /* -1: without a time */
	const char *type; /* NULL: an event */
	int n;
	int id[KINDS]; /* kind * VALUES + value, the strongest kind first */
};

struct world {
	struct cdp_identity *m;
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	struct cdp_sights sights;
	struct cdp_scan *scan;
	char *block;
	uint32_t number[IDS]; /* in the map, UINT32_MAX: never seen */
};

static void world_open(struct world *w, const struct cdp_idkinds *k)
{
	struct cdp_err err;

	memset(w, 0, sizeof(*w));
	w->m = cdp_identity_new(k, key);
	cdp_identity_keep_merges(w->m);
	w->paths = cdp_paths_new();
	cdp_sight_slots(&w->slots, w->paths, &err);
	cdp_sights_init(&w->sights);
	w->scan = cdp_scan_new(w->paths);
	for (int i = 0; i < IDS; i++)
		w->number[i] = UINT32_MAX;
}

static void world_close(struct world *w)
{
	cdp_scan_free(w->scan);
	cdp_sights_release(&w->sights);
	cdp_paths_free(w->paths);
	cdp_identity_free(w->m);
	free(w->block);
}

/* Reads lines of records into w->sights. */
static void read_lines(struct world *w, const char *lines, bool trusted)
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

static const char *source(void *ctx, const struct cdp_sight *sight, size_t *n)
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
		cdp_buf_addf(b, "\"%s\":\"v%d\"%s", kind_name[r->id[i] / VALUES],
			     r->id[i] % VALUES, i ? "," : "");
	cdp_buf_addf(b, "},\"source\":\"src%d\"}\n", r->id[0] % 2);
}

/* Learns records; with `live`, as a stream. */
static void learn(struct world *w, const struct record *r, int n, bool live)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < n; i++)
		put_record(&b, &r[i]);
	read_lines(w, cdp_buf_str(&b), n % 2);
	for (int i = 0; i < n; i++) {
		const uint32_t *ids;
		uint64_t one_id;
		size_t k =
			cdp_identity_learn(w->m, &w->sights, (size_t)i, source, w, &ids);

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

static uint64_t name_of(const struct world *w, int id)
{
	uint64_t name = 0;

	if (w->number[id] != UINT32_MAX)
		cdp_identity_of(w->m, &w->number[id], 1, 1704067201000, &name);
	return name;
}

typedef int writer(const struct cdp_identity *m, struct cdp_out *o);

static char *written(const struct world *w, writer *write)
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

/* --- the oracle --- */

struct oracle {
	int person[IDS]; /* any number; -1: never seen */
	bool contested[IDS];
	bool linked[IDS][IDS];
	int first_link[IDS][IDS], last_link[IDS][IDS];
	bool met[IDS][IDS];
	int named[IDS][IDS];  /* of unbinds that name both */
	int parted[IDS][IDS]; /* the last time of an unbind, -1: never */
	int first[IDS];
	int group[IDS]; /* by joining in order of time */
	bool split[IDS], freed[IDS];
};

static bool is_part(const struct record *r)
{
	return r->type && strcmp(r->type, "unbind") == 0;
}

static int when(const struct record *r)
{
	return r->ms < 0 ? 1000 : r->ms;
}

static bool is_firm(int id)
{
	return id / VALUES < 3;
}

static void oracle_pair(struct oracle *o, const struct record *r, int a, int b)
{
	int t = when(r), last = r->ms;

	if (is_part(r)) {
		if (r->n > 1 && t > o->named[a][b])
			o->named[a][b] = o->named[b][a] = t;
		if (t > o->parted[a][b])
			o->parted[a][b] = o->parted[b][a] = t;
		return;
	}
	if (!o->linked[a][b] || t < o->first_link[a][b])
		o->first_link[a][b] = o->first_link[b][a] = t;
	if (!o->linked[a][b] || last > o->last_link[a][b])
		o->last_link[a][b] = o->last_link[b][a] = last;
	o->linked[a][b] = o->linked[b][a] = true;
	o->met[a][b] = o->met[b][a] = true;
}

static void oracle_record(struct oracle *o, const struct record *r)
{
	for (int i = 0; i < r->n; i++) {
		int a = r->id[i];

		if (o->first[a] < 0 || when(r) < o->first[a])
			o->first[a] = when(r);
		o->person[a] = o->group[a] = a;
		if (r->type && !is_part(r))
			continue;
		for (int j = i + 1; j < r->n; j++)
			if (i == 0 || (!is_firm(r->id[0]) && !is_part(r)))
				oracle_pair(o, r, a, r->id[j]);
		for (int j = 0; j < IDS && is_part(r) && r->n == 1; j++)
			oracle_pair(o, r, a, j);
	}
}

/* A shared id that was parted, and whose links are all later than that. */
static void oracle_freed(struct oracle *o, int a)
{
	int parted = -1, links = 0, old = 0;

	for (int b = 0; b < IDS; b++) {
		int t = o->met[a][b] ? o->parted[a][b] : o->named[a][b];

		parted = t > parted ? t : parted;
	}
	for (int b = 0; b < IDS; b++) {
		links += o->linked[a][b];
		old += o->linked[a][b] && o->first_link[a][b] <= parted;
	}
	o->freed[a] = !is_firm(a) && parted >= 0 && links && !old;
}

static void oracle_evidence(struct oracle *o, const struct record *r, int n)
{
	memset(o, 0, sizeof(*o));
	for (int i = 0; i < IDS; i++) {
		o->person[i] = o->first[i] = o->group[i] = -1;
		for (int j = 0; j < IDS; j++)
			o->parted[i][j] = o->named[i][j] = -1;
	}
	for (int k = 0; k < n; k++)
		oracle_record(o, &r[k]);
	for (int a = 0; a < IDS; a++)
		for (int b = 0; b < IDS; b++) {
			int t = o->parted[a][b];

			if (!o->linked[a][b] || t < 0)
				continue;
			o->linked[a][b] = o->last_link[a][b] > t;
			if (o->first_link[a][b] <= t)
				o->first_link[a][b] = t;
		}
	for (int a = 0; a < IDS; a++)
		oracle_freed(o, a);
}

/* The bytes of kind and value decide ties; p < s1 < ... < u1 < u2. */
static int bytes_rank(int id)
{
	static const int rank[KINDS] = { 4, 5, 0, 1, 2, 3 };

	return rank[id / VALUES] * VALUES + id % VALUES;
}

static bool walled(const struct oracle *o, int p, int q)
{
	for (int kind = 0; kind < 2; kind++) {
		bool in_p = false, in_q = false;

		for (int v = 0; v < VALUES; v++) {
			in_p |= o->person[kind * VALUES + v] == p;
			in_q |= o->person[kind * VALUES + v] == q;
		}
		if (in_p && in_q)
			return true;
	}
	return false;
}

static void oracle_link(struct oracle *o, int a, int b)
{
	int p = o->person[a], q = o->person[b];

	if (p == q || walled(o, p, q))
		return;
	for (int i = 0; i < IDS; i++)
		if (o->person[i] == q)
			o->person[i] = p;
}

static bool group_is_firm(const struct oracle *o, int g)
{
	for (int i = 0; i < IDS; i++)
		if (o->group[i] == g && is_firm(i))
			return true;
	return false;
}

/* Who founded whom: groups join unless both have firm ids; those go by their persons. */
static void oracle_join(struct oracle *o, int a, int b)
{
	int p = o->group[a], q = o->group[b];
	bool both = group_is_firm(o, p) && group_is_firm(o, q);

	if (p == q)
		return;
	if (both && is_firm(a) != is_firm(b))
		o->split[is_firm(a) ? b : a] = true;
	if (both && (!is_firm(a) || !is_firm(b) || o->person[a] != o->person[b]))
		return;
	if (!both && (o->split[a] || o->split[b]))
		return;
	for (int i = 0; i < IDS; i++)
		if (o->group[i] == q)
			o->group[i] = p;
}

static void oracle_firm(struct oracle *o)
{
	int by_bytes[IDS];

	for (int i = 0; i < IDS; i++)
		by_bytes[bytes_rank(i)] = i;
	for (int t = 0; t <= 1000; t++)
		for (int lo = 0; lo < IDS; lo++)
			for (int hi = lo + 1; hi < IDS; hi++) {
				int a = by_bytes[lo], b = by_bytes[hi];

				if (!o->linked[a][b] || o->first_link[a][b] != t)
					continue;
				if (is_firm(a) && is_firm(b))
					oracle_link(o, a, b);
				oracle_join(o, a, b);
			}
}

static void oracle_shared(struct oracle *o)
{
	int layer[IDS];
	bool grew = true;

	for (int i = 0; i < IDS; i++)
		layer[i] = is_firm(i) ? 0 : -1;
	for (int step = 1; grew; step++) {
		grew = false;
		for (int s = 0; s < IDS; s++) {
			int p = -1;
			bool several = false;

			if (layer[s] >= 0 || o->person[s] < 0)
				continue;
			for (int t = 0; t < IDS; t++) {
				if (!o->linked[s][t] || layer[t] != step - 1 ||
				    o->contested[t])
					continue;
				several |= p >= 0 && p != o->person[t];
				p = o->person[t];
			}
			if (p < 0)
				continue;
			layer[s] = step;
			grew = true;
			o->contested[s] = several;
			o->person[s] = several ? s : p;
		}
	}
	for (int k = 0; k < IDS; k++)
		for (int s = 0; s < IDS; s++)
			for (int t = 0; t < IDS; t++) {
				int old = o->person[t];

				if (layer[s] >= 0 || layer[t] >= 0 || !o->linked[s][t])
					continue;
				for (int i = 0; i < IDS; i++)
					if (o->person[i] == old)
						o->person[i] = o->person[s];
			}
}

static uint64_t hash_of(int id, const char *how)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%s%cv%d", kind_name[id / VALUES], 0,
			 id % VALUES);

	if (how)
		n += snprintf(text + n, 4, "%c%s", 0, how);
	return cdp_siphash(key, text, (size_t)n);
}

/* The strongest of the ids whose of[] is g; or the oldest. */
static int best_of(const struct oracle *o, const int *of, int g, bool oldest)
{
	int best = -1;

	for (int i = 0; i < IDS; i++) {
		bool better;

		if (of[i] != g)
			continue;
		if (best < 0)
			better = true;
		else if (oldest && o->freed[i] != o->freed[best])
			better = o->freed[best];
		else if (!oldest && i / VALUES != best / VALUES)
			better = i < best;
		else if (o->first[i] != o->first[best])
			better = o->first[i] < o->first[best];
		else
			better = oldest ? hash_of(i, NULL) < hash_of(best, NULL)
					: i < best;
		if (better)
			best = i;
	}
	return best;
}

/* The name of the group of the person's strongest id, if it is the strongest of that. */
static uint64_t oracle_name(const struct oracle *o, int id)
{
	int strong = best_of(o, o->person, o->person[id], false);

	if (o->contested[id])
		return hash_of(id, "c");
	if (best_of(o, o->group, o->group[strong], false) == strong)
		return hash_of(best_of(o, o->group, o->group[strong], true), NULL);
	return hash_of(best_of(o, o->person, o->person[id], true), "p");
}

static void oracle(struct oracle *o, const struct record *r, int n)
{
	oracle_evidence(o, r, n);
	oracle_firm(o);
	oracle_shared(o);
}

/* --- random histories --- */

static uint64_t state = 1;

static unsigned rnd(unsigned n)
{
	state = cdp_hash_stable(&state, sizeof(state), 7);
	return (unsigned)(state % n);
}

static int history(struct record *r, bool ordered, bool parts)
{
	int n = 1 + (int)rnd(RECORDS);

	for (int i = 0; i < n; i++) {
		r[i] = (struct record){ .ms = ordered ? i * 10 : (int)rnd(6) - 1 };
		for (int k = 0; k < KINDS; k++)
			if (rnd(3) == 0)
				r[i].id[r[i].n++] = k * VALUES + (int)rnd(VALUES);
		if (parts && rnd(5) == 0) {
			r[i].type = "unbind";
			r[i].n = r[i].n < 2 ? r[i].n : 1 + (int)rnd(2);
		}
		if (!r[i].n)
			r[i].id[r[i].n++] = (int)rnd(IDS);
	}
	return n;
}

static void shuffle(struct record *r, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)rnd((unsigned)i + 1);
		struct record t = r[i];

		r[i] = r[j];
		r[j] = t;
	}
}

static bool same_partition(const struct world *w, const struct oracle *o)
{
	for (int i = 0; i < IDS; i++)
		for (int j = 0; j < IDS; j++)
			if (o->person[i] >= 0 && o->person[j] >= 0 &&
			    (o->person[i] == o->person[j]) !=
				    (name_of(w, i) == name_of(w, j)))
				return false;
	return true;
}

static bool same_names(const struct world *w, const struct oracle *o)
{
	for (int i = 0; i < IDS; i++)
		if (o->person[i] >= 0 && name_of(w, i) != oracle_name(o, i))
			return false;
	return true;
}

/* --- properties --- */

enum { ROUNDS = 400 };

static void agrees_with_oracle(void)
{
	int bad = 0, bad_names = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history(r, false, round % 2);
		struct oracle o;
		struct world w;

		oracle(&o, r, n);
		world_open(&w, kinds);
		learn(&w, r, n, false);
		cdp_identity_publish(w.m);
		bad += !same_partition(&w, &o);
		bad_names += !same_names(&w, &o);
		world_close(&w);
	}
	is_int(bad, 0, "persons are those of the rules");
	is_int(bad_names, 0, "names are the hashes of the founders");
}

static void order_does_not_matter(void)
{
	int maps = 0, merges = 0, conflicts = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS * 2];
		int n = history(r, false, round % 2);
		struct world a, b;
		char *x[3], *y[3];

		world_open(&a, kinds);
		world_open(&b, kinds);
		learn(&a, r, n, false);
		for (int i = 0; i < n; i++)
			r[n + i] = r[i]; /* repeated records say nothing new */
		shuffle(r, n);
		learn(&b, r, n + (int)rnd((unsigned)n), false);
		cdp_identity_publish(a.m);
		cdp_identity_publish(b.m);
		x[0] = written(&a, cdp_identity_write_map);
		y[0] = written(&b, cdp_identity_write_map);
		x[1] = written(&a, cdp_identity_write_merges);
		y[1] = written(&b, cdp_identity_write_merges);
		x[2] = written(&a, cdp_identity_write_conflicts);
		y[2] = written(&b, cdp_identity_write_conflicts);
		maps += strcmp(x[0], y[0]) != 0;
		merges += strcmp(x[1], y[1]) != 0;
		conflicts += strcmp(x[2], y[2]) != 0;
		for (int i = 0; i < 3; i++) {
			free(x[i]);
			free(y[i]);
		}
		world_close(&a);
		world_close(&b);
	}
	is_int(maps, 0, "the map has the same bytes for any order of records");
	is_int(merges, 0, "so have the merges");
	is_int(conflicts, 0, "and the conflicts");
}

static void stream_ends_with_the_same_map(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history(r, round % 2, round % 3 == 0), half = n / 2;
		struct world a, b;
		char *x, *y;

		world_open(&a, kinds);
		world_open(&b, kinds);
		for (int day = 0; day < 2; day++) {
			const struct record *of = day ? r + half : r;
			int k = day ? n - half : half;

			learn(&a, of, k, false);
			cdp_identity_publish(a.m);
			cdp_identity_live_begin(b.m);
			learn(&b, of, k, true);
			cdp_identity_publish(b.m);
		}
		x = written(&a, cdp_identity_write_map);
		y = written(&b, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "a stream ends with the map that all its records give at once");
}

static void days_add_up(void)
{
	int bad = 0, lost = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history(r, round % 2, false), at = 0;
		struct oracle o;
		struct world w;

		world_open(&w, kinds);
		while (at < n) {
			int k = 1 + (int)rnd((unsigned)(n - at));
			uint64_t before[IDS];

			for (int i = 0; i < IDS; i++)
				before[i] = name_of(&w, i);
			learn(&w, r + at, k, false);
			cdp_identity_publish(w.m);
			at += k;
			/* Late evidence may part firm ids; evidence in order cannot. */
			for (int i = 0; round % 2 && i < 3 * VALUES; i++) {
				bool kept = !before[i];

				for (int j = 0; j < IDS; j++)
					kept |= name_of(&w, i) == before[j];
				lost += !kept;
			}
		}
		oracle(&o, r, n);
		bad += !same_partition(&w, &o);
		world_close(&w);
	}
	is_int(bad, 0, "day by day gives the same persons as all days at once");
	is_int(lost, 0, "a person keeps a name that was published for one of its ids");
}

static char *map_of(const struct record *r, int n, const struct cdp_idexclude *x)
{
	struct world w;
	char *map;

	world_open(&w, kinds);
	if (x)
		cdp_identity_exclude(w.m, x);
	learn(&w, r, n, false);
	cdp_identity_publish(w.m);
	map = written(&w, cdp_identity_write_map);
	world_close(&w);
	return map;
}

/* Days in any order, with publishing in between, of any length. */
static void days_give_the_map_of_one_run(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history(r, round % 2, round % 3 == 0), at = 0;
		char *x = map_of(r, n, NULL), *y;
		struct world w;

		shuffle(r, n);
		world_open(&w, kinds);
		while (at < n) {
			int k = 1 + (int)rnd((unsigned)(n - at));

			learn(&w, r + at, k, false);
			cdp_identity_publish(w.m);
			at += k;
		}
		y = written(&w, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		world_close(&w);
	}
	is_int(bad, 0, "days give the map of one run, byte for byte, names and all");
}

/* The history in which nothing says that x and y belong together. */
static int without_link(const struct record *r, int n, int x, int y, struct record *out)
{
	int k = 0;

	for (int i = 0; i < n; i++) {
		int has_x = -1, has_y = -1;

		for (int j = 0; j < r[i].n; j++) {
			has_x = r[i].id[j] == x ? j : has_x;
			has_y = r[i].id[j] == y ? j : has_y;
		}
		out[k++] = r[i];
		if (has_x < 0 || has_y < 0 || (is_firm(r[i].id[0]) && has_x && has_y))
			continue;
		/* One record without each; of a firm one and what it is linked to, the
		 * other is only seen. */
		out[k] = r[i];
		for (int which = 0; which < 2; which++) {
			struct record *o = &out[k - 1 + which];
			int drop = which ? x : y, m = 0;

			for (int j = 0; j < r[i].n; j++)
				if (r[i].id[j] != drop)
					o->id[m++] = r[i].id[j];
			o->n = m;
			if (is_firm(r[i].id[0]) && r[i].id[0] == drop) {
				o->id[0] = which ? y : x;
				o->n = 1;
			}
		}
		k++;
	}
	return k;
}

static void same_source(struct record *r, int n)
{
	/* The source follows the first id, which differs in the two histories. */
	for (int i = 0; i < n; i++)
		if (r[i].ms < 0)
			r[i].ms = 7;
}

static char *drop_sources(char *map)
{
	char *w = map;

	for (const char *p = map; *p;) {
		if (strncmp(p, ",\"source\":", 10) == 0)
			p += strcspn(p, "}");
		else
			*w++ = *p++;
	}
	*w = '\0';
	return map;
}

static struct cdp_idexclude *exclude_pair(int x, int y)
{
	struct cdp_idexclude *e = cdp_calloc(1, sizeof(*e));
	const int id[2] = { x, y };
	uint32_t k[2];

	e->keys = cdp_intern_new(0);
	e->print = 1;
	for (int i = 0; i < 2; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%s%cv%d", kind_name[id[i] / VALUES],
				 0, id[i] % VALUES);

		k[i] = cdp_intern_put(e->keys, text, (size_t)n, NULL);
	}
	CDP_GROW(e->v, 0, e->cap);
	e->v[e->n++] = (struct cdp_idpair){ k[0], k[1] };
	return e;
}

static void parted_is_as_never_linked(void)
{
	int bad_part = 0, bad_exclude = 0, told = 0;

	for (int round = 0; round < ROUNDS * 2; round++) {
		struct record r[RECORDS + 1], without[2 * RECORDS + 1];
		int n = history(r, round % 2, false), k, x, y;
		struct cdp_idexclude *e;
		char *a, *b, *c, *plain;

		k = (int)rnd((unsigned)n);
		x = r[k].id[0];
		y = r[k].n > 1 ? r[k].id[1 + (int)rnd((unsigned)r[k].n - 1)] : IDS - 1;
		if (x / VALUES == y / VALUES)
			continue;
		same_source(r, n);
		k = without_link(r, n, x, y, without);
		e = exclude_pair(x, y);
		a = drop_sources(map_of(r, n, e));
		b = drop_sources(map_of(without, k, NULL));
		plain = drop_sources(map_of(r, n, NULL));
		bad_exclude += strcmp(a, b) != 0;
		told += strcmp(a, plain) != 0;
		free(a);
		free(b);
		r[n] = (struct record){
			.ms = 900, .type = "unbind", .n = 2, .id = { x, y }
		};
		without[k] = r[n];
		without[k].type = "relation";
		shuffle(r, n + 1);
		a = drop_sources(map_of(r, n + 1, NULL));
		c = drop_sources(map_of(without, k + 1, NULL));
		bad_part += strcmp(a, c) != 0;
		free(a);
		free(c);
		free(plain);
		cdp_idexclude_free(e);
	}
	is_int(bad_part, 0, "an unbind is as if the two had never been linked");
	is_int(bad_exclude, 0, "so is an exclusion");
	ok(told > ROUNDS / 10, "which made a difference %d times", told);
}

static void what_was_known_then(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS], then[RECORDS];
		int n = history(r, round % 2, false), k = 0, at = (int)rnd(80);
		struct world a, b;

		for (int i = 0; i < n; i++)
			if (r[i].ms >= 0 && r[i].ms <= at)
				then[k++] = r[i];
		world_open(&a, kinds);
		world_open(&b, kinds);
		learn(&a, r, n, false);
		cdp_identity_publish(a.m);
		cdp_identity_known_at(a.m, 1704067200000 + at);
		cdp_identity_publish(a.m);
		learn(&b, then, k, false);
		cdp_identity_publish(b.m);
		for (int i = 0; i < IDS; i++)
			bad += b.number[i] != UINT32_MAX &&
			       name_of(&a, i) != name_of(&b, i);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "persons as known at a time are those of the records up to it");
}

static void journal_brings_it_back(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history(r, false, round % 2), half = n / 2;
		struct cdp_buf log;
		struct cdp_err err;
		struct world a, b;
		char *x, *y;

		cdp_buf_init(&log, CDP_BUF_NOMAX);
		world_open(&a, kinds);
		world_open(&b, kinds);
		learn(&a, r, half, false);
		learn(&b, r, half, false);
		cdp_identity_log(a.m, &log);
		learn(&a, r + half, n - half, false);
		if (cdp_identity_relearn(b.m, log.p, log.n, &err) < 0)
			bad++;
		cdp_identity_publish(a.m);
		cdp_identity_publish(b.m);
		x = written(&a, cdp_identity_write_map);
		y = written(&b, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		/* Damage is an error, not a crash. */
		if (log.n) {
			log.p[rnd((unsigned)log.n)] ^= (char)(1 + rnd(255));
			cdp_identity_relearn(b.m, log.p, log.n, &err);
		}
		cdp_buf_release(&log);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "a log of evidence brings back the same map");
}

/* --- vectors by hand --- */

static void learn_lines(struct world *w, const char *lines, bool trusted)
{
	const uint32_t *ids;

	read_lines(w, lines, trusted);
	for (size_t i = 0; i < w->sights.n; i++)
		cdp_identity_learn(w->m, &w->sights, i, source, w, &ids);
	cdp_identity_add_unusable(w->m, &w->sights);
	cdp_identity_publish(w->m);
}

/* one_id of the record in `line`, 0 if it has none. */
static uint64_t of(struct world *w, const char *line)
{
	const uint32_t *ids;
	uint64_t one_id;
	size_t n;

	read_lines(w, line, false);
	n = cdp_identity_learn(w->m, &w->sights, 0, source, w, &ids);
	return cdp_identity_of(w->m, ids, n, CDP_IDENTITY_NO_TIME, &one_id) ? one_id : 0;
}

static void shared_phone_of_two(void)
{
	static const char lines[] =
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"phone\":\"13912345678\",\"customer\":\"1\"}}\n"
		"{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		"{\"phone\":\"+86 139 1234 5678\",\"customer\":\"2\"}}\n";
	struct cdp_idkinds *k = cdp_idkinds_default();
	uint64_t one, two, phone;
	struct world w;
	char *text;

	world_open(&w, k);
	learn_lines(&w, lines, true);
	one = of(&w, "{\"ids\":{\"customer\":\"1\"}}\n");
	two = of(&w, "{\"ids\":{\"customer\":\"2\"}}\n");
	phone = of(&w, "{\"ids\":{\"phone\":\"13912345678\"}}\n");
	ok(one && two && phone && one != two, "V17: two customers are two persons");
	ok(phone != one && phone != two, "V17: their phone is attached to neither");
	ok(of(&w, "{\"ids\":{\"phone\":\"13912345678\",\"customer\":\"2\"}}\n") == two,
	   "V17: with the customer it is the customer");
	text = written(&w, cdp_identity_write_conflicts);
	ok(strncmp(text,
		   "{\"conflict\":\"contested\",\"time\":\"2024-01-01T00:00:02.000Z\","
		   "\"ids\":{\"phone\":\"+8613912345678\"},",
		   91) == 0,
	   "V17: the conflict is logged with the time it arose");
	free(text);
	world_close(&w);
	cdp_idkinds_free(k);
}

static void limit_of_one_user(void)
{
	static const char json[] =
		"{\"kinds\":[{\"name\":\"user\",\"unique\":true},{\"name\":\"email\"}]}";
	static const char lines[] =
		"{\"type\":\"profile\",\"time\":\"2024-01-01T00:00:01.000Z\",\"ids\":"
		"{\"user\":\"abc123\",\"email\":\"j@x.com\"}}\n"
		"{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		"{\"user\":\"abc456\",\"email\":\"j@x.com\"}}\n";
	struct cdp_err err;
	struct cdp_idkinds *k = cdp_idkinds_parse(json, strlen(json), "x", &err);
	uint64_t one, two;
	struct world w;

	world_open(&w, k);
	learn_lines(&w, lines, false);
	one = of(&w, "{\"ids\":{\"user\":\"abc123\"}}\n");
	two = of(&w, "{\"ids\":{\"user\":\"abc456\",\"email\":\"j@x.com\"}}\n");
	ok(one && two && one != two, "V18: the second user is a new person");
	ok(of(&w, "{\"ids\":{\"email\":\"j@x.com\"}}\n") == one,
	   "V18: the e-mail stays with the first");
	world_close(&w);
	cdp_idkinds_free(k);
}

static void six_orders(void)
{
	static const char *const link[3] = {
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"a\":\"1\",\"b\":\"2\"}}\n",
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"c\":\"3\",\"d\":\"4\"}}\n",
		"{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		"{\"b\":\"2\",\"c\":\"3\"}}\n",
	};
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const char *const json[2] = {
		"{\"kinds\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},"
		"{\"name\":\"d\"}]}",
		"{\"kinds\":[{\"name\":\"a\",\"shared\":true},{\"name\":\"b\","
		"\"shared\":true},{\"name\":\"c\",\"shared\":true},{\"name\":\"d\","
		"\"shared\":true}]}",
	};
	struct cdp_err err;

	for (int set = 0; set < 2; set++) {
		struct cdp_idkinds *k =
			cdp_idkinds_parse(json[set], strlen(json[set]), "x", &err);
		uint64_t all = 0;
		int bad = 0;

		for (int i = 0; i < 6; i++) {
			struct world w;
			char *text = cdp_asprintf("%s%s%s", link[order[i][0]],
						  link[order[i][1]], link[order[i][2]]);
			uint64_t a, d;

			world_open(&w, k);
			learn_lines(&w, text, true);
			a = of(&w, "{\"ids\":{\"a\":\"1\"}}\n");
			d = of(&w, "{\"ids\":{\"d\":\"4\"}}\n");
			all = i ? all : a;
			bad += !a || a != d || a != all;
			world_close(&w);
			free(text);
		}
		is_int(bad, 0, "V19: one person with the same id in all six orders (%s)",
		       set ? "shared" : "plain");
		cdp_idkinds_free(k);
	}
}

static void what_counts_as_an_id(void)
{
	struct cdp_idkinds *k = cdp_idkinds_default();
	struct cdp_identity_counts c;
	struct world w;

	world_open(&w, k);
	learn_lines(
		&w,
		"{\"ids\":{\"device\":\"null\",\"customer\":\"1\"}}\n"
		"{\"ids\":{\"device\":\"null\",\"customer\":\"2\"}}\n"
		"{\"ids\":{\"phone\":\"123\",\"device\":\"d1\"}}\n"
		"{\"ids\":{\"session\":\"s1\",\"device\":\"d1\"}}\n"
		"{\"ids\":{\"session\":\"s1\",\"device\":\"d2\"}}\n"
		"{\"type\":\"relation\",\"ids\":{\"customer\":\"1\",\"login\":\"l\"}}\n"
		"{\"ids\":{\"cust\\u006fmer\":\"3\",\"device\":\"d\\u0033\"}}\n",
		false);
	ok(!of(&w, "{\"ids\":{\"device\":\"null\"}}\n"), "a blocked value is no id");
	ok(!of(&w, "{\"ids\":{\"ip\":\"1.2.3.4\"}}\n"), "a kind that is off is no id");
	ok(!of(&w, "{\"ids\":{\"phone\":\"123\"}}\n"),
	   "a phone of three digits is no id");
	ok(!of(&w, "{\"ids\":{}}\n"), "no ids, no person");
	ok(!of(&w, "{\"ids\":{\"customer\":12}}\n"), "a number is no id");
	ok(of(&w, "{\"ids\":{\"device\":\"d1\"}}\n") !=
		   of(&w, "{\"ids\":{\"device\":\"d2\"}}\n"),
	   "an undeclared kind links nothing");
	ok(of(&w, "{\"ids\":{\"login\":\"l\"}}\n") !=
		   of(&w, "{\"ids\":{\"customer\":\"1\"}}\n"),
	   "a relation links nothing");
	ok(of(&w, "{\"ids\":{\"customer\":\"3\"}}\n") ==
		   of(&w, "{\"ids\":{\"device\":\"d3\"}}\n"),
	   "escaped names and values are read");
	learn_lines(&w, "{\"ids\":{\"session\":\"s9\"}}\n", false);
	ok(of(&w, "{\"ids\":{\"session\":\"s9\"}}\n") != 0,
	   "an undeclared kind alone is a person");
	cdp_identity_count(w.m, &c);
	is_int((int64_t)c.blocked, 3, "blocked values are counted");
	is_int((int64_t)c.invalid, 1, "so are those without a normal form");
	world_close(&w);
	cdp_idkinds_free(k);
}

/* Values of all shapes come out as they went in, and none is taken for another. */
static void values_are_kept_as_they_are(void)
{
	static const char json[] =
		"{\"kinds\":[{\"name\":\"a\",\"normalise\":\"none\"}],\"junk\":false}";
	static const char *const letters[] = { "01",   "0123456789abcdef",  "0aF", "aZ_-",
					       "a +.", "0123456789xyzXYZ-_" };
	struct cdp_err err;
	struct cdp_idkinds *k = cdp_idkinds_parse(json, strlen(json), "x", &err);
	struct cdp_intern *seen = cdp_intern_new(0);
	struct cdp_buf lines;
	int bad = 0, rows = 0;
	struct world w;
	char *text;

	cdp_buf_init(&lines, CDP_BUF_NOMAX);
	for (int i = 0; i < 3000; i++) {
		const char *from = letters[rnd(6)];
		size_t n = 1 + rnd(i % 3 ? 6 : 255), len = strlen(from);
		char value[256];

		for (size_t c = 0; c < n; c++)
			value[c] = from[rnd((unsigned)len)];
		if (rnd(4) == 0)
			value[0] = '+';
		cdp_intern_put(seen, value, n, NULL);
		cdp_buf_addf(&lines, "{\"ids\":{\"a\":\"%.*s\"}}\n", (int)n, value);
	}
	world_open(&w, k);
	learn_lines(&w, cdp_buf_str(&lines), false);
	text = written(&w, cdp_identity_write_map);
	for (char *p = text, *q; (p = strstr(p, "\"value\":\"")) != NULL; p = q) {
		p += 9;
		q = strchr(p, '"');
		rows++;
		bad += cdp_intern_get(seen, p, (size_t)(q - p)) == CDP_INTERN_NONE;
	}
	is_int(bad, 0, "values come out as they went in");
	is_int(rows, (int)cdp_intern_count(seen), "and none is taken for another");
	free(text);
	world_close(&w);
	cdp_buf_release(&lines);
	cdp_intern_free(seen);
	cdp_idkinds_free(k);
}

static void merges_say_who_went_where(void)
{
	struct cdp_idkinds *k = cdp_idkinds_default();
	uint64_t cookie, customer;
	struct world w;
	char hex[17] = "", *text;

	world_open(&w, k);
	learn_lines(&w,
		    "{\"time\":\"2024-01-01T00:00:01.000Z\",\"event\":\"e\",\"ids\":"
		    "{\"cookie\":\"k\"}}\n"
		    "{\"time\":\"2024-01-01T00:00:02.000Z\",\"event\":\"e\",\"ids\":"
		    "{\"customer\":\"1\"}}\n",
		    true);
	cookie = of(&w, "{\"ids\":{\"cookie\":\"k\"}}\n");
	customer = of(&w, "{\"ids\":{\"customer\":\"1\"}}\n");
	ok(cookie != customer, "not yet linked, they are two");
	learn_lines(&w,
		    "{\"time\":\"2024-01-01T00:00:03.000Z\",\"event\":\"e\",\"ids\":"
		    "{\"customer\":\"1\",\"cookie\":\"k\"}}\n",
		    true);
	ok(of(&w, "{\"ids\":{\"customer\":\"1\"}}\n") == cookie,
	   "the person seen first survives");
	text = written(&w, cdp_identity_write_merges);
	cdp_hex16(hex, customer);
	ok(strstr(text, "{\"merge\":\"link\",\"time\":\"2024-01-01T00:00:03.000Z\","
			"\"from\":\"") == text &&
		   strstr(text, hex) &&
		   strstr(text, "\"ids\":{\"cookie\":\"k\","
				"\"customer\":\"1\"}}\n"),
	   "the merge is logged");
	free(text);
	learn_lines(&w,
		    "{\"time\":\"2024-01-01T00:00:04.000Z\",\"event\":\"e\",\"ids\":"
		    "{\"customer\":\"2\",\"cookie\":\"k\"}}\n",
		    true);
	ok(of(&w, "{\"ids\":{\"customer\":\"1\"}}\n") == cookie,
	   "the customer keeps the name when the cookie is contested");
	ok(of(&w, "{\"ids\":{\"cookie\":\"k\"}}\n") != cookie,
	   "the contested cookie gets one of its own");
	text = written(&w, cdp_identity_write_merges);
	ok(strncmp(text, "{\"merge\":\"moved\",", 17) == 0, "which is logged");
	free(text);
	world_close(&w);
	cdp_idkinds_free(k);
}

int main(void)
{
	struct cdp_err err;

	kinds = cdp_idkinds_parse(kinds_json, strlen(kinds_json), "kinds", &err);
	agrees_with_oracle();
	order_does_not_matter();
	stream_ends_with_the_same_map();
	days_add_up();
	days_give_the_map_of_one_run();
	parted_is_as_never_linked();
	what_was_known_then();
	journal_brings_it_back();
	shared_phone_of_two();
	limit_of_one_user();
	six_orders();
	what_counts_as_an_id();
	values_are_kept_as_they_are();
	merges_say_who_went_where();
	cdp_idkinds_free(kinds);
	return tap_done();
}
