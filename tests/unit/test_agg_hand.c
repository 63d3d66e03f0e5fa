/* Aggregates over random events against what counting and trying by hand gives. */
#include "aggs.h"

/* Sums, counts and largest numbers by hand, of values "A" to "F" with cents. */
struct hand {
	int count[6], sum[6], max[6];
};

static int64_t weight(const struct hand *h, int kind, int i)
{
	return kind == 0 ? h->count[i] : kind == 1 ? h->sum[i] : h->max[i];
}

static void by_hand(const struct hand *h, int kind, int n, int least, char *out)
{
	bool used[6] = { false };
	const char *sep = "";

	*out++ = '[';
	for (int k = 0; k < n; k++) {
		int best = -1;

		for (int i = 0; i < 6; i++)
			if (h->count[i] >= least && !used[i] &&
			    (best < 0 || weight(h, kind, i) > weight(h, kind, best)))
				best = i;
		if (best < 0)
			break;
		used[best] = true;
		out += sprintf(out, "%s\"%c\"", sep, 'A' + best);
		sep = ",";
	}
	memcpy(out, "]", 2);
}

static void check_by_hand(void)
{
	static const char *const texts[] = { "top_n(props.p, 3, 2)",
					     "top_by_sum(props.p, props.m, 4)",
					     "top_by_max(props.p, props.m, 2, 3)" };
	static const int n[] = { 3, 4, 2 }, least[] = { 2, 1, 3 };
	const struct cdp_agg *a[3];
	struct cdp_rand r;
	struct cdp_err err;
	struct fixture f;
	int wrong = 0;

	cdp_rand_seed(&r, 3, 0);
	fixture_init(&f, "UTC", 1714492800);
	for (int k = 0; k < 3; k++)
		a[k] = cdp_aggs_at(f.env.aggs, (unsigned)compile(&f, texts[k], &err));
	for (int round = 0; round < 100; round++) {
		struct hand h = { .max = { -999, -999, -999, -999, -999, -999 } };
		unsigned events = (unsigned)cdp_rand_below(&r, 40);

		for (unsigned i = 0; i < events; i++) {
			int p = (int)cdp_rand_below(&r, 6);
			int m = (int)cdp_rand_below(&r, 21) - 10;
			char props[64];

			h.count[p]++;
			h.sum[p] += m;
			h.max[p] = m > h.max[p] ? m : h.max[p];
			snprintf(props, sizeof(props), "\"p\":\"%c\",\"m\":%s0.%02d",
				 'A' + p, m < 0 ? "-" : "", abs(m));
			event(&f, "2024-04-01T00:00:00.000Z", "e", "1", props);
		}
		for (int k = 0; k < 3; k++) {
			char want[64];

			by_hand(&h, k, n[k], least[k], want);
			wrong += strcmp(shuffled(&f, a[k], &r), want) != 0;
		}
		while (f.n > 0)
			free(f.lines[--f.n]);
		cdp_eval_reset(f.ev);
	}
	is_int(wrong, 0, "preferences are those found by hand");
	fixture_release(&f);
}

/* Of one event what the next test needs. */
struct brief {
	int minute, id, p, m; /* m in hundredths */
};

static bool earlier(const struct brief *a, const struct brief *b)
{
	return a->minute != b->minute ? a->minute < b->minute : a->id < b->id;
}

/* All that can be told of events by walking over them. */
static void tell(const struct brief *e, unsigned n, double out[8])
{
	unsigned seen = 0, days = 0;
	double sum = 0, least = e[0].m, most = e[0].m;
	const struct brief *first = e, *last = e;

	for (unsigned i = 0; i < n; i++) {
		sum += e[i].m;
		least = e[i].m < least ? e[i].m : least;
		most = e[i].m > most ? e[i].m : most;
		first = earlier(&e[i], first) ? &e[i] : first;
		last = earlier(last, &e[i]) ? &e[i] : last;
		seen |= 1u << e[i].p;
		days |= 1u << e[i].minute / (24 * 60);
	}
	memcpy(out,
	       (double[]){ sum / 100, sum / n / 100, least / 100, most / 100,
			   first->m / 100.0, last->p, __builtin_popcount(seen),
			   __builtin_popcount(days) },
	       8 * sizeof(*out));
}

