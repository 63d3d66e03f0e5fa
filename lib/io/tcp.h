/* Sockets that listen. */
#ifndef CDP_IO_TCP_H
#define CDP_IO_TCP_H

#include "base/err.h"

/* Listens, without blocking, on "127.0.0.1:8106", "[::1]:0" or ":8106" (every address).
 * The descriptor, or -1 with a usage or system error. */
int cdp_tcp_listen(const char *text, int backlog, struct cdp_err *err);
/* The port that a socket is bound to, 0 if there is none. */
unsigned cdp_tcp_port(int fd);

#endif
