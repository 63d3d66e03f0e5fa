#include "format/draft.h"

#include "base/hash.h"
#include "record/json.h"

static const char *const part_names[CDP_PARTS] = {
	[CDP_PART_PROPS] = "props",       [CDP_PART_SET] = "set",
	[CDP_PART_SET_ONCE] = "set_once", [CDP_PART_INCREMENT] = "increment",
	[CDP_PART_APPEND] = "append",     [CDP_PART_UNSET] = "unset",
};

static const struct {
	const char *type, *name, *id; /* members that `name` and `id` become */
	bool needs_time;
	unsigned ids; /* at least so many */
} kinds[] = {
	[CDP_DRAFT_EVENT] = { NULL, NULL, NULL, true, 1 },
	[CDP_DRAFT_PROFILE] = { "profile", NULL, NULL, true, 1 },
	[CDP_DRAFT_DETAIL] = { "detail", "detail", "row", true, 1 },
	[CDP_DRAFT_ENTITY] = { "entity", "entity", "id", false, 0 },
	[CDP_DRAFT_RELATION] = { "relation", "relation", "to", false, 1 },
	[CDP_DRAFT_BIND] = { "bind", NULL, NULL, true, 2 },
	[CDP_DRAFT_UNBIND] = { "unbind", NULL, NULL, true, 1 },
};

void cdp_draft_init(struct cdp_draft *d)
{
	cdp_ids_init(&d->ids);
	cdp_buf_init(&d->event, CDP_BUF_NOMAX);
	cdp_buf_init(&d->event_id, CDP_BUF_NOMAX);
	cdp_buf_init(&d->source, CDP_BUF_NOMAX);
	cdp_buf_init(&d->name, CDP_BUF_NOMAX);
	cdp_buf_init(&d->id, CDP_BUF_NOMAX);
	cdp_buf_init(&d->more, CDP_BUF_NOMAX);
	cdp_buf_init(&d->tmp, CDP_BUF_NOMAX);
	for (int i = 0; i < CDP_PARTS; i++)
		cdp_buf_init(&d->part[i], CDP_BUF_NOMAX);
	cdp_draft_reset(d, CDP_DRAFT_EVENT);
}

void cdp_draft_release(struct cdp_draft *d)
{
	cdp_ids_release(&d->ids);
	cdp_buf_release(&d->event);
	cdp_buf_release(&d->event_id);
	cdp_buf_release(&d->source);
	cdp_buf_release(&d->name);
	cdp_buf_release(&d->id);
	cdp_buf_release(&d->more);
	cdp_buf_release(&d->tmp);
	for (int i = 0; i < CDP_PARTS; i++)
		cdp_buf_release(&d->part[i]);
}

void cdp_draft_reset(struct cdp_draft *d, enum cdp_draft_kind kind)
{
	d->kind = kind;
	d->ms = d->sent = d->received = CDP_NO_TIME;
	d->deleted = false;
	cdp_ids_reset(&d->ids);
	cdp_buf_reset(&d->event);
	cdp_buf_reset(&d->event_id);
	cdp_buf_reset(&d->source);
	cdp_buf_reset(&d->name);
	cdp_buf_reset(&d->id);
	cdp_buf_reset(&d->more);
	for (int i = 0; i < CDP_PARTS; i++)
		cdp_buf_reset(&d->part[i]);
}

/* --- texts and ids --- */

void cdp_draft_event(struct cdp_draft *d, const char *p, size_t n)
{
	cdp_buf_reset(&d->event);
	cdp_buf_add(&d->event, p, n);
}

int cdp_draft_text(struct cdp_draft *d, struct cdp_buf *to, const struct cdp_val *v,
		   const char *path, struct cdp_err *err)
{
	const char *p;
	size_t n;

	cdp_buf_reset(to);
	if (cdp_id_text(v, &d->tmp, &p, &n, path, NULL, 0, err) < 0)
		return -1;
	cdp_buf_add(to, p, n);
	return 0;
}

int cdp_draft_id(struct cdp_draft *d, const char *kind, const char *other,
		 const struct cdp_val *v, const char *path, struct cdp_err *err)
{
	const char *p;
	size_t n;

	if (cdp_id_text(v, &d->tmp, &p, &n, path, NULL, 0, err) < 0)
		return -1;
	if (!n)
		return 0;
	return other ? cdp_ids_add(&d->ids, kind, other, strlen(other), p, n, err)
		     : cdp_ids_put(&d->ids, kind, strlen(kind), p, n, err);
}

