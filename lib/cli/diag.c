/* Messages: one write(2) each, so that those of a pipeline's tools do not interleave. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/priv.h"

int cli_write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

void cli_message(const struct cdp_cli *cli, const char *prefix, const char *fmt,
		 va_list ap)
{
	struct cdp_buf line;
	char text[4096];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	cdp_buf_adds(&line, prefix);
	cdp_buf_adds(&line, cli->tool->name);
	cdp_buf_adds(&line, ": ");
	cdp_text_escape(&line, text, (size_t)n);
	cdp_buf_addc(&line, '\n');
	/* Nobody is left to tell if stderr itself fails. */
	(void)cli_write_all(STDERR_FILENO, line.p, line.n);
	cdp_buf_release(&line);
}

void cli_say(const struct cdp_cli *cli, const char *fmt, ...)
{
	struct progress *bar = &cli->priv->progress;
	va_list ap;

	va_start(ap, fmt);
	cli_message(cli, bar->drawn ? "\r\033[K" : "", fmt, ap);
	va_end(ap);
	bar->drawn = false;
}

#define SAY(cli, fmt)                                                                    \
	do {                                                                             \
		va_list ap;                                                              \
		va_start(ap, fmt);                                                       \
		cli_message(cli, (cli)->priv->progress.drawn ? "\r\033[K" : "", fmt,     \
			    ap);                                                         \
		va_end(ap);                                                              \
		(cli)->priv->progress.drawn = false;                                     \
	} while (0)

void cdp_cli_warn(struct cdp_cli *cli, const char *fmt, ...)
{
	SAY(cli, fmt);
}

void cdp_cli_note(struct cdp_cli *cli, const char *fmt, ...)
{
	if (!cli->opt.quiet)
		SAY(cli, fmt);
}

void cdp_cli_verbose(struct cdp_cli *cli, const char *fmt, ...)
{
	if (cli->opt.verbose)
		SAY(cli, fmt);
}

void cli_data_message(struct cdp_cli *cli, const char *name, uint64_t line,
		      const char *path, const char *reason)
{
	if (cli->opt.quiet || cli->priv->messages++ >= DATA_MESSAGES)
		return;
	if (path[0])
		cli_say(cli, "%s:%" PRIu64 ": %s: %s", name, line, path, reason);
	else
		cli_say(cli, "%s:%" PRIu64 ": %s", name, line, reason);
}

/* 4, 5, 2, 3, 1, 0: the more severe the higher. */
static int severity(int status)
{
	static const int rank[] = {
		[0] = 0, [1] = 1, [3] = 2, [2] = 3, [5] = 4, [4] = 5
	};

	return status >= 0 && status <= 5 ? rank[status] : 6;
}

void cdp_cli_set_status(struct cdp_cli *cli, int status)
{
	if (severity(status) > severity(cli->priv->status))
		cli->priv->status = status;
}

static int status_of(enum cdp_err_kind kind)
{
	switch (kind) {
	case CDP_ERR_USAGE:
		return 2;
	case CDP_ERR_DATA:
		return 3;
	case CDP_ERR_EVAL:
		return 1;
	default:
		return 4;
	}
}

void cdp_cli_report(struct cdp_cli *cli, const struct cdp_err *err)
{
	if (err->kind == CDP_ERR_NONE)
		return;
	if (err->kind == CDP_ERR_PIPE) {
		cli->priv->pipe = true;
		return;
	}
	cli_say(cli, "%s", err->msg);
	cdp_cli_set_status(cli, status_of(err->kind));
}

_Noreturn void cdp_cli_usage(struct cdp_cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_say(cli, "%s", text);
	dprintf(STDERR_FILENO, "Try '%s --help'.\n", cli->tool->name);
	if (cli->priv->out)
		cdp_out_abandon(cli->priv->out);
	exit(2);
}

_Noreturn void cli_die_by_sigpipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
	_exit(141);
}
