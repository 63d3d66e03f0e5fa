/* The beginning and the end of a tool. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/priv.h"
#include "io/tempfile.h"
#include "record/json.h"

/* A closed descriptor would be given to the next file opened, which would then receive
 * our output.  It is filled with one that fails with the same error when it is used: a
 * null device opened the wrong way round. */
static int fill_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			return -1;
	return 0;
}

static void default_sigpipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL); /* some parents leave it ignored */
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static _Noreturn void refuse(struct cdp_cli *cli, const struct cdp_err *err)
{
	if (err->kind != CDP_ERR_SYS)
		cdp_cli_usage(cli, "%s", err->msg);
	cdp_cli_report(cli, err);
	exit(4);
}

void cdp_cli_start(struct cdp_cli *cli, const struct cdp_tool *tool, int argc,
		   char **argv)
{
	struct cdp_cli_priv *p = cdp_calloc(1, sizeof(*p));
	const struct cdp_opt *tables[] = { tool->opts, p->basic };
	struct cdp_err err;
	int first;

	if (fill_descriptors() < 0)
		_exit(4);
	default_sigpipe();
	cli_tell_sigbus(tool->name);
	cdp_mem_on_oom(cdp_tempfile_remove_all);
	*cli = (struct cdp_cli){ .tool = tool, .priv = p };
	cli->opt.tz = "Asia/Shanghai";
	cli->opt.line_max = CDP_IN_LINE_MAX;
	cli_common_table(cli);
	first = cdp_opt_parse(tables, 2, argc, argv, &err);
	if (first < 0)
		cdp_cli_usage(cli, "%s", err.msg);
	if (p->help)
		cli_print_help(cli);
	if (p->version)
		cli_print_version(cli);
	if (p->dump)
		cli_print_dump(cli);
	cli->operands = argv + first;
	if (cli_common_check(cli, &err) < 0 || cli_rejects_check(cli, &err) < 0)
		refuse(cli, &err);
	p->out = cdp_out_open(cli->opt.output ? cli->opt.output : "-", &err);
	if (!p->out)
		refuse(cli, &err);
	p->progress.on = cli->opt.progress && isatty(STDERR_FILENO);
}

struct cdp_out *cdp_cli_out(struct cdp_cli *cli)
{
	return cli->priv->out;
}

void cdp_cli_stat(struct cdp_cli *cli, const char *key, uint64_t value)
{
	struct cdp_cli_priv *p = cli->priv;

	for (size_t i = 0; i < p->nstats; i++)
		if (strcmp(p->stats[i].key, key) == 0) {
			p->stats[i].value = value;
			return;
		}
	CDP_GROW(p->stats, p->nstats, p->stats_cap);
	p->stats[p->nstats++] = (struct cli_stat){ key, value };
}

static void add_count(struct cdp_buf *b, const char *key, uint64_t value)
{
	cdp_json_key(b, key);
	cdp_buf_addu(b, value);
}

static void print_stats(struct cdp_cli *cli)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"tool\":");
	cdp_json_cstr(&b, cli->tool->name);
	add_count(&b, "in", cli->counts.in);
	add_count(&b, "out", cli->counts.out);
	add_count(&b, "rejected", cli->counts.rejected);
	add_count(&b, "blank", cli->counts.blank);
	add_count(&b, "eval_errors", cli->counts.eval_errors);
	for (size_t i = 0; i < cli->priv->nstats; i++)
		add_count(&b, cli->priv->stats[i].key, cli->priv->stats[i].value);
	cdp_buf_adds(&b, "}\n");
	if (cli_write_all(STDERR_FILENO, b.p, b.n) < 0)
		cdp_cli_set_status(cli, 4);
	cdp_buf_release(&b);
}

/* Messages held back and what made records not match. */
static void sum_up(struct cdp_cli *cli)
{
	const struct cdp_cli_priv *p = cli->priv;

	if (p->messages > DATA_MESSAGES)
		cdp_cli_note(cli, "%u more records rejected",
			     p->messages - DATA_MESSAGES);
	if (!cli->counts.eval_errors)
		return;
	/* All in vain: most likely a name is misspelt, so say it unasked. */
	(cli->in_vain || (cli->counts.out == 0 &&
			  cli->counts.eval_errors >= cli->counts.in)
		 ? cdp_cli_note
		 : cdp_cli_verbose)(cli, "%" PRIu64 " expressions ended in an error%s%s",
				    cli->counts.eval_errors,
				    p->eval_first ? "; the first: " : "",
				    p->eval_first ? p->eval_first : "");
}

static bool too_many_rejects(const struct cdp_cli *cli)
{
	const struct cdp_cli_priv *p = cli->priv;

	if (p->max_percent >= 0)
		return (double)cli->counts.rejected * 100.0 >
		       (double)cli->counts.in * (double)p->max_percent;
	return cli->counts.rejected > p->max_rejected;
}

static void close_output(struct cdp_cli *cli, struct cdp_out *o)
{
	struct cdp_err err;

	if (!o)
		return;
	if (cli->priv->out_failed)
		cdp_out_abandon(o); /* said already */
	else if (cdp_out_close(o, &err) < 0)
		cli_out_failed(cli, &err);
}

/* The same for a descriptor of our own. */
static void close_aside(struct cdp_cli *cli, struct cdp_out *o, int fd)
{
	if (!o)
		return;
	close_output(cli, o);
	close(fd);
}

static void release(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;

	for (const struct cdp_opt *o = cli->tool->opts; o->type != CDP_OPT_END; o++)
		if (o->type == CDP_OPT_LIST)
			cdp_strs_release(o->to);
	if (p->zone)
		cdp_zone_free(p->zone);
	cdp_calendar_free(p->calendar);
	free(p->longs_name);
	free(p->eval_first);
	free(p->stats);
	free(p);
	cli->priv = NULL;
}

static bool is_to_file(const struct cdp_cli *cli)
{
	return cli->opt.output && strcmp(cli->opt.output, "-") != 0;
}

int cdp_cli_close_out(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;

	close_aside(cli, p->rejects, p->rejects_fd);
	close_aside(cli, p->longs, p->longs_fd);
	/* A file that looks whole must be whole. */
	if (p->out && (p->out_failed || p->pipe ||
		       (is_to_file(cli) && (p->status == 4 || p->status == 2)))) {
		cdp_out_abandon(p->out);
	} else if (p->out) {
		close_output(cli, p->out);
		p->whole = !p->out_failed && !p->pipe;
	}
	p->rejects = p->longs = p->out = NULL;
	return p->whole ? 0 : -1;
}

void cdp_cli_leave_out(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;

	if (!is_to_file(cli) || access(cli->opt.output, F_OK) < 0)
		return;
	cdp_out_abandon(p->out);
	p->out = NULL;
	p->whole = true;
}

int cdp_cli_status(const struct cdp_cli *cli)
{
	return cli->priv->status;
}

int cdp_cli_finish(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;
	int status;

	cli_progress_clear(cli);
	if (too_many_rejects(cli))
		cdp_cli_set_status(cli, 3);
	cdp_cli_close_out(cli);
	sum_up(cli);
	if (cli->opt.stats)
		print_stats(cli);
	status = p->status;
	if (p->pipe)
		cli_die_by_sigpipe();
	release(cli);
	return status;
}

int cdp_cli_fail(struct cdp_cli *cli, const struct cdp_err *err)
{
	struct cdp_cli_priv *p = cli->priv;

	cdp_cli_report(cli, err);
	cdp_out_abandon(p->out);
	p->out = NULL;
	return cdp_cli_finish(cli);
}
