/* The server of a build without libmicrohttpd. */
#include "io/httpd.h"

#ifndef CDP_WITH_MICROHTTPD

bool cdp_httpd_built(void)
{
	return false;
}

struct cdp_httpd *cdp_httpd_start(const struct cdp_httpd_opts *opts, struct cdp_err *err)
{
	(void)opts;
	cdp_err_set(err, CDP_ERR_USAGE, "built without libmicrohttpd: cannot listen");
	return NULL;
}

unsigned cdp_httpd_port(const struct cdp_httpd *h)
{
	(void)h;
	return 0;
}

unsigned cdp_httpd_connections(const struct cdp_httpd_request *q)
{
	(void)q;
	return 0;
}

const char *cdp_httpd_header(const struct cdp_httpd_request *q, const char *name)
{
	(void)q;
	(void)name;
	return NULL;
}

void cdp_httpd_answer(struct cdp_httpd_request *q, unsigned status,
		      const struct cdp_httpd_field *fields, const void *body, size_t n)
{
	(void)q;
	(void)status;
	(void)fields;
	(void)body;
	(void)n;
}

void cdp_httpd_hold(struct cdp_httpd_request *q)
{
	(void)q;
}

void cdp_httpd_wake(struct cdp_httpd_request *q)
{
	(void)q;
}

bool cdp_httpd_drain(struct cdp_httpd *h, int64_t ms)
{
	(void)h;
	(void)ms;
	return true;
}

void cdp_httpd_stop(struct cdp_httpd *h)
{
	(void)h;
}

#endif
