/* What in.c and in_range.c share. */
#ifndef CDP_IO_IN_PRIV_H
#define CDP_IO_IN_PRIV_H

#include "io/compress.h"
#include "io/in.h"

#include <stdatomic.h>
#include <sys/types.h>

struct cdp_in {
	char **operands; /* borrowed strings */
	unsigned count;
	struct cdp_in_opts opts;
	bool all_files, repeated; /* repeated: "-" was given twice */
	uint64_t total;
	_Atomic uint64_t done;
	uint64_t seq;
	uint64_t long_offset; /* bytes given to the sink so far */

	/* The current input. */
	unsigned next; /* operand to open next; the current one is next - 1 */
	int fd;        /* -1: none is open */
	struct cdp_range_file *ranges; /* that it is read in, or NULL */
	bool waits;                    /* not a regular file */
	bool eof;                      /* of the decoded bytes */
	bool fresh;                    /* no block of it was given yet */
	bool failed; /* `failure` is to be reported once what came before is given */
	struct cdp_err failure;
	size_t read_max; /* per read: block, pipe or line ceiling */
	uint64_t offset; /* of the first byte not yet given */
	uint64_t pos;    /* in the file, of what is read next */
	char *raw;       /* bytes as read: sniffed or compressed ones */
	size_t raw_at, raw_n;
	struct cdp_unpack *unpack;
	bool more;   /* the decoder may hold bytes that need no more input */
	char *carry; /* decoded bytes after the last block, at most read_max */
	size_t carry_n;
};

/* The name of an operand, for messages. */
const char *in_name_of(const struct cdp_in *in, unsigned i);

/* A block of the current input begins. */
void in_stamp(struct cdp_in *in, struct cdp_block *b);

/* Room for n bytes at b->data, where the first `kept` are and stay. */
void in_make_room(struct cdp_block *b, size_t kept, size_t n);
/* b->data: where what is at `pos` in the file is to be read, as far from the start of a
 * page as it is there.  To a place that is 1 to 63 bytes farther from it some processors
 * copy five times as slowly (rep movsb takes the two for overlapping). */
void in_align(struct cdp_block *b, uint64_t pos);

/* A plain file read in ranges of CDP_IN_BLOCK bytes, by all who hold one of them. */
struct cdp_range_file;
/* If the current input, just opened and sniffed, is read that way: else NULL. */
struct cdp_range_file *in_ranges_new(struct cdp_in *in);
void in_ranges_drop(struct cdp_range_file *f);
/* 1: the next range, in b; 0: there is none. */
int in_ranges_take(struct cdp_in *in, struct cdp_block *b);

#endif
