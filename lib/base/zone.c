#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tzrule.h"

enum {
	DAY = 86400,
	FILE_MAX = 1 << 20,
	OFFSET_MIN =
		-89999, /* RFC 8536 section 3.2: more than -25 and less than 26 hours */
	OFFSET_MAX = 93599,
	LAST_YEAR = 10000, /* years beyond 9999 do not occur but as local dates */
};

/* Interval i, of n + 1, is [at[i - 1], at[i]) and has offset[i]. */
struct cdp_zone {
	char *name;
	size_t n, cap, offset_cap;
	int64_t *at;
	int32_t *offset;
};

static int64_t floor_day(int64_t local)
{
	return local / DAY - (local % DAY < 0);
}

/* ---- building ---- */

static struct cdp_zone *zone_new(const char *name, int32_t offset)
{
	struct cdp_zone *z = cdp_calloc(1, sizeof(*z));

	z->name = cdp_strdup(name);
	CDP_GROW(z->offset, 0, z->offset_cap);
	z->offset[0] = offset;
	return z;
}

void cdp_zone_free(struct cdp_zone *z)
{
	if (!z)
		return;
	free(z->name);
	free(z->at);
	free(z->offset);
	free(z);
}

const char *cdp_zone_name(const struct cdp_zone *z)
{
	return z->name;
}

/* From `at` on the offset is another.  Changes of name or flag alone are none. */
static void add_change(struct cdp_zone *z, int64_t at, int32_t offset)
{
	/* A rule of daylight saving all year ends and starts at one instant. */
	if (z->n && z->at[z->n - 1] >= at)
		z->n--;
	if (z->offset[z->n] == offset)
		return;
	CDP_GROW(z->at, z->n, z->cap);
	CDP_GROW(z->offset, z->n + 1, z->offset_cap);
	z->at[z->n++] = at;
	z->offset[z->n] = offset;
}

/* The changes of a rule after epoch second `after`, as far as times go: so that looking
 * up is one search whatever the year. */
static void add_rule(struct cdp_zone *z, const struct cdp_tzrule *r, bool any,
		     int64_t after)
{
	int32_t year = 0;
	int8_t month, day;

	if (!any)
		z->offset[0] = r->std;
	else if (!r->has_dst)
		add_change(z, after, r->std);
	else if (after > CDP_TIME_MIN_S)
		cdp_civil_from_days(floor_day(after), &year, &month, &day);
	for (year = year > 0 ? year - 1 : 0; r->has_dst && year <= LAST_YEAR; year++) {
		int64_t start, end;
		bool south;

		cdp_tzrule_year(r, year, &start, &end);
		south = end < start;
		for (int i = 0; i < 2; i++) {
			bool begins = (i == 0) != south;
			int64_t at = begins ? start : end;

			if (!any || at > after)
				add_change(z, at, begins ? r->dst : r->std);
		}
	}
}

/* ---- the file, RFC 8536 section 3 ---- */

struct bytes {
	const unsigned char *p, *end;
};

struct header {
	unsigned version;
	size_t isut, isstd, leap, time, type, chars;
};

