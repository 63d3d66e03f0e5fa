/* Usage: bench_idmap tsv|ndjson PERSONS
 *        bench_idmap build|presized PERSONS ROUND
 * Persons of three ids each: a customer number of 10 bytes, a device of 32 hexadecimal
 * digits and an open id of 28 letters, from records with two ids, two a person, in an
 * order that jumps between persons.  `tsv` prints the pairs for others, `ndjson` the
 * records; `build` learns them and computes who is who, with tables that grow, `presized`
 * with room from the start.  Prints a line as measure does, of the CPU time for learning
 * and for persons alone, and to standard error what that is an id. */
#include "base/mem.h"
#include "model/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1024 };

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44d;
	return x ^ x >> 33;
}

/* CPU time; of it, what the kernel took to bring memory. */
struct cpu {
	double all, kernel;
};

static void cpu_add(struct cpu *to, int sign)
{
	struct timespec t;
	struct rusage use;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	getrusage(RUSAGE_SELF, &use);
	to->all += sign * ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
	to->kernel +=
		sign * ((double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6);
}

/* One of 0 .. n - 1, each once: a walk by a step that has no divisor in common. */
static uint64_t shuffled(uint64_t i, uint64_t n)
{
	return i * 2654435761u % n;
}

static void put_line(struct cdp_buf *b, uint64_t i, uint64_t n)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t p = shuffled(i % n, n), ms = i * 1000 / 300;

	cdp_buf_addf(b,
		     "{\"time\":\"2024-04-%02u"
		     "T%02u:%02u:%02u.%03uZ\",\"event\":\"e\","
		     "\"ids\":{\"customer\":\"C%09llu\",",
		     (unsigned)(ms / 86400000 % 28 + 1), (unsigned)(ms / 3600000 % 24),
		     (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
		     (unsigned)(ms % 1000), (unsigned long long)p);
	if (i < n) {
		cdp_buf_addf(b, "\"device\":\"%016llx%016llx\"",
			     (unsigned long long)mix(p + 1), (unsigned long long)mix(~p));
	} else {
		uint64_t v[3] = { mix(p + 7), mix(p + 11), mix(p + 13) };

		cdp_buf_adds(b, "\"openid\":\"");
		for (unsigned k = 0; k < 28; k++)
			cdp_buf_addc(b, letters[v[k % 3] >> k * 2 & 63]);
		cdp_buf_addc(b, '"');
	}
	cdp_buf_adds(b, "}}\n");
}

static void put_tsv(uint64_t n)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint64_t i = 0; i < 2 * n; i++) {
		const char *customer, *kind, *value;

		cdp_buf_reset(&b);
		put_line(&b, i, n);
		customer = strstr(cdp_buf_str(&b), "\"customer\":\"") + 12;
		kind = customer + 13;
		value = strchr(kind, ':') + 2;
		printf("customer:%.10s\t%.6s:%.*s\n", customer, kind,
		       (int)strcspn(value, "\""), value);
	}
	cdp_buf_release(&b);
}

static void put_ndjson(uint64_t n)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint64_t i = 0; i < 2 * n; i++) {
		cdp_buf_reset(&b);
		put_line(&b, i, n);
		fwrite(b.p, 1, b.n, stdout);
	}
	cdp_buf_release(&b);
}

struct bench {
	struct cdp_identity *m;
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	struct cdp_sights sights;
	struct cdp_scan *scan;
	struct cpu learning;
};

static void learn_block(struct bench *b, const char *p, size_t n)
{
	struct cdp_rec rec;
	struct cdp_err err;
	const uint32_t *ids;

	cdp_sights_reset(&b->sights);
	cdp_scan_block(b->scan, p, n);
	while (cdp_scan_next(b->scan, &rec, &err) > 0)
		cdp_sight_read(&b->sights, b->m, &b->slots, &rec);
	cpu_add(&b->learning, -1);
	for (size_t i = 0; i < b->sights.n; i++) {
		cdp_identity_prefetch(b->m, &b->sights, i);
		cdp_identity_learn(b->m, &b->sights, i, NULL, NULL, &ids);
	}
	cpu_add(&b->learning, 1);
}

