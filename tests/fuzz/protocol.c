/* protocol.c - what a cell says to its broker, under noise: protocol [STEPS [SEED]].
 *
 * The cell is this program, at the other end of the sockets. It says what an honest cell would, what was changed after, and
 * anything, with descriptors or without, and asks for paths in a tree that has links and names that lead out. What must
 * hold: each guest ends once, a cell that lies is lost once and nothing is told of it afterwards, what comes from it is
 * bounded and escaped, no descriptor stays; no path leads out of the tree, and what lies beside it is never touched. */
#include "config.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/key.h"
#include "supervisor/broker/guests_state.h"
#include "supervisor/broker/paths.h"
#include "supervisor/proto/descriptors.h"
#include "tests/fuzz/noise.h"

#define GUESTS 6

static struct noise noise;
static struct broker *broker;
static struct guest_cell *cell;
static struct error err;
static int theirs;
static bool is_lost, has_ended[GUESTS + 1];
static uint64_t told, cells, lies, answered, handed;

static void check_guest(uint64_t guest)
{
        NOISE_CHECK(guest >= 1 && guest <= GUESTS && !is_lost, &noise);
        told++;
}

static void check_text(const char *text, size_t most)
{
        size_t n = strnlen(text, most);

        NOISE_CHECK(n < most, &noise);
        for (size_t i = 0; i < n; i++)
                NOISE_CHECK((uint8_t)text[i] >= ' ' || text[i] == '\n', &noise);
}

static void on_started(void *context, uint64_t guest, uint64_t ns)
{
        check_guest(guest);
        NOISE_CHECK(!has_ended[guest], &noise);
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        check_guest(guest);
        NOISE_CHECK(!has_ended[guest], &noise);
        has_ended[guest] = true;
        check_text(e->text, 65536);
        NOISE_CHECK(e->end > 0 && e->nvalues <= PROTO_VALUES_MAX && e->trap < 1000 && e->stage < _STAGE_MAX, &noise);
        for (unsigned i = 0; i < e->nvalues; i++) /* they are there to be read */
                told += ((const uint8_t *)&e->values[i])[0] & 1;
}

static void on_log(void *context, uint64_t guest, unsigned stream, const char *bytes, size_t n, uint64_t dropped)
{
        check_guest(guest);
        NOISE_CHECK((stream == 1 || stream == 2) && n <= PROTO_LOG_MAX, &noise);
        if (n)
                told += (uint8_t)bytes[n - 1] & 1;
}

static void on_denied(void *context, uint64_t guest, const struct guest_denial *d)
{
        check_guest(guest);
        check_text(d->what, 4096);
        NOISE_CHECK(d->count > 0, &noise);
}

static void on_heat(void *context, const struct heat_message *hot)
{
        NOISE_CHECK(!is_lost && hot->n <= HEAT_FUNCTIONS_MAX, &noise);
}

static void on_lost(void *context, const char *text)
{
        NOISE_CHECK(!is_lost, &noise);
        for (unsigned i = 1; i <= GUESTS; i++)
                NOISE_CHECK(has_ended[i], &noise);
        check_text(text, 4096);
        is_lost = true;
        lies++;
}

static void new_cell(void)
{
        static const struct guest_events events = { on_started, on_ended, on_log, on_denied, on_heat, on_lost };
        struct run_options o = { 0 };
        int pair[2];

        is_lost = false;
        memset(has_ended, 0, sizeof(has_ended));
        NOISE_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, &noise);
        NOISE_CHECK(broker_new(&o, &broker, &err) == 0, &noise);
        broker->sock = pair[0];
        broker->phase = PHASE_OPEN;
        theirs = pair[1];
        NOISE_CHECK(cell_of_broker(broker, &events, NULL, &cell, &err) == 0, &noise);
        for (uint64_t g = 1; g <= GUESTS; g++)
                NOISE_CHECK(live_add(cell, g, 0, &(struct cgroup_use) { 0 }) == 0, &noise);
        cells++;
}

