/* Strategies: who is held out, who gets what, errors that point. */
#include "model/strategy.h"

#include "base/hash.h"
#include "io/out.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_strategy.XXXXXX";

#define NODE                                                                             \
	"{\"id\":\"n1\",\"type\":\"send\",\"channel\":\"sms\",\"address\":\"phone\","    \
	"\"template\":\"Hi "                                                             \
	"{{name}}\",\"vars\":{\"name\":\"tags.name\"},\"expires\":\"1d\"}"
#define WITH(blank, node)                                                                \
	"{\"strategy\":\"s\",\"version\":2,\"entry\":{\"audience\":\"a\"},"              \
	"\"blank_group\":" blank ",\"nodes\":[" node "]}"

static int load(struct cdp_strategy *s, const char *text, struct cdp_paths *paths,
		struct cdp_err *err)
{
	if (cdp_file_replace(path, text, strlen(text), err) < 0)
		return -1;
	return cdp_strategy_load(s, path, paths, err);
}

/* The message behind the file's name. */
static const char *refused(const char *text)
{
	static struct cdp_err err;
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_strategy s;
	const char *why = "accepted";

	if (load(&s, text, paths, &err) < 0)
		why = err.msg + strlen(path) + 2;
	else
		cdp_strategy_release(&s);
	cdp_paths_free(paths);
	return why;
}

/* The line of a person with this profile (NULL: none). */
static const char *line_of(const char *definition, const char *profile)
{
	static struct cdp_buf out;
	char text[512] = "";
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_run run = { .as_of = { 1714492800, 0 } };
	struct cdp_eval *ev = cdp_eval_new(&run);
	struct cdp_strategy s;
	struct cdp_err err;
	struct cdp_scan *scan;
	struct cdp_rec rec;
	int slot;

	if (load(&s, definition, paths, &err) < 0)
		return "bad definition";
	slot = cdp_paths_add(paths, "ids.phone", 9, &err);
	scan = cdp_scan_new(paths);
	if (profile) {
		memcpy(text, profile,
		       strlen(profile)); /* zeros after it are the padding */
		cdp_scan_block(scan, text, strlen(profile));
		if (cdp_scan_next(scan, &rec, &err) != 1)
			return "bad profile";
	}
	if (!out.p)
		cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_reset(&out);
	cdp_strategy_line(&s, "00000000000000aa", 16, profile ? &rec : NULL, slot, ev,
			  &run, &out);
	cdp_scan_free(scan);
	cdp_eval_free(ev);
	cdp_strategy_release(&s);
	cdp_paths_free(paths);
	return cdp_buf_str(&out);
}

/* The part from "to" or "suppressed" on; what stands before is the same for all. */
static const char *fate_of(const char *definition, const char *profile)
{
	const char *line = line_of(definition, profile);
	const char *at = strstr(line, "\"channel\":\"sms\",");

	return at ? at + strlen("\"channel\":\"sms\",") : line;
}

static void lines(void)
{
	static const char all[] = WITH("{\"share\":0,\"seed\":\"x\"}", NODE);

	is_str(fate_of(all, "{\"tags\":{\"name\":\"Li\"},\"ids\":{\"phone\":[\"138\","
			    "\"139\"]}}"),
	       "\"to\":\"138\",\"template\":\"Hi {{name}}\",\"vars\":{\"name\":\"Li\"},"
	       "\"not_before\":\"2024-04-30T16:00:00.000Z\","
	       "\"expires\":\"2024-05-01T16:00:00.000Z\"}\n",
	       "a member with an address gets a message to the first one");
	is_str(fate_of(all,
		       "{\"tags\":{\"name\":\"Li\"},\"ids\":{\"customer\":[\"C1\"]}}"),
	       "\"suppressed\":\"no_address\",\"time\":\"2024-04-30T16:00:00.000Z\"}\n",
	       "one without an address is suppressed with the reason");
	is_str(fate_of(all, "{\"tags\":{},\"ids\":{\"phone\":\"138\"}}"),
	       "\"suppressed\":\"no_value\",\"time\":\"2024-04-30T16:00:00.000Z\"}\n",
	       "a variable without a value refuses the message");
	is_str(fate_of(all, NULL),
	       "\"suppressed\":\"no_profile\",\"time\":\"2024-04-30T16:00:00.000Z\"}\n",
	       "a member without a profile is said to have none");
	is_str(fate_of(WITH("{\"share\":1,\"seed\":\"x\"}", NODE), NULL),
	       "\"suppressed\":\"blank_group\",\"time\":\"2024-04-30T16:00:00.000Z\"}\n",
	       "the blank group is decided before anything that sending needs");
}

