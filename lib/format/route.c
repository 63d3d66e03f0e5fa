#include "format/route.h"

#include <stdbool.h>
#include <string.h>

/* What RudderStack's browser library must be told before it starts: nothing is sent
 * anywhere but here. */
static const char rudder_source[] =
	"{\"source\":{\"id\":\"cdp\",\"name\":\"web\",\"writeKey\":\"\",\"enabled\":true,"
	"\"workspaceId\":\"cdp\",\"config\":{\"statsCollection\":{\"errors\":{"
	"\"enabled\":"
	"false},\"metrics\":{\"enabled\":false}}},\"destinations\":[],\"connections\":[],"
	"\"sourceDefinitionId\":\"cdp\",\"dataplanes\":{}},"
	"\"updatedAt\":\"2024-01-01T00:00:00.000Z\"}";
static const char posthog_config[] =
	"{\"supportedCompression\":[\"gzip\",\"gzip-js\"],\"featureFlags\":{},"
	"\"sessionRecording\":false,\"surveys\":false,\"heatmaps\":false}";

static const char success[] = "{\"success\":true}";
static const char zhuge_ok[] = "{\"return_code\":0,\"return_message\":\"success\"}";

static const struct cdp_route routes[] = {
	{ "/sa", "sensors", CDP_CARRY_DATA, CDP_REPLY_EMPTY, NULL },
	{ "/sa.gif", "sensors", CDP_CARRY_DATA, CDP_REPLY_EMPTY, NULL },
	{ "/debug", "sensors", CDP_CARRY_DATA, CDP_REPLY_EMPTY, NULL },
	{ "/config/Android.conf", "sensors", CDP_CARRY_NONE, CDP_REPLY_JSON,
	  "{\"v\":\"1\",\"configs\":{}}" },
	{ "/config/iOS.conf", "sensors", CDP_CARRY_NONE, CDP_REPLY_JSON,
	  "{\"v\":\"1\",\"configs\":{}}" },
	{ "/apipool", "zhuge", CDP_CARRY_EVENT, CDP_REPLY_JSON, zhuge_ok },
	{ "/APIPOOL", "zhuge", CDP_CARRY_EVENT, CDP_REPLY_JSON, zhuge_ok },
	{ "/web_event/web.gif", "zhuge", CDP_CARRY_EVENT, CDP_REPLY_GIF, NULL },
	{ "/web_event", "zhuge", CDP_CARRY_EVENT, CDP_REPLY_JSON, success },
	{ "/v3/projects/*/collect", "growingio", CDP_CARRY_LZ, CDP_REPLY_NONE, NULL },
	{ "/profile/list", "datarangers", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"e\":0}" },
	{ "/list", "datarangers", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"e\":0}" },
	{ "/webid", "datarangers", CDP_CARRY_NONE, CDP_REPLY_WEB_ID, NULL },
	{ "/sync_server", "thinkingdata", CDP_CARRY_BODY, CDP_REPLY_JSON,
	  "{\"code\":0}" },
	{ "/wxm_logs", "umeng", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"code\":200}" },
	{ "/uminiprogram_logs/ckdh", "umeng", CDP_CARRY_NONE, CDP_REPLY_JSON,
	  "{\"code\":200}" },
	{ "/v1/batch", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/import", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/b", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/t", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/p", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/s", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/i", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/g", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/a", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/track", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/page", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/screen", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/identify", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/group", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/v1/alias", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/api/s/*", "segment", CDP_CARRY_BODY, CDP_REPLY_JSON, success },
	{ "/sourceConfig", "segment", CDP_CARRY_NONE, CDP_REPLY_JSON, rudder_source },
	{ "/tp2", "snowplow", CDP_CARRY_FORM, CDP_REPLY_EMPTY, NULL },
	{ "/v1/logs", "otlp", CDP_CARRY_OTLP, CDP_REPLY_JSON, "{}" },
	{ "/array/*/config", "posthog", CDP_CARRY_NONE, CDP_REPLY_JSON, posthog_config },
	{ "/array/*/config.js", "posthog", CDP_CARRY_NONE, CDP_REPLY_JSON,
	  posthog_config },
	{ "/flags", "posthog", CDP_CARRY_NONE, CDP_REPLY_JSON, posthog_config },
	{ "/decide", "posthog", CDP_CARRY_NONE, CDP_REPLY_JSON, posthog_config },
	{ "/e", "posthog", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"status\":\"Ok\"}" },
	/* Paths that two use are told apart by what comes there. */
	{ "/batch", "posthog", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"status\":\"Ok\"}" },
	{ "/batch", "amplitude", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"code\":200}" },
	{ "/2/httpapi", "amplitude", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"code\":200}" },
	{ "/i", "snowplow", CDP_CARRY_FORM, CDP_REPLY_GIF, NULL },
	{ "/i", "countly", CDP_CARRY_FORM, CDP_REPLY_JSON, "{\"result\":\"Success\"}" },
	{ "/track", "mixpanel", CDP_CARRY_BODY, CDP_REPLY_TEXT, "1" },
	{ "/engage", "mixpanel", CDP_CARRY_BODY, CDP_REPLY_TEXT, "1" },
	{ "/groups", "mixpanel", CDP_CARRY_BODY, CDP_REPLY_TEXT, "1" },
	{ "/matomo.php", "matomo", CDP_CARRY_FORM, CDP_REPLY_GIF, NULL },
	{ "/piwik.php", "matomo", CDP_CARRY_FORM, CDP_REPLY_GIF, NULL },
	{ "/eventcollector", "unomi", CDP_CARRY_BODY, CDP_REPLY_JSON, "{\"updated\":0}" },
	{ "/context.json", "unomi", CDP_CARRY_BODY, CDP_REPLY_CONTEXT, NULL },
};
enum { ROUTES = sizeof(routes) / sizeof(*routes) };

/* Whether the pattern is all of the n bytes at p. */
static bool fits(const char *pattern, const char *p, size_t n)
{
	const char *end = p + n;

	while (*pattern) {
		if (*pattern == '*') {
			if (p == end || *p == '/')
				return false;
			while (p < end && *p != '/')
				p++;
			pattern++;
			continue;
		}
		if (p == end || *p != *pattern)
			return false;
		p++;
		pattern++;
	}
	return p == end;
}

const struct cdp_route *cdp_route_find(const char *path, const char *protocol)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	/* The longest tail first: "/profile/list" is more than "/list". */
	for (size_t from = 0; from < n; from++) {
		if (path[from] != '/')
			continue;
		for (int i = 0; i < ROUTES; i++)
			if ((!protocol || strcmp(routes[i].protocol, protocol) == 0) &&
			    fits(routes[i].path, path + from, n - from))
				return &routes[i];
	}
	return NULL;
}

const struct cdp_route *cdp_route_first(const char *protocol)
{
	for (int i = 0; i < ROUTES; i++)
		if (strcmp(routes[i].protocol, protocol) == 0)
			return &routes[i];
	return NULL;
}
