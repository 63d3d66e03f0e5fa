#include "cli/portrait_pass.h"

#include "base/mem.h"
#include "cli/memberships.h"
#include "model/depend.h"

#include <stdlib.h>
#include <string.h>

/* A group of customers: a stored audience, a condition, or (the base) everyone. */
struct group {
	bool everyone;
	int ref; /* in refs, or -1 */
	struct cdp_step step;
};

struct cdp_portrait_pass {
	const struct cdp_portrait_question *q;
	struct cdp_paths *paths;
	int tags_slot;
	const struct cdp_run *run;
	struct cdp_memberships with;
	struct cdp_intern *refs;   /* stored audiences that are referred to */
	struct cdp_members *given; /* who is in them, by ref */
	struct group groups[CDP_PORTRAIT_GROUPS];
	struct cdp_portrait_names names;
	struct cdp_drill drills[CDP_DRILL_MAX];
	unsigned drill_count;
	struct cdp_portrait *portrait;
	struct cdp_drill_level levels[CDP_DRILL_MAX + 1];
	struct cdp_members *listed; /* a list: who came how far (CDP_DRILL_BITS) */
	bool apart;                 /* a customer has one profile alone */
	uint64_t keyed;             /* profiles whose keys are in `listed` for that */
	const char *key;            /* what tells customers apart */
};

struct worker {
	const struct cdp_portrait_pass *f;
	struct cdp_eval *ev;
	struct cdp_portrait *portrait;
	struct cdp_drill_level levels[CDP_DRILL_MAX + 1];
	struct cdp_members *listed;
	uint64_t keyed;
	const uint64_t *bits; /* of the profile at hand; NULL: in no stored audience */
	struct cdp_buf key, tmp;
};

/* --- reading --- */

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct worker *w = host;

	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_BOOL,
				   .b = w->bits && cdp_bit(w->bits, (unsigned)ref) };
	return 0;
}

static void *new_worker(void *ctx)
{
	const struct cdp_portrait_pass *f = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->f = f;
	w->ev = cdp_eval_new(f->run);
	cdp_eval_set_host(w->ev, fetch, w);
	w->portrait = cdp_portrait_new(f->names.count, f->q->only);
	w->listed = cdp_members_new(CDP_DRILL_BITS);
	cdp_buf_init(&w->key, CDP_BUF_NOMAX);
	cdp_buf_init(&w->tmp, CDP_BUF_NOMAX);
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct cdp_portrait_pass *f = ctx;
	struct worker *w = worker;

	(void)err;
	f->keyed += w->keyed;
	for (unsigned k = 0; k <= f->drill_count; k++)
		for (unsigned g = 0; g < f->names.count; g++)
			f->levels[k].counts[g] += w->levels[k].counts[g];
	if (f->portrait) {
		cdp_portrait_merge(f->portrait, w->portrait);
		cdp_members_merge(f->listed, w->listed);
	} else {
		f->portrait = w->portrait;
		f->listed = w->listed;
	}
	cdp_eval_free(w->ev);
	cdp_buf_release(&w->key);
	cdp_buf_release(&w->tmp);
	free(w);
	return 0;
}

static unsigned mask_of(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit)
{
	const struct cdp_portrait_pass *f = w->f;
	struct cdp_err err;
	unsigned mask = 0;

	for (unsigned g = 0; g < f->names.count; g++) {
		const struct group *a = &f->groups[g];
		int hit;

		if (a->everyone)
			hit = 1;
		else if (a->ref >= 0)
			hit = w->bits && cdp_bit(w->bits, (unsigned)a->ref);
		else
			hit = cdp_step_match(&a->step, w->ev, rec, &err);
		if (hit < 0)
			cdp_emit_eval_error(emit, rec, &err);
		else
			mask |= (unsigned)hit << g;
	}
	return mask;
}

