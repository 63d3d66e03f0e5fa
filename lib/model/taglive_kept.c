/* Tags with a schedule: which of them are due, and as of when. */
#include "model/taglive_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int64_t day_before(const struct cdp_run *run, int64_t base_ms)
{
	int64_t day = cdp_zone_day(run->zone, base_ms / 1000);

	return cdp_zone_day_start(run->zone, day - 1) * 1000;
}

/* As of when a tag is to be computed, when the days up to base time `last` are over and
 * the state was followed to `base`; INT64_MIN: it is not due.  Older base times than
 * `floor` cannot be asked for. */
static int64_t due_at(const struct cdp_taglive *l, unsigned tag, int64_t base_ms,
		      int64_t last_ms, int64_t floor_ms)
{
	const struct cdp_tag *t = &l->o.set->tags[tag];
	const struct cdp_zone *zone = t->about.zone ? t->about.zone : l->o.run->zone;
	int64_t since, at = last_ms;

	if (!t->about.schedule)
		return INT64_MIN;
	if (!cdp_tagkept_since(l->kept, tag, INT64_MAX, &since))
		return base_ms;
	for (int64_t before; at > since && at >= floor_ms; at = before) {
		before = day_before(l->o.run, at);
		if (cdp_schedule_due(t->about.schedule, cdp_zone_day(zone, before / 1000),
				     cdp_zone_day(zone, at / 1000)))
			return at;
	}
	return since < base_ms && cdp_schedule_due(t->about.schedule,
						   cdp_zone_day(zone, since / 1000),
						   cdp_zone_day(zone, base_ms / 1000))
		       ? base_ms
		       : INT64_MIN;
}

/* Those that are due at one time. */
static int keep(struct cdp_taglive *l, const bool *due, int64_t at_ms, int64_t from_ms,
		struct cdp_err *err)
{
	const struct cdp_run *run = l->o.run;
	struct cdp_quiet *quiet = l->quiet;
	struct cdp_run then = *run;
	int rc;

	then.as_of = cdp_time_from_ms(at_ms);
	l->o.run = &then;
	l->quiet = NULL;
	l->due = due;
	tl_set_windows(l, at_ms);
	rc = tl_survey(l, err);
	for (unsigned i = 0; i < l->o.set->count && rc == 0; i++)
		if (due[i])
			cdp_tagkept_begin(l->kept, i, at_ms, from_ms);
	if (rc == 0)
		rc = tl_each_view(l, tl_keep_view, err);
	l->due = NULL;
	l->quiet = quiet;
	l->o.run = run;
	return rc < 0 ? -1 : 0;
}

/* From the file they come without what nobody has any more. */
static int save(struct cdp_taglive *l, struct cdp_err *err)
{
	if (cdp_tagkept_save(l->kept, l->kept_path, err) < 0)
		return -1;
	cdp_tagkept_free(l->kept);
	l->kept = cdp_tagkept_new(l->o.set);
	return cdp_tagkept_load(l->kept, l->kept_path, NULL, err);
}

int tl_keep_due(struct cdp_taglive *l, int64_t base_ms, int64_t from_ms,
		struct cdp_err *err)
{
	unsigned count = l->o.set->count;
	int64_t last = day_before(l->o.run, from_ms), next = INT64_MIN;
	int64_t *at, floor = l->s->old ? l->s->head.floor_ms : base_ms;
	bool *due, any = false;
	int rc = 0;

	if (!l->kept || base_ms == TST_NEVER || from_ms <= base_ms)
		return 0;
	at = cdp_alloc((count + 1) * sizeof(*at));
	due = cdp_alloc((count + 1) * sizeof(*due));
	for (unsigned i = 0; i < count; i++)
		at[i] = due_at(l, i, base_ms, last, floor);
	while (rc == 0) { /* the oldest first: later ones may read them */
		int64_t now = INT64_MAX;

		for (unsigned i = 0; i < count; i++)
			if (at[i] > next && at[i] < now)
				now = at[i];
		if (now == INT64_MAX)
			break;
		for (unsigned i = 0; i < count; i++)
			due[i] = at[i] == now;
		rc = keep(l, due, now, from_ms, err);
		next = now;
		any = true;
	}
	free(at);
	free(due);
	return rc == 0 && any ? save(l, err) : rc;
}
