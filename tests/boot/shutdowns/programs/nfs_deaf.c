// An NFS server (RFC 1813, version 3, and its MOUNT protocol) for one directory and one file, and the mount of it:
// nfs_deaf DIR. It answers what is needed to create the file; once something is written it answers nothing any more, as a
// server does that the network has lost. What was written stays where it was: in the memory of the one who wrote.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

enum { port = 2049, program_nfs = 100003, program_mount = 100005 };
enum { root = 1, file = 2 }; // file handles, and numbers of the files
enum { not_there = 2, not_supported = 10004 };
enum { null = 0, mnt = 1 };
enum { getattr = 1, setattr, lookup, nfs_access, nfs_write = 7, create, fsstat = 18, fsinfo, conf, commit };

static uint32_t answer[256], call[64 << 10];
static size_t used, at, end; // words of the answer; of the call: where we are, and how many there are

static void put(uint32_t word) { answer[used++] = htonl(word); }
static void put_long(uint64_t number) {
    put((uint32_t)(number >> 32));
    put((uint32_t)number);
}
static void put_handle(uint32_t of) {
    put(sizeof of);
    put(of);
}
static uint32_t get(void) { return at < end ? ntohl(call[at++]) : 0; }
static void skip_bytes(void) {
    size_t words = (get() + 3) / 4;
    at = words > end - at ? end : at + words;
}
static uint32_t get_handle(void) { return get() == sizeof(uint32_t) ? get() : 0; }

static void put_attributes(uint32_t of) {
    put(of == root ? 2 : 1);
    put(of == root ? 0755 : 0644);
    put(1);
    for (int i = 0; i < 2; ++i) // user, group
        put(0);
    put_long(0); // size
    put_long(0); // used
    put_long(0); // device
    put_long(1); // file system
    put_long(of);
    for (int i = 0; i < 3; ++i) // times
        put_long(UINT64_C(1) << 32);
}
static void put_optional_attributes(uint32_t of) {
    put(1);
    put_attributes(of);
}
static void put_changes(uint32_t of) {
    put(0); // nothing of before
    put_optional_attributes(of);
}

static void serve_nfs(uint32_t procedure) {
    static int there;
    uint32_t of = procedure == null ? 0 : get_handle();
    switch (procedure) {
    case null: return;
    case getattr: put(0); return put_attributes(of);
    case setattr: put(0); return put_changes(of);
    case lookup:
        put(there ? 0 : not_there);
        if (there) {
            put_handle(file);
            put_optional_attributes(file);
        }
        return put_optional_attributes(of);
    case nfs_access:
        put(0);
        put_optional_attributes(of);
        return put(0x3f);
    case create:
        there = 1;
        put(0);
        put(1);
        put_handle(file);
        put_optional_attributes(file);
        return put_changes(root);
    case fsstat:
        put(0);
        put_optional_attributes(of);
        for (int i = 0; i < 6; ++i) // room, and files there may be
            put_long(1 << 20);
        return put(0);
    case fsinfo:
        put(0);
        put_optional_attributes(of);
        for (int i = 0; i < 7; ++i) // sizes of reads, writes and directories
            put(4096);
        put_long(1 << 20);
        put_long(1);
        return put(0x1b);
    case conf:
        put(0);
        put_optional_attributes(of);
        put(1);
        put(255);
        for (int i = 0; i < 4; ++i)
            put(1);
        return;
    case nfs_write:
    case commit:
        for (;;)
            pause();
    default: put(not_supported); return put(0);
    }
}

static void serve_mount(uint32_t procedure) {
    if (procedure != mnt)
        return;
    put(0);
    put_handle(root);
    put(1); // a way to say who one is
    put(1); // AUTH_SYS
}

// A fragment of a record (RFC 5531, 11), whole.
static size_t read_words(int from, void* to, size_t bytes) {
    return recv(from, to, bytes, MSG_WAITALL) == (ssize_t)bytes ? bytes / 4 : 0;
}

static void serve(int client) {
    uint32_t mark;
    while (read_words(client, &mark, sizeof mark) == 1) {
        uint32_t bytes = ntohl(mark) & 0x7fffffff;
        if (bytes > sizeof call || (end = read_words(client, call, bytes)) == 0)
            return;
        at = used = 0;
        put(0); // the mark
        put(get());
        at += 2; // a call, of version 2
        uint32_t program = get();
        at += 1; // its version
        uint32_t procedure = get();
        for (int i = 0; i < 2; ++i) { // who it is, and what proves it
            at += 1;
            skip_bytes();
        }
        put(1); // a reply
        put(0); // accepted
        put_long(0);
        put(program == program_nfs || program == program_mount ? 0 : 1);
        if (program == program_nfs)
            serve_nfs(procedure);
        else if (program == program_mount)
            serve_mount(procedure);
        answer[0] = htonl(0x80000000 | (uint32_t)(used * 4 - 4));
        if (send(client, answer, used * 4, MSG_NOSIGNAL) < 0)
            return;
    }
}

int main(int argc, char** argv) {
    if (argc < 2)
        return 2;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (listener < 0 || bind(listener, (struct sockaddr*)&here, sizeof here) != 0 || listen(listener, 8) != 0)
        return perror("listen"), 1;
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) {
        char options[200];
        snprintf(options, sizeof options,
                 "addr=127.0.0.1,vers=3,proto=tcp,port=%d,mountproto=tcp,mountport=%d,mountvers=3,nolock,noacl,hard",
                 port, port);
        if (mount("127.0.0.1:/", argv[1], "nfs", 0, options) != 0)
            perror("mount");
        _exit(0);
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0 && errno != EINTR && errno != ECONNABORTED)
            return perror("accept"), 1;
        if (client >= 0 && fork() == 0) {
            serve(client);
            _exit(0);
        }
        close(client);
    }
}
