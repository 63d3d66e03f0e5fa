/* Forms and queries, `a=1&b=%E4%BD%A0` (URL standard,
 * application/x-www-form-urlencoded). */
#ifndef CDP_FORMAT_FORM_H
#define CDP_FORMAT_FORM_H

#include "base/buf.h"
#include "base/err.h"

enum { CDP_FORM_MAX = 1000 }; /* members of a form that becomes an object */

struct cdp_form {
	const char *p, *end;
};

/* The next pair, decoded into `key` and `value` (reset first): 1, or 0 at the end.  A
 * percent sign that begins no escape is itself; a pair without '=' has no value. */
int cdp_form_next(struct cdp_form *f, struct cdp_buf *key, struct cdp_buf *value);
/* The first value of this name, which is plain in the form, too, decoded into `value`
 * (reset first). */
bool cdp_form_get(const char *p, size_t n, const char *name, struct cdp_buf *value);
/* Appends a text with all but letters, digits and "-._~" as escapes. */
void cdp_form_put(struct cdp_buf *out, const char *p, size_t n);
/* Appends a JSON object of strings, of a name that comes twice the last.  -1 with a data
 * error, and nothing is appended, if there are too many or one is no UTF-8. */
int cdp_form_json(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err);

#endif
