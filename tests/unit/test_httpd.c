/* The HTTP server: whole requests in, answers out, bounds on everything. */
#include "base/buf.h"
#include "io/httpd.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, BODY_MAX = 10000, PATIENCE_MS = 1000, CONNECTIONS = 50 };

static struct held {
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct cdp_httpd_request *request;
} held = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL };

static atomic_uint answered;

static const struct cdp_httpd_field fields[] = { { "Content-Type", "text/plain" },
						 { "X-Us", "yes" },
						 { 0 } };

/* What was held is answered with these. */
static struct {
	unsigned status;
	char body[16];
} later;

static void again(void *ctx, struct cdp_httpd_request *q)
{
	(void)ctx;
	atomic_fetch_add(&answered, 1);
	cdp_httpd_answer(q, later.status, fields, later.body, strlen(later.body));
}

static void answer_later(struct cdp_httpd_request *q, unsigned status, const char *body)
{
	later.status = status;
	snprintf(later.body, sizeof(later.body), "%s", body);
	cdp_httpd_wake(q);
}

/* Says what it got. */
static void handle(void *ctx, struct cdp_httpd_request *q)
{
	const char *name = cdp_httpd_header(q, "x-name");
	struct cdp_buf b;

	(void)ctx;
	if (strcmp(q->path, "/hold") == 0) {
		cdp_httpd_hold(q);
		pthread_mutex_lock(&held.lock);
		held.request = q;
		pthread_cond_signal(&held.came);
		pthread_mutex_unlock(&held.lock);
		return;
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "%s %s ?%s %zu %s %s %d:", q->method, q->path, q->query,
		     q->body_n, q->ip, name ? name : "-", q->excess);
	cdp_buf_add(&b, q->body, q->body_n < 20 ? q->body_n : 20);
	cdp_httpd_answer(q, q->excess ? 413 : 200, fields, b.p, b.n);
	cdp_buf_release(&b);
}

