#include "model/listdef.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a name without `end`, or 0. */
static size_t before(const char *name, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n > m && memcmp(name + n - m, end, m) == 0 ? n - m : 0;
}

static enum cdp_list_format form_of(const char *file, char *delimiter)
{
	static const char *const packed[] = { ".gz", ".zst" };
	static const char *const json[] = { ".ndjson", ".jsonl", ".json" };
	size_t n = strlen(file), m;

	for (int i = 0; i < 2; i++)
		if ((m = before(file, n, packed[i])))
			n = m;
	for (int i = 0; i < 3; i++)
		if (before(file, n, json[i]))
			return CDP_LIST_NDJSON;
	if (before(file, n, ".tsv"))
		*delimiter = '\t';
	return before(file, n, ".csv") || before(file, n, ".tsv") ? CDP_LIST_CSV
								  : CDP_LIST_LINES;
}

static char **take_names(const json_t *list, size_t max)
{
	size_t n = json_array_size(list);
	char **v;

	if (n == 0 || n > max)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!json_string_length(json_array_get(list, i)))
			return NULL;
	v = cdp_calloc(n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = cdp_strdup(json_string_value(json_array_get(list, i)));
	return v;
}

static int take_word(const json_t *o, const char *key, const char *const *words, int *out,
		     struct cdp_err *err)
{
	const char *word = NULL;

	if (cdp_tree_str(o, key, &word, false, "import", err) < 0)
		return -1;
	for (int i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0) {
			*out = i;
			return 0;
		}
	return word ? cdp_err_set(err, CDP_ERR_USAGE,
				  "import.%s: '%s' is none of %s, %s and %s", key, word,
				  words[0], words[1], words[2])
		    : 0;
}

static int take_files(struct cdp_list_def *d, const json_t *o, struct cdp_err *err)
{
	static const char *const forms[] = { "lines", "csv", "ndjson", NULL };
	int form = -1;

	d->files = take_names(json_object_get(o, "files"), CDP_LIST_FILES_MAX);
	if (!d->files)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.files: expected a list of 1 to %d strings",
				   CDP_LIST_FILES_MAX);
	if (take_word(o, "format", forms, &form, err) < 0)
		return -1;
	d->form = form < 0 ? form_of(d->files[0], &d->delimiter)
			   : (enum cdp_list_format)form;
	for (size_t i = 1; form < 0 && d->files[i]; i++)
		if (form_of(d->files[i], &d->delimiter) != d->form)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "import.files: '%s' and '%s' are of different "
					   "formats; 'format' says which it is",
					   d->files[0], d->files[i]);
	return 0;
}

static int take_delimiter(struct cdp_list_def *d, const json_t *o, struct cdp_err *err)
{
	const char *text = NULL;

	if (cdp_tree_str(o, "delimiter", &text, false, "import", err) < 0)
		return -1;
	if (!text)
		return 0;
	if (strlen(text) != 1 || d->form != CDP_LIST_CSV)
		return cdp_err_set(err, CDP_ERR_USAGE, "import.delimiter: %s",
				   d->form == CDP_LIST_CSV ? "expected one byte"
							   : "the files are no CSV");
	d->delimiter = *text;
	return 0;
}

static int take_text(const json_t *o, const char *key, char **out, struct cdp_err *err)
{
	const char *text = NULL;

	if (cdp_tree_str(o, key, &text, false, "import", err) < 0)
		return -1;
	if (text && !*text)
		return cdp_err_set(err, CDP_ERR_USAGE, "import.%s: it is empty", key);
	*out = text ? cdp_strdup(text) : NULL;
	return 0;
}

static int take_all(struct cdp_list_def *d, const json_t *o, struct cdp_err *err)
{
	static const char *const known[] = { "files", "format",    "kind",
					     "key",   "delimiter", "charset",
					     "mode",  "block",     NULL };
	static const char *const modes[] = { "overwrite", "add", "remove", NULL };
	const json_t *block = json_object_get(o, "block");
	int mode = CDP_LIST_OVERWRITE;

	if (cdp_tree_known(o, known, "import", err) < 0 || take_files(d, o, err) < 0 ||
	    take_delimiter(d, o, err) < 0 || take_text(o, "kind", &d->kind, err) < 0 ||
	    take_text(o, "key", &d->key, err) < 0 ||
	    take_text(o, "charset", &d->charset, err) < 0 ||
	    take_word(o, "mode", modes, &mode, err) < 0)
		return -1;
	d->mode = (enum cdp_list_mode)mode;
	if (d->kind && strcmp(d->kind, d->of) == 0) {
		free(d->kind);
		d->kind = NULL;
	}
	if (d->kind && strcmp(d->of, "one_id") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.kind: '%s' is looked up in a map, which is of "
				   "persons: a list of these has ids of '%s'",
				   d->kind, d->of);
	if (d->key && d->form == CDP_LIST_LINES)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.key: a line is an id; 'format' says if the "
				   "files are CSV or NDJSON");
	d->block = block ? take_names(block, json_array_size(block)) : NULL;
	if (block && !d->block)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.block: expected a list of audiences");
	return 0;
}

int cdp_list_def_load(struct cdp_list_def *d, const json_t *import, const char *of,
		      struct cdp_err *err)
{
	*d = (struct cdp_list_def){ .of = of };
	if (json_is_object(import))
		return take_all(d, import, err);
	if (!json_string_length(import))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import: expected the name of a file or an object");
	d->files = cdp_calloc(2, sizeof(*d->files));
	d->files[0] = cdp_strdup(json_string_value(import));
	d->form = form_of(d->files[0], &d->delimiter);
	return 0;
}

static void free_names(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

void cdp_list_def_release(struct cdp_list_def *d)
{
	free_names(d->files);
	free_names(d->block);
	free(d->kind);
	free(d->key);
	free(d->charset);
	free(d->blocks.v);
}
