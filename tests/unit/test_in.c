#include "io/in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "io/compress.h"
#include "tap.h"

static char dir[] = "/tmp/cdp-test-in-XXXXXX";

static const char *file(const char *name, const void *p, size_t n)
{
	static char path[8][64];
	static unsigned turn;
	char *s = path[turn++ % 8];
	int fd;

	snprintf(s, sizeof(path[0]), "%s/%s", dir, name);
	fd = open(s, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) < 0)
		abort();
	return s;
}

static const char *text(const char *name, const char *s)
{
	return file(name, s, strlen(s));
}

/* Make p the standard input: a pipe filled by a child, `step` bytes a write. */
static pid_t feed(const char *p, size_t n, size_t step)
{
	int fd[2];
	pid_t child;

	if (pipe(fd) < 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		close(fd[0]);
		for (size_t at = 0; at < n; at += step) {
			size_t piece = n - at < step ? n - at : step;

			if (write(fd[1], p + at, piece) != (ssize_t)piece)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	dup2(fd[0], 0);
	close(fd[0]);
	return child;
}

/* Everything the inputs give: blocks joined, "[offset:length]" and a newline for an
 * overlong line, "!message" and a newline for an error.  Checks what holds for every
 * block. */
static bool sound;
static char *slurp(char *const *operands, const struct cdp_in_opts *opts)
{
	static const char zero[CDP_IN_PAD];
	struct cdp_in *in = cdp_in_new(operands, opts);
	struct cdp_block b;
	struct cdp_buf all;
	struct cdp_err err;
	uint64_t seq = 0;
	unsigned input = 0;
	int status;
	char *s;

	sound = true;
	cdp_block_init(&b);
	cdp_buf_init(&all, CDP_BUF_NOMAX);
	while ((status = cdp_in_block(in, &b, &err)) != 0) {
		if (status < 0) {
			cdp_buf_addf(&all, "!%s\n", err.msg);
			sound = sound &&
				(err.kind == CDP_ERR_SYS || err.kind == CDP_ERR_USAGE);
			continue;
		}
		sound = sound && b.seq == seq++ && b.input >= input &&
			(b.first || b.input == input) && b.len + CDP_IN_PAD <= b.cap &&
			memcmp(b.data + b.len, zero, CDP_IN_PAD) == 0;
		input = b.input;
		if (b.overlong) {
			sound = sound && b.len == 0;
			cdp_buf_addf(&all, "[%d:%d]\n", (int)b.long_offset,
				     (int)b.long_length);
			continue;
		}
		sound = sound && b.len > 0 && b.data[b.len - 1] == '\n';
		cdp_buf_add(&all, b.data, b.len);
	}
	cdp_in_free(in);
	cdp_block_release(&b);
	s = cdp_strdup(cdp_buf_str(&all));
	cdp_buf_release(&all);
	return s;
}

static char *slurp1(const char *operand, const struct cdp_in_opts *opts)
{
	char *operands[] = { (char *)(uintptr_t)operand, NULL };

	return slurp(operands, opts);
}

#define gives(operand, opts, want, ...)                                                  \
	do {                                                                             \
		char *got_ = slurp1(operand, opts);                                      \
		is_str(got_, want, __VA_ARGS__);                                         \
		ok(sound, "its blocks keep their contract");                             \
		free(got_);                                                              \
	} while (0)

static void ends_of_lines(void)
{
	gives(text("a", "one\ntwo\n"), NULL, "one\ntwo\n", "lines come as they are");
	gives(text("a", "one\ntwo"), NULL, "one\ntwo\n",
	      "a missing last newline is supplied");
	gives(text("a", "\n\n"), NULL, "\n\n", "blank lines are lines");
	gives(text("a", "x\r\ny\r"), NULL, "x\r\ny\r\n", "CR is left to the scanner");
	gives(text("a", ""), NULL, "", "an empty file gives nothing");
	gives("/dev/null", NULL, "", "so does an empty device");
	gives(text("a", "\xef\xbb\xbf"), NULL, "", "a lone BOM gives nothing");
	gives(text("a", "\xef\xbb\xbfx\n\xef\xbb\xbfy\n"), NULL, "x\n\xef\xbb\xbfy\n",
	      "a BOM is skipped at the start only");
	gives(text("a", "\xef\xbb"), NULL, "\xef\xbb\n", "half a BOM is text");
	gives(text("a", "\xef\xbbx\n"), NULL, "\xef\xbbx\n", "a broken BOM is text");
}

static void operands(void)
{
	char path[5][64];
	char *list[6] = { path[0], path[1], path[2], path[3], path[4], NULL };
	char want[512];
	char *got;

	strcpy(path[0], text("a", "\xef\xbb\xbf"
				  "1"));
	strcpy(path[1], "/nonexistent/x");
	strcpy(path[2], dir);
	strcpy(path[3], text("empty", ""));
	strcpy(path[4], text("b", "\xef\xbb\xbf"
				  "2\n3"));
	snprintf(want, sizeof(want),
		 "1\n!/nonexistent/x: No such file or directory\n!%s: Is a "
		 "directory\n2\n3\n",
		 dir);
	got = slurp(list, NULL);
	is_str(got, want, "bad operands are named and the good ones read");
	ok(sound, "each input has its own first block");
	free(got);
	strcpy(path[1], "-");
	strcpy(path[3], "-");
	got = slurp(list, NULL);
	is_str(got, "!standard input ('-') can be given only once\n",
	       "a second '-' is refused before anything is read");
	free(got);
}

static void standard_input(void)
{
	static char bytes[] = "\xef\xbb\xbf"
			      "ab\n\ncd\r\nlast";
	char *none[] = { NULL };
	pid_t child;
	char *got;
	int saved = dup(0);

	child = feed(bytes, sizeof(bytes) - 1, 1);
	got = slurp(none, NULL);
	is_str(got, "ab\n\ncd\r\nlast\n", "one byte at a time on a pipe is read alike");
	free(got);
	waitpid(child, NULL, 0);
	close(0);
	gives("-", NULL, "!standard input: Bad file descriptor\n",
	      "a closed standard input is an error");
	dup2(saved, 0);
	close(saved);
}

static int waits;
static void count_wait(void *ctx)
{
	(void)ctx;
	waits++;
}

/* A line is handed on while the writer keeps the pipe open: this would hang otherwise. */
static void live(void)
{
	struct cdp_in_opts opts = { .before_wait = count_wait };
	struct cdp_in *in;
	struct cdp_block b;
	struct cdp_err err;
	int fd[2], saved = dup(0);

	if (pipe(fd) < 0)
		abort();
	dup2(fd[0], 0);
	in = cdp_in_new(NULL, &opts);
	cdp_block_init(&b);
	ok(cdp_in_may_wait(in) && !cdp_in_is_files(in), "a pipe may wait");
	ok(write(fd[1], "one\ntwo\nthr", 11) == 11, "a writer writes and waits");
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == 8 && b.offset == 0,
	   "whole lines are handed on at once");
	is_int(waits, 0, "nothing is announced while bytes are ready");
	ok(write(fd[1], "ee\n", 3) == 3, "the rest comes");
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == 6 &&
		   memcmp(b.data, "three\n", 6) == 0 && b.offset == 8,
	   "a carried piece is completed");
	close(fd[1]);
	close(fd[0]);
	is_int(cdp_in_block(in, &b, &err), 0, "the end of a pipe is the end");
	is_int(waits, 0, "an end is no wait either");
	cdp_in_free(in);
	cdp_block_release(&b);
	dup2(saved, 0);
	close(saved);
}

