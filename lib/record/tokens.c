#include "record/json.h"
#include "record/scan_index.h"

bool cdp_rec_tokens(const struct cdp_rec *rec, const struct cdp_val *object,
		    struct cdp_tokens *t)
{
	const struct cdp_index *ix = rec->scan->index;
	size_t at;

	if (!ix || ix->walked != rec->raw || !rec->compact || object->type != CDP_OBJECT)
		return false;
	at = (size_t)(object->p - rec->raw);
	t->base = ix->begin;
	t->at = ix->at + ix->first;
	at += *t->at;
	/* slash_at: the first backslash from the record's beginning on. */
	if (ix->slash_at < at + object->n)
		return false;
	while (*t->at < at)
		t->at++;
	return true;
}
