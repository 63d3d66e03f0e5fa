#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "tap.h"

/* cdp_hash("abc") in a fresh process, by running this program again. */
static uint64_t hash_in_child(const char *self, const char *seed)
{
	char cmd[300];
	uint64_t v = 0;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%s%s '%s' child", seed ? "CDP_HASH_SEED=" : "",
		 seed ? seed : "env -u CDP_HASH_SEED", self);
	f = popen(cmd, "r");
	if (!f || fscanf(f, "%" SCNu64, &v) != 1)
		v = 0;
	if (f)
		pclose(f);
	return v;
}

static void seeds(const char *self)
{
	uint64_t a = hash_in_child(self, NULL), b = hash_in_child(self, NULL);

	ok(a && b && a != b, "each process has a seed of its own");
	a = hash_in_child(self, "42");
	ok(a && a == hash_in_child(self, "42"), "CDP_HASH_SEED fixes the seed");
	ok(a != hash_in_child(self, "43"), "another CDP_HASH_SEED is another seed");
	ok(a == cdp_hash_stable("abc", 3, 42), "CDP_HASH_SEED is the seed of XXH3");
	a = hash_in_child(self, "junk");
	ok(a && a != hash_in_child(self, "junk"),
	   "a CDP_HASH_SEED that is no number is ignored");
}

/* Appendix A of the paper: key 00..0f, message 00..0e; and the vectors of the reference
 * implementation for messages of 0, 1, 7, 8, 9 and 63 bytes 00, 01, ... */
static void siphash(void)
{
	static const struct {
		size_t n;
		uint64_t want;
	} t[] = {
		{ 15, 0xa129ca6149be45e5 }, { 0, 0x726fdb47dd0e0e31 },
		{ 1, 0x74f839c593dc67fd },  { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 },  { 9, 0x9e0082df0ba9e4b0 },
		{ 63, 0x958a324ceb064572 },
	};
	uint8_t key[16], m[64];

	for (int i = 0; i < 64; i++)
		m[i] = (uint8_t)i;
	memcpy(key, m, 16);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		ok(cdp_siphash(key, m, t[i].n) == t[i].want,
		   "siphash of %zu bytes is the reference's", t[i].n);
	key[15] ^= 1;
	ok(cdp_siphash(key, m, 15) != t[0].want, "another key is another hash");
}

static void stable(void)
{
	char zeros[300] = { 0 };

	/* XXH3 of nothing under seed 0: xxHash's own sanity table. */
	ok(cdp_hash_stable("", 0, 0) == 0x2d06800538d394c2,
	   "the stable hash of nothing is XXH3's");
	ok(cdp_hash_stable("abc", 3, 1) != cdp_hash_stable("abc", 3, 2),
	   "the seed changes the stable hash");
	ok(cdp_hash_stable(zeros, 299, 7) != cdp_hash_stable(zeros, 300, 7),
	   "zeros of another length hash otherwise");
	ok(cdp_hash("abc", 3) == cdp_hash("abc", 3) &&
		   cdp_hash("abc", 3) != cdp_hash("abd", 3),
	   "the table hash tells keys apart");
	ok(cdp_hash_u64(1) != cdp_hash_u64(2), "the integer hash tells integers apart");
}

static void hex(void)
{
	char t[17] = { 0 };
	uint64_t v = 7;

	cdp_hex16(t, 0x5e1c0d9a3b7f2c44);
	is_str(t, "5e1c0d9a3b7f2c44", "an id prints as 16 lower-case digits");
	cdp_hex16(t, 1);
	is_str(t, "0000000000000001", "a small id is padded with zeros");
	ok(cdp_unhex16(&v, "5e1c0d9a3b7f2c44", 16) && v == 0x5e1c0d9a3b7f2c44,
	   "16 digits are read back");
	ok(cdp_unhex16(&v, "ffffffffffffffff", 16) && v == UINT64_MAX,
	   "the largest id too");
	v = 7;
	ok(!cdp_unhex16(&v, "5E1C0D9A3B7F2C44", 16), "upper case is refused");
	ok(!cdp_unhex16(&v, "5e1c0d9a3b7f2c4", 15) &&
		   !cdp_unhex16(&v, "5e1c0d9a3b7f2c440", 17),
	   "other lengths are refused");
	ok(!cdp_unhex16(&v, "5e1c0d9a3b7f2c4g", 16) &&
		   !cdp_unhex16(&v, "5e1c0d9a3b7f2c4:", 16) &&
		   !cdp_unhex16(&v, "5e1c0d9a3b7f2c4`", 16) &&
		   !cdp_unhex16(&v, "5e1c0d9a3b7f2c4/", 16) && v == 7,
	   "the neighbours of the digits are refused and leave the result alone");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		printf("%" PRIu64 "\n", cdp_hash("abc", 3));
		return 0;
	}
	seeds(argv[0]);
	siphash();
	stable();
	hex();
	return tap_done();
}
