// The service whose readiness is measured: says on the console that it is there, to its supervisor if there is one, and stays.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void) {
    const char text[] = "\n@ready@\n";
    const int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (write(console, text, sizeof text - 1) < 0)
        return 1;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char* path = getenv("NOTIFY_SOCKET");
    if (path != NULL && strlen(path) < sizeof to.sun_path) {
        strcpy(to.sun_path, path);
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr*)&to, sizeof to);
    }
    for (;;)
        pause();
}
