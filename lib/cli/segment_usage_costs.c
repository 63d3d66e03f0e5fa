#include "cli/segment_usage_priv.h"

#include "base/num.h"
#include "record/json.h"

#include <string.h>

struct costs {
	struct cdp_usage_view *u;
	struct cdp_paths *paths;
	int result, tag, segment, seconds;
	struct cdp_buf text;
};

static void note(struct costs *c, enum cdp_usage_kind kind, const struct cdp_val *name,
		 double seconds)
{
	struct cdp_buf key;
	const char *p;
	uint32_t i;
	size_t n;

	if (name->type != CDP_STRING)
		return;
	p = cdp_val_str(name, &c->text, &n);
	cdp_buf_init(&key, CDP_BUF_NOMAX);
	cdp_buf_add(&key, p, n);
	cdp_buf_addc(&key, '\0');
	i = cdp_usage_find(c->u, kind, key.p);
	if (i != CDP_INTERN_NONE)
		c->u->v[i].seconds = seconds;
	cdp_buf_release(&key);
}

static int add_row(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		   struct cdp_err *err)
{
	struct costs *c = ctx;
	const struct cdp_val *result = cdp_rec_get(rec, c->result),
			     *seconds = cdp_rec_get(rec, c->seconds);
	bool part = cdp_val_is(result, "cost_part", 9);
	double v;

	(void)emit;
	if ((!part && !cdp_val_is(result, "cost", 4)) || seconds->type != CDP_NUMBER ||
	    cdp_num_double(&v, seconds->p, seconds->n, err) < 0)
		return cdp_err_set(err, CDP_ERR_DATA, "no row of --cost");
	if (part)
		return 0;
	note(c, CDP_USAGE_TAG, cdp_rec_get(rec, c->tag), v);
	note(c, CDP_USAGE_SEGMENT, cdp_rec_get(rec, c->segment), v);
	return 0;
}

int cdp_usage_read_costs(struct cdp_usage_view *u, struct cdp_err *err)
{
	const struct cdp_strs *files = &u->q->o->costs;
	struct costs c = { .u = u, .paths = cdp_paths_new() };
	struct cdp_job job = {
		.ctx = &c, .paths = c.paths, .record = add_row, .serial = true
	};
	struct cdp_err ignored;
	int rc = 0;

	cdp_buf_init(&c.text, CDP_BUF_NOMAX);
	c.result = cdp_paths_add(c.paths, "result", 6, &ignored);
	c.tag = cdp_paths_add(c.paths, "tag", 3, &ignored);
	c.segment = cdp_paths_add(c.paths, "segment", 7, &ignored);
	c.seconds = cdp_paths_add(c.paths, "seconds", 7, &ignored);
	for (size_t i = 0; i < files->n && rc == 0; i++)
		rc = cdp_cli_run_whole(u->cli, &job, files->v[i], "no row of --cost",
				       err);
	cdp_paths_free(c.paths);
	cdp_buf_release(&c.text);
	return rc;
}
