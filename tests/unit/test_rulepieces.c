#include "base/buf.h"
#include "model/rulepieces.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* Pieces between bars; empty: it is not told. */
static const char *pieces(struct cdp_buf *b, const char *text)
{
	struct cdp_rule_pieces s;

	cdp_buf_reset(b);
	if (cdp_rule_pieces(&s, text, strlen(text)))
		for (unsigned i = 0; i < s.count; i++) {
			if (i)
				cdp_buf_addc(b, '|');
			cdp_buf_add(b, s.v[i].p, s.v[i].n);
		}
	return cdp_buf_str(b);
}

int main(void)
{
	static const struct {
		const char *text, *want, *name;
	} cases[] = {
		{ "a", "a", "a condition is one piece" },
		{ " a && b>1\n&&c ", "a|b>1|c", "blanks around pieces are none of them" },
		{ "(a && b) && c", "(a && b)|c", "brackets are not opened" },
		{ "a.exists(x, x || y) && [b && c][0]", "a.exists(x, x || y)|[b && c][0]",
		  "nor what is in them looked at" },
		{ "a == '&& (' && b == \"it's\"", "a == '&& ('|b == \"it's\"",
		  "texts are skipped" },
		{ "a == '' && b", "a == ''|b", "so are empty ones" },
		{ "a || b && c", "", "|| binds less than &&" },
		{ "a ? b && c : d", "", "so does ?:" },
		{ "a == 'x\\' && y' && b", "", "escapes are left to the parser" },
		{ "a == '''x' && 'y''' && b", "", "so are long texts" },
		{ "a == 1 // && b", "", "and comments" },
		{ "a.`b && c`", "", "and names in backquotes" },
		{ "a && ", "", "a piece that is missing is an error" },
		{ "&& a", "", "also the first" },
		{ "a & b", "", "and so is one sign" },
		{ "a && (b", "", "a bracket stays open" },
		{ "a) && (b", "", "or is closed before" },
		{ "a == 'b", "", "a text has no end" },
		{ "", "", "there is nothing" },
	};
	char many[65 * 5] = "x", *at = many + 1;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(pieces(&b, cases[i].text), cases[i].want, "%s", cases[i].name);
	for (unsigned i = 1; i < CDP_RULE_PIECES; i++)
		at += sprintf(at, "&&x");
	ok(*pieces(&b, many) == 'x', "64 pieces are told");
	strcpy(at, "&&x");
	ok(!*pieces(&b, many), "more are not");
	cdp_buf_release(&b);
	return tap_done();
}
