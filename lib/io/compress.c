#include "io/compress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum { ZLIB_WINDOW = 15, GZIP_WINDOW = 15 + 16 }; /* 32 KiB window; gzip wrapper */
static const char *const codec_names[] = {
	[CDP_CODEC_GZIP] = "gzip",
	[CDP_CODEC_ZSTD] = "zstd",
	[CDP_CODEC_ZLIB] = "zlib",
};

enum cdp_codec cdp_codec_sniff(const char *p, size_t n)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b };
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const unsigned char skip[] = { 0x50, 0x2a, 0x4d, 0x18 };
	unsigned char head[4] = { 0 };
	size_t m = n < 4 ? n : 4;

	if (n == 0)
		return CDP_CODEC_UNSURE;
	memcpy(head, p, m);
	if (memcmp(head, gzip, m < 2 ? m : 2) == 0)
		return m < 2 ? CDP_CODEC_UNSURE : CDP_CODEC_GZIP;
	if (memcmp(head, zstd, m) == 0)
		return m < 4 ? CDP_CODEC_UNSURE : CDP_CODEC_ZSTD;
	head[0] &= 0xf0; /* 0x50 to 0x5f begin skippable frames */
	if (memcmp(head, skip, m) == 0)
		return m < 4 ? CDP_CODEC_UNSURE : CDP_CODEC_ZSTD;
	return CDP_CODEC_PLAIN;
}

enum cdp_codec cdp_codec_of_name(const char *name)
{
	size_t n = strlen(name);

	if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
		return CDP_CODEC_GZIP;
	if (n > 4 && strcmp(name + n - 4, ".zst") == 0)
		return CDP_CODEC_ZSTD;
	return CDP_CODEC_PLAIN;
}

struct cdp_unpack {
	enum cdp_codec codec;
	bool inside; /* in the middle of a member or frame */
	bool later;  /* one was completed: what follows must be another */
	z_stream gz;
	ZSTD_DStream *zs;
};

struct cdp_unpack *cdp_unpack_new(enum cdp_codec codec)
{
	struct cdp_unpack *u = cdp_calloc(1, sizeof(*u));

	u->codec = codec;
	if (codec != CDP_CODEC_ZSTD &&
	    inflateInit2(&u->gz, codec == CDP_CODEC_GZIP ? GZIP_WINDOW : ZLIB_WINDOW) !=
		    Z_OK)
		cdp_mem_exhausted();
	if (codec == CDP_CODEC_ZSTD && !(u->zs = ZSTD_createDStream()))
		cdp_mem_exhausted();
	return u;
}

void cdp_unpack_free(struct cdp_unpack *u)
{
	if (!u)
		return;
	if (u->codec != CDP_CODEC_ZSTD)
		inflateEnd(&u->gz);
	ZSTD_freeDStream(u->zs);
	free(u);
}

/* After a complete member only another one may begin. */
static int check_next(const struct cdp_unpack *u, const char *p, size_t n,
		      struct cdp_err *err)
{
	enum cdp_codec next = cdp_codec_sniff(p, n);

	if (u->inside || !u->later || next == u->codec || next == CDP_CODEC_UNSURE)
		return 0;
	return cdp_err_set(err, CDP_ERR_SYS, "trailing garbage after %s data",
			   codec_names[u->codec]);
}

static int zlib_run(struct cdp_unpack *u, const char *p, size_t n, size_t *used,
		    char *out, size_t cap, size_t *made, struct cdp_err *err)
{
	int status;

	do {
		/* zlib counts in unsigned int; 1 GiB steps are never reached in practice.
		 */
		uInt in = n - *used > 1u << 30 ? 1u << 30 : (uInt)(n - *used);
		uInt room = cap - *made > 1u << 30 ? 1u << 30 : (uInt)(cap - *made);

		if (!u->inside && in == 0)
			return 0;
		if (check_next(u, p + *used, in, err) < 0)
			return -1;
		u->inside = true;
		u->gz.next_in = (Bytef *)(uintptr_t)(p + *used);
		u->gz.avail_in = in;
		u->gz.next_out = (Bytef *)out + *made;
		u->gz.avail_out = room;
		status = inflate(&u->gz, Z_NO_FLUSH);
		*used += in - u->gz.avail_in;
		*made += room - u->gz.avail_out;
		if (status == Z_STREAM_END) {
			inflateReset(&u->gz);
			u->inside = false;
			u->later = true;
		} else if (status == Z_BUF_ERROR) {
			return 0; /* no progress possible: more input or room is needed */
		} else if (status != Z_OK) {
			return cdp_err_set(err, CDP_ERR_SYS, "corrupt %s data: %s",
					   codec_names[u->codec],
					   u->gz.msg ? u->gz.msg : zError(status));
		}
	} while (*made < cap);
	return 0;
}

