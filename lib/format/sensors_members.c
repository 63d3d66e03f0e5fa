/* The members of a Sensors record that it has besides those the reader knows. */
#include "base/swar.h"
#include "format/sensors_priv.h"
#include "record/json.h"

#include <stddef.h>

/* What becomes of a member that is not written yet. */
enum fate { KEPT, DONE, CLASHES };

static enum fate fate_of(const struct cdp_val *key, enum sensors_kind kind)
{
	static const struct {
		const char *name;
		uint8_t n;
		uint8_t kinds; /* bits: done for these only */
		uint8_t fate;
	} table[] = {
#define NAME(text) text, sizeof(text) - 1
		{ NAME("type"), 0xff, DONE },
		{ NAME("event"), 0xff, DONE },
		{ NAME("time"), 0xff, DONE },
		{ NAME("distinct_id"), 0xff, DONE },
		{ NAME("properties"), 0xff, DONE },
		{ NAME("_track_id"), 0xff, DONE },
		{ NAME("_flush_time"), 0xff, DONE },
		{ NAME("identities"), 0xff, DONE },
		{ NAME("login_id"), 0xff, DONE },
		{ NAME("anonymous_id"), 0xff, DONE },
		{ NAME("original_id"), 0xff, DONE },
		{ NAME("project"), 0xff, DONE },
		{ NAME("token"), 0xff, DONE },
		{ NAME("schema"), 0xff, DONE },
		{ NAME("version"), 0xff, DONE },
		{ NAME("item_type"), 1 << ENTITY, DONE },
		{ NAME("item_id"), 1 << ENTITY, DONE },
		{ NAME("id"), 1 << ENTITY | 1 << DETAIL, DONE },
		/* names of ours that mean something else there */
		{ NAME("id"), 0xff, CLASHES },
		{ NAME("ids"), 0xff, CLASHES },
		{ NAME("props"), 0xff, CLASHES },
		{ NAME("set"), 0xff, CLASHES },
		{ NAME("set_once"), 0xff, CLASHES },
		{ NAME("increment"), 0xff, CLASHES },
		{ NAME("append"), 0xff, CLASHES },
		{ NAME("unset"), 0xff, CLASHES },
		{ NAME("deleted"), 0xff, CLASHES },
		{ NAME("entity"), 0xff, CLASHES },
		{ NAME("detail"), 0xff, CLASHES },
		{ NAME("row"), 0xff, CLASHES },
		{ NAME("event_id"), 0xff, CLASHES },
		{ NAME("source"), 0xff, CLASHES },
		{ NAME("sent"), 0xff, CLASHES },
		{ NAME("received"), 0xff, CLASHES },
		{ NAME("one_id"), 0xff, CLASHES },
		{ NAME("sensors"), 0xff, CLASHES },
#undef NAME
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if ((key->n == table[i].n || key->escaped) &&
		    table[i].kinds >> kind & 1 &&
		    cdp_val_is(key, table[i].name, table[i].n))
			return (enum fate)table[i].fate;
	return KEPT;
}

static void put_member(const struct cdp_rec *rec, struct cdp_buf *out,
		       const struct cdp_val *key, const struct cdp_val *v)
{
	cdp_buf_addc(out, ',');
	cdp_json_val(out, key);
	cdp_buf_addc(out, ':');
	sensors_put_value(rec, out, v);
}

/* Members of an object that stay, those whose names are taken apart in r->text. */
static void put_some(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		     const struct cdp_val *object)
{
	struct cdp_iter it = { .known = &rec->slots[r->slots->properties] };
	struct cdp_val key, v;

	while (cdp_val_member(object, &it, &key, &v)) {
		switch (fate_of(&key, r->type->kind)) {
		case KEPT:
			put_member(rec, out, &key, &v);
			break;
		case CLASHES:
			put_member(rec, &r->text, &key, &v);
			break;
		default:
			break;
		}
	}
}

/* Where a member begins and where the next one does. */
struct part {
	const char *from, *to;
	uint8_t member;
};

/* The members that are dealt with, wherever they stand. */
static const struct {
	size_t slot; /* where in the slots its number is */
	int known;   /* or its number */
	unsigned n;
	const char *key;
} done[SENSORS_DONE] = {
#define KNOWN(slot, name)                                                                \
	{                                                                                \
		0, slot, sizeof(name) + 2, "\"" name "\":"                               \
	}
#define MEMBER(slot, name)                                                               \
	{                                                                                \
		offsetof(struct cdp_sensors_slots, slot), -1, sizeof(name) + 2,          \
			"\"" name "\":"                                                  \
	}
	MEMBER(distinct_id, "distinct_id"),   MEMBER(identities, "identities"),
	MEMBER(properties, "properties"),     MEMBER(login_id, "login_id"),
	MEMBER(anonymous_id, "anonymous_id"), KNOWN(CDP_SLOT_TYPE, "type"),
	KNOWN(CDP_SLOT_EVENT, "event"),       MEMBER(track_id, "_track_id"),
	KNOWN(CDP_SLOT_TIME, "time"),         MEMBER(flush_time, "_flush_time"),
	MEMBER(original_id, "original_id"),   MEMBER(lib_object, "lib"),
#undef KNOWN
#undef MEMBER
};

void sensors_know_members(struct cdp_sensors *r)
{
	for (unsigned i = 0; i < SENSORS_DONE; i++) {
		struct sensors_done *d = &r->done[i];
		char key[16] = { 0 };

		memcpy(key, done[i].key, done[i].n);
		d->slot = done[i].known >= 0
				  ? done[i].known
				  : *(const int *)((const char *)r->slots + done[i].slot);
		d->n = done[i].n;
		d->tail_at = d->n > 8 ? d->n - 8 : 0;
		d->mask = d->n < 8 ? ((uint64_t)1 << d->n * 8) - 1 : ~(uint64_t)0;
		d->head = cdp_load64(key) & d->mask;
		d->tail = cdp_load64(key + d->tail_at) & d->mask;
		r->order[i] = (uint8_t)i;
	}
}

static inline bool stands_at(const struct sensors_done *d, const char *p)
{
	return !(((cdp_load64(p) ^ d->head) | (cdp_load64(p + d->tail_at) ^ d->tail)) &
		 d->mask);
}

/* Whether they are all that there is, in the order of the last line, which is mostly that
 * of this one; some may be missing. */
static bool in_order(const struct cdp_sensors *r, const struct cdp_rec *rec)
{
	const char *at = rec->raw + 1;

	for (unsigned i = 0; i < SENSORS_DONE; i++) {
		const struct sensors_done *d = &r->done[r->order[i]];
		const struct cdp_val *v = &rec->slots[d->slot];
		size_t quoted = v->type == CDP_STRING;

		if (v->type == CDP_MISSING)
			continue;
		if (v->p != at + d->n + quoted || !stands_at(d, at))
			return false;
		at = v->p + v->n + quoted;
		at += *at == ',';
	}
	return at == rec->raw + rec->len - 1;
}

/* Those, by their slots, in the order of the line; -1 if one does not stand as its slot
 * lets expect. */
static int done_parts(struct cdp_sensors *r, const struct cdp_rec *rec,
		      struct part *parts)
{
	int n = 0, missing = SENSORS_DONE;
	uint8_t order[SENSORS_DONE];

