/* What reads what among definitions, instead of computing them. */
#ifndef CDP_CLI_TAG_LINEAGE_H
#define CDP_CLI_TAG_LINEAGE_H

#include "cli/cli.h"
#include "model/lineage.h"

/* Definitions of one kind, and what they read. */
struct cdp_lineage_part {
	enum cdp_source kind; /* CDP_SOURCE_TAG or CDP_SOURCE_SEGMENT */
	const struct cdp_lineage *edges;
	unsigned count;
	const char *(*name)(const void *ctx, unsigned i);
	/* Appends the JSON text of who owns it, or null. */
	void (*owner)(const void *ctx, unsigned i, struct cdp_buf *out);
	const void *ctx;
};

/* A result row an edge, or a graph for dot(1). */
void cdp_cli_write_lineage(struct cdp_cli *cli, const struct cdp_lineage_part *v,
			   size_t n, bool dot);
/* A row for each definition that reads one of these sources, as "event:buy", itself or
 * through others, those that read it themselves first.  -1 with a usage error for a
 * source that is none. */
int cdp_cli_write_affected(struct cdp_cli *cli, const struct cdp_lineage_part *v,
			   size_t n, const struct cdp_strs *sources, struct cdp_err *err);

/* Tags as such a part, and audiences. */
struct cdp_lineage_part cdp_lineage_part_tags(const struct cdp_tagset *set,
					      const struct cdp_lineage *edges);
struct cdp_lineage_part cdp_lineage_part_segments(const struct cdp_segments *s,
						  const struct cdp_lineage *edges);

#endif
