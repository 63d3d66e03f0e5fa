/* Relations as they come, one by one: whose they are, by the map of ids. */
#ifndef CDP_CLI_SEGMENT_TIES_H
#define CDP_CLI_SEGMENT_TIES_H

#include "cli/tag_reading.h"

struct segment_ties;
/* Its relations and slots are borrowed. */
struct segment_ties *segment_ties_new(struct cdp_tag_reading *t);
void segment_ties_free(struct segment_ties *s); /* NULL is fine */
/* NULL: there is none.  It is held.  1: could not be read (told). */
int segment_ties_read_map(struct segment_ties *s, struct cdp_cli *cli, const char *path);
/* 1: the relation is the customer's whose key is asked for next; 0: of no use. */
int segment_ties_gather(struct segment_ties *s, struct cdp_rec *rec,
			struct cdp_customers *customers, struct cdp_err *err);
const char *segment_ties_key(const struct segment_ties *s, size_t *n);

#endif