/* How many of n persons are held out, and whether the same again. */
static unsigned held_out(const char *definition, unsigned n, uint64_t *which)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_strategy s;
	struct cdp_err err;
	unsigned blank = 0;

	*which = 0;
	if (load(&s, definition, paths, &err) < 0)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		char id[16];

		cdp_hex16(id, i);
		if (cdp_strategy_is_blank(&s, id, sizeof(id))) {
			blank++;
			*which = *which * 1000003 + i;
		}
	}
	cdp_strategy_release(&s);
	cdp_paths_free(paths);
	return blank;
}

static void blank_group(void)
{
	uint64_t one, again, other;
	unsigned n = held_out(WITH("{\"share\":0.1,\"seed\":\"x\"}", NODE), 100000, &one);

	/* 10,000 expected, standard deviation 95: five of them either way. */
	ok(n > 9525 && n < 10475, "one in ten is held out (%u of 100000)", n);
	held_out("{\"strategy\":\"t\",\"version\":9,\"entry\":{\"audience\":\"b\"},"
		 "\"blank_group\":{\"share\":0.1,\"seed\":\"x\"},\"nodes\":[" NODE "]}",
		 100000, &again);
	ok(one == again, "the same persons in every strategy that shares the seed");
	held_out(WITH("{\"share\":0.1,\"seed\":\"y\"}", NODE), 100000, &other);
	ok(one != other, "others by another seed");
}

static void ids(void)
{
	static const char def[] = WITH("{\"share\":0,\"seed\":\"x\"}", NODE);
	static const char later[] = "{\"strategy\":\"s\",\"version\":2,\"wave\":2,"
				    "\"entry\":{\"audience\":\"a\"},\"blank_group\":"
				    "{\"share\":0,\"seed\":\"x\"},\"nodes\":[" NODE "]}";
	char first[64], second[64], third[64];

	snprintf(first, sizeof(first), "%.47s", line_of(def, NULL));
	snprintf(second, sizeof(second), "%.47s", line_of(def, NULL));
	snprintf(third, sizeof(third), "%.47s", line_of(later, NULL));
	ok(strcmp(first, second) == 0, "a message keeps its id when it is made again");
	ok(strcmp(first, third) != 0, "another wave is another message");
}

static void errors(void)
{
	is_str(refused(WITH("{\"share\":2,\"seed\":\"x\"}", NODE)),
	       "blank_group.share: expected a number from 0 to 1", "a share above one");
	is_str(refused("{\"strategy\":\"s\",\"version\":1,\"entry\":{\"audience\":\"a\"},"
		       "\"nodes\":[" NODE "]}"),
	       "blank_group: missing (\"share\":0 for none)", "no blank group");
	is_str(refused(WITH("{\"share\":0,\"seed\":\"x\"}", "")),
	       "nodes: expected one send node", "no node");
	is_str(refused(WITH("{\"share\":0,\"seed\":\"x\"}",
			    "{\"id\":\"n\",\"type\":\"wait\",\"channel\":\"sms\"}")),
	       "nodes[0].type: unknown kind 'wait'", "an unknown node");
	is_str(refused(WITH("{\"share\":0,\"seed\":\"x\"}",
			    "{\"id\":\"n\",\"type\":\"send\",\"channel\":\"sms\","
			    "\"address\":\"phone\",\"template\":\"{{nmae}}\","
			    "\"vars\":{\"name\":\"tags.name\"}}")),
	       "nodes[0].template: 'nmae' is not in vars",
	       "a template with an unknown variable");
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	lines();
	blank_group();
	ids();
	errors();
	unlink(path);
	return tap_done();
}
