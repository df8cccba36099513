/* Interrupts leave no temporary file; a crash says which pass it was in, lets a second process write the model before that pass, and ends with
 * exit code 5. */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* All that the handler needs stands ready. */
static struct {
    const char *const *argv; /* NULL = none */
    const char *folder, *model;
    char limit[16];          /* argv's --bisect-limit */
} again;

const char *oo__signals_reproduce(const char *const *argv, const char *folder, const char *model) {
    again.argv = argv;
    again.folder = folder;
    again.model = model;
    return again.limit;
}

void oo__signals_running(const char *pass, uint32_t number) {
    snprintf(again.limit, sizeof again.limit, "%u", pass && number ? number - 1 : 0);
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

/* Whether the model before the pass that crashed was written. */
static bool reproduce(void) {
    enum { SECONDS = 120 };
    int status = 0;
    if (!again.argv || !*running || strncmp(running, "in pass", 7) != 0)
        return false;
    (void)mkdir(again.folder, 0777);
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        alarm(SECONDS);
        execv("/proc/self/exe", (char *const *)(uintptr_t)again.argv);
        _exit(1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
    if (reproduce()) {
        say("; nothing was written but the model before it, ");
        say(again.model);
        say(" [crash]\n");
    } else {
        say("; nothing was written [crash]\n");
    }
    _exit(OO_EXIT_BROKEN);
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
