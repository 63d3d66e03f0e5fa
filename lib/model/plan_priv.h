/* Inside of struct cdp_plan, for plan*.c and coverage.c. */
#ifndef CDP_MODEL_PLAN_PRIV_H
#define CDP_MODEL_PLAN_PRIV_H

#include "base/decimal.h"
#include "base/intern.h"
#include "lang/regex.h"
#include "model/plan.h"

enum plan_type {
	PLAN_ANY,
	PLAN_STRING,
	PLAN_INT,
	PLAN_NUMBER,
	PLAN_DECIMAL, /* a number without exponent */
	PLAN_BOOL,
	PLAN_TIME,
	PLAN_DATE,
	PLAN_LIST,
	PLAN_OBJECT,
	PLAN_TYPES,
};
extern const char *const plan_type_names[PLAN_TYPES + 1];

enum plan_action { PLAN_REJECT, PLAN_STRIP, PLAN_MARK, PLAN_ALLOW, PLAN_ACTIONS };

/* [since, until) in ms; open ends are INT64_MIN and INT64_MAX. */
struct plan_period {
	int64_t since, until;
};

/* An end of a range: a number, or ms or days of a time or date. */
struct plan_limit {
	bool is;
	struct cdp_decimal dec;
	double dbl;
	int64_t when;
	char *text; /* as the plan has it */
};

struct plan_prop {
	char *name, *quoted; /* as JSON */
	size_t name_n;
	unsigned id; /* dense in the plan, for counting */
	enum plan_type type;
	bool required;
	bool common; /* of all events: that one does not have it is no news */
	struct plan_period period;
	struct cdp_regex *pattern;
	char *pattern_text;
	struct plan_limit min, max;
	int64_t min_length, max_length; /* -1: none */
	struct cdp_intern *texts;       /* values allowed, or NULL */
	struct cdp_decimal *numbers;
	size_t number_count;
	struct plan_props *below; /* of an object, or NULL: anything */
	struct plan_prop *items;  /* of a list, or NULL: anything */
};

struct plan_props {
	struct plan_prop *v;
	unsigned n, required;
	bool additional;
	/* Names and aliases, by the index in `alias_of`. */
	struct cdp_intern *names;
	unsigned *alias_of;
};

struct plan_event {
	char *name, *quoted, *owner, *title;
	size_t name_n;
	char **scenarios;
	size_t scenario_count;
	struct plan_period period;
	struct plan_props props;
	uint8_t actions[CDP_VIOLATIONS];
};

/* A business measure and the events that it is made of. */
struct plan_metric {
	char *name, *scenario, *title;
	char **events;
	size_t event_count;
};

struct cdp_plan {
	char *name, *version, *label;
	const struct cdp_zone *zone;
	uint8_t actions[CDP_VIOLATIONS];
	struct cdp_intern *ids; /* kinds, or NULL: any */
	struct plan_event *events;
	unsigned event_count;
	struct cdp_intern *names; /* of events, aliases too */
	unsigned *alias_of;
	struct plan_metric *metrics;
	unsigned metric_count;
	char **scenarios; /* names */
	unsigned scenario_count;
	unsigned prop_ids; /* how many there are */
	int s_ids, s_props, s_violations;
};

/* The index of an event or property of that name, or CDP_INTERN_NONE. */
static inline uint32_t plan_find(const struct cdp_intern *names, const unsigned *alias_of,
				 const char *p, size_t n)
{
	uint32_t i = cdp_intern_get(names, p, n);

	return i == CDP_INTERN_NONE ? i : alias_of[i];
}

/* A date or a time of the plan or of a record: ms, or days of a PLAN_DATE. */
int plan_when(enum plan_type type, const char *p, size_t n, const struct cdp_zone *zone,
	      int64_t *when, struct cdp_err *err);

#endif
