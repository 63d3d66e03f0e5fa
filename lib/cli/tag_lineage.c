#include "cli/tag_lineage.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdlib.h>
#include <string.h>

/* --- parts --- */

static const char *tag_name(const void *set, unsigned i)
{
	return ((const struct cdp_tagset *)set)->tags[i].name;
}

static void put_owner(struct cdp_buf *out, const char *owner)
{
	if (owner)
		cdp_json_cstr(out, owner);
	else
		cdp_buf_adds(out, "null");
}

static void tag_owner(const void *set, unsigned i, struct cdp_buf *out)
{
	put_owner(out, ((const struct cdp_tagset *)set)->tags[i].about.owner);
}

struct cdp_lineage_part cdp_lineage_part_tags(const struct cdp_tagset *set,
					      const struct cdp_lineage *edges)
{
	return (struct cdp_lineage_part){ CDP_SOURCE_TAG, edges,     set->count,
					  tag_name,       tag_owner, set };
}

static const char *segment_name(const void *segments, unsigned i)
{
	return ((const struct cdp_segments *)segments)->v[i].name;
}

static void segment_owner(const void *segments, unsigned i, struct cdp_buf *out)
{
	const char *note = ((const struct cdp_segments *)segments)->v[i].note;
	struct cdp_err ignored;
	json_t *o = cdp_tree_parse(note, strlen(note), "note", &ignored);

	put_owner(out, json_string_value(json_object_get(o, "owner")));
	json_decref(o);
}

struct cdp_lineage_part cdp_lineage_part_segments(const struct cdp_segments *s,
						  const struct cdp_lineage *edges)
{
	return (struct cdp_lineage_part){ CDP_SOURCE_SEGMENT, edges,         s->defined,
					  segment_name,       segment_owner, s };
}

/* --- rows --- */

static void write_rows(struct cdp_cli *cli, const struct cdp_lineage_part *v, size_t n)
{
	struct cdp_rows *rows = cdp_rows_new(cli);
	bool fine = true;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; fine && i < cdp_lineage_count(v[k].edges); i++) {
			const struct cdp_lineage_edge *e = cdp_lineage_at(v[k].edges, i);

			cdp_rows_begin(rows, "lineage");
			cdp_rows_cstr(rows, cdp_source_name(v[k].kind),
				      v[k].name(v[k].ctx, e->reader));
			cdp_rows_cstr(rows, "reads", cdp_source_name(e->source));
			cdp_rows_cstr(rows, "name", e->name);
			fine = cdp_rows_end(rows) == 0;
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
		[CDP_SOURCE_PROGRAM] = "octagon",  [CDP_SOURCE_ID] = "ellipse",
		[CDP_SOURCE_SEGMENT] = "house",    [CDP_SOURCE_ZONE] = "circle",
		[CDP_SOURCE_SCHEDULE] = "circle"
	};

	cdp_buf_addc(b, '\t');
	put_node(b, source, name);
	cdp_buf_adds(b, " [label=\"");
	put_text(b, name);
	cdp_buf_addf(b, "\" shape=%s]\n", shapes[source]);
}

/* What the part reads; `seen` are nodes that have a label. */
static void put_edges(struct cdp_buf *b, const struct cdp_lineage_part *v,
		      struct cdp_intern *seen)
{
	struct cdp_buf node;

	cdp_buf_init(&node, CDP_BUF_NOMAX);
	for (size_t i = 0; i < cdp_lineage_count(v->edges); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(v->edges, i);
		bool added;

		cdp_buf_reset(&node);
		put_node(&node, e->source, e->name);
		cdp_intern_put(seen, node.p, node.n, &added);
		if (added)
			put_label(b, e->source, e->name);
		cdp_buf_addc(b, '\t');
		cdp_buf_add(b, node.p, node.n);
		cdp_buf_adds(b, " -> ");
		put_node(b, v->kind, v->name(v->ctx, e->reader));
		cdp_buf_addc(b, '\n');
	}
	cdp_buf_release(&node);
}

static void write_graph(struct cdp_cli *cli, const struct cdp_lineage_part *v, size_t n)
{
	struct cdp_intern *seen = cdp_intern_new(0);
	struct cdp_buf b, node;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_init(&node, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "digraph %ss {\n\trankdir=LR\n", cdp_source_name(v[n - 1].kind));
	for (size_t k = 0; k < n; k++)
		for (unsigned i = 0; i < v[k].count; i++) {
			const char *name = v[k].name(v[k].ctx, i);

			cdp_buf_reset(&node);
			put_node(&node, v[k].kind, name);
			cdp_intern_put(seen, node.p, node.n, NULL);
			put_label(&b, v[k].kind, name);
		}
	for (size_t k = 0; k < n; k++)
		put_edges(&b, &v[k], seen);
	cdp_buf_adds(&b, "}\n");
	(void)cdp_out_write(cdp_cli_out(cli), b.p, b.n);
	cdp_intern_free(seen);
	cdp_buf_release(&b);
	cdp_buf_release(&node);
}

void cdp_cli_write_lineage(struct cdp_cli *cli, const struct cdp_lineage_part *v,
			   size_t n, bool dot)
{
	(dot ? write_graph : write_rows)(cli, v, n);
}

