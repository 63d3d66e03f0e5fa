#include "model/strategy.h"

#include "base/crypto.h"
#include "base/hash.h"
#include "base/mem.h"
#include "record/json.h"
#include "record/tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int copy_str(const json_t *o, const char *key, char **out, const char *where,
		    struct cdp_err *err)
{
	const char *s = NULL;

	if (cdp_tree_str(o, key, &s, true, where, err) < 0)
		return -1;
	if (!*s)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s%s%s: empty", where,
				   *where ? "." : "", key);
	*out = cdp_strdup(s);
	return 0;
}

static int load_blank(struct cdp_strategy *s, const json_t *root, struct cdp_err *err)
{
	static const char *const known[] = { "share", "seed", NULL };
	const json_t *o = json_object_get(root, "blank_group");
	const json_t *share;

	if (!o)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "blank_group: missing (\"share\":0 for none)");
	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "blank_group: expected an object");
	if (cdp_tree_known(o, known, "blank_group", err) < 0 ||
	    copy_str(o, "seed", &s->seed, "blank_group", err) < 0)
		return -1;
	share = json_object_get(o, "share");
	s->blank_share = json_number_value(share);
	if (!json_is_number(share) || !(s->blank_share >= 0 && s->blank_share <= 1))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "blank_group.share: expected a number from 0 to 1");
	return 0;
}

static int load_vars(struct cdp_strategy *s, const json_t *node,
		     const struct cdp_env *env, struct cdp_err *err)
{
	json_t *vars = json_object_get(node, "vars"), *v;
	const char *name;

	if (!vars)
		return 0;
	if (!json_is_object(vars))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "nodes[0].vars: expected an object");
	s->node.vars = cdp_calloc(json_object_size(vars), sizeof(*s->node.vars));
	json_object_foreach(vars, name, v)
	{
		struct cdp_strategy_var *var = &s->node.vars[s->node.var_count];

		if (!json_is_string(v))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "nodes[0].vars.%s: expected an expression",
					   name);
		if (cdp_expr_compile(&var->expr, json_string_value(v),
				     json_string_length(v), env, err) < 0) {
			cdp_err_prefix(err, "nodes[0].vars.%s", name);
			return -1;
		}
		var->name = cdp_strdup(name);
		s->node.var_count++;
	}
	return 0;
}

/* Every {{name}} of the template must be a variable. */
static int check_template(const struct cdp_strategy *s, struct cdp_err *err)
{
	const char *p = s->node.template, *end;

	while ((p = strstr(p, "{{"))) {
		size_t i, n;

		p += 2;
		end = strstr(p, "}}");
		if (!end)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "nodes[0].template: '{{' without '}}'");
		n = (size_t)(end - p);
		for (i = 0; i < s->node.var_count; i++)
			if (strlen(s->node.vars[i].name) == n &&
			    memcmp(s->node.vars[i].name, p, n) == 0)
				break;
		if (i == s->node.var_count)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "nodes[0].template: '%.*s' is not in vars",
					   (int)n, p);
		p = end + 2;
	}
	return 0;
}

static int load_node(struct cdp_strategy *s, const json_t *root,
		     const struct cdp_env *env, struct cdp_err *err)
{
	static const char *const known[] = { "id",       "type", "channel", "address",
					     "template", "vars", "expires", NULL };
	const json_t *nodes = json_object_get(root, "nodes");
	const json_t *node = json_array_get(nodes, 0);
	const char *type = NULL, *expires = NULL;
	int64_t ns = 0;

	if (json_array_size(nodes) != 1)
		return cdp_err_set(err, CDP_ERR_USAGE, "nodes: expected one send node");
	if (cdp_tree_known(node, known, "nodes[0]", err) < 0 ||
	    cdp_tree_str(node, "type", &type, true, "nodes[0]", err) < 0)
		return -1;
	if (strcmp(type, "send") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "nodes[0].type: unknown kind '%s'",
				   type);
	if (copy_str(node, "id", &s->node.id, "nodes[0]", err) < 0 ||
	    copy_str(node, "channel", &s->node.channel, "nodes[0]", err) < 0 ||
	    copy_str(node, "address", &s->node.address, "nodes[0]", err) < 0 ||
	    copy_str(node, "template", &s->node.template, "nodes[0]", err) < 0 ||
	    cdp_tree_str(node, "expires", &expires, false, "nodes[0]", err) < 0)
		return -1;
	if (expires) {
		if (cdp_duration_parse(&ns, expires, strlen(expires), err) < 0) {
			cdp_err_prefix(err, "nodes[0].expires");
			return -1;
		}
		if (ns < 1000000)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "nodes[0].expires: '%s' is too short",
					   expires);
	}
	s->node.expires_ms = ns / 1000000;
	return load_vars(s, node, env, err) < 0 ? -1 : check_template(s, err);
}

