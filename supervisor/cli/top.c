/* top.c - nacelle top: units or nanoprocesses by what they use, on a screen that renews itself. */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>

#include "engine/base/clock.h"
#include "supervisor/cli/remote.h"
#include "supervisor/cli/values.h"

struct row {
        char name[140];
        char state[16];
        uint64_t id, cpu_ns, memory, since_us;
        double percent;
        int64_t running, restarts;
};

struct sample {
        struct row *rows;
        unsigned n, room;
        uint64_t at_ns;
};

struct top {
        struct remote remote; /* first */
        struct sample now, before;
        uint64_t delay_ms;
        bool guests, by_memory, once, quit;
};

static int set_guests(void *target, const char *value, struct error *err)
{
        ((struct top *)target)->guests = true;
        return 0;
}

static int set_once(void *target, const char *value, struct error *err)
{
        ((struct top *)target)->once = true;
        return 0;
}

static int set_delay(void *target, const char *value, struct error *err)
{
        struct top *t = target;
        int r = parse_duration(value, &t->delay_ms, err);

        if (r >= 0 && t->delay_ms < 100)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "less than 100ms");
        return r;
}

static int take_row(void *context, struct json_object *o)
{
        struct top *t = context;
        struct sample *table = &t->now;
        struct row *row;

        if (table->n == table->room) {
                unsigned room = table->room ? table->room * 2 : 256;
                struct row *rows = reallocarray(table->rows, room, sizeof(*rows));

                if (!rows)
                        return STATUS_INTERNAL;
                table->rows = rows;
                table->room = room;
        }
        row = &table->rows[table->n++];
        *row = (struct row) {
                .id = t->guests ? (uint64_t)field_int(o, "guest") : 0,
                .cpu_ns = (uint64_t)field_int(o, "cpu_ns"),
                .memory = (uint64_t)field_int(o, "memory"),
                .since_us = (uint64_t)field_int(o, "since"),
                .running = field_int(o, "running"),
                .restarts = field_int(o, "restarts"),
        };
        snprintf(row->name, sizeof(row->name), "%s", field_text(o, t->guests ? "unit" : "name"));
        snprintf(row->state, sizeof(row->state), "%s", field_text(o, "state"));
        return 0;
}

static int by_name(const void *a, const void *b)
{
        const struct row *x = a, *y = b;
        int order = strcmp(x->name, y->name);

        return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_cpu(const void *a, const void *b)
{
        const struct row *x = a, *y = b;

        if (x->percent != y->percent)
                return x->percent < y->percent ? 1 : -1;
        if (x->cpu_ns != y->cpu_ns)
                return x->cpu_ns < y->cpu_ns ? 1 : -1;
        return by_name(a, b);
}

static int by_memory(const void *a, const void *b)
{
        const struct row *x = a, *y = b;

        return x->memory != y->memory ? (x->memory < y->memory ? 1 : -1) : by_name(a, b);
}

/* What each used since the last look, as a share of one processor. */
static void compare(struct top *t)
{
        double span = (double)(t->now.at_ns - t->before.at_ns);

        if (t->before.n)
                qsort(t->before.rows, t->before.n, sizeof(struct row), by_name);
        for (unsigned i = 0; i < t->now.n; i++) {
                struct row *row = &t->now.rows[i];
                const struct row *old = t->before.n ? bsearch(row, t->before.rows, t->before.n,
                                                              sizeof(*row), by_name) : NULL;

                if (old && row->cpu_ns > old->cpu_ns)
                        row->percent = (double)(row->cpu_ns - old->cpu_ns) / span * 100;
        }
        qsort(t->now.rows, t->now.n, sizeof(struct row), t->by_memory ? by_memory : by_cpu);
}

static int look(struct top *t)
{
        struct sample old = t->before;
        int status;

        t->before = t->now;
        t->now = old;
        t->now.n = 0;
        t->now.at_ns = monotonic_ns();
        status = remote_each(&t->remote, t->guests ? "ListGuests" : "ListUnits", NULL,
                             t->guests ? "guests" : "units", take_row, t);
        if (status == 0 && t->now.n)
                compare(t);
        return status;
}

static void print_row(const struct top *t, const struct row *row, int columns, const char *end)
{
        char line[400], who[170], cpu[FORMAT_MAX], memory[FORMAT_MAX], since[FORMAT_MAX];

        snprintf(who, sizeof(who), t->guests ? "%s[%" PRIu64 "]" : "%s", row->name, row->id);
        snprintf(line, sizeof(line), "%-28s %-11s %6.1f %9s %8s %7" PRId64 " %8s", who, row->state,
                 row->percent, format_cpu(row->cpu_ns, cpu), format_bytes(row->memory, memory),
                 t->guests ? row->restarts : row->running, format_since(row->since_us, since));
        printf("%.*s%s", columns, line, end);
}

static void print_table(const struct top *t, int lines, int columns, const char *end)
{
        uint64_t memory = 0;
        double percent = 0;
        char text[FORMAT_MAX], line[200];

        for (unsigned i = 0; i < t->now.n; i++) {
                memory += t->now.rows[i].memory;
                percent += t->now.rows[i].percent;
        }
        snprintf(line, sizeof(line), "nacelle: %u %s, %.1f %% of a processor, %s of memory", t->now.n,
                 t->guests ? "nanoprocesses" : "units", percent, format_bytes(memory, text));
        printf("%.*s%s", columns, line, end);
        snprintf(line, sizeof(line), "%-28s %-11s %6s %9s %8s %7s %8s", "UNIT", "STATE", "CPU%", "CPU",
                 "MEMORY", t->guests ? "RST" : "RUNNING", "SINCE");
        printf("%.*s%s", columns, line, end);
        for (unsigned i = 0; i < t->now.n && (int)i + 2 < lines; i++)
                print_row(t, &t->now.rows[i], columns, end);
}

static void draw(const struct top *t)
{
        struct winsize size = { 0 };

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 4 || size.ws_col < 20)
                size = (struct winsize) { .ws_row = 24, .ws_col = 80 };
        fputs("\033[H", stdout);
        print_table(t, size.ws_row - 1, size.ws_col, "\033[K\r\n");
        printf("\033[J\033[%u;1H%.*s\033[K", size.ws_row, size.ws_col - 1,
               "q quit   c by CPU   m by memory   g nanoprocesses or units");
        fflush(stdout);
}