	for (unsigned i = 0; i < SENSORS_DONE; i++) {
		unsigned m = r->order[i];
		const struct sensors_done *d = &r->done[m];
		const struct cdp_val *v = &rec->slots[d->slot];
		bool quoted = v->type == CDP_STRING;
		struct part p = { .member = (uint8_t)m };
		int k;

		if (v->type == CDP_MISSING) {
			order[--missing] = (uint8_t)m;
			continue;
		}
		p.from = v->p - quoted - d->n;
		p.to = v->p + v->n + quoted;
		p.to += *p.to == ',';
		if (p.from <= rec->raw || !stands_at(d, p.from))
			return -1;
		for (k = n++; k > 0 && parts[k - 1].from > p.from; k--)
			parts[k] = parts[k - 1];
		parts[k] = p;
	}
	for (int i = 0; i < n; i++)
		order[i] = parts[i].member;
	memcpy(r->order, order, sizeof(order));
	return n;
}

static void put_lib(const struct cdp_rec *rec, struct cdp_buf *out,
		    const struct cdp_val *lib)
{
	if (lib->type == CDP_MISSING)
		return;
	cdp_buf_adds(out, ",\"lib\":");
	sensors_put_value(rec, out, lib);
}

void sensors_put_members(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out)
{
	const struct cdp_val *lib = &rec->slots[r->slots->lib_object];
	struct part parts[SENSORS_DONE];
	bool plain = rec->compact && !rec->twice;
	struct cdp_val all;
	const char *from = rec->raw + 1;
	int n;

	if (plain && in_order(r, rec)) {
		put_lib(rec, out, lib);
		return;
	}
	n = plain ? done_parts(r, rec, parts) : -1;
	cdp_buf_reset(&r->text);
	if (n < 0) {
		cdp_val_at(&all, rec->raw, rec->len);
		put_some(r, rec, out, &all);
	}
	for (int i = 0; i <= n; i++) {
		const char *to = i < n ? parts[i].from : rec->raw + rec->len - 1;

		/* What lies between is read as if there were braces around it. */
		all = (struct cdp_val){ .p = from - 1, .n = (uint32_t)(to - from) + 2 };
		if (to > from)
			put_some(r, rec, out, &all);
		if (i < n && r->done[parts[i].member].slot == r->slots->lib_object)
			put_lib(rec, out, lib);
		if (i < n)
			from = parts[i].to;
	}
	if (!r->text.n)
		return;
	cdp_buf_adds(out, ",\"sensors\":{");
	cdp_buf_add(out, r->text.p + 1, r->text.n - 1);
	cdp_buf_addc(out, '}');
}