static void drill(struct worker *w, struct cdp_rec *rec, struct cdp_emit *emit,
		  unsigned mask, const struct cdp_val *one_id)
{
	const struct cdp_portrait_pass *f = w->f;
	struct cdp_err err;
	unsigned passed = 0;

	for (unsigned k = 0; k <= f->drill_count; k++) {
		int hit = k == 0 ? 1
				 : cdp_drill_match(&f->drills[k - 1], w->ev, rec, &w->key,
						   &w->tmp, &err);

		if (hit < 0)
			cdp_emit_eval_error(emit, rec, &err);
		if (hit <= 0)
			break;
		passed = k;
		for (unsigned g = 0; g < f->names.count; g++)
			w->levels[k].counts[g] += mask >> g & 1;
	}
	for (unsigned g = 0; f->q->list && passed >= f->q->from && g < f->names.count;
	     g++)
		if (mask >> g & 1)
			cdp_bit_set(cdp_members_put(w->listed, one_id->p, one_id->n),
				    passed * CDP_PORTRAIT_GROUPS + g);
}

static int add_profile(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const struct cdp_val *tags = cdp_rec_get(rec, w->f->tags_slot);
	unsigned mask;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s", w->f->key);
	if (tags->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	w->bits = cdp_members_get(w->f->given, one_id->p, one_id->n);
	mask = mask_of(w, rec, emit);
	cdp_portrait_add(w->portrait, tags, mask);
	if (w->f->apart) {
		cdp_members_put(w->listed, one_id->p, one_id->n);
		w->keyed++;
	}
	if (w->f->drill_count && mask)
		drill(w, rec, emit, mask, one_id);
	cdp_eval_reset(w->ev);
	return 0;
}

/* --- what is asked for --- */

static int refer(struct cdp_portrait_pass *f, const char *name, struct cdp_err *err)
{
	size_t n = strlen(name);

	if (cdp_intern_get(f->with.names, name, n) == CDP_INTERN_NONE)
		return cdp_depend_unknown(f->with.names, "segment", name, err);
	return (int)cdp_intern_put(f->refs, name, n, NULL);
}

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	if (count < 2)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'segments' needs a name: 'segments.NAME'");
	*used = 2;
	return refer(host, names[1], err);
}

static int add_group(struct cdp_portrait_pass *f, const char *name, struct cdp_err *err)
{
	for (unsigned g = 0; g < f->names.count; g++)
		if (strcmp(f->names.v[g], name) == 0)
			return cdp_err_set(err, CDP_ERR_USAGE, "'%s' %s", name,
					   g ? "is named twice" : "is the name of all");
	f->names.v[f->names.count++] = name;
	return 0;
}

static int compile_where(struct cdp_portrait_pass *f, const char *text,
			 const struct cdp_env *env, struct cdp_err *err)
{
	struct group *a = &f->groups[f->names.count];

	if (cdp_step_parse(&a->step, text, env, err) < 0)
		return -1;
	if (a->step.event) {
		cdp_step_release(&a->step);
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.100s' is no condition; one is written =EXPR or "
				   "LABEL:=EXPR",
				   text);
	}
	a->ref = -1;
	if (add_group(f, a->step.label, err) == 0)
		return 0;
	cdp_step_release(&a->step);
	return -1;
}

static int compile_groups(struct cdp_portrait_pass *f, const struct cdp_env *env,
			  struct cdp_err *err)
{
	const struct cdp_portrait_question *o = f->q;
	struct group *base = &f->groups[0];

	*base = (struct group){ .everyone = !o->base, .ref = -1 };
	f->names.v[f->names.count++] = "base";
	if (o->base && cdp_expr_compile_condition(&base->step.expr, o->base,
						  strlen(o->base), env, err) < 0) {
		cdp_err_prefix(err, "--base");
		return -1;
	}
	for (size_t i = 0; i < o->segments->n; i++) {
		int ref = refer(f, o->segments->v[i], err);

		f->groups[f->names.count].ref = ref;
		if (ref < 0 || add_group(f, o->segments->v[i], err) < 0) {
			cdp_err_prefix(err, "--segment");
			return -1;
		}
	}
	for (size_t i = 0; i < o->where->n; i++)
		if (compile_where(f, o->where->v[i], env, err) < 0) {
			cdp_err_prefix(err, "--where");
			return -1;
		}
	return 0;
}

