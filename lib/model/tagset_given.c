/* Kinds of tags whose values are given: imported from files, answered by programs. */
#include "base/mem.h"
#include "base/time.h"
#include "model/tagset_priv.h"
#include "record/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 64, ARGS_MAX = 256, INPUTS_MAX = 256, TIMEOUT_MS = 60000 };

static const char *keep(struct cdp_tagset *s, const char *text)
{
	return cdp_arena_strndup(&s->arena, text, strlen(text));
}

/* A list of 1 to `max` strings, NULL-ended. */
static const char **keep_list(struct cdp_tagset *s, const json_t *list, size_t max,
			      const char *where, size_t *count, struct cdp_err *err)
{
	size_t n = json_array_size(list);
	const char **v;

	if (n == 0 || n > max) {
		cdp_err_set(err, CDP_ERR_USAGE, "%s: expected a list of 1 to %zu strings",
			    where, max);
		return NULL;
	}
	v = cdp_arena_alloc(&s->arena, (n + 1) * sizeof(*v));
	for (*count = 0; *count < n; ++*count) {
		const json_t *text = json_array_get(list, *count);

		if (!json_string_length(text)) {
			cdp_err_set(err, CDP_ERR_USAGE, "%s[%zu]: expected a string",
				    where, *count);
			return NULL;
		}
		v[*count] = keep(s, json_string_value(text));
	}
	v[n] = NULL;
	return v;
}

/* --- import --- */

static int read_mode(struct cdp_tag_import *im, const json_t *o, struct cdp_err *err)
{
	static const char *const modes[] = { "overwrite", "increment",
					     "increment-and-overwrite" };
	const char *mode = modes[0], *unknown = "leave";

	if (cdp_tree_str(o, "mode", &mode, false, "import", err) < 0 ||
	    cdp_tree_str(o, "unknown", &unknown, false, "import", err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (strcmp(modes[i], mode) == 0) {
			im->mode = (enum cdp_import_mode)i;
			mode = NULL;
			break;
		}
	if (mode)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.mode: '%s' is none: overwrite, increment or "
				   "increment-and-overwrite",
				   mode);
	im->add = strcmp(unknown, "add") == 0;
	if (!im->add && strcmp(unknown, "leave") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.unknown: expected 'leave' or 'add'");
	return 0;
}

int cdp_tag_load_import(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
			struct cdp_err *err)
{
	static const char *const known[] = { "files", "key",     "value",
					     "mode",  "unknown", NULL };
	struct cdp_tag_import *im = cdp_arena_alloc(&s->arena, sizeof(*im));
	const char *key = NULL, *value = "value";

	*im = (struct cdp_tag_import){ 0 };
	t->import = im;
	if (json_string_length(def)) {
		im->files = cdp_arena_alloc(&s->arena, sizeof(*im->files));
		im->files[im->count++] = keep(s, json_string_value(def));
		im->value = value;
		return 0;
	}
	if (!json_is_object(def))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import: expected the name of a file or an object");
	if (cdp_tree_known(def, known, "import", err) < 0 ||
	    cdp_tree_str(def, "key", &key, false, "import", err) < 0 ||
	    cdp_tree_str(def, "value", &value, false, "import", err) < 0 ||
	    read_mode(im, def, err) < 0)
		return -1;
	im->files = keep_list(s, json_object_get(def, "files"), FILES_MAX, "import.files",
			      &im->count, err);
	if (!im->files)
		return -1;
	im->key = key && strcmp(key, "one_id") != 0 ? keep(s, key) : NULL;
	im->value = keep(s, value);
	if (im->add && im->key)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "import.unknown: who has an unknown '%s' cannot be "
				   "added",
				   key);
	return 0;
}

/* --- programs --- */

static int load_input(struct cdp_tagset *s, struct cdp_tag *t, const char *name,
		      const json_t *text, struct cdp_err *err)
{
	struct cdp_tag_program *p = t->program;
	char *where;
	int ret;

	if (strcmp(name, "one_id") == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "program.inputs.one_id: is there in any case");
	where = cdp_asprintf("program.inputs.%s", name);
	p->inputs[p->input_count] = (struct cdp_tag_input){ keep(s, name), NULL };
	ret = !json_is_string(text)
		      ? cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an expression",
				    where)
		      : cdp_tag_compile(s, t, json_string_value(text),
					json_string_length(text), where,
					&p->inputs[p->input_count].value, err);
	p->input_count += ret == 0;
	free(where);
	return ret;
}

