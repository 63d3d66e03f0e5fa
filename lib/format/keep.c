#include "format/keep.h"

#include "format/projects.h"
#include "record/json.h"

static bool among(const struct cdp_val *key, const char *const *names)
{
	for (; names && *names; names++)
		if (cdp_val_is(key, *names, strlen(*names)))
			return true;
	return false;
}

static void put_member(struct cdp_buf *out, const struct cdp_val *key,
		       const struct cdp_val *v)
{
	cdp_buf_addc(out, ',');
	cdp_json_val(out, key);
	cdp_buf_addc(out, ':');
	cdp_canon_put_val(out, v);
}

void cdp_keep_rest(struct cdp_decoder *d, const struct cdp_val *object,
		   const char *const *done, const char *protocol)
{
	static const char *const taken[] = {
		"one_id", "time",     "event",        "type",      "ids",    "props",
		"set",    "set_once", "unset",        "increment", "append", "deleted",
		"entity", "detail",   "row",          "relation",  "to",     "id",
		"source", "event_id", "sent",         "received",  "as_of",  "tags",
		"reject", "segment",  "duplicate_of", "project",   NULL,
	};
	const char *const own[] = { protocol, NULL };
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct cdp_buf *clashes = &d->c;

	cdp_buf_reset(clashes);
	while (cdp_val_member(object, &it, &key, &v)) {
		if (among(&key, done))
			continue;
		put_member(among(&key, taken) || among(&key, own) ? clashes
								  : &d->draft.more,
			   &key, &v);
	}
	if (!clashes->n)
		return;
	clashes->p[0] = '{';
	cdp_buf_addc(&d->draft.more, ',');
	cdp_json_cstr(&d->draft.more, protocol);
	cdp_buf_addc(&d->draft.more, ':');
	cdp_buf_add(&d->draft.more, clashes->p, clashes->n);
	cdp_buf_addc(&d->draft.more, '}');
}

void cdp_keep_envelope(struct cdp_decoder *d, const struct cdp_val *object,
		       const char *const *done, const char *protocol)
{
	cdp_buf_reset(&d->draft.more);
	cdp_buf_reset(&d->rest);
	if (object->type != CDP_OBJECT)
		return;
	cdp_keep_rest(d, object, done, protocol);
	cdp_buf_add(&d->rest, d->draft.more.p, d->draft.more.n);
}

void cdp_keep_again(struct cdp_decoder *d)
{
	cdp_buf_add(&d->draft.more, d->rest.p, d->rest.n);
}

void cdp_keep_object(struct cdp_buf *out, const char *key, const struct cdp_val *object,
		     const char *const *without)
{
	struct cdp_iter it = { 0 };
	struct cdp_val k, v;
	bool more = false;

	if (object->type != CDP_OBJECT)
		return;
	while (cdp_val_member(object, &it, &k, &v)) {
		if (among(&k, without))
			continue;
		if (!more) {
			cdp_buf_addc(out, ',');
			cdp_json_cstr(out, key);
			cdp_buf_adds(out, ":{");
		} else {
			cdp_buf_addc(out, ',');
		}
		more = true;
		cdp_json_val(out, &k);
		cdp_buf_addc(out, ':');
		cdp_canon_put_val(out, &v);
	}
	if (more)
		cdp_buf_addc(out, '}');
}

static unsigned depth(const char *p, size_t n)
{
	unsigned open = 0, most = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == '{' || p[i] == '[') && ++open > most)
			most = open;
		else if (!quoted && (p[i] == '}' || p[i] == ']'))
			open--;
	}
	return most;
}

int cdp_keep_json(struct cdp_val *v, const char *p, size_t n, const char *path,
		  struct cdp_err *err)
{
	enum { AROUND = 8 }; /* levels of a record around it */
	struct cdp_err why;

	if (cdp_json_check(p, n, &why) < 0)
		return cdp_canon_bad(err, path, "not JSON: %s", why.msg);
	if (depth(p, n) > CDP_DEPTH_MAX - AROUND)
		return cdp_canon_bad(err, path, "nested deeper than %d",
				     CDP_DEPTH_MAX - AROUND);
	cdp_val_at(v, p, n);
	return 0;
}