static void announces(void)
{
	struct cdp_in_opts opts = { .before_wait = count_wait };
	char fifo[64];
	pid_t child;
	int status;

	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	if (mkfifo(fifo, 0600) < 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		int fd = open(fifo, O_WRONLY);

		_exit(write(fd, "x\n", 2) == 2 ? 0 : 1);
	}
	waits = 0;
	gives(fifo, &opts, "x\n", "a FIFO is read");
	ok(waits > 0, "waiting for its writer is announced");
	waitpid(child, &status, 0);
	waits = 0;
	gives(text("a", "x\n"), &opts, "x\n", "a file is read");
	is_int(waits, 0, "without any announcement");
}

struct kept {
	struct cdp_buf bytes;
	int left; /* calls until the sink fails */
};

static int keep(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct kept *k = ctx;

	if (k->left-- == 0)
		return cdp_err_set(err, CDP_ERR_SYS, "sink is full");
	cdp_buf_add(&k->bytes, p, n);
	return 0;
}

static void long_lines(void)
{
	struct kept kept = { .left = 1000 };
	struct cdp_in_opts opts = { .line_max = 5, .long_sink = keep, .ctx = &kept };
	static const char *const cases[][2] = {
		{ "12345\n", "12345\n" },
		{ "12345", "12345\n" },
		{ "123456\n", "[0:6]\n" },
		{ "123456", "[0:6]\n" },
		{ "a\n123456\nb\n", "a\n[0:6]\nb\n" },
		{ "12345\n12345\n123456\n12345\n", "12345\n12345\n[0:6]\n12345\n" },
		{ "123456\nabcdefghijklmnopqrstuvwxyz\n\nx", "[0:6]\n[6:26]\n\nx\n" },
		{ "\xef\xbb\xbf"
		  "12345\nx",
		  "12345\nx\n" },
		{ "\xef\xbb\xbf"
		  "123456\nx",
		  "[0:6]\nx\n" },
	};

	cdp_buf_init(&kept.bytes, CDP_BUF_NOMAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		gives(text("a", cases[i][0]), &opts, cases[i][1],
		      "ceiling of 5, case %zu", i);
	cdp_buf_reset(&kept.bytes);
	gives(text("a", "1234567\nx\nabcdefgh"), &opts, "[0:7]\nx\n[7:8]\n",
	      "overlong lines are passed by");
	is_str(cdp_buf_str(&kept.bytes), "1234567abcdefgh", "and streamed to the sink");
	opts.line_max = 1;
	gives(text("a", "a\nbc\n\nd\nef"), &opts, "a\n[0:2]\n\nd\n[2:2]\n",
	      "a ceiling of 1");
	kept.left = 1;
	gives(text("a", "1234567\nx\n"), &opts, "!sink is full\n",
	      "a full sink ends the input");
	opts.long_sink = NULL;
	opts.line_max = 5;
	gives(text("a", "1234567\nx\n1234567"), &opts, "[0:7]\nx\n[0:7]\n",
	      "no sink is fine");
	cdp_buf_release(&kept.bytes);
}

/* Lines around the default ceiling and around block ends, on a file and on a pipe. */
static void large(void)
{
	size_t max = CDP_IN_LINE_MAX, n = 2 * max + 7;
	char *p = cdp_alloc(n);
	struct cdp_in *in;
	struct cdp_block b;
	struct cdp_err err;
	struct cdp_sha256 *sum = cdp_sha256_new();
	char want[65];
	char path[64];
	char *list[] = { path, NULL };

	memset(p, 'x', n);
	p[max] = '\n';
	memcpy(p + 2 * max + 2, "\nend\n", 5); /* the second line: one over */
	strcpy(path, file("big", p, n));
	cdp_sha256_add(sum, p + max + 1, max + 1);
	cdp_sha256_hex(sum, want);
	cdp_sha256_free(sum);
	in = cdp_in_new(list, NULL);
	cdp_block_init(&b);
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == max + 1 && !b.overlong,
	   "a line of the default ceiling is read");
	ok(cdp_in_block(in, &b, &err) == 1 && b.overlong && b.len == 0 &&
		   b.long_length == max + 1 && b.offset == max + 1,
	   "one byte more is overlong");
	is_str(b.long_sha256, want, "its digest is that of its bytes");
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == 4 && b.offset == 2 * max + 3,
	   "the next line is found");
	is_int(cdp_in_block(in, &b, &err), 0, "and then the end");
	cdp_in_free(in);
	cdp_block_release(&b);
	free(p);
}

