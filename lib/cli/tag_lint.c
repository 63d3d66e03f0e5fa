#include "cli/tag_lint.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "cli/used_in.h"
#include "model/meaning.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct cdp_tag_lint {
	struct cdp_cli *cli;
	const struct cdp_tagset *set;
	struct cdp_rows *rows;
};

struct cdp_tag_lint *cdp_tag_lint_new(struct cdp_cli *cli, const struct cdp_tagset *set)
{
	struct cdp_tag_lint *l = cdp_calloc(1, sizeof(*l));

	l->cli = cli;
	l->set = set;
	l->rows = cdp_rows_new(cli);
	return l;
}

void cdp_tag_lint_free(struct cdp_tag_lint *l)
{
	if (!l)
		return;
	(void)cdp_rows_free(l->rows); /* finish meets a failed output */
	free(l);
}

/* A finding about a tag; `why` is JSON text or NULL. */
static void find(struct cdp_tag_lint *l, const char *finding, unsigned tag,
		 const struct cdp_buf *why)
{
	cdp_rows_begin(l->rows, "lint");
	cdp_rows_cstr(l->rows, "finding", finding);
	cdp_rows_cstr(l->rows, "tag", l->set->tags[tag].name);
	if (why)
		cdp_rows_json(l->rows, "why", why->p, why->n);
	else
		cdp_rows_null(l->rows, "why");
	(void)cdp_rows_end(l->rows);
}

/* --- definitions --- */

static void find_alike(struct cdp_tag_lint *l)
{
	struct cdp_intern *meanings = cdp_intern_new(0);
	unsigned *first = cdp_calloc(l->set->count, sizeof(*first));
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < l->set->count; i++) {
		bool added;
		uint32_t k;

		if (!cdp_tag_meaning(&l->set->tags[i], &b))
			continue;
		k = cdp_intern_put(meanings, b.p, b.n, &added);
		if (added) {
			first[k] = i;
			continue;
		}
		cdp_buf_reset(&b);
		cdp_value_json(&b,
			       &(struct cdp_value){
				       .type = CDP_V_STRING,
				       .s = { l->set->tags[first[k]].name,
					      strlen(l->set->tags[first[k]].name) } });
		find(l, "duplicate", i, &b);
	}
	cdp_buf_release(&b);
	cdp_intern_free(meanings);
	free(first);
}

static bool same_schedule(const struct cdp_tag *a, const struct cdp_tag *b)
{
	const struct cdp_schedule *x = a->about.schedule, *y = b->about.schedule;

	return x && y && strcmp(cdp_schedule_text(x), cdp_schedule_text(y)) == 0;
}

/* What is computed on some days alone is older than what is computed from it on others.
 */
static void find_older(struct cdp_tag_lint *l)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < l->set->count; i++)
		for (size_t k = 0; k < l->set->tags[i].needs.n; k++) {
			const struct cdp_tag *t = &l->set->tags[i],
					     *need = &l->set->tags[t->needs.v[k]];

			if (!need->about.schedule || same_schedule(need, t))
				continue;
			cdp_buf_reset(&b);
			cdp_json_cstr(&b, need->name);
			find(l, "older", i, &b);
		}
	cdp_buf_release(&b);
}

static const char *name_of(const void *set, unsigned i)
{
	return ((const struct cdp_tagset *)set)->tags[i].name;
}

static int find_unused(struct cdp_tag_lint *l, const struct cdp_strs *users)
{
	bool *used = cdp_calloc(l->set->count, sizeof(*used));
	int ret;

	for (unsigned i = 0; i < l->set->count; i++)
		for (size_t k = 0; k < l->set->tags[i].needs.n; k++)
			used[l->set->tags[i].needs.v[k]] = true;
	ret = cdp_cli_used_in(l->cli, users, l->set->count, name_of, l->set, used);
	for (unsigned i = 0; ret == 0 && i < l->set->count; i++)
		if (!used[i])
			find(l, "unused", i, NULL);
	free(used);
	return ret;
}

int cdp_tag_lint_definitions(struct cdp_tag_lint *l, const struct cdp_strs *users)
{
	find_alike(l);
	find_older(l);
	return users->n ? find_unused(l, users) : 0;
}

/* --- a run --- */

/* The values of one tag. */
struct seen {
	uint64_t n;
	struct cdp_buf first;
	bool differ;
};

static void see(struct seen *s, const struct cdp_value *v, struct cdp_buf *text)
{
	if (v->type == CDP_V_NULL)
		return;
	if (s->n++ == 0) {
		cdp_value_json(&s->first, v);
	} else if (!s->differ) {
		cdp_buf_reset(text);
		cdp_value_json(text, v);
		s->differ = text->n != s->first.n ||
			    memcmp(text->p, s->first.p, text->n) != 0;
	}
}

static void tell(struct cdp_tag_lint *l, struct cdp_profiler *p, unsigned tag,
		 const struct seen *s, uint32_t customers)
{
	const char *message;
	uint64_t errors = cdp_profiler_errors(p, tag, &message);
	struct cdp_buf why;

	cdp_buf_init(&why, CDP_BUF_NOMAX);
	if (errors)
		cdp_value_json(&why,
			       &(struct cdp_value){ .type = CDP_V_STRING,
						    .s = { message, strlen(message) } });
	if (errors == customers)
		find(l, "error", tag, &why);
	else if (s->n == 0)
		find(l, "no_value", tag, errors ? &why : NULL);
	else if (s->n == customers && customers > 1 && !s->differ)
		find(l, "one_value", tag, &s->first);
	cdp_buf_release(&why);
}

void cdp_tag_lint_run(void *lint, const struct cdp_profile_spec *spec)
{
	struct cdp_tag_lint *l = lint;
	const struct cdp_tagset *set = l->set;
	uint32_t customers = cdp_customers_count(spec->customers);
	struct seen *seen = cdp_calloc(set->count, sizeof(*seen));
	struct cdp_profiler *p = cdp_profiler_new(spec);
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < set->count; i++)
		cdp_buf_init(&seen[i].first, CDP_BUF_NOMAX);
	for (uint32_t k = 0; k < customers; k++) {
		cdp_profiler_turn(p, k);
		for (unsigned i = 0; i < set->count; i++)
			see(&seen[set->order[i]], cdp_profiler_tag(p, set->order[i]),
			    &text);
		cdp_profiler_done(p);
	}
	for (unsigned i = 0; i < set->count; i++) {
		if (customers)
			tell(l, p, i, &seen[i], customers);
		cdp_buf_release(&seen[i].first);
	}
	cdp_buf_release(&text);
	cdp_profiler_free(p);
	free(seen);
}
