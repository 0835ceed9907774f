// Loads a kernel for kexec: kexec_load KERNEL WORDS. What `kexec -l` of kexec-tools does.
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    int kernel = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    if (kernel < 0 || syscall(SYS_kexec_file_load, kernel, -1, strlen(argv[2]) + 1, argv[2],
                              (unsigned long)KEXEC_FILE_NO_INITRAMFS) != 0)
        return perror("kexec_load"), 1;
    return 0;
}
