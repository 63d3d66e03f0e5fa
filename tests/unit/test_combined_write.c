#include "format/combined_write.h"
#include "tap.h"

static void lines(void)
{
	/* as nginx 1.22 wrote them down */
	static const char target[] = "/api?a=\"b", referer[] = "https://m.bank.test/首页";
	struct cdp_combined_rec r = { .ip = { 127, 0, 0, 1 },
				      .user = "cust1",
				      .epoch_s = 1795315783,
				      .method = "POST",
				      .target = target,
				      .ntarget = sizeof(target) - 1,
				      .status = 200,
				      .bytes = 2,
				      .agent = "curl/7.88.1" };
	struct cdp_buf out;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_combined_write(&out, &r);
	is_str(cdp_buf_str(&out),
	       "127.0.0.1 - cust1 [22/Nov/2026:02:49:43 +0000] \"POST /api?a=\\x22b "
	       "HTTP/1.1\" 200 2 \"-\" \"curl/7.88.1\"\n",
	       "a line is the server's, quotes escaped");
	cdp_buf_reset(&out);
	r.user = r.agent = NULL;
	r.referer = referer;
	r.nreferer = sizeof(referer) - 1;
	r.utc_offset = -34200;
	cdp_combined_write(&out, &r);
	is_str(cdp_buf_str(&out),
	       "127.0.0.1 - - [21/Nov/2026:17:19:43 -0930] \"POST /api?a=\\x22b "
	       "HTTP/1.1\" "
	       "200 2 \"https://m.bank.test/\\xE9\\xA6\\x96\\xE9\\xA1\\xB5\" \"-\"\n",
	       "what is not ASCII is escaped, time is in the server's zone");
	cdp_buf_reset(&out);
	r = (struct cdp_combined_rec){
		.epoch_s = -1, .method = "GET", .target = "/", .ntarget = 1
	};
	cdp_combined_write(&out, &r);
	is_str(cdp_buf_str(&out),
	       "0.0.0.0 - - [31/Dec/1969:23:59:59 +0000] \"GET / HTTP/1.1\" 0 0 \"-\" "
	       "\"-\"\n",
	       "times before 1970 are right");
	cdp_buf_release(&out);
}

static void percent(void)
{
	struct cdp_buf out;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_percent_add(&out, "a-Z_0.~ &=/理", 14);
	is_str(cdp_buf_str(&out), "a-Z_0.~%20%26%3D%2F%E7%90%86",
	       "all but unreserved characters are percent-encoded");
	cdp_buf_release(&out);
}

int main(void)
{
	lines();
	percent();
	return tap_done();
}
