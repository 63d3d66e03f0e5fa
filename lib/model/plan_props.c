/* The properties of a plan and what their values may be. */
#include "base/mem.h"
#include "base/num.h"
#include "format/canon.h"
#include "format/stamp.h"
#include "model/plan_tree.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

const char *const plan_type_names[PLAN_TYPES + 1] = {
	"any",  "string", "int",  "number", "decimal", "bool",
	"time", "date",   "list", "object", NULL,
};

/* --- periods, ranges, values --- */

int plan_when(enum plan_type type, const char *p, size_t n, const struct cdp_zone *zone,
	      int64_t *when, struct cdp_err *err)
{
	if (type == PLAN_DATE)
		return cdp_stamp_date(when, p, n, "%Y-%m-%d", err);
	return cdp_canon_time_text(when, p, n, zone, err);
}

/* An instant, or the beginning of a day. */
static int instant(const json_t *o, const char *key, int64_t *ms,
		   const struct cdp_zone *zone, const struct plan_where *w,
		   struct cdp_err *err)
{
	struct cdp_err why;
	const char *s = NULL;
	int64_t day;

	if (cdp_tree_str(o, key, &s, false, w->s, err) < 0)
		return -1;
	if (!s)
		return 0;
	if (plan_when(PLAN_DATE, s, strlen(s), zone, &day, &why) == 0) {
		*ms = cdp_zone_day_start(zone, day) * 1000;
		return 0;
	}
	if (plan_when(PLAN_TIME, s, strlen(s), zone, ms, &why) == 0)
		return 0;
	return plan_bad(err, w, key, "expected a date or a time, such as '2024-04-25'");
}

int plan_load_period(const json_t *o, struct plan_period *p, const struct cdp_zone *zone,
		     const struct plan_where *w, struct cdp_err *err)
{
	*p = (struct plan_period){ INT64_MIN, INT64_MAX };
	if (instant(o, "since", &p->since, zone, w, err) < 0 ||
	    instant(o, "until", &p->until, zone, w, err) < 0)
		return -1;
	return p->since < p->until ? 0 : plan_bad(err, w, "until", "not after 'since'");
}

static bool is_numeric(enum plan_type t)
{
	return t == PLAN_INT || t == PLAN_NUMBER || t == PLAN_DECIMAL;
}

/* The text of a number of the plan: as short as reads back the same. */
static void number_text(const json_t *v, struct cdp_buf *b)
{
	cdp_buf_reset(b);
	if (json_is_integer(v))
		cdp_buf_addi(b, json_integer_value(v));
	else
		cdp_num_add_double(b, json_real_value(v));
}

static int limit(const json_t *o, const char *key, const struct plan_prop *p,
		 struct plan_limit *l, const struct cdp_zone *zone,
		 const struct plan_where *w, struct cdp_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct cdp_err why;
	struct cdp_buf b;

	if (!v)
		return 0;
	if (p->type == PLAN_TIME || p->type == PLAN_DATE) {
		if (!json_is_string(v) ||
		    plan_when(p->type, json_string_value(v), json_string_length(v), zone,
			      &l->when, &why) < 0)
			return plan_bad(err, w, key, "expected a value of the type");
		l->text = cdp_strdup(json_string_value(v));
		l->is = true;
		return 0;
	}
	if (!is_numeric(p->type))
		return plan_bad(err, w, key,
				"only numbers, times and dates have a range");
	if (!json_is_number(v))
		return plan_bad(err, w, key, "expected a number");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	number_text(v, &b);
	l->dbl = json_number_value(v);
	l->is = true;
	if (cdp_decimal_parse(&l->dec, b.p, b.n, &why) < 0)
		l->is = false;
	l->text = cdp_strndup(b.p, b.n);
	cdp_buf_release(&b);
	return l->is ? 0 : plan_bad(err, w, key, "too large or too fine a number");
}

