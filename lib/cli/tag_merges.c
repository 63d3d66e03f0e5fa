#include "cli/tag_merges.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <sys/stat.h>

struct cdp_tag_merges {
	struct cdp_cli *cli;
	const char *path;
	struct cdp_tail *tail;
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	int merge, from, into;
	uint64_t joined, moved;
};

static void note(void *ctx, const char *text)
{
	cdp_cli_note(ctx, "%s", text);
}

struct cdp_tag_merges *cdp_tag_merges_open(struct cdp_cli *cli, const char *path,
					   struct cdp_err *err)
{
	struct cdp_tag_merges *m = cdp_calloc(1, sizeof(*m));
	struct cdp_tail_opts opts = { .wake = -1, .note = note, .ctx = cli };

	m->cli = cli;
	m->path = path;
	m->paths = cdp_paths_new();
	m->merge = cdp_paths_add(m->paths, "merge", 5, err);
	m->from = cdp_paths_add(m->paths, "from", 4, err);
	m->into = cdp_paths_add(m->paths, "into", 4, err);
	m->scan = cdp_scan_new(m->paths);
	m->tail = cdp_tail_new(&opts);
	if (cdp_tail_add(m->tail, path, "", err) == 0)
		return m;
	cdp_tag_merges_close(m);
	return NULL;
}

void cdp_tag_merges_close(struct cdp_tag_merges *m)
{
	if (!m)
		return;
	cdp_cli_stat(m->cli, "joined", m->joined);
	if (m->moved)
		cdp_cli_note(m->cli,
			     "%llu ids moved to another person; what was counted before "
			     "stays with the one who had them",
			     (unsigned long long)m->moved);
	cdp_tail_free(m->tail);
	cdp_scan_free(m->scan);
	cdp_paths_free(m->paths);
	free(m);
}

struct cdp_tail *cdp_tag_merges_tail(struct cdp_tag_merges *m)
{
	return m->tail;
}

bool cdp_tag_merges_wait(const struct cdp_tag_merges *m)
{
	struct cdp_tail_place place = { 0 };
	const char *name;
	struct stat st;

	if (!m || stat(m->path, &st) < 0)
		return false;
	cdp_tail_place(m->tail, 0, &name, &place);
	return (uint64_t)st.st_size != place.offset;
}

static int bad(const struct cdp_tag_merges *m, uint64_t line, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_USAGE, "%s:%llu: not a row of a merge log",
			   m->path, (unsigned long long)line);
}

static int read_block(struct cdp_tag_merges *m, const struct cdp_block *b,
		      struct cdp_taglive *live, cdp_taglive_write *write, void *ctx,
		      struct cdp_err *err)
{
	uint64_t before = cdp_tail_lines(m->tail);
	struct cdp_rec rec = { 0 };
	int rc;

	cdp_scan_block(m->scan, b->data, b->len);
	while ((rc = cdp_scan_next(m->scan, &rec, err)) != 0) {
		const struct cdp_val *merge, *from, *into;

		if (rc < 0)
			return bad(m, before + rec.line, err);
		merge = cdp_rec_get(&rec, m->merge);
		from = cdp_rec_get(&rec, m->from);
		into = cdp_rec_get(&rec, m->into);
		if (merge->type != CDP_STRING || from->type != CDP_STRING ||
		    from->escaped || into->type != CDP_STRING || into->escaped)
			return bad(m, before + rec.line, err);
		if (cdp_val_is(merge, "moved", 5)) {
			m->moved++;
			continue;
		}
		cdp_taglive_join(live, from->p, from->n, into->p, into->n, write, ctx);
		m->joined++;
	}
	return 0;
}

int cdp_tag_merges_read(struct cdp_tag_merges *m, struct cdp_taglive *live,
			cdp_taglive_write *write, void *ctx, struct cdp_err *err)
{
	struct cdp_block b;
	int rc;

	while ((rc = cdp_tail_next(m->tail, 0, &b, err)) == CDP_TAIL_BLOCK) {
		if (b.overlong)
			return bad(m, cdp_tail_lines(m->tail) + 1, err);
		if (read_block(m, &b, live, write, ctx, err) < 0)
			return -1;
		cdp_tail_take_rest(m->tail);
	}
	return rc < 0 ? -1 : 0;
}
