/* Printers of diagnostics, passes and results: text for people, JSON lines for programs. */
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double oo__now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool oo__use_color(oo_color color, FILE *file) {
    if (color != OO_COLOR_AUTO)
        return color == OO_COLOR_ALWAYS;
    const char *const no_color = getenv("NO_COLOR");
    const char *const term = getenv("TERM");
    return !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0) && isatty(fileno(file));
}

void oo__usage_error(oo_context *context, const char *format, ...) {
    va_list args;
    va_start(args, format);
    oo__diag_v(context, (oo_diag){.severity = OO_ERROR, .code = "usage", .offset = -1}, format, args);
    va_end(args);
}

/* ---- text that came from a file ---- */
/* Length of the UTF-8 sequence at `s`, 0 when it is none. Overlong forms and surrogates are none. */
static size_t utf8_length(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    const size_t n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* C0, DEL and C1: a terminal may obey them. */
static bool is_control(const unsigned char *s, size_t n) { return (n == 1 && (*s < 0x20 || *s == 0x7f)) || (n == 2 && *s == 0xc2 && s[1] < 0xa0); }

/* Prints text so that a terminal shows it and does not obey it. */
void oo__put_safe(FILE *file, const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s);
        if (n && !is_control(s, n)) {
            fwrite(s, 1, n, file);
        } else {
            fprintf(file, "\\x%02x", *s);
            n = 1;
        }
        s += n;
    }
}

/* ---- text ---- */
static const char *const severity_words[] = {[OO_NOTE] = "note", [OO_REMARK] = "remark", [OO_WARNING] = "warning", [OO_ERROR] = "error"};
static const char *const severity_colors[] = {[OO_NOTE] = "\033[1;36m", [OO_REMARK] = "\033[1;34m", [OO_WARNING] = "\033[1;35m", [OO_ERROR] = "\033[1;31m"};

static void put_place(FILE *f, const oo_diag *d) {
    oo__put_safe(f, d->file ? d->file : "onnxopt");
    if (d->line)
        fprintf(f, ":%u:%u", d->line, d->column);
    fputs(": ", f);
    if (d->graph) {
        oo__put_safe(f, d->graph);
        fputs(": ", f);
    }
    if (d->node) {
        fputs("node \"", f);
        oo__put_safe(f, d->node);
        fputc('"', f);
        if (d->op) {
            fputs(" (", f);
            oo__put_safe(f, d->op);
            fputc(')', f);
        }
        fputs(d->value ? " " : ": ", f);
    }
    if (d->value) {
        fputs("value \"", f);
        oo__put_safe(f, d->value);
        fputs("\": ", f);
    }
}

/* The line with a caret below; of a long line, the part around it. */
static void put_caret(FILE *f, const oo_diag *d, bool color) {
    enum { BEFORE = 60, SHOWN = 100 };
    const unsigned char *line = (const unsigned char *)d->source_line;
    const size_t size = strlen(d->source_line);
    size_t at = d->column ? d->column - 1 : 0;
    if (at > size)
        at = size;
    size_t from = at > BEFORE ? at - BEFORE : 0;
    while (from < at && (line[from] & 0xc0) == 0x80)
        from++;
    fputs(from ? "  ..." : "  ", f);
    unsigned indent = from ? 5 : 2;
    for (size_t i = from; i < size && i < from + SHOWN;) {
        const size_t n = utf8_length(line + i);
        const bool plain = n && !is_control(line + i, n);
        fwrite(plain ? (const char *)line + i : " ", 1, plain ? n : 1, f);
        i += n ? n : 1;
        indent += i <= at;
    }
    fprintf(f, "%s\n%*s%s^%s\n", size > from + SHOWN ? "..." : "", (int)indent, "", color ? "\033[1;32m" : "", color ? "\033[0m" : "");
}

static void put_text(const oo_printer *p, FILE *f, const oo_diag *d) {
    put_place(f, d);
    fprintf(f, "%s%s:%s ", p->color ? severity_colors[d->severity] : "", severity_words[d->severity], p->color ? "\033[0m" : "");
    if (d->pass) {
        oo__put_safe(f, d->pass);
        if (d->rule && strcmp(d->rule, d->pass) != 0) {
            fputc('/', f);
            oo__put_safe(f, d->rule);
        }
        fputs(": ", f);
    }
    oo__put_safe(f, d->text);
    if (d->offset >= 0)
        fprintf(f, " (at byte %lld)", (long long)d->offset);
    if (d->code && d->severity >= OO_WARNING)
        fprintf(f, " [%s]", d->code);
    fputc('\n', f);
    if (d->source_line)
        put_caret(f, d, p->color);
}