static void end_cell(void)
{
        cell_close(cell);
        broker_stop(broker);
        close(theirs);
        for (unsigned i = 1; i <= GUESTS; i++)
                NOISE_CHECK(has_ended[i], &noise);
}

static size_t fixed_bytes(uint32_t message)
{
        static const size_t bytes[_MESSAGE_MAX] = {
#define MESSAGE(name, from_cell, phases, bytes, fds, text) [MESSAGE_##name] = bytes,
#include "supervisor/proto/messages.def"
        };

        return bytes[message];
}

/* Of a cell that is honest, mostly. */
static size_t think_of_something(union message_buffer *m)
{
        static const uint32_t usual[] = { MESSAGE_STARTED, MESSAGE_ENDED, MESSAGE_LOG, MESSAGE_LOG, MESSAGE_DENIED, MESSAGE_HEAT };
        uint32_t kind = noise_chance(&noise, 95) ? usual[noise_below(&noise, ELEMENTSOF(usual))]
                                                 : 1 + noise_below(&noise, _MESSAGE_MAX - 1);
        uint64_t guest = 1 + noise_below(&noise, noise_chance(&noise, 97) ? GUESTS : GUESTS + 2);
        size_t n = fixed_bytes(kind);

        memset(m, 0, sizeof(*m));
        ((struct message_head *)m)->message = kind;
        switch (kind) {
        case MESSAGE_STARTED:
                ((struct started_message *)m)->guest = guest;
                break;
        case MESSAGE_ENDED: {
                struct ended_message *e = (void *)m;

                e->guest = guest;
                e->end = 1 + noise_below(&noise, GUEST_LOST);
                e->trap = noise_below(&noise, 40);
                e->code = -(int32_t)noise_below(&noise, 200);
                e->nframes = e->end == GUEST_TRAPPED ? noise_below(&noise, 4) : 0;
                e->nvalues = e->end == GUEST_RETURNED ? noise_below(&noise, 4) : 0;
                for (unsigned i = 0; i < sizeof(e->text) - 1 && noise_chance(&noise, 90); i++)
                        e->text[i] = (char)noise_bits(&noise);
                n += e->nframes * sizeof(struct wire_frame) + e->nvalues * sizeof(struct wire_value);
                break;
        }
        case MESSAGE_LOG: {
                struct log_message *l = (void *)m;

                l->guest = guest;
                l->stream = 1 + noise_below(&noise, 2);
                l->bytes = noise_below(&noise, PROTO_LOG_MAX + 1);
                n += l->bytes;
                break;
        }
        case MESSAGE_DENIED: {
                struct denied_message *d = (void *)m;

                d->guest = guest;
                d->layer = noise_below(&noise, 3);
                d->limit = noise_below(&noise, 8);
                d->count = 1 + noise_below(&noise, 3);
                for (unsigned i = 0; i < sizeof(d->what) - 1 && noise_chance(&noise, 80); i++)
                        d->what[i] = (char)noise_bits(&noise);
                break;
        }
        case MESSAGE_HEAT: {
                struct heat_message *h = (void *)m;

                h->n = 1 + noise_below(&noise, HEAT_FUNCTIONS_MAX);
                for (unsigned i = 0; i < h->n; i++)
                        h->functions[i] = i * 3;
                break;
        }
        default:
                break;
        }
        if (noise_chance(&noise, 20))
                n = noise_mutate(&noise, (void *)m, n, sizeof(*m));
        return n;
}

static void say_something(void)
{
        static union message_buffer m;
        size_t n = think_of_something(&m);
        int fds[] = { theirs, theirs };

        if (n && descriptors_send(theirs, &m, n, fds, noise_chance(&noise, 2) ? 1 + noise_below(&noise, 2) : 0, MSG_DONTWAIT) < 0)
                return;
        if (noise_chance(&noise, 40)) {
                int r = cell_dispatch(cell, noise_below(&noise, 4));

                NOISE_CHECK(r == (is_lost ? -EPIPE : 0), &noise);
        }
        if (is_lost || noise_chance(&noise, 1)) {
                end_cell();
                new_cell();
        }
}

