/* Customers in order of a value, the greatest first and equal ones by the bytes of their
 * keys, where one goes or comes at a time and it is asked who stands at which place: a
 * treap (Seidel and Aragon, Randomized Search Trees, 1996) that counts.
 *
 * Memory: 24 bytes for each customer up to the one with the highest number in it. */
#ifndef CDP_MODEL_LIVERANK_H
#define CDP_MODEL_LIVERANK_H

#include "base/intern.h"

#include <stdbool.h>
#include <stdint.h>

struct cdp_liverank;
/* Customers are numbers in `keys`, which is borrowed and may grow. */
struct cdp_liverank *cdp_liverank_new(const struct cdp_intern *keys);
void cdp_liverank_free(struct cdp_liverank *r); /* NULL is fine */

/* The value must be no NaN.  Who is not there cannot go, who is there cannot come. */
void cdp_liverank_put(struct cdp_liverank *r, uint32_t customer, double value);
void cdp_liverank_remove(struct cdp_liverank *r, uint32_t customer);
uint32_t cdp_liverank_count(const struct cdp_liverank *r);
/* False: is not there. */
bool cdp_liverank_value(const struct cdp_liverank *r, uint32_t customer, double *value);
/* How many stand before one who is there; and who stands behind so many. */
uint32_t cdp_liverank_place(const struct cdp_liverank *r, uint32_t customer);
uint32_t cdp_liverank_at(const struct cdp_liverank *r, uint32_t place);

#endif
