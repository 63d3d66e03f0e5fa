/* What profiles of cdp-tag --follow depend on beside records and state: entity tables,
 * the map of ids, imported values, programs.  They are read as a whole, and anew when
 * one of their files is another. */
#ifndef CDP_CLI_TAG_OUTSIDE_H
#define CDP_CLI_TAG_OUTSIDE_H

#include "cli/tag_reading.h"

struct cdp_tag_outside {
	struct cdp_cli *cli;
	struct cdp_tag_reading *t;
	const struct cdp_strs *definitions, *entities;
	const char *map; /* or NULL */
	bool nulls;
	struct cdp_customers *lore;
	/* Of the files: when they were read, as they were seen last, and where reading
	 * them failed. */
	uint64_t read, seen, failed;
};

/* First of all.  0, -1 with *err, or -1 and told (*err is of no kind). */
int cdp_tag_outside_read(struct cdp_tag_outside *o, struct cdp_err *err);
void cdp_tag_outside_release(struct cdp_tag_outside *o);
/* Whether any file is worth being looked at. */
bool cdp_tag_outside_watches(const struct cdp_tag_outside *o);
/* Whether something is another, and has rested since it was looked at before. */
bool cdp_tag_outside_changed(struct cdp_tag_outside *o);
/* Values that are given, anew, before all else; NULL: told, and those of before stay. */
struct cdp_given *cdp_tag_outside_given(struct cdp_tag_outside *o);
/* All else anew; `given` is the reading's from now on.  The former lore is returned in
 * *before, for the caller to let go of.  The same as cdp_tag_outside_read(). */
int cdp_tag_outside_again(struct cdp_tag_outside *o, struct cdp_given *given,
			  struct cdp_customers **before, struct cdp_err *err);
/* Of everything but the state that profiles depend on, with the definitions; never 0. */
uint64_t cdp_tag_outside_stamp(const struct cdp_tag_outside *o);

#endif