/* The other half: paths. */
static char top[] = "/tmp/nacelle-noise-XXXXXX", tree_path[64], secret_path[64];
static struct paths paths;
static struct stat secret_before;

static void put_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

        NOISE_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), &noise);
        close(fd);
}

/* What was removed or renamed is there again. */
static void plant_tree(void)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/d", tree_path);
        (void)mkdir(path, 0755);
        snprintf(path, sizeof(path), "%s/f", tree_path);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                put_file(path, "inside");
        snprintf(path, sizeof(path), "%s/out", tree_path);
        (void)!symlink("../secret", path);
        snprintf(path, sizeof(path), "%s/abs", tree_path);
        (void)!symlink(secret_path, path);
        snprintf(path, sizeof(path), "%s/up", tree_path);
        (void)!symlink("..", path);
}

static void make_tree(void)
{
        NOISE_CHECK(mkdtemp(top), &noise);
        snprintf(tree_path, sizeof(tree_path), "%s/tree", top);
        snprintf(secret_path, sizeof(secret_path), "%s/secret", top);
        NOISE_CHECK(mkdir(tree_path, 0755) == 0, &noise);
        put_file(secret_path, "secret");
        NOISE_CHECK(stat(secret_path, &secret_before) == 0, &noise);
}

static void new_paths(void)
{
        static const uint32_t verbs[] = { VERB_READ, VERB_READ | VERB_WRITE | VERB_CREATE | VERB_REMOVE, VERB_READ | VERB_CREATE };

        paths_done(&paths);
        plant_tree();
        for (unsigned i = 0; i < ELEMENTSOF(verbs); i++)
                NOISE_CHECK(paths_grant_verbs(&paths, open(tree_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), verbs[i], NULL, &err) == 0,
                            &noise);
}

static size_t put_path(char *to)
{
        static const char *const parts[] = { "d", "f", "..", ".", "", "out", "abs", "up", "secret", "d/..", "new", "a/b" };
        unsigned n = 1 + noise_below(&noise, noise_chance(&noise, 50) ? 1 : 4);
        size_t size = 0;

        if (noise_chance(&noise, 3))
                return (size_t)sprintf(to, "/proc/self/root%s", secret_path);
        if (noise_chance(&noise, 2)) {
                size = noise_below(&noise, PATH_BYTES_MAX + 1);
                memset(to, noise_chance(&noise, 50) ? 'x' : '/', size);
                return size;
        }
        for (unsigned i = 0; i < n; i++)
                size += (size_t)sprintf(to + size, "%s%s", i ? "/" : "", parts[noise_below(&noise, ELEMENTSOF(parts))]);
        return size;
}

/* A descriptor that is handed out is a regular file beneath the tree, where it was when it was opened. */
static void check_handed(int fd)
{
        char link[64], where[256];
        struct stat st;
        ssize_t n;

        NOISE_CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino != secret_before.st_ino, &noise);
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, where, sizeof(where) - 1);
        NOISE_CHECK(n > 0, &noise);
        where[n] = '\0';
        NOISE_CHECK(strncmp(where, tree_path, strlen(tree_path)) == 0 && where[strlen(tree_path)] == '/', &noise);
        NOISE_CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, &noise);
        close(fd);
        handed++;
}