/* ---- JSON ---- */
/* Text of a file need not be UTF-8; a JSON string must be. Other bytes become U+FFFD. */
char *oo__clean(const char *text) {
    char *const copy = oo__malloc(strlen(text) * 3 + 1);
    char *to = copy;
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const size_t n = utf8_length(s);
        memcpy(to, n ? (const char *)s : "\xef\xbf\xbd", n ? n : 3);
        to += n ? n : 3;
        s += n ? n : 1;
    }
    *to = 0;
    return copy;
}

static void add_text(cJSON *object, const char *key, const char *text) {
    if (!text)
        return;
    char *const copy = oo__clean(text);
    cJSON_AddStringToObject(object, key, copy);
    free(copy);
}

static cJSON *new_line(const char *type) {
    cJSON *const line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "v", 1);
    cJSON_AddStringToObject(line, "type", type);
    return line;
}

static void put_json(FILE *file, const oo_diag *d) {
    cJSON *const line = new_line(d->severity == OO_REMARK ? "remark" : "diagnostic");
    cJSON_AddStringToObject(line, "severity", severity_words[d->severity]);
    add_text(line, "code", d->code);
    add_text(line, "message", d->text);
    add_text(line, "file", d->file);
    add_text(line, "graph", d->graph);
    add_text(line, "node", d->node);
    add_text(line, "op", d->op);
    add_text(line, "value", d->value);
    add_text(line, "pass", d->pass);
    add_text(line, "rule", d->rule);
    if (d->offset >= 0)
        cJSON_AddNumberToObject(line, "offset", (double)d->offset);
    if (d->line) {
        cJSON_AddNumberToObject(line, "line", d->line);
        cJSON_AddNumberToObject(line, "column", d->column);
    }
    add_text(line, "source_line", d->source_line);
    oo__put_json(file, line, false);
}

void oo__print_diag(void *user, const oo_diag *diag) {
    const oo_printer *const printer = user;
    if (printer->json)
        put_json(printer->file, diag);
    else if (diag->severity != OO_NOTE || !printer->quiet)
        put_text(printer, printer->file, diag);
}

void oo__print_pass_json(const oo_printer *printer, const oo_pass_report *report) {
    cJSON *const line = new_line("pass");
    add_text(line, "pass", report->name);
    cJSON_AddNumberToObject(line, "number", report->number);
    cJSON_AddBoolToObject(line, "skipped", report->skipped);
    cJSON_AddBoolToObject(line, "changed", report->changed);
    cJSON_AddNumberToObject(line, "rewrites", report->rewrites);
    cJSON_AddNumberToObject(line, "nodes_before", (double)report->nodes_before);
    cJSON_AddNumberToObject(line, "nodes_after", (double)report->nodes_after);
    cJSON_AddNumberToObject(line, "seconds", report->seconds);
    if (report->ncounters) {
        cJSON *const stats = cJSON_AddObjectToObject(line, "stats");
        for (uint32_t i = 0; i < report->ncounters; i++) {
            char *const name = oo__clean(report->counters[i].name);
            cJSON_AddNumberToObject(stats, name, (double)report->counters[i].value);
            free(name);
        }
    }
    oo__put_json(printer->file, line, false);
}

/* ---- results ---- */
static void put_bytes(FILE *f, int64_t bytes) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double shown = (double)bytes;
    unsigned unit = 0;
    while (shown >= 1024 && unit < 4) {
        shown /= 1024;
        unit++;
    }
    fprintf(f, "%.*f %s", unit && shown < 100 ? 1 : 0, shown, units[unit]);
}

static void put_result_json(FILE *file, const oo_result *r) {
    static const char *const words[] = {"done", "failed", "usage", "input", "check", "crashed"};
    cJSON *const line = new_line("result");
    cJSON_AddStringToObject(line, "status", words[r->exit]);
    cJSON_AddNumberToObject(line, "exit_code", r->exit);
    add_text(line, "input", r->input);
    add_text(line, "output", r->output);
    if (r->ran) {
        cJSON_AddBoolToObject(line, "changed", r->changed);
        cJSON_AddNumberToObject(line, "nodes_before", (double)r->nodes_before);
        cJSON_AddNumberToObject(line, "nodes_after", (double)r->nodes_after);
    }
    if (r->bytes_before >= 0)
        cJSON_AddNumberToObject(line, "bytes_before", (double)r->bytes_before);
    if (r->bytes_after >= 0)
        cJSON_AddNumberToObject(line, "bytes_after", (double)r->bytes_after);
    if (r->moved) {
        cJSON_AddNumberToObject(line, "moved_bytes_before", r->moved_before.bytes);
        cJSON_AddNumberToObject(line, "moved_bytes_after", r->moved_after.bytes);
    }
    cJSON_AddNumberToObject(line, "seconds", r->seconds);
    oo__put_json(file, line, false);
}

