/* Replays a corpus through a fuzz target without a fuzzing engine: every file of the
 * directories (or files) named.  The sanitizers are the judges.  TAP. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	/* Exactly as many bytes as there are, so that a read past them is found. */
	data = malloc((size_t)st.st_size + !st.st_size);
	n = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	replayed++;
}

static void replay(const char *path)
{
	DIR *dir = opendir(path);
	char name[4096];

	if (!dir) {
		replay_file(path);
		return;
	}
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		replay_file(name);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%s 1 - the corpus was replayed: %lu inputs\n1..1\n",
	       replayed ? "ok" : "not ok", replayed);
	return replayed ? 0 : 1;
}
