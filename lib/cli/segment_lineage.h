/* What cdp-segment says of definitions of audiences and of the tags that they read,
 * instead of deciding who is in them. */
#ifndef CDP_CLI_SEGMENT_LINEAGE_H
#define CDP_CLI_SEGMENT_LINEAGE_H

#include "cli/cli.h"
#include "model/lineage.h"

enum cdp_lineage_form { CDP_LINEAGE_ROWS, CDP_LINEAGE_DOT };

struct cdp_segment_lineage_opts {
	struct cdp_strs tags;     /* --tags: their definitions */
	int form;                 /* --lineage; -1: not asked for */
	struct cdp_strs affected; /* --affected: sources */
};

static inline bool cdp_segment_lineage_asked(const struct cdp_segment_lineage_opts *o)
{
	return o->form >= 0 || o->affected.n;
}
/* What does not go together is a usage error; `other`: something else is written. */
void cdp_segment_lineage_check(struct cdp_cli *cli,
			       const struct cdp_segment_lineage_opts *o,
			       const char *definition, bool other);
/* `key`: what customers are told apart by; where there are tags of an entity of this name
 * it is those that are read, else those of persons.  Holds the audiences against the
 * tags, if these are known: -1 with a usage error for a rule that reads a tag that there
 * is not. */
struct cdp_segment_lineage;
struct cdp_segment_lineage *
cdp_segment_lineage_new(struct cdp_cli *cli, const struct cdp_segment_lineage_opts *o,
			const char *definition, const char *key,
			const struct cdp_segments *set, struct cdp_err *err);
void cdp_segment_lineage_free(struct cdp_segment_lineage *l); /* NULL is fine */
/* The tags (NULL: not known) and what they read; what the audiences read. */
const struct cdp_tagset *cdp_segment_lineage_tags(const struct cdp_segment_lineage *l);
const struct cdp_lineage *
cdp_segment_lineage_of_tags(const struct cdp_segment_lineage *l);
const struct cdp_lineage *
cdp_segment_lineage_of_segments(const struct cdp_segment_lineage *l);
/* Of which entity these tags are, and those of all others, which may read them. */
const char *cdp_segment_lineage_entity(const struct cdp_segment_lineage *l);
struct cdp_segment_lineage_other {
	const char *entity;
	struct cdp_tagset *tags;
	struct cdp_lineage *edges;
};
const struct cdp_segment_lineage_other *
cdp_segment_lineage_others(struct cdp_segment_lineage *l, size_t *n, struct cdp_err *err);
/* What is asked for. */
int cdp_segment_lineage_write(struct cdp_segment_lineage *l, struct cdp_err *err);

#endif
