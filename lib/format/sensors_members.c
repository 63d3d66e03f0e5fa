/* The members of a Sensors record that it has besides those the reader knows. */
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
	MEMBER(original_id, "original_id"),
#undef KNOWN
#undef MEMBER
};

static int slot_of(const struct cdp_sensors *r, unsigned i)
{
	return done[i].known >= 0 ? done[i].known
				  : *(const int *)((const char *)r->slots + done[i].slot);
}

/* Those, by their slots, in the order of the line; -1 if one does not stand as its slot
 * lets expect.  They are looked for in the order of the last line, which is mostly that
 * of this one. */
static int done_parts(struct cdp_sensors *r, const struct cdp_rec *rec,
		      struct part *parts)
{
	int n = 0, missing = SENSORS_DONE;
	uint8_t order[SENSORS_DONE];

	for (unsigned i = 0; i < SENSORS_DONE; i++) {
		unsigned m = r->order[i];
		const struct cdp_val *v = &rec->slots[slot_of(r, m)];
		bool quoted = v->type == CDP_STRING;
		struct part p = { .member = (uint8_t)m };
		int k;

		if (v->type == CDP_MISSING) {
			order[--missing] = (uint8_t)m;
			continue;
		}
		p.from = v->p - quoted - done[m].n;
		p.to = v->p + v->n + quoted;
		p.to += *p.to == ',';
		if (p.from <= rec->raw || memcmp(p.from, done[m].key, done[m].n) != 0)
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

/* Whether what lies between two places is the member `lib` alone, as it is with every
 * library. */
static bool is_lib(const struct cdp_sensors *r, const struct cdp_rec *rec,
		   const char *from, const char *to)
{
	static const char key[] = "\"lib\":";
	const struct cdp_val *v = &rec->slots[r->slots->lib_object];

	return v->type == CDP_OBJECT && v->p - from == sizeof(key) - 1 &&
	       memcmp(from, key, sizeof(key) - 1) == 0 &&
	       to == v->p + v->n + (to[-1] == ',');
}

void sensors_put_members(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out)
{
	struct part parts[SENSORS_DONE];
	struct cdp_val all;
	int n = rec->compact && !rec->twice ? done_parts(r, rec, parts) : -1;
	const char *from = rec->raw + 1;

	cdp_buf_reset(&r->text);
	if (n < 0) {
		cdp_val_at(&all, rec->raw, rec->len);
		put_some(r, rec, out, &all);
	}
	for (int i = 0; i <= n; i++) {
		const char *to = i < n ? parts[i].from : rec->raw + rec->len - 1;

		if (is_lib(r, rec, from, to)) {
			cdp_buf_addc(out, ',');
			cdp_buf_add(out, from, (size_t)(to - from) - (to[-1] == ','));
			to = from;
		}
		/* What lies between is read as if there were braces around it. */
		all = (struct cdp_val){ .p = from - 1, .n = (uint32_t)(to - from) + 2 };
		if (to > from)
			put_some(r, rec, out, &all);
		if (i < n)
			from = parts[i].to;
	}
	if (!r->text.n)
		return;
	cdp_buf_adds(out, ",\"sensors\":{");
	cdp_buf_add(out, r->text.p + 1, r->text.n - 1);
	cdp_buf_addc(out, '}');
}
