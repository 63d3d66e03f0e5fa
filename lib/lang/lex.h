/* Tokens of CEL text (specification, "Syntax"). */
#ifndef CDP_LANG_LEX_H
#define CDP_LANG_LEX_H

#include "base/err.h"
#include "lang/value.h"

enum cdp_token {
	CDP_T_END,
	CDP_T_IDENT, /* name; keywords true, false, null and in are tokens of their own */
	CDP_T_QUOTED, /* `name` in backquotes: a selector */
	CDP_T_LITERAL,
	CDP_T_IN,
	CDP_T_OR,
	CDP_T_AND,
	CDP_T_LT,
	CDP_T_LE,
	CDP_T_GE,
	CDP_T_GT,
	CDP_T_EQ,
	CDP_T_NE,
	CDP_T_PUNCT, /* one of + - * / % ! ? : . , ( ) [ ] { } in ->punct */
};

struct cdp_lex {
	const char *text, *end, *at; /* at: after the current token */
	struct cdp_arena *arena;     /* decoded strings */
	/* the current token */
	enum cdp_token token;
	char punct;
	size_t pos, len; /* in text */
	const char *name;
	size_t name_n;
	struct cdp_value value; /* CDP_T_LITERAL */
	bool int_min; /* the digits 9223372036854775808: an int only after a minus */
};

/* The text must be UTF-8 (checked here: an error points at the first bad byte). */
int cdp_lex_init(struct cdp_lex *x, const char *text, size_t n, struct cdp_arena *arena,
		 struct cdp_err *err);
/* Go to the next token.  0 or -1 (usage error). */
int cdp_lex_next(struct cdp_lex *x, struct cdp_err *err);
/* A usage error that points: "LINE:COLUMN: message" (columns in characters). */
int cdp_lex_error(const char *text, size_t n, size_t pos, struct cdp_err *err,
		  const char *fmt, ...) CDP_PRINTF(5, 6);
/* Bytes of the name at p: letters of any script, digits, '_', '$', none of them first a
 * digit.  0 if there is none. */
size_t cdp_lex_name(const char *p, size_t n);

#endif
