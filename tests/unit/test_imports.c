/* What was imported: files by content, positions by name. */
#include "model/imports.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/intake_state.h"
#include "tap.h"

static char base[] = "/tmp/cdp-test-imports-XXXXXX";
static struct cdp_intake_state *state;

static char *store(const char *name, const char *text)
{
	char *path = cdp_asprintf("%s/%s", base, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		abort();
	return path;
}

static struct cdp_imports *start(const char *how)
{
	return cdp_imports_new(cdp_intake_store(state), how, strlen(how));
}

/* "new", or the name it had. */
static const char *look(struct cdp_imports *im, const char *path)
{
	static struct cdp_err err;
	const char *before = "?";
	int rc = cdp_imports_look(im, path, &before, &err);

	return rc < 0 ? err.msg : rc == 0 ? "new" : strrchr(before, '/') + 1;
}

static void end(struct cdp_imports *im, bool commit)
{
	const char *changed;
	struct cdp_err err;

	if (commit)
		ok(cdp_imports_commit(im, &changed, &err) == 0 && !changed,
		   "what was read is remembered");
	cdp_imports_free(im);
}

static void files(void)
{
	char *a = store("a", "same\n"), *b = store("b", "same\n"), *c = store("c", "");
	struct cdp_imports *im = start("csv");
	const char *changed = NULL;
	struct cdp_err err;

	is_str(look(im, a), "new", "a file that never came is new");
	is_str(look(im, b), "a", "the same content under another name is known");
	is_str(look(im, c), "new", "an empty file is another");
	end(im, false);
	im = start("csv");
	is_str(look(im, b), "new", "what was not committed is forgotten");
	end(im, true);
	im = start("csv");
	is_str(look(im, a), "b", "the next run knows it by the name it had");
	is_str(look(im, "/nonexistent"), "/nonexistent: No such file or directory",
	       "a file that cannot be read is an error");
	end(im, false);
	im = start("csv 2");
	is_str(look(im, a), "new", "read another way it is new");
	free(store("a", "more\n"));
	ok(cdp_imports_commit(im, &changed, &err) == 0 && changed &&
		   strcmp(changed, a) == 0,
	   "a file that was written to meanwhile is named");
	end(im, false);
	im = start("csv 2");
	is_str(look(im, b), "new", "and not remembered");
	end(im, false);
	free(a);
	free(b);
	free(c);
}

static void positions(void)
{
	struct cdp_imports *im = start("");
	struct cdp_bytes v;
	struct cdp_err err;

	is_int(cdp_imports_position(im, "t", 1, &v, &err), 0,
	       "there is no position at first");
	cdp_imports_set_position(im, "t", 1, "17", 2);
	is_int(cdp_imports_position(im, "t", 1, &v, &err), 0, "nor before the commit");
	end(im, true);
	im = start("");
	ok(cdp_imports_position(im, "t", 1, &v, &err) == 1 && v.n == 2 &&
		   memcmp(v.p, "17", 2) == 0,
	   "it is there for the next run");
	is_int(cdp_imports_position(im, "u", 1, &v, &err), 0, "under its name");
	end(im, true);
}

int main(void)
{
	struct cdp_err err;
	char *dir, *command;

	if (!mkdtemp(base))
		return 1;
	dir = cdp_asprintf("%s/state", base);
	state = cdp_intake_open(dir, &err);
	ok(state, "there is a state");
	files();
	positions();
	cdp_intake_close(state);
	command = cdp_asprintf("rm -rf %s", base);
	if (system(command) != 0)
		printf("# %s stays\n", base);
	free(command);
	free(dir);
	return tap_done();
}
