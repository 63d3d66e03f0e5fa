#include "cli/segment_explain.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "cli/segment_ranks.h"
#include "record/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VAGUE = -2 }; /* meets the rule; whether he is left is not known */

struct place {
	bool found;
	bool vague; /* who else meets the rule hangs on another one's cut */
	struct cdp_segment_rank r;
};

struct explained {
	struct cdp_cli *cli;
	const struct cdp_segment_job *job;
	const char *one_id;
	const uint32_t *sets;
	uint32_t set_count;
	struct cdp_rows *rows;
	struct cdp_eval *ev;
	struct cdp_known *known; /* or NULL */
	struct cdp_rec *rec;
	/* Whose profile is at hand, and of which given audiences he is a member. */
	const char *who;
	size_t who_n;
	const uint64_t *given;
	unsigned set; /* at hand */
	struct cdp_buf reads, text;
	uint64_t found;
	/* Where audiences are cut by rank: others' values, and the customer's profiles to
	 * be explained after them; NULL: none is. */
	struct cdp_segment_ranks *ranks;
	struct place *places; /* by audience */
	bool all_read;
	bool asked_vague; /* the rule at hand asked who is left of such a one */
	struct cdp_buf mine;
	const struct cdp_buf *place; /* what a row about the rank reads */
};

/* --- deciding one profile --- */

/* The customer's place in an audience that is cut by rank, or NULL. */
static const struct cdp_segment_rank *place_in(struct explained *x, uint32_t set)
{
	struct place *p = &x->places[set];

	if (!x->all_read || x->job->set->v[set].cut <= CDP_CUT_SAMPLE || p->vague)
		return NULL;
	if (!p->found)
		cdp_segment_ranks_of(x->ranks, set, x->one_id, strlen(x->one_id), &p->r);
	p->found = true;
	return &p->r;
}

static int vague(struct explained *x, const struct cdp_segment *g, struct cdp_err *err)
{
	x->asked_vague = true;
	cdp_err_set(err, CDP_ERR_EVAL,
		    "who is left in '%s' hangs on all who meet its rule", g->name);
	return VAGUE;
}

/* Whether the rule is met: 1, 0, -1 (error) or VAGUE. */
static int meets_rule(struct explained *x, const struct cdp_segment *g,
		      struct cdp_err *err)
{
	bool before = x->asked_vague;
	int v;

	x->asked_vague = false;
	v = cdp_rules_match(x->job->set->rules, g->rule, x->ev, x->rec, err);
	if (v < 0 && x->asked_vague)
		v = VAGUE;
	x->asked_vague = before || v == VAGUE;
	return v;
}

static void look_at(struct explained *x, const char *key, size_t n)
{
	x->who = key;
	x->who_n = n;
	x->given = cdp_members_get(x->job->given, key, n);
}

static int decide(struct explained *x, uint32_t set, struct cdp_err *err)
{
	const struct cdp_segment_rank *place;

	const struct cdp_segments *s = x->job->set;
	const struct cdp_segment *g = &s->v[set];
	int v;

	if (g->rule == CDP_RULE_GIVEN)
		return set >= s->defined && x->given &&
		       cdp_bit(x->given, set - s->defined);
	v = meets_rule(x, g, err);
	if (v <= 0 || g->cut == CDP_CUT_NONE)
		return v;
	if (g->cut == CDP_CUT_SAMPLE)
		return cdp_segment_samples(g, x->who, x->who_n);
	place = place_in(x, set);
	return place ? place->rank && place->rank <= place->left : vague(x, g, err);
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct explained *x = host;
	struct cdp_err reason;
	int v;

	if (cdp_rule_ask_kind((uint32_t)ref))
		return cdp_known_fetch(x->known, ref, out, err);
	v = decide(x, (uint32_t)ref, &reason);
	*out = (struct cdp_value){ .type = CDP_V_BOOL };
	out->b = v > 0;
	return v == VAGUE ? cdp_err_set(err, CDP_ERR_EVAL, "%s", reason.msg) : 0;
}

/* --- rows --- */

static void pass_set(void *ctx, int ref)
{
	(void)ctx;
	(void)ref;
}

static void add_read(void *ctx, int slot, const char *path)
{
	struct explained *x = ctx;
	const struct cdp_val *v = cdp_rec_get(x->rec, slot);

	if (v->type == CDP_MISSING)
		return;
	cdp_json_key(&x->reads, path);
	cdp_json_val(&x->reads, v);
}

