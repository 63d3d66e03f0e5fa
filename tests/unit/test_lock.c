#include "io/lock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

int main(void)
{
	char dir[] = "/tmp/cdp-test-lock-XXXXXX", path[64], want[128], none[64];
	struct cdp_err err = { 0 };
	int fd, again, ready[2];
	char byte;
	pid_t child;

	if (!mkdtemp(dir) || pipe(ready) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/lock", dir);
	snprintf(none, sizeof(none), "%s/no/lock", dir);

	fd = cdp_lock_take(path, &err);
	ok(fd >= 0, "a free lock is taken");
	again = cdp_lock_take(path, &err);
	is_int(again, -1, "it cannot be taken twice, not even by one process");
	snprintf(want, sizeof(want), "'%s' is locked by process %ld", path,
		 (long)getpid());
	is_str(err.msg, want, "the message names the holder");
	is_int(err.kind, CDP_ERR_SYS, "it is a system error");
	cdp_lock_release(fd);

	child = fork();
	if (child == 0) {
		if (cdp_lock_take(path, &err) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	is_int(read(ready[0], &byte, 1), 1, "another process takes it");
	is_int(cdp_lock_take(path, &err), -1, "then it is held");
	snprintf(want, sizeof(want), "'%s' is locked by process %ld", path, (long)child);
	is_str(err.msg, want, "by that process");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	fd = cdp_lock_take(path, &err);
	ok(fd >= 0, "the death of the holder frees it");
	cdp_lock_release(fd);

	is_int(cdp_lock_take(none, &err), -1, "a missing directory is an error");
	ok(strstr(err.msg, "No such file or directory"), "that says so");
	unlink(path);
	rmdir(dir);
	return tap_done();
}
