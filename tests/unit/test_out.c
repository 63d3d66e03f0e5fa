#include "io/out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/compress.h"
#include "tap.h"

static char dir[] = "/tmp/cdp-test-out-XXXXXX";

static char *in_dir(const char *name)
{
	static char path[8][64];
	static unsigned turn;
	char *s = path[turn++ % 8];

	snprintf(s, sizeof(path[0]), "%s/%s", dir, name);
	return s;
}

static int entries(void)
{
	DIR *d = opendir(dir);
	int n = -2; /* . and .. */

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static char *content(const char *path)
{
	struct cdp_err err;
	size_t n;

	return cdp_file_read(path, 1 << 30, &n, &err);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void atomic_files(void)
{
	char *path = in_dir("a"), *link = in_dir("link"), *s;
	struct cdp_err err;
	struct cdp_out *o;
	struct stat st;

	umask(027);
	o = cdp_out_open(path, &err);
	ok(o && cdp_out_is_regular(o), "a new file is opened");
	is_int(cdp_out_write(o, "one\n", 4), 0, "and written");
	is_int(cdp_out_flush(o), 0, "and flushed");
	ok(stat(path, &st) < 0, "but is not there before it is closed");
	is_int(cdp_out_close(o, &err), 0, "closing succeeds");
	s = content(path);
	is_str(s, "one\n", "and puts it in place");
	free(s);
	is_int(mode_of(path), 0640, "its permissions follow the umask");
	is_int(entries(), 1, "no temporary is left");

	chmod(path, 0606);
	o = cdp_out_open(path, &err);
	cdp_out_write(o, "two\n", 4);
	errno = EDOM;
	cdp_out_abandon(o);
	is_int(errno, EDOM, "abandoning keeps errno");
	s = content(path);
	is_str(s, "one\n", "an abandoned output changes nothing");
	free(s);
	is_int(entries(), 1, "and leaves nothing");

	ok(symlink("a", link) == 0, "there is a link to it");
	is_int(cdp_file_replace(link, "three\n", 6, &err), 0, "the file is replaced");
	s = content(path);
	is_str(s, "three\n", "through the link");
	free(s);
	ok(lstat(link, &st) == 0 && S_ISLNK(st.st_mode), "which remains a link");
	is_int(mode_of(path), 0606, "the file keeps its permissions");
	unlink(link);
	unlink(path);
	umask(022);
}

static void sizes(void)
{
	size_t n = 3 * 1000 * 1000, at = 0;
	char *p = cdp_alloc(n + 1), *s;
	struct cdp_err err;
	struct cdp_out *o = cdp_out_open(in_dir("sizes"), &err);
	int status = 0;

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + i * 31 % 26);
	p[n] = '\0';
	for (size_t step = 1; at < n; step = step * 5 + 3) {
		size_t piece = n - at < step ? n - at : step;

		status |= cdp_out_write(o, p + at, piece);
		at += piece;
	}
	status |= cdp_out_write(o, p, 0);
	status |= cdp_out_close(o, &err);
	is_int(status, 0, "pieces of all sizes are written");
	s = content(in_dir("sizes"));
	ok(s && strcmp(s, p) == 0, "in order and complete");
	free(s);
	free(p);
	unlink(in_dir("sizes"));
}

static void failures(void)
{
	static char big[300 * 1024];
	struct cdp_err err = { 0 };
	struct cdp_out *o = cdp_out_open("/dev/full", &err);
	int fd[2];

	ok(o && !cdp_out_is_regular(o), "a device is opened as it is");
	is_int(cdp_out_write(o, "x", 1), 0, "a small write is kept");
	is_int(cdp_out_flush(o), -1, "a full device fails the flush");
	is_str(cdp_out_error(o)->msg, "/dev/full: No space left on device",
	       "it is named");
	is_int(cdp_out_write(o, "x", 1), -1, "every later write fails at once");
	is_int(cdp_out_flush(o), -1, "and every flush");
	is_int(cdp_out_close(o, &err), -1, "and the close");
	is_int(err.kind, CDP_ERR_SYS, "with a system error");

	o = cdp_out_open("/dev/full", &err);
	is_int(cdp_out_write(o, big, sizeof(big)), -1, "a large write fails at once");
	cdp_out_abandon(o);
	o = cdp_out_open("/dev/null", &err);
	is_int(cdp_out_write(o, big, sizeof(big)), 0, "/dev/null takes all");
	is_int(cdp_out_close(o, &err), 0, "and stays a device");
	is_int(cdp_file_replace("/dev/full", "x", 1, &err), -1, "replacing it fails too");

	ok(!cdp_out_open("/nonexistent/x", &err), "a missing directory is an error");
	is_str(err.msg,
	       "/nonexistent/x: cannot make a temporary file beside it: "
	       "No such file or directory",
	       "that names the file");
	ok(!cdp_out_open(dir, &err), "a directory cannot be written");

	signal(SIGPIPE, SIG_IGN);
	if (pipe(fd) < 0)
		abort();
	close(fd[0]);
	o = cdp_out_fd(fd[1], "standard output");
	cdp_out_write(o, "x", 1);
	is_int(cdp_out_close(o, &err), -1, "a reader that went away fails the close");
	is_int(err.kind, CDP_ERR_PIPE, "as a broken pipe");
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);

	o = cdp_out_fd(-1, "standard output");
	is_int(cdp_out_close(o, &err), 0, "a closed descriptor does not matter unused");
	o = cdp_out_fd(-1, "standard output");
	cdp_out_write(o, "x", 1);
	is_int(cdp_out_close(o, &err), -1, "it does when there was output");
	is_str(err.msg, "standard output: Bad file descriptor", "which is said");
}

