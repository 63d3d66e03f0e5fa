#include "model/population.h"

#include "base/mem.h"

#include <stdlib.h>

struct pass {
	struct cdp_needs tags, functions, programs;
};

struct cdp_population {
	const struct cdp_tagset *set;
	uint32_t customers;
	struct cdp_census **census; /* by function */
	struct pass *passes;
	unsigned pass_count;
};

/* ---- which pass ---- */

enum { UNKNOWN = -1 };

struct plan {
	const struct cdp_tagset *set;
	int *ready;   /* by tag: the first pass in which it can be computed */
	int *when;    /* by function: its pass */
	int *told;    /* by tag: the pass in which its program is told */
	int latest;   /* of the tags that the function at hand names */
	bool *wanted; /* by tag, of the pass at hand */
};

static void each_tag(const struct cdp_pop *f,
		     void (*use)(void *ctx, enum cdp_use what, int number), void *ctx)
{
	cdp_expr_uses(f->arg, use, ctx);
	if (f->cond)
		cdp_expr_uses(f->cond, use, ctx);
}

static bool is_tag(enum cdp_use what, int ref)
{
	return what == CDP_USE_HOST && cdp_tag_ref_kind(ref) == CDP_TAG_REF_TAG;
}

static void note_latest(void *ctx, enum cdp_use what, int ref)
{
	struct plan *p = ctx;
	int ready = is_tag(what, ref) ? p->ready[cdp_tag_ref_index(ref)] : 0;

	if (ready > p->latest)
		p->latest = ready;
}

/* Tags stand after all that they need, also those named in functions. */
static void place_tag(struct plan *p, unsigned tag)
{
	const struct cdp_tag *t = &p->set->tags[tag];
	int ready = 0;

	for (size_t i = 0; i < t->needs.n; i++)
		if (p->ready[t->needs.v[i]] > ready)
			ready = p->ready[t->needs.v[i]];
	for (size_t i = 0; i < t->functions.n; i++) {
		unsigned f = t->functions.v[i];

		if (p->when[f] == UNKNOWN) {
			p->latest = 0;
			each_tag(cdp_pops_at(p->set->pops, f), note_latest, p);
			p->when[f] = p->latest;
		}
		if (p->when[f] + 1 > ready)
			ready = p->when[f] + 1;
	}
	p->told[tag] = t->program ? ready : UNKNOWN;
	p->ready[tag] = ready + !!t->program;
}

static void want(void *ctx, enum cdp_use what, int ref)
{
	struct plan *p = ctx;

	if (is_tag(what, ref))
		p->wanted[cdp_tag_ref_index(ref)] = true;
}

static void plan_pass(struct plan *p, struct pass *pass, int k)
{
	const struct cdp_tagset *set = p->set;

	p->wanted = cdp_calloc(set->count, sizeof(*p->wanted));
	for (unsigned f = 0; f < cdp_pops_count(set->pops); f++)
		if (p->when[f] == k) {
			cdp_needs_add(&pass->functions, f);
			each_tag(cdp_pops_at(set->pops, f), want, p);
		}
	for (unsigned t = 0; t < set->count; t++)
		if (p->told[t] == k) {
			const struct cdp_needs *needs = &set->tags[t].needs;

			cdp_needs_add(&pass->programs, t);
			for (size_t n = 0; n < needs->n; n++)
				p->wanted[needs->v[n]] = true;
		}
	for (unsigned i = set->count; i-- > 0;) {
		const struct cdp_needs *needs = &set->tags[set->order[i]].needs;

		for (size_t n = 0; p->wanted[set->order[i]] && n < needs->n; n++)
			p->wanted[needs->v[n]] = true;
	}
	for (unsigned i = 0; i < set->count; i++)
		if (p->wanted[set->order[i]])
			cdp_needs_add(&pass->tags, set->order[i]);
	free(p->wanted);
}

static void plan(struct cdp_population *p)
{
	unsigned functions = cdp_pops_count(p->set->pops);
	struct plan all = { .set = p->set };

	all.ready = cdp_calloc(p->set->count, sizeof(*all.ready));
	all.told = cdp_calloc(p->set->count, sizeof(*all.told));
	all.when = cdp_calloc(functions, sizeof(*all.when));
	for (unsigned f = 0; f < functions; f++)
		all.when[f] = UNKNOWN;
	for (unsigned i = 0; i < p->set->count; i++)
		place_tag(&all, p->set->order[i]);
	for (unsigned f = 0; f < functions; f++)
		if (all.when[f] >= (int)p->pass_count)
			p->pass_count = (unsigned)all.when[f] + 1;
	for (unsigned t = 0; t < p->set->count; t++)
		if (all.told[t] >= (int)p->pass_count)
			p->pass_count = (unsigned)all.told[t] + 1;
	p->passes = cdp_calloc(p->pass_count, sizeof(*p->passes));
	for (unsigned k = 0; k < p->pass_count; k++)
		plan_pass(&all, &p->passes[k], (int)k);
	free(all.ready);
	free(all.when);
	free(all.told);
}

struct cdp_population *cdp_population_new(const struct cdp_tagset *set,
					  uint32_t customers)
{
	struct cdp_population *p = cdp_calloc(1, sizeof(*p));

	p->set = set;
	p->customers = customers;
	p->census = cdp_calloc(cdp_pops_count(set->pops), sizeof(struct cdp_census *));
	plan(p);
	return p;
}

void cdp_population_free(struct cdp_population *p)
{
	if (!p)
		return;
	for (unsigned f = 0; f < cdp_pops_count(p->set->pops); f++)
		cdp_census_free(p->census[f]);
	for (unsigned k = 0; k < p->pass_count; k++) {
		free(p->passes[k].tags.v);
		free(p->passes[k].functions.v);
		free(p->passes[k].programs.v);
	}
	free(p->passes);
	free(p->census);
	free(p);
}

/* ---- passes ---- */

unsigned cdp_population_passes(const struct cdp_population *p)
{
	return p->pass_count;
}

const struct cdp_needs *cdp_population_tags(const struct cdp_population *p, unsigned pass)
{
	return &p->passes[pass].tags;
}

const struct cdp_needs *cdp_population_functions(const struct cdp_population *p,
						 unsigned pass)
{
	return &p->passes[pass].functions;
}

const struct cdp_needs *cdp_population_programs(const struct cdp_population *p,
						unsigned pass)
{
	return &p->passes[pass].programs;
}

void cdp_population_begin(struct cdp_population *p, unsigned pass)
{
	const struct cdp_needs *f = cdp_population_functions(p, pass);

	for (size_t i = 0; i < f->n; i++)
		p->census[f->v[i]] =
			cdp_census_new(cdp_pops_at(p->set->pops, f->v[i]), p->customers);
}

void cdp_population_end(struct cdp_population *p, unsigned pass)
{
	const struct cdp_needs *f = cdp_population_functions(p, pass);

	for (size_t i = 0; i < f->n; i++)
		cdp_census_finish(p->census[f->v[i]]);
}

struct cdp_census *cdp_population_census(const struct cdp_population *p,
					 unsigned function)
{
	return p->census[function];
}
