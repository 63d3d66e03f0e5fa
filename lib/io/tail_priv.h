/* What tail.c and tail_source.c share. */
#ifndef CDP_IO_TAIL_PRIV_H
#define CDP_IO_TAIL_PRIV_H

#include "base/crypto.h"
#include "io/tail.h"

#include <sys/stat.h>

enum { EDGE = 1024 };

/* A stream of bytes with a place. */
struct tail_source {
	char *path, *name;
	int fd; /* -1: not open */
	bool standard, ended;
	bool once;  /* to its end, not on and on */
	bool here;  /* in the last listing of its directory */
	bool skips; /* bytes up to the place come again */
	struct stat st;
	struct cdp_tail_place place, want;
	char first[EDGE], last[EDGE];
	size_t first_n, last_n;
	char *carry; /* the line that is not whole yet */
	size_t carry_n, carry_cap;
	bool ready;             /* the carry has whole lines */
	struct cdp_sha256 *sum; /* of an overlong line, while it lasts */
	uint64_t long_n;
};

/* An operand: one source, or a directory of them. */
struct tail_input {
	char *dir, *name; /* NULL: sources[0] it is */
	struct tail_source **sources;
	size_t count, cap;
	struct timespec listed; /* when the directory changed last, as it was listed */
	int64_t listed_ms;      /* when that was first seen, by a clock that only runs */
	bool settled;           /* and listed again when nothing more had that time */
};

struct cdp_tail {
	struct cdp_tail_opts o;
	struct tail_input *inputs;
	size_t count, cap, turn;
	char *data; /* of the last block */
	size_t data_cap;
	struct tail_source *from; /* of the last block: what is left to be taken */
	const char *at;
	size_t left;
	uint64_t left_lines;
	bool supplied; /* its last LF is none of the input's */
	bool standard; /* is one of the inputs */
};

void tail_source_free(struct tail_source *s);
/* Bytes that come next belong to what is before the place. */
void tail_advance(struct tail_source *s, const char *p, size_t n);
/* The hashes of the place are those of what is before it. */
void tail_seal(struct tail_source *s);
/* 1: a block; 0: nothing for now; -1. */
int tail_read(struct cdp_tail *t, struct tail_source *s, struct cdp_block *b,
	      struct cdp_err *err);

#endif