static void borrowed(void)
{
	struct cdp_err err;
	struct cdp_out *o;
	char got[8];
	int fd[2];

	if (pipe(fd) < 0)
		abort();
	o = cdp_out_fd(fd[1], "pipe");
	cdp_out_write(o, "a\n", 2);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	ok(read(fd[0], got, 8) < 0, "output is buffered");
	cdp_out_flush(o);
	is_int(read(fd[0], got, 8), 2, "until it is flushed");
	is_int(cdp_out_close(o, &err), 0, "the output closes");
	is_int(write(fd[1], "b", 1), 1, "a borrowed descriptor stays open");
	close(fd[0]);
	close(fd[1]);
}

/* A slow reader of a non-blocking pipe gets everything. */
static void nonblocking(void)
{
	static char big[2 * 1024 * 1024];
	struct cdp_err err;
	struct cdp_out *o;
	int fd[2], status;
	size_t total = 0;
	ssize_t got;
	pid_t child;

	if (pipe(fd) < 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		close(fd[1]);
		while ((got = read(fd[0], big, 5000)) > 0)
			total += (size_t)got;
		_exit(total == sizeof(big) ? 0 : 1);
	}
	close(fd[0]);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
	o = cdp_out_fd(fd[1], "pipe");
	is_int(cdp_out_write(o, big, sizeof(big)), 0,
	       "a non-blocking pipe is waited for");
	is_int(cdp_out_close(o, &err), 0, "to the end");
	close(fd[1]);
	waitpid(child, &status, 0);
	is_int(status, 0, "and all of it arrives");
}

static void signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct cdp_err err;
		int status;
		pid_t child = fork();

		if (child == 0) {
			/* More files than one chunk of the list holds. */
			for (int k = 0; k < 70; k++) {
				char name[16];

				snprintf(name, sizeof(name), "s%d", k);
				if (!cdp_out_open(in_dir(name), &err))
					_exit(1);
			}
			if (entries() != 70)
				_exit(2);
			raise(sigs[i]);
			_exit(3);
		}
		waitpid(child, &status, 0);
		ok(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i],
		   "signal %d ends the process", sigs[i]);
		is_int(entries(), 0, "and removes its temporaries");
	}
}

static void ignored_signal(void)
{
	struct cdp_err err;
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct cdp_out *o;

		signal(SIGHUP, SIG_IGN);
		o = cdp_out_open(in_dir("h"), &err);
		raise(SIGHUP);
		_exit(o && cdp_out_close(o, &err) == 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	   "an ignored hang-up stays ignored");
	is_int(unlink(in_dir("h")), 0, "and the file is made");
}

/* Sizes of the decoded zstd frames are found by decoding one at a time. */
static void archives(void)
{
	struct cdp_err err;
	struct cdp_out *o = cdp_out_open(in_dir("a.zst"), &err);
	struct cdp_buf all;
	struct cdp_unpack *u = cdp_unpack_new(CDP_CODEC_ZSTD);
	char line[1000], *z;
	size_t n, at = 0, frames = 0, aligned = 0, total = 0;
	static char out[8 << 20];

	memset(line, 'l', sizeof(line));
	line[999] = '\n';
	for (int i = 0; i < 10000; i++)
		cdp_out_write(o, line, sizeof(line));
	is_int(cdp_out_close(o, &err), 0, "an archive is written");
	cdp_buf_init(&all, CDP_BUF_NOMAX);
	z = cdp_file_read(in_dir("a.zst"), 1 << 30, &n, &err);
	while (z && at < n) {
		size_t used, made, got = 0;

		/* One byte at a time: the end of a frame is seen where it is. */
		do {
			if (cdp_unpack_run(u, z + at, 1, &used, out + got,
					   sizeof(out) - got, &made, &err) < 0)
				break;
			at += used;
			got += made;
		} while (at < n && cdp_unpack_end(u, &err) < 0);
		frames++;
		aligned += got > 0 && out[got - 1] == '\n' && got < (4 << 20) + 1000;
		total += got;
	}
	is_int((int64_t)frames, 3, "10 MB make three frames");
	is_int((int64_t)aligned, 3, "each ends with the line that brings it to 4 MiB");
	is_int((int64_t)total, 10000000, "together they are everything");
	free(z);
	cdp_unpack_free(u);
	cdp_buf_release(&all);

	o = cdp_out_open(in_dir("empty.gz"), &err);
	is_int(cdp_out_close(o, &err), 0, "an empty archive is written");
	z = cdp_file_read(in_dir("empty.gz"), 100, &n, &err);
	ok(z && n == 20, "and is a gzip member");
	free(z);
	unlink(in_dir("a.zst"));
	unlink(in_dir("empty.gz"));
}

static void whole_files(void)
{
	struct cdp_err err;
	size_t n;
	char *s;

	is_int(cdp_file_replace(in_dir("w.gz"), "a\0b", 3, &err), 0, "a small file");
	s = cdp_file_read(in_dir("w.gz"), 3, &n, &err);
	ok(s && n == 3 && memcmp(s, "a\0b", 4) == 0, "is read whole and terminated");
	free(s);
	ok(!cdp_file_read(in_dir("w.gz"), 2, &n, &err) &&
		   strstr(err.msg, "larger than 2"),
	   "one above the ceiling is refused");
	ok(!cdp_file_read(in_dir("none"), 2, &n, &err) && err.kind == CDP_ERR_SYS,
	   "a missing one is an error");
	ok(!cdp_file_read(dir, 2, &n, &err) && strstr(err.msg, "Is a directory"),
	   "so is a directory");
	unlink(in_dir("w.gz"));
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	/* First: children must find the signals as they are. */
	signals();
	ignored_signal();
	atomic_files();
	sizes();
	failures();
	borrowed();
	nonblocking();
	archives();
	whole_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return tap_done();
}
