/* Functions over trading days. */
#include "lang/calendar.h"
#include "lang/prog.h"

/* The run's calendar; the first `times` arguments must be timestamps. */
static const struct cdp_calendar *calendar(struct cdp_eval *ev, const struct cdp_node *n,
					   const struct cdp_value *args, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		if (args[i].type != CDP_V_TIMESTAMP) {
			cdp_eval_fail(ev, "no such overload: %s(%s%s%s)", n->func->name,
				      cdp_type_word(args[0].type),
				      n->count > 1 ? ", " : "",
				      n->count > 1 ? cdp_type_word(args[1].type) : "");
			return NULL;
		}
	if (!ev->has_run || !ev->run.calendar) {
		cdp_eval_fail(ev, "%s() needs a calendar of trading days", n->func->name);
		return NULL;
	}
	return ev->run.calendar;
}

static int failed(struct cdp_eval *ev, const struct cdp_err *err)
{
	return cdp_eval_fail(ev, "%s", err->msg);
}

static int is_trading_day(struct cdp_eval *ev, const struct cdp_node *n,
			  struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_calendar *c = calendar(ev, n, args, 1);
	struct cdp_err err;
	bool yes;

	if (!c)
		return -1;
	if (cdp_calendar_is_trading(c, args[0].t, &yes, &err) < 0)
		return failed(ev, &err);
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = yes };
	return 0;
}

/* The start of the trading day `by` after that of the instant. */
static int moved(struct cdp_eval *ev, const struct cdp_calendar *c, struct cdp_time t,
		 int64_t by, struct cdp_value *out)
{
	struct cdp_err err;
	int64_t number;

	*out = (struct cdp_value){ .type = CDP_V_TIMESTAMP };
	if (cdp_calendar_number(c, t, &number, &err) < 0 ||
	    cdp_calendar_start(c, number + by, &out->t, &err) < 0)
		return failed(ev, &err);
	return 0;
}

static int trading_day(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_calendar *c = calendar(ev, n, args, 1);

	return c ? moved(ev, c, args[0].t, 0, out) : -1;
}

static int add_trading_days(struct cdp_eval *ev, const struct cdp_node *n,
			    struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_calendar *c = calendar(ev, n, args, 1);

	if (!c)
		return -1;
	if (args[1].type != CDP_V_INT)
		return cdp_eval_fail(ev, "no such overload: %s(timestamp, %s)",
				     n->func->name, cdp_type_word(args[1].type));
	if (args[1].i > INT32_MAX || args[1].i < INT32_MIN)
		return cdp_eval_fail(ev, "the calendar does not reach that trading day");
	return moved(ev, c, args[0].t, args[1].i, out);
}

static int trading_days(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_calendar *c = calendar(ev, n, args, 2);
	struct cdp_err err;
	int64_t from, to;

	if (!c)
		return -1;
	if (cdp_calendar_number(c, args[0].t, &from, &err) < 0 ||
	    cdp_calendar_number(c, args[1].t, &to, &err) < 0)
		return failed(ev, &err);
	*out = (struct cdp_value){ .type = CDP_V_INT, .i = to - from };
	return 0;
}

const struct cdp_func cdp_trade_funcs[] = {
	{ "isTradingDay",
	  CDP_F_GLOBAL,
	  1,
	  1,
	  true,
	  CDP_V_BOOL,
	  is_trading_day,
	  { CDP_TAKES_TIME } },
	{ "tradingDay",
	  CDP_F_GLOBAL,
	  1,
	  1,
	  true,
	  CDP_V_TIMESTAMP,
	  trading_day,
	  { CDP_TAKES_TIME } },
	{ "addTradingDays",
	  CDP_F_GLOBAL,
	  2,
	  2,
	  true,
	  CDP_V_TIMESTAMP,
	  add_trading_days,
	  { CDP_TAKES_TIME, CDP_TAKES_INT } },
	{ "tradingDays",
	  CDP_F_GLOBAL,
	  2,
	  2,
	  true,
	  CDP_V_INT,
	  trading_days,
	  { CDP_TAKES_TIME, CDP_TAKES_TIME } },
	{ .name = NULL },
};
