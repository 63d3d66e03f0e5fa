#include "model/push_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/tree.h"

enum { OUTBOX_BATCH = 8192, PROGRAM_BATCH = 100, BATCH_MAX = 10000, NAME_MAX_LEN = 64 };
#define TIMEOUT_MS 60000

static int bad(struct cdp_err *err, const char *where, const char *what)
{
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", where, what);
}

/* --- channels --- */

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n > 0 && n <= NAME_MAX_LEN && s[n] == '\0';
}

static int load_argv(struct cdp_channel *c, const json_t *o, const char *where,
		     struct cdp_err *err)
{
	const json_t *list = json_object_get(o, "argv");
	size_t n = json_array_size(list);

	if (n == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.argv: expected an array of strings", where);
	c->argv = cdp_calloc(n + 1, sizeof(*c->argv));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s || (i == 0 && !*s))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s.argv[%zu]: expected a string", where, i);
		c->argv[i] = cdp_strdup(s);
	}
	return 0;
}

/* A duration of at least a millisecond. */
static int to_ms(int64_t *ms, const char *text, const char *where, const char *key,
		 struct cdp_err *err)
{
	int64_t ns;

	if (cdp_duration_parse(&ns, text, strlen(text), err) < 0) {
		cdp_err_prefix(err, "%s.%s", where, key);
		return -1;
	}
	*ms = ns / 1000000;
	if (*ms <= 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.%s: '%s' is too short", where,
				   key, text);
	return 0;
}

static int load_program(struct cdp_channel *c, const json_t *o, const char *where,
			struct cdp_err *err)
{
	static const char *const known[] = { "type", "argv", "batch", "timeout", NULL };
	const char *timeout = NULL;

	c->batch = PROGRAM_BATCH;
	c->timeout_ms = TIMEOUT_MS;
	if (cdp_tree_known(o, known, where, err) < 0 ||
	    cdp_tree_int(o, "batch", &c->batch, false, where, err) < 0 ||
	    cdp_tree_str(o, "timeout", &timeout, false, where, err) < 0 ||
	    load_argv(c, o, where, err) < 0)
		return -1;
	if (c->batch < 1 || c->batch > BATCH_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.batch: expected 1 to %d",
				   where, BATCH_MAX);
	return timeout ? to_ms(&c->timeout_ms, timeout, where, "timeout", err) : 0;
}

static int load_outbox(struct cdp_channel *c, const json_t *o, const char *where,
		       struct cdp_err *err)
{
	static const char *const known[] = { "type", "path", "format", NULL };
	const char *path = NULL, *format = "ndjson";

	c->batch = OUTBOX_BATCH;
	if (cdp_tree_known(o, known, where, err) < 0 ||
	    cdp_tree_str(o, "path", &path, true, where, err) < 0 ||
	    cdp_tree_str(o, "format", &format, false, where, err) < 0)
		return -1;
	if (!*path)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.path: empty", where);
	c->csv = strcmp(format, "csv") == 0;
	if (!c->csv && strcmp(format, "ndjson") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.format: '%s' is neither 'ndjson' nor 'csv'", where,
				   format);
	c->path = cdp_strdup(path);
	return 0;
}

static int load_channel(struct cdp_channel *c, const char *name, const json_t *o,
			struct cdp_err *err)
{
	const char *type = NULL;
	char *where;
	int ret = -1;

	if (!is_name(name))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "channels: '%s' is no name: letters, digits, '_', "
				   "'.' and '-', at most %d",
				   name, NAME_MAX_LEN);
	where = cdp_asprintf("channels.%s", name);
	c->name = cdp_strdup(name);
	if (!json_is_object(o)) {
		bad(err, where, "expected an object");
	} else if (cdp_tree_str(o, "type", &type, true, where, err) == 0) {
		if (strcmp(type, "outbox") == 0)
			ret = load_outbox(c, o, where, err);
		else if (strcmp(type, "program") == 0) {
			c->type = CDP_CHANNEL_PROGRAM;
			ret = load_program(c, o, where, err);
		} else {
			cdp_err_set(err, CDP_ERR_USAGE,
				    "%s.type: '%s' is neither 'outbox' nor 'program'",
				    where, type);
		}
	}
	free(where);
	return ret;
}

static int by_name(const void *a, const void *b)
{
	const struct cdp_channel *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Two channels must not append to one file. */
static int check_paths(const struct cdp_push_conf *c, struct cdp_err *err)
{
	for (size_t i = 0; i < c->channel_count; i++)
		for (size_t j = 0; c->channels[i].path && j < i; j++)
			if (c->channels[j].path &&
			    strcmp(c->channels[i].path, c->channels[j].path) == 0)
				return cdp_err_set(err, CDP_ERR_USAGE,
						   "channels.%s.path: '%s' is also that "
						   "of '%s'",
						   c->channels[i].name,
						   c->channels[i].path,
						   c->channels[j].name);
	return 0;
}

static int load_channels(struct cdp_push_conf *c, const json_t *root, struct cdp_err *err)
{
	json_t *o = json_object_get(root, "channels"), *v;
	const char *name;

	if (!json_is_object(o) || json_object_size(o) == 0)
		return bad(err, "channels", "expected an object with at least one");
	c->channels = cdp_calloc(json_object_size(o), sizeof(*c->channels));
	json_object_foreach(o, name, v)
	{
		if (load_channel(&c->channels[c->channel_count++], name, v, err) < 0)
			return -1;
	}
	qsort(c->channels, c->channel_count, sizeof(*c->channels), by_name);
	return check_paths(c, err);
}

int cdp_push_conf_channel(const struct cdp_push_conf *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->channel_count; i++)
		if (strlen(c->channels[i].name) == n &&
		    memcmp(c->channels[i].name, name, n) == 0)
			return (int)i;
	return -1;
}

