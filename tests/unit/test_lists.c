/* Lists of ids: rows matched with persons, and what each of them is. */
#include "base/buf.h"
#include "io/out.h"
#include "model/lists.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_lists.XXXXXX";

struct world {
	struct cdp_paths *paths;
	struct cdp_segments *set;
	struct cdp_idkinds *kinds;
	struct cdp_members *members;
	struct cdp_lists *lists;
	struct cdp_buf tmp;
};

static const char three[] =
	"{\"segments\":["
	"{\"name\":\"l\",\"import\":{\"files\":[\"f\"],\"kind\":\"phone\","
	"\"block\":[\"no\"]}},"
	"{\"name\":\"no\",\"import\":{\"files\":[\"g\"],\"kind\":\"customer\"}},"
	"{\"name\":\"ids\",\"import\":{\"files\":[\"h\"],\"mode\":\"remove\"}}]}";

static void open_world(struct world *w)
{
	struct cdp_err err;

	cdp_file_replace(path, three, strlen(three), &err);
	w->paths = cdp_paths_new();
	w->set = cdp_segments_load(path, w->paths, &(struct cdp_segments_given){ 0 },
				   &err);
	if (!w->set) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	w->kinds = cdp_idkinds_default();
	w->members = cdp_members_new(w->set->count - w->set->defined);
	w->lists = cdp_lists_new(w->set, w->kinds, w->members);
	cdp_buf_init(&w->tmp, CDP_BUF_NOMAX);
}

static void close_world(struct world *w)
{
	cdp_lists_free(w->lists);
	cdp_members_free(w->members);
	cdp_idkinds_free(w->kinds);
	cdp_segments_free(w->set);
	cdp_paths_free(w->paths);
	cdp_buf_release(&w->tmp);
}

/* Ids of list i, parted by blanks; how many were refused. */
static int add(struct world *w, unsigned i, const char *ids)
{
	struct cdp_err err;
	uint64_t line = 1;
	int refused = 0;

	cdp_lists_begin(w->lists, i, &err);
	cdp_lists_file(w->lists, "file");
	for (size_t n; *ids; ids += n + (ids[n] == ' '), line++) {
		n = strcspn(ids, " ");
		if (cdp_lists_add(w->lists, ids, n, line, &err) < 0) {
			cdp_lists_reject(w->lists);
			refused++;
		}
	}
	return refused;
}

static int map(struct world *w, const char *kind, const char *value, const char *one_id)
{
	struct cdp_err err;
	uint32_t id = cdp_lists_find(w->lists, kind, strlen(kind), value, strlen(value),
				     &w->tmp);

	if (id == CDP_INTERN_NONE)
		return 0;
	return cdp_lists_settle(w->lists, id, one_id, strlen(one_id), &err) < 0 ? -1 : 1;
}

static bool is_in(const struct world *w, unsigned i, const char *one_id)
{
	const uint64_t *bits = cdp_members_get(w->members, one_id, strlen(one_id));

	return bits && cdp_bit(bits, w->set->lists[i].given - w->set->defined);
}

static bool has_profile(void *ctx, const char *one_id, size_t n)
{
	(void)ctx;
	return !(n == 4 && memcmp(one_id, "gone", 4) == 0);
}

static void append(void *ctx, const struct cdp_list_row *row)
{
	static const char letters[] = "MUNBD";
	char **p = ctx;

	*(*p)++ = letters[row->fate];
	**p = '\0';
}

/* What its rows are: Matched, Unmatched, No profile, Blocked, Duplicate. */
static const char *fates(struct world *w, unsigned i)
{
	static char text[64];
	char *p = text;
	struct cdp_list_counts c;

	*text = '\0';
	cdp_lists_each(w->lists, i, &(struct cdp_list_asker){ has_profile, append, &p },
		       &c);
	snprintf(p, 16, " %u/%u", (unsigned)c.rows, (unsigned)c.rejected);
	return text;
}

