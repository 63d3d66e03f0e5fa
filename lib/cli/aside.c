/* What is set aside: reject lines in --rejects FILE, overlong lines in FILE.long.  Both
 * are written as they come, not replaced at the end: they must survive whatever ends a
 * run. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/priv.h"
#include "record/json.h"

static const char base64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct cdp_out *open_plain(const char *path, int *fd, struct cdp_err *err)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (*fd < 0) {
		cdp_err_sys(err, errno, "%s", path);
		return NULL;
	}
	return cdp_out_fd(*fd, path);
}

/* Opening it for writing would empty it before it is read. */
int cli_rejects_check(const struct cdp_cli *cli, struct cdp_err *err)
{
	const char *path = cli->opt.rejects;
	struct stat st, in;

	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	for (char **o = cli->operands; *o; o++)
		if (strcmp(*o, "-") != 0 && stat(*o, &in) == 0 &&
		    in.st_dev == st.st_dev && in.st_ino == st.st_ino)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "option '--rejects': '%s' is an input, too",
					   path);
	return 0;
}

int cli_rejects_open(struct cdp_cli *cli, struct cdp_err *err)
{
	struct cdp_cli_priv *p = cli->priv;

	if (!cli->opt.rejects || p->rejects)
		return 0;
	p->rejects = open_plain(cli->opt.rejects, &p->rejects_fd, err);
	if (!p->rejects)
		return -1;
	p->longs_name = cdp_asprintf("%s.long", cli->opt.rejects);
	/* That of an earlier run belongs to rejects that are gone. */
	if (unlink(p->longs_name) < 0 && errno != ENOENT)
		return cdp_err_sys(err, errno, "%s", p->longs_name);
	return 0;
}

int cdp_cli_open_rejects(struct cdp_cli *cli)
{
	struct cdp_err err;

	if (cli_rejects_open(cli, &err) == 0)
		return 0;
	cdp_cli_report(cli, &err);
	return -1;
}

int cdp_cli_keep_long(struct cdp_cli *cli, const char *bytes, size_t n,
		      struct cdp_err *err)
{
	struct cdp_cli_priv *p = cli->priv;

	if (!p->rejects)
		return 0;
	if (!p->longs) {
		p->longs = open_plain(p->longs_name, &p->longs_fd, err);
		if (!p->longs)
			return -1;
	}
	if (cdp_out_write(p->longs, bytes, n) < 0) {
		*err = *cdp_out_error(p->longs);
		return -1;
	}
	p->longs_size += n;
	return 0;
}

uint64_t cdp_cli_long_size(const struct cdp_cli *cli)
{
	return cli->priv->longs_size;
}

static void add_base64(struct cdp_buf *b, const char *raw, size_t n)
{
	const unsigned char *p = (const unsigned char *)raw;

	cdp_buf_addc(b, '"');
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16;

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		cdp_buf_addc(b, base64[v >> 18]);
		cdp_buf_addc(b, base64[v >> 12 & 63]);
		cdp_buf_addc(b, left > 1 ? base64[v >> 6 & 63] : '=');
		cdp_buf_addc(b, left > 2 ? base64[v & 63] : '=');
	}
	cdp_buf_addc(b, '"');
}

static bool is_utf8(const char *p, size_t n)
{
	return cdp_utf8_check(p, n) == n;
}

/* Names of files may be any bytes; JSON is UTF-8. */
static void add_text(struct cdp_buf *b, const char *key, const char *p)
{
	size_t n = strlen(p);
	struct cdp_buf escaped;

	cdp_json_key(b, key);
	if (is_utf8(p, n)) {
		cdp_json_str(b, p, n);
		return;
	}
	cdp_buf_init(&escaped, CDP_BUF_NOMAX);
	cdp_text_escape(&escaped, p, n);
	cdp_json_str(b, escaped.p, escaped.n);
	cdp_buf_release(&escaped);
}

static void add_raw(struct cdp_buf *b, const char *p, size_t n, bool bytes)
{
	if (!bytes && is_utf8(p, n)) {
		cdp_json_key(b, "raw");
		cdp_json_str(b, p, n);
	} else {
		cdp_json_key(b, "raw_b64");
		add_base64(b, p, n);
	}
}

static void add_long(struct cdp_buf *b, const struct cdp_cli *cli,
		     const struct cdp_block *l)
{
	add_text(b, "raw_file", cli->priv->longs_name);
	cdp_buf_addf(b,
		     ",\"offset\":%" PRIu64 ",\"length\":%" PRIu64 ",\"sha256\":\"%s\"",
		     l->long_offset, l->long_length, l->long_sha256);
}

static void add_reason(struct cdp_buf *b, const struct cdp_cli *cli, const char *reason,
		       const char *path, const char *at, const char *more)
{
	cdp_buf_adds(b, "{\"reject\":{");
	add_text(b, "reason", reason);
	if (*path)
		add_text(b, "path", path);
	add_text(b, "at", at);
	cdp_json_key(b, "tool");
	cdp_buf_addf(b, "\"%s " CDP_VERSION "\"", cli->tool->name);
	if (*more) {
		cdp_buf_addc(b, ',');
		cdp_buf_adds(b, more);
	}
	cdp_buf_addc(b, '}');
}

void cli_reject_put(struct cdp_buf *b, const struct cdp_cli *cli,
		    const struct cdp_err *why, const char *at, const char *raw, size_t n)
{
	add_reason(b, cli, why->msg, why->path, at, "");
	add_raw(b, raw, n, false);
	cdp_buf_adds(b, "}\n");
}

void cli_reject_line(struct cdp_buf *b, const struct cdp_emit *e, const struct mishap *m,
		     uint64_t base)
{
	const struct cdp_cli *cli = e->priv->cli;
	const char *text = e->priv->text.p;
	struct cdp_buf at;

	cdp_buf_init(&at, CDP_BUF_NOMAX);
	cdp_buf_addf(&at, "%s:%" PRIu64, e->priv->name, base + m->line);
	add_reason(b, cli, text + m->reason, text + m->path, cdp_buf_str(&at),
		   text + m->more);
	if (m->overlong)
		add_long(b, cli, m->overlong);
	else
		add_raw(b, text + m->raw, m->raw_n, m->bytes);
	cdp_buf_adds(b, "}\n");
	cdp_buf_release(&at);
}