static void ask_for_a_path(void)
{
        static struct {
                struct path_request head;
                char bytes[2 * PATH_BYTES_MAX + 64];
        } q;
        static const uint32_t usual[] = { PATH_READ, PATH_READ | PATH_FOLLOW, PATH_WRITE | PATH_CREATE | PATH_FOLLOW,
                                          PATH_DIRECTORY | PATH_READ, PATH_READ | PATH_WRITE | PATH_CREATE | PATH_EXCLUSIVE };
        static struct checked_request c;
        static uint8_t bytes[PATH_REPLY_MAX];
        struct path_reply reply = { 0 };
        size_t size;
        uint8_t *exact;
        int fd = -EBADF, r;

        q.head = (struct path_request) { .message = MESSAGE_PATH, .op = noise_below(&noise, _PATH_OP_MAX), .dir = noise_below(&noise, 5),
                                         .dir2 = noise_below(&noise, 5), .length = noise_below(&noise, PATH_REPLY_MAX + 1) };
        if (noise_chance(&noise, 40))
                q.head.op = PATH_OPEN;
        if (q.head.op == PATH_OPEN)
                q.head.flags = usual[noise_below(&noise, ELEMENTSOF(usual))] ^
                               (noise_chance(&noise, 30) ? (uint32_t)noise_bits(&noise) & 0x7ff : 0);
        else if (noise_chance(&noise, 50))
                q.head.flags = 1u << noise_below(&noise, 16);
        q.head.path_bytes = (uint32_t)put_path(q.bytes);
        size = q.head.path_bytes;
        if (q.head.op >= PATH_RENAME) {
                q.head.path2_bytes = (uint32_t)put_path(q.bytes + size);
                size += q.head.path2_bytes;
        }
        size += sizeof(q.head);
        if (noise_chance(&noise, 15))
                size = noise_mutate(&noise, (uint8_t *)&q, size, sizeof(q));
        exact = malloc(size ? size : 1); /* a sanitizer sees the byte behind it */
        memcpy(exact, &q, size);
        r = message_check(exact, size, 0, true, PHASE_ASKED, &err);
        NOISE_CHECK(r == 0 || r == -EPROTO, &noise);
        if (r == 0)
                r = ((struct message_head *)exact)->message == MESSAGE_PATH ? path_request_check(&paths, exact, size, &c, &err) : -EPROTO;
        NOISE_CHECK(r == 0 || r == -EPROTO, &noise);
        memset(exact, 0xff, size); /* what was checked is what is done */
        free(exact);
        if (r < 0)
                return;
        paths_do(&paths, &c, &reply, bytes, &fd);
        answered++;
        NOISE_CHECK(reply.bytes <= PATH_REPLY_MAX && (fd < 0 || reply.result >= 0), &noise);
        if (fd >= 0)
                check_handed(fd);
        if (noise_chance(&noise, 3))
                new_paths();
}

static void check_outside(void)
{
        struct stat st;

        NOISE_CHECK(stat(secret_path, &st) == 0 && st.st_ino == secret_before.st_ino && st.st_nlink == 1 && st.st_size == 6 &&
                            st.st_mtim.tv_nsec == secret_before.st_mtim.tv_nsec && st.st_mode == secret_before.st_mode,
                    &noise);
        NOISE_CHECK(stat(top, &st) == 0 && st.st_nlink == 3, &noise); /* the tree alone is a directory there */
}

static unsigned descriptors(void)
{
        unsigned n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

int main(int argc, char **argv)
{
        uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 0) : 60000;
        unsigned before = descriptors();
        char command[96];

        noise.state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
        make_tree();
        paths_init(&paths);
        new_paths();
        new_cell();
        for (uint64_t i = 0; i < steps; i++) {
                if (i & 1)
                        say_something();
                else
                        ask_for_a_path();
                if (i % 1024 == 0)
                        check_outside();
        }
        end_cell();
        paths_done(&paths);
        check_outside();
        NOISE_CHECK(descriptors() == before, &noise);
        NOISE_CHECK(told > steps / 20 && answered > steps / 20 && lies > steps / 500 && handed > steps / 500, &noise); /* it was no mere noise */
        snprintf(command, sizeof(command), "rm -rf %s", top);
        if (system(command) != 0)
                return 1;
        printf("pass %llu steps: %llu cells, %llu lies, %llu things told; %llu requests, %llu files\n1 passed, 0 failed, 0 skipped\n",
               (unsigned long long)steps, (unsigned long long)cells, (unsigned long long)lies, (unsigned long long)told,
               (unsigned long long)answered, (unsigned long long)handed);
        return 0;
}