static int64_t big_endian(const unsigned char *p, unsigned n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static bool take_header(struct bytes *b, struct header *h)
{
	size_t *counts[6] = {
		&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars
	};

	if (b->end - b->p < 44 || memcmp(b->p, "TZif", 4) != 0)
		return false;
	h->version = b->p[4];
	for (int i = 0; i < 6; i++)
		*counts[i] = (size_t)big_endian(b->p + 20 + 4 * i, 4) & UINT32_MAX;
	b->p += 44;
	return h->type > 0;
}

/* Bytes of a data block; times have `size` bytes. */
static size_t block_size(const struct header *h, size_t size)
{
	return h->time * (size + 1) + h->type * 6 + h->chars + h->leap * (size + 4) +
	       h->isstd + h->isut;
}

static const char *read_changes(struct cdp_zone *z, const unsigned char *p,
				const struct header *h)
{
	const unsigned char *types = p + h->time * 8, *infos = types + h->time;
	int64_t before = INT64_MIN;

	for (size_t i = 0; i < h->type; i++) {
		int64_t offset = big_endian(infos + 6 * i, 4);

		if (offset < OFFSET_MIN || offset > OFFSET_MAX)
			return "an offset of more than a day";
	}
	z->offset[0] = (int32_t)big_endian(infos, 4);
	for (size_t i = 0; i < h->time; i++) {
		int64_t at = big_endian(p + 8 * i, 8);

		if (types[i] >= h->type)
			return "an unknown local time type";
		if (i && at <= before)
			return "transitions out of order";
		add_change(z, at, (int32_t)big_endian(infos + 6 * types[i], 4));
		before = at;
	}
	return NULL;
}

/* The cause, or NULL if the zone is complete. */
static const char *read_file(struct cdp_zone *z, struct bytes b)
{
	struct header h;
	struct cdp_tzrule rule;
	const unsigned char *body, *footer, *end;
	const char *why;

	if (!take_header(&b, &h))
		return "no header";
	if (h.version < '2')
		return "version 1, without 64-bit times";
	if ((size_t)(b.end - b.p) < block_size(&h, 4))
		return "cut short";
	b.p += block_size(&h, 4);
	if (!take_header(&b, &h))
		return "no second header";
	if ((size_t)(b.end - b.p) < block_size(&h, 8))
		return "cut short";
	if (h.leap)
		return "it counts leap seconds";
	body = b.p;
	why = read_changes(z, body, &h);
	if (why)
		return why;
	footer = body + block_size(&h, 8);
	end = footer < b.end ? memchr(footer + 1, '\n', (size_t)(b.end - footer - 1))
			     : NULL;
	if (!end || *footer != '\n')
		return "no footer";
	footer++;
	if (footer == end) /* no rule: the last offset stays */
		return NULL;
	if (!cdp_tzrule_parse(&rule, (const char *)footer, (size_t)(end - footer)))
		return "a footer that is no rule";
	add_rule(z, &rule, h.time > 0,
		 h.time ? big_endian(body + 8 * (h.time - 1), 8) : 0);
	return NULL;
}

/* ---- loading ---- */

static const char *zone_dir(void)
{
	const char *dir = getenv("TZDIR");

	return dir && *dir ? dir : "/usr/share/zoneinfo";
}

/* All of a file up to `max` bytes, or NULL with errno. */
static unsigned char *slurp(const char *path, size_t max, size_t *n)
{
	unsigned char *p;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	p = cdp_alloc(max);
	*n = 0;
	do {
		got = read(fd, p + *n, max - *n);
		if (got > 0)
			*n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0) {
		int saved = errno;

		free(p);
		p = NULL;
		errno = saved;
	}
	close(fd);
	return p;
}

/* A name inside the directory: letters, digits and "_+-/", no part empty or dotted. */
static bool is_zone_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		bool alnum = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= '0' && *p <= '9');

		if (!alnum && !strchr("_+-/", *p))
			return false;
		if (*p == '/' && (p == name || p[1] == '/' || !p[1]))
			return false;
	}
	return *name && strlen(name) < 100;
}

/* "+08:00" */
static bool parse_fixed(const char *s, int32_t *offset)
{
	int d[4];

	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
		return false;
	for (int i = 0; i < 4; i++) {
		char c = s[1 + i + (i > 1)];

		if (c < '0' || c > '9')
			return false;
		d[i] = c - '0';
	}
	*offset = ((d[0] * 10 + d[1]) * 60 + d[2] * 10 + d[3]) * 60;
	if (*offset >= DAY || d[2] > 5)
		return false;
	if (s[0] == '-')
		*offset = -*offset;
	return true;
}

static struct cdp_zone *load_file(const char *name, struct cdp_err *err)
{
	char *path = cdp_asprintf("%s/%s", zone_dir(), name);
	struct cdp_zone *z = NULL;
	const char *why;
	size_t n = 0;
	unsigned char *data = slurp(path, FILE_MAX, &n);
	int errnum = errno;

	if (!data && errnum != ENOENT && errnum != EISDIR && errnum != ENOTDIR) {
		cdp_err_sys(err, errnum, "cannot read time zone file '%s'", path);
	} else if (!data || n < 4 || memcmp(data, "TZif", 4) != 0) {
		cdp_err_set(err, CDP_ERR_USAGE, "unknown time zone '%s'", name);
	} else {
		z = zone_new(name, 0);
		why = read_file(z, (struct bytes){ data, data + n });
		if (why) {
			cdp_err_set(err, CDP_ERR_SYS, "bad time zone file '%s': %s", path,
				    why);
			cdp_zone_free(z);
			z = NULL;
		}
	}
	free(data);
	free(path);
	return z;
}