/* A machine that is itself a program on another one asks that for memory first, which
 * takes longer than all that is measured here: let a child do so, whose pages are then
 * ours. */
static void bring_memory(size_t n)
{
	pid_t child = fork();
	char *p;

	if (child > 0)
		waitpid(child, NULL, 0);
	if (child)
		return;
	p = cdp_resize_large(NULL, 0, n);
	for (size_t i = 0; i < n; i += 4096)
		p[i] = 1;
	_exit(0);
}

static void start(struct bench *b, const struct cdp_idkinds *kinds)
{
	static const uint8_t key[CDP_IDENTITY_KEY] = { 0 };
	struct cdp_err err;

	*b = (struct bench){ .m = cdp_identity_new(kinds, key) };
	b->paths = cdp_paths_new();
	cdp_sight_slots(&b->slots, b->paths, &err);
	cdp_sights_init(&b->sights);
	b->scan = cdp_scan_new(b->paths);
	cdp_scan_set_trusted(b->scan, true);
}

static void stop(struct bench *b)
{
	cdp_identity_free(b->m);
	cdp_scan_free(b->scan);
	cdp_paths_free(b->paths);
	cdp_sights_release(&b->sights);
}

static void learn_all(struct bench *b, uint64_t n)
{
	struct cdp_buf block;

	cdp_buf_init(&block, CDP_BUF_NOMAX);
	for (uint64_t i = 0; i < 2 * n; i++) {
		put_line(&block, i, n);
		if ((i + 1) % BLOCK && i + 1 < 2 * n)
			continue;
		cdp_buf_reserve(&block, 64);
		learn_block(b, block.p, block.n);
		cdp_buf_reset(&block);
	}
	cdp_buf_release(&block);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct cdp_idkinds *kinds;
	struct cdp_identity_counts c;
	struct rusage use;
	struct bench b;
	struct cpu persons = { 0 };

	if (n && (strcmp(argv[1], "tsv") == 0 || strcmp(argv[1], "ndjson") == 0)) {
		(argv[1][0] == 't' ? put_tsv : put_ndjson)(n);
		return 0;
	}
	if (!n || argc < 4) {
		fprintf(stderr, "usage: bench_idmap tsv|ndjson PERSONS\n"
				"       bench_idmap build|presized PERSONS ROUND\n");
		return 2;
	}
	bring_memory(3 * n * 70);
	kinds = cdp_idkinds_default();
	start(&b, kinds);
	if (strcmp(argv[1], "presized") == 0)
		cdp_identity_expect(b.m, 3 * n, 2 * n);
	learn_all(&b, n);
	cpu_add(&persons, -1);
	cdp_identity_finish(b.m);
	cpu_add(&persons, 1);
	getrusage(RUSAGE_SELF, &use);
	cdp_identity_count(b.m, &c);
	printf("idmap.%s\t%s\t%.4f\t%.4f\t%.1f\t%d\n", argv[1], argv[3],
	       b.learning.all + persons.all, b.learning.all + persons.all,
	       (double)use.ru_maxrss / 1024, c.persons != n);
	fprintf(stderr,
		"%9llu ids of 23.3 bytes, %s: %.2f M pairs/s learned (%.2f without the "
		"kernel's share), persons in %.2f s (%.2f), %.1f bytes an id at peak\n",
		(unsigned long long)c.ids, argv[1],
		(double)(2 * n) / b.learning.all / 1e6,
		(double)(2 * n) / (b.learning.all - b.learning.kernel) / 1e6, persons.all,
		persons.all - persons.kernel,
		(double)use.ru_maxrss * 1024 / (double)c.ids);
	stop(&b);
	cdp_idkinds_free(kinds);
	return c.persons != n;
}
