/* Random rules and profiles, for tests of those who decide many at once: members are
 * missing, of other types, or numbers of every kind. */
#ifndef RULE_WORLD_H
#define RULE_WORLD_H

#include "base/buf.h"

/* Of a sequence that is the same in every run: 0 .. n - 1. */
unsigned world_pick(unsigned n);
/* A rule of up to so many levels, over tags, audiences that are given (g0, g1) and those
 * of a smaller number (s0, s1 ...). */
void world_rule(struct cdp_buf *b, unsigned depth, unsigned number);
/* A line. */
void world_profile(struct cdp_buf *b, unsigned number);

#endif
