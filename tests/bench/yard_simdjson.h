/* The yardsticks of bench_scan: simdjson, which only the benchmark links. */
#ifndef CDP_BENCH_YARD_SIMDJSON_H
#define CDP_BENCH_YARD_SIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* FNV-1a of the six fields of every record, as bench_scan computes it; *records counted.
 * SIMDJSON_PADDING bytes after the text are readable. */
uint64_t yard_simdjson_dom(const char *p, size_t n, uint64_t *records);
const char *yard_simdjson_name(void);

#ifdef __cplusplus
}
#endif

#endif
