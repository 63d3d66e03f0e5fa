#include "cli/log_opts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/combined.h"

static void read_params(struct cdp_cli *cli, struct cdp_log_opts *o)
{
	o->param_list = cdp_calloc(o->params.n + 1, sizeof(*o->param_list));
	for (size_t i = 0; i < o->params.n; i++) {
		const char *text = o->params.v[i], *eq = strchr(text, '=');

		if (!eq || eq == text || !eq[1])
			cdp_cli_usage(cli,
				      "option '--id-param': expected NAME=KIND, not '%s'",
				      text);
		o->param_list[i] =
			(struct cdp_id_param){ cdp_strndup(text, (size_t)(eq - text)),
					       eq + 1 };
	}
}

static void read_fields(struct cdp_cli *cli, struct cdp_log_opts *o)
{
	o->field_list = cdp_calloc(o->fields.n + 1, sizeof(*o->field_list));
	for (size_t i = 0; i < o->fields.n; i++) {
		const char *text = o->fields.v[i], *eq = strrchr(text, '=');
		int field = eq && eq != text ? cdp_combined_field(eq + 1) : -1;

		if (field < 0)
			cdp_cli_usage(cli,
				      "option '--log-field': expected MEMBER=FIELD, not "
				      "'%s'",
				      text);
		o->field_list[i] =
			(struct cdp_log_field){ cdp_strndup(text, (size_t)(eq - text)),
						field };
	}
}

void cdp_log_opts_read(struct cdp_cli *cli, struct cdp_log_opts *o,
		       struct cdp_format_opts *format)
{
	read_params(cli, o);
	read_fields(cli, o);
	format->params = o->param_list;
	format->param_count = o->params.n;
	format->log_fields = o->field_list;
	format->log_field_count = o->fields.n;
}

void cdp_log_opts_release(struct cdp_log_opts *o)
{
	for (size_t i = 0; i < o->params.n && o->param_list; i++)
		free((char *)o->param_list[i].name);
	for (size_t i = 0; i < o->fields.n && o->field_list; i++)
		free((char *)o->field_list[i].member);
	free(o->param_list);
	free(o->field_list);
	cdp_strs_release(&o->params);
	cdp_strs_release(&o->fields);
}
