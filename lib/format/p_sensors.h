/* The reader of Sensors records with a scanner of its own, for payloads that do not come
 * as lines. */
#ifndef CDP_FORMAT_P_SENSORS_H
#define CDP_FORMAT_P_SENSORS_H

struct cdp_sensors_lines;
void cdp_sensors_lines_free(struct cdp_sensors_lines *s);

#endif
