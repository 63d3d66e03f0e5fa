#include "cli/memberships.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

void cdp_cli_check_key(struct cdp_cli *cli, const char *key)
{
	static const char *const others[] = { "",     "time",    "event", "type",
					      "tags", "segment", "as_of", "change" };

	for (size_t i = 0; key && i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(key, others[i]) == 0)
			cdp_cli_usage(cli, "--key: '%s' tells no profiles apart", key);
}

void cdp_memberships_init(struct cdp_memberships *p, const char *key)
{
	struct cdp_err ignored;

	memset(p, 0, sizeof(*p));
	p->names = cdp_intern_new(0);
	p->keys = cdp_intern_new(0);
	p->paths = cdp_paths_new_of(key);
	cdp_buf_init(&p->text, CDP_BUF_NOMAX);
	p->segment = cdp_paths_add(p->paths, "segment", 7, &ignored);
	p->change = cdp_paths_add(p->paths, "change", 6, &ignored);
}

void cdp_memberships_release(struct cdp_memberships *p)
{
	cdp_intern_free(p->names);
	cdp_intern_free(p->keys);
	cdp_paths_free(p->paths);
	cdp_buf_release(&p->text);
	free(p->v);
}

static uint32_t put_text(struct cdp_memberships *p, struct cdp_intern *to,
			 const struct cdp_val *v)
{
	size_t n;
	const char *text = cdp_val_str(v, &p->text, &n);

	if (to == p->keys && p->merges)
		text = cdp_segment_merges_key(p->merges, text, n, &n);
	return cdp_intern_put(to, text, n, NULL);
}

static int add_pair(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		    struct cdp_err *err)
{
	struct cdp_memberships *p = ctx;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const struct cdp_val *segment = cdp_rec_get(rec, p->segment);

	(void)emit;
	if (one_id->type != CDP_STRING || segment->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "not a membership: no %s or segment",
				   cdp_paths_key(p->paths));
	if (cdp_val_is(cdp_rec_get(rec, p->change), "left", 4))
		return 0;
	CDP_GROW(p->v, p->n, p->cap);
	p->v[p->n].name = put_text(p, p->names, segment);
	p->v[p->n++].key = put_text(p, p->keys, one_id);
	return 0;
}

int cdp_memberships_read(struct cdp_cli *cli, struct cdp_memberships *p, const char *path,
			 struct cdp_err *err)
{
	struct cdp_job job = {
		.ctx = p, .paths = p->paths, .record = add_pair, .serial = true
	};

	return cdp_cli_run_whole(cli, &job, path, "no membership", err);
}

struct cdp_members *cdp_memberships_bits(const struct cdp_memberships *p,
					 const struct cdp_intern *names, unsigned first)
{
	struct cdp_members *m = cdp_members_new(cdp_intern_count(names));

	for (size_t i = 0; i < p->n; i++) {
		size_t n;
		const char *text = cdp_intern_key(p->names, p->v[i].name, &n);
		uint32_t at = cdp_intern_get(names, text, n);

		if (at == CDP_INTERN_NONE || at < first)
			continue;
		text = cdp_intern_key(p->keys, p->v[i].key, &n);
		cdp_bit_set(cdp_members_put(m, text, n), at);
	}
	return m;
}
