/* mhd_empty PORTFILE THREADS: the floor of what libmicrohttpd can do: reads bodies,
 * answers all with two bytes.  Ends by SIGTERM. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct body {
	char *p;
	size_t n, cap;
};

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *c, const char *url,
				 const char *method, const char *version,
				 const char *data, size_t *n, void **con)
{
	struct body *b = *con;
	struct MHD_Response *r;
	enum MHD_Result rc;

	(void)ctx;
	(void)url;
	(void)method;
	(void)version;
	if (!b) {
		*con = calloc(1, sizeof(*b));
		return *con ? MHD_YES : MHD_NO;
	}
	if (*n) {
		if (b->n + *n > b->cap) {
			b->cap = (b->n + *n) * 2;
			b->p = realloc(b->p, b->cap);
		}
		if (!b->p)
			return MHD_NO;
		memcpy(b->p + b->n, data, *n);
		b->n += *n;
		*n = 0;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(2, (void *)"ok", MHD_RESPMEM_PERSISTENT);
	rc = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return rc;
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **con,
			 enum MHD_RequestTerminationCode code)
{
	struct body *b = *con;

	(void)ctx;
	(void)c;
	(void)code;
	if (b)
		free(b->p);
	free(b);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, threads, NULL },
					 { MHD_OPTION_END, 0, NULL } };
	struct MHD_Daemon *d;
	sigset_t end;
	int sig;
	FILE *f;

	if (argc < 2)
		return 2;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_access,
			     NULL, MHD_OPTION_SOCK_ADDR, &a, MHD_OPTION_CONNECTION_LIMIT,
			     1000, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
			     MHD_OPTION_ARRAY, threads > 1 ? pool : pool + 1,
			     MHD_OPTION_END);
	f = d ? fopen(argv[1], "w") : NULL;
	if (!f)
		return 1;
	fprintf(f, "%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fclose(f);
	sigwait(&end, &sig);
	MHD_stop_daemon(d);
	return 0;
}
