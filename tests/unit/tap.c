#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int count, failed;

__attribute__((format(printf, 4, 0))) static bool
report(bool cond, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%sok %d - ", cond ? "" : "not ", ++count);
	vprintf(fmt, ap);
	putchar('\n');
	if (!cond) {
		failed++;
		printf("# at %s:%d\n", file, line);
	}
	return cond;
}

bool tap_ok(bool cond, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(cond, file, line, fmt, ap);
	va_end(ap);
	return cond;
}

bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *fmt,
		...)
{
	va_list ap;

	va_start(ap, fmt);
	report(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want)
		printf("#  got %" PRId64 "\n# want %" PRId64 "\n", got, want);
	return got == want;
}

bool tap_is_str(const char *got, const char *want, const char *file, int line,
		const char *fmt, ...)
{
	bool same = got && want && strcmp(got, want) == 0;
	va_list ap;

	va_start(ap, fmt);
	report(same, file, line, fmt, ap);
	va_end(ap);
	if (!same)
		printf("#  got %s\n# want %s\n", got ? got : "(null)",
		       want ? want : "(null)");
	return same;
}

int tap_done(void)
{
	printf("1..%d\n", count);
	return failed ? 1 : 0;
}
