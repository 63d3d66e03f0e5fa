#include "cli/used_in.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 256 << 20 };

/* A byte that can be part of a name. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool names(const char *text, size_t n, const char *name)
{
	size_t len = strlen(name);
	const char *end = text + n;

	for (const char *p = text; (p = memmem(p, (size_t)(end - p), name, len)); p++)
		if ((p == text || !is_word(p[-1])) &&
		    (p + len == end || !is_word(p[len])))
			return true;
	return false;
}

int cdp_cli_used_in(struct cdp_cli *cli, const struct cdp_strs *files, unsigned count,
		    const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		    bool *used)
{
	for (size_t f = 0; f < files->n; f++) {
		struct cdp_err err;
		size_t n;
		char *text = cdp_file_read(files->v[f], FILE_BYTES, &n, &err);

		if (!text) {
			cdp_cli_report(cli, &err);
			return -1;
		}
		for (unsigned i = 0; i < count; i++)
			used[i] = used[i] || names(text, n, name(ctx, i));
		free(text);
	}
	return 0;
}
