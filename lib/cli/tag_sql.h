/* The result of cdp-tag into a table of a database: --sql CONNECTION --sql-table T.
 *
 * The table is there and has a column for the key (the last member of its path), for each
 * tag by its name, and, if it likes, `as_of`; upper and lower case are alike where no
 * column has the very name.  Others are left alone.  All rows are one transaction. */
#ifndef CDP_CLI_TAG_SQL_H
#define CDP_CLI_TAG_SQL_H

#include "cli/cli.h"
#include "model/profile.h"

struct cdp_tag_sql;

/* Connects and checks the columns; the connection is not kept.  `key` is the name of a
 * profile's first member.  NULL with a usage or system error. */
struct cdp_tag_sql *cdp_tag_sql_new(struct cdp_cli *cli, const char *connection,
				    const char *table, const char *key,
				    const struct cdp_tagset *set, struct cdp_err *err);
void cdp_tag_sql_free(struct cdp_tag_sql *s);
/* Writes all rows, or tells why not: then none is written.  For cdp_cli_after_passes().
 */
void cdp_tag_sql_write(void *sql, const struct cdp_profile_spec *spec);

#endif
