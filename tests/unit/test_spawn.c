#include "io/spawn.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static struct cdp_buf out;
static struct cdp_err err;

static struct cdp_spawn *sh(const char *script, int idle_ms)
{
	char name[] = "sh", option[] = "-c";
	char *argv[] = { name, option, (char *)(uintptr_t)script, NULL };

	cdp_buf_reset(&out);
	return cdp_spawn_start(argv, idle_ms, &err);
}

/* Feed `text`, finish; the exit status, or -1. */
static int run(const char *script, const char *text)
{
	struct cdp_spawn *s = sh(script, -1);
	int status = -1;

	if (!s || cdp_spawn_talk(s, text, strlen(text), &out, &err) < 0)
		return -1;
	return cdp_spawn_finish(s, &out, &status, &err) < 0 ? -1 : status;
}

int main(void)
{
	size_t n = 4 * 1000 * 1000;
	char missing[] = "/nonexistent/program", *none[] = { missing, NULL };
	char *big = cdp_alloc(n);
	struct cdp_spawn *s, *other;
	int status = -1;

	cdp_buf_init(&out, 64 << 20);
	is_int(run("tr a-z A-Z", "hello\n"), 0, "a program is run");
	is_str(cdp_buf_str(&out), "HELLO\n", "fed and read");
	is_int(run("exit 3", ""), 3, "its exit status is told");
	is_int(run("kill -TERM $$", ""), 128 + SIGTERM, "or the signal that ended it");
	ok(!cdp_spawn_start(none, -1, &err), "a program that is not there");
	is_str(err.msg, "cannot run '/nonexistent/program': No such file or directory",
	       "is an error that says so");

	/* More than both pipes hold, answered twice: a naive caller would deadlock. */
	memset(big, 'x', n);
	s = sh("tee /dev/stderr 2>&1", 10000);
	ok(s && cdp_spawn_talk(s, big, n / 2, &out, &err) == 0 &&
		   cdp_spawn_talk(s, big, n / 2, &out, &err) == 0 &&
		   cdp_spawn_finish(s, &out, &status, &err) == 0,
	   "large input with larger output does not deadlock");
	is_int((int64_t)out.n, (int64_t)(2 * n), "and nothing is lost");

	s = sh("exit 7", 10000);
	ok(s && cdp_spawn_talk(s, big, n, &out, &err) == 0 &&
		   cdp_spawn_finish(s, &out, &status, &err) == 0,
	   "a program that reads nothing does not kill us");
	is_int(status, 7, "its exit status says why");
	s = sh("head -c 1", 10000);
	ok(s && cdp_spawn_talk(s, big, n, &out, &err) == 0 &&
		   cdp_spawn_finish(s, &out, &status, &err) < 0,
	   "success without reading everything is an error");
	is_str(err.msg, "'sh' ended without reading all of its input", "that says so");

	s = sh("sleep 60", 50);
	ok(s && cdp_spawn_finish(s, &out, &status, &err) < 0,
	   "a silent program is killed");
	is_str(err.msg, "'sh' did nothing for 50 ms", "after the time given");
	s = sh("exec >&-; exec sleep 60", 50);
	ok(s && cdp_spawn_finish(s, &out, &status, &err) < 0,
	   "also when it has closed its output");
	s = sh("cat /dev/zero", 10000);
	out.max = 1 << 20;
	ok(s && cdp_spawn_finish(s, &out, &status, &err) < 0 &&
		   strstr(err.msg, "wrote more than 1048576 bytes"),
	   "one that never stops writing is ended");

	/* If the second had the first one's input open, that would never end. */
	s = sh("cat", 10000);
	other = sh("cat", 10000);
	ok(s && cdp_spawn_finish(s, &out, &status, &err) == 0 && status == 0,
	   "programs do not hold each other's pipes");
	cdp_spawn_kill(other);
	cdp_buf_release(&out);
	free(big);
	return tap_done();
}
