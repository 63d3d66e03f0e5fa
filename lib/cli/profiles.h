/* The profiles of all customers, written in the order of their keys. */
#ifndef CDP_CLI_PROFILES_H
#define CDP_CLI_PROFILES_H

#include "cli/cli.h"
#include "model/profile.h"

/* Runs the passes over the population that the tags need, then writes all profiles with
 * as many threads as -j says, and tells which tags have no values because of errors.
 * `spec` without its population, which lives as long as this call.  0, or -1 (told) if a
 * program failed: nothing is written then. */
int cdp_cli_write_profiles(struct cdp_cli *cli, const struct cdp_profile_spec *spec);
/* The same passes, then answer() instead of the profiles; it gets the spec with the
 * population. */
int cdp_cli_after_passes(struct cdp_cli *cli, const struct cdp_profile_spec *spec,
			 void (*answer)(void *ctx, const struct cdp_profile_spec *spec),
			 void *ctx);

#endif
