/* Inside of lists and maps, for lib/lang alone. */
#ifndef CDP_LANG_VIEW_H
#define CDP_LANG_VIEW_H

#include "lang/value.h"

/* The text a view stands on; NULL for a container made by an expression. */
const struct cdp_val *cdp_list_raw(const struct cdp_list *l);
const struct cdp_val *cdp_map_raw(const struct cdp_map *m);
/* Hash the items of a long constant list, so that `in` need not walk it. */
void cdp_list_index(const struct cdp_list *l);
bool cdp_list_indexed(const struct cdp_list *l);

/* "3.5s", "-0.5s". */
void cdp_duration_text(struct cdp_buf *b, struct cdp_time t);

#endif
