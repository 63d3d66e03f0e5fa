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

/* --- records --- */

enum { LINE = 192 }; /* at most so many bytes */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x7fb5d329728ea185;
	x ^= x >> 27;
	x *= 0x81dadef4bc2dd44d;
	return x ^ x >> 33;
}

/* Person of record i: each once among the first n and once among the others, in orders
 * that have nothing in common: walks by steps without a common divisor with n. */
static uint64_t person_of(uint64_t i, uint64_t n)
{
	return i < n ? i * 2654435761u % n : (i - n) * 2246822519u % n;
}

static char *put_text(char *to, const char *p)
{
	size_t n = strlen(p);

	memcpy(to, p, n);
	return to + n;
}

static char *put_number(char *to, uint64_t v, unsigned digits)
{
	for (unsigned k = digits; k-- > 0; v /= 10)
		to[k] = (char)('0' + v % 10);
	return to + digits;
}

static char *put_customer(char *to, uint64_t person)
{
	*to++ = 'C';
	return put_number(to, person, 9);
}

static char *put_device(char *to, uint64_t person)
{
	uint64_t v[2] = { mix(person + 1), mix(~person) };

	for (unsigned k = 0; k < 32; k++)
		*to++ = "0123456789abcdef"[v[k / 16] >> k % 16 * 4 & 15];
	return to;
}

static char *put_openid(char *to, uint64_t person)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t v[3] = { mix(person + 7), mix(person + 11), mix(person + 13) };

	for (unsigned k = 0; k < 28; k++)
		*to++ = letters[v[k % 3] >> k * 2 & 63];
	return to;
}

static char *put_record(char *to, uint64_t i, uint64_t n)
{
	uint64_t p = person_of(i, n), ms = i * 1000 / 300;

	to = put_text(to, "{\"time\":\"2024-04-");
	to = put_number(to, ms / 86400000 % 28 + 1, 2);
	to = put_text(to, "T");
	to = put_number(to, ms / 3600000 % 24, 2);
	to = put_text(to, ":");
	to = put_number(to, ms / 60000 % 60, 2);
	to = put_text(to, ":");
	to = put_number(to, ms / 1000 % 60, 2);
	to = put_text(to, ".");
	to = put_number(to, ms % 1000, 3);
	to = put_text(to, "Z\",\"event\":\"e\",\"ids\":{\"customer\":\"");
	to = put_customer(to, p);
	to = put_text(to, i < n ? "\",\"device\":\"" : "\",\"openid\":\"");
	to = i < n ? put_device(to, p) : put_openid(to, p);
	return put_text(to, "\"}}\n");
}

static char *put_pair(char *to, uint64_t i, uint64_t n)
{
	uint64_t p = person_of(i, n);

	to = put_text(to, "customer:");
	to = put_customer(to, p);
	to = put_text(to, i < n ? "\tdevice:" : "\topenid:");
	to = i < n ? put_device(to, p) : put_openid(to, p);
	return put_text(to, "\n");
}

static void put_all(uint64_t n, char *(*put)(char *to, uint64_t i, uint64_t n))
{
	char line[LINE];

	for (uint64_t i = 0; i < 2 * n; i++)
		fwrite(line, 1, (size_t)(put(line, i, n) - line), stdout);
}

/* --- memory --- */

/* A machine that is itself a program on another one asks that for memory first, and gives
 * it back soon after it was freed; that takes longer than all that is measured here.  So
 * another process, started before this one has any memory, is told now and then to use as
 * much as will be needed next and to free it: then that is there. */
struct warmer {
	pid_t pid;
	int ask, told;
	time_t last;
};

static void warm_on_demand(int ask, int tell)
{
	size_t n;

	while (read(ask, &n, sizeof(n)) == sizeof(n)) {
		char *p = n ? cdp_resize_large(NULL, 0, n) : NULL;

		for (size_t i = 0; i < n; i += 4096)
			p[i] = 1;
		cdp_resize_large(p, n, 0);
		if (write(tell, "", 1) != 1)
			break;
	}
	_exit(0);
}

static void warmer_start(struct warmer *w)
{
	int ask[2], tell[2];

	*w = (struct warmer){ 0 };
	if (pipe(ask) < 0 || pipe(tell) < 0 || (w->pid = fork()) < 0) {
		perror("bench_idmap");
		exit(1);
	}
	if (w->pid == 0) {
		close(ask[1]);
		close(tell[0]);
		warm_on_demand(ask[0], tell[1]);
	}
	close(ask[0]);
	close(tell[1]);
	w->ask = ask[1];
	w->told = tell[0];
}

