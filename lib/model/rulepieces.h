/* What a rule joins by &&, told apart without parsing it.
 *
 * For lib/model/rule*.c alone. */
#ifndef CDP_MODEL_RULEPIECES_H
#define CDP_MODEL_RULEPIECES_H

#include <stdbool.h>
#include <stddef.h>

enum { CDP_RULE_PIECES = 64 };

struct cdp_rule_pieces {
	struct cdp_rule_piece {
		const char *p;
		size_t n;
	} v[CDP_RULE_PIECES]; /* borrowed from the text, without blanks around */
	unsigned count;
};

/* False: it may be something else, or they are too many.  If all pieces are conditions,
 * the rule is their conjunction. */
bool cdp_rule_pieces(struct cdp_rule_pieces *s, const char *text, size_t n);

#endif