static int load(struct cdp_strategy *s, const json_t *root, const struct cdp_env *env,
		struct cdp_err *err)
{
	static const char *const known[] = { "strategy", "title", "version",     "wave",
					     "entry",    "nodes", "blank_group", NULL };
	static const char *const known_entry[] = { "audience", NULL };
	const json_t *entry = json_object_get(root, "entry");

	s->version = 1;
	s->wave = 1;
	if (cdp_tree_known(root, known, "", err) < 0 ||
	    copy_str(root, "strategy", &s->name, "", err) < 0 ||
	    cdp_tree_int(root, "version", &s->version, true, "", err) < 0 ||
	    cdp_tree_int(root, "wave", &s->wave, false, "", err) < 0)
		return -1;
	if (!json_is_object(entry))
		return cdp_err_set(err, CDP_ERR_USAGE, "entry: expected an object");
	if (cdp_tree_known(entry, known_entry, "entry", err) < 0 ||
	    copy_str(entry, "audience", &s->audience, "entry", err) < 0)
		return -1;
	return load_blank(s, root, err) < 0 ? -1 : load_node(s, root, env, err);
}

int cdp_strategy_load(struct cdp_strategy *s, const char *path, struct cdp_paths *paths,
		      struct cdp_err *err)
{
	struct cdp_env env = { .paths = paths, .members = cdp_profile_members };
	json_t *root = cdp_tree_load(path, err);
	int ret;

	memset(s, 0, sizeof(*s));
	if (!root)
		return -1;
	ret = load(s, root, &env, err);
	if (ret < 0) {
		cdp_err_prefix(err, "%s", path);
		cdp_strategy_release(s);
	}
	json_decref(root);
	return ret;
}

void cdp_strategy_release(struct cdp_strategy *s)
{
	for (size_t i = 0; i < s->node.var_count; i++) {
		free(s->node.vars[i].name);
		cdp_expr_free(s->node.vars[i].expr);
	}
	free(s->node.vars);
	free(s->node.id);
	free(s->node.channel);
	free(s->node.address);
	free(s->node.template);
	free(s->name);
	free(s->audience);
	free(s->seed);
	memset(s, 0, sizeof(*s));
}

bool cdp_strategy_is_blank(const struct cdp_strategy *s, const char *one_id, size_t n)
{
	uint64_t seed = cdp_hash_stable(s->seed, strlen(s->seed), 0);

	/* The top 53 bits as a number in [0, 1). */
	return ldexp((double)(cdp_hash_stable(one_id, n, seed) >> 11), -53) <
	       s->blank_share;
}

void cdp_strategy_message_id(const struct cdp_strategy *s, const char *one_id, size_t n,
			     char out[CDP_MESSAGE_ID])
{
	struct cdp_sha256 *h = cdp_sha256_new();
	char numbers[64], hex[65];
	int len = snprintf(numbers, sizeof(numbers), "%" PRId64 "%c%" PRId64, s->version,
			   '\0', s->wave);

	/* Parts are separated by NULs, which no part contains. */
	cdp_sha256_add(h, s->name, strlen(s->name) + 1);
	cdp_sha256_add(h, s->node.id, strlen(s->node.id) + 1);
	cdp_sha256_add(h, numbers, (size_t)len + 1);
	cdp_sha256_add(h, one_id, n);
	cdp_sha256_hex(h, hex);
	cdp_sha256_free(h);
	memcpy(out, hex, CDP_MESSAGE_ID);
}

const char *cdp_fate_name(enum cdp_fate f)
{
	static const char *const names[] = { "message", "blank_group", "no_profile",
					     "no_address", "no_value" };

	return names[f];
}

