#include "model/virtual.h"

#include "base/hash.h"
#include "base/intern.h"
#include "base/mem.h"
#include "format/canon.h"
#include "record/fields.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
	struct cdp_path path; /* props.NAME */
	struct cdp_expr *value;
};

struct rule {
	char *name, *quoted;
	bool rename;
	struct cdp_expr *when;
	struct setting *set;
	size_t set_count;
};

/* Rules that can hold for an event, in their order. */
struct list {
	const struct rule **v;
	size_t n;
};

struct cdp_virtual {
	const struct cdp_run *run;
	struct rule *rules;
	size_t count;
	struct cdp_intern *events; /* that rules name */
	struct list *lists;        /* by event; the last one: all others */
	int s_ids, s_props, s_source, s_event_id, s_virtual;
};

struct cdp_virtual_work {
	const struct cdp_virtual *v;
	struct cdp_virtual_counts counts;
	struct cdp_eval *eval;
	struct cdp_buf name, id, value, a, b, renamed, added;
	size_t next; /* of what is added: a byte */
};

/* --- loading --- */

static int load_setting(struct setting *s, const char *name, const json_t *text,
			const struct cdp_env *env, struct cdp_err *err)
{
	const char *expr = json_string_value(text);

	if (!expr)
		return cdp_err_set(err, CDP_ERR_USAGE, "set.%s: expected a string", name);
	if (!*name)
		return cdp_err_set(err, CDP_ERR_USAGE, "set: a name is empty");
	s->path.keys = cdp_calloc(2, sizeof(*s->path.keys));
	s->path.keys[0] = cdp_strdup("props");
	s->path.keys[1] = cdp_strdup(name);
	s->path.count = 2;
	if (cdp_expr_compile(&s->value, expr, strlen(expr), env, err) == 0)
		return 0;
	cdp_err_prefix(err, "set.%s", name);
	return -1;
}

static int load_mode(struct rule *r, const json_t *o, struct cdp_err *err)
{
	const char *as = "add";

	if (cdp_tree_str(o, "as", &as, false, "", err) < 0)
		return -1;
	r->rename = strcmp(as, "rename") == 0;
	if (r->rename || strcmp(as, "add") == 0)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "as: expected 'add' or 'rename', not '%s'",
			   as);
}

static int load_rule(struct rule *r, const json_t *o, const struct cdp_env *env,
		     struct cdp_err *err)
{
	static const char *const known[] = { "name",  "when",  "as",   "set",
					     "title", "owner", "note", NULL };
	const json_t *set = json_object_get(o, "set");
	const char *when = NULL, *key;
	struct cdp_buf b;
	json_t *v;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_json_cstr(&b, r->name);
	r->quoted = cdp_strndup(b.p, b.n);
	cdp_buf_release(&b);
	if (cdp_tree_known(o, known, "", err) < 0 ||
	    cdp_tree_str(o, "when", &when, true, "", err) < 0 || load_mode(r, o, err) < 0)
		return -1;
	if (cdp_expr_compile_condition(&r->when, when, strlen(when), env, err) < 0) {
		cdp_err_prefix(err, "when");
		return -1;
	}
	if (set && !json_is_object(set))
		return cdp_err_set(err, CDP_ERR_USAGE, "set: expected an object");
	r->set = cdp_calloc(json_object_size(set) + 1, sizeof(*r->set));
	json_object_foreach((json_t *)set, key, v)
	{
		if (load_setting(&r->set[r->set_count++], key, v, env, err) < 0)
			return -1;
	}
	return 0;
}

static int load_rules(struct cdp_virtual *v, const json_t *root, struct cdp_paths *paths,
		      struct cdp_err *err)
{
	static const char *const known[] = { "virtual", "title", "note", NULL };
	const struct cdp_env env = { .paths = paths,
				     .members = cdp_event_members,
				     .run = v->run };
	const json_t *list = json_object_get(root, "virtual");

	if (cdp_tree_known(root, known, "", err) < 0)
		return -1;
	if (!json_is_array(list))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "virtual: expected a list of rules");
	v->rules = cdp_calloc(json_array_size(list) + 1, sizeof(*v->rules));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct rule *r = &v->rules[v->count++];
		const char *name = NULL;
		struct cdp_err why;
		char where[40];

		snprintf(where, sizeof(where), "virtual[%zu]", i);
		if (!json_is_object(o))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object",
					   where);
		if (cdp_tree_str(o, "name", &name, true, where, err) < 0)
			return -1;
		if (cdp_canon_event(name, strlen(name), &why) < 0)
			return cdp_err_set(err, CDP_ERR_USAGE, "%s.name: %s", where,
					   why.msg);
		r->name = cdp_strdup(name);
		if (load_rule(r, o, &env, err) < 0) {
			cdp_err_prefix(err, "%s", name);
			return -1;
		}
	}
	return 0;
}

