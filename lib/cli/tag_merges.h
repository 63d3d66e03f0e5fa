/* The merge log of cdp-idmap, read on as it grows: who became whom while tags are
 * followed. */
#ifndef CDP_CLI_TAG_MERGES_H
#define CDP_CLI_TAG_MERGES_H

#include "cli/cli.h"
#include "model/taglive.h"

struct cdp_tag_merges;

struct cdp_tag_merges *cdp_tag_merges_open(struct cdp_cli *cli, const char *path,
					   struct cdp_err *err);
void cdp_tag_merges_close(struct cdp_tag_merges *m); /* NULL is fine */
/* For its place. */
struct cdp_tail *cdp_tag_merges_tail(struct cdp_tag_merges *m);
/* Whether there is more than was read; of NULL there is not. */
bool cdp_tag_merges_wait(const struct cdp_tag_merges *m);
/* Joins all that is there.  -1: *err, also for a line that is no row of a merge log. */
int cdp_tag_merges_read(struct cdp_tag_merges *m, struct cdp_taglive *live,
			cdp_taglive_write *write, void *ctx, struct cdp_err *err);

#endif
