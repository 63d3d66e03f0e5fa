#include "lang/step.h"

#include "base/mem.h"
#include "base/text.h"
#include "lang/lex.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

static bool is_event_name(const char *text)
{
	size_t n = strlen(text), i = 0;

	while (i < n) {
		size_t name = strchr("0123456789.:-", text[i])
				      ? 1
				      : cdp_lex_name(text + i, n - i);

		if (name == 0)
			return false;
		i += name;
	}
	return n > 0;
}

static int parse_condition(struct cdp_step *s, const char *label, size_t label_len,
			   const char *expr, const struct cdp_env *env,
			   struct cdp_err *err)
{
	if (cdp_expr_compile(&s->expr, expr, strlen(expr), env, err) < 0) {
		cdp_err_prefix(err, "%.*s", (int)label_len, label);
		return -1;
	}
	s->label = cdp_strndup(label, label_len);
	return 0;
}

int cdp_step_parse(struct cdp_step *s, const char *text, const struct cdp_env *env,
		   struct cdp_err *err)
{
	const char *mark = strstr(text, ":=");

	memset(s, 0, sizeof(*s));
	if (cdp_utf8_check(text, strlen(text)) != strlen(text))
		return cdp_err_set(err, CDP_ERR_USAGE, "not UTF-8");
	if (text[0] == '=')
		return parse_condition(s, text + 1, strlen(text + 1), text + 1, env, err);
	if (mark && mark > text)
		return parse_condition(s, text, (size_t)(mark - text), mark + 2, env,
				       err);
	if (!is_event_name(text))
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"'%s' is neither an event name nor LABEL:=EXPR nor =EXPR", text);
	s->event = cdp_strdup(text);
	s->label = cdp_strdup(text);
	return 0;
}

void cdp_step_release(struct cdp_step *s)
{
	free(s->label);
	free(s->event);
	cdp_expr_free(s->expr);
	memset(s, 0, sizeof(*s));
}

int cdp_step_match(const struct cdp_step *s, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err)
{
	if (s->expr)
		return cdp_expr_match(s->expr, ev, rec, err);
	return cdp_val_is(cdp_rec_get(rec, CDP_SLOT_EVENT), s->event, strlen(s->event));
}
