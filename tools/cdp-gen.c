/* cdp-gen: a synthetic bank, as raw files or as events. */
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "cli/cli.h"
#include "model/bank.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum format { FORMAT_BANK, FORMAT_EVENTS };
enum { CHUNK = 1 << 17 };

struct gen {
	struct cdp_cli cli;
	struct cdp_bank_conf conf;
	struct cdp_bank *bank;
	const char *output;
	bool one_id;
	struct cdp_err err;
	/* options as given */
	int format;
	int64_t seed, customers, days, events;
	const char *start, *late, *duplicate, *junk, *malformed;
};

/* --- option values --- */

/* "3%", "0.25%": parts per million. */
static void parse_rate(struct gen *g, uint32_t *ppm, const char *option, const char *text)
{
	size_t n = strlen(text), whole = strcspn(text, ".%"), fraction = 0;
	uint64_t v = 0, part = 0;
	bool ok = n > 1 && text[n - 1] == '%' && whole > 0 &&
		  cdp_num_u64(&v, text, whole, 100, &g->err) == 0;

	if (ok && text[whole] == '.') {
		fraction = n - whole - 2;
		ok = fraction >= 1 && fraction <= 4 &&
		     cdp_num_u64(&part, text + whole + 1, fraction, 9999, &g->err) == 0;
	} else if (ok) {
		ok = whole == n - 1;
	}
	for (; fraction < 4; fraction++)
		part *= 10;
	if (!ok || v * 10000 + part > 1000000)
		cdp_cli_usage(&g->cli,
			      "option '--%s': '%s' is not a share such as 3%% or 0.25%%",
			      option, text);
	*ppm = (uint32_t)(v * 10000 + part);
}

static void parse_date(struct gen *g, const char *text)
{
	static const char shape[] = "dddd-dd-dd";
	int64_t v[3] = { 0 };
	bool ok = strlen(text) == 10;

	for (int i = 0, f = 0; ok && i < 10; i++) {
		if (shape[i] == '-') {
			ok = text[i] == '-';
			f++;
		} else {
			ok = text[i] >= '0' && text[i] <= '9';
			v[f] = v[f] * 10 + (text[i] - '0');
		}
	}
	if (!ok || v[0] < 2000 || v[0] > 2080 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > cdp_days_in_month(v[0], (unsigned)v[1]))
		cdp_cli_usage(&g->cli,
			      "option '--start': '%s' is not a date from 2000-01-01 to "
			      "2080-12-31",
			      text);
	g->conf.start = cdp_days_from_civil(v[0], (unsigned)v[1], (unsigned)v[2]);
}

/* A stream of events is for play and measurement: clean unless asked otherwise. */
static void parse_rates(struct gen *g)
{
	struct cdp_bank_conf *c = &g->conf;
	bool clean = g->format == FORMAT_EVENTS;
	const struct {
		uint32_t *ppm;
		const char *option, *given, *otherwise;
	} rates[] = {
		{ &c->late, "late", g->late, "3%" },
		{ &c->duplicate, "duplicate", g->duplicate, "0.5%" },
		{ &c->junk, "junk", g->junk, "0.3%" },
		{ &c->malformed, "malformed", g->malformed, "0.1%" },
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		parse_rate(g, rates[i].ppm, rates[i].option,
			   rates[i].given ? rates[i].given
			   : clean        ? "0%"
					  : rates[i].otherwise);
		sum += *rates[i].ppm;
	}
	if (sum > 1000000)
		cdp_cli_usage(&g->cli,
			      "the shares of faulty records add up to more than 100%%");
}

