/* gzip (RFC 1952), zlib (RFC 1950, decoding alone) and Zstandard (RFC 8878) streams
 * behind one interface.
 *
 * Decoding takes concatenated members and frames, skippable ones included; anything else
 * after a complete one, a wrong checksum and an end in the middle are errors.  A frame
 * that needs a window above 128 MiB is refused, so memory stays bounded. */
#ifndef CDP_IO_COMPRESS_H
#define CDP_IO_COMPRESS_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

enum cdp_codec {
	CDP_CODEC_PLAIN,
	CDP_CODEC_GZIP,
	CDP_CODEC_ZSTD,
	CDP_CODEC_ZLIB,   /* never of sniffing: text may begin like it */
	CDP_CODEC_UNSURE, /* of sniffing only: these bytes may begin either; read more */
};

/* Which codec the first bytes of a stream announce; four bytes always decide. */
enum cdp_codec cdp_codec_sniff(const char *p, size_t n);
/* Which codec a file name asks for: ".gz", ".zst", else plain. */
enum cdp_codec cdp_codec_of_name(const char *name);

struct cdp_unpack;

struct cdp_unpack *cdp_unpack_new(enum cdp_codec codec); /* not plain */
void cdp_unpack_free(struct cdp_unpack *u);
/* Decode from p to out.  *used of n bytes were taken, *made of cap bytes written; both
 * hold on an error too: what was made before it is good.  If *made == cap there may be
 * more to come without more input.  0, or -1 with *err (system kind). */
int cdp_unpack_run(struct cdp_unpack *u, const char *p, size_t n, size_t *used, char *out,
		   size_t cap, size_t *made, struct cdp_err *err);
/* The input is at its end: 0, or -1 if that is in the middle of a stream. */
int cdp_unpack_end(struct cdp_unpack *u, struct cdp_err *err);

struct cdp_pack;

struct cdp_pack *cdp_pack_new(enum cdp_codec codec);
void cdp_pack_free(struct cdp_pack *k);
/* Encode n bytes; whatever comes out is appended. */
void cdp_pack_add(struct cdp_pack *k, const void *p, size_t n, struct cdp_buf *out);
/* Bring out everything added so far, so that a reader can decode it (costs ratio). */
void cdp_pack_flush(struct cdp_pack *k, struct cdp_buf *out);
/* End the member or frame; a later add begins an independent one. */
void cdp_pack_end(struct cdp_pack *k, struct cdp_buf *out);

#endif