static bool concerns(const struct rule *r, const char *event, size_t n)
{
	size_t count;
	const char *const *names = cdp_expr_events(r->when, &count);

	for (size_t i = 0; i < count; i++)
		if (event && strlen(names[i]) == n && memcmp(names[i], event, n) == 0)
			return true;
	return count == 0;
}

/* Which rules are to be asked about which event. */
static void index_rules(struct cdp_virtual *v)
{
	v->events = cdp_intern_new(v->count);
	for (size_t i = 0; i < v->count; i++) {
		size_t count;
		const char *const *names = cdp_expr_events(v->rules[i].when, &count);

		for (size_t k = 0; k < count; k++)
			cdp_intern_put(v->events, names[k], strlen(names[k]), NULL);
	}
	v->lists = cdp_calloc(cdp_intern_count(v->events) + 1, sizeof(*v->lists));
	for (uint32_t e = 0; e <= cdp_intern_count(v->events); e++) {
		struct list *l = &v->lists[e];
		const char *name = NULL;
		size_t n = 0;

		if (e < cdp_intern_count(v->events))
			name = cdp_intern_key(v->events, e, &n);
		l->v = cdp_calloc(v->count + 1, sizeof(*l->v));
		for (size_t i = 0; i < v->count; i++)
			if (concerns(&v->rules[i], name, n))
				l->v[l->n++] = &v->rules[i];
	}
}

static void add_slots(struct cdp_virtual *v, struct cdp_paths *paths)
{
	static const char *const names[] = { "ids", "props", "source", "event_id",
					     "virtual" };
	int *const slots[] = { &v->s_ids, &v->s_props, &v->s_source, &v->s_event_id,
			       &v->s_virtual };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		*slots[i] = cdp_paths_add_keys(paths, &names[i], &n, 1);
	}
}

struct cdp_virtual *cdp_virtual_load(const char *path, const struct cdp_run *run,
				     struct cdp_paths *paths, struct cdp_err *err)
{
	json_t *root = cdp_tree_load(path, err);
	struct cdp_virtual *v;

	if (!root)
		return NULL;
	v = cdp_calloc(1, sizeof(*v));
	v->run = run;
	add_slots(v, paths);
	if (load_rules(v, root, paths, err) < 0) {
		cdp_err_prefix(err, "%s", path);
		cdp_virtual_free(v);
		v = NULL;
	} else {
		index_rules(v);
	}
	json_decref(root);
	return v;
}

void cdp_virtual_free(struct cdp_virtual *v)
{
	if (!v)
		return;
	for (uint32_t e = 0; v->lists && e <= cdp_intern_count(v->events); e++)
		free(v->lists[e].v);
	for (size_t i = 0; i < v->count; i++) {
		struct rule *r = &v->rules[i];

		for (size_t k = 0; k < r->set_count; k++) {
			cdp_path_release(&r->set[k].path);
			cdp_expr_free(r->set[k].value);
		}
		free(r->set);
		cdp_expr_free(r->when);
		free(r->name);
		free(r->quoted);
	}
	free(v->rules);
	free(v->lists);
	cdp_intern_free(v->events);
	free(v);
}

/* --- a thread's own --- */

struct cdp_virtual_work *cdp_virtual_work_new(const struct cdp_virtual *v)
{
	struct cdp_virtual_work *w = cdp_calloc(1, sizeof(*w));
	struct cdp_buf *const bufs[] = { &w->name, &w->id,      &w->value, &w->a,
					 &w->b,    &w->renamed, &w->added };

	w->v = v;
	w->eval = cdp_eval_new(v->run);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		cdp_buf_init(bufs[i], CDP_BUF_NOMAX);
	return w;
}

void cdp_virtual_work_free(struct cdp_virtual_work *w)
{
	if (!w)
		return;
	cdp_eval_free(w->eval);
	cdp_buf_release(&w->name);
	cdp_buf_release(&w->id);
	cdp_buf_release(&w->value);
	cdp_buf_release(&w->a);
	cdp_buf_release(&w->b);
	cdp_buf_release(&w->renamed);
	cdp_buf_release(&w->added);
	free(w);
}

const struct cdp_virtual_counts *cdp_virtual_work_counts(const struct cdp_virtual_work *w)
{
	return &w->counts;
}

/* --- making events --- */

/* w->a becomes what was built in w->b. */
static void turn(struct cdp_virtual_work *w)
{
	struct cdp_buf swap = w->a;

	w->a = w->b;
	w->b = swap;
	cdp_buf_reset(&w->b);
}

static void set_props(struct cdp_virtual_work *w, const struct rule *r,
		      struct cdp_rec *rec)
{
	struct cdp_value value;
	struct cdp_err err;

	for (size_t i = 0; i < r->set_count; i++) {
		const struct setting *s = &r->set[i];

		if (cdp_expr_value(s->value, w->eval, rec, &value, &err) < 0) {
			w->counts.errors++;
			continue;
		}
		cdp_buf_reset(&w->value);
		cdp_value_json(&w->value, &value);
		if (cdp_rec_set(&w->b, w->a.p, w->a.n, &s->path, w->value.p, w->value.n,
				&err) < 0)
			w->counts.errors++;
		else
			turn(w);
		cdp_buf_reset(&w->b);
	}
}

