/* A zone for all of an expression: its calls by civil days that name none get it. */
#include "lang/ast.h"
#include "lang/prog.h"

#include <string.h>

/* Whether the call takes one more argument, a zone. */
static bool lacks_zone(const struct cdp_ast *a)
{
	const struct cdp_func *f;

	if (a->kind != CDP_A_CALL)
		return false;
	if (strcmp(a->name, "within") == 0)
		return a->count > 0 && !cdp_ast_names_zone(a->kid[a->count - 1]);
	if (strcmp(a->name, "days") == 0)
		return a->count == 0 || !cdp_ast_names_zone(a->kid[a->count - 1]);
	f = cdp_func_find(a->name, a->name_n, CDP_F_GLOBAL);
	return f && cdp_func_takes_zone(f) && a->count + 1 == f->max;
}

bool cdp_ast_names_zone(const struct cdp_ast *a)
{
	const struct cdp_value *v = &a->value;
	char first;

	if (a->kind != CDP_A_LITERAL || v->type != CDP_V_STRING || v->s.n == 0)
		return false;
	first = v->s.p[0];
	if (first == '+' || first == '-') /* +08:00; -1d is a duration */
		return memchr(v->s.p, ':', v->s.n) != NULL;
	return first < '0' || first > '9';
}

static void add_zone(struct cdp_ast *a, const char *zone, struct cdp_arena *arena)
{
	struct cdp_ast **kid = cdp_arena_alloc(arena, (a->count + 1) * sizeof(*kid));
	struct cdp_ast *z = cdp_arena_alloc(arena, sizeof(*z));

	*z = (struct cdp_ast){ .kind = CDP_A_LITERAL, .height = 1, .pos = a->pos };
	z->value.type = CDP_V_STRING;
	z->value.s.p = zone;
	z->value.s.n = strlen(zone);
	if (a->count)
		memcpy(kid, a->kid, a->count * sizeof(*kid));
	kid[a->count++] = z;
	a->kid = kid;
}

void cdp_ast_set_zone(struct cdp_ast *a, const char *zone, struct cdp_arena *arena)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->kid[i])
			cdp_ast_set_zone(a->kid[i], zone, arena);
	if (lacks_zone(a))
		add_zone(a, zone, arena);
}
