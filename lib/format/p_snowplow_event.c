#include "format/p_snowplow.h"

#include "base/num.h"
#include "format/keep.h"
#include "record/json.h"

const struct cdp_snowplow_field cdp_snowplow_fields[CDP_SNOWPLOW_FIELDS] = {
	{ "app_id", "aid", CDP_SNOWPLOW_TEXT },
	{ "platform", "p", CDP_SNOWPLOW_TEXT },
	{ "etl_tstamp", NULL, CDP_SNOWPLOW_TIME },
	{ "collector_tstamp", NULL, CDP_SNOWPLOW_TIME },
	{ "dvce_created_tstamp", "dtm", CDP_SNOWPLOW_TIME },
	{ "event", "e", CDP_SNOWPLOW_TEXT },
	{ "event_id", "eid", CDP_SNOWPLOW_TEXT },
	{ "txn_id", "tid", CDP_SNOWPLOW_NUMBER },
	{ "name_tracker", "tna", CDP_SNOWPLOW_TEXT },
	{ "v_tracker", "tv", CDP_SNOWPLOW_TEXT },
	{ "v_collector", NULL, CDP_SNOWPLOW_TEXT },
	{ "v_etl", NULL, CDP_SNOWPLOW_TEXT },
	{ "user_id", "uid", CDP_SNOWPLOW_TEXT },
	{ "user_ipaddress", "ip", CDP_SNOWPLOW_TEXT },
	{ "user_fingerprint", "fp", CDP_SNOWPLOW_TEXT },
	{ "domain_userid", "duid", CDP_SNOWPLOW_TEXT },
	{ "domain_sessionidx", "vid", CDP_SNOWPLOW_NUMBER },
	{ "network_userid", "nuid", CDP_SNOWPLOW_TEXT },
	{ "geo_country", NULL, CDP_SNOWPLOW_TEXT },
	{ "geo_region", NULL, CDP_SNOWPLOW_TEXT },
	{ "geo_city", NULL, CDP_SNOWPLOW_TEXT },
	{ "geo_zipcode", NULL, CDP_SNOWPLOW_TEXT },
	{ "geo_latitude", NULL, CDP_SNOWPLOW_NUMBER },
	{ "geo_longitude", NULL, CDP_SNOWPLOW_NUMBER },
	{ "geo_region_name", NULL, CDP_SNOWPLOW_TEXT },
	{ "ip_isp", NULL, CDP_SNOWPLOW_TEXT },
	{ "ip_organization", NULL, CDP_SNOWPLOW_TEXT },
	{ "ip_domain", NULL, CDP_SNOWPLOW_TEXT },
	{ "ip_netspeed", NULL, CDP_SNOWPLOW_TEXT },
	{ "page_url", "url", CDP_SNOWPLOW_TEXT },
	{ "page_title", "page", CDP_SNOWPLOW_TEXT },
	{ "page_referrer", "refr", CDP_SNOWPLOW_TEXT },
	{ "page_urlscheme", NULL, CDP_SNOWPLOW_TEXT },
	{ "page_urlhost", NULL, CDP_SNOWPLOW_TEXT },
	{ "page_urlport", NULL, CDP_SNOWPLOW_NUMBER },
	{ "page_urlpath", NULL, CDP_SNOWPLOW_TEXT },
	{ "page_urlquery", NULL, CDP_SNOWPLOW_TEXT },
	{ "page_urlfragment", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_urlscheme", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_urlhost", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_urlport", NULL, CDP_SNOWPLOW_NUMBER },
	{ "refr_urlpath", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_urlquery", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_urlfragment", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_medium", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_source", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_term", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_medium", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_source", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_term", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_content", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_campaign", NULL, CDP_SNOWPLOW_TEXT },
	{ "contexts", "co", CDP_SNOWPLOW_JSON },
	{ "se_category", "se_ca", CDP_SNOWPLOW_TEXT },
	{ "se_action", "se_ac", CDP_SNOWPLOW_TEXT },
	{ "se_label", "se_la", CDP_SNOWPLOW_TEXT },
	{ "se_property", "se_pr", CDP_SNOWPLOW_TEXT },
	{ "se_value", "se_va", CDP_SNOWPLOW_NUMBER },
	{ "unstruct_event", "ue_pr", CDP_SNOWPLOW_JSON },
	{ "tr_orderid", "tr_id", CDP_SNOWPLOW_TEXT },
	{ "tr_affiliation", "tr_af", CDP_SNOWPLOW_TEXT },
	{ "tr_total", "tr_tt", CDP_SNOWPLOW_NUMBER },
	{ "tr_tax", "tr_tx", CDP_SNOWPLOW_NUMBER },
	{ "tr_shipping", "tr_sh", CDP_SNOWPLOW_NUMBER },
	{ "tr_city", "tr_ci", CDP_SNOWPLOW_TEXT },
	{ "tr_state", "tr_st", CDP_SNOWPLOW_TEXT },
	{ "tr_country", "tr_co", CDP_SNOWPLOW_TEXT },
	{ "ti_orderid", "ti_id", CDP_SNOWPLOW_TEXT },
	{ "ti_sku", "ti_sk", CDP_SNOWPLOW_TEXT },
	{ "ti_name", "ti_nm", CDP_SNOWPLOW_TEXT },
	{ "ti_category", "ti_ca", CDP_SNOWPLOW_TEXT },
	{ "ti_price", "ti_pr", CDP_SNOWPLOW_NUMBER },
	{ "ti_quantity", "ti_qu", CDP_SNOWPLOW_NUMBER },
	{ "pp_xoffset_min", "pp_mix", CDP_SNOWPLOW_NUMBER },
	{ "pp_xoffset_max", "pp_max", CDP_SNOWPLOW_NUMBER },
	{ "pp_yoffset_min", "pp_miy", CDP_SNOWPLOW_NUMBER },
	{ "pp_yoffset_max", "pp_may", CDP_SNOWPLOW_NUMBER },
	{ "useragent", "ua", CDP_SNOWPLOW_TEXT },
	{ "br_name", NULL, CDP_SNOWPLOW_TEXT },
	{ "br_family", NULL, CDP_SNOWPLOW_TEXT },
	{ "br_version", NULL, CDP_SNOWPLOW_TEXT },
	{ "br_type", NULL, CDP_SNOWPLOW_TEXT },
	{ "br_renderengine", NULL, CDP_SNOWPLOW_TEXT },
	{ "br_lang", "lang", CDP_SNOWPLOW_TEXT },
	{ "br_features_pdf", "f_pdf", CDP_SNOWPLOW_FLAG },
	{ "br_features_flash", "f_fla", CDP_SNOWPLOW_FLAG },
	{ "br_features_java", "f_java", CDP_SNOWPLOW_FLAG },
	{ "br_features_director", "f_dir", CDP_SNOWPLOW_FLAG },
	{ "br_features_quicktime", "f_qt", CDP_SNOWPLOW_FLAG },
	{ "br_features_realplayer", "f_realp", CDP_SNOWPLOW_FLAG },
	{ "br_features_windowsmedia", "f_wma", CDP_SNOWPLOW_FLAG },
	{ "br_features_gears", "f_gears", CDP_SNOWPLOW_FLAG },
	{ "br_features_silverlight", "f_ag", CDP_SNOWPLOW_FLAG },
	{ "br_cookies", "cookie", CDP_SNOWPLOW_FLAG },
	{ "br_colordepth", "cd", CDP_SNOWPLOW_TEXT },
	{ "br_viewwidth", NULL, CDP_SNOWPLOW_NUMBER },
	{ "br_viewheight", NULL, CDP_SNOWPLOW_NUMBER },
	{ "os_name", NULL, CDP_SNOWPLOW_TEXT },
	{ "os_family", NULL, CDP_SNOWPLOW_TEXT },
	{ "os_manufacturer", NULL, CDP_SNOWPLOW_TEXT },
	{ "os_timezone", "tz", CDP_SNOWPLOW_TEXT },
	{ "dvce_type", NULL, CDP_SNOWPLOW_TEXT },
	{ "dvce_ismobile", NULL, CDP_SNOWPLOW_FLAG },
	{ "dvce_screenwidth", NULL, CDP_SNOWPLOW_NUMBER },
	{ "dvce_screenheight", NULL, CDP_SNOWPLOW_NUMBER },
	{ "doc_charset", "cs", CDP_SNOWPLOW_TEXT },
	{ "doc_width", NULL, CDP_SNOWPLOW_NUMBER },
	{ "doc_height", NULL, CDP_SNOWPLOW_NUMBER },
	{ "tr_currency", "tr_cu", CDP_SNOWPLOW_TEXT },
	{ "tr_total_base", NULL, CDP_SNOWPLOW_NUMBER },
	{ "tr_tax_base", NULL, CDP_SNOWPLOW_NUMBER },
	{ "tr_shipping_base", NULL, CDP_SNOWPLOW_NUMBER },
	{ "ti_currency", "ti_cu", CDP_SNOWPLOW_TEXT },
	{ "ti_price_base", NULL, CDP_SNOWPLOW_NUMBER },
	{ "base_currency", NULL, CDP_SNOWPLOW_TEXT },
	{ "geo_timezone", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_clickid", NULL, CDP_SNOWPLOW_TEXT },
	{ "mkt_network", NULL, CDP_SNOWPLOW_TEXT },
	{ "etl_tags", NULL, CDP_SNOWPLOW_TEXT },
	{ "dvce_sent_tstamp", "stm", CDP_SNOWPLOW_TIME },
	{ "refr_domain_userid", NULL, CDP_SNOWPLOW_TEXT },
	{ "refr_device_tstamp", NULL, CDP_SNOWPLOW_TIME },
	{ "derived_contexts", NULL, CDP_SNOWPLOW_JSON },
	{ "domain_sessionid", "sid", CDP_SNOWPLOW_TEXT },
	{ "derived_tstamp", NULL, CDP_SNOWPLOW_TIME },
	{ "event_vendor", NULL, CDP_SNOWPLOW_TEXT },
	{ "event_name", NULL, CDP_SNOWPLOW_TEXT },
	{ "event_format", NULL, CDP_SNOWPLOW_TEXT },
	{ "event_version", NULL, CDP_SNOWPLOW_TEXT },
	{ "event_fingerprint", NULL, CDP_SNOWPLOW_TEXT },
	{ "true_tstamp", "ttm", CDP_SNOWPLOW_TIME },
};

int cdp_snowplow_column(const char *name)
{
	for (int i = 0; i < CDP_SNOWPLOW_FIELDS; i++)
		if (strcmp(cdp_snowplow_fields[i].name, name) == 0)
			return i;
	CDP_BUG("snowplow: no field '%s'", name);
}

static struct cdp_val text(const struct cdp_snowplow_event *e, const char *name)
{
	int i = cdp_snowplow_column(name);

	/* Plain text, not JSON: to be read by what does not look for escapes. */
	return (struct cdp_val){ .p = e->field[i].p,
				 .n = (uint32_t)e->field[i].n,
				 .type = e->field[i].n ? CDP_STRING : CDP_MISSING };
}

/* --- names --- */

/* The name within iglu:<vendor>/<name>/<format>/<version>. */
static bool schema_name(const char **p, size_t *n, const char *uri, size_t len)
{
	const char *end = uri + len, *slash, *next;

	if (len < 5 || memcmp(uri, "iglu:", 5) != 0)
		return false;
	slash = memchr(uri, '/', len);
	if (!slash)
		return false;
	next = memchr(slash + 1, '/', (size_t)(end - slash - 1));
	*p = slash + 1;
	*n = (size_t)((next ? next : end) - *p);
	return *n > 0;
}

/* {"schema":"iglu:...unstruct_event...","data":{"schema":...,"data":{...}}}: the event's
 * name is that of the inner schema, its properties are the inner data. */
static int self_describing(struct cdp_decoder *d, const struct cdp_snowplow_event *e,
			   struct cdp_err *err)
{
	static const char *const names[] = { "schema", "data", NULL };
	struct cdp_val json = text(e, "unstruct_event"), outer[2], inner[2];
	struct cdp_draft *r = &d->draft;
	const char *p, *name;
	size_t n, len;

	if (json.type == CDP_MISSING)
		return cdp_canon_bad(err, "unstruct_event", "unstruct_event is missing");
	if (cdp_keep_json(&json, json.p, json.n, "unstruct_event", err) < 0)
		return -1;
	cdp_pick(&json, names, outer);
	cdp_pick(&outer[1], names, inner);
	if (inner[0].type != CDP_STRING)
		return cdp_canon_bad(err, "unstruct_event", "no schema in it");
	p = cdp_val_str(&inner[0], &d->b, &n);
	if (!schema_name(&name, &len, p, n) || !cdp_canon_is_text(&inner[0]))
		return cdp_canon_bad(err, "unstruct_event", "'%s' is no schema",
				     cdp_excerpt(p, n).s);
	cdp_draft_event(r, name, len);
	cdp_buf_adds(&r->more, ",\"schema\":");
	cdp_json_str(&r->more, p, n);
	if (inner[1].type == CDP_OBJECT)
		cdp_draft_all(r, CDP_PART_PROPS, &inner[1], NULL);
	else
		cdp_draft_named(r, CDP_PART_PROPS, "data", &inner[1]);
	return 0;
}

static bool is(const struct cdp_val *v, const char *s)
{
	return v->n == strlen(s) && v->n && memcmp(v->p, s, v->n) == 0;
}

/* A structured event has no name but a category and an action. */
static int structured(struct cdp_draft *r, const struct cdp_snowplow_event *e,
		      struct cdp_err *err)
{
	struct cdp_val category = text(e, "se_category"), action = text(e, "se_action");

	if (!action.n)
		return cdp_canon_bad(err, "se_action", "se_action is missing");
	cdp_buf_add(&r->event, category.p, category.n);
	if (category.n)
		cdp_buf_addc(&r->event, '.');
	cdp_buf_add(&r->event, action.p, action.n);
	return 0;
}

static int read_name(struct cdp_decoder *d, const struct cdp_snowplow_event *e,
		     struct cdp_err *err)
{
	struct cdp_val event = text(e, "event"), name = text(e, "event_name");

	if (is(&event, "unstruct"))
		return self_describing(d, e, err);
	if (is(&event, "struct"))
		return structured(&d->draft, e, err);
	if (!name.n)
		name = event;
	cdp_draft_event(&d->draft, name.p, name.n);
	return 0;
}

/* --- ids --- */

static int put_id(struct cdp_draft *r, const struct cdp_snowplow_event *e,
		  const char *kind, const char *name, struct cdp_err *err)
{
	struct cdp_val v = text(e, name);

	return cdp_ids_put(&r->ids, kind, strlen(kind), v.p, v.n, err);
}

/* Apps have no domain_userid; their session entity has an id of the installation. */
static int session_id(struct cdp_draft *r, const struct cdp_val *contexts,
		      struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val entity, schema, data, id;

	while (contexts->type == CDP_ARRAY && cdp_val_item(contexts, &it, &entity)) {
		schema = cdp_pick_one(&entity, "schema");
		if (schema.type != CDP_STRING ||
		    !memmem(schema.p, schema.n, "/client_session/", 16))
			continue;
		data = cdp_pick_one(&entity, "data");
		id = cdp_pick_one(&data, "userId");
		return cdp_draft_id(r, "anonymous", "client_session", &id,
				    "contexts.userId", err);
	}
	return 0;
}

static int read_ids(struct cdp_decoder *d, const struct cdp_snowplow_event *e,
		    const struct cdp_val *contexts, const struct cdp_arrival *from,
		    struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val ip = text(e, "user_ipaddress");

	if (put_id(r, e, "anonymous", "domain_userid", err) < 0 ||
	    put_id(r, e, "cookie", "network_userid", err) < 0 ||
	    put_id(r, e, d->opts->login_kind, "user_id", err) < 0 ||
	    session_id(r, contexts, err) < 0)
		return -1;
	return cdp_keep_ip(r, &ip, from, err);
}

/* --- properties --- */

static bool is_flag(const char *p, size_t n, bool *flag)
{
	*flag = (n == 1 && *p == '1') || (n == 4 && memcmp(p, "true", 4) == 0);
	return *flag || (n == 1 && *p == '0') || (n == 5 && memcmp(p, "false", 5) == 0);
}

static void put_value(struct cdp_buf *b, enum cdp_snowplow_type type, const char *p,
		      size_t n)
{
	struct cdp_err ignored;
	double number;
	bool flag;

	if (type == CDP_SNOWPLOW_NUMBER && cdp_num_double(&number, p, n, &ignored) == 0)
		cdp_buf_add(b, p, n);
	else if (type == CDP_SNOWPLOW_FLAG && is_flag(p, n, &flag))
		cdp_buf_adds(b, flag ? "true" : "false");
	else
		cdp_json_str(b, p, n);
}

/* What became something else than a property. */
static bool is_done(const char *name)
{
	static const char *const done[] = { "app_id",         "event",
					    "event_id",       "event_name",
					    "user_id",        "domain_userid",
					    "network_userid", "unstruct_event",
					    "contexts",       "derived_contexts",
					    "v_tracker",      NULL };

	for (int i = 0; done[i]; i++)
		if (strcmp(name, done[i]) == 0)
			return true;
	return false;
}

/* A field whose name the event's own data took goes into the object `snowplow`. */
static void put_fields(struct cdp_decoder *d, const struct cdp_snowplow_event *e)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_buf *clashes = &d->c;

	cdp_buf_reset(clashes);
	for (int i = 0; i < CDP_SNOWPLOW_FIELDS; i++) {
		const struct cdp_snowplow_field *f = &cdp_snowplow_fields[i];

		if (!e->field[i].n || is_done(f->name))
			continue;
		cdp_buf_reset(&d->b);
		put_value(&d->b, f->type, e->field[i].p, e->field[i].n);
		if (!cdp_draft_has(r, CDP_PART_PROPS, f->name, strlen(f->name))) {
			cdp_draft_raw(r, CDP_PART_PROPS, f->name, d->b.p, d->b.n);
			continue;
		}
		cdp_buf_addc(clashes, clashes->n ? ',' : '{');
		cdp_json_cstr(clashes, f->name);
		cdp_buf_addc(clashes, ':');
		cdp_buf_add(clashes, d->b.p, d->b.n);
	}
	if (!clashes->n)
		return;
	cdp_buf_adds(&r->more, ",\"snowplow\":");
	cdp_buf_add(&r->more, clashes->p, clashes->n);
	cdp_buf_addc(&r->more, '}');
}

/* The entities of a contexts field, {"schema":...,"data":[...]}, as member `name`. */
static int put_contexts(struct cdp_draft *r, const struct cdp_snowplow_event *e,
			const char *name, struct cdp_val *data, struct cdp_err *err)
{
	struct cdp_val json = text(e, name);

	*data = (struct cdp_val){ 0 };
	if (json.type == CDP_MISSING)
		return 0;
	if (cdp_keep_json(&json, json.p, json.n, name, err) < 0)
		return -1;
	*data = cdp_pick_one(&json, "data");
	if (data->type == CDP_MISSING)
		*data = json;
	cdp_buf_addc(&r->more, ',');
	cdp_json_cstr(&r->more, name);
	cdp_buf_addc(&r->more, ':');
	cdp_canon_put_val(&r->more, data);
	return 0;
}

static void put_project(struct cdp_decoder *d, const struct cdp_snowplow_event *e)
{
	struct cdp_val app = text(e, "app_id"), json;

	cdp_buf_reset(&d->b);
	cdp_json_str(&d->b, app.p, app.n);
	cdp_val_at(&json, d->b.p, d->b.n);
	cdp_keep_project(&d->draft, &json);
}

/* "js-4.10.1": the tracker and its version. */
static void put_tracker(struct cdp_decoder *d, const struct cdp_snowplow_event *e)
{
	struct cdp_val name = text(e, "v_tracker"), version = { 0 };
	const char *end = name.p + name.n;

	for (const char *p = name.p; p && p + 1 < end; p++)
		if (*p == '-' && p[1] >= '0' && p[1] <= '9') {
			version = (struct cdp_val){ .p = p + 1,
						    .n = (uint32_t)(end - p - 1),
						    .type = CDP_STRING };
			name.n = (uint32_t)(p - name.p);
			break;
		}
	cdp_buf_reset(&d->b);
	cdp_json_str(&d->b, name.p, name.n);
	cdp_json_str(&d->b, version.p, version.n);
	if (d->b.n != name.n + version.n + 4) {
		/* It has quotes or the like, as no tracker does. */
		cdp_draft_str(&d->draft, CDP_PART_PROPS, "v_tracker", name.p, name.n);
		name = version = (struct cdp_val){ 0 };
	}
	cdp_draft_lib(&d->draft, d->opts, "snowplow", &name, &version);
}

int cdp_snowplow_draft(struct cdp_decoder *d, const struct cdp_snowplow_event *e,
		       const struct cdp_arrival *from, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val contexts, derived, id = text(e, "event_id");

	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->ms = e->ms;
	r->sent = e->sent;
	r->received = e->received != CDP_NO_TIME ? e->received : from->received;
	if (r->ms == CDP_NO_TIME)
		r->ms = r->received;
	cdp_buf_add(&r->event_id, id.p, id.n);
	if (read_name(d, e, err) < 0 ||
	    put_contexts(r, e, "contexts", &contexts, err) < 0 ||
	    put_contexts(r, e, "derived_contexts", &derived, err) < 0 ||
	    read_ids(d, e, &contexts, from, err) < 0)
		return -1;
	put_fields(d, e);
	put_project(d, e);
	put_tracker(d, e);
	return 0;
}