/* --- what depends on a source --- */

struct reach {
	const struct cdp_lineage_part *v;
	size_t n;
	/* By part: numbers by name, and the round in which a definition was reached; 0:
	 * not yet. */
	struct cdp_intern *names[CDP_SOURCE_SEGMENT + 1];
	uint32_t *round[CDP_SOURCE_SEGMENT + 1];
};

/* "event:buy" */
static bool is_source(const struct cdp_lineage_edge *e, const char *what)
{
	const char *kind = cdp_source_name(e->source);
	size_t n = strlen(kind);

	if (strncmp(what, kind, n) != 0 || what[n] != ':')
		return false;
	what += n + 1;
	n = strlen(what);
	if (strcmp(e->name, what) == 0 || strcmp(e->name, "*") == 0 ||
	    strcmp(what, "*") == 0)
		return true;
	return e->source == CDP_SOURCE_ENTITY && strncmp(e->name, what, n) == 0 &&
	       e->name[n] == '.';
}

static bool is_reached(const struct reach *r, const struct cdp_lineage_edge *e,
		       uint32_t round)
{
	uint32_t i;

	if (!r->names[e->source])
		return false;
	i = cdp_intern_get(r->names[e->source], e->name, strlen(e->name));
	return i != CDP_INTERN_NONE && r->round[e->source][i] == round - 1;
}

/* Definitions that read what the round before reached; how many. */
static uint64_t next_round(struct reach *r, const struct cdp_strs *sources,
			   uint32_t round)
{
	uint64_t more = 0;

	for (size_t k = 0; k < r->n; k++)
		for (size_t i = 0; i < cdp_lineage_count(r->v[k].edges); i++) {
			const struct cdp_lineage_edge *e =
				cdp_lineage_at(r->v[k].edges, i);
			uint32_t *at = &r->round[r->v[k].kind][e->reader];
			bool hit = round > 1 && is_reached(r, e, round);

			for (size_t s = 0; round == 1 && s < sources->n; s++)
				hit |= is_source(e, sources->v[s]);
			if (hit && !*at) {
				*at = round;
				more++;
			}
		}
	return more;
}

static int write_round(struct cdp_rows *rows, const struct reach *r, uint32_t round)
{
	struct cdp_buf owner;
	int ret = 0;

	cdp_buf_init(&owner, CDP_BUF_NOMAX);
	for (size_t k = 0; k < r->n; k++)
		for (unsigned i = 0; ret == 0 && i < r->v[k].count; i++) {
			const struct cdp_lineage_part *p = &r->v[k];

			if (r->round[p->kind][i] != round)
				continue;
			cdp_buf_reset(&owner);
			p->owner(p->ctx, i, &owner);
			cdp_rows_begin(rows, "affected");
			cdp_rows_cstr(rows, "kind", cdp_source_name(p->kind));
			cdp_rows_cstr(rows, "name", p->name(p->ctx, i));
			cdp_rows_json(rows, "owner", owner.p, owner.n);
			cdp_rows_int(rows, "distance", round);
			ret = cdp_rows_end(rows);
		}
	cdp_buf_release(&owner);
	return ret;
}

static int check_sources(const struct cdp_strs *sources, struct cdp_err *err)
{
	for (size_t s = 0; s < sources->n; s++) {
		const char *what = sources->v[s];
		bool known = false;

		for (int k = 0; k <= CDP_SOURCE_SEGMENT; k++) {
			const char *kind = cdp_source_name((enum cdp_source)k);
			size_t n = strlen(kind);

			known |= strncmp(what, kind, n) == 0 && what[n] == ':' &&
				 what[n + 1];
		}
		if (!known)
			return cdp_err_set(
				err, CDP_ERR_USAGE,
				"--affected: '%s' is no source, such as "
				"'event:login', 'detail:holding', 'attribute:aum' "
				"or 'tag:tier'",
				what);
	}
	return 0;
}

int cdp_cli_write_affected(struct cdp_cli *cli, const struct cdp_lineage_part *v,
			   size_t n, const struct cdp_strs *sources, struct cdp_err *err)
{
	struct reach r = { .v = v, .n = n };
	struct cdp_rows *rows;

	if (check_sources(sources, err) < 0)
		return -1;
	for (size_t k = 0; k < n; k++) {
		r.names[v[k].kind] = cdp_intern_new(v[k].count);
		r.round[v[k].kind] = cdp_calloc(v[k].count, sizeof(**r.round));
		for (unsigned i = 0; i < v[k].count; i++) {
			const char *name = v[k].name(v[k].ctx, i);

			cdp_intern_put(r.names[v[k].kind], name, strlen(name), NULL);
		}
	}
	rows = cdp_rows_new(cli);
	for (uint32_t round = 1; next_round(&r, sources, round); round++)
		if (write_round(rows, &r, round) < 0)
			break;
	(void)cdp_rows_free(rows); /* finish meets a failed output */
	for (int k = 0; k <= CDP_SOURCE_SEGMENT; k++) {
		cdp_intern_free(r.names[k]);
		free(r.round[k]);
	}
	return 0;
}
