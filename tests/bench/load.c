/* Sends prepared requests over HTTP/2 without TLS, so many at a time, and says how long each took.
 *
 * load HOST PORT CONNECTIONS STREAMS FILE: a line of FILE is a request, its path, key, content type and body in hex,
 * between tabs. The first line of the answer is how many were answered well and how many were not, and the seconds of
 * the clock and of this process's CPU; then microseconds, one line for every request answered well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 64

typedef struct {
    char *path, *key, *type;
    unsigned char *body;
    size_t size, sent;
    double began;
    int good;
} request;

typedef struct {
    int fd, live;
    nghttp2_session *session;
    const uint8_t *left;
    size_t length;
} connection;

static request *requests;
static size_t count, following, answered, failed;
static long *took;
static char authority[64];

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void leave(const char *why) {
    fprintf(stderr, "load: %s (%s)\n", why, strerror(errno));
    exit(1);
}

static ssize_t give_body(nghttp2_session *session, int32_t stream, uint8_t *into, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *context) {
    request *one = source->ptr;
    size_t part = one->size - one->sent < room ? one->size - one->sent : room;
    (void)session, (void)stream, (void)context;
    memcpy(into, one->body + one->sent, part);
    one->sent += part;
    if (one->sent == one->size) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)part;
}

static nghttp2_nv field(const char *name, const char *value) {
    nghttp2_nv pair = {(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
    return pair;
}

static void submit(connection *to) {
    if (following == count) return;
    request *one = &requests[following++];
    nghttp2_nv fields[] = {field(":method", "POST"),       field(":scheme", "http"),
                           field(":path", one->path),      field(":authority", authority),
                           field("content-type", one->type), field("te", "trailers"),
                           field("x-api-key", one->key)};
    nghttp2_data_provider body = {.source = {.ptr = one}, .read_callback = give_body};
    one->began = seconds();
    if (nghttp2_submit_request(to->session, NULL, fields, 7, &body, one) < 0) leave("a request was not taken");
    to->live++;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t length, uint8_t flags, void *context) {
    request *one = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags, (void)context;
    if (one == NULL) return 0;
    /* A gRPC answer is good by its last header, any other by its first. */
    if (strncmp(one->type, "application/grpc", 16) == 0) {
        if (name_length == 11 && memcmp(name, "grpc-status", 11) == 0) one->good = length == 1 && value[0] == '0';
    } else if (name_length == 7 && memcmp(name, ":status", 7) == 0) {
        one->good = length == 3 && memcmp(value, "200", 3) == 0;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context) {
    connection *from = context;
    request *one = nghttp2_session_get_stream_user_data(session, stream);
    if (error == 0 && one->good)
        took[answered++] = (long)((seconds() - one->began) * 1e6);
    else
        failed++;
    from->live--;
    submit(from);
    return 0;
}

static void dial(connection *to, const char *host, int port, nghttp2_session_callbacks *callbacks) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) leave("the host is not an IPv4 address");
    to->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(to->fd, (struct sockaddr *)&address, sizeof address) < 0) leave("no connection");
    setsockopt(to->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(to->fd, F_SETFL, O_NONBLOCK);
    if (nghttp2_session_client_new(&to->session, callbacks, to) < 0) leave("no session");
    nghttp2_submit_settings(to->session, NGHTTP2_FLAG_NONE, NULL, 0);
    nghttp2_session_set_local_window_size(to->session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
}

static void write_on(connection *to) {
    for (;;) {
        if (to->length == 0) {
            ssize_t ready = nghttp2_session_mem_send(to->session, &to->left);
            if (ready < 0) leave("a frame was not made");
            if (ready == 0) return;
            to->length = (size_t)ready;
        }
        ssize_t written = write(to->fd, to->left, to->length);
        if (written < 0 && errno == EAGAIN) return;
        if (written < 0) leave("a write failed");
        to->left += written;
        to->length -= (size_t)written;
    }
}

static void read_on(connection *from) {
    uint8_t buffer[65536];
    ssize_t arrived = read(from->fd, buffer, sizeof buffer);
    if (arrived < 0 && errno == EAGAIN) return;
    if (arrived <= 0) leave("the connection was closed");
    if (nghttp2_session_mem_recv(from->session, buffer, (size_t)arrived) < 0) leave("a frame was not understood");
}

static unsigned char *from_hex(const char *text, size_t *size) {
    *size = strlen(text) / 2;
    unsigned char *bytes = malloc(*size + 1);
    for (size_t place = 0; place < *size; place++) sscanf(text + 2 * place, "%2hhx", &bytes[place]);
    return bytes;
}

static void load(const char *name) {
    FILE *file = fopen(name, "r");
    char *line = NULL;
    size_t room = 0, held = 0;
    if (file == NULL) leave("no file of requests");
    while (getline(&line, &room, file) > 0) {
        if (count == held) requests = realloc(requests, (held = held ? 2 * held : 1024) * sizeof *requests);
        request one = {0};
        one.path = strdup(strtok(line, "\t"));
        one.key = strdup(strtok(NULL, "\t"));
        one.type = strdup(strtok(NULL, "\t"));
        one.body = from_hex(strtok(NULL, "\t\n"), &one.size);
        requests[count++] = one;
    }
    fclose(file);
    free(line);
    took = calloc(count, sizeof *took);
}

static void tell(double began) {
    struct rusage used;
    double clock = seconds() - began;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%zu %zu %.6f %.6f\n", answered, failed, clock, cpu);
    for (size_t place = 0; place < answered; place++) printf("%ld\n", took[place]);
}

int main(int given, char **arguments) {
    connection all[MOST_CONNECTIONS] = {0};
    struct pollfd watched[MOST_CONNECTIONS];
    nghttp2_session_callbacks *callbacks;
    if (given != 6) leave("HOST PORT CONNECTIONS STREAMS FILE are needed");
    int port = atoi(arguments[2]), connections = atoi(arguments[3]), streams = atoi(arguments[4]);
    if (connections < 1 || connections > MOST_CONNECTIONS) leave("1 to 64 connections");
    snprintf(authority, sizeof authority, "%s:%d", arguments[1], port);
    load(arguments[5]);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    for (int number = 0; number < connections; number++) dial(&all[number], arguments[1], port, callbacks);
    double began = seconds();
    for (int number = 0; number < connections * streams; number++) submit(&all[number % connections]);
    while (answered + failed < count) {
        for (int number = 0; number < connections; number++) {
            write_on(&all[number]);
            watched[number] = (struct pollfd){.fd = all[number].fd,
                                              .events = (short)(POLLIN | (all[number].length ? POLLOUT : 0))};
        }
        if (poll(watched, (nfds_t)connections, 30000) <= 0) leave("nothing came for 30 s");
        for (int number = 0; number < connections; number++)
            if (watched[number].revents) read_on(&all[number]);
    }
    tell(began);
    return 0;
}
