/* The evaluator: a switch over small nodes.  Errors are a status and a pointer to the
 * reason; text is formatted only where the reason needs it. */
#include "lang/prog.h"

#include "lang/brief.h"
#include "record/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors and budget ---- */

int cdp_eval_fail(struct cdp_eval *ev, const char *fmt, ...)
{
	char msg[sizeof(ev->msg)];
	va_list ap;

	/* An argument may be the message that is being replaced. */
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	memcpy(ev->msg, msg, sizeof(msg));
	ev->why = ev->msg;
	ev->where = NULL;
	return -1;
}

static int fail_with(struct cdp_eval *ev, const char *why, const char *where)
{
	ev->why = why;
	ev->where = where;
	return -1;
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size)
		n = size - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

int cdp_eval_error(const struct cdp_eval *ev, struct cdp_err *err)
{
	if (!err)
		return -1;
	err->kind = CDP_ERR_EVAL;
	err->column = 0;
	copy_text(err->path, sizeof(err->path), ev->where ? ev->where : "");
	copy_text(err->msg, sizeof(err->msg), ev->why);
	return -1;
}

void *cdp_eval_alloc(struct cdp_eval *ev, size_t n)
{
	if (n > ev->bytes) {
		fail_with(ev, "expression needs too much memory", NULL);
		return NULL;
	}
	ev->bytes -= n;
	return cdp_arena_alloc(ev->arena, n ? n : 1);
}

int cdp_eval_spend(struct cdp_eval *ev, uint64_t steps)
{
	if (steps > ev->steps)
		return fail_with(ev, "expression takes too many steps", NULL);
	ev->steps -= steps;
	return 0;
}

/* Texts are compared by the line of a cache, items one by one. */
static int walk(struct cdp_eval *ev, uint8_t type, uint64_t weight)
{
	bool items = type == CDP_V_LIST || type == CDP_V_MAP;

	return weight < 1024 ? 0 : cdp_eval_spend(ev, weight / (items ? 8 : 64));
}

int cdp_eval_walk(struct cdp_eval *ev, const struct cdp_value *v)
{
	return walk(ev, v->type, cdp_value_weight(v));
}

int cdp_eval_compare(struct cdp_eval *ev, const struct cdp_value *a,
		     const struct cdp_value *b)
{
	uint64_t x, y;

	if (a->type != b->type)
		return 0;
	x = cdp_value_weight(a);
	y = cdp_value_weight(b);
	return walk(ev, a->type, x < y ? x : y);
}

int cdp_eval_made(struct cdp_eval *ev, const struct cdp_value *v)
{
	if (cdp_value_weight(v) > CDP_EVAL_BYTES)
		return fail_with(ev, "expression needs too much memory", NULL);
	return 0;
}

/* ---- members of the record ---- */

static int missing(struct cdp_eval *ev, const struct cdp_node *n)
{
	return fail_with(ev, n->why, n->name);
}

static int slot_value(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *out)
{
	const struct cdp_val *v = cdp_rec_get(ev->rec, n->ref);
	bool keep = v->type == CDP_ARRAY || v->type == CDP_OBJECT || v->escaped;

	if (v->type == CDP_MISSING)
		return missing(ev, n);
	for (unsigned i = 0; keep && i < ev->slot_count; i++)
		if (ev->slots[i].slot == v) {
			*out = ev->slots[i].value;
			return 0;
		}
	cdp_value_from_json(out, v, ev->arena);
	if (keep && ev->slot_count < CDP_SLOT_CACHE) {
		ev->slots[ev->slot_count].slot = v;
		ev->slots[ev->slot_count++].value = *out;
	} else if (keep && cdp_eval_alloc(ev, v->n) == NULL) {
		return -1;
	}
	return 0;
}

/* Text that is not canonical: escaped, or another form of RFC 3339. */
static int odd_time(struct cdp_eval *ev, const struct cdp_node *n,
		    const struct cdp_val *v, struct cdp_time *t)
{
	struct cdp_value text;
	struct cdp_err err;

	if (v->type != CDP_STRING)
		return cdp_eval_fail(ev, "member '%s' is no timestamp", n->name);
	cdp_value_from_json(&text, v, ev->arena);
	if (cdp_time_parse(t, text.s.p, text.s.n, &err) < 0) {
		cdp_eval_fail(ev, "member '%s' is no timestamp: %s", n->name, err.msg);
		return fail_with(ev, ev->msg, n->name);
	}
	return 0;
}