static int lengths(const json_t *o, struct plan_prop *p, const struct plan_where *w,
		   struct cdp_err *err)
{
	p->min_length = p->max_length = -1;
	if (cdp_tree_int(o, "min_length", &p->min_length, false, w->s, err) < 0 ||
	    cdp_tree_int(o, "max_length", &p->max_length, false, w->s, err) < 0)
		return -1;
	if ((p->min_length >= 0 || p->max_length >= 0) && p->type != PLAN_STRING &&
	    p->type != PLAN_LIST)
		return plan_bad(err, w, p->min_length >= 0 ? "min_length" : "max_length",
				"only strings and lists have a length");
	return 0;
}

static int allowed_number(struct plan_prop *p, const json_t *v, struct cdp_buf *b)
{
	struct cdp_err why;

	if (!json_is_number(v))
		return -1;
	number_text(v, b);
	return cdp_decimal_parse(&p->numbers[p->number_count++], b->p, b->n, &why);
}

static int allowed(const json_t *o, struct plan_prop *p, const struct plan_where *w,
		   struct cdp_err *err)
{
	const json_t *list = json_object_get(o, "enum");
	bool numeric = is_numeric(p->type);
	struct cdp_buf b;
	int rc = 0;

	if (!list)
		return 0;
	if (!numeric && p->type != PLAN_STRING && p->type != PLAN_DATE)
		return plan_bad(err, w, "enum", "only of strings, dates and numbers");
	if (!json_is_array(list) || !json_array_size(list))
		return plan_bad(err, w, "enum", "expected a list of values");
	if (numeric)
		p->numbers = cdp_calloc(json_array_size(list), sizeof(*p->numbers));
	else
		p->texts = cdp_intern_new(json_array_size(list));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
		const json_t *v = json_array_get(list, i);

		if (numeric)
			rc = allowed_number(p, v, &b);
		else if (json_is_string(v))
			cdp_intern_put(p->texts, json_string_value(v),
				       json_string_length(v), NULL);
		else
			rc = -1;
	}
	cdp_buf_release(&b);
	return rc < 0 ? plan_bad(err, w, "enum", "a value that is not of the type") : 0;
}

static int pattern(const json_t *o, struct plan_prop *p, const struct plan_where *w,
		   struct cdp_err *err)
{
	struct plan_where at = plan_below(w, "pattern");

	if (plan_dup_str(o, "pattern", &p->pattern_text, false, w, err) < 0)
		return -1;
	if (!p->pattern_text)
		return 0;
	if (p->type != PLAN_STRING)
		return plan_bad(err, w, "pattern", "only strings have one");
	p->pattern = cdp_regex_new(p->pattern_text, strlen(p->pattern_text), err);
	if (p->pattern)
		return 0;
	cdp_err_prefix(err, "%s", at.s);
	return -1;
}

/* --- properties --- */

static int load_below(struct cdp_plan *plan, struct plan_prop *p, const json_t *o,
		      const struct plan_where *w, struct cdp_err *err)
{
	const json_t *list;
	struct plan_where at = plan_below(w, "properties");

	if (plan_object(o, "properties", &list, w, err) < 0)
		return -1;
	if (!list && !json_object_get(o, "additional"))
		return 0;
	if (p->type != PLAN_OBJECT)
		return plan_bad(err, w, list ? "properties" : "additional",
				"only objects have properties");
	p->below = cdp_calloc(1, sizeof(*p->below));
	p->below->additional = true;
	if (cdp_tree_bool(o, "additional", &p->below->additional, false, w->s, err) < 0)
		return -1;
	return plan_load_props(plan, p->below, list, NULL, &at, err);
}

static int load_prop(struct cdp_plan *plan, struct plan_prop *p, const char *name,
		     const json_t *o, const struct plan_where *w, struct cdp_err *err);

static int load_items(struct cdp_plan *plan, struct plan_prop *p, const json_t *o,
		      const struct plan_where *w, struct cdp_err *err)
{
	struct plan_where at = plan_below(w, "items");
	const json_t *items;

	if (plan_object(o, "items", &items, w, err) < 0)
		return -1;
	if (!items)
		return 0;
	if (p->type != PLAN_LIST)
		return plan_bad(err, w, "items", "only lists have items");
	p->items = cdp_calloc(1, sizeof(*p->items));
	return load_prop(plan, p->items, "items", items, &at, err);
}

