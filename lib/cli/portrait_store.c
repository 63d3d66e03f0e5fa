#include "cli/portrait_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/segalgebra.h"

/* --- asking --- */

struct cdp_portrait_source {
	struct cdp_segstore *store;
	struct cdp_tagstore *tags;
	struct cdp_segversion *version; /* NULL: no audience was asked for */
	char *labels[CDP_PORTRAIT_GROUPS];
	const struct cdp_bitmap *groups[CDP_PORTRAIT_GROUPS];
};

void cdp_portrait_answer_release(struct cdp_portrait_answer *a)
{
	struct cdp_portrait_source *s = a->source;

	cdp_portrait_free(a->portrait);
	cdp_members_free(a->listed);
	for (unsigned i = 0; i < CDP_DRILL_MAX; i++)
		cdp_drill_release(&a->drills[i]);
	if (s) {
		for (unsigned g = 0; g < CDP_PORTRAIT_GROUPS; g++) {
			cdp_bitmap_free(s->groups[g]);
			free(s->labels[g]);
		}
		cdp_segversion_close(s->version);
		cdp_tagstore_close(s->tags);
		cdp_segstore_close(s->store);
		free(s);
	}
	*a = (struct cdp_portrait_answer){ 0 };
}

static int open_tags(struct cdp_cli *cli, const struct cdp_portrait_question *q,
		     struct cdp_portrait_source *s, struct cdp_err *err)
{
	int64_t limit =
		cli->opt.as_of_given ? cdp_time_ms(cli->opt.run.as_of) : INT64_MAX;
	int rc;

	s->store = cdp_segstore_open(q->dir, false, err);
	if (s->store && q->key && cdp_segstore_expect(s->store, q->key, err) < 0)
		return -1;
	rc = s->store ? cdp_tagstore_latest(&s->tags, s->store, limit, err) : -1;
	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': there are no tags%s", q->dir,
				   cli->opt.as_of_given ? " up to that time" : "");
	return rc < 0 ? -1 : 0;
}

/* Audiences are those of the tags' night. */
static int open_version(const struct cdp_portrait_question *q,
			struct cdp_portrait_source *s, struct cdp_err *err)
{
	char time[CDP_TIME_CANON];
	int rc;

	if (s->version)
		return 0;
	rc = cdp_segversion_open(&s->version, s->store, cdp_tagstore_time(s->tags), err);
	if (rc)
		return rc < 0 ? -1 : 0;
	cdp_time_format(time, cdp_time_from_ms(cdp_tagstore_time(s->tags)));
	return cdp_err_set(err, CDP_ERR_SYS,
			   "'%s': there are tags of %.24s, but no audiences", q->dir,
			   time);
}

static const struct cdp_bitmap *evaluate(const struct cdp_portrait_question *q,
					 struct cdp_portrait_source *s, const char *expr,
					 struct cdp_err *err)
{
	struct cdp_segalgebra *a;
	const struct cdp_bitmap *b;

	if (open_version(q, s, err) < 0)
		return NULL;
	a = cdp_segalgebra_compile(expr, s->version, err);
	b = a ? cdp_segalgebra_members(a, err) : NULL;
	cdp_segalgebra_free(a);
	return b;
}

static const struct cdp_bitmap *segment(const struct cdp_portrait_question *q,
					struct cdp_portrait_source *s, const char *name,
					struct cdp_err *err)
{
	int64_t at;

	if (open_version(q, s, err) < 0)
		return NULL;
	at = cdp_segversion_find(s->version, name, strlen(name));
	if (at >= 0)
		return cdp_segversion_load(s->version, (uint32_t)at, err);
	cdp_segalgebra_unknown(s->version, name, err);
	return NULL;
}

/* LABEL:=EXPR or =EXPR, as cdp_step_parse() has it: what EXPR is, and its label. */
static const char *condition(const char *text, char **label, struct cdp_err *err)
{
	static const char blank[] = " \t\n\r";
	const char *sign = *text == '=' ? text : strstr(text, ":="), *expr, *from, *end;

	if (!sign) {
		cdp_err_set(err, CDP_ERR_USAGE,
			    "'%.100s' is no condition; one is written =EXPR or "
			    "LABEL:=EXPR",
			    text);
		return NULL;
	}
	expr = sign + (*sign == ':' ? 2 : 1);
	from = *text == '=' ? expr : text;
	end = *text == '=' ? expr + strlen(expr) : sign;
	from += strspn(from, blank);
	while (end > from && strchr(blank, end[-1]))
		end--;
	if (end <= from) {
		cdp_err_set(err, CDP_ERR_USAGE, "label of '%.100s' is empty", text);
		return NULL;
	}
	*label = cdp_strndup(from, (size_t)(end - from));
	return expr;
}