/* What was gathered: "count(event == 'a')", "details.holding". */
static void add_ask(struct explained *x, uint32_t ask)
{
	static const char *const roots[] = { [CDP_TAG_REF_ATTRIBUTE] = "profile",
					     [CDP_TAG_REF_DETAIL] = "details",
					     [CDP_TAG_REF_RELATION] = "relations",
					     [CDP_TAG_REF_LINK] = "links" };
	const struct cdp_tagset *t = x->job->set->asked;
	unsigned kind = cdp_rule_ask_kind(ask);
	uint32_t i = cdp_rule_ask_index(ask);
	struct cdp_value v;
	struct cdp_err ignored;
	const char *name;
	char *text;
	size_t n;

	if (kind == CDP_RULE_ASK_AGG) {
		cdp_known_agg(x->known, i, &v);
		cdp_json_key(&x->reads, cdp_aggs_at(t->aggs, i)->text);
	} else if (cdp_known_fetch(x->known, (int)ask, &v, &ignored) == 0) {
		name = cdp_intern_key(kind == CDP_TAG_REF_ATTRIBUTE ? t->attributes
				      : kind == CDP_TAG_REF_DETAIL  ? t->details
								    : t->relations,
				      i, &n);
		text = cdp_asprintf("%s.%.*s", roots[kind], (int)n, name);
		cdp_json_key(&x->reads, text);
		free(text);
	} else {
		return;
	}
	cdp_value_json(&x->reads, &v);
}

/* `l` is the leaf that the row is about, or NULL. */
static void write_row(struct explained *x, unsigned depth, const char *text, int value,
		      const struct cdp_err *err, const struct cdp_rule_leaf *l)
{
	const char *name = x->job->set->v[x->set].name;
	bool error = value < 0;

	cdp_buf_reset(&x->reads);
	cdp_buf_addc(&x->reads, '{');
	if (l)
		cdp_part_reads(l->expr, pass_set, add_read, x);
	for (size_t i = 0; l && i < l->asks.n; i++)
		add_ask(x, l->asks.v[i]);
	cdp_buf_addc(&x->reads, '}');
	cdp_buf_reset(&x->text);
	for (unsigned i = 0; x->cli->opt.table && i < depth; i++)
		cdp_buf_adds(&x->text, "  ");
	cdp_buf_adds(&x->text, text);
	cdp_rows_begin(x->rows, "explain");
	cdp_rows_cstr(x->rows, cdp_paths_key(x->job->paths), x->one_id);
	cdp_rows_cstr(x->rows, "segment", name);
	cdp_rows_int(x->rows, "depth", depth);
	cdp_rows_str(x->rows, "condition", x->text.p, x->text.n);
	cdp_rows_cstr(x->rows, "value", error ? "error" : value ? "true" : "false");
	if (x->place)
		cdp_rows_json(x->rows, "reads", x->place->p, x->place->n);
	else
		cdp_rows_json(x->rows, "reads", x->reads.p, x->reads.n);
	if (error && err)
		cdp_rows_cstr(x->rows, "error", err->msg);
	else
		cdp_rows_null(x->rows, "error");
	cdp_rows_end(x->rows);
}

static void explain_set(struct explained *x, uint32_t set, unsigned depth);

static void explain(struct explained *x, uint32_t node, unsigned depth)
{
	static const char *const words[] = { [CDP_RULE_AND] = "all of",
					     [CDP_RULE_OR] = "one of",
					     [CDP_RULE_NOT] = "not",
					     [CDP_RULE_COND] = "if, then, else" };
	const struct cdp_rules *r = x->job->set->rules;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	struct cdp_err err = { 0 };
	int v = cdp_rules_match(r, node, x->ev, x->rec, &err);

	if (n->kind == CDP_RULE_SET) {
		explain_set(x, kids[0], depth);
	} else if (n->kind == CDP_RULE_LEAF) {
		const struct cdp_rule_leaf *l = &r->leaves[kids[0]];

		write_row(x, depth, cdp_expr_text(l->expr), v, &err, l);
	} else {
		write_row(x, depth, words[n->kind], v, NULL, NULL);
		for (uint32_t i = 0; i < n->count; i++)
			explain(x, kids[i], depth + 1);
	}
}

static void put_number(struct cdp_buf *b, const char *name, double v)
{
	cdp_json_key(b, name);
	cdp_value_json(b, isfinite(v)
				  ? &(struct cdp_value){ .type = CDP_V_DOUBLE, .d = v }
				  : &(struct cdp_value){ .type = CDP_V_NULL });
}

/* Who is left of those who meet the rule, and the customer's place among them. */
static void write_rank(struct explained *x, const struct cdp_segment *g, unsigned depth,
		       const struct cdp_segment_rank *r)
{
	const char *by = cdp_expr_text(x->job->set->by[g->by]);
	char *text = cdp_asprintf("among the first %u of %u by %s", r->left, r->of, by);
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addc(&b, '{');
	cdp_json_key(&b, "rank");
	if (r->rank)
		cdp_buf_addi(&b, r->rank);
	else
		cdp_buf_adds(&b, "null");
	put_number(&b, "value", r->value);
	put_number(&b, "last", r->at_cut);
	cdp_buf_addc(&b, '}');
	x->place = &b;
	write_row(x, depth, text, r->rank && r->rank <= r->left, NULL, NULL);
	x->place = NULL;
	cdp_buf_release(&b);
	free(text);
}

