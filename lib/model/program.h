/* A channel that is a program: messages as NDJSON to its standard input, answers as
 * NDJSON from its standard output, in any order:
 *
 *	{"message_id":"...","state":"accepted"|"failed"|"retry","detail":"..."}
 *
 * It runs on a thread of its own, so that a slow one keeps nobody waiting. */
#ifndef CDP_MODEL_PROGRAM_H
#define CDP_MODEL_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"
#include "model/push_conf.h"

#include <pthread.h>
#include <stdbool.h>

/* Where threads tell that they are done. */
struct cdp_program_gong {
	pthread_mutex_t mutex;
	pthread_cond_t rung;
};

struct cdp_program_call {
	const struct cdp_channel *channel;
	struct cdp_program_gong *gong;
	pthread_t thread;
	const char *p; /* the messages, borrowed until the end */
	size_t n;
	bool threaded; /* else it ran on the spot */
	bool done;     /* guarded by the gong; then the rest may be read */
	bool began;    /* false: it could not be started and has seen nothing */
	bool failed;   /* in any way, *err says how; answers count all the same */
	struct cdp_err err;
	struct cdp_buf answers;
};

/* Runs the program; returns before it ends if threads can be had. */
void cdp_program_call(struct cdp_program_call *c, const struct cdp_channel *channel,
		      struct cdp_program_gong *gong, const char *p, size_t n);
/* True once it has ended: then the call is released by cdp_program_release(). */
bool cdp_program_is_done(struct cdp_program_call *c);
/* Waits until some call of the gong is done. `calls` are those that run. */
void cdp_program_wait(struct cdp_program_gong *gong,
		      struct cdp_program_call *const *calls, size_t n);
void cdp_program_release(struct cdp_program_call *c);

#endif