static int time_value(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *out)
{
	const struct cdp_val *v = cdp_rec_get(ev->rec, n->ref);

	if (v->type == CDP_MISSING)
		return missing(ev, n);
	*out = (struct cdp_value){ .type = CDP_V_TIMESTAMP, .from_record = true };
	if (v->type == CDP_NULL) {
		out->type = CDP_V_NULL;
		return 0;
	}
	if (v->type == CDP_STRING && cdp_time_parse_canon(&out->t, v->p, v->n))
		return 0;
	return odd_time(ev, n, v, &out->t);
}

static int as_of_value(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *out)
{
	if (n->ref >= 0 && ev->rec && cdp_rec_get(ev->rec, n->ref)->type != CDP_MISSING)
		return time_value(ev, n, out);
	if (!ev->has_run)
		return fail_with(ev, "as_of needs the base time of a run", NULL);
	*out = (struct cdp_value){ .type = CDP_V_TIMESTAMP };
	out->t = ev->run.as_of;
	return 0;
}

/* ---- fused forms ---- */

static int slot_is(struct cdp_eval *ev, const struct cdp_node *n)
{
	const struct cdp_val *v = cdp_rec_get(ev->rec, n->ref);
	bool same = cdp_brief_is(v, n->value.s.p, n->value.s.n);

	if (!same && v->type == CDP_MISSING)
		return missing(ev, n);
	return same != n->sub;
}

static int slot_cmp(struct cdp_eval *ev, const struct cdp_node *n)
{
	const struct cdp_val *v = cdp_rec_get(ev->rec, n->ref);
	enum cdp_op op = (enum cdp_op)n->sub;
	struct cdp_value x;
	double digits, scale;

	if (v->type == CDP_NUMBER && n->quick && cdp_brief_number(v, &digits, &scale))
		return cdp_op_holds(op, cdp_brief_cmp(digits, scale, n->number));
	if (v->type == CDP_MISSING)
		return missing(ev, n);
	if (v->type != CDP_NUMBER && (op == CDP_OP_EQ || op == CDP_OP_NE))
		return op == CDP_OP_NE;
	if (v->type == CDP_STRING) /* no order; do not decode it for the message */
		x.type = CDP_V_STRING;
	else
		cdp_value_from_json(&x, v, ev->arena);
	if (op == CDP_OP_EQ || op == CDP_OP_NE)
		return cdp_value_equal(&x, &n->value) == (op == CDP_OP_EQ);
	return cdp_op_order(ev, op, &x, &n->value);
}

static int time_cmp(struct cdp_eval *ev, const struct cdp_node *n)
{
	enum cdp_op op = (enum cdp_op)n->sub;
	struct cdp_value t;

	if (time_value(ev, n, &t) < 0)
		return -1;
	if (t.type == CDP_V_TIMESTAMP)
		return cdp_op_holds(op, cdp_time_cmp(t.t, n->value.t));
	if (op == CDP_OP_EQ || op == CDP_OP_NE)
		return op == CDP_OP_NE;
	return cdp_op_order(ev, op, &t, &n->value);
}

static int slot_in(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value v;

	if (slot_value(ev, n, &v) < 0)
		return -1;
	return cdp_op_in(ev, &v, &n->value);
}

/* ---- hosts ---- */

static int host_failed(struct cdp_eval *ev, const struct cdp_node *n,
		       const struct cdp_err *err)
{
	if (err->kind == CDP_ERR_NONE)
		return cdp_eval_fail(ev, "no answer for '%s'", n->name);
	copy_text(ev->msg, sizeof(ev->msg), err->msg);
	return fail_with(ev, ev->msg, NULL);
}

static int host_value(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *out)
{
	struct cdp_err err;

	err.kind = CDP_ERR_NONE;
	*out = (struct cdp_value){ 0 };
	if (!ev->fetch || ev->fetch(ev->host, n->ref, out, &err) < 0)
		return host_failed(ev, n, &err);
	out->from_record = true;
	return 0;
}

static int agg_value(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	struct cdp_err err;

	err.kind = CDP_ERR_NONE;
	*out = (struct cdp_value){ 0 };
	if (!ev->agg_fetch ||
	    ev->agg_fetch(ev->agg_host, (unsigned)n->ref, out, &err) < 0)
		return host_failed(ev, n, &err);
	out->from_record = true;
	return 0;
}

