/* Audiences decided as profiles come: what is told to have changed is what deciding
 * every rule anew finds. */
#include "base/mem.h"
#include "io/in.h"
#include "model/live.h"
#include "rule_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RULES = 60, MANY = 700, WORDS = (MANY + 2 + 63) / 64, PEOPLE = 24, STEPS = 500 };

struct world {
	bool values; /* many rules over the values of one tag */
	unsigned rules;
	struct cdp_paths *paths;
	struct cdp_segments *s;
	struct cdp_members *given;
	uint64_t *wanted;
	struct cdp_live *live;
	struct cdp_scan *scan;
	struct cdp_eval *ev;
	struct person {
		char *profile; /* NULL: none */
		size_t n;
		uint32_t *classes;
		uint64_t in[WORDS]; /* as was told */
	} people[PEOPLE];
};

static const struct cdp_run run = { .as_of = { 1714521600, 0 } };

/* ---- a world ---- */

/* # stands for the number. */
static void value_rule(struct cdp_buf *b, unsigned i)
{
	static const char *const forms[] = { "tags.a == 'v#'",
					     "tags.a != 'v#'",
					     "tags.a in ['v#', 'v0', 'v#', 'v7']",
					     "tags.a == 'v#' && has(tags.b)",
					     "tags.n == #",
					     "tags.n >= #",
					     "!(tags.a == 'v#')" };

	for (const char *p = forms[i % 7]; *p; p++)
		if (*p == '#')
			cdp_buf_addu(b, i);
		else
			cdp_buf_addc(b, *p);
}

static const char *definitions(const struct world *w, char *path)
{
	struct cdp_buf b;
	int fd;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"segments\":[");
	for (unsigned i = 0; i < w->rules; i++) {
		cdp_buf_addf(&b, "%s{\"name\":\"s%u\",\"when\":\"", i ? "," : "", i);
		if (w->values)
			value_rule(&b, i);
		else
			world_rule(&b, 3, i);
		cdp_buf_addf(&b, "\"%s}\n", world_pick(8) ? "" : ",\"sample\":50");
	}
	cdp_buf_adds(&b, "]}");
	fd = mkstemp(path);
	if (write(fd, b.p, b.n) != (ssize_t)b.n)
		puts("Bail out! cannot write");
	close(fd);
	cdp_buf_release(&b);
	return path;
}

static void give(struct world *w)
{
	w->given = cdp_members_new(2);
	for (unsigned i = 0; i < PEOPLE; i++)
		for (unsigned g = 0; g < 2; g++) {
			char key[8];
			int n = snprintf(key, sizeof(key), "%04u", i);

			if (world_pick(2))
				cdp_bit_set(cdp_members_put(w->given, key, (size_t)n), g);
		}
}

static bool begin(struct world *w, bool values)
{
	char path[] = "/tmp/test_live.XXXXXX";
	struct cdp_intern *names = cdp_intern_new(0);
	struct cdp_segments_given given = { .names = names };
	struct cdp_err err;

	*w = (struct world){ .paths = cdp_paths_new(),
			     .values = values,
			     .rules = values ? MANY : RULES };
	cdp_intern_put(names, "g0", 2, NULL);
	cdp_intern_put(names, "g1", 2, NULL);
	w->s = cdp_segments_load(definitions(w, path), w->paths, &given, &err);
	unlink(path);
	cdp_intern_free(names);
	if (!w->s) {
		printf("# %s\n", err.msg);
		return false;
	}
	give(w);
	w->wanted = cdp_calloc(cdp_bit_words(w->s->count), sizeof(*w->wanted));
	for (unsigned i = 0; i < w->rules; i++)
		if (world_pick(4))
			cdp_bit_set(w->wanted, i);
	w->live = cdp_live_new(w->s, w->wanted, w->given, &run);
	w->scan = cdp_scan_new(w->paths);
	w->ev = cdp_eval_new(&run);
	return true;
}

static void end(struct world *w)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		free(w->people[i].profile);
		free(w->people[i].classes);
	}
	cdp_live_free(w->live);
	cdp_scan_free(w->scan);
	cdp_eval_free(w->ev);
	cdp_members_free(w->given);
	free(w->wanted);
	cdp_segments_free(w->s);
	cdp_paths_free(w->paths);
}

/* ---- steps ---- */

static struct cdp_rec *record(struct world *w, const struct person *p)
{
	static struct cdp_rec rec;
	struct cdp_err err;

