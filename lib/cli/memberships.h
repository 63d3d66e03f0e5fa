/* Membership streams (cdp-record(5)) as an input beside the profiles: `--with FILE`. */
#ifndef CDP_CLI_MEMBERSHIPS_H
#define CDP_CLI_MEMBERSHIPS_H

#include "cli/cli.h"
#include "cli/segment_merges.h"
#include "model/segments.h"

/* Pairs of audience and customer, as they came. */
struct cdp_memberships {
	struct cdp_intern *names; /* of the audiences */
	struct cdp_intern *keys;
	struct cdp_membership {
		uint32_t name, key;
	} * v;
	size_t n, cap;
	struct cdp_paths *paths;
	int segment, change;
	struct cdp_buf text;
	/* Borrowed, or NULL: customers count as who they became. */
	struct cdp_segment_merges *merges;
};

/* `key` as for cdp_paths_new_of(). */
void cdp_memberships_init(struct cdp_memberships *m, const char *key);
/* Usage error if --key (NULL: not given) names what is no key. */
void cdp_cli_check_key(struct cdp_cli *cli, const char *key);
void cdp_memberships_release(struct cdp_memberships *m);
/* Adds those of a file; who has left is none.  What is no membership says that the file
 * is another one than it should be: -1 with *err.  1 if it could not be read, which was
 * reported. */
int cdp_memberships_read(struct cdp_cli *cli, struct cdp_memberships *m, const char *path,
			 struct cdp_err *err);
/* The pairs as bits by the numbers of `names`, from number `first` on; other audiences
 * are passed over.  Caller frees. */
struct cdp_members *cdp_memberships_bits(const struct cdp_memberships *m,
					 const struct cdp_intern *names, unsigned first);

#endif
