/* The options every tool shares, and the texts made from all options of a tool. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/priv.h"

void cli_common_table(struct cdp_cli *cli)
{
	struct cdp_cli_priv *p = cli->priv;
	struct cdp_common *c = &cli->opt;
	const struct {
		unsigned group; /* 0: every tool */
		struct cdp_opt row;
	} all[] = {
		{ 0,
		  { 'h', "help", CDP_OPT_STOP, &p->help, NULL,
		    "print this help and exit" } },
		{ 0,
		  { 'V', "version", CDP_OPT_STOP, &p->version, NULL,
		    "print the version and exit" } },
		{ 0,
		  { 0, "dump-options", CDP_OPT_STOP, &p->dump, NULL, "",
		    .hidden = true } },
		{ 0,
		  { 'v', "verbose", CDP_OPT_FLAG, &c->verbose, NULL,
		    "say more on standard error" } },
		{ 0,
		  { 'q', "quiet", CDP_OPT_FLAG, &c->quiet, NULL,
		    "no notes and no messages about single records" } },
		{ CDP_COMMON_OUTPUT,
		  { 'o', "output", CDP_OPT_STR, &c->output, "FILE",
		    "write to FILE, replaced at once when all is done" } },
		{ CDP_COMMON_JOBS,
		  { 'j', "jobs", CDP_OPT_INT, &c->jobs, "N",
		    "threads; default: one a core on files, 1 in a pipeline", .min = 1,
		    .max = 256 } },
		{ CDP_COMMON_INPUT,
		  { 0, "rejects", CDP_OPT_STR, &c->rejects, "FILE",
		    "keep rejected records in FILE, with the reason" } },
		{ CDP_COMMON_INPUT,
		  { 0, "max-rejects", CDP_OPT_STR, &p->max_rejects, "N|P%",
		    "how many rejected records are no failure; default 0" } },
		{ CDP_COMMON_INPUT,
		  { 0, "strict", CDP_OPT_FLAG, &c->strict, NULL,
		    "stop at the first bad record" } },
		{ CDP_COMMON_INPUT,
		  { 0, "trusted", CDP_OPT_FLAG, &c->trusted, NULL,
		    "input is from our own tools: check what is needed" } },
		{ CDP_COMMON_INPUT,
		  { 0, "unique-keys", CDP_OPT_FLAG, &c->unique_keys, NULL,
		    "reject records in which a key occurs twice" } },
		{ CDP_COMMON_INPUT,
		  { 0, "line-max", CDP_OPT_SIZE, &c->line_max, "SIZE",
		    "reject longer lines; default 16M" } },
		{ CDP_COMMON_INPUT,
		  { 0, "progress", CDP_OPT_FLAG, &c->progress, NULL,
		    "draw a progress bar if standard error is a terminal" } },
		{ CDP_COMMON_INPUT,
		  { 0, "stats", CDP_OPT_FLAG, &c->stats, NULL,
		    "end with counts as JSON on standard error" } },
		{ CDP_COMMON_TIME,
		  { 0, "as-of", CDP_OPT_TIME, &p->as_of, "TIME",
		    "base time, or a date: its start in --tz; default now" } },
		{ CDP_COMMON_TIME,
		  { 0, "calendar", CDP_OPT_STR, &c->calendar, "FILE",
		    "trading days, for expressions that ask for them" } },
		{ CDP_COMMON_TIME,
		  { 0, "tz", CDP_OPT_STR, &c->tz, "ZONE",
		    "time zone of civil days; default Asia/Shanghai" } },
		{ CDP_COMMON_ROWS,
		  { 0, "table", CDP_OPT_FLAG, &c->table, NULL,
		    "aligned text for people instead of JSON" } },
		{ CDP_COMMON_ROWS,
		  { 0, "csv", CDP_OPT_FLAG, &c->csv, NULL,
		    "comma-separated values instead of JSON" } },
	};
	size_t n = 0;

	_Static_assert(sizeof(all) / sizeof(all[0]) < COMMON_ROWS, "and the end");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!all[i].group || (cli->tool->common & all[i].group))
			p->basic[n++] = all[i].row;
	p->basic[n] = (struct cdp_opt){ 0 };
}

static int check_max_rejects(struct cdp_cli_priv *p, struct cdp_err *err)
{
	const char *s = p->max_rejects;
	size_t n;
	int rc;

	p->max_percent = -1;
	if (!s)
		return 0;
	n = strlen(s);
	if (n && s[n - 1] == '%')
		rc = cdp_num_i64(&p->max_percent, s, n - 1, 0, 100, err);
	else
		rc = cdp_num_u64(&p->max_rejected, s, n, UINT64_MAX, err);
	if (rc < 0)
		cdp_err_prefix(err, "option '--max-rejects'");
	return rc;
}

