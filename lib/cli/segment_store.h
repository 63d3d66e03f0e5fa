/* The store of audiences (model/segstore.h) in cdp-segment: keep what a run decided, and
 * answer from it without profiles. */
#ifndef CDP_CLI_SEGMENT_STORE_H
#define CDP_CLI_SEGMENT_STORE_H

#include "cli/cli.h"
#include "cli/segment_merges.h"
#include "model/segments.h"
#include "model/segstore.h"

struct cdp_segment_store_opts {
	const char *dir;      /* --store */
	struct cdp_strs only; /* --segment */
	struct cdp_strs exprs;
	const char *search;
	/* The member that tells customers apart; NULL where the store alone is asked:
	 * whatever it is by. */
	const char *key;
	const char *merges; /* a merge log, with changes */
	bool count, changes, list;
	bool reads;   /* with -d: no version will be kept, and there may be none yet */
	bool usage;   /* with -d, also that of this run's base time is before */
	bool imports; /* a list is put into a version */
	int64_t keep; /* versions; 0: all */
	/* With -d, once it is begun: */
	struct cdp_segstore *store;
	struct cdp_segversion *before; /* the last version before this run's; or NULL */
	struct cdp_segment_merges *merged; /* NULL: none */
};

/* Usage errors of the options; the process ends there.  `runs`: there are definitions, so
 * that profiles are read; `previous`: memberships of an earlier run are given. */
void cdp_segment_store_check(struct cdp_cli *cli, const struct cdp_segment_store_opts *o,
			     bool runs, bool previous);

/* Before definitions and profiles are read: the store is this run's until its end.  1 if
 * a file could not be read, which was told. */
int cdp_segment_store_begin(struct cdp_cli *cli, struct cdp_segment_store_opts *o,
			    struct cdp_err *err);
/* Whether the version before has such an audience (for rules), and its members: each gets
 * the bit. */
bool cdp_segment_store_knows(void *opts, const char *name, size_t n);
int cdp_segment_store_give(const struct cdp_segment_store_opts *o, const char *name,
			   struct cdp_members *members, unsigned bit,
			   struct cdp_err *err);
void cdp_segment_store_release(struct cdp_segment_store_opts *o);

/* What a run decided.  Customers have ranks by the bytes of their keys. */
struct cdp_segment_result {
	struct cdp_keylist customers; /* who had a profile, by rank */
	uint32_t count;               /* audiences */
	const char *(*name)(void *ctx, uint32_t i);
	/* A JSON object for the catalogue: title, owner, class, expires ... */
	void (*note)(void *ctx, uint32_t i, struct cdp_buf *b);
	/* From now on members are to[rank], all below `limit`; NULL: ranks. */
	void (*renumber)(void *ctx, const uint32_t *to, uint32_t limit);
	/* The members so told, ascending, each once; how many.  Borrowed until the next
	 * call. */
	uint32_t (*members)(void *ctx, uint32_t i, const uint32_t **v);
	void *ctx;
};

/* As the version of the run's base time; then with --changes what is other than in the
 * one before. */
int cdp_segment_store_keep(struct cdp_cli *cli, const struct cdp_segment_store_opts *o,
			   const struct cdp_segment_result *r, struct cdp_err *err);

/* From the version of --as-of or the last one before, else the latest: catalogue,
 * changes, counts or memberships. */
int cdp_segment_store_answer(struct cdp_cli *cli, struct cdp_segment_store_opts *o,
			     struct cdp_err *err);

#endif
