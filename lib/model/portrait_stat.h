/* The statistics of portraits. */
#ifndef CDP_MODEL_PORTRAIT_STAT_H
#define CDP_MODEL_PORTRAIT_STAT_H

#include <stddef.h>
#include <stdint.h>

/* The 95 % confidence interval of a share of count / n, n > 0 (Wilson, 1927): with p =
 * count / n and z = 1.959964
 *
 *	(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) */
void cdp_wilson(uint64_t count, uint64_t n, double *low, double *high);

/* One outcome's part of the Jensen-Shannon divergence of two distributions in bits (Lin,
 * 1991): with m = (p + q) / 2
 *
 *	(p log2(p / m) + q log2(q / m)) / 2
 *
 * The sum over all outcomes is 0 for equal distributions and 1 for those that share no
 * outcome. */
double cdp_divergence(double p, double q);

#endif
