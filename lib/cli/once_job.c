#include "cli/once_job.h"

#include <stdlib.h>

#include "base/mem.h"
#include "format/canon.h"

enum { COMMIT_EVERY = 100 * 1000 };

struct cdp_once_job {
	struct cdp_cli *cli;
	struct cdp_dedup *seen;
	bool survives;
	struct cdp_out *duplicates;
	struct cdp_once_counts counts;
	struct cdp_buf dropped;
};

void cdp_once_job_check(struct cdp_cli *cli, const struct cdp_once_job_opts *opts)
{
	if (opts->duplicates && !opts->window_ns)
		cdp_cli_usage(cli, "option '--duplicates' needs '--dedup'");
	if (opts->window_ns && opts->window_ns < 1000000000)
		cdp_cli_usage(cli, "option '--dedup': expected at least a second");
}

struct cdp_once_job *cdp_once_job_new(struct cdp_cli *cli,
				      const struct cdp_once_job_opts *opts,
				      const char *state, struct cdp_err *err)
{
	struct cdp_once_job *j = cdp_calloc(1, sizeof(*j));
	char *dir = state ? cdp_asprintf("%s/seen", state) : NULL;
	struct cdp_dedup_opts dedup = {
		.dir = dir,
		.window_ms = opts->window_ns / 1000000,
		.latest_ms = cdp_time_ms(cli->opt.run.as_of) + CDP_FUTURE_SLACK_MS,
		.memory = opts->memory,
	};

	j->cli = cli;
	cdp_buf_init(&j->dropped, CDP_BUF_NOMAX);
	j->survives = state != NULL;
	j->seen = cdp_dedup_open(&dedup, err);
	free(dir);
	if (j->seen && opts->duplicates)
		j->duplicates = cdp_out_open(opts->duplicates, err);
	if (j->seen && (j->duplicates || !opts->duplicates))
		return j;
	cdp_once_job_abandon(j);
	return NULL;
}

void cdp_once_job_abandon(struct cdp_once_job *j)
{
	if (!j)
		return;
	cdp_out_abandon(j->duplicates);
	cdp_dedup_close(j->seen);
	cdp_buf_release(&j->dropped);
	free(j);
}

uint64_t cdp_once_job_seed(const struct cdp_once_job *j)
{
	return cdp_dedup_seed(j->seen);
}

/* The output must not be behind what is remembered of it, whatever dies. */
int cdp_once_job_flushed(struct cdp_once_job *j, struct cdp_err *err)
{
	struct cdp_out *out = cdp_cli_out(j->cli);

	if (!j->survives || cdp_out_is_atomic(out) || !cdp_dedup_uncommitted(j->seen))
		return 0;
	if (cdp_out_sync(out) < 0) {
		*err = *cdp_out_error(out);
		return -1;
	}
	return cdp_dedup_commit(j->seen, false, err);
}

int cdp_once_job_remember(struct cdp_once_job *j, struct cdp_err *err)
{
	if (!j->survives || !cdp_dedup_uncommitted(j->seen))
		return 0;
	return cdp_dedup_commit(j->seen, false, err);
}

int cdp_once_job_take(struct cdp_once_job *j, struct cdp_once_notes *notes,
		      struct cdp_buf *records, uint64_t *taken, struct cdp_err *err)
{
	uint64_t before = j->counts.duplicates;
	int rc;

	cdp_buf_reset(&j->dropped);
	rc = cdp_once_settle(notes, j->seen, records, j->duplicates ? &j->dropped : NULL,
			     &j->counts, err);
	*taken = j->counts.duplicates - before;
	if (!j->duplicates ||
	    cdp_out_write(j->duplicates, j->dropped.p, j->dropped.n) == 0)
		return rc;
	*err = *cdp_out_error(j->duplicates);
	return -1;
}

int cdp_once_job_settle(struct cdp_once_job *j, struct cdp_once_notes *notes,
			struct cdp_emit *e, struct cdp_err *err)
{
	uint64_t taken;
	int rc;

	if (!notes || !notes->n)
		return 0;
	/* All that was settled has been written by now. */
	if (cdp_dedup_uncommitted(j->seen) >= COMMIT_EVERY &&
	    cdp_once_job_flushed(j, err) < 0)
		return -1;
	rc = cdp_once_job_take(j, notes, &e->out, &taken, err);
	e->counts.out -= taken;
	return rc;
}

static int remember(struct cdp_once_job *j)
{
	struct cdp_err err;
	struct cdp_out *out = cdp_cli_out(j->cli);

	/* What goes to others must have gone before it is closed, which syncs nothing. */
	if (out && !cdp_out_is_atomic(out) && cdp_out_sync(out) < 0)
		return -1; /* told when it is closed */
	if (cdp_cli_close_out(j->cli) < 0)
		return -1;
	if (cdp_dedup_commit(j->seen, true, &err) == 0)
		return 0;
	cdp_cli_report(j->cli, &err);
	return -1;
}

void cdp_once_job_finish(struct cdp_once_job *j)
{
	struct cdp_err err;
	struct cdp_out *duplicates;

	if (!j)
		return;
	cdp_cli_stat(j->cli, "duplicates", j->counts.duplicates);
	cdp_cli_stat(j->cli, "same_id", j->counts.same_id);
	cdp_cli_stat(j->cli, "too_old", j->counts.too_old);
	duplicates = j->duplicates;
	j->duplicates = NULL;
	if (duplicates && cdp_out_close(duplicates, &err) < 0)
		cdp_cli_report(j->cli, &err);
	if (j->survives)
		remember(j);
	cdp_once_job_abandon(j);
}