static void take_key(struct top *t, char key)
{
        switch (key) {
        case 'q':
        case 3: /* control-c */
                t->quit = true;
                break;
        case 'c':
                t->by_memory = false;
                break;
        case 'm':
                t->by_memory = true;
                break;
        case 'g':
                t->guests = !t->guests;
                t->now.n = t->before.n = 0;
                break;
        }
}

static int live(struct top *t, int signals)
{
        struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { signals, POLLIN, 0 } };
        int status = 0;

        while (!t->quit && status == 0) {
                uint64_t until, now;
                bool again = false;

                status = look(t);
                if (status)
                        break;
                draw(t);
                until = monotonic_ns() + t->delay_ms * 1000000u;
                while (!t->quit && !again && (now = monotonic_ns()) < until) {
                        uint64_t ms = (until - now) / 1000000u + 1;
                        struct signalfd_siginfo info;
                        char key;

                        if (poll(fds, 2, ms < INT_MAX ? (int)ms : INT_MAX) <= 0)
                                continue;
                        if (fds[1].revents && read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                                if (info.ssi_signo != SIGWINCH)
                                        t->quit = true;
                                else
                                        draw(t);
                        }
                        if (fds[0].revents) {
                                if (read(STDIN_FILENO, &key, 1) != 1)
                                        t->quit = true;
                                else
                                        take_key(t, key);
                                again = true;
                        }
                }
        }
        return status;
}

/* The terminal as it was, whatever ends us: signals come through a descriptor. */
static int on_screen(struct top *t)
{
        struct termios old, raw;
        sigset_t set;
        int signals, status;

        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signals = signalfd(-1, &set, SFD_CLOEXEC);
        if (signals < 0 || tcgetattr(STDIN_FILENO, &old) < 0)
                return STATUS_INTERNAL;
        raw = old;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        fputs("\033[?1049h\033[?25l", stdout);
        status = live(t, signals);
        fputs("\033[?25h\033[?1049l", stdout);
        fflush(stdout);
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
        close(signals);
        return status;
}

static int top_main(const struct command *self, int argc, char **argv)
{
        struct top t = { .delay_ms = 2000 };
        int status = remote_begin(self, &t, argc, argv);

        if (status == 0 && (t.once || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
                status = look(&t);
                if (status == 0) /* a second look tells what is used now */
                        poll(NULL, 0, (int)(t.delay_ms < 200 ? t.delay_ms : 200));
                if (status == 0)
                        status = look(&t);
                if (status == 0)
                        print_table(&t, INT32_MAX, 400, "\n");
        } else if (status == 0) {
                status = on_screen(&t);
        }
        free(t.now.rows);
        free(t.before.rows);
        remote_done(&t.remote);
        return status;
}

static const struct option_row options[] = {
        { "guests", 'g', NULL, false, set_guests, "nanoprocesses instead of units" },
        { "delay", 'd', "TIME", false, set_delay, "between two looks (default: 2s)" },
        { "once", '1', NULL, false, set_once, "print once, as when the output is no terminal" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

const struct command top_command = {
        .name = "top", .operands = "", .main = top_main, .options = options,
        .text = "show what units use, on a screen that renews itself",
};