static int dial(const struct cdp_httpd *h)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)cdp_httpd_port(h)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval t = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void put(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static size_t content_length(const char *head)
{
	const char *p = strcasestr(head, "content-length:");

	return p ? strtoul(p + 15, NULL, 10) : 0;
}

/* The next answer, body last; "" if the connection was closed instead. */
static const char *get(int fd)
{
	static char text[16384];
	size_t n = 0;
	char *end = NULL;

	text[0] = '\0';
	while (n < sizeof(text) - 1) {
		ssize_t got;

		if (!end)
			end = strstr(text, "\r\n\r\n");
		if (end && n >= (size_t)(end + 4 - text) + content_length(text))
			return text;
		got = recv(fd, text + n, 1, 0);
		if (got <= 0)
			break;
		text[++n - 1 + 1] = '\0';
	}
	return "";
}

static const char *body_of(const char *answer)
{
	const char *p = strstr(answer, "\r\n\r\n");

	return p ? p + 4 : answer;
}

static struct cdp_httpd *start(size_t bodies_max, unsigned per_client)
{
	struct cdp_httpd_opts o = { .listen = "127.0.0.1:0",
				    .threads = 2,
				    .connections = CONNECTIONS,
				    .per_client = per_client,
				    .head_max = HEAD_MAX,
				    .body_max = BODY_MAX,
				    .bodies_max = bodies_max,
				    .patience_ms = PATIENCE_MS,
				    .handle = handle,
				    .again = again };
	struct cdp_err err;
	struct cdp_httpd *h = cdp_httpd_start(&o, &err);

	if (!h)
		is_str(err.msg, "", "a server starts");
	return h;
}

static void test_requests(struct cdp_httpd *h)
{
	int fd = dial(h);
	const char *a;

	put(fd, "POST /a%20b?x=%41&y HTTP/1.1\r\nHost: h\r\nX-NAME: n\r\n"
		"Content-Length: 5\r\n\r\nhello");
	a = get(fd);
	is_str(body_of(a), "POST /a%20b ?x=%41&y 5 127.0.0.1 n 0:hello",
	       "path and query are given as they came, the body whole");
	ok(strstr(a, "X-Us: yes\r\n") && strncmp(a, "HTTP/1.1 200 ", 13) == 0,
	   "status and headers are those of the answer");
	put(fd, "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	is_str(body_of(get(fd)), "POST /c ? 5 127.0.0.1 - 0:abcde",
	       "a chunked body on a connection kept alive");
	put(fd, "GET /d?");
	usleep(PATIENCE_MS * 1000 / 4);
	put(fd, "q HTTP/1.1\r\nHost: h\r\n\r\n");
	is_str(body_of(get(fd)), "GET /d ?q 0 127.0.0.1 - 0:",
	       "a request without a body that came in pieces");
	close(fd);
}

/* Answers that were given before are kept, a few of them. */
static void test_answers(struct cdp_httpd *h)
{
	char request[120], want[80];
	unsigned wrong = 0, held_wrong = 0;
	int fd = dial(h), waiting = dial(h);

	put(waiting, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	pthread_mutex_lock(&held.lock);
	while (!held.request)
		pthread_cond_wait(&held.came, &held.lock);
	answer_later(held.request, 201, "held");
	held.request = NULL;
	pthread_mutex_unlock(&held.lock);
	held_wrong += strcmp(body_of(get(waiting)), "held") != 0;
	for (int i = 0; i < 100; i++) {
		int which = i % 3 ? i % 20 : 0;
		const char *a;

		snprintf(request, sizeof(request), "%s /%d HTTP/1.1\r\nHost: h\r\n\r\n",
			 i % 7 ? "GET" : "PUT", which);
		snprintf(want, sizeof(want),
			 "%s /%d ? 0 127.0.0.1 - 0:", i % 7 ? "GET" : "PUT", which);
		put(fd, request);
		a = get(fd);
		wrong += strcmp(body_of(a), want) != 0 || !strstr(a, "X-Us: yes\r\n") ||
			 strncmp(a, "HTTP/1.1 200 ", 13) != 0;
	}
	is_int(wrong, 0, "each request gets its own answer, given before or not");
	is_int(held_wrong, 0, "so does one that was held");
	close(fd);
	close(waiting);
}

static struct cdp_httpd_request *wait_for_held(void)
{
	struct cdp_httpd_request *q;

	pthread_mutex_lock(&held.lock);
	while (!held.request)
		pthread_cond_wait(&held.came, &held.lock);
	q = held.request;
	held.request = NULL;
	pthread_mutex_unlock(&held.lock);
	return q;
}

/* Nothing that others send waits for those that are held, nor does it end with them. */
static void test_held(struct cdp_httpd *h)
{
	const struct linger reset = { .l_onoff = 1 };
	struct cdp_httpd_request *q;
	int fd = dial(h), other = dial(h);
	unsigned before;

	put(fd,
	    "GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	q = wait_for_held();
	put(other,
	    "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
	ok(strstr(get(other), "GET /a ") && strstr(get(other), "GET /b "),
	   "others are answered while one is held, two of one client at once too");
	answer_later(q, 203, "one");
	is_str(body_of(get(fd)), "one", "a request that others follow is held alike");
	is_str(body_of(get(fd)),
	       "GET /next ? 0 127.0.0.1 - 0:", "then comes the next one");

	put(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	q = wait_for_held();
	before = answered;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	usleep(50000);
	is_int(answered, before, "a client that goes leaves its request where it is");
	cdp_httpd_wake(q);
	for (int i = 0; i < 500 && answered == before; i++)
		usleep(10000);
	is_int(answered, before + 1, "which is answered to nobody once it is woken");
	put(other, "GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
	ok(strstr(get(other), "GET /c "), "and the others are served on");
	close(other);
}

/* Whoever finds no room waits, and comes in when somebody has left. */
static void test_full(void)
{
	struct cdp_httpd *h = start(1 << 20, 0);
	int fd[CONNECTIONS], late;

	for (int i = 0; i < CONNECTIONS; i++) {
		fd[i] = dial(h);
		put(fd[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		get(fd[i]);
	}
	late = dial(h);
	put(late, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
	usleep(50000);
	is_int(recv(late, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK), -1,
	       "one connection more than there may be is not served");
	close(fd[CONNECTIONS - 1]);
	ok(strstr(get(late), "GET /late "), "but once another one is gone");
	for (int i = 0; i < CONNECTIONS - 1; i++)
		close(fd[i]);
	close(late);
	cdp_httpd_stop(h);
}

static void test_excess(struct cdp_httpd *h)
{
	char big[HEAD_MAX + 2000];
	int fd = dial(h);

	put(fd, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10001\r\n\r\n");
	is_str(body_of(get(fd)), "POST /a ? 0 127.0.0.1 - 2:",
	       "a body announced as too large is answered before it comes");
	is_str(get(fd), "", "and the connection ends, as the body is not read");
	close(fd);

	fd = dial(h);
	put(fd, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	memset(big, 'x', sizeof(big));
	memcpy(big, "1000\r\n", 6);
	for (int i = 0; i < 3; i++) {
		memcpy(big + 6 + 4096, "\r\n", 3);
		put(fd, big);
	}
	put(fd, "0\r\n\r\n");
	is_str(body_of(get(fd)), "POST /a ? 0 127.0.0.1 - 2:",
	       "a chunked body that grows too large is dropped, and answered");
	close(fd);

	fd = dial(h);
	memset(big, 'x', sizeof(big));
	memcpy(big, "GET /", 5);
	big[HEAD_MAX] = '\0';
	put(fd, big);
	put(fd, " HTTP/1.1\r\nHost: h\r\n\r\n");
	ok(strstr(get(fd), " 127.0.0.1 - 1:"), "so are headers");
	close(fd);
}

static void test_unclear(struct cdp_httpd *h)
{
	static const char *const second[] = { "Content-Length: 5", "content-length: 3",
					      "Transfer-Encoding: chunked" };
	static const char *const want[] = { "POST /a ? 0 127.0.0.1 - 4:",
					    "POST /a ? 3 127.0.0.1 - 0:abc",
					    "POST /a ? 0 127.0.0.1 - 4:" };
	static const char *const what[] = {
		"two lengths of a body are answered without it",
		"the same one twice is one", "a length of a body in chunks is two"
	};

	for (int i = 0; i < 3; i++) {
		int fd = dial(h);

		put(fd, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n");
		put(fd, second[i]);
		put(fd, "\r\n\r\nabc");
		is_str(body_of(get(fd)), want[i], "%s", what[i]);
		if (i != 1)
			is_str(get(fd), "", "and the connection ends");
		close(fd);
	}
}

static void test_slow(struct cdp_httpd *h)
{
	int head = dial(h), body = dial(h), idle = dial(h);
	unsigned sent = 0;

	put(head, "GET /");
	put(body, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n");
	put(idle, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	ok(*get(idle), "a quick client is answered");
	while (sent++ < 200 && send(body, "x", 1, MSG_NOSIGNAL) == 1) {
		put(head, "x");
		usleep(20000);
	}
	ok(sent > PATIENCE_MS / 20 / 2 && sent < 200,
	   "a client that sends its body byte by byte is cut off, not at once");
	is_str(get(head), "", "so is one with its request line");
	is_str(get(idle), "", "and one that says nothing more");
	close(head);
	close(body);
	close(idle);
}

static void test_bodies(void)
{
	struct cdp_httpd *h = start(6000, 0);
	int first = dial(h), second = dial(h);
	char text[4096];

	memset(text, 'x', sizeof(text));
	text[4000] = '\0';
	put(first, "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4001\r\n\r\n");
	put(first, text);
	usleep(50000);
	put(second, "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n");
	put(second, text);
	is_str(body_of(get(second)),
	       "POST /2 ? 0 127.0.0.1 - 3:", "all bodies together have a bound");
	put(first, "y");
	ok(strstr(get(first), "/1 ? 4001 "), "the one that was there first is read");
	put(second, "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n");
	put(second, text);
	ok(strstr(get(second), "/2 ? 4000 "), "then there is room again");
	close(first);
	close(second);
	cdp_httpd_stop(h);
}

static void test_per_client(void)
{
	struct cdp_httpd *h = start(1 << 20, 2);
	int fd[3] = { dial(h), dial(h), -1 };

	for (int i = 0; i < 2; i++) {
		put(fd[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		ok(*get(fd[i]), "connection %d of a client is served", i + 1);
	}
	fd[2] = dial(h);
	put(fd[2], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	is_str(get(fd[2]), "", "one more than it may have is not");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	cdp_httpd_stop(h);
}

static void *drain(void *h)
{
	return cdp_httpd_drain(h, 10000) ? h : NULL;
}

static void test_hold_and_drain(struct cdp_httpd *h)
{
	int fd = dial(h), other;
	pthread_t thread;
	void *drained;
	const char *a;

	put(fd, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok");
	pthread_mutex_lock(&held.lock);
	while (!held.request)
		pthread_cond_wait(&held.came, &held.lock);
	pthread_mutex_unlock(&held.lock);
	usleep(PATIENCE_MS * 2000);
	ok(!cdp_httpd_drain(h, 100), "a drain does not pass over a held request");
	pthread_create(&thread, NULL, drain, h);
	answer_later(held.request, 202, held.request->body);
	a = get(fd);
	ok(strncmp(a, "HTTP/1.1 202 ", 13) == 0 && strcmp(body_of(a), "ok") == 0,
	   "it is answered when another thread wakes it, however long it was held");
	ok(strcasestr(a, "connection: close"), "and its connection ends with it");
	pthread_join(thread, &drained);
	ok(drained != NULL, "then the drain is over");
	other = dial(h);
	if (other >= 0)
		put(other, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	is_str(other < 0 ? "" : get(other), "", "nobody else is served");
	close(fd);
	if (other >= 0)
		close(other);
}

static void test_addresses(void)
{
	static const char *const bad[] = { "8106", "127.0.0.1:", "no host:1",
					   "127.0.0.1:99999999999" };
	struct cdp_httpd_opts o = { .threads = 1, .head_max = 1024, .patience_ms = 100 };
	struct cdp_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.listen = bad[i];
		ok(!cdp_httpd_start(&o, &err) && err.kind == CDP_ERR_USAGE,
		   "'%s' is no address", bad[i]);
	}
}

static void test_taken(const struct cdp_httpd *h)
{
	char text[32];
	struct cdp_httpd_opts o = { .listen = text, .threads = 1 };
	struct cdp_err err;

	snprintf(text, sizeof(text), "127.0.0.1:%u", cdp_httpd_port(h));
	ok(!cdp_httpd_start(&o, &err) && err.kind == CDP_ERR_SYS,
	   "a port that is taken is an error of the system");
}

int main(void)
{
	struct cdp_httpd *h;

	if (!cdp_httpd_built()) {
		ok(true, "the server # SKIP built without libmicrohttpd");
		return tap_done();
	}
	test_addresses();
	h = start(1 << 20, 0);
	test_requests(h);
	test_answers(h);
	test_held(h);
	test_excess(h);
	test_unclear(h);
	test_slow(h);
	test_taken(h);
	test_hold_and_drain(h);
	is_int(cdp_httpd_drain(h, 100), true, "a second drain changes nothing");
	cdp_httpd_stop(h);
	test_bodies();
	test_per_client();
	test_full();
	return tap_done();
}
