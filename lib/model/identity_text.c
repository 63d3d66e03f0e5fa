/* Members of rows. */
#include "base/hash.h"
#include "base/time.h"
#include "model/identity_priv.h"
#include "record/json.h"

void idm_put_name(struct cdp_buf *b, const char *key, uint64_t name)
{
	char hex[16];

	cdp_hex16(hex, name);
	cdp_json_key(b, key);
	cdp_json_str(b, hex, sizeof(hex));
}

void idm_put_time(struct cdp_buf *b, const char *key, int64_t ms)
{
	char text[CDP_TIME_CANON];

	cdp_json_key(b, key);
	if (ms == CDP_IDENTITY_NO_TIME || ms == INT64_MIN) {
		cdp_buf_adds(b, "null");
		return;
	}
	cdp_time_format(text, cdp_time_from_ms(ms));
	cdp_json_str(b, text, sizeof(text));
}

static void put_value(const struct cdp_identity *m, struct cdp_buf *b, uint32_t id)
{
	char text[CDP_ID_VALUE_MAX];
	size_t n;
	const char *value = idm_value(m, id, text, &n);

	cdp_json_str(b, value, n);
}

void idm_put_ids(const struct cdp_identity *m, struct cdp_buf *b, uint32_t i, uint32_t j)
{
	bool twins = j != NONE && m->id[i].kind == m->id[j].kind;

	cdp_json_key(b, "ids");
	cdp_buf_addc(b, '{');
	if (j != NONE && idm_cmp(m, j, i) < 0) {
		uint32_t t = i;

		i = j;
		j = t;
	}
	cdp_json_key(b, m->kind[m->id[i].kind].name);
	cdp_buf_adds(b, twins ? "[" : "");
	put_value(m, b, i);
	if (twins)
		cdp_buf_addc(b, ',');
	else if (j != NONE)
		cdp_json_key(b, m->kind[m->id[j].kind].name);
	if (j != NONE)
		put_value(m, b, j);
	cdp_buf_adds(b, twins ? "]}" : "}");
}
