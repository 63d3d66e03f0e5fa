#include "model/once.h"

#include "base/hash.h"
#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

/* Records that are fetched into the cache before their turn. */
enum { AHEAD = 12 };

struct cdp_once_note {
	uint64_t id;
	uint32_t content;
	int64_t ms;
	size_t at, n; /* in the block, LF included */
	struct cdp_span event_id;
};

void cdp_once_init(struct cdp_once_notes *s, uint64_t seed)
{
	*s = (struct cdp_once_notes){ .seed = seed };
	cdp_buf_init(&s->tmp, CDP_BUF_NOMAX);
}

void cdp_once_release(struct cdp_once_notes *s)
{
	free(s->v);
	cdp_buf_release(&s->tmp);
}

enum { TIME_AT = 8, TIME_LEN = 26 }; /* of the value, with quotes, in a canonical head */

/* The record as any delivery has it, without LF: the text itself, or a copy in `tmp`. Not
 * sent nor received, and with the time that it came with. */
static const char *as_sent(struct cdp_buf *tmp, const struct cdp_canon *info,
			   const char *line, size_t *n)
{
	struct cdp_span gaps[] = { info->sent, info->received, info->original };
	size_t at = 0;

	if (!gaps[0].n && !gaps[1].n && !gaps[2].n)
		return line;
	cdp_buf_reset(tmp);
	for (;;) {
		struct cdp_span *next = NULL;

		for (int i = 0; i < 3; i++)
			if (gaps[i].n && (!next || gaps[i].at < next->at))
				next = &gaps[i];
		if (!next)
			break;
		cdp_buf_add(tmp, line + at, next->at - at);
		at = next->at + next->n;
		next->n = 0;
	}
	cdp_buf_add(tmp, line + at, *n - at);
	if (info->original.n)
		memcpy(tmp->p + TIME_AT,
		       line + info->original.at + info->original.n - TIME_LEN, TIME_LEN);
	*n = tmp->n;
	return tmp->p;
}

void cdp_once_note(struct cdp_once_notes *s, const struct cdp_canon *info,
		   const struct cdp_buf *out, size_t at)
{
	const char *line = out->p + at, *p;
	struct cdp_once_note note = {
		.ms = info->ms, .at = at, .n = out->n - at, .event_id = info->event_id
	};
	size_t n = note.n - 1;

	p = as_sent(&s->tmp, info, line, &n);
	note.content = (uint32_t)cdp_hash_stable(p, n, 2);
	if (info->event_id.n) {
		cdp_buf_reset(&s->tmp);
		cdp_buf_add(&s->tmp, line + info->source.at, info->source.n);
		cdp_buf_add(&s->tmp, line + info->event_id.at, info->event_id.n);
		p = s->tmp.p;
		n = s->tmp.n;
	}
	note.id = cdp_hash_stable(p, n, s->seed);
	CDP_GROW(s->v, s->n, s->cap);
	s->v[s->n++] = note;
}

/* The content's hash tells the bearers of one id apart, and is the same in every run. */
static void put_renamed(struct cdp_buf *out, const struct cdp_once_note *note,
			const char *line)
{
	struct cdp_buf id, renamed;

	cdp_buf_init(&id, CDP_BUF_NOMAX);
	cdp_buf_init(&renamed, CDP_BUF_NOMAX);
	cdp_buf_add(&id, line + note->event_id.at, note->event_id.n - 1);
	cdp_buf_addf(&id, "~%08x\"", note->content);
	cdp_rec_splice(&renamed, line, note->n - 1, "event_id", id.p, id.n, false);
	cdp_rec_splice(out, renamed.p, renamed.n, "duplicate_of",
		       line + note->event_id.at, note->event_id.n, false);
	cdp_buf_addc(out, '\n');
	cdp_buf_release(&id);
	cdp_buf_release(&renamed);
}

/* enum cdp_seen, or -1. */
static int look(struct cdp_dedup *seen, const struct cdp_once_note *note,
		struct cdp_once_counts *counts, struct cdp_err *err)
{
	int r;

	if (note->ms == CDP_NO_TIME)
		return CDP_SEEN_NEW;
	r = cdp_dedup_see(seen, note->id, note->content, note->ms, err);
	/* Two contents that agree in 64 bits have no id to be renamed. */
	if (r == CDP_SEEN_ID_ONLY && !note->event_id.n)
		r = CDP_SEEN_NEW;
	counts->duplicates += r == CDP_SEEN_AGAIN;
	counts->too_old += r == CDP_SEEN_TOO_OLD;
	return r;
}

/* What stays moves down in its block, so that nothing moves where nothing goes; once a
 * record has become longer, all that follows goes to a block of its own. */
struct kept {
	struct cdp_buf *block, longer;
	size_t n; /* of the block, before `longer` */
	bool grown;
};

static void keep(struct kept *k, const char *line, size_t n)
{
	if (k->grown) {
		cdp_buf_add(&k->longer, line, n);
		return;
	}
	if (k->block->p + k->n != line)
		memmove(k->block->p + k->n, line, n);
	k->n += n;
}

static void keep_renamed(struct kept *k, const struct cdp_once_note *note,
			 const char *line)
{
	if (!k->grown)
		cdp_buf_add(&k->longer, k->block->p, k->n);
	k->grown = true;
	put_renamed(&k->longer, note, line);
}

static void end_kept(struct kept *k)
{
	if (!k->grown) {
		k->block->n = k->n;
		cdp_buf_release(&k->longer);
		return;
	}
	cdp_buf_release(k->block);
	*k->block = k->longer;
}

int cdp_once_settle(struct cdp_once_notes *s, struct cdp_dedup *seen, struct cdp_buf *out,
		    struct cdp_buf *dropped, struct cdp_once_counts *counts,
		    struct cdp_err *err)
{
	struct kept k = { .block = out };
	int r = 0;

	cdp_buf_init(&k.longer, CDP_BUF_NOMAX);
	for (size_t i = 0; i < s->n && r >= 0; i++) {
		const struct cdp_once_note *note = &s->v[i];
		const char *line = out->p + note->at;

		if (i + AHEAD < s->n)
			cdp_dedup_ahead(seen, s->v[i + AHEAD].id);
		r = look(seen, note, counts, err);
		if (r == CDP_SEEN_AGAIN) {
			if (dropped)
				cdp_buf_add(dropped, line, note->n);
		} else if (r == CDP_SEEN_ID_ONLY) {
			counts->same_id++;
			keep_renamed(&k, note, line);
		} else {
			keep(&k, line, note->n);
		}
	}
	end_kept(&k);
	s->n = 0;
	return r < 0 ? -1 : 0;
}

void cdp_once_forget(struct cdp_once_notes *s)
{
	s->n = 0;
}
