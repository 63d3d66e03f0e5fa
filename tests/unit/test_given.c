/* Values that are given from outside: read from files and matched with customers. */
#include "io/out.h"
#include "model/given.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_given.XXXXXX";
static struct cdp_run run;

static void put_file(const char *name, const char *text)
{
	struct cdp_err err;

	ok(cdp_file_replace(name, text, strlen(text), &err) == 0, "%s is written", name);
}

/* The customers a, b, c, and whom the import adds; `phones` are of a, a, b. */
struct bank {
	struct cdp_paths *paths;
	struct cdp_tagset *set;
	struct cdp_given *given;
	struct cdp_customers *customers;
};

static void add_phone(struct cdp_gather *g, const char *who, const char *phone)
{
	uint32_t customer = cdp_gather_customer(g, who, 1);
	struct cdp_val kind, value;

	cdp_val_at(&kind, "\"phone\"", 7);
	cdp_val_at(&value, phone, strlen(phone));
	cdp_gather_id(g, customer, &kind, &value);
}

/* What is wrong, or NULL. */
static const char *open_bank(struct bank *b, const char *import)
{
	static const char *const files[] = { "tags.json" };
	static struct cdp_err err;
	struct cdp_gather *g;
	char text[512];

	*b = (struct bank){ .paths = cdp_paths_new() };
	snprintf(text, sizeof(text), "{\"tags\":[{\"name\":\"t\",%s}]}", import);
	if (cdp_file_replace(files[0], text, strlen(text), &err) < 0)
		return err.msg;
	b->set = cdp_tagset_load(files, 1, NULL, b->paths, &run, &err);
	if (!b->set)
		return err.msg;
	b->given = cdp_given_new(b->set);
	if (cdp_given_read(b->given, &err) < 0)
		return err.msg;
	b->customers = cdp_customers_new(b->set, 3);
	g = cdp_gather_new(b->customers, &run);
	cdp_gather_customer(g, "c", 1);
	add_phone(g, "a", "\"2\"");
	add_phone(g, "b", "\"3\"");
	add_phone(g, "a", "\"1\"");
	cdp_given_add_customers(b->given, g);
	cdp_gather_end(g);
	cdp_customers_finish(b->customers);
	cdp_given_place(b->given, b->customers);
	return NULL;
}

static void close_bank(struct bank *b)
{
	cdp_given_free(b->given);
	cdp_customers_free(b->customers);
	cdp_tagset_free(b->set);
	cdp_paths_free(b->paths);
}

/* "a=1 b= c=2; 4 rows, 2 matched, 1 unknown, 1 repeated" */
static const char *values(const char *import)
{
	static char out[512];
	const struct cdp_given_counts *counts;
	struct bank b;
	size_t n = 0, len;
	const char *wrong = open_bank(&b, import), *text;

	if (wrong)
		snprintf(out, sizeof(out), "%s", wrong);
	for (uint32_t i = 0; !wrong && i < cdp_customers_count(b.customers); i++) {
		uint32_t customer = cdp_customers_at(b.customers, i);
		const char *key = cdp_customers_key(b.customers, customer, &len);

		n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s=", (int)len, key);
		text = cdp_given_get(b.given, 0, i, &len);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s ",
				      text ? (int)len : 0, text ? text : "");
	}
	if (!wrong) {
		counts = cdp_given_counts(b.given, 0);
		snprintf(out + n - 1, sizeof(out) - n + 1,
			 "; %llu rows, %llu matched, %llu unknown, %llu repeated",
			 (unsigned long long)counts->rows,
			 (unsigned long long)counts->matched,
			 (unsigned long long)counts->unknown,
			 (unsigned long long)counts->repeated);
	}
	close_bank(&b);
	return out;
}

static void keys(void)
{
	put_file("v",
		 "{\"one_id\":\"a\",\"value\":1.50}\n{\"id\":\"z\",\"value\":[1, 2]}\n"
		 "\n{\"one_id\":\"c\",\"value\":null}\n{\"one_id\":\"a\",\"value\":2}");
	is_str(values("\"import\":\"v\""),
	       "a=2 b= c=; 4 rows, 2 matched, 1 unknown, 1 repeated",
	       "the last row of an id counts, null is no value");
	is_str(values("\"import\":{\"files\":[\"v\"],\"mode\":\"increment\"}"),
	       "a=1.50 b= c=; 4 rows, 2 matched, 1 unknown, 1 repeated",
	       "or the first one, with the bytes of its number");
	is_str(values("\"import\":{\"files\":[\"v\"],\"unknown\":\"add\"}"),
	       "a=2 b= c= z=[1, 2]; 4 rows, 3 matched, 0 unknown, 1 repeated",
	       "nobody may become a customer");
}

static void kinds(void)
{
	put_file("v.csv", "n,phone,value\r\n1,2,second\r\n2,3,\"th\"\"ird\"\r\n"
			  "3,1,first\r\n4,9,none\r\n");
	is_str(values("\"import\":{\"files\":[\"v.csv\"],\"key\":\"phone\"}"),
	       "a=\"first\" b=\"th\\\"ird\" c=; 4 rows, 3 matched, 1 unknown, 0 repeated",
	       "of two ids of a customer the lesser counts");
	put_file("v.csv", "value,phone\n,1\nsecond,2\n");
	is_str(values("\"import\":{\"files\":[\"v.csv\"],\"key\":\"phone\"}"),
	       "a=\"second\" b= c=; 2 rows, 2 matched, 0 unknown, 0 repeated",
	       "one without a value leaves it to the other");
	put_file("v.csv", "id,value\na,007\n");
	is_str(values("\"import\":\"v.csv\""),
	       "a=\"007\" b= c=; 1 rows, 1 matched, 0 unknown, 0 repeated",
	       "what looks like a number is text unless the tag is one");
	is_str(values("\"type\":\"int\",\"import\":\"v.csv\""),
	       "tag 't': v.csv:2: leading zero in number", "which it must be then");
}

int main(void)
{
	static const char *const files[] = { "v", "v.csv", "tags.json" };
	struct cdp_err err;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	run.zone = cdp_zone_load("UTC", &err);
	keys();
	kinds();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(files[i]);
	rmdir(dir);
	return tap_done();
}
