/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_CONTROL_H
#define HOSTMETRICS_CONTROL_H

/*
 * The control protocol between agentctl and a daemon, over a local stream socket. Text, one message
 * a line, words separated by TAB; inside a word TAB, newline, carriage return and backslash are
 * written \t, \n, \r, \\.
 *
 * A request is the verb, then arguments NAME=VALUE:
 *     list-metrics<TAB>glob=node_cpu*<NL>
 * An answer is
 *     columns<TAB>SHAPE<TAB>NAME:TYPE[<TAB>NAME:TYPE ...]<NL>  SHAPE: "rows", or "record" for one row
 *     row<TAB>WORD[<TAB>WORD ...]<NL>                          any number; the word \N is "no value"
 *     note<TAB>TEXT<NL>                                        any number, for people
 *     wait<NL>                                                any number: the answer takes long
 *     end<TAB>STATUS[<TAB>TEXT]<NL>                            always the last line
 * and the connection may then be used for the next request.
 */

/* Where the packages put the sockets. */
#define HM_AGENT_SOCKET     "/run/hostmetrics/agent.sock"
#define HM_COLLECTOR_SOCKET "/run/hostmetrics/collector.sock"

/* A request is at most this long, its newline included. */
#define HM_CONTROL_REQUEST_MAX_BYTES 16384

/* Types of a column: how a program should read its words. */
#define HM_CONTROL_TEXT     "text"
#define HM_CONTROL_NUMBER   "number"   /* shortest decimal that reads back the same */
#define HM_CONTROL_TIME     "time"     /* microseconds since 1970 UTC */
#define HM_CONTROL_DURATION "duration" /* microseconds */

/* Status of an answer. */
#define HM_CONTROL_OK     "ok"     /* found */
#define HM_CONTROL_NONE   "none"   /* nothing matched */
#define HM_CONTROL_USAGE  "usage"  /* no such verb or argument here; the text says what to do */
#define HM_CONTROL_FAILED "failed" /* the daemon could not; the text says why */

#endif
