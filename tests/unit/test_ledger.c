#include "model/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/cdp-test-ledger-XXXXXX";
static char path[64];
static struct cdp_err err;

static struct cdp_ledger *open_ledger(bool dry)
{
	struct cdp_ledger *l = cdp_ledger_open(path, dry, &err);

	if (!l || cdp_ledger_begin(l, &err) < 0) {
		ok(false, "%s", err.msg);
		exit(tap_done());
	}
	return l;
}

static struct cdp_ledger_key key(const char *one_id, int64_t not_before, const char *id)
{
	struct cdp_ledger_key k = { .not_before = not_before, .n = (uint32_t)strlen(id) };

	memcpy(k.one_id, one_id, CDP_ONE_ID);
	memcpy(k.id, id, k.n);
	return k;
}

static const char ann[] = "00000000000000aa", bob[] = "00000000000000bb";

static int settle(struct cdp_ledger *l, const struct cdp_ledger_key *k,
		  const char *channel, enum cdp_send_state state, int64_t at,
		  const char *receipt)
{
	struct cdp_ledger_row row = { state, at, receipt, strlen(receipt) };

	return cdp_ledger_settle(l, k, channel, &row, at, &err);
}

/* What was iterated, as text. */
static char seen[256];

static int see_spooled(void *ctx, const struct cdp_ledger_key *k, const char *raw,
		       size_t n, struct cdp_err *e)
{
	size_t at = strlen(seen);

	(void)ctx, (void)e;
	snprintf(seen + at, sizeof(seen) - at, "%.*s=%.*s ", (int)k->n, k->id, (int)n,
		 raw);
	return 0;
}

static const char *spooled(struct cdp_ledger *l, const char *channel,
			   const struct cdp_ledger_key *from)
{
	seen[0] = '\0';
	return cdp_ledger_spooled(l, channel, from, see_spooled, NULL, &err) < 0 ? err.msg
										 : seen;
}

static int see_answer(void *ctx, const struct cdp_ledger_row *row, struct cdp_err *e)
{
	size_t at = strlen(seen);

	(void)ctx, (void)e;
	snprintf(seen + at, sizeof(seen) - at, "%.*s ", (int)row->n, row->receipt);
	return 0;
}

static const char *answers(struct cdp_ledger *l, int64_t run)
{
	seen[0] = '\0';
	return cdp_ledger_answers(l, run, see_answer, NULL, &err) < 0 ? err.msg : seen;
}

static int see_rival(void *ctx, const struct cdp_ledger_key *k, const char *channel,
		     size_t n, struct cdp_err *e)
{
	size_t at = strlen(seen);

	(void)ctx, (void)e;
	snprintf(seen + at, sizeof(seen) - at, "%.*s:%.*s ", (int)k->n, k->id, (int)n,
		 channel);
	return 0;
}

static const char *of_person(struct cdp_ledger *l, const char *one_id)
{
	seen[0] = '\0';
	return cdp_ledger_person(l, one_id, see_rival, NULL, &err) < 0 ? err.msg : seen;
}

static void a_message_on_its_way(void)
{
	struct cdp_ledger *l = open_ledger(false);
	struct cdp_ledger_key late = key(ann, 2000, "a"), early = key(bob, -1, "z"),
			      same = key(ann, 2000, "ab"), other = key(ann, 1, "c");
	struct cdp_ledger_row row;

	cdp_ledger_queue(l, &late, "sms", "A", 1, &err);
	cdp_ledger_queue(l, &same, "sms", "AB", 2, &err);
	cdp_ledger_queue(l, &early, "sms", "Z", 1, &err);
	cdp_ledger_queue(l, &other, "smsx", "C", 1, &err);
	is_str(spooled(l, "sms", NULL), "z=Z a=A ab=AB ",
	       "the spool of a channel is in the order of not_before, then message id");
	is_str(spooled(l, "sms", &late), "a=A ab=AB ", "and can be read from a place on");
	is_str(spooled(l, NULL, NULL), "z=Z a=A ab=AB c=C ", "or as a whole");
	is_str(of_person(l, ann), "c:smsx a:sms ab:sms ",
	       "the spool of a person has all channels");
	ok(cdp_ledger_get(l, "a", 1, &row, &err) == 1 && row.state == CDP_SEND_QUEUED &&
		   row.n == 0,
	   "a queued message has no receipt");
	ok(cdp_ledger_get(l, "b", 1, &row, &err) == 0, "an unknown message is not known");

	ok(settle(l, &late, "sms", CDP_SEND_HELD, 500, "held-a") == 0 &&
		   strcmp(spooled(l, "sms", NULL), "z=Z a=A ab=AB ") == 0,
	   "a held message stays in the spool");
	ok(settle(l, &late, "sms", CDP_SEND_ACCEPTED, 900, "done-a") == 0 &&
		   strcmp(spooled(l, "sms", NULL), "z=Z ab=AB ") == 0 &&
		   strcmp(of_person(l, ann), "c:smsx ab:sms ") == 0,
	   "an accepted one leaves it");
	settle(l, &early, "sms", CDP_SEND_SUPPRESSED, 900, "no-z");
	is_str(answers(l, 900), "done-a no-z ",
	       "a run is answered with its receipts by message id");
	is_str(answers(l, 500), "done-a ",
	       "an earlier run with what became of its message since");
	cdp_ledger_answer(l, "z", 1, 1000, &err);
	is_str(answers(l, 1000), "no-z ", "a message asked for again is answered again");
	is_str(answers(l, 901), "", "a run that had no message has no answer");
	ok(cdp_ledger_commit(l, &err) == 0, "all of it is committed");
	cdp_ledger_close(l);
}

