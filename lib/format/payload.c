#include "format/payload.h"

#include "io/compress.h"

static bool is_zlib(const char *p, size_t n)
{
	unsigned a, b;

	if (n < 2)
		return false;
	a = (unsigned char)p[0];
	b = (unsigned char)p[1];
	return a == 0x78 && (b == 0x01 || b == 0x5e || b == 0x9c || b == 0xda);
}

static int unpack(struct cdp_unpack *u, const char *p, size_t n, struct cdp_buf *out,
		  size_t max, struct cdp_err *err)
{
	enum { STEP = 64 << 10 };
	size_t used, made, room;

	do {
		if (out->n > max)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "inflates to more than %zu bytes", max);
		/* One byte more than allowed tells that there is more. */
		room = max + 1 - out->n < STEP ? max + 1 - out->n : STEP;
		cdp_buf_reserve(out, room);
		if (cdp_unpack_run(u, p, n, &used, out->p + out->n, room, &made, err) < 0)
			return -1;
		out->n += made;
		p += used;
		n -= used;
	} while (made || (n && used));
	if (n)
		return cdp_err_set(err, CDP_ERR_DATA, "corrupt compressed data");
	return cdp_unpack_end(u, err);
}

int cdp_unpack_bytes(const char **p, size_t *n, struct cdp_buf *out, size_t max,
		     struct cdp_err *err)
{
	enum cdp_codec codec = is_zlib(*p, *n) ? CDP_CODEC_ZLIB : cdp_codec_sniff(*p, *n);
	struct cdp_unpack *u;
	int rc;

	if (codec == CDP_CODEC_PLAIN || codec == CDP_CODEC_UNSURE)
		return 0;
	cdp_buf_reset(out);
	u = cdp_unpack_new(codec);
	rc = unpack(u, *p, *n, out, max, err);
	cdp_unpack_free(u);
	if (rc < 0) {
		err->kind = CDP_ERR_DATA;
		return -1;
	}
	*p = out->p;
	*n = out->n;
	return 0;
}
