#include "cli/ordered.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct run {
	const struct cdp_ordered *o;
	struct cdp_cli *cli;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	uint64_t next;    /* chunk to be made */
	uint64_t written; /* chunks written */
	bool failed;
};

struct thread {
	struct run *run;
	void *worker;
	pthread_t id;
};

/* Waits for the chunk's turn and writes it.  False: stop. */
static bool put(struct run *r, uint64_t chunk, const struct cdp_buf *text, uint64_t lines)
{
	bool go_on;

	pthread_mutex_lock(&r->lock);
	while (r->written != chunk && !r->failed)
		pthread_cond_wait(&r->turn, &r->lock);
	if (!r->failed && cdp_out_write(cdp_cli_out(r->cli), text->p, text->n) < 0)
		r->failed = true;
	if (!r->failed)
		r->cli->counts.out += lines;
	r->written++;
	go_on = !r->failed;
	pthread_cond_broadcast(&r->turn);
	pthread_mutex_unlock(&r->lock);
	return go_on;
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct run *r = t->run;
	bool go_on = true;
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	while (go_on) {
		uint64_t chunk, lines;

		pthread_mutex_lock(&r->lock);
		chunk = r->next++;
		pthread_mutex_unlock(&r->lock);
		if (chunk >= r->o->chunks)
			break;
		cdp_buf_reset(&text);
		lines = r->o->make(t->worker, chunk, &text);
		go_on = put(r, chunk, &text, lines);
	}
	cdp_buf_release(&text);
	return NULL;
}

void cdp_cli_write_ordered(struct cdp_cli *cli, const struct cdp_ordered *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t jobs = cli->opt.jobs ? (uint64_t)cli->opt.jobs
			: cores > 0   ? (uint64_t)cores
				      : 1;
	struct run r = { .o = o, .cli = cli };
	struct thread *t;
	uint64_t started = 1;

	if (jobs > o->chunks)
		jobs = o->chunks ? o->chunks : 1;
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.turn, NULL);
	t = cdp_calloc(jobs, sizeof(*t));
	for (uint64_t i = 0; i < jobs; i++) {
		t[i].run = &r;
		t[i].worker = o->worker(o->ctx);
	}
	/* A thread that cannot be started is no failure: the others do its part. */
	while (started < jobs &&
	       pthread_create(&t[started].id, NULL, work, &t[started]) == 0)
		started++;
	work(&t[0]);
	for (uint64_t i = 1; i < started; i++)
		pthread_join(t[i].id, NULL);
	for (uint64_t i = 0; i < jobs; i++)
		o->done(o->ctx, t[i].worker);
	free(t);
	pthread_cond_destroy(&r.turn);
	pthread_mutex_destroy(&r.lock);
}
