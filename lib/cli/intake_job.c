#include "cli/intake_job.h"

const char *const cdp_intake_futures[] = { "reject", "keep", "clamp", NULL };

void cdp_intake_job_check(struct cdp_cli *cli, const struct cdp_intake_job *j)
{
	if (j->skew_ns < 0 || (j->skew_ns && j->skew_ns < 1000000000))
		cdp_cli_usage(cli, "option '--skew': expected at least a second");
	if (j->late_ns < 0)
		cdp_cli_usage(cli, "option '--late': expected a duration above 0");
	if (j->late_file && !j->late_ns)
		cdp_cli_usage(cli, "option '--late-days' needs a horizon: '--late'");
	if (j->coverage_file && !j->plan_file)
		cdp_cli_usage(cli, "option '--coverage' needs a plan: '-d'");
	if (j->infer && j->plan_file)
		cdp_cli_usage(cli, "options '--infer-plan' and '-d' exclude each other");
}

static bool asks_for_clocks(const struct cdp_intake_job *j)
{
	return j->future >= 0 || j->skew_ns || j->late_ns;
}

static int open_rows(struct cdp_out **to, const char *path, struct cdp_err *err)
{
	*to = path ? cdp_out_open(path, err) : NULL;
	return path && !*to ? -1 : 0;
}

int cdp_intake_job_load(struct cdp_cli *cli, struct cdp_intake_job *j,
			struct cdp_err *err)
{
	const struct cdp_common *o = &cli->opt;
	struct cdp_intake_opts opts = {
		.run = &o->run,
		.skew_ms = j->skew_ns / 1000000,
		.future = j->future < 0 ? CDP_FUTURE_REJECT : (enum cdp_future)j->future,
		.base_ms = o->as_of_given ? cdp_time_ms(o->run.as_of) : CDP_NO_TIME,
		.late_ms = j->late_ns / 1000000,
		.late_days = j->late_file,
		.plan_file = j->plan_file,
		.coverage = j->coverage_file,
		.virtual_file = j->virtual_file,
		.infer = j->infer,
	};

	if (!asks_for_clocks(j) && !opts.plan_file && !opts.virtual_file && !opts.infer)
		return 0;
	if (cdp_intake_conf_new(&j->conf, &opts, err) < 0)
		return -1;
	if (open_rows(&j->late, j->late_file, err) < 0)
		return -1;
	return open_rows(&j->coverage, j->coverage_file, err);
}

typedef void rows_fn(const struct cdp_intake_conf *c, struct cdp_buf *out);

static void write_rows(struct cdp_cli *cli, const struct cdp_intake_job *j,
		       struct cdp_out **to, rows_fn *put)
{
	struct cdp_buf rows;
	struct cdp_err err;

	if (!*to)
		return;
	cdp_buf_init(&rows, CDP_BUF_NOMAX);
	put(j->conf, &rows);
	(void)cdp_out_write(*to, rows.p, rows.n);
	if (cdp_out_close(*to, &err) < 0)
		cdp_cli_report(cli, &err);
	*to = NULL;
	cdp_buf_release(&rows);
}

static void write_draft(struct cdp_cli *cli, const struct cdp_intake_job *j)
{
	struct cdp_buf plan;

	cdp_buf_init(&plan, CDP_BUF_NOMAX);
	cdp_intake_conf_draft(j->conf, &plan);
	/* A failure is told when the output is closed. */
	(void)cdp_out_write(cdp_cli_out(cli), plan.p, plan.n);
	cdp_buf_release(&plan);
}

void cdp_intake_job_finish(struct cdp_cli *cli, struct cdp_intake_job *j)
{
	const struct cdp_intake_counts *n;

	if (!j->conf)
		return;
	n = cdp_intake_conf_counts(j->conf);
	if (asks_for_clocks(j)) {
		cdp_cli_stat(cli, "shifted", n->shifted);
		cdp_cli_stat(cli, "future", n->future);
		cdp_cli_stat(cli, "late", n->late);
	}
	if (j->plan_file) {
		cdp_cli_stat(cli, "violations", n->plan.violations);
		cdp_cli_stat(cli, "marked", n->plan.marked);
		cdp_cli_stat(cli, "stripped", n->plan.stripped);
	}
	if (j->virtual_file) {
		cdp_cli_stat(cli, "virtual", n->made.added);
		cdp_cli_stat(cli, "renamed", n->made.renamed);
		cdp_cli_stat(cli, "virtual_errors", n->made.errors);
	}
	write_rows(cli, j, &j->late, cdp_intake_conf_late_days);
	write_rows(cli, j, &j->coverage, cdp_intake_conf_coverage);
	if (j->infer)
		write_draft(cli, j);
}

void cdp_intake_job_release(struct cdp_intake_job *j)
{
	if (j->late)
		cdp_out_abandon(j->late);
	if (j->coverage)
		cdp_out_abandon(j->coverage);
	cdp_intake_conf_free(j->conf);
	*j = (struct cdp_intake_job){ .future = -1 };
}
