/* 64-bit numbers as text of fixed length: one_id and other ids. */
#ifndef CDP_BASE_HEX_H
#define CDP_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* 16 lower-case hex digits, not terminated; and back (1, or 0 if not 16 such digits). */
void cdp_hex16(char out[16], uint64_t v);
int cdp_unhex16(uint64_t *v, const char *p, size_t n);

#endif
