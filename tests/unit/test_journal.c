#include "base/buf.h"
#include "io/journal.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct cdp_err err;

static int gather(void *ctx, const char *p, size_t n, struct cdp_err *e)
{
	struct cdp_buf *b = ctx;

	(void)e;
	cdp_buf_add(b, p, n);
	cdp_buf_addc(b, '|');
	return 0;
}

static int refuse(void *ctx, const char *p, size_t n, struct cdp_err *e)
{
	(void)ctx;
	(void)p;
	(void)n;
	return cdp_err_set(e, CDP_ERR_SYS, "not this");
}

static void add(struct cdp_journal *j, const char *text)
{
	if (cdp_journal_add(j, text, strlen(text), &err) < 0)
		exit(1);
}

/* The chunks of the file as of a generation, each followed by a bar. */
static const char *chunks(uint64_t generation)
{
	static struct cdp_buf b;
	struct cdp_journal *j;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	j = cdp_journal_open(path, generation, gather, &b, &err);
	if (!j)
		return err.msg;
	cdp_journal_close(j);
	return cdp_buf_str(&b);
}

static void make(uint64_t generation)
{
	struct cdp_journal *j = cdp_journal_open(path, generation, refuse, NULL, &err);

	if (!j)
		exit(1);
	add(j, "one");
	add(j, "");
	add(j, "three");
	is_int((int64_t)cdp_journal_size(j), 3 * 16 + 8,
	       "its size is that of its chunks");
	cdp_journal_close(j);
}

static void cut_anywhere(void)
{
	struct stat st;
	int bad = 0;

	stat(path, &st);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		/* Header 16; chunks end at 35, 51 and 72. */
		const char *want = n < 35 ? "" : n < 51 ? "one|" : "one||";

		if (truncate(path, n) < 0)
			exit(1);
		bad += strcmp(chunks(7), want) != 0;
	}
	is_int(bad, 0, "a journal cut anywhere has the chunks before the cut");
}

static void goes_on_after_damage(void)
{
	struct cdp_journal *j;
	struct cdp_buf b;
	FILE *f = fopen(path, "r+");

	fseek(f, 34, SEEK_SET);
	fputc('X', f);
	fclose(f);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	j = cdp_journal_open(path, 7, gather, &b, &err);
	is_str(cdp_buf_str(&b), "", "a damaged chunk ends it");
	add(j, "new");
	cdp_journal_close(j);
	cdp_buf_release(&b);
	is_str(chunks(7), "new|", "and what follows is written over it");
}

int main(void)
{
	struct cdp_journal *j;
	struct cdp_buf b;

	snprintf(path, sizeof(path), "/tmp/test_journal.%d", (int)getpid());
	make(7);
	is_str(chunks(7), "one||three|", "chunks come back in order");
	ok(!cdp_journal_open(path, 7, refuse, NULL, &err) &&
		   strcmp(err.msg, "not this") == 0,
	   "an error of the reader is the caller's");
	cut_anywhere();
	unlink(path);
	make(7);
	goes_on_after_damage();
	is_str(chunks(8), "", "one of another generation is empty");
	unlink(path);
	make(7);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	j = cdp_journal_open(path, 7, gather, &b, &err);
	cdp_buf_release(&b);
	ok(cdp_journal_restart(j, 9, &err) == 0, "it can be begun again");
	add(j, "nine");
	ok(cdp_journal_sync(j, &err) == 0, "it can be brought to the disk");
	cdp_journal_close(j);
	is_str(chunks(9), "nine|", "with the generation that it continues");
	unlink(path);
	ok(!cdp_journal_open("/nonexistent/journal", 1, gather, NULL, &err) &&
		   err.kind == CDP_ERR_SYS,
	   "a path that cannot be is a system error");
	return tap_done();
}
