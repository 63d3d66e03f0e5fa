#include "format/gb18030_write.h"
#include "tap.h"

int main(void)
{
	struct cdp_err err;
	struct cdp_gb18030 *g = cdp_gb18030_new(&err);
	struct cdp_buf out;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_gb18030_add(g, &out, "a", 1);
	cdp_gb18030_add(g, &out, "客億", 6);
	cdp_gb18030_add(g, &out, "𠮷", 4);
	cdp_gb18030_add(g, &out, "", 0);
	is_str(cdp_buf_str(&out), "a\xbf\xcd\x83\x7c\x95\x34\xb2\x35",
	       "characters take one, two and four bytes");
	cdp_buf_release(&out);
	cdp_gb18030_free(g);
	cdp_gb18030_free(NULL);
	return tap_done();
}
