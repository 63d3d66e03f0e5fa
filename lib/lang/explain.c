/* What an expression was compiled to, for people who want to know why it is slow or
 * matches nothing. */
#include "lang/prog.h"
#include "record/json.h"

#include <string.h>

static void add_name(struct cdp_buf *b, const struct cdp_node *n)
{
	cdp_buf_add(b, n->name ? n->name : "?", n->name ? n->name_n : 1);
}

static const char *word_of(const struct cdp_node *n)
{
	switch ((enum cdp_node_op)n->op) {
	case CDP_N_AND:
		return "and";
	case CDP_N_OR:
		return "or";
	case CDP_N_NOT:
		return "not";
	case CDP_N_COND:
		return "if";
	case CDP_N_NEG:
		return "negate";
	case CDP_N_EQ:
		return "==";
	case CDP_N_NE:
		return "!=";
	case CDP_N_ARITH:
	case CDP_N_ORDER:
		return cdp_op_text((enum cdp_op)n->sub);
	case CDP_N_IN:
		return "in";
	case CDP_N_INDEX:
		return "index";
	case CDP_N_LIST:
		return "list";
	case CDP_N_MAP:
		return "map";
	case CDP_N_MACRO:
		return cdp_macro_name((enum cdp_macro)n->sub);
	case CDP_N_CALL:
		return n->func->name;
	case CDP_N_VAR:
		return "variable";
	case CDP_N_AS_OF:
		return "as_of";
	case CDP_N_ERROR:
		return "error";
	default:
		return "";
	}
}

/* One node without what is below it. */
static void add_node(struct cdp_buf *b, const struct cdp_node *n)
{
	static const char *const constant[] = {
		[CDP_N_SLOT_IS] = "==", [CDP_N_SLOT_IN] = "in"
	};

	switch ((enum cdp_node_op)n->op) {
	case CDP_N_CONST:
		cdp_buf_adds(b, "constant ");
		cdp_value_json(b, &n->value);
		return;
	case CDP_N_SLOT:
	case CDP_N_SLOT_TIME:
	case CDP_N_HOST:
		cdp_buf_adds(b, "member ");
		add_name(b, n);
		return;
	case CDP_N_HAS_SLOT:
	case CDP_N_HAS_HOST:
	case CDP_N_HAS:
		cdp_buf_adds(b, "has ");
		add_name(b, n);
		return;
	case CDP_N_SELECT:
		cdp_buf_adds(b, "select ");
		add_name(b, n);
		return;
	case CDP_N_ENTITY:
		cdp_buf_adds(b, "entity ");
		add_name(b, n);
		return;
	case CDP_N_HAS_ENTITY:
		cdp_buf_adds(b, "has entity ");
		add_name(b, n);
		return;
	case CDP_N_AGG:
	case CDP_N_POP:
	case CDP_N_HOST_CALL:
		cdp_buf_adds(b, "call ");
		add_name(b, n);
		return;
	case CDP_N_SLOT_IS:
	case CDP_N_SLOT_IN:
	case CDP_N_SLOT_CMP:
	case CDP_N_TIME_CMP:
		cdp_buf_adds(b, "member ");
		add_name(b, n);
		cdp_buf_addc(b, ' ');
		if (n->op == CDP_N_SLOT_IS && n->sub)
			cdp_buf_adds(b, "!=");
		else
			cdp_buf_adds(b, n->op == CDP_N_SLOT_CMP || n->op == CDP_N_TIME_CMP
						? cdp_op_text((enum cdp_op)n->sub)
						: constant[n->op]);
		cdp_buf_addc(b, ' ');
		cdp_value_json(b, &n->value);
		return;
	default:
		cdp_buf_adds(b, word_of(n));
	}
}

static void add_tree(struct cdp_buf *out, struct cdp_buf *line, const struct cdp_node *n,
		     unsigned depth)
{
	cdp_buf_reset(line);
	for (unsigned i = 0; i < depth; i++)
		cdp_buf_adds(line, "  ");
	add_node(line, n);
	if (out->p[out->n - 1] != '[')
		cdp_buf_addc(out, ',');
	cdp_json_str(out, line->p, line->n);
	for (uint32_t i = 0; i < n->count; i++)
		add_tree(out, line, n->kid[i], depth + 1);
}

/* Members in the order in which they are met, each once. */
static void add_fields(struct cdp_buf *out, size_t from, const struct cdp_node *n)
{
	struct cdp_buf name;

	if (cdp_node_reads_slot(n) && n->name) {
		cdp_buf_init(&name, CDP_BUF_NOMAX);
		cdp_json_str(&name, n->name, n->name_n);
		if (!memmem(out->p + from, out->n - from, name.p, name.n)) {
			if (out->p[out->n - 1] != '[')
				cdp_buf_addc(out, ',');
			cdp_buf_add(out, name.p, name.n);
		}
		cdp_buf_release(&name);
	}
	for (uint32_t i = 0; i < n->count; i++)
		add_fields(out, from, n->kid[i]);
}

void cdp_expr_explain(const struct cdp_expr *e, struct cdp_buf *out)
{
	struct cdp_buf line;

	cdp_buf_init(&line, CDP_BUF_NOMAX);
	cdp_buf_adds(out, "{\"expression\":");
	cdp_json_cstr(out, e->text);
	cdp_buf_adds(out, ",\"type\":");
	cdp_json_cstr(out, e->root->stype == CDP_STATIC_ANY
				   ? "any"
				   : cdp_type_word(e->root->stype));
	cdp_buf_adds(out, ",\"reads\":");
	cdp_json_cstr(out, e->head_only ? "head" : "record");
	cdp_buf_adds(out, ",\"fields\":[");
	add_fields(out, out->n, e->root);
	cdp_buf_adds(out, "],\"events\":");
	cdp_buf_adds(out, e->event_count ? "[" : "null");
	for (size_t i = 0; i < e->event_count; i++) {
		if (i)
			cdp_buf_addc(out, ',');
		cdp_json_cstr(out, e->events[i]);
	}
	cdp_buf_adds(out, e->event_count ? "],\"program\":[" : ",\"program\":[");
	add_tree(out, &line, e->root, 0);
	cdp_buf_adds(out, "]}");
	cdp_buf_release(&line);
}
