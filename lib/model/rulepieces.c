#include "model/rulepieces.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool add(struct cdp_rule_pieces *s, const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	while (p < end && is_blank(end[-1]))
		end--;
	if (p == end || s->count == CDP_RULE_PIECES)
		return false;
	s->v[s->count].p = p;
	s->v[s->count++].n = (size_t)(end - p);
	return true;
}

/* Behind the text that begins at its quote; NULL: it is one of those that are not told
 * from here, or has no end. */
static const char *skip_quoted(const char *p, const char *end)
{
	const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));

	if (!close || (close == p + 1 && close + 1 < end && close[1] == *p))
		return NULL;
	return close + 1;
}

bool cdp_rule_pieces(struct cdp_rule_pieces *s, const char *text, size_t n)
{
	const char *end = text + n, *first = text, *p = text;
	int depth = 0;

	s->count = 0;
	while (p < end) {
		switch (*p) {
		case '\'':
		case '"':
			p = skip_quoted(p, end);
			if (!p)
				return false;
			continue;
		case '(':
		case '[':
		case '{':
			depth++;
			break;
		case ')':
		case ']':
		case '}':
			if (--depth < 0)
				return false;
			break;
		case '\\': /* escapes in texts */
		case '`':
		case '/': /* perhaps a comment */
			return false;
		case '?':
		case '|':
			if (depth == 0)
				return false;
			break;
		case '&':
			if (depth)
				break;
			if (p + 1 == end || p[1] != '&' || !add(s, first, p))
				return false;
			first = ++p + 1;
			break;
		default:
			break;
		}
		p++;
	}
	return depth == 0 && add(s, first, end);
}
