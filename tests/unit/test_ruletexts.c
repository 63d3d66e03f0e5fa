/* Of very many conditions that differ by a text, those that a list leads to. */
#include "base/buf.h"
#include "io/in.h"
#include "io/out.h"
#include "model/ruletexts.h"
#include "model/segments.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 1000 };

struct calls {
	unsigned n;
	uint32_t last[4];
};

static void note(void *ctx, uint32_t number)
{
	struct calls *c = ctx;

	c->last[c->n++ % 4] = number;
}

static unsigned find(const struct cdp_rule_texts *t, int ref,
		     const struct cdp_value *list, struct calls *c)
{
	*c = (struct calls){ 0 };
	cdp_rule_texts_find(t, ref, list, note, c);
	return c->n;
}

static struct cdp_value text(const char *p)
{
	return (struct cdp_value){ .type = CDP_V_STRING, .s = { p, strlen(p) } };
}

/* An item {member: value}. */
static struct cdp_value item(struct cdp_arena *a, const char *member, struct cdp_value v)
{
	const struct cdp_value pair[] = { text(member), v };

	return (struct cdp_value){ .type = CDP_V_MAP,
				   .map = cdp_map_new(a, pair, 1, NULL) };
}

static struct cdp_value list_of(struct cdp_arena *a, const struct cdp_value *v, size_t n)
{
	return (struct cdp_value){ .type = CDP_V_LIST, .list = cdp_list_new(a, v, n) };
}

static void look(const struct cdp_rule_texts *t, int ref)
{
	struct cdp_arena a;
	struct cdp_value v[3], list;
	struct calls c;

	cdp_arena_init(&a);
	v[0] = item(&a, "p", text("F7"));
	v[1] = item(&a, "p", text("F994"));
	v[2] = item(&a, "p", text("none"));
	list = list_of(&a, v, 3);
	is_int(find(t, ref, &list, &c), 2, "two texts lead to two of %d conditions",
	       MANY);
	ok(c.last[0] == 7 && c.last[1] == 994, "they are those that want them");
	list = list_of(&a, v, 0);
	is_int(find(t, ref, &list, &c), 0, "an empty list leads to none");
	v[2] = item(&a, "q", text("F7"));
	list = list_of(&a, v, 3);
	ok(find(t, ref, &list, &c) >= MANY,
	   "an item without the member concerns all: it is an error");
	v[0] = item(&a, "p", (struct cdp_value){ .type = CDP_V_INT, .i = 7 });
	list = list_of(&a, v, 1);
	is_int(find(t, ref, &list, &c), 0, "what is no text leads to none");
	is_int(find(t, ref, NULL, &c), MANY, "a list that cannot be had concerns all");
	is_int(find(t, ref + 1, NULL, &c), 0, "another list concerns none");
	ok(cdp_rule_texts_ask(t, ref) && !cdp_rule_texts_ask(t, ref + 1),
	   "it is known which lists are asked for");
	cdp_arena_release(&a);
}

int main(void)
{
	char path[] = "/tmp/test_ruletexts.XXXXXX";
	struct cdp_paths *events = cdp_paths_new(), *profiles = cdp_paths_new();
	struct cdp_tagset *asked = cdp_tagset_new(events);
	struct cdp_segments_given given = { .asked = asked };
	struct cdp_rule_texts *t = cdp_rule_texts_new();
	struct cdp_segments *s;
	struct cdp_buf b;
	struct cdp_err err;
	uint32_t n = 0;

	close(mkstemp(path));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"segments\":[");
	for (int i = 0; i < MANY; i++)
		cdp_buf_addf(&b,
			     "{\"name\":\"s%d\",\"when\":"
			     "\"details.h.exists(x, x.p == 'F%d')\"},",
			     i, i);
	cdp_buf_adds(&b, "{\"name\":\"n\",\"when\":\"details.h.exists(x, x.n == 1)\"},"
			 "{\"name\":\"a\",\"when\":\"'x' in profile.likes\"}]}");
	if (cdp_file_replace(path, b.p, b.n, &err) < 0 ||
	    !(s = cdp_segments_load(path, profiles, &given, &err))) {
		ok(false, "%s", err.msg);
		return tap_done();
	}
	while (n < s->rules->leaf_count && cdp_rule_texts_add(t, &s->rules->leaves[n], n))
		n++;
	is_int(n, MANY, "conditions that want a text of a list's items are these");
	ok(!cdp_rule_texts_add(t, &s->rules->leaves[MANY], MANY) &&
		   !cdp_rule_texts_add(t, &s->rules->leaves[MANY + 1], MANY + 1),
	   "those that want a number, or look at an attribute, are none");
	look(t, (int)s->rules->leaves[0].asks.v[0]);
	cdp_rule_texts_free(t);
	cdp_rule_texts_free(NULL);
	cdp_segments_free(s);
	cdp_tagset_free(asked);
	cdp_paths_free(events);
	cdp_paths_free(profiles);
	cdp_buf_release(&b);
	unlink(path);
	return tap_done();
}
