#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cdp_err_set(struct cdp_err *err, enum cdp_err_kind kind, const char *fmt, ...)
{
	va_list ap;

	err->kind = kind;
	err->column = 0;
	err->path[0] = '\0';
	/* Errors of values are many. */
	if (!strchr(fmt, '%') && strlen(fmt) < sizeof(err->msg)) {
		memcpy(err->msg, fmt, strlen(fmt) + 1);
		return -1;
	}
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int cdp_err_sys(struct cdp_err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	err->kind = errnum == EPIPE ? CDP_ERR_PIPE : CDP_ERR_SYS;
	err->column = 0;
	err->path[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(errnum));
	return -1;
}

void cdp_err_prefix(struct cdp_err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;
	size_t n;

	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", old);
}

void cdp_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: internal error: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
