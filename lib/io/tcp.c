#include "io/tcp.h"

#include "base/mem.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "HOST:PORT", with the host in brackets if it has colons, to socket addresses. */
static struct addrinfo *resolve(const char *text, struct cdp_err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	const char *colon = strrchr(text, ':');
	uint64_t port;
	char *host;
	size_t n;
	int rc;

	if (!colon || cdp_num_u64(&port, colon + 1, strlen(colon + 1), 65535, err) < 0) {
		cdp_err_set(err, CDP_ERR_USAGE, "expected ADDRESS:PORT, not '%s'", text);
		return NULL;
	}
	n = (size_t)(colon - text);
	if (n > 1 && text[0] == '[' && text[n - 1] == ']')
		host = cdp_strndup(text + 1, n - 2);
	else
		host = cdp_strndup(text, n);
	rc = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &list);
	if (rc)
		cdp_err_set(err, CDP_ERR_USAGE, "cannot listen on '%s': %s", text,
			    gai_strerror(rc));
	free(host);
	return rc ? NULL : list;
}

int cdp_tcp_listen(const char *text, int backlog, struct cdp_err *err)
{
	struct addrinfo *list = resolve(text, err);
	int fd = -1, on = 1, e = 0;

	if (!list)
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (fd >= 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
		    listen(fd, backlog) == 0)
			break;
		e = errno;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd < 0)
		cdp_err_sys(err, e, "cannot listen on '%s'", text);
	return fd;
}

unsigned cdp_tcp_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
					     : ((struct sockaddr_in *)&a)->sin_port);
}
