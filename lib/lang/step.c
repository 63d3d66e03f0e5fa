#include "lang/step.h"

#include "lang/lex.h"

#include <stdlib.h>
#include <string.h>

static bool is_event_name(const char *text)
{
	size_t n = strlen(text), i = 0, k;

	while (i < n) {
		bool plain = (text[i] >= '0' && text[i] <= '9') ||
			     strchr(".:-", text[i]) != NULL;

		k = plain ? 1 : cdp_lex_name(text + i, n - i);
		if (k == 0)
			return false;
		i += k;
	}
	return n > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char *trimmed(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	return cdp_strndup(p, (size_t)(end - p));
}

int cdp_step_parse(struct cdp_step *s, const char *text, const struct cdp_env *env,
		   struct cdp_err *err)
{
	const char *sign = text[0] == '=' ? text : strstr(text, ":="), *expr;

	*s = (struct cdp_step){ 0 };
	if (is_event_name(text)) {
		s->event = cdp_strdup(text);
		s->event_n = strlen(text);
		s->label = cdp_strdup(text);
		return 0;
	}
	if (!sign)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.100s' is no event name; a condition is written "
				   "=EXPR or LABEL:=EXPR",
				   text);
	expr = sign + (*sign == ':' ? 2 : 1);
	s->label = sign == text && *sign == '=' ? trimmed(expr, expr + strlen(expr))
						: trimmed(text, sign);
	if (!*s->label) {
		cdp_step_release(s);
		return cdp_err_set(err, CDP_ERR_USAGE, "label of '%.100s' is empty",
				   text);
	}
	if (cdp_expr_compile_condition(&s->expr, expr, strlen(expr), env, err) < 0) {
		cdp_step_release(s);
		return -1;
	}
	return 0;
}

void cdp_step_release(struct cdp_step *s)
{
	cdp_expr_free(s->expr);
	free(s->label);
	free(s->event);
	*s = (struct cdp_step){ 0 };
}

int cdp_step_match(const struct cdp_step *s, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err)
{
	if (s->expr)
		return cdp_expr_match(s->expr, ev, rec, err);
	return cdp_step_named(s, cdp_rec_get(rec, CDP_SLOT_EVENT));
}
