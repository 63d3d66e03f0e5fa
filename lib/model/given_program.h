/* Programs that give tags their values: plug-ins for what no expression can tell.
 *
 * The program reads {"one_id":...,INPUTS} a line, customers in the order of their keys,
 * and writes {"one_id":...,"value":...} for each of them, in any order. */
#ifndef CDP_MODEL_GIVEN_PROGRAM_H
#define CDP_MODEL_GIVEN_PROGRAM_H

#include "model/profile.h"

/* Runs the program of a tag in its pass and takes its answers.  -1: an error of system
 * kind that names the tag: the program could not be started, was silent for too long,
 * ended with another status than 0, or answered something else than one line for each. */
int cdp_given_ask(struct cdp_given *g, const struct cdp_tagset *set,
		  struct cdp_profiler *p, unsigned pass, unsigned tag,
		  struct cdp_err *err);

#endif