static void blocks(void)
{
	struct cdp_buf t;
	char *got;
	char path[64];
	char *list[] = { path, NULL };
	struct cdp_in *in;
	uint64_t done, total;
	pid_t child;
	int saved = dup(0);

	cdp_buf_init(&t, CDP_BUF_NOMAX);
	for (int i = 0; t.n < 3 * CDP_IN_BLOCK; i++) {
		for (int j = 0; j < i % 997; j++)
			cdp_buf_addc(&t, (char)('a' + j % 26));
		cdp_buf_addc(&t, '\n');
	}
	strcpy(path, file("blocks", t.p, t.n));
	got = slurp(list, NULL);
	ok(strlen(got) == t.n && memcmp(got, t.p, t.n) == 0 && sound,
	   "many blocks join to the file");
	free(got);
	for (size_t step = 1; step < 10000000; step *= 4099) {
		child = feed(t.p, t.n, step);
		got = slurp(NULL, NULL);
		ok(strlen(got) == t.n && memcmp(got, t.p, t.n) == 0 && sound,
		   "a pipe fed %zu bytes at a time gives the same", step);
		free(got);
		waitpid(child, NULL, 0);
	}
	in = cdp_in_new(list, NULL);
	cdp_in_progress(in, &done, &total);
	ok(done == 0 && total == t.n && cdp_in_is_files(in) && !cdp_in_may_wait(in),
	   "the total of files is known");
	cdp_in_free(in);
	dup2(saved, 0);
	close(saved);
	cdp_buf_release(&t);
}

static void nul_bytes(void)
{
	char path[64];
	char *list[] = { path, NULL };
	struct cdp_in *in;
	struct cdp_block b;
	struct cdp_err err;

	strcpy(path, file("nul", "a\0b\n\0", 5));
	in = cdp_in_new(list, NULL);
	cdp_block_init(&b);
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == 4 &&
		   memcmp(b.data, "a\0b\n", 4) == 0,
	   "NUL bytes pass");
	ok(cdp_in_block(in, &b, &err) == 1 && b.len == 2 &&
		   memcmp(b.data, "\0\n", 2) == 0,
	   "also last");
	cdp_in_free(in);
	cdp_block_release(&b);
}

