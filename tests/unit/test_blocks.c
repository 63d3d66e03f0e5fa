/* Files of blocks: what was written comes back, what was damaged is an error. */
#include "io/blocks.h"

#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[CDP_BLOCKS_MAGIC] = { 't', 'e', 's', 't', 'b', 'l', 'k', '1' };
static char path[] = "/tmp/test_blocks.XXXXXX";

static void write_file(void)
{
	struct cdp_err err;
	struct cdp_blocks_out *o = cdp_blocks_create(path, magic, &err);

	cdp_blocks_add(o, "first", 5);
	cdp_blocks_add(o, "the second", 10);
	is_int(cdp_blocks_finish(o, &err), 0, "a file is written");
}

/* How many blocks come before the end, or -1 - that many before an error. */
static int blocks_there(void)
{
	struct cdp_blocks *b;
	struct cdp_err err;
	const char *p;
	int n = 0, rc = cdp_blocks_open(&b, path, magic, &err);
	size_t len;

	if (rc <= 0)
		return -1;
	while ((rc = cdp_blocks_next(b, &p, &len, &err)) > 0)
		n++;
	cdp_blocks_close(b);
	return rc < 0 ? -1 - n : n;
}

static void check_reading(void)
{
	struct cdp_blocks *b;
	struct cdp_err err;
	const char *p;
	size_t n;

	write_file();
	is_int(cdp_blocks_open(&b, path, magic, &err), 1, "it is there");
	for (int i = 0; i < 2; i++) {
		ok(cdp_blocks_next(b, &p, &n, &err) == 1 && n == 5 &&
			   !memcmp(p, "first", 5),
		   "the first block comes first");
		ok(cdp_blocks_next(b, &p, &n, &err) == 1 && n == 10, "then the second");
		is_int(cdp_blocks_next(b, &p, &n, &err), 0, "and no more");
		cdp_blocks_rewind(b);
	}
	cdp_blocks_close(b);
	is_int(cdp_blocks_open(&b, "/tmp/no such file", magic, &err), 0,
	       "a file that is missing is none");
	is_int(cdp_blocks_open(&b, path, "testblk2", &err), -1,
	       "a file of another kind is an error");
}

/* Every byte of it counts, and so does every byte that is missing. */
static void check_damage(void)
{
	int fd = open(path, O_RDWR), whole = 0, cut = 0;
	off_t size = lseek(fd, 0, SEEK_END);

	for (off_t i = 0; i < size; i++) {
		char was, other;

		if (pread(fd, &was, 1, i) != 1)
			continue;
		other = (char)(was ^ 4);
		if (pwrite(fd, &other, 1, i) == 1)
			whole += blocks_there() >= 0;
		ok(pwrite(fd, &was, 1, i) == 1, "byte %d is put back", (int)i);
	}
	is_int(whole, 0, "no changed byte goes unseen");
	is_int(blocks_there(), 2, "it is whole again");
	for (off_t i = size - 1; i >= 0; i--)
		if (ftruncate(fd, i) == 0)
			cut += blocks_there() >= 0;
	is_int(cut, 0, "no cut goes unseen");
	close(fd);
}

static void check_replacing(void)
{
	struct cdp_blocks_out *o;
	struct cdp_err err;

	write_file();
	o = cdp_blocks_create(path, magic, &err);
	cdp_blocks_add(o, "x", 1);
	is_int(blocks_there(), 2, "until it is finished the old file is there");
	cdp_blocks_abandon(o);
	is_int(blocks_there(), 2, "and stays if it is given up");
}

int main(void)
{
	close(mkstemp(path));
	check_reading();
	check_damage();
	check_replacing();
	unlink(path);
	return tap_done();
}
