#include "model/plan_tree.h"

#include "base/mem.h"
#include "base/text.h"
#include "record/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan_where plan_below(const struct plan_where *w, const char *key)
{
	struct plan_where out;

	snprintf(out.s, sizeof(out.s), "%.*s%s%.*s", 160, w->s, *w->s ? "." : "", 70,
		 key);
	return out;
}

int plan_bad(struct cdp_err *err, const struct plan_where *w, const char *key,
	     const char *what)
{
	struct plan_where at = plan_below(w, key);

	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", at.s, what);
}

int plan_one_of(const char *const *names, size_t count, const char *what,
		const char *text, const struct plan_where *w, const char *key,
		struct cdp_err *err)
{
	struct plan_where at = plan_below(w, key);
	const char *near;

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	near = cdp_text_suggest(text, strlen(text), names, count);
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: unknown %s '%s'%s%s%s", at.s, what,
			   text, near ? "; did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
}

int plan_dup_str(const json_t *o, const char *key, char **out, bool required,
		 const struct plan_where *w, struct cdp_err *err)
{
	const char *s = NULL;

	if (cdp_tree_str(o, key, &s, required, w->s, err) < 0)
		return -1;
	*out = s ? cdp_strdup(s) : NULL;
	return 0;
}

char *plan_quoted(const char *s)
{
	struct cdp_buf b;
	char *text;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_json_cstr(&b, s);
	text = cdp_strndup(b.p, b.n);
	cdp_buf_release(&b);
	return text;
}

int plan_strings(const json_t *o, const char *key, char ***out, size_t *n,
		 const struct plan_where *w, struct cdp_err *err)
{
	const json_t *v = json_object_get(o, key);
	size_t count = json_is_array(v) ? json_array_size(v) : v != NULL;

	*out = cdp_calloc(count + 1, sizeof(**out));
	for (size_t i = 0; i < count; i++) {
		const json_t *s = json_is_array(v) ? json_array_get(v, i) : v;

		if (!json_is_string(s) || !*json_string_value(s))
			return plan_bad(err, w, key,
					"expected a string or a list of strings");
		(*out)[i] = cdp_strdup(json_string_value(s));
		*n = i + 1;
	}
	return 0;
}

int plan_object(const json_t *o, const char *key, const json_t **out,
		const struct plan_where *w, struct cdp_err *err)
{
	*out = json_object_get(o, key);
	if (*out && !json_is_object(*out))
		return plan_bad(err, w, key, "expected an object");
	return 0;
}
