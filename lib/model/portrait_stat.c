#include "model/portrait_stat.h"

#include <math.h>

void cdp_wilson(uint64_t count, uint64_t n, double *low, double *high)
{
	const double z = 1.959963984540054;
	double size = (double)n, p = (double)count / size;
	double middle = p + z * z / (2 * size);
	double half = z * sqrt(p * (1 - p) / size + z * z / (4 * size * size));
	double scale = 1 + z * z / size;

	/* At the ends the formula gives 0 and 1 but for rounding. */
	*low = count == 0 ? 0 : (middle - half) / scale;
	*high = count == n ? 1 : (middle + half) / scale;
}

static double part(double p, double m)
{
	return p > 0 ? p * log2(p / m) : 0;
}

double cdp_divergence(double p, double q)
{
	double m = (p + q) / 2;

	return (part(p, m) + part(q, m)) / 2;
}
