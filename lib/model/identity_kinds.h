/* Kinds of identifiers and what each means for who is who.
 *
 * A kind is firm or shared.
 *
 *   unique   firm; a person has at most one value of it, so two values are two persons:
 *            customer number, ID card.  Never joins two of them.
 *   (plain)  firm; a person may have several, each belongs to one person: login, card.
 *   shared   several people may use one value: device, family phone.  Belongs to a
 *            person only as long as no other firm person was seen with it.
 *   off      carried by events, never looked at: ip.
 *
 * Priority: the strongest kind on a record says whose record it is; firm kinds come
 * before shared ones.
 *
 * Definition (ids.json):
 *
 *   {"kinds":[{"name":"customer","unique":true,"normalise":"text"},
 *             {"name":"phone","shared":true,"normalise":"phone","block":["^1065"]},
 *             {"name":"ip","off":true}],
 *    "undeclared":"carry", "block":["^dev-"], "junk":true}
 *
 * `priority` (1 is the strongest) defaults to the place in the list; `normalise` to text.
 * `block` are regular expressions searched in the normal form.  `junk` false turns the
 * list of cdp_id_is_junk() off.  `undeclared` says what becomes of kinds not listed:
 * "carry" (default: never looked at) or "alone" (used when a record has nothing else, as
 * a person of its own; never links). */
#ifndef CDP_MODEL_IDENTITY_KINDS_H
#define CDP_MODEL_IDENTITY_KINDS_H

#include "base/err.h"
#include "model/identity_norm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CDP_IDKINDS_MAX = 250,       /* of all kinds ever seen in one map */
	CDP_IDKINDS_UNIQUE_MAX = 16, /* of unique ones */
	CDP_IDKIND_NAME_MAX = 64,
};

struct cdp_regex_work;
struct cdp_idblock; /* patterns of values that do not link */

struct cdp_idkind {
	char *name;
	size_t len;
	bool unique, shared, off;
	enum cdp_idnorm norm;
	int64_t priority;
	uint16_t rank; /* 0 is the strongest; off kinds last */
	uint16_t bit;  /* of a unique kind among the unique ones, else 0 */
	struct cdp_idblock *block;
};

struct cdp_idkinds {
	struct cdp_idkind *v; /* in the order of the definition */
	unsigned n;
	bool alone; /* undeclared kinds */
	bool junk;
	struct cdp_idblock *block;
	struct cdp_regex_work *work; /* of the one thread that asks what is blocked */
	uint64_t print; /* changes when the definition's meaning may have changed */
};

/* customer and idcard unique, login plain, phone, email, unionid, openid, device, cookie,
 * anonymous shared, ip off, others alone. */
struct cdp_idkinds *cdp_idkinds_default(void);
struct cdp_idkinds *cdp_idkinds_load(const char *path, struct cdp_err *err);
struct cdp_idkinds *cdp_idkinds_parse(const char *text, size_t n, const char *name,
				      struct cdp_err *err);
void cdp_idkinds_free(struct cdp_idkinds *k);

const struct cdp_idkind *cdp_idkinds_find(const struct cdp_idkinds *k, const char *name,
					  size_t n);
/* True if the value, in normal form, must not link; `kind` NULL: undeclared.  Not for
 * several threads at once. */
bool cdp_idkinds_blocked(const struct cdp_idkinds *k, const struct cdp_idkind *kind,
			 const char *value, size_t n);

#endif
