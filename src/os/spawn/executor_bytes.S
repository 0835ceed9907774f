/* The bytes of the executor image (src/executor), which the build has made before. */
    .section .rodata.executor, "a"
    .balign 16
    .global mi_executor_begin
    .global mi_executor_end
mi_executor_begin:
    .incbin EXECUTOR
mi_executor_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