	cdp_scan_block(w->scan, p->profile, p->n);
	return cdp_scan_next(w->scan, &rec, &err) > 0 ? &rec : NULL;
}

/* Deciding every rule anew. */
static void expect(struct world *w, unsigned i, uint64_t *in)
{
	const struct person *p = &w->people[i];
	uint64_t bits[WORDS] = { 0 }, errors[MANY + 2] = { 0 };
	const uint64_t *given;
	struct cdp_err err;
	char key[8];
	int n = snprintf(key, sizeof(key), "%04u", i);

	memset(in, 0, WORDS * sizeof(*in));
	if (!p->profile)
		return;
	given = cdp_members_get(w->given, key, (size_t)n);
	for (unsigned g = 0; given && g < 2; g++)
		if (cdp_bit(given, g))
			cdp_bit_set(bits, w->rules + g);
	cdp_segments_decide(w->s, w->ev, NULL, record(w, p), bits, errors, &err);
	for (unsigned k = 0; k < cdp_bit_words(w->s->count); k++)
		in[k] = bits[k] & w->wanted[k];
}

static void add_profile(struct world *w, struct cdp_buf *b, unsigned i)
{
	if (!w->values) {
		world_profile(b, i);
		return;
	}
	cdp_buf_addf(b, "{\"one_id\":\"%04u\",\"tags\":{\"b\":1", i);
	if (world_pick(9))
		cdp_buf_addf(b, ",\"a\":\"v%u\"", world_pick(MANY + 9));
	if (world_pick(9))
		cdp_buf_addf(b, ",\"n\":%u", world_pick(MANY + 9));
	cdp_buf_adds(b, "}}\n");
}

static void change(struct world *w, unsigned i)
{
	struct person *p = &w->people[i];
	struct cdp_buf b;

	if (p->profile && world_pick(8) == 0)
		return; /* it comes again as it was */
	free(p->profile);
	p->profile = NULL;
	if (world_pick(8) == 0)
		return;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	add_profile(w, &b, i);
	p->n = b.n;
	cdp_buf_reserve(&b, CDP_IN_PAD);
	memset(b.p + b.n, 0, CDP_IN_PAD);
	p->profile = b.p;
}

static void keep_classes(struct world *w, struct person *p)
{
	size_t size = cdp_live_columns(w->live) * sizeof(*p->classes);

	free(p->classes);
	p->classes = NULL;
	if (p->profile)
		p->classes = cdp_memdup(cdp_live_classes(w->live), size);
}

/* False: something else was told. */
static bool step(struct world *w, bool by_classes, size_t *told)
{
	unsigned i = world_pick(PEOPLE);
	struct person *p = &w->people[i];
	const struct cdp_live_change *v;
	uint64_t want[WORDS];
	char key[8];
	int n = snprintf(key, sizeof(key), "%04u", i);
	bool fine = true;
	size_t count;

	cdp_live_begin(w->live, key, (size_t)n);
	if (by_classes && p->classes)
		cdp_live_was_classes(w->live, p->classes);
	else if (p->profile)
		cdp_live_was(w->live, record(w, p));
	change(w, i);
	if (p->profile)
		cdp_live_is(w->live, record(w, p));
	count = cdp_live_decide(w->live, &v);
	for (size_t k = 0; k < count; k++) {
		fine = fine && (k == 0 || v[k - 1].set < v[k].set) &&
		       cdp_bit(p->in, v[k].set) != v[k].entered;
		p->in[v[k].set / 64] ^= (uint64_t)1 << v[k].set % 64;
	}
	keep_classes(w, p);
	expect(w, i, want);
	for (unsigned k = 0; k < w->rules && fine; k++)
		if (cdp_bit(want, k) != cdp_bit(p->in, k)) {
			printf("# s%u of %s\n", k, p->profile ? p->profile : "nobody");
			fine = false;
		}
	*told += count;
	return fine;
}

static void streams(bool values, unsigned rounds, unsigned least, const char *what)
{
	size_t told = 0;
	int bad = 0;

	for (unsigned round = 0; round < rounds && bad == 0; round++) {
		struct world w;

		if (!begin(&w, values)) {
			bad++;
			break;
		}
		for (unsigned i = 0; i < STEPS && bad == 0; i++)
			bad += !step(&w, round % 2, &told);
		end(&w);
	}
	is_int(bad, 0, "%s: what is told to change is what deciding anew finds", what);
	ok(told > least, "%s: much changed", what);
}

int main(void)
{
	streams(false, 40, 100000, "random rules");
	streams(true, 4, 100000, "many values");
	return tap_done();
}
