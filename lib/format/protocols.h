/* The protocols, for the table in protocol.c alone. */
#ifndef CDP_FORMAT_PROTOCOLS_H
#define CDP_FORMAT_PROTOCOLS_H

#include "format/protocol.h"

extern const struct cdp_protocol cdp_p_sensors, cdp_p_zhuge, cdp_p_growingio,
	cdp_p_thinkingdata, cdp_p_datarangers, cdp_p_umeng;

#endif
