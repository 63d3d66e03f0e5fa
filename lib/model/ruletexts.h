/* Leaves of rules that want a text in a list (cdp_part_key), such as
 * details.holding.exists(h, h.product == 'F001'): of very many that differ by the text
 * alone only those are found whose text the list has.  They are false of a list that has
 * it not.
 *
 * For lib/model/rule*.c and live*.c alone. */
#ifndef CDP_MODEL_RULETEXTS_H
#define CDP_MODEL_RULETEXTS_H

#include "model/rules.h"

struct cdp_rule_texts;
struct cdp_rule_texts *cdp_rule_texts_new(void);
void cdp_rule_texts_free(struct cdp_rule_texts *t); /* NULL is fine */
/* False: the leaf is none of these.  It is found by this number. */
bool cdp_rule_texts_add(struct cdp_rule_texts *t, const struct cdp_rule_leaf *leaf,
			uint32_t number);
/* Calls for leaves that ask for `ref`, where their value is this (NULL: it cannot be
 * had); maybe more than once, and for those that end in an error as well. */
void cdp_rule_texts_find(const struct cdp_rule_texts *t, int ref,
			 const struct cdp_value *list,
			 void (*call)(void *ctx, uint32_t number), void *ctx);
/* Whether any leaf asks for it. */
bool cdp_rule_texts_ask(const struct cdp_rule_texts *t, int ref);

#endif