static void explain_cut(struct explained *x, uint32_t set, unsigned depth)
{
	const struct cdp_segment *g = &x->job->set->v[set];
	const struct cdp_segment_rank *place = place_in(x, set);

	if (g->cut == CDP_CUT_SAMPLE)
		write_row(x, depth, "in the sample",
			  cdp_segment_samples(g, x->one_id, strlen(x->one_id)), NULL,
			  NULL);
	else if (place)
		write_rank(x, g, depth, place);
	else if (g->cut != CDP_CUT_NONE)
		cdp_cli_note(x->cli,
			     "audience '%s' is cut by rank among all who meet its rule",
			     g->name);
}

static void explain_set(struct explained *x, uint32_t set, unsigned depth)
{
	const struct cdp_segments *s = x->job->set;
	const struct cdp_segment *g = &s->v[set];
	struct cdp_err err = { 0 };
	int v;
	char *text = g->list ? cdp_strdup("in the list")
			     : cdp_asprintf("segments.%s", g->name);

	v = decide(x, set, &err);
	write_row(x, depth, text, v, v == VAGUE ? &err : NULL, NULL);
	free(text);
	if (g->rule == CDP_RULE_GIVEN)
		return;
	explain(x, g->rule, depth + 1);
	explain_cut(x, set, depth + 1);
}

/* --- the customer's profiles --- */

static void explain_profile(struct explained *x, struct cdp_rec *rec, uint32_t customer)
{
	x->rec = rec;
	look_at(x, x->one_id, strlen(x->one_id));
	for (uint32_t i = 0; i < x->set_count; i++) {
		if (x->known)
			cdp_known_turn(x->known, customer);
		x->set = x->sets[i];
		explain_set(x, x->sets[i], 0);
		cdp_eval_reset(x->ev);
	}
}

static bool meets(void *ctx, uint32_t set)
{
	struct explained *x = ctx;
	struct cdp_err ignored;
	int v = meets_rule(x, &x->job->set->v[set], &ignored);

	x->places[set].vague |= v == VAGUE;
	return v > 0;
}

static int look(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		struct cdp_err *err)
{
	struct explained *x = ctx;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);

	(void)emit;
	(void)err;
	if (x->ranks && one_id->type == CDP_STRING && !one_id->escaped) {
		x->rec = rec;
		look_at(x, one_id->p, one_id->n);
		cdp_segment_ranks_add(x->ranks, one_id->p, one_id->n, rec, x->ev, meets,
				      x);
	}
	if (!cdp_val_is(one_id, x->one_id, strlen(x->one_id)))
		return 0;
	x->found++;
	if (!x->ranks) {
		explain_profile(x, rec, CDP_NOBODY);
		return 0;
	}
	cdp_buf_add(&x->mine, rec->raw, rec->len);
	cdp_buf_addc(&x->mine, '\n');
	return 0;
}

/* Profiles that were put off until others were known. */
static void explain_mine(struct explained *x)
{
	static const char end[CDP_IN_PAD];
	struct cdp_scan *scan = cdp_scan_new(x->job->paths);
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	size_t n = x->mine.n;

	x->all_read = true;
	cdp_buf_add(&x->mine, end, sizeof(end));
	cdp_scan_block(scan, x->mine.p, n);
	while (cdp_scan_next(scan, &rec, &err) > 0)
		explain_profile(x, &rec, CDP_NOBODY);
	cdp_scan_free(scan);
}

/* A profile of a customer, to be explained or to be held against that one's. */
static void turn_to(struct explained *x, struct cdp_scan *scan, uint32_t customer,
		    const char *line, size_t n)
{
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	const char *key;
	size_t len;

	cdp_scan_block(scan, line, n + 1);
	if (cdp_scan_next(scan, &rec, &err) <= 0)
		return;
	if (x->all_read) {
		x->found++;
		explain_profile(x, &rec, customer);
		return;
	}
	key = cdp_customers_key(x->job->set->customers, customer, &len);
	x->rec = &rec;
	look_at(x, key, len);
	if (x->known)
		cdp_known_turn(x->known, customer);
	cdp_segment_ranks_add(x->ranks, key, len, &rec, x->ev, meets, x);
	x->rec = NULL;
}

static void turn_to_customer(struct explained *x, struct cdp_scan *scan,
			     struct cdp_buf *line, uint32_t customer)
{
	const struct cdp_shelf *shelf = x->job->gathered->shelf;
	uint32_t profiles = cdp_shelf_count(shelf, customer);
	size_t n;

