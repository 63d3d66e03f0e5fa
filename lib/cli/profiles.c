#include "cli/profiles.h"

#include "base/mem.h"
#include "cli/ordered.h"
#include "model/changes.h"
#include "model/given_program.h"

#include <stdlib.h>

enum { CHUNK = 1024 }; /* customers */

/* Errors by tag or function, and what one of them says (a copy). */
struct failures {
	uint64_t n;
	char *message;
};

struct writer {
	struct cdp_profile_spec spec;
	struct failures *tags, *functions;
	uint64_t *valued; /* by tag: customers who have a value */
};

static void note(struct failures *f, uint64_t n, const char *message)
{
	if (n && !f->n)
		f->message = cdp_strdup(message);
	f->n += n;
}

/* --- workers --- */

struct worker {
	struct cdp_profiler *profiler;
	struct cdp_changes *changes;
	unsigned pass; /* surveys alone */
	uint32_t customers;
};

struct job {
	struct writer *w;
	unsigned pass;
};

static void *new_worker(void *ctx)
{
	const struct job *job = ctx;
	struct worker *k = cdp_calloc(1, sizeof(*k));

	k->profiler = cdp_profiler_new(&job->w->spec);
	k->changes = job->w->spec.changes;
	k->pass = job->pass;
	k->customers = cdp_customers_count(job->w->spec.customers);
	return k;
}

static void free_worker(struct worker *k)
{
	cdp_profiler_free(k->profiler);
	free(k);
}

static uint32_t end_of(const struct worker *k, uint64_t chunk)
{
	uint64_t to = (chunk + 1) * CHUNK;

	return to < k->customers ? (uint32_t)to : k->customers;
}

static uint64_t survey(void *worker, uint64_t chunk, struct cdp_buf *out)
{
	struct worker *k = worker;

	(void)out;
	for (uint32_t i = (uint32_t)(chunk * CHUNK); i < end_of(k, chunk); i++)
		cdp_profiler_survey(k->profiler, k->pass, i);
	return 0;
}

static void end_survey(void *ctx, void *worker)
{
	const struct job *job = ctx;
	struct worker *k = worker;
	const char *message;

	for (unsigned f = 0; f < cdp_pops_count(job->w->spec.set->pops); f++) {
		uint64_t n = cdp_profiler_left_out(k->profiler, f, &message);

		note(&job->w->functions[f], n, message);
	}
	free_worker(k);
}

static uint64_t make_lines(void *worker, uint64_t chunk, struct cdp_buf *out)
{
	uint32_t from = (uint32_t)(chunk * CHUNK), to;
	struct worker *k = worker;
	uint64_t lines = 0;

	to = end_of(k, chunk);
	for (uint32_t i = from; i < to; i++) {
		size_t before;

		if (k->changes)
			lines += cdp_changes_gone(k->changes, i, i + 1, out);
		before = out->n;
		cdp_profiler_line(k->profiler, i, out);
		if (k->changes &&
		    !cdp_changes_line(k->changes, i, out->p + before, out->n - before))
			out->n = before;
		else
			lines++;
	}
	return lines;
}

/* Those who would stand after everybody else. */
static void write_last(struct cdp_cli *cli, const struct cdp_profile_spec *spec)
{
	struct cdp_buf out;

	if (!spec->changes)
		return;
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cli->counts.out += cdp_changes_gone(
		spec->changes, cdp_customers_count(spec->customers), UINT32_MAX, &out);
	cdp_out_write(cdp_cli_out(cli), out.p, out.n);
	cdp_buf_release(&out);
}

static void end_lines(void *ctx, void *worker)
{
	const struct job *job = ctx;
	struct worker *k = worker;
	const char *message;

	for (unsigned t = 0; t < job->w->spec.set->count; t++) {
		uint64_t n = cdp_profiler_errors(k->profiler, t, &message);

		note(&job->w->tags[t], n, message);
		job->w->valued[t] += cdp_profiler_valued(k->profiler, t);
	}
	free_worker(k);
}

/* --- passes --- */

static void run_survey(struct cdp_cli *cli, struct writer *w, unsigned pass)
{
	struct job job = { w, pass };
	struct cdp_ordered o = {
		.ctx = &job,
		.chunks = ((uint64_t)cdp_customers_count(w->spec.customers) + CHUNK - 1) /
			  CHUNK,
		.worker = new_worker,
		.make = survey,
		.done = end_survey,
	};

	cdp_population_begin(w->spec.population, pass);
	if (cdp_population_functions(w->spec.population, pass)->n)
		cdp_cli_write_ordered(cli, &o);
	cdp_population_end(w->spec.population, pass);
}

static int run_programs(struct cdp_cli *cli, struct writer *w, unsigned pass)
{
	const struct cdp_needs *tags = cdp_population_programs(w->spec.population, pass);
	struct cdp_profiler *p;
	struct cdp_err err;
	int ret = 0;

	if (!tags->n)
		return 0;
	p = cdp_profiler_new(&w->spec);
	for (size_t i = 0; ret == 0 && i < tags->n; i++)
		ret = cdp_given_ask(w->spec.given, w->spec.set, p, pass, tags->v[i],
				    &err);
	cdp_profiler_free(p);
	if (ret < 0)
		cdp_cli_report(cli, &err);
	return ret;
}

