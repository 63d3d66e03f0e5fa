/* cdp-push: messages -> channels, receipts. */
#include "cli/cli.h"
#include "model/push.h"

struct push {
	struct cdp_cli cli;
	const char *definition, *state, *outbox;
	int ambiguous;
	bool dry;
	struct cdp_push_conf conf;
	struct cdp_push *engine;
};

static void warn(void *ctx, const char *text)
{
	struct push *p = ctx;

	cdp_cli_warn(&p->cli, "%s", text);
}

static void fail(void *ctx, const struct cdp_err *err)
{
	struct push *p = ctx;

	cdp_cli_report(&p->cli, err);
}

static int take(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		struct cdp_err *err)
{
	struct push *p = ctx;

	(void)emit;
	return cdp_push_take(p->engine, rec, err);
}

static int answer(void *ctx, const char *receipt, size_t n)
{
	struct push *p = ctx;
	struct cdp_out *out = cdp_cli_out(&p->cli);

	p->cli.counts.out++;
	/* An error sticks: cdp_cli_finish reports it. */
	return cdp_out_write(out, receipt, n) < 0 || cdp_out_write(out, "\n", 1) < 0;
}

static void check_options(struct push *p)
{
	if (!p->definition)
		cdp_cli_usage(&p->cli, "-d FILE is needed");
	if (!p->state)
		cdp_cli_usage(&p->cli, "--state DIR is needed");
}

static int prepare(struct push *p, struct cdp_err *err)
{
	struct cdp_push_opts opts = {
		.state = p->state,
		.outbox = p->outbox,
		.resend = p->ambiguous == 1,
		.dry = p->dry,
		.now = cdp_time_ms(p->cli.opt.run.as_of),
		.zone = p->cli.opt.run.zone,
		.warn = warn,
		.fail = fail,
		.ctx = p,
	};

	if (cdp_push_conf_load(&p->conf, p->definition, err) < 0)
		return -1;
	for (size_t i = 0; i < p->conf.channel_count; i++)
		if (p->conf.channels[i].type == CDP_CHANNEL_OUTBOX && !p->outbox)
			cdp_cli_usage(&p->cli, "--outbox DIR is needed for channel '%s'",
				      p->conf.channels[i].name);
	p->engine = cdp_push_open(&p->conf, &opts, err);
	return p->engine ? 0 : -1;
}

static int run(struct push *p, struct cdp_err *err)
{
	struct cdp_job job = { .ctx = p, .record = take, .serial = true };

	job.paths = cdp_push_paths(p->engine);
	if (cdp_cli_run(&p->cli, &job) < 0)
		return 0; /* said already; what was taken in waits in the spool */
	if (cdp_push_run(p->engine, err) < 0)
		return -1;
	return cdp_push_answers(p->engine, answer, p, err);
}

static void sum_up(struct push *p)
{
	const struct cdp_push_counts *c = cdp_push_counts(p->engine);

	cdp_cli_stat(&p->cli, "accepted", c->accepted);
	cdp_cli_stat(&p->cli, "failed", c->failed);
	cdp_cli_stat(&p->cli, "suppressed", c->suppressed);
	cdp_cli_stat(&p->cli, "held", c->held);
	cdp_cli_stat(&p->cli, "known", c->known);
	cdp_cli_stat(&p->cli, "spooled", c->spooled);
	if (c->failed || c->held || c->spooled)
		cdp_cli_set_status(&p->cli, 5);
}

int main(int argc, char **argv)
{
	static const char *const policies[] = { "hold", "resend", NULL };
	struct push p = { 0 };
	struct cdp_err err;
	const struct cdp_opt opts[] = {
		{ 'd', "definition", CDP_OPT_STR, &p.definition, "FILE",
		  "channels, quiet hours and caps", NULL, 0, 0 },
		{ 0, "state", CDP_OPT_STR, &p.state, "DIR",
		  "the ledger of what was sent, and the spool", NULL, 0, 0 },
		{ 0, "outbox", CDP_OPT_STR, &p.outbox, "DIR",
		  "where the paths of outbox channels begin", NULL, 0, 0 },
		{ 0, "ambiguous", CDP_OPT_CHOICE, &p.ambiguous, "POLICY",
		  "what may have been sent: hold it (the default) or resend it", policies,
		  0, 0 },
		{ 0, "dry-run", CDP_OPT_FLAG, &p.dry, NULL,
		  "say what would happen; send and write nothing", NULL, 0, 0 },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-push",
		.purpose =
			"send messages through channels, each once, and write receipts",
		.synopsis = "-d FILE --state DIR [--outbox DIR] [FILE...]",
		.example =
			"cdp-push -d push.json --state state --outbox outbox in.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_TIME | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AT_END,
	};

	cdp_cli_start(&p.cli, &tool, argc, argv);
	check_options(&p);
	if (prepare(&p, &err) < 0 || run(&p, &err) < 0) {
		cdp_push_close(p.engine);
		cdp_push_conf_release(&p.conf);
		return cdp_cli_fail(&p.cli, &err);
	}
	sum_up(&p);
	cdp_push_close(p.engine);
	cdp_push_conf_release(&p.conf);
	return cdp_cli_finish(&p.cli);
}
