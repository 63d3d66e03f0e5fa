#include "base/time.h"
#include "model/latedays.h"
#include "tap.h"

int main(void)
{
	struct cdp_latedays a = { 0 }, b = { 0 };
	int64_t day = cdp_days_from_civil(2024, 3, 1);
	struct cdp_buf out;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_latedays_write(&a, &out);
	is_str(cdp_buf_str(&out), "", "no day, no row");
	cdp_latedays_add(&a, day, 1);
	cdp_latedays_add(&a, day - 1, 2);
	cdp_latedays_add(&a, day, 1);
	cdp_latedays_add(&b, day + 306, 5);
	cdp_latedays_add(&b, day - 1, 1);
	cdp_latedays_add(&b, day - 20, 1);
	cdp_latedays_merge(&a, &b);
	cdp_latedays_write(&a, &out);
	is_str(cdp_buf_str(&out),
	       "{\"day\":\"2024-02-10\",\"late\":1}\n"
	       "{\"day\":\"2024-02-29\",\"late\":3}\n"
	       "{\"day\":\"2024-03-01\",\"late\":2}\n"
	       "{\"day\":\"2025-01-01\",\"late\":5}\n",
	       "days are in order, whatever order they came in, and add up");
	cdp_latedays_release(&a);
	cdp_latedays_release(&b);
	cdp_buf_release(&out);
	return tap_done();
}
