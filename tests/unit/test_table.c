#include "cli/table.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(s)                                                                          \
	{                                                                                \
		CDP_CELL_TEXT, s, sizeof(s) - 1, 0                                       \
	}
#define NUMBER(s)                                                                        \
	{                                                                                \
		CDP_CELL_NUMBER, s, sizeof(s) - 1, 0                                     \
	}
#define SHARE(v)                                                                         \
	{                                                                                \
		CDP_CELL_SHARE, "", 0, v                                                 \
	}

static struct cdp_buf b;

static const char *lay_out(const char *title, const struct cdp_cell *header,
			   size_t columns, const struct cdp_cell *cells, size_t rows)
{
	cdp_buf_reset(&b);
	cdp_table_text(&b, title, header, columns, cells, rows);
	return cdp_buf_str(&b);
}

static void test_text(void)
{
	const struct cdp_cell header[] = { TEXT("step"), TEXT("users") };
	const struct cdp_cell cells[] = { TEXT("view"), NUMBER("1000"), TEXT("buy"),
					  NUMBER("7") };
	const struct cdp_cell chinese[] = { TEXT("购买基金"), NUMBER("1"), TEXT("buy"),
					    NUMBER("12345678") };
	const struct cdp_cell mixed[] = { TEXT("a"), TEXT("x"), TEXT("b"), NUMBER("22") };
	const struct cdp_cell holes[] = {
		TEXT("a"), { CDP_CELL_EMPTY, "", 0, 0 }, TEXT("b"), NUMBER("2")
	};
	const struct cdp_cell odd[] = { TEXT("a\033[2Jb\n"), NUMBER("1") };

	is_str(lay_out("funnel", header, 2, cells, 2),
	       "funnel\nstep  users\nview   1000\nbuy       7\n",
	       "text stands at the left, numbers at the right");
	/* Each of the four characters takes two columns. */
	is_str(lay_out(NULL, header, 2, chinese, 2),
	       "step         users\n购买基金         1\nbuy       12345678\n",
	       "wide characters take two columns");
	is_str(lay_out(NULL, header, 2, mixed, 2), "step  users\na     x\nb     22\n",
	       "a column with any text stands at the left");
	is_str(lay_out(NULL, header, 2, holes, 2), "step  users\na\nb         2\n",
	       "an empty cell is blank, and no line ends in blanks");
	ok(!strchr(lay_out(NULL, header, 2, odd, 1), '\033'),
	   "control bytes are escaped");
	is_str(lay_out(NULL, header, 2, cells, 0), "step  users\n",
	       "no rows: the header");
}

static void test_share(void)
{
	const struct cdp_cell header[] = { TEXT("share") };
	const struct cdp_cell cells[] = { SHARE(1), SHARE(0.274), SHARE(0), SHARE(0.05),
					  SHARE(1.5) };

	/* 0.274 of 80 eighths is 21.92: two cells and six eighths. */
	is_str(lay_out(NULL, header, 1, cells, 5),
	       "             share\n"
	       " 100.0% ██████████\n"
	       "  27.4% ██▊\n"
	       "   0.0%\n"
	       "   5.0% ▌\n"
	       " 150.0% ██████████\n",
	       "a share is a percentage and a bar of ten cells");
}

static void test_csv(void)
{
	const struct cdp_cell cells[] = { TEXT("plain"),
					  TEXT("a,b"),
					  TEXT("say \"no\""),
					  TEXT("two\nlines"),
					  TEXT(" edge"),
					  NUMBER("1.50"),
					  TEXT("") };

	cdp_buf_reset(&b);
	cdp_table_csv(&b, cells, 7);
	is_str(cdp_buf_str(&b),
	       "plain,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\" edge\",1.50,\n",
	       "fields are quoted where they must be");
}

int main(void)
{
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	test_text();
	test_share();
	test_csv();
	cdp_buf_release(&b);
	return tap_done();
}
