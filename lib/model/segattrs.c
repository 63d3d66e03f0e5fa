#include "model/segattrs.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cdp_segment_members[] = { "name",    "title",   "owner",   "class",
					    "expires", "readers", "editors", "when",
					    "sample",  "seed",    "top",     "percent",
					    "by",      "import",  NULL };

static int wrong(struct cdp_err *err, const char *key, const char *what)
{
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", key, what);
}

/* *out is NULL or the text, borrowed. */
static int take_text(const json_t *o, const char *key, const char **out,
		     struct cdp_err *err)
{
	*out = NULL;
	if (cdp_tree_str(o, key, out, false, "", err) < 0)
		return -1;
	if (*out && strlen(*out) > CDP_SEGMENT_TEXT_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: longer than %d bytes", key,
				   CDP_SEGMENT_TEXT_MAX);
	return 0;
}

static int check_class(const char *class, const json_t *classes, struct cdp_err *err)
{
	size_t n = json_array_size(classes);
	const char **names, *near;

	if (!class || !classes)
		return 0;
	names = cdp_alloc((n + 1) * sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		names[i] = json_string_value(json_array_get(classes, i));
		if (strcmp(names[i], class) == 0) {
			free(names);
			return 0;
		}
	}
	near = cdp_text_suggest(class, strlen(class), names, n);
	cdp_err_set(err, CDP_ERR_USAGE, "class: '%s' is none of 'classes'%s%s%s", class,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	return -1;
}

/* ---- expiry ---- */

static bool is_day(const char *s)
{
	char text[32];
	struct cdp_time t;
	struct cdp_err ignored;

	if (strlen(s) != 10)
		return false;
	snprintf(text, sizeof(text), "%sT00:00:00Z", s);
	return cdp_time_parse(&t, text, strlen(text), &ignored) == 0;
}

static int check_expires(const char *s, struct cdp_err *err)
{
	struct cdp_time t;

	if (!s || is_day(s) || cdp_time_parse(&t, s, strlen(s), err) == 0)
		return 0;
	return wrong(err, "expires", "expected a day '2024-05-01' or a time of RFC 3339");
}

bool cdp_segment_expiry(const struct cdp_segment *g, const struct cdp_zone *zone,
			struct cdp_time *t)
{
	struct cdp_err ignored;
	int year;
	unsigned month, day;

	if (!g->expires)
		return false;
	if (cdp_time_parse(t, g->expires, strlen(g->expires), &ignored) == 0)
		return true;
	if (sscanf(g->expires, "%4d-%2u-%2u", &year, &month, &day) != 3)
		return false;
	*t = (struct cdp_time){ .s = cdp_zone_day_start(
					zone, cdp_days_from_civil(year, month, day)) };
	return true;
}

bool cdp_segment_has_expired(const struct cdp_segment *g, const struct cdp_run *run)
{
	struct cdp_time t;

	return cdp_segment_expiry(g, run->zone, &t) && cdp_time_cmp(run->as_of, t) >= 0;
}

/* ---- who may ---- */

static int check_people(const json_t *o, const char *key, struct cdp_err *err)
{
	const json_t *list = json_object_get(o, key);
	bool fine = !list || json_is_array(list);

	for (size_t i = 0; fine && i < json_array_size(list); i++)
		fine = json_string_length(json_array_get(list, i)) > 0;
	return fine ? 0 : wrong(err, key, "expected a list of names");
}

/* ---- what is left of it ---- */

/* "10%", "0.5%" or a number of percent. */
static int take_share(const json_t *v, const char *key, uint32_t *ppm,
		      struct cdp_err *err)
{
	const char *s = json_string_value(v);
	size_t n = s ? strlen(s) : 0;
	struct cdp_err ignored;
	double d = json_number_value(v);
	bool fine = s ? n > 1 && s[n - 1] == '%' &&
				    cdp_num_double(&d, s, n - 1, &ignored) == 0
		      : json_is_number(v);

	if (!fine || !(d > 0 && d <= 100))
		return wrong(err, key, "expected more than 0 and at most 100 percent");
	*ppm = (uint32_t)lround(d * 10000);
	return *ppm ? 0 : wrong(err, key, "less than 0.0001 percent");
}

static int take_by(struct cdp_segments *s, struct cdp_segment *g, const json_t *o,
		   const struct cdp_env *env, struct cdp_err *err)
{
	const char *by = NULL;
	struct cdp_expr *e;

	if (cdp_tree_str(o, "by", &by, true, "", err) < 0)
		return -1;
	for (g->by = 0; g->by < s->by_count; g->by++)
		if (strcmp(cdp_expr_text(s->by[g->by]), by) == 0)
			return 0;
	if (cdp_segment_compile_by(&e, by, env, err) < 0) {
		cdp_err_prefix(err, "by");
		return -1;
	}
	CDP_GROW(s->by, s->by_count, s->by_cap);
	s->by[s->by_count++] = e;
	return 0;
}

static int take_sample(struct cdp_segment *g, const json_t *o, struct cdp_err *err)
{
	const char *seed = g->name;

	g->cut = CDP_CUT_SAMPLE;
	if (cdp_tree_str(o, "seed", &seed, false, "", err) < 0)
		return -1;
	g->seed = cdp_hash_stable(seed, strlen(seed), 4);
	return take_share(json_object_get(o, "sample"), "sample", &g->ppm, err);
}

static int take_cut(struct cdp_segments *s, struct cdp_segment *g, const json_t *o,
		    const struct cdp_env *env, struct cdp_err *err)
{
	bool sample = json_object_get(o, "sample"), top = json_object_get(o, "top");
	const json_t *percent = json_object_get(o, "percent");
	int64_t n = 0;

	if (sample + top + (percent != NULL) > 1)
		return wrong(err, top ? "top" : "percent",
			     "one of sample, top and percent is all there can be");
	if (!sample && json_object_get(o, "seed"))
		return wrong(err, "seed", "there is no sample");
	if (!top && !percent && json_object_get(o, "by"))
		return wrong(err, "by", "there is neither top nor percent");
	if (sample)
		return take_sample(g, o, err);
	if (!top && !percent)
		return 0;
	g->cut = top ? CDP_CUT_TOP : CDP_CUT_PERCENT;
	if (cdp_tree_int(o, "top", &n, false, "", err) < 0 ||
	    (percent && take_share(percent, "percent", &g->ppm, err) < 0))
		return -1;
	if (top && (n < 1 || n > UINT32_MAX))
		return wrong(err, "top", "expected a number of customers from 1 on");
	g->top = (uint32_t)n;
	return take_by(s, g, o, env, err);
}

bool cdp_segment_samples(const struct cdp_segment *g, const char *key, size_t n)
{
	return cdp_hash_stable(key, n, g->seed) % 1000000 < g->ppm;
}

/* ---- all of it ---- */

int cdp_segment_attrs(struct cdp_segments *s, struct cdp_segment *g, const json_t *o,
		      const json_t *classes, const struct cdp_env *env,
		      struct cdp_err *err)
{
	const char *title, *owner, *class, *expires;

	if (take_text(o, "title", &title, err) < 0 ||
	    take_text(o, "owner", &owner, err) < 0 ||
	    take_text(o, "class", &class, err) < 0 ||
	    take_text(o, "expires", &expires, err) < 0 ||
	    check_people(o, "readers", err) < 0 || check_people(o, "editors", err) < 0 ||
	    check_class(class, classes, err) < 0 || check_expires(expires, err) < 0)
		return -1;
	g->expires = expires ? cdp_strdup(expires) : NULL;
	return take_cut(s, g, o, env, err);
}
