/* Tables as records: rows of CSV files, and of rejects of such rows, through a map
 * (format/csvmap.h) to the tool, which gets each as the text of a native record.
 *
 * A row that is set aside takes along how it was read, so that it can be read again
 * alone (cdp-record(5)): `"row":{"columns":[...],"charset":"GB18030","delimiter":"|"}`,
 * where the last two are left out for UTF-8 and a comma. */
#ifndef CDP_CLI_TABLES_H
#define CDP_CLI_TABLES_H

#include "cli/cli.h"
#include "format/csvmap.h"
#include "io/csv.h"

struct cdp_tables_job {
	void *ctx;
	/* As that of struct cdp_job. */
	int (*record)(void *ctx, const char *line, size_t n, struct cdp_emit *e,
		      struct cdp_err *err);
	/* Before what came of a row is written; NULL: nothing to do. */
	int (*commit)(void *ctx, struct cdp_emit *e, struct cdp_err *err);
};

struct cdp_tables;

/* All is borrowed.  `charset`, `delimiter`: instead of those of the map, NULL and 0 if it
 * knows better. */
struct cdp_tables *cdp_tables_new(struct cdp_cli *cli, struct cdp_csvmap *map,
				  const char *charset, char delimiter,
				  const struct cdp_tables_job *job);
void cdp_tables_free(struct cdp_tables *t);

/* All rows of the operands.  0, or -1 when the run ended early (reported). */
int cdp_tables_read(struct cdp_tables *t, char *const *operands);

/* Rows from elsewhere, one after the other; commit writes what came of the last one and
 * tells whether the run goes on.  `raw` of a row is text with commas. */
int cdp_tables_bind(struct cdp_tables *t, const struct cdp_csv_field *names, size_t n,
		    struct cdp_err *err);
int cdp_tables_convert(struct cdp_tables *t, const struct cdp_csv_row *row,
		       struct cdp_emit *e, struct cdp_err *err);
void cdp_tables_reject(struct cdp_tables *t, const struct cdp_csv_row *row,
		       struct cdp_emit *e, const struct cdp_err *err);
bool cdp_tables_commit(struct cdp_tables *t, struct cdp_emit *e);

/* A row that was set aside: its bytes, or its text if somebody has mended it, and how it
 * was read (`row`, a JSON object).  What the map and the options say comes before that.
 * Rows that are still bad are set aside again; as rec->line's.  0, or -1 with *err. */
int cdp_tables_again(struct cdp_tables *t, const struct cdp_rec *rec, bool is_text,
		     const char *row, size_t row_n, struct cdp_emit *e,
		     struct cdp_err *err);

#endif