static int known_channel(const struct cdp_push_conf *c, const char *name,
			 const char *where, struct cdp_err *err)
{
	int i = cdp_push_conf_channel(c, name, strlen(name));

	if (i < 0)
		cdp_err_set(err, CDP_ERR_USAGE, "%s: '%s' is not in channels", where,
			    name);
	return i;
}

/* --- quiet hours --- */

static int load_minute(int *minute, const json_t *o, const char *key, const char *where,
		       struct cdp_err *err)
{
	const char *text = NULL;

	if (cdp_tree_str(o, key, &text, true, where, err) < 0)
		return -1;
	if (cdp_quiet_minute(minute, text, err) == 0)
		return 0;
	cdp_err_prefix(err, "%s.%s", where, key);
	return -1;
}

static int load_window(struct cdp_quiet *q, const json_t *o, const char *name,
		       struct cdp_err *err)
{
	static const char *const known[] = { "from", "to", NULL };
	char *where = cdp_asprintf("quiet_hours.%s", name);
	int ret = -1;

	if (!json_is_object(o))
		bad(err, where, "expected an object");
	else if (cdp_tree_known(o, known, where, err) == 0 &&
		 load_minute(&q->from, o, "from", where, err) == 0 &&
		 load_minute(&q->to, o, "to", where, err) == 0)
		ret = q->from != q->to ? 0 : bad(err, where, "from and to are the same");
	free(where);
	return ret;
}

static int load_quiet(struct cdp_push_conf *c, const json_t *root, struct cdp_err *err)
{
	json_t *o = json_object_get(root, "quiet_hours"), *v;
	const char *name;

	if (o && !json_is_object(o))
		return bad(err, "quiet_hours", "expected an object");
	json_object_foreach(o, name, v)
	{
		int i = known_channel(c, name, "quiet_hours", err);

		if (i < 0 || load_window(&c->channels[i].quiet, v, name, err) < 0)
			return -1;
		c->channels[i].has_quiet = true;
	}
	return 0;
}

/* --- caps --- */

static int load_cap(struct cdp_push_conf *c, struct cdp_cap *cap, const json_t *o,
		    const char *where, struct cdp_err *err)
{
	static const char *const known[] = { "channel", "per", "max", NULL };
	const json_t *channel = json_object_get(o, "channel");
	const char *name = NULL, *per = NULL;

	if (!json_is_object(o))
		return bad(err, where, "expected an object");
	cap->channel = -1;
	if (cdp_tree_known(o, known, where, err) < 0 ||
	    (!json_is_null(channel) &&
	     cdp_tree_str(o, "channel", &name, true, where, err) < 0) ||
	    cdp_tree_str(o, "per", &per, true, where, err) < 0 ||
	    cdp_tree_int(o, "max", &cap->max, true, where, err) < 0)
		return -1;
	if (name && (cap->channel = known_channel(c, name, where, err)) < 0)
		return -1;
	if (cap->max < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.max: expected 0 or more",
				   where);
	if (strcmp(per, "calendar_day") == 0)
		return 0;
	return to_ms(&cap->per_ms, per, where, "per", err);
}

static int load_caps(struct cdp_push_conf *c, const json_t *root, struct cdp_err *err)
{
	const json_t *list = json_object_get(root, "caps");
	size_t n = json_array_size(list);

	if (list && !json_is_array(list))
		return bad(err, "caps", "expected an array");
	c->caps = cdp_calloc(n, sizeof(*c->caps));
	for (size_t i = 0; i < n; i++) {
		char *where = cdp_asprintf("caps[%zu]", i);
		int rc = load_cap(c, &c->caps[i], json_array_get(list, i), where, err);

		free(where);
		if (rc < 0)
			return -1;
		c->cap_count++;
	}
	return 0;
}

/* --- the whole --- */

static int load(struct cdp_push_conf *c, const json_t *root, struct cdp_err *err)
{
	static const char *const known[] = { "channels", "quiet_hours", "caps", "zone",
					     NULL };
	const char *zone = NULL;

	if (!json_is_object(root))
		return cdp_err_set(err, CDP_ERR_USAGE, "expected an object");
	if (cdp_tree_known(root, known, "", err) < 0 || load_channels(c, root, err) < 0 ||
	    load_quiet(c, root, err) < 0 || load_caps(c, root, err) < 0 ||
	    cdp_tree_str(root, "zone", &zone, false, "", err) < 0)
		return -1;
	if (!zone)
		return 0;
	c->zone = cdp_zone_load(zone, err);
	if (!c->zone)
		cdp_err_prefix(err, "zone");
	return c->zone ? 0 : -1;
}

int cdp_push_conf_load(struct cdp_push_conf *c, const char *path, struct cdp_err *err)
{
	json_t *root = cdp_tree_load(path, err);
	int ret;

	memset(c, 0, sizeof(*c));
	if (!root)
		return -1;
	ret = load(c, root, err);
	json_decref(root);
	if (ret < 0) {
		cdp_err_prefix(err, "%s", path);
		cdp_push_conf_release(c);
	}
	return ret;
}

void cdp_push_conf_release(struct cdp_push_conf *c)
{
	for (size_t i = 0; i < c->channel_count; i++) {
		struct cdp_channel *ch = &c->channels[i];

		for (char **arg = ch->argv; arg && *arg; arg++)
			free(*arg);
		free(ch->argv);
		free(ch->path);
		free(ch->name);
	}
	free(c->channels);
	free(c->caps);
	if (c->zone)
		cdp_zone_free(c->zone);
	memset(c, 0, sizeof(*c));
}
