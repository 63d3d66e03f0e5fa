#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_state.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct cdp_err err;
static const uint8_t key[CDP_IDENTITY_KEY] = "0123456789abcdef";

static void remove_dir(void)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "journal", "lock" };
	char path[100];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

/* Learns one record; its one_id as a stream gives it. */
static uint64_t learn(struct cdp_identity *m, const char *record, bool live)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_sight_slots slots;
	struct cdp_sights s;
	struct cdp_scan *scan;
	struct cdp_rec rec;
	const uint32_t *ids;
	uint64_t one_id = 0;
	size_t n = strlen(record);
	char *block = cdp_calloc(n + 64, 1);

	memcpy(block, record, n);
	cdp_sights_init(&s);
	cdp_sight_slots(&slots, paths, &err);
	scan = cdp_scan_new(paths);
	cdp_scan_block(scan, block, n);
	if (cdp_scan_next(scan, &rec, &err) != 1)
		exit(1);
	cdp_sight_read(&s, m, &slots, &rec);
	n = cdp_identity_learn(m, &s, 0, NULL, NULL, &ids);
	if (live)
		cdp_identity_live_of(m, &s.v[0], ids, n, &one_id);
	else
		cdp_identity_of(m, ids, n, s.v[0].ms, &one_id);
	cdp_scan_free(scan);
	cdp_sights_release(&s);
	cdp_paths_free(paths);
	free(block);
	return one_id;
}

#define REC(second, ids)                                                                 \
	"{\"time\":\"2024-01-01T00:00:0" #second ".000Z\",\"event\":\"e\",\"ids\":{" ids \
	"}}\n"
#define ANNA "\"customer\":\"anna\""
#define BOB "\"customer\":\"bob\""
#define PAD "\"device\":\"pad\""

static struct cdp_idkinds *kinds;

static struct cdp_idstate *open_state(struct cdp_identity **m)
{
	struct cdp_idstate *s = cdp_idstate_open(dir, NULL, kinds, m, &err);

	if (!s) {
		printf("# %s\n", err.msg);
		exit(1);
	}
	return s;
}

static void close_state(struct cdp_idstate *s, struct cdp_identity *m)
{
	cdp_idstate_close(s);
	cdp_identity_free(m);
}

static void days(void)
{
	struct cdp_identity *m;
	struct cdp_idstate *s = open_state(&m);
	uint64_t pad, anna, bob;

	learn(m, REC(1, PAD), false);
	cdp_identity_publish(m);
	pad = learn(m, REC(1, PAD), false);
	ok(pad != 0 && cdp_idstate_commit(s, &err) == 0, "a day is committed");
	close_state(s, m);

	s = open_state(&m);
	is_int((int64_t)learn(m, REC(1, PAD), false), (int64_t)pad,
	       "the next day knows the name");
	learn(m, REC(2, ANNA "," PAD), false);
	cdp_identity_publish(m);
	anna = learn(m, REC(2, ANNA), false);
	is_int((int64_t)anna, (int64_t)pad, "who logs in on the device is its person");
	cdp_idstate_commit(s, &err);
	close_state(s, m);

	s = open_state(&m);
	learn(m, REC(3, BOB "," PAD), false);
	cdp_identity_publish(m);
	bob = learn(m, REC(3, BOB), false);
	pad = learn(m, REC(3, PAD), false);
	ok(bob != anna && pad != anna && pad != bob,
	   "a device of two is its own person on the third day");
	cdp_idstate_commit(s, &err);
	close_state(s, m);

	s = open_state(&m);
	cdp_identity_live_begin(m);
	is_int((int64_t)learn(m, REC(4, ANNA "," PAD), true), (int64_t)anna,
	       "names and what is contested are there on the fourth");
	is_int((int64_t)learn(m, REC(4, PAD), true), (int64_t)pad,
	       "for a stream as well");
	close_state(s, m);
}

