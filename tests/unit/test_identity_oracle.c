/* Identity against an oracle that follows the three rules of identity.h word by word on
 * small random histories. */
#include "base/hash.h"
#include "identity_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400 };

static struct cdp_idkinds *kinds;

struct oracle {
	int person[IDS]; /* any number; -1: never seen */
	bool contested[IDS];
	bool linked[IDS][IDS];
	int first_link[IDS][IDS], last_link[IDS][IDS];
	bool met[IDS][IDS];
	int named[IDS][IDS];  /* of unbinds that name both */
	int parted[IDS][IDS]; /* the last time of an unbind, -1: never */
	int first[IDS];
	int group[IDS]; /* by joining in order of time */
	bool split[IDS], freed[IDS];
};

static bool is_part(const struct record *r)
{
	return r->type && strcmp(r->type, "unbind") == 0;
}

static int when(const struct record *r)
{
	return r->ms < 0 ? 1000 : r->ms;
}

static void oracle_pair(struct oracle *o, const struct record *r, int a, int b)
{
	int t = when(r), last = r->ms;

	if (is_part(r)) {
		if (r->n > 1 && t > o->named[a][b])
			o->named[a][b] = o->named[b][a] = t;
		if (t > o->parted[a][b])
			o->parted[a][b] = o->parted[b][a] = t;
		return;
	}
	if (!o->linked[a][b] || t < o->first_link[a][b])
		o->first_link[a][b] = o->first_link[b][a] = t;
	if (!o->linked[a][b] || last > o->last_link[a][b])
		o->last_link[a][b] = o->last_link[b][a] = last;
	o->linked[a][b] = o->linked[b][a] = true;
	o->met[a][b] = o->met[b][a] = true;
}

static void oracle_record(struct oracle *o, const struct record *r)
{
	for (int i = 0; i < r->n; i++) {
		int a = r->id[i];

		if (o->first[a] < 0 || when(r) < o->first[a])
			o->first[a] = when(r);
		o->person[a] = o->group[a] = a;
		if (r->type && !is_part(r))
			continue;
		for (int j = i + 1; j < r->n; j++)
			if (i == 0 || (!is_firm(r->id[0]) && !is_part(r)))
				oracle_pair(o, r, a, r->id[j]);
		for (int j = 0; j < IDS && is_part(r) && r->n == 1; j++)
			oracle_pair(o, r, a, j);
	}
}

/* A shared id that was parted, and whose links are all later than that. */
static void oracle_freed(struct oracle *o, int a)
{
	int parted = -1, links = 0, old = 0;

	for (int b = 0; b < IDS; b++) {
		int t = o->met[a][b] ? o->parted[a][b] : o->named[a][b];

		parted = t > parted ? t : parted;
	}
	for (int b = 0; b < IDS; b++) {
		links += o->linked[a][b];
		old += o->linked[a][b] && o->first_link[a][b] <= parted;
	}
	o->freed[a] = !is_firm(a) && parted >= 0 && links && !old;
}

static void oracle_evidence(struct oracle *o, const struct record *r, int n)
{
	memset(o, 0, sizeof(*o));
	for (int i = 0; i < IDS; i++) {
		o->person[i] = o->first[i] = o->group[i] = -1;
		for (int j = 0; j < IDS; j++)
			o->parted[i][j] = o->named[i][j] = -1;
	}
	for (int k = 0; k < n; k++)
		oracle_record(o, &r[k]);
	for (int a = 0; a < IDS; a++)
		for (int b = 0; b < IDS; b++) {
			int t = o->parted[a][b];

			if (!o->linked[a][b] || t < 0)
				continue;
			o->linked[a][b] = o->last_link[a][b] > t;
			if (o->first_link[a][b] <= t)
				o->first_link[a][b] = t;
		}
	for (int a = 0; a < IDS; a++)
		oracle_freed(o, a);
}

