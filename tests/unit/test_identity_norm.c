#include "model/identity_kinds.h"
#include "model/identity_norm.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct cdp_buf tmp;

/* The normal form of a NUL-ended value, "(none)" if it has none. */
static const char *norm(enum cdp_idnorm how, const char *value)
{
	static char out[CDP_ID_VALUE_MAX + 1];
	const char *q;
	size_t n;

	if (!cdp_idnorm(how, value, strlen(value), &tmp, &q, &n))
		return "(none)";
	memcpy(out, q, n);
	out[n] = '\0';
	return out;
}

static void text(void)
{
	char longest[CDP_ID_VALUE_MAX + 2];

	is_str(norm(CDP_IDNORM_TEXT, "C0001"), "C0001", "plain text stays");
	is_str(norm(CDP_IDNORM_TEXT, " C0001\t"), "C0001", "blanks at the ends go");
	is_str(norm(CDP_IDNORM_TEXT, "a b"), "a b", "blanks inside stay");
	is_str(norm(CDP_IDNORM_TEXT, "\xef\xbc\xa3\xef\xbc\x91\xe3\x80\x80"), "C1",
	       "full width becomes half width and its space goes");
	is_str(norm(CDP_IDNORM_TEXT, "\xef\xac\x81"), "fi",
	       "compatibility forms are parted");
	is_str(norm(CDP_IDNORM_TEXT, "\xe2\x80\x8b"
				     "A1\xef\xbb\xbf"),
	       "A1", "invisible characters at the ends go");
	is_str(norm(CDP_IDNORM_TEXT, "User-456"), "User-456", "case stays");
	is_str(norm(CDP_IDNORM_TEXT, "   "), "(none)", "blanks alone are no value");
	is_str(norm(CDP_IDNORM_TEXT, ""), "(none)", "nothing is no value");
	is_str(norm(CDP_IDNORM_TEXT, "a\nb"), "(none)",
	       "control characters are no value");
	is_str(norm(CDP_IDNORM_NONE, " x "), " x ", "form none changes nothing");
	is_str(norm(CDP_IDNORM_LOWER, "IDFA-\xef\xbc\xa1"
				      "B"),
	       "idfa-ab", "lower lowers ASCII letters after folding width");
	is_str(norm(CDP_IDNORM_TEXT, "00123"), "00123", "digits are text, zeros stay");
	memset(longest, 'a', sizeof(longest));
	longest[CDP_ID_VALUE_MAX + 1] = '\0';
	is_str(norm(CDP_IDNORM_TEXT, longest), "(none)", "256 bytes are too many");
	longest[CDP_ID_VALUE_MAX] = '\0';
	is_str(norm(CDP_IDNORM_TEXT, longest), longest, "255 bytes are not");
}

static void email(void)
{
	is_str(norm(CDP_IDNORM_EMAIL, " Li.Wei@Example.COM "), "li.wei@example.com",
	       "an address is lower case");
	is_str(norm(CDP_IDNORM_EMAIL, "li.wei\xef\xbc\xa0"
				      "example.com"),
	       "li.wei@example.com", "a full-width @ is an @");
	is_str(norm(CDP_IDNORM_EMAIL, "li.wei"), "(none)", "no @, no address");
	is_str(norm(CDP_IDNORM_EMAIL, "@example.com"), "(none)", "no name, no address");
	is_str(norm(CDP_IDNORM_EMAIL, "li@"), "(none)", "no host, no address");
	is_str(norm(CDP_IDNORM_EMAIL, "a@b@c"), "(none)", "two @, no address");
	is_str(norm(CDP_IDNORM_EMAIL, "D41D8CD98F00B204E9800998ECF8427E"),
	       "d41d8cd98f00b204e9800998ecf8427e", "a hash passes in lower case");
}

static void phone(void)
{
	is_str(norm(CDP_IDNORM_PHONE, "13812345678"), "+8613812345678",
	       "a mobile number gets +86");
	is_str(norm(CDP_IDNORM_PHONE, "138-1234 5678"), "+8613812345678",
	       "separators do not count");
	is_str(norm(CDP_IDNORM_PHONE, "+86 138 1234 5678"), "+8613812345678",
	       "with country code it is the same");
	is_str(norm(CDP_IDNORM_PHONE, "008613812345678"), "+8613812345678",
	       "00 is a plus");
	is_str(norm(CDP_IDNORM_PHONE, "8613812345678"), "+8613812345678",
	       "86 before a mobile number is the country");
	is_str(norm(CDP_IDNORM_PHONE, "\xef\xbc\x91\xef\xbc\x93\xef\xbc\x98"
				      "12345678"),
	       "+8613812345678", "full-width digits are digits");
	is_str(norm(CDP_IDNORM_PHONE, "(021) 6234-5678"), "+862162345678",
	       "a fixed line loses its trunk 0");
	is_str(norm(CDP_IDNORM_PHONE, "+1 (202) 555-0123"), "+12025550123",
	       "other countries keep their code");
	is_str(norm(CDP_IDNORM_PHONE, "1381234567"), "(none)", "ten digits are too few");
	is_str(norm(CDP_IDNORM_PHONE, "138****5678"), "(none)",
	       "a masked number is none");
	is_str(norm(CDP_IDNORM_PHONE, "12012345678"), "(none)",
	       "no mobile number begins with 12");
	is_str(norm(CDP_IDNORM_PHONE, "+1234567890123456"), "(none)",
	       "E.164 ends at 15 digits");
	is_str(norm(CDP_IDNORM_PHONE, "+0123456789"), "(none)",
	       "no country code begins with 0");
}

