/* The form in which an identifier is compared (cdp-idmap(1), "Normal form").
 *
 * Numbers of people are text, never numbers.  What cannot be brought into form cannot
 * link anybody: a phone number of seven digits or an ID card whose check digit is wrong
 * is somebody's typing mistake and would join strangers. */
#ifndef CDP_MODEL_IDENTITY_NORM_H
#define CDP_MODEL_IDENTITY_NORM_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum cdp_idnorm {
	CDP_IDNORM_NONE,   /* the bytes as they are */
	CDP_IDNORM_TEXT,   /* NFKC, full width to half width, no space at the ends */
	CDP_IDNORM_LOWER,  /* the same, then ASCII letters in lower case */
	CDP_IDNORM_EMAIL,  /* lower, with something on both sides of one @ */
	CDP_IDNORM_PHONE,  /* E.164, +86 where no country is given */
	CDP_IDNORM_IDCARD, /* 18 characters (GB 11643-1999), the 15 of 1984 extended */
};

/* NULL-ended, in the order of the enum. */
extern const char *const cdp_idnorm_names[];

enum { CDP_ID_VALUE_MAX = 255 }; /* bytes of a value in normal form */

/* The normal form of p..p+n (UTF-8): true and *q, *qn, which borrow from p or from `tmp`
 * (reset first); false if the value has none: empty, longer than CDP_ID_VALUE_MAX bytes,
 * with control characters (except under NONE: only NUL), or not of its kind.  Phone
 * numbers, ID cards and e-mail addresses that were masked by a hash before they came (32,
 * 40 or 64 hexadecimal digits) are taken as they are, in lower case. */
bool cdp_idnorm(enum cdp_idnorm norm, const char *p, size_t n, struct cdp_buf *tmp,
		const char **q, size_t *qn);

/* Values that stand for "no value" in every kind: empty, null, undefined, none, nan, nil,
 * unknown, anonymous, guest, test, true, false, n/a, [object Object], -1, only zeros and
 * hyphens (so the nil UUID), four or more times the same character, and constants that
 * many devices share.  Letters compare without case.  `value` is in normal form. */
bool cdp_id_is_junk(const char *value, size_t n);
/* False: no value of two bytes or more that begins with these is junk. */
bool cdp_id_may_start_junk(char a, char b);
enum { CDP_ID_JUNK_WORD_MAX = 17 }; /* longer ones are junk by repetition alone */

#endif