	for (uint32_t i = 0; i < profiles; i++) {
		const char *text = cdp_shelf_line(shelf, customer, i, &n);

		turn_to(x, scan, customer, text, n);
	}
	if (!profiles) {
		const char *key = cdp_customers_key(x->job->set->customers, customer, &n);

		cdp_buf_reset(line);
		cdp_segment_no_profile(line, x->job->paths, key, n);
		turn_to(x, scan, customer, line->p, line->n - 1);
	}
}

static void explain_gathered(struct explained *x)
{
	const struct cdp_customers *c = x->job->set->customers;
	struct cdp_scan *scan = cdp_scan_new(x->job->paths);
	size_t want = strlen(x->one_id), n;
	struct cdp_buf line;

	cdp_buf_init(&line, CDP_BUF_NOMAX);
	for (uint32_t i = 0; x->ranks && i < cdp_customers_count(c); i++)
		turn_to_customer(x, scan, &line, cdp_customers_at(c, i));
	x->all_read = true;
	for (uint32_t i = 0; i < cdp_customers_count(c); i++) {
		uint32_t customer = cdp_customers_at(c, i);
		const char *key = cdp_customers_key(c, customer, &n);

		if (n == want && memcmp(key, x->one_id, n) == 0)
			turn_to_customer(x, scan, &line, customer);
	}
	cdp_buf_release(&line);
	cdp_scan_free(scan);
}

/* Those that are asked for and all that these refer to; sets has room for all. */
static uint32_t needed_sets(const struct cdp_segments *s, const uint32_t *asked,
			    uint32_t count, uint32_t *sets)
{
	bool *needed = cdp_calloc((size_t)s->count + 1, sizeof(*needed));
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		needed[asked[i]] = true;
	for (uint32_t i = s->count; i-- > 0;) {
		const struct cdp_segment *g = &s->v[s->order[i]];

		if (!needed[s->order[i]])
			continue;
		sets[n++] = s->order[i];
		for (uint32_t k = 0; k < g->needs.n; k++)
			needed[g->needs.v[k]] = true;
	}
	free(needed);
	return n;
}

static struct cdp_segment_ranks *ranks_of(const struct cdp_segments *s,
					  const uint32_t *asked, uint32_t count)
{
	uint32_t *sets = cdp_alloc(((size_t)s->count + 1) * sizeof(*sets));
	uint32_t n = needed_sets(s, asked, count, sets);
	struct cdp_segment_ranks *r = cdp_segment_ranks_new(s, sets, n);

	free(sets);
	return r;
}

bool cdp_segment_explain_reads_all(const struct cdp_segments *s, const uint32_t *sets,
				   uint32_t set_count)
{
	struct cdp_segment_ranks *r = ranks_of(s, sets, set_count);
	bool all = r != NULL;

	cdp_segment_ranks_free(r);
	return all;
}

void cdp_segment_explain(struct cdp_cli *cli, const struct cdp_segment_job *job,
			 const char *one_id, const uint32_t *sets, uint32_t set_count)
{
	struct explained x = { .cli = cli,
			       .job = job,
			       .one_id = one_id,
			       .sets = sets,
			       .set_count = set_count };
	const struct cdp_job loop = {
		.ctx = &x, .paths = job->paths, .record = look, .serial = true
	};
	bool read = true;

	x.places = cdp_calloc((size_t)job->set->count + 1, sizeof(*x.places));
	x.rows = cdp_rows_new(cli);
	x.ev = cdp_eval_new(&cli->opt.run);
	if (job->set->asked)
		x.known = cdp_known_new(job->set->asked, job->set->customers, x.ev);
	cdp_eval_set_host(x.ev, fetch, &x);
	cdp_buf_init(&x.reads, CDP_BUF_NOMAX);
	cdp_buf_init(&x.text, CDP_BUF_NOMAX);
	cdp_buf_init(&x.mine, CDP_BUF_NOMAX);
	x.ranks = ranks_of(job->set, sets, set_count);
	if (job->gathered) {
		explain_gathered(&x);
	} else {
		read = cdp_cli_run(cli, &loop) == 0;
		if (read && x.mine.n)
			explain_mine(&x);
	}
	if (read && !x.found)
		cdp_cli_note(cli,
			     job->gathered ? "nothing is known of '%s' here"
					   : "'%s' has no profile here",
			     one_id);
	cdp_rows_free(x.rows);
	cdp_known_free(x.known);
	cdp_eval_free(x.ev);
	cdp_buf_release(&x.reads);
	cdp_buf_release(&x.text);
	cdp_buf_release(&x.mine);
	cdp_segment_ranks_free(x.ranks);
	free(x.places);
}
