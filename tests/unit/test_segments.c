/* Audiences: rules, the algebra over them, errors that point. */
#include "base/buf.h"
#include "io/out.h"
#include "model/segments.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_segments.XXXXXX";

static struct cdp_segments *load(const char *text, struct cdp_paths *paths,
				 const struct cdp_intern *given, struct cdp_err *err)
{
	if (cdp_file_replace(path, text, strlen(text), err) < 0)
		return NULL;
	return cdp_segments_load(path, paths,
				 &(struct cdp_segments_given){ .names = given }, err);
}

/* The message behind the file's name. */
static const char *refused(const char *text)
{
	static struct cdp_err err;
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_segments *s = load(text, paths, NULL, &err);

	cdp_paths_free(paths);
	if (!s)
		return err.msg + strlen(path) + 2;
	cdp_segments_free(s);
	return "accepted";
}

/* Audiences of one profile as text: "1011". */
static const char *decide(const char *definition, const char *given_name,
			  const char *profile)
{
	static char out[65];
	char line[512] = "";
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_intern *given = cdp_intern_new(0);
	struct cdp_eval *ev = cdp_eval_new(&(struct cdp_run){ 0 });
	static struct cdp_err err;
	struct cdp_segments *s;
	struct cdp_scan *scan;
	struct cdp_rec rec;
	uint64_t bits = 0, errors[64] = { 0 };

	if (given_name)
		cdp_intern_put(given, given_name, strlen(given_name), NULL);
	s = load(definition, paths, given, &err);
	if (!s)
		return err.msg;
	memcpy(line, profile, strlen(profile)); /* the zeros after it are the padding */
	scan = cdp_scan_new(paths);
	cdp_scan_block(scan, line, strlen(profile));
	if (cdp_scan_next(scan, &rec, &err) != 1)
		return "bad profile";
	if (given_name)
		cdp_bit_set(&bits, s->defined);
	cdp_segments_decide(s, ev, NULL, &rec, &bits, errors, &err);
	for (unsigned i = 0; i < s->defined; i++)
		out[i] = cdp_bit(&bits, i) ? '1' : '0';
	out[s->defined] = '\0';
	cdp_scan_free(scan);
	cdp_eval_free(ev);
	cdp_segments_free(s);
	cdp_intern_free(given);
	cdp_paths_free(paths);
	return out;
}

static void rules(void)
{
	static const char def[] =
		"{\"segments\":["
		"{\"name\":\"both\",\"when\":\"segments.rich && segments.active\"},"
		"{\"name\":\"rich\",\"when\":\"tags.aum > 100\"},"
		"{\"name\":\"active\",\"when\":\"tags.days < 30\"},"
		"{\"name\":\"only_rich\",\"when\":\"segments.rich && "
		"!segments.active\"}]}";

	is_str(decide(def, NULL, "{\"one_id\":\"a\",\"tags\":{\"aum\":200,\"days\":3}}"),
	       "1110", "a rule may stand before those that it refers to");
	is_str(decide(def, NULL, "{\"one_id\":\"a\",\"tags\":{\"aum\":200,\"days\":40}}"),
	       "0101", "difference of sets");
	is_str(decide(def, NULL, "{\"one_id\":\"a\",\"tags\":{\"aum\":200}}"), "0101",
	       "a tag that is missing: the rule does not hold, its negation does");
	is_str(decide("{\"segments\":[{\"name\":\"x\",\"when\":\"segments.old\"}]}",
		      "old", "{\"one_id\":\"a\"}"),
	       "1", "a rule may refer to an audience from a stream");
}

static void errors(void)
{
	is_str(refused("{\"segments\":[]}"), "segments: expected a list of segments",
	       "no audiences");
	is_str(refused("{\"segments\":[{\"name\":\"a\",\"when\":\"true\"},"
		       "{\"name\":\"a\",\"when\":\"true\"}]}"),
	       "segments[1].name: 'a' stands twice", "a name that stands twice");
	is_str(refused("{\"segments\":[{\"name\":\"a\",\"when\":\"segments.b\"},"
		       "{\"name\":\"b\",\"when\":\"!segments.a\"}]}"),
	       "a: depends on itself: a -> b -> a", "a cycle");
	is_str(refused("{\"segments\":[{\"name\":\"a\",\"when\":\"tag.x > 1\"}]}"),
	       "a: when: 1:1: unknown name 'tag'; did you mean 'tags'?",
	       "an unknown name");
	is_str(refused("{\"segments\":[{\"name\":\"rich\",\"when\":\"true\"},"
		       "{\"name\":\"b\",\"when\":\"segments.rihc\"}]}"),
	       "b: when: 1:1: unknown segment 'rihc'; did you mean 'rich'?",
	       "an unknown audience");
}

static int count_one(void *ctx, const char *key, size_t n, const uint64_t *bits)
{
	char *out = ctx;

	snprintf(out + strlen(out), 64, "%.*s%d%d ", (int)n, key, cdp_bit(bits, 0),
		 cdp_bit(bits, 69));
	return 0;
}

static void members(void)
{
	struct cdp_members *a = cdp_members_new(70), *b = cdp_members_new(70);
	char out[256] = "";

	cdp_bit_set(cdp_members_put(a, "k2", 2), 0);
	cdp_bit_set(cdp_members_put(b, "k2", 2), 69);
	cdp_bit_set(cdp_members_put(b, "k1", 2), 69);
	cdp_members_put(a, "k3", 2);
	cdp_members_merge(a, b);
	cdp_members_each(a, count_one, out);
	is_str(out, "k101 k211 k300 ",
	       "merged members come by key with the bits of both");
	is_int(cdp_members_get(a, "k9", 2) == NULL, 1, "an unknown customer has no bits");
	cdp_members_free(a);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	rules();
	errors();
	members();
	unlink(path);
	return tap_done();
}