static void check_told(void)
{
	static const char *const texts[] = { "sum(props.m)",      "avg(props.m)",
					     "min(props.m)",      "max(props.m)",
					     "first(props.m)",    "last(props.p)",
					     "distinct(props.p)", "days()" };
	const struct cdp_agg *a[8];
	struct brief e[40];
	struct cdp_rand r;
	struct cdp_err err;
	struct fixture f;
	int wrong = 0;

	cdp_rand_seed(&r, 4, 0);
	fixture_init(&f, "UTC", 1714492800);
	for (int k = 0; k < 8; k++)
		a[k] = cdp_aggs_at(f.env.aggs, (unsigned)compile(&f, texts[k], &err));
	for (int round = 0; round < 100; round++) {
		unsigned n = 1 + (unsigned)cdp_rand_below(&r, 40);
		double want[8];

		for (unsigned i = 0; i < n; i++) {
			char time[40], id[16], props[64];
			int m = (int)cdp_rand_below(&r, 2001) - 1000;

			e[i] = (struct brief){ (int)cdp_rand_below(&r, 3 * 24) * 60,
					       100 + (int)i, (int)cdp_rand_below(&r, 9),
					       m };
			snprintf(time, sizeof(time), "2024-04-%02dT%02d:00:00.000Z",
				 1 + e[i].minute / 1440, e[i].minute / 60 % 24);
			snprintf(id, sizeof(id), "%d", e[i].id);
			snprintf(props, sizeof(props), "\"p\":%d,\"m\":%s%d.%02d", e[i].p,
				 m < 0 ? "-" : "", abs(m) / 100, abs(m) % 100);
			event(&f, time, "e", id, props);
		}
		tell(e, n, want);
		for (int k = 0; k < 8; k++) {
			double d = strtod(shuffled(&f, a[k], &r), NULL) - want[k];

			wrong += d > 1e-9 || d < -1e-9;
		}
		while (f.n > 0)
			free(f.lines[--f.n]);
		cdp_eval_reset(f.ev);
	}
	is_int(wrong, 0, "eight aggregates are what a walk over the events tells");
	fixture_release(&f);
}

/* Whether steps from `step` on can be taken by events after `at`, tried one by one. */
static bool follows(const int *minute, const char *name, int n, int at, int step,
		    int until)
{
	static const char steps[] = "aba";

	if (step == 3)
		return true;
	for (int i = at; i < n; i++)
		if (name[i] == steps[step] && minute[i] <= until &&
		    follows(minute, name, n, i + 1, step + 1,
			    step ? until : minute[i] + 5))
			return true;
	return false;
}

static void check_tried(void)
{
	const struct cdp_agg *a;
	struct cdp_rand r;
	struct cdp_err err;
	struct fixture f;
	int wrong = 0, yes = 0;

	cdp_rand_seed(&r, 5, 0);
	fixture_init(&f, "UTC", 1714492800);
	a = cdp_aggs_at(f.env.aggs,
			(unsigned)compile(&f, "sequence(['a', 'b', 'a'], '5m')", &err));
	for (int round = 0; round < 500; round++) {
		int n = (int)cdp_rand_below(&r, 9), minute[9];
		char name[10] = "";
		bool want;

		for (int i = 0, m = 0; i < n; i++) {
			char time[40];

			m += 1 + (int)cdp_rand_below(&r, 4);
			minute[i] = m;
			name[i] = (char)('a' + cdp_rand_below(&r, 2));
			snprintf(time, sizeof(time), "2024-04-01T00:%02d:00.000Z", m);
			event(&f, time, (char[]){ name[i], '\0' }, "1", "");
		}
		want = follows(minute, name, n, 0, 0, 1000);
		yes += want;
		wrong += strcmp(shuffled(&f, a, &r), want ? "true" : "false") != 0;
		while (f.n > 0)
			free(f.lines[--f.n]);
		cdp_eval_reset(f.ev);
	}
	ok(wrong == 0 && yes > 50 && yes < 450,
	   "a sequence is one if any events tried one by one are");
	fixture_release(&f);
}

int main(void)
{
	check_by_hand();
	check_told();
	check_tried();
	return tap_done();
}
