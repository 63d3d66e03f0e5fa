/* State is mapped into memory.  Where a mapped file was cut short, or the disk under it
 * fails, reading it is a SIGBUS and not an error that a call returns: it is told here as
 * other errors are, by what a signal handler may do. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/priv.h"
#include "io/tempfile.h"

static const char *tool; /* set once, before anything is mapped */

struct maps {
	int fd;
	char buf[4096];
	size_t at, n;
};

static int next_char(struct maps *m)
{
	if (m->at == m->n) {
		ssize_t n = read(m->fd, m->buf, sizeof(m->buf));

		if (n <= 0)
			return -1;
		m->at = 0;
		m->n = (size_t)n;
	}
	return (unsigned char)m->buf[m->at++];
}

/* A hexadecimal number; *end is what follows it. */
static uintptr_t read_address(struct maps *m, int *end)
{
	uintptr_t v = 0;
	int c;

	while ((c = next_char(m)) >= 0) {
		if (c >= '0' && c <= '9')
			v = v * 16 + (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (uintptr_t)(c - 'a' + 10);
		else
			break;
	}
	*end = c;
	return v;
}

/* The rest of the line from the first '/', which begins the path of a file. */
static size_t read_path(struct maps *m, char *path, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = next_char(m)) >= 0 && c != '\n')
		if ((n || c == '/') && n < size)
			path[n++] = (char)c;
	return n;
}

/* The file that is mapped at an address, by /proc/self/maps; its length, 0: unknown. */
static size_t mapped_file(uintptr_t address, char *path, size_t size)
{
	struct maps m = { .fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
	int end = 0;

	while (m.fd >= 0) {
		uintptr_t first = read_address(&m, &end);
		uintptr_t last = end == '-' ? read_address(&m, &end) : 0;
		size_t n = end < 0 ? 0 : read_path(&m, path, size);

		if (end < 0 || (address >= first && address < last))
			return n;
	}
	return 0;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	static const char told[] = ": it was cut short, or the disk cannot read it\n";
	char line[4096 + 256];
	size_t n = strnlen(tool, 64), path;

	(void)sig;
	(void)context;
	memcpy(line, tool, n);
	memcpy(line + n, ": ", 2);
	n += 2;
	path = mapped_file((uintptr_t)info->si_addr, line + n, 4096);
	if (!path) {
		path = strlen("the state");
		memcpy(line + n, "the state", path);
	}
	memcpy(line + n + path, told, sizeof(told) - 1);
	(void)cli_write_all(STDERR_FILENO, line, n + path + sizeof(told) - 1);
	cdp_tempfile_remove_all();
	_exit(4);
}

void cli_tell_sigbus(const char *name)
{
	struct sigaction act = { .sa_sigaction = on_sigbus,
				 .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	tool = name;
	sigfillset(&act.sa_mask);
	sigaction(SIGBUS, &act, NULL);
}
