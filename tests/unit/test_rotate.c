#include "base/mem.h"
#include "io/out.h"
#include "io/rotate.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* 2024-04-25T06:59:46.123Z */
static const int64_t at = 1714028386123;
static struct cdp_err err;
static char dir[] = "/tmp/cdp-rotate.XXXXXX";

/* "NAME=CONTENT " of all files, by name. */
static const char *listing(void)
{
	static char all[4096];
	struct dirent **v;
	int n = scandir(dir, &v, NULL, alphasort);

	all[0] = '\0';
	for (int i = 0; i < n; i++) {
		char *path = cdp_asprintf("%s/%s", dir, v[i]->d_name), *text;
		size_t len;

		if (v[i]->d_name[1] && v[i]->d_name[1] != '.') {
			text = cdp_file_read(path, 1 << 20, &len, &err);
			for (char *p = text; *p; p++)
				if (*p == '\n')
					*p = '/';
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s=%s ",
				 v[i]->d_name, text);
			free(text);
		}
		free(path);
		free(v[i]);
	}
	free(v);
	return all;
}

static void clear(void)
{
	char *command = cdp_asprintf("rm -f %s/* %s/.2*", dir, dir);

	(void)!system(command);
	free(command);
}

static void leave(const char *name, const char *text)
{
	char *path = cdp_asprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	(void)!write(fd, text, strlen(text));
	close(fd);
	free(path);
}

static void files_come_whole(void)
{
	struct cdp_rotate *r = cdp_rotate_new(dir, ".ndjson", false);
	struct cdp_rotate_file *first, *second;

	ok(!cdp_rotate_current(r) && !cdp_rotate_cut(r) && cdp_rotate_size(r) == 0,
	   "there is no file at first");
	cdp_rotate_add(r, "a\n", 2, at, &err);
	cdp_rotate_add(r, "b\n", 2, at + 7, &err);
	is_int(cdp_rotate_sync(cdp_rotate_current(r), &err), 0, "lines go to disk");
	is_int((int64_t)cdp_rotate_size(r), 4, "the size is that of its lines");
	is_int(cdp_rotate_begun(r), at, "it began with its first line");
	is_str(listing(), ".20240425T065946.123Z.ndjson.part=a/b/ ",
	       "a file that is being written is hidden");
	first = cdp_rotate_cut(r);
	cdp_rotate_add(r, "c\n", 2, at, &err);
	second = cdp_rotate_cut(r);
	is_int(cdp_rotate_finish(first, &err), 0, "it is finished");
	is_str(listing(),
	       ".20240425T065946.123Z-1.ndjson.part=c/ 20240425T065946.123Z.ndjson=a/b/ ",
	       "under its own name; one of the same time has another");
	cdp_rotate_finish(second, &err);
	is_str(listing(),
	       "20240425T065946.123Z-1.ndjson=c/ 20240425T065946.123Z.ndjson=a/b/ ",
	       "nothing hidden is left");
	cdp_rotate_free(r);
	clear();
}

static void full_disk(void)
{
	struct cdp_rotate *r = cdp_rotate_new(dir, ".ndjson", false);
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	cdp_rotate_add(r, "abc\n", 4, at, &err);
	l.rlim_cur = 6;
	setrlimit(RLIMIT_FSIZE, &l);
	is_int(cdp_rotate_add(r, "def\n", 4, at, &err), -1, "a full disk is a failure");
	l.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &l);
	is_int(cdp_rotate_add(r, "ghi\n", 4, at, &err), 0, "that passes");
	cdp_rotate_finish(cdp_rotate_cut(r), &err);
	is_str(listing(), "20240425T065946.123Z.ndjson=abc/ghi/ ",
	       "and nothing of what failed is in the file");
	cdp_rotate_free(r);
	clear();
}

