/* Numbers in few bytes, and back. */
#include "tap.h"

#include "base/varint.h"

static void check_numbers(void)
{
	static const struct {
		uint64_t v;
		size_t n;
	} cases[] = { { 0, 1 },
		      { 127, 1 },
		      { 128, 2 },
		      { 16383, 2 },
		      { 16384, 3 },
		      { (uint64_t)1 << 62, 9 },
		      { (uint64_t)1 << 63, 10 },
		      { UINT64_MAX, 10 } };
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *p;
		uint64_t v = 1;
		bool got;

		cdp_buf_reset(&b);
		cdp_varint_add(&b, cases[i].v);
		is_int((int64_t)b.n, (int64_t)cases[i].n, "bytes of %llu",
		       (unsigned long long)cases[i].v);
		p = b.p;
		got = cdp_varint_get(&v, &p, b.p + b.n);
		ok(got && v == cases[i].v && p == b.p + b.n, "it comes back");
		p = b.p;
		ok(!cdp_varint_get(&v, &p, b.p + b.n - 1), "cut off it is none");
	}
	cdp_buf_release(&b);
}

static void check_signed(void)
{
	static const int64_t cases[] = { 0, -1, 1, -64, 64, INT64_MIN, INT64_MAX };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ok(cdp_unzigzag(cdp_zigzag(cases[i])) == cases[i], "%lld comes back",
		   (long long)cases[i]);
	is_int((int64_t)cdp_zigzag(-64), 127, "-64 is one byte");
}

static void check_refused(void)
{
	static const char over[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
	static const char text[] = "\3abc\5ab";
	const char *p = over, *s;
	uint64_t v;
	size_t n;

	ok(!cdp_varint_get(&v, &p, over + 10), "more than 64 bits are none");
	p = text;
	ok(cdp_varint_get_bytes(&s, &n, &p, text + 7) && n == 3 && s == text + 1,
	   "bytes stand after their number");
	ok(!cdp_varint_get_bytes(&s, &n, &p, text + 7),
	   "fewer than their number are none");
}

int main(void)
{
	check_numbers();
	check_signed();
	check_refused();
	return tap_done();
}
