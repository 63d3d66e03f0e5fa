#include "model/intake.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "io/in.h"
#include "model/coverage.h"
#include "model/infer.h"
#include "model/latedays.h"
#include "model/skew.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* Members that are looked at, in the order of the slots from CDP_SLOT_FIXED on. */
enum {
	S_IDS = CDP_SLOT_FIXED,
	S_PROPS,
	S_EVENT_ID,
	S_SOURCE,
	S_SENT,
	S_RECEIVED,
	S_TIME_ORIGINAL,
	S_SESSION
};

/* Names of a session among the properties, as libraries give it. */
static const char *const session_names[] = {
	"$event_session_id", "$session_id", "$sid", "session_id", "sessionId", "session",
};
enum { SESSION_NAMES = sizeof(session_names) / sizeof(*session_names) };

/* Kinds of ids that tell devices apart, the best first. */
static const char *const device_kinds[] = { "device", "cookie", "openid", "anonymous" };
enum { DEVICE_KINDS = sizeof(device_kinds) / sizeof(*device_kinds) };

struct cdp_intake_conf {
	struct cdp_intake_opts opts;
	struct cdp_format_opts future; /* for the check that readers share */
	struct cdp_paths *paths;
	struct cdp_skew *skew;
	struct cdp_plan *plan;
	struct cdp_coverage *coverage;
	struct cdp_virtual *virtual;
	struct cdp_infer *infer;
	struct cdp_intake_counts counts;
	struct cdp_latedays late;
};

struct cdp_intake {
	struct cdp_intake_conf *conf;
	struct cdp_scan *scan;
	struct cdp_rec rec;
	struct cdp_buf key;
	struct cdp_plan_check *check;
	struct cdp_coverage *coverage;
	struct cdp_virtual_work *virtual;
	struct cdp_infer *infer;
	struct cdp_intake_counts counts;
	struct cdp_latedays late;
};

/* --- configuration --- */

static void add_paths(struct cdp_paths *paths)
{
	static const char *const members[] = { "ids",          "props", "event_id",
					       "source",       "sent",  "received",
					       "time_original" };
	const char *keys[2] = { "props", NULL };
	size_t lens[2] = { 5, 0 };

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		size_t n = strlen(members[i]);

		cdp_paths_add_keys(paths, &members[i], &n, 1);
	}
	for (size_t i = 0; i < SESSION_NAMES; i++) {
		keys[1] = session_names[i];
		lens[1] = strlen(keys[1]);
		cdp_paths_add_keys(paths, keys, lens, 2);
	}
}

static int load(struct cdp_intake_conf *c, struct cdp_err *err)
{
	const struct cdp_intake_opts *opts = &c->opts;

	if (opts->plan_file) {
		c->plan = cdp_plan_load(opts->plan_file, opts->run->zone, err);
		if (!c->plan)
			return -1;
		cdp_plan_paths(c->plan, c->paths);
		if (opts->coverage)
			c->coverage = cdp_coverage_new(c->plan);
	}
	if (opts->virtual_file) {
		c->virtual = cdp_virtual_load(opts->virtual_file, opts->run, c->paths,
					      err);
		if (!c->virtual)
			return -1;
	}
	if (opts->infer)
		c->infer = cdp_infer_new(opts->run->zone);
	return 0;
}

int cdp_intake_conf_new(struct cdp_intake_conf **out, const struct cdp_intake_opts *opts,
			struct cdp_err *err)
{
	struct cdp_intake_conf *c = cdp_calloc(1, sizeof(*c));