static int compile(struct cdp_portrait_pass *f, struct cdp_err *err)
{
	static const char *const roots[] = { "segments", NULL };
	const struct cdp_portrait_question *o = f->q;
	struct cdp_env env = { .paths = f->paths,
			       .members = cdp_profile_members,
			       .roots = roots,
			       .resolve = resolve,
			       .host = f };

	if (compile_groups(f, &env, err) < 0)
		return -1;
	for (; f->drill_count < o->drill->n; f->drill_count++)
		if (cdp_drill_parse(&f->drills[f->drill_count],
				    o->drill->v[f->drill_count], &env, err) < 0) {
			cdp_err_prefix(err, "--drill");
			return -1;
		}
	return 0;
}

/* --- all --- */

struct cdp_portrait_pass *cdp_portrait_pass_new(struct cdp_cli *cli,
						const struct cdp_portrait_question *q,
						bool apart)
{
	struct cdp_portrait_pass *f = cdp_calloc(1, sizeof(*f));
	struct cdp_err ignored;

	f->q = q;
	f->apart = apart;
	f->run = &cli->opt.run;
	f->paths = cdp_paths_new_of(q->key);
	f->key = cdp_paths_key(f->paths);
	f->tags_slot = cdp_paths_add(f->paths, "tags", 4, &ignored);
	f->refs = cdp_intern_new(0);
	cdp_memberships_init(&f->with, q->key);
	return f;
}

void cdp_portrait_pass_free(struct cdp_portrait_pass *f)
{
	if (!f)
		return;
	cdp_portrait_free(f->portrait);
	cdp_members_free(f->given);
	cdp_members_free(f->listed);
	for (unsigned g = 0; g < f->names.count; g++)
		cdp_step_release(&f->groups[g].step);
	for (unsigned i = 0; i < f->drill_count; i++)
		cdp_drill_release(&f->drills[i]);
	cdp_intern_free(f->refs);
	cdp_memberships_release(&f->with);
	cdp_paths_free(f->paths);
	free(f);
}

static void hand_over(struct cdp_portrait_pass *f, struct cdp_portrait_answer *a)
{
	a->names = f->names;
	a->key = f->key;
	a->portrait = f->portrait;
	a->listed = f->listed;
	memcpy(a->drills, f->drills, sizeof(a->drills));
	memcpy(a->levels, f->levels, sizeof(a->levels));
	f->portrait = NULL;
	f->listed = NULL;
	f->drill_count = 0;
}

int cdp_portrait_pass_answer(struct cdp_cli *cli, struct cdp_portrait_pass *f,
			     const struct cdp_strs *with, struct cdp_portrait_answer *a,
			     struct cdp_err *err)
{
	struct cdp_job job = { .ctx = f,
			       .worker = new_worker,
			       .record = add_profile,
			       .merge = merge_worker };
	int ret = 0;

	for (size_t i = 0; i < with->n && ret == 0; i++)
		ret = cdp_memberships_read(cli, &f->with, with->v[i], err);
	if (ret == 0)
		ret = compile(f, err);
	if (ret != 0)
		return ret;
	f->given = cdp_memberships_bits(&f->with, f->refs, 0);
	job.paths = f->paths;
	if (cdp_cli_run(cli, &job) < 0 || !f->portrait)
		return 1;
	/* One person's profiles would count as several people. */
	if (f->apart && f->keyed != cdp_members_count(f->listed))
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"--min-cell needs one profile a customer: %llu are of "
			"customers who have another",
			(unsigned long long)(f->keyed - cdp_members_count(f->listed)));
	hand_over(f, a);
	return 0;
}
