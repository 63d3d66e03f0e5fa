/* httpload [-c CLIENTS] [-n REQUESTS] [-p PATH] PORTFILE BODY COMMAND...: starts a
 * server, sends it requests with the body in the file BODY over connections that are kept
 * alive, each client the next one when the last was answered with 2xx, and ends it by
 * SIGTERM. Prints requests a second and percentiles of their times on standard error.
 *
 * The server writes its port to PORTFILE.  Loopback only. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { CLIENTS_MAX = 1000, ANSWER_MAX = 4096 };

struct client {
	int fd;
	size_t sent, got;
	double begun;
	char answer[ANSWER_MAX];
};

static struct client clients[CLIENTS_MAX];
static char *request;
static size_t request_n;
static long wanted, started, done;
static double *times;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	p = malloc((size_t)st.st_size + 1);
	if (!p || read(fd, p, (size_t)st.st_size) != st.st_size)
		die(path);
	close(fd);
	*n = (size_t)st.st_size;
	p[*n] = '\0';
	return p;
}

static void make_request(const char *path, const char *file)
{
	char head[512];
	size_t n, head_n;
	char *body = read_file(file, &n);

	head_n = (size_t)snprintf(head, sizeof(head),
				  "POST %s HTTP/1.1\r\nHost: bench\r\n"
				  "Content-Length: %zu\r\n\r\n",
				  path, n);
	request_n = head_n + n;
	request = malloc(request_n);
	if (!request)
		die("malloc");
	memcpy(request, head, head_n);
	memcpy(request + head_n, body, n);
	free(body);
}

static unsigned wait_for_port(const char *file, pid_t pid)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	unsigned port = 0;

	while (!port) {
		FILE *f = fopen(file, "r");

		if (f && fscanf(f, "%u", &port) != 1)
			port = 0;
		if (f)
			fclose(f);
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			fprintf(stderr, "httpload: the server did not start\n");
			exit(1);
		}
		nanosleep(&step, NULL);
	}
	return port;
}

static void dial(struct client *c, int epoll, unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->sent = request_n;
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
}

static void next(struct client *c)
{
	if (started == wanted)
		return;
	started++;
	c->sent = c->got = 0;
	c->begun = now();
}

static void push(struct client *c)
{
	while (c->sent < request_n) {
		ssize_t n =
			send(c->fd, request + c->sent, request_n - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("send");
		c->sent += (size_t)n;
	}
}

/* Whether the answer is whole: head and as many bytes as it says. */
static bool is_whole(const struct client *c)
{
	const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
	const char *length;

	if (!end)
		return false;
	length = strcasestr(c->answer, "\r\nContent-Length: ");
	return c->got >= (size_t)(end + 4 - c->answer) +
				 (length ? strtoul(length + 18, NULL, 10) : 0);
}

static void pull(struct client *c)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			die("recv");
		c->got += (size_t)n;
		c->answer[c->got] = '\0';
		if (!is_whole(c))
			continue;
		if (memcmp(c->answer, "HTTP/1.1 2", 10) != 0) {
			fprintf(stderr, "httpload: answered with %.40s\n", c->answer);
			exit(1);
		}
		times[done++] = now() - c->begun;
		c->got = 0;
		next(c);
		push(c);
	}
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void load(unsigned port, int count)
{
	struct epoll_event events[CLIENTS_MAX];
	int epoll = epoll_create1(0);
	double begun, took;

	for (int i = 0; i < count; i++)
		dial(&clients[i], epoll, port);
	begun = now();
	for (int i = 0; i < count; i++) {
		next(&clients[i]);
		push(&clients[i]);
	}
	while (done < wanted) {
		int n = epoll_wait(epoll, events, CLIENTS_MAX, 10000);

		if (n <= 0)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			push(events[i].data.ptr);
			pull(events[i].data.ptr);
		}
	}
	took = now() - begun;
	qsort(times, (size_t)done, sizeof(*times), by_time);
	fprintf(stderr, "httpload: %.0f requests/s, %.2f s, p50 %.3f ms, p99 %.3f ms\n",
		(double)done / took, took, times[done / 2] * 1e3,
		times[done * 99 / 100] * 1e3);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	const char *path = "/";
	int count = 32, opt, status;
	struct rusage used;
	pid_t pid;

	wanted = 10000;
	while ((opt = getopt(argc, argv, "+c:n:p:")) > 0) {
		if (opt == 'c')
			count = (int)strtol(optarg, NULL, 10);
		else if (opt == 'n')
			wanted = strtol(optarg, NULL, 10);
		else if (opt == 'p')
			path = optarg;
		else
			return 2;
	}
	argv += optind;
	if (argc - optind < 3 || count < 1 || count > CLIENTS_MAX || wanted < 1)
		return 2;
	times = calloc((size_t)wanted, sizeof(*times));
	make_request(path, argv[1]);
	unlink(argv[0]);
	if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0)
		die(argv[2]);
	load(wait_for_port(argv[0], pid), count);
	kill(pid, SIGTERM);
	wait4(pid, &status, 0, &used);
	fprintf(stderr, "httpload: %.2f us of CPU a request in the server\n",
		(seconds(used.ru_utime) + seconds(used.ru_stime)) * 1e6 / (double)done);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
