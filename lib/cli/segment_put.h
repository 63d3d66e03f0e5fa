/* A list of ids imported into a stored version without definitions and profiles:
 * `--store DIR --import FILE --segment NAME`. */
#ifndef CDP_CLI_SEGMENT_PUT_H
#define CDP_CLI_SEGMENT_PUT_H

#include "cli/segment_import.h"

struct cdp_segment_put_opts {
	const char *import; /* --import: a file, or the JSON of a definition's `import` */
	const char *kind;   /* --kind */
};

/* Usage errors of the options; the process ends there. */
void cdp_segment_put_check(struct cdp_cli *cli, const struct cdp_segment_put_opts *o,
			   const struct cdp_segment_store_opts *store, bool runs);
/* Puts the audience in the place of the one of that name in the version of --as-of or the
 * last one before it, else the latest, and writes what came of the list. */
int cdp_segment_put(struct cdp_cli *cli, const struct cdp_segment_put_opts *o,
		    struct cdp_segment_import_opts *lists,
		    struct cdp_segment_store_opts *store, struct cdp_err *err);

#endif
