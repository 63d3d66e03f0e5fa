#include "io/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"

static char dir[] = "/tmp/cdp-test-store-XXXXXX";
static char path[64];

static struct cdp_bytes bytes(const char *s)
{
	return (struct cdp_bytes){ s, strlen(s) };
}

static struct cdp_store *open_store(bool writable)
{
	struct cdp_err err = { 0 };
	struct cdp_store *s = cdp_store_open(path, "test 1", 4, writable, &err);

	if (!s)
		printf("# %s\n", err.msg);
	return s;
}

static int put(struct cdp_store *s, const char *table, const char *key, const char *value)
{
	struct cdp_err err;
	struct cdp_txn *t = cdp_txn_begin(s, true, &err);

	if (cdp_txn_put(t, table, bytes(key), bytes(value), &err) < 0) {
		cdp_txn_abort(t);
		return -1;
	}
	return cdp_txn_commit(t, &err);
}

/* "key=value ..." of a table as a transaction sees it. */
static struct cdp_buf seen;
static int see(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
	       struct cdp_err *err)
{
	const char *stop = ctx;

	(void)err;
	cdp_buf_add(&seen, key.p, key.n);
	cdp_buf_addc(&seen, '=');
	cdp_buf_add(&seen, value.p, value.n);
	cdp_buf_addc(&seen, ' ');
	return stop && key.n == strlen(stop) && memcmp(key.p, stop, key.n) == 0;
}

static const char *all(struct cdp_txn *t, const char *table)
{
	struct cdp_err err;

	cdp_buf_reset(&seen);
	if (cdp_txn_each(t, table, NULL, see, NULL, &err) < 0)
		return "an error";
	return cdp_buf_str(&seen);
}

/* What a new process finds under `key`: its length, or -1. */
static int length_of(const char *key)
{
	struct cdp_err err;
	struct cdp_store *s = open_store(false);
	struct cdp_txn *t = cdp_txn_begin(s, false, &err);
	struct cdp_bytes v = { NULL, 0 };
	int found = cdp_txn_get(t, "one", bytes(key), &v, &err);

	cdp_txn_abort(t);
	cdp_store_close(s);
	return found == 1 ? (int)v.n : -1;
}

static void basics(void)
{
	struct cdp_err err = { 0 };
	struct cdp_bytes v, from = { "b", 1 };
	struct cdp_store *s;
	struct cdp_txn *t;
	char key[600];

	ok(!cdp_store_open(path, "test 1", 4, false, &err) && err.kind == CDP_ERR_SYS,
	   "a missing state cannot be read");
	s = open_store(true);
	ok(s, "a writer makes it");
	t = cdp_txn_begin(s, true, &err);
	is_int(cdp_txn_get(t, "one", bytes("a"), &v, &err), 0, "it is empty");
	is_str(all(t, "one"), "", "in every table");
	is_int(cdp_txn_delete(t, "one", bytes("a"), &err), 0, "nothing can be deleted");
	cdp_txn_put(t, "one", bytes("c"), bytes("3"), &err);
	cdp_txn_put(t, "one", bytes("a"), bytes("1"), &err);
	cdp_txn_put(t, "one", (struct cdp_bytes){ "b\0b", 3 }, bytes(""), &err);
	cdp_txn_put(t, "two", bytes("a"), bytes("other"), &err);
	is_int(cdp_txn_get(t, "one", bytes("a"), &v, &err), 1,
	       "a writer sees its writes");
	is_int(cdp_txn_commit(t, &err), 0, "and commits");

	t = cdp_txn_begin(s, false, &err);
	ok(cdp_txn_get(t, "one", bytes("a"), &v, &err) == 1 && v.n == 1 &&
		   memcmp(v.p, "1", 1) == 0,
	   "a reader sees them");
	ok(cdp_txn_get(t, "one", (struct cdp_bytes){ "b\0b", 3 }, &v, &err) == 1 &&
		   v.n == 0,
	   "empty values and NULs are fine");
	is_str(all(t, "two"), "a=other ", "tables are separate");
	cdp_buf_reset(&seen);
	cdp_txn_each(t, "one", &from, see, (void *)(uintptr_t) "b", &err);
	ok(seen.n == 9 && memcmp(seen.p, "b\0b= c=3 ", 9) == 0,
	   "iteration begins at the first key not below the one asked for");
	cdp_buf_reset(&seen);
	cdp_txn_each(t, "one", NULL, see, (void *)(uintptr_t) "a", &err);
	is_str(cdp_buf_str(&seen), "a=1 ", "and stops when told to");
	cdp_txn_abort(t);

	memset(key, 'k', sizeof(key));
	t = cdp_txn_begin(s, true, &err);
	is_int(cdp_txn_put(t, "one", (struct cdp_bytes){ key, 511 }, bytes("x"), &err), 0,
	       "a key may have 511 bytes");
	is_int(cdp_txn_put(t, "one", (struct cdp_bytes){ key, 512 }, bytes("x"), &err),
	       -1, "but not 512");
	ok(strstr(err.msg, "a key of 512 bytes, not 1 to 511"), "which is said");
	is_int(cdp_txn_get(t, "one", bytes(""), &v, &err), -1, "nor none");
	cdp_txn_abort(t);
	t = cdp_txn_begin(s, false, &err);
	is_int(cdp_txn_get(t, "one", (struct cdp_bytes){ key, 511 }, &v, &err), 0,
	       "an aborted write is undone");
	cdp_txn_abort(t);
	cdp_store_close(s);
}

