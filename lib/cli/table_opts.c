#include "cli/table_opts.h"

#include "format/canon.h"

#include <string.h>

void cdp_table_opts_check(struct cdp_cli *cli, struct cdp_table_opts *o, bool files)
{
	if ((o->charset || o->delimiter || o->columns) && (!o->map_file || !files))
		cdp_cli_usage(cli, "options '--charset', '--columns' and '--delimiter' "
				   "are for '-f csv'");
	if (o->delimiter && strcmp(o->delimiter, "\\t") == 0)
		o->delimiter = "\t";
	if (o->delimiter && strlen(o->delimiter) != 1)
		cdp_cli_usage(cli, "option '--delimiter': expected one byte, not '%s'",
			      o->delimiter);
}

int cdp_table_opts_load(struct cdp_cli *cli, struct cdp_table_opts *o,
			struct cdp_err *err)
{
	const struct cdp_common *c = &cli->opt;
	int64_t as_of = c->as_of_given ? cdp_time_ms(c->run.as_of) : CDP_NO_TIME;

	if (!o->map_file)
		return 0;
	o->map = cdp_csvmap_load(o->map_file, c->run.zone, as_of, err);
	if (!o->map)
		return -1;
	return o->columns ? cdp_csvmap_set_columns(o->map, o->columns, err) : 0;
}

char cdp_table_opts_delimiter(const struct cdp_table_opts *o)
{
	return (char)(o->delimiter ? *o->delimiter : 0);
}

void cdp_table_opts_tell(const struct cdp_table_opts *o, struct cdp_buf *out)
{
	const char *const how[] = {
		o->map ? cdp_csvmap_text(o->map) : "",
		o->columns ? o->columns : "",
		o->charset ? o->charset : "",
		o->delimiter ? o->delimiter : "",
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++)
		cdp_buf_add(out, how[i], strlen(how[i]) + 1);
}

void cdp_table_opts_release(struct cdp_table_opts *o)
{
	cdp_csvmap_free(o->map);
}
