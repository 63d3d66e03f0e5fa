/* What is told of a tag besides its value. */
#include "base/text.h"
#include "model/tagset_priv.h"

#include <string.h>

enum {
	NAME_MAX_BYTES = 128,
	TEXT_MAX_BYTES = 1024,
	LABELS_MAX = 64,
	KEEP_DEFAULT = 100,
	KEEP_MAX = 10000,
};

const char *const cdp_tag_about_members[] = {
	"name",   "title", "type",   "owner", "class", "source",   "version", "entity",
	"labels", "keep",  "status", "alarm", "zone",  "schedule", NULL,
};

int cdp_tag_name_check(const char *name, struct cdp_err *err)
{
	size_t n = strlen(name);

	if (n == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "is empty");
	if (n > NAME_MAX_BYTES)
		return cdp_err_set(err, CDP_ERR_USAGE, "is longer than %d bytes",
				   NAME_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "holds a control character");
	return 0;
}

int cdp_tag_stopped(const json_t *o, bool *stopped, struct cdp_err *err)
{
	static const char *const words[] = { "active", "new", "stopped", "archived" };
	enum { COUNT = sizeof(words) / sizeof(*words), COMPUTED = 2 };
	const char *status = words[0], *near;

	if (cdp_tree_str(o, "status", &status, false, "", err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(words[i], status) == 0) {
			*stopped = i >= COMPUTED;
			return 0;
		}
	near = cdp_text_suggest(status, strlen(status), words, COUNT);
	return cdp_err_set(
		err, CDP_ERR_USAGE,
		near ? "status: '%s' is none; did you mean '%s'?"
		     : "status: '%s' is none: active, new, stopped or archived",
		status, near);
}

int cdp_tag_load_type(struct cdp_tag *t, const json_t *o, struct cdp_err *err)
{
	const char *words[CDP_TAG_DATETIME + 1], *type = NULL, *near;

	if (cdp_tree_str(o, "type", &type, false, "", err) < 0)
		return -1;
	for (int i = 0; type && i <= CDP_TAG_DATETIME; i++) {
		words[i] = cdp_tag_type_name((enum cdp_tag_type)i);
		if (strcmp(words[i], type) == 0) {
			t->type = (enum cdp_tag_type)i;
			return 0;
		}
	}
	if (!type)
		return 0;
	near = cdp_text_suggest(type, strlen(type), words, CDP_TAG_DATETIME + 1);
	return cdp_err_set(err, CDP_ERR_USAGE, "type: unknown type '%s'%s%s%s", type,
			   near ? "; did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
}

/* A text that is kept. */
static int load_text(struct cdp_tagset *s, const json_t *o, const char *member,
		     const char **out, struct cdp_err *err)
{
	const char *text = NULL;

	if (cdp_tree_str(o, member, &text, false, "", err) < 0)
		return -1;
	if (!text)
		return 0;
	if (strlen(text) > TEXT_MAX_BYTES)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: longer than %d bytes", member,
				   TEXT_MAX_BYTES);
	*out = cdp_arena_strndup(&s->arena, text, strlen(text));
	return 0;
}

static int load_labels(struct cdp_tagset *s, struct cdp_tag_about *a, const json_t *o,
		       struct cdp_err *err)
{
	const json_t *list = json_object_get(o, "labels");
	size_t n = json_array_size(list);

	if (!list)
		return 0;
	if (!json_is_array(list) || n > LABELS_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "labels: expected a list of at most %d words",
				   LABELS_MAX);
	a->labels = cdp_arena_alloc(&s->arena, n * sizeof(*a->labels));
	for (; a->label_count < n; a->label_count++) {
		const char *text =
			json_string_value(json_array_get(list, a->label_count));

		if (!text || !*text || strlen(text) > NAME_MAX_BYTES)
			return cdp_err_set(
				err, CDP_ERR_USAGE,
				"labels[%zu]: expected a string of 1 to %d bytes",
				a->label_count, NAME_MAX_BYTES);
		a->labels[a->label_count] =
			cdp_arena_strndup(&s->arena, text, strlen(text));
	}
	return 0;
}

static int load_alarm(struct cdp_tag_about *a, const json_t *o, struct cdp_err *err)
{
	static const char *const known[] = { "min", "max", NULL };
	const json_t *alarm = json_object_get(o, "alarm");
	double *to[] = { &a->alarm_min, &a->alarm_max };

	a->alarm_max = 1;
	if (!alarm)
		return 0;
	if (json_object_size(alarm) == 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "alarm: expected an object with min or max");
	if (cdp_tree_known(alarm, known, "alarm", err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		const json_t *share = json_object_get(alarm, known[i]);

		if (!share)
			continue;
		*to[i] = json_number_value(share);
		if (!json_is_number(share) || *to[i] < 0 || *to[i] > 1)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "alarm.%s: expected a share from 0 to 1",
					   known[i]);
	}
	return a->alarm_min <= a->alarm_max
		       ? 0
		       : cdp_err_set(err, CDP_ERR_USAGE, "alarm: min is above max");
}

/* The run's own zone is no other one, so that what tags ask for is shared. */
static int load_zone(struct cdp_tagset *s, struct cdp_tag_about *a, const json_t *o,
		     struct cdp_err *err)
{
	const char *name = NULL;
	struct cdp_zone *z;

	if (cdp_tree_str(o, "zone", &name, false, "", err) < 0)
		return -1;
	if (!name || (s->zone && strcmp(name, s->zone) == 0))
		return 0;
	for (size_t i = 0; i < s->zone_count; i++)
		if (strcmp(name, cdp_zone_name(s->zones[i])) == 0) {
			a->zone = s->zones[i];
			return 0;
		}
	z = cdp_zone_load(name, err);
	if (!z) {
		cdp_err_prefix(err, "zone");
		return -1;
	}
	CDP_GROW(s->zones, s->zone_count, s->zone_cap);
	a->zone = s->zones[s->zone_count++] = z;
	return 0;
}

int cdp_tag_load_about(struct cdp_tagset *s, struct cdp_tag *t, const json_t *o,
		       struct cdp_err *err)
{
	struct cdp_tag_about *a = &t->about;
	const struct {
		const char *member, **to;
	} texts[] = { { "title", &a->title },   { "owner", &a->owner },
		      { "class", &a->class },   { "source", &a->source },
		      { "entity", &a->entity }, { "version", &a->version } };
	int64_t keep = KEEP_DEFAULT;

	a->entity = "person";
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (load_text(s, o, texts[i].member, texts[i].to, err) < 0)
			return -1;
	if (!*a->entity)
		return cdp_err_set(err, CDP_ERR_USAGE, "entity: is empty");
	if (cdp_tree_int(o, "keep", &keep, false, "", err) < 0)
		return -1;
	if (keep < 1 || keep > KEEP_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "keep: expected 1 to %d versions",
				   KEEP_MAX);
	a->keep = (unsigned)keep;
	if (load_alarm(a, o, err) < 0 || load_zone(s, a, o, err) < 0 ||
	    cdp_schedule_load(&a->schedule, o, &s->arena, err) < 0)
		return -1;
	return cdp_tag_load_type(t, o, err) < 0 ? -1 : load_labels(s, a, o, err);
}
