; SPDX-License-Identifier: BSD-3-Clause
; Readout neurons: they read the state of a block.
;
;     z = fit(relu(shift(C, k_C) + shift(D, k_D) + bias))
;
; C is the accumulator of C_re s_re + C_imn s_im, D that of the direct path D u.

.program readout

.param out_bits 16              ; width of the wire

.const k_C  per_neuron 8        ; shift of C, the factor 2 of conjugates included
.const k_D  per_neuron 8        ; shift of D
.const bias per_neuron 32       ; in units of z
.acc   C                        ; from the recurrence
.acc   D                        ; from the block's input, of the same token
.out   z out_bits               ; to the gate
.reg   v                        ; the sum on its way
.reg   w                        ; the second summand
.reg   t                        ; a constant of this neuron

        RDC     v, C            ; v = C s
        MOV     t, k_C          ; fetch its shift
        MUL_SHR v, v, 1, t      ; in units of z
        RDC     w, D            ; w = D u
        MOV     t, k_D          ; fetch its shift
        MUL_SHR w, w, 1, t      ; in units of z
        ADD     v, v, w         ; both paths
        MOV     t, bias         ; fetch the bias
        ADD     v, v, t         ; after the shifts
        GE      0, v            ; flag: ReLU leaves nothing
        SKP_C   1               ; then leave out the spike
        SPIKE   z, v            ; fitted to the wire's width