/* The bytes of kind and value decide ties; p < s1 < ... < u1 < u2. */
static int bytes_rank(int id)
{
	static const int rank[KINDS] = { 4, 5, 0, 1, 2, 3 };

	return rank[id / VALUES] * VALUES + id % VALUES;
}

static bool walled(const struct oracle *o, int p, int q)
{
	for (int kind = 0; kind < 2; kind++) {
		bool in_p = false, in_q = false;

		for (int v = 0; v < VALUES; v++) {
			in_p |= o->person[kind * VALUES + v] == p;
			in_q |= o->person[kind * VALUES + v] == q;
		}
		if (in_p && in_q)
			return true;
	}
	return false;
}

static void oracle_link(struct oracle *o, int a, int b)
{
	int p = o->person[a], q = o->person[b];

	if (p == q || walled(o, p, q))
		return;
	for (int i = 0; i < IDS; i++)
		if (o->person[i] == q)
			o->person[i] = p;
}

static bool group_is_firm(const struct oracle *o, int g)
{
	for (int i = 0; i < IDS; i++)
		if (o->group[i] == g && is_firm(i))
			return true;
	return false;
}

/* Who founded whom: groups join unless both have firm ids; those go by their persons. */
static void oracle_join(struct oracle *o, int a, int b)
{
	int p = o->group[a], q = o->group[b];
	bool both = group_is_firm(o, p) && group_is_firm(o, q);

	if (p == q)
		return;
	if (both && is_firm(a) != is_firm(b))
		o->split[is_firm(a) ? b : a] = true;
	if (both && (!is_firm(a) || !is_firm(b) || o->person[a] != o->person[b]))
		return;
	if (!both && (o->split[a] || o->split[b]))
		return;
	for (int i = 0; i < IDS; i++)
		if (o->group[i] == q)
			o->group[i] = p;
}

static void oracle_firm(struct oracle *o)
{
	int by_bytes[IDS];

	for (int i = 0; i < IDS; i++)
		by_bytes[bytes_rank(i)] = i;
	for (int t = 0; t <= 1000; t++)
		for (int lo = 0; lo < IDS; lo++)
			for (int hi = lo + 1; hi < IDS; hi++) {
				int a = by_bytes[lo], b = by_bytes[hi];

				if (!o->linked[a][b] || o->first_link[a][b] != t)
					continue;
				if (is_firm(a) && is_firm(b))
					oracle_link(o, a, b);
				oracle_join(o, a, b);
			}
}

static void oracle_shared(struct oracle *o)
{
	int layer[IDS];
	bool grew = true;

	for (int i = 0; i < IDS; i++)
		layer[i] = is_firm(i) ? 0 : -1;
	for (int step = 1; grew; step++) {
		grew = false;
		for (int s = 0; s < IDS; s++) {
			int p = -1;
			bool several = false;

			if (layer[s] >= 0 || o->person[s] < 0)
				continue;
			for (int t = 0; t < IDS; t++) {
				if (!o->linked[s][t] || layer[t] != step - 1 ||
				    o->contested[t])
					continue;
				several |= p >= 0 && p != o->person[t];
				p = o->person[t];
			}
			if (p < 0)
				continue;
			layer[s] = step;
			grew = true;
			o->contested[s] = several;
			o->person[s] = several ? s : p;
		}
	}
	for (int k = 0; k < IDS; k++)
		for (int s = 0; s < IDS; s++)
			for (int t = 0; t < IDS; t++) {
				int old = o->person[t];

				if (layer[s] >= 0 || layer[t] >= 0 || !o->linked[s][t])
					continue;
				for (int i = 0; i < IDS; i++)
					if (o->person[i] == old)
						o->person[i] = o->person[s];
			}
}

static uint64_t hash_of(int id, const char *how)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%s%cv%d", world_kind_name[id / VALUES], 0,
			 id % VALUES);

	if (how)
		n += snprintf(text + n, 4, "%c%s", 0, how);
	return cdp_siphash(world_key, text, (size_t)n);
}

