/* Small JSON as a tree: definitions and configuration, through jansson (the only file
 * that includes it).  Never on the event stream. */
#ifndef CDP_RECORD_TREE_H
#define CDP_RECORD_TREE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Load one JSON file (ceiling 64 MiB, duplicate keys refused, a BOM skipped).  Errors are
 * of usage kind and read "FILE: LINE:COLUMN: reason"; a file that cannot be read is one
 * of system kind.  Free with json_decref. */
json_t *cdp_tree_load(const char *path, struct cdp_err *err);
json_t *cdp_tree_parse(const char *text, size_t n, const char *name, struct cdp_err *err);

/* Typed members; errors of usage kind name the path ("tags[3].title: expected a string").
 * Optional ones leave *out alone when absent. */
int cdp_tree_str(const json_t *obj, const char *key, const char **out, bool required,
		 const char *where, struct cdp_err *err);
int cdp_tree_int(const json_t *obj, const char *key, int64_t *out, bool required,
		 const char *where, struct cdp_err *err);
int cdp_tree_bool(const json_t *obj, const char *key, bool *out, bool required,
		  const char *where, struct cdp_err *err);
/* Any member not in `known` (NULL-ended) is an error with "did you mean". */
int cdp_tree_known(const json_t *obj, const char *const *known, const char *where,
		   struct cdp_err *err);

#endif
