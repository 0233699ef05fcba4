/*
 * peer-machine.c - llhttp's state machine, alone: it and the rest of llhttp
 * declare the same functions in two ways.
 */
#define LLHTTP_STRICT_MODE 1
#include <llhttp.h>
#include <../../llhttp/llhttp.c>
