/* Portraits as result rows (cdp-portrait(1)). */
#ifndef CDP_CLI_PORTRAIT_ROWS_H
#define CDP_CLI_PORTRAIT_ROWS_H

#include "cli/rows.h"
#include "model/portrait_drill.h"
#include "model/portrait_table.h"

/* How the rows name the groups; [0] is the base. */
struct cdp_portrait_names {
	const char *v[CDP_PORTRAIT_GROUPS];
	unsigned count;
};

/* Rows "audience", "rank", "portrait", "quantiles"; `rank_only`: of rank alone. */
void cdp_portrait_write(struct cdp_rows *rows, const struct cdp_portrait_tables *t,
			const struct cdp_portrait_names *names, bool rank_only);
/* Rows "matrix": each audience with each; min_cell as in struct cdp_portrait_spec. */
void cdp_portrait_write_matrix(struct cdp_rows *rows, const struct cdp_portrait *p,
			       const struct cdp_portrait_names *names, uint64_t min_cell);
/* Rows "drill": `count` levels, the first without a condition. */
void cdp_portrait_write_drill(struct cdp_rows *rows, const struct cdp_portrait *p,
			      const struct cdp_portrait_names *names, uint64_t min_cell,
			      const struct cdp_drill *drills,
			      const struct cdp_drill_level *levels, unsigned count);

#endif
