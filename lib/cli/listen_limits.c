/* --limit NAME=VALUE and --rotate SIZE|AGE. */
#include <string.h>

#include "base/num.h"
#include "base/time.h"
#include "cli/listen_priv.h"

enum kind { SIZE, COUNT, TIME };

static int read_time(uint64_t *ms, const char *p, size_t n, struct cdp_err *err)
{
	int64_t ns;

	if (cdp_duration_parse(&ns, p, n, err) < 0)
		return -1;
	if (ns < 1000000)
		return cdp_err_set(err, CDP_ERR_USAGE, "expected at least 1ms");
	*ms = (uint64_t)(ns / 1000000);
	return 0;
}

static int read_limit(struct listen_limits *m, const char *text, struct cdp_err *err)
{
	const struct {
		const char *name;
		uint64_t *to;
		enum kind kind;
		uint64_t min, max;
	} known[] = {
		{ "head", &m->head, SIZE, 1024, 16 << 20 },
		{ "body", &m->body, SIZE, 1, 1 << 30 },
		{ "bodies", &m->bodies, SIZE, 1, (uint64_t)1 << 40 },
		{ "inflated", &m->inflated, SIZE, 1, 1 << 30 },
		{ "connections", &m->connections, COUNT, 1, 1000000 },
		{ "per-client", &m->per_client, COUNT, 0, 1000000 },
		{ "time", &m->patience_ms, TIME, 1, UINT64_MAX },
		{ "wait", &m->wait_ms, TIME, 1, UINT64_MAX },
	};
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = eq ? strlen(eq + 1) : 0;
		int rc;

		if (!n || strlen(known[i].name) != n || memcmp(known[i].name, text, n))
			continue;
		if (known[i].kind == TIME)
			rc = read_time(known[i].to, eq + 1, len, err);
		else if (known[i].kind == SIZE)
			rc = cdp_num_size(known[i].to, eq + 1, len, known[i].max, err);
		else
			rc = cdp_num_u64(known[i].to, eq + 1, len, known[i].max, err);
		if (rc == 0 && *known[i].to < known[i].min)
			rc = cdp_err_set(err, CDP_ERR_USAGE, "'%s' is too small", eq + 1);
		return rc;
	}
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "expected NAME=VALUE with one of head, body, bodies, "
			   "inflated, connections, per-client, time and wait, not '%s'",
			   text);
}

static int read_rotate(struct listen_limits *m, const char *text, struct cdp_err *err)
{
	struct cdp_err ignored;
	uint64_t ms = 0;

	if (cdp_num_size(&m->rotate_size, text, strlen(text), INT64_MAX, &ignored) == 0 &&
	    m->rotate_size > 0)
		return 0;
	if (read_time(&ms, text, strlen(text), &ignored) == 0) {
		m->rotate_ms = (int64_t)ms;
		return 0;
	}
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "expected a size such as 64M or an age such as 1m, not '%s'",
			   text);
}

int listen_limits_read(struct listen_limits *m, const struct cdp_listen *l,
		       struct cdp_err *err)
{
	*m = (struct listen_limits){ .head = 16 << 10,
				     .body = 16 << 20,
				     .bodies = 256 << 20,
				     .inflated = 64 << 20,
				     .connections = 1000,
				     .patience_ms = 30000,
				     .wait_ms = 1000,
				     .rotate_size = 64 << 20,
				     .rotate_ms = 60000 };
	for (size_t i = 0; i < l->limits.n; i++)
		if (read_limit(m, l->limits.v[i], err) < 0) {
			cdp_err_prefix(err, "option '--limit'");
			return -1;
		}
	for (size_t i = 0; i < l->rotate.n; i++)
		if (read_rotate(m, l->rotate.v[i], err) < 0) {
			cdp_err_prefix(err, "option '--rotate'");
			return -1;
		}
	return 0;
}
