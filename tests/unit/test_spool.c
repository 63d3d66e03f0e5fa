#include "io/spool.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cdp_err err;

static void comes_back(void)
{
	struct cdp_spool *s = cdp_spool_new(&err);
	static char big[700 * 1000];
	size_t bad = 0;
	char c[3];
	int fd;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 256);
	/* Pieces below, across and above the buffer. */
	for (size_t at = 0, n = 1; at < sizeof(big); at += n, n = n * 3 + 1) {
		if (n > sizeof(big) - at)
			n = sizeof(big) - at;
		bad += cdp_spool_write(s, big + at, n, &err) != 0;
	}
	bad += cdp_spool_rewind(s, &err) != 0;
	for (size_t at = 0; at + 3 <= sizeof(big); at += 3)
		bad += cdp_spool_read(s, c, 3, &err) != 1 || memcmp(c, big + at, 3) != 0;
	is_int((int64_t)bad, 0, "what was written comes back in other pieces");
	is_int(cdp_spool_read(s, c, 3, &err), 0,
	       "fewer bytes than asked for are the end");
	fd = open(cdp_spool_path(s), O_RDONLY);
	ok(fd >= 0 && read(fd, c, 3) == 3 && memcmp(c, big, 3) == 0,
	   "it can be opened again by its path, from the start");
	close(fd);
	cdp_spool_free(s);
}

int main(void)
{
	struct cdp_spool *s;

	comes_back();
	setenv("TMPDIR", "/nonexistent", 1);
	s = cdp_spool_new(&err);
	ok(!s && err.kind == CDP_ERR_SYS && strstr(err.msg, "/nonexistent"),
	   "a directory that is not there is named");
	cdp_spool_free(s);
	return tap_done();
}
