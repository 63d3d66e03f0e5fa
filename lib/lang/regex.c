#include "lang/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	PATTERN_MAX = 16 * 1024,
	MATCH_LIMIT = 250000, /* backtracking steps: a tenth of a second */
	DEPTH_LIMIT = 100000,
	HEAP_LIMIT_KIB = 32 * 1024,
	PAREN_LIMIT = 100,
	JIT_STACK_MIN = 32 * 1024,
	JIT_STACK_MAX = 1024 * 1024,
};

struct cdp_regex {
	pcre2_code *code;
};

struct cdp_regex_work {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static void *checked(void *p)
{
	return p ? p : cdp_alloc(SIZE_MAX); /* ends the process as any allocation does */
}

static pcre2_code *compile(const char *pattern, size_t n, struct cdp_err *err)
{
	pcre2_compile_context *cc = checked(pcre2_compile_context_create(NULL));
	unsigned char why[160];
	pcre2_code *code;
	PCRE2_SIZE at;
	int r;

	pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
	pcre2_set_bsr(cc, PCRE2_BSR_UNICODE);
	pcre2_set_parens_nest_limit(cc, PAREN_LIMIT);
	pcre2_set_max_pattern_length(cc, PATTERN_MAX);
	code = pcre2_compile((PCRE2_SPTR)pattern, n,
			     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
				     PCRE2_MATCH_INVALID_UTF,
			     &r, &at, cc);
	pcre2_compile_context_free(cc);
	if (code)
		return code;
	if (pcre2_get_error_message(r, why, sizeof(why)) < 0)
		why[0] = '\0';
	cdp_err_set(err, CDP_ERR_USAGE, "invalid pattern: %s (at character %zu)",
		    (const char *)why, (size_t)at);
	return NULL;
}

struct cdp_regex *cdp_regex_new(const char *pattern, size_t n, struct cdp_err *err)
{
	pcre2_code *code = compile(n ? pattern : "", n, err);
	struct cdp_regex *re;

	if (!code)
		return NULL;
	/* Where the machine has no JIT the interpreter does. */
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	re = cdp_alloc(sizeof(*re));
	re->code = code;
	return re;
}

void cdp_regex_free(struct cdp_regex *re)
{
	if (!re)
		return;
	pcre2_code_free(re->code);
	free(re);
}

struct cdp_regex_work *cdp_regex_work_new(void)
{
	struct cdp_regex_work *w = cdp_alloc(sizeof(*w));

	w->data = checked(pcre2_match_data_create(1, NULL));
	w->context = checked(pcre2_match_context_create(NULL));
	w->stack = checked(pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL));
	pcre2_set_match_limit(w->context, MATCH_LIMIT);
	pcre2_set_depth_limit(w->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
	pcre2_jit_stack_assign(w->context, NULL, w->stack);
	return w;
}

void cdp_regex_work_free(struct cdp_regex_work *w)
{
	if (!w)
		return;
	pcre2_jit_stack_free(w->stack);
	pcre2_match_context_free(w->context);
	pcre2_match_data_free(w->data);
	free(w);
}

int cdp_regex_match(const struct cdp_regex *re, struct cdp_regex_work *w, const char *p,
		    size_t n, struct cdp_err *err)
{
	int r = pcre2_match(re->code, (PCRE2_SPTR)(n ? p : ""), n, 0, 0, w->data,
			    w->context);
	unsigned char why[160];

	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (pcre2_get_error_message(r, why, sizeof(why)) < 0)
		why[0] = '\0';
	return cdp_err_set(err, CDP_ERR_EVAL, "pattern gave up: %s", (const char *)why);
}