static void parse_options(struct gen *g)
{
	if (g->format == FORMAT_BANK && (!g->output || strcmp(g->output, "-") == 0))
		cdp_cli_usage(&g->cli, "a directory is needed: -o DIR");
	if (g->format == FORMAT_BANK && g->one_id)
		cdp_cli_usage(&g->cli, "option '--one-id' is for '--format events'");
	if (g->events < 0)
		g->events = g->customers * g->days * 2;
	if (g->events > CDP_BANK_EVENTS_MAX)
		cdp_cli_usage(&g->cli, "that would be more than %u events",
			      CDP_BANK_EVENTS_MAX);
	g->conf.seed = (uint64_t)g->seed;
	g->conf.events = (uint64_t)g->events;
	g->conf.customers = (uint32_t)g->customers;
	g->conf.days = (uint32_t)g->days;
	parse_date(g, g->start);
	parse_rates(g);
}

/* --- output --- */

/* Text on its way to one file, written by the chunk. */
struct sink {
	struct cdp_out *out;
	struct cdp_buf *buf;
	struct cdp_buf own;
};

static int drain(struct gen *g, struct sink *s, bool all)
{
	int rc = 0;

	if (s->buf->n < CHUNK && !all)
		return 0;
	rc = cdp_out_write(s->out, s->buf->p, s->buf->n);
	cdp_buf_reset(s->buf);
	if (rc < 0)
		g->err = *cdp_out_error(s->out);
	return rc;
}

static int open_path(struct gen *g, struct sink *s, const char *path, struct cdp_buf *buf)
{
	if (!buf)
		cdp_buf_init(&s->own, CDP_BUF_NOMAX);
	s->buf = buf ? buf : &s->own;
	s->out = cdp_out_open(path, &g->err);
	return s->out ? 0 : -1;
}

/* DIR/name, `buf` (NULL: its own) to be drained into it. */
static int open_sink(struct gen *g, struct sink *s, const char *name, struct cdp_buf *buf)
{
	char *path = cdp_asprintf("%s/%s", g->output, name);
	int rc = open_path(g, s, path, buf);

	free(path);
	return rc;
}

static int close_sink(struct gen *g, struct sink *s)
{
	int rc = s->out ? drain(g, s, true) : -1;

	if (rc < 0 && s->out)
		cdp_out_abandon(s->out);
	else if (s->out)
		rc = cdp_out_close(s->out, &g->err);
	if (s->buf == &s->own)
		cdp_buf_release(&s->own);
	return rc;
}

/* --- one stream of events --- */

static int gen_events(struct gen *g)
{
	struct sink s = { 0 };
	struct cdp_bank_item item;
	int rc;

	if (open_path(g, &s, g->output ? g->output : "-", NULL) < 0) {
		cdp_buf_release(&s.own);
		return -1;
	}
	cdp_bank_no_rows(g->bank);
	rc = 0;
	for (uint32_t d = 0; d < g->conf.days && rc == 0; d++) {
		cdp_bank_day(g->bank);
		while (rc == 0 && cdp_bank_next(g->bank, &item)) {
			cdp_bank_write_event(g->bank, &item, g->one_id, s.buf);
			rc = drain(g, &s, false);
		}
	}
	if (rc == 0)
		return close_sink(g, &s);
	cdp_out_abandon(s.out);
	cdp_buf_release(&s.own);
	return -1;
}

/* --- the bank in a directory --- */

static int make_directory(struct gen *g, const char *name)
{
	char *path = cdp_asprintf("%s%s%s", g->output, *name ? "/" : "", name);
	int rc = 0;

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		rc = cdp_err_sys(&g->err, errno, "cannot make directory '%s'", path);
	free(path);
	return rc;
}

