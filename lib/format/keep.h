/* What readers of protocols do with the parts of a payload that say nothing of their own.
 */
#ifndef CDP_FORMAT_KEEP_H
#define CDP_FORMAT_KEEP_H

#include "format/protocol.h"

/* Members of a payload that no part took stay members of the record, in their order.  One
 * whose name means something in a record goes into an object named after the protocol.
 * `done`: names to be left out, NULL-ended.  Uses d->c. */
void cdp_keep_rest(struct cdp_decoder *d, const struct cdp_val *object,
		   const char *const *done, const char *protocol);

/* The same for an envelope, which is read once: its rest is put into d->rest, for
 * cdp_keep_again() to add to the record of each message. */
void cdp_keep_envelope(struct cdp_decoder *d, const struct cdp_val *object,
		       const char *const *done, const char *protocol);
void cdp_keep_again(struct cdp_decoder *d);

/* Appends `,"key":{...}`, the object but for some members; nothing if none is left. */
void cdp_keep_object(struct cdp_buf *out, const char *key, const struct cdp_val *object,
		     const char *const *without);

/* JSON in plain text, to become part of a record: it must not be nested so deeply that
 * the record could not be read. */
int cdp_keep_json(struct cdp_val *v, const char *p, size_t n, const char *path,
		  struct cdp_err *err);

/* One more record of the same message: its times, ids, source and event_id stay, the last
 * marked, "<id>#<what>" (NULL: not); `project` is written again; all else is empty. */
void cdp_keep_next(struct cdp_draft *d, enum cdp_draft_kind kind, const char *what,
		   const struct cdp_val *project);

/* The draft becomes the relation of its ids to a group, member_of {"<type>":"<id>"}. */
int cdp_keep_group(struct cdp_decoder *d, const struct cdp_val *type,
		   const struct cdp_val *id, struct cdp_err *err);
/* The next record of the message: the entity row of a group with these properties. */
int cdp_keep_entity(struct cdp_decoder *d, const char *what,
		    const struct cdp_val *project, const struct cdp_val *type,
		    const struct cdp_val *id, const struct cdp_val *props,
		    struct cdp_err *err);
/* The strings of an array, as names of a part. */
void cdp_keep_names(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *array);
/* The members of an object as arrays to be appended: of one item each, but an array
 * stands for its items if it is to be `spread`.  Uses d->a. */
void cdp_keep_append(struct cdp_decoder *d, const struct cdp_val *object, bool spread);
/* An object or array that is not empty. */
bool cdp_has_members(const struct cdp_val *v);

/* The key of an app or a site, or the name of the project that has it, as `project`; not
 * one so long that copies of it, in every record of an envelope, could fill a disk. */
void cdp_keep_project(struct cdp_draft *d, const struct cdp_val *key);

/* A record that names nobody gets the address of its client as its sole id: `ip` of the
 * payload, else of the delivery. */
int cdp_keep_ip(struct cdp_draft *d, const struct cdp_val *ip,
		const struct cdp_arrival *from, struct cdp_err *err);

/* Neither missing nor null nor "". */
static inline bool cdp_given(const struct cdp_val *v)
{
	return v->type > CDP_NULL && !(v->type == CDP_STRING && v->n == 0);
}

#endif
