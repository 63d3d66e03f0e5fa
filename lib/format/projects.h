/* Projects and their write keys, as the JSON object of --keys says:
 *
 *	{"app":["k1","k2"],"web":["k3"]}
 *
 * A key is of one project.  Libraries tell their key; records tell the project, so that a
 * key that is replaced does not part a project in two. */
#ifndef CDP_FORMAT_PROJECTS_H
#define CDP_FORMAT_PROJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct cdp_projects;

/* NULL with *err, which names the file and the project but no key. */
struct cdp_projects *cdp_projects_load(const char *path, struct cdp_err *err);
void cdp_projects_free(struct cdp_projects *p);

/* The name of the project that has this key; NULL: none has.  Looks at all keys, and the
 * time it takes does not tell how much of one was right. */
const char *cdp_projects_of(const struct cdp_projects *p, const char *key, size_t n);

#endif