void cdp_keep_next(struct cdp_draft *d, enum cdp_draft_kind kind, const char *what,
		   const struct cdp_val *project)
{
	d->kind = kind;
	d->deleted = false;
	cdp_buf_reset(&d->event);
	cdp_buf_reset(&d->name);
	cdp_buf_reset(&d->id);
	cdp_buf_reset(&d->more);
	for (int i = 0; i < CDP_PARTS; i++)
		cdp_buf_reset(&d->part[i]);
	cdp_keep_project(d, project);
	if (!what || !d->event_id.n)
		return;
	cdp_buf_addc(&d->event_id, '#');
	cdp_buf_adds(&d->event_id, what);
}

/* --- groups --- */

static int name_group(struct cdp_draft *r, struct cdp_buf *type, struct cdp_buf *id,
		      const struct cdp_val *t, const struct cdp_val *i,
		      struct cdp_err *err)
{
	if (cdp_draft_text(r, type, t, "group type", err) < 0 ||
	    cdp_draft_text(r, id, i, "group id", err) < 0)
		return -1;
	if (!type->n || !id->n)
		return cdp_canon_bad(err, type->n ? "group id" : "group type",
				     "a group without a name");
	return 0;
}

int cdp_keep_group(struct cdp_decoder *d, const struct cdp_val *type,
		   const struct cdp_val *id, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (name_group(r, &d->b, &d->c, type, id, err) < 0)
		return -1;
	r->kind = CDP_DRAFT_RELATION;
	cdp_buf_reset(&r->name);
	cdp_buf_adds(&r->name, "member_of");
	cdp_buf_reset(&r->id);
	cdp_buf_addc(&r->id, '{');
	cdp_json_str(&r->id, d->b.p, d->b.n);
	cdp_buf_addc(&r->id, ':');
	cdp_json_str(&r->id, d->c.p, d->c.n);
	cdp_buf_addc(&r->id, '}');
	return 0;
}

int cdp_keep_entity(struct cdp_decoder *d, const char *what,
		    const struct cdp_val *project, const struct cdp_val *type,
		    const struct cdp_val *id, const struct cdp_val *props,
		    struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (props->type > CDP_NULL && props->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "properties of a group that are no object");
	cdp_keep_next(r, CDP_DRAFT_ENTITY, what, project);
	cdp_ids_reset(&r->ids);
	cdp_draft_all(r, CDP_PART_PROPS, props, NULL);
	return name_group(r, &r->name, &r->id, type, id, err);
}

void cdp_keep_names(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *array)
{
	struct cdp_iter it = { 0 };
	struct cdp_val name;

	while (array->type == CDP_ARRAY && cdp_val_item(array, &it, &name))
		if (name.type == CDP_STRING)
			cdp_draft_val(d, part, &name, &name);
}

void cdp_keep_append(struct cdp_decoder *d, const struct cdp_val *object, bool spread)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v, array;

	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v)) {
		array = v;
		if (v.type != CDP_ARRAY || !spread) {
			cdp_buf_reset(&d->a);
			cdp_buf_addc(&d->a, '[');
			cdp_canon_put_val(&d->a, &v);
			cdp_buf_addc(&d->a, ']');
			cdp_val_at(&array, d->a.p, d->a.n);
		}
		cdp_draft_val(&d->draft, CDP_PART_APPEND, &key, &array);
	}
}

bool cdp_has_members(const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, value;

	if (v->type == CDP_OBJECT)
		return cdp_val_member(v, &it, &key, &value);
	return v->type == CDP_ARRAY && cdp_val_item(v, &it, &value);
}

/* --- ids --- */

void cdp_keep_project(struct cdp_draft *d, const struct cdp_val *key)
{
	enum { PROJECT_MAX = 255 };
	const char *name = NULL;

	if (key->n > PROJECT_MAX)
		return;
	if (d->projects && (key->type == CDP_STRING || key->type == CDP_NUMBER))
		name = cdp_projects_of(d->projects, key->p, key->n);
	if (name)
		cdp_canon_add_str(&d->more, 0, "project", name, strlen(name));
	else
		cdp_draft_member(d, "project", key);
}

int cdp_keep_ip(struct cdp_draft *d, const struct cdp_val *ip,
		const struct cdp_arrival *from, struct cdp_err *err)
{
	if (d->ids.n)
		return 0;
	if (cdp_given(ip))
		return cdp_draft_id(d, "ip", NULL, ip, "ip", err);
	return from->ip ? cdp_ids_put(&d->ids, "ip", 2, from->ip, strlen(from->ip), err)
			: 0;
}
