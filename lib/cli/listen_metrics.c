/* What the endpoint counts, and its text for Prometheus (exposition format 0.0.4). */
#include <inttypes.h>

#include "base/num.h"
#include "cli/listen_priv.h"

static const struct {
	int64_t ns;
	const char *le;
} bounds[LISTEN_BUCKETS] = {
	{ 100000, "0.0001" }, { 250000, "0.00025" }, { 500000, "0.0005" },
	{ 1000000, "0.001" }, { 2500000, "0.0025" }, { 5000000, "0.005" },
	{ 10000000, "0.01" }, { 25000000, "0.025" }, { 50000000, "0.05" },
	{ 100000000, "0.1" }, { 500000000, "0.5" },  { 2500000000, "2.5" },
};

void listen_metrics_answered(struct listen_metrics *m, unsigned status, int64_t took_ns)
{
	size_t i = 0;

	while (i < LISTEN_BUCKETS && took_ns > bounds[i].ns)
		i++;
	atomic_fetch_add(&m->bucket[i], 1);
	atomic_fetch_add(&m->seconds_ns, (uint64_t)took_ns);
	atomic_fetch_add(&m->status[status < LISTEN_STATUSES ? status : 0], 1);
	atomic_fetch_sub(&m->in_flight, 1);
}

static void head(struct cdp_buf *b, const char *name, const char *type, const char *help)
{
	cdp_buf_addf(b, "# HELP cdp_collect_%s %s\n# TYPE cdp_collect_%s %s\n", name,
		     help, name, type);
}

static void counter(struct cdp_buf *b, const char *name, const char *help, uint64_t v)
{
	head(b, name, "counter", help);
	cdp_buf_addf(b, "cdp_collect_%s %" PRIu64 "\n", name, v);
}

static void gauge(struct cdp_buf *b, const char *name, const char *help, double v)
{
	head(b, name, "gauge", help);
	cdp_buf_addf(b, "cdp_collect_%s ", name);
	cdp_num_add_double(b, v);
	cdp_buf_addc(b, '\n');
}

static void put_statuses(struct listen_metrics *m, struct cdp_buf *b)
{
	head(b, "requests_total", "counter", "Requests answered, by status.");
	for (unsigned i = 0; i < LISTEN_STATUSES; i++)
		if (m->status[i])
			cdp_buf_addf(b,
				     "cdp_collect_requests_total{status=\"%u\"} %" PRIu64
				     "\n",
				     i, (uint64_t)m->status[i]);
}

static void put_latency(struct listen_metrics *m, struct cdp_buf *b)
{
	static const char name[] = "request_seconds";
	uint64_t sum = 0;

	head(b, name, "histogram", "From the request line to the answer.");
	for (size_t i = 0; i <= LISTEN_BUCKETS; i++) {
		sum += m->bucket[i];
		cdp_buf_addf(b, "cdp_collect_%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			     i < LISTEN_BUCKETS ? bounds[i].le : "+Inf", sum);
	}
	cdp_buf_addf(b, "cdp_collect_%s_sum ", name);
	cdp_num_add_double(b, (double)m->seconds_ns / 1e9);
	cdp_buf_addf(b, "\ncdp_collect_%s_count %" PRIu64 "\n", name, sum);
}

void listen_metrics_put(struct listen_metrics *m, struct cdp_buf *b, unsigned connections,
			int64_t age_ms)
{
	put_statuses(m, b);
	counter(b, "records_total", "Records written.", m->records);
	counter(b, "rejects_total", "Parts of requests that were set aside.", m->rejects);
	counter(b, "duplicates_total", "Records that had come before.", m->duplicates);
	counter(b, "refused_total", "Requests not kept for want of room or disk (503).",
		m->refused);
	counter(b, "forbidden_total", "Requests without a key or of another origin.",
		m->forbidden);
	counter(b, "body_bytes_total", "Bytes of request bodies.", m->body_bytes);
	counter(b, "written_bytes_total", "Bytes of records written.", m->written_bytes);
	counter(b, "syncs_total", "Times that records were brought to disk.", m->syncs);
	counter(b, "files_total", "Spool files finished.", m->files);
	gauge(b, "in_flight", "Requests under way.", m->in_flight);
	gauge(b, "connections", "Connections open.", connections);
	gauge(b, "spool_age_seconds", "Age of the oldest record in no finished file.",
	      (double)age_ms / 1000);
	put_latency(m, b);
}