static int pop_value(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	struct cdp_err err;

	err.kind = CDP_ERR_NONE;
	*out = (struct cdp_value){ 0 };
	if (!ev->pop_fetch ||
	    ev->pop_fetch(ev->pop_host, (unsigned)n->ref, out, &err) < 0)
		return host_failed(ev, n, &err);
	out->from_record = true;
	return 0;
}

static int host_call(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	struct cdp_value *args = cdp_eval_alloc(ev, n->count * sizeof(*args));
	struct cdp_err err;

	if (!args)
		return -1;
	for (uint32_t i = 0; i < n->count; i++)
		if (cdp_node_value(ev, n->kid[i], &args[i]) < 0)
			return -1;
	err.kind = CDP_ERR_NONE;
	*out = (struct cdp_value){ 0 };
	if (!ev->call ||
	    ev->call(ev->call_host, (unsigned)n->ref, args, n->count, out, &err) < 0)
		return host_failed(ev, n, &err);
	out->from_record = true;
	return 0;
}

static int entity_value(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *out)
{
	struct cdp_value id;

	if (cdp_node_value(ev, n->kid[0], &id) < 0)
		return -1;
	*out = (struct cdp_value){ 0 };
	if (!ev->entity_fetch ||
	    !ev->entity_fetch(ev->entity_host, n->ref, &id, ev->arena, out))
		return missing(ev, n);
	out->from_record = true;
	return 0;
}

/* ---- values ---- */

static int select_value(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *out)
{
	struct cdp_value v;

	if (cdp_node_value(ev, n->kid[0], &v) < 0)
		return -1;
	if (v.type != CDP_V_MAP)
		return cdp_eval_fail(ev, "no member '%s' in a value of type %s", n->name,
				     cdp_type_word(v.type));
	if (cdp_map_get_str(v.map, n->name, n->name_n, out))
		return 0;
	return missing(ev, n);
}

static int has_member(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value v, ignored;

	if (cdp_node_value(ev, n->kid[0], &v) < 0)
		return -1;
	if (v.type != CDP_V_MAP)
		return cdp_eval_fail(ev, "no member '%s' in a value of type %s", n->name,
				     cdp_type_word(v.type));
	return cdp_map_get_str(v.map, n->name, n->name_n, &ignored);
}

static int container_value(struct cdp_eval *ev, const struct cdp_node *n,
			   struct cdp_value *out)
{
	/* Twice: the container keeps a copy. */
	struct cdp_value *items = cdp_eval_alloc(ev, n->count * 2 * sizeof(*items));

	if (!items)
		return -1;
	for (uint32_t i = 0; i < n->count; i++)
		if (cdp_node_value(ev, n->kid[i], &items[i]) < 0)
			return -1;
	if (n->op == CDP_N_MAP)
		return cdp_op_map(ev, items, n->count / 2, out);
	*out = (struct cdp_value){ .type = CDP_V_LIST };
	out->list = cdp_list_new(ev->arena, items, n->count);
	return cdp_eval_made(ev, out);
}

static int call_value(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *out)
{
	struct cdp_value args[CDP_FUNC_ARGS];

	for (uint32_t i = 0; i < n->count; i++)
		if (cdp_node_value(ev, n->kid[i], &args[i]) < 0)
			return -1;
	return n->func->call(ev, n, args, out);
}

static int binary_value(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *out)
{
	struct cdp_value a, b;

	if (cdp_node_value(ev, n->kid[0], &a) < 0 ||
	    cdp_node_value(ev, n->kid[1], &b) < 0)
		return -1;
	if (n->op == CDP_N_INDEX)
		return cdp_op_index(ev, &a, &b, out);
	return cdp_op_arith(ev, (enum cdp_op)n->sub, &a, &b, out);
}

static int binary_test(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value a, b;

	if (cdp_node_value(ev, n->kid[0], &a) < 0 ||
	    cdp_node_value(ev, n->kid[1], &b) < 0)
		return -1;
	switch (n->op) {
	case CDP_N_EQ:
	case CDP_N_NE:
		if (cdp_eval_compare(ev, &a, &b) < 0)
			return -1;
		return cdp_value_equal(&a, &b) == (n->op == CDP_N_EQ);
	case CDP_N_IN:
		return cdp_op_in(ev, &a, &b);
	default:
		return cdp_op_order(ev, (enum cdp_op)n->sub, &a, &b);
	}
}