/* Days of another run would mix with ours. */
static int check_empty(struct gen *g)
{
	DIR *dir = opendir(g->output);
	const struct dirent *e;
	int rc = 0;

	if (!dir)
		return cdp_err_sys(&g->err, errno, "cannot read directory '%s'",
				   g->output);
	while (rc == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = cdp_err_set(&g->err, CDP_ERR_USAGE,
					 "directory '%s' is not empty", g->output);
	closedir(dir);
	return rc;
}

static int write_day(struct gen *g, struct sink *files)
{
	struct cdp_bank_item item;

	while (cdp_bank_next(g->bank, &item)) {
		struct sink *s = &files[item.file];

		cdp_bank_write(g->bank, &item, s->buf);
		if (drain(g, s, false) < 0)
			return -1;
	}
	return 0;
}

static int gen_day(struct gen *g, int64_t civil_day)
{
	static const char *const names[CDP_BANK_FILES][2] = {
		{ "sensors/", ".log" },
		{ "segment/", ".ndjson" },
		{ "access/", ".log" },
		{ "core/transactions-", ".ndjson.gz" },
	};
	struct sink files[CDP_BANK_FILES] = { 0 };
	int32_t year;
	int8_t month, day;
	int rc = 0;

	cdp_civil_from_days(civil_day, &year, &month, &day);
	for (int i = 0; i < CDP_BANK_FILES && rc == 0; i++) {
		char *name = cdp_asprintf("%s%04d-%02d-%02d%s", names[i][0], (int)year,
					  month, day, names[i][1]);

		rc = open_sink(g, &files[i], name, NULL);
		free(name);
	}
	if (rc == 0) {
		cdp_bank_day(g->bank);
		rc = write_day(g, files);
	}
	for (int i = 0; i < CDP_BANK_FILES; i++) {
		if (!files[i].buf)
			continue;
		if (rc == 0) {
			rc = close_sink(g, &files[i]);
			continue;
		}
		if (files[i].out)
			cdp_out_abandon(files[i].out);
		cdp_buf_release(&files[i].own);
	}
	return rc;
}

static int drain_rows(struct gen *g, struct sink *rows)
{
	for (int i = 0; i < CDP_BANK_ROWS; i++)
		if (drain(g, &rows[i], false) < 0)
			return -1;
	return 0;
}

static int gen_days(struct gen *g, struct sink *rows)
{
	for (uint32_t i = 0; i < g->conf.customers; i++) {
		cdp_bank_start(g->bank, i);
		if (drain_rows(g, rows) < 0)
			return -1;
	}
	for (uint32_t d = 0; d < g->conf.days; d++)
		if (gen_day(g, g->conf.start + d) < 0 || drain_rows(g, rows) < 0)
			return -1;
	return 0;
}

static int gen_table(struct gen *g, const char *name,
		     void (*put)(struct cdp_bank *, uint32_t, struct cdp_buf *))
{
	uint32_t rows = cdp_bank_customers(g->bank) + 1;
	struct sink s = { 0 };
	int rc = open_sink(g, &s, name, NULL);

	for (uint32_t i = 0; i < rows && rc == 0; i++) {
		put(g->bank, i, s.buf);
		rc = drain(g, &s, false);
	}
	if (rc == 0)
		return close_sink(g, &s);
	if (s.out)
		cdp_out_abandon(s.out);
	cdp_buf_release(&s.own);
	return -1;
}

static int gen_text(struct gen *g, const char *name,
		    void (*put)(struct cdp_bank *, struct cdp_buf *))
{
	struct sink s = { 0 };

	if (open_sink(g, &s, name, NULL) == 0)
		put(g->bank, s.buf);
	return close_sink(g, &s);
}

static int gen_bank(struct gen *g)
{
	static const char *const names[CDP_BANK_ROWS] = {
		"core/holdings.ndjson",  "core/profiles.ndjson", "core/credit.ndjson",
		"core/relations.ndjson", "core/entities.ndjson", "core/ledger.ndjson",
		"truth-identity.ndjson",
	};
	struct sink rows[CDP_BANK_ROWS] = { 0 };
	int rc = 0;

	if (make_directory(g, "") < 0 || check_empty(g) < 0 ||
	    make_directory(g, "sensors") < 0 || make_directory(g, "segment") < 0 ||
	    make_directory(g, "access") < 0 || make_directory(g, "core") < 0)
		return -1;
	for (int i = 0; i < CDP_BANK_ROWS && rc == 0; i++)
		rc = open_sink(g, &rows[i], names[i], cdp_bank_rows(g->bank, i));
	if (rc == 0)
		rc = gen_days(g, rows);
	for (int i = 0; i < CDP_BANK_ROWS; i++)
		if (rc == 0)
			rc = close_sink(g, &rows[i]);
		else if (rows[i].out)
			cdp_out_abandon(rows[i].out);
	if (rc < 0 || gen_text(g, "core/products.ndjson", cdp_bank_products) < 0 ||
	    gen_table(g, "core/customers.gb18030.csv", cdp_bank_customer_csv) < 0 ||
	    gen_table(g, "core/accounts.utf8.csv", cdp_bank_account_csv) < 0)
		return -1;
	/* the last file: where it is, all are whole */
	return gen_text(g, "truth.json", cdp_bank_truth);
}

/* --- the tool --- */

int main(int argc, char **argv)
{
	static const char *const formats[] = { "bank", "events", NULL };
	struct gen g = { .seed = 1,
			 .customers = 5000,
			 .days = 30,
			 .events = -1,
			 .start = "2024-04-01" };
	int rc;
	const struct cdp_opt opts[] = {
		{ 'o', "output", CDP_OPT_STR, &g.output, "PATH",
		  "the directory to make, or the file of events" },
		{ 0, "format", CDP_OPT_CHOICE, &g.format, "FORMAT",
		  "bank: a directory of raw files (default); events: canonical events",
		  .choices = formats },
		{ 0, "seed", CDP_OPT_INT, &g.seed, "N", "another bank; default 1",
		  .min = 0, .max = INT64_MAX },
		{ 0, "customers", CDP_OPT_INT, &g.customers, "N",
		  "customers at the start; default 5000", .min = 1,
		  .max = CDP_BANK_CUSTOMERS_MAX },
		{ 0, "days", CDP_OPT_INT, &g.days, "N", "days; default 30", .min = 1,
		  .max = CDP_BANK_DAYS_MAX },
		{ 0, "events", CDP_OPT_INT, &g.events, "N",
		  "distinct events in all; default 2 per customer and day", .min = 0,
		  .max = CDP_BANK_EVENTS_MAX },
		{ 0, "start", CDP_OPT_STR, &g.start, "DATE",
		  "the first day; default 2024-04-01" },
		{ 0, "late", CDP_OPT_STR, &g.late, "P%",
		  "records that arrive one or two days late; default 3%" },
		{ 0, "duplicate", CDP_OPT_STR, &g.duplicate, "P%",
		  "records that are sent again; default 0.5%" },
		{ 0, "junk", CDP_OPT_STR, &g.junk, "P%",
		  "records with an id that is none; default 0.3%" },
		{ 0, "malformed", CDP_OPT_STR, &g.malformed, "P%",
		  "spoilt copies of records; default 0.1%" },
		{ 0, "one-id", CDP_OPT_FLAG, &g.one_id, NULL,
		  "put the true person into events as one_id" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-gen",
		.purpose = "make up a bank: raw logs, tables and the truth about them",
		.synopsis = "[--format FORMAT] [--seed N] [--customers N] [--days N] "
			    "[--events N] [--start DATE] [-o PATH]",
		.example = "cdp-gen --seed 7 --customers 1000 -o demo\n"
			   "cdp-gen --format events --events 1000 | head -n 3",
		.opts = opts,
		.answers = CDP_ANSWERS_NO_INPUT,
	};

	cdp_cli_start(&g.cli, &tool, argc, argv);
	parse_options(&g);
	g.bank = cdp_bank_new(&g.conf, &g.err);
	rc = !g.bank ? -1 : g.format == FORMAT_EVENTS ? gen_events(&g) : gen_bank(&g);
	cdp_bank_free(g.bank);
	return rc < 0 ? cdp_cli_fail(&g.cli, &g.err) : cdp_cli_finish(&g.cli);
}
