/* Sends numbered messages by syslog(3), as many as it is told: sys_syslog TAG COUNT [GATE]. With GATE it first waits for
   that file to be there. Says `sent` when it has; then it stays, so that one sees that it was not hurt. */
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 3)
        return 64;
    struct timespec pause = {0, 10000000};
    while (argc > 3 && access(argv[3], F_OK) != 0)
        nanosleep(&pause, NULL);
    openlog(argv[1], LOG_PID, LOG_DAEMON);
    for (int i = 0; i < atoi(argv[2]); ++i)
        syslog(LOG_NOTICE, "%09d", i);
    puts("sent");
    fflush(stdout);
    for (;;)
        pause.tv_sec = 1000, nanosleep(&pause, NULL);
}