static int load_prop(struct cdp_plan *plan, struct plan_prop *p, const char *name,
		     const json_t *o, const struct plan_where *w, struct cdp_err *err)
{
	static const char *const known[] = { "type",       "required",   "enum",
					     "pattern",    "min",        "max",
					     "min_length", "max_length", "since",
					     "until",      "properties", "additional",
					     "items",      "aliases",    "title",
					     "owner",      "note",       NULL };
	const char *type = "any", *text = NULL;
	int t;

	*p = (struct plan_prop){ .name = cdp_strdup(name),
				 .name_n = strlen(name),
				 .quoted = plan_quoted(name),
				 .id = plan->prop_ids++ };
	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", w->s);
	if (cdp_tree_known(o, known, w->s, err) < 0 ||
	    cdp_tree_str(o, "type", &type, false, w->s, err) < 0)
		return -1;
	t = plan_one_of(plan_type_names, PLAN_TYPES, "type", type, w, "type", err);
	if (t < 0)
		return -1;
	p->type = (enum plan_type)t;
	if (cdp_tree_bool(o, "required", &p->required, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "title", &text, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "owner", &text, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "note", &text, false, w->s, err) < 0 ||
	    plan_load_period(o, &p->period, plan->zone, w, err) < 0 ||
	    limit(o, "min", p, &p->min, plan->zone, w, err) < 0 ||
	    limit(o, "max", p, &p->max, plan->zone, w, err) < 0 ||
	    lengths(o, p, w, err) < 0 || allowed(o, p, w, err) < 0 ||
	    pattern(o, p, w, err) < 0 || load_items(plan, p, o, w, err) < 0)
		return -1;
	return load_below(plan, p, o, w, err);
}

/* Names an event or property and its aliases; none may stand for two. */
int plan_add_names(struct cdp_intern *names, unsigned **alias_of, unsigned i,
		   const char *name, const json_t *o, const struct plan_where *w,
		   struct cdp_err *err)
{
	size_t count = 0;
	char **aliases = NULL;
	bool added = true;
	int rc = plan_strings(o, "aliases", &aliases, &count, w, err);

	for (size_t k = 0; k <= count && rc == 0; k++) {
		const char *s = k ? aliases[k - 1] : name;
		uint32_t id = cdp_intern_put(names, s, strlen(s), &added);

		if (!added) {
			rc = cdp_err_set(err, CDP_ERR_USAGE, "%s: '%s' is taken", w->s,
					 s);
			break;
		}
		*alias_of = cdp_realloc(*alias_of, id + 1, sizeof(**alias_of));
		(*alias_of)[id] = i;
	}
	for (size_t k = 0; k < count; k++)
		free(aliases[k]);
	free(aliases);
	return rc;
}

static int add_prop(struct cdp_plan *plan, struct plan_props *props, const char *name,
		    const json_t *o, const struct plan_where *w, struct cdp_err *err)
{
	struct plan_where at = plan_below(w, name);
	unsigned i = props->n++;

	if (load_prop(plan, &props->v[i], name, o, &at, err) < 0)
		return -1;
	props->required += props->v[i].required;
	return plan_add_names(props->names, &props->alias_of, i, name, o, &at, err);
}

/* Those of the list, then common ones that the list does not have. */
int plan_load_props(struct cdp_plan *plan, struct plan_props *props, const json_t *list,
		    const json_t *common, const struct plan_where *w, struct cdp_err *err)
{
	static const struct plan_where shared = { "properties" };
	size_t n = json_object_size(list) + json_object_size(common);
	const char *name;
	json_t *o;

	props->v = cdp_calloc(n + 1, sizeof(*props->v));
	props->names = cdp_intern_new(n);
	json_object_foreach((json_t *)list, name, o)
	{
		if (add_prop(plan, props, name, o, w, err) < 0)
			return -1;
	}
	json_object_foreach((json_t *)common, name, o)
	{
		if (json_object_get(list, name))
			continue;
		if (add_prop(plan, props, name, o, &shared, err) < 0)
			return -1;
		props->v[props->n - 1].common = true;
	}
	return 0;
}