static void idcard(void)
{
	/* The example of GB 11643-1999, and its form of 1984. */
	is_str(norm(CDP_IDNORM_IDCARD, "11010519491231002X"), "11010519491231002X",
	       "18 characters with a right check digit stay");
	is_str(norm(CDP_IDNORM_IDCARD, "11010519491231002x"), "11010519491231002X",
	       "the check digit x is X");
	is_str(norm(CDP_IDNORM_IDCARD, "110105491231002"), "11010519491231002X",
	       "15 digits are extended");
	is_str(norm(CDP_IDNORM_IDCARD, "440524188001010014"), "440524188001010014",
	       "a digit as check digit is fine");
	is_str(norm(CDP_IDNORM_IDCARD, "110105194912310021"), "(none)",
	       "a wrong check digit is a mistake");
	is_str(norm(CDP_IDNORM_IDCARD, "11010519491331002X"), "(none)",
	       "month 13 is a mistake");
	is_str(norm(CDP_IDNORM_IDCARD, "1101051949123100"), "(none)",
	       "16 digits are no ID card");
}

static bool junk(const char *s)
{
	return cdp_id_is_junk(s, strlen(s));
}

static void junk_values(void)
{
	static const char *const bad[] = {
		"null",
		"NULL",
		"undefined",
		"none",
		"NaN",
		"anonymous",
		"guest",
		"-1",
		"0",
		"000",
		"00000000-0000-0000-0000-000000000000",
		"true",
		"False",
		"[object Object]",
		"test",
		"11111111111",
		"+8613800138000",
		"+8618888888888",
		"+8611111111111",
		"ffffffff",
		"02:00:00:00:00:00",
		"nil",
		"Unknown",
		"N/A",
		"(null)",
		"\\n",
		"+8612345678901",
		"13800138000",
		"020000000000",
		"9774d56d682e549c",
	};
	static const char *const good[] = {
		"1",     "10",          "-10", "nullable",       "tester",
		"C0001", "13912345678", "111", "+8613912345678", "a0000",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(junk(bad[i]), "'%s' stands for no value", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(!junk(good[i]), "'%s' is a value", good[i]);
}

static struct cdp_err err;

static struct cdp_idkinds *parse(const char *json)
{
	return cdp_idkinds_parse(json, strlen(json), "ids.json", &err);
}

static void kinds(void)
{
	struct cdp_idkinds *k = parse(
		"{\"kinds\":[{\"name\":\"device\",\"shared\":true},"
		"{\"name\":\"card\",\"priority\":9},{\"name\":\"no\",\"unique\":true,"
		"\"block\":[\"^T[0-9]+$\"]},{\"name\":\"ip\",\"off\":true}],"
		"\"block\":[\"^dev-\"]}");
	const struct cdp_idkind *no, *device, *card, *ip;

	ok(k != NULL, "a definition loads");
	if (!k)
		return;
	no = cdp_idkinds_find(k, "no", 2);
	device = cdp_idkinds_find(k, "device", 6);
	card = cdp_idkinds_find(k, "card", 4);
	ip = cdp_idkinds_find(k, "ip", 2);
	is_int(no->rank, 0, "priority is the place in the list among firm kinds");
	is_int(card->rank, 1, "a later priority comes later");
	is_int(device->rank, 2, "shared kinds come after all firm ones");
	is_int(ip->rank, 3, "kinds that are off come last");
	ok(no->bit && !card->bit && !device->bit, "only unique kinds are walls");
	ok(!k->alone, "undeclared kinds are carried");
	ok(cdp_idkinds_blocked(k, no, "T12", 3), "a kind's own pattern blocks");
	ok(!cdp_idkinds_blocked(k, card, "T12", 3), "but not another kind");
	ok(cdp_idkinds_blocked(k, card, "dev-1", 5), "a common pattern blocks");
	ok(cdp_idkinds_blocked(k, NULL, "null", 4), "junk is blocked");
	cdp_idkinds_free(k);
	k = cdp_idkinds_default();
	ok(k && cdp_idkinds_find(k, "customer", 8)->unique, "there are kinds by default");
	cdp_idkinds_free(k);
}

static void limits_and_sources(void)
{
	struct cdp_idkinds *k =
		parse("{\"kinds\":[{\"name\":\"u\",\"unique\":true},"
		      "{\"name\":\"s\",\"shared\":true,\"max\":3,\"over\":\"all\"},"
		      "{\"name\":\"c\",\"shared\":true,\"parent\":\"s\",\"degree\":0}],"
		      "\"sources\":[{\"name\":\"a/b\",\"link\":true},"
		      "{\"name\":\"a/*\",\"link\":false}]}");

	ok(k != NULL, "limits and sources load");
	if (!k)
		return;
	is_int(k->v[0].degree, 0, "a unique kind has no limit of links by default");
	is_int(k->v[1].degree, 1000, "a shared one has");
	is_int(k->v[2].degree, 0, "but for 0");
	ok(k->v[1].max == 3 && k->v[1].over == CDP_OVER_ALL && !k->v[0].max,
	   "caps are those of the kind");
	ok(k->v[2].parent == &k->v[1] && !k->v[1].parent, "a child has its parent");
	ok(cdp_idkinds_may_link(k, "a/b", 3), "the first source that fits counts");
	ok(!cdp_idkinds_may_link(k, "a/", 2) && !cdp_idkinds_may_link(k, "a/bc", 4),
	   "a star stands for anything");
	ok(cdp_idkinds_may_link(k, "a", 1) && cdp_idkinds_may_link(k, "", 0),
	   "sources not named may link");
	cdp_idkinds_free(k);
}

static void bad_kinds(void)
{
	static const struct {
		const char *json, *msg;
	} bad[] = {
		{ "{}", "ids.json: kinds: expected an array of at least one kind" },
		{ "{\"kinds\":[]}",
		  "ids.json: kinds: expected an array of at least one kind" },
		{ "{\"kinds\":[{}]}", "ids.json: kinds[0].name: missing" },
		{ "{\"kinds\":[{\"name\":\"a\",\"unique\":1}]}",
		  "ids.json: kinds[0].unique: expected true or false" },
		{ "{\"kinds\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		  "ids.json: kinds[1].name: 'a' occurs twice" },
		{ "{\"kinds\":[{\"name\":\"a\",\"unique\":true,\"shared\":true}]}",
		  "ids.json: kinds[0]: a kind cannot be unique and shared" },
		{ "{\"kinds\":[{\"name\":\"a\",\"uniqe\":true}]}",
		  "ids.json: kinds[0]: unknown member 'uniqe'; did you mean 'unique'?" },
		{ "{\"kinds\":[{\"name\":\"a\",\"priority\":0}]}",
		  "ids.json: kinds[0].priority: 1 is the strongest, not 0" },
		{ "{\"kinds\":[{\"name\":\"a\",\"max\":0}]}",
		  "ids.json: kinds[0].max: expected 1 to 65534, not 0" },
		{ "{\"kinds\":[{\"name\":\"a\",\"unique\":true,\"max\":2}]}",
		  "ids.json: kinds[0].max: of a unique kind a person has one value" },
		{ "{\"kinds\":[{\"name\":\"a\",\"max\":2,\"over\":\"old\"}]}",
		  "ids.json: kinds[0].over: a kind that is not shared leaves out new "
		  "values" },
		{ "{\"kinds\":[{\"name\":\"a\",\"shared\":true,\"max\":2,\"over\":\"x\"}]"
		  "}",
		  "ids.json: kinds[0].over: expected 'new', 'old' or 'all', not 'x'" },
		{ "{\"kinds\":[{\"name\":\"a\",\"over\":\"new\"}]}",
		  "ids.json: kinds[0].over: there is no max" },
		{ "{\"kinds\":[{\"name\":\"a\",\"parent\":\"b\"}]}",
		  "ids.json: kinds[0].parent: no kind 'b'" },
		{ "{\"kinds\":[{\"name\":\"a\",\"parent\":\"b\"},"
		  "{\"name\":\"b\",\"parent\":\"a\"}]}",
		  "ids.json: kinds[1].parent: 'a' descends from itself" },
		{ "{\"kinds\":[{\"name\":\"a\"}],\"sources\":[{\"name\":\"x\"}]}",
		  "ids.json: sources[0].link: missing" },
		{ "{\"kinds\":[{\"name\":\"a\"}],\"undeclared\":\"drop\"}",
		  "ids.json: undeclared: expected 'carry' or 'alone', not 'drop'" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cdp_idkinds *k = parse(bad[i].json);

		is_str(k ? "(loaded)" : err.msg, bad[i].msg, "%s is refused",
		       bad[i].json);
		cdp_idkinds_free(k);
	}
	ok(!parse("{\"kinds\":[{\"name\":\"a\",\"normalise\":\"phon\"}]}") &&
		   strstr(err.msg, "did you mean 'phone'"),
	   "a form that is near one is suggested");
	ok(!parse("{\"kinds\":[{\"name\":\"a\",\"block\":[\"(\"]}]}") &&
		   strstr(err.msg, "ids.json: kinds[0].block[0]: "),
	   "a pattern that does not compile is named");
}

int main(void)
{
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	text();
	email();
	phone();
	idcard();
	junk_values();
	kinds();
	limits_and_sources();
	bad_kinds();
	cdp_buf_release(&tmp);
	return tap_done();
}
