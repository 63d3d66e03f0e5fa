/* syncs FILE COUNT BYTES: appends so many bytes and brings them to disk, so many times:
 * what a commit costs here at least.  Prints the time of one on standard error. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
	size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	struct timespec a, b;
	char *p = calloc(1, n ? n : 1);
	int fd = argc > 3 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;

	if (fd < 0 || !p)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < count; i++)
		if (write(fd, p, n) != (ssize_t)n || fdatasync(fd) < 0)
			return 1;
	clock_gettime(CLOCK_MONOTONIC, &b);
	fprintf(stderr, "%.3f ms a sync\n",
		((double)(b.tv_sec - a.tv_sec) * 1e3 +
		 (double)(b.tv_nsec - a.tv_nsec) / 1e6) /
			(double)count);
	free(p);
	return 0;
}