static int add_group(struct cdp_portrait_answer *a, const char *name,
		     const struct cdp_bitmap *set, struct cdp_err *err)
{
	unsigned g = a->names.count;

	if (!set)
		return -1;
	a->source->groups[g] = set;
	for (unsigned i = 0; i < g; i++)
		if (strcmp(a->names.v[i], name) == 0)
			return cdp_err_set(err, CDP_ERR_USAGE, "'%s' %s", name,
					   i ? "is named twice" : "is the name of all");
	a->names.v[a->names.count++] = name;
	return 0;
}

static int add_where(const struct cdp_portrait_question *q, struct cdp_portrait_answer *a,
		     const char *text, struct cdp_err *err)
{
	char **label = &a->source->labels[a->names.count];
	const char *expr = condition(text, label, err);

	return expr ? add_group(a, *label, evaluate(q, a->source, expr, err), err) : -1;
}

static int add_groups(const struct cdp_portrait_question *q,
		      struct cdp_portrait_answer *a, struct cdp_err *err)
{
	struct cdp_portrait_source *s = a->source;

	if (add_group(a, "base",
		      q->base ? evaluate(q, s, q->base, err)
			      : cdp_bitmap_copy(cdp_tagstore_all(s->tags)),
		      err) < 0) {
		cdp_err_prefix(err, "--base");
		return -1;
	}
	for (size_t i = 0; i < q->segments->n; i++)
		if (add_group(a, q->segments->v[i], segment(q, s, q->segments->v[i], err),
			      err) < 0) {
			cdp_err_prefix(err, "--segment");
			return -1;
		}
	for (size_t i = 0; i < q->where->n; i++)
		if (add_where(q, a, q->where->v[i], err) < 0) {
			cdp_err_prefix(err, "--where");
			return -1;
		}
	return 0;
}

/* --- drilling --- */

static const struct cdp_bitmap *step(const struct cdp_portrait_question *q,
				     struct cdp_portrait_answer *a, unsigned k,
				     struct cdp_err *err)
{
	struct cdp_drill *d = &a->drills[k];
	const char *text = q->drill->v[k], *expr;
	struct cdp_paths *paths;
	int rc;

	if (*text == '=' || strstr(text, ":=")) {
		expr = condition(text, &d->label, err);
		return expr ? evaluate(q, a->source, expr, err) : NULL;
	}
	paths = cdp_paths_new();
	rc = cdp_drill_parse(d, text, &(struct cdp_env){ .paths = paths }, err);
	cdp_paths_free(paths);
	return rc < 0 ? NULL
		      : cdp_tagstore_match(a->source->tags, text, strcspn(text, "="),
					   d->keys, d->missing, err);
}

/* Those came to this level and no further. */
static int list_some(struct cdp_portrait_answer *a, const struct cdp_bitmap *some,
		     unsigned level, struct cdp_err *err)
{
	struct cdp_keydict *dict = cdp_segstore_dict(a->source->store);
	uint32_t v[1024];
	uint64_t from = 0;
	size_t n;

	while ((n = cdp_bitmap_next(some, &from, v, 1024)))
		for (size_t i = 0; i < n; i++) {
			uint64_t mask = 0;
			const char *key;
			size_t len;

			for (unsigned g = 0; g < a->names.count; g++)
				mask |= (uint64_t)cdp_bitmap_has(a->source->groups[g],
								 v[i])
					<< g;
			if (!mask)
				continue;
			if (cdp_keydict_key(dict, v[i], &key, &len, err) < 0)
				return -1;
			for (unsigned g = 0; g < a->names.count; g++)
				if (mask >> g & 1)
					cdp_bit_set(cdp_members_put(a->listed, key, len),
						    level * CDP_PORTRAIT_GROUPS + g);
		}
	return 0;
}

