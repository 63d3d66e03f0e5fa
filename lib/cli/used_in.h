/* Which definitions are used by others: named in their files. */
#ifndef CDP_CLI_USED_IN_H
#define CDP_CLI_USED_IN_H

#include "cli/cli.h"

/* Marks in `used` each of `count` names that stands in one of the files as a word,
 * whatever they are.  0, or -1 (told). */
int cdp_cli_used_in(struct cdp_cli *cli, const struct cdp_strs *files, unsigned count,
		    const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		    bool *used);

#endif