	c->opts = *opts;
	c->future.received = CDP_NO_TIME;
	c->future.future_ms = opts->base_ms;
	if (opts->base_ms != CDP_NO_TIME)
		c->future.future_ms += CDP_FUTURE_SLACK_MS;
	c->paths = cdp_paths_new();
	add_paths(c->paths);
	if (opts->skew_ms)
		c->skew = cdp_skew_new(opts->skew_ms);
	if (load(c, err) < 0) {
		cdp_intake_conf_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void cdp_intake_conf_free(struct cdp_intake_conf *c)
{
	if (!c)
		return;
	cdp_skew_free(c->skew);
	cdp_latedays_release(&c->late);
	cdp_coverage_free(c->coverage);
	cdp_plan_free(c->plan);
	cdp_virtual_free(c->virtual);
	cdp_infer_free(c->infer);
	cdp_paths_free(c->paths);
	free(c);
}

bool cdp_intake_conf_is_ordered(const struct cdp_intake_conf *c)
{
	return c->skew;
}

const struct cdp_intake_counts *cdp_intake_conf_counts(const struct cdp_intake_conf *c)
{
	return &c->counts;
}

void cdp_intake_conf_late_days(const struct cdp_intake_conf *c, struct cdp_buf *out)
{
	cdp_latedays_write(&c->late, out);
}

void cdp_intake_conf_coverage(const struct cdp_intake_conf *c, struct cdp_buf *out)
{
	if (c->coverage)
		cdp_coverage_write(c->coverage, out);
}

void cdp_intake_conf_draft(const struct cdp_intake_conf *c, struct cdp_buf *out)
{
	if (c->infer)
		cdp_infer_write(c->infer, out);
}

struct cdp_intake *cdp_intake_new(struct cdp_intake_conf *c)
{
	struct cdp_intake *s = cdp_calloc(1, sizeof(*s));

	s->conf = c;
	s->scan = cdp_scan_new(c->paths);
	cdp_buf_init(&s->key, CDP_BUF_NOMAX);
	if (c->coverage)
		s->coverage = cdp_coverage_new(c->plan);
	if (c->plan)
		s->check = cdp_plan_check_new(c->plan, s->coverage);
	if (c->virtual)
		s->virtual = cdp_virtual_work_new(c->virtual);
	if (c->infer)
		s->infer = cdp_infer_new(c->opts.run->zone);
	return s;
}

void cdp_intake_merge(struct cdp_intake *s)
{
	struct cdp_intake_counts *all = &s->conf->counts;

	all->shifted += s->counts.shifted;
	all->future += s->counts.future;
	all->late += s->counts.late;
	cdp_latedays_merge(&s->conf->late, &s->late);
	cdp_latedays_release(&s->late);
	if (s->check) {
		const struct cdp_plan_counts *n = cdp_plan_check_counts(s->check);

		all->plan.violations += n->violations;
		all->plan.marked += n->marked;
		all->plan.stripped += n->stripped;
	}
	if (s->virtual) {
		const struct cdp_virtual_counts *n = cdp_virtual_work_counts(s->virtual);

		all->made.added += n->added;
		all->made.renamed += n->renamed;
		all->made.errors += n->errors;
	}
	if (s->infer)
		cdp_infer_merge(s->conf->infer, s->infer);
	if (s->coverage)
		cdp_coverage_add(s->conf->coverage, s->coverage);
	cdp_plan_check_free(s->check);
	cdp_coverage_free(s->coverage);
	cdp_virtual_work_free(s->virtual);
	cdp_infer_free(s->infer);
	cdp_scan_free(s->scan);
	cdp_buf_release(&s->key);
	free(s);
}

/* --- the record --- */

/* Looks at the record anew; what was seen before is gone. */
static int look(struct cdp_intake *s, struct cdp_buf *out, size_t at, struct cdp_err *err)
{
	if (cdp_buf_reserve(out, 1 + CDP_IN_PAD) < 0)
		return cdp_err_set(err, CDP_ERR_DATA, "the record is too long");
	/* A line end, so that the scanner needs no copy. */
	out->p[out->n] = '\n';
	memset(out->p + out->n + 1, 0, CDP_IN_PAD);
	cdp_scan_block(s->scan, out->p + at, out->n - at + 1);
	return cdp_scan_next(s->scan, &s->rec, err) < 0 ? -1 : 0;
}

/* `,"received":"2024-..."` and the like. */
static int64_t time_in(const struct cdp_buf *out, size_t at, struct cdp_span member)
{
	int64_t ms;

	if (member.n < CDP_TIME_CANON + 2)
		return CDP_NO_TIME;
	ms = cdp_time_canon_ms(out->p + at + member.at + member.n - CDP_TIME_CANON - 1,
			       CDP_TIME_CANON);
	return ms == INT64_MIN ? CDP_NO_TIME : ms;
}

/* --- clocks --- */

static void add_val(struct cdp_buf *b, const struct cdp_val *v)
{
	if (v->type > CDP_NULL)
		cdp_buf_add(b, v->p, v->n);
	cdp_buf_addc(b, '\0');
}

/* Source, device and, if *named, session of the record. */
static uint64_t session_key(struct cdp_intake *s, bool *named)
{
	const struct cdp_val *slots = s->rec.slots, *ids = &slots[S_IDS];
	struct cdp_val kind, value, device = *ids;
	struct cdp_iter it = { 0 };
	unsigned best = DEVICE_KINDS;

	while (ids->type == CDP_OBJECT && cdp_val_member(ids, &it, &kind, &value))
		for (unsigned i = 0; i < best; i++)
			if (cdp_val_is(&kind, device_kinds[i], strlen(device_kinds[i]))) {
				best = i;
				device = value;
			}
	cdp_buf_reset(&s->key);
	add_val(&s->key, &slots[S_SOURCE]);
	add_val(&s->key, &device);
	*named = false;
	for (unsigned i = 0; i < SESSION_NAMES && !*named; i++)
		if (slots[S_SESSION + i].type == CDP_STRING ||
		    slots[S_SESSION + i].type == CDP_NUMBER) {
			add_val(&s->key, &slots[S_SESSION + i]);
			*named = true;
		}
	return cdp_hash(s->key.p, s->key.n);
}

/* Writes another time over the record's, which goes to time_original unless there is one
 * already. */
static int set_time(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		    struct cdp_canon *info, int64_t ms, struct cdp_err *err)
{
	const struct cdp_val *slots;

	if (look(s, out, at, err) < 0)
		return -1;
	slots = s->rec.slots;
	cdp_time_format(out->p + (slots[CDP_SLOT_TIME].p - out->p), cdp_time_from_ms(ms));
	if (slots[S_TIME_ORIGINAL].type == CDP_MISSING) {
		out->n--;
		info->original = cdp_canon_add_time(out, at, "time_original", info->ms);
		cdp_buf_addc(out, '}');
	}
	info->ms = ms;
	return 0;
}

/* By how much the clock of the device is behind; 0 for a record that was corrected. */
static int shift_of(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		    const struct cdp_canon *info, int64_t received, int64_t *shift,
		    struct cdp_err *err)
{
	int64_t sent = time_in(out, at, info->sent), late = 0;
	uint64_t key;
	bool named;

	*shift = 0;
	if (look(s, out, at, err) < 0)
		return -1;
	if (s->rec.slots[S_TIME_ORIGINAL].type != CDP_MISSING)
		return 0;
	if (sent != CDP_NO_TIME && received != CDP_NO_TIME)
		late = received - sent;
	key = session_key(s, &named);
	*shift = cdp_skew_shift(s->conf->skew, key, named, info->ms, late);
	return 0;
}

static int correct_skew(struct cdp_intake *s, struct cdp_buf *out, size_t at,
			struct cdp_canon *info, int64_t received, struct cdp_err *err)
{
	int64_t shift, ms;

	if (shift_of(s, out, at, info, received, &shift, err) < 0)
		return -1;
	if (!shift)
		return 0;
	s->counts.shifted++;
	ms = info->ms + shift;
	if (ms < CDP_TIME_MIN_S * 1000)
		ms = CDP_TIME_MIN_S * 1000;
	if (ms > CDP_TIME_MAX_S * 1000)
		ms = CDP_TIME_MAX_S * 1000;
	return set_time(s, out, at, info, ms, err);
}

static int limit_future(struct cdp_intake *s, struct cdp_buf *out, size_t at,
			struct cdp_canon *info, int64_t received, struct cdp_err *err)
{
	const struct cdp_intake_opts *opts = &s->conf->opts;

	struct cdp_err why;

	if (cdp_canon_future(&s->conf->future, info->ms, received, &why) == 0)
		return 0;
	s->counts.future++;
	if (opts->future == CDP_FUTURE_REJECT) {
		*err = why;
		return -1;
	}
	if (opts->future == CDP_FUTURE_KEEP)
		return 0;
	return set_time(s, out, at, info,
			received != CDP_NO_TIME ? received : opts->base_ms, err);
}

static void note_late(struct cdp_intake *s, int64_t ms)
{
	const struct cdp_intake_opts *opts = &s->conf->opts;

	s->counts.late++;
	if (opts->late_days)
		cdp_latedays_add(&s->late,
				 cdp_zone_day(opts->run->zone, cdp_time_from_ms(ms).s),
				 1);
}

static int clocks(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		  struct cdp_canon *info, struct cdp_err *err)
{
	int64_t received = time_in(out, at, info->received);
	int64_t late = s->conf->opts.late_ms;

	if (info->ms == CDP_NO_TIME)
		return 0;
	if (s->conf->skew && correct_skew(s, out, at, info, received, err) < 0)
		return -1;
	if (limit_future(s, out, at, info, received, err) < 0)
		return -1;
	if (late && received != CDP_NO_TIME && received - info->ms > late)
		note_late(s, info->ms);
	return 0;
}

/* --- the plan --- */

/* What is told of a record that we wrote; its time is the same. */
static int tell(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		struct cdp_canon *info, struct cdp_err *err)
{
	const struct cdp_val *slots;

	if (look(s, out, at, err) < 0)
		return -1;
	slots = s->rec.slots;
	info->event_id = cdp_span_text(&s->rec, &slots[S_EVENT_ID]);
	info->source = cdp_span_text(&s->rec, &slots[S_SOURCE]);
	info->sent = cdp_span_member(&s->rec, &slots[S_SENT], 4);
	info->received = cdp_span_member(&s->rec, &slots[S_RECEIVED], 8);
	return 0;
}

static int replace(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		   const struct cdp_buf *text, struct cdp_canon *info,
		   struct cdp_err *err)
{
	out->n = at;
	cdp_buf_add(out, text->p, text->n);
	return tell(s, out, at, info, err);
}

static int check_plan(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		      struct cdp_canon *info, struct cdp_err *err)
{
	const struct cdp_buf *edited;
	int rc;

	if (look(s, out, at, err) < 0)
		return -1;
	rc = cdp_plan_check(s->check, &s->rec, info->ms, &edited, err);
	return rc > 0 ? replace(s, out, at, edited, info, err) : rc;
}

/* --- virtual events --- */

/* The plan may have the name of an event that was made. */
static void saw(struct cdp_intake *s, const struct cdp_canon *info)
{
	if (s->check)
		cdp_plan_check_saw(s->check, &s->rec, info->ms);
}

static int make_virtual(struct cdp_intake *s, struct cdp_buf *out, size_t at,
			struct cdp_canon *info, struct cdp_err *err)
{
	const struct cdp_buf *renamed;

	if (look(s, out, at, err) < 0)
		return -1;
	if (!cdp_virtual_apply(s->virtual, &s->rec, &renamed))
		return 0;
	if (replace(s, out, at, renamed, info, err) < 0)
		return -1;
	saw(s, info);
	return 0;
}

int cdp_intake_more(struct cdp_intake *s, struct cdp_buf *out, struct cdp_canon *info)
{
	size_t at = out->n;
	struct cdp_err never;

	/* The rest of what is told of the origin is true of it, too. */
	if (!s->virtual || !cdp_virtual_next(s->virtual, out) ||
	    tell(s, out, at, info, &never) < 0)
		return 0;
	saw(s, info);
	return 1;
}

/* --- all of it --- */

int cdp_intake_record(struct cdp_intake *s, struct cdp_buf *out, size_t at,
		      struct cdp_canon *info, struct cdp_err *err)
{
	if (clocks(s, out, at, info, err) < 0)
		return -1;
	if (s->check && check_plan(s, out, at, info, err) < 0)
		return -1;
	if (s->virtual && make_virtual(s, out, at, info, err) < 0)
		return -1;
	if (!s->infer)
		return 1;
	if (look(s, out, at, err) < 0)
		return -1;
	cdp_infer_add(s->infer, &s->rec, S_IDS, S_PROPS);
	out->n = at;
	return 0;
}
