/* Entity tables of --entities FILE, read before the records whose expressions ask for
 * them. */
#ifndef CDP_CLI_ENTITIES_JOB_H
#define CDP_CLI_ENTITIES_JOB_H

#include "cli/cli.h"
#include "model/entities.h"
#include "model/relations.h"

/* Of the tables, that with the number `own` (-1: none) may have its rows from elsewhere.
 *
 * A usage error if an expression names an entity and there is no file, which ends here.
 */
void cdp_cli_check_entities(struct cdp_cli *cli, const struct cdp_entities *e,
			    const struct cdp_strs *files, int own);
/* Reads them, and relations into `r` (NULL: no matter); nothing is read if no expression
 * names an entity or a relation.  0, or -1 (told).  An
 * entity without a single row is told, too: most likely its name is wrong. */
int cdp_cli_read_entities(struct cdp_cli *cli, struct cdp_entities *e,
			  const struct cdp_strs *files, int own, struct cdp_relations *r);

#endif
