/* Marketing strategies: who gets which message.
 *
 * A strategy file names an entry audience, a blank group that is held out by a seeded
 *hash, and nodes.  This release has one kind of node, `send`:
 *
 *	{"strategy":"fund_winback","version":1,"wave":1,
 *	 "entry":{"audience":"fund_dormant"},
 *	 "blank_group":{"share":0.1,"seed":"2024"},
 *	 "nodes":[{"id":"sms1","type":"send","channel":"sms","address":"phone",
 *		   "template":"...{{name}}...","vars":{"name":"tags.name"},"expires":"3d"}]}
 *
 * A person's arm depends on the person and the seed alone, so it is the same on every
 *run, for every strategy that shares the seed, and before anything that depends on
 *sending is asked. The message id is a hash of strategy, version, node, wave and person:
 *whoever sends by it never sends twice. */
#ifndef CDP_MODEL_STRATEGY_H
#define CDP_MODEL_STRATEGY_H

#include "lang/expr.h"

enum { CDP_MESSAGE_ID = 32 }; /* hex digits */

struct cdp_strategy_var {
	char *name;
	struct cdp_expr *expr; /* over the profile */
};

struct cdp_strategy {
	char *name, *audience, *seed;
	int64_t version, wave;
	double blank_share; /* 0..1 */
	struct {
		char *id, *channel, *address, *template;
		int64_t expires_ms; /* after the base time; 0: never */
		struct cdp_strategy_var *vars;
		size_t var_count;
	} node;
};

/* Loads and checks FILE; expressions are compiled over profiles, their paths and the
 * addresses added to `paths`.  Errors are of usage kind and point. */
int cdp_strategy_load(struct cdp_strategy *s, const char *path, struct cdp_paths *paths,
		      struct cdp_err *err);
void cdp_strategy_release(struct cdp_strategy *s);

/* True if the person is held out. */
bool cdp_strategy_is_blank(const struct cdp_strategy *s, const char *one_id, size_t n);
void cdp_strategy_message_id(const struct cdp_strategy *s, const char *one_id, size_t n,
			     char out[CDP_MESSAGE_ID]);

/* What becomes of a member of the audience. */
enum cdp_fate {
	CDP_FATE_MESSAGE,
	CDP_FATE_BLANK,      /* held out */
	CDP_FATE_NO_PROFILE, /* nothing is known of the person */
	CDP_FATE_NO_ADDRESS, /* the profile has no id of the kind that the channel needs
			      */
	CDP_FATE_NO_VALUE,   /* a variable has no value: refused, not sent with a hole */
};
const char *cdp_fate_name(enum cdp_fate f); /* "blank_group", "no_address" ... */

/* Appends one line: the message, or a row with "suppressed":"<fate>".  `profile`: the
 * person's profile record with slots of `paths`, or NULL.  `address_slot`: of
 * "ids.<address>". */
enum cdp_fate cdp_strategy_line(const struct cdp_strategy *s, const char *one_id,
				size_t n, struct cdp_rec *profile, int address_slot,
				struct cdp_eval *ev, const struct cdp_run *run,
				struct cdp_buf *out);

#endif
