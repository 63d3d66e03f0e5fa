/* What went wrong, as a value.
 *
 * Library functions that can fail take `struct cdp_err *err` last, return -1 or NULL and
 * fill it once, where the cause is known.  It is untouched on success and never NULL.
 * Callers may prefix ("tags.json: ..."), never replace.  Only lib/cli prints it and turns
 * the kind into an exit status. */
#ifndef CDP_BASE_ERR_H
#define CDP_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum cdp_err_kind {
	CDP_ERR_NONE,
	CDP_ERR_USAGE, /* bad option or bad definition: exit status 2 */
	CDP_ERR_DATA,  /* a record is bad; the next one can be read: reject, status 3 */
	CDP_ERR_EVAL,  /* an expression ended in an error: the record does not match */
	CDP_ERR_SYS,   /* read, write, allocate or keep state failed: status 4 */
	CDP_ERR_PIPE,  /* the reader went away: silent, status 141 */
};

struct cdp_err {
	enum cdp_err_kind kind;
	size_t column; /* 1-based byte column in the record or definition, 0 if unknown */
	char path[120]; /* member at fault ("props.amount"), "" if none */
	char msg[400];  /* lower case, cause first, no full stop, no program name */
};

#define CDP_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Fill *err; always returns -1, so that one can `return cdp_err_set(...)`. */
int cdp_err_set(struct cdp_err *err, enum cdp_err_kind kind, const char *fmt, ...)
	CDP_PRINTF(3, 4);
/* The same for a failed system call: appends ": " and strerror(errnum); EPIPE becomes
 * CDP_ERR_PIPE, all else CDP_ERR_SYS. */
int cdp_err_sys(struct cdp_err *err, int errnum, const char *fmt, ...) CDP_PRINTF(3, 4);
/* Put "<text>: " before the message, keeping kind, column and path. */
void cdp_err_prefix(struct cdp_err *err, const char *fmt, ...) CDP_PRINTF(2, 3);

/* A broken invariant of ours: message on stderr and abort(). */
#define CDP_BUG(...) cdp_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void cdp_bug(const char *file, int line, const char *fmt, ...) CDP_PRINTF(3, 4);

#endif
