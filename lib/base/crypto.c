#include "base/crypto.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

/* libcrypto fails here only when it cannot allocate or lacks SHA-256 altogether. */
static EVP_MD_CTX *context(struct cdp_sha256 *h)
{
	return (EVP_MD_CTX *)h;
}

/* libcrypto crashes in places when it runs out of memory: give it ours, which ends the
 * process in order.  Refused, to no harm, if it has allocated already. */
static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n ? cdp_alloc(n) : NULL;
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	if (n)
		return cdp_realloc(p, n, 1);
	free(p);
	return NULL;
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void use_our_memory(void)
{
	CRYPTO_set_mem_functions(take, resize, give_back);
}

static void start(struct cdp_sha256 *h)
{
	if (EVP_DigestInit_ex(context(h), EVP_sha256(), NULL) != 1)
		cdp_mem_exhausted();
}

struct cdp_sha256 *cdp_sha256_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct cdp_sha256 *h;

	pthread_once(&once, use_our_memory);
	h = (struct cdp_sha256 *)EVP_MD_CTX_new();
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