static void write_lines(struct cdp_cli *cli, struct writer *w)
{
	struct cdp_quiet *quiet;
	struct job job = { w, 0 };
	struct cdp_ordered o = {
		.ctx = &job,
		.chunks = ((uint64_t)cdp_customers_count(w->spec.customers) + CHUNK - 1) /
			  CHUNK,
		.worker = new_worker,
		.make = make_lines,
		.done = end_lines,
	};

	quiet = cdp_quiet_new(w->spec.set, w->spec.run);
	w->spec.quiet = quiet;
	cdp_cli_write_ordered(cli, &o);
	w->spec.quiet = NULL;
	cdp_quiet_free(quiet);
	write_last(cli, &w->spec);
}

/* Nobody at all: most likely the type or a name is wrong. */
static void tell(struct cdp_cli *cli, bool all, const char *what, const char *name,
		 const char *has, const struct failures *f)
{
	if (f->n)
		(all ? cdp_cli_note : cdp_cli_verbose)(
			cli, "%s '%s' has no %s for %llu customers: %s", what, name, has,
			(unsigned long long)f->n, f->message);
	free(f->message);
}

/* Ids that are nobody's are the rule in lists from elsewhere; all of them are a mistake.
 */
static void tell_imports(struct cdp_cli *cli, const struct cdp_profile_spec *spec)
{
	for (unsigned t = 0; t < spec->set->count; t++) {
		const struct cdp_given_counts *c = cdp_given_counts(spec->given, t);

		if (spec->set->tags[t].import && !c->rows)
			cdp_cli_note(cli, "tag '%s' was imported from no rows",
				     spec->set->tags[t].name);
		else if (c->rows)
			(c->matched ? cdp_cli_verbose : cdp_cli_note)(
				cli,
				"tag '%s' was imported from %llu rows: %llu ids of "
				"customers, %llu of nobody, %llu rows of ids repeated",
				spec->set->tags[t].name, (unsigned long long)c->rows,
				(unsigned long long)c->matched,
				(unsigned long long)c->unknown,
				(unsigned long long)c->repeated);
	}
}

/* Shares of customers that the definitions do not expect. */
static void tell_alarms(struct cdp_cli *cli, const struct writer *w)
{
	const struct cdp_tagset *set = w->spec.set;
	double people = cdp_customers_count(w->spec.customers);

	for (unsigned t = 0; people > 0 && t < set->count; t++) {
		const struct cdp_tag_about *a = &set->tags[t].about;
		double share = (double)w->valued[t] / people;
		bool few = share < a->alarm_min;

		if (few || share > a->alarm_max)
			cdp_cli_note(cli,
				     "alarm: tag '%s' has a value for %llu of %.0f "
				     "customers, %s than the share of %g",
				     set->tags[t].name, (unsigned long long)w->valued[t],
				     people, few ? "less" : "more",
				     few ? a->alarm_min : a->alarm_max);
	}
}

static void tell_errors(struct cdp_cli *cli, const struct writer *w)
{
	const struct cdp_tagset *set = w->spec.set;
	uint32_t customers = cdp_customers_count(w->spec.customers);

	for (unsigned f = 0; f < cdp_pops_count(set->pops); f++)
		tell(cli, w->functions[f].n == customers, "function",
		     cdp_pops_at(set->pops, f)->text, "place", &w->functions[f]);
	for (unsigned t = 0; t < set->count; t++)
		tell(cli, w->tags[t].n == customers, "tag", set->tags[t].name, "value",
		     &w->tags[t]);
}

int cdp_cli_after_passes(struct cdp_cli *cli, const struct cdp_profile_spec *spec,
			 void (*answer)(void *ctx, const struct cdp_profile_spec *spec),
			 void *ctx)
{
	const struct cdp_tagset *set = spec->set;
	struct writer w = { .spec = *spec };
	int ret = 0;

	w.tags = cdp_calloc(set->count, sizeof(*w.tags));
	w.valued = cdp_calloc(set->count, sizeof(*w.valued));
	w.functions = cdp_calloc(cdp_pops_count(set->pops), sizeof(*w.functions));
	w.spec.population = cdp_population_new(set, cdp_customers_count(spec->customers));
	for (unsigned k = 0; ret == 0 && k < cdp_population_passes(w.spec.population);
	     k++) {
		run_survey(cli, &w, k);
		ret = run_programs(cli, &w, k);
	}
	if (ret == 0 && answer)
		answer(ctx, &w.spec);
	else if (ret == 0)
		write_lines(cli, &w);
	tell_imports(cli, spec);
	if (ret == 0 && !answer)
		tell_alarms(cli, &w);
	tell_errors(cli, &w);
	cdp_population_free(w.spec.population);
	free(w.valued);
	free(w.functions);
	free(w.tags);
	return ret;
}

int cdp_cli_write_profiles(struct cdp_cli *cli, const struct cdp_profile_spec *spec)
{
	return cdp_cli_after_passes(cli, spec, NULL, NULL);
}