static void sends(void)
{
	struct cdp_ledger *l = open_ledger(false);
	struct cdp_ledger_key call = key(ann, 0, "call1"), failed = key(ann, 0, "f");

	is_str(answers(l, 900), "done-a no-z ", "receipts survive");
	settle(l, &call, "call", CDP_SEND_ACCEPTED, 950, "r");
	settle(l, &failed, "sms", CDP_SEND_FAILED, 950, "r");
	is_int(cdp_ledger_sends(l, ann, NULL, 0, 2000, 99, &err), 2,
	       "accepted sends of all channels count, failed ones do not");
	is_int(cdp_ledger_sends(l, ann, "sms", 0, 2000, 99, &err), 1,
	       "those of one channel alone");
	is_int(cdp_ledger_sends(l, ann, NULL, 900, 950, 99, &err), 1,
	       "a window has its start and not its end");
	is_int(cdp_ledger_sends(l, ann, NULL, 901, 950, 99, &err), 0,
	       "nothing before its start");
	is_int(cdp_ledger_sends(l, ann, NULL, 0, 2000, 1, &err), 1,
	       "counting ends at what is enough");
	is_int(cdp_ledger_sends(l, bob, NULL, 0, 2000, 99, &err), 0,
	       "a suppressed message is no send");
	cdp_ledger_close(l);
	l = open_ledger(false);
	is_int(cdp_ledger_sends(l, ann, NULL, 0, 2000, 99, &err), 1,
	       "what was not committed is gone");
	cdp_ledger_close(l);
}

static void one_process(void)
{
	struct cdp_ledger *l = open_ledger(false);
	struct cdp_err told = { 0 };
	int status;

	if (fork() == 0)
		_exit(cdp_ledger_open(path, false, &told) == NULL &&
				      told.kind == CDP_ERR_SYS
			      ? 0
			      : 1);
	wait(&status);
	ok(status == 0, "a second process is refused");
	cdp_ledger_close(l);
}

static void dry_runs(void)
{
	struct cdp_ledger_key k = key(bob, 0, "dry");
	struct cdp_ledger *l = open_ledger(true);
	struct cdp_ledger_row row;
	struct stat st;

	cdp_ledger_queue(l, &k, "sms", "D", 1, &err);
	ok(cdp_ledger_commit(l, &err) == 0 &&
		   cdp_ledger_get(l, "dry", 3, &row, &err) == 1,
	   "a dry run sees what it wrote after a commit");
	cdp_ledger_close(l);
	l = open_ledger(false);
	ok(cdp_ledger_get(l, "dry", 3, &row, &err) == 0, "nobody else ever does");
	cdp_ledger_close(l);

	strcat(path, "2");
	l = open_ledger(true);
	cdp_ledger_close(l);
	ok(stat(path, &st) < 0, "a dry run without a state leaves none behind");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/state", dir);
	a_message_on_its_way();
	sends();
	one_process();
	dry_runs();
	path[strlen(path) - 1] = '\0';
	for (const char *const *name =
		     (const char *const[]){ "data.mdb", "lock.mdb", "run.lock", NULL };
	     *name; name++) {
		char file[96];

		snprintf(file, sizeof(file), "%s/%s", path, *name);
		unlink(file);
	}
	rmdir(path);
	rmdir(dir);
	return tap_done();
}
