#include "io/compress.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static const enum cdp_codec codecs[] = { CDP_CODEC_GZIP, CDP_CODEC_ZSTD };
static const char *const names[] = { "gzip", "zstd" };

static void pack(struct cdp_buf *out, enum cdp_codec codec, const char *p, size_t n)
{
	struct cdp_pack *k = cdp_pack_new(codec);

	cdp_pack_add(k, p, n, out);
	cdp_pack_end(k, out);
	cdp_pack_free(k);
}

/* Decode with input and output in pieces of the given sizes; 0 or -1. */
static int unpack(struct cdp_buf *out, enum cdp_codec codec, const char *p, size_t n,
		  size_t in_step, size_t out_step, struct cdp_err *err)
{
	struct cdp_unpack *u = cdp_unpack_new(codec);
	int status = 0;

	for (size_t at = 0; status == 0 && at < n;) {
		size_t piece = n - at < in_step ? n - at : in_step, used, made;

		do {
			cdp_buf_reserve(out, out_step);
			status = cdp_unpack_run(u, p + at, piece, &used, out->p + out->n,
						out_step, &made, err);
			out->n += made;
			at += used;
			piece -= used;
		} while (status == 0 && (piece || made == out_step));
	}
	if (status == 0)
		status = cdp_unpack_end(u, err);
	cdp_unpack_free(u);
	return status;
}

static char *sample(size_t n)
{
	char *p = cdp_alloc(n);
	uint32_t x = 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = x >> 30 ? (char)('a' + (x >> 27)) : '\n';
	}
	return p;
}

static void round_trips(void)
{
	static const size_t steps[] = { 1, 7, 300000 };
	char *p = sample(100000);

	for (int c = 0; c < 2; c++) {
		struct cdp_buf z, back;
		struct cdp_err err;
		bool same = true;

		cdp_buf_init(&z, CDP_BUF_NOMAX);
		cdp_buf_init(&back, CDP_BUF_NOMAX);
		pack(&z, codecs[c], p, 100000);
		ok(z.n < 100000, "%s makes text smaller", names[c]);
		for (int i = 0; i < 3; i++) {
			for (int j = 0; j < 3; j++) {
				cdp_buf_reset(&back);
				same = same &&
				       unpack(&back, codecs[c], z.p, z.n, steps[i],
					      steps[j], &err) == 0 &&
				       back.n == 100000 && memcmp(back.p, p, back.n) == 0;
			}
		}
		ok(same, "%s gives the bytes back whatever the pieces", names[c]);
		cdp_buf_release(&z);
		cdp_buf_release(&back);
	}
	free(p);
}

static void concatenated(void)
{
	/* A skippable frame: magic, length 3, three bytes. */
	static const char skip[] = "\x5a\x2a\x4d\x18\x03\0\0\0xyz";

	for (int c = 0; c < 2; c++) {
		struct cdp_buf z, back;
		struct cdp_err err;

		cdp_buf_init(&z, CDP_BUF_NOMAX);
		cdp_buf_init(&back, CDP_BUF_NOMAX);
		if (codecs[c] == CDP_CODEC_ZSTD)
			cdp_buf_add(&z, skip, 11);
		pack(&z, codecs[c], "one\n", 4);
		pack(&z, codecs[c], "", 0);
		if (codecs[c] == CDP_CODEC_ZSTD)
			cdp_buf_add(&z, skip, 11);
		pack(&z, codecs[c], "two\n", 4);
		is_int(unpack(&back, codecs[c], z.p, z.n, 1, 1, &err), 0,
		       "%s members are read one after the other", names[c]);
		is_str(cdp_buf_str(&back), "one\ntwo\n", "%s members join", names[c]);
		cdp_buf_release(&z);
		cdp_buf_release(&back);
	}
}

