/* The progress bar: bytes of the inputs read, rate, remaining time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/priv.h"

enum { BAR_CELLS = 30 };
#define REDRAW_S 0.2

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

static void draw(uint64_t done, uint64_t total, double seconds)
{
	char line[200], cells[BAR_CELLS + 1];
	double rate = seconds > 0 ? (double)done / seconds : 0;
	int n, filled;

	if (!total) {
		n = snprintf(line, sizeof(line), "\r%.1f MB  %.1f MB/s\033[K",
			     (double)done / 1e6, rate / 1e6);
	} else {
		filled = (int)((double)done / (double)total * BAR_CELLS);
		if (filled > BAR_CELLS)
			filled = BAR_CELLS;
		memset(cells, ' ', BAR_CELLS);
		memset(cells, '#', (size_t)filled);
		cells[BAR_CELLS] = '\0';
		n = snprintf(line, sizeof(line),
			     "\r[%s] %3.0f%%  %.1f MB/s  %.0f s left\033[K", cells,
			     100.0 * (double)done / (double)total, rate / 1e6,
			     rate > 0 && total > done ? (double)(total - done) / rate
						      : 0.0);
	}
	if (n > 0)
		(void)cli_write_all(STDERR_FILENO, line, (size_t)n);
}

void cli_progress(struct cdp_cli *cli, const struct cdp_in *in)
{
	struct progress *p = &cli->priv->progress;
	struct timespec now;
	uint64_t done, total;

	if (!p->on)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!p->start.tv_sec)
		p->start = p->last = now;
	if (seconds_between(&p->last, &now) < REDRAW_S)
		return;
	p->last = now;
	cdp_in_progress(in, &done, &total);
	draw(done, total, seconds_between(&p->start, &now));
	p->drawn = true;
}

void cli_progress_clear(struct cdp_cli *cli)
{
	if (cli->priv->progress.drawn)
		(void)cli_write_all(STDERR_FILENO, "\r\033[K", 4);
	cli->priv->progress.drawn = false;
}