static int load_inputs(struct cdp_tagset *s, struct cdp_tag *t, const json_t *inputs,
		       struct cdp_err *err)
{
	size_t n = json_object_size(inputs);
	const char *name;
	json_t *text;

	if (inputs && (!json_is_object(inputs) || n > INPUTS_MAX))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "program.inputs: expected an object of at most %d "
				   "expressions",
				   INPUTS_MAX);
	t->program->inputs = cdp_arena_alloc(&s->arena, n * sizeof(*t->program->inputs));
	json_object_foreach((json_t *)inputs, name, text)
	{
		if (load_input(s, t, name, text, err) < 0)
			return -1;
	}
	return 0;
}

static int load_timeout(struct cdp_tag_program *p, const json_t *def, struct cdp_err *err)
{
	const char *text = NULL;
	int64_t ns;

	p->timeout_ms = TIMEOUT_MS;
	if (cdp_tree_str(def, "timeout", &text, false, "program", err) < 0)
		return -1;
	if (!text)
		return 0;
	if (cdp_duration_parse(&ns, text, strlen(text), err) < 0) {
		cdp_err_prefix(err, "program.timeout");
		return -1;
	}
	if (ns < 1000000 || ns / 1000000 > INT_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "program.timeout: expected 1ms to 24d");
	p->timeout_ms = (int)(ns / 1000000);
	return 0;
}

int cdp_tag_load_program(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
			 struct cdp_err *err)
{
	static const char *const known[] = { "run", "inputs", "among", "timeout", NULL };
	const json_t *run = json_is_array(def) ? def : json_object_get(def, "run");
	const json_t *among = json_object_get(def, "among");
	size_t n;

	t->program = cdp_arena_alloc(&s->arena, sizeof(*t->program));
	*t->program = (struct cdp_tag_program){ 0 };
	if (!json_is_array(def) && !json_is_object(def))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "program: expected a list of words or an object");
	if (json_is_object(def) && cdp_tree_known(def, known, "program", err) < 0)
		return -1;
	t->program->argv =
		keep_list(s, run, ARGS_MAX,
			  json_is_array(def) ? "program" : "program.run", &n, err);
	if (!t->program->argv || load_timeout(t->program, def, err) < 0 ||
	    load_inputs(s, t, json_object_get(def, "inputs"), err) < 0)
		return -1;
	if (!among)
		return 0;
	return cdp_tag_compile_condition(s, t, among, "program.among", &t->program->among,
					 err);
}

void cdp_tag_release_program(struct cdp_tag_program *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->input_count; i++)
		cdp_expr_free(p->inputs[i].value);
	cdp_expr_free(p->among);
}

/* --- models --- */

int cdp_tag_load_model(struct cdp_tagset *s, struct cdp_tag *t, const json_t *def,
		       struct cdp_err *err)
{
	static const char *const known[] = { "name", "version", "date", NULL };
	struct cdp_value day = { .type = CDP_V_STRING };
	const char *text[3] = { NULL };
	struct cdp_buf b;

	if (!def)
		return 0;
	if (!json_is_object(def))
		return cdp_err_set(err, CDP_ERR_USAGE, "model: expected an object");
	if (cdp_tree_known(def, known, "model", err) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (cdp_tree_str(def, known[i], &text[i], i < 2, "model", err) < 0)
			return -1;
	if (text[2])
		day.s.n = strlen(day.s.p = text[2]);
	if (text[2] && !cdp_tag_type_fit(CDP_TAG_DATE, &day, NULL, &s->arena))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "model.date: expected a day as 2024-05-01");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addc(&b, '{');
	for (int i = 0; i < 3 && (i < 2 || text[i]); i++) {
		cdp_json_key(&b, known[i]);
		cdp_json_str(&b, text[i], strlen(text[i]));
	}
	cdp_buf_addc(&b, '}');
	t->about.model = cdp_arena_strndup(&s->arena, b.p, b.n);
	cdp_buf_release(&b);
	return 0;
}
