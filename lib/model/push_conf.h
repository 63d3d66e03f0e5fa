/* push.json: the channels, and what is asked before a message goes out.
 *
 *	{"channels":{"sms":{"type":"outbox","path":"sms.ndjson","format":"ndjson"},
 *		     "call":{"type":"program","argv":["./send-call.sh"],"batch":100,
 *			     "timeout":"60s"}},
 *	 "quiet_hours":{"sms":{"from":"21:00","to":"08:00"}},
 *	 "caps":[{"channel":"sms","per":"7d","max":2},
 *		 {"channel":null,"per":"calendar_day","max":3}],
 *	 "zone":"Asia/Shanghai"} */
#ifndef CDP_MODEL_PUSH_CONF_H
#define CDP_MODEL_PUSH_CONF_H

#include "base/err.h"
#include "base/zone.h"
#include "model/gate.h"

enum cdp_channel_type { CDP_CHANNEL_OUTBOX, CDP_CHANNEL_PROGRAM };

struct cdp_channel {
	char *name; /* letters, digits and `_ . -`, at most 64 */
	enum cdp_channel_type type;
	char *path; /* outbox: as given */
	bool csv;
	char **argv;        /* program: NULL-ended */
	int64_t batch;      /* messages sent between two commits */
	int64_t timeout_ms; /* program: killed after as long a silence */
	bool has_quiet;
	struct cdp_quiet quiet;
};

struct cdp_push_conf {
	struct cdp_channel *channels; /* by name */
	size_t channel_count;
	struct cdp_cap *caps;
	size_t cap_count;
	struct cdp_zone *zone; /* NULL: none given */
};

/* Loads and checks FILE.  Errors are of usage kind (of system kind if it cannot be read)
 * and point. */
int cdp_push_conf_load(struct cdp_push_conf *c, const char *path, struct cdp_err *err);
void cdp_push_conf_release(struct cdp_push_conf *c);
/* The index of a channel, -1 if there is none of that name. */
int cdp_push_conf_channel(const struct cdp_push_conf *c, const char *name, size_t n);

#endif