static void a_death_in_a_stream(void)
{
	struct cdp_identity *m;
	struct cdp_idstate *s = open_state(&m);
	struct cdp_identity_counts c;
	uint64_t anna, carl;

	cdp_identity_live_begin(m);
	cdp_idstate_stream(s);
	anna = learn(m, REC(5, ANNA), true);
	carl = learn(m, REC(5, "\"customer\":\"carl\",\"unheard\":\"x\""), true);
	ok(cdp_idstate_note(s, &err) == 0, "a stream notes what it learned");
	learn(m, REC(6, "\"customer\":\"dora\""), true);
	close_state(s, m); /* as kill -9 would: nothing committed, dora not noted */

	s = open_state(&m);
	cdp_identity_live_begin(m);
	cdp_identity_count(m, &c);
	is_int((int64_t)learn(m, REC(6, "\"customer\":\"carl\""), true), (int64_t)carl,
	       "the next stream gives the same names to what was noted");
	is_int((int64_t)learn(m, REC(6, ANNA), true), (int64_t)anna,
	       "and to what was published");
	cdp_identity_publish(m);
	ok(cdp_idstate_commit(s, &err) == 0, "and commits it");
	close_state(s, m);

	s = open_state(&m);
	is_int((int64_t)learn(m, REC(6, "\"customer\":\"carl\""), false), (int64_t)carl,
	       "so that it is in the store");
	is_int((int64_t)learn(m, REC(6, "\"customer\":\"dora\""), false), 0,
	       "but not what was never noted");
	close_state(s, m);
}

static void keys_and_locks(void)
{
	struct cdp_identity *m, *other;
	struct cdp_idstate *s = open_state(&m);

	close_state(s, m);
	ok(!cdp_idstate_open(dir, key, kinds, &other, &err) &&
		   err.kind == CDP_ERR_USAGE && strstr(err.msg, "another key"),
	   "a directory keeps its key");
	remove_dir();
	s = cdp_idstate_open(dir, key, kinds, &m, &err);
	ok(s != NULL, "a new one takes a given key");
	learn(m, REC(1, ANNA), false);
	cdp_identity_publish(m);
	ok(learn(m, REC(1, ANNA), false) == cdp_siphash(key, "customer\0anna", 13),
	   "which makes the names");
	close_state(s, m);
	s = cdp_idstate_open(dir, key, kinds, &m, &err);
	ok(s != NULL, "and is the same when given again");
	close_state(s, m);
}

static void another_definition(void)
{
	static const char json[] = "{\"kinds\":[{\"name\":\"device\",\"shared\":true},"
				   "{\"name\":\"customer\"}]}";
	struct cdp_idkinds *plain = cdp_idkinds_parse(json, strlen(json), "x", &err);
	struct cdp_identity *m;
	struct cdp_idstate *s = open_state(&m);

	learn(m, REC(1, ANNA "," PAD ",\"login\":\"a\""), false);
	cdp_identity_publish(m);
	cdp_idstate_commit(s, &err);
	close_state(s, m);
	s = cdp_idstate_open(dir, NULL, plain, &m, &err);
	cdp_identity_publish(m);
	ok(learn(m, REC(1, ANNA), false) == learn(m, REC(1, PAD), false),
	   "kinds in another order are the same kinds");
	is_int((int64_t)learn(m, REC(1, "\"login\":\"a\""), false), 0,
	       "a kind that is declared no more is out");
	close_state(s, m);
	cdp_idkinds_free(plain);
}

int main(void)
{
	char path[100];
	FILE *f;
	uint8_t got[CDP_IDENTITY_KEY];

	kinds = cdp_idkinds_default();
	snprintf(dir, sizeof(dir), "/tmp/test_idstate.%d", (int)getpid());
	remove_dir();
	days();
	a_death_in_a_stream();
	keys_and_locks();
	remove_dir();
	another_definition();
	remove_dir();
	snprintf(path, sizeof(path), "%s.key", dir);
	f = fopen(path, "w");
	fputs("30313233343536373839\n6162636465 66\n", f);
	fclose(f);
	ok(cdp_idkey_load(got, path, &err) == 0 && memcmp(got, key, 16) == 0,
	   "a key file is read");
	f = fopen(path, "w");
	fputs("3031\n", f);
	fclose(f);
	ok(cdp_idkey_load(got, path, &err) < 0 && err.kind == CDP_ERR_USAGE,
	   "one that is too short is refused");
	unlink(path);
	cdp_idkinds_free(kinds);
	return tap_done();
}