void cdp_draft_tuple(struct cdp_draft *d, const char *p, size_t n)
{
	char hex[32];

	cdp_hex16(hex, cdp_hash_stable(p, n, 0));
	cdp_hex16(hex + 16, cdp_hash_stable(p, n, 1));
	cdp_buf_reset(&d->event_id);
	cdp_buf_add(&d->event_id, hex, sizeof(hex));
}

void cdp_draft_lib(struct cdp_draft *d, const struct cdp_format_opts *opts,
		   const char *protocol, const struct cdp_val *lib,
		   const struct cdp_val *version)
{
	const char *p;
	size_t n;

	cdp_buf_reset(&d->source);
	if (lib->type == CDP_STRING && lib->n) {
		cdp_buf_adds(&d->source, protocol);
		cdp_buf_addc(&d->source, '/');
		p = cdp_val_str(lib, &d->tmp, &n);
		for (size_t i = 0; i < n; i++)
			cdp_buf_addc(&d->source, p[i] >= 'A' && p[i] <= 'Z'
							 ? (char)(p[i] | 0x20)
							 : p[i]);
	} else {
		cdp_buf_adds(&d->source, opts->source ? opts->source : protocol);
	}
	if (d->kind != CDP_DRAFT_EVENT)
		return;
	if (lib->type > CDP_NULL && !cdp_draft_has(d, CDP_PART_PROPS, "$lib", 4))
		cdp_draft_named(d, CDP_PART_PROPS, "$lib", lib);
	if (version->type > CDP_NULL &&
	    !cdp_draft_has(d, CDP_PART_PROPS, "$lib_version", 12))
		cdp_draft_named(d, CDP_PART_PROPS, "$lib_version", version);
}

void cdp_draft_member(struct cdp_draft *d, const char *key, const struct cdp_val *v)
{
	if ((v->type != CDP_STRING && v->type != CDP_NUMBER) || !v->n)
		return;
	cdp_buf_addf(&d->more, ",\"%s\":\"", key);
	cdp_buf_add(&d->more, v->p, v->n); /* as it is escaped already */
	cdp_buf_addc(&d->more, '"');
}

/* --- parts --- */

static struct cdp_buf *next(struct cdp_draft *d, enum cdp_part part)
{
	struct cdp_buf *b = &d->part[part];

	cdp_buf_addc(b, b->n ? ',' : part == CDP_PART_UNSET ? '[' : '{');
	return b;
}

void cdp_draft_val(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *key,
		   const struct cdp_val *v)
{
	struct cdp_buf *b;

	if (v->type == CDP_MISSING)
		return;
	b = next(d, part);
	cdp_json_val(b, key);
	if (part == CDP_PART_UNSET)
		return;
	cdp_buf_addc(b, ':');
	cdp_canon_put_val(b, v);
}

static struct cdp_buf *open_named(struct cdp_draft *d, enum cdp_part part,
				  const char *key)
{
	struct cdp_buf *b = next(d, part);

	cdp_json_cstr(b, key);
	if (part == CDP_PART_UNSET)
		return NULL;
	cdp_buf_addc(b, ':');
	return b;
}

void cdp_draft_named(struct cdp_draft *d, enum cdp_part part, const char *key,
		     const struct cdp_val *v)
{
	struct cdp_buf *b;

	if (v->type != CDP_MISSING && (b = open_named(d, part, key)))
		cdp_canon_put_val(b, v);
}

void cdp_draft_str(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *p, size_t n)
{
	struct cdp_buf *b = open_named(d, part, key);

	if (b)
		cdp_json_str(b, p, n);
}

void cdp_draft_raw(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *json, size_t n)
{
	struct cdp_buf *b = open_named(d, part, key);

	if (b)
		cdp_buf_add(b, json, n);
}

static bool is_named(const struct cdp_val *key, const char *const *names)
{
	for (; names && *names; names++)
		if (cdp_val_is(key, *names, strlen(*names)))
			return true;
	return false;
}

