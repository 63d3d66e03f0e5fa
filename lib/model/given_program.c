#include "model/given_program.h"

#include "base/mem.h"
#include "io/in.h"
#include "io/spawn.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

enum { TELL = 64 * 1024 }; /* bytes at once */
#define ANSWERS_MAX ((size_t)256 << 20)

enum { NOT_TOLD, TOLD, ANSWERED };

struct talk {
	struct cdp_given *given;
	const struct cdp_customers *customers;
	const struct cdp_tag_program *program;
	unsigned tag;
	struct cdp_spawn *spawn;
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	int value;
	uint32_t count, next; /* customers; whose answer is expected */
	uint32_t told, answered;
	char *state; /* by place */
	uint64_t lines;
	struct cdp_buf out, in, text;
};

/* --- whose answer --- */

static int compare_key(const struct talk *t, uint32_t place, const char *p, size_t n)
{
	size_t m;
	const char *key = cdp_customers_key(t->customers,
					    cdp_customers_at(t->customers, place), &m);
	int c = memcmp(key, p, m < n ? m : n);

	return c ? c : m < n ? -1 : m > n;
}

/* Most programs answer in order. */
static uint32_t find(struct talk *t, const char *p, size_t n)
{
	uint32_t lo = 0, hi = t->count;

	while (t->next < t->count && t->state[t->next] != TOLD)
		t->next++;
	if (t->next < t->count && compare_key(t, t->next, p, n) == 0)
		return t->next;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = compare_key(t, mid, p, n);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return t->count;
}

static int take(struct talk *t, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const struct cdp_val *v = cdp_rec_get(rec, t->value);
	const char *p;
	uint32_t place;
	size_t n;

	if (id->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_SYS, "there is no 'one_id'");
	p = cdp_val_str(id, &t->text, &n);
	place = find(t, p, n);
	if (place == t->count || t->state[place] == NOT_TOLD)
		return cdp_err_set(err, CDP_ERR_SYS, "it was not told of '%.*s'",
				   (int)(n < 64 ? n : 64), p);
	if (t->state[place] == ANSWERED)
		return cdp_err_set(err, CDP_ERR_SYS, "'%.*s' was answered before",
				   (int)(n < 64 ? n : 64), p);
	if (v->type == CDP_MISSING)
		return cdp_err_set(err, CDP_ERR_SYS, "there is no 'value'");
	t->state[place] = ANSWERED;
	t->answered++;
	if (v->type == CDP_NULL)
		return 0;
	cdp_buf_reset(&t->text);
	cdp_json_val(&t->text, v);
	cdp_given_put(t->given, t->tag, place, t->text.p, t->text.n);
	return 0;
}

/* Whole lines of what has come; at the end, all of it. */
static int take_lines(struct talk *t, bool end, struct cdp_err *err)
{
	const char *last = t->in.n ? memrchr(t->in.p, '\n', t->in.n) : NULL;
	size_t n = end ? t->in.n : last ? (size_t)(last - t->in.p) + 1 : 0;
	struct cdp_rec rec;
	int rc;

	if (n == 0)
		return 0;
	/* What comes after the lines can be read, whatever it is. */
	if (cdp_buf_reserve(&t->in, CDP_IN_PAD) < 0)
		return cdp_err_set(err, CDP_ERR_SYS, "answers pass %zu bytes",
				   ANSWERS_MAX);
	memset(t->in.p + t->in.n, 0, CDP_IN_PAD);
	cdp_scan_block(t->scan, t->in.p, n);
	while ((rc = cdp_scan_next(t->scan, &rec, err)) != 0)
		if (rc < 0 || take(t, &rec, err) < 0) {
			err->kind = CDP_ERR_SYS;
			cdp_err_prefix(err, "'%s': answer %llu", t->program->argv[0],
				       (unsigned long long)(t->lines + rec.line));
			return -1;
		}
	t->lines += cdp_scan_lines(t->scan);
	memmove(t->in.p, t->in.p + n, t->in.n - n);
	t->in.n -= n;
	return 0;
}

/* --- talking --- */

static int tell(struct talk *t, struct cdp_err *err)
{
	if (cdp_spawn_talk(t->spawn, t->out.p, t->out.n, &t->in, err) < 0)
		return -1;
	cdp_buf_reset(&t->out);
	return take_lines(t, false, err);
}

static int tell_all(struct talk *t, struct cdp_profiler *p, unsigned pass,
		    struct cdp_err *err)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (!cdp_profiler_tell(p, pass, t->tag, i, &t->out))
			continue;
		t->state[i] = TOLD;
		t->told++;
		if (t->out.n >= TELL && tell(t, err) < 0)
			return -1;
	}
	return t->out.n ? tell(t, err) : 0;
}

static int finish(struct talk *t, struct cdp_err *err)
{
	struct cdp_spawn *s = t->spawn;
	int status;

	t->spawn = NULL;
	if (cdp_spawn_finish(s, &t->in, &status, err) < 0)
		return -1;
	if (status > 128)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' was ended by signal %d",
				   t->program->argv[0], status - 128);
	if (status)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' ended with status %d",
				   t->program->argv[0], status);
	if (take_lines(t, true, err) < 0)
		return -1;
	if (t->answered < t->told)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "'%s' left %u of %u customers without an answer",
				   t->program->argv[0], t->told - t->answered, t->told);
	return 0;
}

static int run(struct talk *t, struct cdp_profiler *p, unsigned pass, struct cdp_err *err)
{
	/* It takes no constant strings, and changes none. */
	char *const *argv = (char *const *)(uintptr_t)t->program->argv;

	t->spawn = cdp_spawn_start(argv, t->program->timeout_ms, err);
	if (!t->spawn)
		return -1;
	return tell_all(t, p, pass, err) < 0 ? -1 : finish(t, err);
}

int cdp_given_ask(struct cdp_given *g, const struct cdp_tagset *set,
		  struct cdp_profiler *p, unsigned pass, unsigned tag,
		  struct cdp_err *err)
{
	struct talk t = { .given = g,
			  .customers = cdp_profiler_customers(p),
			  .program = set->tags[tag].program,
			  .tag = tag };
	int ret;

	t.paths = cdp_paths_new();
	t.value = cdp_paths_add(t.paths, "value", 5, err);
	t.scan = cdp_scan_new(t.paths);
	t.count = cdp_customers_count(t.customers);
	t.state = cdp_calloc(t.count, 1);
	cdp_buf_init(&t.out, CDP_BUF_NOMAX);
	cdp_buf_init(&t.in, ANSWERS_MAX);
	cdp_buf_init(&t.text, CDP_BUF_NOMAX);
	ret = run(&t, p, pass, err);
	cdp_spawn_kill(t.spawn);
	if (ret < 0)
		cdp_err_prefix(err, "tag '%s'", set->tags[tag].name);
	cdp_buf_release(&t.out);
	cdp_buf_release(&t.in);
	cdp_buf_release(&t.text);
	free(t.state);
	cdp_scan_free(t.scan);
	cdp_paths_free(t.paths);
	return ret;
}