static void left_behind(void)
{
	char *big = cdp_alloc(200001);
	size_t files;
	uint64_t lost;

	leave(".20240425T065946.123Z.ndjson.part", "one\ntwo\nthr");
	leave(".20240425T065946.124Z.rejects.part", "one\n");
	leave(".20240425T065946.125Z.ndjson.part", "no line end");
	leave(".20240425T065946.126Z.ndjson.part", "");
	leave(".other", "x");
	leave("20240425T065946.127Z.ndjson", "whole\n");
	is_int(cdp_rotate_recover(dir, &files, &lost, &err), 0, "files are recovered");
	is_str(listing(),
	       ".other=x 20240425T065946.123Z.ndjson=one/two/ "
	       "20240425T065946.124Z.rejects=one/ 20240425T065946.127Z.ndjson=whole/ ",
	       "with their whole lines; those without one are gone, others left alone");
	is_int((int64_t)files, 2, "two files");
	is_int((int64_t)lost, 14, "and 14 bytes of half lines");
	clear();
	memset(big, 'x', 200000);
	big[200000] = '\0';
	big[3] = '\n';
	leave(".20240425T065946.123Z.ndjson.part", big);
	cdp_rotate_recover(dir, &files, &lost, &err);
	is_int((int64_t)lost, 200000 - 4, "a half line may be long");
	clear();
	free(big);
	is_int(cdp_rotate_recover("/no/such/dir", &files, &lost, &err), -1,
	       "a directory that is missing is a failure");
}

static int64_t size_of(const char *name)
{
	char *path = cdp_asprintf("%s/%s", dir, name);
	struct stat st;
	int rc = stat(path, &st);

	free(path);
	return rc < 0 ? -1 : (int64_t)st.st_size;
}

static void put_many(struct cdp_rotate *r, size_t lines)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t i = 0; i < lines; i++)
		cdp_rotate_add(r, line, sizeof(line), at, &err);
}

/* Zeros that are written ahead are nobody's business. */
static void zeros_ahead(void)
{
	struct cdp_rotate *r = cdp_rotate_new(dir, ".ndjson", true);
	size_t files;
	uint64_t lost;

	put_many(r, 10);
	is_int(size_of(".20240425T065946.123Z.ndjson.part"), 10000,
	       "a small file is as large as its lines");
	put_many(r, 290);
	is_int(cdp_rotate_sync(cdp_rotate_current(r), &err), 0, "a larger one is synced");
	ok(size_of(".20240425T065946.123Z.ndjson.part") > 310000 &&
		   cdp_rotate_size(r) == 300000,
	   "and has zeros at its end that do not count");
	cdp_rotate_finish(cdp_rotate_cut(r), &err);
	is_int(size_of("20240425T065946.123Z.ndjson"), 300000,
	       "they are gone when it is finished");
	clear();
	put_many(r, 300);
	cdp_rotate_free(r);
	cdp_rotate_recover(dir, &files, &lost, &err);
	is_int(size_of("20240425T065946.123Z.ndjson"), 300000,
	       "and when it is finished by the next process");
	is_int((int64_t)lost, 0, "which does not miss them");
	clear();
}

static void torn_by_power(void)
{
	static const char text[] = "one\ntwo\nthr\0\0\0e\nfour\n\0\0\0\0";
	char *path = cdp_asprintf("%s/.20240425T065946.123Z.ndjson.part", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0666);
	size_t files;
	uint64_t lost;

	(void)!write(fd, text, sizeof(text));
	close(fd);
	cdp_rotate_recover(dir, &files, &lost, &err);
	is_str(listing(), "20240425T065946.123Z.ndjson=one/two/ ",
	       "lines after a hole are not taken for whole");
	is_int((int64_t)lost, 3, "the half line before it is lost");
	clear();
	free(path);
}

static void full_disk_ahead(void)
{
	struct cdp_rotate *r = cdp_rotate_new(dir, ".ndjson", true);
	struct rlimit l;
	char line[1000];
	size_t fitted = 100;

	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	getrlimit(RLIMIT_FSIZE, &l);
	put_many(r, 100);
	l.rlim_cur = 250500;
	setrlimit(RLIMIT_FSIZE, &l);
	while (cdp_rotate_add(r, line, sizeof(line), at, &err) == 0)
		fitted++;
	is_int((int64_t)fitted, 250, "a full disk takes lines as long as there is room");
	is_int(size_of(".20240425T065946.123Z.ndjson.part"), 250000,
	       "and keeps nothing of the one that did not fit");
	l.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &l);
	put_many(r, 50);
	cdp_rotate_finish(cdp_rotate_cut(r), &err);
	is_int(size_of("20240425T065946.123Z.ndjson"), 300000, "then it goes on");
	cdp_rotate_free(r);
	clear();
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	files_come_whole();
	full_disk();
	zeros_ahead();
	torn_by_power();
	full_disk_ahead();
	left_behind();
	rmdir(dir);
	return tap_done();
}
