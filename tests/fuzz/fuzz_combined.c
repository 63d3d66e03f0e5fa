/* Any bytes as a line for the reader of combined input. */
#include "collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct collect_fuzz fuzz;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fuzz.plan)
		collect_setup(&fuzz, CDP_FORMAT_COMBINED);
	collect_line(&fuzz, (const char *)data, size);
	return 0;
}
