/* Patterns: what matches, what is refused, and that none can hang. */
#include "tap.h"

#include "base/buf.h"
#include "lang/regex.h"

#include <string.h>
#include <time.h>

/* 1, 0, -1; -2 if the pattern is refused. */
static int match(const char *pattern, const char *text, size_t n)
{
	struct cdp_regex_work *w;
	struct cdp_regex *re;
	struct cdp_err err;
	int r;

	re = cdp_regex_new(pattern, strlen(pattern), &err);
	if (!re)
		return -2;
	w = cdp_regex_work_new();
	r = cdp_regex_match(re, w, text, n, &err);
	cdp_regex_work_free(w);
	cdp_regex_free(re);
	return r;
}

static void check(const char *pattern, const char *text, int want)
{
	is_int(match(pattern, text, strlen(text)), want, "'%s' on '%s'", pattern, text);
}

static void check_refused(const char *pattern, const char *want)
{
	struct cdp_err err = { 0 };
	struct cdp_regex *re = cdp_regex_new(pattern, strlen(pattern), &err);

	ok(strncmp(err.msg, want, strlen(want)) == 0, "pattern '%s' is refused: %s",
	   pattern, err.msg);
	is_int(err.kind, CDP_ERR_USAGE, "as a usage error");
	cdp_regex_free(re);
}

/* Patterns that take exponential time without limits. */
static void check_gives_up(const char *pattern)
{
	struct timespec a, b;
	char text[4001];
	int r;

	memset(text, 'a', sizeof(text));
	text[4000] = 'b';
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	r = match(pattern, text, sizeof(text));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ok(r <= 0, "'%s' does not match", pattern);
	ok(b.tv_sec - a.tv_sec < 5, "'%s' ends in seconds", pattern);
}

int main(void)
{
	struct cdp_buf b;

	check("b.d", "abcde", 1);
	check("^b", "abc", 0);
	check("", "abc", 1);
	check("", "", 1);
	check("c$", "abc\n", 0);
	check("a.c", "a\nc", 0);
	check("(?s)a.c", "a\nc", 1);
	check("(?i)ABC", "abc", 1);
	check("^.{2}$", "\xe9\x93\xb6\xe8\xa1\x8c", 1);
	check("\xe8\xa1\x8c", "\xe9\x93\xb6\xe8\xa1\x8c", 1);
	check("^\\p{Han}+$", "\xe9\x93\xb6\xe8\xa1\x8c", 1);
	check("^\\d+$", "\xef\xbc\x91", 0); /* a full-width 1 is no \d */
	check("x", "a\xff", 0);
	check("a",
	      "\xff"
	      "a",
	      1);
	is_int(match("a\\x00b", "a\0b", 3), 1, "a NUL is a character like others");
	/* The rest of the text is the library's. */
	check_refused("(a", "invalid pattern: ");
	check_refused("a\\C", "invalid pattern: ");
	check_gives_up("(a+)+$");
	check_gives_up("(a|a)*$");
	check_gives_up("(?:a*)*c");
	check_gives_up("^(a?){40}a{4001}$");
	check_gives_up("(a*)*\\1c");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int i = 0; i < 200; i++)
		cdp_buf_addc(&b, '(');
	is_int(match(cdp_buf_str(&b), "", 0), -2,
	       "200 brackets inside each other are too "
	       "many");
	cdp_buf_reset(&b);
	for (int i = 0; i < 20000; i++)
		cdp_buf_addc(&b, 'a');
	is_int(match(cdp_buf_str(&b), "", 0), -2, "a pattern of 20000 bytes is too long");
	cdp_buf_release(&b);
	return tap_done();
}
