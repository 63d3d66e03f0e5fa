#include "model/portrait_drill.h"

#include "base/num.h"
#include "base/numtext.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

static void add_key(struct cdp_drill *d, char kind, const char *p, size_t n)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addc(&b, kind);
	if (kind == CDP_PORTRAIT_NUMBER)
		cdp_numtext_add(&b, p, n);
	else
		cdp_buf_add(&b, p, n);
	cdp_intern_put(d->keys, b.p, b.n, NULL);
	cdp_buf_release(&b);
}

static bool is(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(p, word, n) == 0;
}

static void add_plain(struct cdp_drill *d, const char *p, size_t n)
{
	struct cdp_err ignored;
	double number;

	if (is(p, n, "null")) {
		d->missing = true;
		return;
	}
	add_key(d, CDP_PORTRAIT_STRING, p, n);
	if (is(p, n, "true") || is(p, n, "false"))
		add_key(d, CDP_PORTRAIT_BOOL, p, n);
	if (is(p, n, "[]"))
		add_key(d, CDP_PORTRAIT_JSON, p, n);
	if (cdp_num_double(&number, p, n, &ignored) == 0)
		add_key(d, CDP_PORTRAIT_NUMBER, p, n);
}

static int add_quoted(struct cdp_drill *d, const char *p, size_t n, struct cdp_err *err)
{
	struct cdp_buf tmp;
	struct cdp_val v;
	const char *text;

	if (cdp_json_check(p, n, err) < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "'%.*s' is no JSON string",
				   (int)(n < 100 ? n : 100), p);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	cdp_val_at(&v, p, n);
	text = cdp_val_str(&v, &tmp, &n);
	add_key(d, CDP_PORTRAIT_STRING, text, n);
	cdp_buf_release(&tmp);
	return 0;
}

/* The end of the value at p. */
static const char *value_end(const char *p)
{
	if (*p != '"')
		return p + strcspn(p, ",");
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 + strcspn(p + 1, ",") : p;
}

static int add_values(struct cdp_drill *d, const char *p, struct cdp_err *err)
{
	for (;; p++) {
		const char *end = value_end(p);

		if (end == p)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "'%.100s' has an empty value; an empty string "
					   "is written \"\"",
					   d->label);
		if (*p != '"')
			add_plain(d, p, (size_t)(end - p));
		else if (add_quoted(d, p, (size_t)(end - p), err) < 0)
			return -1;
		p = end;
		if (!*p)
			return 0;
	}
}

static int parse_values(struct cdp_drill *d, const char *text, const struct cdp_env *env,
			struct cdp_err *err)
{
	size_t n = strcspn(text, "=");
	const char *keys[] = { "tags", NULL };
	size_t lens[] = { 4, n };
	char *tag;

	if (n == 0 || text[n] != '=' || text[n + 1] == '=')
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.100s' is neither TAG=VALUE,... nor a condition, "
				   "which is written =EXPR or LABEL:=EXPR",
				   text);
	d->label = cdp_strdup(text);
	d->keys = cdp_intern_new(0);
	keys[1] = tag = cdp_strndup(text, n);
	d->slot = cdp_paths_add_keys(env->paths, keys, lens, 2);
	free(tag);
	return add_values(d, text + n + 1, err);
}

int cdp_drill_parse(struct cdp_drill *d, const char *text, const struct cdp_env *env,
		    struct cdp_err *err)
{
	int ret;

	*d = (struct cdp_drill){ 0 };
	if (*text == '=' || strstr(text, ":=")) {
		ret = cdp_step_parse(&d->step, text, env, err);
		if (ret == 0)
			d->label = cdp_strdup(d->step.label);
	} else {
		ret = parse_values(d, text, env, err);
	}
	if (ret < 0)
		cdp_drill_release(d);
	return ret;
}

void cdp_drill_release(struct cdp_drill *d)
{
	cdp_intern_free(d->keys);
	cdp_step_release(&d->step);
	free(d->label);
	*d = (struct cdp_drill){ 0 };
}

static bool has(const struct cdp_drill *d, const struct cdp_val *v, struct cdp_buf *key,
		struct cdp_buf *tmp)
{
	cdp_buf_reset(key);
	cdp_portrait_key(key, v, tmp);
	return cdp_intern_get(d->keys, key->p, key->n) != CDP_INTERN_NONE;
}

/* An empty list, or one of nothing but nulls, is [] as it is in portraits. */
static bool has_item(const struct cdp_drill *d, const struct cdp_val *list,
		     struct cdp_buf *key, struct cdp_buf *tmp)
{
	static const char empty[] = { CDP_PORTRAIT_JSON, '[', ']' };
	struct cdp_iter it = { 0 };
	struct cdp_val item;
	bool any = false;

	while (cdp_val_item(list, &it, &item)) {
		if (item.type == CDP_NULL)
			continue;
		any = true;
		if (has(d, &item, key, tmp))
			return true;
	}
	return !any && cdp_intern_get(d->keys, empty, sizeof(empty)) != CDP_INTERN_NONE;
}

int cdp_drill_match(const struct cdp_drill *d, struct cdp_eval *ev, struct cdp_rec *rec,
		    struct cdp_buf *key, struct cdp_buf *tmp, struct cdp_err *err)
{
	const struct cdp_val *v;

	if (!d->keys)
		return cdp_step_match(&d->step, ev, rec, err);
	v = cdp_rec_get(rec, d->slot);
	if (v->type == CDP_MISSING || v->type == CDP_NULL)
		return d->missing;
	return v->type == CDP_ARRAY ? has_item(d, v, key, tmp) : has(d, v, key, tmp);
}

void cdp_drill_hide(const struct cdp_guard_sums *guard,
		    const struct cdp_drill_level *levels, unsigned count, bool *hidden)
{
	unsigned last = 0;

	hidden[0] = false;
	for (unsigned k = 1; k < count; k++) {
		uint64_t left[CDP_PORTRAIT_GROUPS] = { 0 };

		for (unsigned g = 0; g < guard->groups; g++)
			left[g] = levels[last].counts[g] - levels[k].counts[g];
		hidden[k] = !cdp_guard_is_safe(guard, levels[k].counts) ||
			    !cdp_guard_is_safe(guard, left);
		if (!hidden[k])
			last = k;
	}
}
