/* The record scanner: validates whole lines of NDJSON (RFC 8259 grammar, UTF-8, one
 * object a line) and in the same pass fills the slots of the requested member paths with
 * typed slices into the line.  No tree, no allocation per record.
 *
 * A scanner walks a block of whole lines (cdp_in_block).  A bad line is reported with
 * column and reason and never touches the next one.  Policies where RFC 8259 leaves room:
 * numbers that overflow a double are valid; \ud800 and \u0000 escapes are valid; escaped
 * keys are compared decoded; of duplicate keys the last counts; depth ceiling
 * CDP_DEPTH_MAX; CR before LF is dropped; blank lines are skipped and counted. */
#ifndef CDP_RECORD_SCAN_H
#define CDP_RECORD_SCAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CDP_DEPTH_MAX = 256 };

enum cdp_type {
	CDP_MISSING, /* no such member */
	CDP_NULL,
	CDP_FALSE,
	CDP_TRUE,
	CDP_NUMBER,
	CDP_STRING,
	CDP_ARRAY,
	CDP_OBJECT,
};

/* A value where it stands.  p..p+n is: the text between the quotes for a string, still
 * escaped if `escaped`; the whole text for anything else. */
struct cdp_val {
	const char *p;
	uint32_t n;
	uint8_t type;  /* enum cdp_type */
	bool escaped;  /* string with at least one backslash */
	bool integral; /* number without fraction and exponent */
};

/* Paths: what a run wants to see of each record.  Built once, then shared read-only. */
struct cdp_paths;
struct cdp_paths *cdp_paths_new(void);
/* The same, but slot CDP_SLOT_ONE_ID is the member of this name (none of the fixed ones;
 * copied), and the heads of events are not recognised. */
struct cdp_paths *cdp_paths_new_of(const char *key);
/* Its name: "one_id". */
const char *cdp_paths_key(const struct cdp_paths *p);
void cdp_paths_free(struct cdp_paths *p);
/* The slot of a path, added if new: "time", "props.amount", any depth; a key with dots or
 * odd bytes is quoted: ids."a.b".  -1 with a usage error if the text is no path. */
int cdp_paths_add(struct cdp_paths *p, const char *text, size_t n, struct cdp_err *err);
/* The same by decoded keys. */
int cdp_paths_add_keys(struct cdp_paths *p, const char *const *keys, const size_t *lens,
		       size_t count);
unsigned cdp_paths_count(const struct cdp_paths *p);

/* One path alone, cut into its decoded keys; a key that holds a NUL is refused. */
struct cdp_path {
	char **keys;
	size_t count;
};
int cdp_path_parse(struct cdp_path *p, const char *text, size_t n, struct cdp_err *err);
void cdp_path_release(struct cdp_path *p);

/* Slots that every path set has, in this order. */
enum { CDP_SLOT_ONE_ID, CDP_SLOT_TIME, CDP_SLOT_EVENT, CDP_SLOT_TYPE, CDP_SLOT_FIXED };

/* One record of a block, borrowed until the next call (or more: cdp_scan_set_kept). */
struct cdp_rec {
	const char *raw; /* the line without LF and CR; raw[0] == '{' up to white space */
	size_t len;
	uint64_t line;         /* 1-based, in the block */
	struct cdp_val *slots; /* cdp_paths_count() of them */
	bool complete;         /* false: only the head's slots are filled (trusted) */
	/* What was seen while all slots were filled, so false if only the head's were: */
	bool compact;          /* no white space between tokens */
	bool twice;            /* a requested member came more than once */
	struct cdp_scan *scan; /* for cdp_rec_complete */
};

/* A slot's value; completes a trusted record when it must.  Use this, not rec->slots. */
static inline const struct cdp_val *cdp_rec_get(struct cdp_rec *r, int slot);

struct cdp_scan;
/* `paths` must outlive it and not change any more.  One scanner a thread. */
struct cdp_scan *cdp_scan_new(const struct cdp_paths *paths);
void cdp_scan_free(struct cdp_scan *s);
/* Recognise the canonical head by comparing bytes at fixed places and leave the rest of
 * such a line unscanned until a slot outside the head is asked for.  Lines whose head
 * does not fit are scanned strictly. */
void cdp_scan_set_trusted(struct cdp_scan *s, bool trusted);
/* Duplicate keys at any level are errors.  It takes a look at the whole line, so nothing
 * is trusted then. */
void cdp_scan_set_unique_keys(struct cdp_scan *s, bool unique);
/* A record stays valid until n more were asked for (n a power of two) or the
 * block ends; so those to come can be looked at before it is dealt with. */
void cdp_scan_set_kept(struct cdp_scan *s, unsigned n);

/* Start on a block: whole lines, the last one LF-ended or not, CDP_IN_PAD readable bytes
 * after them.  The bytes must stay until the block is done.  A last line without LF is
 * scanned in a copy, to which its record then points. */
void cdp_scan_block(struct cdp_scan *s, const char *data, size_t len);
/* 1: *rec filled; 0: end of the block; -1: data error in *err (column and reason;
 * rec->raw, len and line name the bad line) and the scanner stands after it. */
int cdp_scan_next(struct cdp_scan *s, struct cdp_rec *rec, struct cdp_err *err);
/* Lines seen in this block so far (blank ones included), and blank ones alone. */
uint64_t cdp_scan_lines(const struct cdp_scan *s);
uint64_t cdp_scan_blanks(const struct cdp_scan *s);

/* Fill all slots of a trusted record.  A line that turns out bad has its slots missing.
 */
void cdp_rec_complete(struct cdp_rec *r);

/* The tokens { } [ ] : , of a record's object, at base + at[0], at[1] and so on: its
 * brace, a colon and what ends the value of the first member, and so on for all of them
 * while their values are no objects or arrays.  Keys and texts fill the gaps, quotes and
 * all, and have no escapes. */
struct cdp_tokens {
	const char *base;
	const uint32_t *at;
};
/* Of an object of the record that was scanned last.  False: there is no list of them (no
 * compact record, a backslash, a scanner that makes none). */
bool cdp_rec_tokens(const struct cdp_rec *rec, const struct cdp_val *object,
		    struct cdp_tokens *t);

/* One text alone, any top-level value: 0, or -1 with the data error.  For definitions'
 * pieces, tests and fuzzing. */
int cdp_json_check(const char *p, size_t n, struct cdp_err *err);

/* Implementations, chosen at run time; CDP_SCAN=portable|avx2|avx512 in the environment
 * of tests and benchmarks overrides where the machine can. */
enum cdp_scan_impl { CDP_SCAN_AUTO, CDP_SCAN_PORTABLE, CDP_SCAN_AVX2, CDP_SCAN_AVX512 };
int cdp_scan_set_impl(struct cdp_scan *s, enum cdp_scan_impl impl); /* 0, -1 not here */
const char *cdp_scan_impl_name(const struct cdp_scan *s);

static inline const struct cdp_val *cdp_rec_get(struct cdp_rec *r, int slot)
{
	if (!r->complete && slot >= 0 && r->slots[slot].type == CDP_MISSING)
		cdp_rec_complete(r);
	return &r->slots[slot];
}

#endif
