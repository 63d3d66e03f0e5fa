/* Profiles put aside while everything else that is known of customers is still being
 * read.  The lines go to files in $TMPDIR that have no name, and are mapped when they
 * come back, customer by customer.  Memory: 24 bytes a profile, and 4 a customer. */
#ifndef CDP_MODEL_SHELF_H
#define CDP_MODEL_SHELF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* A thread's part. */
struct cdp_shelf_part;
struct cdp_shelf_part *cdp_shelf_part_new(void);
/* A line without its LF; customers are told by any numbers. */
int cdp_shelf_part_add(struct cdp_shelf_part *p, uint32_t customer, const char *line,
		       size_t n, struct cdp_err *err);

struct cdp_shelf;
struct cdp_shelf *cdp_shelf_new(void);
void cdp_shelf_free(struct cdp_shelf *s); /* NULL is fine */
/* Takes a part. */
void cdp_shelf_take(struct cdp_shelf *s, struct cdp_shelf_part *p);
/* After the last part: the lines can be asked for, by any number of threads. */
int cdp_shelf_open(struct cdp_shelf *s, struct cdp_err *err);
/* How many a customer has, and the i-th by bytes: n of them, an LF, and CDP_IN_PAD bytes
 * that can be read after it. */
uint32_t cdp_shelf_count(const struct cdp_shelf *s, uint32_t customer);
const char *cdp_shelf_line(const struct cdp_shelf *s, uint32_t customer, uint32_t i,
			   size_t *n);

#endif
