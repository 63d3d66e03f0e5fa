/* What cdp-tag --state does beside a pass over its input: inputs that the state has are
 * passed over, the state is brought up to date and takes its place before anything is
 * written, so that a run that died is repeated by the same command line. */
#ifndef CDP_CLI_TAG_STATE_H
#define CDP_CLI_TAG_STATE_H

#include "cli/cli.h"
#include "model/changes.h"
#include "model/tagstate.h"

struct cdp_tag_state;

/* What began without history, as it is told by every run. */
void cdp_tag_state_tell_young(struct cdp_cli *cli, const struct cdp_tagstate *s);

struct cdp_tag_state_opts {
	const char *dir, *batch, *merges; /* the last two may be NULL */
	const struct cdp_tagset *set;
	struct cdp_relations *relations;
	const char *key, *entity; /* entity NULL: persons */
	bool fill, begin;         /* what is new (enum cdp_tagstate_new) */
};
/* Ends the process where the options do not fit each other; NULL with *err for the rest.
 * Leaves in cli->operands those inputs that are new. */
struct cdp_tag_state *cdp_tag_state_open(struct cdp_cli *cli,
					 const struct cdp_tag_state_opts *o,
					 struct cdp_err *err);
void cdp_tag_state_close(struct cdp_tag_state *s); /* NULL is fine */
/* Whether there is any input to be read. */
bool cdp_tag_state_reads(const struct cdp_tag_state *s);
/* Where it is gathered. */
struct cdp_customers *cdp_tag_state_fresh(struct cdp_tag_state *s);
/* After the run: the state is up to date and in place.  All customers, not finished yet;
 * NULL: told, the state is what it was.  `fresh` is consumed. */
struct cdp_customers *cdp_tag_state_update(struct cdp_tag_state *s,
					   struct cdp_customers *fresh);
/* For cdp_carry_became, of a struct cdp_tag_state. */
const char *cdp_tag_state_became(void *state, const char *key, size_t n, size_t *len);
/* After the profiles: completes what --stats tells of input, state and output.  NULL is
 * fine. */
void cdp_tag_state_written(struct cdp_tag_state *s);

#endif
