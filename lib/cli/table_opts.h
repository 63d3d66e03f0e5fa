/* Options of a tool about tables in files: the map of their columns, and what stands in
 * for parts of it. */
#ifndef CDP_CLI_TABLE_OPTS_H
#define CDP_CLI_TABLE_OPTS_H

#include "cli/cli.h"
#include "format/csvmap.h"

struct cdp_table_opts {
	const char *map_file, *columns, *charset, *delimiter;
	struct cdp_csvmap *map; /* once loaded */
};

/* Rows of the option table. */
/* clang-format off */
#define CDP_TABLE_OPTIONS(o)                                                             \
	{ 0, "columns-map", CDP_OPT_STR, &(o).map_file, "FILE",                          \
	  "csv, sql: which column is what (implies -f csv)" },                           \
	{ 0, "columns", CDP_OPT_STR, &(o).columns, "LIST",                               \
	  "csv: names of the columns, commas between, instead of a header" },            \
	{ 0, "charset", CDP_OPT_STR, &(o).charset, "NAME",                               \
	  "csv: character set, instead of the map's" },                                  \
	{ 0, "delimiter", CDP_OPT_STR, &(o).delimiter, "C",                              \
	  "csv: byte between fields, instead of the map's" }
/* clang-format on */

/* After parsing: a usage error ends the process.  `files`: tables come from files. */
void cdp_table_opts_check(struct cdp_cli *cli, struct cdp_table_opts *o, bool files);
/* The map, if there is one, its columns replaced. */
int cdp_table_opts_load(struct cdp_cli *cli, struct cdp_table_opts *o,
			struct cdp_err *err);
/* The byte between fields, 0: the map's. */
char cdp_table_opts_delimiter(const struct cdp_table_opts *o);
/* Appends what makes the reading of one and the same file another. */
void cdp_table_opts_tell(const struct cdp_table_opts *o, struct cdp_buf *out);
void cdp_table_opts_release(struct cdp_table_opts *o);

#endif
