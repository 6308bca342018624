/* Embeds the compiled model EMBEDDED_MODEL, which the build passes, for embedded_model.c.
 * SPDX-License-Identifier: Apache-2.0 */
    .section .rodata
    .global embedded_model_begin
    .global embedded_model_end
    .balign 64
embedded_model_begin:
    .incbin EMBEDDED_MODEL
embedded_model_end:
    /* Without this, the program would ask for a stack that can be executed. */
    .section .note.GNU-stack, "", %progbits