void oo__print_checked(const oo_printer *printer, const char *file, bool valid, uint32_t errors, uint32_t warnings, double seconds) {
    if (printer->json) {
        cJSON *const line = new_line("check");
        add_text(line, "file", file);
        cJSON_AddBoolToObject(line, "valid", valid);
        cJSON_AddNumberToObject(line, "errors", errors);
        cJSON_AddNumberToObject(line, "warnings", warnings);
        cJSON_AddNumberToObject(line, "seconds", seconds);
        oo__put_json(printer->file, line, false);
    } else if (!printer->quiet) {
        oo__put_safe(printer->file, file);
        char took[OO_DURATION_SIZE];
        fprintf(printer->file, ": %u error%s, %u warning%s, %s\n", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                oo__duration(took, seconds));
    }
}

void oo__print_compared_json(const oo_printer *printer, const oo_compared *c) {
    cJSON *const line = new_line("compare");
    add_text(line, "verdict", c->verdict);
    const struct {
        const char *name;
        uint32_t count;
    } counts[] = {{"sets", c->sets},         {"ran", c->ran},   {"equal", c->equal},    {"close", c->close},
                  {"rounding", c->rounding}, {"tie", c->ties}, {"wrong", c->wrong}, {"skipped", c->skipped}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cJSON_AddNumberToObject(line, counts[i].name, counts[i].count);
    cJSON_AddNumberToObject(line, "error", c->error);
    if (c->folder)
        add_text(line, "folder", c->folder);
    oo__put_json(printer->file, line, false);
}

void oo__print_result(const oo_printer *printer, const oo_result *r) {
    FILE *const f = printer->file;
    if (printer->json) {
        put_result_json(f, r);
        return;
    }
    if (printer->quiet || r->exit != OO_EXIT_DONE)
        return;
    char took[OO_DURATION_SIZE];
    oo__put_safe(f, r->input);
    if (r->summary) {
        fprintf(f, ": %s, %s\n", r->summary, oo__duration(took, r->seconds));
        return;
    }
    fputs(" -> ", f);
    oo__put_safe(f, r->output ? r->output : "nothing written");
    fprintf(f, ": nodes %lld -> %lld", (long long)r->nodes_before, (long long)r->nodes_after);
    if (r->bytes_before >= 0) {
        fputs(", ", f);
        put_bytes(f, r->bytes_before);
        if (r->bytes_after >= 0) {
            fputs(" -> ", f);
            put_bytes(f, r->bytes_after);
        }
    }
    fprintf(f, ", %s\n", oo__duration(took, r->seconds));
}

void oo__print_times(FILE *file, const oo_run_report *report) {
    double total = 0;
    for (uint32_t i = 0; i < report->npasses; i++)
        total += report->passes[i].seconds;
    fprintf(file, "%12s  %6s  %8s  %-20s pass\n", "time", "share", "rewrites", "nodes");
    for (uint32_t i = 0; i < report->npasses; i++) {
        const oo_pass_report *const p = &report->passes[i];
        char nodes[64];
        snprintf(nodes, sizeof nodes, "%lld -> %lld", (long long)p->nodes_before, (long long)p->nodes_after);
        fprintf(file, "%9.3f ms  %5.1f%%  %8u  %-20s %s%s\n", p->seconds * 1e3, total > 0 ? p->seconds / total * 100 : 0.0, p->rewrites,
                nodes, p->name, p->skipped ? " (skipped)" : "");
    }
    fprintf(file, "%9.3f ms  100.0%%  in all\n", total * 1e3);
}

/* Sum of a counter over all runs of a pass from run `first` on; 0 when an earlier run has it: it was printed then. */
static uint64_t sum_of(const oo_run_report *report, uint32_t first, const char *counter) {
    const char *const pass = report->passes[first].name;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < report->npasses; i++) {
        const oo_pass_report *const p = &report->passes[i];
        if (strcmp(p->name, pass) != 0)
            continue;
        for (uint32_t k = 0; k < p->ncounters; k++) {
            if (strcmp(p->counters[k].name, counter) != 0)
                continue;
            if (i < first)
                return 0;
            sum += p->counters[k].value;
        }
    }
    return sum;
}

void oo__print_stats(FILE *file, const oo_run_report *report, const oo_result *result) {
    for (uint32_t i = 0; i < report->npasses; i++) {
        const oo_pass_report *const p = &report->passes[i];
        for (uint32_t k = 0; k < p->ncounters; k++) {
            const uint64_t sum = sum_of(report, i, p->counters[k].name);
            if (!sum)
                continue;
            fprintf(file, "%10llu  %s: ", (unsigned long long)sum, p->name);
            oo__put_safe(file, p->counters[k].name);
            fputc('\n', file);
        }
    }
    const oo_layout_cost *const before = &result->moved_before, *const after = &result->moved_after;
    if (!result->moved || before->transposes + before->views + after->transposes + after->views == 0)
        return;
    fprintf(file, "%10.0f  bytes moved by %u Transposes before\n", before->bytes, before->transposes);
    fprintf(file, "%10.0f  bytes moved by %u Transposes after\n", after->bytes, after->transposes);
}
