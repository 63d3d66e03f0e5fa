#include "cli/opt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

enum { NAME_MAX_LEN = 64, TABLES_MAX = 8 };

struct parser {
	const struct cdp_opt *const *tables;
	size_t ntables;
	char **argv;
	int argc, at; /* argv[at] is the next word */
	bool stop;
};

static const struct cdp_opt *find_long(const struct parser *p, const char *name, size_t n)
{
	for (size_t t = 0; t < p->ntables; t++)
		for (const struct cdp_opt *o = p->tables[t]; o->type != CDP_OPT_END; o++)
			if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
				return o;
	return NULL;
}

static const struct cdp_opt *find_brief(const struct parser *p, char c)
{
	for (size_t t = 0; t < p->ntables; t++)
		for (const struct cdp_opt *o = p->tables[t]; o->type != CDP_OPT_END; o++)
			if (o->brief == c && c)
				return o;
	return NULL;
}

/* The unknown name with the nearest known one, if any is near. */
static int unknown_long(const struct parser *p, const char *name, size_t n,
			struct cdp_err *err)
{
	const char **names = NULL, *near;
	size_t count = 0, cap = 0;

	for (size_t t = 0; t < p->ntables; t++)
		for (const struct cdp_opt *o = p->tables[t]; o->type != CDP_OPT_END;
		     o++) {
			if (o->hidden)
				continue;
			CDP_GROW(names, count, cap);
			names[count++] = o->name;
		}
	near = cdp_text_suggest(name, n, names, count);
	free(names);
	if (near)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "unknown option '--%.*s'; did you mean '--%s'?",
				   (int)(n < NAME_MAX_LEN ? n : NAME_MAX_LEN), name,
				   near);
	return cdp_err_set(err, CDP_ERR_USAGE, "unknown option '--%.*s'",
			   (int)(n < NAME_MAX_LEN ? n : NAME_MAX_LEN), name);
}

/* Few choices are named; of many the one that was meant. */
static int no_choice(const struct cdp_opt *o, const char *value, struct cdp_err *err)
{
	enum { FEW = 8 };
	char all[200] = "";
	size_t n = 0;
	const char *near;

	while (o->choices[n])
		n++;
	near = cdp_text_suggest(value, strlen(value), (const char *const *)o->choices, n);
	if (n > FEW && near)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "unknown value '%.100s'; did you mean '%s'?", value,
				   near);
	if (n > FEW)
		return cdp_err_set(err, CDP_ERR_USAGE, "unknown value '%.100s'", value);
	for (size_t i = 0; i < n; i++) {
		if (i)
			strncat(all, ", ", sizeof(all) - strlen(all) - 1);
		strncat(all, o->choices[i], sizeof(all) - strlen(all) - 1);
	}
	return cdp_err_set(err, CDP_ERR_USAGE, "'%.100s' is none of %s", value, all);
}

static int set_choice(const struct cdp_opt *o, const char *value, struct cdp_err *err)
{
	for (int i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			*(int *)o->to = i;
			return 0;
		}
	}
	return no_choice(o, value, err);
}

static int set_value(const struct cdp_opt *o, const char *value, struct cdp_err *err)
{
	size_t n = value ? strlen(value) : 0;
	struct cdp_strs *list;
	int64_t min = o->min, max = o->max;

	switch (o->type) {
	case CDP_OPT_FLAG:
	case CDP_OPT_STOP:
		*(bool *)o->to = true;
		return 0;
	case CDP_OPT_STR:
		*(const char **)o->to = value;
		return 0;
	case CDP_OPT_LIST:
		list = o->to;
		CDP_GROW(list->v, list->n, list->cap);
		list->v[list->n++] = value;
		return 0;
	case CDP_OPT_INT:
		if (!min && !max) {
			min = INT64_MIN;
			max = INT64_MAX;
		}
		return cdp_num_i64(o->to, value, n, min, max, err);
	case CDP_OPT_SIZE:
		return cdp_num_size(o->to, value, n, INT64_MAX, err);
	case CDP_OPT_DURATION:
		return cdp_duration_parse(o->to, value, n, err);
	case CDP_OPT_CHOICE:
		return set_choice(o, value, err);
	case CDP_OPT_TIME:
		((struct cdp_opt_time *)o->to)->text = value;
		return 0;
	case CDP_OPT_END:
		break;
	}
	CDP_BUG("option '%s' has no type", o->name);
}

/* `word` is how the user wrote the option, for messages. */
static int apply(struct parser *p, const struct cdp_opt *o, const char *word,
		 const char *value, struct cdp_err *err)
{
	if (!o->arg && value)
		return cdp_err_set(err, CDP_ERR_USAGE, "option '%s' takes no value",
				   word);
	if (o->arg && !value) {
		if (p->at >= p->argc)
			return cdp_err_set(err, CDP_ERR_USAGE, "option '%s' requires %s",
					   word, o->arg);
		value = p->argv[p->at++];
	}
	if (set_value(o, value, err) < 0) {
		err->kind = CDP_ERR_USAGE;
		cdp_err_prefix(err, "option '%s'", word);
		return -1;
	}
	p->stop = o->type == CDP_OPT_STOP;
	return 0;
}

