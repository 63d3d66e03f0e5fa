/* The tables of the UTF-8 check, after Keiser and Lemire, "Validating UTF-8 In Less Than
 * One Instruction Per Byte" (Software: Practice and Experience 51(5), 2021).  Each fault
 * in two adjacent bytes is one bit on which three tables must agree: those by the high
 * and the low half of the first byte and the one by the high half of the second. */
#ifndef CDP_RECORD_SCAN_UTF8_H
#define CDP_RECORD_SCAN_UTF8_H

enum {
	TOO_SHORT = 1 << 0,      /* a lead, then no continuation */
	TOO_LONG = 1 << 1,       /* ASCII, then a continuation */
	OVERLONG_3 = 1 << 2,     /* e0 80..9f */
	TOO_LARGE = 1 << 3,      /* f4 90..bf, f5..ff 90..bf */
	SURROGATE = 1 << 4,      /* ed a0..bf */
	OVERLONG_2 = 1 << 5,     /* c0, c1 */
	TOO_LARGE_1000 = 1 << 6, /* f5..ff 80..8f */
	OVERLONG_4 = 1 << 6,     /* f0 80..8f */
	TWO_CONTS = 1 << 7,      /* two continuations: right within three or four bytes */
	ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTS, /* faults whatever the low half */
	ABOVE = ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
	SECOND = TOO_LONG | OVERLONG_2 | TWO_CONTS,
};

#define CDP_UTF8_FIRST_HIGH                                                              \
	TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,  \
		(char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS,      \
		TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,   \
		TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4

#define CDP_UTF8_FIRST_LOW                                                               \
	(char)(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),                          \
		(char)(ANY_LOW | OVERLONG_2), (char)ANY_LOW, (char)ANY_LOW,              \
		(char)(ANY_LOW | TOO_LARGE), (char)ABOVE, (char)ABOVE, (char)ABOVE,      \
		(char)ABOVE, (char)ABOVE, (char)ABOVE, (char)ABOVE, (char)ABOVE,         \
		(char)(ABOVE | SURROGATE), (char)ABOVE, (char)ABOVE

#define CDP_UTF8_SECOND_HIGH                                                             \
	TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,     \
		TOO_SHORT, (char)(SECOND | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),    \
		(char)(SECOND | OVERLONG_3 | TOO_LARGE),                                 \
		(char)(SECOND | SURROGATE | TOO_LARGE),                                  \
		(char)(SECOND | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, \
		TOO_SHORT

#endif
