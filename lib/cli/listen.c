/* The life of the endpoint: start, signals, drain. */
#include "cli/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/listen_priv.h"

const char *const cdp_listen_acks[] = { "write", "fsync", NULL };

enum { TICK_MS = 100, LINGER_MS = 200, OWN_FILES = 256 };

int64_t listen_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t listen_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void cdp_listen_check(struct cdp_cli *cli, const struct cdp_listen *l)
{
	const struct {
		bool given;
		const char *name;
	} needs[] = { { l->port_file, "port-file" },
		      { l->spool, "spool" },
		      { l->ack, "ack" },
		      { l->origins.n, "origin" },
		      { l->limits.n, "limit" },
		      { l->rotate.n, "rotate" } };
	struct listen_limits limits;
	struct cdp_err err;

	for (size_t i = 0; !l->address && i < sizeof(needs) / sizeof(needs[0]); i++)
		if (needs[i].given)
			cdp_cli_usage(cli, "option '--%s' needs '--listen'",
				      needs[i].name);
	if (!l->address)
		return;
	if (*cli->operands)
		cdp_cli_usage(cli, "'--listen' reads no files");
	if (cli->opt.output)
		cdp_cli_usage(cli, "option '--output' is not for '--listen': records go "
				   "to standard output or to '--spool'");
	if (cli->opt.strict)
		cdp_cli_usage(cli, "option '--strict' is not for '--listen'");
	if (l->rotate.n && !l->spool)
		cdp_cli_usage(cli, "option '--rotate' needs '--spool'");
	if (listen_limits_read(&limits, l, &err) < 0)
		cdp_cli_usage(cli, "%s", err.msg);
}

void cdp_listen_release(struct cdp_listen *l)
{
	cdp_strs_release(&l->origins);
	cdp_strs_release(&l->limits);
	cdp_strs_release(&l->rotate);
}

/* --- starting --- */

static int open_store(struct endpoint *e, struct cdp_err *err)
{
	const struct cdp_listen *l = e->listen;
	struct listen_store_opts o = {
		.spool = l->spool,
		.rejects = e->cli->opt.rejects,
		.fsync = l->ack == CDP_ACK_FSYNC,
		.limits = &e->limits,
		.stages = &l->stages,
		.metrics = &e->metrics,
		.cli = e->cli,
	};

	e->store = listen_store_open(&o, err);
	return e->store ? 0 : -1;
}

static unsigned thread_count(const struct endpoint *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (e->listen->stages.serial)
		return 1;
	if (e->cli->opt.jobs)
		return (unsigned)e->cli->opt.jobs;
	return cores > 0 ? (unsigned)cores : 1;
}

/* A connection is a descriptor; what the system allows at most is not ours to change. */
static void allow_descriptors(uint64_t connections)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= connections + OWN_FILES)
		return;
	l.rlim_cur = connections + OWN_FILES;
	if (l.rlim_max != RLIM_INFINITY && l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static int serve(struct endpoint *e, struct cdp_err *err)
{
	const struct listen_limits *m = &e->limits;
	struct cdp_httpd_opts o = {
		.listen = e->listen->address,
		.threads = thread_count(e),
		.connections = (unsigned)m->connections,
		.per_client = (unsigned)m->per_client,
		.head_max = m->head,
		.body_max = m->body,
		.bodies_max = m->bodies,
		.patience_ms = (int64_t)m->patience_ms,
		.handle = listen_handle,
		.again = listen_safe,
		.ctx = e,
	};

	allow_descriptors(m->connections);
	e->httpd = cdp_httpd_start(&o, err);
	return e->httpd ? 0 : -1;
}

static int tell_port(struct endpoint *e, struct cdp_err *err)
{
	const char *address = e->listen->address;
	unsigned port = cdp_httpd_port(e->httpd);
	char *text = cdp_asprintf("%u\n", port);
	int rc = 0;

	if (e->listen->port_file)
		rc = cdp_file_replace(e->listen->port_file, text, strlen(text), err);
	if (rc == 0)
		cdp_cli_note(e->cli, "listening on %.*s:%u",
			     (int)(strrchr(address, ':') - address), address, port);
	free(text);
	return rc;
}

static int start(struct endpoint *e, struct cdp_err *err)
{
	const struct cdp_listen *l = e->listen;

	if (listen_limits_read(&e->limits, l, err) < 0)
		return -1;
	if (open_store(e, err) < 0 || serve(e, err) < 0)
		return -1;
	return tell_port(e, err);
}

/* --- running --- */

/* Threads of the server are not to be disturbed; this one asks. */
static void block_signals(sigset_t *asked, sigset_t *before)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(asked);
	sigaddset(asked, SIGTERM);
	sigaddset(asked, SIGINT);
	sigaddset(asked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, asked, before);
	sigaction(SIGPIPE, &ignore, NULL);
	/* A file that may not grow is a full disk. */
	sigaction(SIGXFSZ, &ignore, NULL);
}

static void wait_for_end(struct endpoint *e, const sigset_t *asked)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };

	while (!listen_store_broken(e->store)) {
		int sig = sigtimedwait(asked, NULL, &tick);

		if (sig == SIGHUP)
			listen_store_rotate(e->store);
		else if (sig > 0)
			return;
	}
}

/* What is under way is finished and answered; then nobody is let in any more. */
static void leave(struct endpoint *e)
{
	const struct timespec linger = { .tv_nsec = LINGER_MS * 1000000 };

	if (listen_store_broken(e->store))
		nanosleep(&linger, NULL);
	if (!cdp_httpd_drain(e->httpd, (int64_t)e->limits.patience_ms))
		cdp_cli_warn(e->cli, "requests were cut off");
	e->leaving = true;
}

static void sum_up(struct endpoint *e)
{
	struct cdp_cli *cli = e->cli;
	const struct listen_metrics *m = &e->metrics;
	struct cdp_err gone;

	cli->counts.out += m->records;
	cli->counts.rejected += m->rejects;
	cli->counts.in += m->records + m->rejects + m->duplicates;
	/* A service does not fail for what its clients send, unless told so. */
	if (!cli->priv->max_rejects)
		cli->priv->max_rejected = UINT64_MAX;
	if (e->store && listen_store_broken(e->store)) {
		cdp_err_set(&gone, CDP_ERR_PIPE, "standard output");
		cdp_cli_report(cli, &gone);
	}
}

int cdp_cli_listen(struct cdp_cli *cli, const struct cdp_listen *l)
{
	struct endpoint *e = cdp_calloc(1, sizeof(*e));
	sigset_t asked, before;
	struct cdp_err err;
	int rc = 0;

	e->cli = cli;
	e->listen = l;
	pthread_mutex_init(&e->lock, NULL);
	block_signals(&asked, &before);
	if (start(e, &err) == 0) {
		wait_for_end(e, &asked);
		leave(e);
	} else {
		cdp_cli_report(cli, &err);
	}
	/* What waits for the disk is answered before its connection goes. */
	if (e->store)
		rc = listen_store_finish(e->store);
	cdp_httpd_stop(e->httpd);
	sum_up(e);
	listen_store_free(e->store);
	listen_workers_free(e);
	pthread_mutex_destroy(&e->lock);
	free(e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}
