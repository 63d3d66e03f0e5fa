/* Values of the rule language (CEL). */
#ifndef CDP_LANG_VALUE_H
#define CDP_LANG_VALUE_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "record/scan.h"

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

/* A type in messages: "int", "timestamp". */
const char *cdp_type_word(unsigned type);

struct cdp_list;
struct cdp_map;
struct cdp_decimal;

/* Borrowed: text and elements live in the record, the definition or the evaluator's arena
 * (until cdp_eval_reset).  Start from {0} or a designated initialiser: raw_n counts. */
struct cdp_value {
	uint8_t type;     /* enum cdp_vtype */
	bool from_record; /* came from a record: int and double mix (DESIGN section 3) */
	/* int, double: the number as the record has it, raw[0..raw_n), so that its bytes
	 * and its exact decimal survive; raw_n 0: a computed number. */
	uint32_t raw_n;
	union {
		bool b;
		struct {
			union {
				int64_t i;
				uint64_t u;
				double d;
			};
			const char *raw;
		};
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

/* JSON text of a value: a number of a record as it came, others shortest, timestamps
 * canonical (24 bytes, or with nanoseconds when they matter), durations "3.5s", bytes
 * base64; NaN and infinities as strings; a map's keys as strings; a type as its name. */
void cdp_value_json(struct cdp_buf *b, const struct cdp_value *v);
/* `{"type":"int","value":7}` as `cdp-filter --eval` prints it, nested values likewise. */
void cdp_value_typed_json(struct cdp_buf *b, const struct cdp_value *v);
/* Heterogeneous equality as the specification has it: numbers on one line, other
 * different types unequal. */
bool cdp_value_equal(const struct cdp_value *a, const struct cdp_value *b);
/* Order of two numbers, strings, bytes, bools, timestamps or durations: -1, 0, 1, or 2 if
 * there is none (different kinds, NaN). */
int cdp_value_cmp(const struct cdp_value *a, const struct cdp_value *b);
/* Equal values have equal hashes. */
uint64_t cdp_value_hash(const struct cdp_value *v);
/* About how many bytes its text takes.  Values share what they are made of, so that this
 * may be far more than the memory: it is what walking, comparing or writing them costs.
 */
uint64_t cdp_value_weight(const struct cdp_value *v);
/* The name as type() gives it: "int", "google.protobuf.Timestamp" ... */
const char *cdp_vtype_name(enum cdp_vtype t);

/* A JSON value where it stands in a record, as a value (from_record set).  Strings with
 * escapes are decoded into the arena; arrays and objects are looked into only when
 * asked. */
void cdp_value_from_json(struct cdp_value *out, const struct cdp_val *v,
			 struct cdp_arena *a);

/* Lists.  cdp_list_new copies the items. */
const struct cdp_list *cdp_list_new(struct cdp_arena *a, const struct cdp_value *items,
				    size_t n);
size_t cdp_list_count(const struct cdp_list *l);
const struct cdp_value *cdp_list_at(const struct cdp_list *l, size_t i);
bool cdp_list_has(const struct cdp_list *l, const struct cdp_value *v);

/* Maps.  cdp_map_new copies `n` keys and values that alternate; NULL if a key repeats,
 * *repeated (may be NULL) says which.  Keys are bool, int, uint or string. */
const struct cdp_map *cdp_map_new(struct cdp_arena *a, const struct cdp_value *pairs,
				  size_t n, const struct cdp_value **repeated);
size_t cdp_map_count(const struct cdp_map *m);
void cdp_map_at(const struct cdp_map *m, size_t i, const struct cdp_value **key,
		const struct cdp_value **value);
/* 1 and *out, or 0. */
int cdp_map_get(const struct cdp_map *m, const struct cdp_value *key,
		struct cdp_value *out);
int cdp_map_get_str(const struct cdp_map *m, const char *p, size_t n,
		    struct cdp_value *out);

#endif
