#include "cli/tag_outside.h"

#include "base/hash.h"

#include <string.h>
#include <sys/stat.h>

/* --- which files --- */

struct stamp {
	uint64_t hash;
	bool missing; /* one that must be there */
	size_t files;
};

static void add_file(struct stamp *h, const char *path, bool must)
{
	struct stat st;

	h->files++;
	h->hash = cdp_hash_stable(path, strlen(path), h->hash);
	if (stat(path, &st) < 0) {
		h->missing |= must;
		return;
	}
	h->hash = cdp_hash_stable(&st.st_ino, sizeof(st.st_ino), h->hash);
	h->hash = cdp_hash_stable(&st.st_size, sizeof(st.st_size), h->hash);
	h->hash = cdp_hash_stable(&st.st_mtim, sizeof(st.st_mtim), h->hash);
}

/* A program's command line may name what it answers by, as a model. */
static void add_program(struct stamp *h, const struct cdp_tag_program *p)
{
	for (const char **arg = p->argv; *arg; arg++)
		add_file(h, *arg, false);
}

static struct stamp look(const struct cdp_tag_outside *o)
{
	const struct cdp_tagset *set = o->t->set;
	struct stamp h = { 0 };

	for (size_t i = 0; i < o->entities->n; i++)
		add_file(&h, o->entities->v[i], true);
	if (o->map)
		add_file(&h, o->map, true);
	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag_import *im = set->tags[i].import;

		for (size_t k = 0; im && k < im->count; k++)
			add_file(&h, im->files[k], true);
		if (set->tags[i].program)
			add_program(&h, set->tags[i].program);
	}
	return h;
}

uint64_t cdp_tag_outside_stamp(const struct cdp_tag_outside *o)
{
	struct stamp h = { .hash = o->read ^ o->nulls };

	for (size_t i = 0; i < o->definitions->n; i++)
		add_file(&h, o->definitions->v[i], true);
	if (o->cli->opt.calendar)
		add_file(&h, o->cli->opt.calendar, true);
	return h.hash ? h.hash : 1;
}

bool cdp_tag_outside_watches(const struct cdp_tag_outside *o)
{
	return look(o).files > 0;
}

bool cdp_tag_outside_changed(struct cdp_tag_outside *o)
{
	struct stamp now = look(o);
	bool rests = now.hash == o->seen;

	o->seen = now.hash;
	return rests && !now.missing && now.hash != o->read && now.hash != o->failed;
}

/* --- reading --- */

static int told(struct cdp_err *err)
{
	err->kind = CDP_ERR_NONE;
	return -1;
}

static int read_lore(struct cdp_tag_outside *o, struct cdp_err *err)
{
	if (cdp_tag_reading_lore(o->cli, o->t, o->entities, o->map) < 0)
		return told(err);
	o->lore = o->t->customers;
	o->t->customers = NULL;
	return 0;
}

int cdp_tag_outside_read(struct cdp_tag_outside *o, struct cdp_err *err)
{
	o->read = o->seen = look(o).hash;
	return cdp_given_read(o->t->given, err) < 0 ? -1 : read_lore(o, err);
}

void cdp_tag_outside_release(struct cdp_tag_outside *o)
{
	cdp_customers_free(o->lore);
}

struct cdp_given *cdp_tag_outside_given(struct cdp_tag_outside *o)
{
	struct cdp_given *given = cdp_given_new(o->t->set);
	uint64_t now = look(o).hash;
	struct cdp_err err;

	if (cdp_given_read(given, &err) == 0) {
		o->read = o->seen = now;
		return given;
	}
	cdp_given_free(given);
	o->failed = now;
	cdp_cli_note(o->cli, "%s: what was read before stays", err.msg);
	return NULL;
}

int cdp_tag_outside_again(struct cdp_tag_outside *o, struct cdp_given *given,
			  struct cdp_customers **before, struct cdp_err *err)
{
	if (given != o->t->given) {
		cdp_given_free(o->t->given);
		o->t->given = given;
	}
	*before = o->lore;
	o->lore = NULL;
	return read_lore(o, err);
}
