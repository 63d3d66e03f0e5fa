#!/bin/sh
# A channel as a program: a message a line in, an answer a line out.  This one takes every
# call whose number has eleven digits.
exec sed '
	/"to":"1[0-9]\{10\}"/!s/^{"message_id":"\([^"]*\)".*/{"message_id":"\1","state":"failed","detail":"no such number"}/
	s/^{"message_id":"\([^"]*\)","one_id".*/{"message_id":"\1","state":"accepted"}/'
