/* Opening what cdp-tag --follow reads and writes. */
#include "cli/tag_follow_priv.h"

#include "base/mem.h"
#include "cli/entities_job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

int tf_told(struct follow *f)
{
	f->err->kind = CDP_ERR_NONE;
	return -1;
}

static void note(void *ctx, const char *text)
{
	cdp_cli_note(ctx, "%s", text);
}

static int keep_long(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_cli_keep_long(ctx, p, n, err);
}

static int add_input(struct follow *f, const char *path)
{
	bool standard = strcmp(path, "-") == 0;

	if (standard && !f->o->batch)
		cdp_cli_usage(f->cli, "standard input can be read only once: name what "
				      "it holds with --batch");
	return cdp_tail_add(f->tail, path, f->o->batch, f->err);
}

static int open_inputs(struct follow *f)
{
	struct cdp_tail_opts opts = {
		.line_max = f->cli->opt.line_max,
		.wake = f->signals,
		.note = note,
		.long_sink = f->cli->opt.rejects ? keep_long : NULL,
		.ctx = f->cli,
	};
	const struct cdp_tail_place *place;
	const char *name;

	if (f->o->merges) {
		f->merges = cdp_tag_merges_open(f->cli, f->o->merges, f->err);
		if (!f->merges)
			return -1;
	}
	f->tail = cdp_tail_new(&opts);
	if (!f->cli->operands[0] && add_input(f, "-") < 0)
		return -1;
	for (char **p = f->cli->operands; *p; p++)
		if (add_input(f, *p) < 0)
			return -1;
	if (f->o->batch && cdp_tagstate_has_batch(f->state, f->o->batch))
		return cdp_err_set(f->err, CDP_ERR_USAGE,
				   "the state has batch '%s' as a whole: there is "
				   "nothing more to come of it",
				   f->o->batch);
	for (size_t i = 0; (place = cdp_taglive_place(f->live, i, &name)); i++) {
		cdp_tail_go_on(f->tail, name, place);
		if (f->merges)
			cdp_tail_go_on(cdp_tag_merges_tail(f->merges), name, place);
	}
	return 0;
}

static int open_state(struct follow *f)
{
	struct cdp_tag_reading *t = f->t;
	struct cdp_tagstate_opts s = { .dir = f->o->dir,
				       .set = t->set,
				       .run = f->run,
				       .key = t->key,
				       .entity = t->entity ? t->entity : "person",
				       .relations = t->relations,
				       .followed = f->run,
				       .new = f->o->begin ? CDP_TAGSTATE_BEGIN
							  : CDP_TAGSTATE_REFUSE };

	f->state = cdp_tagstate_open(&s, f->err);
	if (!f->state)
		return -1;
	cdp_tag_state_tell_young(f->cli, f->state);
	return cdp_tagstate_take_relations(f->state, f->err);
}

/* Everything that profiles are made of is there. */
static int open_live(struct follow *f)
{
	struct cdp_tag_reading *t = f->t;
	struct cdp_taglive_opts l = { .set = t->set,
				      .run = f->run,
				      .key = t->entity ? t->entity : t->key,
				      .nulls = f->o->nulls };

	if (cdp_tag_outside_read(&f->outside, f->err) < 0)
		return -1;
	l.state = f->state;
	l.stamp = cdp_tag_outside_stamp(&f->outside);
	l.given = t->given;
	l.lore = f->outside.lore;
	f->live = cdp_taglive_new(&l, f->err);
	return f->live ? 0 : -1;
}

/* SIGTERM and SIGINT are read like an input, between two blocks. */
static int open_signals(struct follow *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return f->signals < 0 ? cdp_err_sys(f->err, errno, "signals") : 0;
}

/* Tags over the population, and those made of them. */
static void tell_population(const struct follow *f)
{
	const struct cdp_tagset *set = f->t->set;
	bool *asks = cdp_calloc(set->count, sizeof(*asks));
	struct cdp_buf names;

	cdp_buf_init(&names, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag *t = &set->tags[set->order[i]];

		asks[set->order[i]] = t->functions.n > 0;
		for (size_t k = 0; k < t->needs.n; k++)
			asks[set->order[i]] |= asks[t->needs.v[k]];
	}
	for (unsigned i = 0; i < set->count; i++)
		if (asks[i])
			cdp_buf_addf(&names, "%s'%s'", names.n ? ", " : "",
				     set->tags[i].name);
	if (names.n)
		cdp_cli_note(f->cli, "not live, but of the population as it was %s: %s",
			     f->o->survey_ns ? "at the last --survey"
					     : "when the day began",
			     cdp_buf_str(&names));
	cdp_buf_release(&names);
	free(asks);
}

static void tell_scheduled(const struct follow *f)
{
	const struct cdp_tagset *set = f->t->set;
	struct cdp_buf names;

	cdp_buf_init(&names, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < set->count; i++)
		if (set->tags[i].about.schedule)
			cdp_buf_addf(&names, "%s'%s'", names.n ? ", " : "",
				     set->tags[i].name);
	if (names.n)
		cdp_cli_note(f->cli, "not live, but as of when they were due last: %s",
			     cdp_buf_str(&names));
	cdp_buf_release(&names);
}

int tf_open(struct follow *f)
{
	const struct cdp_tagset *set = f->t->set;

	cdp_cli_check_entities(f->cli, set->entities, f->o->entities,
			       set->own ? (int)set->own_table : -1);
	if (open_signals(f) < 0 || open_state(f) < 0)
		return -1;
	if (cdp_cli_open_rejects(f->cli) < 0)
		return tf_told(f);
	if (open_live(f) < 0 || open_inputs(f) < 0)
		return -1;
	f->watches = cdp_tag_outside_watches(&f->outside);
	tell_population(f);
	tell_scheduled(f);
	return 0;
}
