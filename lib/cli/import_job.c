#include "cli/import_job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

struct cdp_import_job {
	struct cdp_cli *cli;
	struct cdp_imports *imports;
	bool again;
	char **left; /* operands to be read */
	uint64_t read, known;
};

struct cdp_import_job *cdp_import_job_new(struct cdp_cli *cli,
					  const struct cdp_import_job_opts *opts)
{
	struct cdp_import_job *j = cdp_calloc(1, sizeof(*j));

	j->cli = cli;
	j->again = opts->again;
	j->imports =
		cdp_imports_new(cdp_intake_store(opts->state), opts->how, opts->how_n);
	return j;
}

void cdp_import_job_abandon(struct cdp_import_job *j)
{
	if (!j)
		return;
	cdp_imports_free(j->imports);
	free(j->left);
	free(j);
}

struct cdp_imports *cdp_import_job_imports(struct cdp_import_job *j)
{
	return j->imports;
}

static bool is_regular(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whether the operand is to be read. */
static bool is_new(struct cdp_import_job *j, const char *path)
{
	const char *before;
	struct cdp_err err;
	int rc;

	if (!is_regular(path))
		return true;
	rc = cdp_imports_look(j->imports, path, &before, &err);
	/* What cannot be read is told by who reads it; it must not be remembered. */
	if (rc <= 0 || j->again) {
		j->read += rc >= 0;
		return true;
	}
	j->known++;
	if (strcmp(before, path) == 0)
		cdp_cli_note(j->cli, "%s: imported before; --again reads it", path);
	else
		cdp_cli_note(j->cli, "%s: imported before, as '%s'; --again reads it",
			     path, before);
	return false;
}

bool cdp_import_job_choose(struct cdp_import_job *j)
{
	char **all = j->cli->operands;
	size_t n = 0;

	while (all[n])
		n++;
	if (!n)
		return true;
	j->left = cdp_calloc(n + 1, sizeof(*j->left));
	n = 0;
	for (size_t i = 0; all[i]; i++)
		if (is_new(j, all[i]))
			j->left[n++] = all[i];
	j->cli->operands = j->left;
	if (n)
		return true;
	cdp_cli_leave_out(j->cli);
	return false;
}

static void remember(struct cdp_import_job *j)
{
	struct cdp_out *out = cdp_cli_out(j->cli);
	const char *changed;
	struct cdp_err err;

	/* A failed sync is told when the output is closed. */
	if (out && !cdp_out_is_atomic(out) && cdp_out_sync(out) < 0)
		return;
	if (cdp_cli_close_out(j->cli) < 0 || cdp_cli_status(j->cli) == 4)
		return;
	if (cdp_imports_commit(j->imports, &changed, &err) < 0)
		cdp_cli_report(j->cli, &err);
	else if (changed)
		cdp_cli_warn(j->cli,
			     "%s: changed while it was read; it will be read again",
			     changed);
}

void cdp_import_job_finish(struct cdp_import_job *j, bool whole)
{
	if (!j)
		return;
	cdp_cli_stat(j->cli, "files", j->read);
	cdp_cli_stat(j->cli, "known_files", j->known);
	if (whole && cdp_cli_status(j->cli) != 4)
		remember(j);
	cdp_import_job_abandon(j);
}
