/* Digests (OpenSSL libcrypto). */
#ifndef CDP_BASE_CRYPTO_H
#define CDP_BASE_CRYPTO_H

#include <stddef.h>

struct cdp_sha256;

/* SHA-256 (FIPS 180-4) of bytes that come in pieces. */
struct cdp_sha256 *cdp_sha256_new(void);
void cdp_sha256_free(struct cdp_sha256 *h);
void cdp_sha256_add(struct cdp_sha256 *h, const void *p, size_t n);
/* 64 lower-case hex digits and a NUL; the state starts afresh. */
void cdp_sha256_hex(struct cdp_sha256 *h, char out[65]);

#endif
