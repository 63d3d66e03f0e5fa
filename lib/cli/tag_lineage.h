/* What cdp-tag says about a tag set instead of computing it. */
#ifndef CDP_CLI_TAG_LINEAGE_H
#define CDP_CLI_TAG_LINEAGE_H

#include "cli/cli.h"
#include "model/tagset.h"

/* What reads what: a result row an edge, or a graph for dot(1). */
void cdp_cli_write_lineage(struct cdp_cli *cli, const struct cdp_tagset *set, bool dot);

#endif
