#include "model/program.h"

#include <limits.h>

#include "io/spawn.h"

#define ANSWERS_MAX ((size_t)256 << 20)

/* 0, or -1 with why the run of the program was no good. */
static int talk(struct cdp_program_call *c)
{
	const struct cdp_channel *ch = c->channel;
	int idle = ch->timeout_ms > INT_MAX ? INT_MAX : (int)ch->timeout_ms;
	struct cdp_spawn *s = cdp_spawn_start(ch->argv, idle, &c->err);
	int status;

	if (!s)
		return -1;
	c->began = true;
	if (cdp_spawn_talk(s, c->p, c->n, &c->answers, &c->err) < 0) {
		cdp_spawn_kill(s);
		return -1;
	}
	if (cdp_spawn_finish(s, &c->answers, &status, &c->err) < 0)
		return -1;
	if (status > 128)
		return cdp_err_set(&c->err, CDP_ERR_SYS, "'%s' was ended by signal %d",
				   ch->argv[0], status - 128);
	if (status)
		return cdp_err_set(&c->err, CDP_ERR_SYS, "'%s' ended with status %d",
				   ch->argv[0], status);
	return 0;
}

static void *thread_main(void *arg)
{
	struct cdp_program_call *c = arg;

	c->failed = talk(c) < 0;
	pthread_mutex_lock(&c->gong->mutex);
	c->done = true;
	pthread_cond_signal(&c->gong->rung);
	pthread_mutex_unlock(&c->gong->mutex);
	return NULL;
}

void cdp_program_call(struct cdp_program_call *c, const struct cdp_channel *channel,
		      struct cdp_program_gong *gong, const char *p, size_t n)
{
	*c = (struct cdp_program_call){
		.channel = channel, .gong = gong, .p = p, .n = n
	};
	cdp_buf_init(&c->answers, ANSWERS_MAX);
	c->threaded = pthread_create(&c->thread, NULL, thread_main, c) == 0;
	if (!c->threaded)
		thread_main(c);
}

bool cdp_program_is_done(struct cdp_program_call *c)
{
	bool done;

	pthread_mutex_lock(&c->gong->mutex);
	done = c->done;
	pthread_mutex_unlock(&c->gong->mutex);
	return done;
}

static bool any_done(struct cdp_program_call *const *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (calls[i]->done)
			return true;
	return false;
}

void cdp_program_wait(struct cdp_program_gong *gong,
		      struct cdp_program_call *const *calls, size_t n)
{
	pthread_mutex_lock(&gong->mutex);
	while (!any_done(calls, n))
		pthread_cond_wait(&gong->rung, &gong->mutex);
	pthread_mutex_unlock(&gong->mutex);
}

void cdp_program_release(struct cdp_program_call *c)
{
	if (c->threaded)
		pthread_join(c->thread, NULL);
	cdp_buf_release(&c->answers);
}
