#include "format/gb18030_write.h"

#include "base/mem.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

struct cdp_gb18030 {
	iconv_t cd;
};

struct cdp_gb18030 *cdp_gb18030_new(struct cdp_err *err)
{
	struct cdp_gb18030 *g;
	iconv_t cd = iconv_open("GB18030", "UTF-8");

	if (cd == (iconv_t)-1) {
		cdp_err_sys(err, errno, "cannot encode GB18030");
		return NULL;
	}
	g = cdp_alloc(sizeof(*g));
	g->cd = cd;
	return g;
}

void cdp_gb18030_free(struct cdp_gb18030 *g)
{
	if (!g)
		return;
	iconv_close(g->cd);
	free(g);
}

void cdp_gb18030_add(struct cdp_gb18030 *g, struct cdp_buf *out, const char *p, size_t n)
{
	/* Two bytes of UTF-8 may become four, no character grows by more. */
	size_t room = n * 2 + 4, left = room;
	char *from = (char *)p, *to;

	if (cdp_buf_reserve(out, room) < 0)
		return;
	to = out->p + out->n;
	if (iconv(g->cd, &from, &n, &to, &left) == (size_t)-1)
		CDP_BUG("text is not UTF-8");
	out->n += room - left;
}
