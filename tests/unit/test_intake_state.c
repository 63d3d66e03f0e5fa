/* The state of intake: one directory, one run, tables side by side. */
#include "model/intake_state.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

static struct cdp_bytes bytes(const char *s)
{
	return (struct cdp_bytes){ s, strlen(s) };
}

static int put(struct cdp_intake_state *s, const char *table, const char *key,
	       const char *value)
{
	struct cdp_err err;
	struct cdp_txn *t = cdp_txn_begin(cdp_intake_store(s), true, &err);

	if (!t || cdp_txn_put(t, table, bytes(key), bytes(value), &err) < 0)
		return -1;
	return cdp_txn_commit(t, &err);
}

static int has(struct cdp_intake_state *s, const char *table, const char *key,
	       const char *value)
{
	struct cdp_err err;
	struct cdp_bytes v;
	struct cdp_txn *t = cdp_txn_begin(cdp_intake_store(s), false, &err);
	int rc = t ? cdp_txn_get(t, table, bytes(key), &v, &err) : -1;

	if (rc == 1)
		rc = v.n == strlen(value) && memcmp(v.p, value, v.n) == 0;
	cdp_txn_abort(t);
	return rc;
}

/* A process that dies while it has the directory. */
static void die_with_it(const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct cdp_err err;

		if (!cdp_intake_open(dir, &err))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status), "a process was killed while it had the directory");
}

int main(void)
{
	char base[] = "/tmp/cdp-test-intake-XXXXXX";
	struct cdp_intake_state *s, *other;
	struct cdp_err err;
	char *dir, *deep, *command;

	if (!mkdtemp(base))
		return 1;
	dir = cdp_asprintf("%s/state", base);
	deep = cdp_asprintf("%s/no/state", base);
	s = cdp_intake_open(dir, &err);
	ok(s, "a missing directory is made");
	is_int(put(s, "files", "k", "1"), 0, "a table is written");
	is_int(put(s, "seen", "k", "2"), 0, "and another with the same key");
	other = cdp_intake_open(dir, &err);
	ok(!other && err.kind == CDP_ERR_SYS && strstr(err.msg, "is locked by process"),
	   "a second run is told who has the directory");
	cdp_intake_close(s);
	die_with_it(dir);
	s = cdp_intake_open(dir, &err);
	ok(s, "a run that was killed has it no more");
	is_int(has(s, "files", "k", "1"), 1, "what was committed is there");
	is_int(has(s, "seen", "k", "2"), 1, "in the table it was put into");
	cdp_intake_close(s);
	ok(!cdp_intake_open(deep, &err) && err.kind == CDP_ERR_SYS,
	   "the parent of the directory must exist");
	command = cdp_asprintf("rm -rf %s", base);
	if (system(command) != 0)
		printf("# %s stays\n", base);
	free(command);
	free(dir);
	free(deep);
	return tap_done();
}