struct cdp_zone *cdp_zone_load(const char *name, struct cdp_err *err)
{
	int32_t offset = 0;

	if (strcmp(name, "UTC") == 0 || parse_fixed(name, &offset))
		return zone_new(name, offset);
	if (!is_zone_name(name)) {
		cdp_err_set(err, CDP_ERR_USAGE, "unknown time zone '%.100s'", name);
		return NULL;
	}
	return load_file(name, err);
}

/* Found once and kept: it is printed, and its users borrow it for good. */
static char tzdata_version[32] = "unknown";
static pthread_once_t tzdata_version_once = PTHREAD_ONCE_INIT;

static void find_version(void)
{
	static const char *const files[] = { "tzdata.zi", "+VERSION" };

	for (size_t i = 0; i < 2; i++) {
		char *path = cdp_asprintf("%s/%s", zone_dir(), files[i]), line[64];
		FILE *f = fopen(path, "re");

		free(path);
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f) &&
		    sscanf(line, i ? "%31s" : "# version %31s", tzdata_version) != 1)
			memcpy(tzdata_version, "unknown", sizeof("unknown"));
		fclose(f);
		return;
	}
}

const char *cdp_zone_tzdata_version(void)
{
	pthread_once(&tzdata_version_once, find_version);
	return tzdata_version;
}

/* ---- looking up ---- */

/* The interval of s: how many changes came before. */
static size_t find(const struct cdp_zone *z, int64_t s)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= s)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int64_t starts(const struct cdp_zone *z, size_t i)
{
	return i ? z->at[i - 1] : INT64_MIN;
}

static int64_t ends(const struct cdp_zone *z, size_t i)
{
	return i < z->n ? z->at[i] : INT64_MAX;
}

/* The first interval in which clocks pass local second `local`. */
static size_t find_local(const struct cdp_zone *z, int64_t local)
{
	size_t i = find(z, local - OFFSET_MAX - 1);

	while (local - z->offset[i] >= ends(z, i))
		i++;
	return i;
}

int32_t cdp_zone_offset(const struct cdp_zone *z, int64_t s)
{
	return z->offset[find(z, s)];
}

void cdp_zone_civil(const struct cdp_zone *z, struct cdp_time t, struct cdp_civil *out)
{
	int64_t local = t.s + cdp_zone_offset(z, t.s), days = floor_day(local);
	int second = (int)(local - days * DAY);

	cdp_civil_from_days(days, &out->year, &out->month, &out->day);
	out->hour = (int8_t)(second / 3600);
	out->minute = (int8_t)(second / 60 % 60);
	out->second = (int8_t)(second % 60);
	out->ns = t.ns;
}

struct cdp_time cdp_zone_instant(const struct cdp_zone *z, const struct cdp_civil *c)
{
	int64_t months = (int64_t)c->year * 12 + c->month - 1;
	int64_t year = months / 12 - (months % 12 < 0), local;
	int32_t ns = c->ns % 1000000000;
	size_t i;

	local = cdp_days_from_civil(year, (unsigned)(months - year * 12) + 1, 1);
	local = (local + c->day - 1) * DAY + c->hour * 3600 + c->minute * 60 + c->second +
		c->ns / 1000000000;
	if (ns < 0) {
		ns += 1000000000;
		local--;
	}
	i = find_local(z, local);
	/* In a gap the clock of before it shows how much later that is after it. */
	if (i && local - z->offset[i] < starts(z, i))
		i--;
	return (struct cdp_time){ local - z->offset[i], ns };
}

int64_t cdp_zone_day(const struct cdp_zone *z, int64_t s)
{
	return floor_day(s + cdp_zone_offset(z, s));
}

int64_t cdp_zone_day_start(const struct cdp_zone *z, int64_t day)
{
	size_t i = find_local(z, day * DAY);
	int64_t s = day * DAY - z->offset[i];

	return s < starts(z, i) ? starts(z, i) : s;
}

void cdp_zone_cursor_init(struct cdp_zone_cursor *c, const struct cdp_zone *z)
{
	*c = (struct cdp_zone_cursor){ .z = z };
}

void cdp_zone_cursor_seek(struct cdp_zone_cursor *c, int64_t s)
{
	size_t i = find(c->z, s);

	c->from = starts(c->z, i);
	c->to = ends(c->z, i);
	c->offset = c->z->offset[i];
}