static void formats(void)
{
	struct cdp_err err = { 0 };
	char want[200];

	ok(!cdp_store_open(path, "test 2", 4, true, &err), "another format is refused");
	snprintf(want, sizeof(want), "%s: holds 'test 1' state, not 'test 2'", path);
	is_str(err.msg, want, "naming both");
	ok(!cdp_store_open("/dev/null", "test 1", 4, true, &err), "a device is no state");
	ok(!cdp_store_open("/nonexistent/a/b", "test 1", 4, true, &err) &&
		   strstr(err.msg, "No such file or directory"),
	   "nor is a directory in none");
}

static int drop_even(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		     struct cdp_err *err)
{
	char k[8];
	int n;

	(void)value;
	snprintf(k, sizeof(k), "%.*s", (int)key.n, (const char *)key.p);
	n = atoi(k);
	/* New keys in front and larger values move what is being iterated over. */
	if (n % 2) {
		char front[16], big[300];

		memset(big, 'b', sizeof(big));
		snprintf(front, sizeof(front), "!%d", n);
		return cdp_txn_put(ctx, "many", bytes(front),
				   (struct cdp_bytes){ big, sizeof(big) }, err) < 0 ||
				       cdp_txn_delete(ctx, "many", bytes(front), err) < 0
			       ? -1
			       : 0;
	}
	return cdp_txn_delete(ctx, "many", bytes(k), err) == 1 ? 0 : -1;
}

static void writing_while_iterating(void)
{
	struct cdp_err err;
	struct cdp_store *s = open_store(true);
	struct cdp_txn *t = cdp_txn_begin(s, true, &err);
	struct cdp_buf want;
	char k[16];

	cdp_buf_init(&want, CDP_BUF_NOMAX);
	for (int i = 0; i < 5000; i++) {
		snprintf(k, sizeof(k), "%05d", i);
		cdp_txn_put(t, "many", bytes(k), bytes("v"), &err);
		if (i % 2)
			cdp_buf_addf(&want, "%s=v ", k);
	}
	is_int(cdp_txn_each(t, "many", NULL, drop_even, t, &err), 0,
	       "keys may be put and deleted while iterating");
	is_str(all(t, "many"), cdp_buf_str(&want), "and every key is met once");
	cdp_txn_abort(t);
	cdp_store_close(s);
	cdp_buf_release(&want);
}

static void tables(void)
{
	struct cdp_err err;
	struct cdp_store *s = open_store(true);
	struct cdp_txn *w = cdp_txn_begin(s, true, &err), *r;

	cdp_txn_put(w, "three", bytes("x"), bytes("1"), &err);
	r = cdp_txn_begin(s, false, &err);
	is_str(all(r, "three"), "",
	       "a reader does not see the table an open writer made");
	is_str(all(r, "two"), "a=other ", "but the old ones");
	is_int(cdp_txn_commit(w, &err), 0, "the writer commits");
	is_str(all(r, "three"), "", "the reader still does not");
	cdp_txn_abort(r);
	r = cdp_txn_begin(s, false, &err);
	is_str(all(r, "three"), "x=1 ", "the next one does");
	cdp_txn_abort(r);
	w = cdp_txn_begin(s, true, &err);
	cdp_txn_put(w, "four", bytes("x"), bytes("1"), &err);
	cdp_txn_abort(w);
	w = cdp_txn_begin(s, true, &err);
	is_str(all(w, "four"), "", "a table of an aborted writer is gone");
	is_int(cdp_txn_put(w, "four", bytes("y"), bytes("2"), &err), 0,
	       "and can be made");
	is_str(all(w, "four"), "y=2 ", "anew");
	is_int(cdp_txn_put(w, "five", bytes("y"), bytes("2"), &err), -1,
	       "more tables than agreed are an error");
	cdp_txn_abort(w);
	cdp_store_close(s);
}

/* Another process makes a table and commits while this one has the state open. */
static void other_process(void)
{
	struct cdp_err err;
	struct cdp_store *s;
	struct cdp_txn *t;
	int status, go[2];
	char byte;
	pid_t child;

	if (pipe(go) < 0)
		abort();
	child = fork();
	if (child == 0) {
		int rc = read(go[0], &byte, 1) == 1 ? 0 : 1;

		s = open_store(true);
		_exit(rc || put(s, "four", "k", "v") < 0);
	}
	s = open_store(false);
	t = cdp_txn_begin(s, false, &err);
	is_str(all(t, "four"), "", "a table is not there");
	cdp_txn_abort(t);
	is_int(write(go[1], "x", 1), 1, "another process makes it");
	waitpid(child, &status, 0);
	is_int(status, 0, "which succeeds");
	t = cdp_txn_begin(s, false, &err);
	is_str(all(t, "four"), "k=v ", "the next transaction sees it");
	cdp_txn_abort(t);
	cdp_store_close(s);
}

