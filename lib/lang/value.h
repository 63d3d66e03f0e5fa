/* Values of the rule language (CEL). */
#ifndef CDP_LANG_VALUE_H
#define CDP_LANG_VALUE_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cdp_vtype {
	CDP_V_NULL,
	CDP_V_BOOL,
	CDP_V_INT,
	CDP_V_UINT,
	CDP_V_DOUBLE,
	CDP_V_STRING,
	CDP_V_BYTES,
	CDP_V_TIMESTAMP,
	CDP_V_DURATION,
	CDP_V_LIST,
	CDP_V_MAP,
	CDP_V_TYPE,
	CDP_V_DECIMAL, /* result of sum() over record numbers: exact; acts as a double in
			  arithmetic */
};

struct cdp_list;
struct cdp_map;

/* Borrowed: text and elements live in the record, the definition or the evaluator's arena
 * (until cdp_eval_reset). */
struct cdp_value {
	uint8_t type;     /* enum cdp_vtype */
	bool from_record; /* came from a record: int and double mix (DESIGN section 3) */
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double d;
		struct {
			const char *p;
			size_t n;
		} s;               /* string (UTF-8), bytes */
		struct cdp_time t; /* timestamp; duration (seconds and 0..999999999 ns) */
		const struct cdp_list *list;
		const struct cdp_map *map;
		uint8_t type_of; /* CDP_V_TYPE: enum cdp_vtype it names */
		const struct cdp_decimal *dec;
	};
};

/* JSON text of a value: numbers shortest, timestamps canonical (24 bytes, or with
 * nanoseconds when they matter), durations "3.5s", bytes base64; NaN and infinities as
 * strings. */
void cdp_value_json(struct cdp_buf *b, const struct cdp_value *v);
/* `{"type":"int","value":7}` as `cdp-filter --eval` prints it, nested values likewise. */
void cdp_value_typed_json(struct cdp_buf *b, const struct cdp_value *v);
bool cdp_value_equal(const struct cdp_value *a, const struct cdp_value *b);

size_t cdp_list_count(const struct cdp_list *l);
const struct cdp_value *cdp_list_at(const struct cdp_list *l, size_t i);

#endif