static int parse_long(struct parser *p, const char *arg, struct cdp_err *err)
{
	const char *name = arg + 2, *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct cdp_opt *o = find_long(p, name, n);
	char word[NAME_MAX_LEN + 3] = "--";

	if (!o)
		return unknown_long(p, name, n, err);
	strncat(word, o->name, NAME_MAX_LEN);
	return apply(p, o, word, eq ? eq + 1 : NULL, err);
}

static int parse_cluster(struct parser *p, const char *arg, struct cdp_err *err)
{
	for (const char *c = arg + 1; *c && !p->stop; c++) {
		const struct cdp_opt *o = find_brief(p, *c);
		char word[3] = { '-', *c, '\0' };

		if (!o && ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f))
			return cdp_err_set(err, CDP_ERR_USAGE, "unknown option '%s'",
					   arg);
		if (!o)
			return cdp_err_set(err, CDP_ERR_USAGE, "unknown option '%s'",
					   word);
		if (!o->arg) {
			if (apply(p, o, word, NULL, err) < 0)
				return -1;
			continue;
		}
		return apply(p, o, word, c[1] ? c + 1 : NULL, err);
	}
	return 0;
}

int cdp_opt_parse(const struct cdp_opt *const *tables, size_t ntables, int argc,
		  char **argv, struct cdp_err *err)
{
	struct parser p = { tables, ntables, argv, argc, 1, false };
	char **words = cdp_calloc((size_t)argc + 1, sizeof(*words));
	int noperands = 0, nwords = 0, rc = 0;

	/* Options gather at the front of `words`, operands at its back, reversed. */
	while (p.at < argc && !p.stop && rc == 0) {
		char *arg = argv[p.at++];
		int from = p.at - 1;

		if (arg[0] != '-' || !arg[1]) {
			words[argc - ++noperands] = arg;
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			words[nwords++] = arg;
			while (p.at < argc)
				words[argc - ++noperands] = argv[p.at++];
			break;
		}
		rc = arg[1] == '-' ? parse_long(&p, arg, err)
				   : parse_cluster(&p, arg, err);
		while (rc == 0 && from < p.at)
			words[nwords++] = argv[from++];
	}
	if (rc == 0 && !p.stop) {
		for (int i = 0; i < nwords; i++)
			argv[1 + i] = words[i];
		for (int i = 0; i < noperands; i++)
			argv[1 + nwords + i] = words[argc - 1 - i];
	}
	free(words);
	return rc < 0 ? -1 : 1 + nwords;
}

void cdp_strs_release(struct cdp_strs *s)
{
	free(s->v);
	*s = (struct cdp_strs){ 0 };
}

static int parse_date(struct cdp_time *t, const char *text, const struct cdp_zone *zone)
{
	int64_t part[3];
	static const size_t at[] = { 0, 5, 8 }, len[] = { 4, 2, 2 };
	struct cdp_err ignored;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -1;
	for (int i = 0; i < 3; i++)
		if (text[at[i]] < '0' || text[at[i]] > '9' ||
		    cdp_num_i64(&part[i], text + at[i], len[i], 1, 9999, &ignored) < 0)
			return -1;
	if (part[1] > 12 ||
	    part[2] > (int64_t)cdp_days_in_month(part[0], (unsigned)part[1]))
		return -1;
	t->s = cdp_zone_day_start(
		zone, cdp_days_from_civil(part[0], (unsigned)part[1], (unsigned)part[2]));
	t->ns = 0;
	return 0;
}

int cdp_opt_time(struct cdp_time *t, const char *text, const struct cdp_zone *zone,
		 struct cdp_err *err)
{
	struct cdp_err ignored;

	if (parse_date(t, text, zone) == 0 ||
	    cdp_time_parse(t, text, strlen(text), &ignored) == 0)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "'%s' is neither a date such as 2024-04-25 nor a time such as "
			   "2024-04-25T08:00:00+08:00",
			   text);
}

int cdp_opt_times(const struct cdp_opt *table, const struct cdp_zone *zone,
		  struct cdp_err *err)
{
	for (const struct cdp_opt *o = table; o->type != CDP_OPT_END; o++) {
		struct cdp_opt_time *time = o->to;

		if (o->type != CDP_OPT_TIME || !time->text)
			continue;
		if (cdp_opt_time(&time->t, time->text, zone, err) < 0) {
			cdp_err_prefix(err, "option '--%s'", o->name);
			return -1;
		}
	}
	return 0;
}
