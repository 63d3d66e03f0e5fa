/* The protocols, for the table in protocol.c alone. */
#ifndef CDP_FORMAT_PROTOCOLS_H
#define CDP_FORMAT_PROTOCOLS_H

#include "format/protocol.h"

extern const struct cdp_protocol cdp_p_sensors, cdp_p_zhuge, cdp_p_growingio,
	cdp_p_thinkingdata, cdp_p_datarangers, cdp_p_umeng, cdp_p_cloudevents, cdp_p_ga4,
	cdp_p_otlp, cdp_p_snowplow, cdp_p_posthog, cdp_p_amplitude, cdp_p_mixpanel,
	cdp_p_countly, cdp_p_matomo, cdp_p_unomi, cdp_p_segment;

#endif
