/* measure < COMMANDS: runs shell commands in interleaved rounds and measures them.
 *
 * A line of COMMANDS is NAME, TAB, rounds, TAB, command.  In round r every command that
 * has so many rounds runs once, in the order of the lines, so that whatever else the
 * machine does meets all of them alike.  One line a run: NAME, round, wall s, CPU s (user
 * and system, of all processes), peak memory in MiB (of the largest process), status;
 * separated by TABs.  Standard input is /dev/null. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { COMMANDS = 200 };

struct command {
	char *name, *text;
	int rounds;
};

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Nothing of this process may weigh on the child's peak, so it stays small and the child
 * is spawned. */
static int run(const struct command *c, int round)
{
	static char sh[] = "sh", option[] = "-c";
	char *argv[] = { sh, option, c->text, NULL };
	struct timespec a, b;
	struct rusage used;
	double wall;
	int status;
	pid_t pid;

	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0 ||
	    wait4(pid, &status, 0, &used) != pid) {
		perror("measure");
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	wall = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%s\t%d\t%.4f\t%.4f\t%.1f\t%d\n", c->name, round, wall,
	       seconds(used.ru_utime) + seconds(used.ru_stime),
	       (double)used.ru_maxrss / 1024,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return 0;
}

static int load(struct command *all)
{
	size_t cap = 0;
	char *line = NULL;
	int n = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char *rounds, *text;

		line[strcspn(line, "\n")] = '\0';
		rounds = strchr(line, '\t');
		text = rounds ? strchr(rounds + 1, '\t') : NULL;
		if (!text || n == COMMANDS) {
			fprintf(stderr, "measure: bad command: %s\n", line);
			return -1;
		}
		*rounds = *text = '\0';
		all[n++] = (struct command){ .name = strdup(line),
					     .rounds = atoi(rounds + 1),
					     .text = strdup(text + 1) };
	}
	free(line);
	return n;
}

int main(void)
{
	static struct command all[COMMANDS];
	int n = load(all), most = 0, in = open("/dev/null", O_RDONLY);

	if (n < 0 || in < 0 || dup2(in, 0) < 0)
		return 1;
	for (int i = 0; i < n; i++)
		most = all[i].rounds > most ? all[i].rounds : most;
	for (int r = 1; r <= most; r++)
		for (int i = 0; i < n; i++)
			if (r <= all[i].rounds && run(&all[i], r) < 0)
				return 1;
	return 0;
}
