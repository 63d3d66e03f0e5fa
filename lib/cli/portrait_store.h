/* cdp-portrait out of the store of audiences (model/tagstore.h), without profiles. */
#ifndef CDP_CLI_PORTRAIT_STORE_H
#define CDP_CLI_PORTRAIT_STORE_H

#include "cli/cli.h"
#include "cli/portrait_rows.h"
#include "model/segments.h"
#include "model/tagstore.h"

struct cdp_portrait_question {
	const char *dir;
	const char *key;  /* what tells customers apart; NULL: whatever does there */
	const char *base; /* a condition over stored audiences, or NULL */
	const struct cdp_strs *segments, *where, *drill;
	const struct cdp_intern *only; /* tags; NULL: all */
	bool list;
	unsigned from; /* the first level of the list */
};

/* All zeros at first; what it holds is for cli/portrait_rows.h. */
struct cdp_portrait_answer {
	struct cdp_portrait_names names;
	struct cdp_portrait *portrait;
	const char *key; /* what tells customers apart */
	struct cdp_drill drills[CDP_DRILL_MAX];
	struct cdp_drill_level levels[CDP_DRILL_MAX + 1];
	/* Of a list: each customer who came to the first level of it, by the bytes of
	 * their keys, with the groups they are in (CDP_DRILL_BITS). */
	struct cdp_members *listed;
	struct cdp_portrait_source *source; /* what the portrait borrows from */
};

/* From the latest version, or that of --as-of or before; 0 or -1. */
int cdp_portrait_store_answer(struct cdp_cli *cli, const struct cdp_portrait_question *q,
			      struct cdp_portrait_answer *a, struct cdp_err *err);
void cdp_portrait_answer_release(struct cdp_portrait_answer *a);

/* Reads profiles and keeps their tags as those of the base time.  `key` as for
 * cdp_paths_new_of(). */
int cdp_portrait_store_save(struct cdp_cli *cli, const char *dir, const char *key,
			    struct cdp_err *err);

#endif