static int zstd_run(struct cdp_unpack *u, const char *p, size_t n, size_t *used,
		    char *out, size_t cap, size_t *made, struct cdp_err *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer to = { out, cap, 0 };
	int result = 0;

	while (to.pos < cap && (in.pos < n || u->inside)) {
		size_t before = in.pos + to.pos;
		size_t hint;

		result = check_next(u, p + in.pos, n - in.pos, err);
		if (result < 0)
			break;
		hint = ZSTD_decompressStream(u->zs, &to, &in);
		if (ZSTD_isError(hint)) {
			result = cdp_err_set(err, CDP_ERR_SYS, "corrupt zstd data: %s",
					     ZSTD_getErrorName(hint));
			break;
		}
		u->inside = hint != 0;
		u->later = u->later || hint == 0;
		if (in.pos + to.pos == before)
			break;
	}
	*used = in.pos;
	*made = to.pos;
	return result;
}

int cdp_unpack_run(struct cdp_unpack *u, const char *p, size_t n, size_t *used, char *out,
		   size_t cap, size_t *made, struct cdp_err *err)
{
	*used = *made = 0;
	if (cap == 0)
		return 0;
	return u->codec == CDP_CODEC_ZSTD ? zstd_run(u, p, n, used, out, cap, made, err)
					  : zlib_run(u, p, n, used, out, cap, made, err);
}

int cdp_unpack_end(struct cdp_unpack *u, struct cdp_err *err)
{
	if (!u->inside && u->later)
		return 0;
	return cdp_err_set(err, CDP_ERR_SYS, "truncated %s data", codec_names[u->codec]);
}

struct cdp_pack {
	enum cdp_codec codec;
	z_stream gz;
	ZSTD_CStream *zs;
};

struct cdp_pack *cdp_pack_new(enum cdp_codec codec)
{
	struct cdp_pack *k = cdp_calloc(1, sizeof(*k));

	k->codec = codec;
	if (codec == CDP_CODEC_GZIP) {
		if (deflateInit2(&k->gz, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
				 8, Z_DEFAULT_STRATEGY) != Z_OK)
			cdp_mem_exhausted();
		return k;
	}
	k->zs = ZSTD_createCStream();
	if (!k->zs || ZSTD_isError(ZSTD_CCtx_setParameter(k->zs, ZSTD_c_checksumFlag, 1)))
		cdp_mem_exhausted();
	return k;
}

void cdp_pack_free(struct cdp_pack *k)
{
	if (!k)
		return;
	if (k->codec == CDP_CODEC_GZIP)
		deflateEnd(&k->gz);
	ZSTD_freeCStream(k->zs);
	free(k);
}

/* A piece of room for the codec's output; `out` is bounded by what its owner drains. */
static size_t room(struct cdp_buf *out)
{
	if (cdp_buf_reserve(out, 64 * 1024) < 0)
		CDP_BUG("compressed output exceeds its buffer");
	return out->cap - out->n < 1u << 30 ? out->cap - out->n : 1u << 30;
}

static void gzip_pump(struct cdp_pack *k, const char *p, size_t n, int mode,
		      struct cdp_buf *out)
{
	bool more = true;

	while (more) {
		uInt in = n > 1u << 30 ? 1u << 30 : (uInt)n;
		uInt space = (uInt)room(out);
		int status;

		k->gz.next_in = (Bytef *)(uintptr_t)p;
		k->gz.avail_in = in;
		k->gz.next_out = (Bytef *)out->p + out->n;
		k->gz.avail_out = space;
		status = deflate(&k->gz, in < n ? Z_NO_FLUSH : mode);
		if (status == Z_STREAM_ERROR)
			CDP_BUG("zlib state is broken");
		out->n += space - k->gz.avail_out;
		p += in - k->gz.avail_in;
		n -= in - k->gz.avail_in;
		/* Room left over means that the codec has nothing more to give. */
		more = n > 0 || k->gz.avail_out == 0;
	}
	if (mode == Z_FINISH)
		deflateReset(&k->gz);
}

static void zstd_pump(struct cdp_pack *k, const char *p, size_t n, ZSTD_EndDirective mode,
		      struct cdp_buf *out)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer to = { NULL, 0, 0 };

		to.size = room(out);
		to.dst = out->p + out->n;
		left = ZSTD_compressStream2(k->zs, &to, &in, mode);
		if (ZSTD_isError(left))
			CDP_BUG("zstd: %s", ZSTD_getErrorName(left));
		out->n += to.pos;
	} while (in.pos < n || (mode != ZSTD_e_continue && left > 0));
}

void cdp_pack_add(struct cdp_pack *k, const void *p, size_t n, struct cdp_buf *out)
{
	if (k->codec == CDP_CODEC_GZIP)
		gzip_pump(k, p, n, Z_NO_FLUSH, out);
	else
		zstd_pump(k, p, n, ZSTD_e_continue, out);
}

void cdp_pack_flush(struct cdp_pack *k, struct cdp_buf *out)
{
	if (k->codec == CDP_CODEC_GZIP)
		gzip_pump(k, "", 0, Z_SYNC_FLUSH, out);
	else
		zstd_pump(k, "", 0, ZSTD_e_flush, out);
}

void cdp_pack_end(struct cdp_pack *k, struct cdp_buf *out)
{
	if (k->codec == CDP_CODEC_GZIP)
		gzip_pump(k, "", 0, Z_FINISH, out);
	else
		zstd_pump(k, "", 0, ZSTD_e_end, out);
}