static void pack(struct cdp_buf *z, enum cdp_codec codec, const char *p, size_t n)
{
	struct cdp_pack *k = cdp_pack_new(codec);

	cdp_pack_add(k, p, n, z);
	cdp_pack_end(k, z);
	cdp_pack_free(k);
}

static void compressed(enum cdp_codec codec, const char *name)
{
	static const char plain[] = "\xef\xbb\xbf"
				    "one\ntwo\nthree\n";
	struct cdp_buf z;
	char path[64], want[256];
	size_t good = 0, cut;
	pid_t child;
	char *got;
	int saved = dup(0);

	cdp_buf_init(&z, CDP_BUF_NOMAX);
	pack(&z, codec, plain, sizeof(plain) - 1);
	gives(file("z", z.p, z.n), NULL, "one\ntwo\nthree\n", "%s is recognised", name);
	child = feed(z.p, z.n, 1);
	gives("-", NULL, "one\ntwo\nthree\n", "%s also on a pipe, byte by byte", name);
	waitpid(child, NULL, 0);
	for (cut = 4; cut < z.n; cut++) {
		strcpy(path, file("cut", z.p, cut));
		snprintf(want, sizeof(want), "!%s: truncated %s data\n", path, name);
		got = slurp1(path, NULL);
		good += strlen(got) >= strlen(want) && sound &&
			strcmp(got + strlen(got) - strlen(want), want) == 0 &&
			strncmp(got, plain + 3, strlen(got) - strlen(want)) == 0;
		free(got);
	}
	is_int((int64_t)good, (int64_t)cut - 4, "%s cut anywhere ends in an error", name);
	pack(&z, codec, "four", 4);
	gives(file("z", z.p, z.n), NULL, "one\ntwo\nthree\nfour\n", "%s: two members",
	      name);
	cdp_buf_adds(&z, "\n");
	strcpy(path, file("z", z.p, z.n));
	snprintf(want, sizeof(want),
		 "one\ntwo\nthree\n!%s: trailing garbage after %s data\n", path, name);
	gives(path, NULL, want, "%s: a newline at the end is garbage", name);
	cdp_buf_release(&z);
	dup2(saved, 0);
	close(saved);
}

/* So compressible that the decoder has all input long before it has given its output. */
static void expanding(enum cdp_codec codec, const char *name)
{
	size_t n = 3 * 1000 * 1000;
	struct cdp_in_opts opts = { .line_max = 200 }; /* and so small reads */
	char *p = cdp_alloc(n), *got;
	struct cdp_buf z;

	memset(p, 'x', n);
	for (size_t i = 99; i < n; i += 100)
		p[i] = '\n';
	cdp_buf_init(&z, CDP_BUF_NOMAX);
	pack(&z, codec, p, n);
	got = slurp1(file("z", z.p, z.n), NULL);
	ok(strlen(got) == n && memcmp(got, p, n) == 0 && sound,
	   "%s may expand a thousand times", name);
	free(got);
	/* Without its checksum. */
	got = slurp1(file("z", z.p, z.n - (codec == CDP_CODEC_GZIP ? 8 : 4)), &opts);
	ok(strlen(got) > n && memcmp(got, p, n) == 0 && got[n] == '!' && sound,
	   "%s cut after its last line gives them all, then the error", name);
	free(got);
	free(p);
	cdp_buf_release(&z);
}

static void raw_bytes(void)
{
	char path[2][64];
	char *list[] = { path[0], path[1], NULL };
	struct cdp_in *in;
	struct cdp_block b;
	struct cdp_err err;

	strcpy(path[0], text("a", "\xef\xbb\xbf"
				  "x"));
	strcpy(path[1], text("b", "y"));
	in = cdp_in_new(list, NULL);
	cdp_block_init(&b);
	ok(cdp_in_bytes(in, &b, &err) == 1 && b.len == 4 && b.input == 0 && b.first &&
		   memcmp(b.data,
			  "\xef\xbb\xbf"
			  "x",
			  4) == 0,
	   "raw bytes keep the BOM and get no newline");
	ok(cdp_in_bytes(in, &b, &err) == 1 && b.len == 1 && b.input == 1 && b.first,
	   "the next input shows by its index");
	is_int(cdp_in_bytes(in, &b, &err), 0, "and the end");
	cdp_in_free(in);
	cdp_block_release(&b);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	ends_of_lines();
	operands();
	standard_input();
	live();
	announces();
	long_lines();
	large();
	blocks();
	nul_bytes();
	compressed(CDP_CODEC_GZIP, "gzip");
	compressed(CDP_CODEC_ZSTD, "zstd");
	expanding(CDP_CODEC_GZIP, "gzip");
	expanding(CDP_CODEC_ZSTD, "zstd");
	raw_bytes();
	if (chdir(dir) == 0 && system("rm -rf ./*") == 0)
		rmdir(dir);
	return tap_done();
}