static void test_rows(void)
{
	struct world w;

	open_world(&w);
	is_int(add(&w, 0,
		   "13812345678 +8613812345678 13912345678 1234567 13712345678 "
		   "13612345678 13512345678 13512345678"),
	       1, "a number of seven digits is refused");
	is_int(add(&w, 1, "C1 null 000"), 2, "so is what stands for no id");
	is_int(add(&w, 2, "b x x null"), 0, "one_ids are whatever they are");
	ok(cdp_lists_need_map(w.lists), "ids of kinds need a map");
	is_int(map(&w, "phone", "+8613812345678", "a"), 1, "an id is found");
	is_int(map(&w, "phone", "+8613812345678", "a"), 1, "it may come twice");
	is_int(map(&w, "phone", "+8613812345678", "b"), -1, "but for one person");
	is_int(map(&w, "phone", "13812345678", "b"), 0, "the map has normal forms");
	is_int(map(&w, "phone", "C1", "b"), 0, "a value is looked for in its kind");
	is_int(map(&w, "login", "C1", "b"), 0, "a kind that no list has is passed over");
	map(&w, "phone", "+8613912345678", "a");
	map(&w, "phone", "+8613712345678", "blocked");
	map(&w, "phone", "+8613612345678", "gone");
	map(&w, "customer", "C1", "blocked");
	cdp_bit_set(cdp_members_put(w.members, "b", 1),
		    w.set->lists[2].given - w.set->defined);
	cdp_bit_set(cdp_members_put(w.members, "c", 1),
		    w.set->lists[2].given - w.set->defined);
	cdp_lists_give(w.lists);
	is_str(fates(&w, 0), "MDDBNUD 8/1", "each row is one thing");
	is_str(fates(&w, 1), "M 3/2", "rejected rows are counted");
	is_str(fates(&w, 2), "MMDM 4/0", "one_ids are matched as they are");
	ok(is_in(&w, 0, "a") && !is_in(&w, 0, "blocked") && is_in(&w, 1, "blocked"),
	   "who is blocked is not given");
	ok(!is_in(&w, 2, "b") && is_in(&w, 2, "c") && !is_in(&w, 2, "x"),
	   "who is removed is one of those before no more");
	close_world(&w);
}

static void test_blocked_ids(void)
{
	struct world w;

	open_world(&w);
	add(&w, 0, "13812345678 13912345678");
	free(w.set->lists[1].kind);
	w.set->lists[1].kind = strdup("phone");
	add(&w, 1, "+86-139-1234-5678");
	cdp_lists_give(w.lists);
	is_str(fates(&w, 0), "UB 2/0", "an id that is nobody's can be blocked");
	close_world(&w);
}

static void test_definitions(void)
{
	static const struct {
		const char *import;
		int form;
	} good[] = {
		{ "\"a\"", CDP_LIST_LINES },
		{ "\"a.csv.gz\"", CDP_LIST_CSV },
		{ "\"a.tsv\"", CDP_LIST_CSV },
		{ "\"a.jsonl.zst\"", CDP_LIST_NDJSON },
		{ "{\"files\":[\"a.csv\"],\"format\":\"lines\"}", CDP_LIST_LINES },
	};
	static const char *const bad[] = {
		"1",
		"\"\"",
		"{\"files\":[]}",
		"{\"files\":\"a\"}",
		"{\"files\":[\"a\"],\"key\":\"x\"}",
		"{\"files\":[\"a.csv\"],\"delimiter\":\"||\"}",
		"{\"files\":[\"a\"],\"delimiter\":\",\"}",
		"{\"files\":[\"a\"],\"block\":[]}",
		"{\"files\":[\"a\"],\"mode\":\"merge\"}",
		"{\"files\":[\"a\",\"b.csv\"]}",
	};
	struct cdp_list_def d;
	struct cdp_err err;
	char text[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), "{\"import\":%s}", good[i].import);
		json_t *o = cdp_tree_parse(text, strlen(text), "x", &err);

		ok(cdp_list_def_load(&d, json_object_get(o, "import"), "one_id", &err) ==
				   0 &&
			   (int)d.form == good[i].form,
		   "'%s' is a list", good[i].import);
		cdp_list_def_release(&d);
		json_decref(o);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "{\"import\":%s}", bad[i]);
		json_t *o = cdp_tree_parse(text, strlen(text), "x", &err);

		is_int(cdp_list_def_load(&d, json_object_get(o, "import"), "one_id",
					 &err),
		       -1, "'%s' is none", bad[i]);
		cdp_list_def_release(&d);
		json_decref(o);
	}
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_rows();
	test_blocked_ids();
	test_definitions();
	unlink(path);
	return tap_done();
}