/* The strongest of the ids whose of[] is g; or the oldest. */
static int best_of(const struct oracle *o, const int *of, int g, bool oldest)
{
	int best = -1;

	for (int i = 0; i < IDS; i++) {
		bool better;

		if (of[i] != g)
			continue;
		if (best < 0)
			better = true;
		else if (oldest && o->freed[i] != o->freed[best])
			better = o->freed[best];
		else if (!oldest && i / VALUES != best / VALUES)
			better = i < best;
		else if (o->first[i] != o->first[best])
			better = o->first[i] < o->first[best];
		else
			better = oldest ? hash_of(i, NULL) < hash_of(best, NULL)
					: i < best;
		if (better)
			best = i;
	}
	return best;
}

/* The name of the group of the person's strongest id, if it is the strongest of that. */
static uint64_t oracle_name(const struct oracle *o, int id)
{
	int strong = best_of(o, o->person, o->person[id], false);

	if (o->contested[id])
		return hash_of(id, "c");
	if (best_of(o, o->group, o->group[strong], false) == strong)
		return hash_of(best_of(o, o->group, o->group[strong], true), NULL);
	return hash_of(best_of(o, o->person, o->person[id], true), "p");
}

static void oracle(struct oracle *o, const struct record *r, int n)
{
	oracle_evidence(o, r, n);
	oracle_firm(o);
	oracle_shared(o);
}

static bool same_partition(const struct world *w, const struct oracle *o)
{
	for (int i = 0; i < IDS; i++)
		for (int j = 0; j < IDS; j++)
			if (o->person[i] >= 0 && o->person[j] >= 0 &&
			    (o->person[i] == o->person[j]) !=
				    (world_name_of(w, i) == world_name_of(w, j)))
				return false;
	return true;
}

static bool same_names(const struct world *w, const struct oracle *o)
{
	for (int i = 0; i < IDS; i++)
		if (o->person[i] >= 0 && world_name_of(w, i) != oracle_name(o, i))
			return false;
	return true;
}

static void agrees_with_oracle(void)
{
	int bad = 0, bad_names = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history_random(r, false, round % 2);
		struct oracle o;
		struct world w;

		oracle(&o, r, n);
		world_open(&w, kinds);
		world_learn(&w, r, n, false);
		cdp_identity_publish(w.m);
		bad += !same_partition(&w, &o);
		bad_names += !same_names(&w, &o);
		world_close(&w);
	}
	is_int(bad, 0, "persons are those of the rules");
	is_int(bad_names, 0, "names are the hashes of the founders");
}

static void days_add_up(void)
{
	int bad = 0, lost = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history_random(r, round % 2, false), at = 0;
		struct oracle o;
		struct world w;

		world_open(&w, kinds);
		while (at < n) {
			int k = 1 + (int)history_rnd((unsigned)(n - at));
			uint64_t before[IDS];

			for (int i = 0; i < IDS; i++)
				before[i] = world_name_of(&w, i);
			world_learn(&w, r + at, k, false);
			cdp_identity_publish(w.m);
			at += k;
			/* Late evidence may part firm ids; evidence in order cannot. */
			for (int i = 0; round % 2 && i < 3 * VALUES; i++) {
				bool kept = !before[i];

				for (int j = 0; j < IDS; j++)
					kept |= world_name_of(&w, i) == before[j];
				lost += !kept;
			}
		}
		oracle(&o, r, n);
		bad += !same_partition(&w, &o);
		world_close(&w);
	}
	is_int(bad, 0, "day by day gives the same persons as all days at once");
	is_int(lost, 0, "a person keeps a name that was published for one of its ids");
}

int main(void)
{
	kinds = world_kinds();
	agrees_with_oracle();
	days_add_up();
	cdp_idkinds_free(kinds);
	return tap_done();
}