/* Those of `left` whom the step does not let pass. */
static int list_gone(struct cdp_portrait_answer *a, const struct cdp_bitmap *left,
		     const struct cdp_bitmap *pass, unsigned level, struct cdp_err *err)
{
	struct cdp_bitmap *gone = cdp_bitmap_andnot(left, pass);
	int rc = list_some(a, gone, level, err);

	cdp_bitmap_free(gone);
	return rc;
}

static int drill(const struct cdp_portrait_question *q, struct cdp_portrait_answer *a,
		 struct cdp_err *err)
{
	struct cdp_bitmap *left = cdp_bitmap_copy(cdp_tagstore_all(a->source->tags));
	int rc = 0;

	for (unsigned k = 0; k <= q->drill->n && rc == 0; k++) {
		const struct cdp_bitmap *pass = k ? step(q, a, k - 1, err) : NULL;

		if (k && !pass) {
			cdp_err_prefix(err, "--drill");
			rc = -1;
			break;
		}
		if (k && q->list && k > q->from)
			rc = list_gone(a, left, pass, k - 1, err);
		if (k)
			cdp_bitmap_and_with(left, pass);
		for (unsigned g = 0; g < a->names.count; g++)
			a->levels[k].counts[g] =
				cdp_bitmap_and_count(left, a->source->groups[g]);
		cdp_bitmap_free(pass);
	}
	if (rc == 0 && q->list)
		rc = list_some(a, left, (unsigned)q->drill->n, err);
	cdp_bitmap_free(left);
	return rc;
}

int cdp_portrait_store_answer(struct cdp_cli *cli, const struct cdp_portrait_question *q,
			      struct cdp_portrait_answer *a, struct cdp_err *err)
{
	a->source = cdp_calloc(1, sizeof(*a->source));
	a->listed = cdp_members_new(CDP_DRILL_BITS);
	if (open_tags(cli, q, a->source, err) < 0 || add_groups(q, a, err) < 0)
		return -1;
	a->key = cdp_segstore_key(a->source->store);
	if (q->drill->n && drill(q, a, err) < 0)
		return -1;
	a->portrait = cdp_tagstore_portrait(a->source->tags, a->source->groups,
					    a->names.count, q->only, err);
	return a->portrait ? 0 : -1;
}

/* --- keeping --- */

struct save {
	struct cdp_paths *paths;
	int tags_slot;
	struct cdp_tagstore_part **parts;
	unsigned count;
	size_t cap;
};

struct save_worker {
	struct save *s;
	struct cdp_tagstore_part *part;
};

static void *new_worker(void *ctx)
{
	struct save_worker *w = cdp_calloc(1, sizeof(*w));

	w->s = ctx;
	w->part = cdp_tagstore_part_new();
	return w;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct save *s = ctx;
	struct save_worker *w = worker;

	(void)err;
	CDP_GROW(s->parts, s->count, s->cap);
	s->parts[s->count++] = w->part;
	free(w);
	return 0;
}

static int add_profile(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	struct save_worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const struct cdp_val *tags = cdp_rec_get(rec, w->s->tags_slot);

	(void)emit;
	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s",
				   cdp_paths_key(w->s->paths));
	if (tags->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	cdp_tagstore_part_add(w->part, one_id->p, one_id->n, tags);
	return 0;
}

int cdp_portrait_store_save(struct cdp_cli *cli, const char *dir, const char *key,
			    struct cdp_err *err)
{
	struct save s = { .paths = cdp_paths_new_of(key) };
	struct cdp_job job = { .ctx = &s,
			       .paths = s.paths,
			       .worker = new_worker,
			       .record = add_profile,
			       .merge = merge_worker };
	struct cdp_segstore *store = cdp_segstore_open(dir, true, err);
	int rc = store ? cdp_segstore_expect(store, cdp_paths_key(s.paths), err) : -1;

	s.tags_slot = cdp_paths_add(s.paths, "tags", 4, err);
	if (rc == 0 && cdp_cli_run(cli, &job) == 0)
		rc = cdp_tagstore_save(store, cli->opt.run.as_of, s.parts, s.count, err);
	for (unsigned k = 0; k < s.count; k++)
		cdp_tagstore_part_free(s.parts[k]);
	free(s.parts);
	cdp_segstore_close(store);
	cdp_paths_free(s.paths);
	return rc;
}