static void add_member(struct cdp_buf *b, const char *key, const char *value)
{
	cdp_json_key(b, key);
	cdp_json_cstr(b, value);
}

/* What message and suppressed row have in common, without the closing brace. */
static void add_head(const struct cdp_strategy *s, const char *one_id, size_t n,
		     struct cdp_buf *out)
{
	char id[CDP_MESSAGE_ID];

	cdp_strategy_message_id(s, one_id, n, id);
	cdp_buf_addc(out, '{');
	cdp_json_key(out, "message_id");
	cdp_json_str(out, id, sizeof(id));
	cdp_json_key(out, "one_id");
	cdp_json_str(out, one_id, n);
	add_member(out, "strategy", s->name);
	cdp_json_key(out, "version");
	cdp_buf_addi(out, s->version);
	add_member(out, "node", s->node.id);
	cdp_json_key(out, "wave");
	cdp_buf_addi(out, s->wave);
	add_member(out, "channel", s->node.channel);
}

/* The first id of the kind: profiles hold one string or a list of them. */
static bool address_of(struct cdp_rec *profile, int slot, struct cdp_val *out)
{
	const struct cdp_val *v = cdp_rec_get(profile, slot);
	struct cdp_iter it = { 0 };

	if (v->type == CDP_ARRAY && cdp_val_item(v, &it, out))
		return out->type == CDP_STRING && out->n > 0;
	*out = *v;
	return v->type == CDP_STRING && v->n > 0;
}

/* `"vars":{...}`; false if one of them has no value. */
static bool add_vars(const struct cdp_strategy *s, struct cdp_rec *profile,
		     struct cdp_eval *ev, struct cdp_buf *out)
{
	struct cdp_err ignored;
	struct cdp_value v;

	cdp_json_key(out, "vars");
	cdp_buf_addc(out, '{');
	for (size_t i = 0; i < s->node.var_count; i++) {
		if (cdp_expr_value(s->node.vars[i].expr, ev, profile, &v, &ignored) < 0 ||
		    v.type == CDP_V_NULL)
			return false;
		cdp_json_key(out, s->node.vars[i].name);
		cdp_value_json(out, &v);
	}
	cdp_buf_addc(out, '}');
	return true;
}

static void add_time(struct cdp_buf *out, const char *key, int64_t ms)
{
	char t[CDP_TIME_CANON];

	cdp_time_format(t, cdp_time_from_ms(ms));
	cdp_json_key(out, key);
	cdp_json_str(out, t, sizeof(t));
}

static enum cdp_fate add_message(const struct cdp_strategy *s, struct cdp_rec *profile,
				 int address_slot, struct cdp_eval *ev,
				 const struct cdp_run *run, struct cdp_buf *out)
{
	struct cdp_val to;
	int64_t now = cdp_time_ms(run->as_of);

	if (!address_of(profile, address_slot, &to))
		return CDP_FATE_NO_ADDRESS;
	cdp_json_key(out, "to");
	cdp_json_val(out, &to);
	add_member(out, "template", s->node.template);
	if (!add_vars(s, profile, ev, out))
		return CDP_FATE_NO_VALUE;
	add_time(out, "not_before", now);
	if (s->node.expires_ms)
		add_time(out, "expires", now + s->node.expires_ms);
	return CDP_FATE_MESSAGE;
}

enum cdp_fate cdp_strategy_line(const struct cdp_strategy *s, const char *one_id,
				size_t n, struct cdp_rec *profile, int address_slot,
				struct cdp_eval *ev, const struct cdp_run *run,
				struct cdp_buf *out)
{
	enum cdp_fate fate = CDP_FATE_MESSAGE;
	size_t head;

	add_head(s, one_id, n, out);
	head = out->n;
	if (cdp_strategy_is_blank(s, one_id, n))
		fate = CDP_FATE_BLANK;
	else if (!profile)
		fate = CDP_FATE_NO_PROFILE;
	else
		fate = add_message(s, profile, address_slot, ev, run, out);
	if (fate != CDP_FATE_MESSAGE) {
		out->n = head;
		add_member(out, "suppressed", cdp_fate_name(fate));
		add_time(out, "time", cdp_time_ms(run->as_of));
	}
	cdp_buf_adds(out, "}\n");
	return fate;
}
