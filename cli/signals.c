/* Interrupts leave no temporary file; a crash says which pass it was in and ends with exit code 5. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Sanitizers report crashes themselves, with more to say. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static pid_t main_process;
static char running[160]; /* "" = no pass */

void oo__signals_running(const char *pass, uint32_t number) {
    if (!pass)
        running[0] = 0;
    else if (number == 0)
        snprintf(running, sizeof running, "in plugin %.100s", pass);
    else
        snprintf(running, sizeof running, "in pass %.60s (run %u; --bisect-limit %u leaves it out)", pass, number, number - 1);
}

static void say(const char *text) {
    size_t size = strlen(text);
    while (size) {
        const ssize_t n = write(STDERR_FILENO, text, size);
        if (n <= 0)
            return;
        text += n;
        size -= (size_t)n;
    }
}

/* A child that draws must not remove the files of its parent. */
static void clean_up(void) {
    if (getpid() == main_process)
        oo__output_discard_all();
}

static void on_interrupt(int signal_number) {
    clean_up();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_crash(int signal_number) {
    if (getpid() != main_process) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    clean_up();
    char number[4] = {(char)('0' + signal_number / 10), (char)('0' + signal_number % 10), 0};
    say("onnxopt: error: crashed with signal ");
    say(number[0] == '0' ? number + 1 : number);
    say(*running ? " " : "");
    say(running);
    say("; nothing was written [crash]\n");
    _exit(OO_EXIT_CRASHED);
}

void oo__signals_install(void) {
    main_process = getpid();
    static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    /* A stack of its own: the crash may be an exhausted one. */
    static _Alignas(16) char stack[64 * 1024];
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof interrupts / sizeof *interrupts; i++) {
        struct sigaction old;
        if (sigaction(interrupts[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(interrupts[i], &action, NULL);
    }
    if (SANITIZED)
        return;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    action.sa_handler = on_crash;
    action.sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}