void cdp_draft_all(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *object,
		   const char *const *without)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	if (object->type != CDP_OBJECT)
		return;
	while (cdp_val_member(object, &it, &key, &v))
		if (!is_named(&key, without))
			cdp_draft_val(d, part, &key, &v);
}

/* A part as an object, closed behind its end. */
static struct cdp_val part_val(struct cdp_draft *d, enum cdp_part part)
{
	struct cdp_buf *b = &d->part[part];

	if (!b->n || part == CDP_PART_UNSET || cdp_buf_reserve(b, 1) < 0)
		return (struct cdp_val){ .type = CDP_MISSING };
	b->p[b->n] = '}';
	return (struct cdp_val){ .p = b->p, .n = (uint32_t)b->n + 1, .type = CDP_OBJECT };
}

bool cdp_draft_has(struct cdp_draft *d, enum cdp_part part, const char *key, size_t n)
{
	struct cdp_val object = part_val(d, part), k, v;
	struct cdp_iter it = { 0 };

	while (object.type == CDP_OBJECT && cdp_val_member(&object, &it, &k, &v))
		if (cdp_val_is(&k, key, n))
			return true;
	return false;
}

void cdp_draft_names(struct cdp_draft *d, enum cdp_part part, struct cdp_names *names)
{
	struct cdp_val object = part_val(d, part), key, v;
	struct cdp_iter it = { 0 };
	const char *p;
	size_t n;

	names->n = 0;
	while (object.type == CDP_OBJECT &&
	       names->n < sizeof(names->hash) / sizeof(*names->hash) &&
	       cdp_val_member(&object, &it, &key, &v)) {
		p = cdp_val_str(&key, &d->tmp, &n);
		names->hash[names->n++] = cdp_hash(p, n);
	}
}

bool cdp_names_have(const struct cdp_names *names, const char *p, size_t n)
{
	uint64_t hash = cdp_hash(p, n);

	for (size_t i = 0; i < names->n; i++)
		if (names->hash[i] == hash)
			return true;
	return false;
}

void cdp_draft_beside(struct cdp_draft *d, enum cdp_part part,
		      const struct cdp_val *object, const char *const *without)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct cdp_names taken;
	struct cdp_buf *b;
	const char *p;
	size_t n;

	if (object->type != CDP_OBJECT)
		return;
	cdp_draft_names(d, part, &taken);
	while (cdp_val_member(object, &it, &key, &v)) {
		if (is_named(&key, without))
			continue;
		p = cdp_val_str(&key, &d->tmp, &n);
		if (!cdp_names_have(&taken, p, n)) {
			cdp_draft_val(d, part, &key, &v);
			continue;
		}
		b = next(d, part);
		cdp_buf_adds(b, "\"$");
		cdp_buf_add(b, key.p, key.n);
		cdp_buf_adds(b, "\":");
		cdp_canon_put_val(b, &v);
	}
}

/* --- writing --- */

static int check_kind(struct cdp_draft *d, struct cdp_err *err)
{
	struct cdp_val increment, append;

	if (kinds[d->kind].name && !d->name.n)
		return cdp_canon_bad(err, kinds[d->kind].name, "%s is missing",
				     kinds[d->kind].name);
	if (kinds[d->kind].id && !d->id.n)
		return cdp_canon_bad(err, kinds[d->kind].id, "%s is missing",
				     kinds[d->kind].id);
	if (d->kind != CDP_DRAFT_PROFILE)
		return 0;
	increment = part_val(d, CDP_PART_INCREMENT);
	append = part_val(d, CDP_PART_APPEND);
	if (cdp_canon_check_members(&increment, "increment", CDP_NUMBER, "a number",
				    err) < 0)
		return -1;
	return cdp_canon_check_members(&append, "append", CDP_ARRAY, "an array", err);
}

static int check(struct cdp_draft *d, const struct cdp_format_opts *opts,
		 struct cdp_err *err)
{
	unsigned least = kinds[d->kind].ids;

	if (d->ms == CDP_NO_TIME && kinds[d->kind].needs_time)
		return cdp_canon_bad(err, "time", "time is missing");
	if (d->kind == CDP_DRAFT_EVENT &&
	    cdp_canon_event(d->event.p, d->event.n, err) < 0)
		return -1;
	if (d->ids.n < least)
		return cdp_canon_bad(err, "ids",
				     least == 1 ? "no usable id"
						: "a bind of fewer than two ids");
	if (check_kind(d, err) < 0)
		return -1;
	return d->ms == CDP_NO_TIME ? 0 : cdp_canon_future(opts, d->ms, d->received, err);
}

