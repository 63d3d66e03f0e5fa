/* What is odd about a tag set: cdp-tag --lint. */
#ifndef CDP_CLI_TAG_LINT_H
#define CDP_CLI_TAG_LINT_H

#include "cli/cli.h"
#include "model/profile.h"

struct cdp_tag_lint;
struct cdp_tag_lint *cdp_tag_lint_new(struct cdp_cli *cli, const struct cdp_tagset *set);
/* All rows are written; NULL is fine. */
void cdp_tag_lint_free(struct cdp_tag_lint *l);

/* What the definitions alone tell: tags that are computed alike, and, if there are
 * `users` (definition files of any kind), tags that neither a tag nor any of them names.
 * 0, or -1 (told) if one cannot be read. */
int cdp_tag_lint_definitions(struct cdp_tag_lint *l, const struct cdp_strs *users);
/* What a run tells: tags without a value for anybody, tags that are an error for
 * everybody, tags with one value for all.  For cdp_cli_after_passes(). */
void cdp_tag_lint_run(void *lint, const struct cdp_profile_spec *spec);

#endif
