#include "format/protocol.h"

#include "format/p_sensors.h"
#include "format/protocols.h"
#include "record/json.h"

const struct cdp_protocol *const cdp_protocols[] = {
	&cdp_p_sensors,      &cdp_p_zhuge,       &cdp_p_growingio,
	&cdp_p_thinkingdata, &cdp_p_datarangers, &cdp_p_umeng,
	&cdp_p_cloudevents,  &cdp_p_ga4,         &cdp_p_otlp,
	&cdp_p_snowplow,     &cdp_p_posthog,     &cdp_p_amplitude,
	&cdp_p_mixpanel,     &cdp_p_countly,     &cdp_p_matomo,
	&cdp_p_unomi,        &cdp_p_segment,     NULL,
};

const struct cdp_protocol *cdp_protocol_find(const char *name)
{
	for (const struct cdp_protocol *const *p = cdp_protocols; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

/* --- the decoder --- */

void cdp_decoder_init(struct cdp_decoder *d, const struct cdp_format_opts *opts)
{
	*d = (struct cdp_decoder){ .opts = opts };
	cdp_draft_init(&d->draft);
	d->draft.projects = opts->projects;
	cdp_buf_init(&d->a, CDP_BUF_NOMAX);
	cdp_buf_init(&d->b, CDP_BUF_NOMAX);
	cdp_buf_init(&d->c, CDP_BUF_NOMAX);
	cdp_buf_init(&d->rest, CDP_BUF_NOMAX);
	cdp_buf_init(&d->wrapped, CDP_BUF_NOMAX);
}

void cdp_decoder_release(struct cdp_decoder *d)
{
	cdp_draft_release(&d->draft);
	cdp_buf_release(&d->a);
	cdp_buf_release(&d->b);
	cdp_buf_release(&d->c);
	cdp_buf_release(&d->rest);
	cdp_buf_release(&d->wrapped);
	cdp_sensors_lines_free(d->sensors);
}

void cdp_decoder_envelope(struct cdp_decoder *d, const struct cdp_val *envelope,
			  const struct cdp_val *list)
{
	d->envelope = envelope ? *envelope : (struct cdp_val){ 0 };
	d->list = envelope ? *list : (struct cdp_val){ 0 };
}

/* A text as it stands in the input: of a string, with its quotes. */
static void add_whole(struct cdp_buf *b, const struct cdp_val *v)
{
	if (v->type == CDP_STRING)
		cdp_json_val(b, v);
	else
		cdp_buf_add(b, v->p, v->n);
}

static void reject(struct cdp_decoder *d, struct cdp_sink *sink,
		   const struct cdp_val *raw, const struct cdp_err *err)
{
	struct cdp_buf *b = &d->wrapped;
	const struct cdp_val *all = &d->envelope, *list = &d->list;

	cdp_buf_reset(b);
	/* Copies of a large one would fill the disk. */
	if (all->type != CDP_MISSING && all->n - list->n <= d->budget) {
		d->budget -= all->n - list->n;
		cdp_buf_add(b, all->p, (size_t)(list->p - all->p));
		cdp_buf_addc(b, '[');
		add_whole(b, raw);
		cdp_buf_addc(b, ']');
		cdp_buf_add(b, list->p + list->n,
			    (size_t)(all->p + all->n - list->p - list->n));
	} else if (raw->type == CDP_ARRAY) {
		/* In the place of a message; alone it would be an envelope of none. */
		cdp_buf_addc(b, '[');
		add_whole(b, raw);
		cdp_buf_addc(b, ']');
	} else {
		add_whole(b, raw);
	}
	sink->reject(sink->ctx, b->p, b->n, err);
}

/* What was made of the payload is `n` bytes more. */
static int spend(struct cdp_decoder *d, size_t n, struct cdp_err *err)
{
	if (n > d->budget) {
		d->budget = 0;
		return cdp_err_set(err, CDP_ERR_DATA,
				   "the messages of an envelope repeat too much of it");
	}
	d->budget -= n;
	return 0;
}

int cdp_decoder_reject(struct cdp_decoder *d, struct cdp_sink *sink,
		       const struct cdp_val *raw, struct cdp_err *err)
{
	if (err->kind != CDP_ERR_DATA)
		return -1;
	d->rejected++;
	reject(d, sink, raw, err);
	return 0;
}

int cdp_decoder_put(struct cdp_decoder *d, struct cdp_sink *sink,
		    const struct cdp_val *raw, struct cdp_err *err)
{
	struct cdp_canon info;
	size_t at = sink->out->n;

	if (cdp_draft_write(&d->draft, d->opts, sink->out, &info, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	if (spend(d, sink->out->n - at, err) < 0) {
		sink->out->n = at;
		return -1;
	}
	if (sink->record(sink->ctx, at, &info, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	return 0;
}

static void start(struct cdp_decoder *d, size_t n)
{
	cdp_decoder_envelope(d, NULL, NULL);
	d->budget = n * CDP_GROWTH_MAX + CDP_GROWTH_FREE;
}

int cdp_protocol_read(struct cdp_decoder *d, const struct cdp_protocol *p,
		      const struct cdp_val *payload, const struct cdp_arrival *from,
		      struct cdp_sink *sink, struct cdp_err *err)
{
	start(d, payload->n);
	return p->read(d, payload, from, sink, err);
}

int cdp_protocol_read_line(struct cdp_decoder *d, const struct cdp_protocol *p,
			   const char *line, size_t n, const struct cdp_arrival *from,
			   struct cdp_sink *sink, struct cdp_err *err)
{
	start(d, n);
	return p->line(d, line, n, from, sink, err);
}

/* --- members --- */

void cdp_pick(const struct cdp_val *object, const char *const *names, struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, value;

	for (size_t i = 0; names[i]; i++)
		v[i] = (struct cdp_val){ 0 };
	if (object->type != CDP_OBJECT)
		return;
	while (cdp_val_member(object, &it, &key, &value))
		for (size_t i = 0; names[i]; i++)
			if (cdp_val_is(&key, names[i], strlen(names[i]))) {
				v[i] = value;
				break;
			}
}

struct cdp_val cdp_pick_key(const struct cdp_val *object, const char *p, size_t n)
{
	struct cdp_val found = { 0 }, key, v;
	struct cdp_iter it = { 0 };

	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v))
		if (cdp_val_is(&key, p, n))
			found = v;
	return found;
}

struct cdp_val cdp_pick_one(const struct cdp_val *object, const char *name)
{
	return cdp_pick_key(object, name, strlen(name));
}

int cdp_inner_json(struct cdp_val *v, const struct cdp_val *string, struct cdp_buf *tmp,
		   const char *path, struct cdp_err *err)
{
	struct cdp_err why;
	const char *p;
	size_t n;

	if (string->type != CDP_STRING)
		return cdp_canon_bad(err, path, "not a string of JSON");
	cdp_buf_reset(tmp);
	p = cdp_val_str(string, tmp, &n);
	if (p != tmp->p)
		cdp_buf_add(tmp, p, n);
	if (cdp_json_check(tmp->p, tmp->n, &why) < 0)
		return cdp_canon_bad(err, path, "a string that is no JSON: %s", why.msg);
	cdp_val_at(v, tmp->p, tmp->n);
	return 0;
}
