/* Audiences that are imported from files (model/lists.h) in cdp-segment. */
#ifndef CDP_CLI_SEGMENT_IMPORT_H
#define CDP_CLI_SEGMENT_IMPORT_H

#include "cli/segment_job.h"
#include "cli/segment_store.h"
#include "model/lists.h"

struct cdp_segment_import_opts {
	const char *map;       /* --ids */
	const char *kinds;     /* --kinds */
	const char *report;    /* --report */
	const char *unmatched; /* --unmatched */
	/* Begun; NULL: there is none, and no list adds to what was before. */
	const struct cdp_segment_store_opts *store;
};

/* Usage errors of the options; the process ends there. */
void cdp_segment_import_check(struct cdp_cli *cli,
			      const struct cdp_segment_import_opts *o, bool runs);

struct cdp_segment_import;

/* Reads the files of all lists that are `wanted` (a set of bits, one an audience) or that
 * others refer to, and the map; `members`, which has what else is given, gets their bits.
 * 1: what failed was told. */
int cdp_segment_import_read(struct cdp_cli *cli, struct cdp_segment_import **out,
			    const struct cdp_segment_import_opts *opts,
			    const struct cdp_segments *set, const uint64_t *wanted,
			    struct cdp_members *members, struct cdp_err *err);
void cdp_segment_import_free(struct cdp_segment_import *im); /* NULL is fine */

/* What came of the rows, once it is known who has a profile: notes, statistics, files. */
struct cdp_segment_import_asker {
	bool (*has_profile)(void *ctx, const char *one_id, size_t n);
	uint64_t (*customers)(void *ctx, unsigned segment); /* how many are in it now */
	void *ctx;
	bool rows; /* the report is what the tool answers */
};
int cdp_segment_import_tell(struct cdp_segment_import *im,
			    const struct cdp_segment_import_asker *asker,
			    struct cdp_err *err);
/* After a run over profiles. */
int cdp_segment_import_tell_run(struct cdp_segment_import *im,
				struct cdp_segment_job *job, struct cdp_err *err);

#endif
