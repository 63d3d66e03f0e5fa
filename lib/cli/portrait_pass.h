/* cdp-portrait by a pass over profiles. */
#ifndef CDP_CLI_PORTRAIT_PASS_H
#define CDP_CLI_PORTRAIT_PASS_H

#include "cli/portrait_store.h"

struct cdp_portrait_pass;
/* `apart`: a customer with two profiles is a usage error.  `q` must stay; its `dir` is of
 * no concern here. */
struct cdp_portrait_pass *cdp_portrait_pass_new(struct cdp_cli *cli,
						const struct cdp_portrait_question *q,
						bool apart);
void cdp_portrait_pass_free(struct cdp_portrait_pass *f); /* NULL is fine */
/* Reads the profiles; `with`: memberships of stored audiences.  What *a holds borrows
 * from the pass, which must outlive it.  0; 1: the run ended early, which was told; -1
 * with *err. */
int cdp_portrait_pass_answer(struct cdp_cli *cli, struct cdp_portrait_pass *f,
			     const struct cdp_strs *with, struct cdp_portrait_answer *a,
			     struct cdp_err *err);

#endif