/* More than is learned in a second. */
static void warm(struct warmer *w)
{
	size_t n = (size_t)128 << 20;
	struct timespec t;
	char done;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (t.tv_sec == w->last)
		return;
	if (write(w->ask, &n, sizeof(n)) == sizeof(n) && read(w->told, &done, 1) == 1)
		clock_gettime(CLOCK_MONOTONIC, &t);
	w->last = t.tv_sec;
}

static void warmer_stop(struct warmer *w)
{
	close(w->ask);
	close(w->told);
	waitpid(w->pid, NULL, 0);
}

/* --- learning --- */

enum { BLOCK = 1024 };

struct bench {
	struct cdp_identity *m;
	struct cdp_paths *paths;
	struct cdp_sight_slots slots;
	struct cdp_sights sights;
	struct cdp_scan *scan;
	struct warmer warmer;
	struct cpu reading, learning, persons;
};

static void learn_block(struct bench *b, const char *p, size_t n)
{
	struct cdp_rec rec;
	struct cdp_err err;
	const uint32_t *ids;

	cpu_add(&b->reading, -1);
	cdp_sights_reset(&b->sights);
	cdp_scan_block(b->scan, p, n);
	while (cdp_scan_next(b->scan, &rec, &err) > 0)
		cdp_sight_read(&b->sights, b->m, &b->slots, &rec);
	cpu_add(&b->reading, 1);
	cpu_add(&b->learning, -1);
	for (size_t i = 0; i < b->sights.n; i++) {
		cdp_identity_prefetch(b->m, &b->sights, i);
		cdp_identity_learn(b->m, &b->sights, i, NULL, NULL, &ids);
	}
	cpu_add(&b->learning, 1);
}

static void start(struct bench *b, const struct cdp_idkinds *kinds)
{
	static const uint8_t key[CDP_IDENTITY_KEY] = { 0 };
	struct cdp_err err;

	b->m = cdp_identity_new(kinds, key);
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
	warmer_stop(&b->warmer);
}

static void learn_all(struct bench *b, uint64_t n)
{
	char *block = cdp_alloc(BLOCK * LINE + 64), *end = block;

	for (uint64_t i = 0; i < 2 * n; i++) {
		end = put_record(end, i, n);
		if ((i + 1) % BLOCK && i + 1 < 2 * n)
			continue;
		warm(&b->warmer);
		learn_block(b, block, (size_t)(end - block));
		end = block;
	}
	free(block);
}

static double rate(uint64_t n, double seconds)
{
	return (double)n / seconds / 1e6;
}

/* Returns whether every person was found. */
static bool report(const struct bench *b, const char *how, const char *round, uint64_t n)
{
	double all = b->reading.all + b->learning.all + b->persons.all;
	struct cdp_identity_counts c;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	cdp_identity_count(b->m, &c);
	printf("idmap.%s\t%s\t%.4f\t%.4f\t%.1f\t%d\n", how, round, all, all,
	       (double)use.ru_maxrss / 1024, c.persons != n);
	fprintf(stderr,
		"%8llu %-8s %.2f M pairs/s learned (%.2f without the kernel's share), "
		"read "
		"%.2f, persons %.2f, all %.2f; %.1f bytes an id\n",
		(unsigned long long)c.ids, how, rate(2 * n, b->learning.all),
		rate(2 * n, b->learning.all - b->learning.kernel),
		rate(2 * n, b->reading.all), rate(2 * n, b->persons.all),
		rate(2 * n, all), (double)use.ru_maxrss * 1024 / (double)c.ids);
	return c.persons == n;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct cdp_idkinds *kinds;
	struct bench b = { 0 };
	bool good;

	if (n && (strcmp(argv[1], "tsv") == 0 || strcmp(argv[1], "ndjson") == 0)) {
		put_all(n, argv[1][0] == 't' ? put_pair : put_record);
		return 0;
	}
	if (!n || argc < 4) {
		fprintf(stderr, "usage: bench_idmap tsv|ndjson PERSONS\n"
				"       bench_idmap build|presized PERSONS ROUND\n");
		return 2;
	}
	warmer_start(&b.warmer);
	kinds = cdp_idkinds_default();
	start(&b, kinds);
	if (strcmp(argv[1], "presized") == 0)
		cdp_identity_expect(b.m, 3 * n, 2 * n);
	learn_all(&b, n);
	warm(&b.warmer);
	cpu_add(&b.persons, -1);
	cdp_identity_finish(b.m);
	cpu_add(&b.persons, 1);
	good = report(&b, argv[1], argv[3], n);
	stop(&b);
	cdp_idkinds_free(kinds);
	return !good;
}