static void killed(void)
{
	struct cdp_err err;
	struct cdp_store *s;
	struct cdp_txn *t;
	int status;
	pid_t child = fork();

	if (child == 0) {
		s = open_store(true);
		if (!s || put(s, "one", "kept", "1") < 0)
			_exit(1);
		t = cdp_txn_begin(s, true, &err);
		for (int i = 0; i < 10000; i++) {
			char k[16];

			snprintf(k, sizeof(k), "lost%d", i);
			cdp_txn_put(t, "one", bytes(k), bytes("2"), &err);
		}
		raise(SIGKILL);
	}
	waitpid(child, &status, 0);
	ok(WIFSIGNALED(status), "a writer is killed in the middle");
	is_int(length_of("kept"), 1, "what it committed is there");
	is_int(length_of("lost5"), -1, "and nothing else");
	s = open_store(true);
	is_int(put(s, "one", "kept", "22"), 0, "the next writer is not held up");
	cdp_store_close(s);
}

/* In a limited address space the map can neither be large nor grow. */
static void full(void)
{
	struct cdp_err err = { 0 };
	struct cdp_store *s;
	int status, n = 0;
	pid_t child = fork();

	if (child == 0) {
		static char big[1 << 20];
		struct rlimit limit;
		unsigned long pages = 0;
		FILE *f = fopen("/proc/self/statm", "r");
		int rc = !f || fscanf(f, "%lu", &pages) != 1 ? -1 : 0;

		limit.rlim_cur = limit.rlim_max = pages * 4096 + (60 << 20);
		setrlimit(RLIMIT_AS, &limit);
		s = open_store(true);
		for (; s && rc == 0 && n < 100; n++) {
			struct cdp_txn *t = cdp_txn_begin(s, true, &err);
			char k[16];

			snprintf(k, sizeof(k), "big%d", n);
			rc = cdp_txn_put(t, "one", bytes(k),
					 (struct cdp_bytes){ big, sizeof(big) }, &err);
			if (rc < 0)
				cdp_txn_abort(t);
			else
				rc = cdp_txn_commit(t, &err);
		}
		if (!strstr(err.msg, "ulimit -v"))
			_exit(0);
		_exit(n);
	}
	waitpid(child, &status, 0);
	n = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	ok(n > 5, "a full map is an error that tells the way out");
	for (int i = 0; i < n; i++) {
		char k[16];

		snprintf(k, sizeof(k), "big%d", i);
		if (length_of(k) != (i + 1 < n ? 1 << 20 : -1))
			n = 0;
	}
	ok(n > 0, "what was committed before is there, the rest is not");
}

/* The disk fills at commit (a file size limit stands in for it). */
static void disk_full(void)
{
	struct cdp_err err = { 0 };
	struct cdp_store *s;
	struct cdp_txn *t;
	int status;
	pid_t child = fork();

	if (child == 0) {
		static char big[1 << 20];
		struct rlimit limit = { 40 << 20, 40 << 20 };
		int rc = 0;

		signal(SIGXFSZ, SIG_IGN);
		s = open_store(true);
		setrlimit(RLIMIT_FSIZE, &limit);
		t = cdp_txn_begin(s, true, &err);
		for (int i = 0; i < 60 && rc == 0; i++) {
			char k[16];

			snprintf(k, sizeof(k), "new%d", i);
			rc = cdp_txn_put(t, "one", bytes(k),
					 (struct cdp_bytes){ big, sizeof(big) }, &err);
		}
		rc = cdp_txn_commit(t, &err);
		_exit(rc < 0 && err.kind == CDP_ERR_SYS &&
				      strstr(err.msg, "cannot commit")
			      ? 0
			      : 1);
	}
	waitpid(child, &status, 0);
	is_int(status, 0, "a full disk fails the commit");
	is_int(length_of("kept"), 2, "what was there before is there");
	is_int(length_of("new0"), -1, "and nothing of the failed transaction");
}

int main(void)
{
	char file[80];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/state", dir);
	cdp_buf_init(&seen, CDP_BUF_NOMAX);
	basics();
	formats();
	writing_while_iterating();
	tables();
	other_process();
	killed();
#ifndef __SANITIZE_ADDRESS__
	full(); /* the sanitizer's shadow memory needs the address space */
#else
	(void)full;
#endif
	disk_full();
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	unlink(file);
	snprintf(file, sizeof(file), "%s/lock.mdb", path);
	unlink(file);
	rmdir(path);
	is_int(rmdir(dir), 0, "nothing else is left");
	cdp_buf_release(&seen);
	return tap_done();
}
