/* A thread that works when something new comes to a descriptor, when it asked to, or when
 * another thread calls it.  Calls cost a system call only if it sleeps. */
#ifndef CDP_IO_LOOP_H
#define CDP_IO_LOOP_H

#include "base/err.h"

struct cdp_loop;

enum { CDP_LOOP_AGAIN = 0, CDP_LOOP_SLEEP = -1 };

/* `work` runs on the thread, at least once after every call, and says after how many
 * milliseconds it wants to run again though nothing came.  What it leaves in `fd` does
 * not wake it.  NULL with a system error. */
struct cdp_loop *cdp_loop_start(int fd, int (*work)(void *ctx), void *ctx,
				struct cdp_err *err);
void cdp_loop_call(struct cdp_loop *l);
/* Waits until the thread has ended; `work` may run once more.  Calls are in vain then,
 * but may be made until it is freed, which stops it first if need be.  NULL is fine. */
void cdp_loop_stop(struct cdp_loop *l);
void cdp_loop_free(struct cdp_loop *l);

#endif