static int check_time(struct cdp_cli *cli, struct cdp_err *err)
{
	struct cdp_cli_priv *p = cli->priv;
	struct timespec now;

	p->zone = cdp_zone_load(cli->opt.tz, err);
	if (!p->zone) {
		cdp_err_prefix(err, "option '--tz'");
		return -1;
	}
	cli->opt.run.zone = p->zone;
	if (cdp_opt_times(p->basic, p->zone, err) < 0 ||
	    cdp_opt_times(cli->tool->opts, p->zone, err) < 0)
		return -1;
	if (cli->opt.calendar) {
		p->calendar = cdp_calendar_load(cli->opt.calendar, p->zone, err);
		if (!p->calendar)
			return -1;
		cli->opt.run.calendar = p->calendar;
	}
	cli->opt.as_of_given = p->as_of.text;
	if (p->as_of.text) {
		cli->opt.run.as_of = p->as_of.t;
		cli->opt.as_of_text = p->as_of.text;
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now); /* the only look at the clock */
	cli->opt.run.as_of.s = now.tv_sec;
	p->as_of_text[cdp_time_format_ns(p->as_of_text, cli->opt.run.as_of)] = '\0';
	cli->opt.as_of_text = p->as_of_text;
	return 0;
}

static int check_operands(const struct cdp_cli *cli, struct cdp_err *err)
{
	int dashes = 0;

	if (!(cli->tool->common & (CDP_COMMON_INPUT | CDP_COMMON_OPERANDS)) &&
	    cli->operands[0])
		return cdp_err_set(err, CDP_ERR_USAGE, "unexpected operand '%s'",
				   cli->operands[0]);
	for (char **o = cli->operands; *o; o++)
		dashes += strcmp(*o, "-") == 0;
	if (dashes > 1)
		return cdp_err_set(err, CDP_ERR_USAGE, "'-' may be given only once");
	return 0;
}

int cli_common_check(struct cdp_cli *cli, struct cdp_err *err)
{
	if (cli->opt.table && cli->opt.csv)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "options '--table' and '--csv' exclude each other");
	if (cli->opt.quiet && cli->opt.verbose)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "options '-q' and '-v' exclude each other");
	if (check_max_rejects(cli->priv, err) < 0 || check_operands(cli, err) < 0)
		return -1;
	if (cli->tool->common & CDP_COMMON_TIME)
		return check_time(cli, err);
	return 0;
}

/* Print a text of our own and end. */
static _Noreturn void print_and_exit(struct cdp_cli *cli, struct cdp_buf *b)
{
	struct cdp_out *out = cdp_out_fd(STDOUT_FILENO, "standard output");
	struct cdp_err err;

	cdp_out_write(out, b->p, b->n);
	cdp_buf_release(b);
	if (cdp_out_close(out, &err) < 0) {
		cdp_cli_report(cli, &err);
		if (cli->priv->pipe)
			cli_die_by_sigpipe();
		exit(4);
	}
	exit(0);
}

static void add_example(struct cdp_buf *b, const char *text)
{
	cdp_buf_adds(b, "\nExample:\n");
	while (*text) {
		size_t n = strcspn(text, "\n");

		cdp_buf_adds(b, "  ");
		cdp_buf_add(b, text, n);
		cdp_buf_addc(b, '\n');
		text += n + (text[n] == '\n');
	}
}

_Noreturn void cli_print_help(struct cdp_cli *cli)
{
	const struct cdp_tool *t = cli->tool;
	struct cdp_buf b, purpose;
	size_t start = strlen("usage: ") + strlen(t->name);

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_init(&purpose, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "usage: %s ", t->name);
	cdp_opt_wrap(&b, t->synopsis, start + 1, start + 1);
	cdp_buf_addc(&b, '\n');
	cdp_buf_addf(&purpose, "%s.", t->purpose);
	purpose.p[0] = (char)toupper((unsigned char)purpose.p[0]);
	cdp_opt_wrap(&b, cdp_buf_str(&purpose), 0, 0);
	cdp_buf_release(&purpose);
	if (t->opts->type != CDP_OPT_END) {
		cdp_buf_adds(&b, "\nOptions:\n");
		cdp_opt_help(&b, t->opts);
	}
	cdp_buf_adds(&b, "\nCommon options:\n");
	cdp_opt_help(&b, cli->priv->basic);
	add_example(&b, t->example);
	cdp_buf_adds(&b, "\nExit status: see cdp(7)\n");
	print_and_exit(cli, &b);
}

_Noreturn void cli_print_version(struct cdp_cli *cli)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s (cdp-tools) %s\n", cli->tool->name, CDP_VERSION);
	cdp_buf_addf(&b, "%s; tzdata %s\n", CDP_LIBRARIES, cdp_zone_tzdata_version());
	print_and_exit(cli, &b);
}

_Noreturn void cli_print_dump(struct cdp_cli *cli)
{
	static const char *const kinds[] = {
		[CDP_ANSWERS_AS_IT_GOES] = "as-it-goes",
		[CDP_ANSWERS_AT_END] = "at-end",
		[CDP_ANSWERS_NO_INPUT] = "no-input",
	};
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s\t%s\t%s\n", cli->tool->name, cli->tool->purpose,
		     kinds[cli->tool->answers]);
	cdp_opt_dump(&b, cli->tool->opts);
	cdp_opt_dump(&b, cli->priv->basic);
	print_and_exit(cli, &b);
}
