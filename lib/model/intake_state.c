#include "model/intake_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "io/lock.h"

enum { TABLES = 16 };

struct cdp_intake_state {
	struct cdp_store *store;
	int lock;
};

static int take_lock(struct cdp_intake_state *s, const char *dir, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/run.lock", dir);

	s->lock = cdp_lock_take(path, err);
	free(path);
	return s->lock < 0 ? -1 : 0;
}

struct cdp_intake_state *cdp_intake_open(const char *dir, struct cdp_err *err)
{
	struct cdp_intake_state *s = cdp_calloc(1, sizeof(*s));

	s->lock = -1;
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		cdp_err_sys(err, errno, "%s", dir);
	else if (take_lock(s, dir, err) == 0)
		s->store = cdp_store_open(dir, "collect 1", TABLES, true, err);
	if (s->store)
		return s;
	cdp_intake_close(s);
	return NULL;
}

void cdp_intake_close(struct cdp_intake_state *s)
{
	if (!s)
		return;
	cdp_store_close(s->store);
	if (s->lock >= 0)
		cdp_lock_release(s->lock);
	free(s);
}

struct cdp_store *cdp_intake_store(struct cdp_intake_state *s)
{
	return s->store;
}
