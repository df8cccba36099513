#include "base/diag.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

oo_context *oo_context_new(void) {
    oo_context *const context = oo__malloc(sizeof *context);
    *context = (oo_context){0};
    return context;
}

void oo_context_free(oo_context *context) { free(context); }

void oo_set_sink(oo_context *context, oo_sink sink, void *user) {
    context->sink = sink;
    context->user = user;
}

void oo__diag_v(oo_context *context, oo_diag diag, const char *format, va_list args) {
    if (context->quiet)
        return;
    context->errors += diag.severity == OO_ERROR;
    context->warnings += diag.severity == OO_WARNING;
    if (!context->sink)
        return;
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    diag.text = text;
    context->sink(context->user, &diag);
}

void oo__diag(oo_context *context, oo_diag diag, const char *format, ...) {
    va_list args;
    va_start(args, format);
    oo__diag_v(context, diag, format, args);
    va_end(args);
}

const char *oo__printable(const char *text, size_t size) {
    enum { LIMIT = 60, ROOM = LIMIT * 4 + 4 };
    static _Thread_local char ring[8][ROOM];
    static _Thread_local unsigned turn;
    char *const buffer = ring[turn++ % 8];
    char *to = buffer;
    if (!text)
        size = 0;
    for (size_t i = 0; i < size && i < LIMIT; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"')
            *to++ = (char)c;
        else
            to += sprintf(to, "\\x%02x", c);
    }
    if (size > LIMIT)
        to += sprintf(to, "...");
    *to = 0;
    return buffer;
}

_Noreturn void oo__bug(const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "onnxopt: bug: %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}
