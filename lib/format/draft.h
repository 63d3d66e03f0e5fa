/* A canonical record while a reader puts it together from pieces in any order.
 *
 *	cdp_draft_reset(&d, CDP_DRAFT_EVENT);
 *	d.ms = ...; cdp_draft_event(&d, name, n); cdp_ids_put(&d.ids, ...);
 *	cdp_draft_val(&d, CDP_PART_PROPS, &key, &value);
 *	cdp_draft_write(&d, opts, out, &info, &err);
 *
 * Memory is kept from record to record.  One a thread. */
#ifndef CDP_FORMAT_DRAFT_H
#define CDP_FORMAT_DRAFT_H

#include "format/canon.h"
#include "format/ids.h"

enum cdp_draft_kind {
	CDP_DRAFT_EVENT,
	CDP_DRAFT_PROFILE,
	CDP_DRAFT_DETAIL,
	CDP_DRAFT_ENTITY,
	CDP_DRAFT_RELATION,
	CDP_DRAFT_BIND,
	CDP_DRAFT_UNBIND,
};

/* Objects of a record that are filled member by member; UNSET is an array of names. */
enum cdp_part {
	CDP_PART_PROPS,
	CDP_PART_SET,
	CDP_PART_SET_ONCE,
	CDP_PART_INCREMENT,
	CDP_PART_APPEND,
	CDP_PART_UNSET,
	CDP_PARTS,
};

struct cdp_draft {
	enum cdp_draft_kind kind;
	int64_t ms, sent, received; /* CDP_NO_TIME: none */
	bool deleted;
	struct cdp_ids ids;
	/* Plain texts, without meaning if empty. */
	struct cdp_buf event, event_id, source;
	/* Detail and row, entity and id; a relation and the JSON of its `to`. */
	struct cdp_buf name, id;
	/* `{"k":v,"k":v`, or `["k","k"` of UNSET: open, and empty without members. */
	struct cdp_buf part[CDP_PARTS];
	struct cdp_buf more; /* other members of the record, `,"k":v` */
	struct cdp_buf tmp;
	const struct cdp_projects *projects; /* of cdp_format_opts */
};

void cdp_draft_init(struct cdp_draft *d);
void cdp_draft_release(struct cdp_draft *d);
void cdp_draft_reset(struct cdp_draft *d, enum cdp_draft_kind kind);

/* An event's name. */
void cdp_draft_event(struct cdp_draft *d, const char *p, size_t n);
/* The text of a member (a string, or a whole number as its digits) into event, event_id,
 * name, id ...; nothing if it is missing, null or empty.  0, or -1 with a data error at
 * `path`. */
int cdp_draft_text(struct cdp_draft *d, struct cdp_buf *to, const struct cdp_val *v,
		   const char *path, struct cdp_err *err);
/* The same as an id of that kind.  If the kind has another value already, the new one
 * goes under `other`; NULL: it replaces the old. */
int cdp_draft_id(struct cdp_draft *d, const char *kind, const char *other,
		 const struct cdp_val *v, const char *path, struct cdp_err *err);
/* An event_id from the members that together tell deliveries of one record from two
 * records: 32 hex digits of their bytes. */
void cdp_draft_tuple(struct cdp_draft *d, const char *p, size_t n);
/* Where it came from: `source` becomes "<protocol>/<library in lower case>", without a
 * library opts->source or the protocol alone; an event also gets the properties `$lib`
 * and `$lib_version`, unless it has such.  Call it after the properties. */
void cdp_draft_lib(struct cdp_draft *d, const struct cdp_format_opts *opts,
		   const char *protocol, const struct cdp_val *lib,
		   const struct cdp_val *version);

/* A member of the record itself, such as `project`: the text of a string or a number; of
 * anything else none. */
void cdp_draft_member(struct cdp_draft *d, const char *key, const struct cdp_val *v);

/* A member of a part; of UNSET only the key counts.  Values as they came, without white
 * space between tokens; a member whose value is missing is none.  Keys are not looked at
 * again: a reader that may give one twice asks cdp_draft_has() first. */
void cdp_draft_val(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *key,
		   const struct cdp_val *v);
void cdp_draft_named(struct cdp_draft *d, enum cdp_part part, const char *key,
		     const struct cdp_val *v);
void cdp_draft_str(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *p, size_t n);
void cdp_draft_raw(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *json, size_t n);
/* All members of an object (nothing of anything else) but those named in `without`
 * (NULL-ended, or NULL). */
void cdp_draft_all(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *object,
		   const char *const *without);
/* Those of another object beside them: a name that is taken gets a '$' before it. */
void cdp_draft_beside(struct cdp_draft *d, enum cdp_part part,
		      const struct cdp_val *object, const char *const *without);
/* The names of a part's members, to ask for many; of more than fit only the first. */
struct cdp_names {
	uint64_t hash[128];
	size_t n;
};
void cdp_draft_names(struct cdp_draft *d, enum cdp_part part, struct cdp_names *names);
bool cdp_names_have(const struct cdp_names *names, const char *p, size_t n);
bool cdp_draft_has(struct cdp_draft *d, enum cdp_part part, const char *key, size_t n);

/* Appends the record, head first, without LF, and tells *info; or nothing, and -1 with
 * the data error (no or an empty event name, a time that is missing or in the future, no
 * ids ...): the checks that every reader makes.  A profile update without any part is one
 * of nothing, `"set":{}`: it still says whose ids these are. */
int cdp_draft_write(struct cdp_draft *d, const struct cdp_format_opts *opts,
		    struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err);

#endif
