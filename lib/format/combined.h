/* Access logs in the "combined" form of nginx and Apache (and "common", which is shorter,
 * and nginx's "main", which has the forwarded address as a last field):
 *
 *   host ident user [22/Nov/2026:02:49:43 +0000] "GET /f?a=1 HTTP/1.1" 200 2 "referer"
 * "ua"
 *
 * \xHH (nginx) and \" \\ \n \r \t \b \v (Apache) in quoted fields are undone; a field
 * that is no UTF-8 then is kept as it is written.  Each line is an event: method, path,
 * status and so on are its properties, as are the parameters of the query; one whose name
 * is taken goes into "query".  When a parameter names the event, the request is but its
 * carrier and has no method, path, protocol, status and bytes.  Its ids are the
 * parameters that the options name and the user that the server knew (login kind);
 * failing all, the address of the client, "ip".
 *
 * A line may also be a JSON object, as of nginx's `log_format escape=json`: members by
 * the names of nginx's variables, or those that the options name, are the fields above;
 * others are properties as they are (in "log" if their name is taken).
 */
#ifndef CDP_FORMAT_COMBINED_H
#define CDP_FORMAT_COMBINED_H

#include "format/canon.h"

struct cdp_combined;

struct cdp_combined *cdp_combined_new(const struct cdp_format_opts *opts);
void cdp_combined_free(struct cdp_combined *r);

/* The field of an access log in JSON by its name for cdp_log_field, -1 for another. */
int cdp_combined_field(const char *name);
/* Whether an object looks like one. */
bool cdp_combined_knows(const struct cdp_val *object);
/* One such line, as scanned. */
int cdp_combined_json(struct cdp_combined *r, const struct cdp_rec *rec,
		      struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err);
/* One line without its end. */
int cdp_combined_read(struct cdp_combined *r, const char *line, size_t n,
		      struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err);

#endif
