#include "cli/used_in.h"

#include "base/intern.h"
#include "record/tree.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 256 << 20 };

/* A byte that can be part of a name. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

/* The words of a text, as long as they can be. */
static struct cdp_intern *words_of(const char *text, size_t n)
{
	struct cdp_intern *words = cdp_intern_new(0);

	for (size_t i = 0; i < n;) {
		size_t from = i;

		while (i < n && is_word(text[i]))
			i++;
		if (i > from)
			cdp_intern_put(words, text + from, i - from, NULL);
		else
			i++;
	}
	return words;
}

static bool is_one_word(const char *name)
{
	while (is_word(*name))
		name++;
	return !*name;
}

/* A name of more than one word is looked for as it is. */
static bool stands_in(const char *text, size_t n, const char *name)
{
	size_t len = strlen(name);
	const char *end = text + n;

	for (const char *p = text; (p = memmem(p, (size_t)(end - p), name, len)); p++)
		if ((p == text || !is_word(p[-1])) &&
		    (p + len == end || !is_word(p[len])))
			return true;
	return false;
}

static void mark(const char *text, size_t n, unsigned count,
		 const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		 bool *used)
{
	struct cdp_intern *words = words_of(text, n);

	for (unsigned i = 0; i < count; i++) {
		const char *s = name(ctx, i);

		if (used[i])
			continue;
		used[i] = is_one_word(s)
				  ? cdp_intern_get(words, s, strlen(s)) != CDP_INTERN_NONE
				  : stands_in(text, n, s);
	}
	cdp_intern_free(words);
}

/* JSON may have letters of names as \uXXXX: the same without these; NULL: it is no JSON,
 * or has none. */
static char *unescaped(const char *text, size_t n)
{
	struct cdp_err ignored;
	json_t *o =
		memmem(text, n, "\\u", 2) ? cdp_tree_parse(text, n, "", &ignored) : NULL;
	char *plain = o ? json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(o);
	return plain;
}

int cdp_cli_used_in(struct cdp_cli *cli, const struct cdp_strs *files, unsigned count,
		    const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		    bool *used)
{
	for (size_t f = 0; f < files->n; f++) {
		struct cdp_err err;
		size_t n;
		char *text = cdp_file_read(files->v[f], FILE_BYTES, &n, &err), *plain;

		if (!text) {
			cdp_cli_report(cli, &err);
			return -1;
		}
		mark(text, n, count, name, ctx, used);
		plain = unescaped(text, n);
		if (plain)
			mark(plain, strlen(plain), count, name, ctx, used);
		free(plain);
		free(text);
	}
	return 0;
}
