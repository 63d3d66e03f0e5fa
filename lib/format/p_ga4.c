/* Rows of Google Analytics 4's export to BigQuery, as JSON lines; written after the
 * published schema.
 *
 * event_name at event_timestamp (microseconds).  Ids are user_id (login) and
 * user_pseudo_id (device).  event_params are properties, their values without the type;
 * user_properties become an object likewise; other columns stay members, and `platform`
 * tells the source.  64-bit integers come as strings.  As tables are written again for
 * some days, the event id is that of the tuple of user_pseudo_id, event_timestamp,
 * event_name, event_bundle_sequence_id and the batch members. */
#include "format/keep.h"
#include "format/protocols.h"

#include "base/num.h"
#include "record/json.h"

enum {
	NAME,
	TIME,
	USER,
	PSEUDO,
	PARAMS,
	PROPERTIES,
	PLATFORM,
	BUNDLE,
	BATCH,
	PAGE,
	ORDER
};
static const char *const members[] = { "event_name",        "event_timestamp",
				       "user_id",           "user_pseudo_id",
				       "event_params",      "user_properties",
				       "platform",          "event_bundle_sequence_id",
				       "batch_event_index", "batch_page_id",
				       "batch_ordering_id", NULL };
enum { MEMBERS = 11 };

/* {"string_value":...,"int_value":...}: the one that is there. */
static struct cdp_val value_of(const struct cdp_val *typed)
{
	static const char *const names[] = { "string_value", "int_value", "double_value",
					     "float_value", NULL };
	struct cdp_val v[4];
	int64_t ignored;

	cdp_pick(typed, names, v);
	if (v[1].type == CDP_STRING && cdp_num_json_i64(&ignored, v[1].p, v[1].n))
		v[1].type = CDP_NUMBER;
	for (int i = 0; i < 4; i++)
		if (v[i].type > CDP_NULL)
			return v[i];
	return (struct cdp_val){ .p = "null", .n = 4, .type = CDP_NULL };
}

static bool next_param(const struct cdp_val *list, struct cdp_iter *it,
		       struct cdp_val *key, struct cdp_val *v)
{
	static const char *const names[] = { "key", "value", NULL };
	struct cdp_val pair, p[2];

	while (list->type == CDP_ARRAY && cdp_val_item(list, it, &pair)) {
		cdp_pick(&pair, names, p);
		if (p[0].type != CDP_STRING)
			continue;
		*key = p[0];
		*v = value_of(&p[1]);
		return true;
	}
	return false;
}

static int check_list(const struct cdp_val *v, const char *path, struct cdp_err *err)
{
	return v->type <= CDP_NULL || v->type == CDP_ARRAY
		       ? 0
		       : cdp_canon_bad(err, path, "not an array");
}

static void put_user(struct cdp_buf *more, const struct cdp_val *list)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	bool some = false;

	while (next_param(list, &it, &key, &v)) {
		cdp_buf_adds(more, some ? "," : ",\"user_properties\":{");
		some = true;
		cdp_json_val(more, &key);
		cdp_buf_addc(more, ':');
		cdp_canon_put_val(more, &v);
	}
	if (some)
		cdp_buf_addc(more, '}');
}

static void put_id(struct cdp_decoder *d, const struct cdp_val *v)
{
	static const int tuple[] = {
		PSEUDO, USER, TIME, NAME, BUNDLE, BATCH, PAGE, ORDER
	};

	cdp_buf_reset(&d->a);
	for (size_t i = 0; i < sizeof(tuple) / sizeof(*tuple); i++) {
		cdp_buf_add(&d->a, v[tuple[i]].p, v[tuple[i]].n);
		cdp_buf_addc(&d->a, '\0');
	}
	cdp_draft_tuple(&d->draft, d->a.p, d->a.n);
}

/* "ga4/web" */
static void put_source(struct cdp_decoder *d, const struct cdp_val *platform)
{
	struct cdp_buf *b = &d->draft.source;

	if (platform->type != CDP_STRING || !platform->n || platform->escaped) {
		cdp_buf_adds(b, d->opts->source ? d->opts->source : "ga4");
		return;
	}
	cdp_buf_adds(b, "ga4/");
	for (size_t i = 0; i < platform->n; i++) {
		char c = platform->p[i];

		cdp_buf_addc(b, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
}

static int read_row(struct cdp_decoder *d, const struct cdp_val *row,
		    const struct cdp_arrival *from, struct cdp_err *err)
{
	static const char *const done[] = { "event_name",   "event_timestamp",
					    "user_id",      "user_pseudo_id",
					    "event_params", "user_properties",
					    "event_date",   NULL };
	const struct cdp_clock clock = { CDP_UNIT_US, NULL, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[MEMBERS], key, value;
	struct cdp_iter it = { 0 };

	cdp_pick(row, members, v);
	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->received = from->received;
	if (cdp_when(&r->ms, &v[TIME], &clock, "event_timestamp", err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[NAME], "event_name", err) < 0 ||
	    cdp_draft_id(r, d->opts->login_kind, NULL, &v[USER], "user_id", err) < 0 ||
	    cdp_draft_id(r, "device", NULL, &v[PSEUDO], "user_pseudo_id", err) < 0 ||
	    check_list(&v[PARAMS], "event_params", err) < 0 ||
	    check_list(&v[PROPERTIES], "user_properties", err) < 0)
		return -1;
	while (next_param(&v[PARAMS], &it, &key, &value))
		cdp_draft_val(r, CDP_PART_PROPS, &key, &value);
	put_id(d, v);
	put_source(d, &v[PLATFORM]);
	put_user(&r->more, &v[PROPERTIES]);
	cdp_keep_rest(d, row, done, "ga4");
	return 0;
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val v[MEMBERS];

	cdp_pick(payload, members, v);
	return v[NAME].type == CDP_STRING && v[TIME].type != CDP_MISSING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	if (read_row(d, payload, from, err) < 0)
		return cdp_decoder_reject(d, sink, payload, err);
	return cdp_decoder_put(d, sink, payload, err);
}

const struct cdp_protocol cdp_p_ga4 = { "ga4", knows, read_payload };
