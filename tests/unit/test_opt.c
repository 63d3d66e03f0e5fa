#include "cli/opt.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static bool flag, other, stop;
static const char *text;
static struct cdp_strs list;
static int64_t number, span;
static uint64_t size;
static int choice;
static struct cdp_opt_time when;

static const char *const choices[] = { "ordered", "strict", "any", NULL };
static const struct cdp_opt rows[] = {
	{ 'f', "flag", CDP_OPT_FLAG, &flag, NULL, "a flag" },
	{ 'x', "other", CDP_OPT_FLAG, &other, NULL, "another flag" },
	{ 't', "text", CDP_OPT_STR, &text, "TEXT", "some text" },
	{ 0, "list", CDP_OPT_LIST, &list, "ITEM", "one of several" },
	{ 'n', "number", CDP_OPT_INT, &number, "N", "a number", .min = 1, .max = 9 },
	{ 0, "any", CDP_OPT_INT, &number, "N", "any number" },
	{ 0, "size", CDP_OPT_SIZE, &size, "SIZE", "a size" },
	{ 0, "span", CDP_OPT_DURATION, &span, "SPAN", "a duration" },
	{ 0, "order", CDP_OPT_CHOICE, &choice, "ORDER", "an order", choices },
	{ 0, "when", CDP_OPT_TIME, &when, "TIME", "a time" },
	{ 0, 0 },
};
static const struct cdp_opt common[] = {
	{ 'h', "help", CDP_OPT_STOP, &stop, NULL, "help" },
	{ 0, "secret", CDP_OPT_FLAG, &other, NULL, "", .hidden = true },
	{ 0, 0 },
};

static struct cdp_err err;
static char *argv_of[16];

/* Parses the words of `line`; the index of the first operand, or -1. */
static int parse(const char *line)
{
	static const struct cdp_opt *const tables[] = { rows, common };
	static char words[256];
	int argc = 1;

	flag = other = stop = false;
	text = NULL;
	cdp_strs_release(&list);
	memset(&err, 0, sizeof(err));
	strcpy(words, line);
	argv_of[0] = words + sizeof(words) - 1;
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv_of[argc++] = w;
	argv_of[argc] = NULL;
	return cdp_opt_parse(tables, 2, argc, argv_of, &err);
}

static void test_forms(void)
{
	is_int(parse("-f -t one a b"), 4, "options come off, operands stay");
	ok(flag && text && strcmp(text, "one") == 0, "short forms are taken");
	is_int(parse("--flag --text=two"), 3, "long forms are taken");
	is_str(text, "two", "a value may stand behind =");
	parse("--text three");
	is_str(text, "three", "or be the next word");
	parse("-tfour");
	is_str(text, "four", "or stick to its letter");
	parse("-fxt five");
	ok(flag && other && strcmp(text, "five") == 0, "letters may cluster");
	parse("--text=");
	is_str(text, "", "a value may be empty");
	parse("-t a -t b");
	is_str(text, "b", "the last one counts");
	parse("--list a --list=b");
	ok(list.n == 2 && strcmp(list.v[0], "a") == 0 && strcmp(list.v[1], "b") == 0,
	   "a list keeps all in order");
	parse("-t -f");
	is_str(text, "-f", "a value may look like an option");
}

static void test_operands(void)
{
	int first = parse("a -f b -t x c");

	is_int(first, 4, "operands may stand between options");
	ok(strcmp(argv_of[first], "a") == 0 && strcmp(argv_of[first + 1], "b") == 0 &&
		   strcmp(argv_of[first + 2], "c") == 0 && !argv_of[first + 3],
	   "and keep their order");
	first = parse("-- -f");
	ok(!flag && strcmp(argv_of[first], "-f") == 0, "-- ends the options");
	first = parse("- -f");
	ok(flag && strcmp(argv_of[first], "-") == 0, "- is an operand");
}

static void test_values(void)
{
	parse("-n 9 --size 64K --span 90s --order any --any -5");
	ok(number == -5 && size == 65536 && span == 90000000000 && choice == 2,
	   "numbers, sizes, durations and choices are read");
	parse("-h --nonsense");
	ok(stop && err.kind == CDP_ERR_NONE, "nothing is looked at after help");
}

static void test_errors(void)
{
	is_int(parse("--fla"), -1, "abbreviations are refused");
	is_str(err.msg, "unknown option '--fla'; did you mean '--flag'?", "with a hint");
	is_int(err.kind, CDP_ERR_USAGE, "as a usage error");
	parse("--zzzzzzzzzz");
	is_str(err.msg, "unknown option '--zzzzzzzzzz'",
	       "without one if nothing is near");
	parse("-fz");
	is_str(err.msg, "unknown option '-z'", "a letter in a cluster is named");
	parse("-t");
	is_str(err.msg, "option '-t' requires TEXT", "a missing value is told");
	parse("--flag=1");
	is_str(err.msg, "option '--flag' takes no value", "so is a value too many");
	parse("--order none");
	is_str(err.msg, "option '--order': 'none' is none of ordered, strict, any",
	       "choices are named");
	is_int(parse("-n 10"), -1, "a number above its maximum is refused");
	is_int(parse("-n 0"), -1, "and one below its minimum");
	is_int(parse("-n 1x"), -1, "and what is no number");
	is_int(parse("--size 1Q"), -1, "and a size of unknown unit");
	is_int(parse("--secreta"), -1, "a hidden option");
	ok(!strstr(err.msg, "did you mean '--secret'"), "is not suggested");
}

static int64_t instant(const char *s, const struct cdp_zone *zone)
{
	struct cdp_time t = { 0 };

	return cdp_opt_time(&t, s, zone, &err) == 0 ? t.s : -1;
}

static void test_times(void)
{
	struct cdp_zone *zone = cdp_zone_load("Asia/Shanghai", &err);

	/* 2024-04-25 00:00 in Shanghai is 2024-04-24T16:00:00Z. */
	is_int(instant("2024-04-25", zone), 1713974400,
	       "a date is its start in the zone");
	is_int(instant("2024-04-25T00:00:00+08:00", zone), 1713974400,
	       "RFC 3339 is taken");
	is_int(instant("2024-02-30", zone), -1, "a day that is none is refused");
	is_int(instant("2024-4-5", zone), -1, "so is a date without zeros");
	is_int(instant("yesterday", zone), -1, "and text");
	when.text = NULL;
	parse("--when 2024-04-25");
	is_int(cdp_opt_times(rows, zone, &err), 0,
	       "times are read once the zone is known");
	is_int(when.t.s, 1713974400, "into their place");
	cdp_zone_free(zone);
}

static void test_texts(void)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_opt_dump(&b, common);
	is_str(cdp_buf_str(&b), "h\thelp\t\thelp\n", "hidden options are in no dump");
	cdp_buf_reset(&b);
	cdp_opt_dump(&b, rows);
	ok(strncmp(cdp_buf_str(&b), "\tany\tN\tany number\nf\tflag\t\ta flag\n", 33) == 0,
	   "a dump is sorted by name");
	cdp_buf_reset(&b);
	cdp_opt_wrap(&b,
		     "a text of more than eighty columns is broken between its words "
		     "and never inside of one of them",
		     0, 4);
	is_str(cdp_buf_str(&b),
	       "a text of more than eighty columns is broken between its words and "
	       "never inside\n"
	       "    of one of them\n",
	       "help is wrapped at word ends");
	cdp_buf_release(&b);
}

int main(void)
{
	test_forms();
	test_operands();
	test_values();
	test_errors();
	test_times();
	test_texts();
	cdp_strs_release(&list);
	return tap_done();
}