/* Builds the event of a rule in w->a, but for its event_id. */
static void make(struct cdp_virtual_work *w, const struct rule *r, struct cdp_rec *rec)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const char *end = event->p + event->n + 1; /* past the quote */

	cdp_buf_reset(&w->a);
	cdp_buf_reset(&w->b);
	cdp_buf_add(&w->a, rec->raw, (size_t)(event->p - 1 - rec->raw));
	cdp_buf_adds(&w->a, r->quoted);
	cdp_buf_add(&w->a, end, (size_t)(rec->raw + rec->len - end));
	set_props(w, r, rec);
	cdp_rec_splice(&w->b, w->a.p, w->a.n, "virtual", event->p - 1, event->n + 2,
		       false);
	turn(w);
}

static void add_val(struct cdp_buf *b, const struct cdp_val *v)
{
	cdp_buf_add(b, v->p, v->type == CDP_MISSING ? 0 : v->n);
	cdp_buf_addc(b, '\0');
}

/* What all events added to a record have in their event_id, without a closing quote. */
static void find_id(struct cdp_virtual_work *w, struct cdp_rec *rec)
{
	const struct cdp_val *id = cdp_rec_get(rec, w->v->s_event_id);
	char hex[16];

	cdp_buf_reset(&w->id);
	if (id->type == CDP_STRING && id->n) {
		cdp_buf_addc(&w->id, '"');
		cdp_buf_add(&w->id, id->p, id->n);
		return;
	}
	add_val(&w->id, cdp_rec_get(rec, CDP_SLOT_TIME));
	add_val(&w->id, cdp_rec_get(rec, CDP_SLOT_EVENT));
	add_val(&w->id, cdp_rec_get(rec, w->v->s_ids));
	add_val(&w->id, cdp_rec_get(rec, w->v->s_props));
	add_val(&w->id, cdp_rec_get(rec, w->v->s_source));
	cdp_hex16(hex, cdp_hash_stable(w->id.p, w->id.n, 3));
	cdp_buf_reset(&w->id);
	cdp_buf_addc(&w->id, '"');
	cdp_buf_add(&w->id, hex, sizeof(hex));
}

static void add(struct cdp_virtual_work *w, const struct rule *r, struct cdp_rec *rec)
{
	size_t n;

	make(w, r, rec);
	if (!w->id.n)
		find_id(w, rec);
	n = w->id.n;
	cdp_buf_addc(&w->id, '/');
	cdp_buf_adds(&w->id, r->quoted + 1);
	cdp_rec_splice(&w->b, w->a.p, w->a.n, "event_id", w->id.p, w->id.n, false);
	w->id.n = n;
	cdp_buf_add(&w->added, w->b.p, w->b.n);
	cdp_buf_addc(&w->added, '\n');
	w->counts.added++;
}

static const struct list *rules_for(struct cdp_virtual_work *w,
				    const struct cdp_val *event)
{
	const struct cdp_virtual *v = w->v;
	size_t n;
	const char *p = cdp_val_str(event, &w->name, &n);
	uint32_t i = cdp_intern_get(v->events, p, n);

	return &v->lists[i == CDP_INTERN_NONE ? cdp_intern_count(v->events) : i];
}

int cdp_virtual_apply(struct cdp_virtual_work *w, struct cdp_rec *rec,
		      const struct cdp_buf **renamed)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const struct rule *rename = NULL;
	const struct list *rules;
	struct cdp_err err;

	cdp_buf_reset(&w->added);
	w->next = 0;
	if (event->type != CDP_STRING ||
	    cdp_rec_get(rec, CDP_SLOT_TYPE)->type != CDP_MISSING ||
	    cdp_rec_get(rec, w->v->s_virtual)->type > CDP_NULL)
		return 0;
	cdp_buf_reset(&w->id);
	cdp_eval_reset(w->eval);
	rules = rules_for(w, event);
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *r = rules->v[i];
		int rc;

		if (r->rename && rename)
			continue;
		rc = cdp_expr_match(r->when, w->eval, rec, &err);
		w->counts.errors += rc < 0;
		if (rc <= 0)
			continue;
		if (r->rename)
			rename = r;
		else
			add(w, r, rec);
	}
	if (!rename)
		return 0;
	make(w, rename, rec);
	cdp_buf_reset(&w->renamed);
	cdp_buf_add(&w->renamed, w->a.p, w->a.n);
	w->counts.renamed++;
	*renamed = &w->renamed;
	return 1;
}

int cdp_virtual_next(struct cdp_virtual_work *w, struct cdp_buf *out)
{
	const char *p = w->added.p + w->next, *end;

	if (w->next == w->added.n)
		return 0;
	end = memchr(p, '\n', w->added.n - w->next);
	cdp_buf_add(out, p, (size_t)(end - p));
	w->next += (size_t)(end - p) + 1;
	return 1;
}
