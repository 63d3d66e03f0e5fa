#include "model/keydict.h"

#include "base/mem.h"
#include "io/out.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_keydict.XXXXXX";
static char *path;

static const char *word_at(void *ctx, uint32_t i, size_t *n)
{
	const char *const *words = ctx;

	*n = 1;
	return words[i];
}

static int by_byte(const void *a, const void *b)
{
	return **(const char *const *)a - **(const char *const *)b;
}

/* Adds keys (letters) and gives their ordinals as text. */
static const char *put(const char *letters)
{
	static char text[200];
	struct cdp_err err = { 0 };
	struct cdp_keydict *d = cdp_keydict_open_writer(path, &err);
	const char *words[10];
	struct cdp_keylist list = { 0, word_at, words };
	uint32_t *ids = NULL;
	size_t at = 0;

	for (const char *w = letters; *w; w++)
		if (*w != ' ')
			words[list.count++] = w;
	qsort(words, list.count, sizeof(*words), by_byte);
	if (d)
		ids = cdp_keydict_put_all(d, &list, &err);
	text[0] = '\0';
	for (uint32_t i = 0; ids && i < list.count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c%u",
				       i ? " " : "", *words[i], ids[i]);
	if (!ids)
		snprintf(text, sizeof(text), "%.190s", err.msg);
	free(ids);
	cdp_keydict_close(d);
	return text;
}

/* The keys in the order of their ordinals. */
static const char *get(void)
{
	static char text[200];
	struct cdp_err err = { 0 };
	struct cdp_keydict *d = cdp_keydict_open(path, &err);
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; d && i < cdp_keydict_count(d); i++) {
		const char *p;
		size_t n;

		if (cdp_keydict_key(d, i, &p, &n, &err) < 0)
			break;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s",
				       i ? " " : "", (int)n, p);
	}
	if (!d)
		snprintf(text, sizeof(text), "%.190s", err.msg);
	cdp_keydict_close(d);
	return text;
}

static uint64_t print_at(uint32_t count)
{
	struct cdp_err err;
	struct cdp_keydict *d = cdp_keydict_open(path, &err);
	uint64_t print = 0;

	if (d && cdp_keydict_fingerprint(d, count, &print) < 0)
		print = UINT64_MAX;
	cdp_keydict_close(d);
	return print;
}

static void growing(void)
{
	struct cdp_err err = { 0 };
	uint64_t print;
	struct cdp_keydict *d;
	uint32_t ordinal;

	ok(strstr(get(), "there is no such file") != NULL, "a reader makes none");
	is_str(put("m c x"), "c0 m1 x2", "new keys get their ordinals by their bytes");
	is_str(put("x b c"), "b3 c0 x2", "known ones keep theirs, others follow");
	is_str(get(), "c m x b", "the keys are found by their ordinals");
	print = print_at(4);
	is_str(put("b m"), "b3 m1", "nothing is added when all are known");
	ok(print_at(4) == print, "and nothing is changed");
	is_str(put("q"), "q4", "one more follows");
	ok(print_at(4) == print && print_at(3) != print && print_at(5) != print,
	   "a fingerprint stays as keys are added, and tells their blocks apart");
	ok(print_at(6) == UINT64_MAX, "there is none of more keys than there are");
	d = cdp_keydict_open(path, &err);
	ok(d && cdp_keydict_find(d, "b", 1, &ordinal, &err) == 0 && ordinal == 3,
	   "an ordinal is found by its key");
	ok(d && cdp_keydict_find(d, "B", 1, &ordinal, &err) == 0 &&
		   ordinal == CDP_INTERN_NONE,
	   "an unknown key has none");
	cdp_keydict_close(d);
}

/* Cut anywhere, it holds what was whole, and the next writer goes on from there. */
static void cutting(void)
{
	struct cdp_err err = { 0 };
	size_t n, good = 0, again = 0;
	char *whole = cdp_file_read(path, 1 << 20, &n, &err);

	for (size_t i = 32; i < n; i++) {
		const char *got;

		cdp_file_replace(path, whole, i, &err);
		got = get();
		good += strncmp("c m x b q", got, strlen(got)) == 0;
		put("c m x");
		put("b");
		put("q");
		again += strcmp(get(), "c m x b q") == 0;
	}
	is_int((int64_t)good, (int64_t)n - 32, "what is whole can be read");
	is_int((int64_t)again, (int64_t)n - 32, "what was cut off can be added again");
	cdp_file_replace(path, whole, 31, &err);
	ok(strstr(get(), "no dictionary") != NULL, "less than a head is none");
	cdp_file_replace(path, whole, n, &err);
	free(whole);
}

static void damage(void)
{
	struct cdp_err err = { 0 };
	size_t n;
	char *whole = cdp_file_read(path, 1 << 20, &n, &err), *last;

	whole[32 + 48] ^= 1; /* where the first key ends */
	cdp_file_replace(path, whole, n, &err);
	is_str(get(), "", "keys of a damaged block are not told");
	ok(strstr(put("z"), "damaged: customers from 0 on") != NULL,
	   "and nothing is added to it");
	whole[32 + 48] ^= 1;
	last = whole + n - 8;
	*last ^= 1; /* the last key */
	cdp_file_replace(path, whole, n, &err);
	is_str(put("z"), "z4", "a last block without its keys is overwritten");
	is_str(get(), "c m x b z", "the others stay");
	free(whole);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	path = cdp_asprintf("%s/customers", dir);
	growing();
	cutting();
	damage();
	unlink(path);
	rmdir(dir);
	free(path);
	return tap_done();
}
