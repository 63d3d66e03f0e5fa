/* What definitions mean, whatever they are called: the same text for those that are
 * computed alike. */
#ifndef CDP_MODEL_MEANING_H
#define CDP_MODEL_MEANING_H

#include "model/segments.h"
#include "model/tagset.h"

/* Replaces what is in `b`, with a text that is for comparing alone, within the set.
 * false: it is not known what it is computed from: who stands in a list, what a program
 * says, a tag that is carried. */
bool cdp_segment_meaning(const struct cdp_segments *s, uint32_t i, struct cdp_buf *b);
bool cdp_tag_meaning(const struct cdp_tag *t, struct cdp_buf *b);

#endif
