// Listens at a port of vsock(7) and prints what each connection says.
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int listening(int type, unsigned port) {
    struct sockaddr_vm here = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
    int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr*)&here, sizeof here) != 0 || listen(fd, 8) != 0) {
        perror("listen");
        exit(1);
    }
    return fd;
}

int main(int argc, char** argv) {
    int fd = listening(SOCK_STREAM, argc > 1 ? (unsigned)atoi(argv[1]) : 1234);
    for (;;) {
        int from = accept(fd, NULL, NULL);
        char text[4096];
        ssize_t size;
        while (from >= 0 && (size = read(from, text, sizeof text)) > 0)
            if (write(1, text, (size_t)size) != size)
                return 1;
        close(from);
    }
}
