#include "base/crypto.h"

#include "base/mem.h"

#include <openssl/evp.h>

#include "base/err.h"

/* libcrypto fails here only when it cannot allocate or lacks SHA-256 altogether. */
static EVP_MD_CTX *context(struct cdp_sha256 *h)
{
	return (EVP_MD_CTX *)h;
}

static void start(struct cdp_sha256 *h)
{
	if (EVP_DigestInit_ex(context(h), EVP_sha256(), NULL) != 1)
		cdp_mem_exhausted();
}

struct cdp_sha256 *cdp_sha256_new(void)
{
	struct cdp_sha256 *h = (struct cdp_sha256 *)EVP_MD_CTX_new();

	if (!h)
		cdp_mem_exhausted();
	start(h);
	return h;
}

void cdp_sha256_free(struct cdp_sha256 *h)
{
	EVP_MD_CTX_free(context(h));
}

void cdp_sha256_add(struct cdp_sha256 *h, const void *p, size_t n)
{
	if (EVP_DigestUpdate(context(h), p, n) != 1)
		cdp_mem_exhausted();
}

void cdp_sha256_hex(struct cdp_sha256 *h, char out[65])
{
	static const char digit[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(context(h), sum, NULL) != 1)
		cdp_mem_exhausted();
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = digit[sum[i] >> 4];
		out[2 * i + 1] = digit[sum[i] & 15];
	}
	out[64] = '\0';
	start(h);
}
