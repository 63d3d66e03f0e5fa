#include "cli/tag_lineage.h"

#include "cli/rows.h"
#include "model/lineage.h"

#include <string.h>

static void write_rows(struct cdp_cli *cli, const struct cdp_tagset *set,
		       const struct cdp_lineage *l)
{
	struct cdp_rows *rows = cdp_rows_new(cli);

	for (size_t i = 0; i < cdp_lineage_count(l); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(l, i);

		cdp_rows_begin(rows, "lineage");
		cdp_rows_cstr(rows, "tag", set->tags[e->tag].name);
		cdp_rows_cstr(rows, "reads", cdp_source_name(e->source));
		cdp_rows_cstr(rows, "name", e->name);
		if (cdp_rows_end(rows) < 0)
			break;
	}
	(void)cdp_rows_free(rows); /* finish meets a failed output */
}

/* --- a graph --- */

/* A double-quoted string of DOT: quotes and backslashes escaped. */
static void put_text(struct cdp_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			cdp_buf_addc(b, '\\');
		cdp_buf_addc(b, *s);
	}
}

static void put_node(struct cdp_buf *b, enum cdp_source source, const char *name)
{
	cdp_buf_addf(b, "\"%s ", cdp_source_name(source));
	put_text(b, name);
	cdp_buf_addc(b, '"');
}

/* A node's line; what has no shape of its own is a plain name. */
static void put_label(struct cdp_buf *b, enum cdp_source source, const char *name)
{
	static const char *const shapes[] = {
		[CDP_SOURCE_TAG] = "box",          [CDP_SOURCE_ATTRIBUTE] = "ellipse",
		[CDP_SOURCE_DETAIL] = "folder",    [CDP_SOURCE_RELATION] = "diamond",
		[CDP_SOURCE_ENTITY] = "component", [CDP_SOURCE_EVENT] = "cds",
		[CDP_SOURCE_MEMBER] = "plaintext", [CDP_SOURCE_FILE] = "note",
		[CDP_SOURCE_PROGRAM] = "octagon"
	};

	cdp_buf_addc(b, '\t');
	put_node(b, source, name);
	cdp_buf_adds(b, " [label=\"");
	put_text(b, name);
	cdp_buf_addf(b, "\" shape=%s]\n", shapes[source]);
}

static void write_graph(struct cdp_cli *cli, const struct cdp_tagset *set,
			const struct cdp_lineage *l)
{
	struct cdp_intern *seen = cdp_intern_new(0);
	struct cdp_buf b, node;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_init(&node, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "digraph tags {\n\trankdir=LR\n");
	for (unsigned i = 0; i < set->count; i++)
		put_label(&b, CDP_SOURCE_TAG, set->tags[i].name);
	for (size_t i = 0; i < cdp_lineage_count(l); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(l, i);
		bool added;

		cdp_buf_reset(&node);
		put_node(&node, e->source, e->name);
		cdp_intern_put(seen, node.p, node.n, &added);
		if (added && e->source != CDP_SOURCE_TAG)
			put_label(&b, e->source, e->name);
		cdp_buf_addc(&b, '\t');
		cdp_buf_add(&b, node.p, node.n);
		cdp_buf_adds(&b, " -> ");
		put_node(&b, CDP_SOURCE_TAG, set->tags[e->tag].name);
		cdp_buf_addc(&b, '\n');
	}
	cdp_buf_adds(&b, "}\n");
	(void)cdp_out_write(cdp_cli_out(cli), b.p, b.n);
	cdp_intern_free(seen);
	cdp_buf_release(&b);
	cdp_buf_release(&node);
}

void cdp_cli_write_lineage(struct cdp_cli *cli, const struct cdp_tagset *set, bool dot)
{
	struct cdp_lineage *l = cdp_lineage_new(set);

	if (dot)
		write_graph(cli, set, l);
	else
		write_rows(cli, set, l);
	cdp_lineage_free(l);
}