static void put_part(struct cdp_draft *d, enum cdp_part part, struct cdp_buf *out)
{
	const struct cdp_buf *b = &d->part[part];

	if (!b->n)
		return;
	cdp_buf_addf(out, ",\"%s\":", part_names[part]);
	cdp_buf_add(out, b->p, b->n);
	cdp_buf_addc(out, part == CDP_PART_UNSET ? ']' : '}');
}

static void put_names(struct cdp_draft *d, struct cdp_buf *out)
{
	if (!kinds[d->kind].name)
		return;
	cdp_canon_add_str(out, 0, kinds[d->kind].name, d->name.p, d->name.n);
	if (d->kind != CDP_DRAFT_RELATION) {
		cdp_canon_add_str(out, 0, kinds[d->kind].id, d->id.p, d->id.n);
		return;
	}
	cdp_buf_adds(out, ",\"to\":");
	cdp_buf_add(out, d->id.p, d->id.n);
}

static void put_parts(struct cdp_draft *d, struct cdp_buf *out)
{
	bool any = false;

	if (d->kind != CDP_DRAFT_PROFILE) {
		put_part(d, CDP_PART_PROPS, out);
		return;
	}
	for (int i = CDP_PART_SET; i < CDP_PARTS; i++) {
		put_part(d, (enum cdp_part)i, out);
		any = any || d->part[i].n;
	}
	if (!any && !d->deleted)
		cdp_buf_adds(out, ",\"set\":{}");
}

static void put_rest(struct cdp_draft *d, const struct cdp_format_opts *opts,
		     struct cdp_buf *out, size_t start, struct cdp_canon *info)
{
	int64_t received = d->received != CDP_NO_TIME ? d->received : opts->received;

	if (d->event_id.n)
		info->event_id = cdp_canon_add_str(out, start, "event_id", d->event_id.p,
						   d->event_id.n);
	if (d->source.n)
		info->source =
			cdp_canon_add_str(out, start, "source", d->source.p, d->source.n);
	cdp_buf_add(out, d->more.p, d->more.n);
	if (d->sent != CDP_NO_TIME)
		info->sent = cdp_canon_add_time(out, start, "sent", d->sent);
	if (received != CDP_NO_TIME)
		info->received = cdp_canon_add_time(out, start, "received", received);
	cdp_buf_addc(out, '}');
}

/* Whether text that is JSON nests deeper than a scanner goes. */
static bool is_too_deep(const char *p, size_t n)
{
	size_t opened = 0;
	int depth = 0;
	bool inside = false;

	for (size_t i = 0; i < n; i++)
		opened += (p[i] | 0x20) == '{';
	if (opened <= CDP_DEPTH_MAX)
		return false;
	for (size_t i = 0; i < n && depth <= CDP_DEPTH_MAX; i++) {
		if (p[i] == '"')
			inside = !inside;
		else if (inside)
			i += p[i] == '\\';
		else if ((p[i] | 0x20) == '{')
			depth++;
		else if ((p[i] | 0x20) == '}')
			depth--;
	}
	return depth > CDP_DEPTH_MAX;
}

int cdp_draft_write(struct cdp_draft *d, const struct cdp_format_opts *opts,
		    struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err)
{
	size_t start = out->n;

	if (check(d, opts, err) < 0)
		return -1;
	*info = (struct cdp_canon){ .ms = d->ms };
	cdp_canon_open(out, d->ms, d->event.p, d->event.n, kinds[d->kind].type);
	if (d->ids.n) {
		cdp_buf_adds(out, ",\"ids\":");
		cdp_ids_write(&d->ids, out);
	}
	put_names(d, out);
	put_parts(d, out);
	if (d->deleted)
		cdp_buf_adds(out, ",\"deleted\":true");
	put_rest(d, opts, out, start, info);
	if (!is_too_deep(out->p + start, out->n - start))
		return 0;
	out->n = start;
	return cdp_canon_bad(err, "", "nested deeper than %d levels", CDP_DEPTH_MAX);
}
