/* What the reading of maps of tables shares with their use.  For the files csvmap*.c. */
#ifndef CDP_FORMAT_CSVMAP_PRIV_H
#define CDP_FORMAT_CSVMAP_PRIV_H

#include "format/csvmap.h"

#include "base/mem.h"
#include "format/cell.h"

/* Where a value goes: a member of the record, or an object whose members take several.
 * Their order is that of the canonical record. */
enum cdp_csv_target {
	CSV_TIME,
	CSV_EVENT,
	CSV_TYPE,
	CSV_IDS,
	CSV_EVENT_ID,
	CSV_SOURCE,
	CSV_SENT,
	CSV_RECEIVED,
	CSV_DETAIL,
	CSV_ROW,
	CSV_ENTITY,
	CSV_ID,
	CSV_RELATION,
	CSV_TO,
	CSV_SET,
	CSV_SET_ONCE,
	CSV_INCREMENT,
	CSV_APPEND,
	CSV_UNSET,
	CSV_DELETED,
	CSV_PROPS,
	CSV_TARGETS,
};
struct csv_target {
	const char *name;
	bool object;
};
extern const struct csv_target csv_targets[CSV_TARGETS];

struct csv_field {
	const char *column; /* NULL: a constant */
	size_t index;       /* of the column in a row */
	int target;
	const char *key; /* member of the target, NULL if that is no object */
	struct cdp_cell cell;
	bool required;
	bool if_empty;     /* of `unset`: said by a cell that is empty */
	const char *split; /* between the items of a list, NULL: it is none */
	const char *value; /* JSON text of a constant */
};

struct cdp_csvmap {
	char *name; /* for messages */
	char *text; /* as it was read, in one form */
	struct cdp_arena arena;
	const char *charset, **columns, **nulls;
	size_t column_count, null_count;
	char delimiter;
	bool quoted;
	const char *type; /* NULL: an event */
	int rest;         /* target of the columns that no field names, -1: none */
	struct csv_field *fields;
	size_t field_count;
	/* after bind: the fields and those of the rest, by target */
	struct csv_field *bound;
	size_t bound_count, width;
	struct cdp_zone **zones;
	size_t zone_count;
	struct cdp_buf header; /* JSON array of the names of the columns */
	struct cdp_buf tmp;
};

#endif
