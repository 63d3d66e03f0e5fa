/* rawcopy < IN > OUT: what a stage of a chain costs that does not look at the bytes:
 * read(2) and write(2) of 256 KiB, pipes widened to 1 MiB, as our tools do it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, PIPE_SIZE = 1024 * 1024 };

static char block[BLOCK];

int main(void)
{
	ssize_t n;

	fcntl(0, F_SETPIPE_SZ, PIPE_SIZE);
	fcntl(1, F_SETPIPE_SZ, PIPE_SIZE);
	while ((n = read(0, block, sizeof(block))) > 0)
		for (ssize_t at = 0, did; at < n; at += did) {
			did = write(1, block + at, (size_t)(n - at));
			if (did < 0) {
				perror("rawcopy: write");
				return 1;
			}
		}
	if (n < 0)
		perror("rawcopy: read");
	return n < 0;
}
