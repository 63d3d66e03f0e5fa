/* members SAMPLED <PROFILES: who is in which audience, told by other means than
 * cdp-segment has, in one pass.  SAMPLED has a name, a tab and a rule a line, both as
 * mksegments makes them, and so are the profiles; "NAME ONE_ID" lines come out.  Nothing
 * of the language and of the reading of records is shared. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS = 120, CONSTANTS = 8, PARTS = 16, LINE = 1 << 16 };

struct text {
	const char *p;
	size_t n;
};

/* A value as it stands in the profile, with its quotes; n 0: there is none. */
static struct text tags[TAGS];

struct condition {
	unsigned tag;
	enum { HAS, TRUTH, IN, STARTS, ENDS, CONTAINS, EQUAL, UNEQUAL, ORDER } what;
	char op[3];
	struct text constants[CONSTANTS];
	unsigned count;
};

/* What && joins: a condition, the negation of one, or some that || joins. */
struct part {
	struct condition of[2];
	unsigned count;
	bool negated;
};

struct audience {
	char *name;
	struct part parts[PARTS];
	unsigned count;
};

static void fail(const char *what, const char *where)
{
	fprintf(stderr, "members: %s: %s\n", what, where);
	exit(1);
}

/* ---- rules ---- */

static bool take(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

static void take_constant(const char **at, struct condition *c)
{
	size_t n = **at == '\'' ? strcspn(*at + 1, "'") + 2 : strspn(*at, "0123456789.");

	if (n == 0 || c->count == CONSTANTS)
		fail("no constant", *at);
	c->constants[c->count++] = (struct text){ *at, n };
	*at += n;
}

static void take_tag(const char **at, struct condition *c)
{
	if (!take(at, "tags.t"))
		fail("no tag", *at);
	c->tag = (unsigned)strtoul(*at, (char **)at, 10);
	if (c->tag >= TAGS)
		fail("no such tag", *at);
}

static void take_call(const char **at, struct condition *c)
{
	c->what = take(at, ".startsWith(") ? STARTS
		  : take(at, ".endsWith(") ? ENDS
					   : CONTAINS;
	if (c->what == CONTAINS && !take(at, ".contains("))
		fail("no function", *at);
	take_constant(at, c);
	take(at, ")");
}

static void take_condition(const char **at, struct condition *c)
{
	size_t n;

	if (take(at, "has(")) {
		take_tag(at, c);
		take(at, ")");
		c->what = HAS;
		return;
	}
	take_tag(at, c);
	c->what = TRUTH;
	if (take(at, " in [")) {
		c->what = IN;
		do
			take_constant(at, c);
		while (take(at, ","));
		take(at, "]");
	} else if (**at == '.') {
		take_call(at, c);
	} else if (**at == ' ' && (n = strspn(*at + 1, "<>=!")) > 0) {
		memcpy(c->op, *at + 1, n);
		*at += n + 2;
		c->what = strcmp(c->op, "==") == 0   ? EQUAL
			  : strcmp(c->op, "!=") == 0 ? UNEQUAL
						     : ORDER;
		take_constant(at, c);
	}
}

static void take_rule(const char *at, struct audience *a)
{
	do {
		struct part *p = &a->parts[a->count++];
		bool group;

		if (a->count == PARTS)
			fail("too long", at);
		p->negated = take(&at, "!(");
		group = p->negated || take(&at, "(");
		take_condition(&at, &p->of[p->count++]);
		if (take(&at, " || "))
			take_condition(&at, &p->of[p->count++]);
		if (group && !take(&at, ")"))
			fail("no end", at);
	} while (take(&at, " && "));
	if (*at)
		fail("no rule", at);
}

/* ---- profiles ---- */

static void read_tags(char *line)
{
	char *at = strstr(line, "\"tags\":{");

	memset(tags, 0, sizeof(tags));
	at = at ? at + 8 : line;
	while (at[0] == '"' && at[1] == 't') {
		unsigned tag = (unsigned)strtoul(at + 2, &at, 10);

		at += 2;
		if (tag >= TAGS)
			fail("no such tag", line);
		tags[tag] = (struct text){ at, strcspn(at, ",}") };
		at += tags[tag].n;
		at += *at == ',';
	}
	if (*at != '}')
		fail("no profile", line);
}

/* ---- who is in ---- */

static bool is_number(struct text v)
{
	return v.n && strchr("0123456789", v.p[0]);
}

static bool is_text(struct text v)
{
	return v.n && (v.p[0] == '"' || v.p[0] == '\'');
}

/* Of two of the same kind, <0, 0 or >0. */
static int compare(struct text a, struct text b)
{
	double x, y;
	int c;

	if (is_number(a)) {
		x = strtod(a.p, NULL);
		y = strtod(b.p, NULL);
		return x < y ? -1 : x > y;
	}
	c = memcmp(a.p + 1, b.p + 1, (a.n < b.n ? a.n : b.n) - 2);
	return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool is_same(struct text a, struct text b)
{
	return is_number(a) == is_number(b) && is_text(a) == is_text(b) &&
	       compare(a, b) == 0;
}

static bool is_order(const struct condition *c, struct text v)
{
	int x = compare(v, c->constants[0]);

	return c->op[0] == '<' ? x < 0 || (c->op[1] && x == 0)
			       : x > 0 || (c->op[1] && x == 0);
}

static bool is_part(const struct condition *c, struct text v)
{
	struct text w = c->constants[0];

	w = (struct text){ w.p + 1, w.n - 2 };
	v = (struct text){ v.p + 1, v.n - 2 };
	if (w.n > v.n)
		return false;
	return c->what == STARTS ? memcmp(v.p, w.p, w.n) == 0
	       : c->what == ENDS ? memcmp(v.p + v.n - w.n, w.p, w.n) == 0
				 : memmem(v.p, v.n, w.p, w.n) != NULL;
}

/* 1: it is true; 0: false; -1: an error, of a tag that is missing or not of its kind. */
static int decide(const struct condition *c)
{
	struct text v = tags[c->tag];
	unsigned same = 0;

	if (c->what == HAS)
		return v.n > 0;
	if (v.n == 0)
		return -1;
	switch (c->what) {
	case TRUTH:
		return v.p[0] == 't' ? 1 : v.p[0] == 'f' ? 0 : -1;
	case ORDER:
		return is_number(v) != is_number(c->constants[0]) ? -1 : is_order(c, v);
	case STARTS:
	case ENDS:
	case CONTAINS:
		return is_text(v) ? is_part(c, v) : -1;
	default:
		for (unsigned i = 0; i < c->count; i++)
			same |= is_same(v, c->constants[i]);
		return (c->what == UNEQUAL) != same;
	}
}

static bool is_member(const struct audience *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		const struct part *p = &a->parts[i];
		int first = decide(&p->of[0]);
		bool is = p->negated ? first == 0 : first == 1;

		if (!is && p->count > 1)
			is = decide(&p->of[1]) == 1;
		if (!is)
			return false;
	}
	return true;
}

static struct audience *read_rules(const char *path, unsigned *count)
{
	static char line[LINE];
	struct audience *v = NULL;
	FILE *f = fopen(path, "r");

	if (!f)
		fail("cannot be read", path);
	*count = 0;
	while (fgets(line, sizeof(line), f)) {
		char *text = strdup(line), *tab = strchr(text, '\t');

		if (!tab)
			fail("no rule", line);
		*tab = 0;
		tab[strcspn(tab + 1, "\n") + 1] = 0;
		v = realloc(v, (*count + 1) * sizeof(*v));
		v[*count] = (struct audience){ .name = text };
		take_rule(tab + 1, &v[(*count)++]);
	}
	fclose(f);
	return v;
}

int main(int argc, char **argv)
{
	static char line[LINE];
	struct audience *v;
	unsigned count;

	if (argc != 2) {
		fputs("usage: members SAMPLED <PROFILES\n", stderr);
		return 2;
	}
	v = read_rules(argv[1], &count);
	while (fgets(line, sizeof(line), stdin)) {
		read_tags(line);
		for (unsigned i = 0; i < count; i++)
			if (is_member(&v[i]))
				printf("%s %.16s\n", v[i].name, line + 11);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
