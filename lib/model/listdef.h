/* What a definition says of an audience that is imported from files: who stands in them,
 * by ids of any kind; cdp-segments(5), "Lists".
 *
 *	"import": "vip.txt"
 *	"import": {"files": ["vip.csv"], "kind": "phone", "key": "mobile", "charset":
 *	           "GB18030", "mode": "add", "block": ["do_not_call"]} */
#ifndef CDP_MODEL_LISTDEF_H
#define CDP_MODEL_LISTDEF_H

#include "base/err.h"
#include "model/depend.h"
#include "record/tree.h"

#include <stddef.h>
#include <stdint.h>

enum { CDP_LIST_FILES_MAX = 64 };

enum cdp_list_format { CDP_LIST_LINES, CDP_LIST_CSV, CDP_LIST_NDJSON };

/* What becomes of the members that it had in the version before. */
enum cdp_list_mode { CDP_LIST_OVERWRITE, CDP_LIST_ADD, CDP_LIST_REMOVE };

struct cdp_list_def {
	char **files;   /* NULL-ended */
	const char *of; /* what tells customers apart; borrowed */
	char *kind;     /* of its ids: NULL for that */
	char *key;      /* column or member with the id; NULL: by the names there are */
	char *charset;  /* NULL: UTF-8 */
	char delimiter; /* of CSV; 0: by the name of the files */
	enum cdp_list_format form; /* of all files */
	enum cdp_list_mode mode;
	char **block;     /* names of audiences whose members are left out, NULL-ended */
	unsigned segment; /* number of the audience */
	unsigned given;   /* of that of all who stand in it, which no file defines */
	struct cdp_needs blocks; /* numbers for `block`, of those that are given */
};

/* The member `import`; `of` is what customers are told apart by: one_id, and for other
 * things their own ids, as no map knows of these.  -1 with a usage error that names what
 * is wrong. */
int cdp_list_def_load(struct cdp_list_def *d, const json_t *import, const char *of,
		      struct cdp_err *err);
void cdp_list_def_release(struct cdp_list_def *d);

#endif
