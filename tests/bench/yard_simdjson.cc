#include "yard_simdjson.h"

#include <simdjson.h>

namespace
{

uint64_t mix(uint64_t h, const char *p, size_t n)
{
	h ^= n;
	if (n >= 8) {
		uint64_t w;

		memcpy(&w, p + n - 8, 8);
		h ^= w;
	} else {
		for (size_t i = 0; i < n; i++)
			h ^= static_cast<uint64_t>(static_cast<unsigned char>(p[i]))
			     << (8 * i);
	}
	return h * 0x9e3779b97f4a7c15u;
}

uint64_t text(uint64_t h, simdjson::simdjson_result<simdjson::dom::element> e)
{
	std::string_view s;

	if (e.get(s))
		return h * 3;
	return mix(h, s.data(), s.size());
}

} // namespace

uint64_t yard_simdjson_dom(const char *p, size_t n, uint64_t *records)
{
	static simdjson::dom::parser parser;
	uint64_t h = 0;
	simdjson::dom::document_stream stream;

	if (parser.parse_many(p, n, 1 << 20).get(stream))
		return 0;
	for (auto doc : stream) {
		simdjson::dom::element d;
		double amount;

		if (doc.get(d))
			return 0;
		h = text(h, d["time"]);
		h = text(h, d["event"]);
		h = text(h, d["ids"]["customer"]);
		h = text(h, d["ids"]["device"]);
		h = text(h, d["props"]["product_id"]);
		if (!d["props"]["amount"].get(amount)) {
			uint64_t bits;

			memcpy(&bits, &amount, sizeof(bits));
			h ^= bits;
		}
		++*records;
	}
	return h;
}

const char *yard_simdjson_name(void)
{
	return simdjson::get_active_implementation()->name().c_str();
}
