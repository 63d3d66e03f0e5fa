/* The funnels of the truth, by their plainest rule: a user reaches step k if events of
 * steps 1 to k follow each other, each strictly later than the one before and the last at
 * most seven days after the first.
 *
 * An attempt (struct chain) begins at every event of step 1 and takes the earliest next
 * step each time.  Events come in order of time and, at one time, in falling order of
 * steps, so that none follows another of the same time.  Of attempts that began with the
 * same system and channel and are equally far, only the latest can get further than the
 * others: one is kept.  Groups are those of the first step's event.
 *
 * A person's `reach` holds, for each funnel, three bits for each group of attempts and,
 * above them, the system and the channel of the very first attempt. */
#include "model/bank_int.h"

#include "base/mem.h"

enum { FIRST_SHIFT = 3 * FUNNEL_REACHES };
_Static_assert(FIRST_SHIFT + 4 <= 32 && OS_NUM <= 4 && CH_NUM <= 4, "fits 32 bits");

#define WINDOW_MS (7 * (int64_t)DAY_MS)

/* Which step of which funnel a type is: step counted from 1, 0 for none. */
static const struct {
	uint8_t funnel, step;
} places[EV_TYPES] = {
	[EV_VIEW_PRODUCT] = { 0, 1 },  [EV_CLICK_BUY] = { 0, 2 },
	[EV_SUBMIT_ORDER] = { 0, 3 },  [EV_PAY_SUCCESS] = { 0, 4 },
	[EV_OPEN_START] = { 1, 1 },    [EV_UPLOAD_ID] = { 1, 2 },
	[EV_FILL_INFO] = { 1, 3 },     [EV_FACE_VERIFY] = { 1, 4 },
	[EV_OPEN_SUCCESS] = { 1, 5 },  [EV_LOAN_VIEW] = { 2, 1 },
	[EV_LOAN_FILL] = { 2, 2 },     [EV_LOAN_SUBMIT] = { 2, 3 },
	[EV_LOAN_APPROVED] = { 2, 4 },
};

unsigned bank_funnel_place(unsigned type)
{
	return places[type].step;
}

/* Three bits a group: how far its users came. */
static void raise_reach(uint32_t *reach, unsigned group, unsigned depth)
{
	unsigned shift = group * 3;

	if ((*reach >> shift & 7) < depth)
		*reach = (*reach & ~(7u << shift)) | (uint32_t)depth << shift;
}

static void reached(struct person *p, unsigned funnel, const struct chain *c)
{
	raise_reach(&p->reach[funnel], 0, c->depth);
	raise_reach(&p->reach[funnel], 1u + c->os, c->depth);
	raise_reach(&p->reach[funnel], 1u + OS_NUM + c->channel, c->depth);
}

/* Links hold index + 1; 0 ends a list. */
static void drop_chain(struct cdp_bank *b, uint32_t *link)
{
	uint32_t at = *link;
	struct chain *c = &b->chains[at - 1];

	*link = c->next;
	c->next = b->free_chain;
	b->free_chain = at;
}

static uint32_t new_chain(struct cdp_bank *b)
{
	uint32_t at = b->free_chain;

	if (at) {
		b->free_chain = b->chains[at - 1].next;
		return at;
	}
	CDP_GROW(b->chains, b->nchains, b->cap_chains);
	return (uint32_t)++b->nchains;
}

/* Of two attempts of one kind at one depth the later start stays. */
static void prune(struct cdp_bank *b, uint32_t *head)
{
	for (uint32_t *x = head; *x;) {
		const struct chain *c = &b->chains[*x - 1];
		bool beaten = false;

		for (uint32_t y = *head; y && !beaten; y = b->chains[y - 1].next) {
			const struct chain *d = &b->chains[y - 1];

			beaten = d != c && d->depth == c->depth && d->os == c->os &&
				 d->channel == c->channel && d->start >= c->start;
		}
		if (beaten)
			drop_chain(b, x);
		else
			x = &b->chains[*x - 1].next;
	}
}

void bank_funnel_step(struct cdp_bank *b, const struct cdp_bank_event *ev)
{
	unsigned funnel = places[ev->type].funnel, step = places[ev->type].step;
	unsigned steps = bank_funnels[funnel].steps;
	struct person *p = &b->persons[ev->person];
	uint32_t *head = &p->chain[funnel];
	int64_t t = (int64_t)b->day * DAY_MS + ev->ms;

	if (!step)
		return;
	for (uint32_t *x = head; *x;) {
		struct chain *c = &b->chains[*x - 1];

		if (t - c->start > WINDOW_MS) {
			drop_chain(b, x);
			continue;
		}
		if (c->depth + 1u == step && c->last < t) {
			c->depth++;
			c->last = t;
			reached(p, funnel, c);
			if (step == steps) {
				drop_chain(b, x);
				continue;
			}
		}
		x = &c->next;
	}
	if (step == 1) {
		uint32_t at = new_chain(b);
		struct chain *c = &b->chains[at - 1];

		if (!p->reach[funnel])
			p->reach[funnel] = (uint32_t)(ev->os | ev->channel << 2)
					   << FIRST_SHIFT;
		*c = (struct chain){ .start = t,
				     .last = t,
				     .next = *head,
				     .depth = 1,
				     .os = ev->os,
				     .channel = ev->channel };
		*head = at;
		reached(p, funnel, c);
	}
	prune(b, head);
}

static void count_user(uint32_t reach, uint64_t users[FUNNEL_GROUPS][STEPS_MAX])
{
	unsigned first = reach >> FIRST_SHIFT;

	for (unsigned g = 0; g < FUNNEL_REACHES; g++)
		for (unsigned s = 0; s < (reach >> (g * 3) & 7); s++)
			users[g][s]++;
	for (unsigned s = 0; s < (reach & 7); s++) {
		users[FUNNEL_REACHES + (first & 3)][s]++;
		users[FUNNEL_REACHES + OS_NUM + (first >> 2 & 3)][s]++;
	}
}

void bank_funnel_users(const struct cdp_bank *b,
		       uint64_t users[FUNNELS][FUNNEL_GROUPS][STEPS_MAX])
{
	for (unsigned f = 0; f < FUNNELS; f++)
		for (unsigned g = 0; g < FUNNEL_GROUPS; g++)
			for (unsigned s = 0; s < STEPS_MAX; s++)
				users[f][g][s] = 0;
	for (uint32_t i = 0; i < b->npersons; i++)
		for (unsigned f = 0; f < FUNNELS; f++)
			count_user(b->persons[i].reach[f], users[f]);
}
