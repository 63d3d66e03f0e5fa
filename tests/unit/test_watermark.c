/* How far a table was read: nothing twice, nothing missed. */
#include "model/watermark.h"

#include <string.h>

#include "tap.h"

static struct cdp_buf saved;

static struct cdp_watermark *resume(void)
{
	struct cdp_watermark *w = cdp_watermark_new();
	struct cdp_err err;

	if (saved.n)
		is_int(cdp_watermark_load(w, saved.p, saved.n, &err), 0,
		       "a position is read back");
	return w;
}

static void save(struct cdp_watermark *w)
{
	cdp_buf_reset(&saved);
	cdp_watermark_save(w, &saved);
	cdp_watermark_free(w);
}

static bool pass(struct cdp_watermark *w, const char *value, const char *row)
{
	return cdp_watermark_pass(w, value, strlen(value), true, row, strlen(row));
}

static const char *query(struct cdp_watermark *w)
{
	static struct cdp_buf b;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	cdp_watermark_query(w, "t", "id", &b);
	return cdp_buf_str(&b);
}

static void runs(void)
{
	struct cdp_watermark *w = resume();

	is_str(query(w), "SELECT * FROM t ORDER BY id", "the first run reads all");
	ok(!cdp_watermark_is_set(w), "there is no position yet");
	ok(!pass(w, "1", "1,a") && !pass(w, "2", "2,b") && !pass(w, "2", "2,c") &&
		   !pass(w, "2", "2,c"),
	   "all of its rows are new");
	save(w);
	w = resume();
	is_str(query(w), "SELECT * FROM t WHERE id >= 2 ORDER BY id",
	       "the next one begins with the last value");
	ok(pass(w, "2", "2,c") && pass(w, "2", "2,b") && pass(w, "2", "2,c"),
	   "rows that were read are known in any order");
	ok(!pass(w, "2", "2,c"), "one more of the same is not");
	ok(!pass(w, "2", "2,d"), "nor is another with the same value");
	save(w);
	w = resume();
	ok(pass(w, "2", "2,b") && pass(w, "2", "2,c") && pass(w, "2", "2,c") &&
		   pass(w, "2", "2,c") && pass(w, "2", "2,d") && !pass(w, "3", "3,e"),
	   "all of them are known in the run after that");
	ok(!pass(w, "3", "3,e"), "equal rows of one run are both new");
	save(w);
	w = resume();
	is_str(query(w), "SELECT * FROM t WHERE id >= 3 ORDER BY id",
	       "the position goes on");
	save(w);
	w = resume();
	is_str(query(w), "SELECT * FROM t WHERE id >= 3 ORDER BY id",
	       "a run without rows leaves it");
	ok(pass(w, "3", "3,e") && pass(w, "3", "3,e") && !pass(w, "3", "3,e"),
	   "with the rows that were read");
	cdp_watermark_free(w);
}

static void literals(void)
{
	struct cdp_watermark *w;
	struct cdp_err err;

	cdp_buf_reset(&saved);
	w = resume();
	cdp_watermark_pass(w, "it's", 4, false, "x", 1);
	save(w);
	w = resume();
	is_str(query(w), "SELECT * FROM t WHERE id >= 'it''s' ORDER BY id",
	       "a text is quoted");
	cdp_watermark_free(w);
	for (size_t n = 0; n < saved.n; n++) {
		w = cdp_watermark_new();
		ok(cdp_watermark_load(w, saved.p, n, &err) < 0 ||
			   n == 10, /* whole, without rows */
		   "a position of %zu bytes is damaged", n);
		cdp_watermark_free(w);
	}
}

int main(void)
{
	cdp_buf_init(&saved, CDP_BUF_NOMAX);
	runs();
	literals();
	cdp_buf_release(&saved);
	return tap_done();
}
