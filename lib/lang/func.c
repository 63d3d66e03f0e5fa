/* Functions over strings, and the table of all functions. */
#include "base/text.h"
#include "lang/prog.h"

#include <stdlib.h>
#include <string.h>

const struct cdp_func *const cdp_func_tables[] = {
	cdp_string_funcs, cdp_text_funcs,  cdp_conv_funcs,
	cdp_time_funcs,   cdp_civil_funcs, cdp_trade_funcs,
	cdp_number_funcs, cdp_list_funcs,  NULL
};

const struct cdp_func *cdp_func_find(const char *name, size_t n, unsigned style)
{
	for (size_t i = 0; cdp_func_tables[i]; i++)
		for (const struct cdp_func *f = cdp_func_tables[i]; f->name; f++)
			if ((f->style & style) && strlen(f->name) == n &&
			    memcmp(f->name, name, n) == 0)
				return f;
	return NULL;
}

bool cdp_func_takes_zone(const struct cdp_func *f)
{
	return f->min < f->max && f->takes[f->max - 1] == CDP_TAKES_STRING &&
	       (f->takes[0] & CDP_TAKES_TIME || f->needs_run);
}

static int no_overload(struct cdp_eval *ev, const struct cdp_node *n,
		       const struct cdp_value *args)
{
	return cdp_eval_fail(ev, "no such overload: %s(%s%s%s)", n->func->name,
			     cdp_type_word(args[0].type), n->count > 1 ? ", " : "",
			     n->count > 1 ? cdp_type_word(args[1].type) : "");
}

static void set_bool(struct cdp_value *out, bool b)
{
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = b };
}

static int size_of(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	size_t size;

	switch (args[0].type) {
	case CDP_V_STRING:
		if (cdp_eval_spend(ev, args[0].s.n / 64) < 0)
			return -1;
		size = cdp_utf8_count(args[0].s.p, args[0].s.n);
		break;
	case CDP_V_BYTES:
		size = args[0].s.n;
		break;
	case CDP_V_LIST:
		size = cdp_list_count(args[0].list);
		break;
	case CDP_V_MAP:
		size = cdp_map_count(args[0].map);
		break;
	default:
		return no_overload(ev, n, args);
	}
	*out = (struct cdp_value){ .type = CDP_V_INT,
				   .from_record = args[0].from_record };
	out->i = (int64_t)size;
	return 0;
}

static bool two_strings(const struct cdp_value *args)
{
	return args[0].type == CDP_V_STRING && args[1].type == CDP_V_STRING;
}

static int contains(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		    struct cdp_value *out)
{
	if (!two_strings(args))
		return no_overload(ev, n, args);
	if (cdp_eval_spend(ev, args[0].s.n / 64) < 0)
		return -1;
	set_bool(out, args[1].s.n == 0 || (args[0].s.n >= args[1].s.n &&
					   memmem(args[0].s.p, args[0].s.n, args[1].s.p,
						  args[1].s.n) != NULL));
	return 0;
}

static int starts_with(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	if (!two_strings(args))
		return no_overload(ev, n, args);
	if (cdp_eval_compare(ev, &args[0], &args[1]) < 0)
		return -1;
	set_bool(out, args[0].s.n >= args[1].s.n &&
			      (args[1].s.n == 0 ||
			       memcmp(args[0].s.p, args[1].s.p, args[1].s.n) == 0));
	return 0;
}

static int ends_with(struct cdp_eval *ev, const struct cdp_node *n,
		     struct cdp_value *args, struct cdp_value *out)
{
	size_t at = args[0].s.n - args[1].s.n;

	if (!two_strings(args))
		return no_overload(ev, n, args);
	if (cdp_eval_compare(ev, &args[0], &args[1]) < 0)
		return -1;
	set_bool(out, args[0].s.n >= args[1].s.n &&
			      (args[1].s.n == 0 ||
			       memcmp(args[0].s.p + at, args[1].s.p, args[1].s.n) == 0));
	return 0;
}

/* A pattern that is no constant, compiled and kept among the last few. */
static const struct cdp_regex *cached_regex(struct cdp_eval *ev,
					    const struct cdp_value *v)
{
	struct cdp_regex *re;
	struct cdp_err err;

	for (unsigned i = 0; i < CDP_REGEX_CACHE; i++)
		if (ev->regexes[i].re && ev->regexes[i].n == v->s.n &&
		    memcmp(ev->regexes[i].pattern, v->s.p, v->s.n) == 0)
			return ev->regexes[i].re;
	if (cdp_eval_spend(ev, 1000 + v->s.n * 10) < 0)
		return NULL;
	re = cdp_regex_new(v->s.p, v->s.n, &err);
	if (!re) {
		cdp_eval_fail(ev, "%s", err.msg);
		return NULL;
	}
	free(ev->regexes[CDP_REGEX_CACHE - 1].pattern);
	cdp_regex_free(ev->regexes[CDP_REGEX_CACHE - 1].re);
	memmove(ev->regexes + 1, ev->regexes,
		(CDP_REGEX_CACHE - 1) * sizeof(*ev->regexes));
	ev->regexes[0].pattern = cdp_memdup(v->s.p, v->s.n);
	ev->regexes[0].n = v->s.n;
	ev->regexes[0].re = re;
	return re;
}

static int matches(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	const struct cdp_regex *re = n->regex;
	struct cdp_err err;
	int r;

	if (!two_strings(args))
		return no_overload(ev, n, args);
	if (!re && !(re = cached_regex(ev, &args[1])))
		return -1;
	if (cdp_eval_spend(ev, 10 + args[0].s.n / 8) < 0)
		return -1;
	if (!ev->work)
		ev->work = cdp_regex_work_new();
	r = cdp_regex_match(re, ev->work, args[0].s.p, args[0].s.n, &err);
	if (r < 0)
		return cdp_eval_fail(ev, "%s", err.msg);
	set_bool(out, r);
	return 0;
}

#define M CDP_F_METHOD
#define G CDP_F_GLOBAL
const struct cdp_func cdp_string_funcs[] = {
	{ "size",
	  M | G,
	  1,
	  1,
	  false,
	  CDP_V_INT,
	  size_of,
	  { CDP_TAKES_STRING | CDP_TAKES_BYTES | CDP_TAKES_LIST | CDP_TAKES_MAP } },
	{ "contains",
	  M,
	  2,
	  2,
	  false,
	  CDP_V_BOOL,
	  contains,
	  { CDP_TAKES_STRING, CDP_TAKES_STRING } },
	{ "startsWith",
	  M,
	  2,
	  2,
	  false,
	  CDP_V_BOOL,
	  starts_with,
	  { CDP_TAKES_STRING, CDP_TAKES_STRING } },
	{ "endsWith",
	  M,
	  2,
	  2,
	  false,
	  CDP_V_BOOL,
	  ends_with,
	  { CDP_TAKES_STRING, CDP_TAKES_STRING } },
	{ "matches",
	  M | G,
	  2,
	  2,
	  false,
	  CDP_V_BOOL,
	  matches,
	  { CDP_TAKES_STRING, CDP_TAKES_STRING } },
	{ .name = NULL },
};
