/* bench_splice < EVENTS > OUT: every line with a member spliced in front, by the calls
 * that cdp-idmap uses for it and without any look at the rest of the line. */
#include "io/in.h"
#include "io/out.h"
#include "record/head.h"

#include <stdio.h>
#include <string.h>

static void splice(struct cdp_buf *out, const struct cdp_block *b)
{
	const char *p = b->data, *end = p + b->len;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)(lf - p) + 1;

		cdp_line_put_one_id(out, p, n, 0, 0, 0x5e1c0d9a3b7f2c44);
		p += n;
	}
}

int main(void)
{
	struct cdp_in *in = cdp_in_new(NULL, NULL);
	struct cdp_out *out = cdp_out_fd(1, "standard output");
	struct cdp_block block;
	struct cdp_buf lines;
	struct cdp_err err;
	int rc;

	cdp_block_init(&block);
	cdp_buf_init(&lines, CDP_BUF_NOMAX);
	while ((rc = cdp_in_block(in, &block, &err)) > 0) {
		cdp_buf_reset(&lines);
		splice(&lines, &block);
		if (cdp_out_write(out, lines.p, lines.n) < 0)
			break;
	}
	if (rc < 0)
		fprintf(stderr, "bench_splice: %s\n", err.msg);
	rc |= cdp_out_close(out, &err);
	cdp_block_release(&block);
	cdp_buf_release(&lines);
	cdp_in_free(in);
	return rc != 0;
}
