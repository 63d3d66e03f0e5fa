/* What each tag of a set reads: other tags, attributes, detail tables, relations,
 * entities, events and their members; also what it reads through aggregates and functions
 * over the population.  And what each audience of a file reads, which may be all these
 * and other audiences. */
#ifndef CDP_MODEL_LINEAGE_H
#define CDP_MODEL_LINEAGE_H

#include "model/segments.h"
#include "model/tagset.h"

enum cdp_source {
	CDP_SOURCE_TAG,
	CDP_SOURCE_ATTRIBUTE, /* profile.NAME */
	CDP_SOURCE_DETAIL,
	CDP_SOURCE_RELATION,
	CDP_SOURCE_ENTITY, /* "product.risk", "firm.tags.tier" */
	CDP_SOURCE_EVENT,  /* its name, or "*": of any name */
	CDP_SOURCE_MEMBER, /* of events, but `event`: "props.amount" */
	CDP_SOURCE_FILE,   /* that values are imported from */
	CDP_SOURCE_PROGRAM,
	CDP_SOURCE_ID,      /* a kind of ids */
	CDP_SOURCE_SEGMENT, /* another audience */
	CDP_SOURCE_ZONE,    /* of a tag's own */
	CDP_SOURCE_SCHEDULE,
};
const char *cdp_source_name(enum cdp_source s); /* "tag", "attribute" ... */

struct cdp_lineage_edge {
	unsigned reader; /* the tag or audience */
	enum cdp_source source;
	const char *name;
};

/* Edges by reader, source and name bytes, each once. */
struct cdp_lineage;
struct cdp_lineage *cdp_lineage_new(const struct cdp_tagset *set);
/* Of the audiences that are defined; `tags` (NULL: not known) tells names of tags that
 * have a dot in them from members of tags. */
struct cdp_lineage *cdp_lineage_of_segments(const struct cdp_segments *s,
					    const struct cdp_intern *tags);
void cdp_lineage_free(struct cdp_lineage *l);
size_t cdp_lineage_count(const struct cdp_lineage *l);
const struct cdp_lineage_edge *cdp_lineage_at(const struct cdp_lineage *l, size_t i);

/* The numbers of the aggregates that a tag reads itself, each once. */
void cdp_tag_aggregates(const struct cdp_tagset *set, unsigned tag,
			struct cdp_needs *out);

#endif
