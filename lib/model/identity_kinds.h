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
 * a person of its own; never links).
 *
 * Limits.  `max`: a person has at most so many values of the kind; `over` says which are
 * left out, "new", "old" or "all" (firm kinds: "new").  `degree`: a value linked to more
 * ids than this joins nothing; 1000 for shared kinds unless said, 0: no limit.  `parent`:
 * what parts the parent from an id parts its children from it.
 *
 * `sources`, [{"name":"import","link":false}]: records of a source that may not link
 * only say that their ids exist; the first entry that fits counts; a * at the end of a
 * name stands for anything. */
#ifndef CDP_MODEL_IDENTITY_KINDS_H
#define CDP_MODEL_IDENTITY_KINDS_H

#include "base/err.h"
#include "base/intern.h"
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

enum cdp_over { CDP_OVER_NEW, CDP_OVER_OLD, CDP_OVER_ALL };

struct cdp_idkind {
	char *name;
	size_t len;
	bool unique, shared, off;
	enum cdp_idnorm norm;
	int64_t priority;
	uint16_t rank; /* 0 is the strongest; off kinds last */
	uint16_t bit;  /* of a unique kind among the unique ones, else 0 */
	struct cdp_idblock *block;
	uint16_t max, degree;            /* 0: no limit */
	enum cdp_over over;              /* what is left out over max */
	const struct cdp_idkind *parent; /* or NULL */
};

struct cdp_idsource {
	char *name;
	size_t len;
	bool prefix, link;
};

struct cdp_idkinds {
	struct cdp_idkind *v; /* in the order of the definition */
	unsigned n;
	bool alone; /* undeclared kinds */
	bool junk;
	bool old;         /* a kind leaves out old values */
	unsigned parents; /* kinds that have one */
	struct cdp_idsource *sources;
	unsigned nsources;
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
/* Are there patterns of values of this kind (NULL: undeclared) that must not link? */
bool cdp_idkinds_blocks(const struct cdp_idkinds *k, const struct cdp_idkind *kind);
/* True if the value, in normal form, must not link; `kind` NULL: undeclared.  Not for
 * several threads at once. */
bool cdp_idkinds_blocked(const struct cdp_idkinds *k, const struct cdp_idkind *kind,
			 const char *value, size_t n);
/* May records of this source link? */
bool cdp_idkinds_may_link(const struct cdp_idkinds *k, const char *source, size_t n);

/* Pairs of ids that never link, whatever records say: a file of rows {"ids":{...}} with
 * two ids, an array of two values for two of one kind. */
struct cdp_idexclude {
	struct cdp_intern *keys; /* kind NUL value in normal form */
	struct cdp_idpair {
		uint32_t a, b;
	} * v;
	size_t n, cap;
	uint64_t print; /* changes with the file */
};

/* Errors name file and line.  Values without a normal form are errors. */
struct cdp_idexclude *cdp_idexclude_load(const char *path,
					 const struct cdp_idkinds *kinds,
					 struct cdp_err *err);
void cdp_idexclude_free(struct cdp_idexclude *x);

#endif