static int neg_value(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	struct cdp_value v;

	if (cdp_node_value(ev, n->kid[0], &v) < 0)
		return -1;
	return cdp_op_neg(ev, &v, out);
}

static int bool_value(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *out)
{
	int r = cdp_node_test(ev, n);

	if (r < 0)
		return -1;
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = r };
	return 0;
}

int cdp_node_value(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *out)
{
	int r;

	switch ((enum cdp_node_op)n->op) {
	case CDP_N_CONST:
		*out = n->value;
		return 0;
	case CDP_N_ERROR:
		return fail_with(ev, n->why, NULL);
	case CDP_N_SLOT:
		return slot_value(ev, n, out);
	case CDP_N_SLOT_TIME:
		return time_value(ev, n, out);
	case CDP_N_AS_OF:
		return as_of_value(ev, n, out);
	case CDP_N_HOST:
		return host_value(ev, n, out);
	case CDP_N_HOST_CALL:
		return host_call(ev, n, out);
	case CDP_N_ENTITY:
		return entity_value(ev, n, out);
	case CDP_N_AGG:
		return agg_value(ev, n, out);
	case CDP_N_POP:
		return pop_value(ev, n, out);
	case CDP_N_VAR:
		*out = ev->vars[n->ref];
		return 0;
	case CDP_N_SELECT:
		return select_value(ev, n, out);
	case CDP_N_LIST:
	case CDP_N_MAP:
		return container_value(ev, n, out);
	case CDP_N_COND:
		r = cdp_node_test(ev, n->kid[0]);
		return r < 0 ? -1 : cdp_node_value(ev, n->kid[r ? 1 : 2], out);
	case CDP_N_MACRO:
		return cdp_node_macro(ev, n, out);
	case CDP_N_NEG:
		return neg_value(ev, n, out);
	case CDP_N_INDEX:
	case CDP_N_ARITH:
		return binary_value(ev, n, out);
	case CDP_N_CALL:
		return call_value(ev, n, out);
	default:
		return bool_value(ev, n, out);
	}
}

/* ---- conditions ---- */

static int test_value(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value v;

	if (cdp_node_value(ev, n, &v) < 0)
		return -1;
	if (v.type != CDP_V_BOOL)
		return cdp_eval_fail(ev, "no such overload: a condition of type %s",
				     cdp_type_word(v.type));
	return v.b;
}

/* An operand that decides the result makes errors of the others vanish. */
static int test_junction(struct cdp_eval *ev, const struct cdp_node *n, int decides)
{
	bool failed = false;

	for (uint32_t i = 0; i < n->count; i++) {
		int r = cdp_node_test(ev, n->kid[i]);

		if (r == decides)
			return r;
		failed |= r < 0;
	}
	return failed ? -1 : !decides;
}

static int test_has_host(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value ignored;

	return host_value(ev, n, &ignored) == 0;
}

static int test_has_entity(struct cdp_eval *ev, const struct cdp_node *n)
{
	struct cdp_value ignored;

	return entity_value(ev, n, &ignored) == 0;
}

int cdp_node_test(struct cdp_eval *ev, const struct cdp_node *n)
{
	int r;

	switch ((enum cdp_node_op)n->op) {
	case CDP_N_AND:
		return test_junction(ev, n, 0);
	case CDP_N_OR:
		return test_junction(ev, n, 1);
	case CDP_N_NOT:
		r = cdp_node_test(ev, n->kid[0]);
		return r < 0 ? -1 : !r;
	case CDP_N_SLOT_IS:
		return slot_is(ev, n);
	case CDP_N_SLOT_CMP:
		return slot_cmp(ev, n);
	case CDP_N_TIME_CMP:
		return time_cmp(ev, n);
	case CDP_N_SLOT_IN:
		return slot_in(ev, n);
	case CDP_N_HAS_SLOT:
		return cdp_rec_get(ev->rec, n->ref)->type != CDP_MISSING;
	case CDP_N_HAS_HOST:
		return test_has_host(ev, n);
	case CDP_N_HAS_ENTITY:
		return test_has_entity(ev, n);
	case CDP_N_HAS:
		return has_member(ev, n);
	case CDP_N_EQ:
	case CDP_N_NE:
	case CDP_N_ORDER:
	case CDP_N_IN:
		return binary_test(ev, n);
	default:
		return test_value(ev, n);
	}
}
