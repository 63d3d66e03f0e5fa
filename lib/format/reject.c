#include "format/reject.h"

#include "base/num.h"
#include "format/canon.h"
#include "record/json.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void cdp_reject_paths(struct cdp_reject_slots *slots, struct cdp_paths *paths)
{
	static const char *const names[] = { "raw", "raw_b64", "raw_file", "offset",
					     "length" };
	static const char *const row[] = { "reject", "row" };
	int *slot = &slots->raw;

	_Static_assert(sizeof(*slots) ==
			       (sizeof(names) / sizeof(*names) + 1) * sizeof(int),
		       "a slot for each name");
	slots->row = cdp_paths_add_keys(paths, row, (const size_t[]){ 6, 3 }, 2);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		slot[i] = cdp_paths_add_keys(paths, &names[i], &n, 1);
	}
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 (RFC 4648, section 4); what is no byte at the end must be zero. */
static int decode(struct cdp_buf *out, const char *p, size_t n)
{
	unsigned bits = 0;
	uint32_t v = 0;

	if (n % 4 != 0)
		return -1;
	for (int i = 0; i < 2 && n && p[n - 1] == '='; i++)
		n--;
	for (size_t i = 0; i < n; i++) {
		int d = digit(p[i]);

		if (d < 0)
			return -1;
		v = (v << 6 | (uint32_t)d) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			cdp_buf_addc(out, (char)(v >> bits));
		}
	}
	return bits < 6 && (v & ((1u << bits) - 1)) == 0 ? 0 : -1;
}

static int read_at(const char *name, int64_t offset, size_t n, struct cdp_buf *tmp,
		   struct cdp_err *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t k = 1;

	if (fd < 0)
		return cdp_err_sys(err, errno, "%s", name);
	cdp_buf_reset(tmp);
	if (cdp_buf_reserve(tmp, n) < 0)
		k = 0;
	while (k > 0 && tmp->n < n) {
		k = pread(fd, tmp->p + tmp->n, n - tmp->n, offset + (off_t)tmp->n);
		if (k < 0 && errno == EINTR)
			k = 1;
		else if (k > 0)
			tmp->n += (size_t)k;
	}
	if (k < 0)
		cdp_err_sys(err, errno, "%s", name);
	else if (tmp->n < n)
		cdp_canon_bad(err, "raw_file", "'%s' ends before the line does", name);
	close(fd);
	return tmp->n == n ? 0 : -1;
}

/* A line over the ceiling of its run. */
static int read_file(const struct cdp_reject_slots *s, struct cdp_rec *rec, size_t max,
		     struct cdp_buf *tmp, struct cdp_err *err)
{
	const struct cdp_val *name = cdp_rec_get(rec, s->raw_file),
			     *offset = cdp_rec_get(rec, s->offset),
			     *length = cdp_rec_get(rec, s->length);
	struct cdp_buf path;
	int64_t at, n;
	size_t k;
	int rc;

	if (offset->type != CDP_NUMBER || length->type != CDP_NUMBER ||
	    !cdp_num_json_i64(&at, offset->p, offset->n) ||
	    !cdp_num_json_i64(&n, length->p, length->n) || at < 0 || n < 0)
		return cdp_canon_bad(err, "raw_file", "without offset and length");
	if ((uint64_t)n > max)
		return cdp_canon_bad(err, "length",
				     "line is longer than %zu bytes: see --line-max",
				     max);
	cdp_buf_init(&path, CDP_BUF_NOMAX);
	if (!name->escaped)
		cdp_buf_add(&path, name->p, name->n);
	else
		cdp_val_str(name, &path, &k);
	rc = read_at(cdp_buf_str(&path), at, (size_t)n, tmp, err);
	cdp_buf_release(&path);
	return rc;
}

int cdp_reject_raw(const struct cdp_reject_slots *slots, struct cdp_rec *rec, size_t max,
		   struct cdp_buf *tmp, const char **p, size_t *n, struct cdp_err *err)
{
	const struct cdp_val *raw = cdp_rec_get(rec, slots->raw),
			     *b64 = cdp_rec_get(rec, slots->raw_b64);

	if (raw->type == CDP_STRING) {
		*p = cdp_val_str(raw, tmp, n);
		return 0;
	}
	cdp_buf_reset(tmp);
	if (b64->type == CDP_STRING) {
		if (decode(tmp, b64->p, b64->n) < 0)
			return cdp_canon_bad(err, "raw_b64", "not Base64");
	} else if (cdp_rec_get(rec, slots->raw_file)->type == CDP_STRING) {
		if (read_file(slots, rec, max, tmp, err) < 0)
			return -1;
	} else {
		return cdp_canon_bad(err, "raw",
				     "not a reject: neither raw, raw_b64 nor raw_file");
	}
	*p = tmp->p;
	*n = tmp->n;
	return 0;
}