static void damaged(void)
{
	char *p = sample(2000);

	for (int c = 0; c < 2; c++) {
		struct cdp_buf z, back;
		struct cdp_err err;
		size_t noticed = 0, prefix = 0, whole;

		cdp_buf_init(&z, CDP_BUF_NOMAX);
		cdp_buf_init(&back, CDP_BUF_NOMAX);
		pack(&z, codecs[c], p, 2000);
		whole = z.n;
		for (size_t cut = 0; cut < whole; cut++) {
			cdp_buf_reset(&back);
			err.kind = CDP_ERR_NONE;
			noticed += unpack(&back, codecs[c], z.p, cut, 64, 64, &err) < 0 &&
				   err.kind == CDP_ERR_SYS &&
				   strstr(err.msg, "truncated");
			prefix += memcmp(back.p, p, back.n) == 0;
		}
		is_int((int64_t)noticed, (int64_t)whole,
		       "%s cut at any byte is said to be truncated", names[c]);
		is_int((int64_t)prefix, (int64_t)whole,
		       "%s gives only good bytes before a cut", names[c]);
		cdp_buf_adds(&z, "junk");
		cdp_buf_reset(&back);
		ok(unpack(&back, codecs[c], z.p, z.n, 1, 64, &err) < 0 &&
			   strstr(err.msg, "trailing garbage"),
		   "%s followed by garbage is an error", names[c]);
		is_int((int64_t)back.n, 2000, "%s before garbage was given", names[c]);
		z.p[whole - 5] ^= 1;
		cdp_buf_reset(&back);
		ok(unpack(&back, codecs[c], z.p, whole, 64, 64, &err) < 0 &&
			   strstr(err.msg, "corrupt"),
		   "%s with a flipped bit is corrupt", names[c]);
		cdp_buf_release(&z);
		cdp_buf_release(&back);
	}
	free(p);
}

static void flushed(void)
{
	for (int c = 0; c < 2; c++) {
		struct cdp_pack *k = cdp_pack_new(codecs[c]);
		struct cdp_unpack *u = cdp_unpack_new(codecs[c]);
		struct cdp_buf z;
		struct cdp_err err;
		char out[16];
		size_t used, made;

		cdp_buf_init(&z, CDP_BUF_NOMAX);
		cdp_pack_add(k, "now\n", 4, &z);
		cdp_pack_flush(k, &z);
		cdp_unpack_run(u, z.p, z.n, &used, out, sizeof(out), &made, &err);
		ok(made == 4 && memcmp(out, "now\n", 4) == 0,
		   "%s shows a line once it is flushed", names[c]);
		cdp_pack_free(k);
		cdp_unpack_free(u);
		cdp_buf_release(&z);
	}
}

static void sniffed(void)
{
	is_int(cdp_codec_sniff("\x1f", 1), CDP_CODEC_UNSURE, "one byte may be gzip");
	is_int(cdp_codec_sniff("\x1f\x8b", 2), CDP_CODEC_GZIP, "two bytes tell gzip");
	is_int(cdp_codec_sniff("(\xb5/", 3), CDP_CODEC_UNSURE, "three may be zstd");
	is_int(cdp_codec_sniff("(\xb5/\xfd", 4), CDP_CODEC_ZSTD, "four tell zstd");
	is_int(cdp_codec_sniff("P*M\x18", 4), CDP_CODEC_ZSTD,
	       "a skippable frame is zstd");
	is_int(cdp_codec_sniff("(", 1), CDP_CODEC_UNSURE, "a parenthesis may be zstd");
	is_int(cdp_codec_sniff("(\n", 2), CDP_CODEC_PLAIN, "or plain text");
	is_int(cdp_codec_sniff("{", 1), CDP_CODEC_PLAIN, "a brace is plain text at once");
	is_int(cdp_codec_of_name("a.gz"), CDP_CODEC_GZIP, ".gz is gzip");
	is_int(cdp_codec_of_name("a.ndjson.zst"), CDP_CODEC_ZSTD, ".zst is zstd");
	is_int(cdp_codec_of_name(".gz"), CDP_CODEC_PLAIN, "a bare suffix is a name");
}

int main(void)
{
	round_trips();
	concatenated();
	damaged();
	flushed();
	sniffed();
	return tap_done();
}
