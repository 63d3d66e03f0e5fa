#include "model/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

static void set_role(struct cdp_identity *m, struct kind *k)
{
	k->def = cdp_idkinds_find(m->kinds, k->name, k->len);
	if (!k->def)
		k->role = m->kinds->alone ? KIND_ALONE : KIND_OUT;
	else if (k->def->off)
		k->role = KIND_OUT;
	else
		k->role = k->def->shared ? KIND_SHARED : KIND_FIRM;
	k->rank = k->def ? k->def->rank : UINT16_MAX;
	k->bit = k->def ? k->def->bit : 0;
	k->may_contest = k->role == KIND_SHARED || (k->def && k->def->degree);
}

uint32_t idm_kind(struct cdp_identity *m, const char *name, size_t n)
{
	for (unsigned i = 0; i < m->nkinds; i++)
		if (m->kind[i].len == n && memcmp(m->kind[i].name, name, n) == 0)
			return i;
	if (m->nkinds == CDP_IDKINDS_MAX)
		return NONE;
	m->kind[m->nkinds] = (struct kind){ .name = cdp_strndup(name, n),
					    .len = n,
					    .parent = (uint8_t)m->nkinds };
	memcpy(&m->kind[m->nkinds].word, name, n < 8 ? n : 8);
	set_role(m, &m->kind[m->nkinds]);
	if (m->log)
		idm_log_kind(m, &m->kind[m->nkinds]);
	return m->nkinds++;
}

struct cdp_identity *cdp_identity_new(const struct cdp_idkinds *kinds,
				      const uint8_t key[CDP_IDENTITY_KEY])
{
	struct cdp_identity *m = cdp_calloc(1, sizeof(*m));

	m->kinds = kinds;
	memcpy(m->key, key, sizeof(m->key));
	idm_slots_init(&m->table, 0);
	idm_slots_init(&m->others, 0);
	m->junk = cdp_intern_new(0);
	m->sources = cdp_intern_new(0);
	cdp_intern_put(m->sources, "", 0, NULL);
	m->parts = cdp_intern_new(0);
	m->known_at = INT64_MAX;
	m->names = cdp_calloc(1, sizeof(*m->names));
	for (unsigned i = 0; i < kinds->n; i++)
		idm_kind(m, kinds->v[i].name, kinds->v[i].len);
	for (unsigned i = 0; i < kinds->n; i++)
		if (kinds->v[i].parent)
			m->kind[i].parent = (uint8_t)(kinds->v[i].parent - kinds->v);
	m->nfixed = m->nkinds;
	return m;
}

void cdp_identity_free(struct cdp_identity *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->nkinds; i++)
		free(m->kind[i].name);
	idm_slots_release(&m->table);
	idm_slots_release(&m->others);
	cdp_resize_large(m->text, m->text_cap, 0);
	cdp_intern_free(m->junk);
	cdp_intern_free(m->sources);
	cdp_intern_free(m->parts);
	cdp_intern_free(m->excluded);
	free(m->pairs);
	free(m->later);
	free(m->freed);
	cdp_resize_large(m->id, m->cap * sizeof(*m->id), 0);
	cdp_resize_large(m->links, m->links_cap * sizeof(*m->links), 0);
	idm_release_near(m);
	free(m->person);
	free(m->names);
	free(m->merges);
	cdp_resize_large(m->live, m->live_cap * sizeof(*m->live), 0);
	free(m->pick);
	explicit_bzero(m->key, sizeof(m->key));
	free(m);
}

/* --- persons --- */

void cdp_identity_keep_merges(struct cdp_identity *m)
{
	m->keep_merges = true;
}

void cdp_identity_known_at(struct cdp_identity *m, int64_t ms)
{
	m->known_at = ms;
	m->changed = true;
}

bool idm_changed(const struct cdp_identity *m)
{
	return m->changed ||
	       (m->count && m->print != (m->kinds->print ^ m->exclude_print));
}

void cdp_identity_publish(struct cdp_identity *m)
{
	uint32_t *root, *up, count = m->count;
	struct naming n;

	m->nmerges = 0;
	if (!idm_changed(m)) {
		idm_cut_links(m);
		return;
	}
	up = idm_join(m);
	root = idm_place(m, up);
	idm_name_all(m, up, root, &n);
	idm_note_merges(m, &n);
	for (uint32_t i = 0; i < count; i++) {
		if (n.names[n.person[i]] != m->names[idm_person(m, i)])
			m->id[i].flags |= ID_DIRTY;
	}
	free(n.claim);
	free(m->person);
	m->person = n.person;
	m->npublished = count;
	free(m->names);
	m->names = n.names;
	m->npersons = n.npersons;
	m->changed = false;
	m->print = m->kinds->print ^ m->exclude_print;
	if (m->streaming)
		idm_note_redirects(m);
}

void cdp_identity_finish(struct cdp_identity *m)
{
	idm_slots_release(&m->table);
	idm_slots_release(&m->others);
	idm_release_near(m);
	cdp_identity_publish(m);
}

size_t cdp_identity_deciding(const struct cdp_identity *m, size_t n, const uint32_t *ids)
{
	for (size_t i = 0; i < n; i++)
		if (!m->kind[m->id[ids[i]].kind].may_contest)
			return i + 1;
	return n;
}

bool cdp_identity_of(const struct cdp_identity *m, const uint32_t *ids, size_t n,
		     int64_t ms, uint64_t *one_id)
{
	uint32_t id;
	bool other;

	if (!n)
		return false;
	id = ids[0];
	other = idm_was_other(m, id, ms);
	for (size_t i = 0; i < n; i++) {
		if (m->id[ids[i]].flags & ID_CONTESTED || idm_was_other(m, ids[i], ms))
			continue;
		id = ids[i];
		other = false;
		break;
	}
	*one_id = other ? idm_name(m, id, NAME_FREED, 0) : m->names[idm_person(m, id)];
	return true;
}

void cdp_identity_count(const struct cdp_identity *m, struct cdp_identity_counts *c)
{
	*c = m->counts;
	for (uint32_t i = 0; i < m->count; i++) {
		c->ids += idm_person(m, i) != 0;
		c->contested += (m->id[i].flags & ID_CONTESTED) != 0;
	}
	c->persons = m->npersons;
	c->links = m->nlinks;
	for (size_t i = 0; i < m->nlinks; i++)
		c->parted += (m->links[i].flags & LINK_CUT) != 0;
	for (unsigned i = 0; i < m->nkinds; i++)
		c->blocked += m->kind[i].blocked;
	c->conflicts = idm_conflicts(m, NULL, NULL);
}
